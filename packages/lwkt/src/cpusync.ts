/**
 * CPU synchronization: other CPUs stand still while one changes what they all look at, and then all run a function.
 *
 * Key type `CpuSync`. Neighbours: `ipiq.ts`, `group.ts`. A CPU that is held serves requests and runs no thread.
 * Typical: `interlock`, change page tables, `deinterlock` (every CPU flushes its TLB and goes on).
 * Invariant: between `interlock` and `deinterlock` no CPU of the mask but the caller's runs a thread.
 * Source: DragonFly sys/kern/lwkt_ipiq.c (lwkt_cpusync_*).
 */
import { kassert, type i32 } from "@anax/portable";
import { RQF_HELD, type Cpu } from "./cpu";
import { CpuMask } from "./cpumask";
import type { CpuGroup } from "./group";
import type { IpiHandler } from "./ipi";

/** What the CPUs run at the end, each on itself. */
export interface CpuSyncFunction {
  /** Runs on `cpu`, in a critical section. */
  run(cpu: Cpu): void;
}

/** One synchronization. Owned by the CPU that interlocks, until `deinterlock` has returned. */
export class CpuSync implements IpiHandler {
  /** CPUs that have acknowledged. */
  private readonly acked: CpuMask;
  private expected: i32 = 0;
  private quick: boolean = false;
  private active: boolean = false;

  /** `mask` are the CPUs concerned; with the calling CPU in it, that one runs `func` too. */
  constructor(
    private readonly group: CpuGroup,
    readonly mask: CpuMask,
    readonly func: CpuSyncFunction | null,
  ) {
    this.acked = new CpuMask(group.cpus.length);
  }

  /** The CPUs of the mask stand still when this returns. The calling CPU stays in a critical section until `deinterlock`. */
  interlock(): void {
    kassert(!this.active, "cpusync: interlocked already");
    const cpu = this.group.current!;
    this.active = true;
    this.quick = false;
    this.acked.clear();
    cpu.critEnter();
    this.expected = this.ask(cpu);
    while (this.acked.count < this.expected) cpu.ipiqs!.pause();
  }

  /** The CPUs run the function and go on; all have run it when this returns. */
  deinterlock(): void {
    kassert(this.active, "cpusync: not interlocked");
    const cpu = this.group.current!;
    this.acked.clear();
    if (this.mask.has(cpu.id)) this.runFunction(cpu);
    while (this.acked.count < this.expected) cpu.ipiqs!.pause();
    this.active = false;
    cpu.critExit();
  }

  /** The CPUs run the function, without standing still first; all have when this returns. Source: lwkt_cpusync_quick. */
  runQuick(): void {
    kassert(!this.active, "cpusync: interlocked already");
    const cpu = this.group.current!;
    this.quick = true;
    this.acked.clear();
    cpu.critEnter();
    this.expected = this.ask(cpu);
    while (this.acked.count < this.expected) cpu.ipiqs!.pause();
    if (this.mask.has(cpu.id)) this.runFunction(cpu);
    cpu.critExit();
  }

  /** Interlock and deinterlock with nothing between. */
  runSimple(): void {
    this.interlock();
    this.deinterlock();
  }

  private ask(cpu: Cpu): i32 {
    let n: i32 = 0;
    for (let i = 0; i < this.group.cpus.length; i++) {
      if (i === cpu.id || !this.mask.has(i)) continue;
      this.group.sendIpi(this.group.cpus[i], this, 0);
      n++;
    }
    return n;
  }

  /** On a CPU of the mask: acknowledges and stands still, or runs the function at once. */
  ipi(cpu: Cpu, _arg: i32): void {
    if (this.quick) {
      this.finish(cpu);
      return;
    }
    this.acked.add(cpu.id);
    cpu.reqflags |= RQF_HELD;
    cpu.ipiqs!.syncs.push(this);
  }

  /** For IpiQueues alone: whether `cpu` may run the function and go on. */
  isReleased(cpu: Cpu): boolean {
    return !this.acked.has(cpu.id);
  }

  /** For IpiQueues alone, with this off the CPU's list. */
  finish(cpu: Cpu): void {
    this.runFunction(cpu);
    if (cpu.ipiqs!.syncs.length === 0) cpu.reqflags &= ~RQF_HELD;
    this.acked.add(cpu.id);
  }

  private runFunction(cpu: Cpu): void {
    const func = this.func;
    if (func !== null) func.run(cpu);
  }
}
