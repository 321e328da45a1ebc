/**
 * The parts of a simulated machine that a test or an embedder touches and the kernel does not: memory, MMU, devices, time, programs, console.
 *
 * Key type `Simulation`, reached as `machine.sim`. Neighbours: `glue/js/machine.ts`, which is the kernel's view.
 */
import {
  BOOT_CMDLINE,
  BOOT_CMDLINE_SIZE,
  BOOT_MODULE,
  BOOT_MODULE_SIZE,
  BOOT_TSC_HZ,
  IRQ_TIMER,
  PAGE_SIZE,
} from "../registers";
import { Bus, Interrupts, SimClock } from "./bus";
import { ProgramTable, SimCpu } from "./cpu";
import { PhysMemory } from "./memory";
import { Mmu } from "./mmu";
import type { RegionOption, SimOptions } from "./options";

/** Thrown by `Machine#halt`, which does not return on hardware either. */
export class MachineHalted extends Error {
  constructor(readonly code: number) {
    super(`machine halted with code ${code}`);
  }
}

export class Simulation {
  readonly memory: PhysMemory;
  readonly mmu: Mmu;
  readonly bus = new Bus();
  readonly interrupts = new Interrupts();
  readonly clock: SimClock;
  readonly programs = new ProgramTable();
  readonly cpu: SimCpu;
  /** What is left for the kernel, after the command line and the module. */
  readonly freeRegions: RegionOption[];
  readonly bootParams: number[] = [];
  readonly clockReadNs: number;
  /** Bytes written with `putc`. */
  readonly console: number[] = [];
  /** The halt code, or -1 while the machine runs. */
  halted = -1;
  /** Pages donated to the kernel heap and not used up. A test may lower it as a growing heap would. */
  heapPages: number;
  /** Physical addresses of the donated pages. */
  readonly donated: number[] = [];
  /** Called when the machine idles with no timer, event or interrupt ahead; it must cause one. */
  onIdle: (() => void) | null = null;

  constructor(options: SimOptions) {
    const regions = options.regions ?? [{ base: 0x100000, size: options.memory ?? 16 * 1024 * 1024 }];
    for (const r of regions)
      if (r.base % PAGE_SIZE !== 0 || r.size % PAGE_SIZE !== 0) throw new RangeError("memory regions are whole pages");
    this.memory = new PhysMemory(regions);
    this.mmu = new Mmu(this.memory);
    this.clock = new SimClock(() => this.interrupts.raise(IRQ_TIMER));
    this.cpu = new SimCpu(this.memory, this.mmu, this.clock, this.interrupts, this.programs, options.stepNs ?? 100);
    this.clockReadNs = options.clockReadNs ?? 20;
    this.heapPages = options.heapPages ?? 0;
    this.freeRegions = regions.map((r) => ({ ...r }));
    this.place(options);
  }

  private place(options: SimOptions): void {
    const last = this.freeRegions.length - 1;
    const put = (bytes: Uint8Array): number => {
      const region = this.freeRegions[last]!;
      const size = Math.ceil(bytes.length / PAGE_SIZE) * PAGE_SIZE;
      this.memory.bytes(region.base, bytes.length).set(bytes);
      this.freeRegions[last] = { base: region.base + size, size: region.size - size };
      return region.base;
    };
    const cmdline = Uint8Array.from(options.cmdline ?? "", (c) => c.charCodeAt(0));
    this.bootParams[BOOT_CMDLINE] = cmdline.length > 0 ? put(cmdline) : 0;
    this.bootParams[BOOT_CMDLINE_SIZE] = cmdline.length;
    const module = options.module ?? new Uint8Array(0);
    this.bootParams[BOOT_MODULE] = module.length > 0 ? put(module) : 0;
    this.bootParams[BOOT_MODULE_SIZE] = module.length;
    this.bootParams[BOOT_TSC_HZ] = 1_000_000_000;
  }

  /** The console output so far as text. */
  get consoleText(): string {
    return new TextDecoder().decode(Uint8Array.from(this.console));
  }

  idle(): void {
    for (;;) {
      if (this.interrupts.isPending) return;
      const next = this.clock.next();
      if (next >= 0) {
        this.clock.advanceTo(next);
        continue;
      }
      const hook = this.onIdle;
      if (hook === null) throw new Error("the machine idles and nothing can wake it");
      hook();
      if (!this.interrupts.isPending && this.clock.next() < 0) throw new Error("onIdle caused no event");
    }
  }
}
