/**
 * Which packages match a pattern, best first; which packages have a base; which provide a library.
 *
 * Everything here is found when it is first asked for and kept until a package is added. A range or a pattern like `foo-[0-9]*` looks only at the packages
 * whose base it can match: that base itself, and bases that go on with `-` and a digit (`foo-2bar-1.0` matches `foo-[0-9]*` too). Other shell
 * patterns look at all.
 *
 * Key type: `CandidateIndex`. Neighbours: `universe.ts` (its owner), `pattern.ts`.
 * Invariant: `start[id]` is -1 for what was not asked for yet; a list is sorted by the universe's `preference` and has no package twice.
 */
import { i32 } from "@anax/portable";
import { Pattern, PatternKind } from "./pattern";
import { IntVec } from "./solver/int-vec";
import { Row, type Universe } from "./universe";

/** Lists by id in one pool. */
class Lists {
  readonly start: IntVec = new IntVec();
  readonly length: IntVec = new IntVec();
  readonly pool: IntVec = new IntVec();

  clear(): void {
    this.start.clear();
    this.length.clear();
    this.pool.clear();
  }

  has(id: i32): boolean {
    return id < this.start.length && this.start.get(id) >= 0;
  }

  /** Makes what was pushed to the pool since `from` the list of `id`. */
  close(id: i32, from: i32): void {
    while (this.start.length <= id) {
      this.start.push(-1);
      this.length.push(0);
    }
    this.start.set(id, from);
    this.length.set(id, (this.pool.length - from) | 0);
  }

  get(id: i32, i: i32): i32 {
    return this.pool.get((this.start.get(id) + i) | 0);
  }
}

export class CandidateIndex {
  private readonly matching: Lists = new Lists();
  private readonly byBase: Lists = new Lists();
  private compiledPatterns: Array<Pattern | null> = [];
  /** Bases of the form `base-2...` of each base, and how many bases were entered. */
  private readonly longerHead: IntVec = new IntVec();
  private readonly longerNext: IntVec = new IntVec();
  private readonly longerBase: IntVec = new IntVec();
  private enteredBases: i32 = 0;
  /** Providers by library as ranges of `providerPool`; empty until asked for. */
  private providerStart: Int32Array = new Int32Array(0);
  private providerPool: Int32Array = new Int32Array(0);
  private isEmpty: boolean = true;

  /** Forgets what a new package may change. */
  clear(): void {
    if (this.isEmpty) return;
    this.matching.clear();
    this.byBase.clear();
    this.providerStart = new Int32Array(0);
    this.isEmpty = true;
  }

  compiled(u: Universe, id: i32): Pattern {
    while (this.compiledPatterns.length <= id) this.compiledPatterns.push(null);
    const known = this.compiledPatterns[id];
    if (known !== null) return known;
    const p = new Pattern(u.arena.bytes, u.patterns.keyAt(id), u.patterns.keyLength(id), u.comparer);
    this.compiledPatterns[id] = p;
    return p;
  }

  candidates(u: Universe, id: i32): i32 {
    if (!this.matching.has(id)) this.match(u, id);
    return this.matching.length.get(id);
  }

  candidate(u: Universe, id: i32, i: i32): i32 {
    if (!this.matching.has(id)) this.match(u, id);
    return this.matching.get(id, i);
  }

  packagesOf(u: Universe, base: i32): i32 {
    if (!this.byBase.has(base)) this.gather(u, base);
    return this.byBase.length.get(base);
  }

  packageOf(u: Universe, base: i32, i: i32): i32 {
    if (!this.byBase.has(base)) this.gather(u, base);
    return this.byBase.get(base, i);
  }

  private gather(u: Universe, base: i32): void {
    this.isEmpty = false;
    const pool = this.byBase.pool;
    const from = pool.length;
    if (base < u.baseHead.length) {
      for (let p = u.baseHead.get(base); p >= 0; p = u.word(p, Row.NEXT_IN_BASE)) pool.push(p);
    }
    sort(u, pool, from);
    this.byBase.close(base, from);
  }

  private match(u: Universe, id: i32): void {
    this.isEmpty = false;
    const pool = this.matching.pool;
    const from = pool.length;
    const p = this.compiled(u, id);
    if (p.kind === PatternKind.ALTERNATE) {
      for (let i = 0; i < p.alternatives.length; i++) this.matchOne(u, p.alternatives[i]);
    } else {
      this.matchOne(u, p);
    }
    sort(u, pool, from);
    if (p.kind === PatternKind.ALTERNATE) unique(pool, from);
    this.matching.close(id, from);
  }

  private matchOne(u: Universe, p: Pattern): void {
    if (p.error !== 0) return;
    const text = p.text;
    const n: i32 = text.length;
    const base = p.baseLength();
    if (base >= 0) {
      this.tryBase(u, p, base, p.kind !== PatternKind.DEWEY);
    } else if (p.kind === PatternKind.PLAIN && p.prefix === n) {
      this.tryBase(u, p, n, true);
      let dash: i32 = (n - 1) | 0;
      while (dash >= 0 && text[dash] !== 45) dash = (dash - 1) | 0;
      if (dash > 0) this.tryBase(u, p, dash, false);
    } else {
      for (let q = 0; q < u.count; q++) this.tryPackage(u, p, q);
    }
  }

  /** Tries the packages of the base that the pattern's first `n` bytes name, and of the longer ones that can be meant. */
  private tryBase(u: Universe, p: Pattern, n: i32, longer: boolean): void {
    this.enterBases(u);
    const base = u.bases.find(p.text, 0, n);
    if (base < 0) return;
    this.tryPackages(u, p, base);
    if (!longer) return;
    for (let e = this.longerHead.get(base); e >= 0; e = this.longerNext.get(e))
      this.tryPackages(u, p, this.longerBase.get(e));
  }

  private tryPackages(u: Universe, p: Pattern, base: i32): void {
    if (base >= u.baseHead.length) return;
    for (let q = u.baseHead.get(base); q >= 0; q = u.word(q, Row.NEXT_IN_BASE)) this.tryPackage(u, p, q);
  }

  private tryPackage(u: Universe, p: Pattern, q: i32): void {
    if (p.matches(u.arena.bytes, u.nameAt(q), u.nameLength(q))) this.matching.pool.push(q);
  }

  /** Enters `foo-2bar` as one of the longer bases of `foo`, for every base that was added. */
  private enterBases(u: Universe): void {
    while (this.enteredBases < u.bases.count) {
      const b = this.enteredBases;
      this.enteredBases = (b + 1) | 0;
      while (this.longerHead.length < u.bases.count) this.longerHead.push(-1);
      const at = u.bases.keyAt(b);
      const n = u.bases.keyLength(b);
      for (let i = 1; ((i + 1) | 0) < n; i++) {
        const bytes = u.arena.bytes;
        const digit = i32(bytes[at + i + 1]);
        if (bytes[at + i] !== 45 || digit < 48 || digit > 57) continue;
        const shorter = u.bases.internAt(at, i);
        while (this.longerHead.length < u.bases.count) this.longerHead.push(-1);
        this.longerBase.push(b);
        this.longerNext.push(this.longerHead.get(shorter));
        this.longerHead.set(shorter, (this.longerBase.length - 1) | 0);
      }
    }
  }

  providers(u: Universe, library: i32): i32 {
    this.enterProviders(u);
    if (((library + 1) | 0) >= this.providerStart.length) return 0;
    return (this.providerStart[library + 1] - this.providerStart[library]) | 0;
  }

  provider(u: Universe, library: i32, i: i32): i32 {
    this.enterProviders(u);
    return this.providerPool[this.providerStart[library] + i];
  }

  /** Counting sort of all (library, package) pairs of PROVIDES. */
  private enterProviders(u: Universe): void {
    if (this.providerStart.length > 0) return;
    this.isEmpty = false;
    const n = u.libraries.count;
    const start = new Int32Array((n + 2) | 0);
    let total: i32 = 0;
    for (let p = 0; p < u.count; p++) {
      const count = u.provideCount(p);
      total = (total + count) | 0;
      for (let i = 0; i < count; i++) start[u.provideAt(p, i) + 2]++;
    }
    for (let l = 2; l < start.length; l++) start[l] = (start[l] + start[l - 1]) | 0;
    const pool = new Int32Array(total);
    for (let p = 0; p < u.count; p++) {
      for (let i = 0; i < u.provideCount(p); i++) {
        const l: i32 = (u.provideAt(p, i) + 1) | 0;
        pool[start[l]] = p;
        start[l]++;
      }
    }
    this.providerStart = start;
    this.providerPool = pool;
  }
}

/** Sorts `v[from, length)` by preference: insertion for the short lists that are the rule, else merging. */
function sort(u: Universe, v: IntVec, from: i32): void {
  const n: i32 = (v.length - from) | 0;
  if (n > 24) {
    mergeSort(u, v.data, from, n);
    return;
  }
  insertionSort(u, v.data, from, (from + n) | 0);
}

function insertionSort(u: Universe, d: Int32Array, from: i32, to: i32): void {
  for (let i: i32 = (from + 1) | 0; i < to; i++) {
    const p = d[i];
    let j = i;
    while (j > from && u.preference(p, d[j - 1]) < 0) {
      d[j] = d[j - 1];
      j = (j - 1) | 0;
    }
    d[j] = p;
  }
}

function mergeSort(u: Universe, d: Int32Array, from: i32, n: i32): void {
  let a = new Int32Array(n);
  let b = new Int32Array(n);
  for (let i = 0; i < n; i++) a[i] = d[from + i];
  for (let i: i32 = 0; i < n; i = (i + 16) | 0) insertionSort(u, a, i, ((i + 16) | 0) < n ? (i + 16) | 0 : n);
  for (let run: i32 = 16; run < n; run = (run * 2) | 0) {
    for (let low: i32 = 0; low < n; low = (low + run * 2) | 0) {
      const middle: i32 = ((low + run) | 0) < n ? (low + run) | 0 : n;
      const high: i32 = ((low + run * 2) | 0) < n ? (low + run * 2) | 0 : n;
      let x = low;
      let y = middle;
      for (let i = low; i < high; i++) {
        const left = x < middle && (y >= high || u.preference(a[x], a[y]) <= 0);
        b[i] = left ? a[x] : a[y];
        if (left) x++;
        else y++;
      }
    }
    const t = a;
    a = b;
    b = t;
  }
  for (let i = 0; i < n; i++) d[from + i] = a[i];
}

/** Drops what is twice in the sorted `v[from, length)`. */
function unique(v: IntVec, from: i32): void {
  let to = from;
  for (let i = from; i < v.length; i++) {
    if (i > from && v.get(i) === v.get((i - 1) | 0)) continue;
    v.set(to, v.get(i));
    to = (to + 1) | 0;
  }
  v.truncate(to);
}
