/** Versions in order, patterns against names, and what malformed patterns say. */
import { bytesOf, type EventLog, i32, u32 } from "@anax/portable";
import { betterName, Pattern, VersionComparer } from "@anax/pkgsrc-client";

function versions(log: EventLog, comparer: VersionComparer): void {
  const list: string[] = [
    "1.0alpha2",
    "1.0Beta",
    "1.0rc1nb3",
    "1.0",
    "1.0nb2",
    "1.0pl1",
    "1.0_2",
    "1.0a",
    "99999999999999999999",
    "2147483648",
    "",
    "x-é",
  ];
  for (let i = 0; i < list.length; i++) {
    let row = "";
    const a = bytesOf(list[i]);
    for (let j = 0; j < list.length; j++) {
      const b = bytesOf(list[j]);
      const c = comparer.compare(a, 0, a.length, b, 0, b.length);
      row += c < 0 ? "<" : c > 0 ? ">" : "=";
    }
    log.line(row);
  }
}

function match(log: EventLog, comparer: VersionComparer, pattern: string, names: string[]): void {
  const text = bytesOf(pattern);
  const p = new Pattern(text, 0, text.length, comparer);
  log.line(`pattern ${pattern}`);
  log.value("error", p.error);
  log.value("alternatives", p.alternatives.length);
  for (let i = 0; i < names.length; i++) {
    const b = bytesOf(names[i]);
    if (p.matches(b, 0, b.length)) log.line(names[i]);
  }
}

function best(log: EventLog, comparer: VersionComparer, a: string, b: string): void {
  const x = bytesOf(a);
  const y = bytesOf(b);
  log.value(`${a} before ${b}`, betterName(comparer, x, 0, x.length, y, 0, y.length));
}

/** Random bytes from a small alphabet: no pattern may trap. */
function fuzz(log: EventLog, comparer: VersionComparer): void {
  const alphabet = bytesOf("ab-12.*?[]!^\\{},<>=nb");
  let seed: u32 = 99;
  let matched: i32 = 0;
  let errors: i32 = 0;
  for (let round = 0; round < 3000; round++) {
    const bytes = new Uint8Array(18);
    for (let i = 0; i < 18; i++) {
      seed = u32(seed ^ (seed << 13));
      seed = u32(seed ^ (seed >>> 17));
      seed = u32(seed ^ (seed << 5));
      bytes[i] = alphabet[i32((seed >>> 8) % 21)];
    }
    const p = new Pattern(bytes, 0, (round & 7) + 4, comparer);
    if (p.error !== 0) errors++;
    if (p.matches(bytes, 12, 6) || p.matches(bytes, 0, (round & 7) + 4)) matched++;
  }
  log.value("matched", matched);
  log.value("errors", errors);
}

export function run(log: EventLog): void {
  const comparer = new VersionComparer();
  versions(log, comparer);
  const names: string[] = [
    "foo-1.0",
    "foo-1.0nb2",
    "foo-2.0rc1",
    "foo-2bar-1.0",
    "bar-1.0",
    "foo",
    ".foo-1",
    "foobar-0.1",
  ];
  const patterns: string[] = [
    "foo-[0-9]*",
    "foo>=1.0<2",
    "foo<1.0nb2",
    "{foo,bar}-1.0",
    "foo{,bar}>=0",
    "foo",
    "*",
    "f[!a-n]o-1*",
    "foo\\-1.0",
    "{foo,bar",
    "foo>1>2",
    "{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}",
  ];
  for (let i = 0; i < patterns.length; i++) match(log, comparer, patterns[i], names);
  best(log, comparer, "mysql-1.0", "mariadb-1.0");
  best(log, comparer, "a-1.0nb1", "a-1.0");
  best(log, comparer, "a-1.0", "a-1");
  best(log, comparer, "a", "b-0.1");
  fuzz(log, comparer);
}
