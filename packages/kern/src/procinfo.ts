/**
 * What procfs shows of the kernel: its `ProcSource`.
 *
 * Key type `KernelProcSource`. Neighbours: vfs-msg's procfs (which makes the texts of proc(5) of it). Invariant: nothing is
 * changed by looking; another process's memory is read by making it the active one for the time of a copy.
 */
import { BOOT_TSC_HZ, PAGE_SIZE } from "@anax/machine";
import { Errno, TextBuilder, fillBytes, longDiv, parseDecimal, toLong, u32, type i32, type long } from "@anax/portable";
import { CLASS_IDLE, CLASS_REALTIME } from "@anax/scheduler";
import { VME_GROWSDOWN, VME_HEAP, VME_LOCKED, VME_SHARED, VME_STACK, type VmSpace } from "@anax/vm";
import {
  LIMIT_INFINITY,
  PROC_CHUNK,
  PROC_CWD,
  PROC_EXE,
  PT_CMDLINE,
  PT_CPUINFO,
  PT_DOMAINNAME,
  PT_HOSTNAME,
  PT_OSRELEASE,
  PT_OSTYPE,
  PT_VERSION,
  PW_COMM,
  PW_OOM_SCORE_ADJ,
  ProcSource,
  type FdInfo,
  type MapInfo,
  type NcHandle,
  type ProcInfo,
  type SystemInfo,
  type Vnode,
} from "@anax/vfs-msg";
import { chargeCurrent } from "./accounting";
import { FK_EPOLL, FK_EVENT, FK_PID, FK_PIPE, FK_SIGNAL, FK_SOCKET, FK_TIMER } from "./file";
import type { Kernel } from "./kernel";
import { RLIMIT_RSS, RLIMIT_SIGPENDING, RLIM_INFINITY, RLIM_NLIMITS } from "./limits";
import { LS_SLEEP, type Lwp } from "./lwp";
import type { MappedFile } from "./mapped-file";
import { MemSeals } from "./memfd";
import { oomScore } from "./oom";
import { PID_MAX } from "./pid";
import { isThere, type PidFile } from "./pidfd";
import { SCHED_FIFO, SCHED_IDLE, SCHED_OTHER, SCHED_RR } from "./priority";
import type { Proc } from "./proc";
import { ShmName } from "./sysv-shm";
import { RELEASE, SYSNAME, UTS_LEN, VERSION } from "./system";
import { usageOf } from "./times";
import { Usage } from "./usage";

/** Where the link of a file without a name leads to. */
function unnamed(vp: Vnode, ino: long, out: TextBuilder): void {
  const special = vp.special;
  if (special !== null && special instanceof MemSeals) {
    const name = (special as MemSeals).name;
    out.str("/memfd:").raw(name, 0, name.length);
  } else out.str("/#").num(ino);
  out.str(" (deleted)");
}

export class KernelProcSource extends ProcSource {
  private readonly usage: Usage = new Usage();
  private readonly buf: Uint8Array = new Uint8Array(PROC_CHUNK);

  constructor(
    private readonly kernel: Kernel,
    /** The kernel's command line. */
    private readonly commandLine: Uint8Array,
  ) {
    super();
  }

  override currentPid(): i32 {
    const l = this.kernel.current;
    return l === null ? 0 : l.proc.pid;
  }

  override currentTid(): i32 {
    const l = this.kernel.current;
    return l === null ? 0 : l.tid;
  }

  override nextPid(after: i32): i32 {
    const p = this.kernel.pids.nextProc((after + 1) | 0);
    return p === null ? -1 : p.pid;
  }

  override nextTid(pid: i32, after: i32): i32 {
    const p = this.kernel.pids.proc(pid);
    if (p === null) return -1;
    // The main thread of a zombie is still shown.
    let best: i32 = p.lwps === null && pid > after ? pid : -1;
    let l = p.lwps;
    while (l !== null) {
      if (l.tid > after && (best < 0 || l.tid < best)) best = l.tid;
      l = l.next;
    }
    return best;
  }

  override exists(pid: i32, tid: i32): boolean {
    const p = this.kernel.pids.proc(pid);
    if (p === null) return false;
    return tid === 0 || tid === pid || this.thread(p, tid) !== null;
  }

  private thread(p: Proc, tid: i32): Lwp | null {
    const l = this.kernel.pids.lwp(tid);
    return l !== null && l.proc === p ? l : null;
  }

  override startOf(pid: i32): long {
    const p = this.kernel.pids.proc(pid);
    return p === null ? 0 : p.startTime;
  }

  override fillOwner(pid: i32, info: ProcInfo): boolean {
    const p = this.kernel.pids.proc(pid);
    if (p === null) return false;
    info.pid = pid;
    info.cred = p.cred;
    info.dumpable = p.dumpable === 1;
    return true;
  }

  override fill(pid: i32, tid: i32, info: ProcInfo): boolean {
    const p = this.kernel.pids.proc(pid);
    if (p === null) return false;
    let l: Lwp | null = p.lwps;
    if (tid !== 0) {
      l = this.thread(p, tid);
      if (l === null && tid !== pid) return false;
    }
    this.fillIdentity(p, l, tid, info);
    this.fillUsage(p, tid === 0 ? null : l, info);
    this.fillMemory(p, info);
    this.fillSignals(p, l, info);
    this.fillScheduling(l, info);
    return true;
  }

  private fillIdentity(p: Proc, l: Lwp | null, tid: i32, info: ProcInfo): void {
    info.pid = p.pid;
    info.tid = tid === 0 ? p.pid : tid;
    info.ppid = p.ppid;
    const group = p.group;
    info.pgrp = 0;
    info.session = 0;
    info.ttyDev = 0;
    info.ttyPgrp = -1;
    if (group !== null) {
      info.pgrp = group.pgid;
      info.session = group.session.sid;
      const tty = group.session.tty;
      if (tty !== null) {
        info.ttyDev = u32(tty.deviceNumber());
        const fg = tty.foregroundPgid();
        info.ttyPgrp = fg === 0 ? -1 : fg;
      }
    }
    info.state = stateOf(p, this.thread(p, tid === 0 ? p.pid : tid));
    let name = p.comm;
    if (l !== null && tid !== 0) name = l.name;
    let n: i32 = 0;
    for (let i: i32 = 0; i < 16; i++) {
      info.comm[i] = name[i];
      if (name[i] !== 0 && n === i) n = (i + 1) | 0;
    }
    info.commLen = n;
    info.cred = p.cred;
    const fs = p.fs;
    info.umask = fs === null ? 0 : fs.umask;
    const files = p.files;
    info.fdSize = files === null ? 0 : files.length;
    info.tracer = 0;
    info.threads = p.lwpCount;
    info.start = l !== null && tid !== 0 ? l.startTime : p.startTime;
    info.exitSignal = p.exitSignal;
    info.exitCode = p.exitStatus;
    info.dumpable = p.dumpable === 1;
    info.processor = 0;
    info.wchan = l !== null && l.state === LS_SLEEP ? "wait" : "0";
  }

  private fillUsage(p: Proc, l: Lwp | null, info: ProcInfo): void {
    chargeCurrent(this.kernel);
    const u = this.usage;
    usageOf(p, u);
    info.minFaults = u.minorFaults;
    info.majFaults = u.majorFaults;
    info.utime = l === null ? u.utime : l.utime;
    info.stime = l === null ? u.stime : l.stime;
    info.volSwitches = l === null ? u.voluntarySwitches : l.voluntarySwitches;
    info.involSwitches = l === null ? u.involuntarySwitches : l.involuntarySwitches;
    const c = p.childUsage;
    info.childMinFaults = c.minorFaults;
    info.childMajFaults = c.majorFaults;
    info.childUtime = c.utime;
    info.childStime = c.stime;
    info.readBytes = 0;
    info.writtenBytes = 0;
    info.readCalls = 0;
    info.writeCalls = 0;
  }

  private fillMemory(p: Proc, info: ProcInfo): void {
    const space = p.space;
    info.hasMemory = space !== null;
    info.startCode = p.startCode;
    info.endCode = p.startCode;
    info.startStack = p.startStack;
    info.argStart = p.argStart;
    info.argEnd = p.argEnd;
    info.envStart = p.envStart;
    info.envEnd = p.envEnd;
    info.startData = 0;
    info.endData = 0;
    info.oomScoreAdj = p.oomAdj;
    info.oomScore = 0;
    info.rssLimit = this.limit(p.pid, RLIMIT_RSS, false);
    if (space === null) {
      info.vsize = 0;
      info.vsizePeak = 0;
      info.locked = 0;
      info.rssPages = 0;
      info.rssPeakPages = 0;
      info.rssFilePages = 0;
      info.rssShmemPages = 0;
      info.dataSize = 0;
      info.stackSize = 0;
      info.textSize = 0;
      info.libSize = 0;
      info.pageTableSize = 0;
      info.startBrk = 0;
      return;
    }
    info.vsize = space.virtualPages * PAGE_SIZE;
    info.vsizePeak = info.vsize;
    info.locked = space.lockedPages * PAGE_SIZE;
    info.rssPages = space.residentPages;
    info.rssPeakPages = space.peakResident;
    info.rssFilePages = space.residentFile;
    info.rssShmemPages = 0;
    info.dataSize = space.dataPages * PAGE_SIZE;
    info.stackSize = space.stackPages * PAGE_SIZE;
    info.textSize = (space.virtualPages - space.dataPages - space.stackPages) * PAGE_SIZE;
    info.libSize = 0;
    info.pageTableSize = toLong(space.tablePages) * PAGE_SIZE;
    info.startBrk = space.brkStart;
    const total: long = this.kernel.pages.totalCount;
    info.oomScore = lowI32(longDiv(oomScore(this.kernel, p) * 1000, total));
  }

  private fillSignals(p: Proc, l: Lwp | null, info: ProcInfo): void {
    info.sigPendLo = l === null ? 0 : l.pending.lo;
    info.sigPendHi = l === null ? 0 : l.pending.hi;
    info.sigSharedLo = p.pending.lo;
    info.sigSharedHi = p.pending.hi;
    info.sigBlockLo = l === null ? 0 : l.maskLo;
    info.sigBlockHi = l === null ? 0 : l.maskHi;
    const hand = p.sighand;
    info.sigIgnLo = hand === null ? 0 : hand.acts.ignoredLo;
    info.sigIgnHi = hand === null ? 0 : hand.acts.ignoredHi;
    info.sigCatchLo = hand === null ? 0 : hand.acts.caughtLo;
    info.sigCatchHi = hand === null ? 0 : hand.acts.caughtHi;
    info.sigQueued = p.pending.count;
    info.sigQueueLimit = p.limits.soft.get(RLIMIT_SIGPENDING);
  }

  private fillScheduling(l: Lwp | null, info: ProcInfo): void {
    info.priority = 20;
    info.nice = 0;
    info.rtPriority = 0;
    info.policy = SCHED_OTHER;
    if (l === null) return;
    const s = l.sched;
    info.nice = s.nice;
    if (s.klass === CLASS_REALTIME) {
      info.rtPriority = s.rtPriority;
      info.priority = (-1 - s.rtPriority) | 0;
      info.policy = s.roundRobin ? SCHED_RR : SCHED_FIFO;
    } else {
      info.priority = (20 + s.nice) | 0;
      if (s.klass === CLASS_IDLE) info.policy = SCHED_IDLE;
    }
  }

  override system(info: SystemInfo): void {
    const k = this.kernel;
    chargeCurrent(k);
    const pages = k.pages;
    const available: i32 = k.vm.availablePages;
    info.memTotal = k.kib(pages.totalCount);
    info.memFree = k.kib(pages.freeCount);
    info.memAvailable = k.kib(u32(available));
    info.buffers = 0;
    info.cached = k.kib(u32(pages.activeCount + pages.inactiveCount));
    info.active = k.kib(pages.activeCount);
    info.inactive = k.kib(pages.inactiveCount);
    info.dirty = k.kib(pages.dirtyCount);
    info.anonPages = k.kib(pages.anonCount);
    info.mapped = 0;
    info.shmem = info.cached;
    info.kernelHeap = k.kib(pages.wiredCount);
    info.pageTables = k.kib(pages.tableCount);
    info.committed = info.anonPages;
    info.commitLimit = info.memTotal;
    info.swapTotal = 0;
    info.swapFree = 0;
    info.uptime = k.loopTime;
    info.user = k.userTime;
    info.nice = k.niceTime;
    info.system = k.systemTime;
    info.idle = k.idleTime;
    info.irq = 0;
    info.softirq = 0;
    info.cpus = 1;
    info.interrupts = k.interrupts;
    info.contextSwitches = k.switches;
    info.forks = k.forks;
    info.running = (k.scheduler.runnable + 1) | 0;
    info.blocked = 0;
    info.bootTime = k.clock.bootSec;
    info.load1 = lowI32(k.load.one);
    info.load5 = lowI32(k.load.five);
    info.load15 = lowI32(k.load.fifteen);
    info.threads = k.pids.lwpCount;
    info.lastPid = k.pids.lastPid;
    info.pidMax = PID_MAX;
    info.threadsMax = PID_MAX;
    info.overcommit = 1;
    info.pageFaults = k.faults;
    info.majorFaults = 0;
  }

  override text(which: i32, out: TextBuilder): void {
    const k = this.kernel;
    if (which === PT_CMDLINE) out.raw(this.commandLine, 0, this.commandLine.length);
    else if (which === PT_HOSTNAME) putName(out, k.hostname);
    else if (which === PT_DOMAINNAME) putName(out, k.domainname);
    else if (which === PT_OSTYPE) out.str(SYSNAME);
    else if (which === PT_OSRELEASE) out.str(RELEASE);
    else if (which === PT_VERSION) out.str(VERSION);
    else if (which === PT_CPUINFO) this.putCpu(out);
  }

  private putCpu(out: TextBuilder): void {
    const hz: long = this.kernel.machine.bootParam(BOOT_TSC_HZ);
    const khz: long = longDiv(hz, 1000);
    const mhz: long = longDiv(khz, 1000);
    out.str("processor\t: 0\nvendor_id\t: unknown\ncpu family\t: 6\nmodel\t\t: 0\nmodel name\t: x86-64\ncpu MHz\t\t: ");
    out.num(mhz).byte(46);
    const part: long = khz - mhz * 1000;
    if (part < 100) out.byte(48);
    if (part < 10) out.byte(48);
    out.num(part).str("\nphysical id\t: 0\nsiblings\t: 1\ncore id\t\t: 0\ncpu cores\t: 1\nfpu\t\t: yes\n");
    out.str("flags\t\t: fpu tsc msr pae cx8 apic cmov mmx fxsr sse sse2 syscall nx lm\nbogomips\t: ");
    out.num(mhz * 2).str(".00\n\n");
  }

  override setText(which: i32, buf: Uint8Array, off: i32, len: i32): i32 {
    const k = this.kernel;
    if (len < 0 || len >= UTS_LEN) return -Errno.INVAL;
    let name = k.hostname;
    if (which === PT_DOMAINNAME) name = k.domainname;
    else if (which !== PT_HOSTNAME) return -Errno.ACCES;
    fillBytes(name, 0, UTS_LEN, 0);
    for (let i: i32 = 0; i < len; i++) name[i] = buf[off + i];
    return 0;
  }

  override cmdline(pid: i32, from: long, out: TextBuilder): i32 {
    const p = this.kernel.pids.proc(pid);
    if (p === null) return -Errno.SRCH;
    return this.copyStrings(p, p.argStart + from, p.argEnd, out);
  }

  override environ(pid: i32, from: long, out: TextBuilder): i32 {
    const p = this.kernel.pids.proc(pid);
    if (p === null) return -Errno.SRCH;
    return this.copyStrings(p, p.envStart + from, p.envEnd, out);
  }

  /** At most a chunk of a process's memory, as far as it is there: bytes appended. */
  private copyStrings(p: Proc, from: long, to: long, out: TextBuilder): i32 {
    const space = p.space;
    if (space === null || from >= to) return 0;
    const back: VmSpace | null = this.kernel.vm.active;
    space.activate();
    let n: i32 = PROC_CHUNK;
    if (to - from < n) n = lowI32(to - from);
    const r = space.copyin(from, this.buf, 0, n);
    if (r === 0) out.raw(this.buf, 0, n);
    if (back !== null) back.activate();
    return r === 0 ? n : 0;
  }

  override handle(pid: i32, which: i32, out: NcHandle): i32 {
    const p = this.kernel.pids.proc(pid);
    if (p === null) return -Errno.SRCH;
    if (which === PROC_EXE) {
      if (p.exe.ncp === null) return -Errno.NOENT;
      out.copyFrom(p.exe);
      return 0;
    }
    const fs = p.fs;
    if (fs === null) return -Errno.NOENT;
    out.copyFrom(which === PROC_CWD ? fs.cwd : fs.root);
    return 0;
  }

  override nextFd(pid: i32, after: i32): i32 {
    const p = this.kernel.pids.proc(pid);
    if (p === null) return -1;
    const files = p.files;
    if (files === null) return -1;
    for (let fd: i32 = (after + 1) | 0; fd < files.length; fd++) if (files.get(fd) !== null) return fd;
    return -1;
  }

  override fd(pid: i32, fd: i32, out: FdInfo): boolean {
    const p = this.kernel.pids.proc(pid);
    if (p === null) return false;
    const files = p.files;
    const l = p.lwps;
    if (files === null || l === null) return false;
    const file = files.get(fd);
    if (file === null) return false;
    out.file = file;
    out.flags = file.flags;
    out.offset = file.offset;
    out.pid = 0;
    out.text.clear();
    out.handle.clear();
    const st = this.kernel.fc.st;
    st.ino = 0;
    file.stat(st, l);
    out.ino = st.ino;
    const h = file.handle;
    if (h !== null && h.ncp !== null) {
      out.handle.copyFrom(h);
      return true;
    }
    switch (file.kind) {
      case FK_PIPE:
        out.text.str("pipe:[").num(st.ino).str("]");
        break;
      case FK_SOCKET:
        out.text.str("socket:[").num(st.ino).str("]");
        break;
      case FK_EVENT:
        out.text.str("anon_inode:[eventfd]");
        break;
      case FK_EPOLL:
        out.text.str("anon_inode:[eventpoll]");
        break;
      case FK_TIMER:
        out.text.str("anon_inode:[timerfd]");
        break;
      case FK_SIGNAL:
        out.text.str("anon_inode:[signalfd]");
        break;
      case FK_PID: {
        const owner = (file as PidFile).proc;
        out.text.str("anon_inode:[pidfd]");
        out.pid = isThere(owner) ? owner.pid : -1;
        break;
      }
      default: {
        const vp = file.vnode;
        if (vp !== null) unnamed(vp, st.ino, out.text);
        else out.text.str("anon_inode:[file]");
      }
    }
    return true;
  }

  override nextMap(pid: i32, after: long, counts: boolean, out: MapInfo): boolean {
    const p = this.kernel.pids.proc(pid);
    if (p === null) return false;
    const space = p.space;
    if (space === null) return false;
    let i: i32 = 0;
    let above: i32 = space.entryCount;
    while (i < above) {
      const mid: i32 = (i + above) >> 1;
      if (space.entryAt(mid).end <= after) i = (mid + 1) | 0;
      else above = mid;
    }
    if (i >= space.entryCount) return false;
    const e = space.entryAt(i);
    out.start = e.start;
    out.end = e.end;
    out.prot = e.prot;
    out.shared = (e.flags & VME_SHARED) !== 0;
    out.growsDown = (e.flags & VME_GROWSDOWN) !== 0;
    out.locked = (e.flags & VME_LOCKED) !== 0;
    out.file.clear();
    out.dev = 0;
    out.ino = 0;
    out.text.clear();
    out.offset = 0;
    const object = e.object;
    if (object !== null) {
      out.offset = e.offset;
      const name = object.name;
      if (name !== null && name instanceof ShmName) {
        const segment = (name as ShmName).segment;
        out.ino = segment.id < 0 ? 0 : segment.id;
        out.text.str("/SYSV").hex32(u32(segment.key), 8).str(" (deleted)");
      } else if (name !== null) {
        const mapped = name as MappedFile;
        out.dev = mapped.vp.mount.dev;
        out.ino = mapped.vp.ino;
        if (mapped.handle.ncp !== null) out.file.copyFrom(mapped.handle);
        else unnamed(mapped.vp, out.ino, out.text);
      } else if (out.shared) out.text.str("/dev/zero (deleted)");
    } else if ((e.flags & VME_HEAP) !== 0) out.text.str("[heap]");
    else if ((e.flags & VME_STACK) !== 0) out.text.str("[stack]");
    out.rss = 0;
    out.anonymous = 0;
    out.privateDirty = 0;
    if (counts) {
      out.rss = toLong(space.residentOf(e)) * PAGE_SIZE;
      if (object === null) {
        out.anonymous = out.rss;
        out.privateDirty = out.rss;
      }
    }
    return true;
  }

  override limit(pid: i32, which: i32, hard: boolean): long {
    const p = this.kernel.pids.proc(pid);
    if (p === null || which < 0 || which >= RLIM_NLIMITS) return LIMIT_INFINITY;
    const v: long = hard ? p.limits.hard.get(which) : p.limits.soft.get(which);
    return v >= RLIM_INFINITY ? LIMIT_INFINITY : v;
  }

  override writeProcess(pid: i32, tid: i32, which: i32, buf: Uint8Array, off: i32, len: i32): i32 {
    const p = this.kernel.pids.proc(pid);
    if (p === null) return -Errno.SRCH;
    if (which === PW_COMM) {
      let name = p.comm;
      if (tid !== 0 && tid !== pid) {
        const l = this.thread(p, tid);
        if (l === null) return -Errno.SRCH;
        name = l.name;
      }
      for (let i: i32 = 0; i < 16; i++) name[i] = i < 15 && i < len && buf[off + i] !== 10 ? buf[off + i] : 0;
      return 0;
    }
    return which === PW_OOM_SCORE_ADJ ? this.setOomAdj(p, buf, off, len) : -Errno.INVAL;
  }

  private setOomAdj(p: Proc, buf: Uint8Array, off: i32, len: i32): i32 {
    const minus = len > 0 && buf[off] === 45;
    const skip: i32 = minus ? 1 : 0;
    const n = parseDecimal(buf, (off + skip) | 0, (len - skip) | 0);
    if (n < 0 || n > 1000) return -Errno.INVAL;
    const adj: i32 = minus ? -n | 0 : n;
    const l = this.kernel.current;
    if (adj < p.oomAdj && l !== null && l.proc.cred.euid !== 0) return -Errno.ACCES;
    p.oomAdj = adj;
    return 0;
  }

  override random(buf: Uint8Array, off: i32, len: i32): void {
    this.kernel.random.fill(buf, off, len);
  }
}

/**
 * The letter of the state of a thread, for a process its first one: Z zombie, T stopped, R runnable, D sleeping out of reach of
 * signals, S sleeping. `l` null: that thread has ended.
 */
function stateOf(p: Proc, l: Lwp | null): i32 {
  if (p.zombie || l === null) return 90;
  if (p.stopped) return 84;
  if (l.state !== LS_SLEEP) return 82;
  return l.uninterruptible ? 68 : 83;
}

function putName(out: TextBuilder, name: Uint8Array): void {
  let n: i32 = 0;
  while (n < name.length && name[n] !== 0) n++;
  out.raw(name, 0, n);
}

function lowI32(v: long): i32 {
  return u32(v) | 0;
}
