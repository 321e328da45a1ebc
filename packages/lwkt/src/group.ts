/**
 * The CPUs of one isolate: which one is inside, and how they reach each other.
 *
 * Key type `CpuGroup`. Neighbours: `cpu.ts`, `ipiq.ts`, `cpusync.ts`, `heap-transport.ts`. CPUs of a group share a heap and enter it one at a time (on a machine by the lock
 * at its door); so what a CPU does between `enter` and `leave` no other sees half done, except where it waits.
 * Invariant: `current` is the CPU whose code runs; everything that depends on "this CPU" asks for it here.
 */
import { kassert, type i32 } from "@anax/portable";
import { Cpu, RQF_IPIQ } from "./cpu";
import type { CpuMask } from "./cpumask";
import type { IpiHandler, IpiTransport } from "./ipi";
import { IpiQueues } from "./ipiq";

/** Several CPUs in one heap. */
export class CpuGroup {
  readonly cpus: Cpu[] = [];
  /** The CPU that is inside; null while none is, as during start-up. */
  current: Cpu | null = null;

  /** `count` CPUs with ids from 0. */
  constructor(
    count: i32,
    readonly transport: IpiTransport,
  ) {
    kassert(count > 0, "group: no CPU");
    for (let i = 0; i < count; i++) this.cpus.push(new Cpu(i));
    for (let i = 0; i < count; i++) {
      const cpu = this.cpus[i];
      cpu.group = this;
      cpu.ipiqs = new IpiQueues(cpu, transport, count);
    }
  }

  /** `cpu` comes in. Returns what `leave` wants. */
  enter(cpu: Cpu): Cpu | null {
    const before = this.current;
    this.current = cpu;
    return before;
  }

  /** The CPU goes out; `before` is what `enter` has returned. */
  leave(before: Cpu | null): void {
    this.current = before;
  }

  /** Whether `cpu` is another than the one that is inside. */
  isForeign(cpu: Cpu): boolean {
    const here = this.current;
    return here !== null && here !== cpu;
  }

  /** The request numbers of the CPU that is inside; requests can only come from one. */
  get queues(): IpiQueues {
    const here = this.current;
    kassert(here !== null, "ipi: outside of all CPUs");
    return here!.ipiqs!;
  }

  /** From the CPU that is inside: see `IpiQueues#send`. */
  sendIpi(target: Cpu, handler: IpiHandler, arg: i32): i32 {
    return this.queues.send(target, handler, arg);
  }

  /** A request to every CPU for which `mask` has a bit, beginning with the one that is inside, so that none is favoured. Returns how many. */
  sendIpiMask(mask: CpuMask, handler: IpiHandler, arg: i32): i32 {
    const here = this.current!;
    let n: i32 = 0;
    for (let i = 0; i < this.cpus.length; i++) {
      let id: i32 = (here.id + i) | 0;
      if (id >= this.cpus.length) id = (id - this.cpus.length) | 0;
      if (!mask.has(id)) continue;
      this.sendIpi(this.cpus[id], handler, arg);
      n++;
    }
    return n;
  }

  /** Serves what is flagged for `cpu`, unless it is in a critical section: what its interrupt handler does. */
  interrupt(cpu: Cpu): void {
    if ((cpu.reqflags & RQF_IPIQ) === 0 || cpu.critCount !== 0) return;
    this.poll(cpu);
  }

  /** Serves all requests for `cpu`, passive ones too: at its clock tick, and before it idles. */
  poll(cpu: Cpu): void {
    const before = this.enter(cpu);
    cpu.ipiqs!.process();
    this.leave(before);
  }
}
