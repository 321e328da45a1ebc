/**
 * The sending half of a link: messages and records into the two rings to the peer, what belongs to them beside the rings, and the peer's bell.
 *
 * Key type `LinkWriter`. Neighbours: `link.ts` (which decides what is sent), `outlet.ts` (full rings), `compiled.ts` (the usual way into a ring), `side-channel.ts`.
 * Invariant: the peer sees a record only when it and its parts are whole, and is woken after it can see it.
 */
import type { i32 } from "@anax/portable";
import { WireBuffer } from "../glue/js/wire-buffer";
import { MSGF_PRIORITY } from "../msg";
import { WIREF_ONEWAY, WIREF_PRIORITY, type MsgRecord } from "../record";
import { encodeMsg, wireSize } from "../wire";
import { BlockTable, type SharedBlock } from "./arena";
import { ringBell } from "./bell";
import type { SideData } from "./codec";
import type { LocalCpu } from "./cpu";
import { LwktError } from "./errors";
import { ringOf, type LinkMemory } from "./link-memory";
import { FLAG_SIDE, longRecord } from "./link-records";
import type { AnyMessage } from "./message";
import { Outlet } from "./outlet";
import { RingWriter } from "./ring";
import type { Schema } from "./schema";
import type { SideChannel } from "./side-channel";

/** Messages without reply become visible in bunches of so many bytes: each look at a line of another core's cache costs as much as several short messages. */
const BUNCH = 4096;
const NO_LIMIT = 0x7fffffff;

export class LinkWriter implements SideData {
  readonly requests: Outlet;
  readonly replies: Outlet;
  /** Of `SideData`: the parts of the record that is being written or read. */
  values: unknown[] = [];
  blocks: SharedBlock[] = [];
  private readonly blockTable: BlockTable;
  private readonly peerBell: Int32Array;
  private readonly longRecord = longRecord();

  /** `end`: which of the two ends of the memory is ours. */
  constructor(
    private readonly cpu: LocalCpu,
    private readonly peerId: number,
    memory: LinkMemory,
    end: 0 | 1,
    private readonly side: SideChannel,
  ) {
    this.requests = new Outlet(new RingWriter(ringOf(memory, end * 2)));
    this.replies = new Outlet(new RingWriter(ringOf(memory, end * 2 + 1)));
    this.peerBell = new Int32Array(memory.bells[1 - end]!, 0, 1);
    this.blockTable = new BlockTable(cpu.arenas);
  }

  // ---- messages ------------------------------------------------------------------------------------------------

  /** Writes a message into the ring, where it is not yet visible. False when it has to go by way of a record. */
  pack(
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
    let size = schema.pack(fields, words, bytes, ring.offset, ring.room(), flags, msgid, target, value);
    if (size < 0 && -size <= ring.longest && ring.refill(-size))
      size = schema.pack(fields, words, bytes, ring.offset, ring.room(), flags, msgid, target, value);
    if (size <= 0) return false;
    ring.advance(size);
    return true;
  }

  /** Writes a message whose fields are `fields`. Throws EINVAL naming one that does not fit. */
  write(
    outlet: Outlet,
    schema: Schema,
    msg: AnyMessage,
    fields: Record<string, unknown>,
    flags: i32,
    msgid: number,
    target: number,
    transfer: readonly ArrayBuffer[] | null,
  ): void {
    if (schema.hasJson) fields = schema.codec.withJson(fields);
    if ((msg.flags & MSGF_PRIORITY) !== 0) flags |= WIREF_PRIORITY;
    if (this.pack(outlet, schema, fields, flags, msgid, target, msg.cmd)) {
      if ((flags & WIREF_ONEWAY) !== 0) this.publishSoon();
      else {
        outlet.ring.publish();
        this.signal();
      }
      return;
    }
    if (schema.hasSide) {
      this.values = [];
      this.blocks = [];
    }
    const rec = schema.store(fields, this);
    rec.flags = flags;
    rec.error = 0;
    rec.msgid = msgid;
    rec.target = target;
    rec.value = msg.cmd;
    if (schema.hasSide) this.sendSide(schema, fields, rec, transfer ?? msg.$transfer);
    if ((flags & WIREF_ONEWAY) !== 0) this.putLazily(rec);
    else this.put(outlet, rec);
  }

  /** Posts what the record has beside the ring, before the record is visible, and hands over its blocks. Throws EINVAL for what cannot be cloned: then nothing was sent. */
  private sendSide(
    schema: Schema,
    fields: Record<string, unknown>,
    rec: MsgRecord,
    transfer: readonly ArrayBuffer[] | null,
  ): void {
    const { values } = this;
    const arenas = this.blockTable.untold(this.blocks);
    rec.source = 0;
    if (values.length > 0 || arenas.length > 0) {
      try {
        rec.source = this.side.postValues(
          values,
          arenas.map((arena) => arena.memory),
          transfer,
        );
      } catch (error) {
        throw new LwktError("EINVAL", `${schema.codec.valueNames}: ${(error as Error).message}`, { cause: error });
      }
      rec.flags |= FLAG_SIDE;
    }
    schema.codec.lend(fields, rec, this);
  }

  lend(block: SharedBlock): number {
    return this.blockTable.lend(block, this.peerId);
  }

  blockOf(handle: number): SharedBlock {
    return this.blockTable.take(handle);
  }

  // ---- records -------------------------------------------------------------------------------------------------

  /** Sends a record at once. */
  put(outlet: Outlet, rec: MsgRecord): void {
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

  /** A record that no ring takes goes by itself; a short one in the ring keeps its place. */
  private putLong(outlet: Outlet, rec: MsgRecord): void {
    const size = wireSize(rec, NO_LIMIT);
    if (size < 0) throw new LwktError("EMSGSIZE");
    const buffer = new ArrayBuffer(size);
    encodeMsg(rec, new WireBuffer(new Uint8Array(buffer)), 0, size);
    const seq = this.side.postRecord(buffer);
    this.longRecord.msgid = seq;
    this.longRecord.flags = FLAG_SIDE;
    this.longRecord.source = seq;
    outlet.put(this.longRecord);
  }

  // ---- being seen ----------------------------------------------------------------------------------------------

  /** The peer is to see what was written to the requests with the next few, or when the running code has ended. */
  publishSoon(): void {
    this.cpu.kick();
    if (this.requests.ring.unpublished >= BUNCH) this.publish();
  }

  /** Makes visible what `publishSoon` has left. */
  publish(): void {
    const { ring } = this.requests;
    if (ring.unpublished === 0) return;
    ring.publish();
    this.signal();
  }

  /** Sends on what waits for space. */
  flush(outlet: Outlet): void {
    if (outlet.hasSpace) return;
    outlet.flush();
    this.signal();
  }

  /** Wakes the peer if it sleeps. */
  signal(): void {
    if (ringBell(this.peerBell)) this.side.poke();
  }
}
