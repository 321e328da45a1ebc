/** A kernel without programs: processes whose system calls a test makes itself, one run at a time. */
import { CalloutWheel, Cpu } from "@anax/lwkt";
import { Machine } from "@anax/machine";
import { EASYNC } from "@anax/portable";
import { UserScheduler } from "@anax/scheduler";
import { Cred, NLC_FOLLOW, TmpFsType, Vfs } from "@anax/vfs-msg";
import { MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE, PROT_READ, PROT_WRITE, Vm } from "@anax/vm";
import {
  FileTable,
  Kernel,
  KernelClock,
  LS_RUN,
  LS_SLEEP,
  createInit,
  kernClone,
  type Lwp,
  type Proc,
} from "../src/index";

const BASE = 0x10000000;
const PAGES = 300;

export class World {
  readonly machine: Machine;
  readonly kernel: Kernel;
  readonly vfs: Vfs;
  readonly init: Task;

  constructor(memory = 24 << 20) {
    this.machine = new Machine({ memory });
    const vm = new Vm(this.machine);
    const clock = new KernelClock(this.machine);
    this.vfs = new Vfs(this.machine, vm.pages, clock);
    this.vfs.addType(new TmpFsType());
    const error = this.vfs.mountRoot("tmpfs", "");
    if (error !== 0) throw new Error(`mountRoot: ${error}`);
    const scheduler = new UserScheduler();
    const wheel = new CalloutWheel(this.machine.nanotime());
    this.kernel = new Kernel(this.machine, vm, this.vfs, scheduler, wheel, new Cpu(0), clock);
    const lwp = createInit(this.kernel, Cred.of(0, 0), this.vfs.root)!;
    lwp.proc.space = vm.newSpace()!;
    this.init = new Task(this, lwp);
    this.init.mapMemory();
    this.init.lwp.regs.fill(0);
  }

  /** A child of `parent` (a copy of its memory and descriptors). */
  fork(parent: Task, flags = 17): Task {
    parent.enter();
    parent.lwp.proc.abi = null;
    const pid = forkWithoutAbi(parent.lwp, flags);
    if (pid < 0) throw new Error(`fork: ${pid}`);
    return new Task(this, this.kernel.pids.lwp(pid)!);
  }

  get freePages(): number {
    return this.kernel.pages.freeCount;
  }

  /** Lets time pass and callouts fire. */
  pass(ms: number): void {
    const until = this.kernel.now() + ms * 1e6;
    for (;;) {
      const next = this.kernel.wheel.nextDeadline();
      if (next < 0 || next > until) break;
      this.machine.sim.clock.advanceTo(Math.max(next, this.kernel.now()) + 1);
      this.kernel.wheel.run(this.kernel.now());
    }
    const left = until - this.kernel.now();
    if (left > 0) this.machine.sim.clock.advanceTo(until);
  }
}

function forkWithoutAbi(lwp: Lwp, flags: number): number {
  // The child's registers are the ABI's affair; these processes have no program.
  lwp.proc.abi = { setChildReturn(): void {} } as unknown as Proc["abi"];
  return kernClone(lwp, flags, 0, 0, 0, 0);
}

/** A process, or rather its one LWP. */
export class Task {
  /** The call that sleeps. */
  private pending: ((lwp: Lwp) => number) | null = null;
  /** Where the next string or buffer goes. */
  private heap = BASE;

  constructor(
    readonly world: World,
    readonly lwp: Lwp,
  ) {}

  get proc(): Proc {
    return this.lwp.proc;
  }

  get files(): FileTable {
    return this.proc.files!;
  }

  mapMemory(): void {
    this.enter();
    this.proc.space!.map(BASE, PAGES * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, null, 0);
  }

  /** Becomes the running process. */
  enter(): void {
    const k = this.world.kernel;
    k.current = this.lwp;
    k.vm.waiter = this.lwp;
    this.proc.space!.activate();
  }

  /** Starts a call: its result, or EASYNC when it sleeps. */
  call(fn: (lwp: Lwp) => number): number {
    if (this.pending !== null) throw new Error("a call sleeps already");
    this.enter();
    this.lwp.clearOp();
    this.lwp.wakePending = false;
    return this.run(fn);
  }

  private run(fn: (lwp: Lwp) => number): number {
    const l = this.lwp;
    this.enter();
    for (;;) {
      l.state = LS_RUN;
      l.wakePending = false;
      const r = fn(l) + 0;
      if (r === EASYNC && l.wakePending) {
        l.leaveAll();
        continue;
      }
      if (r === EASYNC) {
        l.inCall = true;
        l.state = LS_SLEEP;
        this.world.kernel.current = null;
        this.pending = fn;
        return r;
      }
      if (l.isWaiting) throw new Error(`a call that ended with ${r} is still on a wait queue`);
      this.finish();
      return r;
    }
  }

  private finish(): void {
    const l = this.lwp;
    l.inCall = false;
    l.interrupted = false;
    l.leaveAll();
    if (l.timer.armed) this.world.kernel.disarm(l.timer);
    l.clearOp();
    this.pending = null;
    l.state = LS_RUN;
  }

  /** Whether a call has not ended. */
  get isPending(): boolean {
    return this.pending !== null;
  }

  /** Whether its call sleeps and nothing has woken it. */
  get sleeps(): boolean {
    return this.pending !== null && this.lwp.state === LS_SLEEP;
  }

  /** Runs the sleeping call again, after something woke it. */
  resume(): number {
    const fn = this.pending;
    if (fn === null) throw new Error("no call sleeps");
    if (this.lwp.state === LS_SLEEP) return EASYNC;
    this.world.kernel.scheduler.unsetRunnable(this.lwp.sched);
    this.pending = null;
    return this.run(fn);
  }

  /** A signal with a handler comes. */
  interrupt(): number {
    this.lwp.interrupted = true;
    this.lwp.leaveAll();
    if (this.lwp.state === LS_SLEEP) this.lwp.wake();
    return this.resume();
  }

  // User memory

  alloc(n: number): number {
    const at = this.heap;
    this.heap += (n + 15) & ~15;
    if (this.heap > BASE + PAGES * 4096) {
      this.heap = BASE;
      return this.alloc(n);
    }
    return at;
  }

  /** Makes all user memory resident, so that free pages count only what the kernel takes. */
  touchAll(): void {
    this.poke(BASE, new Uint8Array(PAGES * 4096));
  }

  poke(ua: number, bytes: Uint8Array): void {
    this.enter();
    const r = this.proc.space!.copyout(bytes, 0, ua, bytes.length);
    if (r !== 0) throw new Error(`poke: ${r}`);
  }

  peek(ua: number, n: number): Uint8Array {
    this.enter();
    const out = new Uint8Array(n);
    const r = this.proc.space!.copyin(ua, out, 0, n);
    if (r !== 0) throw new Error(`peek: ${r}`);
    return out;
  }

  /** A NUL-terminated string in user memory. */
  str(s: string): number {
    const b = Buffer.from(s + "\0", "latin1");
    const at = this.alloc(b.length);
    this.poke(at, b);
    return at;
  }

  ints(...values: number[]): number {
    const b = Buffer.alloc(values.length * 4);
    values.forEach((v, i) => b.writeInt32LE(v, i * 4));
    const at = this.alloc(b.length);
    this.poke(at, b);
    return at;
  }

  peekInts(ua: number, n: number): number[] {
    const b = Buffer.from(this.peek(ua, n * 4));
    return Array.from({ length: n }, (_, i) => b.readInt32LE(i * 4));
  }

  text(ua: number, n: number): string {
    return Buffer.from(this.peek(ua, n)).toString("latin1");
  }
}

export { EASYNC, NLC_FOLLOW };
