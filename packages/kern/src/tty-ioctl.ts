/**
 * ioctl on terminals.
 *
 * Neighbours: `tty.ts`, `termios.ts`, `tty-file.ts` (who calls in here). Invariant: what changes a terminal is checked for job
 * control first; a command that is not a terminal's is -NOTTY.
 * Source: ioctl_tty(2), POSIX 11.1.4; numbers: Linux uapi asm-generic/ioctls.h.
 */
import { Errno, getU16, i32, putU16, u32, type long } from "@anax/portable";
import type { Lwp } from "./lwp";
import type { ProcGroup } from "./session";
import { groupSignal } from "./signal";
import { SIGCONT, SIGHUP, SIGTTOU } from "./sigdefs";
import { TERMIOS2_SIZE, TERMIOS_SIZE, TERMIO_SIZE, VSTART, VSTOP } from "./termios";
import type { Tty } from "./tty";

export const TCGETS: u32 = 0x5401;
export const TCSETS: u32 = 0x5402;
export const TCSETSW: u32 = 0x5403;
export const TCSETSF: u32 = 0x5404;
export const TCGETA: u32 = 0x5405;
export const TCSETA: u32 = 0x5406;
export const TCSETAW: u32 = 0x5407;
export const TCSETAF: u32 = 0x5408;
export const TCSBRK: u32 = 0x5409;
export const TCXONC: u32 = 0x540a;
export const TCFLSH: u32 = 0x540b;
export const TIOCEXCL: u32 = 0x540c;
export const TIOCNXCL: u32 = 0x540d;
export const TIOCSCTTY: u32 = 0x540e;
export const TIOCGPGRP: u32 = 0x540f;
export const TIOCSPGRP: u32 = 0x5410;
export const TIOCOUTQ: u32 = 0x5411;
export const TIOCSTI: u32 = 0x5412;
export const TIOCGWINSZ: u32 = 0x5413;
export const TIOCSWINSZ: u32 = 0x5414;
export const TIOCMGET: u32 = 0x5415;
export const TIOCMBIS: u32 = 0x5416;
export const TIOCMBIC: u32 = 0x5417;
export const TIOCMSET: u32 = 0x5418;
export const TIOCGSOFTCAR: u32 = 0x5419;
export const TIOCINQ: u32 = 0x541b;
export const TIOCCONS: u32 = 0x541d;
export const TIOCNOTTY: u32 = 0x5422;
export const TIOCSETD: u32 = 0x5423;
export const TIOCGETD: u32 = 0x5424;
export const TCSBRKP: u32 = 0x5425;
export const TIOCGSID: u32 = 0x5429;
export const TCGETS2: u32 = 0x802c542a;
export const TCSETS2: u32 = 0x402c542b;
export const TCSETSW2: u32 = 0x402c542c;
export const TCSETSF2: u32 = 0x402c542d;
export const TIOCGEXCL: u32 = 0x80045440;
export const TIOCVHANGUP: u32 = 0x5437;
export const TIOCGLCKTRMIOS: u32 = 0x5456;
export const TIOCSLCKTRMIOS: u32 = 0x5457;

/** TCFLSH arguments. */
const TCIFLUSH: i32 = 0;
const TCOFLUSH: i32 = 1;
const TCIOFLUSH: i32 = 2;

/** Modem lines of a line that is always up: DTR, RTS, CAR, DSR, CTS. */
const TIOCM_UP: u32 = 0x166;

/** Whether the command changes the terminal, so that a background process gets SIGTTOU. */
function changes(cmd: u32): boolean {
  switch (cmd) {
    case TCSETS:
    case TCSETSW:
    case TCSETSF:
    case TCSETA:
    case TCSETAW:
    case TCSETAF:
    case TCSETS2:
    case TCSETSW2:
    case TCSETSF2:
    case TCSBRK:
    case TCSBRKP:
    case TCXONC:
    case TCFLSH:
    case TIOCSPGRP:
    case TIOCSETD:
      return true;
    default:
      return false;
  }
}

/** TCGET*. */
function getSettings(lwp: Lwp, tty: Tty, arg: long, size: i32): i32 {
  const buf = lwp.kernel.fc.scratch;
  if (size === TERMIO_SIZE) tty.line.termios.encodeTermio(buf);
  else tty.line.termios.encode(buf, size === TERMIOS2_SIZE);
  return lwp.proc.space!.copyout(buf, 0, arg, size);
}

/** TCSET*: waits for output (`drain`), throws input away (`flush`), then takes the settings over. */
function setSettings(lwp: Lwp, tty: Tty, arg: long, size: i32, drain: boolean, flush: boolean): i32 {
  const fc = lwp.kernel.fc;
  const buf = fc.scratch;
  let r = lwp.proc.space!.copyin(arg, buf, 0, size);
  if (r < 0) return r;
  if (drain) {
    r = tty.drain(lwp);
    if (r < 0) return r;
  }
  const t = fc.termios;
  t.copyFrom(tty.line.termios);
  if (size === TERMIO_SIZE) t.decodeTermio(buf);
  else t.decode(buf, size === TERMIOS2_SIZE);
  t.keepLocked(tty.line.termios, tty.locks);
  if (flush) tty.flushInput();
  tty.line.setTermios(t);
  tty.driver.setParams(tty);
  return 0;
}

/** TIOCSLCKTRMIOS: for root only. */
function setLocks(lwp: Lwp, tty: Tty, arg: long): i32 {
  if (lwp.proc.cred.euid !== 0) return -Errno.PERM;
  const buf = lwp.kernel.fc.scratch;
  const r = lwp.proc.space!.copyin(arg, buf, 0, TERMIOS_SIZE);
  if (r < 0) return r;
  tty.locks.decode(buf, false);
  return 0;
}

/** Puts a 32-bit answer at the user's address. */
function answer(lwp: Lwp, arg: long, v: i32): i32 {
  return lwp.proc.space!.put32(arg, u32(v));
}

/** TIOCSCTTY. `steal` (root only) takes it from another session. */
function setControlling(lwp: Lwp, tty: Tty, steal: boolean): i32 {
  const group = lwp.proc.group;
  if (group === null) return -Errno.PERM;
  const session = group.session;
  if (session.leader === lwp.proc && tty.session === session) return 0;
  if (session.leader !== lwp.proc || session.tty !== null || !tty.controllable) return -Errno.PERM;
  const other = tty.session;
  if (other !== null) {
    if (!steal || lwp.proc.cred.euid !== 0) return -Errno.PERM;
    tty.releaseSession(other, false);
  }
  tty.control(lwp);
  return 0;
}

/** TIOCSPGRP: -NOTTY (not the caller's terminal), -INVAL, -PERM (group of another session), -SRCH. */
function setForeground(lwp: Lwp, tty: Tty, arg: long): i32 {
  const mine = lwp.proc.group;
  if (mine === null || tty.session === null || mine.session !== tty.session) return -Errno.NOTTY;
  const v = lwp.proc.space!.get32(arg);
  if (v < 0) return i32(v);
  const pgid = i32(v);
  if (pgid < 0) return -Errno.INVAL;
  const group: ProcGroup | null = lwp.kernel.pids.group(pgid);
  if (group === null) return -Errno.SRCH;
  if (group.session !== tty.session) return -Errno.PERM;
  tty.setForeground(group);
  return 0;
}

/** The calling process gives its controlling terminal up. */
function giveUp(lwp: Lwp, tty: Tty): i32 {
  const group = lwp.proc.group;
  if (group === null || group.session !== tty.session) return -Errno.NOTTY;
  // Only the leader has it to give; any other member of the session merely stops using it.
  if (group.session.leader !== lwp.proc) return 0;
  const foreground = tty.group;
  tty.releaseSession(group.session, false);
  if (foreground !== null) {
    groupSignal(lwp.kernel, foreground, SIGHUP);
    groupSignal(lwp.kernel, foreground, SIGCONT);
  }
  return 0;
}

function getWindow(lwp: Lwp, tty: Tty, arg: long): i32 {
  const buf = lwp.kernel.fc.scratch;
  putU16(buf, 0, u32(tty.rows));
  putU16(buf, 2, u32(tty.cols));
  putU16(buf, 4, u32(tty.xpixels));
  putU16(buf, 6, u32(tty.ypixels));
  return lwp.proc.space!.copyout(buf, 0, arg, 8);
}

function setWindow(lwp: Lwp, tty: Tty, arg: long): i32 {
  const buf = lwp.kernel.fc.scratch;
  const r = lwp.proc.space!.copyin(arg, buf, 0, 8);
  if (r < 0) return r;
  tty.setWindow(i32(getU16(buf, 0)), i32(getU16(buf, 2)), i32(getU16(buf, 4)), i32(getU16(buf, 6)));
  return 0;
}

/** TCXONC: 0 stops output, 1 restarts it, 2 and 3 send STOP and START to the other side. */
function flowControl(tty: Tty, what: i32): i32 {
  const line = tty.line;
  switch (what) {
    case 0:
      line.stop();
      return 0;
    case 1:
      line.start();
      return 0;
    case 2:
    case 3: {
      const c: i32 = line.termios.cc[what === 2 ? VSTOP : VSTART];
      if (c !== 0) line.sendRaw(c);
      return 0;
    }
    default:
      return -Errno.INVAL;
  }
}

/**
 * An ioctl on an open terminal. `mine` is the terminal the descriptor is of; for the master of a pty the window and the
 * settings are those of the slave, and job control does not apply (`master`).
 */
export function ttyIoctl(lwp: Lwp, tty: Tty, master: boolean, cmd: u32, arg: long): i32 {
  if (!master && changes(cmd)) {
    const r = tty.checkBackground(lwp, SIGTTOU);
    if (r !== 0) return r;
  }
  switch (cmd) {
    case TCGETS:
      return getSettings(lwp, tty, arg, TERMIOS_SIZE);
    case TCGETS2:
      return getSettings(lwp, tty, arg, TERMIOS2_SIZE);
    case TCGETA:
      return getSettings(lwp, tty, arg, TERMIO_SIZE);
    case TCSETS:
    case TCSETSW:
    case TCSETSF:
      return setSettings(lwp, tty, arg, TERMIOS_SIZE, cmd !== TCSETS, cmd === TCSETSF);
    case TCSETS2:
    case TCSETSW2:
    case TCSETSF2:
      return setSettings(lwp, tty, arg, TERMIOS2_SIZE, cmd !== TCSETS2, cmd === TCSETSF2);
    case TCSETA:
    case TCSETAW:
    case TCSETAF:
      return setSettings(lwp, tty, arg, TERMIO_SIZE, cmd !== TCSETA, cmd === TCSETAF);
    case TCSBRK:
    case TCSBRKP:
      // There is no break to send on the lines we have; the wait for output is the same.
      return tty.drain(lwp);
    case TCXONC:
      return flowControl(tty, i32(arg));
    case TCFLSH: {
      const what = i32(arg);
      if (what < TCIFLUSH || what > TCIOFLUSH) return -Errno.INVAL;
      if (what !== TCOFLUSH) tty.flushInput();
      if (what !== TCIFLUSH) tty.flushOutput();
      return 0;
    }
    case TIOCEXCL:
      tty.exclusive = true;
      return 0;
    case TIOCNXCL:
      tty.exclusive = false;
      return 0;
    case TIOCGEXCL:
      return answer(lwp, arg, tty.exclusive ? 1 : 0);
    case TIOCSCTTY:
      return master ? -Errno.NOTTY : setControlling(lwp, tty, arg === 1);
    case TIOCGPGRP: {
      const mine = lwp.proc.group;
      if (!master && (mine === null || tty.session === null || mine.session !== tty.session)) return -Errno.NOTTY;
      return answer(lwp, arg, tty.foregroundPgid());
    }
    case TIOCSPGRP:
      return setForeground(lwp, tty, arg);
    case TIOCGSID: {
      const session = tty.session;
      const mine = lwp.proc.group;
      if (session === null || (!master && (mine === null || mine.session !== session))) return -Errno.NOTTY;
      return answer(lwp, arg, session.sid);
    }
    case TIOCOUTQ:
      return answer(lwp, arg, tty.line.out.count);
    case TIOCINQ:
      return answer(lwp, arg, tty.line.available);
    case TIOCSTI:
      // Input in another's name is how a program breaks out of a session; it is refused to all.
      return -Errno.PERM;
    case TIOCGWINSZ:
      return getWindow(lwp, tty, arg);
    case TIOCSWINSZ:
      return setWindow(lwp, tty, arg);
    case TIOCMGET:
      return answer(lwp, arg, i32(TIOCM_UP));
    case TIOCGSOFTCAR:
      return answer(lwp, arg, 1);
    case TIOCNOTTY:
      return master ? -Errno.NOTTY : giveUp(lwp, tty);
    case TIOCGETD:
      return answer(lwp, arg, 0);
    case TIOCSETD: {
      const v = lwp.proc.space!.get32(arg);
      if (v < 0) return i32(v);
      return v === 0 ? 0 : -Errno.INVAL;
    }
    case TIOCGLCKTRMIOS: {
      const buf = lwp.kernel.fc.scratch;
      tty.locks.encode(buf, false);
      return lwp.proc.space!.copyout(buf, 0, arg, TERMIOS_SIZE);
    }
    case TIOCSLCKTRMIOS:
      return setLocks(lwp, tty, arg);
    case TIOCVHANGUP:
      if (lwp.proc.cred.euid !== 0) return -Errno.PERM;
      tty.hangup();
      return 0;
    default:
      return -Errno.NOTTY;
  }
}
