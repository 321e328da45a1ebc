/**
 * A plain model of address spaces against VmSpace under random operations. Every access goes through the simulated MMU, whose TLB forgets
 * nothing by itself, so a wrong entry, a missing flush, a page not zeroed or a page lost shows.
 */
import fc from "fast-check";
import { Errno } from "@anax/portable";
import { describe, expect, test } from "vitest";
import {
  MADV_DONTNEED,
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_PRIVATE,
  MAP_SHARED,
  MREMAP_FIXED,
  MREMAP_MAYMOVE,
  PROT_EXEC,
  PROT_READ,
  PROT_WRITE,
  VmObject,
  type Vm,
  type VmSpace,
} from "../src/index";
import { PAGE, PF_USER, PF_WRITE, boot, touch } from "./harness";

/** Few pages, so that operations meet; around a 2 MiB border, so that two page tables are in play. */
const PAGES = 32;
const ARENA = 0x40000000 - 14 * PAGE;
const FILE_PAGES = 24;

interface Backing {
  /** Byte of each page; shared by all who map it. */
  data: number[];
  /** Pages that exist; behind it SIGBUS. */
  size: number;
  object: VmObject | null;
}

interface Cell {
  prot: number;
  backing: Backing | null;
  index: number;
  shared: boolean;
  /** The private copy's byte; null: none yet. */
  own: number | null;
}

class ModelSpace {
  cells: (Cell | null)[] = new Array<Cell | null>(PAGES).fill(null);
  constructor(readonly real: VmSpace) {}

  fork(real: VmSpace): ModelSpace {
    const child = new ModelSpace(real);
    child.cells = this.cells.map((c) => (c === null ? null : { ...c }));
    return child;
  }

  access(i: number, value: number | null): number {
    const c = this.cells[i]!;
    if (c === null) return -Errno.FAULT;
    if (value !== null ? (c.prot & PROT_WRITE) === 0 : c.prot === 0) return -Errno.ACCES;
    const b = c.backing;
    // A private copy stays until a truncation takes it.
    if (c.own === null && b !== null && c.index >= b.size) return -Errno.IO;
    if (value !== null) {
      if (b !== null && c.shared) b.data[c.index] = value;
      else c.own = value;
      return value;
    }
    if (c.own !== null) return c.own;
    return b === null ? 0 : (b.data[c.index] ?? 0);
  }
}

type Op =
  | { op: "map"; at: number; n: number; prot: number; shared: boolean; file: boolean; index: number }
  | { op: "unmap"; at: number; n: number }
  | { op: "protect"; at: number; n: number; prot: number }
  | { op: "write"; at: number; value: number }
  | { op: "read"; at: number }
  | { op: "dontneed"; at: number; n: number }
  | { op: "move"; at: number; n: number; to: number }
  | { op: "flip"; at: number; n: number }
  | { op: "prefault"; at: number }
  | { op: "fork" }
  | { op: "release"; which: number }
  | { op: "switch"; which: number }
  | { op: "truncate"; pages: number }
  | { op: "grow"; pages: number }
  | { op: "filewrite"; index: number; value: number };

const at = fc.oneof(fc.nat(PAGES - 1), fc.integer({ min: 12, max: 15 }));
const count = fc.integer({ min: 1, max: 12 });
const prot = fc.constantFrom(
  0,
  PROT_READ,
  PROT_READ | PROT_WRITE,
  PROT_READ | PROT_WRITE,
  PROT_READ | PROT_WRITE,
  PROT_READ | PROT_EXEC,
  PROT_WRITE,
);
const value = fc.integer({ min: 1, max: 255 });
const operation: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      op: fc.constant("map" as const),
      at,
      n: count,
      prot,
      shared: fc.boolean(),
      file: fc.boolean(),
      index: fc.nat(12),
    }),
  },
  { weight: 3, arbitrary: fc.record({ op: fc.constant("unmap" as const), at, n: count }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant("protect" as const), at, n: count, prot }) },
  { weight: 12, arbitrary: fc.record({ op: fc.constant("write" as const), at, value }) },
  { weight: 8, arbitrary: fc.record({ op: fc.constant("read" as const), at }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("dontneed" as const), at, n: count }) },
  {
    weight: 1,
    arbitrary: fc.record({ op: fc.constant("move" as const), at, n: fc.integer({ min: 1, max: 6 }), to: at }),
  },
  { weight: 2, arbitrary: fc.record({ op: fc.constant("flip" as const), at, n: count }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant("prefault" as const), at }) },
  { weight: 2, arbitrary: fc.constant({ op: "fork" as const }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("release" as const), which: fc.nat(5) }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant("switch" as const), which: fc.nat(5) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("truncate" as const), pages: fc.nat(FILE_PAGES) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("grow" as const), pages: fc.nat(FILE_PAGES) }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant("filewrite" as const), index: fc.nat(FILE_PAGES - 1), value }) },
);

class Run {
  readonly vm: Vm = boot();
  readonly free: number;
  readonly file: Backing;
  readonly all: Backing[] = [];
  spaces: ModelSpace[] = [];
  current: ModelSpace;

  constructor() {
    this.free = this.vm.pages.freeCount;
    this.file = {
      data: new Array<number>(FILE_PAGES).fill(0),
      size: FILE_PAGES,
      object: new VmObject(this.vm.pages, null, FILE_PAGES),
    };
    this.current = new ModelSpace(this.vm.newSpace()!);
    this.spaces.push(this.current);
    this.current.real.activate();
  }

  apply(o: Op): void {
    const s = this.current;
    const real = s.real;
    switch (o.op) {
      case "map": {
        const n = Math.min(o.n, PAGES - o.at);
        const flags = MAP_FIXED | (o.shared ? MAP_SHARED : MAP_PRIVATE) | (o.file ? 0 : MAP_ANONYMOUS);
        const where = real.map(
          ARENA + o.at * PAGE,
          n * PAGE,
          o.prot,
          flags,
          o.file ? this.file.object : null,
          o.file ? o.index * PAGE : 0,
        );
        expect(where).toBe(ARENA + o.at * PAGE);
        let backing: Backing | null = o.file ? this.file : null;
        if (!o.file && o.shared) backing = { data: [], size: n, object: null };
        for (let i = 0; i < n; i++)
          s.cells[o.at + i] = { prot: o.prot, backing, index: i + (o.file ? o.index : 0), shared: o.shared, own: null };
        break;
      }
      case "unmap": {
        const n = Math.min(o.n, PAGES - o.at);
        expect(real.unmap(ARENA + o.at * PAGE, n * PAGE)).toBe(0);
        s.cells.fill(null, o.at, o.at + n);
        break;
      }
      case "protect": {
        const n = Math.min(o.n, PAGES - o.at);
        const result = real.protect(ARENA + o.at * PAGE, n * PAGE, o.prot);
        let i = 0;
        for (; i < n && s.cells[o.at + i] !== null; i++) s.cells[o.at + i]!.prot = o.prot;
        expect(result).toBe(i < n ? -Errno.NOMEM : 0);
        break;
      }
      case "flip":
        this.apply({ op: "protect", at: o.at, n: o.n, prot: PROT_READ });
        this.apply({ op: "protect", at: o.at, n: o.n, prot: PROT_READ | PROT_WRITE });
        break;
      case "prefault": {
        // The kernel resolves a write that the program does not make; its next read must see the right page.
        this.check(s, o.at);
        const c = s.cells[o.at];
        const result = real.fault(this.byteOf(o.at), PF_USER | PF_WRITE);
        if (result === 0 && !c!.shared) c!.own = s.access(o.at, null);
        if (result === 0 && c!.backing === this.file)
          this.apply({ op: "filewrite", index: c!.index, value: 200 + o.at });
        this.check(s, o.at);
        break;
      }
      case "write":
        expect(touch(real, this.byteOf(o.at), o.value)).toBe(s.access(o.at, o.value));
        break;
      case "read":
        this.check(s, o.at);
        break;
      case "dontneed": {
        const n = Math.min(o.n, PAGES - o.at);
        let hole = false;
        for (let i = o.at; i < o.at + n; i++) {
          const c = s.cells[i];
          if (c) c.own = null;
          else hole = true;
        }
        expect(real.advise(ARENA + o.at * PAGE, n * PAGE, MADV_DONTNEED)).toBe(hole ? -Errno.NOMEM : 0);
        break;
      }
      case "move":
        this.move(s, o.at, Math.min(o.n, PAGES - o.at, PAGES - o.to), o.to);
        break;
      case "fork": {
        if (this.spaces.length >= 4) break;
        const child = real.fork(this.byteOf(3))!;
        expect(child).not.toBeNull();
        this.spaces.push(s.fork(child));
        break;
      }
      case "release": {
        if (this.spaces.length < 2) break;
        const gone = this.spaces.splice(o.which % this.spaces.length, 1)[0]!;
        gone.real.release();
        if (gone === this.current) this.change(0);
        break;
      }
      case "switch":
        this.change(o.which);
        break;
      case "truncate":
        if (o.pages >= this.file.size) break;
        this.file.object!.truncate(o.pages);
        this.file.size = o.pages;
        this.file.data.fill(0, o.pages);
        for (const m of this.spaces)
          for (const c of m.cells) if (c && c.backing === this.file && c.index >= o.pages) c.own = null;
        break;
      case "grow":
        this.file.object!.setSize(o.pages);
        this.file.size = Math.max(this.file.size, o.pages);
        break;
      case "filewrite": {
        if (o.index >= this.file.size) break;
        const pg = this.file.object!.grab(o.index);
        this.vm.machine.store8(this.vm.pages.pa(pg) + 77, o.value);
        this.file.data[o.index] = o.value;
        break;
      }
    }
  }

  /** The byte of a page that the model knows; every other byte stays zero. */
  byteOf(i: number): number {
    return ARENA + i * PAGE + 77;
  }

  check(s: ModelSpace, i: number): void {
    const want = s.access(i, null);
    expect(touch(s.real, this.byteOf(i), null)).toBe(want);
    if (want >= 0) expect(touch(s.real, ARENA + i * PAGE + 4000, null)).toBe(0);
  }

  private change(which: number): void {
    this.current = this.spaces[which % this.spaces.length]!;
    this.current.real.activate();
  }

  private move(s: ModelSpace, from: number, n: number, to: number): void {
    const overlap = from + n > to && to + n > from;
    const result = s.real.remap(
      ARENA + from * PAGE,
      n * PAGE,
      n * PAGE,
      MREMAP_MAYMOVE | MREMAP_FIXED,
      ARENA + to * PAGE,
    );
    if (overlap) {
      expect(result).toBe(-Errno.INVAL);
      return;
    }
    if (s.cells[from] === null) {
      expect(result).toBe(-Errno.FAULT);
      return;
    }
    s.cells.fill(null, to, to + n);
    if (!this.oneEntry(s, from, n)) {
      expect(result).toBe(-Errno.FAULT);
      return;
    }
    expect(result).toBe(ARENA + to * PAGE);
    for (let i = 0; i < n; i++) {
      s.cells[to + i] = s.cells[from + i]!;
      s.cells[from + i] = null;
    }
  }

  private oneEntry(s: ModelSpace, from: number, n: number): boolean {
    for (let i = from + 1; i < from + n; i++) if (!fits(s.cells[i - 1]!, s.cells[i]!)) return false;
    return true;
  }

  /** The invariants of the structures themselves. */
  audit(): void {
    for (const s of this.spaces) {
      const real = s.real;
      let i = 0;
      for (let k = 0; k < real.entryCount; k++) {
        const e = real.entryAt(k);
        while (i < PAGES && s.cells[i] === null) i++;
        expect(e.start).toBe(ARENA + i * PAGE);
        i++;
        while (i < PAGES && s.cells[i] !== null && fits(s.cells[i - 1]!, s.cells[i]!)) i++;
        expect(e.end).toBe(ARENA + i * PAGE);
        expect(e.prot).toBe(s.cells[i - 1]!.prot);
      }
      while (i < PAGES) expect(s.cells[i++]).toBeNull();
      const mapped = s.cells.filter((c) => c !== null).length;
      expect(real.virtualPages).toBe(mapped);
      expect(real.pmap.count(ARENA, ARENA + PAGES * PAGE)).toBe(real.residentPages);
      for (let p = 0; p < PAGES; p++) {
        const lo = real.pmap.find(ARENA + p * PAGE);
        if (lo === 0) continue;
        const c = s.cells[p]!;
        expect(c).not.toBeNull();
        if ((lo & 2) !== 0) expect(c.prot & PROT_WRITE).not.toBe(0);
        if ((lo & 2) !== 0 && (lo & 0x200) !== 0) expect(this.vm.pages.refs[real.pmap.foundPage()]).toBe(1);
        expect((lo & 1) !== 0).toBe(c.prot !== 0);
      }
    }
  }

  finish(): void {
    for (const s of this.spaces) {
      s.real.activate();
      for (let i = 0; i < PAGES; i++) this.check(s, i);
    }
    for (const s of this.spaces) s.real.release();
    expect(this.file.object!.mappings).toBe(0);
    this.file.object!.unref();
    expect(this.vm.pages.freeCount).toBe(this.free);
    expect(this.vm.pages.anonCount).toBe(0);
    expect(this.vm.pages.tableCount).toBe(0);
    expect(this.vm.pages.activeCount + this.vm.pages.inactiveCount).toBe(0);
  }
}

/** Whether two neighbouring pages belong to one map entry. */
function fits(a: Cell | null, b: Cell | null): boolean {
  if (a === null || b === null) return false;
  return (
    a.prot === b.prot &&
    a.shared === b.shared &&
    a.backing === b.backing &&
    (a.backing === null || a.index + 1 === b.index)
  );
}

describe("VmSpace against a model", () => {
  test("random operations", { timeout: 120_000 }, () => {
    fc.assert(
      fc.property(fc.array(operation, { minLength: 20, maxLength: 120 }), (ops) => {
        const run = new Run();
        for (const o of ops) run.apply(o);
        run.audit();
        run.finish();
      }),
      { numRuns: Number(process.env.VM_RUNS ?? 200) },
    );
  });
});
