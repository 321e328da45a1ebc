/**
 * A pool of worker threads whose tasks are LWKT messages, scheduled by DragonFly's dfly.
 *
 * Key types `WorkerPool` (workers and the policy), `Lane` (who sends: a class, a nice value, a history of CPU use). Neighbours: `protocol.ts` (messages),
 * `worker.ts` (handlers), `@anax/lwkt/host` (workers and ports).
 *
 * A worker is a core of the policy's topology and has `depth` slots, its hardware threads: one task runs and the others wait in the worker's port, so that
 * it need not wait for the next one. A task is a thread of its lane: it wakes up when it is sent, runs when a slot is free, and sleeps again with its
 * reply. A lane whose tasks are long may use the first slot of each worker only, and so never stands between a worker and short tasks.
 * Invariant: a slot has one task at most; a task that was sent is answered once.
 */
import { MSGF_PRIORITY } from "@anax/lwkt";
import { spawnCpu, type HostPort, type MessageOf, type Messages, type PortSpec, type WorkerCpu } from "@anax/lwkt/host";
import {
  CLASS_IDLE,
  CLASS_NORMAL,
  CLASS_REALTIME,
  CpuMask,
  SchedEntity,
  TICK_NS,
  newPolicy,
  policyByName,
  type SchedPolicy,
} from "@anax/scheduler";
import { InputError, policyNames, readTopology } from "@anax/scheduler/host";

export interface PoolOptions {
  /** Threads (default 2). */
  workers?: number;
  /** Tasks in a worker at a time, the running one included (default 8). */
  depth?: number;
  /** Name of a policy (default dfly). */
  policy?: string;
}

export interface LaneOptions {
  /** realtime goes before all others, idle behind (default normal). */
  class?: "realtime" | "normal" | "idle";
  /** Class normal: -20 to 19 (default 0). */
  nice?: number;
  /** Class realtime: 1 to 99 (default 1). */
  priority?: number;
}

/** Mean time of a task from which its lane is one of long tasks, ns. */
const LONG_NS = 100_000;
const CLASSES = { realtime: CLASS_REALTIME, normal: CLASS_NORMAL, idle: CLASS_IDLE } as const;

type AnyCall = HostPort["call"];

/** A task: what the policy schedules, and the call that it is. */
class Task extends SchedEntity {
  msg: Parameters<AnyCall>[0] | null = null;
  resolve: (reply: never) => void = () => undefined;
  reject: (error: unknown) => void = () => undefined;

  constructor(readonly lane: Lane<Messages>) {
    super();
  }
}

/** Senders of one kind: their tasks share a class, a nice value, and what they have used. */
export class Lane<S extends Messages> {
  /** Tasks that sleep; the one that ran last is used first, so that few carry the lane's history. */
  private readonly idle: Task[] = [];
  /** Mean time of its tasks, ns; -1 before the first. */
  private mean = -1;
  /** Tasks answered. */
  done = 0;

  constructor(
    private readonly pool: WorkerPool<S>,
    readonly name: string,
    private readonly options: LaneOptions,
  ) {}

  /** Sends a message to whichever worker the policy chooses; resolves to its reply. Rejects as `HostPort#call` does. */
  call<T extends MessageOf<S>>(msg: T): ReturnType<HostPort<MessageOf<S>>["call"]> {
    return new Promise((resolve, reject) => {
      const task = this.idle.pop() ?? this.create();
      task.msg = msg;
      task.resolve = resolve as (reply: never) => void;
      task.reject = reject;
      if (this.options.class === "realtime") msg.flags |= MSGF_PRIORITY;
      this.pool.start(task);
    }) as never;
  }

  private create(): Task {
    const task = new Task(this as unknown as Lane<Messages>);
    task.klass = CLASSES[this.options.class ?? "normal"];
    task.nice = this.options.nice ?? 0;
    task.rtPriority = this.options.class === "realtime" ? (this.options.priority ?? 1) : 0;
    this.pool.adopt(task, this.isLong);
    return task;
  }

  /** Until the first answer tells, tasks count as long; real-time ones never do. */
  private get isLong(): boolean {
    return this.options.class !== "realtime" && (this.mean < 0 || this.mean >= LONG_NS);
  }

  /** For the pool: a task has been answered after so many ns of a worker's time. */
  finished(task: Task, ns: number): void {
    const before = this.isLong;
    this.mean = this.mean < 0 ? ns : this.mean + (ns - this.mean) / 16;
    this.done++;
    if (this.isLong !== before) for (const other of this.idle) this.pool.confine(other, this.isLong);
    this.pool.confine(task, this.isLong);
    this.idle.push(task);
  }
}

/** A thread and what it has been sent. */
class PoolWorker {
  /** When it began with the task that runs, ns. */
  busySince = 0;
  sent = 0;

  constructor(
    readonly cpu: WorkerCpu,
    readonly port: HostPort,
  ) {}
}

export class WorkerPool<S extends Messages> implements AsyncDisposable {
  private readonly policy: SchedPolicy;
  private readonly firstSlots: CpuMask;
  private readonly startedAt = performance.now();
  private ticks = 0;
  private running = 0;
  private timer: NodeJS.Timeout | null = null;

  private constructor(
    private readonly workers: readonly PoolWorker[],
    private readonly depth: number,
    policy: SchedPolicy,
  ) {
    this.policy = policy;
    this.firstSlots = new CpuMask(policy.cpus);
    for (let worker = 0; worker < workers.length; worker++) this.firstSlots.add(worker * depth);
  }

  /**
   * Starts the workers; `url` is a program that serves `port`.
   *
   * @throws InputError naming the option that is wrong; rejects as `spawnCpu` does.
   */
  static async start<S extends Messages>(
    url: URL,
    port: PortSpec<S>,
    options: PoolOptions = {},
  ): Promise<WorkerPool<S>> {
    const { workers: count = 2, depth = 8, policy: name = "dfly" } = options;
    const topology = readTopology({ cores: count, threads: depth }, "pool");
    const policy = newPolicy(policyByName(name), topology);
    if (policy === null) {
      throw new InputError(`no policy ${JSON.stringify(name)}; there are ${policyNames().join(", ")}`, {
        field: "policy",
      });
    }
    const cpus = await Promise.all(Array.from({ length: count }, (_, i) => spawnCpu(url, { name: `pool-${i}` })));
    const workers = cpus.map((cpu) => new PoolWorker(cpu, cpu.port(port) as unknown as HostPort));
    return new WorkerPool<S>(workers, depth, policy);
  }

  /** A lane for senders of one kind. */
  lane(name: string, options: LaneOptions = {}): Lane<S> {
    return new Lane(this, name, options);
  }

  private now(): number {
    return Math.round((performance.now() - this.startedAt) * 1e6);
  }

  /** For lanes: a new task. */
  adopt(task: Task, long: boolean): void {
    this.policy.add(task, null, this.now());
    this.confine(task, long);
  }

  /** For lanes: long tasks run in first slots only. */
  confine(task: Task, long: boolean): void {
    if ((task.allowed !== null) === long && this.depth > 1) return;
    this.policy.setMask(task, long ? this.firstSlots : null, this.now());
  }

  /** For lanes: a task has something to do. */
  start(task: Task): void {
    const now = this.now();
    this.policy.setRunnable(task, now, -1);
    this.dispatch(now);
    this.timer ??= setInterval(() => this.clock(), TICK_NS / 1e6).unref();
  }

  /** Fills the slots that the policy names. A slot that is busy goes on: a task in a worker cannot be stopped. */
  private dispatch(now: number): void {
    for (let slot = this.policy.nextWanted(); slot >= 0; slot = this.policy.nextWanted()) this.fill(slot, now);
  }

  private fill(slot: number, now: number): void {
    if (this.policy.current[slot] !== null) return;
    const task = this.policy.choose(slot, now) as Task | null;
    if (task === null) return;
    this.running++;
    const worker = this.workers[Math.floor(slot / this.depth)]!;
    if (worker.sent++ === 0) worker.busySince = now;
    const msg = task.msg!;
    worker.port.call(msg as never).then(
      (reply) => {
        this.finish(slot, worker, task);
        task.resolve(reply as never);
      },
      (error: unknown) => {
        this.finish(slot, worker, task);
        task.reject(error);
      },
    );
  }

  private finish(slot: number, worker: PoolWorker, task: Task): void {
    const now = this.now();
    const ns = Math.max(1, now - worker.busySince);
    // The next task in the worker's port has begun.
    worker.busySince = now;
    worker.sent--;
    this.running--;
    task.msg = null;
    this.policy.account(task, ns, now);
    this.policy.sleep(task, now);
    task.lane.finished(task, ns);
    this.fill(slot, now);
    this.dispatch(now);
  }

  /** The scheduler clock: estcpu decays, waiting tasks move to workers with less to do. */
  private clock(): void {
    const now = this.now();
    if (this.running === 0 && this.policy.runnable === 0) {
      clearInterval(this.timer!);
      this.timer = null;
      return;
    }
    for (let slot = 0; slot < this.policy.cpus; slot++) this.policy.tick(slot, now);
    this.ticks++;
    this.dispatch(now);
  }

  /** Ends the workers at once; tasks on their way reject. */
  async close(): Promise<void> {
    if (this.timer !== null) clearInterval(this.timer);
    this.timer = null;
    await Promise.all(this.workers.map(({ cpu }) => cpu.terminate()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
