/**
 * The simulated memory management unit: x86-64 4-level page tables and a TLB that forgets nothing by itself.
 *
 * A real TLB may drop a translation at any time and may also keep it for ever; this one keeps every translation until it is
 * flushed, so a flush that vm forgot shows as a stale access. Entries that are not present are never cached, and a permission the TLB
 * lacks is looked up again before it is a fault: both as the processor does.
 * Neighbours: `memory.ts`, `cpu.ts`, `glue/js/machine.ts`. Source: Intel SDM volume 3, chapter 4 (4.5 paging, 4.7 error codes,
 * 4.8 accessed and dirty flags, 4.10 caching translations).
 */
import { PF_INSTR, PF_PRESENT, PF_USER, PF_WRITE, USER_END } from "../registers";
import type { PhysMemory } from "./memory";

const PTE_P = 1;
const PTE_W = 2;
const PTE_U = 4;
const PTE_A = 0x20;
const PTE_D = 0x40;
const PTE_PS = 0x80;
const NX = 0x80000000;
/** Bits 52 to 62: the walker ignores or reserves them; the kernel must not set them. */
const HIGH_RESERVED = 0x7ff00000;

interface Translation {
  pa: number;
  writable: boolean;
  executable: boolean;
  dirty: boolean;
}

interface TableCache {
  table: number;
  writable: boolean;
  executable: boolean;
}

/** How often the kernel flushed. */
export interface FlushCounts {
  pages: number;
  all: number;
  roots: number;
}

export class Mmu {
  root = 0;
  readonly flushes: FlushCounts = { pages: 0, all: 0, roots: 0 };
  /** Error code of the last translation that failed. */
  errorCode = 0;
  private readonly tlb = new Map<number, Translation>();
  /** Paging-structure cache: page table by 2 MiB region. */
  private readonly tables = new Map<number, TableCache>();

  constructor(private readonly memory: PhysMemory) {}

  setRoot(root: number): void {
    this.root = root;
    this.flushes.roots++;
    this.tlb.clear();
    this.tables.clear();
  }

  flushPage(va: number): void {
    this.flushes.pages++;
    this.tlb.delete(Math.floor(va / 4096));
    this.tables.clear();
  }

  flushAll(): void {
    this.flushes.all++;
    this.tlb.clear();
    this.tables.clear();
  }

  /** Physical address of a user access, or -1 with `errorCode` set. `access`: PF_WRITE, PF_INSTR or 0. */
  translate(va: number, access: number): number {
    if (va < 0 || va >= USER_END || this.root === 0) {
      this.errorCode = PF_USER | access;
      return -1;
    }
    const page = Math.floor(va / 4096);
    const write = (access & PF_WRITE) !== 0;
    const hit = this.tlb.get(page);
    if (hit && (!write || (hit.writable && hit.dirty)) && (hit.executable || (access & PF_INSTR) === 0))
      return hit.pa + (va % 4096);
    const t = this.walk(page, access);
    if (t === null) return -1;
    this.tlb.set(page, t);
    return t.pa + (va % 4096);
  }

  /** The leaf entry of `va` as it is in memory: [low, high], or null where a table is missing. For tests. */
  entryOf(va: number): [number, number] | null {
    const page = Math.floor(va / 4096);
    let table = this.root;
    for (let shift = 27; shift > 0; shift -= 9) {
      const at = table + (Math.floor(page / 2 ** shift) % 512) * 8;
      const lo = this.memory.load32(at);
      if ((lo & PTE_P) === 0) return null;
      table = this.frame(lo, this.memory.load32(at + 4));
    }
    const at = table + (page % 512) * 8;
    return [this.memory.load32(at), this.memory.load32(at + 4)];
  }

  private frame(lo: number, hi: number): number {
    if ((hi & HIGH_RESERVED) !== 0)
      throw new Error(`page-table entry with reserved bits: ${hi.toString(16)}:${lo.toString(16)}`);
    return (hi & 0xfffff) * 4294967296 + ((lo & 0xfffff000) >>> 0);
  }

  private fault(access: number, present: boolean): null {
    this.errorCode = PF_USER | access | (present ? PF_PRESENT : 0);
    return null;
  }

  private walk(page: number, access: number): Translation | null {
    const m = this.memory;
    const region = Math.floor(page / 512);
    let cached = this.tables.get(region);
    if (!cached) {
      let table = this.root;
      let writable = true;
      let executable = true;
      for (let shift = 27; shift > 0; shift -= 9) {
        const at = table + (Math.floor(page / 2 ** shift) % 512) * 8;
        const lo = m.load32(at);
        const hi = m.load32(at + 4);
        if ((lo & PTE_P) === 0) return this.fault(access, false);
        if ((lo & PTE_PS) !== 0) throw new Error("large pages are not simulated");
        if ((lo & PTE_U) === 0) return this.fault(access, true);
        if ((lo & PTE_A) === 0) m.store32(at, lo | PTE_A);
        writable &&= (lo & PTE_W) !== 0;
        executable &&= (hi & NX) === 0;
        table = this.frame(lo, hi);
      }
      cached = { table, writable, executable };
      this.tables.set(region, cached);
    }
    const at = cached.table + (page % 512) * 8;
    const lo = m.load32(at);
    const hi = m.load32(at + 4);
    if ((lo & PTE_P) === 0) return this.fault(access, false);
    const writable = cached.writable && (lo & PTE_W) !== 0;
    const executable = cached.executable && (hi & NX) === 0;
    const write = (access & PF_WRITE) !== 0;
    if ((lo & PTE_U) === 0 || (write && !writable) || ((access & PF_INSTR) !== 0 && !executable))
      return this.fault(access, true);
    m.store32(at, lo | PTE_A | (write ? PTE_D : 0));
    const pa = this.frame(lo, hi);
    m.load8(pa);
    return { pa, writable, executable, dirty: write || (lo & PTE_D) !== 0 };
  }
}
