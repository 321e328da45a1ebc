/**
 * Links: two CPUs and the rings between them. What the core calls an IPI queue in each direction, and a channel beside them for what shared memory cannot hold.
 *
 * Key type `Link`: the asking half, and the whole for `cpu.ts`, which polls it. Neighbours: `link-server.ts` (the other half), `link-writer.ts`, `calls.ts`, `peer-ports.ts`, `proxy.ts` (whose messages it sends).
 * PROTOCOL.md has the form of the records.
 *
 * Each direction has two rings: one for requests, one for replies. Requests may be left in their ring while a port is crowded; replies never, so an answer is not stuck behind a question.
 * Invariant: a message that was sent is in `calls`, or waits in `peerPorts`, until its reply or the end of the peer has completed it.
 */
import { EASYNC, Errno, type i32 } from "@anax/portable";
import type { WireBuffer } from "../glue/js/wire-buffer";
import { replyMsg, type AbortHandler, type Msg } from "../msg";
import { WIREF_ABORT, WIREF_ONEWAY } from "../record";
import { decodeMsg } from "../wire";
import type { SharedBlock } from "./arena";
import { CallTable } from "./calls";
import { BY_RECORD } from "./compiled";
import type { LocalCpu } from "./cpu";
import { LwktError } from "./errors";
import { closeLinkMemory, ringOf, type LinkMemory } from "./link-memory";
import {
  FAILURE,
  FLAG_SIDE,
  FLAG_UNDELIVERED,
  LONG_RECORD,
  PORT,
  abortRecord,
  bytesOf,
  failureRecord,
  openRecord,
  portRecord,
  putText,
  textOf,
} from "./link-records";
import { LinkServer } from "./link-server";
import { LinkWriter } from "./link-writer";
import type { AnyMessage, MessageClass, OlderVersion } from "./message";
import type { Outlet } from "./outlet";
import { PeerPorts } from "./peer-ports";
import type { SidePort } from "./platform";
import type { LocalPort } from "./port";
import { RingReader } from "./ring";
import { SideChannel } from "./side-channel";
import type { Watched } from "./spin";
import { PortVersions } from "./versions";

/** What may wait for a full ring before `send` and `call` fail with EAGAIN. */
const BACKLOG_MAX = 64 * 1024 * 1024;
/** Messages that may wait for a port to tell its versions, before they fail alike. */
const WAITING_MAX = 65_536;

class ReplyWatch implements Watched {
  constructor(private readonly link: Link) {}

  get hasInput(): boolean {
    return this.link.hasReplyInput;
  }

  get mayHaveInput(): boolean {
    return this.link.mayHaveReply;
  }
}

export class Link implements AbortHandler {
  isClosed = false;
  /** How the peer has ended, when that is known. */
  private ended: string | null = null;
  readonly requests: Outlet;
  private readonly replies: Outlet;
  private readonly repliesIn: RingReader;
  private readonly side: SideChannel;
  private readonly writer: LinkWriter;
  private readonly server: LinkServer;
  private readonly calls = new CallTable();
  private readonly peerPorts = new PeerPorts();
  private readonly openRecord = openRecord();
  private readonly portRecord = portRecord();
  private readonly failureRecord = failureRecord();
  private readonly abortRecord = abortRecord();

  /** `end`: which of the two ends of the memory is ours. */
  constructor(
    readonly cpu: LocalCpu,
    readonly peerName: string,
    readonly peerId: number,
    readonly memory: LinkMemory,
    end: 0 | 1,
    side: SidePort,
  ) {
    this.repliesIn = new RingReader(ringOf(memory, 3 - end * 2));
    this.side = new SideChannel(
      side,
      (memory) => cpu.arenas.announce(memory),
      () => cpu.kick(),
    );
    this.writer = new LinkWriter(cpu, peerId, memory, end, this.side);
    this.server = new LinkServer(cpu, peerName, memory, end, this.writer, this.side);
    this.requests = this.writer.requests;
    this.replies = this.writer.replies;
  }

  // ---- sending -------------------------------------------------------------------------------------------------

  /** Number under which the peer will know its port called `name`. */
  openPort(name: string): number {
    const number = this.peerPorts.add();
    const rec = this.openRecord;
    putText(rec, name);
    rec.target = number;
    this.writer.put(this.requests, rec);
    return number;
  }

  /** Sends a message to the peer's port `target`. Throws EINVAL for a field that does not fit, EAGAIN when too much waits. */
  sendRequest(msg: AnyMessage, target: number): i32 {
    if (this.isClosed) {
      msg.$detail = this.goneText;
      return Errno.PIPE;
    }
    if (this.requests.backlog.bytes > BACKLOG_MAX || this.peerPorts.waiting > WAITING_MAX) {
      msg.$detail = `${this.peerName} does not keep up: too much waits`;
      return Errno.AGAIN;
    }
    if (this.peerPorts.mustWait(target, msg.$type)) return this.wait(msg, target);
    return this.sendTo(msg, target, msg.$transfer);
  }

  /** Sends a message that the peer's port can be sent; as `sendRequest`. */
  private sendTo(msg: AnyMessage, target: number, transfer: readonly ArrayBuffer[] | null): i32 {
    const type = msg.$type;
    const versions = type.stepsDown ? this.peerPorts.versionsOf(target) : null;
    const steps = versions === null ? null : versions.stepsFor(type);
    let schema = type.request;
    let fields = msg as unknown as Record<string, unknown>;
    if (versions !== null && versions.errorOf(type) !== 0) {
      msg.$detail = `${this.peerName} takes no version of ${type.typeName} that can be sent`;
      return versions.errorOf(type);
    }
    if (steps !== null) {
      for (const step of steps) {
        fields = step.sending!.downgrade(fields) as Record<string, unknown>;
        schema = step.type.request;
      }
    }
    if (msg.replyPort === null) {
      this.writer.write(this.requests, schema, msg, fields, WIREF_ONEWAY, 0, target, transfer);
      return 0;
    }
    // First: a value that is written may send messages itself.
    const msgid = this.calls.add(msg);
    if (msgid < 0) return Errno.AGAIN;
    try {
      this.writer.write(this.requests, schema, msg, fields, 0, msgid, target, transfer);
    } catch (thrown) {
      this.calls.remove(msg);
      throw thrown;
    }
    msg.$sentAs = steps;
    msg.abortHandler = this;
    return EASYNC;
  }

  /** Leaves a message until the port has told which versions it takes. Throws EINVAL for a field that does not fit. */
  private wait(msg: AnyMessage, target: number): i32 {
    msg.$type.request.check(msg as unknown as Record<string, unknown>);
    if (msg.replyPort !== null) {
      this.peerPorts.wait(target, msg);
      return EASYNC;
    }
    this.peerPorts.wait(target, msg.$type.copyOf(msg));
    return 0;
  }

  /** The peer's port `target` has told what it takes, or there is none: what has waited for that goes. */
  private portTold(target: number, versions: PortVersions | null): void {
    for (const msg of this.peerPorts.told(target, versions)) {
      let error: i32;
      try {
        error = this.sendTo(msg, target, msg.$transfer);
      } catch (thrown) {
        error = msg.$setFailure(thrown);
      }
      if (error > 0) this.fail(msg, error);
    }
  }

  /** A message that cannot be sent after all. */
  private fail(msg: AnyMessage, error: i32): void {
    if (msg.replyPort === null) this.cpu.warn(new LwktError(error, msg.$detail ?? undefined));
    else replyMsg(msg, error);
  }

  /** The usual way of a message without reply: straight into the ring. False when it has to go the other way, by `sendRequest`. */
  sendNow(msg: AnyMessage, target: number): boolean {
    const type = msg.$type;
    if (this.isClosed || type.stepsDown || type.request.hasJson || this.peerPorts.waiting > 0) return false;
    const fields = msg as unknown as Record<string, unknown>;
    if (!this.writer.pack(this.requests, type.request, fields, WIREF_ONEWAY, 0, target, msg.cmd)) return false;
    this.writer.publishSoon();
    return true;
  }

  /** Makes visible what `sendNow` has left. */
  publish(): void {
    this.writer.publish();
  }

  /** Asks the peer to finish a message early; of `AbortHandler`. */
  abort(msg: Msg): void {
    if (this.isClosed) return;
    this.abortRecord.flags = WIREF_ABORT | WIREF_ONEWAY;
    this.abortRecord.msgid = (msg as AnyMessage).$msgid;
    this.writer.put(this.requests, this.abortRecord);
  }

  // ---- receiving -----------------------------------------------------------------------------------------------

  /** What a blocked caller watches. */
  readonly replyWatch: Watched = new ReplyWatch(this);

  /** A reply, space for what waits to be sent, or the peer's end. */
  get hasReplyInput(): boolean {
    return this.repliesIn.hasInput || this.canFlush || this.isGone;
  }

  get mayHaveReply(): boolean {
    return this.repliesIn.mayHaveInput;
  }

  /** The peer's end was closed; `close` is still to be called. */
  get isGone(): boolean {
    return this.server.isPeerGone;
  }

  /** Whether `poll` may have something to do. A look at shared memory, no more. */
  get hasInput(): boolean {
    if (this.repliesIn.hasInput || this.server.hasInput) return true;
    return this.canFlush || this.isGone;
  }

  /** Whether there is space now for what waits for it. */
  get canFlush(): boolean {
    return this.requests.canFlush || this.replies.canFlush;
  }

  /** Of `Watched`. */
  get mayHaveInput(): boolean {
    return this.repliesIn.mayHaveInput || this.server.mayHaveInput;
  }

  /** An answer is due, or space. */
  get expectsMore(): boolean {
    return this.calls.count > 0 || this.peerPorts.waiting > 0 || !this.requests.hasSpace || !this.replies.hasSpace;
  }

  /** What is missing comes as an event, so the event loop must turn. */
  get needsEvents(): boolean {
    return this.side.waits;
  }

  /** Takes what has come in, at most a batch of requests; sends on what waited for space. Returns how many records it has taken. */
  poll(): number {
    if (this.isClosed) return 0;
    this.side.waits = false;
    let n = this.server.poll();
    this.flush();
    // Last, so that nothing is between an answer and the code that waits for it.
    n += this.pollReplies();
    if (n === 0 && this.isGone) {
      this.cpu.removeLink(this);
      this.close();
    }
    return n;
  }

  /** Sends on what waits, for company or for space. */
  flush(): void {
    this.writer.publish();
    this.writer.flush(this.requests);
    this.writer.flush(this.replies);
  }

  /** Takes replies: all that a blocked caller takes. Returns how many. */
  pollReplies(): number {
    const ring = this.repliesIn;
    const wire = ring.wire;
    let n = 0;
    for (;;) {
      const at = ring.next();
      if (at < 0) break;
      const size = wire.get32(at + 4);
      if ((wire.get32(at + 8) & FLAG_SIDE) !== 0 && !this.side.has(wire.get32(at + 20) >>> 0)) break;
      this.takeReply(wire, at, size, ring);
      n++;
      if (ring.owes && ring.release()) this.writer.signal();
    }
    return n;
  }

  private takeReply(wire: WireBuffer, at: number, size: number, ring: RingReader): void {
    switch (wire.get32(at) & 0xffff) {
      case PORT: {
        const rec = this.portRecord;
        decodeMsg(rec, wire, at, size);
        const { target } = rec;
        const versions = rec.error === 0 ? PortVersions.of(bytesOf(rec)) : null;
        ring.take(size);
        this.portTold(target, versions);
        return;
      }
      case LONG_RECORD: {
        const long = this.side.takeRecord(wire.get32(at + 20) >>> 0);
        ring.take(size);
        this.complete(long, 0, long.length, null);
        return;
      }
      default:
        this.complete(wire, at, size, ring);
    }
  }

  /** Completes the message that a reply belongs to. */
  private complete(wire: WireBuffer, at: number, size: number, ring: RingReader | null): void {
    const msgid = wire.get32(at + 12) >>> 0;
    const msg = this.calls.get(msgid);
    if (msg === null) throw new LwktError("EIO", `${this.peerName} answered what was not asked`);
    if ((wire.get32(at) & 0xffff) === FAILURE) {
      const rec = this.failureRecord;
      decodeMsg(rec, wire, at, size);
      if ((rec.flags & FLAG_UNDELIVERED) !== 0) this.freeBlocks(msg);
      msg.$detail = rec.lengthOf(0) === 0 ? null : textOf(rec);
      this.finish(msg, rec.error, size, ring);
      return;
    }
    const steps = msg.$sentAs;
    if (steps === null) {
      this.finish(msg, this.takeFields(msg.$type, msg as never, wire, at, size), size, ring);
      return;
    }
    const fields = {};
    const error = this.takeFields(steps[steps.length - 1]!.type, fields, wire, at, size);
    ring?.take(size);
    this.finish(msg, error === 0 ? this.upgrade(msg, fields, steps) : error, 0, null);
  }

  /** A message was answered by a record of `size` bytes. */
  private finish(msg: AnyMessage, error: i32, size: number, ring: RingReader | null): void {
    if (ring !== null) ring.take(size);
    this.calls.remove(msg);
    msg.error = error;
    msg.targetPort!.replyMsg(msg);
  }

  /** Reads the reply fields of a class. Returns 0 or an errno. */
  private takeFields(
    type: MessageClass,
    into: Record<string, unknown>,
    wire: WireBuffer,
    at: number,
    size: number,
  ): i32 {
    const schema = type.replies;
    let n: number = BY_RECORD;
    if (wire.get32(at) === schema.cls.tag) n = schema.unpack(into, wire.words, wire.bytes, at, size, false);
    if (n === BY_RECORD) {
      const rec = schema.record;
      n = decodeMsg(rec, wire, at, size);
      if (n >= 0) {
        if ((rec.flags & FLAG_SIDE) !== 0) this.writer.values = this.side.takeValues(rec.source);
        schema.load(rec, into, this.writer, false);
      }
    }
    return n < 0 ? -n : 0;
  }

  /** Sets the reply fields of a message that was sent in an older version. Returns 0 or an errno. */
  private upgrade(msg: AnyMessage, reply: object, steps: readonly OlderVersion[]): i32 {
    try {
      let fields = reply;
      for (let i = steps.length - 1; i >= 0; i--)
        fields = steps[i]!.sending!.upgrade(fields as Record<string, unknown>);
      msg.$type.assignReply(msg as unknown as Record<string, unknown>, fields);
      return 0;
    } catch (thrown) {
      return msg.$setFailure(thrown);
    }
  }

  /** Blocks that went to the peer with a message which nobody there has taken. */
  private freeBlocks(msg: AnyMessage): void {
    for (const name of msg.$type.request.blocks) {
      const block = (msg as unknown as Record<string, SharedBlock | null>)[name];
      if (block !== null && block !== undefined) block.arena.free(block.index, this.peerId);
    }
  }

  /** A port was made on this CPU. */
  portAdded(port: LocalPort): void {
    this.server.portAdded(port);
  }

  // ---- the end -------------------------------------------------------------------------------------------------

  /** How the peer has ended, in words. */
  get goneText(): string {
    return this.ended ?? `${this.peerName} has exited`;
  }

  /** The peer is gone: what it has said before is taken, what it owes fails with EPIPE, what it asked is aborted. */
  close(reason?: string): void {
    this.ended ??= reason ?? null;
    if (this.isClosed) return;
    while (this.server.drain() + this.pollReplies() > 0);
    this.isClosed = true;
    const isFirst = !this.isGone;
    closeLinkMemory(this.memory);
    // Who has closed its end hears no more of us: our event would be lost, and it would take itself for woken.
    if (isFirst) this.writer.signal();
    this.cpu.kickLater();
    const detail = this.goneText;
    for (const msg of this.calls.drain()) {
      msg.$detail = detail;
      replyMsg(msg, Errno.PIPE);
    }
    this.server.close(detail);
    for (const msg of this.peerPorts.close()) {
      msg.$detail = detail;
      if (msg.replyPort !== null) replyMsg(msg, Errno.PIPE);
    }
    this.requests.close();
    this.replies.close();
    this.cpu.arenas.reclaim(this.peerId);
    this.side.close();
  }
}
