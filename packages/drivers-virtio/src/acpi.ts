/**
 * ACPI tables: finding them, and the three that drivers need (MCFG, MADT, FADT).
 *
 * Everything read is checked for length and checksum before use; a bad table is as good as none.
 * Key type `AcpiTables`. Neighbours: `pci.ts` (ECAM window), the composition (IOAPIC, power off).
 * Invariant: no address outside `[0, limit)` is read, whatever the tables say.
 * Source: ACPI 6.5, 5.2.5 (RSDP), 5.2.7-8 (RSDT, XSDT), 5.2.9 (FADT), 5.2.12 (MADT); PCI Firmware 3.3, 4.1.2 (MCFG).
 */
import type { Machine } from "@anax/machine";
import { i32, longOf, toLong, u32, type long } from "@anax/portable";

/** 'XSDT' and so on as little-endian words. */
const SIG_RSDT: u32 = 0x54445352;
const SIG_XSDT: u32 = 0x54445358;
const SIG_MCFG: u32 = 0x4746434d;
const SIG_MADT: u32 = 0x43495041;
const SIG_FADT: u32 = 0x50434146;

const HEADER: i32 = 36;
const MAX_TABLE: u32 = 0x100000;

/** The tables of this machine; a field is 0 (or empty) where the machine has none. */
export class AcpiTables {
  /** Physical address of PCI Express configuration space for segment 0, and its last bus. */
  ecamBase: long = 0;
  ecamLastBus: i32 = 0;
  /** First IOAPIC: physical address and its first global interrupt. */
  ioapicBase: long = 0;
  ioapicGsiBase: i32 = 0;
  /** Global interrupt of each ISA line after the MADT's overrides; bit 31 set: active low, bit 30: level. */
  readonly isaGsi: Uint32Array = new Uint32Array(16);
  /** Power off: PM1a and PM1b control ports (0 = none) and the value of SLP_TYP for S5. */
  pm1aControl: i32 = 0;
  pm1bControl: i32 = 0;
  /** Reset register of the FADT when it is in I/O space, and the value to write. */
  resetPort: i32 = 0;
  resetValue: i32 = 0;

  constructor(
    private readonly machine: Machine,
    private readonly limit: long,
  ) {
    for (let i = 0; i < 16; i++) this.isaGsi[i] = i;
  }

  /** Reads the tables behind the RSDP. Returns the number of tables understood. */
  load(rsdp: long): i32 {
    if (rsdp <= 0 || !this.inside(rsdp, 36)) return 0;
    const m = this.machine;
    const revision = m.load8(rsdp + 15);
    let wide = false;
    let root = toLong(m.load32(rsdp + 16));
    if (revision >= 2) {
      const xsdt = longOf(i32(m.load32(rsdp + 28)), m.load32(rsdp + 24));
      if (xsdt > 0 && this.valid(xsdt, SIG_XSDT)) {
        root = xsdt;
        wide = true;
      }
    }
    if (!this.valid(root, wide ? SIG_XSDT : SIG_RSDT)) return 0;
    const width: i32 = wide ? 8 : 4;
    const length = i32(m.load32(root + 4));
    let found: i32 = 0;
    for (let at = HEADER; ((at + width) | 0) <= length; at = (at + width) | 0) {
      let table = toLong(m.load32(root + at));
      if (wide) table = longOf(i32(m.load32(root + at + 4)), m.load32(root + at));
      if (table <= 0 || !this.inside(table, HEADER)) continue;
      const sig: u32 = m.load32(table);
      if (!this.valid(table, sig)) continue;
      if (sig === SIG_MCFG) this.readMcfg(table);
      else if (sig === SIG_MADT) this.readMadt(table);
      else if (sig === SIG_FADT) this.readFadt(table);
      else continue;
      found++;
    }
    return found;
  }

  private inside(pa: long, n: long): boolean {
    return pa >= 0 && pa + n <= this.limit;
  }

  /** Signature, length and checksum hold. */
  private valid(table: long, sig: u32): boolean {
    const m = this.machine;
    if (!this.inside(table, HEADER) || m.load32(table) !== sig) return false;
    const length: u32 = m.load32(table + 4);
    if (length < 36 || length > MAX_TABLE || !this.inside(table, toLong(length))) return false;
    let sum: i32 = 0;
    const n = i32(length);
    for (let i = 0; i < n; i++) sum = (sum + i32(m.load8(table + i))) & 0xff;
    return sum === 0;
  }

  private readMcfg(table: long): void {
    const m = this.machine;
    const length = i32(m.load32(table + 4));
    for (let at = 44; ((at + 16) | 0) <= length; at = (at + 16) | 0) {
      if (m.load16(table + at + 8) !== 0) continue;
      this.ecamBase = longOf(i32(m.load32(table + at + 4)), m.load32(table + at));
      this.ecamLastBus = i32(m.load8(table + at + 11));
      return;
    }
  }

  private readMadt(table: long): void {
    const m = this.machine;
    const length = i32(m.load32(table + 4));
    let at: i32 = 44;
    while (((at + 2) | 0) <= length) {
      const kind = m.load8(table + at);
      const size = i32(m.load8(table + at + 1));
      if (size < 2 || ((at + size) | 0) > length) return;
      if (kind === 1 && size >= 12 && this.ioapicBase === toLong(0)) {
        this.ioapicBase = toLong(m.load32(table + at + 4));
        this.ioapicGsiBase = i32(m.load32(table + at + 8));
      } else if (kind === 2 && size >= 10) {
        const line = i32(m.load8(table + at + 3));
        const flags = m.load16(table + at + 8);
        let gsi: u32 = m.load32(table + at + 4);
        if ((flags & 3) === 3) gsi = u32(gsi | 0x80000000);
        if (((flags >>> 2) & 3) === 3) gsi = u32(gsi | 0x40000000);
        if (line < 16) this.isaGsi[line] = gsi;
      }
      at = (at + size) | 0;
    }
  }

  private readFadt(table: long): void {
    const m = this.machine;
    const length = i32(m.load32(table + 4));
    if (length < 72) return;
    this.pm1aControl = i32(m.load32(table + 64));
    this.pm1bControl = i32(m.load32(table + 68));
    if (length < 129 || (m.load32(table + 112) & 0x400) === 0 || m.load8(table + 116) !== 1) return;
    this.resetPort = i32(m.load32(table + 120)) & 0xffff;
    this.resetValue = i32(m.load8(table + 128));
  }
}
