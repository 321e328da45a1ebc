/**
 * The CPU that a JavaScript thread is: its ports, its links, and the loop that looks at them.
 *
 * Key type `LocalCpu`, of which a thread has one (`localCpu`). Neighbours: `link.ts` (what it polls), `bell.ts` (how it sleeps), `spawn.ts` (other CPUs).
 *
 * The loop runs when something was sent or the bell rang. It takes what has come in; when nothing has, it spins as long as that has lately been worth it, then
 * sleeps: a worker blocks in Atomics.wait in short slices while no promise of a handler is due, else, and always on the main thread, the
 * event loop goes on and Atomics.waitAsync calls back. Every few milliseconds a worker's event loop gets its turn.
 * Invariant: whenever the loop is not scheduled, the bell says asleep, and the links were looked at after it said so.
 */
import type { Callout } from "../callout";
import { CalloutWheel } from "../callout";
import { MSGF_DONE } from "../msg";
import type { Port } from "../port";
import { ArenaDirectory, SharedArena, type ArenaOptions } from "./arena";
import { BELL_BYTES, Bell } from "./bell";
import { LwktError } from "./errors";
import type { Link } from "./link";
import type { AnyMessage } from "./message";
import { detectPlatform, type Platform } from "./platform";
import type { LocalPort } from "./port";
import { Spinner, type Watched } from "./spin";

/** Nanoseconds in a millisecond, the wheel's unit and the caller's. */
const NS = 1_000_000;
/** A worker's event loop gets a turn after this many milliseconds. */
const TURN = 4;
/** After so many messages and looks at the rings a worker looks at the clock. */
const CLOCK_EVERY = 32;
/** How long a worker blocks at a time, and for how many times in a row it does without having had work. */
const SLICE = 1;
const SLICES = 10;
/** When it looks again after a link was closed, in milliseconds. */
const AFTERMATH = [0, 20, 200, 1000];
/** Replies are awaited this long by `callSync`, in milliseconds, when nobody says otherwise. DragonFly panics after as long a wait for an IPI queue. */
const SYNC_TIMEOUT = 10_000;
/** How long a message waits for a port that is not there yet, in milliseconds. */
const PORT_TIMEOUT = 10_000;

const now = (): number => performance.now();

/** The link that a port's messages go over; null for a port of this CPU. Ports may be of another copy of this library. */
function linkOf(port: Port): Link | null {
  return (port as { link?: Link }).link ?? null;
}

/** Its `then` is a microtask that costs half of `queueMicrotask` in Node. */
const SETTLED = Promise.resolve();

/** This thread as a CPU: its number and name, its arenas. The rest of it is for the library. */
export class LocalCpu {
  /** Number of this CPU: 0 in the thread that spawned the first, then in the order of spawning. Set by `spawn.ts` before anything is sent. */
  id = 0;
  name = "main";
  /** Handlers whose promise is due, and messages in the hands of who iterates. */
  busy = 0;
  portTimeout = PORT_TIMEOUT;
  bell: Bell;
  arenas: ArenaDirectory = new ArenaDirectory(0);
  /** Next number of a CPU, and of an arena; shared by all CPUs that come from one root. */
  counters: Int32Array = new Int32Array(new SharedArrayBuffer(8));
  private readonly links: Link[] = [];
  private readonly ports = new Map<string, LocalPort>();
  private readonly wheel = new CalloutWheel(Math.floor(now() * NS));
  private timer: ReturnType<typeof setTimeout> | null = null;
  private timerAt = Infinity;
  private scheduled = false;
  private running = false;
  /** It is scheduled for a later turn of the event loop; and what was sent will be seen before. */
  private isDeferred = false;
  private willPublish = false;
  private readonly spinner: Spinner;
  private turnAt = 0;
  /** The event loop's turn is due. */
  private isLate = false;
  private emptySlices = 0;
  /** Messages taken, and looks at the rings; and runs of the loop: so that the clock is read now and then only. */
  private looked = 0;
  private runs = 0;
  /** When it went to sleep, while it does. */
  private sleptAt = 0;
  /** The last look has found something. */
  private hasWorked = false;

  constructor(readonly platform: Platform) {
    this.bell = new Bell(new SharedArrayBuffer(BELL_BYTES), this.run);
    this.spinner = new Spinner(platform.parallel);
  }

  /** For `spawn.ts`: a worker is told who it is, before it has any link. */
  begin(id: number, name: string, counters: Int32Array, bell: SharedArrayBuffer): void {
    this.id = id;
    this.name = name;
    this.counters = counters;
    this.bell = new Bell(bell, this.run);
    const early = this.arenas;
    this.arenas = new ArenaDirectory(id);
    for (const arena of early.all) {
      arena.renumber(this.nextArena(), id);
      this.arenas.add(arena);
    }
  }

  private nextArena(): number {
    return Atomics.add(this.counters, 1, 1) + 1;
  }

  // ---- ports ---------------------------------------------------------------------------------------------------

  /** @internal */
  findPort(name: string): LocalPort | null {
    return this.ports.get(name) ?? null;
  }

  /** @internal */
  addPort(port: LocalPort): void {
    if (this.ports.has(port.name)) throw new LwktError("EEXIST", `${this.name} has a port "${port.name}" already`);
    this.ports.set(port.name, port);
    for (const link of this.links) link.portAdded(port);
  }

  /** @internal */
  removePort(port: LocalPort): void {
    if (this.ports.get(port.name) === port) this.ports.delete(port.name);
  }

  /** @internal */
  noPortText(name: string): string {
    const names = [...this.ports.keys()].map((n) => `"${n}"`).join(", ");
    return `${this.name} has no port "${name}" (it has ${names === "" ? "none" : names})`;
  }

  /** Shared memory in `blocks` blocks of `blockSize` bytes, for fields of kind `shared`. Throws EINVAL for sizes out of range. */
  createArena(options: ArenaOptions): SharedArena {
    const arena = SharedArena.create(this.nextArena(), this.id, options);
    this.arenas.add(arena);
    return arena;
  }

  // ---- links ---------------------------------------------------------------------------------------------------

  /** @internal */
  addLink(link: Link): void {
    this.links.push(link);
    this.kick();
  }

  /** @internal */
  removeLink(link: Link): void {
    const at = this.links.indexOf(link);
    if (at >= 0) this.links.splice(at, 1);
  }

  // ---- timers --------------------------------------------------------------------------------------------------

  /** Arms a callout for `milliseconds` from now. */
  arm(callout: Callout, milliseconds: number): void {
    this.wheel.arm(callout, Math.floor((now() + milliseconds) * NS));
    this.setTimer();
  }

  /** @internal */
  disarm(callout: Callout): void {
    this.wheel.cancel(callout);
    if (this.wheel.nextDeadline() < 0 && this.timer !== null) {
      clearTimeout(this.timer);
      this.timer = null;
      this.timerAt = Infinity;
    }
  }

  /** Whether some call has a time limit. */
  get timersArmed(): boolean {
    return this.timer !== null;
  }

  private setTimer(): void {
    const deadline = this.wheel.nextDeadline();
    if (deadline < 0 || deadline >= this.timerAt) return;
    if (this.timer !== null) clearTimeout(this.timer);
    this.timerAt = deadline;
    this.timer = setTimeout(this.ring, Math.max(0, Math.ceil(deadline / NS - now())));
  }

  private readonly ring = (): void => {
    this.timer = null;
    this.timerAt = Infinity;
    this.wheel.run(Math.floor(now() * NS));
    this.setTimer();
  };

  // ---- the loop ------------------------------------------------------------------------------------------------

  /** Something was sent or has changed: the loop will look, after the code that runs now. */
  kick(): void {
    if (this.running) return;
    if (!this.scheduled) {
      this.scheduled = true;
      void SETTLED.then(this.run);
    } else if (this.isDeferred && !this.willPublish) {
      this.willPublish = true;
      void SETTLED.then(this.publish);
    }
  }

  /** What was sent is seen when the code that runs now has ended, though the loop has its turn only later, or, in a thread that ends, never. */
  private readonly publish = (): void => {
    this.willPublish = false;
    for (const link of this.links) link.publish();
  };

  /** Runs in a later turn of the event loop. */
  private defer(): void {
    this.scheduled = true;
    this.isDeferred = true;
    this.platform.defer(this.run);
  }

  /**
   * A link is closed, whose other end may still run for a moment: when it rings now, or is ended between the bell and the event that belongs to it, the bell says
   * awake and nobody comes. So the loop looks again until that is over.
   */
  kickLater(): void {
    for (const delay of AFTERMATH) {
      const timer = setTimeout(() => this.kick(), delay) as unknown as { unref?(): void };
      timer.unref?.();
    }
  }

  /** Errors that nobody waits for end as JavaScript's uncaught ones do. */
  uncaught(error: unknown): void {
    this.platform.defer(() => {
      throw error;
    });
  }

  /** Says what went wrong with a message that has nobody waiting for it, through no fault of this CPU. */
  warn(error: Error): void {
    const { console } = globalThis as unknown as { console: { warn(text: string): void } };
    console.warn(`@anax/lwkt: ${this.name}: ${error.message}`);
  }

  private poll(): number {
    let n = 0;
    const { links } = this;
    for (let i = 0; i < links.length; i++) n += links[i]!.poll();
    return n;
  }

  /** Whether something may have come in; of `Watched`. */
  get hasInput(): boolean {
    const { links } = this;
    for (let i = 0; i < links.length; i++) if (links[i]!.hasInput) return true;
    return false;
  }

  /** Of `Watched`. */
  get mayHaveInput(): boolean {
    const { links } = this;
    for (let i = 0; i < links.length; i++) if (links[i]!.mayHaveInput) return true;
    return false;
  }

  /** Whether something is likely to come soon: an answer, space, or more of what has just come. */
  private get expectsMore(): boolean {
    return this.hasWorked || this.isOwed;
  }

  /** An answer is due, or space. */
  private get isOwed(): boolean {
    const { links } = this;
    for (let i = 0; i < links.length; i++) if (links[i]!.expectsMore) return true;
    return false;
  }

  private readonly run = (): void => {
    if (this.running) return;
    this.scheduled = false;
    this.isDeferred = false;
    this.running = true;
    this.bell.awake();
    if (this.sleptAt > 0) {
      this.spinner.slept(now() - this.sleptAt);
      this.sleptAt = 0;
    }
    let worked = 0;
    try {
      worked = this.poll();
      if (this.platform.canBlock) {
        if (this.work(worked > 0)) return this.again();
      } else {
        if (worked === 0 && this.expectsMore && this.spinner.watch(this)) worked = this.poll();
        this.hasWorked = worked > 0;
        if (worked > 0) return this.again();
      }
    } finally {
      this.running = false;
    }
    this.goToSleep();
  };

  /** A worker's loop. True when it stopped though there may be more to do, false when it is to sleep as the event loop goes on. */
  private work(worked: boolean): boolean {
    if (worked) this.emptySlices = 0;
    if (this.turnAt === 0) this.turnAt = now();
    for (;;) {
      // Promises of handlers settle in microtasks, and parts beside the ring come as events.
      if (this.busy > 0 || this.needsEvents) return worked ? true : this.spinner.watch(this);
      if (worked || this.spinner.watch(this)) {
        const n = this.poll();
        worked = n > 0;
        if (worked) this.emptySlices = 0;
        this.looked += n + 1;
        if (this.looked >= CLOCK_EVERY) {
          this.looked = 0;
          this.isLate = now() - this.turnAt > TURN;
          if (this.isLate) return true;
        }
        continue;
      }
      if (this.emptySlices >= SLICES) return false;
      if (!this.block(this, SLICE)) {
        this.emptySlices++;
        return true;
      }
      worked = this.poll() > 0;
    }
  }

  /** Blocks until somebody rings, at most `milliseconds`. False when nobody has. */
  private block(what: Watched, milliseconds: number): boolean {
    this.bell.drowseBlocking();
    const start = now();
    const rung = what.hasInput || this.bell.sleep(milliseconds);
    this.bell.awake();
    this.spinner.slept(now() - start);
    return rung;
  }

  private get needsEvents(): boolean {
    for (const link of this.links) if (link.needsEvents) return true;
    return false;
  }

  /** Runs again: after the promises that were settled, and every few milliseconds after the event loop's turn. */
  private again(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    if (this.turnAt === 0) this.turnAt = now();
    else if ((++this.runs & 3) === 0) this.isLate ||= now() - this.turnAt >= TURN;
    if (!this.isLate && this.emptySlices === 0) {
      void SETTLED.then(this.run);
      return;
    }
    this.turnAt = 0;
    this.isLate = false;
    this.defer();
  }

  private goToSleep(): void {
    this.turnAt = 0;
    this.isLate = false;
    // Neither a link nor what wakes it keeps a process alive by itself.
    this.platform.stay(this.isOwed);
    if (this.links.length === 0) return;
    this.bell.drowse();
    if (this.hasInput) {
      this.bell.awake();
      this.defer();
      return;
    }
    this.sleptAt = now();
    this.bell.sleepAsync();
  }

  // ---- blocking ------------------------------------------------------------------------------------------------

  /** Throws EOPNOTSUPP where a call to `port` may not block. */
  checkMayWait(port: Port): void {
    if (linkOf(port) !== null && !this.platform.mayBlock)
      throw new LwktError("EOPNOTSUPP", "the main thread of a browser cannot wait: use call");
  }

  /**
   * Blocks until `msg`, which was sent to `port`, is answered; takes replies meanwhile. Returns null, or why it gave up.
   */
  waitFor(port: Port, msg: AnyMessage, timeout: number = SYNC_TIMEOUT): LwktError | null {
    const link = linkOf(port);
    if (link === null) return new LwktError("EDEADLK", "the port is on this CPU, which would wait for itself");
    let deadline = 0;
    for (const other of this.links) other.publish();
    this.bell.awake();
    for (;;) {
      if (link.canFlush) link.flush();
      if (link.pollReplies() > 0 || (msg.flags & MSGF_DONE) !== 0) {
        if ((msg.flags & MSGF_DONE) !== 0) break;
        continue;
      }
      if (this.spinner.watch(link.replyWatch)) continue;
      const time = now();
      if (deadline === 0) deadline = time + timeout;
      if (time >= deadline) {
        this.kick();
        return new LwktError("ETIMEDOUT");
      }
      if (link.isGone) {
        // What it has said before counts. The loop closes the link.
        if (link.pollReplies() > 0) continue;
        this.kick();
        return new LwktError("EPIPE", link.goneText);
      }
      // Others may need what waits here for space before there can be an answer.
      for (const other of this.links) other.flush();
      this.block(link.replyWatch, SLICE * SLICES);
    }
    if (!this.running) this.kick();
    return null;
  }
}

/** Under this key a thread keeps its CPU, so that two copies of this library in one thread share it. */
const KEY = Symbol.for("@anax/lwkt/cpu");

/** The CPU that this thread is. */
export function localCpu(): LocalCpu {
  const scope = globalThis as unknown as { [KEY]?: LocalCpu };
  return (scope[KEY] ??= new LocalCpu(detectPlatform()));
}
