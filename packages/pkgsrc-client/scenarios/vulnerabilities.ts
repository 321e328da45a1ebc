/** A file of vulnerabilities: entries, what is hashed, who is concerned; and files with faults. */
import { bytesOf, type EventLog, i32, stringOf } from "@anax/portable";
import { Auditor, IntVec, Vulnerabilities } from "@anax/pkgsrc-client";

function read(log: EventLog, text: string): Vulnerabilities {
  const v = new Vulnerabilities(bytesOf(text));
  log.value("fault", i32(v.fault));
  log.value("line", v.faultLine);
  log.value("entries", v.count);
  return v;
}

export function run(log: EventLog): void {
  const v = read(
    log,
    "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n# $NetBSD$\n#\n#FORMAT 1.1.0\n#CHECKSUM SHA512 00ff\n# words\nfoo<2 overflow http://a\n" +
      "{foo,bar}-[0-9]* eol  http://b more\n#old a b\n\n*-client<1\tleak\thttp://c\nbaz<1<2 none http://d\n-----BEGIN PGP SIGNATURE-----\n\nabc\n",
  );
  for (let i: i32 = 0; i < v.hashed.length; i = (i + 2) | 0) {
    log.line(stringOf(v.text, v.hashed.get(i), v.hashed.get((i + 1) | 0)));
  }
  for (let i: i32 = 0; i < v.checksums.length; i = (i + 2) | 0) {
    log.line(stringOf(v.text, v.checksums.get(i), v.checksums.get((i + 1) | 0)));
  }
  const auditor = new Auditor(v);
  const out = new IntVec();
  const names: string[] = ["foo-1.0", "foo-2.0", "bar-9", "x-client-0.1", "baz-1", "foo-2bar-1", "noversion"];
  for (let i = 0; i < names.length; i++) {
    const name = bytesOf(names[i]);
    auditor.find(name, 0, name.length, out);
    log.line(names[i]);
    for (let k = 0; k < out.length; k++) {
      const e = out.get(k);
      log.line(`  ${stringOf(v.text, v.classAt(e), v.classLength(e))} ${stringOf(v.text, v.urlAt(e), v.urlLength(e))}`);
      if (v.isEndOfLife(e)) log.line("  end of life");
    }
  }
  log.value("malformed", auditor.malformed.length);
  const bad: string[] = [
    "",
    "#FORMAT 1.1.0",
    "#FORMAT 2.0\n",
    "a b c\n",
    "#FORMAT 1.1.0\na\n",
    "#FORMAT 1.1.0\na b\n",
    "#FORMAT 1.1.0\n#CHECKSUM\n",
  ];
  for (let i = 0; i < bad.length; i++) read(log, bad[i]);
}
