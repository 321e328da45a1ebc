/**
 * Several CPUs in one thread of the host: for tests, simulations and programs that want the structure without the parallelism.
 *
 * Key type `HeapTransport`. Neighbours: `ipi.ts` (`IpiTransport`), `group.ts`.
 * Invariant: while a CPU waits, every other one does what its own loop would do, so nobody waits for ever for a CPU that can act.
 */
import type { i32, long } from "@anax/portable";
import type { Cpu } from "./cpu";
import type { CpuGroup } from "./group";
import type { IpiTransport } from "./ipi";
import { IPIW_ALL, IPIW_ROOM } from "./ipiq";

/**
 * The transport of CPUs that one thread plays by turns: who waits lets the others serve their requests, on top of itself. A CPU that is itself waiting, further
 * down, does then what its own loop would do.
 */
export class HeapTransport implements IpiTransport {
  private group: CpuGroup | null = null;
  /** ns. */
  protected now: long = 0;
  /** Signals raised, for statistics. */
  signals: i32 = 0;
  warnings: i32 = 0;

  /** Says whose transport it is: once, after the group was made with it. */
  attach(group: CpuGroup): void {
    this.group = group;
  }

  signal(_from: Cpu, _target: Cpu): void {
    this.signals++;
  }

  pause(cpu: Cpu): void {
    const group = this.group!;
    // A moment: so that waiting for nobody ends.
    this.now = this.now + 1000;
    for (let i = 0; i < group.cpus.length; i++) {
      const other = group.cpus[i];
      if (other !== cpu) this.serve(group, other);
    }
  }

  /** One round of what a CPU does while another one waits for it. */
  protected serve(group: CpuGroup, cpu: Cpu): void {
    const queues = cpu.ipiqs!;
    if (queues.waiting === IPIW_ROOM) {
      const before = group.enter(cpu);
      queues.processNested();
      group.leave(before);
    } else if (cpu.critCount === 0 || queues.waiting === IPIW_ALL) group.poll(cpu);
  }

  nanotime(): long {
    return this.now;
  }

  warn(_cpu: Cpu, _target: Cpu, _seconds: i32, _behind: i32): void {
    this.warnings++;
  }
}
