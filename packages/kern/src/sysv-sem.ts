/**
 * System V semaphores: sets of counters that are changed together or not at all.
 *
 * Key types `SemSet`, `SemOps` (what one semop asks for), `SemUndo` (what a process's end takes back). Neighbours: `sysv-ipc.ts`, `exit.ts` (runs the
 * undos). Invariant: a value is 0 to SEMVMX; an LWP on a set's list of sleepers is in semop on that set.
 * Source: semget(2), semop(2), semctl(2); DragonFly sys/kern/sysv_sem.c.
 */
import { EASYNC, Errno, i32, type long } from "@anax/portable";
import { WaitQueue } from "@anax/lwkt";
import { heapOk } from "./file-util";
import type { Lwp } from "./lwp";
import { OpState } from "./op";
import type { Proc } from "./proc";
import { IPC_NOWAIT, IPC_R, IPC_W, IpcObject, IpcTable, mayChangeIpc, nowSeconds } from "./sysv-ipc";

export const SEMMNI: i32 = 32000;
export const SEMMSL: i32 = 32000;
export const SEMOPM: i32 = 500;
export const SEMVMX: i32 = 32767;
const SEM_UNDO: i32 = 0x1000;

/** The operations of one call, decoded. Owned by the ABI, reused. */
export class SemOps {
  readonly num: Int32Array = new Int32Array(SEMOPM);
  readonly op: Int32Array = new Int32Array(SEMOPM);
  readonly flags: Int32Array = new Int32Array(SEMOPM);
  count: i32 = 0;
}

/** An LWP that sleeps in semop, on the set's list. Dropped when its call ends. */
class SemSleep extends OpState {
  next: SemSleep | null = null;
  prev: SemSleep | null = null;
  /** The semaphore it waits for, and whether for zero. */
  num: i32 = 0;
  forZero: boolean = false;

  constructor(readonly set: SemSet) {
    super();
    const first = set.sleepers;
    this.next = first;
    if (first !== null) first.prev = this;
    set.sleepers = this;
  }

  drop(_lwp: Lwp): void {
    const next = this.next;
    const prev = this.prev;
    if (next !== null) next.prev = prev;
    if (prev !== null) prev.next = next;
    else this.set.sleepers = next;
  }
}

/** What one process has to take back from one set. */
export class SemUndo {
  next: SemUndo | null = null;
  readonly adjust: Int32Array;

  constructor(readonly set: SemSet) {
    this.adjust = new Int32Array(set.values.length);
  }
}

export class SemSet extends IpcObject {
  readonly values: Int32Array;
  readonly pids: Int32Array;
  otime: long = 0;
  readonly wait: WaitQueue = new WaitQueue();
  sleepers: SemSleep | null = null;

  /** Bytes of the budget that a set of `n` takes; an undo takes half. */
  static cost(n: i32): i32 {
    return (n * 8 + 256) | 0;
  }

  constructor(n: i32) {
    super();
    this.values = new Int32Array(n);
    this.pids = new Int32Array(n);
  }

  /** How many sleep until semaphore `num` grows, or is zero. */
  sleeping(num: i32, forZero: boolean): i32 {
    let n: i32 = 0;
    let s = this.sleepers;
    while (s !== null) {
      if (s.num === num && s.forZero === forZero) n++;
      s = s.next;
    }
    return n;
  }
}

/** semget(2): an id, -INVAL, -NOENT, -EXIST, -ACCES, -NOSPC, -NOMEM. */
export function kernSemget(lwp: Lwp, key: i32, n: i32, flags: i32): i32 {
  const table = lwp.kernel.sem;
  if (n < 0 || n > SEMMSL) return -Errno.INVAL;
  const found = table.find(lwp, key, flags);
  if (table.error !== 0) return table.error;
  if (found !== null) return n > (found as SemSet).values.length ? -Errno.INVAL : found.id;
  if (n === 0) return -Errno.INVAL;
  if (table.isFull) return -Errno.NOSPC;
  if (!lwp.kernel.vm.heapRoom((n * 8 + 8192) | 0)) return -Errno.NOMEM;
  if (!lwp.kernel.ipcBudget.take(SemSet.cost(n))) return -Errno.NOSPC;
  const set = new SemSet(n);
  set.own(lwp, key, flags);
  return table.add(set);
}

/** The process's undos for `set`, made when there are none; null when there is no memory. */
function undoFor(lwp: Lwp, set: SemSet): SemUndo | null {
  const p = lwp.proc;
  let u = p.semUndo;
  while (u !== null) {
    if (u.set === set) return u;
    u = u.next;
  }
  if (!lwp.kernel.vm.heapRoom((set.values.length * 4 + 8192) | 0)) return null;
  if (!lwp.kernel.ipcBudget.take(SemSet.cost(set.values.length) >> 1)) return null;
  const made = new SemUndo(set);
  made.next = p.semUndo;
  p.semUndo = made;
  return made;
}

/** Does all operations: -1, or the index of the one that has to wait with nothing done; `-INVAL`-like errors are below -1. */
function attempt(set: SemSet, ops: SemOps, undo: SemUndo | null, pid: i32): i32 {
  let i: i32 = 0;
  let stopped: i32 = -1;
  for (; i < ops.count && stopped < 0; i++) {
    const num = ops.num[i];
    const op = ops.op[i];
    const v = set.values[num];
    if (op === 0) {
      if (v !== 0) stopped = i;
      continue;
    }
    const sum = (v + op) | 0;
    if (sum < 0) {
      stopped = i;
      continue;
    }
    let error: i32 = 0;
    if (sum > SEMVMX) error = -Errno.RANGE;
    else if ((ops.flags[i] & SEM_UNDO) !== 0) {
      const adjusted = (undo!.adjust[num] - op) | 0;
      if (adjusted < -SEMVMX - 1 || adjusted > SEMVMX) error = -Errno.RANGE;
      else undo!.adjust[num] = adjusted;
    }
    if (error !== 0) {
      rollBack(set, ops, undo, i);
      return error;
    }
    set.values[num] = sum;
  }
  if (stopped >= 0) {
    rollBack(set, ops, undo, stopped);
    return stopped;
  }
  for (i = 0; i < ops.count; i++) set.pids[ops.num[i]] = pid;
  return -1;
}

/** Takes the first `n` operations back. */
function rollBack(set: SemSet, ops: SemOps, undo: SemUndo | null, n: i32): void {
  for (let i = (n - 1) | 0; i >= 0; i--) {
    const num = ops.num[i];
    set.values[num] = (set.values[num] - ops.op[i]) | 0;
    if ((ops.flags[i] & SEM_UNDO) !== 0 && ops.op[i] !== 0) undo!.adjust[num] = (undo!.adjust[num] + ops.op[i]) | 0;
  }
}

/**
 * semop(2), semtimedop(2): 0, -INVAL, -FBIG (number), -ACCES, -AGAIN (IPC_NOWAIT, time-out), -IDRM, -INTR, -RANGE, -NOMEM, EASYNC. `deadline`
 * is absolute, -1 for none. The operations are decoded anew for each run.
 */
export function kernSemop(lwp: Lwp, id: i32, ops: SemOps, deadline: long): i32 {
  const table = lwp.kernel.sem;
  const held = lwp.opObj;
  let set: SemSet;
  if (held !== null && held instanceof SemSleep) {
    set = (held as SemSleep).set;
    if (set.isRemoved) return -Errno.IDRM;
  } else {
    let changes = false;
    let most: i32 = 0;
    for (let i = 0; i < ops.count; i++) {
      if (ops.op[i] !== 0) changes = true;
      if (ops.num[i] > most) most = ops.num[i];
    }
    const o: IpcObject | null = id < 0 ? null : table.get(id);
    if (o === null) return -Errno.INVAL;
    set = o as SemSet;
    if (most >= set.values.length) return -Errno.FBIG;
    if (table.use(lwp, id, changes ? IPC_W : IPC_R) === null) return table.error;
  }
  let undo: SemUndo | null = null;
  for (let i = 0; i < ops.count && undo === null; i++) {
    if ((ops.flags[i] & SEM_UNDO) === 0) continue;
    undo = undoFor(lwp, set);
    if (undo === null) return -Errno.NOMEM;
  }
  const stopped = attempt(set, ops, undo, lwp.proc.pid);
  if (stopped < -1) return stopped;
  if (stopped < 0) {
    set.otime = nowSeconds(lwp);
    set.wait.wakeup();
    return 0;
  }
  if ((ops.flags[stopped] & IPC_NOWAIT) !== 0 || lwp.isLate) return -Errno.AGAIN;
  if (lwp.interrupted) return -Errno.INTR;
  let sleep: SemSleep;
  if (held !== null) sleep = held as SemSleep;
  else {
    if (!heapOk(lwp)) return -Errno.NOMEM;
    sleep = new SemSleep(set);
    lwp.opObj = sleep;
  }
  sleep.num = ops.num[stopped];
  sleep.forZero = ops.op[stopped] === 0;
  set.wait.add(lwp);
  lwp.limit(deadline);
  return EASYNC;
}

/** A process ends: its undos are done, as far as a value can go. */
export function semExit(p: Proc): void {
  let u = p.semUndo;
  p.semUndo = null;
  while (u !== null) {
    const set = u.set;
    if (!set.isRemoved) {
      for (let i = 0; i < set.values.length; i++) {
        if (u.adjust[i] === 0) continue;
        let v = (set.values[i] + u.adjust[i]) | 0;
        if (v < 0) v = 0;
        if (v > SEMVMX) v = SEMVMX;
        set.values[i] = v;
        set.pids[i] = p.pid;
      }
      set.wait.wakeup();
    }
    p.kernel.ipcBudget.give(SemSet.cost(set.values.length) >> 1);
    u = u.next;
  }
}

/** No process is to take anything back from semaphore `num` of the set; all of them for -1. */
function forgetUndos(lwp: Lwp, set: SemSet, num: i32): void {
  const pids = lwp.kernel.pids;
  let p = pids.nextProc(1);
  while (p !== null) {
    let u = p.semUndo;
    while (u !== null) {
      if (u.set === set) {
        if (num >= 0) u.adjust[num] = 0;
        else u.adjust.fill(0);
      }
      u = u.next;
    }
    p = pids.nextProc((p.pid + 1) | 0);
  }
}

/** SETVAL. 0, -INVAL, -RANGE, -ACCES. */
export function kernSemSet(lwp: Lwp, id: i32, num: i32, value: i32): i32 {
  const table = lwp.kernel.sem;
  const o = table.use(lwp, id, IPC_W);
  if (o === null) return table.error;
  const set = o as SemSet;
  if (num < 0 || num >= set.values.length) return -Errno.INVAL;
  if (value < 0 || value > SEMVMX) return -Errno.RANGE;
  set.values[num] = value;
  set.pids[num] = lwp.proc.pid;
  forgetUndos(lwp, set, num);
  changed(lwp, set);
  return 0;
}

/** SETALL, from values that are 0 to 65535. 0, -RANGE. */
export function kernSemSetAll(lwp: Lwp, set: SemSet, values: Uint16Array): i32 {
  const n = set.values.length;
  for (let i = 0; i < n; i++) if (i32(values[i]) > SEMVMX) return -Errno.RANGE;
  for (let i = 0; i < n; i++) {
    set.values[i] = i32(values[i]);
    set.pids[i] = lwp.proc.pid;
  }
  forgetUndos(lwp, set, -1);
  changed(lwp, set);
  return 0;
}

function changed(lwp: Lwp, set: SemSet): void {
  set.ctime = nowSeconds(lwp);
  set.wait.wakeup();
}

/** IPC_RMID: sleepers get -IDRM. 0, -INVAL, -PERM. */
export function kernSemRemove(lwp: Lwp, id: i32): i32 {
  const table = lwp.kernel.sem;
  const o: IpcObject | null = id < 0 ? null : table.get(id);
  if (o === null) return -Errno.INVAL;
  const e = mayChangeIpc(lwp, o);
  if (e !== 0) return e;
  table.remove(o);
  const set = o as SemSet;
  lwp.kernel.ipcBudget.give(SemSet.cost(set.values.length));
  set.wait.wakeup();
  return 0;
}

/** Semaphores of all sets. */
export function semaphoresOf(table: IpcTable): i32 {
  let n: i32 = 0;
  for (let i = 0; i < table.length; i++) {
    const o = table.at(i);
    if (o !== null) n = (n + (o as SemSet).values.length) | 0;
  }
  return n;
}
