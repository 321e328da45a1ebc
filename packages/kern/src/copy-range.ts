/**
 * Bytes from one file to another inside the kernel: sendfile, copy_file_range.
 *
 * They go through one buffer of the kernel's (`fc.bounce`), so that each piece is one read and one write.
 * Neighbours: `fileops.ts`, `file.ts`. Invariant: the source's offset moves by what the target took, never by what was only read.
 * Source: sendfile(2), copy_file_range(2).
 */
import { EASYNC, Errno, i32, type long } from "@anax/portable";
import { FK_VNODE, type File } from "./file";
import { IO_MAX, O_APPEND } from "./fcntl";
import { fileOf } from "./file-util";
import type { Lwp } from "./lwp";

/**
 * Copies up to `size` bytes from `from` at `position`. The bytes the target took, or what stopped the first piece; EASYNC when the
 * target is to be waited for (`lwp.opDone` then has grown by what it took so far). `at` < 0: at the target's own offset.
 */
function copyBytesOf(lwp: Lwp, from: File, position: long, to: File, at: long, size: long): long {
  const fc = lwp.kernel.fc;
  const source = fc.uio2;
  const target = fc.uio;
  const buf = fc.bounce;
  let done: long = 0;
  while (done < size) {
    let n: i32 = buf.length;
    if (size - done < n) n = i32(size - done);
    source.initKernel(buf, 0, n, true, position + done);
    let r = from.pread(source, lwp);
    const got: i32 = (n - i32(source.resid)) | 0;
    if (got === 0) return r < 0 && done === 0 ? r : done;
    target.initKernel(buf, 0, got, false, at < 0 ? 0 : at + done);
    r = at < 0 ? to.write(target, lwp) : to.pwrite(target, lwp);
    const taken: long = got - target.resid;
    done = done + taken;
    lwp.opDone = lwp.opDone + taken;
    if (r === EASYNC) return EASYNC;
    if (r < 0 || taken === 0) return r < 0 && done === 0 ? r : done;
  }
  return done;
}

/** The off_t at a user address: 0 in `space.word`, or a negative errno. -INVAL when it is negative. */
function userOffset(lwp: Lwp, uoffset: long): i32 {
  const space = lwp.proc.space!;
  const r = space.getLong(uoffset);
  if (r < 0) return r;
  return space.word < 0 ? -Errno.INVAL : 0;
}

/** sendfile(2). `uoffset` is the address of an off_t or 0. */
export function kernSendfile(lwp: Lwp, outFd: i32, inFd: i32, uoffset: long, size: long): i32 {
  const from = lwp.proc.files!.get(inFd);
  const to = fileOf(lwp, outFd);
  if (from === null || !from.isReadable || to === null || !to.isWritable) return -Errno.BADF;
  if (size < 0) return -Errno.INVAL;
  if ((to.flags & O_APPEND) !== 0) return -Errno.INVAL;
  const space = lwp.proc.space!;
  let start: long = from.offset;
  if (uoffset !== 0) {
    const r = userOffset(lwp, uoffset);
    if (r < 0) return r;
    start = space.word;
  }
  if (from.kind !== FK_VNODE || !from.vnode!.isReg) return uoffset !== 0 ? -Errno.SPIPE : -Errno.INVAL;
  const before = lwp.opDone;
  // With an address the position there stays until the call ends; the file's own moves with every run.
  const position: long = uoffset !== 0 ? start + before : start;
  const most: long = (size > IO_MAX ? IO_MAX : size) - before;
  const moved = copyBytesOf(lwp, from, position, to, -1, most);
  if (uoffset === 0) from.offset = start + (lwp.opDone - before);
  if (moved === EASYNC) {
    to.holdFor(lwp);
    return EASYNC;
  }
  if (moved < 0 && lwp.opDone === 0) return i32(moved);
  if (uoffset !== 0) {
    const r = space.putLong(uoffset, start + lwp.opDone);
    if (r < 0) return r;
  }
  return i32(lwp.opDone);
}

/** copy_file_range(2). The offsets are addresses or 0. */
export function kernCopyFileRange(lwp: Lwp, inFd: i32, uInOffset: long, outFd: i32, uOutOffset: long, size: long): i32 {
  const files = lwp.proc.files!;
  const from = files.get(inFd);
  const to = files.get(outFd);
  if (from === null || !from.isReadable || to === null || !to.isWritable) return -Errno.BADF;
  if ((to.flags & O_APPEND) !== 0) return -Errno.BADF;
  const fromVnode = from.vnode;
  const toVnode = to.vnode;
  if (fromVnode === null || toVnode === null) return -Errno.INVAL;
  if (fromVnode.isDir || toVnode.isDir) return -Errno.ISDIR;
  if (!fromVnode.isReg || !toVnode.isReg) return -Errno.INVAL;
  const space = lwp.proc.space!;
  let start: long = from.offset;
  let target: long = to.offset;
  if (uInOffset !== 0) {
    const r = userOffset(lwp, uInOffset);
    if (r < 0) return r;
    start = space.word;
  }
  if (uOutOffset !== 0) {
    const r = userOffset(lwp, uOutOffset);
    if (r < 0) return r;
    target = space.word;
  }
  if (size < 0) return -Errno.OVERFLOW;
  let n: long = size > IO_MAX ? IO_MAX : size;
  if (start >= fromVnode.size) return 0;
  if (start + n > fromVnode.size) n = fromVnode.size - start;
  if (fromVnode === toVnode && start < target + n && target < start + n) return -Errno.INVAL;
  const moved = copyBytesOf(lwp, from, start, to, target, n);
  if (moved < 0) return i32(moved);
  if (uInOffset === 0) from.offset = start + moved;
  else {
    const r = space.putLong(uInOffset, start + moved);
    if (r < 0) return r;
  }
  if (uOutOffset === 0) to.offset = target + moved;
  else {
    const r = space.putLong(uOutOffset, target + moved);
    if (r < 0) return r;
  }
  return i32(moved);
}
