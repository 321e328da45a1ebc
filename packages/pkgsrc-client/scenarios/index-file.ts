/** A universe goes into an index and out again; damage and other stamps are found. */
import { bytesOf, copyBytes, type EventLog, i32, stringOf, u32 } from "@anax/portable";
import {
  Crc32,
  encodeIndex,
  INDEX_HEADER,
  IndexFault,
  IndexReader,
  IntVec,
  type RecordSource,
  TextSearch,
  Universe,
} from "@anax/pkgsrc-client";

/** The file in memory. */
class Memory implements RecordSource {
  constructor(private readonly file: Uint8Array) {}

  readRecord(at: i32, n: i32, crc: u32, buf: Uint8Array): boolean {
    copyBytes(buf, 0, this.file, at, n);
    return new Crc32().crc32(buf, 0, n) === crc;
  }
}

function record(name: string, lines: string): string {
  return (
    `PKGNAME=${name}\n${lines}COMMENT=about ${name}\nSIZE_PKG=4096\nBUILD_DATE=today\nCATEGORIES=x\nMACHINE_ARCH=m\nOPSYS=o\nOS_VERSION=1\n` +
    `PKGPATH=x/${name}\nPKGTOOLS_VERSION=1\nDESCRIPTION=text\n\n`
  );
}

function show(log: EventLog, u: Universe): void {
  for (let p = 0; p < u.count; p++) {
    log.line(stringOf(u.arena.bytes, u.nameAt(p), u.nameLength(p)));
    for (let i = 0; i < u.dependCount(p); i++) log.value("matching", u.candidates(u.dependAt(p, i)));
    if (u.findField(p, bytesOf("X_OTHER"), 0)) log.line(stringOf(u.value, u.valueAt, u.valueLength));
  }
}

function read(log: EventLog, head: Uint8Array, records: Uint8Array, n: i32, stamp: string): Universe | null {
  const reader = new IndexReader(new Crc32());
  const header = head.subarray(0, INDEX_HEADER);
  log.value("header", i32(reader.readHeader(header, (head.length + n) | 0)));
  if (reader.fault !== IndexFault.NONE) return null;
  // The universe keeps the bytes it is given.
  const own = new Uint8Array(head.length);
  copyBytes(own, 0, head, 0, head.length);
  log.value("head", i32(reader.readHead(own, bytesOf(stamp))));
  const u = reader.universe;
  if (u === null) return null;
  const file = new Uint8Array((head.length + n) | 0);
  copyBytes(file, 0, head, 0, head.length);
  copyBytes(file, head.length, records, 0, n);
  u.source = new Memory(file);
  return u;
}

export function run(log: EventLog): void {
  const u = new Universe();
  u.addRepository(2);
  u.beginSummary(0);
  const text = bytesOf(
    record("foo-1.0", "DEPENDS=bar>=1\nX_OTHER=1\n") + record("bar-2", "X_OTHER=z\n") + record("bar-0.1", ""),
  );
  u.addSummary(text, 0, text.length);
  u.endSummary();
  const head = encodeIndex(u, bytesOf("stamp"), new Crc32());
  if (head === null) {
    log.line("no index");
    return;
  }
  log.value("length", head.length);
  log.value("crc", i32(new Crc32().crc32(head, 0, head.length)));
  const loaded = read(log, head, u.records.bytes, u.records.length, "stamp");
  if (loaded !== null) {
    show(log, loaded);
    const mine = bytesOf("PKGNAME=bar-1.5\n");
    log.value("installed", loaded.addInstalled(mine, 0, mine.length, false));
    show(log, loaded);
    const found = new IntVec();
    new TextSearch(bytesOf("BAR")).find(loaded, true, found);
    for (let i = 0; i < found.length; i++) log.value("found", found.get(i));
    if (encodeIndex(loaded, bytesOf(""), new Crc32()) === null) log.line("has no index");
  }
  read(log, head, u.records.bytes, u.records.length, "other");
  read(log, head, u.records.bytes, 1, "stamp");
  for (let at = 0; at < head.length; at += 37) {
    head[at] ^= 4;
    const broken = read(log, head, u.records.bytes, u.records.length, "stamp");
    if (broken !== null) log.line("not seen");
    head[at] ^= 4;
  }
}
