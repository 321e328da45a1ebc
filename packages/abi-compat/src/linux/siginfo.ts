/**
 * siginfo_t: kern's `SigInfo` to and from Linux's structure.
 *
 * Neighbours: `sigframe.ts`, `signal.ts`. Invariant: all 128 bytes are written.
 * Source: sigaction(2), Linux uapi asm-generic/siginfo.h.
 */
import { fillBytes, getI32, getLong, i32, longDiv, putI32, putLong, type long } from "@anax/portable";
import {
  SIGBUS,
  SIGCHLD,
  SIGFPE,
  SIGILL,
  SIGIO,
  SIGSEGV,
  SIGTRAP,
  SI_KERNEL,
  SI_TIMER,
  type SigInfo,
} from "@anax/kern";
import { SiginfoL } from "./layout";

/** ns of a clock tick, the unit of si_utime and si_stime. */
const NS_PER_TICK: long = 10000000;

/** Writes the siginfo_t at `off` of `b`. */
export function encodeSiginfo(info: SigInfo, b: Uint8Array, off: i32): void {
  fillBytes(b, off, i32(SiginfoL.SIZE), 0);
  putI32(b, (off + SiginfoL.signo) | 0, info.signo);
  putI32(b, (off + SiginfoL.errno) | 0, info.errno);
  putI32(b, (off + SiginfoL.code) | 0, info.code);
  const own = info.code > 0 && info.code !== SI_KERNEL;
  const sig = info.signo;
  if (own && sig === SIGCHLD) {
    putI32(b, (off + SiginfoL.pid) | 0, info.pid);
    putI32(b, (off + SiginfoL.uid) | 0, info.uid);
    putI32(b, (off + SiginfoL.status) | 0, info.status);
    putLong(b, (off + SiginfoL.utime) | 0, longDiv(info.utime, NS_PER_TICK));
    putLong(b, (off + SiginfoL.stime) | 0, longDiv(info.stime, NS_PER_TICK));
  } else if (own && (sig === SIGSEGV || sig === SIGBUS || sig === SIGILL || sig === SIGFPE || sig === SIGTRAP)) {
    putLong(b, (off + SiginfoL.addr) | 0, info.addr);
  } else if (own && sig === SIGIO) {
    putLong(b, (off + SiginfoL.addr) | 0, info.band);
    putI32(b, (off + SiginfoL.value) | 0, info.fd);
  } else if (info.code === SI_TIMER) {
    putI32(b, (off + SiginfoL.timerid) | 0, info.timerId);
    putI32(b, (off + SiginfoL.overrun) | 0, info.overrun);
    putLong(b, (off + SiginfoL.value) | 0, info.value);
  } else {
    putI32(b, (off + SiginfoL.pid) | 0, info.pid);
    putI32(b, (off + SiginfoL.uid) | 0, info.uid);
    putLong(b, (off + SiginfoL.value) | 0, info.value);
  }
}

/** Reads what a program gave to rt_sigqueueinfo(2); `sig` is the call's own argument. */
export function decodeSiginfo(b: Uint8Array, off: i32, sig: i32, info: SigInfo): void {
  info.reset(sig, getI32(b, (off + SiginfoL.code) | 0));
  info.errno = getI32(b, (off + SiginfoL.errno) | 0);
  if (info.code === SI_TIMER) {
    info.timerId = getI32(b, (off + SiginfoL.timerid) | 0);
    info.overrun = getI32(b, (off + SiginfoL.overrun) | 0);
  } else {
    info.pid = getI32(b, (off + SiginfoL.pid) | 0);
    info.uid = getI32(b, (off + SiginfoL.uid) | 0);
  }
  info.value = getLong(b, (off + SiginfoL.value) | 0);
}
