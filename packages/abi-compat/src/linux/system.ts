/**
 * System calls about the system as a whole: names, memory, randomness, log, restart.
 *
 * Neighbours: kern's `Kernel`, `system.ts`. Invariant: structures are zeroed before they are filled.
 * Source: uname(2), sysinfo(2), getrandom(2), syslog(2), reboot(2).
 */
import {
  EASYNC,
  Errno,
  copyBytes,
  fillBytes,
  i32,
  longDiv,
  longMin,
  putLong,
  putU16,
  putU32,
  toLong,
  u32,
  type long,
} from "@anax/portable";
import { PAGE_SIZE } from "@anax/machine";
import { MACHINE_NAME, RELEASE, SYSNAME, UTS_LEN, VERSION, kernReboot, kernSetUtsName, type Lwp } from "@anax/kern";
import { arg0, arg1, int0, int1, int2, uint0, uint1, uint2 } from "./args";
import type { LinuxContext } from "./context";
import { SysinfoL, UtsnameL } from "./layout";
import { NS_PER_SEC } from "./timespec";

function putString(b: Uint8Array, off: i32, s: string): void {
  for (let i = 0; i < s.length; i++) b[off + i] = s.charCodeAt(i);
}

export function sysUname(c: LinuxContext, lwp: Lwp): long {
  const b = c.buf;
  fillBytes(b, 0, i32(UtsnameL.SIZE), 0);
  putString(b, UtsnameL.sysname, SYSNAME);
  copyBytes(b, UtsnameL.nodename, c.kernel.hostname, 0, UTS_LEN);
  putString(b, UtsnameL.release, RELEASE);
  putString(b, UtsnameL.version, VERSION);
  putString(b, UtsnameL.machine, MACHINE_NAME);
  copyBytes(b, UtsnameL.domainname, c.kernel.domainname, 0, UTS_LEN);
  return lwp.proc.vm.copyout(b, 0, arg0(lwp), i32(UtsnameL.SIZE));
}

/** Reads the name of sethostname or setdomainname into `c.buf` and sets it. */
function setName(c: LinuxContext, lwp: Lwp, name: Uint8Array): i32 {
  const n = int1(lwp);
  if (n >= 0 && n < UTS_LEN) {
    const error = lwp.proc.vm.copyin(arg0(lwp), c.buf, 0, n);
    if (error !== 0) return error;
  }
  return kernSetUtsName(lwp, name, c.buf, 0, n);
}

export function sysSethostname(c: LinuxContext, lwp: Lwp): long {
  return setName(c, lwp, c.kernel.hostname);
}

export function sysSetdomainname(c: LinuxContext, lwp: Lwp): long {
  return setName(c, lwp, c.kernel.domainname);
}

/** The kernel's load averages have LOAD_SHIFT fraction bits, sysinfo's 16. */
const LOAD_SCALE: i32 = 1 << (16 - 11);

export function sysSysinfo(c: LinuxContext, lwp: Lwp): long {
  const b = c.buf;
  const k = c.kernel;
  fillBytes(b, 0, i32(SysinfoL.SIZE), 0);
  putLong(b, SysinfoL.uptime, longDiv(k.now(), NS_PER_SEC));
  putLong(b, SysinfoL.loads, k.load.one * LOAD_SCALE);
  putLong(b, SysinfoL.loads + 8, k.load.five * LOAD_SCALE);
  putLong(b, SysinfoL.loads + 16, k.load.fifteen * LOAD_SCALE);
  putLong(b, SysinfoL.totalram, toLong(k.pages.totalCount) * PAGE_SIZE);
  putLong(b, SysinfoL.freeram, toLong(k.pages.freeCount) * PAGE_SIZE);
  putU16(b, SysinfoL.procs, u32(k.pids.procCount & 0xffff));
  putU32(b, SysinfoL.mem_unit, 1);
  return lwp.proc.vm.copyout(b, 0, arg0(lwp), i32(SysinfoL.SIZE));
}

const GRND_NONBLOCK: u32 = 1;
const GRND_RANDOM: u32 = 2;
const GRND_INSECURE: u32 = 4;
/** Most bytes of one call, as on Linux. */
const RANDOM_MAX: long = 33554431;

export function sysGetrandom(c: LinuxContext, lwp: Lwp): long {
  const flags = uint2(lwp);
  if ((flags & ~(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE)) !== 0) return -Errno.INVAL;
  if ((flags & (GRND_RANDOM | GRND_INSECURE)) === (GRND_RANDOM | GRND_INSECURE)) return -Errno.INVAL;
  const size: long = arg1(lwp);
  const want: long = size < 0 || size > RANDOM_MAX ? RANDOM_MAX : size;
  const space = lwp.proc.vm;
  let done: long = 0;
  while (done < want) {
    const n = i32(longMin(want - done, c.buf.length));
    c.kernel.random.fill(c.buf, 0, n);
    const error = space.copyout(c.buf, 0, arg0(lwp) + done, n);
    if (error === EASYNC) return EASYNC;
    if (error !== 0) return done > 0 ? done : toLong(error);
    done = done + n;
  }
  return done;
}

const SYSLOG_ACTION_CLOSE: i32 = 0;
const SYSLOG_ACTION_READ_ALL: i32 = 3;
const SYSLOG_ACTION_READ_CLEAR: i32 = 4;
const SYSLOG_ACTION_CONSOLE_LEVEL: i32 = 8;
const SYSLOG_ACTION_SIZE_BUFFER: i32 = 10;

/** syslog(2): kernel messages go to the console alone, so the log is empty. */
export function sysSyslog(_c: LinuxContext, lwp: Lwp): long {
  const action = int0(lwp);
  if (action < SYSLOG_ACTION_CLOSE || action > SYSLOG_ACTION_SIZE_BUFFER) return -Errno.INVAL;
  if (action !== SYSLOG_ACTION_READ_ALL && action !== SYSLOG_ACTION_SIZE_BUFFER && lwp.proc.cred.euid !== 0)
    return -Errno.PERM;
  if (action >= 2 && action <= SYSLOG_ACTION_READ_CLEAR && (arg1(lwp) === toLong(0) || int2(lwp) < 0))
    return -Errno.INVAL;
  if (action === SYSLOG_ACTION_CONSOLE_LEVEL && (int2(lwp) < 1 || int2(lwp) > 8)) return -Errno.INVAL;
  return 0;
}

export function sysReboot(_c: LinuxContext, lwp: Lwp): long {
  return kernReboot(lwp, uint0(lwp), uint1(lwp), uint2(lwp));
}
