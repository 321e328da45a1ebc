/**
 * What procfs asks the kernel: plain numbers and handles. The formats of proc(5) are made in this folder, not by kern.
 *
 * Key types `ProcSource` (implemented by kern), `ProcInfo`, `SystemInfo`, `MapInfo`, `FdInfo` (filled by it, reused), `ProcFile`
 * (an extra file by name). Neighbours: `procfs.ts`. Invariant: a fill sets every field it documents; getters change nothing.
 * Source: proc(5).
 */
import { Errno, TextBuilder, type i32, type long, type u32 } from "@anax/portable";
import { Cred } from "../cred";
import { NcHandle } from "../namecache";
import type { OpenFile } from "../nlookup";

/** `ProcSource#handle`: /proc/PID/exe, cwd, root. */
export const PROC_EXE: i32 = 0;
export const PROC_CWD: i32 = 1;
export const PROC_ROOT: i32 = 2;

/** `ProcSource#text`: what is a text of the kernel's own. No newline at the end, but for PT_CPUINFO, which is the whole file. */
export const PT_CMDLINE: i32 = 0;
export const PT_HOSTNAME: i32 = 1;
export const PT_DOMAINNAME: i32 = 2;
/** uname -s, -r, -v. */
export const PT_OSTYPE: i32 = 3;
export const PT_OSRELEASE: i32 = 4;
export const PT_VERSION: i32 = 5;
export const PT_CPUINFO: i32 = 6;

/** `ProcSource#writeProcess`: files below /proc/PID that can be written. */
export const PW_COMM: i32 = 0;
export const PW_OOM_SCORE_ADJ: i32 = 1;

/** Most bytes of arguments or environment asked for at once. */
export const PROC_CHUNK: i32 = 4096;

/** A limit that is none. */
export const LIMIT_INFINITY: long = -1;

/** One process, or one thread of it. Times are ns, sizes bytes unless the name says pages. */
export class ProcInfo {
  pid: i32 = 0;
  tid: i32 = 0;
  ppid: i32 = 0;
  pgrp: i32 = 0;
  session: i32 = 0;
  /** Device number of the controlling terminal, 0 for none; its foreground group, -1 for none. */
  ttyDev: u32 = 0;
  ttyPgrp: i32 = -1;
  /** Character code: R S D T t Z X I. */
  state: i32 = 83;
  comm: Uint8Array = new Uint8Array(16);
  commLen: i32 = 0;
  cred: Cred = new Cred();
  umask: i32 = 0o22;
  /** Slots of the descriptor table. */
  fdSize: i32 = 64;
  tracer: i32 = 0;
  /** A process without an address space (kernel thread or zombie): no memory lines in status. */
  hasMemory: boolean = true;
  minFaults: long = 0;
  childMinFaults: long = 0;
  majFaults: long = 0;
  childMajFaults: long = 0;
  utime: long = 0;
  stime: long = 0;
  childUtime: long = 0;
  childStime: long = 0;
  /** Column 18 of stat: 20 + nice, or -1 - rtPriority. */
  priority: i32 = 20;
  nice: i32 = 0;
  threads: i32 = 1;
  /** Since boot. */
  start: long = 0;
  vsize: long = 0;
  vsizePeak: long = 0;
  locked: long = 0;
  rssPages: long = 0;
  rssPeakPages: long = 0;
  /** Of rssPages: file-backed, shared memory. */
  rssFilePages: long = 0;
  rssShmemPages: long = 0;
  /** Private writable, stack, program text, shared libraries, page tables. */
  dataSize: long = 0;
  stackSize: long = 0;
  textSize: long = 0;
  libSize: long = 0;
  pageTableSize: long = 0;
  rssLimit: long = LIMIT_INFINITY;
  startCode: long = 0;
  endCode: long = 0;
  startStack: long = 0;
  startData: long = 0;
  endData: long = 0;
  startBrk: long = 0;
  argStart: long = 0;
  argEnd: long = 0;
  envStart: long = 0;
  envEnd: long = 0;
  /** Signal sets in halves: pending (thread, process), blocked, ignored, caught; queued signals and their limit. */
  sigPendLo: u32 = 0;
  sigPendHi: u32 = 0;
  sigSharedLo: u32 = 0;
  sigSharedHi: u32 = 0;
  sigBlockLo: u32 = 0;
  sigBlockHi: u32 = 0;
  sigIgnLo: u32 = 0;
  sigIgnHi: u32 = 0;
  sigCatchLo: u32 = 0;
  sigCatchHi: u32 = 0;
  sigQueued: i32 = 0;
  sigQueueLimit: long = 0;
  /** What it sleeps on; "0" when it does not. */
  wchan: string = "0";
  exitSignal: i32 = 17;
  processor: i32 = 0;
  rtPriority: i32 = 0;
  /** SCHED_*. */
  policy: i32 = 0;
  exitCode: i32 = 0;
  oomScore: i32 = 0;
  oomScoreAdj: i32 = 0;
  volSwitches: long = 0;
  involSwitches: long = 0;
  /** Others than its user and root may look into it. */
  dumpable: boolean = true;
  /** Bytes that read and write calls moved, and their number, for /proc/PID/io. */
  readBytes: long = 0;
  writtenBytes: long = 0;
  readCalls: long = 0;
  writeCalls: long = 0;
}

/** The system as a whole. Memory in KiB, times in ns. */
export class SystemInfo {
  memTotal: long = 0;
  memFree: long = 0;
  memAvailable: long = 0;
  buffers: long = 0;
  cached: long = 0;
  active: long = 0;
  inactive: long = 0;
  dirty: long = 0;
  anonPages: long = 0;
  mapped: long = 0;
  shmem: long = 0;
  kernelHeap: long = 0;
  pageTables: long = 0;
  committed: long = 0;
  commitLimit: long = 0;
  swapTotal: long = 0;
  swapFree: long = 0;
  uptime: long = 0;
  user: long = 0;
  nice: long = 0;
  system: long = 0;
  idle: long = 0;
  irq: long = 0;
  softirq: long = 0;
  cpus: i32 = 1;
  interrupts: long = 0;
  contextSwitches: long = 0;
  forks: long = 0;
  running: i32 = 0;
  blocked: i32 = 0;
  /** Seconds since 1970. */
  bootTime: long = 0;
  /** Load averages of 1, 5 and 15 minutes, times 2048. */
  load1: i32 = 0;
  load5: i32 = 0;
  load15: i32 = 0;
  /** Threads in all, and the last pid that was given. */
  threads: i32 = 0;
  lastPid: i32 = 0;
  pidMax: i32 = 32768;
  threadsMax: i32 = 0;
  overcommit: i32 = 0;
  pageFaults: long = 0;
  majorFaults: long = 0;
}

/** One map entry. Sizes in bytes. */
export class MapInfo {
  start: long = 0;
  end: long = 0;
  /** PROT_*. */
  prot: i32 = 0;
  shared: boolean = false;
  offset: long = 0;
  /** File behind it; an empty handle for none. */
  readonly file: NcHandle = new NcHandle();
  dev: u32 = 0;
  ino: long = 0;
  /** `[heap]`, `[stack]`, a file without a name, or empty. */
  readonly text: TextBuilder = new TextBuilder(64);
  rss: long = 0;
  anonymous: long = 0;
  privateDirty: long = 0;
  growsDown: boolean = false;
  locked: boolean = false;
}

/** One open descriptor. */
export class FdInfo {
  /** Name it was opened by; empty for pipes, sockets and the like. */
  readonly handle: NcHandle = new NcHandle();
  /** Without a name: what readlink shows (`pipe:[12]`). */
  readonly text: TextBuilder = new TextBuilder(64);
  file: OpenFile | null = null;
  /** O_*. */
  flags: i32 = 0;
  offset: long = 0;
  ino: long = 0;
  /** The process that a pidfd is of: -1 when it is gone, 0 for other files. */
  pid: i32 = 0;
}

/** An extra file of procfs, registered by path with `ProcFs#addFile`. Owned by who registered it. */
export abstract class ProcFile {
  /** Permission bits. */
  mode: i32 = 0o444;
  /** Where the contents are to start: 0, or what the piece before left in `next`. */
  cursor: long = 0;
  /** For contents that are made in pieces: where the next one starts. It is -1, the end, unless `generate` sets it. */
  next: long = -1;

  /** Appends the contents, or a piece of them. 0 or -errno. */
  abstract generate(out: TextBuilder): i32;

  /** Takes what was written in one call. 0 or -errno. */
  write(_buf: Uint8Array, _off: i32, _len: i32): i32 {
    return -Errno.ACCES;
  }
}

/** The kernel as procfs sees it. Process ids and thread ids are those of the reader's system. */
export abstract class ProcSource {
  /** The caller of the system call that is running; 0 when there is none. */
  abstract currentPid(): i32;
  abstract currentTid(): i32;

  /** The lowest pid above `after`, or -1. */
  abstract nextPid(after: i32): i32;
  /** The lowest tid above `after` of the process, or -1. */
  abstract nextTid(pid: i32, after: i32): i32;
  /** Whether the process (and the thread, when `tid` is not 0) exists. */
  abstract exists(pid: i32, tid: i32): boolean;
  /** Start time of a process in ns since boot: with the pid it names a process for good. */
  abstract startOf(pid: i32): long;
  /** Fills `info` with the process's sums (`tid` 0) or one thread. False when it is gone. */
  abstract fill(pid: i32, tid: i32, info: ProcInfo): boolean;
  /** Only pid, cred and dumpable of `info`: cheap, asked for each look-up below /proc/PID. False when it is gone. */
  abstract fillOwner(pid: i32, info: ProcInfo): boolean;

  abstract system(info: SystemInfo): void;
  /** PT_*. */
  abstract text(which: i32, out: TextBuilder): void;
  /** Sets PT_HOSTNAME or PT_DOMAINNAME. 0 or -errno. */
  abstract setText(which: i32, buf: Uint8Array, off: i32, len: i32): i32;

  /**
   * Appends at most PROC_CHUNK bytes of the arguments (of the environment), as they are in the process's memory, from byte `from`
   * on. Bytes appended, 0 at the end, -errno.
   */
  abstract cmdline(pid: i32, from: long, out: TextBuilder): i32;
  abstract environ(pid: i32, from: long, out: TextBuilder): i32;
  /** PROC_EXE, PROC_CWD, PROC_ROOT. 0, -NOENT, -SRCH. */
  abstract handle(pid: i32, which: i32, out: NcHandle): i32;
  /** The lowest descriptor above `after`, or -1. */
  abstract nextFd(pid: i32, after: i32): i32;
  abstract fd(pid: i32, fd: i32, out: FdInfo): boolean;
  /** The first map entry that ends above `after`. False when there is none. `rss` and `anonymous` only when `counts`. */
  abstract nextMap(pid: i32, after: long, counts: boolean, out: MapInfo): boolean;
  /** RLIMIT_*: soft or hard; LIMIT_INFINITY. */
  abstract limit(pid: i32, which: i32, hard: boolean): long;
  /** PW_*. 0 or -errno. */
  abstract writeProcess(pid: i32, tid: i32, which: i32, buf: Uint8Array, off: i32, len: i32): i32;
  /** Random bytes for sys/kernel/random. */
  abstract random(buf: Uint8Array, off: i32, len: i32): void;
}
