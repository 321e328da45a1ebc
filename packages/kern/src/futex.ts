/**
 * Futexes: sleeping on a word of user memory.
 *
 * Key types `FutexTable` (all waiters, hashed by where they wait), `FutexWait` (one waiter, embedded in its LWP).
 * A private futex is known by address space and address; a shared one in a shared mapping by object and offset, so that
 * processes that map it at different addresses meet.
 * Neighbours: `exit.ts` (thread ends and robust lists). Invariant: a FutexWait is on a chain exactly while its state is QUEUED.
 * Source: futex(2), set_robust_list(2), get_robust_list(2).
 */
import {
  EASYNC,
  Errno,
  i32,
  imul,
  longAnd,
  longDiv,
  longLo,
  longMod,
  longShr,
  toLong,
  u32,
  type long,
} from "@anax/portable";
import { VME_SHARED, type VmObject, type VmSpace } from "@anax/vm";
import type { Lwp } from "./lwp";
import { OpState } from "./op";

const BUCKETS: i32 = 256;
const FUTEX_OWNER_DIED: u32 = 0x40000000;
const FUTEX_WAITERS: u32 = 0x80000000;
const FUTEX_TID_MASK: u32 = 0x3fffffff;
/** Robust list entries that are looked at. */
const ROBUST_LIMIT: i32 = 2048;
export const FUTEX_BITSET_ALL: u32 = 0xffffffff;

const IDLE: i32 = 0;
const QUEUED: i32 = 1;
const WOKEN: i32 = 2;

/** A place to wait at. Filled by `FutexTable#place`. */
export class FutexKey {
  space: VmSpace | null = null;
  object: VmObject | null = null;
  /** Address in the space, or byte offset in the object. */
  where: long = 0;

  same(o: FutexKey): boolean {
    return this.where === o.where && this.space === o.space && this.object === o.object;
  }

  copyFrom(o: FutexKey): void {
    this.space = o.space;
    this.object = o.object;
    this.where = o.where;
  }

  /** Which chain: by the address alone. */
  get bucket(): i32 {
    const lo: u32 = longLo(longShr(this.where, 2));
    return (imul(lo | 0, -1640531535) >>> 24) & (BUCKETS - 1);
  }
}

/** A waiter. Its chain is owned by the table. */
export class FutexWait extends OpState {
  readonly key: FutexKey = new FutexKey();
  state: i32 = IDLE;
  bitset: u32 = 0;
  next: FutexWait | null = null;
  prev: FutexWait | null = null;
  bucket: i32 = 0;

  constructor(readonly lwp: Lwp) {
    super();
  }

  override drop(lwp: Lwp): void {
    if (this.state === QUEUED) lwp.kernel.futexes.unlink(this);
    this.state = IDLE;
  }
}

/** All futex waiters of a kernel. */
export class FutexTable {
  private readonly heads: Array<FutexWait | null> = [];
  private readonly tails: Array<FutexWait | null> = [];
  readonly key: FutexKey = new FutexKey();
  readonly key2: FutexKey = new FutexKey();

  constructor() {
    for (let i = 0; i < BUCKETS; i++) {
      this.heads.push(null);
      this.tails.push(null);
    }
  }

  /** Where a word is. 0, -INVAL (not aligned), -FAULT (a shared futex that is not mapped). */
  place(space: VmSpace, uaddr: long, isPrivate: boolean, key: FutexKey): i32 {
    if (longAnd(uaddr, 3) !== toLong(0)) return -Errno.INVAL;
    key.space = space;
    key.object = null;
    key.where = uaddr;
    if (isPrivate) return 0;
    const e = space.findEntry(uaddr);
    if (e === null) return -Errno.FAULT;
    const object = e.object;
    if ((e.flags & VME_SHARED) === 0 || object === null) return 0;
    key.space = null;
    key.object = object;
    key.where = e.offset + (uaddr - e.start);
    return 0;
  }

  link(f: FutexWait): void {
    const b = f.key.bucket;
    const last = this.tails[b];
    f.bucket = b;
    f.prev = last;
    f.next = null;
    if (last === null) this.heads[b] = f;
    else last.next = f;
    this.tails[b] = f;
    f.state = QUEUED;
  }

  unlink(f: FutexWait): void {
    const b = f.bucket;
    const next = f.next;
    const prev = f.prev;
    if (prev === null) this.heads[b] = next;
    else prev.next = next;
    if (next === null) this.tails[b] = prev;
    else next.prev = prev;
    f.next = null;
    f.prev = null;
    f.state = IDLE;
  }

  /** Wakes up to `most` waiters at `key` that share a bit with `bitset`, oldest first. Returns how many. */
  wake(key: FutexKey, most: i32, bitset: u32): i32 {
    let n: i32 = 0;
    let f = this.heads[key.bucket];
    while (f !== null && n < most) {
      const next = f.next;
      if (f.key.same(key) && (f.bitset & bitset) !== 0) {
        this.unlink(f);
        f.state = WOKEN;
        f.lwp.leaveAll();
        f.lwp.wake();
        n++;
      }
      f = next;
    }
    return n;
  }

  /** Moves up to `most` waiters from `from` to `to`. Returns how many. */
  requeue(from: FutexKey, to: FutexKey, most: i32): i32 {
    if (from.same(to)) return 0;
    let n: i32 = 0;
    let f = this.heads[from.bucket];
    while (f !== null && n < most) {
      const next = f.next;
      if (f.key.same(from)) {
        this.unlink(f);
        f.key.copyFrom(to);
        this.link(f);
        n++;
      }
      f = next;
    }
    return n;
  }
}

/**
 * FUTEX_WAIT, FUTEX_WAIT_BITSET: sleeps while the word is `val`. `deadline` in ns since boot, -1 for none. 0 when woken, -AGAIN (the
 * word differs), -TIMEDOUT, -INTR, -INVAL, -FAULT, EASYNC.
 */
export function kernFutexWait(l: Lwp, uaddr: long, val: u32, bitset: u32, deadline: long, isPrivate: boolean): i32 {
  if (bitset === 0) return -Errno.INVAL;
  const table = l.kernel.futexes;
  let f = l.futex;
  if (f === null) {
    if (!l.kernel.vm.heapOk()) return -Errno.NOMEM;
    f = new FutexWait(l);
    l.futex = f;
  }
  if (l.inCall && f.state === WOKEN) {
    f.state = IDLE;
    return 0;
  }
  if (l.inCall && f.state === QUEUED) {
    if (l.isLate) {
      table.unlink(f);
      return -Errno.TIMEDOUT;
    }
    if (!l.interrupted) return EASYNC;
    table.unlink(f);
    return -Errno.INTR;
  }
  const space = l.proc.vm;
  const r = table.place(space, uaddr, isPrivate, f.key);
  if (r !== 0) return r;
  const cur: long = space.get32(uaddr);
  if (cur < 0) return i32(cur);
  if (u32(cur) !== val) return -Errno.AGAIN;
  if (deadline >= 0) {
    l.limit(deadline);
    if (l.isLate) return -Errno.TIMEDOUT;
  }
  if (l.interrupted) return -Errno.INTR;
  f.bitset = bitset;
  table.link(f);
  l.opObj = f;
  return EASYNC;
}

/** Whether a shared futex can be read, which a private one need not be: 0, -FAULT, -NOMEM, EASYNC. */
function checkReadable(space: VmSpace, uaddr: long, isPrivate: boolean): i32 {
  if (isPrivate) return 0;
  const cur: long = space.get32(uaddr);
  return cur < 0 ? i32(cur) : 0;
}

/** FUTEX_WAKE, FUTEX_WAKE_BITSET: how many were woken; -INVAL, -FAULT. */
export function kernFutexWake(l: Lwp, uaddr: long, most: i32, bitset: u32, isPrivate: boolean): i32 {
  if (bitset === 0) return -Errno.INVAL;
  const table = l.kernel.futexes;
  let r = table.place(l.proc.vm, uaddr, isPrivate, table.key);
  if (r === 0) r = checkReadable(l.proc.vm, uaddr, isPrivate);
  return r !== 0 ? r : table.wake(table.key, most, bitset);
}

/**
 * FUTEX_REQUEUE, and FUTEX_CMP_REQUEUE when `compare`: wakes some and moves others to `uaddr2`. How many were woken (and moved, when
 * `compare`); -AGAIN (the word is not `val`), -INVAL, -FAULT.
 */
export function kernFutexRequeue(
  l: Lwp,
  uaddr: long,
  wake: i32,
  move: i32,
  uaddr2: long,
  compare: boolean,
  val: u32,
  isPrivate: boolean,
): i32 {
  if (wake < 0 || move < 0) return -Errno.INVAL;
  const table = l.kernel.futexes;
  const space = l.proc.vm;
  let r = table.place(space, uaddr, isPrivate, table.key);
  if (r === 0) r = table.place(space, uaddr2, isPrivate, table.key2);
  if (r === 0) r = checkReadable(space, uaddr, isPrivate);
  if (r === 0) r = checkReadable(space, uaddr2, isPrivate);
  if (r !== 0) return r;
  if (compare) {
    const cur: long = space.get32(uaddr);
    if (cur < 0) return i32(cur);
    if (u32(cur) !== val) return -Errno.AGAIN;
  }
  const woken = table.wake(table.key, wake, FUTEX_BITSET_ALL);
  const moved = table.requeue(table.key, table.key2, move);
  return compare ? (woken + moved) | 0 : woken;
}

/**
 * FUTEX_WAKE_OP: changes the word at `uaddr2` as `op` says, wakes at `uaddr`, and at `uaddr2` if the old value compares.
 * How many were woken; -INVAL, -FAULT, -NOSYS (unknown operation).
 */
export function kernFutexWakeOp(
  l: Lwp,
  uaddr: long,
  most: i32,
  most2: i32,
  uaddr2: long,
  op: u32,
  isPrivate: boolean,
): i32 {
  const table = l.kernel.futexes;
  const space = l.proc.vm;
  let r = table.place(space, uaddr, isPrivate, table.key);
  if (r === 0) r = table.place(space, uaddr2, isPrivate, table.key2);
  if (r !== 0) return r;
  const code = (op >>> 28) & 7;
  const cmp = (op >>> 24) & 15;
  let arg: i32 = (op << 8) >> 20;
  const cmpArg: i32 = (op << 20) >> 20;
  if ((op & 0x80000000) !== 0) {
    if (arg < 0 || arg > 31) return -Errno.INVAL;
    arg = 1 << arg;
  }
  const cur: long = space.get32(uaddr2);
  if (cur < 0) return i32(cur);
  const old: u32 = u32(cur);
  const was: i32 = old | 0;
  let value: i32 = arg;
  if (code === 1) value = (was + arg) | 0;
  else if (code === 2) value = was | arg;
  else if (code === 3) value = was & ~arg;
  else if (code === 4) value = was ^ arg;
  else if (code !== 0) return -Errno.NOSYS;
  let hit = false;
  if (cmp === 0) hit = was === cmpArg;
  else if (cmp === 1) hit = was !== cmpArg;
  else if (cmp === 2) hit = was < cmpArg;
  else if (cmp === 3) hit = was <= cmpArg;
  else if (cmp === 4) hit = was > cmpArg;
  else if (cmp === 5) hit = was >= cmpArg;
  else return -Errno.NOSYS;
  const e = space.put32(uaddr2, u32(value));
  if (e < 0) return e;
  let n = table.wake(table.key, most, FUTEX_BITSET_ALL);
  if (hit) n = (n + table.wake(table.key2, most2, FUTEX_BITSET_ALL)) | 0;
  return n;
}

/** A thread ends, or its program is replaced: what its memory is to say about it. The address space must be active. */
export function futexExit(l: Lwp): void {
  if (l.robustHead !== toLong(0)) releaseRobust(l);
  l.robustHead = 0;
  const at = l.clearTid;
  if (at === toLong(0)) return;
  l.clearTid = 0;
  if (l.proc.vm.put32(at, 0) === 0) kernFutexWake(l, at, 1, FUTEX_BITSET_ALL, false);
}

/** Marks the locks that a dead thread held, as its robust list has them: struct robust_list_head of the program. */
function releaseRobust(l: Lwp): void {
  const space = l.proc.vm;
  const head = l.robustHead;
  if (space.getLong(head + 8) < 0) return;
  const offset = space.word;
  if (space.getLong(head + 16) < 0) return;
  const pending = space.word;
  let at: long = head;
  for (let n: i32 = 0; n <= ROBUST_LIMIT; n++) {
    if (space.getLong(at) < 0) return;
    // Bit 0 of a link marks a priority-inheritance lock.
    at = longDiv(space.word, 2) * 2;
    if (at === head || at < 0) break;
    if (at !== pending) markDead(l, at + offset);
  }
  if (pending > 0) markDead(l, longDiv(pending, 2) * 2 + offset);
}

function markDead(l: Lwp, uaddr: long): void {
  const space = l.proc.vm;
  if (uaddr < 0 || longMod(uaddr, 4) !== toLong(0)) return;
  const cur: long = space.get32(uaddr);
  if (cur < 0) return;
  const v: u32 = u32(cur);
  if ((v & FUTEX_TID_MASK) !== u32(l.tid)) return;
  if (space.cas32(uaddr, v, u32((v & FUTEX_WAITERS) | FUTEX_OWNER_DIED)) < 0) return;
  if ((v & FUTEX_WAITERS) !== 0) kernFutexWake(l, uaddr, 1, FUTEX_BITSET_ALL, false);
}
