/**
 * procfs: the kernel and its processes as files.
 *
 * Key type `ProcFs`, registered as type `proc` with the kernel's `ProcSource`. Neighbours: `source.ts`.
 * Source: proc(5).
 */
import { Errno, type i32 } from "@anax/portable";
import type { Vfs } from "../vfs";
import type { ProcFile, ProcSource } from "./source";

export class ProcFs {
  constructor(
    readonly vfs: Vfs,
    readonly source: ProcSource,
  ) {}

  /** An extra file at `path` (`anax/unknown_syscalls`), with the directories in it. 0 or -EXIST. */
  addFile(_path: string, _file: ProcFile): i32 {
    return -Errno.NOSYS;
  }
}
