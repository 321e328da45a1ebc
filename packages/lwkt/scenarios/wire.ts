/** Records on the wire: the same bytes on both builds; versions, translators, and what a liar gets. */
import { EventLog, bytesOf, hashBytes, i32, imul, toLong, u32 } from "@anax/portable";
import {
  FieldKind,
  MsgClass,
  MsgLayout,
  MsgRecord,
  MsgRegistry,
  WireBuffer,
  decodeMsg,
  encodeMsg,
  type MsgTranslator,
} from "@anax/lwkt";

function writeClass(minor: i32): MsgClass {
  const layout = new MsgLayout()
    .field(0, "offset", FieldKind.LONG, 0, 0, "byte of the file")
    .field(1, "append", FieldKind.BOOL, 0, 0, "at the end")
    .field(2, "data", FieldKind.BYTES, 0, 0, "what is written")
    .field(3, "mode", FieldKind.U16, 0, 0o644, "of a file that is created");
  if (minor >= 1)
    layout.field(4, "owner", FieldKind.I32, 1, -1, "uid, or -1").field(5, "name", FieldKind.TEXT, 1, 0, "");
  return new MsgClass(0x102, "fs.write", 1, minor, layout);
}

class ToBlocks implements MsgTranslator {
  translate(from: MsgRecord, to: MsgRecord): i32 {
    to.set(0, toLong(i32(from.get(0)) >> 9));
    to.copyField(1, from, 2);
    return 0;
  }
}

function dump(log: EventLog, rec: MsgRecord): void {
  for (let i = 0; i < rec.cls.count; i++) {
    log.value(rec.cls.layout.fields[i].name, rec.get(i));
    if (rec.buffers[i] !== null) log.line(rec.textOf(i));
  }
}

export function run(log: EventLog): void {
  const out = new WireBuffer(new Uint8Array(512));
  const rec = new MsgRecord(writeClass(1));
  rec.msgid = 0xfffffff0;
  rec.target = 7;
  rec.value = -3;
  rec.set(0, toLong(0x7fffffff) * 4096);
  rec.set(1, 1);
  rec.setBytes(2, bytesOf("some bytes"), 5, 5);
  rec.setBytes(5, bytesOf("a.txt"), 0, 5);
  const size = encodeMsg(rec, out, 16, 400);
  log.value("size", size);
  log.value("hash", hashBytes(out.bytes, 0, 512, 1));
  const old = new MsgRecord(writeClass(0));
  log.value("old reads new", decodeMsg(old, out, 16, size));
  dump(log, old);
  log.value("msgid", old.msgid);
  log.value("value", old.value);
  log.value("size", encodeMsg(old, out, 200, 300));
  log.value("new reads old", decodeMsg(rec, out, 200, 300));
  dump(log, rec);

  const registry = new MsgRegistry();
  registry.add(writeClass(1));
  registry.add(
    new MsgClass(
      0x102,
      "fs.write",
      2,
      0,
      new MsgLayout().field(0, "block", FieldKind.U32, 0, 0, "").field(1, "data", FieldKind.BYTES, 0, 0, ""),
    ),
  );
  registry.addTranslator(0x102, 1, 2, new ToBlocks());
  const blocks = new MsgRecord(registry.current(0x102)!);
  rec.set(0, 5120);
  encodeMsg(rec, out, 0, 512);
  log.value("translated", registry.decode(blocks, out, 0, 512));
  dump(log, blocks);
  log.value("no way back", registry.encode(blocks, 1, out, 0, 512));
  log.line(registry.describe());

  // Lies: one word of a good record is overwritten. What comes of it must be the same on both builds.
  let seed: u32 = 99;
  for (let round = 0; round < 400; round++) {
    encodeMsg(rec, out, 0, 512);
    seed = u32(imul(i32(seed), 1664525) + 1013904223);
    const at = (i32(u32(seed >>> 8) & 31) * 4) | 0;
    out.put32(at, (round & 3) === 0 ? i32(seed) >> 12 : i32(seed) >> 27);
    const limit = (round & 7) === 7 ? i32(u32(seed >>> 20) & 127) : 512;
    log.value("lie", decodeMsg(old, out, 0, limit));
  }
}
