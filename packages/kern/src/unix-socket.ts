/**
 * Local sockets (AF_UNIX): streams, datagrams and sequenced packets between processes of one kernel.
 *
 * Key types `UnixSocket` (an end), `UnixRecord` (a message, or the bytes of a stream that came together with the same
 * descriptors and credentials). What is sent waits at the receiver,
 * bytes in its `PageRing`, boundaries and passed files in its records. Neighbours: `unix-names.ts`, `unix-flight.ts`, `socketcalls.ts`, `page-ring.ts`, `file.ts`.
 * Invariants: the lengths of a socket's records add up to the bytes of its ring; `peer` of connected streams is mutual; a
 * passed file has one reference for its record.
 * Source: unix(7), POSIX 2.10 (sockets); DragonFly sys/kern/uipc_usrreq.c.
 */
import { EASYNC, Errno, i32, kassert, type long } from "@anax/portable";
import { WaitQueue, type Waiter } from "@anax/lwkt";
import type { Machine } from "@anax/machine";
import type { Uio, VmPages } from "@anax/vm";
import { type Cred, type LockOwner, type Stat, type Vnode } from "@anax/vfs-msg";
import { POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDHUP, POLLRDNORM, POLLWRNORM, S_IFSOCK } from "./fcntl";
import { FK_SOCKET, File } from "./file";
import { anonymousStat } from "./file-util";
import type { Lwp } from "./lwp";
import { PageRing } from "./page-ring";
import { pipeSignal } from "./signal";
import type { UnixFlight } from "./unix-flight";
import type { UnixNames } from "./unix-names";
import {
  E_CONNREFUSED,
  E_CONNRESET,
  E_NOTCONN,
  E_TOOMANYREFS,
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
  MSG_PEEK,
  MSG_WAITALL,
  SOCK_DGRAM,
  SOCK_SEQPACKET,
  SOCK_STREAM,
} from "./socket-defs";

/** Pages of the ring of a socket: 128 KiB. */
const RING_PAGES: i32 = 32;
/** Datagrams that wait at one socket. */
const DATAGRAMS_MAX: i32 = 512;
/** Files that wait at one socket. */
const PASSED_MAX: i32 = 1024;
const NO_NEED: i32 = 0x7fffffff;

/** A message that waits. Owned by the receiving socket; pooled by it when it is read. */
export class UnixRecord {
  length: i32 = 0;
  /** Files that were passed with it; null for none. */
  files: Array<File> | null = null;
  /** Name of the sender; null when it has none. */
  from: Uint8Array | null = null;
  pid: i32 = 0;
  uid: i32 = 0;
  gid: i32 = 0;
  next: UnixRecord | null = null;
}

/**
 * One end.
 *
 * | field | meaning |
 * |---|---|
 * | peer | connected to: mutual for streams, the default target for datagrams |
 * | records, ring | what waits to be received |
 * | recvShut, sendShut | shutdown(2), or the other side is gone |
 * | listening, backlog, pending | a server, and the ends that accept(2) hands out |
 * | address, boundTo | own name, as sun_path bytes; the vnode of a name in the file system |
 */
export class UnixSocket extends File {
  peer: UnixSocket | null = null;
  recvShut: boolean = false;
  sendShut: boolean = false;
  listening: boolean = false;
  backlog: i32 = 0;
  readonly pending: UnixSocket[] = [];
  /** The table of names without a file that has `address`; null for a name in the file system or none. */
  names: UnixNames | null = null;
  address: Uint8Array | null = null;
  boundTo: Vnode | null = null;
  /** SO_PASSCRED. */
  passCred: boolean = false;
  /** Time limits of receiving and sending, ns; 0 for none. */
  recvTimeout: long = 0;
  sendTimeout: long = 0;
  /** Who is on the other side, as of connect or socketpair (SO_PEERCRED). */
  peerPid: i32 = 0;
  peerUid: i32 = -1;
  peerGid: i32 = -1;
  /** Reported once by SO_ERROR. */
  error: i32 = 0;
  closed: boolean = false;
  /** Entries of records that refer to this socket; see `unix-flight.ts`, which also owns the next two. */
  inFlight: i32 = 0;
  suspect: boolean = false;
  inSuspects: i32 = 0;
  /** Files that wait here. */
  private passedFiles: i32 = 0;
  /** What came with the message received last: files (references), sender's name and identity, its whole length. */
  gotFiles: Array<File> | null = null;
  gotFrom: Uint8Array | null = null;
  gotPid: i32 = 0;
  gotUid: i32 = 0;
  gotGid: i32 = 0;
  gotLength: i32 = 0;
  /** Receivers, acceptors and pollers of this socket. */
  readonly readWait: WaitQueue = new WaitQueue();
  /** Who wants to put something here: senders, and connectors of a server. */
  readonly roomWait: WaitQueue = new WaitQueue();
  private readonly ring: PageRing;
  private head: UnixRecord | null = null;
  private tail: UnixRecord | null = null;
  private spare: UnixRecord | null = null;
  private recordCount: i32 = 0;
  /** Free bytes at which sleepers on `roomWait` are to be woken. */
  private roomNeed: i32 = NO_NEED;

  constructor(
    machine: Machine,
    pages: VmPages,
    private readonly flight: UnixFlight,
    readonly type: i32,
    flags: i32,
    cred: Cred,
    readonly ino: i32,
  ) {
    super(FK_SOCKET, flags, cred);
    this.ring = new PageRing(machine, pages, RING_PAGES);
  }

  get isStream(): boolean {
    return this.type === SOCK_STREAM;
  }

  get capacity(): i32 {
    return this.ring.capacity;
  }

  /** Makes two new sockets each other's peer. */
  static pair(a: UnixSocket, b: UnixSocket): void {
    a.peer = b;
    b.peer = a;
  }

  // Sending

  /** Where a message of this socket goes: `to`, or the peer. */
  private target(to: UnixSocket | null): UnixSocket | null {
    return to !== null ? to : this.peer;
  }

  /**
   * Sends the uio to `to` (datagrams), else to the peer. `files` and the sender's identity go with its first byte. 0, -PIPE,
   * -NOTCONN, -CONNREFUSED, -MSGSIZE, -AGAIN, -INTR, -NOMEM, -FAULT, EASYNC.
   */
  send(uio: Uio, to: UnixSocket | null, files: Array<File> | null, flags: i32, lwp: Lwp): i32 {
    if (this.sendShut) return this.broken(lwp, flags);
    const target = this.target(to);
    if (target === null) return -E_NOTCONN;
    if (target.closed) return this.type === SOCK_DGRAM ? -E_CONNREFUSED : this.broken(lwp, flags);
    if (target.recvShut) return this.broken(lwp, flags);
    if (files !== null && ((target.passedFiles + files.length) | 0) > PASSED_MAX) return -E_TOOMANYREFS;
    if (this.isStream) return this.sendBytes(uio, target, files, flags, lwp);
    if (uio.resid > target.ring.capacity) return -Errno.MSGSIZE;
    const length = i32(uio.resid);
    if (target.ring.free < length || target.recordCount >= DATAGRAMS_MAX)
      return this.waitRoom(target, length, flags, lwp);
    const r = target.ring.put(uio);
    if (r !== 0) {
      target.ring.unput((length - i32(uio.resid)) | 0);
      uio.resid = length;
      return r;
    }
    target.append(length, files, this, lwp);
    return 0;
  }

  private sendBytes(uio: Uio, target: UnixSocket, files: Array<File> | null, flags: i32, lwp: Lwp): i32 {
    // Files went with the first byte: a run that goes on after it sends none.
    let passed: Array<File> | null = files;
    if (lwp.opDone > 0) passed = null;
    if (uio.resid === 0) return 0;
    if (target.ring.free > 0) {
      const before = target.ring.count;
      const r = target.ring.put(uio);
      const n: i32 = (target.ring.count - before) | 0;
      if (n > 0) target.append(n, passed, this, lwp);
      if (r !== 0 || uio.resid === 0) return r;
    }
    const half = target.ring.capacity >> 1;
    return this.waitRoom(target, uio.resid < half ? i32(uio.resid) : half, flags, lwp);
  }

  /** Nothing fits: waits until `need` bytes do. */
  private waitRoom(target: UnixSocket, need: i32, flags: i32, lwp: Lwp): i32 {
    if (this.isNonblocking || (flags & MSG_DONTWAIT) !== 0 || lwp.isLate) return -Errno.AGAIN;
    if (lwp.interrupted) return -Errno.INTR;
    if (this.sendTimeout > 0) lwp.limit(lwp.opDeadline < 0 ? lwp.kernel.now() + this.sendTimeout : lwp.opDeadline);
    if (need < target.roomNeed) target.roomNeed = need;
    target.roomWait.add(lwp);
    return EASYNC;
  }

  private broken(lwp: Lwp, flags: i32): i32 {
    if ((flags & MSG_NOSIGNAL) === 0) pipeSignal(lwp);
    return -Errno.PIPE;
  }

  /**
   * `n` bytes were put into this socket's ring by `from`: enters the record, which takes a reference to each of `files`, or
   * lets the last one grow.
   */
  private append(n: i32, files: Array<File> | null, from: UnixSocket, lwp: Lwp): void {
    const last = this.tail;
    const cred = lwp.proc.cred;
    const pid = lwp.proc.pid;
    if (
      this.isStream &&
      files === null &&
      last !== null &&
      last.files === null &&
      last.pid === pid &&
      last.uid === i32(cred.uid)
    ) {
      last.length = (last.length + n) | 0;
    } else {
      let rec = this.spare;
      if (rec === null) rec = new UnixRecord();
      else this.spare = rec.next;
      rec.length = n;
      rec.files = files;
      if (files !== null) this.enterFiles(files);
      rec.from = from.address;
      rec.pid = pid;
      rec.uid = i32(cred.uid);
      rec.gid = i32(cred.gid);
      rec.next = null;
      if (last === null) this.head = rec;
      else last.next = rec;
      this.tail = rec;
      this.recordCount++;
    }
    if (!this.readWait.isEmpty) this.readWait.wakeup();
  }

  private enterFiles(files: File[]): void {
    this.passedFiles = (this.passedFiles + files.length) | 0;
    for (let i = 0; i < files.length; i++) {
      files[i].ref();
      this.flight.entered(files[i]);
    }
  }

  private leaveFiles(files: File[]): void {
    this.passedFiles = (this.passedFiles - files.length) | 0;
    for (let i = 0; i < files.length; i++) this.flight.left(files[i]);
  }

  /** For UnixFlight: counts the references from here to suspects. */
  countSuspects(): void {
    let rec = this.head;
    while (rec !== null) {
      const files = rec.files;
      const n: i32 = files === null ? 0 : files.length;
      for (let i = 0; i < n; i++) {
        if (files![i].kind === FK_SOCKET) (files![i] as UnixSocket).inSuspects++;
      }
      rec = rec.next;
    }
  }

  /** For UnixFlight: this socket can be received, and with it what waits in it: suspects among that go to `cleared`. */
  clearInto(cleared: UnixSocket[]): void {
    let rec = this.head;
    while (rec !== null) {
      const files = rec.files;
      const n: i32 = files === null ? 0 : files.length;
      for (let i = 0; i < n; i++) {
        if (files![i].kind !== FK_SOCKET) continue;
        const s = files![i] as UnixSocket;
        if (!s.suspect) continue;
        s.suspect = false;
        cleared.push(s);
      }
      rec = rec.next;
    }
  }

  /** Everything that waits here goes. */
  dropAll(): void {
    while (this.head !== null) this.dropHead();
    this.ring.release();
  }

  override descriptorClosed(_owner: LockOwner): void {
    if (this.inFlight > 0 && ((this.refs - 1) | 0) === this.inFlight) this.flight.collect(this);
  }

  // Receiving

  /**
   * Receives: a piece of the stream, or one message (the rest of it is dropped). What came with it is in `got*` afterwards; the
   * caller installs or drops `gotFiles`. 0 (no byte moved: end of the stream, or an empty message), -AGAIN, -INTR, -NOTCONN,
   * -CONNRESET, -FAULT, EASYNC.
   */
  receive(uio: Uio, flags: i32, lwp: Lwp): i32 {
    this.gotFiles = null;
    this.gotFrom = null;
    this.gotLength = 0;
    const rec = this.head;
    if (this.isStream && uio.resid === 0) return 0;
    if (rec === null) return this.nothing(lwp, flags);
    this.gotFrom = rec.from;
    this.gotPid = rec.pid;
    this.gotUid = rec.uid;
    this.gotGid = rec.gid;
    this.gotLength = rec.length;
    if ((flags & MSG_PEEK) !== 0) return this.peekAt(rec, uio);
    const files = rec.files;
    rec.files = null;
    const before = uio.resid;
    const r = this.isStream ? this.receiveBytes(rec, files !== null, uio) : this.receiveMessage(rec, uio);
    if (r < 0 && uio.resid === before && this.head === rec) {
      rec.files = files;
      return r;
    }
    if (files !== null) this.leaveFiles(files);
    this.gotFiles = files;
    this.roomFreed();
    const wants = (flags & MSG_WAITALL) !== 0 && this.isStream && files === null && uio.resid > 0;
    if (r === 0 && wants && this.head === null && this.nothing(lwp, flags) === EASYNC) return EASYNC;
    return r;
  }

  /** Takes bytes of the stream, over records that nothing sets apart. */
  private receiveBytes(first: UnixRecord, alone: boolean, uio: Uio): i32 {
    let r: i32 = 0;
    let cur: UnixRecord | null = first;
    while (cur !== null && uio.resid > 0 && (cur === first || (!alone && cur.files === null && !this.passCred))) {
      const keep: long = uio.resid - cur.length;
      if (keep > 0) uio.resid = cur.length;
      const before = uio.resid;
      r = this.ring.take(uio);
      cur.length = (cur.length - i32(before - uio.resid)) | 0;
      if (keep > 0) uio.resid = uio.resid + keep;
      if (cur.length > 0 || r !== 0) break;
      this.dropHead();
      cur = this.head;
    }
    return r;
  }

  /** Copies what a receive would give and leaves it. Passed files are not shown. */
  private peekAt(rec: UnixRecord, uio: Uio): i32 {
    if (this.isStream) return this.ring.peek(uio, 0);
    const keep: long = uio.resid - rec.length;
    if (keep > 0) uio.resid = rec.length;
    const r = this.ring.peek(uio, 0);
    if (keep > 0) uio.resid = uio.resid + keep;
    return r;
  }

  private receiveMessage(rec: UnixRecord, uio: Uio): i32 {
    const keep: long = uio.resid - rec.length;
    if (keep > 0) uio.resid = rec.length;
    const before = uio.resid;
    const r = this.ring.take(uio);
    const got = i32(before - uio.resid);
    if (keep > 0) uio.resid = uio.resid + keep;
    if (r < 0 && got === 0) return r;
    this.ring.drop((rec.length - got) | 0);
    this.dropHead();
    return r;
  }

  private dropHead(): void {
    const rec = this.head!;
    this.head = rec.next;
    if (rec.next === null) this.tail = null;
    this.recordCount--;
    const files = rec.files;
    rec.files = null;
    if (files !== null) {
      this.leaveFiles(files);
      for (let i = 0; i < files.length; i++) this.flight.drop(files[i]);
    }
    rec.from = null;
    rec.next = this.spare;
    this.spare = rec;
  }

  /** Lets go of the files of the last receive that nobody took. */
  dropGot(): void {
    const files = this.gotFiles;
    this.gotFiles = null;
    if (files !== null) for (let i = 0; i < files.length; i++) files[i].unref();
  }

  /** There is nothing to receive: the error that waits, the end, or a sleep. */
  private nothing(lwp: Lwp, flags: i32): i32 {
    if (this.error !== 0) {
      const e = this.error;
      this.error = 0;
      return -e;
    }
    if (this.recvShut) return 0;
    if (this.type !== SOCK_DGRAM && this.peer === null) return this.listening ? -Errno.INVAL : -E_NOTCONN;
    if (this.isNonblocking || (flags & MSG_DONTWAIT) !== 0 || lwp.isLate) return -Errno.AGAIN;
    if (lwp.interrupted) return -Errno.INTR;
    if (this.recvTimeout > 0) lwp.limit(lwp.opDeadline < 0 ? lwp.kernel.now() + this.recvTimeout : lwp.opDeadline);
    this.readWait.add(lwp);
    return EASYNC;
  }

  private roomFreed(): void {
    if (this.roomWait.isEmpty || this.ring.free < this.roomNeed) return;
    this.roomNeed = NO_NEED;
    this.roomWait.wakeup();
  }

  // As a file

  override read(uio: Uio, lwp: Lwp): i32 {
    const r = this.receive(uio, 0, lwp);
    this.dropGot();
    return r;
  }

  override write(uio: Uio, lwp: Lwp): i32 {
    return this.send(uio, null, null, 0, lwp);
  }

  override poll(events: i32, waiter: Waiter | null): i32 {
    const peer = this.peer;
    if (waiter !== null) {
      this.readWait.add(waiter);
      if (peer !== null) peer.pollRoom(waiter);
    }
    let ready: i32 = 0;
    if (this.head !== null || this.recvShut || this.pending.length > 0) ready |= events & (POLLIN | POLLRDNORM);
    if (this.recvShut) ready |= events & POLLRDHUP;
    if (this.error !== 0) ready |= POLLERR;
    if (this.type === SOCK_DGRAM) {
      if (peer === null || peer.hasRoom) ready |= events & (POLLOUT | POLLWRNORM);
    } else if (!this.listening) {
      if (peer === null && !this.closedByPeer) ready |= (events & (POLLOUT | POLLWRNORM)) | POLLHUP;
      else if (this.sendShut || (peer !== null && peer.hasRoom)) {
        ready |= events & (POLLOUT | POLLWRNORM);
      }
      if (this.sendShut && this.recvShut) ready |= POLLHUP;
    }
    return ready;
  }

  /** Room enough for poll to say so. */
  private get hasRoom(): boolean {
    return this.ring.free >= this.ring.capacity >> 1;
  }

  private pollRoom(waiter: Waiter): void {
    const half = this.ring.capacity >> 1;
    if (half < this.roomNeed) this.roomNeed = half;
    this.roomWait.add(waiter);
  }

  /** It was connected, and the other side has closed. */
  get closedByPeer(): boolean {
    return this.peer === null && this.recvShut && this.sendShut;
  }

  /** Bytes of the stream that wait, or of the next message. */
  override available(): long {
    if (this.isStream) return this.ring.count;
    const rec = this.head;
    return rec === null ? 0 : rec.length;
  }

  stat(st: Stat, _lwp: Lwp): i32 {
    return anonymousStat(st, this.ino, S_IFSOCK | 0o777, this.cred);
  }

  /** shutdown(2): 0 or -NOTCONN. */
  shutdown(recv: boolean, send: boolean): i32 {
    const peer = this.peer;
    if (peer === null && this.type !== SOCK_DGRAM) return -E_NOTCONN;
    if (recv) this.endReceive();
    if (send) this.endSend();
    if (peer !== null && this.type !== SOCK_DGRAM) {
      if (send) peer.endReceive();
      if (recv) peer.endSend();
    }
    return 0;
  }

  private endReceive(): void {
    this.recvShut = true;
    this.readWait.wakeup();
    this.roomWait.wakeup();
  }

  private endSend(): void {
    this.sendShut = true;
    this.readWait.wakeup();
    const peer = this.peer;
    if (peer !== null) peer.roomWait.wakeup();
  }

  close(): void {
    this.closed = true;
    const bound = this.boundTo;
    this.boundTo = null;
    if (bound !== null) {
      bound.special = null;
      bound.unref();
    }
    const names = this.names;
    this.names = null;
    if (names !== null) names.remove(this);
    const peer = this.peer;
    this.peer = null;
    if (peer !== null && peer.peer === this && this.type !== SOCK_DGRAM) {
      peer.peer = null;
      // What was sent and never read tells the sender that it is lost.
      if (this.head !== null) peer.error = E_CONNRESET;
      peer.endReceive();
      peer.endSend();
    }
    while (this.pending.length > 0) {
      const waiting = this.pending[this.pending.length - 1];
      this.pending.pop();
      const client = waiting.peer;
      if (client !== null) client.error = E_CONNRESET;
      waiting.unref();
    }
    this.recvShut = true;
    this.sendShut = true;
    this.dropAll();
    this.readWait.wakeup();
    this.roomWait.wakeup();
    kassert(this.recordCount === 0, "unix socket: records left");
  }
}

/** Whether messages of the type have a connection. */
export function isConnectionType(type: i32): boolean {
  return type === SOCK_STREAM || type === SOCK_SEQPACKET;
}
