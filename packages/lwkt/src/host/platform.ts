/**
 * What differs between hosts: Node's worker_threads and the web's Worker, behind one small interface.
 *
 * Key types `Platform`, `WorkerHandle`; neighbours `cpu.ts`, `spawn.ts`. The host is found out at run time, so one build serves both and bundlers see no
 * import of a Node module. Invariant: nothing else in `host` asks where it runs.
 */
import type * as WorkerThreads from "node:worker_threads";
import type { MessagePort as NodeMessagePort, Transferable as NodeTransferable } from "node:worker_threads";
import { LwktError } from "./errors";

/** What may be in a transfer list, on any host. */
export type Transferred = ArrayBuffer | AnyPort;

/** A MessagePort of either host. */
export interface AnyPort {
  close(): void;
}

/** What is used of the web's MessagePort. */
interface WebPort {
  onmessage: ((event: { data: unknown }) => void) | null;
  postMessage(message: unknown, transfer: unknown[]): void;
  close(): void;
}

interface WebGlobals {
  MessageChannel: new () => { port1: WebPort; port2: WebPort };
  Worker: new (url: URL | string, options: object) => WebWorker;
}

/** A thread that this one has started, or the one that has started this one. */
export interface WorkerHandle {
  post(message: unknown, transfer: Transferred[]): void;
  onMessage(listener: (message: unknown) => void): void;
  /** Called once, when the thread is gone; with the error that ended it, if one did. */
  onExit(listener: (error: Error | null) => void): void;
  terminate(): Promise<void>;
  /** Whether the thread keeps the process alive (Node). */
  hold(alive: boolean): void;
  /** The host's own object. */
  readonly native: unknown;
}

/** One end of a MessageChannel. */
export interface SidePort {
  post(message: unknown, transfer: Transferred[]): void;
  onMessage(listener: (message: unknown) => void): void;
  /** A message that has arrived, without returning to the event loop; null when there is none or the host cannot. */
  receive(): { message: unknown } | null;
  close(): void;
}

export interface PlatformWorkerOptions {
  name?: string;
  /** Node: more options of its `Worker` (`execArgv`, `env`, `resourceLimits`, `workerData`, ...). */
  node?: Readonly<Record<string, unknown>>;
  /** Web: "module" when not given. */
  type?: "module" | "classic";
}

export interface Platform {
  /** Whether the loop blocks this thread in Atomics.wait: in workers. */
  readonly canBlock: boolean;
  /** Whether a blocking call may: also in Node's main thread. */
  readonly mayBlock: boolean;
  /** Whether another thread can run while this one spins. */
  readonly parallel: boolean;
  spawn(url: URL | string, options: PlatformWorkerOptions): WorkerHandle;
  /** Whether this thread was started by `spawn`, so that who has done it will tell which CPU it is; null when the host cannot know. */
  readonly isSpawned: boolean | null;
  /** The thread that has started this one; null in a main thread. */
  parent(): Pick<WorkerHandle, "post" | "onMessage"> | null;
  channel(): { local: SidePort; remote: Transferred };
  /** Both ends of a channel, for two other threads. */
  pair(): { port1: Transferred; port2: Transferred };
  side(port: unknown): SidePort;
  /** Keeps the process alive, or no more, whatever its threads do (Node). */
  stay(alive: boolean): void;
  /** Runs `work` in a later turn of the event loop, behind events that wait. */
  defer(work: () => void): void;
}

interface Process {
  getBuiltinModule?(name: string): unknown;
  versions?: { node?: string };
}

const noop = (): void => {};
/** The longest time of a timer, in milliseconds. */
const LONG = 2 ** 31 - 1;

/** Under this key a thread finds that it was started by `spawn`. */
const SPAWNED = "@anax/lwkt/spawned";

function nodePlatform(threads: typeof WorkerThreads, cpus: number): Platform {
  const isSpawned = threads.getEnvironmentData(SPAWNED) === true;
  // Threads that this one starts in other ways would have it too.
  threads.setEnvironmentData(SPAWNED);
  const start = (url: URL | string, options: WorkerThreads.WorkerOptions): WorkerThreads.Worker => {
    threads.setEnvironmentData(SPAWNED, true);
    try {
      return new threads.Worker(url, options);
    } finally {
      threads.setEnvironmentData(SPAWNED);
    }
  };
  let anchor: ReturnType<typeof setInterval> | null = null;
  let stays = false;
  const wrap = (port: NodeMessagePort): SidePort => {
    port.unref();
    return {
      post: (message, transfer) => port.postMessage(message, transfer as NodeTransferable[]),
      onMessage(listener) {
        port.on("message", listener);
        port.unref();
      },
      receive: () => threads.receiveMessageOnPort(port) ?? null,
      close: () => port.close(),
    };
  };
  return {
    canBlock: !threads.isMainThread,
    mayBlock: true,
    parallel: cpus > 1,
    isSpawned,
    spawn(url, { name, node }) {
      const worker = start(url, {
        ...(name === undefined ? {} : { name }),
        ...(node as WorkerThreads.WorkerOptions),
      });
      let failure: Error | null = null;
      worker.on("error", (error) => (failure = error));
      return {
        post: (message, transfer) => worker.postMessage(message, transfer as NodeTransferable[]),
        onMessage: (listener) => void worker.on("message", listener),
        onExit: (listener) => void worker.once("exit", () => listener(failure)),
        terminate: async () => void (await worker.terminate()),
        hold: (alive) => (alive ? worker.ref() : worker.unref()),
        native: worker,
      };
    },
    parent() {
      const port = threads.parentPort;
      if (threads.isMainThread || port === null) return null;
      return {
        post: (message, transfer) => port.postMessage(message, transfer as NodeTransferable[]),
        onMessage: (listener) => void port.on("message", listener),
      };
    },
    channel() {
      const { port1, port2 } = new threads.MessageChannel();
      return { local: wrap(port1), remote: port2 };
    },
    pair: () => new threads.MessageChannel(),
    side: (port) => wrap(port as NodeMessagePort),
    stay(alive) {
      if (alive === stays) return;
      stays = alive;
      anchor ??= setInterval(noop, LONG);
      if (alive) anchor.ref();
      else anchor.unref();
    },
    defer: (work) => void setImmediate(work),
  };
}

interface WebScope {
  postMessage(message: unknown, transfer: unknown[]): void;
  addEventListener(type: "message", listener: (event: { data: unknown }) => void): void;
  document?: unknown;
  navigator?: { hardwareConcurrency?: number; locks?: LockManager };
}

interface LockManager {
  request(name: string, callback: () => Promise<void> | void): Promise<unknown>;
}

interface WebWorker {
  postMessage(message: unknown, transfer: unknown[]): void;
  addEventListener(type: string, listener: (event: never) => void): void;
  terminate(): void;
}

/** The tag of the message that tells a worker the lock it is to hold for its life. */
const LIFE_LOCK = "anax:life";

type Parent = NonNullable<ReturnType<Platform["parent"]>>;

/** Nothing is posted before the worker holds its lock, so that whoever knows of it also hears of its end. */
function webParent(scope: WebScope): Parent {
  const locks = scope.navigator?.locks;
  const lock = `${LIFE_LOCK}:${crypto.randomUUID()}`;
  const held = new Promise<void>((resolve) => {
    if (locks === undefined) resolve();
    else
      void locks.request(lock, () => {
        scope.postMessage({ [LIFE_LOCK]: lock }, []);
        resolve();
        return new Promise<void>(noop);
      });
  });
  return {
    post: (message, transfer) => void held.then(() => scope.postMessage(message, transfer)),
    onMessage: (listener) => scope.addEventListener("message", (event) => listener(event.data)),
  };
}

function webPlatform(scope: WebScope): Platform {
  let parent: Parent | null = null;
  const isMain = scope.document !== undefined;
  const locks = scope.navigator?.locks;
  const deferred: (() => void)[] = [];
  const web = globalThis as unknown as WebGlobals;
  const turn = new web.MessageChannel();
  turn.port1.onmessage = () => deferred.shift()?.();
  const wrap = (port: WebPort): SidePort => ({
    post: (message, transfer) => port.postMessage(message, transfer),
    onMessage(listener) {
      port.onmessage = (event) => listener(event.data);
    },
    receive: () => null,
    close: () => port.close(),
  });
  return {
    canBlock: !isMain,
    mayBlock: !isMain,
    isSpawned: isMain ? false : null,
    parallel: (scope.navigator?.hardwareConcurrency ?? 2) > 1,
    spawn(url, { name, type }) {
      const worker = new web.Worker(url, { type: type ?? "module", ...(name === undefined ? {} : { name }) });
      let ended = noop as (error: Error | null) => void;
      let gone = false;
      const end = (error: Error | null): void => {
        if (gone) return;
        gone = true;
        ended(error);
      };
      const handle: WorkerHandle = {
        post: (message, transfer) => worker.postMessage(message, transfer),
        onMessage: (listener) =>
          worker.addEventListener("message", ((event: { data: unknown }) => {
            // Nobody tells the web when a worker ends by itself. It holds a lock for its life; who gets the lock next knows.
            const data = event.data as { [LIFE_LOCK]?: string } | null;
            const lock = typeof data === "object" && data !== null ? data[LIFE_LOCK] : undefined;
            if (lock === undefined) listener(event.data);
            else void locks?.request(lock, () => end(null));
          }) as never),
        onExit(listener) {
          ended = listener;
        },
        terminate() {
          worker.terminate();
          end(null);
          return Promise.resolve();
        },
        hold: noop,
        native: worker,
      };
      worker.addEventListener("error", ((event: { message?: string; preventDefault?(): void }) => {
        worker.terminate();
        end(new Error(event.message ?? "the worker could not be loaded"));
      }) as never);
      return handle;
    },
    parent: () => (isMain || typeof scope.postMessage !== "function" ? null : (parent ??= webParent(scope))),
    channel() {
      const { port1, port2 } = new web.MessageChannel();
      return { local: wrap(port1), remote: port2 };
    },
    pair: () => new web.MessageChannel(),
    side: (port) => wrap(port as WebPort),
    stay: noop,
    defer(work) {
      deferred.push(work);
      turn.port2.postMessage(0, []);
    },
  };
}

const NOT_ISOLATED =
  "there is no shared memory here: the page and its workers must be served over HTTPS, or from localhost, with " +
  "Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp";

/** The platform of the thread that asks. Throws EOPNOTSUPP in a page that is not cross-origin isolated. */
export function detectPlatform(): Platform {
  const host = (globalThis as { process?: Process }).process;
  if (host?.versions?.node !== undefined && host.getBuiltinModule !== undefined) {
    const threads = host.getBuiltinModule("node:worker_threads") as typeof WorkerThreads;
    const os = host.getBuiltinModule("node:os") as { availableParallelism(): number };
    return nodePlatform(threads, os.availableParallelism());
  }
  if (typeof SharedArrayBuffer === "undefined") throw new LwktError("EOPNOTSUPP", NOT_ISOLATED);
  return webPlatform(globalThis as unknown as WebScope);
}
