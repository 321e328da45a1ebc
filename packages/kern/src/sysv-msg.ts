/**
 * System V message queues: messages with a type, of up to 8 KiB.
 *
 * Key types `MsgQueue`, `QueuedMsg`. Neighbours: `sysv-ipc.ts`. Invariant: `bytes` and `count` are those of the list; a queue holds at most
 * `limit` bytes, and as many messages.
 * Source: msgget(2), msgop(2), msgctl(2); DragonFly sys/kern/sysv_msg.c.
 */
import { EASYNC, Errno, copyBytes, i32, imul, type long } from "@anax/portable";
import { WaitQueue } from "@anax/lwkt";
import { heapOk } from "./file-util";
import type { Lwp } from "./lwp";
import { OpState } from "./op";
import { IPC_NOWAIT, IPC_R, IPC_W, IpcObject, IpcTable, mayChangeIpc, nowSeconds } from "./sysv-ipc";

export const MSGMNI: i32 = 32000;
/** Most bytes of a message, and of a new queue. */
export const MSGMAX: i32 = 8192;
export const MSGMNB: i32 = 16384;
const MSG_NOERROR: i32 = 0o10000;
const MSG_EXCEPT: i32 = 0o20000;
const MSG_COPY: i32 = 0o40000;

/** Bytes of the budget that a message takes besides its own. */
const MSG_COST: i32 = 96;
/** Bytes of the budget that a queue takes. */
const QUEUE_COST: i32 = 384;

export class QueuedMsg {
  next: QueuedMsg | null = null;

  constructor(
    readonly type: long,
    readonly data: Uint8Array,
  ) {}
}

export class MsgQueue extends IpcObject {
  head: QueuedMsg | null = null;
  tail: QueuedMsg | null = null;
  count: i32 = 0;
  bytes: i32 = 0;
  limit: i32 = MSGMNB;
  stime: long = 0;
  rtime: long = 0;
  lastSender: i32 = 0;
  lastReceiver: i32 = 0;
  readonly readWait: WaitQueue = new WaitQueue();
  readonly writeWait: WaitQueue = new WaitQueue();

  put(m: QueuedMsg): void {
    if (this.tail === null) this.head = m;
    else this.tail!.next = m;
    this.tail = m;
    this.count++;
    this.bytes = (this.bytes + m.data.length) | 0;
  }

  /** Takes out `m`, which follows `before` (null: it is the first). */
  take(before: QueuedMsg | null, m: QueuedMsg): void {
    if (before === null) this.head = m.next;
    else before.next = m.next;
    if (this.tail === m) this.tail = before;
    m.next = null;
    this.count--;
    this.bytes = (this.bytes - m.data.length) | 0;
  }
}

/** The queue that an LWP in msgsnd or msgrcv sleeps on, which may be removed meanwhile. */
class MsgSleep extends OpState {
  constructor(readonly queue: MsgQueue) {
    super();
  }

  drop(_lwp: Lwp): void {}
}

/** msgget(2): an id, -NOENT, -EXIST, -ACCES, -NOSPC, -NOMEM. */
export function kernMsgget(lwp: Lwp, key: i32, flags: i32): i32 {
  const table = lwp.kernel.msg;
  const found = table.find(lwp, key, flags);
  if (table.error !== 0) return table.error;
  if (found !== null) return found.id;
  if (table.isFull) return -Errno.NOSPC;
  if (!heapOk(lwp) || !lwp.kernel.ipcBudget.take(QUEUE_COST)) return -Errno.NOMEM;
  const q = new MsgQueue();
  q.own(lwp, key, flags);
  return table.add(q);
}

/** The queue of the call, which an earlier run may have found, or null with the errno in `table.error`. */
function queueOf(lwp: Lwp, id: i32, want: i32): MsgQueue | null {
  const table = lwp.kernel.msg;
  const held = lwp.opObj;
  if (held === null || !(held instanceof MsgSleep)) {
    const o = table.use(lwp, id, want);
    if (o === null) return null;
    return o as MsgQueue;
  }
  const q = (held as MsgSleep).queue;
  table.error = q.isRemoved ? -Errno.IDRM : 0;
  if (q.isRemoved) return null;
  return q;
}

function sleep(lwp: Lwp, q: MsgQueue, on: WaitQueue, error: i32, flags: i32): i32 {
  if ((flags & IPC_NOWAIT) !== 0) return error;
  if (lwp.interrupted) return -Errno.INTR;
  if (lwp.opObj === null) {
    if (!heapOk(lwp)) return -Errno.NOMEM;
    lwp.opObj = new MsgSleep(q);
  }
  on.add(lwp);
  return EASYNC;
}

/**
 * msgsnd(2): waits for room; the bytes are then in `buf`. 0, -INVAL (type, size, id), -ACCES, -AGAIN, -IDRM, -INTR, -NOMEM,
 * EASYNC.
 */
export function kernMsgsnd(lwp: Lwp, id: i32, type: long, buf: Uint8Array, size: i32, flags: i32): i32 {
  if (type < 1 || size < 0 || size > MSGMAX) return -Errno.INVAL;
  const q = queueOf(lwp, id, IPC_W);
  if (q === null) return lwp.kernel.msg.error;
  if (((q.bytes + size) | 0) > q.limit || q.count >= q.limit) return sleep(lwp, q, q.writeWait, -Errno.AGAIN, flags);
  const k = lwp.kernel;
  if (!k.vm.heapRoom((size + 8192) | 0) || !k.ipcBudget.take((size + MSG_COST) | 0)) return -Errno.NOMEM;
  const data = new Uint8Array(size);
  copyBytes(data, 0, buf, 0, size);
  q.put(new QueuedMsg(type, data));
  q.stime = nowSeconds(lwp);
  q.lastSender = lwp.proc.pid;
  q.readWait.wakeup();
  return 0;
}

/** What msgrcv found: valid after 0. */
export class MsgResult {
  msg: QueuedMsg | null = null;
  /** Bytes to be copied. */
  size: i32 = 0;
  /** Where it is, for `kernMsgTaken`; null when it stays (MSG_COPY). */
  queue: MsgQueue | null = null;
  before: QueuedMsg | null = null;
}

/**
 * msgrcv(2) up to the copy: 0 with the message in `out`, -INVAL, -ACCES, -TOOBIG (without MSG_NOERROR), -NOMSG, -IDRM, -INTR, -NOMEM,
 * EASYNC. It stays on the queue until `kernMsgTaken`, so nothing is lost when user memory has to be brought in first.
 */
export function kernMsgrcv(lwp: Lwp, id: i32, size: long, type: long, flags: i32, out: MsgResult): i32 {
  const copies = (flags & MSG_COPY) !== 0;
  if (size < 0 || (copies && (flags & (IPC_NOWAIT | MSG_EXCEPT)) !== IPC_NOWAIT)) return -Errno.INVAL;
  const q = queueOf(lwp, id, IPC_R);
  if (q === null) return lwp.kernel.msg.error;
  let before: QueuedMsg | null = null;
  let found: QueuedMsg | null = null;
  let foundBefore: QueuedMsg | null = null;
  let place: long = 0;
  let m = q.head;
  while (m !== null) {
    let fits = false;
    if (copies) fits = place === type;
    else if (type === 0) fits = true;
    else if (type > 0) fits = (m.type === type) !== ((flags & MSG_EXCEPT) !== 0);
    else if (m.type <= -type && (found === null || found.type > m.type)) {
      found = m;
      foundBefore = before;
    }
    if (fits) {
      found = m;
      foundBefore = before;
      break;
    }
    before = m;
    m = m.next;
    place = place + 1;
  }
  if (found === null) return sleep(lwp, q, q.readWait, -Errno.NOMSG, flags);
  const n = found.data.length;
  if (size < n && (flags & MSG_NOERROR) === 0) return -Errno.TOOBIG;
  out.msg = found;
  out.size = size < n ? i32(size) : n;
  out.queue = null;
  if (!copies) out.queue = q;
  out.before = foundBefore;
  return 0;
}

/** The message that `kernMsgrcv` found was copied out. */
export function kernMsgTaken(lwp: Lwp, found: MsgResult): void {
  const q = found.queue;
  if (q === null) return;
  const m = found.msg!;
  q.take(found.before, m);
  lwp.kernel.ipcBudget.give((m.data.length + MSG_COST) | 0);
  found.before = null;
  found.queue = null;
  q.rtime = nowSeconds(lwp);
  q.lastReceiver = lwp.proc.pid;
  q.writeWait.wakeup();
}

/** IPC_RMID: sleepers get -IDRM. 0, -INVAL, -PERM. */
export function kernMsgRemove(lwp: Lwp, id: i32): i32 {
  const table = lwp.kernel.msg;
  const o: IpcObject | null = id < 0 ? null : table.get(id);
  if (o === null) return -Errno.INVAL;
  const e = mayChangeIpc(lwp, o);
  if (e !== 0) return e;
  table.remove(o);
  const q = o as MsgQueue;
  lwp.kernel.ipcBudget.give((((q.bytes + imul(q.count, MSG_COST)) | 0) + QUEUE_COST) | 0);
  q.head = null;
  q.tail = null;
  q.readWait.wakeup();
  q.writeWait.wakeup();
  return 0;
}

/** Messages of all queues, or their bytes. */
export function messagesOf(table: IpcTable, bytes: boolean): i32 {
  let n: i32 = 0;
  for (let i = 0; i < table.length; i++) {
    const o = table.at(i);
    if (o === null) continue;
    const q = o as MsgQueue;
    n = (n + (bytes ? q.bytes : q.count)) | 0;
  }
  return n;
}
