/**
 * A machine of several CPUs in steps of 1 ms, for scenarios and tests: jobs that run for a while and sleep for a while.
 *
 * Key types `Job`, `Smp`. Invariant: `check` holds between steps.
 */
import { i32, kassert, longMod, toLong, type long } from "@anax/portable";
import { SchedEntity, TICK_NS, type SchedPolicy } from "@anax/scheduler";

export const MS: long = 1000000;

/** Runs for `burst` ms and then sleeps for `pause` ms; without a pause it never sleeps. When done it wakes `partner`. */
export class Job extends SchedEntity {
  got: long = 0;
  left: i32 = 0;
  wakeAt: long = -1;
  asleep: boolean = true;
  gone: boolean = false;
  partner: Job | null = null;
  moves: i32 = 0;
  lastCpu: i32 = -1;
  /** When it last ran, ns. */
  ranAt: long = 0;

  constructor(
    readonly id: i32,
    readonly burst: i32,
    readonly pause: i32,
  ) {
    super();
    this.left = burst;
  }
}

export class Smp {
  readonly jobs: Job[] = [];
  now: long = 0;

  constructor(readonly policy: SchedPolicy) {}

  /** A new job, runnable at once. */
  start(burst: i32, pause: i32, parent: Job | null): Job {
    const job = this.create(burst, pause, parent);
    this.wake(job, parent === null ? -1 : parent.cpu);
    return job;
  }

  /** A new job, asleep until `wake`. */
  create(burst: i32, pause: i32, parent: Job | null): Job {
    const job = new Job(this.jobs.length, burst, pause);
    this.jobs.push(job);
    this.policy.add(job, parent, this.now);
    return job;
  }

  wake(job: Job, waker: i32): void {
    job.asleep = false;
    job.wakeAt = -1;
    this.policy.setRunnable(job, this.now, waker);
  }

  end(job: Job, parent: Job | null): void {
    this.policy.remove(job, parent, this.now);
    job.gone = true;
    job.wakeAt = -1;
  }

  running(cpu: i32): Job | null {
    return this.policy.current[cpu] as Job | null;
  }

  /** Every CPU that wants to chooses again, until none wants to. */
  settle(): void {
    const p = this.policy;
    let again = true;
    let rounds: i32 = 0;
    while (again) {
      again = false;
      for (let cpu = 0; cpu < p.cpus; cpu++) {
        if (!p.needResched(cpu)) continue;
        again = true;
        this.reschedule(cpu);
      }
      rounds++;
      kassert(rounds < 100, "the CPUs never settle");
    }
  }

  /** The CPU puts its job back and chooses again. */
  reschedule(cpu: i32): void {
    const p = this.policy;
    const old = this.running(cpu);
    if (old !== null) p.setRunnable(old, this.now, -1);
    const job = p.choose(cpu, this.now) as Job | null;
    if (job === null) return;
    if (job.lastCpu >= 0 && job.lastCpu !== cpu) job.moves++;
    job.lastCpu = cpu;
  }

  /** One ms. */
  step(): void {
    const p = this.policy;
    for (let i = 0; i < this.jobs.length; i++) {
      const job = this.jobs[i];
      if (job.wakeAt >= 0 && job.wakeAt <= this.now) this.wake(job, -1);
    }
    this.settle();
    this.now = this.now + MS;
    for (let cpu = 0; cpu < p.cpus; cpu++) {
      const job = this.running(cpu);
      if (job === null) continue;
      job.got = job.got + MS;
      job.ranAt = this.now;
      p.account(job, MS, this.now);
      job.left = (job.left - 1) | 0;
      if (job.left > 0) continue;
      job.left = job.burst;
      const partner = job.partner;
      if (partner !== null && partner.asleep && !partner.gone) this.wake(partner, cpu);
      if (job.pause === 0 && partner === null) continue;
      job.asleep = true;
      if (job.pause > 0) job.wakeAt = this.now + toLong(job.pause) * MS;
      p.sleep(job, this.now);
    }
    if (longMod(this.now, TICK_NS) === toLong(0)) {
      for (let cpu = 0; cpu < p.cpus; cpu++) p.tick(cpu, this.now);
    }
  }

  run(ms: i32): void {
    for (let i = 0; i < ms; i++) this.step();
  }

  /** Panics unless every job is asleep, queued once or current once, where its mask allows. */
  check(): void {
    const p = this.policy;
    let queued: i32 = 0;
    for (let i = 0; i < this.jobs.length; i++) {
      const job = this.jobs[i];
      let running: i32 = 0;
      for (let cpu = 0; cpu < p.cpus; cpu++) if (p.current[cpu] === job) running++;
      const places: i32 = (running + (job.queued ? 1 : 0)) | 0;
      if (job.queued) queued++;
      kassert(places === (job.asleep || job.gone ? 0 : 1), "a job is lost or runs twice");
      if (job.gone) continue;
      if (running === 1) kassert(p.current[job.cpu] === job, "a job runs where it is not");
      kassert(running === 1 || p.mayRun(job, job.cpu), "a mask is not respected");
    }
    kassert(queued === p.runnable, "runnable is not the number of queued");
  }
}
