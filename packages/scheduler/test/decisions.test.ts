/**
 * What the policies decide, as digests of long random traces: a change of their data structures must not change a decision.
 * Who changes a policy's rules on purpose records the digests anew: the failing test shows them.
 */
import { describe, expect, it } from "vitest";
import {
  CLASS_IDLE,
  CLASS_NORMAL,
  CLASS_REALTIME,
  CLASS_THREAD,
  CpuMask,
  SchedEntity,
  TICK_NS,
  UserScheduler,
  type SchedPolicy,
  type Topology,
} from "@anax/scheduler";
import { policy, topology } from "./smp";

const CLASSES = [CLASS_NORMAL, CLASS_NORMAL, CLASS_NORMAL, CLASS_IDLE, CLASS_THREAD, CLASS_REALTIME];

class Digest {
  private value = 0x811c9dc5;
  add(n: number): void {
    this.value = Math.imul(this.value ^ (n | 0), 0x01000193);
    this.value = Math.imul(this.value ^ Math.floor(n / 4294967296), 0x01000193);
  }
  toString(): string {
    return (this.value >>> 0).toString(16).padStart(8, "0");
  }
}

class Numbered extends SchedEntity {
  asleep = true;
  constructor(readonly id: number) {
    super();
  }
}

class Random {
  constructor(private state: number) {}
  below(n: number): number {
    this.state = (Math.imul(this.state, 1664525) + 1013904223) >>> 0;
    return Math.floor((this.state / 4294967296) * n);
  }
}

/** Times are up to days: nothing may depend on their fitting 32 bits. */
const START = 3 * 24 * 3600 * 1e9 + 12_345;

/** Drives a policy by random events and notes all that it answers. */
class Trace {
  private readonly random = new Random(20);
  private readonly digest = new Digest();
  private readonly tasks: Numbered[] = [];
  private now = START;
  private ids = 0;

  constructor(
    private readonly policy: SchedPolicy,
    private readonly most: number,
  ) {}

  private fork(): void {
    const { policy, random, tasks } = this;
    const parent = tasks.length > 0 && random.below(2) === 0 ? this.any() : null;
    const e = new Numbered(this.ids++);
    e.nice = random.below(4) === 0 ? random.below(40) - 20 : 0;
    policy.add(e, parent, this.now);
    tasks.push(e);
    if (random.below(8) === 0) policy.setMask(e, this.mask(), this.now);
    this.wake(e, parent === null ? -1 : parent.cpu);
  }

  private any(): Numbered {
    return this.tasks[this.random.below(this.tasks.length)]!;
  }

  private mask(): CpuMask {
    const { cpus } = this.policy;
    const mask = new CpuMask(cpus).add(this.random.below(cpus));
    const first = this.random.below(cpus);
    return this.random.below(3) === 0 ? mask : mask.addRange(first, this.random.below(cpus - first) + 1);
  }

  private wake(e: Numbered, waker: number): void {
    e.asleep = false;
    this.digest.add(this.policy.setRunnable(e, this.now, waker));
  }

  private reschedule(): void {
    const { policy, digest, now } = this;
    for (let cpu = policy.nextWanted(); cpu >= 0; cpu = policy.nextWanted()) {
      digest.add(cpu);
      const running = policy.current[cpu];
      if (running) digest.add(policy.setRunnable(running, now, -1));
      const e = policy.choose(cpu, now) as Numbered | null;
      digest.add(e === null ? -1 : e.id);
    }
  }

  private run(cpu: number): void {
    const { policy, random, now } = this;
    const e = policy.current[cpu] as Numbered | null;
    if (e === null) return;
    policy.account(e, random.below(20) === 0 ? random.below(3e9) : random.below(4e6), now);
    const what = random.below(8);
    if (what < 3) {
      policy.sleep(e, now);
      e.asleep = true;
    } else if (what === 3) policy.yieldNow(e, now);
  }

  private change(e: Numbered): void {
    const { policy, random, digest, now } = this;
    const what = random.below(10);
    if (what < 3) policy.setNice(e, random.below(40) - 20, now);
    else if (what < 5) {
      const klass = CLASSES[random.below(CLASSES.length)]!;
      const rank = klass === CLASS_REALTIME ? random.below(100) : 0;
      digest.add(policy.setClass(e, klass, rank, random.below(2) === 0, now));
    } else if (what < 7) digest.add(policy.setMask(e, random.below(3) === 0 ? null : this.mask(), now));
    else if (what === 7 && e.queued) {
      policy.unsetRunnable(e, now);
      e.asleep = true;
    } else if (what === 8 && this.tasks.length > this.most / 2) {
      this.tasks[this.tasks.indexOf(e)] = this.tasks.at(-1)!;
      this.tasks.pop();
      policy.remove(e, random.below(2) === 0 ? this.any() : null, now);
    }
  }

  play(events: number): string {
    const { policy, random, digest, tasks } = this;
    let ticked = 0;
    for (let i = 0; i < events; i++) {
      this.now += random.below(Math.ceil(4e6 / policy.cpus)) + (random.below(2000) === 0 ? 2.5e9 : 0);
      for (; START + ticked * (TICK_NS / policy.cpus) <= this.now && i % 4 === 0; ticked++) {
        policy.tick(ticked % policy.cpus, this.now);
        this.reschedule();
      }
      const what = random.below(20);
      if (what < 8) this.run(random.below(policy.cpus));
      else if (what < 17 && tasks.length > 0) {
        const e = this.any();
        if (e.asleep) this.wake(e, random.below(policy.cpus + 1) - 1);
      } else if (what === 17 && tasks.length < this.most) this.fork();
      else if (what === 18 && tasks.length > 0) this.change(this.any());
      this.reschedule();
      digest.add(policy.runnable);
      digest.add(policy.waiting(random.below(policy.cpus)));
    }
    for (const e of tasks) for (const n of [e.id, e.cpu, e.priority, e.estcpu, e.uload, e.passedOver]) digest.add(n);
    return digest.toString();
  }
}

const MACHINES: readonly [string, () => Topology, number, number][] = [
  ["1 CPU", () => topology(1, 1, 1, 1), 12, 20_000],
  ["8 CPUs", () => topology(1, 1, 4, 2), 40, 40_000],
  ["30 CPUs in 2 packages", () => topology(1, 2, 5, 3), 120, 40_000],
  ["256 CPUs", () => topology(2, 2, 32, 2), 800, 16_000],
];

describe("decisions of random traces", () => {
  it.each(["dfly", "dfly-classic", "bsd4", "eevdf", "round-robin"])("%s", (name) => {
    const found = MACHINES.map(([machine, make, most, events]) => [
      machine,
      new Trace(policy(name, make()), most).play(events),
    ]);
    expect(Object.fromEntries(found)).toMatchSnapshot();
  });

  it("one CPU", () => {
    const random = new Random(3);
    const digest = new Digest();
    const s = new UserScheduler();
    const tasks: Numbered[] = [];
    let now = START;
    for (let i = 0; i < 40_000; i++) {
      now += random.below(5e6) + (random.below(4000) === 0 ? 2e9 : 0);
      const running = s.current as Numbered | null;
      if (running !== null) s.account(running, random.below(5e6), now);
      const e = tasks.length < 30 && random.below(30) === 0 ? null : (tasks[random.below(tasks.length)] ?? null);
      if (e === null) {
        const child = new Numbered(i);
        s.add(child, random.below(2) === 0 ? running : null, now);
        s.setRunnable(child, now);
        tasks.push(child);
      } else {
        const what = random.below(20);
        if (what < 8) s.setRunnable(e, now);
        else if (what < 10) s.setNice(e, random.below(40) - 20);
        else if (what === 10) s.setClass(e, CLASSES[random.below(4)]!, 0, false);
        else if (what === 11) s.setClass(e, CLASS_REALTIME, random.below(99) + 1, random.below(2) === 0);
        else if (what === 12 && e.queued) s.unsetRunnable(e);
        else if (what === 13 && e === running) s.yieldNow(e);
        else if (what < 17 && running !== null) s.sleep(running, now);
        else if (what === 17 && random.below(20) === 0) {
          s.remove(e);
          tasks[tasks.indexOf(e)] = tasks.at(-1)!;
          tasks.pop();
        }
      }
      if (s.needResched || s.current === null) {
        if (s.current !== null) s.setRunnable(s.current, now);
        const chosen = s.choose() as Numbered | null;
        digest.add(chosen === null ? -1 : chosen.id);
      }
      digest.add(s.runnable);
    }
    for (const e of tasks) for (const n of [e.id, e.priority, e.estcpu, e.sliceUsed]) digest.add(n);
    expect(digest.toString()).toMatchSnapshot();
  });
});
