/**
 * Names of generated packages: the families of pkgsrc, and words.
 *
 * The shares are those of a real repository of 21,700 packages (a quarter are Python modules, one for each version of Python; then TeX, Perl, Ruby, ...).
 * Key: `FAMILIES`, `NameMaker`. Neighbours: `world.ts`. Invariant: a `NameMaker` gives no name twice.
 */
import type { Random } from "./random";

/** Packages that share a prefix and an interpreter that each of them needs. */
export interface Family {
  readonly prefixes: readonly string[];
  /** Package of the interpreter, by prefix. */
  readonly interpreters: readonly string[];
  readonly category: string;
  /** Of 1000 packages. */
  readonly share: number;
}

export const FAMILIES: readonly Family[] = [
  {
    prefixes: ["py310-", "py311-", "py312-"],
    interpreters: ["python310", "python311", "python312"],
    category: "python",
    share: 260,
  },
  { prefixes: ["tex-"], interpreters: ["texlive-kpathsea"], category: "print", share: 120 },
  { prefixes: ["p5-"], interpreters: ["perl"], category: "perl5", share: 110 },
  {
    prefixes: ["ruby31-", "ruby32-", "ruby33-"],
    interpreters: ["ruby31", "ruby32", "ruby33"],
    category: "ruby",
    share: 105,
  },
  { prefixes: ["hs-"], interpreters: ["ghc"], category: "devel", share: 25 },
  { prefixes: ["php81-", "php82-", "php83-"], interpreters: ["php81", "php82", "php83"], category: "www", share: 20 },
  { prefixes: ["lua52-", "lua53-", "lua54-"], interpreters: ["lua52", "lua53", "lua54"], category: "lua", share: 15 },
  { prefixes: ["R-"], interpreters: ["R"], category: "math", share: 15 },
];

export const CATEGORIES: readonly string[] = [
  "archivers",
  "audio",
  "chat",
  "databases",
  "devel",
  "editors",
  "games",
  "graphics",
  "lang",
  "mail",
  "math",
  "misc",
  "multimedia",
  "net",
  "security",
  "sysutils",
  "textproc",
  "www",
  "x11",
];

export const LICENSES: readonly string[] = [
  "modified-bsd",
  "2-clause-bsd",
  "mit",
  "gnu-gpl-v2",
  "gnu-gpl-v3",
  "gnu-lgpl-v2.1",
  "apache-2.0",
  "isc",
  "artistic OR gnu-gpl-v2",
];

const ONSETS = [
  "b",
  "br",
  "c",
  "ch",
  "cl",
  "d",
  "f",
  "fl",
  "g",
  "gr",
  "h",
  "k",
  "l",
  "m",
  "n",
  "p",
  "qu",
  "r",
  "s",
  "sh",
  "st",
  "t",
  "tr",
  "v",
  "w",
  "x",
  "z",
];
const VOWELS = ["a", "e", "i", "o", "u", "ai", "ea", "io", "ou"];
const CODAS = ["", "", "", "n", "r", "s", "t", "x", "ck", "m", "l"];
const TAILS = ["", "", "", "", "2", "-tools", "-devel", "-utils", "-gtk3", "-qt6", "-server", "-data", "-docs", "-4th"];

const TEXT = (
  "a the of for and with to in library program tool interface system file text data network graphical simple fast small portable client server " +
  "format module binding support framework parser generator editor viewer compiler game engine protocol command line written language standard " +
  "implementation based provides allows reading writing images audio video documents messages packages users developers free modern"
).split(" ");

export function word(random: Random, syllables: number): string {
  let s = "";
  for (let i = 0; i < syllables; i++) s += random.pick(ONSETS) + random.pick(VOWELS) + random.pick(CODAS);
  return s;
}

/** A sentence of about `words` words. */
export function sentence(random: Random, words: number): string {
  const list: string[] = [];
  const n = random.between(Math.max(2, words - 3), words + 3);
  for (let i = 0; i < n; i++) list.push(random.pick(TEXT));
  const s = list.join(" ");
  return s[0]!.toUpperCase() + s.slice(1);
}

export class NameMaker {
  private readonly taken = new Set<string>();

  constructor(private readonly random: Random) {}

  /** Takes a name; false when it is taken. */
  take(name: string): boolean {
    if (this.taken.has(name)) return false;
    this.taken.add(name);
    return true;
  }

  /** A new word that is free behind each of the prefixes. */
  fresh(prefixes: readonly string[] = [""]): string {
    for (let syllables = 2; ; syllables += this.random.chance(50) ? 1 : 0) {
      const r = this.random;
      const library = prefixes[0] === "" && r.chance(150) ? "lib" : "";
      const name = library + word(r, syllables) + (library === "" ? r.pick(TAILS) : "");
      if (prefixes.some((p) => this.taken.has(p + name))) continue;
      for (const p of prefixes) this.taken.add(p + name);
      return name;
    }
  }
}
