/**
 * System calls about the system as a whole: names, memory, randomness, log, restart.
 *
 * Neighbours: kern's `Kernel`, `system.ts`. Invariant: `uname` tells what Linux programs look for: system Linux, a release they accept.
 * Source: uname(2), sysinfo(2), getrandom(2), syslog(2), reboot(2).
 */
import { EASYNC, Errno, fillBytes, i32, longDiv, longMin, putLong, putU16, putU32, toLong, u32, type long } from "@anax/portable";
import { HALT_POWEROFF, HALT_REBOOT, PAGE_SIZE } from "@anax/machine";
import type { Lwp } from "@anax/kern";
import { arg0, arg1, int0, int1, int2, uint0, uint1, uint2 } from "./args";
import type { LinuxContext } from "./context";
import { SysinfoL, UtsnameL } from "./layout";
import { NS_PER_SEC } from "./timespec";

/** What uname tells. Old C libraries compare the release with the kernel they were built for. */
export const UTS_SYSNAME: string = "Linux";
export const UTS_RELEASE: string = "6.1.0-anax";
export const UTS_VERSION: string = "#1 Anax";
export const UTS_MACHINE: string = "x86_64";
/** Bytes of a name of struct utsname, its NUL included. */
const UTS_FIELD: i32 = 65;

function putString(b: Uint8Array, off: i32, s: string): void {
  for (let i = 0; i < s.length; i++) b[off + i] = s.charCodeAt(i);
}

function putName(b: Uint8Array, off: i32, name: Uint8Array): void {
  for (let i = 0; i < name.length && i < UTS_FIELD - 1; i++) b[off + i] = name[i];
}

export function sysUname(c: LinuxContext, lwp: Lwp): long {
  const b = c.buf;
  fillBytes(b, 0, i32(UtsnameL.SIZE), 0);
  putString(b, UtsnameL.sysname, UTS_SYSNAME);
  putName(b, UtsnameL.nodename, c.kernel.hostname);
  putString(b, UtsnameL.release, UTS_RELEASE);
  putString(b, UtsnameL.version, UTS_VERSION);
  putString(b, UtsnameL.machine, UTS_MACHINE);
  putName(b, UtsnameL.domainname, c.kernel.domainname);
  return lwp.proc.vm.copyout(b, 0, arg0(lwp), i32(UtsnameL.SIZE));
}

/** Reads the name of sethostname or setdomainname into `c.buf`: 0, -PERM, -INVAL (its length), -FAULT. */
function copyinName(c: LinuxContext, lwp: Lwp): i32 {
  if (lwp.proc.cred.euid !== 0) return -Errno.PERM;
  const n = int1(lwp);
  if (n < 0 || n >= UTS_FIELD) return -Errno.INVAL;
  return lwp.proc.vm.copyin(arg0(lwp), c.buf, 0, n);
}

export function sysSethostname(c: LinuxContext, lwp: Lwp): long {
  const error = copyinName(c, lwp);
  if (error !== 0) return error;
  c.kernel.hostname = c.buf.slice(0, int1(lwp));
  return 0;
}

export function sysSetdomainname(c: LinuxContext, lwp: Lwp): long {
  const error = copyinName(c, lwp);
  if (error !== 0) return error;
  c.kernel.domainname = c.buf.slice(0, int1(lwp));
  return 0;
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
  if (action !== SYSLOG_ACTION_READ_ALL && action !== SYSLOG_ACTION_SIZE_BUFFER && lwp.proc.cred.euid !== 0) return -Errno.PERM;
  if (action >= 2 && action <= SYSLOG_ACTION_READ_CLEAR && (arg1(lwp) === toLong(0) || int2(lwp) < 0)) return -Errno.INVAL;
  if (action === SYSLOG_ACTION_CONSOLE_LEVEL && (int2(lwp) < 1 || int2(lwp) > 8)) return -Errno.INVAL;
  return 0;
}

const LINUX_REBOOT_MAGIC1: u32 = 0xfee1dead;
const LINUX_REBOOT_CMD_RESTART: u32 = 0x01234567;
const LINUX_REBOOT_CMD_HALT: u32 = 0xcdef0123;
const LINUX_REBOOT_CMD_CAD_ON: u32 = 0x89abcdef;
const LINUX_REBOOT_CMD_CAD_OFF: u32 = 0;
const LINUX_REBOOT_CMD_POWER_OFF: u32 = 0x4321fedc;
const LINUX_REBOOT_CMD_RESTART2: u32 = 0xa1b2c3d4;

function isMagic2(v: u32): boolean {
  return v === 672274793 || v === 85072278 || v === 369367448 || v === 537993216;
}

/** reboot(2). The machine has no state "halted", so halting powers off. */
export function sysReboot(c: LinuxContext, lwp: Lwp): long {
  if (lwp.proc.cred.euid !== 0) return -Errno.PERM;
  if (uint0(lwp) !== LINUX_REBOOT_MAGIC1 || !isMagic2(uint1(lwp))) return -Errno.INVAL;
  switch (uint2(lwp)) {
    case LINUX_REBOOT_CMD_CAD_ON:
    case LINUX_REBOOT_CMD_CAD_OFF:
      return 0;
    case LINUX_REBOOT_CMD_RESTART:
    case LINUX_REBOOT_CMD_RESTART2:
      c.kernel.vfs.sync();
      c.kernel.halt(HALT_REBOOT);
      return 0;
    case LINUX_REBOOT_CMD_HALT:
    case LINUX_REBOOT_CMD_POWER_OFF:
      c.kernel.vfs.sync();
      c.kernel.halt(HALT_POWEROFF);
      return 0;
    default:
      return -Errno.INVAL;
  }
}
