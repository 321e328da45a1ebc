/**
 * The contents of procfs's files about a process or a thread: stat, status, statm, maps, limits, ...
 *
 * Key type `ProcessFiles`. Neighbours: `procfs.ts`, `source.ts` (the numbers), `mounts.ts`.
 * Invariant: formats are those of Linux to the byte where programs parse them. Source: proc(5), Linux fs/proc/array.c, task_mmu.c.
 */
import { Errno, TextBuilder, longDiv, toLong, u32, type i32, type long } from "@anax/portable";
import { NcHandle } from "../namecache";
import { devMajor, devMinor } from "../stat";
import type { Vfs } from "../vfs";
import {
  PK_CWD,
  PK_EXE,
  PK_FDINFOS,
  PK_FDS,
  PK_PROCESS,
  PK_ROOT_LINK,
  PK_TASKS,
  type EntryMaker,
  type ProcEntry,
} from "./entry";
import { escaped, hexLong, hexPair, kib, ticks } from "./format";
import { mountinfo, mounts } from "./mounts";
import {
  FdInfo,
  LIMIT_INFINITY,
  MapInfo,
  PROC_ROOT,
  PW_COMM,
  PW_OOM_SCORE_ADJ,
  ProcInfo,
  type ProcSource,
} from "./source";

const STAT: i32 = PK_PROCESS;
const STATUS: i32 = PK_PROCESS + 1;
const STATM: i32 = PK_PROCESS + 2;
const CMDLINE: i32 = PK_PROCESS + 3;
const COMM: i32 = PK_PROCESS + 4;
const ENVIRON: i32 = PK_PROCESS + 5;
const MAPS: i32 = PK_PROCESS + 6;
const SMAPS: i32 = PK_PROCESS + 7;
const MOUNTS: i32 = PK_PROCESS + 8;
const MOUNTINFO: i32 = PK_PROCESS + 9;
const LIMITS: i32 = PK_PROCESS + 10;
const WCHAN: i32 = PK_PROCESS + 11;
const OOM_SCORE: i32 = PK_PROCESS + 12;
const OOM_SCORE_ADJ: i32 = PK_PROCESS + 13;
const IO: i32 = PK_PROCESS + 14;
const CGROUP: i32 = PK_PROCESS + 15;

/** Column at which the name of a map entry starts. */
const MAP_NAME_COLUMN: i32 = 73;
/** Long texts are made in pieces of about this many bytes: the kernel heap has no room for all of one. */
const PIECE: i32 = 16384;
/** Most supplementary groups shown. */
const GROUPS_SHOWN: i32 = 2048;
const LIMIT_COUNT: i32 = 16;
/** CapBnd of a system without file capabilities: capabilities 0 to 40. */
const CAPS_HI: u32 = 0x1ff;
const CAPS_LO: u32 = 0xffffffff;

/** Makes the texts. Owned by the file system. */
export class ProcessFiles {
  readonly info: ProcInfo = new ProcInfo();
  /** See `generate`. */
  cursor: long = 0;
  private readonly map: MapInfo = new MapInfo();
  private readonly fdInfo: FdInfo = new FdInfo();
  private readonly root: NcHandle = new NcHandle();
  private readonly line: TextBuilder = new TextBuilder(256);
  private readonly path: Uint8Array = new Uint8Array(4110);

  constructor(
    private readonly vfs: Vfs,
    private readonly source: ProcSource,
  ) {}

  /** Enters the names of a process's directory, or of a thread's. */
  addTo(dir: ProcEntry, make: EntryMaker, thread: boolean): void {
    make.file(dir, "stat", STAT, 0o444);
    make.file(dir, "status", STATUS, 0o444);
    make.file(dir, "statm", STATM, 0o444);
    make.file(dir, "cmdline", CMDLINE, 0o444);
    make.file(dir, "comm", COMM, 0o644);
    make.file(dir, "environ", ENVIRON, 0o400);
    make.file(dir, "maps", MAPS, 0o444);
    make.file(dir, "smaps", SMAPS, 0o444);
    make.file(dir, "mounts", MOUNTS, 0o444);
    make.file(dir, "mountinfo", MOUNTINFO, 0o444);
    make.file(dir, "limits", LIMITS, 0o444);
    make.file(dir, "wchan", WCHAN, 0o444);
    make.file(dir, "oom_score", OOM_SCORE, 0o444);
    make.file(dir, "oom_score_adj", OOM_SCORE_ADJ, 0o644);
    make.file(dir, "io", IO, 0o400);
    make.file(dir, "cgroup", CGROUP, 0o444);
    make.link(dir, "exe", PK_EXE);
    make.link(dir, "cwd", PK_CWD);
    make.link(dir, "root", PK_ROOT_LINK);
    make.dir(dir, "fd", PK_FDS, 0o500);
    make.dir(dir, "fdinfo", PK_FDINFOS, 0o500);
    if (!thread) make.dir(dir, "task", PK_TASKS, 0o555);
  }

  /** Files that show memory or open files: only for who may trace the process. */
  isPrivate(kind: i32): boolean {
    return kind === MAPS || kind === SMAPS || kind === ENVIRON || kind === IO;
  }

  /**
   * Appends a text, or a piece of a long one from `cursor` on (0 at first); `cursor` is then where the next piece starts, -1 behind the
   * last. `tid` 0: the process as a whole. 0, -SRCH, -errno.
   */
  generate(kind: i32, pid: i32, tid: i32, out: TextBuilder): i32 {
    if (kind === CMDLINE || kind === ENVIRON) return this.strings(kind, pid, out);
    if (kind === MAPS || kind === SMAPS) return this.maps(pid, kind === SMAPS, out);
    this.cursor = -1;
    const info = this.info;
    if (!this.source.fill(pid, tid, info)) return -Errno.SRCH;
    switch (kind) {
      case STAT:
        this.stat(out);
        return 0;
      case STATUS:
        this.status(out);
        return 0;
      case STATM:
        out.num(pages(info.vsize)).byte(32).num(info.rssPages).byte(32);
        out
          .num(info.rssFilePages + info.rssShmemPages)
          .byte(32)
          .num(pages(info.textSize));
        out
          .str(" 0 ")
          .num(pages(info.dataSize + info.stackSize))
          .str(" 0\n");
        return 0;
      case COMM:
        out.raw(info.comm, 0, info.commLen).byte(10);
        return 0;
      case MOUNTS:
      case MOUNTINFO:
        if (this.source.handle(pid, PROC_ROOT, this.root) !== 0) return -Errno.INVAL;
        if (kind === MOUNTS) mounts(out, this.vfs, this.root, this.line, this.path);
        else mountinfo(out, this.vfs, this.root, this.line, this.path);
        this.root.clear();
        return 0;
      case LIMITS:
        this.limits(pid, out);
        return 0;
      case WCHAN:
        out.str(info.wchan);
        return 0;
      case OOM_SCORE:
        out.num(info.oomScore).byte(10);
        return 0;
      case OOM_SCORE_ADJ:
        out.num(info.oomScoreAdj).byte(10);
        return 0;
      case IO:
        out.str("rchar: ").num(info.readBytes).str("\nwchar: ").num(info.writtenBytes);
        out.str("\nsyscr: ").num(info.readCalls).str("\nsyscw: ").num(info.writeCalls);
        out.str("\nread_bytes: 0\nwrite_bytes: 0\ncancelled_write_bytes: 0\n");
        return 0;
      case CGROUP:
        out.str("0::/\n");
        return 0;
      default:
        return -Errno.IO;
    }
  }

  /** What a program writes. 0 or -errno. */
  write(kind: i32, pid: i32, tid: i32, buf: Uint8Array, off: i32, len: i32): i32 {
    if (kind === COMM) return this.source.writeProcess(pid, tid, PW_COMM, buf, off, len);
    if (kind === OOM_SCORE_ADJ) return this.source.writeProcess(pid, tid, PW_OOM_SCORE_ADJ, buf, off, len);
    return -Errno.ACCES;
  }

  /** /proc/PID/fdinfo/N. */
  fdinfo(pid: i32, fd: i32, out: TextBuilder): i32 {
    const f = this.fdInfo;
    if (!this.source.fd(pid, fd, f)) return -Errno.NOENT;
    const mount = f.handle.mount;
    out.str("pos:\t").num(f.offset).str("\nflags:\t0");
    let any = false;
    for (let shift = 30; shift >= 0; shift -= 3) {
      const d = (f.flags >> shift) & 7;
      if (d === 0 && !any && shift > 0) continue;
      any = true;
      out.byte((48 + d) | 0);
    }
    out
      .str("\nmnt_id:\t")
      .num(mount === null ? 0 : mount.id)
      .str("\nino:\t")
      .num(f.ino)
      .byte(10);
    if (f.pid !== 0) out.str("Pid:\t").num(f.pid).str("\nNSpid:\t").num(f.pid).byte(10);
    f.handle.clear();
    f.file = null;
    return 0;
  }

  private stat(out: TextBuilder): void {
    const p = this.info;
    out.num(p.tid).str(" (").raw(p.comm, 0, p.commLen).str(") ").byte(p.state);
    out.byte(32).num(p.ppid).byte(32).num(p.pgrp).byte(32).num(p.session);
    out.byte(32).num(p.ttyDev).byte(32).num(p.ttyPgrp).str(" 0 ");
    out.num(p.minFaults).byte(32).num(p.childMinFaults).byte(32).num(p.majFaults).byte(32).num(p.childMajFaults);
    out.byte(32).num(ticks(p.utime)).byte(32).num(ticks(p.stime));
    out.byte(32).num(ticks(p.childUtime)).byte(32).num(ticks(p.childStime));
    out.byte(32).num(p.priority).byte(32).num(p.nice).byte(32).num(p.threads).str(" 0 ");
    out.num(ticks(p.start)).byte(32).num(p.vsize).byte(32).num(p.rssPages).byte(32);
    if (p.rssLimit === LIMIT_INFINITY) out.str("18446744073709551615");
    else out.num(p.rssLimit);
    out.byte(32).num(p.startCode).byte(32).num(p.endCode).byte(32).num(p.startStack).str(" 0 0 ");
    out
      .num(u32(p.sigPendLo & 0x7fffffff))
      .byte(32)
      .num(u32(p.sigBlockLo & 0x7fffffff))
      .byte(32);
    out
      .num(u32(p.sigIgnLo & 0x7fffffff))
      .byte(32)
      .num(u32(p.sigCatchLo & 0x7fffffff));
    out.str(p.wchan === "0" ? " 0" : " 1").str(" 0 0 ");
    out.num(p.exitSignal).byte(32).num(p.processor).byte(32).num(p.rtPriority).byte(32).num(p.policy).str(" 0 0 0 ");
    out.num(p.startData).byte(32).num(p.endData).byte(32).num(p.startBrk).byte(32);
    out.num(p.argStart).byte(32).num(p.argEnd).byte(32).num(p.envStart).byte(32).num(p.envEnd).byte(32);
    out.num(p.exitCode).byte(10);
  }

  private status(out: TextBuilder): void {
    const p = this.info;
    const c = p.cred;
    out.str("Name:\t").raw(p.comm, 0, p.commLen).str("\nUmask:\t0");
    out
      .byte(48 + ((p.umask >> 6) & 7))
      .byte(48 + ((p.umask >> 3) & 7))
      .byte(48 + (p.umask & 7));
    out.str("\nState:\t").byte(p.state).str(" (").str(stateName(p.state)).str(")\nTgid:\t").num(p.pid);
    out.str("\nNgid:\t0\nPid:\t").num(p.tid).str("\nPPid:\t").num(p.ppid).str("\nTracerPid:\t").num(p.tracer);
    out.str("\nUid:\t").num(c.uid).byte(9).num(c.euid).byte(9).num(c.suid).byte(9).num(c.fsuid);
    out.str("\nGid:\t").num(c.gid).byte(9).num(c.egid).byte(9).num(c.sgid).byte(9).num(c.fsgid);
    out.str("\nFDSize:\t").num(p.fdSize).str("\nGroups:\t");
    for (let i = 0; i < c.groups.length && i < GROUPS_SHOWN; i++) out.num(c.groups[i]).byte(32);
    out.str("\nNStgid:\t").num(p.pid).str("\nNSpid:\t").num(p.tid);
    out.str("\nNSpgid:\t").num(p.pgrp).str("\nNSsid:\t").num(p.session).byte(10);
    if (p.hasMemory) this.statusMemory(out);
    out.str("Threads:\t").num(p.threads).str("\nSigQ:\t").num(p.sigQueued).byte(47).num(p.sigQueueLimit);
    signals(out, "\nSigPnd:\t", p.sigPendHi, p.sigPendLo);
    signals(out, "\nShdPnd:\t", p.sigSharedHi, p.sigSharedLo);
    signals(out, "\nSigBlk:\t", p.sigBlockHi, p.sigBlockLo);
    signals(out, "\nSigIgn:\t", p.sigIgnHi, p.sigIgnLo);
    signals(out, "\nSigCgt:\t", p.sigCatchHi, p.sigCatchLo);
    const root = c.euid === 0;
    signals(out, "\nCapInh:\t", 0, 0);
    signals(out, "\nCapPrm:\t", root ? CAPS_HI : 0, root ? CAPS_LO : 0);
    signals(out, "\nCapEff:\t", root ? CAPS_HI : 0, root ? CAPS_LO : 0);
    signals(out, "\nCapBnd:\t", CAPS_HI, CAPS_LO);
    signals(out, "\nCapAmb:\t", 0, 0);
    out.str("\nNoNewPrivs:\t0\nSeccomp:\t0\nSeccomp_filters:\t0\nCpus_allowed:\t1\nCpus_allowed_list:\t0");
    out.str("\nMems_allowed:\t1\nMems_allowed_list:\t0\nvoluntary_ctxt_switches:\t").num(p.volSwitches);
    out.str("\nnonvoluntary_ctxt_switches:\t").num(p.involSwitches).byte(10);
  }

  private statusMemory(out: TextBuilder): void {
    const p = this.info;
    const anon: long = p.rssPages - p.rssFilePages - p.rssShmemPages;
    kib(out, "VmPeak:\t", longDiv(p.vsizePeak, 1024));
    kib(out, "VmSize:\t", longDiv(p.vsize, 1024));
    kib(out, "VmLck:\t", longDiv(p.locked, 1024));
    kib(out, "VmPin:\t", 0);
    kib(out, "VmHWM:\t", p.rssPeakPages * 4);
    kib(out, "VmRSS:\t", p.rssPages * 4);
    kib(out, "RssAnon:\t", anon * 4);
    kib(out, "RssFile:\t", p.rssFilePages * 4);
    kib(out, "RssShmem:\t", p.rssShmemPages * 4);
    kib(out, "VmData:\t", longDiv(p.dataSize, 1024));
    kib(out, "VmStk:\t", longDiv(p.stackSize, 1024));
    kib(out, "VmExe:\t", longDiv(p.textSize, 1024));
    kib(out, "VmLib:\t", longDiv(p.libSize, 1024));
    kib(out, "VmPTE:\t", longDiv(p.pageTableSize, 1024));
    kib(out, "VmSwap:\t", 0);
    kib(out, "HugetlbPages:\t", 0);
    out.str("CoreDumping:\t0\nTHP_enabled:\t0\n");
  }

  private strings(kind: i32, pid: i32, out: TextBuilder): i32 {
    let more = true;
    while (more) {
      const at: long = this.cursor;
      const n = kind === CMDLINE ? this.source.cmdline(pid, at, out) : this.source.environ(pid, at, out);
      if (n < 0) return n;
      this.cursor = n === 0 ? toLong(-1) : at + n;
      more = n > 0 && out.length < PIECE;
    }
    return 0;
  }

  private maps(pid: i32, counts: boolean, out: TextBuilder): i32 {
    if (!this.source.exists(pid, 0)) return -Errno.SRCH;
    if (this.source.handle(pid, PROC_ROOT, this.root) !== 0) this.root.copyFrom(this.vfs.root);
    const m = this.map;
    let more = true;
    while (more && out.length < PIECE) {
      more = this.source.nextMap(pid, this.cursor, counts, m);
      if (!more) break;
      this.cursor = m.end;
      this.mapLine(m, out);
      if (counts) mapCounts(m, out);
    }
    if (!more) this.cursor = -1;
    m.file.clear();
    this.root.clear();
    return 0;
  }

  private mapLine(m: MapInfo, out: TextBuilder): void {
    const from = out.length;
    hexLong(out, m.start, 8);
    out.byte(45);
    hexLong(out, m.end, 8);
    out
      .byte(32)
      .byte((m.prot & 1) !== 0 ? 114 : 45)
      .byte((m.prot & 2) !== 0 ? 119 : 45);
    out
      .byte((m.prot & 4) !== 0 ? 120 : 45)
      .byte(m.shared ? 115 : 112)
      .byte(32);
    hexLong(out, m.offset, 8);
    out
      .byte(32)
      .hex32(u32(devMajor(m.dev)), 2)
      .byte(58)
      .hex32(u32(devMinor(m.dev)), 2);
    out.byte(32).num(m.ino).byte(32);
    const named = m.file.ncp !== null || m.text.length > 0;
    if (named) {
      while (((out.length - from) | 0) < MAP_NAME_COLUMN) out.byte(32);
      if (m.file.ncp === null) out.raw(m.text.bytes, 0, m.text.length);
      else {
        const at = this.vfs.pathOf(m.file, this.root, this.path, true);
        if (at >= 0) escaped(out, this.path, at, (this.path.length - at) | 0, false);
      }
    }
    out.byte(10);
  }

  private limits(pid: i32, out: TextBuilder): void {
    out.str("Limit                     Soft Limit           Hard Limit           Units     \n");
    for (let which = 0; which < LIMIT_COUNT; which++) {
      left(out, limitName(which), 26);
      this.limit(pid, which, false, out);
      this.limit(pid, which, true, out);
      const units = limitUnits(which);
      if (units.length > 0) left(out, units, 10);
      out.byte(10);
    }
  }

  private limit(pid: i32, which: i32, hard: boolean, out: TextBuilder): void {
    const v = this.source.limit(pid, which, hard);
    const from = out.length;
    if (v === LIMIT_INFINITY) out.str("unlimited");
    else out.num(v);
    while (((out.length - from) | 0) < 21) out.byte(32);
  }
}

function pages(bytes: long): long {
  return longDiv(bytes, 4096);
}

function signals(out: TextBuilder, label: string, hi: u32, lo: u32): void {
  out.str(label);
  hexPair(out, hi, lo);
}

function left(out: TextBuilder, s: string, width: i32): void {
  out.str(s);
  for (let i = s.length; i < width; i++) out.byte(32);
}

function mapCounts(m: MapInfo, out: TextBuilder): void {
  const rss: long = longDiv(m.rss, 1024);
  const dirty: long = longDiv(m.privateDirty, 1024);
  kib(out, "Size:           ", longDiv(m.end - m.start, 1024));
  kib(out, "KernelPageSize: ", 4);
  kib(out, "MMUPageSize:    ", 4);
  kib(out, "Rss:            ", rss);
  kib(out, "Pss:            ", rss);
  kib(out, "Shared_Clean:   ", m.shared ? rss : 0);
  kib(out, "Shared_Dirty:   ", 0);
  kib(out, "Private_Clean:  ", m.shared ? 0 : rss - dirty);
  kib(out, "Private_Dirty:  ", dirty);
  kib(out, "Referenced:     ", rss);
  kib(out, "Anonymous:      ", longDiv(m.anonymous, 1024));
  kib(out, "Swap:           ", 0);
  kib(out, "SwapPss:        ", 0);
  kib(out, "Locked:         ", m.locked ? rss : 0);
  out.str("VmFlags:");
  if ((m.prot & 1) !== 0) out.str(" rd");
  if ((m.prot & 2) !== 0) out.str(" wr");
  if ((m.prot & 4) !== 0) out.str(" ex");
  if (m.shared) out.str(" sh");
  out.str(" mr mw me");
  if (m.growsDown) out.str(" gd");
  if (m.locked) out.str(" lo");
  out.byte(10);
}

function stateName(state: i32): string {
  switch (state) {
    case 82:
      return "running";
    case 83:
      return "sleeping";
    case 68:
      return "disk sleep";
    case 84:
      return "stopped";
    case 116:
      return "tracing stop";
    case 88:
      return "dead";
    case 90:
      return "zombie";
    case 73:
      return "idle";
    default:
      return "unknown";
  }
}

function limitName(which: i32): string {
  switch (which) {
    case 0:
      return "Max cpu time";
    case 1:
      return "Max file size";
    case 2:
      return "Max data size";
    case 3:
      return "Max stack size";
    case 4:
      return "Max core file size";
    case 5:
      return "Max resident set";
    case 6:
      return "Max processes";
    case 7:
      return "Max open files";
    case 8:
      return "Max locked memory";
    case 9:
      return "Max address space";
    case 10:
      return "Max file locks";
    case 11:
      return "Max pending signals";
    case 12:
      return "Max msgqueue size";
    case 13:
      return "Max nice priority";
    case 14:
      return "Max realtime priority";
    default:
      return "Max realtime timeout";
  }
}

function limitUnits(which: i32): string {
  switch (which) {
    case 0:
      return "seconds";
    case 6:
      return "processes";
    case 7:
      return "files";
    case 10:
      return "locks";
    case 11:
      return "signals";
    case 13:
    case 14:
      return "";
    case 15:
      return "us";
    default:
      return "bytes";
  }
}
