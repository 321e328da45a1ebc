/**
 * System calls whose whole meaning fits a few lines: advice, attributes that no file has, capabilities, the CPU.
 *
 * Neighbours: `file.ts`, `memory.ts`. Invariant: each checks its arguments as Linux does before it says what it cannot do.
 * Source: the section 2 manual page of each call.
 */
import { Errno, fillBytes, getI32, getU32, putU32, toLong, u32, type i32, type long } from "@anax/portable";
import {
  O_PATH,
  S_IFMT,
  S_IFIFO,
  kernFsync,
  kernIoprioGet,
  kernIoprioSet,
  kernStatAt,
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  type Lwp,
} from "@anax/kern";
import { E_NODATA } from "@anax/vfs-msg";
import { arg0, arg1, arg2, int0, int1, int2, int3 } from "./args";
import type { LinuxContext } from "./context";

const POSIX_FADV_NOREUSE: i32 = 5;

/** fadvise64(2): files are in memory, so advice is only checked. */
export function sysFadvise64(c: LinuxContext, lwp: Lwp): long {
  const file = lwp.proc.files!.get(int0(lwp));
  if (file === null) return -Errno.BADF;
  const error = file.stat(c.st, lwp);
  if (error !== 0) return error;
  if ((c.st.mode & S_IFMT) === S_IFIFO) return -Errno.SPIPE;
  const advice = int3(lwp);
  return arg2(lwp) < 0 || advice < 0 || advice > POSIX_FADV_NOREUSE ? -Errno.INVAL : 0;
}

/** readahead(2): only for what has pages and can be read. */
export function sysReadahead(_c: LinuxContext, lwp: Lwp): long {
  const file = lwp.proc.files!.get(int0(lwp));
  if (file === null || !file.isReadable) return -Errno.BADF;
  const vp = file.vnode;
  return vp === null || vp.object === null ? -Errno.INVAL : 0;
}

export function sysSyncFileRange(_c: LinuxContext, lwp: Lwp): long {
  const file = lwp.proc.files!.get(int0(lwp));
  if (file === null) return -Errno.BADF;
  if ((int3(lwp) & ~7) !== 0 || arg1(lwp) < 0 || arg2(lwp) < 0) return -Errno.INVAL;
  const vp = file.vnode;
  return vp === null || (!vp.isReg && !vp.isDir) ? -Errno.SPIPE : kernFsync(lwp, int0(lwp));
}

// ---- extended attributes: no file has any

/** Whether the name at `uname` is one that an attribute could have: 0, -RANGE, -FAULT. */
function checkAttrName(c: LinuxContext, lwp: Lwp, uname: long): i32 {
  const n = lwp.proc.vm.copyinstr(uname, c.buf, 0, 256);
  if (n === -Errno.NAMETOOLONG || n === 0) return -Errno.RANGE;
  return n < 0 ? n : 0;
}

function getAttr(c: LinuxContext, lwp: Lwp, found: i32): i32 {
  if (found !== 0) return found;
  const error = checkAttrName(c, lwp, arg1(lwp));
  return error !== 0 ? error : -E_NODATA;
}

function setAttr(c: LinuxContext, lwp: Lwp, found: i32): i32 {
  if (found !== 0) return found;
  const error = checkAttrName(c, lwp, arg1(lwp));
  return error !== 0 ? error : -Errno.OPNOTSUPP;
}

/** A descriptor of O_PATH gives no access to attributes. */
function statFd(c: LinuxContext, lwp: Lwp): i32 {
  const file = lwp.proc.files!.get(int0(lwp));
  if (file === null || (file.flags & O_PATH) !== 0) return -Errno.BADF;
  return file.stat(c.st, lwp);
}

function statPath(c: LinuxContext, lwp: Lwp, flags: i32): i32 {
  return kernStatAt(lwp, AT_FDCWD, arg0(lwp), flags, c.st);
}

export function sysGetxattr(c: LinuxContext, lwp: Lwp): long {
  return getAttr(c, lwp, statPath(c, lwp, 0));
}

export function sysLgetxattr(c: LinuxContext, lwp: Lwp): long {
  return getAttr(c, lwp, statPath(c, lwp, AT_SYMLINK_NOFOLLOW));
}

export function sysFgetxattr(c: LinuxContext, lwp: Lwp): long {
  return getAttr(c, lwp, statFd(c, lwp));
}

/** setxattr(2) and removexattr(2). */
export function sysSetxattr(c: LinuxContext, lwp: Lwp): long {
  return setAttr(c, lwp, statPath(c, lwp, 0));
}

export function sysLsetxattr(c: LinuxContext, lwp: Lwp): long {
  return setAttr(c, lwp, statPath(c, lwp, AT_SYMLINK_NOFOLLOW));
}

export function sysFsetxattr(c: LinuxContext, lwp: Lwp): long {
  return setAttr(c, lwp, statFd(c, lwp));
}

export function sysListxattr(c: LinuxContext, lwp: Lwp): long {
  return statPath(c, lwp, 0);
}

export function sysLlistxattr(c: LinuxContext, lwp: Lwp): long {
  return statPath(c, lwp, AT_SYMLINK_NOFOLLOW);
}

export function sysFlistxattr(c: LinuxContext, lwp: Lwp): long {
  return statFd(c, lwp);
}

// ---- capabilities: root has all, others none

const LINUX_CAPABILITY_VERSION_1: u32 = 0x19980330;
const LINUX_CAPABILITY_VERSION_2: u32 = 0x20071026;
const LINUX_CAPABILITY_VERSION_3: u32 = 0x20080522;
/** Capabilities 0 to 40. */
const CAP_ALL_LO: u32 = 0xffffffff;
const CAP_ALL_HI: u32 = 0x1ff;

/** Words of 32 capabilities that the version in the header has; 0 for a version that is not known. */
function capWords(version: u32): i32 {
  if (version === LINUX_CAPABILITY_VERSION_1) return 1;
  return version === LINUX_CAPABILITY_VERSION_2 || version === LINUX_CAPABILITY_VERSION_3 ? 2 : 0;
}

/** Reads the header at `uhdr` into `c.buf`: the number of words; 0 after the version was written back; -FAULT. */
function capHeader(c: LinuxContext, lwp: Lwp, uhdr: long): i32 {
  const space = lwp.proc.vm;
  const error = space.copyin(uhdr, c.buf, 0, 8);
  if (error !== 0) return error;
  const words = capWords(getU32(c.buf, 0));
  return words !== 0 ? words : space.put32(uhdr, LINUX_CAPABILITY_VERSION_3);
}

export function sysCapget(c: LinuxContext, lwp: Lwp): long {
  const words = capHeader(c, lwp, arg0(lwp));
  if (words < 0) return words;
  if (words === 0) return arg1(lwp) === toLong(0) ? 0 : -Errno.INVAL;
  const pid = getI32(c.buf, 4);
  if (pid < 0) return -Errno.INVAL;
  const target = pid === 0 ? lwp.proc : c.kernel.pids.proc(pid);
  if (target === null) return -Errno.SRCH;
  const b = c.buf;
  fillBytes(b, 0, 24, 0);
  if (target.cred.euid === 0) {
    for (let i: i32 = 0; i < words; i++) {
      // Effective and permitted; nothing is inheritable.
      putU32(b, (i * 12) | 0, i === 0 ? CAP_ALL_LO : CAP_ALL_HI);
      putU32(b, (i * 12 + 4) | 0, i === 0 ? CAP_ALL_LO : CAP_ALL_HI);
    }
  }
  return lwp.proc.vm.copyout(b, 0, arg1(lwp), (words * 12) | 0);
}

/** capset(2): capabilities follow the user id, so a set can be confirmed or, in part, given up in name only; none can be gained. */
export function sysCapset(c: LinuxContext, lwp: Lwp): long {
  const words = capHeader(c, lwp, arg0(lwp));
  if (words < 0) return words;
  if (words === 0) return -Errno.INVAL;
  const pid = getI32(c.buf, 4);
  if (pid !== 0 && pid !== lwp.tid) return -Errno.PERM;
  const b = c.buf;
  const error = lwp.proc.vm.copyin(arg1(lwp), b, 0, (words * 12) | 0);
  if (error !== 0) return error;
  if (lwp.proc.cred.euid === 0) return 0;
  for (let i: i32 = 0; i < ((words * 3) | 0); i++) if (getU32(b, (i * 4) | 0) !== 0) return -Errno.PERM;
  return 0;
}

// ---- one CPU, one node

export function sysGetcpu(_c: LinuxContext, lwp: Lwp): long {
  const space = lwp.proc.vm;
  let error: i32 = 0;
  if (arg0(lwp) !== toLong(0)) error = space.put32(arg0(lwp), 0);
  if (error === 0 && arg1(lwp) !== toLong(0)) error = space.put32(arg1(lwp), 0);
  return error;
}

const MEMBARRIER_CMD_QUERY: i32 = 0;
/** GLOBAL, GLOBAL_EXPEDITED, PRIVATE_EXPEDITED, PRIVATE_EXPEDITED_SYNC_CORE and their registrations. */
const MEMBARRIER_COMMANDS: i32 = 0x7f;
/** Those that need a registration, whose bit is the next one, and the registrations. */
const MEMBARRIER_PRIVATE: i32 = 0x28;
const MEMBARRIER_REGISTER: i32 = 0x54;

/** membarrier(2): the threads of one CPU see each other's stores in order anyway. -PERM: not registered. */
export function sysMembarrier(_c: LinuxContext, lwp: Lwp): long {
  const cmd = int0(lwp);
  if (int1(lwp) !== 0) return -Errno.INVAL;
  if (cmd === MEMBARRIER_CMD_QUERY) return MEMBARRIER_COMMANDS;
  if ((cmd & ~MEMBARRIER_COMMANDS) !== 0 || (cmd & (cmd - 1)) !== 0) return -Errno.INVAL;
  const p = lwp.proc;
  p.membarriers = p.membarriers | (cmd & MEMBARRIER_REGISTER);
  return (((cmd & MEMBARRIER_PRIVATE) << 1) & ~p.membarriers) !== 0 ? -Errno.PERM : 0;
}

export function sysIoprioGet(_c: LinuxContext, lwp: Lwp): long {
  return kernIoprioGet(lwp, int0(lwp), u32(int1(lwp)));
}

export function sysIoprioSet(_c: LinuxContext, lwp: Lwp): long {
  return kernIoprioSet(lwp, int0(lwp), u32(int1(lwp)), int2(lwp));
}

/** Every number without a call. */
export function sysNosys(c: LinuxContext, lwp: Lwp): long {
  c.counters.miss(lwp.sysmsg.cmd);
  return -Errno.NOSYS;
}
