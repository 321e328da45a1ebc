/**
 * What CPUs ask of one another: a request is an object and a number, run on the target CPU in a critical section.
 *
 * Key types `IpiHandler` (the request), `IpiTransport` (the machine underneath), `IpiChannel` (one FIFO as flow control sees it).
 * Neighbours: `ipiq.ts` (the FIFOs of CPUs in one heap), `host/` (rings between workers).
 * Invariant: a FIFO never becomes full, and two CPUs that wait for each other both go on. See `waitForRoom`.
 * Source: DragonFly sys/kern/lwkt_ipiq.c.
 */
import { Errno, i32, kassert, longDiv, type long } from "@anax/portable";
import type { Cpu } from "./cpu";

/** Requests that one CPU may have waiting for another (MAXCPUFIFO). */
export const IPIQ_FIFO: i32 = 256;
/** Seconds after which a sender that waits signals its target again. */
const RESIGNAL_AFTER: i32 = 10;

/** A request: run on the target CPU, in a critical section. Must not block; may send requests itself. */
export interface IpiHandler {
  /** Runs on `cpu`, the target, with the number that was sent along. */
  ipi(cpu: Cpu, arg: i32): void;
}

/** The machine under CPUs that talk to each other. Implemented by the platform; `HeapTransport` is the one for a single thread. */
export interface IpiTransport {
  /** Interrupts `target`, which was not flagged: it calls `Cpu#processIpis` as soon as it can. */
  signal(from: Cpu, target: Cpu): void;
  /** `cpu` cannot go on until others did something: lets them. Returns after a moment, whether they did or not. */
  pause(cpu: Cpu): void;
  /** ns, monotonic. */
  nanotime(): long;
  /** `cpu` has waited `seconds` for `target`, which has `behind` requests to go. */
  warn(cpu: Cpu, target: Cpu, seconds: i32, behind: i32): void;
}

/** A FIFO towards one target, as its sender sees it. */
export interface IpiChannel {
  /** Entries that it can hold. */
  capacity(): i32;
  /** Entries that the target has not begun. */
  pending(): i32;
  /** Asks a target that is itself waiting to take entries until `level` are left (0: none in particular). Returns the old level. */
  setDrain(level: i32): i32;
  /** Serves the sender's own incoming requests from senders that wait, and lets others go on. */
  pause(): void;
  /** Has waited `seconds`. */
  stalled(seconds: i32): void;
  /** Interrupts the target again, which did not drain. */
  resignal(): void;
  /** ns, monotonic: the transport's. */
  nanotime(): long;
}

/**
 * Flow control before an active send: when the FIFO is above 1/2, waits until it is at 1/4, serving incoming requests meanwhile. A sender that is itself
 * inside of a request may fill all but three entries, and waits until five are free: so requests can be sent from requests, and since
 * everybody who waits takes from those who wait for him, nobody waits for ever. Returns whether it had to wait.
 */
export function waitForRoom(channel: IpiChannel, nested: boolean): boolean {
  const capacity = channel.capacity();
  const most: i32 = nested ? (capacity - 3) | 0 : capacity >> 1;
  if (channel.pending() <= most) return false;
  const until: i32 = nested ? (capacity - 5) | 0 : capacity >> 2;
  const before = channel.setDrain(until);
  const since = channel.nanotime();
  let told: i32 = 0;
  while (channel.pending() > until) {
    kassert(channel.pending() < capacity, "ipi: FIFO overrun");
    channel.pause();
    const seconds = secondsSince(since, channel.nanotime());
    if (seconds > told) {
      told = seconds;
      channel.stalled(seconds);
      if (seconds > RESIGNAL_AFTER) channel.resignal();
    }
  }
  channel.setDrain(before);
  return true;
}

/** Flow control for a sender that must not wait: 0, or -ENOENT above 2/3. */
export function tryRoom(channel: IpiChannel): i32 {
  const capacity = channel.capacity();
  return channel.pending() > ((((capacity * 2) | 0) / 3) | 0) ? -Errno.NOENT : 0;
}

/** Whether a passive send must be an active one: from 1/4 on. Below the level at which a sender would wait, as nobody is signalled. */
export function passiveMustSignal(channel: IpiChannel): boolean {
  return channel.pending() >= channel.capacity() >> 2;
}

/** Whole seconds between two times in ns. */
export function secondsSince(since: long, now: long): i32 {
  return secondsOf(longDiv(now - since, 1000000000));
}

function secondsOf(v: long): i32 {
  return v > 0x7fffffff ? 0x7fffffff : i32(v);
}
