/**
 * LWKT threads: message handlers with a port, a fixed priority and a home CPU.
 *
 * A thread has no stack of its own: it is run to completion, one message at a time, when its port is not empty.
 * Long work is cut into steps. Key types `Thread`, `MsgHandler`. Neighbours: `thread-state.ts`, `threadport.ts`, `cpu.ts` (who runs it), `token.ts`, `waitq.ts`.
 *
 * How a handler ends its turn:
 *
 * | it | then | its tokens |
 * |---|---|---|
 * | returns | the message is dealt with; the next one, when there is one | dropped, and back before the next turn |
 * | calls `again` and returns | is called again with the same message before any other thread | kept |
 * | calls `yieldNow` and returns | is called again with the same message when those of its priority had their turn | dropped, and back |
 * | got EASYNC (`getToken`, `call`, `wait`, `sleep`, `waitPort`) and returns | is called again, from its start, with the same message when it is woken | dropped, and back |
 *
 * Invariant: between turns a thread that does not keep the CPU holds no token; a sleeping thread takes no message from its port.
 * Source: DragonFly sys/kern/lwkt_thread.c.
 */
import { EASYNC, kassert, type i32 } from "@anax/portable";
import type { Cpu } from "./cpu";
import { DEBUG } from "./glue/js/debug";
import type { IpiHandler } from "./ipi";
import { MSGF_DONE, MSGF_QUEUED, callMsg, waitMsg, type Msg } from "./msg";
import type { Port, QueuePort } from "./port";
import type { Serializer } from "./serialize";
import type { SpinPort } from "./spinport";
import {
  TDPRI_MAX,
  TDS_ASLEEP,
  TDS_EXITED,
  TDS_IDLE,
  TDS_MOVING,
  TDS_QUEUED,
  TDS_RUNNING,
  TDW_AGAIN,
  TDW_EXIT,
  TDW_MIGRATE,
  TDW_RERUN,
  TDW_SLEEP,
  TDW_STALLED,
  TDW_WOKEN,
  TDW_YIELD,
} from "./thread-state";
import { ThreadPort } from "./threadport";
import { TokenStack } from "./token-stack";
import type { Token } from "./token";
import { Waiter, type WaitQueue } from "./waitq";

/** What a thread does with a message: finish it with `replyMsg`, forward it, or keep it and reply later. */
export interface MsgHandler {
  /** One turn: see the table above for how it may end. Called again from its start after a sleep. */
  handle(msg: Msg): void;
}

/** How a thread sleeps. */
export class ThreadWaiter extends Waiter {
  constructor(private readonly thread: Thread) {
    super();
  }

  wake(): void {
    this.thread.wakeup();
  }
}

/** A message handler with a priority. Owned by its home CPU, and touched by no other. */
export class Thread implements IpiHandler {
  readonly port: ThreadPort;
  /** Where it takes its messages from: its port, or one that it shares with other threads. */
  source: QueuePort;
  /** Run-queue link, owned by the CPU; while idle at a shared port, by the port. */
  next: Thread | null = null;
  /** TDS_*, owned by the CPU. */
  state: i32 = TDS_IDLE;
  /** TDW_*. */
  work: i32 = 0;
  /** The message of its turn. */
  message: Msg | null = null;
  /** Turns taken, for statistics. */
  handled: i32 = 0;
  /** Its place within its priority: higher is earlier. Change it with `setUpri`. */
  upri: i32 = 0;
  /** It is an interrupt thread: see `cpu.ts`. Its handler must neither use tokens across turns nor sleep nor call `again`. */
  preempts: boolean = false;
  /** Tokens, made when the first is taken. */
  tokens: TokenStack | null = null;
  private sleeper: ThreadWaiter | null = null;
  private destination: Cpu | null = null;
  private home: Cpu;
  private pri: i32;

  constructor(
    cpu: Cpu,
    readonly name: string,
    priority: i32,
    readonly handler: MsgHandler,
  ) {
    kassert(priority >= 0 && priority <= TDPRI_MAX, "thread priority out of range");
    this.home = cpu;
    this.pri = priority;
    const port = new ThreadPort();
    this.port = port;
    this.source = port;
    port.attach(this);
  }

  /** Its home CPU. */
  get cpu(): Cpu {
    return this.home;
  }

  get priority(): i32 {
    return this.pri;
  }

  /** Whether it is on the run queue. */
  get queued(): boolean {
    return this.state === TDS_QUEUED;
  }

  /** Puts the thread on its CPU's run queue unless it is there, runs or sleeps. From another CPU by IPI. Source: lwkt_schedule. */
  schedule(): void {
    if (this.state !== TDS_IDLE) return;
    const cpu = this.home;
    const group = cpu.group;
    if (group !== null && group.isForeign(cpu)) {
      group.sendIpi(cpu, this, 0);
      return;
    }
    cpu.enqueue(this);
    if (this.preempts) cpu.preempt(this);
  }

  /** A request of another CPU: to run (0), to be woken (1), or to live here (2). */
  ipi(cpu: Cpu, arg: i32): void {
    if (arg === 2) {
      kassert(this.state === TDS_MOVING, "thread: not on its way");
      this.state = TDS_IDLE;
      this.resume();
      return;
    }
    // It may have moved meanwhile.
    if (this.home !== cpu) cpu.group!.sendIpi(this.home, this, arg);
    else if (arg === 1) this.wakeup();
    else this.schedule();
  }

  /** Whom to register where the thread waits for something; `sleep` and the like do it. */
  get waiter(): Waiter {
    let w = this.sleeper;
    if (w === null) {
      w = new ThreadWaiter(this);
      this.sleeper = w;
    }
    return w;
  }

  /** What it waited for has come. The handler runs again from its start. */
  wakeup(): void {
    const group = this.home.group;
    if (group !== null && group.isForeign(this.home)) {
      group.sendIpi(this.home, this, 1);
      return;
    }
    if (this.state === TDS_ASLEEP) {
      this.work &= ~TDW_SLEEP;
      this.state = TDS_IDLE;
      this.resume();
    } else this.work |= TDW_WOKEN;
  }

  private resume(): void {
    if (this.work !== 0 || !this.source.isEmpty) this.schedule();
    else if (this.source !== this.port) this.serveOrIdle();
  }

  /** For handlers: runs `msg`, and sleeps if the target takes its time. See `callMsg`; the reply port must be this thread's. */
  call(port: Port, msg: Msg): i32 {
    this.checkRunning();
    kassert(msg.replyPort === this.port, "call: the reply port is another's");
    return this.slept(callMsg(port, msg, this.waiter));
  }

  /** For handlers: sleeps until `msg`, which this thread sent, is replied. See `waitMsg`. */
  wait(msg: Msg): i32 {
    this.checkRunning();
    kassert(msg.replyPort === this.port, "wait: the reply port is another's");
    return this.slept(waitMsg(msg, this.waiter));
  }

  /** For handlers: sleeps until something wakes `queue`. Always EASYNC. */
  sleep(queue: WaitQueue): i32 {
    this.checkRunning();
    queue.add(this.waiter);
    return this.slept(EASYNC);
  }

  /** For handlers: the next message of a shared port, or null when the thread sleeps until there is one. Source: lwkt_waitport. */
  waitPort(port: SpinPort): Msg | null {
    this.checkRunning();
    const msg = port.getPort();
    if (msg === null) {
      port.waiters.add(this.waiter);
      this.slept(EASYNC);
    }
    return msg;
  }

  /** For handlers: enters a serializer. 0, or EASYNC. `exit(td.waiter)` gives it back. */
  enter(serializer: Serializer): i32 {
    this.checkRunning();
    return this.slept(serializer.enter(this.waiter));
  }

  private slept(error: i32): i32 {
    if (error === EASYNC) {
      kassert(this.home.critCount === 0, "thread: sleeps in a critical section");
      this.work |= TDW_SLEEP;
    }
    return error;
  }

  /** For handlers: go on with this message in another step, without giving up the CPU or the tokens. */
  again(): void {
    this.checkRunning();
    this.work |= TDW_AGAIN;
  }

  /** For handlers: go on with this message after the other threads of this priority. Source: lwkt_yield. */
  yieldNow(): void {
    this.checkRunning();
    this.work |= TDW_YIELD;
  }

  /** For handlers: a token, exclusive. 0, or EASYNC when the handler has to return and will be run again with it. See `token.ts`. */
  getToken(token: Token): i32 {
    return this.tokenStack().get(token, true);
  }

  /** For handlers: a token, shared. As `getToken`. */
  getTokenShared(token: Token): i32 {
    return this.tokenStack().get(token, false);
  }

  /** For handlers: a token, exclusive, if it is to be had now. */
  tryToken(token: Token): boolean {
    return this.tokenStack().try(token);
  }

  /** Gives the token back that was taken last. Panics for another. */
  relToken(token: Token): void {
    this.tokenStack().release(token);
  }

  /** References that the thread has to a token, whether it holds it now or not. Source: lwkt_cnttoken. */
  countToken(token: Token): i32 {
    const stack = this.tokens;
    return stack === null ? 0 : stack.countOf(token);
  }

  private tokenStack(): TokenStack {
    this.checkRunning();
    let stack = this.tokens;
    if (stack === null) {
      stack = new TokenStack(this);
      this.tokens = stack;
    }
    return stack;
  }

  /** For Cpu alone: takes all tokens that the thread has references to, or none. */
  getAllTokens(): boolean {
    return this.tokens!.takeAll();
  }

  /**
   * Ends the thread: from its own handler (when that returns), or from its home CPU while it is idle. Its port is dead then. Panics when messages are left on it, when
   * it has tokens, and for a server of a shared port. Source: lwkt_exit.
   */
  exit(): void {
    const group = this.home.group;
    kassert(group === null || !group.isForeign(this.home), "exit: from another CPU");
    kassert(this.source === this.port, "exit: a server of a shared port");
    if (this.state === TDS_RUNNING) this.work |= TDW_EXIT;
    else {
      kassert(this.state === TDS_IDLE, "exit: the thread has something to do");
      this.end();
    }
  }

  private end(): void {
    const stack = this.tokens;
    kassert(stack === null || stack.size === 0, "exit: the thread has tokens");
    this.port.kill();
    this.message = null;
    this.work = 0;
    this.state = TDS_EXITED;
  }

  /** Moves the thread to another CPU: from its own handler (when that returns), or from its home CPU while it does not run. Source: lwkt_migratecpu. */
  migrate(to: Cpu): void {
    const group = this.home.group;
    kassert(group !== null && group === to.group, "migrate: not a CPU of the same group");
    kassert(!group!.isForeign(this.home), "migrate: from another CPU");
    kassert(this.state !== TDS_MOVING, "migrate: on its way already");
    if (to === this.home) {
      this.work &= ~TDW_MIGRATE;
      this.destination = null;
      return;
    }
    this.destination = to;
    if (this.state === TDS_RUNNING) this.work |= TDW_MIGRATE;
    else {
      kassert(this.source === this.port, "migrate: a server of a shared port that does not run");
      if (this.state === TDS_QUEUED) this.home.remove(this);
      this.move();
    }
  }

  private move(): void {
    const to = this.destination!;
    this.destination = null;
    this.work &= ~TDW_MIGRATE;
    const group = this.home.group!;
    this.home = to;
    if (this.state === TDS_ASLEEP) return;
    this.state = TDS_MOVING;
    group.sendIpi(to, this, 2);
  }

  /** Sets the fixed priority; a queued thread goes behind those of the new one. Home CPU only. Source: lwkt_setpri. */
  setPriority(priority: i32): void {
    kassert(priority >= 0 && priority <= TDPRI_MAX, "thread priority out of range");
    if (this.state === TDS_QUEUED) {
      this.home.remove(this);
      this.pri = priority;
      this.home.enqueue(this);
    } else this.pri = priority;
  }

  /** Sets its place within its priority. Home CPU only. */
  setUpri(upri: i32): void {
    if (this.state === TDS_QUEUED) {
      this.home.remove(this);
      this.upri = upri;
      this.home.enqueue(this);
    } else this.upri = upri;
  }

  /** For Cpu alone: the message of a turn that is not a plain one. The thread has its tokens. */
  beginTurn(): Msg | null {
    const stack = this.tokens;
    const rerun = (this.work & TDW_RERUN) !== 0;
    if (stack !== null) stack.beginTurn(rerun);
    let msg = this.message;
    if ((this.work & (TDW_RERUN | TDW_AGAIN | TDW_YIELD)) === 0) {
      msg = this.source.getPort();
      this.message = msg;
    }
    this.work &= ~(TDW_RERUN | TDW_AGAIN | TDW_YIELD | TDW_SLEEP | TDW_WOKEN | TDW_STALLED);
    return msg;
  }

  /** For Cpu alone: what comes after the turn. Returns whether the thread keeps the CPU. */
  endTurn(): boolean {
    const stack = this.tokens;
    const again = (this.work & (TDW_AGAIN | TDW_SLEEP | TDW_STALLED | TDW_MIGRATE | TDW_EXIT)) === TDW_AGAIN;
    if (stack !== null) stack.endTurn();
    if (again) return true;
    if (stack !== null) stack.dropAll();
    if (DEBUG && (this.work & (TDW_SLEEP | TDW_STALLED)) !== 0) {
      const msg = this.message!;
      kassert((msg.flags & (MSGF_DONE | MSGF_QUEUED)) === 0, "thread: sleeps on, but gave its message away");
    }
    return false;
  }

  /** For Cpu alone: where the thread goes after a turn that was not a plain one. */
  leaveCpu(): void {
    if ((this.work & (TDW_SLEEP | TDW_STALLED)) !== 0) this.work |= TDW_RERUN;
    const asleep = (this.work & (TDW_SLEEP | TDW_WOKEN)) === TDW_SLEEP;
    this.work &= ~(TDW_STALLED | TDW_WOKEN);
    if (!asleep) this.work &= ~TDW_SLEEP;
    if ((this.work & TDW_AGAIN) !== 0) this.work = (this.work & ~TDW_AGAIN) | TDW_YIELD;
    this.state = asleep ? TDS_ASLEEP : TDS_IDLE;
    if ((this.work & TDW_EXIT) !== 0) {
      kassert((this.work & (TDW_RERUN | TDW_YIELD)) === 0, "exit: the thread has something to do");
      this.end();
      return;
    }
    if ((this.work & TDW_MIGRATE) !== 0) this.move();
    else if (!asleep) {
      if ((this.work & (TDW_RERUN | TDW_YIELD)) !== 0 || !this.source.isEmpty) this.schedule();
      else if (this.source !== this.port) this.serveOrIdle();
    }
  }

  /** For Cpu and SpinPort: an idle server of a shared port. */
  serveOrIdle(): void {
    (this.source as SpinPort).idle(this);
  }

  private checkRunning(): void {
    kassert(this.home.current === this, "thread: not the one that runs");
    kassert((this.work & TDW_STALLED) === 0, "thread: has to return, a token could not be had");
  }
}
