/**
 * adjtimex and clock_adjtime: the settings of the clock that time daemons keep with the kernel.
 *
 * Key type `ClockDiscipline`, one for an ABI. Settings are kept and told back; an offset is added to the clock at once instead of by and
 * by, and the frequency is kept only. Neighbours: kern's `KernelClock`, `time.ts`.
 * Invariant: what an unprivileged caller passes changes nothing.
 * Source: adjtimex(2), Linux uapi linux/timex.h, RFC 5905.
 */
import {
  Errno,
  fillBytes,
  getI32,
  getLong,
  getU32,
  i32,
  longDiv,
  longMod,
  putI32,
  putLong,
  toLong,
  type long,
  type u32,
} from "@anax/portable";
import { CLOCK_REALTIME, type Kernel, type Lwp } from "@anax/kern";
import { arg0, arg1, int0 } from "./args";
import type { LinuxContext } from "./context";
import { TimexL } from "./layout";
import { NS_PER_SEC } from "./timespec";

const ADJ_OFFSET: u32 = 0x1;
const ADJ_FREQUENCY: u32 = 0x2;
const ADJ_MAXERROR: u32 = 0x4;
const ADJ_ESTERROR: u32 = 0x8;
const ADJ_STATUS: u32 = 0x10;
const ADJ_TIMECONST: u32 = 0x20;
const ADJ_TAI: u32 = 0x80;
const ADJ_SETOFFSET: u32 = 0x100;
const ADJ_MICRO: u32 = 0x1000;
const ADJ_NANO: u32 = 0x2000;
const ADJ_TICK: u32 = 0x4000;
/** adjtime(3): with ADJ_OFFSET; ADJ_NANO then means "only read". */
const ADJ_ADJTIME: u32 = 0x8000;

const STA_PLL: i32 = 0x1;
const STA_UNSYNC: i32 = 0x40;
const STA_NANO: i32 = 0x2000;
/** Bits of the status that only the kernel sets. */
const STA_RONLY: i32 = 0xff00;
const TIME_OK: i32 = 0;
/** The clock is not synchronised. */
const TIME_ERROR: i32 = 5;

/** Microseconds between ticks, and how far they may be set; tolerance of the frequency; limits of offset and time constant. */
const TICK: long = 10000;
const TICK_MIN: long = 9000;
const TICK_MAX: long = 11000;
const TOLERANCE: long = 32768000;
const OFFSET_MAX_NS: long = 500000000;
const ERROR_MAX: long = 16000000;
const CONSTANT_MAX: long = 10;

/** What time daemons set. */
export class ClockDiscipline {
  freq: long = 0;
  maxerror: long = ERROR_MAX;
  esterror: long = ERROR_MAX;
  status: i32 = STA_UNSYNC;
  constant: long = 2;
  tick: long = TICK;
  tai: i32 = 0;
}

function clamp(v: long, low: long, high: long): long {
  return v < low ? low : v > high ? high : v;
}

/** Moves the clock by `ns`. */
function step(k: Kernel, ns: long): void {
  const clock = k.clock;
  clock.update();
  let nsec: long = toLong(clock.nsec) + longMod(ns, NS_PER_SEC);
  let sec: long = clock.sec + longDiv(ns, NS_PER_SEC);
  if (nsec < 0) {
    nsec = nsec + NS_PER_SEC;
    sec = sec - 1;
  } else if (nsec >= NS_PER_SEC) {
    nsec = nsec - NS_PER_SEC;
    sec = sec + 1;
  }
  if (sec >= 0) clock.setRealtime(sec, i32(nsec));
}

/** Checks what a caller asks: 0, -PERM, -INVAL. */
function check(b: Uint8Array, modes: u32, root: boolean): i32 {
  if ((modes & ADJ_ADJTIME) !== 0) {
    if ((modes & ADJ_OFFSET) === 0) return -Errno.INVAL;
    return (modes & ADJ_NANO) === 0 && !root ? -Errno.PERM : 0;
  }
  if (modes !== 0 && !root) return -Errno.PERM;
  const tick: long = getLong(b, TimexL.tick);
  if ((modes & ADJ_TICK) !== 0 && (tick < TICK_MIN || tick > TICK_MAX)) return -Errno.INVAL;
  if ((modes & ADJ_SETOFFSET) !== 0) {
    const fraction: long = getLong(b, TimexL.time + 8);
    const limit: long = (modes & ADJ_NANO) !== 0 ? NS_PER_SEC : toLong(1000000);
    if (fraction < 0 || fraction >= limit) return -Errno.INVAL;
  }
  return 0;
}

/** Takes over what the caller sets. */
function apply(k: Kernel, d: ClockDiscipline, b: Uint8Array, modes: u32): void {
  if ((modes & ADJ_SETOFFSET) !== 0) {
    const unit: i32 = (modes & ADJ_NANO) !== 0 ? 1 : 1000;
    const sec: long = clamp(getLong(b, TimexL.time), -4000000000, 4000000000);
    step(k, sec * NS_PER_SEC + getLong(b, TimexL.time + 8) * unit);
  }
  if ((modes & ADJ_ADJTIME) !== 0) {
    if ((modes & ADJ_NANO) === 0) step(k, clamp(getLong(b, TimexL.offset), -4000000000, 4000000000) * 1000);
    return;
  }
  if ((modes & ADJ_STATUS) !== 0) d.status = (d.status & STA_RONLY) | (getI32(b, TimexL.status) & ~STA_RONLY);
  if ((modes & ADJ_NANO) !== 0) d.status |= STA_NANO;
  if ((modes & ADJ_MICRO) !== 0) d.status &= ~STA_NANO;
  if ((modes & ADJ_FREQUENCY) !== 0) d.freq = clamp(getLong(b, TimexL.freq), -TOLERANCE, TOLERANCE);
  if ((modes & ADJ_MAXERROR) !== 0) d.maxerror = clamp(getLong(b, TimexL.maxerror), 0, ERROR_MAX);
  if ((modes & ADJ_ESTERROR) !== 0) d.esterror = clamp(getLong(b, TimexL.esterror), 0, ERROR_MAX);
  if ((modes & ADJ_TIMECONST) !== 0) d.constant = clamp(getLong(b, TimexL.constant), 0, CONSTANT_MAX);
  if ((modes & ADJ_TAI) !== 0) d.tai = getI32(b, TimexL.constant);
  if ((modes & ADJ_TICK) !== 0) d.tick = getLong(b, TimexL.tick);
  if ((modes & ADJ_OFFSET) !== 0 && (d.status & STA_PLL) !== 0) {
    const unit: i32 = (d.status & STA_NANO) !== 0 ? 1 : 1000;
    step(k, clamp(getLong(b, TimexL.offset), -OFFSET_MAX_NS, OFFSET_MAX_NS) * unit);
  }
}

function encode(k: Kernel, d: ClockDiscipline, b: Uint8Array, modes: u32): void {
  const clock = k.clock;
  clock.update();
  fillBytes(b, 0, i32(TimexL.SIZE), 0);
  putI32(b, TimexL.modes, i32(modes));
  putLong(b, TimexL.freq, d.freq);
  putLong(b, TimexL.maxerror, d.maxerror);
  putLong(b, TimexL.esterror, d.esterror);
  putI32(b, TimexL.status, d.status);
  putLong(b, TimexL.constant, d.constant);
  putLong(b, TimexL.precision, 1);
  putLong(b, TimexL.tolerance, TOLERANCE);
  putLong(b, TimexL.time, clock.sec);
  putLong(b, TimexL.time + 8, toLong((d.status & STA_NANO) !== 0 ? clock.nsec : (clock.nsec / 1000) | 0));
  putLong(b, TimexL.tick, d.tick);
  putI32(b, TimexL.tai, d.tai);
}

function adjust(c: LinuxContext, lwp: Lwp, utimex: long): i32 {
  const b = c.buf;
  const space = lwp.proc.vm;
  let error = space.copyin(utimex, b, 0, i32(TimexL.SIZE));
  if (error !== 0) return error;
  // Made writable before anything changes: a call that waits for a page must not take effect twice.
  error = space.copyout(b, 0, utimex, i32(TimexL.SIZE));
  if (error !== 0) return error;
  const modes = getU32(b, TimexL.modes);
  error = check(b, modes, lwp.proc.cred.euid === 0);
  if (error !== 0) return error;
  apply(c.kernel, c.discipline, b, modes);
  encode(c.kernel, c.discipline, b, modes);
  error = space.copyout(b, 0, utimex, i32(TimexL.SIZE));
  if (error !== 0) return error;
  return (c.discipline.status & STA_UNSYNC) !== 0 ? TIME_ERROR : TIME_OK;
}

export function sysAdjtimex(c: LinuxContext, lwp: Lwp): long {
  return adjust(c, lwp, arg0(lwp));
}

/** clock_adjtime(2): the real-time clock is the only one that can be adjusted. */
export function sysClockAdjtime(c: LinuxContext, lwp: Lwp): long {
  const clock = int0(lwp);
  if (clock === CLOCK_REALTIME) return adjust(c, lwp, arg1(lwp));
  return clock > 0 && clock < 12 ? -Errno.OPNOTSUPP : -Errno.INVAL;
}
