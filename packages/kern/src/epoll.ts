/**
 * epoll(7): a set of files watched over many waits, by level or by edge.
 *
 * Neighbours: `poll.ts`, `file.ts`. Invariant: an item whose file may be ready is on its set's ready list or registered on the file's queues.
 */
import { Errno, type i32, type long } from "@anax/portable";
import type { Lwp } from "./lwp";


/** epoll_create1(2). */
export function kernEpollCreate(_lwp: Lwp, _flags: i32): i32 {
  return -Errno.NOSYS;
}

/** epoll_ctl(2). `uevent` is the address of a packed struct epoll_event. */
export function kernEpollCtl(_lwp: Lwp, _epfd: i32, _op: i32, _fd: i32, _uevent: long): i32 {
  return -Errno.NOSYS;
}

/** epoll_wait(2), epoll_pwait(2) without its mask. `timeout` in ns; -1 waits for ever. */
export function kernEpollWait(_lwp: Lwp, _epfd: i32, _uevents: long, _most: i32, _timeout: long): i32 {
  return -Errno.NOSYS;
}
