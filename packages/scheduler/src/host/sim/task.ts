/**
 * A task of the simulator: what the policy schedules, and where its program stands.
 *
 * Key type `SimTask`. Neighbours: `programs.ts` (owner), `../workload/program.ts`.
 * Invariant: `on` is the CPU that has it as its current one, -1 otherwise.
 */
import { SchedEntity } from "../../entity";
import { RandomStream } from "../workload/distribution";
import type { Program, Template } from "../workload/program";

export const State = {
  /** Has not arrived, sleeps, or waits for a message or a child. */
  blocked: 0,
  /** Queued or on a CPU. */
  runnable: 1,
  ended: 2,
} as const;

/** What a blocked task that waits for children wants. */
export const Join = { none: 0, one: 1, all: 2 } as const;

export class SimTask extends SchedEntity {
  state: number = State.blocked;
  on = -1;
  pc = 0;
  /** CPU time left of the present `run`, ns. */
  remaining = 0;
  /** Operations at one time, and that time. */
  steps = 0;
  stepsAt = -1;
  readonly loopsLeft: number[] = [];
  private readonly turns: number[] | null;
  readonly random: RandomStream;

  /** CPU time; time runnable but not running, ns. */
  cpuTime = 0;
  waited = 0;
  /** Since when it waits for a CPU. */
  runnableAt = 0;
  /** Woken, and has not run since. */
  fresh = false;
  /** CPU it ran on last, -1 before it ran. */
  lastCpu = -1;
  endedAt = -1;

  /** Beginning of the present job (wake-up, release, arrival of the message), ns; -1 for none. */
  jobStart = -1;
  /** CPU time at its beginning, ns. */
  jobCpu = 0;
  /** The job began with a message: it lasts until the next message is wanted. */
  jobByMessage = false;
  /** The last release of a periodic task, -1 before the first; its period and deadline, ns. */
  release = -1;
  every = 0;
  deadline = 0;

  /** Children alive; children that ended and were not joined. */
  children = 0;
  unjoined = 0;
  join: number = Join.none;
  forks = 0;

  readonly program: Program;
  readonly group: number;

  constructor(
    readonly id: number,
    readonly template: Template,
    readonly parent: SimTask | null,
    readonly stream: number,
    seed: number,
    readonly startedAt: number,
  ) {
    super();
    this.program = template.program;
    this.group = template.group;
    this.random = new RandomStream(seed, stream);
    this.turns = this.program.depth === 0 ? null : [];
    for (let i = 0; i < this.program.depth; i++) this.loopsLeft.push(0);
  }

  /** Draws from a distribution of its program. */
  draw(index: number): number {
    const of = this.program.distributions[index]!;
    if (this.turns === null) return of.draw(this.random, 0);
    const turn = this.turns[index] ?? 0;
    while (this.turns.length <= index) this.turns.push(0);
    this.turns[index] = turn + 1;
    return of.draw(this.random, turn);
  }
}
