/**
 * Calls: a message on its way, its time limit and its signal, and the promise that waits for it.
 *
 * Key types `Call`, `CallOptions`. Neighbours: `port.ts` (whose methods these are), `cpu.ts` (the timer wheel; the loop that takes replies).
 * A call that gives up asks the target to abort and rejects at once; the message stays in flight until the target has answered.
 * Invariant: a call settles once, and leaves neither a timer nor a listener behind.
 */
import { EASYNC } from "@anax/portable";
import { Callout } from "../callout";
import { MSGF_DONE, MSGF_PRIORITY, abortMsg, beginMsg, sendMsg, type Msg } from "../msg";
import { ReplyOnlyPort, type Port } from "../port";
import type { LocalCpu } from "./cpu";
import { LwktError } from "./errors";
import type { AnyMessage, Settler } from "./message";

/** How long a call waits, and what it moves. */
export interface CallOptions {
  /** Aborts the call, which rejects with the signal's reason. */
  signal?: AbortSignal;
  /** Milliseconds after which the call rejects with ETIMEDOUT. None when not given. */
  timeout?: number;
  /** Buffers of `value` fields that are moved, not copied. */
  transfer?: readonly ArrayBuffer[];
  /** Who iterates over the port takes it before all that have no priority. When not given, the message's flag MSGF_PRIORITY counts. */
  priority?: boolean;
}

/** Where the replies of all calls of this thread arrive. */
class Replies extends ReplyOnlyPort {
  replied(msg: Msg): void {
    const m = msg as AnyMessage;
    const settler = m.$settler;
    m.$settler = null;
    m.$transfer = null;
    if (settler !== null) settler.settle(m);
    else if (m.$abortReason !== null && m.error === 0) m.$type.releaseReply(m as unknown as Record<string, unknown>);
  }
}

export const REPLIES = new Replies();

class TimeLimit extends Callout {
  constructor(private readonly call: Call) {
    super();
  }

  fire(): void {
    this.call.giveUp(new LwktError("ETIMEDOUT"));
  }
}

const NO_OPTIONS: CallOptions = {};

/** The flags of a message; 0 for what is none. */
export function flagsOf(msg: AnyMessage | null | undefined): number {
  return msg?.flags ?? 0;
}

/** Why a message that is not DONE cannot be sent. */
export function unsendable(msg: unknown): LwktError {
  const type = (msg as AnyMessage | null | undefined)?.$type;
  return type === undefined
    ? new LwktError("EINVAL", "what is sent must be a message: new of a class that defineMessage has made")
    : new LwktError("EBUSY", `${type.typeName} is in flight`);
}

/** Throws EINVAL for limits that are none. */
function checkOptions(options: CallOptions): void {
  if (typeof options !== "object" || options === null)
    throw new LwktError("EINVAL", `options are an object like { timeout: 1000 }, not ${String(options)}`);
  const { timeout, signal, transfer } = options;
  if (timeout !== undefined && !(typeof timeout === "number" && timeout >= 0))
    throw new LwktError("EINVAL", `a time-out of ${String(timeout)} ms`);
  if (transfer !== undefined && !Array.isArray(transfer))
    throw new LwktError("EINVAL", "transfer is an array of the buffers to be moved");
  if (signal !== undefined && typeof (signal as AbortSignal | null)?.addEventListener !== "function")
    throw new LwktError("EINVAL", "the signal is no AbortSignal");
}

function prepare(msg: AnyMessage, options: CallOptions | undefined): void {
  if ((flagsOf(msg) & MSGF_DONE) === 0) throw unsendable(msg);
  if (options !== undefined) checkOptions(options);
  const { transfer, priority } = options ?? NO_OPTIONS;
  msg.$transfer = transfer ?? null;
  msg.$init(REPLIES, 0, priority === true ? MSGF_PRIORITY : msg.flags & MSGF_PRIORITY);
}

/** Throws EINVAL for a field that does not fit: the message was not sent. */
function send(port: Port, msg: AnyMessage): void {
  try {
    sendMsg(port, msg);
  } catch (error) {
    msg.flags |= MSGF_DONE;
    throw error;
  }
}

type Resolve = (msg: AnyMessage) => void;
type Reject = (reason: unknown) => void;

/** Of the promise that was made last: one function takes them from all promises, where a closure for each would cost as much as the promise. */
let lastResolve: Resolve;
let lastReject: Reject;

function keepSettlers(resolve: Resolve, reject: Reject): void {
  lastResolve = resolve;
  lastReject = reject;
}

export class Call implements Settler {
  private limit: TimeLimit | null = null;
  private signal: AbortSignal | null = null;

  private constructor(
    private readonly msg: AnyMessage,
    private readonly cpu: LocalCpu,
    private readonly resolve: Resolve,
    private readonly reject: Reject,
  ) {}

  /** Sends first: what the promise costs is then spent while the message is on its way. */
  static start(port: Port, msg: AnyMessage, options: CallOptions | undefined, cpu: LocalCpu): Promise<AnyMessage> {
    try {
      prepare(msg, options);
      if (options?.signal?.aborted === true) return Promise.reject(options.signal.reason as Error);
      send(port, msg);
    } catch (error) {
      return Promise.reject(error as Error);
    }
    const promise = new Promise(keepSettlers);
    const call = new Call(msg, cpu, lastResolve, lastReject);
    if ((msg.flags & MSGF_DONE) !== 0) call.settle(msg);
    else call.wait(options);
    return promise;
  }

  private wait(options: CallOptions | undefined): void {
    this.msg.$settler = this;
    this.cpu.kick();
    if (options === undefined) return;
    const { signal, timeout } = options;
    if (signal?.aborted === true) {
      // By the handler of a port of this CPU, or by a value that was sent.
      this.giveUp(signal.reason);
      return;
    }
    if (timeout !== undefined && timeout < 2 ** 31) {
      this.limit = new TimeLimit(this);
      this.cpu.arm(this.limit, timeout);
    }
    if (signal !== undefined) {
      this.signal = signal;
      signal.addEventListener("abort", this);
    }
  }

  /** The signal's event. */
  handleEvent(): void {
    this.giveUp(this.signal!.reason);
  }

  /** Rejects, and asks the target to abort. */
  giveUp(reason: unknown): void {
    const { msg } = this;
    if (msg.$settler !== this) return;
    msg.$settler = null;
    this.release();
    this.reject(reason);
    msg.$abortReason = reason;
    abortMsg(msg);
  }

  settle(msg: AnyMessage): void {
    this.release();
    if (msg.error === 0) this.resolve(msg);
    else this.reject(msg.$failure());
  }

  private release(): void {
    if (this.limit !== null) this.cpu.disarm(this.limit);
    if (this.signal !== null) this.signal.removeEventListener("abort", this);
    this.limit = null;
  }

  static wait(port: Port, msg: AnyMessage, options: CallOptions | undefined, cpu: LocalCpu): AnyMessage {
    cpu.checkMayWait(port);
    prepare(msg, options);
    let error: number;
    try {
      error = beginMsg(port, msg);
    } catch (thrown) {
      msg.flags |= MSGF_DONE;
      throw thrown;
    }
    if (error === EASYNC) {
      const reason = cpu.waitFor(port, msg, options?.timeout);
      if (reason !== null) {
        msg.$abortReason = reason;
        abortMsg(msg);
        throw reason;
      }
      error = msg.error;
    }
    if (error !== 0) throw new LwktError(error, msg.$detail ?? undefined);
    return msg;
  }
}
