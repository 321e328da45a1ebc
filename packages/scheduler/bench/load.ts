/**
 * The load that `decisions.ts` measures, and the plain queue that shows what the load itself costs.
 *
 * Two patterns: "local", where 64 CPUs are busy at a time (then the next 64), and "spread", where each event is on a CPU drawn from all.
 */
import { CpuMask } from "../src/cpu-mask";
import { SAMPLE_NS, SchedEntity } from "../src/entity";
import { SchedPolicy, TICK_NS } from "../src/policy";

/** Time of one run of a task, ns. */
const BURST = 1_000_000;
/** A machine that has been up for an hour: times are numbers of the same kind at every size. */
const UPTIME = 3_600_000_000_000;

/** Turns before anything is measured: for each task, which are 150 ms of the simulated time, and in all, for the compiler to see everything. */
const WARM_UP_TURNS = 50;
const WARM_UP_LEAST = 400_000;

export type Pattern = "local" | "spread";
export const PATTERNS: readonly Pattern[] = ["local", "spread"];
/** CPUs that are busy at a time, and for how many events, under "local". */
const WINDOW = 64;
const WINDOW_TURNS = 4096;

/** What the benchmark itself costs: a plain queue instead of a policy, which looks at nothing. */
export const FLOOR = "(plain queue)";

export class PlainQueue extends SchedPolicy {
  private readonly ring: (SchedEntity | null)[] = [];
  private first = 0;
  get name(): string {
    return FLOOR;
  }
  add(e: SchedEntity): void {
    this.ring.push(null);
    e.cpu = 0;
  }
  setRunnable(e: SchedEntity): number {
    this.ring[(this.first + this.runnable++) % this.ring.length] = e;
    return e.cpu;
  }
  choose(cpu: number): SchedEntity | null {
    this.resched[cpu] = 0;
    if (this.runnable === 0) return null;
    const e = this.ring[this.first]!;
    this.first = (this.first + 1) % this.ring.length;
    this.runnable--;
    e.cpu = cpu;
    this.current[cpu] = e;
    return e;
  }
  sleep(e: SchedEntity): void {
    this.current[e.cpu] = null;
    this.want(e.cpu);
  }
  tick(cpu: number): void {
    if (this.current[cpu] === null && this.runnable > 0) this.want(cpu);
  }
  remove(): void {}
  unsetRunnable(): void {}
  account(): void {}
  yieldNow(): void {}
  slice(): number {
    return -1;
  }
  waiting(): number {
    return this.runnable;
  }
  protected unqueue(): void {}
  protected reranked(): void {}
  protected requeue(): void {}
}

/** Drives one policy; the clock is simulated, the time that is measured is not. As many tasks want to run at any time. */
export class Load {
  decisions = 0;
  private now = UPTIME;
  private ticked = 0;
  private random = 0x2545f491;
  private readonly sleepers: SchedEntity[] = [];
  private readonly step: number;
  private readonly tickStep: number;
  private readonly tasks: number;
  private turns = 0;
  private base = 0;

  constructor(
    private readonly policy: SchedPolicy,
    private readonly pattern: Pattern,
  ) {
    const { cpus } = policy;
    // Whole numbers, as every time of the scheduler is.
    this.step = Math.round(BURST / cpus);
    this.tickStep = Math.round(TICK_NS / cpus);
    this.tasks = cpus * 3 + 3;
    for (let i = 0; i < this.tasks; i++) {
      // Samples and decays of all are not at the same time.
      this.now = UPTIME - SAMPLE_NS + Math.floor((i * SAMPLE_NS) / this.tasks);
      if (i % 3 === 0 && i / 3 < cpus) policy.tick(i / 3, this.now);
      const e = new SchedEntity();
      e.nice = (i % 5) * 4 - 8;
      policy.add(e, null, this.now);
      if (i % 16 === 7 && cpus > 1) {
        const mask = new CpuMask(cpus).addRange(0, cpus >> 1);
        policy.setMask(e, mask, this.now);
      }
      this.sleepers.push(e);
    }
    this.now = UPTIME;
    for (let i = 0; i < cpus * 2 + 2; i++) this.wake(-1);
  }

  private next(below: number): number {
    this.random = (Math.imul(this.random, 1664525) + 1013904223) >>> 0;
    return Math.floor((this.random / 4294967296) * below);
  }

  private wake(by: number): void {
    const { length } = this.sleepers;
    const i = length - 1 - this.next(this.pattern === "local" ? Math.min(WINDOW, length) : length);
    const e = this.sleepers[i]!;
    const last = this.sleepers.pop()!;
    if (last !== e) this.sleepers[i] = last;
    this.policy.setRunnable(e, this.now, by);
    this.decisions++;
    this.reschedule();
  }

  private reschedule(): void {
    const { policy, now } = this;
    for (let cpu = policy.nextWanted(); cpu >= 0; cpu = policy.nextWanted()) {
      const running = policy.current[cpu];
      if (running !== null && running !== undefined) {
        policy.setRunnable(running, now, -1);
        this.decisions++;
      }
      policy.choose(cpu, now);
      this.decisions++;
    }
  }

  /** A task somewhere ends its burst and sleeps; another one wakes up. */
  private turn(): void {
    const { policy } = this;
    this.now += this.step;
    while (UPTIME + this.ticked * this.tickStep <= this.now) {
      policy.tick(this.ticked++ % policy.cpus, this.now);
      this.reschedule();
    }
    const cpu = this.pick();
    const running = policy.current[cpu];
    if (running === null || running === undefined) return;
    policy.account(running, BURST, this.now);
    policy.sleep(running, this.now);
    this.sleepers.push(running);
    this.reschedule();
    this.wake(cpu);
  }

  private pick(): number {
    const { cpus } = this.policy;
    if (this.pattern === "spread" || cpus <= WINDOW) return this.next(cpus);
    if (this.turns++ % WINDOW_TURNS === 0) this.base = this.next(cpus / WINDOW) * WINDOW;
    return this.base + this.next(WINDOW);
  }

  /** Until the compiler has seen everything, and the tasks are where they stay. */
  warmUp(): void {
    for (let i = Math.max(this.tasks * WARM_UP_TURNS, WARM_UP_LEAST); i > 0; i--) this.turn();
  }

  /** Goes on for some milliseconds of CPU time, which a busy host does not stretch; ns for one decision. */
  measure(ms: number): number {
    const before = this.decisions;
    const start = process.cpuUsage();
    let used = 0;
    do {
      for (let i = 0; i < 512; i++) this.turn();
      const { user, system } = process.cpuUsage(start);
      used = user + system;
    } while (used < ms * 1000);
    return (used * 1000) / (this.decisions - before);
  }
}
