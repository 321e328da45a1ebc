/**
 * Traces of a Linux machine: the text of `perf sched script`, `perf script`, `trace-cmd report` and of ftrace's `trace` file.
 *
 *     perf sched record -- sleep 5; perf sched script > trace.txt
 *     trace-cmd record -e sched_switch -e sched_waking -e sched_wakeup_new -e sched_process_fork sleep 5; trace-cmd report > trace.txt
 *
 * These lines are read, the header as any of the tools writes it, the rest in either form; all others are skipped:
 *
 *     cc1  4711 [002]  9.000123: sched:sched_switch: prev_comm=cc1 prev_pid=4711 prev_prio=120 prev_state=S ==> next_comm=make next_pid=4700 next_prio=120
 *     cc1-4711  [002] d..2.  9.000123: sched_switch: cc1:4711 [120] S ==> make:4700 [120]
 *     ... sched_wakeup: comm=make pid=4700 prio=120 target_cpu=002         (sched_waking and sched_wakeup_new too)
 *     ... sched_wakeup: make:4700 [120] CPU:002
 *     ... sched_process_fork: comm=make pid=4700 child_comm=make child_pid=4711
 *
 * prio 100 to 139 is nice -20 to 19, below it is real-time. State R is a preemption, X and Z an exit, the others wait. The task in the
 * header of a wake-up is the waker; with pid 0 it was an interrupt. Of sched_waking and the sched_wakeup that follows it the first counts.
 *
 * Neighbours: `trace.ts`. Invariant: a CPU whose switches do not fit together (lost events) is corrected by what the next switch says.
 */
import { InputError } from "../errors";
import { finishTrace } from "./ndjson";
import { BY_TIMER, Kind, Stop, Trace } from "./trace";

/** comm, pid, CPU, seconds, fraction, event, payload. */
const HEADER =
  /^\s*(?:(.*?)[\s-]+)(\d+)(?:\/\d+)?\s+(?:\(\s*[\d-]+\)\s+)?\[(\d+)\]\s+(?:[a-zA-Z0-9.]+\s+)?(\d+)\.(\d{1,9}):\s+(?:\d+\s+)?(?:sched:)?(\w+):\s*(.*)$/;
const SWITCH_FIELDS =
  /^prev_comm=(.*) prev_pid=(\d+) prev_prio=(-?\d+) prev_state=(\S+) ==> next_comm=(.*) next_pid=(\d+) next_prio=(-?\d+)/;
const SWITCH_SHORT = /^(.*):(\d+) \[(-?\d+)\] (\S+) ==> (.*):(\d+) \[(-?\d+)\]/;
const WAKE_FIELDS = /^comm=(.*) pid=(\d+) prio=(-?\d+)/;
const WAKE_SHORT = /^(.*):(\d+) \[(-?\d+)\]/;
const FORK_FIELDS = /^comm=(.*) pid=(\d+) child_comm=(.*) child_pid=(\d+)/;
/** perf's call chains and the markers of the tools. */
const NOISE = /^\s*(?:#.*|[0-9a-f]{6,} .*|CPU:?\s*\d+.*|cpus=\d+|version = .*|\s*)$/;
const READ = /^sched_(?:switch|waking|wakeup|wakeup_new|process_fork)$/;

/** How the binary files of the tools begin, and what makes text of them. */
const BINARY: readonly [start: string, advice: string][] = [
  ["PERFILE2", "this is perf's binary file; `perf sched script` or `perf script` makes text of it"],
  ["PERFFILE", "this is perf's binary file; `perf sched script` or `perf script` makes text of it"],
  ["\u0017\bDtracing", "this is trace-cmd's binary file; `trace-cmd report` makes text of it"],
];

/** Whether a text looks like one of these and not like JSON. */
export function looksLikeLinux(text: string): boolean {
  return !/^\s*[[{]/.test(text);
}

/**
 * Reads a trace, the text of a file.
 *
 * @throws InputError naming the line: a tool's binary file, a line that is no event, an event of the above that does not parse, a time that goes back, no switch at all.
 */
export function readLinux(text: string, file?: string): Trace {
  const binary = BINARY.find(([start]) => text.startsWith(start));
  if (binary !== undefined) throw new InputError(binary[1], { field: "", ...(file === undefined ? {} : { file }) });
  const reader = new Reader(file ?? "trace");
  let line = 0;
  try {
    for (const part of text.split(/\r?\n/)) {
      line++;
      reader.line(part);
    }
    return reader.finish();
  } catch (error) {
    if (error instanceof InputError) throw error.at("", { line, ...(file === undefined ? {} : { file }) });
    throw error;
  }
}

/** Tasks of one kind are one group: kworker/3:1 and kworker/u8:0 are kworker, worker-17 is worker. */
function groupOf(name: string): string {
  const group = name.replace(/\/.*$/, "").replace(/[-_:#.]?\d+$/, "");
  return group === "" ? name : group;
}

class Reader {
  private readonly trace: Trace;
  private readonly numbers = new Map<number, number>();
  private readonly groups = new Map<string, number>();
  private readonly runningOn: number[] = [];
  private readonly onCpu: number[] = [];
  /** The trace has told where it comes from (a wake-up, a fork, a switch), and its priority. */
  private readonly seen: boolean[] = [];
  private readonly rated: boolean[] = [];
  /** Woken or running: what wakes it again is no event. */
  private readonly awake: boolean[] = [];
  /** CPUs of which a switch was read. */
  private readonly cpuSeen = new Set<number>();
  /** Tasks that ran when the trace began. */
  private readonly early: { task: number; cpu: number }[] = [];
  /** Seconds of the first event, and ns within them. */
  private base = -1;
  private offset = 0;
  private switches = 0;

  constructor(name: string) {
    this.trace = new Trace(name, 1);
  }

  line(text: string): void {
    const match = HEADER.exec(text);
    if (match === null) {
      if (NOISE.test(text)) return;
      throw new InputError(`no event of perf or ftrace: ${JSON.stringify(text.slice(0, 80))}`, { field: "" });
    }
    const event = match[6]!;
    if (!READ.test(event)) return;
    const cpu = Number(match[3]);
    if (cpu >= 4096) throw new InputError("more than 4096 CPUs", { field: "cpu" });
    const seconds = Number(match[4]);
    const fraction = Number(match[5]!.padEnd(9, "0"));
    if (this.base < 0) {
      this.base = seconds;
      this.offset = fraction;
    }
    const t = (seconds - this.base) * 1e9 + fraction - this.offset;
    if (t < this.trace.end)
      throw new InputError(`${match[4]}.${match[5]} is before an earlier line`, { field: "time" });
    if (cpu >= this.trace.cpus) this.trace.cpus = cpu + 1;
    this.payload(event, match[7]!, t, cpu, { pid: Number(match[2]), comm: match[1]! });
  }

  private payload(event: string, text: string, t: number, cpu: number, actor: { pid: number; comm: string }): void {
    if (event === "sched_switch") {
      const m = SWITCH_FIELDS.exec(text) ?? SWITCH_SHORT.exec(text);
      if (m === null) throw broken(event, text);
      this.switches++;
      this.off(t, cpu, Number(m[2]), m[1]!, Number(m[3]), m[4]!);
      this.onto(t, cpu, Number(m[6]), m[5]!, Number(m[7]));
    } else if (event === "sched_process_fork") {
      const m = FORK_FIELDS.exec(text);
      if (m === null) throw broken(event, text);
      const parent = this.number(Number(m[2]), m[1]!, null);
      const child = this.number(Number(m[4]), m[3]!, null);
      this.seen[child] = true;
      this.trace.add(Kind.fork, t, child, cpu, parent);
    } else {
      const m = WAKE_FIELDS.exec(text) ?? WAKE_SHORT.exec(text);
      if (m === null) throw broken(event, text);
      const task = this.number(Number(m[2]), m[1]!, Number(m[3]));
      this.seen[task] = true;
      if (this.awake[task]) return;
      this.awake[task] = true;
      const waker = actor.pid === 0 ? BY_TIMER : this.number(actor.pid, actor.comm, null);
      this.trace.add(Kind.wake, t, task, cpu, waker);
    }
  }

  /** The task before a switch leaves the CPU; the first we hear of it, it ran from the beginning. */
  private off(t: number, cpu: number, pid: number, comm: string, prio: number, state: string): void {
    const before = this.onCpu[cpu] ?? -1;
    if (pid === 0) {
      if (before >= 0) this.stop(t, cpu, before, Stop.preempted);
      return;
    }
    const task = this.number(pid, comm, prio);
    if (before !== task) {
      if (before >= 0) this.stop(t, cpu, before, Stop.preempted);
      const elsewhere = this.runningOn[task]!;
      if (elsewhere >= 0) this.stop(t, elsewhere, task, Stop.preempted);
      if (!this.seen[task] && before < 0 && !this.cpuSeen.has(cpu)) this.early.push({ task, cpu });
      this.run(t, cpu, task);
    }
    const letter = state.charAt(0);
    const why = letter === "R" ? Stop.preempted : "XxZ".includes(letter) ? Stop.exited : Stop.block;
    this.stop(t, cpu, task, why);
    this.cpuSeen.add(cpu);
  }

  private onto(t: number, cpu: number, pid: number, comm: string, prio: number): void {
    this.cpuSeen.add(cpu);
    if (pid === 0) return;
    const task = this.number(pid, comm, prio);
    const elsewhere = this.runningOn[task]!;
    if (elsewhere >= 0) this.stop(t, elsewhere, task, Stop.preempted);
    this.run(t, cpu, task);
  }

  private run(t: number, cpu: number, task: number): void {
    this.trace.add(Kind.run, t, task, cpu, 0);
    this.seen[task] = true;
    this.awake[task] = true;
    this.runningOn[task] = cpu;
    this.onCpu[cpu] = task;
  }

  private stop(t: number, cpu: number, task: number, why: number): void {
    this.trace.add(Kind.stop, t, task, cpu, why);
    this.awake[task] = why === Stop.preempted;
    this.runningOn[task] = -1;
    this.onCpu[cpu] = -1;
  }

  private number(pid: number, comm: string, prio: number | null): number {
    let number = this.numbers.get(pid);
    if (number === undefined) {
      const name = groupOf(comm);
      let group = this.groups.get(name);
      if (group === undefined) {
        group = this.trace.groups.push(name) - 1;
        this.groups.set(name, group);
      }
      number = this.trace.tasks.length;
      this.numbers.set(pid, number);
      this.runningOn.push(-1);
      this.seen.push(false);
      this.rated.push(false);
      this.awake.push(false);
      this.trace.tasks.push({ name: `${comm}-${pid}`, group, nice: 0, class: "normal", priority: 0, cpus: null });
    }
    if (prio !== null && !this.rated[number]) {
      this.rated[number] = true;
      const info = this.trace.tasks[number]!;
      if (prio < 100) {
        info.class = "realtime";
        info.priority = Math.min(99, Math.max(1, 99 - prio));
      } else info.nice = Math.min(19, Math.max(-20, prio - 120));
    }
    return number;
  }

  finish(): Trace {
    if (this.switches === 0) throw new InputError("no sched_switch in the whole file", { field: "" });
    return finishTrace(this.startEarly(), this.runningOn, 0);
  }

  /** The trace with the first slices of those who ran from the beginning put at its beginning. */
  private startEarly(): Trace {
    if (this.early.length === 0) return this.trace;
    const { trace } = this;
    const made = new Trace(trace.name, trace.cpus, trace.groups);
    made.tasks.push(...trace.tasks);
    const pending = new Set(this.early.map(({ task }) => task));
    for (const { task, cpu } of this.early) made.add(Kind.run, 0, task, cpu, 0);
    for (let i = 0; i < trace.length; i++) {
      const task = trace.task.at(i);
      // Its first "run" is the one that stands for the time before.
      if (trace.kind.at(i) === Kind.run && pending.delete(task)) continue;
      made.add(trace.kind.at(i), trace.time.at(i), task, trace.cpu.at(i), trace.detail.at(i));
    }
    made.end = trace.end;
    return made;
  }
}

const broken = (event: string, text: string): InputError =>
  new InputError(`cannot read ${JSON.stringify(text.slice(0, 120))}`, { field: event });
