/**
 * What the calls on files have in common: from a descriptor to a file, limits, the end of a transfer.
 *
 * Neighbours: `fileops.ts`, `open.ts`, `fdops.ts`, `nameops.ts`. Invariant: a call that sleeps on a file holds it (`File#holdFor`), so
 * its next run sees the same file whatever became of the descriptor.
 */
import { EASYNC, i32, longLo, type long } from "@anax/portable";
import type { Uio } from "@anax/vm";
import type { Cred, Stat } from "@anax/vfs-msg";
import { FileHold, type File } from "./file";
import { RLIMIT_NOFILE } from "./limits";
import type { Lwp } from "./lwp";

/** The file of a descriptor, or the one that an earlier run of this call went to sleep on; null for -BADF. */
/* @inline */
export function fileOf(lwp: Lwp, fd: i32): File | null {
  return lwp.opObj === null ? lwp.proc.files!.get(fd) : heldFile(lwp, fd);
}

function heldFile(lwp: Lwp, fd: i32): File | null {
  const held = lwp.opObj;
  if (held !== null && held instanceof FileHold) return (held as FileHold).file;
  return lwp.proc.files!.get(fd);
}

/** Descriptors are below this. */
export function fdLimit(lwp: Lwp): i32 {
  const n = lwp.proc.limits.soft.get(RLIMIT_NOFILE);
  return n > 1048576 ? 1048576 : longLo(n) | 0;
}

/** Attributes of an object without a file system (pipe, socket, event): 0. */
export function anonymousStat(st: Stat, ino: i32, mode: i32, cred: Cred): i32 {
  st.dev = 0;
  st.ino = ino;
  st.mode = mode;
  st.nlink = 1;
  st.uid = cred.fsuid;
  st.gid = cred.fsgid;
  st.rdev = 0;
  st.size = 0;
  st.blksize = 4096;
  st.blocks = 0;
  st.atimeSec = 0;
  st.atimeNsec = 0;
  st.mtimeSec = 0;
  st.mtimeNsec = 0;
  st.ctimeSec = 0;
  st.ctimeNsec = 0;
  return 0;
}

/** Kernel memory for what one call makes. */
const SMALL_OBJECTS: i32 = 8192;

/** Whether the kernel can make some small objects and a descriptor for them now; otherwise the call is to be -NOMEM. */
export function heapOk(lwp: Lwp): boolean {
  const files = lwp.proc.files;
  // A table that is full doubles.
  return lwp.kernel.vm.heapRoom(files === null ? SMALL_OBJECTS : (files.length * 12 + SMALL_OBJECTS) | 0);
}

/**
 * The result of a read or write: bytes in all runs, or what stopped it before the first. `r` is 0, a negative errno or EASYNC;
 * `total` the bytes asked for.
 */
/* @inline */
export function transferred(lwp: Lwp, file: File, uio: Uio, total: long, r: i32): i32 {
  return r === 0 ? i32(total - uio.resid) : stopped(lwp, file, total - uio.resid, r);
}

/** A transfer that did not come to its end by itself. */
function stopped(lwp: Lwp, file: File, done: long, r: i32): i32 {
  if (r === EASYNC) {
    lwp.opDone = done;
    file.holdFor(lwp);
    return EASYNC;
  }
  return done === 0 ? r : i32(done);
}
