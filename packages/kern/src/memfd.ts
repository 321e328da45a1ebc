/**
 * memfd_create(2): a file without a name.
 *
 * Neighbours: vfs-msg's tmpfs, `vnode-file.ts`. Invariant: the file has no link, so the last close frees it.
 */
import { Errno, type i32, type long } from "@anax/portable";
import type { Lwp } from "./lwp";


/** memfd_create(2). */
export function kernMemfdCreate(_lwp: Lwp, _uname: long, _flags: i32): i32 {
  return -Errno.NOSYS;
}
