/**
 * Simulated physical memory: one ArrayBuffer for each region, filled with 0xA5 so that a page nobody zeroed shows.
 *
 * Neighbours: `mmu.ts`, `glue/js/machine.ts`. Invariant: an access outside the regions, or across the end of one, throws: on
 * hardware it would hit a device or nothing.
 */
import { UNINITIALISED } from "./options";
import type { RegionOption } from "./options";

class Region {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly end: number;

  constructor(
    readonly base: number,
    readonly size: number,
  ) {
    this.bytes = new Uint8Array(size).fill(UNINITIALISED);
    this.view = new DataView(this.bytes.buffer);
    this.end = base + size;
  }
}

export class PhysMemory {
  readonly regions: Region[];
  private last: Region;

  constructor(regions: readonly RegionOption[]) {
    this.regions = regions.map((r) => new Region(r.base, r.size));
    this.last = this.regions[0]!;
  }

  private find(pa: number, n: number): Region {
    const last = this.last;
    if (pa >= last.base && pa + n <= last.end) return last;
    for (const r of this.regions) if (pa >= r.base && pa + n <= r.end) return (this.last = r);
    throw new RangeError(`physical address 0x${pa.toString(16)} (${n} bytes) is not memory`);
  }

  /** The bytes of a range, shared with the memory. */
  bytes(pa: number, n: number): Uint8Array {
    const r = this.find(pa, n);
    return r.bytes.subarray(pa - r.base, pa - r.base + n);
  }

  load8(pa: number): number {
    const r = this.find(pa, 1);
    return r.bytes[pa - r.base]!;
  }

  load16(pa: number): number {
    const r = this.find(pa, 2);
    return r.view.getUint16(pa - r.base, true);
  }

  load32(pa: number): number {
    const r = this.find(pa, 4);
    return r.view.getUint32(pa - r.base, true);
  }

  /** 64 bits, signed, as a number; throws where a number cannot hold them, since the native side could. */
  load64(pa: number): number {
    const r = this.find(pa, 8);
    const v = r.view.getInt32(pa + 4 - r.base, true) * 4294967296 + r.view.getUint32(pa - r.base, true);
    if (!Number.isSafeInteger(v)) throw new RangeError(`64 bits at 0x${pa.toString(16)} do not fit a long`);
    return v;
  }

  loadBig(pa: number): bigint {
    const r = this.find(pa, 8);
    return r.view.getBigInt64(pa - r.base, true);
  }

  store8(pa: number, v: number): void {
    const r = this.find(pa, 1);
    r.bytes[pa - r.base] = v;
  }

  store16(pa: number, v: number): void {
    const r = this.find(pa, 2);
    r.view.setUint16(pa - r.base, v, true);
  }

  store32(pa: number, v: number): void {
    const r = this.find(pa, 4);
    r.view.setUint32(pa - r.base, v, true);
  }

  store64(pa: number, v: number): void {
    const r = this.find(pa, 8);
    r.view.setUint32(pa - r.base, v >>> 0, true);
    r.view.setUint32(pa + 4 - r.base, Math.floor(v / 4294967296) >>> 0, true);
  }

  storeBig(pa: number, v: bigint): void {
    const r = this.find(pa, 8);
    r.view.setBigInt64(pa - r.base, v, true);
  }
}
