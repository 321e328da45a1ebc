/** A packing list: its lines, a walk with the commands expanded, edits, and random bytes. */
import { bytesOf, type EventLog, i32, stringOf, TextBuilder, u32 } from "@anax/portable";
import { PackingList, PlistKind, PlistWalker } from "@anax/pkgsrc-client";

function text(list: PackingList, at: i32, n: i32): string {
  return at < 0 ? "-" : stringOf(list.bytes, at, n);
}

function walk(log: EventLog, list: PackingList): void {
  const w = new PlistWalker(list);
  const out = new TextBuilder();
  while (w.next()) {
    let row = `${i32(w.kind).toString()} ${text(list, w.argAt, w.argLength)} cwd=${text(list, w.cwdAt, w.cwdLength)}`;
    row += ` mode=${text(list, w.modeAt, w.modeLength)} owner=${text(list, w.ownerAt, w.ownerLength)}`;
    if (w.kind === PlistKind.FILE) row += ` note=${i32(w.note).toString()} ${text(list, w.noteAt, w.noteLength)}`;
    log.line(row);
    if (w.kind === PlistKind.EXEC || w.kind === PlistKind.UNEXEC) {
      out.clear();
      log.value("expand", w.expand(out));
      log.line(out.toString());
    }
  }
}

function write(log: EventLog, list: PackingList): void {
  const out = new TextBuilder();
  list.write(out);
  log.line(out.toString());
}

export function run(log: EventLog): void {
  const source =
    "@comment $NetBSD$\n@name foo-1.0\n@exec echo %D\n@cd /usr/pkg\n@mode 0555\nbin/foo bar\n@comment MD5:d41d8cd98f00b204e9800998ecf8427e\n" +
    "@exec ldconfig %D/%F %B %f %% %x\n\n@Owner root\nshare/it's\n@comment Symlink:../x\n@mode\nREADME\n@comment SHA256:00\n@unexec rm %f %B\n" +
    "@bogus x\n@pkgdep bar>=1\n@blddep bar-1.2\n@pkgcfl baz-[0-9]*\n@option preserve\n@pkgdir share/foo\n@dirrm lib/foo  \n@cwd .\n" +
    "@ignore\n\n+COMMENT\n@ignore\n+DISPLAY\n@display +DISPLAY\n@src /tmp\n@group";
  const list = new PackingList(bytesOf(source));
  log.value("lines", list.count);
  walk(log, list);
  log.line(list.hasOption(bytesOf("preserve")) && !list.hasOption(bytesOf("pre")) ? "preserve" : "no");
  list.setArgument(list.find(PlistKind.CWD, 0), bytesOf("/opt/my pkg"));
  list.append(PlistKind.PKGDEP, bytesOf("new-[0-9]*"));
  list.append(PlistKind.MODE, bytesOf(""));
  list.append(PlistKind.FILE, bytesOf("bin/new"));
  write(log, list);
  walk(log, list);
  const alphabet = bytesOf("@cdwnmexpkgi %FDBf\n\t/a'");
  let seed: u32 = 7;
  for (let round = 0; round < 500; round++) {
    const bytes = new Uint8Array(24);
    for (let i = 0; i < 24; i++) {
      seed = u32(seed ^ (seed << 13));
      seed = u32(seed ^ (seed >>> 17));
      seed = u32(seed ^ (seed << 5));
      bytes[i] = alphabet[i32((seed >>> 8) % 23)];
    }
    const random = new PackingList(bytes);
    const w = new PlistWalker(random);
    const out = new TextBuilder();
    let kinds: i32 = 0;
    while (w.next()) {
      kinds = (kinds * 31 + w.kind) | 0;
      w.expand(out);
    }
    if (round % 50 === 0) log.value("kinds", kinds);
  }
}
