/**
 * The classes of the protocol itself, and what peers know of each other's versions.
 *
 * Key types `PeerVersions`; functions `helloClass`, `pingClass`, `writeHello`. Neighbours: `registry.ts`. A link (a ring between workers, later a
 * network connection) exchanges one HELLO in each direction before anything else and then asks `PeerVersions#majorFor`.
 * Invariant: the classes here never get a new major version: they are how versions are found out.
 */
import { Errno, getU16, i32, kassert, putU16, u32 } from "@anax/portable";
import { FieldKind, MsgClass, MsgLayout } from "./msgclass";
import { MsgRecord } from "./record";
import type { MsgRegistry } from "./registry";

/** The first message on a link: who speaks, and which classes in which versions. */
export const MSGCLASS_HELLO: i32 = 1;
/** Answered with `value` as it came: for round-trip times and to see whether the peer lives. */
export const MSGCLASS_PING: i32 = 2;

/** Version of header and rules; a peer with another one is refused. */
export const WIRE_PROTOCOL: i32 = 1;

/** Fields of HELLO. */
export const HELLO_PROTOCOL: i32 = 0;
/** Number of the sender. */
export const HELLO_NODE: i32 = 1;
/** Its name, for people. */
export const HELLO_NAME: i32 = 2;
/** The classes that it speaks, HELLO_ENTRY bytes each. */
export const HELLO_CLASSES: i32 = 3;
/** Bytes of one entry of HELLO_CLASSES: u16 number, u8 oldest major, u8 newest major, u8 its minor, three of zero. */
export const HELLO_ENTRY: i32 = 8;

/** HELLO: opens a link, in each direction. */
export function helloClass(): MsgClass {
  return new MsgClass(
    MSGCLASS_HELLO,
    "hello",
    1,
    0,
    new MsgLayout()
      .field(HELLO_PROTOCOL, "protocol", FieldKind.U16, 0, WIRE_PROTOCOL, "version of the wire format")
      .field(HELLO_NODE, "node", FieldKind.U32, 0, 0, "number of the sender: its CPU or node")
      .field(HELLO_NAME, "name", FieldKind.TEXT, 0, 0, "for people")
      .field(
        HELLO_CLASSES,
        "classes",
        FieldKind.BYTES,
        0,
        0,
        "8 bytes a class: u16 number, u8 oldest, u8 newest major, u8 minor, 0, 0, 0",
      ),
  );
}

/** PING: answered as it came. */
export function pingClass(): MsgClass {
  return new MsgClass(MSGCLASS_PING, "ping", 1, 0, new MsgLayout());
}

/** Registers the classes of the protocol. */
export function addControlClasses(registry: MsgRegistry): void {
  registry.add(helloClass());
  registry.add(pingClass());
}

/** Fills a HELLO with what `registry` speaks. Allocates; once a link. */
export function writeHello(hello: MsgRecord, registry: MsgRegistry, node: u32): void {
  hello.reset();
  hello.set(HELLO_NODE, node);
  let n: i32 = 0;
  for (let i = 0; i < registry.count; i++) if (isNewest(registry, i)) n++;
  const list = new Uint8Array((n * HELLO_ENTRY) | 0);
  let at: i32 = 0;
  for (let i = 0; i < registry.count; i++) {
    if (!isNewest(registry, i)) continue;
    const cls = registry.at(i);
    putU16(list, at, u32(cls.number));
    list[at + 2] = registry.oldest(cls.number);
    list[at + 3] = cls.major;
    list[at + 4] = cls.minor;
    at = (at + HELLO_ENTRY) | 0;
  }
  hello.setBytes(HELLO_CLASSES, list, 0, at);
}

function isNewest(registry: MsgRegistry, index: i32): boolean {
  const cls = registry.at(index);
  return registry.current(cls.number) === cls;
}

/** What a peer said of itself. Owned by the link. */
export class PeerVersions {
  node: u32 = 0;
  name: string = "";
  /** Oldest major | newest major << 8 | minor << 16 by class number. */
  private readonly said: Map<i32, i32> = new Map<i32, i32>();
  private greeted: boolean = false;

  constructor(private readonly registry: MsgRegistry) {}

  get isGreeted(): boolean {
    return this.greeted;
  }

  /**
   * Takes a decoded HELLO. 0; -EPROTONOSUPPORT for another protocol; -EINVAL for a list that contradicts itself (nothing is taken then).
   * A second HELLO replaces the first.
   */
  accept(hello: MsgRecord): i32 {
    kassert(hello.cls.number === MSGCLASS_HELLO, "peer: not a HELLO");
    if (hello.getI32(HELLO_PROTOCOL) !== WIRE_PROTOCOL) return -Errno.PROTONOSUPPORT;
    const n = hello.lengthOf(HELLO_CLASSES);
    if ((n & (HELLO_ENTRY - 1)) !== 0) return -Errno.INVAL;
    const list = new Uint8Array(n);
    hello.copyOut(HELLO_CLASSES, 0, list, 0, n);
    let last: i32 = 0;
    for (let at: i32 = 0; at < n; at = (at + HELLO_ENTRY) | 0) {
      const number = i32(getU16(list, at));
      const oldest = i32(list[at + 2]);
      if (number <= last || oldest === 0 || i32(list[at + 3]) < oldest) return -Errno.INVAL;
      last = number;
    }
    this.said.clear();
    for (let at: i32 = 0; at < n; at = (at + HELLO_ENTRY) | 0) {
      const versions = i32(list[at + 2]) | (i32(list[at + 3]) << 8) | (i32(list[at + 4]) << 16);
      this.said.set(i32(getU16(list, at)), versions);
    }
    this.node = u32(hello.get(HELLO_NODE));
    this.name = hello.textOf(HELLO_NAME);
    this.greeted = true;
    return 0;
  }

  /**
   * The major version in which to send a class to the peer: the newest that both speak. -EOPNOTSUPP when the peer (or this side) does not
   * know the class, -EPROTONOSUPPORT when they have no version in common.
   */
  majorFor(number: i32): i32 {
    const ours = this.registry.current(number);
    if (ours === null || !this.said.has(number)) return -Errno.OPNOTSUPP;
    const said = this.said.get(number) as i32;
    const oldest: i32 = said & 0xff;
    const newest: i32 = (said >> 8) & 0xff;
    const major = newest < ours.major ? newest : ours.major;
    if (major < oldest || this.registry.find(number, major) === null) return -Errno.PROTONOSUPPORT;
    return major;
  }

  /** The peer's minor version of a class, or -1. Fields that are newer reach nobody there. */
  minorOf(number: i32): i32 {
    if (!this.said.has(number)) return -1;
    return ((this.said.get(number) as i32) >> 16) & 0xff;
  }
}
