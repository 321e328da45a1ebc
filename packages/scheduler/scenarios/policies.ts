/** Every policy runs the same two seconds of a machine of 12 CPUs: hogs, sleepers, partners, forks, exits, masks and changes of rank. */
import { EventLog, i32, imul, longMod, toLong, u32 } from "@anax/portable";
import {
  CLASS_IDLE,
  CLASS_NORMAL,
  CLASS_REALTIME,
  CLASS_THREAD,
  CpuMask,
  POLICIES,
  TopologyBuilder,
  TopologySpec,
  newPolicy,
  policyName,
  type Topology,
} from "@anax/scheduler";
import { Job, MS, Smp } from "./support/smp";

class Story {
  private seed: u32 = 11;
  readonly smp: Smp;

  constructor(
    policy: i32,
    private readonly topology: Topology,
    private readonly log: EventLog,
  ) {
    const made = newPolicy(policy, topology);
    this.smp = new Smp(made!);
  }

  private random(below: i32): i32 {
    this.seed = u32(imul(i32(this.seed), 1103515245) + 12345);
    const high: u32 = this.seed >>> 9;
    return i32(longMod(toLong(high), toLong(below)));
  }

  private job(): Job {
    const jobs = this.smp.jobs;
    let at = this.random(jobs.length);
    while (jobs[at].gone) at = ((at + 1) | 0) % jobs.length;
    return jobs[at];
  }

  private mask(): CpuMask {
    const cpus = this.topology.cpus;
    const m = new CpuMask(cpus).add(this.random(cpus));
    if (this.random(2) === 0) m.addRange(this.random(6), 6);
    return m;
  }

  /** Something happens to somebody. */
  private event(t: i32): void {
    const s = this.smp;
    const p = s.policy;
    const job = this.job();
    const what = this.random(9);
    if (what < 2) s.start((this.random(8) + 1) | 0, this.random(30), job);
    else if (what === 2) p.setNice(job, (this.random(40) - 20) | 0, s.now);
    else if (what === 3) {
      const klass = t % 4 === 0 ? CLASS_REALTIME : t % 4 === 1 ? CLASS_IDLE : t % 4 === 2 ? CLASS_THREAD : CLASS_NORMAL;
      this.log.value(
        "class",
        p.setClass(job, klass, klass === CLASS_REALTIME ? this.random(102) : 0, t % 3 === 0, s.now),
      );
    } else if (what === 4) this.log.value("mask", p.setMask(job, this.mask(), s.now));
    else if (what === 5) this.log.value("mask", p.setMask(job, null, s.now));
    else if (what === 6 && s.jobs.length > 8) s.end(job, s.jobs[0].gone ? null : s.jobs[0]);
    else if (what === 7 && p.current[job.cpu] === job) p.yieldNow(job, s.now);
    else if (what === 8 && job.asleep) s.wake(job, this.random(p.cpus));
  }

  run(): void {
    const s = this.smp;
    const log = this.log;
    for (let i = 0; i < 14; i++) s.start((i % 5) + 1, i % 3 === 0 ? 0 : imul(i, 7) % 29, null);
    for (let i = 1; i < 5; i = (i + 2) | 0) {
      s.jobs[i].partner = s.jobs[i + 1];
      s.jobs[i + 1].partner = s.jobs[i];
    }
    for (let t = 0; t < 2000; t++) {
      s.step();
      if (t % 20 === 7) this.event(t);
      s.settle();
      s.check();
      if (t % 97 !== 0) continue;
      for (let cpu = 0; cpu < s.policy.cpus; cpu++) {
        const job = s.running(cpu);
        log.value("cpu", job === null ? -1 : job.id);
        log.value("waiting", s.policy.waiting(cpu));
      }
    }
    for (let i = 0; i < s.jobs.length; i++) {
      const job = s.jobs[i];
      log.value("job", job.id);
      log.value("got", job.got);
      log.value("moves", job.moves);
      log.value("estcpu", job.estcpu);
      log.value("priority", job.priority);
      log.value("slice", job.sliceUsed);
      const fair = job.fair;
      if (fair === null) continue;
      log.value("vruntime", fair.vruntime);
      log.value("deadline", fair.deadline);
    }
    log.value("now", s.now - toLong(2000) * MS);
  }
}

export function run(log: EventLog): void {
  const topology = new TopologyBuilder().fromSpec(new TopologySpec(2, 1, 3, 2))!;
  for (let p = 0; p < POLICIES; p++) {
    log.line(policyName(p));
    new Story(p, topology, log).run();
  }
}
