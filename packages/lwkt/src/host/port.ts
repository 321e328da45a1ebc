/**
 * Ports of the facade: `call`, `send` and iteration over what the core calls sendmsg, putport and getport.
 *
 * Key types `HostPort` (what a local port and a proxy have in common: the sender cannot tell them apart), `LocalPort` (handlers or an iterator take its
 * messages), `definePort` (a name and the messages it takes, for both sides). Neighbours: `message.ts`, `call.ts`, `proxy.ts`, `cpu.ts`.
 * Invariant: a handler runs to completion before the next message of its port is looked at; one that returns a promise owns its message until that settles.
 */
import { EASYNC, Errno, panic, type i32 } from "@anax/portable";
import { DEBUG } from "../glue/js/debug";
import { MSGF_DONE, MSGF_REPLY, beginMsg, replyMsg, type Msg } from "../msg";
import { Port, QueuePort } from "../port";
import { Call, flagsOf, unsendable, type CallOptions } from "./call";
import { LwktError } from "./errors";
import type { LocalCpu } from "./cpu";
import type { AnyMessage, MessageClass, MessageType, ReplyFieldsOf, ReplyOf } from "./message";

/** Names to message classes: what a port takes. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type Messages = Readonly<Record<string, MessageType<any, any, any, any>>>;

/** Any message that a port with these classes takes. */
export type MessageOf<S extends Messages> = InstanceType<S[keyof S]>;

/** A port's name and messages: shared by those who serve it and those who send to it. */
export interface PortSpec<S extends Messages = Messages> {
  readonly name: string;
  readonly messages: S;
}

/**
 * Declares a port. Throws EINVAL for an empty name, no messages, or two messages with one number.
 *
 *     export const Maths = definePort("maths", { add: Add, divide: Divide });
 */
export function definePort<S extends Messages>(name: string, messages: S): PortSpec<S> {
  if (typeof name !== "string" || name === "") throw new LwktError("EINVAL", "a port needs a name");
  if (typeof messages !== "object" || messages === null)
    throw new LwktError("EINVAL", `port "${name}" needs its messages: { name: class of defineMessage, ... }`);
  const seen = new Map<number, string>();
  for (const [key, type] of Object.entries(messages)) {
    if ((type as MessageType | null)?.$class === undefined)
      throw new LwktError("EINVAL", `port "${name}": ${key} is no message class of defineMessage`);
    const other = seen.get(type.number);
    if (other !== undefined)
      throw new LwktError("EINVAL", `port "${name}": ${other} and ${key} have the number ${type.number}`);
    seen.set(type.number, key);
  }
  if (seen.size === 0) throw new LwktError("EINVAL", `port "${name}" takes no messages`);
  return { name, messages };
}

/** Throws EINVAL for what `definePort` has not made. */
export function checkSpec<S extends Messages>(spec: PortSpec<S>): PortSpec<S> {
  const { name, messages } = (spec as PortSpec<S> | null | undefined) ?? {};
  if (typeof name !== "string" || typeof messages !== "object")
    throw new LwktError("EINVAL", `a port is what definePort returns, not ${String(spec)}`);
  return spec;
}

type MaybePromise<T> = T | Promise<T>;

/** What answers a message: the reply's fields, or the message with them set; nothing for a class without reply fields. */
export type Handler<M> = (
  msg: M,
) => keyof ReplyFieldsOf<M> extends never ? MaybePromise<void> : MaybePromise<ReplyOf<M>>;

/** One handler for each message of a port. */
export type Handlers<S extends Messages> = { readonly [K in keyof S]: Handler<InstanceType<S[K]>> };

/** How a port hands out its messages. */
export interface ServeOptions {
  /**
   * Hand out the same message objects and byte arrays again once they are answered, so that nothing is allocated for a message. A handler must then
   * not keep a message, or its bytes, beyond its answer.
   */
  reuse?: boolean;
  /** Messages without a reply that may wait here before their senders are stalled. 4096 when not given. */
  backlog?: number;
}

/** What local ports and proxies have in common. */
export abstract class HostPort<M extends AnyMessage = AnyMessage> extends Port {
  abstract readonly name: string;
  /** The CPU on whose event loop calls wait. */
  protected abstract readonly cpu: LocalCpu;
  /** False when what was sent last had to wait for space. */
  protected abstract get hasSpace(): boolean;

  /**
   * Sends a message and resolves to it when it is answered, its reply fields set.
   * Rejects with a `LwktError`: what the handler failed with; ETIMEDOUT; EPIPE when the other CPU is gone; ENOENT when it has no such port; EINVAL for a field
   * that does not fit; EBUSY when the message is in flight; or with the signal's reason.
   */
  call<T extends M>(msg: T, options?: CallOptions): Promise<ReplyOf<T> & T> {
    return Call.start(this, msg, options, this.cpu) as Promise<ReplyOf<T> & T>;
  }

  /**
   * As `call`, but blocks the thread until the answer is there: for workers, and for Node's main thread. The CPU takes replies meanwhile and nothing else.
   * Throws as `call` rejects; EDEADLK when the target is on this CPU and does not answer at once; EOPNOTSUPP where blocking is not allowed.
   */
  callSync<T extends M>(msg: T, options?: Omit<CallOptions, "signal">): ReplyOf<T> & T {
    return Call.wait(this, msg, options, this.cpu) as unknown as ReplyOf<T> & T;
  }

  /**
   * Sends a message that nobody answers. What was sent is copied (or, on this CPU, handed over), so the same object may be sent again at once unless
   * the port is local. Returns false when it had to wait for space: then `await ready()` before sending more. Throws EINVAL, EBUSY, EPIPE, and EAGAIN
   * when too much waits already.
   */
  send(msg: M, transfer?: readonly ArrayBuffer[]): boolean {
    if ((flagsOf(msg) & MSGF_DONE) === 0) throw unsendable(msg);
    msg.$errand = (msg.$errand + 1) | 0;
    msg.replyPort = null;
    msg.$transfer = transfer ?? null;
    const error = beginMsg(this, msg);
    if (error !== 0 && error !== EASYNC) throw new LwktError(error, msg.$detail ?? undefined);
    return this.hasSpace;
  }

  /** Resolves when there is space again. */
  abstract ready(): Promise<void>;

  override replyPort(_msg: Msg): void {
    panic(`reply sent to port "${this.name}", which takes requests`);
  }
}

/** Messages that wait for who iterates. */
class Queue extends QueuePort {
  override notify(): void {}
}

/** Messages of a class that are kept for reuse. */
const POOL_MAX = 1024;

type AnyHandler = (msg: AnyMessage) => unknown;

function isThenable(result: unknown): result is PromiseLike<unknown> {
  return typeof result === "object" && result !== null && typeof (result as { then?: unknown }).then === "function";
}

/** What a port has for one of its message classes. */
export class Entry {
  handler: AnyHandler | null = null;
  /** Messages that were answered and may be handed out again. */
  readonly pool: AnyMessage[] = [];

  constructor(readonly type: MessageClass) {}
}

/** A port of this CPU. Owned by the CPU's table of ports until it is closed. */
export class LocalPort<M extends AnyMessage = AnyMessage> extends HostPort<M> implements AsyncIterable<M>, Disposable {
  readonly reuse: boolean;
  readonly backlog: number;
  isClosed = false;
  private readonly queue = new Queue();
  /** Messages without a reply that are queued or being handled. */
  private load = 0;
  private readonly entries = new Map<number, Entry>();
  /** What was looked up last. */
  private last: Entry | undefined = undefined;
  private isServed = false;
  private taker: ((result: IteratorResult<M>) => void) | null = null;
  /** Somebody iterates, and what it was given last. */
  private iterating = false;
  private given: AnyMessage | null = null;
  private givenErrand = 0;
  private isGivenOneWay = false;
  private spaceWaiters: (() => void)[] = [];

  constructor(
    protected readonly cpu: LocalCpu,
    readonly name: string,
    messages: Messages,
    options: ServeOptions = {},
  ) {
    super();
    this.reuse = options.reuse ?? false;
    this.backlog = options.backlog ?? 4096;
    if (!Number.isInteger(this.backlog) || this.backlog < 1)
      throw new LwktError("EINVAL", `backlog ${this.backlog} is not a positive integer`);
    for (const type of Object.values(messages)) this.entries.set(type.number, new Entry(type.$class));
  }

  /** @internal What it takes. */
  get types(): MessageClass[] {
    return [...this.entries.values()].map((entry) => entry.type);
  }

  /** @internal What the port has for class `number`, when it takes that. */
  entryOf(number: number): Entry | undefined {
    const { last } = this;
    if (last !== undefined && last.type.number === number) return last;
    return (this.last = this.entries.get(number));
  }

  /** @internal A message for what has come in: a new one, or with `reuse` one that was answered. */
  obtain(entry: Entry): AnyMessage {
    return this.reuse && entry.pool.length > 0 ? entry.pool.pop()! : entry.type.create();
  }

  /** @internal Takes back a message of `obtain` that is answered. */
  recycle(entry: Entry, msg: AnyMessage): void {
    if (this.reuse && entry.pool.length < POOL_MAX) entry.pool.push(msg);
  }

  /** @internal `beginMsg` for a message of `obtain`. */
  begin(entry: Entry, msg: AnyMessage): i32 {
    const { handler } = entry;
    if (handler === null || this.isClosed) return beginMsg(this, msg);
    msg.flags &= ~MSGF_DONE;
    msg.targetPort = this;
    if (DEBUG) msg.holder = this;
    const error = this.handle(msg, handler);
    if (error !== EASYNC) {
      msg.error = error;
      msg.flags |= MSGF_DONE | MSGF_REPLY;
    }
    return error;
  }

  /** @internal Sets what answers messages, by class number; before the port is in its CPU's table. */
  setHandlers(handlers: Map<number, AnyHandler>): void {
    if (this.isServed || this.iterating) throw new LwktError("EBUSY", `port "${this.name}" is served already`);
    for (const [number, entry] of this.entries) entry.handler = handlers.get(number) ?? null;
    this.isServed = true;
  }

  override putPort(msg: Msg): i32 {
    const m = msg as AnyMessage;
    if (this.isClosed) {
      m.$detail = `port "${this.name}" is closed`;
      return Errno.PIPE;
    }
    const entry = this.entryOf(m.$type.number);
    if (entry === undefined || (this.isServed && entry.handler === null)) return this.refuse(m);
    if (entry.handler !== null) return this.handle(m, entry.handler);
    if (m.replyPort === null) this.load++;
    this.queue.putPort(msg);
    this.offer();
    return EASYNC;
  }

  override getPort(): Msg | null {
    return this.queue.getPort();
  }

  private refuse(m: AnyMessage): i32 {
    m.$detail = `port "${this.name}" does not take ${m.$type.typeName}`;
    return Errno.NOSYS;
  }

  private handle(m: AnyMessage, handler: AnyHandler): i32 {
    try {
      const result = handler(m);
      if (result !== undefined && result !== m) {
        if (isThenable(result)) {
          this.handleLater(m, Promise.resolve(result));
          return EASYNC;
        }
        if ((m.flags & MSGF_DONE) === 0) m.$type.assignReply(m as unknown as Record<string, unknown>, result);
      }
      // A handler may have answered by itself.
      return (m.flags & MSGF_DONE) === 0 ? 0 : EASYNC;
    } catch (thrown) {
      return this.failed(m, thrown, (m.flags & MSGF_DONE) !== 0);
    }
  }

  /** The errno to answer with. An error that nobody waits for any more is an uncaught one: 0, or EASYNC for what was answered before. */
  private failed(m: AnyMessage, thrown: unknown, isAnswered: boolean): i32 {
    if (!isAnswered && m.replyPort !== null) return m.$setFailure(thrown);
    this.cpu.uncaught(thrown);
    return isAnswered ? EASYNC : 0;
  }

  private handleLater(m: AnyMessage, result: Promise<unknown>): void {
    const oneWay = m.replyPort === null;
    const errand = m.$errand;
    if (oneWay) this.load++;
    this.cpu.busy++;
    // Who has answered by itself has the message no more: it may be on its next errand.
    const isAnswered = (): boolean => (m.flags & MSGF_DONE) !== 0 || m.$errand !== errand;
    const done = (error: i32): void => {
      this.cpu.busy--;
      if (oneWay) this.unload();
      if (!isAnswered()) replyMsg(m, error);
    };
    const failed = (thrown: unknown): void => done(this.failed(m, thrown, isAnswered()));
    result.then((fields) => {
      try {
        if (fields !== undefined && fields !== m && !isAnswered())
          m.$type.assignReply(m as unknown as Record<string, unknown>, fields);
      } catch (thrown) {
        failed(thrown);
        return;
      }
      done(0);
    }, failed);
  }

  private unload(): void {
    this.load--;
    if (this.load > this.backlog >> 2) return;
    this.cpu.kick();
    const waiters = this.spaceWaiters;
    if (waiters.length === 0) return;
    this.spaceWaiters = [];
    for (const resume of waiters) resume();
  }

  protected get hasSpace(): boolean {
    return this.load < this.backlog;
  }

  /** Whether senders of messages without a reply are to be stalled. */
  get isCrowded(): boolean {
    return this.load >= this.backlog;
  }

  ready(): Promise<void> {
    return this.hasSpace ? Promise.resolve() : new Promise((resolve) => void this.spaceWaiters.push(resolve));
  }

  /** A message was queued: hands it to who iterates. */
  private offer(): void {
    const taker = this.taker;
    if (taker === null) return;
    this.taker = null;
    taker({ value: this.takeNext()!, done: false });
  }

  private takeNext(): M | null {
    const msg = this.getPort() as M | null;
    if (msg === null) return null;
    this.given = msg;
    this.givenErrand = msg.$errand;
    this.isGivenOneWay = msg.replyPort === null;
    this.cpu.busy++;
    return msg;
  }

  /** Who iterates has come back: a message without a reply is done with that; others may be answered later still. */
  private giveBack(): void {
    const last = this.given;
    if (last === null) return;
    this.given = null;
    this.cpu.busy--;
    if (!this.isGivenOneWay) return;
    if ((last.flags & MSGF_DONE) === 0 && last.$errand === this.givenErrand) replyMsg(last, 0);
    this.unload();
  }

  /**
   * Takes messages one after another: `for await (const m of port)`. Answer each with `m.reply(...)` or `m.fail(...)`, also later than the next one.
   * Ends when the port is closed. Throws EBUSY when the port has handlers or somebody else iterates.
   */
  [Symbol.asyncIterator](): AsyncIterator<M> {
    if (this.isServed || this.iterating) throw new LwktError("EBUSY", `port "${this.name}" is served already`);
    this.iterating = true;
    return {
      next: () => {
        if (this.taker !== null)
          return Promise.reject(new LwktError("EBUSY", `somebody waits for the next message of port "${this.name}"`));
        this.giveBack();
        const msg = this.takeNext();
        if (msg !== null) return Promise.resolve({ value: msg, done: false });
        if (this.isClosed) return Promise.resolve({ value: undefined, done: true });
        return new Promise((resolve) => {
          this.taker = resolve;
        });
      },
      return: () => {
        this.giveBack();
        this.iterating = false;
        this.taker?.({ value: undefined, done: true });
        this.taker = null;
        return Promise.resolve({ value: undefined, done: true });
      },
    };
  }

  /** Takes no more messages; those that wait are answered with EPIPE, and iteration ends. */
  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.cpu.removePort(this as unknown as LocalPort);
    for (let msg = this.getPort(); msg !== null; msg = this.getPort()) {
      (msg as AnyMessage).$detail = `port "${this.name}" is closed`;
      const oneWay = msg.replyPort === null;
      replyMsg(msg, Errno.PIPE);
      if (oneWay) this.unload();
    }
    const taker = this.taker;
    this.taker = null;
    taker?.({ value: undefined, done: true });
  }

  /** `close`, for `using`. */
  [Symbol.dispose](): void {
    this.close();
  }
}
