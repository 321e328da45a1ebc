/**
 * The system's name, and its end.
 *
 * Neighbours: `kernel.ts`, `procinfo.ts`. Invariant: names are NUL-padded to 65 bytes.
 * Source: uname(2), sethostname(2), reboot(2).
 */
import { HALT_POWEROFF, HALT_REBOOT } from "@anax/machine";
import { Errno, copyBytes, fillBytes, type i32, type u32 } from "@anax/portable";
import type { Lwp } from "./lwp";

export const UTS_LEN: i32 = 65;
/** What programs built for Linux see as the kernel's name and the release whose interface it offers. */
export const SYSNAME: string = "Linux";
export const RELEASE: string = "6.1.0-anax";
export const VERSION: string = "#1 Anax";
export const MACHINE_NAME: string = "x86_64";

const REBOOT_MAGIC1: u32 = 0xfee1dead;
const REBOOT_RESTART: u32 = 0x01234567;
const REBOOT_HALT: u32 = 0xcdef0123;
const REBOOT_POWER_OFF: u32 = 0x4321fedc;
const REBOOT_CAD_ON: u32 = 0x89abcdef;
const REBOOT_CAD_OFF: u32 = 0;

/** sethostname(2), setdomainname(2), from a kernel buffer: -PERM, -INVAL. */
export function kernSetUtsName(l: Lwp, name: Uint8Array, buf: Uint8Array, off: i32, n: i32): i32 {
  if (l.proc.cred.euid !== 0) return -Errno.PERM;
  if (n < 0 || n >= UTS_LEN) return -Errno.INVAL;
  fillBytes(name, 0, UTS_LEN, 0);
  copyBytes(name, 0, buf, off, n);
  return 0;
}

/** Whether `m` is one of the second magic numbers of reboot(2). */
function isMagic2(m: u32): boolean {
  return m === 672274793 || m === 85072278 || m === 369367448 || m === 537993216;
}

/** reboot(2): -PERM, -INVAL. File systems are written back before the kernel stops. */
export function kernReboot(l: Lwp, magic1: u32, magic2: u32, command: u32): i32 {
  if (l.proc.cred.euid !== 0) return -Errno.PERM;
  if (magic1 !== REBOOT_MAGIC1 || !isMagic2(magic2)) return -Errno.INVAL;
  const k = l.kernel;
  if (command === REBOOT_CAD_ON || command === REBOOT_CAD_OFF) return 0;
  if (command === REBOOT_RESTART) k.halt(HALT_REBOOT);
  else if (command === REBOOT_HALT || command === REBOOT_POWER_OFF) k.halt(HALT_POWEROFF);
  else return -Errno.INVAL;
  return 0;
}
