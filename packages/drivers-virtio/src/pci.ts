/**
 * PCI Express configuration space through ECAM: enumeration, capabilities, BARs, MSI-X.
 *
 * Key types `PciBus` (the window), `PciFunction` (one function). Neighbours: `acpi.ts` (where the window is), `pci-transport.ts`.
 * Invariant: offsets within a function stay below 4096; a capability list that loops ends the walk.
 * Source: PCI Express Base 5.0, 7.2.2 (ECAM), 7.5.1 (header), 7.7.2 (MSI-X).
 */
import type { Machine } from "@anax/machine";
import { i32, longOf, toLong, u32, type long } from "@anax/portable";

const CFG_VENDOR: i32 = 0;
const CFG_COMMAND: i32 = 4;
const CFG_CLASS: i32 = 8;
const CFG_HEADER: i32 = 14;
const CFG_BAR0: i32 = 0x10;
const CFG_SUBSYSTEM: i32 = 0x2c;
const CFG_CAPABILITIES: i32 = 0x34;
const CFG_SECONDARY_BUS: i32 = 0x19;

const COMMAND_MEMORY: u32 = 2;
const COMMAND_MASTER: u32 = 4;
const COMMAND_NO_INTX: u32 = 0x400;

export const CAP_VENDOR: i32 = 9;
export const CAP_MSIX: i32 = 17;

/** Interrupt messages to the local APIC of CPU 0, physical destination. Source: Intel SDM 3A, 11.11. */
const MSI_ADDRESS: u32 = 0xfee00000;

/** One function of a device. Owned by the driver that attached to it. */
export class PciFunction {
  readonly vendor: i32;
  readonly device: i32;
  readonly subsystem: i32;
  readonly klass: u32;

  constructor(
    private readonly machine: Machine,
    readonly config: long,
    readonly bus: i32,
    readonly slot: i32,
    readonly fn: i32,
  ) {
    const id = machine.mmioLoad32(config + CFG_VENDOR);
    this.vendor = i32(id & 0xffff);
    this.device = i32(id >>> 16);
    this.subsystem = i32(machine.mmioLoad32(config + CFG_SUBSYSTEM) >>> 16);
    this.klass = u32(machine.mmioLoad32(config + CFG_CLASS) >>> 8);
  }

  read8(off: i32): i32 {
    return i32(this.machine.mmioLoad8(this.config + (off & 4095)));
  }

  read16(off: i32): i32 {
    return i32(this.machine.mmioLoad16(this.config + (off & 4094)));
  }

  read32(off: i32): u32 {
    return this.machine.mmioLoad32(this.config + (off & 4092));
  }

  write16(off: i32, v: u32): void {
    this.machine.mmioStore16(this.config + (off & 4094), v);
  }

  write32(off: i32, v: u32): void {
    this.machine.mmioStore32(this.config + (off & 4092), v);
  }

  /** Lets the function answer memory accesses and be a bus master; pin interrupts off. */
  enable(): void {
    const command = this.machine.mmioLoad16(this.config + CFG_COMMAND);
    this.write16(CFG_COMMAND, u32(command | COMMAND_MEMORY | COMMAND_MASTER | COMMAND_NO_INTX));
  }

  /** The first capability with `id` after offset `after` (0: from the start); 0 when there is none. */
  capability(id: i32, after: i32): i32 {
    let at: i32 = after === 0 ? this.read8(CFG_CAPABILITIES) & 0xfc : this.read8((after + 1) | 0) & 0xfc;
    for (let steps = 0; at >= 0x40 && steps < 48; steps++) {
      if (this.read8(at) === id) return at;
      at = this.read8((at + 1) | 0) & 0xfc;
    }
    return 0;
  }

  /** Physical address of a memory BAR; 0 for an I/O BAR, an unset one or a bad index. */
  bar(index: i32): long {
    if (index < 0 || index > 5) return 0;
    const low = this.read32((CFG_BAR0 + index * 4) | 0);
    if ((low & 1) !== 0) return 0;
    let high: i32 = 0;
    if (((low >>> 1) & 3) === 2 && index < 5) high = i32(this.read32((CFG_BAR0 + index * 4 + 4) | 0));
    return longOf(high, u32(low & 0xfffffff0));
  }

  /**
   * Routes MSI-X entry 0 to interrupt number `irq` (vector 32 + irq) and turns MSI-X on.
   * Returns whether the function has MSI-X.
   */
  routeMsix(irq: i32): boolean {
    const cap = this.capability(CAP_MSIX, 0);
    if (cap === 0) return false;
    const where = this.read32((cap + 4) | 0);
    const base = this.bar(i32(where & 7));
    if (base === toLong(0)) return false;
    const entry: long = base + toLong(u32(where & 0xfffffff8));
    const m = this.machine;
    m.mmioStore32(entry, MSI_ADDRESS);
    m.mmioStore32(entry + 4, 0);
    m.mmioStore32(entry + 8, u32(32 + irq));
    m.mmioStore32(entry + 12, 0);
    const control = this.read16((cap + 2) | 0);
    this.write16((cap + 2) | 0, u32((control | 0x8000) & ~0x4000));
    return true;
  }
}

/** Configuration space of segment 0. */
export class PciBus {
  readonly functions: PciFunction[] = [];

  constructor(
    private readonly machine: Machine,
    private readonly base: long,
    private readonly lastBus: i32,
  ) {}

  /** Finds every function on bus 0 and behind its bridges. Returns how many. */
  enumerate(): i32 {
    this.scan(0, 0);
    return this.functions.length;
  }

  private scan(bus: i32, depth: i32): void {
    if (bus > this.lastBus || depth > 8) return;
    for (let slot = 0; slot < 32; slot++) {
      if (!this.probe(bus, slot, 0, depth)) continue;
      const header = this.machine.mmioLoad8(this.address(bus, slot, 0) + CFG_HEADER);
      if ((header & 0x80) === 0) continue;
      for (let fn = 1; fn < 8; fn++) this.probe(bus, slot, fn, depth);
    }
  }

  private address(bus: i32, slot: i32, fn: i32): long {
    return this.base + toLong((bus << 20) | (slot << 15) | (fn << 12));
  }

  private probe(bus: i32, slot: i32, fn: i32, depth: i32): boolean {
    const config = this.address(bus, slot, fn);
    if (this.machine.mmioLoad16(config + CFG_VENDOR) === 0xffff) return false;
    const f = new PciFunction(this.machine, config, bus, slot, fn);
    this.functions.push(f);
    if ((f.read8(CFG_HEADER) & 0x7f) === 1) {
      const next = f.read8(CFG_SECONDARY_BUS);
      if (next > bus) this.scan(next, (depth + 1) | 0);
    }
    return true;
  }
}
