/**
 * Messages for ordinary TypeScript: `defineMessage` declares a class once, and request and reply types, encoder and decoder follow.
 *
 * Key types `Message` (a core `Msg` with typed fields), `MessageType` (its class). Neighbours: `schema.ts` (fields), `port.ts` (who
 * sends and answers), `../msg.ts`.
 *
 *     const Add = defineMessage({ number: 257, name: "add", request: { a: "i32", b: "i32" }, reply: { sum: "i32" } });
 *     const { sum } = await math.call(new Add({ a: 1, b: 2 }));
 *
 * A message carries its request and, after the reply, its reply: as a lwkt_msg has arguments and results.
 * Invariant: ownership as in the core: the sender's until it is sent and after the reply, the target's in between.
 */
import { kassert, type i32 } from "@anax/portable";
import { MSGF_ABORTABLE, MSGF_DONE, MSGF_PRIORITY, MSGF_QUEUED, Msg, replyMsg, type AbortHandler } from "../msg";
import { MSGCLASS_USER } from "../msgclass";
import type { Port } from "../port";
import type { SharedBlock } from "./arena";
import { initializer } from "./compiled";
import { LwktError, detailOf, errnoOfThrown } from "./errors";
import { Schema, kindOf, type Fields, type Values } from "./schema";

/** Only types: which fields a message class has, and which class it is. */
declare const REQUEST: unique symbol;
declare const REPLY: unique symbol;
declare const NUMBER: unique symbol;

/** What waits for a message's reply. */
export interface Settler {
  settle(msg: AnyMessage): void;
}

/** What a handler's `signal` hangs on; made when first asked for. */
class AbortSource implements AbortHandler {
  readonly controller = new AbortController();

  abort(msg: Msg): void {
    const reason = (msg as AnyMessage).$abortReason ?? new LwktError("EINTR");
    this.controller.abort(reason);
  }
}

/** Abort asked for before anybody had registered for it. */
class EarlyAbort implements AbortHandler {
  abort(msg: Msg): void {
    const m = msg as AnyMessage;
    m.$isAborted = true;
    m.$source?.abort(m);
  }
}

const EARLY = new EarlyAbort();

/** The base of all message classes of the facade. */
export abstract class AnyMessage extends Msg {
  /** @internal How often it was on its way: tells who comes back to it late whether it is still the same errand. */
  $errand = 0;
  /** @internal Who hears of the reply; the facade's. */
  $settler: Settler | null = null;
  /** @internal Number under which the message is known to the CPU it came from or went to; the link's. */
  $msgid = 0;
  /** @internal Why the reply is an error, in words. */
  $detail: string | null = null;
  /** @internal */
  $isAborted = false;
  /** @internal */
  $abortReason: unknown = null;
  /** @internal */
  $source: AbortSource | null = null;
  /** @internal Buffers to move and not to copy; the sender's, for this send only. */
  $transfer: readonly ArrayBuffer[] | null = null;

  /** @internal One for all messages of a class: a constant of the prototype. */
  declare readonly $type: MessageClass;

  /** The name of its class, by which `switch` tells the messages of a port apart. */
  abstract get kind(): string;

  /** Aborted when the sender gives up: by its own signal, its time-out or its end. Advisory: a reply is still due. */
  get signal(): AbortSignal {
    if (this.$source === null) {
      this.$source = new AbortSource();
      if (this.$isAborted) this.$source.abort(this);
    }
    return this.$source.controller.signal;
  }

  /** Answers with the reply's fields, or with those that are set on the message already. The message is the sender's again. */
  reply(fields?: never): void {
    const given = fields as unknown;
    if (given !== undefined && given !== this)
      this.$type.assignReply(this as unknown as Record<string, unknown>, given);
    replyMsg(this, 0);
  }

  /** Answers with an error: an errno's name ("ENOENT"), or anything thrown. */
  fail(cause: unknown, detail?: string): void {
    replyMsg(this, this.$setFailure(typeof cause === "string" ? new LwktError(cause, detail) : cause));
  }

  /** @internal Notes why the message fails; returns the errno. */
  $setFailure(cause: unknown): i32 {
    this.$detail = detailOf(cause);
    return errnoOfThrown(cause);
  }

  /** @internal What a rejected call throws. */
  $failure(): LwktError {
    return new LwktError(this.error, this.$detail ?? undefined);
  }

  /** @internal The version in which it came, when that is an older one: the steps from there to here, the oldest last. */
  $older: readonly OlderVersion[] | null = null;

  /** @internal The version in which it was sent, when that is an older one: the steps from here to there, the oldest last. */
  $sentAs: readonly OlderVersion[] | null = null;

  /** @internal As `init`, on either side: may be aborted from now on, and knows nothing of earlier uses. `kept`: flags that stay. */
  $init(replyPort: Port | null, cmd: i32, kept: i32): void {
    kassert((this.flags & (MSGF_DONE | MSGF_QUEUED)) === MSGF_DONE, "message in flight");
    this.$errand = (this.$errand + 1) | 0;
    this.flags = MSGF_DONE | MSGF_ABORTABLE | kept;
    this.cmd = cmd;
    this.error = 0;
    this.result = 0;
    this.replyPort = replyPort;
    this.abortHandler = EARLY;
    this.$detail = null;
    this.$isAborted = false;
    this.$abortReason = null;
    this.$source = null;
  }
}

/** How a class understands the major version before it. */
export interface OlderVersion {
  readonly type: MessageClass;
  upgrade(request: Record<string, unknown>): object;
  downgrade(reply: Record<string, unknown>): object;
  readonly sending?: {
    downgrade(request: Record<string, unknown>): object;
    upgrade(reply: Record<string, unknown>): object;
  };
}

/** What every message class knows at run time. One class for all of them, so that code which handles any message sees one shape. */
export class MessageClass {
  /** @internal */
  older: OlderVersion | null = null;
  /** @internal Messages can be sent to who takes only an older version. */
  stepsDown = false;

  constructor(
    readonly number: number,
    readonly typeName: string,
    readonly request: Schema,
    readonly replies: Schema,
    /** A message with initial values. */
    readonly create: () => AnyMessage,
  ) {}

  get major(): number {
    return this.request.cls.major;
  }

  /** @internal A copy of a message that nobody waits for, as it would arrive if it were sent now: blocks and buffers to be moved are the copy's. */
  copyOf(msg: AnyMessage): AnyMessage {
    const copy = this.create();
    copy.$init(null, msg.cmd, msg.flags & MSGF_PRIORITY);
    this.request.copy(msg as never, copy as never, msg.$transfer);
    return copy;
  }

  /** @internal Releases the blocks of a reply that nobody waits for any more. */
  releaseReply(msg: Record<string, unknown>): void {
    for (const name of this.replies.blocks) (msg[name] as SharedBlock | null)?.release();
  }

  /** Sets the reply's fields of a message. Throws EINVAL for what has no fields. */
  assignReply(msg: Record<string, unknown>, fields: unknown): void {
    const { names } = this.replies;
    if (names.length === 0) return;
    if (typeof fields !== "object" || fields === null)
      throw new LwktError(
        "EINVAL",
        `${this.typeName} is answered with an object of its reply's fields, not ${String(fields)}`,
      );
    const from = fields as Record<string, unknown>;
    for (let i = 0; i < names.length; i++) msg[names[i]!] = from[names[i]!];
  }
}

/** A message of a class with request fields `Q`, reply fields `R`, number `N` and name `K`. */
export type Message<
  Q extends Fields = Fields,
  R extends Fields = Fields,
  N extends number = number,
  K extends string = string,
> = AnyMessage & {
  readonly [REQUEST]: Q;
  readonly [REPLY]: R;
  readonly [NUMBER]: N;
  readonly kind: K;
  /** Answers with the reply's fields, or with those that are set on the message already. */
  reply(...fields: keyof R extends never ? [] : [fields?: Values<R>]): void;
} & Values<Q> &
  Values<R>;

/** A message class. */
export interface MessageType<
  Q extends Fields = Fields,
  R extends Fields = Fields,
  N extends number = number,
  K extends string = string,
> {
  new (...init: keyof Q extends never ? [] : [fields: Values<Q>]): Message<Q, R, N, K>;
  readonly number: N;
  /** For ports and links. */
  readonly $class: MessageClass;
}

/** The reply's fields of a message. */
export type ReplyOf<M> = M extends { readonly [REPLY]: infer R extends Fields } ? Values<R> : never;
/** The reply's fields as declared. */
export type ReplyFieldsOf<M> = M extends { readonly [REPLY]: infer R extends Fields } ? R : never;
/** The request's fields of a message. */
export type RequestOf<M> = M extends { readonly [REQUEST]: infer Q extends Fields } ? Values<Q> : never;

/** What `defineMessage` takes. */
export interface MessageSpec<Q extends Fields, R extends Fields, N extends number, K extends string> {
  /** 16 to 65535; unique among the messages of a program. */
  readonly number: N;
  readonly name: K;
  /** [major, minor]; [1, 0] when not given. Peers with another major version are refused; another minor one is understood. */
  readonly version?: readonly [number, number];
  readonly request?: Q & FreeNames<Q>;
  readonly reply?: R & FreeNames<R>;
}

/** Refuses, at compile time, fields whose names a message has by itself. */
type FreeNames<F> = { readonly [K in keyof F]: K extends keyof AnyMessage ? never : F[K] };

type None = Record<never, never>;

/** Names that a message has by itself. */
function isTaken(name: string): boolean {
  return name in PLAIN;
}

/**
 * Declares a message class. Throws EINVAL, naming what is wrong, for a number or version out of range, a field whose name is taken, and a name that has
 * different kinds in request and reply.
 */
export function defineMessage<
  const N extends number,
  const K extends string,
  const Q extends Fields = None,
  const R extends Fields = None,
>(spec: MessageSpec<Q, R, N, K>): MessageType<Q, R, N, K> {
  if (typeof spec !== "object" || spec === null)
    throw new LwktError("EINVAL", `a message is declared by an object { number, name, ... }, not ${String(spec)}`);
  const bad = (what: string): never => {
    throw new LwktError("EINVAL", `message "${spec.name}": ${what}`);
  };
  if (typeof spec.name !== "string" || spec.name === "") bad("a name is needed");
  if (!Number.isInteger(spec.number) || spec.number < MSGCLASS_USER || spec.number > 0xffff)
    bad(`number ${spec.number} is not one of ${MSGCLASS_USER} to 65535`);
  const version: unknown = spec.version ?? [1, 0];
  if (!Array.isArray(version) || version.length !== 2) bad(`version ${JSON.stringify(version)} is not [major, minor]`);
  const [major, minor] = version as [number, number];
  if (!Number.isInteger(major) || major < 1 || major > 255 || !Number.isInteger(minor) || minor < 0 || minor > 255)
    bad(`version ${major}.${minor} is not one of 1.0 to 255.255`);
  const requestFields: Fields = spec.request ?? {};
  const replyFields: Fields = spec.reply ?? {};
  for (const [part, fields] of Object.entries({ request: requestFields, reply: replyFields }))
    if (typeof fields !== "object" || Array.isArray(fields)) bad(`${part}: fields are an object { name: kind, ... }`);
  for (const name of [...Object.keys(requestFields), ...Object.keys(replyFields)])
    if (isTaken(name)) bad(`a field cannot be called "${name}"`);
  for (const name of Object.keys(replyFields)) {
    if (name in requestFields && kindOf(requestFields[name]) !== kindOf(replyFields[name]))
      bad(
        `field "${name}" is ${kindOf(requestFields[name])} in the request and ${kindOf(replyFields[name])} in the reply`,
      );
  }
  const request = Schema.of(`${spec.name}.request`, spec.number, major, minor, requestFields);
  const replies = Schema.of(`${spec.name}.reply`, spec.number, major, minor, replyFields);
  const initial: [string, unknown][] = [];
  for (const plan of [...request.plans, ...replies.plans])
    if (!initial.some(([name]) => name === plan.name)) initial.push([plan.name, plan.initial]);

  const initialize = initializer(initial);
  const { names } = request;

  class Defined extends AnyMessage {
    static readonly number = spec.number;
    static readonly $class = new MessageClass(spec.number, spec.name, request, replies, () => new Defined());

    constructor(init?: Record<string, unknown>) {
      super();
      const self = this as unknown as Record<string, unknown>;
      initialize(self);
      if (init === undefined) return;
      if (typeof init !== "object" || init === null) bad(`its fields are an object, not ${String(init)}`);
      for (let i = 0; i < names.length; i++) {
        const v = init[names[i]!];
        if (v !== undefined) self[names[i]!] = v;
      }
    }

    override get kind(): string {
      return spec.name;
    }
  }
  Object.defineProperty(Defined, "name", { value: spec.name });
  Object.defineProperty(Defined.prototype, "$type", { value: Defined.$class });
  // A promise that resolves to a message looks for this, up to the end of the chain of prototypes.
  Object.defineProperty(Defined.prototype, "then", { value: undefined, writable: true });
  return Defined as unknown as MessageType<Q, R, N, K>;
}

/** How messages of two neighbouring major versions become each other. */
export interface Translation<Old, New> {
  /** The request as the newer version has it. */
  upgrade(request: RequestOf<Old>): RequestOf<New>;
  /** The reply as the older version has it. */
  downgrade(reply: ReplyOf<New>): ReplyOf<Old>;
  /** For who sends to ports that still take only the older version. Without it such a port refuses, with EPROTONOSUPPORT. */
  readonly sending?: {
    /** The request as the older version has it. */
    downgrade(request: RequestOf<New>): RequestOf<Old>;
    /** The reply as the newer version has it. */
    upgrade(reply: ReplyOf<Old>): ReplyOf<New>;
  };
}

/**
 * Lets ports that take `newer` understand senders that still speak `older`, and with `sending` the other way round: the same number, one major version less. Handlers and callers see
 * only their own version; versions further back are reached step by step. To be called before anything is sent. Throws EINVAL for other numbers or versions.
 */
export function translate<
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  Old extends MessageType<any, any, any, any>,
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  New extends MessageType<any, any, any, any>,
>(older: Old, newer: New, translation: Translation<InstanceType<Old>, InstanceType<New>>): void {
  for (const type of [older, newer])
    if ((type as Old | New | undefined)?.$class === undefined)
      throw new LwktError("EINVAL", "translate takes two message classes of defineMessage, the older one first");
  const from = older.$class;
  const to = newer.$class;
  const [before, after] = [from.request.cls.major, to.request.cls.major];
  if (from.number !== to.number || before + 1 !== after)
    throw new LwktError(
      "EINVAL",
      `${from.typeName} (${from.number}, version ${before}) does not come before ${to.typeName} (${to.number}, version ${after})`,
    );
  const needed = { upgrade: translation?.upgrade, downgrade: translation?.downgrade };
  const further = translation?.sending === undefined ? {} : translation.sending;
  for (const [name, f] of [...Object.entries(needed), ...Object.entries(further)])
    if (typeof f !== "function") throw new LwktError("EINVAL", `translation of ${to.typeName}: ${name} is no function`);
  to.older = { type: from, ...(translation as unknown as Omit<OlderVersion, "type">) };
  to.stepsDown = translation.sending !== undefined;
}

/** Knows the names that every message has. */
class Plain extends AnyMessage {
  override get kind(): string {
    return "";
  }
}

const PLAIN = new Plain();
