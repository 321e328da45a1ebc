/**
 * Waiting for files: poll and select.
 *
 * The files' `poll` registers the LWP on their wait queues; a wake-up runs the call again. Time limits are the LWP's timer.
 * Neighbours: `epoll.ts`, `file.ts`. Invariant: the LWP is on wait queues only when the call answers EASYNC.
 * Source: poll(2), select(2), POSIX poll, select.
 */
import { EASYNC, Errno, fillBytes, getI32, getU16, i32, putU16, toLong, u32, type long } from "@anax/portable";
import type { Waiter } from "@anax/lwkt";
import {
  O_PATH,
  POLLERR,
  POLLHUP,
  POLLIN,
  POLLNVAL,
  POLLOUT,
  POLLPRI,
  POLLRDBAND,
  POLLRDNORM,
  POLLWRBAND,
  POLLWRNORM,
} from "./fcntl";
import { RLIMIT_NOFILE } from "./limits";
import type { Lwp } from "./lwp";

const POLLFD_SIZE: i32 = 8;
/** Entries of a pollfd array that are brought in at a time. */
const CHUNK: i32 = 512;
/** Most descriptors of a select: three sets in and three out, of `SET_BYTES` each, share the scratch page. */
const SELECT_MAX: i32 = 4096;
const SET_BYTES: i32 = 512;
/** What makes a descriptor readable and writable to select. */
const READ_EVENTS: i32 = POLLRDNORM | POLLRDBAND | POLLIN;
const WRITE_EVENTS: i32 = POLLWRBAND | POLLWRNORM | POLLOUT;

/**
 * Ends or suspends a wait: what to return when nothing is ready. 0 when the time is over, -INTR, or EASYNC. `timeout` is the
 * call's argument in ns; negative waits for ever.
 */
export function waitFor(lwp: Lwp, timeout: long): i32 {
  let r: i32 = EASYNC;
  if (timeout === 0 || lwp.isLate) r = 0;
  else if (lwp.interrupted) r = -Errno.INTR;
  if (r !== EASYNC) {
    lwp.leaveAll();
    return r;
  }
  if (timeout > 0) lwp.limit(lwp.opDeadline < 0 ? lwp.kernel.now() + timeout : lwp.opDeadline);
  return EASYNC;
}

/** poll(2), ppoll(2) without its mask. `timeout` in ns; -1 waits for ever. */
export function kernPoll(lwp: Lwp, ufds: long, count: i32, timeout: long): i32 {
  if (count < 0 || count > lwp.proc.limits.soft.get(RLIMIT_NOFILE)) return -Errno.INVAL;
  const files = lwp.proc.files!;
  const space = lwp.proc.space!;
  const buf = lwp.kernel.fc.scratch;
  let ready: i32 = 0;
  // One pass asks and registers at the same time; once something is ready there is nothing to wait for.
  let waiter: Waiter | null = timeout === 0 || lwp.isLate ? null : lwp;
  let at: i32 = 0;
  while (at < count) {
    let n: i32 = (count - at) | 0;
    if (n > CHUNK) n = CHUNK;
    const bytes: i32 = (n * POLLFD_SIZE) | 0;
    const ua: long = ufds + toLong(at) * POLLFD_SIZE;
    let r = space.copyin(ua, buf, 0, bytes);
    if (r < 0) return givenUp(lwp, r);
    for (let off: i32 = 0; off < bytes; off = (off + POLLFD_SIZE) | 0) {
      const fd = getI32(buf, off);
      let revents: i32 = 0;
      if (fd >= 0) {
        const file = files.get(fd);
        if (file === null || (file.flags & O_PATH) !== 0) revents = POLLNVAL;
        else revents = file.poll(i32(getU16(buf, (off + 4) | 0)), waiter);
        if (revents !== 0) {
          ready++;
          if (waiter !== null) {
            lwp.leaveAll();
            waiter = null;
          }
        }
      }
      putU16(buf, (off + 6) | 0, u32(revents));
    }
    r = space.copyout(buf, 0, ua, bytes);
    if (r < 0) return givenUp(lwp, r);
    at = (at + n) | 0;
  }
  return ready > 0 ? ready : waitFor(lwp, timeout);
}

/** The call ends with an error: off the queues, unless it waits for a page of user memory. */
function givenUp(lwp: Lwp, r: i32): i32 {
  if (r !== EASYNC) lwp.leaveAll();
  return r;
}

function mark(buf: Uint8Array, at: i32, bit: i32): void {
  buf[at] = buf[at] | bit;
}

/** select(2), pselect6(2) without its mask. Sets are user addresses or 0. */
export function kernSelect(lwp: Lwp, count: i32, uread: long, uwrite: long, uexcept: long, timeout: long): i32 {
  if (count < 0) return -Errno.INVAL;
  const files = lwp.proc.files!;
  let n = count;
  // As on Linux, whose smallest table has 64 descriptors: what lies beyond the table is not looked at.
  const known: i32 = files.length > 64 ? files.length : 64;
  if (n > known) n = known;
  if (n > SELECT_MAX) n = SELECT_MAX;
  const bytes: i32 = (((n + 63) >> 6) << 3) | 0;
  const space = lwp.proc.space!;
  const buf = lwp.kernel.fc.scratch;
  let r: i32 = 0;
  fillBytes(buf, 0, SET_BYTES * 6, 0);
  if (uread !== 0) r = space.copyin(uread, buf, 0, bytes);
  if (r >= 0 && uwrite !== 0) r = space.copyin(uwrite, buf, SET_BYTES, bytes);
  if (r >= 0 && uexcept !== 0) r = space.copyin(uexcept, buf, SET_BYTES * 2, bytes);
  if (r < 0) return r;
  let ready: i32 = 0;
  let waiter: Waiter | null = timeout === 0 || lwp.isLate ? null : lwp;
  for (let fd: i32 = 0; fd < n; fd++) {
    const at = fd >> 3;
    const bit: i32 = 1 << (fd & 7);
    const wantRead = (buf[at] & bit) !== 0;
    const wantWrite = (buf[SET_BYTES + at] & bit) !== 0;
    const wantExcept = (buf[SET_BYTES * 2 + at] & bit) !== 0;
    if (!wantRead && !wantWrite && !wantExcept) continue;
    const file = files.get(fd);
    if (file === null || (file.flags & O_PATH) !== 0) {
      lwp.leaveAll();
      return -Errno.BADF;
    }
    let events: i32 = 0;
    if (wantRead) events |= READ_EVENTS;
    if (wantWrite) events |= WRITE_EVENTS;
    if (wantExcept) events |= POLLPRI;
    const got = file.poll(events, waiter);
    let hits: i32 = 0;
    if (wantRead && (got & (READ_EVENTS | POLLHUP | POLLERR)) !== 0) {
      mark(buf, (SET_BYTES * 3 + at) | 0, bit);
      hits++;
    }
    if (wantWrite && (got & (WRITE_EVENTS | POLLERR)) !== 0) {
      mark(buf, (SET_BYTES * 4 + at) | 0, bit);
      hits++;
    }
    if (wantExcept && (got & POLLPRI) !== 0) {
      mark(buf, (SET_BYTES * 5 + at) | 0, bit);
      hits++;
    }
    if (hits > 0) {
      ready = (ready + hits) | 0;
      if (waiter !== null) {
        lwp.leaveAll();
        waiter = null;
      }
    }
  }
  if (ready === 0) {
    r = waitFor(lwp, timeout);
    if (r !== 0) return r;
  }
  r = 0;
  if (uread !== 0) r = space.copyout(buf, SET_BYTES * 3, uread, bytes);
  if (r >= 0 && uwrite !== 0) r = space.copyout(buf, SET_BYTES * 4, uwrite, bytes);
  if (r >= 0 && uexcept !== 0) r = space.copyout(buf, SET_BYTES * 5, uexcept, bytes);
  return r < 0 ? r : ready;
}
