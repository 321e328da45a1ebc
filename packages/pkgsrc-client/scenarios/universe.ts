/** A summary in small chunks with broken records in it, an installed package, and what matches what. */
import { bytesOf, type EventLog, i32, stringOf } from "@anax/portable";
import { Universe } from "@anax/pkgsrc-client";

function record(name: string, lines: string): string {
  return (
    `PKGNAME=${name}\n${lines}COMMENT=about ${name}\nSIZE_PKG=4096\nBUILD_DATE=today\nCATEGORIES=x\nMACHINE_ARCH=m\nOPSYS=o\nOS_VERSION=1\n` +
    `PKGPATH=x/${name}\nPKGTOOLS_VERSION=1\nDESCRIPTION=text\n\n`
  );
}

function name(u: Universe, p: i32): string {
  return stringOf(u.arena.bytes, u.nameAt(p), u.nameLength(p));
}

function candidates(log: EventLog, u: Universe, pattern: string): void {
  const b = bytesOf(pattern);
  const id = u.pattern(b, 0, b.length);
  let row = `${pattern}:`;
  for (let i = 0; i < u.candidates(id); i++) row += ` ${name(u, u.candidate(id, i))}`;
  log.line(row);
}

export function run(log: EventLog): void {
  const u = new Universe();
  const repo = u.addRepository(0);
  const text = bytesOf(
    record("foo-1.0", "DEPENDS=bar>=1\nDEPENDS=baz-[0-9]*\nREQUIRES=/lib/z.so\nFILE_SIZE=6000000000\nX_OTHER=1\n") +
      record("foo-1.10nb2", "CONFLICTS=old-[0-9]*\nSUPERSEDES=old<2\n") +
      "garbage\nPKGNAME=x\n\n" +
      record("foo-2bar-0.5", "") +
      record("nameless", "") +
      record("bar-2", "PROVIDES=/lib/z.so\nPROVIDES=/lib/y.so\n") +
      record("baz-1.0", "SIZE_PKG=1\n") +
      "PKGNAME=cut-1\nCOMM",
  );
  log.value("begin", u.beginSummary(repo));
  for (let i: i32 = 0; i < text.length; i = (i + 7) | 0) {
    const n: i32 = ((i + 7) | 0) < text.length ? 7 : (text.length - i) | 0;
    if (u.addSummary(text, i, n) < 0) log.line("failed");
  }
  const reader = u.endSummary();
  if (reader !== null) {
    log.value("records", reader.records);
    for (let i = 0; i < reader.issues.length; i++) log.value("issue", reader.issues.get(i));
  }
  const installed = bytesOf("PKGNAME=foo-1.0nb1\nBUILD_DATE=yesterday\n");
  log.value("installed", u.addInstalled(installed, 0, installed.length, true));
  log.value("not installed", u.addInstalled(installed, 0, 5, true));
  for (let p = 0; p < u.count; p++) {
    log.line(name(u, p));
    log.value("base", u.baseOf(p));
    log.value("size", u.sizeOf(p));
    log.value("file size", u.fileSizeOf(p));
    for (let i = 0; i < u.dependCount(p); i++) log.value("depends", u.dependAt(p, i));
    for (let i = 0; i < u.requireCount(p); i++) log.value("providers", u.providers(u.requireAt(p, i)));
    if (u.findField(p, bytesOf("X_OTHER"), 0)) log.line(stringOf(u.value, u.valueAt, u.valueLength));
  }
  candidates(log, u, "foo-[0-9]*");
  candidates(log, u, "{foo>1.0,bar}");
  candidates(log, u, "*-1*");
  candidates(log, u, "foo");
  candidates(log, u, "foo<1<2");
}
