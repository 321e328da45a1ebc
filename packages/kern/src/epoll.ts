/**
 * epoll(7): a set of files watched over many waits, by level or by edge.
 *
 * Key types `EpollFile` (a set), `EpollItem` (one watched file). An item is a waiter itself: it is registered on its file's wait
 * queues, and a wake-up puts it on the set's ready list. Neighbours: `file.ts` (the list of items of a file), `poll.ts`.
 * Invariant: an item that can report is on its set's ready list or registered on its file's queues; level-triggered items
 * stay on the list while they report, edge-triggered ones leave it with each report.
 * Source: epoll(7), epoll_ctl(2), epoll_wait(2).
 */
import { EASYNC, Errno, getLong, getU32, putLong, putU32, u32, type i32, type long } from "@anax/portable";
import { WaitQueue, type Waiter } from "@anax/lwkt";
import type { Cred, Stat } from "@anax/vfs-msg";
import { O_CLOEXEC, O_PATH, O_RDWR, POLLERR, POLLHUP, POLLIN, POLLRDNORM } from "./fcntl";
import { FK_EPOLL, File, FileHold, FileWatcher } from "./file";
import { anonymousStat, fdLimit, fileOf, heapOk } from "./file-util";
import type { Lwp } from "./lwp";
import { waitFor } from "./poll";

const EPOLL_CTL_ADD: i32 = 1;
const EPOLL_CTL_DEL: i32 = 2;
const EPOLL_CTL_MOD: i32 = 3;

export const EPOLLEXCLUSIVE: u32 = 0x10000000;
export const EPOLLWAKEUP: u32 = 0x20000000;
export const EPOLLONESHOT: u32 = 0x40000000;
export const EPOLLET: u32 = 0x80000000;
const EVENT_BITS: u32 = 0x0000ffff;
/** What may stand beside EPOLLEXCLUSIVE: IN, OUT, their NORM and BAND forms, ERR, HUP, WAKEUP, ET. */
const EXCLUSIVE_WITH: u32 = 0xb00003dd;

/** Bytes of the packed struct epoll_event. */
const EVENT_SIZE: i32 = 12;
/** Events handed out by one wait: what fits into the scratch page. */
const EVENTS_MAX: i32 = 340;
/** Sets within sets: chains of more are refused, and with them circles. */
const CHAIN_MAX: i32 = 5;
/** Ways from a file up to sets that are in no other, by their length: more are refused, since each may be walked at an event. */
const PATHS_MAX: i32[] = [1000000, 500, 100, 50, 10];

/** One watched file. Owned by its set; linked into the file's list of watchers. */
export class EpollItem extends FileWatcher {
  /** EPOLL* bits; the event bits are 0 after a one-shot report. */
  events: u32 = 0;
  data: long = 0;
  /** On the ready list. */
  queued: boolean = false;
  readyNext: EpollItem | null = null;
  removed: boolean = false;
  /** Its place in the set's array. */
  index: i32 = 0;

  constructor(
    readonly set: EpollFile,
    readonly file: File,
    readonly fd: i32,
  ) {
    super();
  }

  /** The file may be ready. */
  override wake(): void {
    if (!this.removed) this.set.becameReady(this);
  }

  override fileClosed(): void {
    this.set.remove(this);
  }
}

/**
 * A set of watched files.
 *
 * | field | meaning |
 * |---|---|
 * | sleepers | LWPs in epoll_wait: one is woken for an event, and wakes the next when it leaves events behind |
 * | wait | who polls the set itself, sets that watch it among them |
 * | items | all items, in no order |
 * | readyHead, readyTail | items that may have something to report |
 */
export class EpollFile extends File {
  readonly sleepers: WaitQueue = new WaitQueue();
  readonly wait: WaitQueue = new WaitQueue();
  private readonly items: EpollItem[] = [];
  private readyHead: EpollItem | null = null;
  private readyTail: EpollItem | null = null;
  /** Marks of one walk over sets within sets: its number, and what was found for this set. */
  private walk: i32 = 0;
  private walkDepth: i32 = 0;
  private sleeping: EpollHold | null = null;
  private readonly ino: i32;

  constructor(flags: i32, cred: Cred, ino: i32) {
    super(FK_EPOLL, flags, cred);
    this.ino = ino;
  }

  /** What a call in epoll_wait keeps. */
  get sleeperHold(): EpollHold {
    let h = this.sleeping;
    if (h === null) {
      h = new EpollHold(this);
      this.sleeping = h;
    }
    return h;
  }

  find(file: File, fd: i32): EpollItem | null {
    let w = file.watchers;
    while (w !== null) {
      if (w instanceof EpollItem) {
        const item = w as EpollItem;
        if (item.set === this && item.fd === fd) return item;
      }
      w = w.fileNext;
    }
    return null;
  }

  /** Length of the longest chain of sets that starts here, itself included; above CHAIN_MAX when `other` is in one. */
  depth(other: EpollFile, walk: i32): i32 {
    if (this === other) return (CHAIN_MAX + 1) | 0;
    if (this.walk === walk) return this.walkDepth;
    this.walk = walk;
    // A circle cannot be here: it was refused when it would have been closed.
    this.walkDepth = 1;
    for (let i = 0; i < this.items.length; i++) {
      const f = this.items[i].file;
      if (f.kind !== FK_EPOLL) continue;
      const d = ((f as EpollFile).depth(other, walk) + 1) | 0;
      if (d > this.walkDepth) this.walkDepth = d;
    }
    return this.walkDepth;
  }

  /** Length of the longest chain of sets that ends here, itself included. */
  height(walk: i32): i32 {
    if (this.walk === walk) return this.walkDepth;
    this.walk = walk;
    this.walkDepth = 1;
    let w = this.watchers;
    while (w !== null) {
      if (w instanceof EpollItem) {
        const h = ((w as EpollItem).set.height(walk) + 1) | 0;
        if (h > this.walkDepth) this.walkDepth = h;
      }
      w = w.fileNext;
    }
    return this.walkDepth;
  }

  /** Whether there are few enough ways up from every set at the bottom below this one, or from itself when it is one. */
  fewPaths(walk: i32, counts: Int32Array): boolean {
    if (this.walk === walk) return true;
    this.walk = walk;
    let isBottom = true;
    for (let i = 0; i < this.items.length; i++) {
      const f = this.items[i].file;
      if (f.kind !== FK_EPOLL) continue;
      isBottom = false;
      if (!(f as EpollFile).fewPaths(walk, counts)) return false;
    }
    if (!isBottom) return true;
    counts.fill(0);
    return countPaths(this, 1, counts);
  }

  add(file: File, fd: i32, events: u32, data: long): EpollItem {
    const item = new EpollItem(this, file, fd);
    item.events = events;
    item.data = data;
    item.fileNext = file.watchers;
    file.watchers = item;
    item.index = this.items.length;
    this.items.push(item);
    return item;
  }

  /** Registers the item and, when the file is ready now, puts it on the list. */
  arm(item: EpollItem): void {
    item.leaveAll();
    if (item.file.poll(u32(item.events & EVENT_BITS) | 0, item) !== 0) this.becameReady(item);
  }

  becameReady(item: EpollItem): void {
    if (!this.enqueue(item)) return;
    if (!this.sleepers.isEmpty) this.sleepers.wakeupSome(1);
    if (!this.wait.isEmpty) this.wait.wakeup();
  }

  /** Puts an item on the ready list unless it is there or may report nothing. */
  private enqueue(item: EpollItem): boolean {
    if (item.queued || (item.events & EVENT_BITS) === 0) return false;
    item.queued = true;
    item.readyNext = null;
    const last = this.readyTail;
    if (last === null) this.readyHead = item;
    else last.readyNext = item;
    this.readyTail = item;
    return true;
  }

  /** One sleeper is done: what is left is the next one's. */
  passOn(): void {
    if (this.readyHead !== null && !this.sleepers.isEmpty) this.sleepers.wakeupSome(1);
  }

  private takeReady(): EpollItem | null {
    const item = this.readyHead;
    if (item === null) return null;
    this.readyHead = item.readyNext;
    if (item.readyNext === null) this.readyTail = null;
    item.readyNext = null;
    item.queued = false;
    return item;
  }

  /** Takes the item out of the set and off its file. */
  remove(item: EpollItem): void {
    item.removed = true;
    item.leaveAll();
    const last = this.items[this.items.length - 1];
    this.items[item.index] = last;
    last.index = item.index;
    this.items.pop();
    let prev: FileWatcher | null = null;
    let w = item.file.watchers;
    while (w !== null && w !== item) {
      prev = w;
      w = w.fileNext;
    }
    if (w === null) return;
    if (prev === null) item.file.watchers = item.fileNext;
    else prev.fileNext = item.fileNext;
  }

  /** Writes up to `most` reports as struct epoll_event into `buf`; how many. */
  collect(buf: Uint8Array, most: i32): i32 {
    let n: i32 = 0;
    // Level-triggered items go back to the end of the list: stop where the round began again.
    let first: EpollItem | null = null;
    while (n < most) {
      const next = this.readyHead;
      if (next === null || next === first) break;
      const item = this.takeReady()!;
      if (item.removed) continue;
      item.leaveAll();
      const got: u32 = u32(item.file.poll(u32(item.events & EVENT_BITS) | 0, item));
      if (got === 0) continue;
      const off: i32 = (n * EVENT_SIZE) | 0;
      putU32(buf, off, got);
      putLong(buf, (off + 4) | 0, item.data);
      n++;
      if ((item.events & EPOLLONESHOT) !== 0) {
        item.events = u32(item.events & ~EVENT_BITS);
        item.leaveAll();
      } else if ((item.events & EPOLLET) === 0) {
        this.enqueue(item);
        if (first === null) first = item;
      }
    }
    return n;
  }

  /** A set is readable while it has something to report. */
  override poll(events: i32, waiter: Waiter | null): i32 {
    if (waiter !== null) this.wait.add(waiter);
    let item = this.readyHead;
    while (item !== null) {
      if (!item.removed && item.file.poll(u32(item.events & EVENT_BITS) | 0, null) !== 0)
        return events & (POLLIN | POLLRDNORM);
      item = item.readyNext;
    }
    return 0;
  }

  stat(st: Stat, _lwp: Lwp): i32 {
    return anonymousStat(st, this.ino, 0o600, this.cred);
  }

  close(): void {
    while (this.items.length > 0) this.remove(this.items[this.items.length - 1]);
  }
}

/** epoll_create1(2). */
export function kernEpollCreate(lwp: Lwp, flags: i32): i32 {
  if ((flags & ~O_CLOEXEC) !== 0) return -Errno.INVAL;
  if (!heapOk(lwp)) return -Errno.NOMEM;
  const files = lwp.proc.files!;
  const fd = files.lowestFree(0, fdLimit(lwp));
  if (fd < 0) return fd;
  files.put(fd, new EpollFile(O_RDWR, lwp.proc.cred, lwp.kernel.fc.newIno()), (flags & O_CLOEXEC) !== 0);
  return fd;
}

/** epoll_ctl(2). `uevent` is the address of a packed struct epoll_event. */
export function kernEpollCtl(lwp: Lwp, epfd: i32, op: i32, fd: i32, uevent: long): i32 {
  const buf = lwp.kernel.fc.scratch;
  let events: u32 = 0;
  let data: long = 0;
  if (op !== EPOLL_CTL_DEL) {
    const r = lwp.proc.space!.copyin(uevent, buf, 0, EVENT_SIZE);
    if (r < 0) return r;
    events = u32(getU32(buf, 0) | POLLERR | POLLHUP);
    data = getLong(buf, 4);
  }
  const files = lwp.proc.files!;
  const owner = files.get(epfd);
  const file = files.get(fd);
  if (owner === null || file === null || (file.flags & O_PATH) !== 0) return -Errno.BADF;
  if (!file.isWatchable) return -Errno.PERM;
  if (owner.kind !== FK_EPOLL || owner === file) return -Errno.INVAL;
  const exclusive = (events & EPOLLEXCLUSIVE) !== 0;
  if (exclusive && (op === EPOLL_CTL_MOD || file.kind === FK_EPOLL || (events & ~EXCLUSIVE_WITH) !== 0)) {
    return -Errno.INVAL;
  }
  const set = owner as EpollFile;
  const item = set.find(file, fd);
  switch (op) {
    case EPOLL_CTL_ADD:
      if (item !== null) return -Errno.EXIST;
      if (!heapOk(lwp)) return -Errno.NOMEM;
      return addItem(lwp, set, file, fd, events, data);
    case EPOLL_CTL_DEL:
      if (item === null) return -Errno.NOENT;
      set.remove(item);
      return 0;
    case EPOLL_CTL_MOD:
      if (item === null) return -Errno.NOENT;
      if ((item.events & EPOLLEXCLUSIVE) !== 0) return -Errno.INVAL;
      item.events = events;
      item.data = data;
      set.arm(item);
      return 0;
    default:
      return -Errno.INVAL;
  }
}

/** EPOLL_CTL_ADD of a file that the set does not have: 0, -LOOP (a circle, or too long a chain of sets), -INVAL (too many ways). */
function addItem(lwp: Lwp, set: EpollFile, file: File, fd: i32, events: u32, data: long): i32 {
  const fc = lwp.kernel.fc;
  const nested = file.kind === FK_EPOLL;
  if (nested) {
    const below = (file as EpollFile).depth(set, fc.newWalk());
    if (below > CHAIN_MAX || ((below + set.height(fc.newWalk())) | 0) > CHAIN_MAX) return -Errno.LOOP;
  }
  const item = set.add(file, fd, events, data);
  let few = true;
  if (nested) few = (file as EpollFile).fewPaths(fc.newWalk(), fc.paths);
  else if (set.watchers !== null) {
    fc.paths.fill(0);
    few = countPaths(file, 0, fc.paths);
  }
  if (!few) {
    set.remove(item);
    return -Errno.INVAL;
  }
  set.arm(item);
  return 0;
}

/** Counts the ways from `file` up; false when there are too many. */
function countPaths(file: File, length: i32, counts: Int32Array): boolean {
  if (length > CHAIN_MAX) return false;
  let w = file.watchers;
  while (w !== null) {
    if (w instanceof EpollItem) {
      const set = (w as EpollItem).set;
      if (set.watchers !== null) {
        if (!countPaths(set, (length + 1) | 0, counts)) return false;
      } else if (length < counts.length) {
        counts[length]++;
        if (counts[length] > PATHS_MAX[length]) return false;
      }
    }
    w = w.fileNext;
  }
  return true;
}

/** A sleeper in epoll_wait: when its call ends, for whatever reason, events that it leaves are passed on. */
class EpollHold extends FileHold {
  override drop(lwp: Lwp): void {
    const set = this.file as EpollFile;
    set.passOn();
    super.drop(lwp);
  }
}

/** epoll_wait(2), epoll_pwait(2) without its mask. `timeout` in ns; -1 waits for ever. */
export function kernEpollWait(lwp: Lwp, epfd: i32, uevents: long, most: i32, timeout: long): i32 {
  if (most <= 0 || most > 178956970) return -Errno.INVAL;
  const file = fileOf(lwp, epfd);
  if (file === null) return -Errno.BADF;
  if (file.kind !== FK_EPOLL) return -Errno.INVAL;
  const set = file as EpollFile;
  const buf = lwp.kernel.fc.scratch;
  const n = set.collect(buf, most < EVENTS_MAX ? most : EVENTS_MAX);
  if (n > 0) {
    const r = lwp.proc.space!.copyout(buf, 0, uevents, (n * EVENT_SIZE) | 0);
    return r < 0 ? r : n;
  }
  set.sleepers.add(lwp);
  const r = waitFor(lwp, timeout);
  if (r === EASYNC && lwp.opObj === null) {
    set.ref();
    lwp.opObj = set.sleeperHold;
  }
  return r;
}
