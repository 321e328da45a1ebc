/** A pool of workers: `run` gives a task to the worker that has the fewest, and resolves to what it returns. */
import { spawnCpu, type CallOptions, type HostPort, type MessageOf, type WorkerCpu } from "@anax/lwkt/host";
import { Task, Tasks } from "./messages.js";

interface Member {
  readonly cpu: WorkerCpu;
  readonly port: HostPort<MessageOf<(typeof Tasks)["messages"]>>;
  /** Tasks that it has not answered. */
  tasks: number;
}

export class Pool implements AsyncDisposable {
  private constructor(private readonly members: readonly Member[]) {}

  static async create(worker: URL, size: number): Promise<Pool> {
    const cpus = await Promise.all(Array.from({ length: size }, () => spawnCpu(worker)));
    return new Pool(cpus.map((cpu) => ({ cpu, port: cpu.port(Tasks), tasks: 0 })));
  }

  async run(name: string, args: unknown[], options?: CallOptions): Promise<unknown> {
    const member = this.members.reduce((best, m) => (m.tasks < best.tasks ? m : best));
    member.tasks++;
    try {
      return (await member.port.call(new Task({ name, args }), options)).value;
    } finally {
      member.tasks--;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.members.map(({ cpu }) => cpu.terminate()));
  }
}
