/**
 * The serving half of a link: requests of the peer, and their answers.
 *
 * Key type `LinkServer`. Neighbours: `link.ts` (whose other half asks), `bindings.ts` (which port a request is for), `port.ts` (which handles it), `link-writer.ts` (which sends the answer). Record of a request:
 * `target` is the port's number, `msgid` the sender's; of a reply: `msgid` as it came.
 * Invariant: each request that wants an answer gets one; requests are taken in the order in which they came, and left in their ring while a port is crowded.
 */
import { EASYNC, Errno, type i32 } from "@anax/portable";
import { WireBuffer } from "../glue/js/wire-buffer";
import { MSGF_DONE, MSGF_PRIORITY, abortMsg, type Msg } from "../msg";
import { ReplyOnlyPort } from "../port";
import { WIREF_ONEWAY, WIREF_PRIORITY, WIREF_REPLY } from "../record";
import { decodeMsg, wireMajor } from "../wire";
import { Bindings, type Receiver } from "./bindings";
import { EMPTY } from "./codec";
import { BY_RECORD } from "./compiled";
import type { LocalCpu } from "./cpu";
import { LwktError, detailOf, errnoOfThrown } from "./errors";
import { ringOf, type LinkMemory } from "./link-memory";
import {
  ABORT,
  FLAG_SIDE,
  FLAG_UNDELIVERED,
  LONG_RECORD,
  OPEN,
  failureRecord,
  openRecord,
  portRecord,
  putText,
  textOf,
} from "./link-records";
import type { LinkWriter } from "./link-writer";
import type { AnyMessage, OlderVersion } from "./message";
import type { LocalPort } from "./port";
import { RingReader } from "./ring";
import type { SideChannel } from "./side-channel";
import { stepsDown, writeVersions } from "./versions";

/** Requests taken in one look. */
const BATCH = 512;

/** Where messages that came over the link are answered to. */
class Answers extends ReplyOnlyPort {
  constructor(private readonly server: LinkServer) {
    super();
  }

  replied(msg: Msg): void {
    this.server.answered(msg as AnyMessage);
  }
}

export class LinkServer implements Receiver {
  /** Messages of the peer that are being handled and will be answered. */
  private readonly serving = new Map<number, AnyMessage>();
  private readonly answers = new Answers(this);
  private readonly bindings: Bindings;
  private readonly ring: RingReader;
  /** The port for whose sake requests are left in the ring. */
  private crowded: LocalPort | null = null;
  private isClosed = false;
  private readonly openRecord = openRecord();
  private readonly portRecord = portRecord();
  private readonly failureRecord = failureRecord();

  /** `end`: which of the two ends of the memory is ours. */
  constructor(
    private readonly cpu: LocalCpu,
    private readonly peerName: string,
    memory: LinkMemory,
    end: 0 | 1,
    private readonly writer: LinkWriter,
    private readonly side: SideChannel,
  ) {
    this.ring = new RingReader(ringOf(memory, 2 - end * 2));
    this.bindings = new Bindings(cpu, this);
  }

  // ---- taking --------------------------------------------------------------------------------------------------

  /** Whether a look at the ring may be worth it. */
  get hasInput(): boolean {
    return this.ring.hasInput && !this.isStalled;
  }

  /** Of `Watched`. */
  get mayHaveInput(): boolean {
    return this.ring.mayHaveInput && !this.isStalled;
  }

  /** The peer is gone. */
  get isPeerGone(): boolean {
    return this.ring.isClosed;
  }

  /** Requests are left where they are: a port is crowded, or something beside the ring has not come yet. */
  get isStalled(): boolean {
    return this.side.waits || (this.crowded !== null && this.crowded.isCrowded);
  }

  /** Takes requests, at most a batch. Returns how many. */
  poll(): number {
    return this.take(false);
  }

  /** As `poll` for the last time: a crowded port has to take them too. */
  drain(): number {
    return this.take(true);
  }

  private take(isLast: boolean): number {
    const { ring } = this;
    const wire = ring.wire;
    let n = 0;
    while (n < BATCH) {
      if (this.crowded !== null) {
        if (this.crowded.isCrowded && !isLast) break;
        this.crowded = null;
      }
      const at = ring.next();
      if (at < 0) break;
      const size = wire.get32(at + 4);
      if ((wire.get32(at + 8) & FLAG_SIDE) !== 0 && !this.side.has(wire.get32(at + 20) >>> 0)) break;
      this.takeRequest(wire, at, size, ring);
      n++;
      if (ring.owes && ring.release()) this.writer.signal();
    }
    return n;
  }

  private takeRequest(wire: WireBuffer, at: number, size: number, ring: RingReader | null): void {
    const number = wire.get32(at) & 0xffff;
    const target = wire.get32(at + 16) >>> 0;
    switch (number) {
      case OPEN:
        decodeMsg(this.openRecord, wire, at, size);
        this.bindings.bind(target, textOf(this.openRecord));
        ring?.take(size);
        return;
      case ABORT: {
        const msg = this.serving.get(wire.get32(at + 12) >>> 0);
        ring?.take(size);
        if (msg !== undefined) abortMsg(msg);
        return;
      }
      case LONG_RECORD: {
        const long = this.side.takeRecord(wire.get32(at + 20) >>> 0);
        ring?.take(size);
        this.takeRequest(long, 0, long.length, null);
        return;
      }
    }
    const binding = this.bindings.get(target);
    if (binding === undefined) throw new LwktError("EIO", `${this.peerName} sent to a port that it has not opened`);
    if (binding.port === null) {
      const record = wire.bytes.slice(at, at + size);
      ring?.take(size);
      this.bindings.hold(binding, record);
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
      if ((wire.get32(at + 8) & FLAG_SIDE) !== 0) this.side.drop(wire.get32(at + 20) >>> 0);
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
      older = n === -Errno.PROTONOSUPPORT ? stepsDown(type, wireMajor(wire, at)) : null;
      if (older !== null) {
        schema = older[older.length - 1]!.type.request;
        n = decodeMsg(schema.record, wire, at, size);
        fields = {};
      }
      const rec = schema.record;
      if (n >= 0) {
        if ((flags & FLAG_SIDE) !== 0) this.writer.values = this.side.takeValues(rec.source);
        schema.load(rec, fields, this.writer, port.reuse && older === null);
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
      this.writer.write(this.writer.replies, replies, msg, fields, WIREF_REPLY, msg.$msgid, 0, msg.$transfer);
    } catch (thrown) {
      // The handler's reply does not fit its declaration.
      this.answerFailure(msg.$msgid, errnoOfThrown(thrown), detailOf(thrown));
    }
  }

  private answerFailure(msgid: number, error: i32, detail: string | null, flags = 0): void {
    const rec = this.failureRecord;
    rec.flags = WIREF_REPLY | flags;
    rec.msgid = msgid;
    rec.error = error;
    putText(rec, detail ?? "");
    this.writer.put(this.writer.replies, rec);
  }

  // ---- ports of this CPU ---------------------------------------------------------------------------------------

  /** A port was made on this CPU. */
  portAdded(port: LocalPort): void {
    this.bindings.portAdded(port);
  }

  /** Of `Receiver`. */
  announce(number: number, port: LocalPort | null): void {
    const rec = this.portRecord;
    const list = port === null ? EMPTY : writeVersions(port.types);
    rec.setBytes(0, list, 0, list.length);
    rec.flags = WIREF_REPLY;
    rec.target = number;
    rec.error = port === null ? Errno.NOENT : 0;
    this.writer.put(this.writer.replies, rec);
  }

  /** Of `Receiver`. */
  deliverHeld(port: LocalPort, record: Uint8Array): void {
    const wire = new WireBuffer(record);
    this.deliver(port, wire.get32(0) & 0xffff, wire, 0, record.length, null);
  }

  /** Of `Receiver`. */
  refuseHeld(record: Uint8Array, error: i32, detail: string): void {
    const wire = new WireBuffer(record);
    const flags = wire.get32(8);
    if ((flags & FLAG_SIDE) !== 0) this.side.drop(wire.get32(20) >>> 0);
    this.undeliverable((flags & WIREF_ONEWAY) !== 0, wire.get32(12) >>> 0, error, detail);
  }

  // ---- the end -------------------------------------------------------------------------------------------------

  /** The peer is gone: what it asked is aborted, and answered to nobody. */
  close(detail: string): void {
    this.isClosed = true;
    for (const msg of [...this.serving.values()]) {
      msg.$abortReason = new LwktError("EPIPE", detail);
      abortMsg(msg);
    }
    this.bindings.close();
  }
}
