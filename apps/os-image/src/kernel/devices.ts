/**
 * What hardware there is: interrupt controller, serial ports, virtio devices; and the nodes in /dev that stand for it.
 *
 * Key type `Devices`. Neighbours: `devices/`, drivers-virtio, kern's ttys. Invariant: a device that fails to start is left out, the
 * system comes up without it.
 */
import {
  AcpiTables,
  PciBus,
  PciTransport,
  VIRTIO_CONSOLE,
  VIRTIO_RNG,
  VirtioConsole,
  VirtioRng,
  type DmaMemory,
  type EntropySink,
} from "@anax/drivers-virtio";
import { ConsoleDevice, ControllingDevice, PtyTable, Tty, TtyDevice, type IrqHandler, type Kernel } from "@anax/kern";
import { BOOT_RSDP } from "@anax/machine";
import { bytesOf, equalBytes, toLong, type i32, type long } from "@anax/portable";
import { makeDev, type ChaChaRng, type DevFs } from "@anax/vfs-msg";
import type { VmPages } from "@anax/vm";
import { IoApic } from "./devices/ioapic";
import { TtyPort, UartPort, VirtioPort } from "./devices/tty-port";
import { Uart } from "./devices/uart";

const TTY_MAJOR: i32 = 4;
const TTYS_MINOR: i32 = 64;
const HVC_MAJOR: i32 = 229;

/** ACPI tables and devices lie below this. */
const PHYSICAL_LIMIT: long = 0x10000000000;
/** Interrupt numbers of messages start behind the IOAPIC's and the timer's. */
const MSI_FIRST: i32 = 40;
/** Longest wait for output when the machine stops, ns. */
const DRAIN_NS: long = 5000000000;

/** Pages for device queues. */
class DevicePages implements DmaMemory {
  constructor(private readonly pages: VmPages) {}

  allocPage(): long {
    const pg = this.pages.allocZeroed();
    if (pg === 0) return 0;
    this.pages.wire(pg);
    return this.pages.pa(pg);
  }
}

/** Entropy from the host goes to the kernel's generator. */
class RngFeed implements EntropySink, IrqHandler {
  private device: VirtioRng | null = null;

  constructor(private readonly rng: ChaChaRng) {}

  attach(device: VirtioRng): void {
    this.device = device;
  }

  addEntropy(buf: Uint8Array, n: i32): void {
    this.rng.mix(buf, 0, n, (n * 8) | 0);
  }

  interrupt(_irq: i32): void {
    const d = this.device;
    if (d !== null) d.interrupt();
  }
}

export class Devices {
  readonly acpi: AcpiTables;
  private readonly ioapic: IoApic;
  private readonly memory: DevicePages;
  readonly ptys: PtyTable;
  /** Terminals by node name, first come first. */
  private readonly names: Array<string> = [];
  private readonly ttys: Array<Tty> = [];
  private readonly ports: Array<TtyPort> = [];
  private nextMsi: i32 = MSI_FIRST;

  constructor(
    private readonly kernel: Kernel,
    private readonly devfs: DevFs,
  ) {
    const acpi = new AcpiTables(kernel.machine, PHYSICAL_LIMIT);
    this.acpi = acpi;
    this.ioapic = new IoApic(kernel.machine, acpi);
    this.memory = new DevicePages(kernel.pages);
    this.ptys = new PtyTable(kernel, devfs);
  }

  /** Finds and starts everything. `console` is the node name of the system console, null for the first terminal. */
  start(console: Uint8Array | null): void {
    this.acpi.load(this.kernel.machine.bootParam(BOOT_RSDP));
    this.ioapic.start();
    this.addUart(0, 0x3f8, 4);
    this.addUart(1, 0x2f8, 3);
    this.addUart(2, 0x3e8, 4);
    this.addUart(3, 0x2e8, 3);
    if (this.acpi.ecamBase !== toLong(0)) this.probePci();
    this.devfs.add(new ControllingDevice());
    this.devfs.add(this.ptys.ptmx);
    const tty = this.consoleTty(console);
    if (tty !== null) this.devfs.add(new ConsoleDevice(tty));
  }

  /** The terminal named on the command line ("ttyS0", "ttyS0,115200"), else the first. */
  private consoleTty(name: Uint8Array | null): Tty | null {
    if (name !== null) {
      for (let i = 0; i < this.names.length; i++) {
        const want = bytesOf(this.names[i]);
        const n = want.length;
        if (name.length >= n && equalBytes(name, 0, want, 0, n) && (name.length === n || name[n] === 44))
          return this.ttys[i];
      }
    }
    return this.ttys.length > 0 ? this.ttys[0] : null;
  }

  /** Before the machine stops: sends what programs have written, for as long as DRAIN_NS at most. */
  drain(): void {
    const m = this.kernel.machine;
    const end: long = m.nanotime() + DRAIN_NS;
    let left = true;
    while (left && m.nanotime() < end) {
      left = false;
      for (let i = 0; i < this.ports.length; i++) if (this.ports[i].flush()) left = true;
    }
  }

  private addUart(index: i32, port: i32, isa: i32): void {
    const uart = new Uart(this.kernel.machine, port, isa);
    if (!uart.start()) return;
    const irq = this.ioapic.routeIsa(isa);
    if (irq < 0) return;
    this.addTty(`ttyS${index.toString()}`, TTY_MAJOR, (TTYS_MINOR + index) | 0, new UartPort(uart), irq);
  }

  private addTty(name: string, major: i32, minor: i32, port: TtyPort, irq: i32): Tty {
    const tty = new Tty(this.kernel, port, makeDev(major, minor), true);
    port.attach(tty);
    this.share(irq, port);
    this.devfs.add(new TtyDevice(name, major, minor, 0o620, tty));
    this.names.push(name);
    this.ttys.push(tty);
    this.ports.push(port);
    return tty;
  }

  /** Adds a handler to an interrupt that another device may have, too. */
  private share(irq: i32, handler: IrqHandler): void {
    const before = this.kernel.irqHandlers[irq];
    this.kernel.setIrqHandler(irq, before === null ? handler : new SharedIrq(before, handler));
  }

  private probePci(): void {
    const bus = new PciBus(this.kernel.machine, this.acpi.ecamBase, this.acpi.ecamLastBus);
    bus.enumerate();
    let consoles: i32 = 0;
    for (let i = 0; i < bus.functions.length; i++) {
      const transport = new PciTransport(this.kernel.machine, bus.functions[i]);
      const irq = this.nextMsi;
      if (transport.attach(irq) !== 0) continue;
      this.nextMsi++;
      const kind = transport.deviceType();
      if (kind === VIRTIO_CONSOLE) {
        const device = new VirtioConsole(this.kernel.machine, transport, this.memory);
        const port = new VirtioPort(device);
        if (device.start() !== 0) continue;
        const tty = this.addTty(`hvc${consoles.toString()}`, HVC_MAJOR, consoles, port, irq);
        tty.rows = device.rows;
        tty.cols = device.columns;
        consoles++;
      } else if (kind === VIRTIO_RNG) {
        const feed = new RngFeed(this.kernel.random);
        const device = new VirtioRng(this.kernel.machine, transport, this.memory, feed);
        feed.attach(device);
        this.kernel.setIrqHandler(irq, feed);
        if (device.start() === 0) device.request(64);
      }
    }
  }
}

/** Two devices on one line. */
class SharedIrq implements IrqHandler {
  constructor(
    private readonly first: IrqHandler,
    private readonly second: IrqHandler,
  ) {}

  interrupt(irq: i32): void {
    this.first.interrupt(irq);
    this.second.interrupt(irq);
  }
}
