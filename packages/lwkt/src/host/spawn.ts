/**
 * Spawning CPUs: a worker thread, a link to it, and what both sides know of each other.
 *
 * Key types `PeerCpu` (a CPU that this one has a link to), `WorkerCpu` (one that this one has started). Functions `spawnCpu`, `parentCpu`, `peerCpu`, `connectCpus`.
 * Neighbours: `cpu.ts`, `link.ts`, `platform.ts`. A worker becomes a CPU when its program first uses this library.
 * Invariant: who spawned a worker knows all its links and closes them when it ends, so its peers hear of it.
 */
import { localCpu, type LocalCpu } from "./cpu";
import { LwktError } from "./errors";
import { ringBell } from "./bell";
import { Link } from "./link";
import { DEFAULT_RING, closeLinkMemory, createLinkMemory, type LinkMemory } from "./link-memory";
import {
  LocalPort,
  checkSpec,
  type HostPort,
  type Handlers,
  type MessageOf,
  type Messages,
  type PortSpec,
  type ServeOptions,
} from "./port";
import { ProxyPort } from "./proxy";
import { ringBytes } from "./ring";
import type { PlatformWorkerOptions, Transferred, WorkerHandle } from "./platform";

/** Messages of this library on the channel between a worker and who has started it. */
const TAG = "@anax/lwkt";
/** Milliseconds in which a worker must have become a CPU, and in which it must have got the peers it asks for. */
const START_TIMEOUT = 30_000;
/** And in which a worker of the web hears whether `spawnCpu` has started it. */
const GRACE = 100;

type Control =
  | {
      kind: "init";
      id: number;
      name: string;
      parent: string;
      parentId: number;
      memory: LinkMemory;
      side: unknown;
      counters: Int32Array;
      bell: SharedArrayBuffer;
    }
  | { kind: "ready" }
  /** A peer has ended. */
  | { kind: "wake" }
  | { kind: "link"; peer: string; peerId: number; memory: LinkMemory; end: 0 | 1; side: unknown };

function controlOf(message: unknown): Control | null {
  if (typeof message !== "object" || message === null) return null;
  return (message as { [TAG]?: Control })[TAG] ?? null;
}

/** How a CPU is started. */
export interface SpawnOptions extends PlatformWorkerOptions {
  /** Bytes of each of the link's four rings: a power of two. A message longer than a quarter of it takes a slower way. */
  ringBytes?: number;
  /** Milliseconds in which the worker must have become a CPU; 30,000 when not given. */
  startTimeout?: number;
}

/** A CPU that this one has a link to. */
export class PeerCpu {
  private readonly proxies = new Map<string, ProxyPort>();

  constructor(
    /** @internal */
    readonly link: Link,
  ) {}

  get name(): string {
    return this.link.peerName;
  }

  get id(): number {
    return this.link.peerId;
  }

  get isGone(): boolean {
    return this.link.isClosed;
  }

  /**
   * The port of that CPU with this name. It need not be there yet: messages wait for it, some seconds, and then fail with ENOENT.
   *
   *     const maths = cpu.port(Maths);
   *     const maths = cpu.port("maths", { add: Add });
   */
  port<S extends Messages>(spec: PortSpec<S>): HostPort<MessageOf<S>>;
  port<S extends Messages>(name: string, messages: S): HostPort<MessageOf<S>>;
  port<S extends Messages>(spec: PortSpec<S> | string): HostPort<MessageOf<S>> {
    const name = typeof spec === "string" ? spec : checkSpec(spec).name;
    let proxy = this.proxies.get(name);
    if (proxy === undefined) {
      proxy = new ProxyPort(this.link, name);
      this.proxies.set(name, proxy);
    }
    return proxy as unknown as HostPort<MessageOf<S>>;
  }
}

/** A CPU that this one has started. */
export class WorkerCpu extends PeerCpu implements AsyncDisposable {
  /** Its links to other CPUs, to be closed when it ends. */
  private readonly links: { memory: LinkMemory; peer: WorkerCpu }[] = [];
  private readonly exit: Promise<Error | null>;
  /** Somebody has asked for `exited`. */
  private isWatched = false;

  constructor(
    link: Link,
    /** @internal */
    readonly handle: WorkerHandle,
    exit: Promise<Error | null>,
    /** @internal */
    readonly bell: SharedArrayBuffer,
  ) {
    super(link);
    this.exit = exit.then((error) => {
      for (const { memory, peer } of this.links) {
        closeLinkMemory(memory);
        if (peer.isGone) continue;
        ringBell(new Int32Array(peer.bell, 0, 1));
        peer.handle.post({ [TAG]: { kind: "wake" } satisfies Control }, []);
      }
      link.cpu.removeLink(link);
      const reason = error === null ? undefined : `${link.peerName} has exited: ${error.message}`;
      // Nobody would hear of it otherwise.
      if (reason !== undefined && !this.isWatched && !link.expectsMore) link.cpu.warn(new LwktError("EPIPE", reason));
      link.close(reason);
      return error;
    });
  }

  /** Resolves when it has ended: to the error that ended it, or null. An error that nobody asks for here, and that fails no call, is a warning on the console. */
  get exited(): Promise<Error | null> {
    this.isWatched = true;
    return this.exit;
  }

  /** The host's Worker. */
  get worker(): unknown {
    return this.handle.native;
  }

  /** @internal One more link that ends with this CPU. */
  track(memory: LinkMemory, peer: WorkerCpu): void {
    this.links.push({ memory, peer });
  }

  /** @internal Whether it has a link to a living CPU of this name. */
  isConnectedTo(name: string): boolean {
    return this.links.some(({ peer }) => peer.name === name && !peer.isGone);
  }

  /** Ends the thread at once. Calls on their way fail with EPIPE. */
  async terminate(): Promise<void> {
    await this.handle.terminate();
    await this.exit;
  }

  /** Lets the process end though this CPU still runs, unless a call waits for its answer (Node). */
  unref(): this {
    this.handle.hold(false);
    return this;
  }

  /** Takes `unref` back. */
  ref(): this {
    this.handle.hold(true);
    return this;
  }

  /** `terminate`, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.terminate();
  }
}

/**
 * Starts a worker thread as a CPU. Resolves when its program has begun to use this library.
 * Rejects with ETIMEDOUT when it does not, EPIPE when it ends before, EINVAL for a bad ring size and for what the host cannot start a thread from (a relative
 * path, another scheme than its own), EOPNOTSUPP in a page that is not cross-origin isolated.
 *
 *     await using cpu = await spawnCpu(new URL("./worker.js", import.meta.url));
 */
export async function spawnCpu(url: URL | string, options: SpawnOptions = {}): Promise<WorkerCpu> {
  const cpu = rootedCpu();
  const capacity = options.ringBytes ?? DEFAULT_RING;
  ringBytes(capacity);
  const limit = options.startTimeout ?? START_TIMEOUT;
  if (typeof limit !== "number" || !(limit >= 0 && limit < 2 ** 31))
    throw new LwktError("EINVAL", `a startTimeout of ${String(limit)} ms`);
  await identity(cpu);
  const id = Atomics.add(cpu.counters, 0, 1) + 1;
  const name = options.name ?? `cpu${id}`;
  const bell = new SharedArrayBuffer(64);
  const memory = createLinkMemory([cpu.bell.buffer, bell], capacity);
  const handle = startThread(cpu, url, { ...options, name });
  const { local, remote } = cpu.platform.channel();
  const started = new Promise<void>((resolve) => {
    handle.onMessage((message) => {
      if (controlOf(message)?.kind === "ready") resolve();
    });
  });
  const exit = new Promise<Error | null>((resolve) => handle.onExit(resolve));
  const init: Control = {
    kind: "init",
    id,
    name,
    parent: cpu.name,
    parentId: cpu.id,
    memory,
    side: remote,
    counters: cpu.counters,
    bell,
  };
  handle.post({ [TAG]: init }, [remote]);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => reject(new LwktError("ETIMEDOUT", `${name} did not use @anax/lwkt/host within ${limit} ms`)),
      limit,
    );
  });
  try {
    const early = exit.then((error) => {
      throw new LwktError(
        "EPIPE",
        `${name} has exited before it was ready${error === null ? "" : `: ${error.message}`}`,
        { cause: error },
      );
    });
    await Promise.race([started, early, late]);
  } catch (error) {
    local.close();
    await handle.terminate();
    throw error;
  } finally {
    clearTimeout(timer);
  }
  const link = new Link(cpu, name, id, memory, 0, local);
  cpu.addLink(link);
  return new WorkerCpu(link, handle, exit, bell);
}

function startThread(cpu: LocalCpu, url: URL | string, options: PlatformWorkerOptions): WorkerHandle {
  try {
    return cpu.platform.spawn(url, options);
  } catch (error) {
    throw new LwktError("EINVAL", `no worker can be started from ${String(url)}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/**
 * Resolves when this thread knows which CPU it is. A worker that `spawnCpu` has started is told by its first message; on the web any worker may be one, and waits
 * as long as a message takes that was sent before the worker began.
 */
async function identity(cpu: LocalCpu): Promise<void> {
  const { isSpawned } = cpu.platform;
  if (isSpawned === false || surroundings().parent !== null) return;
  await surroundings()
    .wait(null, isSpawned === null ? GRACE : START_TIMEOUT)
    .catch(() => null);
}

/**
 * Gives two CPUs that this one has started a link of their own. They reach each other by `peerCpu(name)`. Throws EPIPE when one of them is gone, EEXIST when one has a link to a CPU
 * of the other's name, EINVAL for a CPU and itself.
 */
export function connectCpus(a: WorkerCpu, b: WorkerCpu, options: { ringBytes?: number } = {}): void {
  for (const cpu of [a, b])
    if (typeof (cpu as WorkerCpu | undefined)?.isConnectedTo !== "function")
      throw new LwktError("EINVAL", "connectCpus takes two CPUs of spawnCpu");
  if (a === b) throw new LwktError("EINVAL", `${a.name} cannot be connected to itself`);
  for (const [cpu, peer] of [
    [a, b],
    [b, a],
  ] as const) {
    if (cpu.isGone) throw new LwktError("EPIPE", cpu.link.goneText);
    if (cpu.isConnectedTo(peer.name))
      throw new LwktError("EEXIST", `${cpu.name} is connected to a "${peer.name}" already`);
  }
  const memory = createLinkMemory([a.bell, b.bell], options.ringBytes);
  const { port1, port2 } = a.link.cpu.platform.pair();
  const to = (cpu: WorkerCpu, peer: WorkerCpu, end: 0 | 1, side: Transferred): void => {
    cpu.track(memory, peer);
    const link: Control = { kind: "link", peer: peer.name, peerId: peer.id, memory, end, side };
    cpu.handle.post({ [TAG]: link }, [side]);
  };
  to(a, b, 0, port1);
  to(b, a, 1, port2);
}

/** What a worker knows of the CPUs around it. */
class Surroundings {
  parent: PeerCpu | null = null;
  readonly peers = new Map<string, PeerCpu>();
  private waiting: { name: string | null; resolve: (cpu: PeerCpu) => void }[] = [];

  constructor(private readonly cpu: LocalCpu) {}

  find(name: string | null): PeerCpu | null {
    return name === null ? this.parent : (this.peers.get(name) ?? null);
  }

  /** The CPU of this name, null for the one that has started this thread; rejects with ETIMEDOUT when it is not known within so many milliseconds. */
  wait(name: string | null, limit: number): Promise<PeerCpu> {
    const found = this.find(name);
    if (found !== null) return Promise.resolve(found);
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => {
        this.waiting = this.waiting.filter((w) => w !== waiter);
        reject(new LwktError("ETIMEDOUT", this.missing(name, limit)));
      }, limit);
      const waiter = {
        name,
        resolve: (cpu: PeerCpu): void => {
          clearTimeout(late);
          resolve(cpu);
        },
      };
      this.waiting.push(waiter);
    });
  }

  private missing(name: string | null, limit: number): string {
    if (name === null) return `nobody has said within ${limit} ms to have started this CPU: was it spawnCpu?`;
    const names = [...this.peers.keys()].map((peer) => `"${peer}"`).join(", ");
    return `nobody has connected ${this.cpu.name} to a CPU "${name}" within ${limit} ms (connected are ${names === "" ? "none" : names})`;
  }

  add(name: string | null, cpu: PeerCpu): void {
    if (name === null) this.parent = cpu;
    else this.peers.set(name, cpu);
    this.waiting = this.waiting.filter((w) => {
      if (w.name !== name) return true;
      w.resolve(cpu);
      return false;
    });
  }
}

const KEY = Symbol.for("@anax/lwkt/surroundings");

/** What this thread knows of others; in a worker, starts to listen to who has started it. */
function surroundings(): Surroundings {
  const scope = globalThis as unknown as { [KEY]?: Surroundings };
  const known = scope[KEY];
  if (known !== undefined) return known;
  const cpu = localCpu();
  const around = new Surroundings(cpu);
  scope[KEY] = around;
  const parent = cpu.platform.parent();
  parent?.onMessage((message) => {
    const control = controlOf(message);
    if (control === null) return;
    if (control.kind === "init") {
      cpu.begin(control.id, control.name, control.counters, control.bell);
      const link = new Link(cpu, control.parent, control.parentId, control.memory, 1, cpu.platform.side(control.side));
      cpu.addLink(link);
      around.add(null, new PeerCpu(link));
      parent.post({ [TAG]: { kind: "ready" } satisfies Control }, []);
    } else if (control.kind === "wake") cpu.kick();
    else if (control.kind === "link") {
      const link = new Link(
        cpu,
        control.peer,
        control.peerId,
        control.memory,
        control.end,
        cpu.platform.side(control.side),
      );
      cpu.addLink(link);
      around.add(control.peer, new PeerCpu(link));
    }
  });
  return around;
}

/** The CPU of this thread, listening to who has started it. */
function rootedCpu(): LocalCpu {
  surroundings();
  return localCpu();
}

/** In a worker: the CPU that has started this one. Rejects with ENOENT when that was not `spawnCpu`. */
export function parentCpu(): Promise<PeerCpu> {
  const cpu = rootedCpu();
  if (cpu.platform.parent() === null || cpu.platform.isSpawned === false)
    return Promise.reject(new LwktError("ENOENT", "no CPU has started this one by spawnCpu"));
  return surroundings().wait(null, START_TIMEOUT);
}

/**
 * In a worker: the CPU called `name`, once `connectCpus` has linked it to this one. Rejects with ETIMEDOUT when nobody does within `timeout` milliseconds, 30,000 when
 * not given, and with ENOENT where nobody can: in a thread that no CPU has started.
 */
export function peerCpu(name: string, { timeout = START_TIMEOUT }: { timeout?: number } = {}): Promise<PeerCpu> {
  const cpu = rootedCpu();
  if (cpu.platform.parent() === null || cpu.platform.isSpawned === false)
    return Promise.reject(
      new LwktError("ENOENT", `no CPU can be connected to this one as "${name}": spawnCpu has not started it`),
    );
  return surroundings().wait(name, timeout);
}

/**
 * Makes a port of this CPU, whose messages `for await` or `serve` takes. Throws EEXIST when the CPU has one of that name.
 */
export function openPort<S extends Messages>(spec: PortSpec<S>, options?: ServeOptions): LocalPort<MessageOf<S>> {
  checkSpec(spec);
  const cpu = rootedCpu();
  const port = new LocalPort<MessageOf<S>>(cpu, spec.name, spec.messages, options);
  cpu.addPort(port as unknown as LocalPort);
  return port;
}

/**
 * Makes a port of this CPU and answers its messages, each by the handler of its name. A handler returns the reply's fields, or a promise of them, or
 * the message with them set; what it throws rejects the call, with its `code` when that is an errno's name.
 *
 *     serve(Maths, { add: ({ a, b }) => ({ sum: a + b }) });
 */
export function serve<S extends Messages>(
  spec: PortSpec<S>,
  handlers: Handlers<S>,
  options?: ServeOptions,
): LocalPort<MessageOf<S>> {
  checkSpec(spec);
  if (typeof handlers !== "object" || handlers === null)
    throw new LwktError("EINVAL", `port "${spec.name}" needs an object with its handlers`);
  const byNumber = new Map<number, (msg: never) => unknown>();
  for (const [key, type] of Object.entries(spec.messages)) {
    const handler = (handlers as Record<string, unknown>)[key];
    if (typeof handler !== "function") throw new LwktError("EINVAL", `port "${spec.name}" has no handler for ${key}`);
    byNumber.set(type.number, handler.bind(handlers) as (msg: never) => unknown);
  }
  const cpu = rootedCpu();
  const port = new LocalPort<MessageOf<S>>(cpu, spec.name, spec.messages, options);
  port.setHandlers(byNumber as never);
  cpu.addPort(port as unknown as LocalPort);
  return port;
}
