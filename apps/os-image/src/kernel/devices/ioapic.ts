/**
 * The IOAPIC: which vector a wired interrupt raises.
 *
 * Key type `IoApic`. Neighbours: the MADT (drivers-virtio's `AcpiTables`), the devices that ask for a line.
 * Invariant: every line starts masked; a line's vector is 32 + its interrupt number.
 * Source: Intel 82093AA data sheet, 3.1 and 3.2.
 */
import type { AcpiTables } from "@anax/drivers-virtio";
import type { Machine } from "@anax/machine";
import { i32, toLong, u32, type long } from "@anax/portable";

const REG_SELECT: i32 = 0;
const REG_WINDOW: i32 = 16;
const INDEX_VERSION: u32 = 1;
const INDEX_TABLE: i32 = 16;

const MASKED: u32 = 0x10000;
const LEVEL: u32 = 0x8000;
const ACTIVE_LOW: u32 = 0x2000;

export class IoApic {
  private lines: i32 = 0;

  constructor(
    private readonly machine: Machine,
    private readonly acpi: AcpiTables,
  ) {}

  /** Masks every line. Returns the number of lines, 0 when the machine has no IOAPIC. */
  start(): i32 {
    if (this.acpi.ioapicBase === toLong(0)) return 0;
    this.lines = (i32((this.read(INDEX_VERSION) >>> 16) & 0xff) + 1) | 0;
    for (let i = 0; i < this.lines; i++) this.write(u32(INDEX_TABLE + i * 2), MASKED);
    return this.lines;
  }

  /** Routes ISA line `isa` to CPU 0 and returns its interrupt number, or -1 when there is none. */
  routeIsa(isa: i32): i32 {
    const gsi = this.acpi.isaGsi[isa];
    const line = (i32(gsi & 0xffff) - this.acpi.ioapicGsiBase) | 0;
    if (line < 0 || line >= this.lines) return -1;
    let low: u32 = u32(32 + line);
    if ((gsi & 0x80000000) !== 0) low = u32(low | ACTIVE_LOW);
    if ((gsi & 0x40000000) !== 0) low = u32(low | LEVEL);
    this.write(u32(INDEX_TABLE + line * 2 + 1), 0);
    this.write(u32(INDEX_TABLE + line * 2), low);
    return line;
  }

  private read(index: u32): u32 {
    const base: long = this.acpi.ioapicBase;
    this.machine.mmioStore32(base + REG_SELECT, index);
    return this.machine.mmioLoad32(base + REG_WINDOW);
  }

  private write(index: u32, v: u32): void {
    const base: long = this.acpi.ioapicBase;
    this.machine.mmioStore32(base + REG_SELECT, index);
    this.machine.mmioStore32(base + REG_WINDOW, v);
  }
}
