/**
 * The initramfs: newc cpio archives, concatenated, each plain or gzip'd, unpacked into the root file system.
 *
 * Key type `Initramfs`. Neighbours: `source.ts`, `vfs.ts`.
 * Source: Linux Documentation/driver-api/early-userspace/buffer-format.rst; cpio(5); RFC 1951, RFC 1952.
 */
import { Errno, type i32, type long } from "@anax/portable";
import type { NcHandle } from "../namecache";
import type { Vfs } from "../vfs";
import type { ByteSource } from "./source";

/** One unpacking. */
export class Initramfs {
  /** What is wrong and where, when `unpack` failed. */
  error: string = "";
  entries: i32 = 0;
  /** Bytes of file contents. */
  bytes: long = 0;

  constructor(
    private readonly vfs: Vfs,
    private readonly source: ByteSource,
  ) {}

  /** Unpacks everything below `root`. 0; -INVAL for a broken archive, -NOMEM or -NOSPC, with `error` set. */
  unpack(_root: NcHandle): i32 {
    return -Errno.NOSYS;
  }
}
