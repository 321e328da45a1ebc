/**
 * The contestants: each can send one way, go there and back, and knows when all has arrived.
 *
 * Key types `Contestant`, `FanIn`. Neighbours: `worker.ts` (their other sides), `main.ts` (who measures). All of one kind do the same work for a message: a number
 * and `bytes` bytes, copied. Each has a worker of its own, which sleeps while others are measured.
 */
import { MessageChannel, Worker, type MessagePort } from "node:worker_threads";
import { serve, spawnCpu, type HostPort, type MessageOf, type WorkerCpu } from "@anax/lwkt/host";
import * as Comlink from "comlink";
import nodeEndpoint from "comlink/dist/esm/node-adapter";
import { BareRing } from "./bare-ring";
import { Bench, Drain, Echo, Flood, GO, Note, Sink, type Api, type Order } from "./protocol";

export interface Contestant {
  readonly name: string;
  /** Sends `count` messages; resolves when the last has been handled. */
  oneWay(count: number): Promise<void>;
  /** `count` messages, each answered before the next is sent. */
  roundTrip(count: number): Promise<void>;
  close(): Promise<void>;
}

const WORKER = new URL("./worker.mjs", import.meta.url);

class LwktContestant implements Contestant {
  readonly name: string = "lwkt";
  protected readonly port: HostPort<MessageOf<(typeof Bench)["messages"]>>;
  private readonly note: InstanceType<typeof Note>;
  protected readonly echo: InstanceType<typeof Echo>;

  constructor(
    private readonly cpu: WorkerCpu,
    bytes: number,
  ) {
    this.port = cpu.port(Bench);
    this.note = new Note({ n: 0, data: new Uint8Array(bytes) });
    this.echo = new Echo({ n: 0, data: new Uint8Array(bytes) });
  }

  async oneWay(count: number): Promise<void> {
    const { note, port } = this;
    for (let n = 0; n < count; n++) {
      note.n = n;
      if (!port.send(note)) await port.ready();
    }
    if ((await port.call(new Drain())).count !== count) throw new Error("lwkt lost messages");
  }

  async roundTrip(count: number): Promise<void> {
    const { echo, port } = this;
    for (let n = 0; n < count; n++) {
      echo.n = n;
      await port.call(echo);
    }
  }

  async close(): Promise<void> {
    await this.cpu.terminate();
  }
}

class BlockingLwkt extends LwktContestant {
  override readonly name = "lwkt callSync";

  override roundTrip(count: number): Promise<void> {
    const { echo, port } = this;
    for (let n = 0; n < count; n++) {
      echo.n = n;
      port.callSync(echo);
    }
    return Promise.resolve();
  }
}

export async function lwkt(bytes: number): Promise<Contestant> {
  return new LwktContestant(await spawnCpu(WORKER), bytes);
}

export async function lwktBlocking(bytes: number): Promise<Contestant> {
  return new BlockingLwkt(await spawnCpu(WORKER), bytes);
}

function order(worker: Worker, what: Order, transfer: MessagePort[] = []): void {
  worker.postMessage(what, transfer);
}

/** The next message of a port; one listener for all of a run. */
class Inbox {
  private resolve: ((n: number) => void) | null = null;

  constructor(port: MessagePort) {
    port.on("message", (m: { n: number }) => {
      const { resolve } = this;
      this.resolve = null;
      resolve?.(m.n);
    });
  }

  next(): Promise<number> {
    return new Promise((resolve) => {
      this.resolve = resolve;
    });
  }
}

export function messageChannel(bytes: number): Promise<Contestant> {
  const worker = new Worker(WORKER);
  const { port1, port2 } = new MessageChannel();
  order(worker, { kind: "channel", port: port2 }, [port2]);
  const inbox = new Inbox(port1);
  const data = new Uint8Array(bytes);
  return Promise.resolve({
    name: "MessageChannel",
    async oneWay(count) {
      for (let n = 0; n < count; n++) port1.postMessage({ op: "note", n, data });
      port1.postMessage({ op: "drain", n: 0 });
      if ((await inbox.next()) !== count) throw new Error("MessageChannel lost messages");
    },
    async roundTrip(count) {
      for (let n = 0; n < count; n++) {
        port1.postMessage({ op: "echo", n, data });
        await inbox.next();
      }
    },
    async close() {
      port1.close();
      await worker.terminate();
    },
  });
}

export function comlink(bytes: number): Promise<Contestant> {
  const worker = new Worker(WORKER);
  const { port1, port2 } = new MessageChannel();
  order(worker, { kind: "comlink", port: port2 }, [port2]);
  const api = Comlink.wrap<Api>(nodeEndpoint(port1));
  const data = new Uint8Array(bytes);
  return Promise.resolve({
    name: "comlink",
    async oneWay(count) {
      const sent: Promise<unknown>[] = [];
      for (let n = 0; n < count; n++) sent.push(api.note(n, data));
      await Promise.all(sent);
      if ((await api.drain()) !== count) throw new Error("comlink lost messages");
    },
    async roundTrip(count) {
      for (let n = 0; n < count; n++) await api.echo(n, data);
    },
    async close() {
      port1.close();
      await worker.terminate();
    },
  });
}

export function bareRing(bytes: number): Promise<Contestant> {
  const worker = new Worker(WORKER);
  const size = bytes + 8;
  const slots = bytes > 4096 ? 8 : 1024;
  const memory = [BareRing.memory(slots, size), BareRing.memory(slots, size)] as const;
  const go = new SharedArrayBuffer(16);
  const word = new Int32Array(go);
  order(worker, { kind: "ring", there: memory[0], back: memory[1], slots, size, go });
  const there = new BareRing(memory[0], slots, size);
  const back = new BareRing(memory[1], slots, size);
  const record = new Int32Array(size >> 2);
  const answer = new Int32Array(size >> 2);
  const begin = (count: number, echo: number): number => {
    word[GO.COUNT] = count;
    word[GO.ECHO] = echo;
    const round = Atomics.add(word, GO.ROUND, 1) + 1;
    Atomics.notify(word, GO.ROUND);
    return round;
  };
  const finish = (round: number): void => {
    while (Atomics.load(word, GO.DONE) !== round);
  };
  return Promise.resolve({
    name: "bare ring",
    oneWay(count) {
      const round = begin(count, 0);
      for (let n = 0; n < count; n++) {
        record[0] = n;
        there.put(record);
      }
      finish(round);
      return Promise.resolve();
    },
    roundTrip(count) {
      const round = begin(count, 1);
      for (let n = 0; n < count; n++) {
        record[0] = n;
        there.put(record);
        back.take(answer);
      }
      finish(round);
      return Promise.resolve();
    },
    async close() {
      await worker.terminate();
    },
  });
}

/** Several workers send to one port of the main thread. */
export interface FanIn {
  readonly name: string;
  /** Resolves when each worker's `count` messages have arrived. */
  run(count: number): Promise<void>;
  close(): Promise<void>;
}

export async function lwktFanIn(workers: number, bytes: number): Promise<FanIn> {
  const cpus = await Promise.all(Array.from({ length: workers }, () => spawnCpu(WORKER)));
  let got = 0;
  let wanted = 0;
  let done = (): void => {};
  const sink = serve(
    Sink,
    {
      note: () => {
        if (++got === wanted) done();
      },
    },
    { reuse: true },
  );
  return {
    name: "lwkt",
    async run(count) {
      got = 0;
      wanted = count * workers;
      const all = new Promise<void>((resolve) => {
        done = resolve;
      });
      await Promise.all(cpus.map((cpu) => cpu.port(Bench).call(new Flood({ count, bytes }))));
      await all;
    },
    async close() {
      sink.close();
      await Promise.all(cpus.map((cpu) => cpu.terminate()));
    },
  };
}

export function channelFanIn(workers: number, bytes: number): Promise<FanIn> {
  const all = Array.from({ length: workers }, () => {
    const worker = new Worker(WORKER);
    const { port1, port2 } = new MessageChannel();
    order(worker, { kind: "channel", port: port2 }, [port2]);
    return { worker, port: port1 };
  });
  let got = 0;
  let wanted = 0;
  let done = (): void => {};
  for (const { port } of all) {
    port.on("message", () => {
      if (++got === wanted) done();
    });
  }
  return Promise.resolve({
    name: "MessageChannel",
    async run(count) {
      got = 0;
      wanted = count * workers;
      const finished = new Promise<void>((resolve) => {
        done = resolve;
      });
      for (const { port } of all) port.postMessage({ op: "flood", n: count, bytes });
      await finished;
    },
    async close() {
      await Promise.all(
        all.map(({ worker, port }) => {
          port.close();
          return worker.terminate();
        }),
      );
    },
  });
}
