/**
 * System V IPC: shared memory, semaphores, message queues.
 *
 * Key types `SysvScratch`, what the calls decode into. Neighbours: kern's `sysv-*.ts`. Invariant: structures are zeroed before they are filled.
 * Source: shmget(2), shmop(2), shmctl(2), semget(2), semop(2), semctl(2), msgget(2), msgop(2), msgctl(2).
 */
import {
  EASYNC,
  Errno,
  fillBytes,
  getI32,
  getLong,
  getU16,
  getU32,
  i32,
  putI32,
  putLong,
  putU16,
  putU32,
  toLong,
  u32,
  type long,
} from "@anax/portable";
import {
  IPC_R,
  MSGMAX,
  MSGMNB,
  MSGMNI,
  MsgQueue,
  MsgResult,
  SEMMNI,
  SEMMSL,
  SEMOPM,
  SEMVMX,
  SHMMNI,
  SemOps,
  SemSet,
  ShmSegment,
  changeIpc,
  kernMsgRemove,
  kernMsgTaken,
  kernMsgget,
  kernMsgrcv,
  kernMsgsnd,
  kernSemRemove,
  kernSemSet,
  kernSemSetAll,
  kernSemget,
  kernSemop,
  kernShmLock,
  kernShmRemove,
  kernShmat,
  kernShmdt,
  kernShmget,
  mayChangeIpc,
  messagesOf,
  semaphoresOf,
  shmPages,
  type IpcObject,
  type IpcTable,
  type Lwp,
} from "@anax/kern";
import { arg0, arg1, arg2, arg3, int0, int1, int2, int3, int4 } from "./args";
import type { LinuxContext } from "./context";
import { IpcPermL, MsginfoL, MsqidDsL, SembufL, SemidDsL, SeminfoL, ShmInfoL, ShmidDsL, ShminfoL } from "./layout";
import { copyinTimespec, spanOf } from "./timespec";

const IPC_RMID: i32 = 0;
const IPC_SET: i32 = 1;
const IPC_STAT: i32 = 2;
const IPC_INFO: i32 = 3;
const SHM_LOCK: i32 = 11;
const SHM_UNLOCK: i32 = 12;
const SHM_STAT: i32 = 13;
const SHM_INFO: i32 = 14;
const SHM_STAT_ANY: i32 = 15;
const GETPID: i32 = 11;
const GETVAL: i32 = 12;
const GETALL: i32 = 13;
const GETNCNT: i32 = 14;
const GETZCNT: i32 = 15;
const SETVAL: i32 = 16;
const SETALL: i32 = 17;
const SEM_STAT: i32 = 18;
const SEM_INFO: i32 = 19;
const SEM_STAT_ANY: i32 = 20;
const MSG_STAT: i32 = 11;
const MSG_INFO: i32 = 12;
const MSG_STAT_ANY: i32 = 13;

/** Linux SEMMNS, SEMUSZ and the largest size and number of pages of shared memory. */
const SEMMNS: i32 = 1024000000;
const SEMUSZ: i32 = 20;
const SHMMAX_HIGH: u32 = 0xffffffff;
const SHMMAX_LOW: u32 = 0xfeffffff;

/** What calls decode into. Made at the first use of System V IPC. */
export class SysvScratch {
  readonly ops: SemOps = new SemOps();
  readonly found: MsgResult = new MsgResult();
  /** A message with its type, the operations of a semop, or the values of a set. */
  readonly bytes: Uint8Array = new Uint8Array(MSGMAX + 8);
}

/** Null when there is no memory to make it. */
function scratch(c: LinuxContext): SysvScratch | null {
  const old = c.sysv;
  if (old !== null) return old;
  if (!c.kernel.vm.heapRoom(32768)) return null;
  const made = new SysvScratch();
  c.sysv = made;
  return made;
}

// ---- what the three have in common

function putPerm(b: Uint8Array, o: IpcObject): void {
  putI32(b, IpcPermL.key, o.key);
  putU32(b, IpcPermL.uid, o.uid);
  putU32(b, IpcPermL.gid, o.gid);
  putU32(b, IpcPermL.cuid, o.cuid);
  putU32(b, IpcPermL.cgid, o.cgid);
  putU32(b, IpcPermL.mode, u32(o.mode));
  putU16(b, IpcPermL.seq, u32(o.seq));
}

/** The object of IPC_STAT (by id) or of a *_STAT (by place); `c.kernel`'s table says why there is none. */
function statted(table: IpcTable, lwp: Lwp, id: i32, byPlace: boolean, any: boolean): IpcObject | null {
  const want: i32 = any ? 0 : IPC_R;
  return byPlace ? table.usePlace(lwp, id, want) : table.use(lwp, id, want);
}

/** IPC_SET: 0, -FAULT, -INVAL, -PERM, EASYNC; the structure is then in `c.buf`. */
function set(c: LinuxContext, lwp: Lwp, table: IpcTable, id: i32, uaddr: long, size: i32): i32 {
  const error = lwp.proc.vm.copyin(uaddr, c.buf, 0, size);
  if (error !== 0) return error;
  const o: IpcObject | null = id < 0 ? null : table.get(id);
  if (o === null) return -Errno.INVAL;
  return changeIpc(lwp, o, getU32(c.buf, IpcPermL.uid), getU32(c.buf, IpcPermL.gid), getI32(c.buf, IpcPermL.mode));
}

function give(c: LinuxContext, lwp: Lwp, uaddr: long, size: i32, result: i32): long {
  const error = lwp.proc.vm.copyout(c.buf, 0, uaddr, size);
  return error !== 0 ? error : result;
}

// ---- shared memory

export function sysShmget(_c: LinuxContext, lwp: Lwp): long {
  return kernShmget(lwp, int0(lwp), arg1(lwp), int2(lwp));
}

export function sysShmat(_c: LinuxContext, lwp: Lwp): long {
  return kernShmat(lwp, int0(lwp), arg1(lwp), int2(lwp));
}

export function sysShmdt(_c: LinuxContext, lwp: Lwp): long {
  return kernShmdt(lwp, arg0(lwp));
}

export function sysShmctl(c: LinuxContext, lwp: Lwp): long {
  const id = int0(lwp);
  const cmd = int1(lwp);
  const uaddr: long = arg2(lwp);
  const table = c.kernel.shm;
  const b = c.buf;
  if (id < 0) return -Errno.INVAL;
  switch (cmd) {
    case IPC_RMID:
      return kernShmRemove(lwp, id);
    case IPC_SET:
      return set(c, lwp, table, id, uaddr, i32(ShmidDsL.SIZE));
    case SHM_LOCK:
    case SHM_UNLOCK:
      return kernShmLock(lwp, id, cmd === SHM_LOCK);
    case IPC_INFO:
      fillBytes(b, 0, i32(ShminfoL.SIZE), 0);
      putU32(b, ShminfoL.shmmax, SHMMAX_LOW);
      putU32(b, ShminfoL.shmmax + 4, SHMMAX_HIGH);
      putLong(b, ShminfoL.shmmin, 1);
      putLong(b, ShminfoL.shmmni, SHMMNI);
      putLong(b, ShminfoL.shmseg, SHMMNI);
      putU32(b, ShminfoL.shmall, SHMMAX_LOW);
      putU32(b, ShminfoL.shmall + 4, SHMMAX_HIGH);
      return give(c, lwp, uaddr, i32(ShminfoL.SIZE), table.highest);
    case SHM_INFO:
      fillBytes(b, 0, i32(ShmInfoL.SIZE), 0);
      putI32(b, ShmInfoL.used_ids, table.count);
      putLong(b, ShmInfoL.shm_tot, shmPages(table, true));
      putLong(b, ShmInfoL.shm_rss, shmPages(table, false));
      return give(c, lwp, uaddr, i32(ShmInfoL.SIZE), table.highest);
    case IPC_STAT:
    case SHM_STAT:
    case SHM_STAT_ANY: {
      const o = statted(table, lwp, id, cmd !== IPC_STAT, cmd === SHM_STAT_ANY);
      if (o === null) return table.error;
      const s = o as ShmSegment;
      fillBytes(b, 0, i32(ShmidDsL.SIZE), 0);
      putPerm(b, s);
      putLong(b, ShmidDsL.shm_segsz, s.size);
      putLong(b, ShmidDsL.shm_atime, s.atime);
      putLong(b, ShmidDsL.shm_dtime, s.dtime);
      putLong(b, ShmidDsL.shm_ctime, s.ctime);
      putI32(b, ShmidDsL.shm_cpid, s.creator);
      putI32(b, ShmidDsL.shm_lpid, s.lastPid);
      putLong(b, ShmidDsL.shm_nattch, s.attached);
      return give(c, lwp, uaddr, i32(ShmidDsL.SIZE), cmd === IPC_STAT ? 0 : s.id);
    }
    default:
      return -Errno.INVAL;
  }
}

// ---- semaphores

export function sysSemget(_c: LinuxContext, lwp: Lwp): long {
  return kernSemget(lwp, int0(lwp), int1(lwp), int2(lwp));
}

export function sysSemop(c: LinuxContext, lwp: Lwp): long {
  return semop(c, lwp, -1);
}

export function sysSemtimedop(c: LinuxContext, lwp: Lwp): long {
  const utime: long = arg3(lwp);
  if (utime === toLong(0)) return semop(c, lwp, -1);
  if (lwp.inCall) return semop(c, lwp, lwp.opDeadline);
  const error = copyinTimespec(c, lwp, utime);
  if (error !== 0) return error;
  return semop(c, lwp, lwp.kernel.now() + spanOf(c.sec, c.nsec));
}

function semop(c: LinuxContext, lwp: Lwp, deadline: long): i32 {
  const n = u32(arg2(lwp));
  if (n === 0) return -Errno.INVAL;
  if (n > u32(SEMOPM)) return -Errno.TOOBIG;
  const x = scratch(c);
  if (x === null) return -Errno.NOMEM;
  const count = i32(n);
  const error = lwp.proc.vm.copyin(arg1(lwp), x.bytes, 0, (count * SembufL.SIZE) | 0);
  if (error !== 0) return error;
  const ops = x.ops;
  ops.count = count;
  for (let i = 0; i < count; i++) {
    const at: i32 = (i * SembufL.SIZE) | 0;
    ops.num[i] = i32(getU16(x.bytes, at));
    ops.op[i] = (i32(getU16(x.bytes, (at + SembufL.sem_op) | 0)) << 16) >> 16;
    ops.flags[i] = i32(getU16(x.bytes, (at + SembufL.sem_flg) | 0));
  }
  return kernSemop(lwp, int0(lwp), ops, deadline);
}

export function sysSemctl(c: LinuxContext, lwp: Lwp): long {
  const id = int0(lwp);
  const num = int1(lwp);
  const cmd = int2(lwp);
  const uaddr: long = arg3(lwp);
  const table = c.kernel.sem;
  const b = c.buf;
  if (id < 0) return -Errno.INVAL;
  switch (cmd) {
    case IPC_RMID:
      return kernSemRemove(lwp, id);
    case IPC_SET:
      return set(c, lwp, table, id, uaddr, i32(SemidDsL.SIZE));
    case SETVAL:
      return kernSemSet(lwp, id, num, int3(lwp));
    case SETALL:
      return setAll(c, lwp, id, uaddr);
    case IPC_INFO:
    case SEM_INFO: {
      const used = cmd === SEM_INFO;
      putI32(b, SeminfoL.semmap, SEMMNS);
      putI32(b, SeminfoL.semmni, SEMMNI);
      putI32(b, SeminfoL.semmns, SEMMNS);
      putI32(b, SeminfoL.semmnu, SEMMNS);
      putI32(b, SeminfoL.semmsl, SEMMSL);
      putI32(b, SeminfoL.semopm, SEMOPM);
      putI32(b, SeminfoL.semume, SEMOPM);
      putI32(b, SeminfoL.semusz, used ? table.count : SEMUSZ);
      putI32(b, SeminfoL.semvmx, SEMVMX);
      putI32(b, SeminfoL.semaem, used ? semaphoresOf(table) : SEMVMX);
      return give(c, lwp, uaddr, i32(SeminfoL.SIZE), table.highest);
    }
    case IPC_STAT:
    case SEM_STAT:
    case SEM_STAT_ANY: {
      const o = statted(table, lwp, id, cmd !== IPC_STAT, cmd === SEM_STAT_ANY);
      if (o === null) return table.error;
      const s = o as SemSet;
      fillBytes(b, 0, i32(SemidDsL.SIZE), 0);
      putPerm(b, s);
      putLong(b, SemidDsL.sem_otime, s.otime);
      putLong(b, SemidDsL.sem_ctime, s.ctime);
      putLong(b, SemidDsL.sem_nsems, s.values.length);
      return give(c, lwp, uaddr, i32(SemidDsL.SIZE), cmd === IPC_STAT ? 0 : s.id);
    }
    case GETALL:
    case GETVAL:
    case GETPID:
    case GETNCNT:
    case GETZCNT: {
      const o = table.use(lwp, id, IPC_R);
      if (o === null) return table.error;
      const s = o as SemSet;
      if (cmd === GETALL) return getAll(c, lwp, s, uaddr);
      if (num < 0 || num >= s.values.length) return -Errno.INVAL;
      if (cmd === GETVAL) return s.values[num];
      if (cmd === GETPID) return s.pids[num];
      return s.sleeping(num, cmd === GETZCNT);
    }
    default:
      return -Errno.INVAL;
  }
}

/** Values go to and from user memory in pieces of the scratch buffer. */
function getAll(c: LinuxContext, lwp: Lwp, s: SemSet, uaddr: long): i32 {
  const room = scratch(c);
  if (room === null) return -Errno.NOMEM;
  const x = room.bytes;
  const n = s.values.length;
  let at: i32 = 0;
  while (at < n) {
    let k: i32 = 0;
    while (k < MSGMAX >> 1 && ((at + k) | 0) < n) {
      putU16(x, (k * 2) | 0, u32(s.values[at + k]));
      k++;
    }
    const error = lwp.proc.vm.copyout(x, 0, uaddr + toLong(at) * 2, (k * 2) | 0);
    if (error !== 0) return error;
    at = (at + k) | 0;
  }
  return 0;
}

function setAll(c: LinuxContext, lwp: Lwp, id: i32, uaddr: long): i32 {
  const table = c.kernel.sem;
  const o = table.use(lwp, id, 0o200);
  if (o === null) return table.error;
  const s = o as SemSet;
  const n = s.values.length;
  if (!c.kernel.vm.heapRoom((n * 2 + 8192) | 0)) return -Errno.NOMEM;
  const values = new Uint16Array(n);
  const room = scratch(c);
  if (room === null) return -Errno.NOMEM;
  const x = room.bytes;
  let at: i32 = 0;
  while (at < n) {
    const left: i32 = (n - at) | 0;
    const k: i32 = left < MSGMAX >> 1 ? left : MSGMAX >> 1;
    const error = lwp.proc.vm.copyin(uaddr + toLong(at) * 2, x, 0, (k * 2) | 0);
    if (error !== 0) return error;
    for (let i = 0; i < k; i++) values[at + i] = getU16(x, (i * 2) | 0);
    at = (at + k) | 0;
  }
  return kernSemSetAll(lwp, s, values);
}

// ---- message queues

export function sysMsgget(_c: LinuxContext, lwp: Lwp): long {
  return kernMsgget(lwp, int0(lwp), int1(lwp));
}

export function sysMsgsnd(c: LinuxContext, lwp: Lwp): long {
  const size: long = arg2(lwp);
  if (size < 0 || size > MSGMAX || int0(lwp) < 0) return -Errno.INVAL;
  const room = scratch(c);
  if (room === null) return -Errno.NOMEM;
  const x = room.bytes;
  const n = i32(size);
  const error = lwp.proc.vm.copyin(arg1(lwp), x, 0, (n + 8) | 0);
  if (error !== 0) return error;
  const type: long = getLong(x, 0);
  x.copyWithin(0, 8, (n + 8) | 0);
  return kernMsgsnd(lwp, int0(lwp), type, x, n, int3(lwp));
}

export function sysMsgrcv(c: LinuxContext, lwp: Lwp): long {
  const room = scratch(c);
  if (room === null) return -Errno.NOMEM;
  const found = room.found;
  const r = kernMsgrcv(lwp, int0(lwp), arg2(lwp), arg3(lwp), int4(lwp), found);
  if (r !== 0) return r;
  const space = lwp.proc.vm;
  const uaddr: long = arg1(lwp);
  putLong(c.buf, 0, found.msg!.type);
  let error = space.copyout(c.buf, 0, uaddr, 8);
  if (error === 0 && found.size > 0) error = space.copyout(found.msg!.data, 0, uaddr + 8, found.size);
  if (error !== EASYNC) kernMsgTaken(lwp, found);
  found.msg = null;
  return error !== 0 ? error : found.size;
}

export function sysMsgctl(c: LinuxContext, lwp: Lwp): long {
  const id = int0(lwp);
  const cmd = int1(lwp);
  const uaddr: long = arg2(lwp);
  const table = c.kernel.msg;
  const b = c.buf;
  if (id < 0) return -Errno.INVAL;
  switch (cmd) {
    case IPC_RMID:
      return kernMsgRemove(lwp, id);
    case IPC_SET:
      return setQueue(c, lwp, id, uaddr);
    case IPC_INFO:
    case MSG_INFO: {
      const used = cmd === MSG_INFO;
      fillBytes(b, 0, i32(MsginfoL.SIZE), 0);
      putI32(b, MsginfoL.msgpool, used ? table.count : (MSGMNI * (MSGMNB >> 10)) | 0);
      putI32(b, MsginfoL.msgmap, used ? messagesOf(table, false) : MSGMNB);
      putI32(b, MsginfoL.msgmax, MSGMAX);
      putI32(b, MsginfoL.msgmnb, MSGMNB);
      putI32(b, MsginfoL.msgmni, MSGMNI);
      putI32(b, MsginfoL.msgssz, 16);
      putI32(b, MsginfoL.msgtql, used ? messagesOf(table, true) : MSGMNB);
      putU16(b, MsginfoL.msgseg, 0xffff);
      return give(c, lwp, uaddr, i32(MsginfoL.SIZE), table.highest);
    }
    case IPC_STAT:
    case MSG_STAT:
    case MSG_STAT_ANY: {
      const o = statted(table, lwp, id, cmd !== IPC_STAT, cmd === MSG_STAT_ANY);
      if (o === null) return table.error;
      const q = o as MsgQueue;
      fillBytes(b, 0, i32(MsqidDsL.SIZE), 0);
      putPerm(b, q);
      putLong(b, MsqidDsL.msg_stime, q.stime);
      putLong(b, MsqidDsL.msg_rtime, q.rtime);
      putLong(b, MsqidDsL.msg_ctime, q.ctime);
      putLong(b, MsqidDsL.msg_cbytes, q.bytes);
      putLong(b, MsqidDsL.msg_qnum, q.count);
      putLong(b, MsqidDsL.msg_qbytes, q.limit);
      putI32(b, MsqidDsL.msg_lspid, q.lastSender);
      putI32(b, MsqidDsL.msg_lrpid, q.lastReceiver);
      return give(c, lwp, uaddr, i32(MsqidDsL.SIZE), cmd === IPC_STAT ? 0 : q.id);
    }
    default:
      return -Errno.INVAL;
  }
}

/** IPC_SET of a queue, with its limit, which only root may raise above MSGMNB. */
function setQueue(c: LinuxContext, lwp: Lwp, id: i32, uaddr: long): i32 {
  const table = c.kernel.msg;
  const error = lwp.proc.vm.copyin(uaddr, c.buf, 0, i32(MsqidDsL.SIZE));
  if (error !== 0) return error;
  const o = table.get(id);
  if (o === null) return -Errno.INVAL;
  const limit: long = getLong(c.buf, MsqidDsL.msg_qbytes);
  const denied = mayChangeIpc(lwp, o);
  if (denied !== 0) return denied;
  if (limit < 0 || limit > 0x7fffffff) return -Errno.INVAL;
  if (limit > MSGMNB && lwp.proc.cred.euid !== 0) return -Errno.PERM;
  const q = o as MsgQueue;
  q.limit = i32(limit);
  const r = set(c, lwp, table, id, uaddr, i32(MsqidDsL.SIZE));
  q.writeWait.wakeup();
  return r;
}
