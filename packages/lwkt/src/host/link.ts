/**
 * Links: two CPUs and the rings between them. What the core calls an IPI queue in each direction, and a channel beside them for what shared memory cannot hold.
 *
 * Key types `Link`, `LinkMemory`. Neighbours: `ring.ts`, `outlet.ts`, `bell.ts` (wake-ups), `proxy.ts` (whose messages it sends), `port.ts` (whose messages it delivers),
 * `cpu.ts` (which polls it). PROTOCOL.md has the form of the records.
 *
 * Each direction has two rings: one for requests, one for replies. Requests may be left in their ring while a port is crowded; replies never, so an
 * answer is not stuck behind a question. Record of a request: `target` is the port's number, `msgid` the sender's slot; of a reply: `msgid` as it came.
 * Invariant: a message that was sent is in `pending` until its reply, or the end of the peer, has completed it.
 */
import { EASYNC, Errno, type i32 } from "@anax/portable";
import { WireBuffer } from "../glue/js/wire-buffer";
import { MSGF_DONE, MSGF_PRIORITY, abortMsg, type AbortHandler, type Msg } from "../msg";
import { FieldKind, MsgClass, MsgLayout } from "../msgclass";
import { ReplyOnlyPort } from "../port";
import { MsgRecord, WIREF_ABORT, WIREF_ONEWAY, WIREF_PRIORITY, WIREF_REPLY } from "../record";
import { decodeMsg, encodeMsg, wireMajor, wireSize } from "../wire";
import { BlockTable, type SharedBlock } from "./arena";
import { ringBell } from "./bell";
import { BY_RECORD } from "./compiled";
import type { LocalCpu } from "./cpu";
import { LwktError, detailOf, errnoOfThrown } from "./errors";
import type { AnyMessage, MessageClass, OlderVersion } from "./message";
import { Outlet } from "./outlet";
import type { SidePort } from "./platform";
import type { LocalPort } from "./port";
import { RingReader, RingWriter, closeRing, ringBytes, type RingMemory } from "./ring";
import type { SideData } from "./codec";
import type { Schema } from "./schema";
import type { Watched } from "./spin";

/** Memory that two CPUs share for their link: four rings, and the bell of each. */
export interface LinkMemory {
  readonly rings: SharedArrayBuffer;
  /** Bytes of each ring. */
  readonly capacity: number;
  /** Bell of end 0 and of end 1. */
  readonly bells: readonly [SharedArrayBuffer, SharedArrayBuffer];
}

/** Bytes of a ring when nobody says otherwise: a message with 64 KiB goes through it. */
export const DEFAULT_RING = 512 * 1024;
/** What may wait for a full ring before `send` and `call` fail with EAGAIN. */
const BACKLOG_MAX = 64 * 1024 * 1024;

export function createLinkMemory(
  bells: readonly [SharedArrayBuffer, SharedArrayBuffer],
  capacity: number = DEFAULT_RING,
): LinkMemory {
  return { rings: new SharedArrayBuffer(4 * ringBytes(capacity)), capacity, bells };
}

/** Ring `index` of a link: 0 and 1 carry requests and replies of end 0, 2 and 3 those of end 1. */
function ringOf(memory: LinkMemory, index: number): RingMemory {
  return { buffer: memory.rings, offset: index * ringBytes(memory.capacity), capacity: memory.capacity };
}

/** Tells both ends that one of them is gone. */
export function closeLinkMemory(memory: LinkMemory): void {
  for (let i = 0; i < 4; i++) closeRing(ringOf(memory, i));
  for (const bell of memory.bells) ringBell(new Int32Array(bell, 0, 1));
}

/** Classes of the link's own records; numbers below MSGCLASS_USER. */
const OPEN = 8;
const FAILURE = 9;
const LONG_RECORD = 10;
const ABORT = 11;

/** Transport flag of a record: parts of it come beside the ring, as message `source`. */
const FLAG_SIDE = 0x0100;
/** Transport flag of a failure: no port has seen the message. */
const FLAG_UNDELIVERED = 0x0200;

const BATCH = 512;
/** Messages without reply become visible in bunches: each look at a line of another core's cache costs as much as several messages. */
const BUNCH = 32;
const SLOT_BITS = 20;
const SLOT_MASK = (1 << SLOT_BITS) - 1;
const NO_LIMIT = 0x7fffffff;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** What goes beside the ring. */
type SideMessage = { seq: number; values: unknown[]; arenas: unknown[] } | { seq: number; record: ArrayBuffer } | null;

/** A port of this CPU as the peer knows it: by a number of the peer's choice. */
class Binding {
  port: LocalPort | null = null;
  /** Records that came before the port was there. */
  held: Uint8Array[] = [];
  /** It did not come in time: what is sent to it fails at once until it is there. */
  isRefused = false;
  deadline: ReturnType<typeof setTimeout> | null = null;

  constructor(readonly name: string) {}
}

/** Where messages that came over the link are answered to. */
class Answers extends ReplyOnlyPort {
  constructor(private readonly link: Link) {
    super();
  }

  replied(msg: Msg): void {
    this.link.answered(msg as AnyMessage);
  }
}

class ReplyWatch implements Watched {
  constructor(private readonly link: Link) {}

  get hasInput(): boolean {
    return this.link.hasReplyInput;
  }
}

/** The steps from a class back to its major version `major`, the oldest last; null when none leads there. */
function versionsTo(type: MessageClass, major: number): OlderVersion[] | null {
  const steps: OlderVersion[] = [];
  for (let step = type.older; step !== null; step = step.type.older) {
    steps.push(step);
    if (step.type.request.cls.major === major) return steps;
  }
  return null;
}

export class Link implements SideData, AbortHandler {
  readonly requests: Outlet;
  readonly replies: Outlet;
  readonly blocks: BlockTable;
  isClosed = false;
  /** Calls on their way. */
  outstanding = 0;
  /** Messages without reply that the peer cannot see yet. */
  private unpublished = 0;
  /** Of `SideData`: the parts of the record that is being written or read. */
  values: unknown[] = [];
  /** Arenas that the peer has to be told of with the next record. */
  private arenas: unknown[] = [];
  private readonly requestsIn: RingReader;
  private readonly repliesIn: RingReader;
  private readonly peerBell: Int32Array;
  private readonly pending: (AnyMessage | null)[] = [];
  private readonly generations: number[] = [];
  private readonly freeSlots: number[] = [];
  private readonly bindings: Binding[] = [];
  private nextPort = 0;
  /** Messages of the peer that are being handled and will be answered. */
  private readonly serving = new Map<number, AnyMessage>();
  private readonly answers = new Answers(this);
  private sideSeq = 0;
  private readonly sideIn = new Map<number, Exclude<SideMessage, null>>();
  private waitsForSide = false;
  private readonly openRecord = new MsgRecord(
    new MsgClass(OPEN, "link.open", 1, 0, new MsgLayout().field(0, "name", FieldKind.TEXT, 0, 0, "the port's name")),
  );
  private readonly failureRecord = new MsgRecord(
    new MsgClass(FAILURE, "link.failure", 1, 0, new MsgLayout().field(0, "detail", FieldKind.TEXT, 0, 0, "for people")),
  );
  private readonly longRecord = new MsgRecord(new MsgClass(LONG_RECORD, "link.long", 1, 0, new MsgLayout()));
  private readonly abortRecord = new MsgRecord(new MsgClass(ABORT, "link.abort", 1, 0, new MsgLayout()));

  /** `end`: which of the two ends of the memory is ours. */
  constructor(
    readonly cpu: LocalCpu,
    readonly peerName: string,
    readonly peerId: number,
    readonly memory: LinkMemory,
    end: 0 | 1,
    private readonly side: SidePort,
  ) {
    const out = end * 2;
    const back = 2 - out;
    this.requests = new Outlet(new RingWriter(ringOf(memory, out)));
    this.replies = new Outlet(new RingWriter(ringOf(memory, out + 1)));
    this.requestsIn = new RingReader(ringOf(memory, back));
    this.repliesIn = new RingReader(ringOf(memory, back + 1));
    this.peerBell = new Int32Array(memory.bells[1 - end]!, 0, 1);
    this.blocks = new BlockTable(cpu.arenas);
    side.onMessage((message) => {
      this.takeSide(message as SideMessage);
      this.cpu.kick();
    });
  }

  // ---- sending -------------------------------------------------------------------------------------------------

  /** Number under which the peer will know its port called `name`. */
  openPort(name: string): number {
    const number = this.nextPort++;
    const rec = this.openRecord;
    const text = encoder.encode(name);
    rec.setBytes(0, text, 0, text.length);
    rec.target = number;
    this.put(this.requests, rec);
    return number;
  }

  /** Sends a message to the peer's port `target`. Throws EINVAL for a field that does not fit, EAGAIN when too much waits. */
  sendRequest(msg: AnyMessage, target: number): i32 {
    if (this.isClosed) {
      msg.$detail = this.goneText();
      return Errno.PIPE;
    }
    if (this.requests.backlog.bytes > BACKLOG_MAX) {
      msg.$detail = `${this.peerName} does not keep up: ${BACKLOG_MAX} bytes wait`;
      return Errno.AGAIN;
    }
    if (msg.replyPort === null) {
      this.write(
        this.requests,
        msg.$type.request,
        msg,
        msg as unknown as Record<string, unknown>,
        WIREF_ONEWAY,
        0,
        target,
        null,
      );
      return 0;
    }
    const slot = this.freeSlots.length > 0 ? this.freeSlots[this.freeSlots.length - 1]! : this.pending.length;
    if (slot > SLOT_MASK) return Errno.AGAIN;
    const generation = slot === this.pending.length ? 0 : this.generations[slot]!;
    const msgid = ((generation << SLOT_BITS) | slot) >>> 0;
    this.write(
      this.requests,
      msg.$type.request,
      msg,
      msg as unknown as Record<string, unknown>,
      0,
      msgid,
      target,
      msg.$transfer,
    );
    if (slot === this.pending.length) {
      this.pending.push(msg);
      this.generations.push(0);
    } else {
      this.freeSlots.pop();
      this.pending[slot] = msg;
    }
    msg.$msgid = msgid;
    msg.abortHandler = this;
    this.outstanding++;
    return EASYNC;
  }

  /** The usual way of a message without reply: straight into the ring. False when it has to go the other way, by `sendRequest`. */
  sendNow(msg: AnyMessage, target: number): boolean {
    if (this.isClosed) return false;
    const fields = msg as unknown as Record<string, unknown>;
    if (!this.pack(this.requests, msg.$type.request, fields, WIREF_ONEWAY, 0, target, msg.cmd)) return false;
    this.publishSoon();
    return true;
  }

  /** Writes a record into the ring, where it is not yet visible. False when it has to go by way of a record. */
  private pack(
    outlet: Outlet,
    schema: Schema,
    fields: Record<string, unknown>,
    flags: i32,
    msgid: number,
    target: number,
    value: number,
  ): boolean {
    if (outlet.backlog.bytes > 0) return false;
    const { ring } = outlet;
    const { words, bytes } = ring.wire;
    const size = schema.pack(fields, words, bytes, ring.offset, ring.room(), flags, msgid, target, value);
    ring.advance(size);
    return size > 0;
  }

  private write(
    outlet: Outlet,
    schema: Schema,
    msg: AnyMessage,
    fields: Record<string, unknown>,
    flags: i32,
    msgid: number,
    target: number,
    transfer: readonly ArrayBuffer[] | null,
  ): void {
    if ((msg.flags & MSGF_PRIORITY) !== 0) flags |= WIREF_PRIORITY;
    if (this.pack(outlet, schema, fields, flags, msgid, target, msg.cmd)) {
      if ((flags & WIREF_ONEWAY) !== 0) this.publishSoon();
      else {
        outlet.ring.publish();
        this.signal();
      }
      return;
    }
    if (schema.hasSide) this.values = [];
    const rec = schema.store(fields, this);
    rec.flags = flags;
    rec.error = 0;
    rec.msgid = msgid;
    rec.target = target;
    rec.value = msg.cmd;
    if (schema.hasSide) this.sendSide(rec, transfer ?? msg.$transfer);
    if ((flags & WIREF_ONEWAY) !== 0) this.putLazily(rec);
    else this.put(outlet, rec);
  }

  /** Posts what the record has beside the ring. Posted before the record is visible. */
  private sendSide(rec: MsgRecord, transfer: readonly ArrayBuffer[] | null): void {
    const { values, arenas } = this;
    if (values.length === 0 && arenas.length === 0) {
      rec.source = 0;
      return;
    }
    const seq = this.nextSide();
    this.values = [];
    this.arenas = [];
    this.side.post({ seq, values, arenas }, [...(transfer ?? [])]);
    rec.flags |= FLAG_SIDE;
    rec.source = seq;
  }

  private nextSide(): number {
    this.sideSeq = (this.sideSeq + 1) >>> 0;
    return this.sideSeq;
  }

  private put(outlet: Outlet, rec: MsgRecord): void {
    if (!outlet.put(rec)) this.putLong(outlet, rec);
    else if (outlet.backlog.bytes > 0) this.cpu.kick();
    outlet.ring.publish();
    this.signal();
  }

  /** As `put`; the peer sees it with the next few, or when the running code has ended. */
  private putLazily(rec: MsgRecord): void {
    const { requests } = this;
    if (!requests.put(rec)) this.putLong(requests, rec);
    this.publishSoon();
    if (requests.backlog.bytes > 0) this.publish();
  }

  private publishSoon(): void {
    this.cpu.kick();
    if (++this.unpublished >= BUNCH) this.publish();
  }

  /** Makes visible what `putLazily` has left. */
  publish(): void {
    if (this.unpublished === 0) return;
    this.unpublished = 0;
    this.requests.ring.publish();
    this.signal();
  }

  /** A record that no ring takes goes by itself; a short one in the ring keeps its place. */
  private putLong(outlet: Outlet, rec: MsgRecord): void {
    const size = wireSize(rec, NO_LIMIT);
    if (size < 0) throw new LwktError("EMSGSIZE");
    const buffer = new ArrayBuffer(size);
    encodeMsg(rec, new WireBuffer(new Uint8Array(buffer)), 0, size);
    const seq = this.nextSide();
    this.side.post({ seq, record: buffer }, [buffer]);
    this.longRecord.msgid = seq;
    this.longRecord.flags = FLAG_SIDE;
    this.longRecord.source = seq;
    outlet.put(this.longRecord);
  }

  /** Wakes the peer if it sleeps. */
  private signal(): void {
    if (ringBell(this.peerBell)) this.side.post(null, []);
  }

  /** Asks the peer to finish a message early; of `AbortHandler`. */
  abort(msg: Msg): void {
    if (this.isClosed) return;
    this.abortRecord.flags = WIREF_ABORT | WIREF_ONEWAY;
    this.abortRecord.msgid = (msg as AnyMessage).$msgid;
    this.put(this.requests, this.abortRecord);
  }

  // ---- blocks of shared memory ---------------------------------------------------------------------------------

  lend(block: Parameters<SideData["lend"]>[0]): number {
    return this.blocks.lend(block, this.peerId, this.tellArena);
  }

  private readonly tellArena = (memory: unknown): void => void this.arenas.push(memory);

  blockOf(handle: number): ReturnType<SideData["blockOf"]> {
    return this.blocks.take(handle);
  }

  // ---- receiving -----------------------------------------------------------------------------------------------

  /** What a blocked caller watches. */
  readonly replyWatch: Watched = new ReplyWatch(this);

  /** A reply, space for what waits to be sent, or the peer's end. */
  get hasReplyInput(): boolean {
    return this.repliesIn.hasInput || this.requests.canFlush || this.repliesIn.isClosed;
  }

  /** The peer's end was closed; `close` is still to be called. */
  get isGone(): boolean {
    return this.requestsIn.isClosed;
  }

  /** Whether `poll` may have something to do. A look at shared memory, no more. */
  get hasInput(): boolean {
    if (this.repliesIn.hasInput || (this.requestsIn.hasInput && !this.isStalled)) return true;
    return this.requests.canFlush || this.replies.canFlush || this.requestsIn.isClosed;
  }

  /** An answer is due, or space. */
  get expectsMore(): boolean {
    return this.outstanding > 0 || !this.requests.hasSpace || !this.replies.hasSpace;
  }

  /** Requests are left where they are: a port is crowded, or something beside the ring has not come yet. */
  get isStalled(): boolean {
    return this.waitsForSide || (this.crowded !== null && this.crowded.isCrowded);
  }

  /** What is missing comes as an event, so the event loop must turn. */
  get needsEvents(): boolean {
    return this.waitsForSide;
  }

  private crowded: LocalPort | null = null;

  /** Takes what has come in, at most a batch of requests; sends on what waited for space. Returns how many records it has taken. */
  poll(): number {
    if (this.isClosed) return 0;
    this.waitsForSide = false;
    let n = this.pollReplies();
    n += this.pollRequests();
    this.publish();
    this.flush(this.requests);
    this.flush(this.replies);
    if (n === 0 && this.requestsIn.isClosed) {
      this.cpu.removeLink(this);
      this.close();
    }
    return n;
  }

  /** Sends on what waits for space. */
  private flush(outlet: Outlet): void {
    if (outlet.hasSpace) return;
    outlet.flush();
    this.signal();
  }

  /** Takes replies, and sends on requests: what a blocked caller does. */
  pollBlocked(): number {
    this.flush(this.requests);
    return this.pollReplies();
  }

  /** Takes replies. */
  private pollReplies(): number {
    const ring = this.repliesIn;
    const wire = ring.wire;
    let n = 0;
    for (;;) {
      const at = ring.next();
      if (at < 0) break;
      const size = wire.get32(at + 4);
      if ((wire.get32(at + 8) & FLAG_SIDE) !== 0 && !this.sideArrived(wire.get32(at + 20) >>> 0)) break;
      this.takeReply(wire, at, size, ring);
      n++;
      if (ring.owes && ring.release()) this.signal();
    }
    // What was taken since is told when there is time: who looks next time finds nothing, or takes more.
    if (n === 0 && ring.release()) this.signal();
    return n;
  }

  private takeReply(wire: WireBuffer, at: number, size: number, ring: RingReader): void {
    const number = wire.get32(at) & 0xffff;
    if (number === LONG_RECORD) {
      const part = this.takePart(wire.get32(at + 20) >>> 0) as { record: ArrayBuffer };
      ring.take(size);
      const long = new WireBuffer(new Uint8Array(part.record));
      this.complete(long, 0, long.length, null);
    } else this.complete(wire, at, size, ring);
  }

  /** Completes the message that a reply belongs to. */
  private complete(wire: WireBuffer, at: number, size: number, ring: RingReader | null): void {
    const msgid = wire.get32(at + 12) >>> 0;
    const slot = msgid & SLOT_MASK;
    const msg = this.pending[slot] ?? null;
    if (msg === null || msg.$msgid !== msgid)
      throw new LwktError("EIO", `${this.peerName} answered what was not asked`);
    let error = 0;
    if ((wire.get32(at) & 0xffff) === FAILURE) {
      const rec = this.failureRecord;
      decodeMsg(rec, wire, at, size);
      error = rec.error;
      if ((rec.flags & FLAG_UNDELIVERED) !== 0) this.freeBlocks(msg);
      msg.$detail = rec.lengthOf(0) === 0 ? null : this.text(rec);
    } else {
      const schema = msg.$type.replies;
      const fields = msg as unknown as Record<string, unknown>;
      let n: number = BY_RECORD;
      if (wire.get32(at) === schema.cls.tag) n = schema.unpack(fields, wire.words, wire.bytes, at, size, false);
      if (n < 0) error = -n;
      else if (n === BY_RECORD) {
        n = decodeMsg(schema.record, wire, at, size);
        if (n < 0) error = -n;
      }
      if (n > 0) {
        if ((schema.record.flags & FLAG_SIDE) !== 0)
          this.values = (this.takePart(schema.record.source) as { values: unknown[] }).values;
        schema.load(schema.record, fields, this, false);
      }
    }
    if (ring !== null) ring.take(size);
    this.freeSlot(slot);
    msg.error = error;
    msg.targetPort!.replyMsg(msg);
  }

  /** Blocks that went to the peer with a message which nobody there has taken. */
  private freeBlocks(msg: AnyMessage): void {
    for (const name of msg.$type.request.blocks) {
      const block = (msg as unknown as Record<string, SharedBlock | null>)[name];
      if (block !== null && block !== undefined) block.arena.free(block.index, this.peerId);
    }
  }

  private freeSlot(slot: number): void {
    this.pending[slot] = null;
    this.generations[slot] = (this.generations[slot]! + 1) & 0xfff;
    this.freeSlots.push(slot);
    this.outstanding--;
  }

  private text(rec: MsgRecord): string {
    const bytes = new Uint8Array(rec.lengthOf(0));
    rec.copyOut(0, 0, bytes, 0, bytes.length);
    return decoder.decode(bytes);
  }

  private pollRequests(): number {
    const ring = this.requestsIn;
    const wire = ring.wire;
    let n = 0;
    while (n < BATCH) {
      if (this.crowded !== null) {
        if (this.crowded.isCrowded) break;
        this.crowded = null;
      }
      const at = ring.next();
      if (at < 0) break;
      const size = wire.get32(at + 4);
      if ((wire.get32(at + 8) & FLAG_SIDE) !== 0 && !this.sideArrived(wire.get32(at + 20) >>> 0)) break;
      this.takeRequest(wire, at, size, ring);
      n++;
      if (ring.owes && ring.release()) this.signal();
    }
    if (n === 0 && ring.release()) this.signal();
    return n;
  }

  private takeRequest(wire: WireBuffer, at: number, size: number, ring: RingReader | null): void {
    const number = wire.get32(at) & 0xffff;
    const target = wire.get32(at + 16) >>> 0;
    switch (number) {
      case OPEN:
        decodeMsg(this.openRecord, wire, at, size);
        this.bind(target, this.text(this.openRecord));
        ring?.take(size);
        return;
      case ABORT: {
        const msg = this.serving.get(wire.get32(at + 12) >>> 0);
        ring?.take(size);
        if (msg !== undefined) abortMsg(msg);
        return;
      }
      case LONG_RECORD: {
        const part = this.takePart(wire.get32(at + 20) >>> 0) as { record: ArrayBuffer };
        ring?.take(size);
        const long = new WireBuffer(new Uint8Array(part.record));
        this.takeRequest(long, 0, long.length, null);
        return;
      }
    }
    const binding = this.bindings[target];
    if (binding === undefined) throw new LwktError("EIO", `${this.peerName} sent to a port that it has not opened`);
    if (binding.port === null) {
      binding.held.push(wire.bytes.slice(at, at + size));
      ring?.take(size);
      if (binding.isRefused) this.refuse(binding);
    } else this.deliver(binding.port, number, wire, at, size, ring);
  }

  private deliver(
    port: LocalPort,
    number: number,
    wire: WireBuffer,
    at: number,
    size: number,
    ring: RingReader | null,
  ): void {
    const msgid = wire.get32(at + 12) >>> 0;
    const oneWay = (wire.get32(at + 8) & WIREF_ONEWAY) !== 0;
    const entry = port.entryOf(number);
    if (entry === undefined) {
      if ((wire.get32(at + 8) & FLAG_SIDE) !== 0) this.takePart(wire.get32(at + 20) >>> 0);
      ring?.take(size);
      this.undeliverable(oneWay, msgid, Errno.NOSYS, `port "${port.name}" takes no message ${number}`);
      return;
    }
    const { type } = entry;
    const flags = wire.get32(at + 8);
    const value = wire.getLong(at + 24);
    const msg = port.obtain(entry);
    let fields = msg as unknown as Record<string, unknown>;
    let older: OlderVersion[] | null = null;
    let n: number = BY_RECORD;
    if (wire.get32(at) === type.request.cls.tag)
      n = type.request.unpack(fields, wire.words, wire.bytes, at, size, port.reuse);
    if (n === BY_RECORD) {
      let schema = type.request;
      n = decodeMsg(schema.record, wire, at, size);
      older = n === -Errno.PROTONOSUPPORT ? versionsTo(type, wireMajor(wire, at)) : null;
      if (older !== null) {
        schema = older[older.length - 1]!.type.request;
        n = decodeMsg(schema.record, wire, at, size);
        fields = {};
      }
      const rec = schema.record;
      if (n >= 0) {
        if ((flags & FLAG_SIDE) !== 0) this.values = (this.takePart(rec.source) as { values: unknown[] }).values;
        schema.load(rec, fields, this, port.reuse && older === null);
      }
    }
    ring?.take(size);
    if (n < 0) {
      port.recycle(entry, msg);
      this.undeliverable(oneWay, msgid, -n, `${type.typeName} as ${this.peerName} sent it`);
      return;
    }
    msg.$init(oneWay ? null : this.answers, value, (flags & WIREF_PRIORITY) !== 0 ? MSGF_PRIORITY : 0);
    msg.$older = older;
    msg.$msgid = msgid;
    if (older !== null && !this.upgrade(msg, fields, older, oneWay)) return;
    const error = port.begin(entry, msg);
    if (error === EASYNC) {
      if (oneWay) this.noteCrowd(port);
      // Its handler may have answered already.
      else if ((msg.flags & MSGF_DONE) === 0) this.serving.set(msgid, msg);
      return;
    }
    if (!oneWay) this.answer(msg, error);
    port.recycle(entry, msg);
  }

  /** Sets the fields of a message that came in an older version. False when a translator has thrown, and the sender was told. */
  private upgrade(msg: AnyMessage, fields: object, older: readonly OlderVersion[], oneWay: boolean): boolean {
    try {
      let request = fields;
      for (let i = older.length - 1; i >= 0; i--) request = older[i]!.upgrade(request as Record<string, unknown>);
      Object.assign(msg, request);
      return true;
    } catch (thrown) {
      this.undeliverable(oneWay, msg.$msgid, errnoOfThrown(thrown), detailOf(thrown));
      return false;
    }
  }

  private noteCrowd(port: LocalPort): void {
    if (port.isCrowded) this.crowded = port;
  }

  private undeliverable(oneWay: boolean, msgid: number, error: i32, detail: string): void {
    if (oneWay) this.cpu.warn(new LwktError(error, detail));
    else this.answerFailure(msgid, error, detail, FLAG_UNDELIVERED);
  }

  // ---- answering -----------------------------------------------------------------------------------------------

  /** A message of the peer was answered after its handler had returned. */
  answered(msg: AnyMessage): void {
    this.serving.delete(msg.$msgid);
    if (!this.isClosed) this.answer(msg, msg.error);
    const port = msg.targetPort as LocalPort;
    port.recycle(port.entryOf(msg.$type.number)!, msg);
  }

  private answer(msg: AnyMessage, error: i32): void {
    if (error !== 0) {
      this.answerFailure(msg.$msgid, error, msg.$detail);
      return;
    }
    try {
      let { replies } = msg.$type;
      let fields = msg as unknown as Record<string, unknown>;
      if (msg.$older !== null) {
        for (const { type, downgrade } of msg.$older) {
          fields = downgrade(fields) as Record<string, unknown>;
          replies = type.replies;
        }
      }
      this.write(this.replies, replies, msg, fields, WIREF_REPLY, msg.$msgid, 0, msg.$transfer);
    } catch (thrown) {
      // The handler's reply does not fit its declaration.
      this.answerFailure(msg.$msgid, errnoOfThrown(thrown), detailOf(thrown));
    }
  }

  private answerFailure(msgid: number, error: i32, detail: string | null, flags = 0): void {
    const rec = this.failureRecord;
    const text = encoder.encode(detail ?? "");
    rec.flags = WIREF_REPLY | flags;
    rec.msgid = msgid;
    rec.error = error;
    rec.setBytes(0, text, 0, text.length);
    this.put(this.replies, rec);
  }

  // ---- ports of this CPU ---------------------------------------------------------------------------------------

  private bind(number: number, name: string): void {
    const binding = new Binding(name);
    this.bindings[number] = binding;
    const port = this.cpu.findPort(name);
    if (port !== null) {
      binding.port = port;
      return;
    }
    binding.deadline = setTimeout(() => this.refuse(binding), this.cpu.portTimeout);
  }

  /** A port was made on this CPU. */
  portAdded(port: LocalPort): void {
    for (const binding of this.bindings) {
      if (binding.name !== port.name || (binding.port !== null && !binding.port.isClosed)) continue;
      binding.port = port;
      binding.isRefused = false;
      if (binding.deadline !== null) clearTimeout(binding.deadline);
      const held = binding.held;
      binding.held = [];
      for (const bytes of held) {
        const wire = new WireBuffer(bytes);
        this.deliver(port, wire.get32(0) & 0xffff, wire, 0, bytes.length, null);
      }
    }
  }

  /** The port did not come: what waits for it fails. */
  private refuse(binding: Binding): void {
    const held = binding.held;
    binding.held = [];
    for (const bytes of held) {
      const wire = new WireBuffer(bytes);
      const flags = wire.get32(8);
      if ((flags & FLAG_SIDE) !== 0) this.takePart(wire.get32(20) >>> 0);
      this.undeliverable(
        (flags & WIREF_ONEWAY) !== 0,
        wire.get32(12) >>> 0,
        Errno.NOENT,
        this.cpu.noPortText(binding.name),
      );
    }
    binding.deadline = null;
    binding.isRefused = true;
  }

  // ---- beside the ring -----------------------------------------------------------------------------------------

  private takeSide(message: SideMessage): void {
    if (message === null) return;
    if ("arenas" in message) for (const memory of message.arenas) this.cpu.arenas.announce(memory);
    this.sideIn.set(message.seq, message);
  }

  private sideArrived(seq: number): boolean {
    while (!this.sideIn.has(seq)) {
      const next = this.side.receive();
      if (next === null) {
        this.waitsForSide = true;
        return false;
      }
      this.takeSide(next.message as SideMessage);
    }
    return true;
  }

  private takePart(seq: number): unknown {
    const part = this.sideIn.get(seq);
    this.sideIn.delete(seq);
    return part;
  }

  // ---- the end -------------------------------------------------------------------------------------------------

  private goneText(): string {
    return `${this.peerName} has exited`;
  }

  /** The peer is gone: what it owes fails with EPIPE, what it asked is aborted. */
  close(reason?: string): void {
    if (this.isClosed) return;
    this.isClosed = true;
    closeLinkMemory(this.memory);
    const detail = reason ?? this.goneText();
    for (let slot = 0; slot < this.pending.length; slot++) {
      const msg = this.pending[slot]!;
      if (msg === null) continue;
      this.freeSlot(slot);
      msg.$detail = detail;
      msg.error = Errno.PIPE;
      msg.targetPort!.replyMsg(msg);
    }
    for (const msg of [...this.serving.values()]) {
      msg.$abortReason = new LwktError("EPIPE", detail);
      abortMsg(msg);
    }
    for (const binding of this.bindings) if (binding.deadline !== null) clearTimeout(binding.deadline);
    this.bindings.length = 0;
    this.sideIn.clear();
    this.requests.resume();
    this.replies.resume();
    this.cpu.arenas.reclaim(this.peerId);
    this.side.close();
  }
}
