/** Hogs, sleepers, nice values and classes compete for a second; who runs when, and what each got. */
import { EventLog, i32, imul, longMod, toLong, u32, type long } from "@anax/portable";
import { CLASS_IDLE, CLASS_REALTIME, SchedEntity, UserScheduler } from "@anax/scheduler";

const MS: long = 1000000;

/** An entity that runs for `burst` ms and then sleeps for `pause` ms; without a pause it never sleeps. */
class Job extends SchedEntity {
  got: long = 0;
  left: i32 = 0;
  wakeAt: long = -1;

  constructor(
    readonly id: i32,
    readonly burst: i32,
    readonly pause: i32,
  ) {
    super();
    this.left = burst;
  }
}

class Cpu {
  readonly scheduler: UserScheduler = new UserScheduler();
  readonly jobs: Job[] = [];
  now: long = 0;

  constructor(private readonly log: EventLog) {}

  add(burst: i32, pause: i32, parent: Job | null): Job {
    const job = new Job(this.jobs.length, burst, pause);
    this.jobs.push(job);
    this.scheduler.add(job, parent, this.now);
    this.scheduler.setRunnable(job, this.now);
    return job;
  }

  private wake(): void {
    for (let i = 0; i < this.jobs.length; i++) {
      const job = this.jobs[i];
      if (job.wakeAt < 0 || job.wakeAt > this.now) continue;
      job.wakeAt = -1;
      this.scheduler.setRunnable(job, this.now);
    }
  }

  /** One tick of 1 ms. */
  tick(): void {
    this.wake();
    const s = this.scheduler;
    let running = s.current as Job | null;
    if (running !== null && s.needResched) {
      s.setRunnable(running, this.now);
      running = null;
    }
    if (running === null) {
      running = s.choose() as Job | null;
      if (running !== null) this.log.value("run", running.id);
    }
    this.now = this.now + MS;
    if (running === null) return;
    running.got = running.got + MS;
    s.account(running, MS, this.now);
    running.left = (running.left - 1) | 0;
    if (running.pause > 0 && running.left === 0) {
      running.left = running.burst;
      running.wakeAt = this.now + toLong(running.pause) * MS;
      s.sleep(running, this.now);
    }
  }

  report(): void {
    for (let i = 0; i < this.jobs.length; i++) {
      const job = this.jobs[i];
      this.log.value("job", job.id);
      this.log.value("got", job.got);
      this.log.value("estcpu", toLong(job.estcpu));
      this.log.value("priority", toLong(job.priority));
    }
  }
}

export function run(log: EventLog): void {
  const cpu = new Cpu(log);
  const hog = cpu.add(1, 0, null);
  cpu.add(1, 0, null);
  cpu.scheduler.setNice(cpu.add(1, 0, null), 10);
  cpu.add(2, 9, null);
  cpu.add(5, 31, hog);
  log.value("class", cpu.scheduler.setClass(cpu.add(1, 47, null), CLASS_REALTIME, 20, false));
  log.value("class", cpu.scheduler.setClass(cpu.add(1, 0, null), CLASS_IDLE, 0, false));
  let seed: u32 = 7;
  for (let t = 0; t < 1500; t++) {
    cpu.tick();
    if (longMod(toLong(t), 250) === toLong(249)) {
      seed = u32(imul(i32(seed), 1103515245) + 12345);
      const burst = i32(seed >>> 28);
      cpu.add((burst + 1) | 0, i32((seed >>> 20) & 63), hog);
      cpu.report();
    }
  }
  cpu.report();
}
