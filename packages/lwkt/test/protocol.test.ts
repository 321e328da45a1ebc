import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Errno, bytesOf } from "@anax/portable";
import {
  FieldKind,
  HELLO_CLASSES,
  HELLO_NAME,
  HELLO_PROTOCOL,
  MSGCLASS_HELLO,
  MSGCLASS_PING,
  MsgClass,
  MsgLayout,
  MsgRecord,
  MsgRegistry,
  PeerVersions,
  WireBuffer,
  addControlClasses,
  encodeMsg,
  helloClass,
  writeHello,
  type MsgTranslator,
} from "@anax/lwkt";

describe("PROTOCOL.md", () => {
  it("has the tables of the protocol's own classes as declared", () => {
    const r = new MsgRegistry();
    addControlClasses(r);
    const page = readFileSync(new URL("../PROTOCOL.md", import.meta.url), "utf8");
    const cells = (s: string): string[] =>
      s
        .split("\n")
        .map((l) =>
          l
            .replace(/-+/g, "-")
            .replace(/ *\| */g, "|")
            .trim(),
        )
        .filter((l) => l !== "");
    expect(cells(page.split("<!-- classes -->")[1]!)).toEqual(cells(r.describe()));
  });
});

class Same implements MsgTranslator {
  translate(): number {
    return 0;
  }
}

function speaker(number: number, oldest: number, newest: number): MsgRegistry {
  const r = new MsgRegistry();
  addControlClasses(r);
  if (newest === 0) return r;
  for (let m = oldest; m <= newest; m++)
    r.add(new MsgClass(number, "c", m, m, new MsgLayout().field(0, "a", FieldKind.U8, 0, 0, "")));
  for (let m = oldest; m < newest; m++) r.addTranslator(number, m, m + 1, new Same());
  return r;
}

/** `a`'s HELLO as it arrives at a peer whose registry is `b`. */
function greet(a: MsgRegistry, b: MsgRegistry): PeerVersions {
  const hello = new MsgRecord(a.current(MSGCLASS_HELLO)!);
  writeHello(hello, a, 3);
  hello.setBytes(HELLO_NAME, bytesOf("left"), 0, 4);
  const out = new WireBuffer(new Uint8Array(1024));
  const size = encodeMsg(hello, out, 0, 1024);
  const got = new MsgRecord(b.current(MSGCLASS_HELLO)!);
  expect(b.decode(got, out, 0, size)).toBe(size);
  const peer = new PeerVersions(b);
  expect(peer.accept(got)).toBe(0);
  return peer;
}

describe("HELLO", () => {
  it("finds the newest version that both speak", () => {
    const range = fc.tuple(fc.integer({ min: 1, max: 6 }), fc.nat(4)).map(([lo, n]) => [lo, lo + n] as const);
    fc.assert(
      fc.property(range, range, ([aLo, aHi], [bLo, bHi]) => {
        const peer = greet(speaker(40, aLo, aHi), speaker(40, bLo, bHi));
        const both = Math.min(aHi, bHi);
        expect(peer.majorFor(40)).toBe(both >= Math.max(aLo, bLo) ? both : -Errno.PROTONOSUPPORT);
        expect(peer.minorOf(40)).toBe(aHi);
        expect([peer.node, peer.name, peer.isGreeted]).toEqual([3, "left", true]);
        expect(peer.majorFor(MSGCLASS_PING)).toBe(1);
        expect(peer.majorFor(41)).toBe(-Errno.OPNOTSUPP);
        expect(peer.minorOf(41)).toBe(-1);
      }),
    );
    expect(greet(speaker(40, 1, 0), speaker(40, 1, 2)).majorFor(40)).toBe(-Errno.OPNOTSUPP);
  });

  it("is refused whole when it contradicts itself", () => {
    const peer = new PeerVersions(speaker(40, 1, 2));
    const hello = new MsgRecord(helloClass());
    const list = (...bytes: number[]): number => {
      hello.setBytes(HELLO_CLASSES, new Uint8Array(bytes), 0, bytes.length);
      return peer.accept(hello);
    };
    expect(list(40, 0, 1, 2, 0, 0, 0)).toBe(-Errno.INVAL);
    expect(list(40, 0, 0, 2, 0, 0, 0, 0)).toBe(-Errno.INVAL);
    expect(list(40, 0, 2, 1, 0, 0, 0, 0)).toBe(-Errno.INVAL);
    expect(list(40, 0, 1, 1, 0, 0, 0, 0, 40, 0, 1, 1, 0, 0, 0, 0)).toBe(-Errno.INVAL);
    expect(peer.isGreeted).toBe(false);
    expect(peer.majorFor(40)).toBe(-Errno.OPNOTSUPP);
    hello.set(HELLO_PROTOCOL, 2);
    expect(list(40, 0, 1, 1, 0, 0, 0, 0)).toBe(-Errno.PROTONOSUPPORT);
    hello.set(HELLO_PROTOCOL, 1);
    expect(list(40, 0, 1, 1, 0, 0, 0, 0)).toBe(0);
    expect(peer.majorFor(40)).toBe(1);
  });
});
