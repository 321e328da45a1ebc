/**
 * Bytes between a pipe and a file inside the kernel: splice, tee, vmsplice.
 *
 * They go through one buffer of the kernel's (`fc.bounce`). Neighbours: `pipe.ts`, `copy-range.ts`, `fileops.ts`.
 * Invariant: a pipe loses what the target took, never what was only copied out of it.
 * Source: splice(2), tee(2), vmsplice(2).
 */
import { EASYNC, Errno, i32, type long } from "@anax/portable";
import type { WaitQueue } from "@anax/lwkt";
import { IO_MAX, O_APPEND, O_NONBLOCK } from "./fcntl";
import { pipeOf } from "./fifo";
import type { File } from "./file";
import { fileOf } from "./file-util";
import { kernReadv, kernWritev } from "./fileops";
import type { Lwp } from "./lwp";
import type { Pipe } from "./pipe";
import { pipeSignal } from "./signal";

const SPLICE_F_NONBLOCK: i32 = 2;
const SPLICE_FLAGS: i32 = 15;

/** Nothing can be moved now: -AGAIN, -INTR, or EASYNC after the LWP was put on `queue`. */
function wait(lwp: Lwp, queue: WaitQueue, nonblock: boolean): i32 {
  if (nonblock) return -Errno.AGAIN;
  if (lwp.interrupted) return -Errno.INTR;
  queue.add(lwp);
  return EASYNC;
}

/** What stops a move before its first byte: 0 to go on (`end` of the source included), -PIPE, or as `wait`. */
function ready(lwp: Lwp, from: Pipe | null, to: Pipe | null, nonblock: boolean): i32 {
  if (to !== null && to.readers === 0) {
    pipeSignal(lwp);
    return -Errno.PIPE;
  }
  if (from !== null && from.count === 0 && from.writers > 0) return wait(lwp, from.readWait, nonblock);
  if (to !== null && to.free === 0) return wait(lwp, to.writeWait, nonblock);
  return 0;
}

/** The off_t at `uoffset` in `space.word`; -SPIPE for a pipe, which has none. */
function position(lwp: Lwp, pipe: Pipe | null, uoffset: long): i32 {
  if (uoffset === 0) return 0;
  if (pipe !== null) return -Errno.SPIPE;
  const space = lwp.proc.space!;
  const r = space.getLong(uoffset);
  if (r < 0) return r;
  return space.word < 0 ? -Errno.INVAL : 0;
}

/** splice(2): bytes moved, 0 at the end of the source. The offsets are addresses or 0; one side at least is a pipe. */
export function kernSplice(
  lwp: Lwp,
  inFd: i32,
  uInOffset: long,
  outFd: i32,
  uOutOffset: long,
  size: long,
  flags: i32,
): i32 {
  if ((flags & ~SPLICE_FLAGS) !== 0 || size < 0) return -Errno.INVAL;
  const files = lwp.proc.files!;
  const from = files.get(inFd);
  const to = files.get(outFd);
  if (from === null || !from.isReadable || to === null || !to.isWritable) return -Errno.BADF;
  const source = pipeOf(from);
  const target = pipeOf(to);
  if (source === null && target === null) return -Errno.INVAL;
  if (source !== null && source === target) return -Errno.INVAL;
  if (target === null && (to.flags & O_APPEND) !== 0) return -Errno.INVAL;
  const space = lwp.proc.space!;
  let r = position(lwp, source, uInOffset);
  if (r < 0) return r;
  let at: long = uInOffset !== 0 ? space.word : -1;
  r = position(lwp, target, uOutOffset);
  if (r < 0) return r;
  let toAt: long = uOutOffset !== 0 ? space.word : -1;
  if (size === 0) return 0;
  const nonblock =
    (flags & SPLICE_F_NONBLOCK) !== 0 ||
    (source !== null && from.isNonblocking) ||
    (target !== null && to.isNonblocking);
  r = ready(lwp, source, target, nonblock);
  if (r !== 0) return r;
  const most: long = size > IO_MAX ? IO_MAX : size;
  let done: long = 0;
  while (done < most) {
    const n = piece(lwp, from, source, at, to, target, toAt, most - done);
    if (n <= 0) {
      if (done === 0) return n;
      // The next piece may have begun to wait.
      lwp.leaveAll();
      break;
    }
    done = done + n;
    if (at >= 0) at = at + n;
    if (toAt >= 0) toAt = toAt + n;
  }
  if (uInOffset !== 0) r = space.putLong(uInOffset, at);
  if (r >= 0 && uOutOffset !== 0) r = space.putLong(uOutOffset, toAt);
  return r < 0 ? r : i32(done);
}

/** Moves one buffer's worth without waiting: bytes, 0 when nothing can be moved, or a negative errno or EASYNC. */
function piece(
  lwp: Lwp,
  from: File,
  source: Pipe | null,
  at: long,
  to: File,
  target: Pipe | null,
  toAt: long,
  most: long,
): i32 {
  const fc = lwp.kernel.fc;
  const buf = fc.bounce;
  let n: i32 = most < buf.length ? i32(most) : buf.length;
  if (target !== null && target.free < n) n = target.free;
  if (source !== null && source.count < n) n = source.count;
  if (n === 0) return 0;
  const input = fc.uio2;
  input.initKernel(buf, 0, n, true, at < 0 ? from.offset : at);
  let r: i32 = 0;
  if (source !== null) r = source.peek(input);
  else r = at < 0 ? from.read(input, lwp) : from.pread(input, lwp);
  const got: i32 = (n - i32(input.resid)) | 0;
  if (got === 0) return r;
  const output = fc.uio;
  output.initKernel(buf, 0, got, false, toAt < 0 ? 0 : toAt);
  if (target !== null) r = target.give(output);
  else r = toAt < 0 ? to.write(output, lwp) : to.pwrite(output, lwp);
  const taken: i32 = (got - i32(output.resid)) | 0;
  if (source !== null) source.used(taken);
  else if (at < 0 && taken < got) from.offset = from.offset - ((got - taken) | 0);
  return taken > 0 ? taken : r;
}

/** tee(2): copies what is in one pipe to another and leaves it. */
export function kernTee(lwp: Lwp, inFd: i32, outFd: i32, size: long, flags: i32): i32 {
  if ((flags & ~SPLICE_FLAGS) !== 0 || size < 0) return -Errno.INVAL;
  const files = lwp.proc.files!;
  const from = files.get(inFd);
  const to = files.get(outFd);
  if (from === null || !from.isReadable || to === null || !to.isWritable) return -Errno.BADF;
  const source = pipeOf(from);
  const target = pipeOf(to);
  if (source === null || target === null || source === target) return -Errno.INVAL;
  if (size === 0) return 0;
  const nonblock = (flags & SPLICE_F_NONBLOCK) !== 0 || from.isNonblocking || to.isNonblocking;
  const r = ready(lwp, source, target, nonblock);
  if (r !== 0) return r;
  const fc = lwp.kernel.fc;
  const buf = fc.bounce;
  let n: i32 = size < buf.length ? i32(size) : buf.length;
  if (source.count < n) n = source.count;
  if (target.free < n) n = target.free;
  fc.uio2.initKernel(buf, 0, n, true, 0);
  source.peek(fc.uio2);
  fc.uio.initKernel(buf, 0, n, false, 0);
  const e = target.give(fc.uio);
  const given: i32 = (n - i32(fc.uio.resid)) | 0;
  return given > 0 ? given : e;
}

/** vmsplice(2): to the write end as writev(2) but no more than there is room for, from the read end as readv(2). */
export function kernVmsplice(lwp: Lwp, fd: i32, uiov: long, count: i32, flags: i32): i32 {
  if ((flags & ~SPLICE_FLAGS) !== 0) return -Errno.INVAL;
  const file = fileOf(lwp, fd);
  if (file === null) return -Errno.BADF;
  const pipe = pipeOf(file);
  if (pipe === null) return -Errno.BADF;
  const full = file.isWritable ? pipe.free === 0 && pipe.readers > 0 : pipe.count === 0 && pipe.writers > 0;
  if ((flags & SPLICE_F_NONBLOCK) !== 0 && full && count > 0) return -Errno.AGAIN;
  if (!file.isWritable) return kernReadv(lwp, fd, uiov, count);
  if (full || file.isNonblocking) return kernWritev(lwp, fd, uiov, count);
  file.flags |= O_NONBLOCK;
  const r = kernWritev(lwp, fd, uiov, count);
  file.flags &= ~O_NONBLOCK;
  // Less room than a write of PIPE_BUF bytes takes at once.
  return r === -Errno.AGAIN ? kernWritev(lwp, fd, uiov, count) : r;
}
