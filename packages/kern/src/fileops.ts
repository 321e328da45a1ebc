/**
 * System calls on open files: read and write in all forms, seek, stat, truncate, directories.
 *
 * Each takes the calling LWP and decoded arguments; addresses of user memory are `long`. Results are `>= 0`, a negative
 * errno, or EASYNC (the LWP is on wait queues, the call is to be run again from its start).
 * Neighbours: `open.ts`, `fdops.ts`, `nameops.ts`, `copy-range.ts`; `file.ts` (what they call).
 * Invariant: a run that answers EASYNC leaves the bytes moved so far in `lwp.opDone`; the next run passes over them.
 */
import { Errno, i32, type long } from "@anax/portable";
import type { Uio } from "@anax/vm";
import { FALLOC_KEEP_SIZE, type DirSink, type Stat } from "@anax/vfs-msg";
import { IO_MAX, O_PATH, SEEK_CUR } from "./fcntl";
import type { File } from "./file";
import { fileOf, transferred } from "./file-util";
import { RLIMIT_FSIZE } from "./limits";
import type { Lwp } from "./lwp";
import { lwpSignal } from "./signal";
import { SIGXFSZ } from "./sigdefs";

/** read(2): bytes read, 0 at the end. */
export function kernRead(lwp: Lwp, fd: i32, ubuf: long, size: long): i32 {
  const file = fileOf(lwp, fd);
  if (file === null || !file.isReadable) return -Errno.BADF;
  if (size < 0) return -Errno.INVAL;
  const n: long = size > IO_MAX ? IO_MAX : size;
  const uio = lwp.kernel.fc.uio;
  uio.initUser(lwp.proc.space!, ubuf, n, true, 0);
  if (lwp.opDone > 0) uio.skip(lwp.opDone);
  return transferred(lwp, file, uio, n, file.read(uio, lwp));
}

/** write(2): bytes written. */
export function kernWrite(lwp: Lwp, fd: i32, ubuf: long, size: long): i32 {
  const file = fileOf(lwp, fd);
  if (file === null || !file.isWritable) return -Errno.BADF;
  if (size < 0) return -Errno.INVAL;
  const n: long = size > IO_MAX ? IO_MAX : size;
  const uio = lwp.kernel.fc.uio;
  uio.initUser(lwp.proc.space!, ubuf, n, false, 0);
  if (lwp.opDone > 0) uio.skip(lwp.opDone);
  return transferred(lwp, file, uio, n, file.write(uio, lwp));
}

/** Describes the user's iovecs; cut at IO_MAX. The bytes in all, a negative errno, or EASYNC. */
function vectors(lwp: Lwp, uio: Uio, uiov: long, count: i32, isRead: boolean, offset: long): long {
  const r = uio.initIovecs(lwp.proc.space!, uiov, count, isRead, offset);
  if (r < 0) return r;
  if (uio.resid > IO_MAX) uio.resid = IO_MAX;
  const total = uio.resid;
  if (lwp.opDone > 0) uio.skip(lwp.opDone);
  return total;
}

/** readv(2). `uiov` is the user's array of struct iovec. */
export function kernReadv(lwp: Lwp, fd: i32, uiov: long, count: i32): i32 {
  const file = fileOf(lwp, fd);
  if (file === null || !file.isReadable) return -Errno.BADF;
  const uio = lwp.kernel.fc.uio;
  const total = vectors(lwp, uio, uiov, count, true, 0);
  if (total < 0) return i32(total);
  return transferred(lwp, file, uio, total, file.read(uio, lwp));
}

/** writev(2). */
export function kernWritev(lwp: Lwp, fd: i32, uiov: long, count: i32): i32 {
  const file = fileOf(lwp, fd);
  if (file === null || !file.isWritable) return -Errno.BADF;
  const uio = lwp.kernel.fc.uio;
  const total = vectors(lwp, uio, uiov, count, false, 0);
  if (total < 0) return i32(total);
  return transferred(lwp, file, uio, total, file.write(uio, lwp));
}

/** pread64(2). */
export function kernPread(lwp: Lwp, fd: i32, ubuf: long, size: long, offset: long): i32 {
  const file = fileOf(lwp, fd);
  if (file === null || (file.flags & O_PATH) !== 0) return -Errno.BADF;
  if (offset < 0 || size < 0) return -Errno.INVAL;
  if (!file.hasPositions) return -Errno.SPIPE;
  if (!file.isReadable) return -Errno.BADF;
  const n: long = size > IO_MAX ? IO_MAX : size;
  const uio = lwp.kernel.fc.uio;
  uio.initUser(lwp.proc.space!, ubuf, n, true, offset);
  if (lwp.opDone > 0) uio.skip(lwp.opDone);
  return transferred(lwp, file, uio, n, file.pread(uio, lwp));
}

/** pwrite64(2). */
export function kernPwrite(lwp: Lwp, fd: i32, ubuf: long, size: long, offset: long): i32 {
  const file = fileOf(lwp, fd);
  if (file === null || (file.flags & O_PATH) !== 0) return -Errno.BADF;
  if (offset < 0 || size < 0) return -Errno.INVAL;
  if (!file.hasPositions) return -Errno.SPIPE;
  if (!file.isWritable) return -Errno.BADF;
  const n: long = size > IO_MAX ? IO_MAX : size;
  const uio = lwp.kernel.fc.uio;
  uio.initUser(lwp.proc.space!, ubuf, n, false, offset);
  if (lwp.opDone > 0) uio.skip(lwp.opDone);
  return transferred(lwp, file, uio, n, file.pwrite(uio, lwp));
}

/** preadv(2); offset -1 is the file's own (preadv2). */
export function kernPreadv(lwp: Lwp, fd: i32, uiov: long, count: i32, offset: long): i32 {
  if (offset === -1) return kernReadv(lwp, fd, uiov, count);
  const file = fileOf(lwp, fd);
  if (file === null || (file.flags & O_PATH) !== 0) return -Errno.BADF;
  if (offset < 0) return -Errno.INVAL;
  if (!file.hasPositions) return -Errno.SPIPE;
  if (!file.isReadable) return -Errno.BADF;
  const uio = lwp.kernel.fc.uio;
  const total = vectors(lwp, uio, uiov, count, true, offset);
  if (total < 0) return i32(total);
  return transferred(lwp, file, uio, total, file.pread(uio, lwp));
}

/** pwritev(2). */
export function kernPwritev(lwp: Lwp, fd: i32, uiov: long, count: i32, offset: long): i32 {
  if (offset === -1) return kernWritev(lwp, fd, uiov, count);
  const file = fileOf(lwp, fd);
  if (file === null || (file.flags & O_PATH) !== 0) return -Errno.BADF;
  if (offset < 0) return -Errno.INVAL;
  if (!file.hasPositions) return -Errno.SPIPE;
  if (!file.isWritable) return -Errno.BADF;
  const uio = lwp.kernel.fc.uio;
  const total = vectors(lwp, uio, uiov, count, false, offset);
  if (total < 0) return i32(total);
  return transferred(lwp, file, uio, total, file.pwrite(uio, lwp));
}

/** A file that may be worked on (not O_PATH), or null for -BADF. */
function workingFile(lwp: Lwp, fd: i32): File | null {
  const file = fileOf(lwp, fd);
  return file === null || (file.flags & O_PATH) !== 0 ? null : file;
}

/** lseek(2): the new offset. */
export function kernLseek(lwp: Lwp, fd: i32, offset: long, whence: i32): long {
  const file = workingFile(lwp, fd);
  if (file === null) return -Errno.BADF;
  return file.seek(offset, whence, lwp);
}

/** fstat(2). */
export function kernFstat(lwp: Lwp, fd: i32, st: Stat): i32 {
  const file = fileOf(lwp, fd);
  if (file === null) return -Errno.BADF;
  return file.stat(st, lwp);
}

/** ftruncate(2). */
export function kernFtruncate(lwp: Lwp, fd: i32, length: long): i32 {
  const file = workingFile(lwp, fd);
  if (file === null) return -Errno.BADF;
  if (length < 0 || !file.isWritable) return -Errno.INVAL;
  return file.truncate(length, lwp);
}

/** fallocate(2). */
export function kernFallocate(lwp: Lwp, fd: i32, mode: i32, offset: long, length: long): i32 {
  const file = workingFile(lwp, fd);
  if (file === null || !file.isWritable) return -Errno.BADF;
  if (offset < 0 || length <= 0) return -Errno.INVAL;
  const vp = file.vnode;
  if (vp === null) return file.seek(0, SEEK_CUR, lwp) === -Errno.SPIPE ? -Errno.SPIPE : -Errno.NODEV;
  if (vp.isFifo) return -Errno.SPIPE;
  if (vp.isDir) return -Errno.ISDIR;
  if (!vp.isReg) return -Errno.NODEV;
  const end: long = offset + length;
  if (end < 0) return -Errno.FBIG;
  const grows = (mode & FALLOC_KEEP_SIZE) === 0 && end > vp.size;
  if (grows && end > lwp.proc.limits.soft.get(RLIMIT_FSIZE)) {
    lwpSignal(lwp, SIGXFSZ);
    return -Errno.FBIG;
  }
  const r = file.allocateCheck(mode, end);
  if (r < 0) return r;
  return lwp.kernel.fc.vfs.fallocate(vp, mode, offset, length);
}

/** fsync(2), fdatasync(2). */
export function kernFsync(lwp: Lwp, fd: i32): i32 {
  const file = workingFile(lwp, fd);
  if (file === null) return -Errno.BADF;
  return file.fsync(lwp);
}

/** getdents64(2): entries from the file offset on go to the sink, which encodes them. 0 or -errno. */
export function kernGetdents(lwp: Lwp, fd: i32, sink: DirSink): i32 {
  const file = workingFile(lwp, fd);
  if (file === null) return -Errno.BADF;
  return file.readdir(sink, lwp);
}
