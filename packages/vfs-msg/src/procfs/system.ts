/**
 * The contents of procfs's files about the system: meminfo, stat, uptime, loadavg, version, filesystems, devices, sys/...
 *
 * Key type `SystemFiles`. Neighbours: `procfs.ts`, `source.ts` (the numbers). Source: proc(5), Linux fs/proc.
 */
import { Errno, TextBuilder, longDiv, type i32, type long } from "@anax/portable";
import type { Vfs } from "../vfs";
import { PK_SYSTEM, type EntryMaker, type ProcEntry } from "./entry";
import { kib, load, seconds, ticks } from "./format";
import {
  PT_CMDLINE,
  PT_CPUINFO,
  PT_DOMAINNAME,
  PT_HOSTNAME,
  PT_OSRELEASE,
  PT_OSTYPE,
  PT_VERSION,
  SystemInfo,
  type ProcSource,
} from "./source";

const MEMINFO: i32 = PK_SYSTEM;
const STAT: i32 = PK_SYSTEM + 1;
const UPTIME: i32 = PK_SYSTEM + 2;
const LOADAVG: i32 = PK_SYSTEM + 3;
const VERSION: i32 = PK_SYSTEM + 4;
const CMDLINE: i32 = PK_SYSTEM + 5;
const CPUINFO: i32 = PK_SYSTEM + 6;
const FILESYSTEMS: i32 = PK_SYSTEM + 7;
const DEVICES: i32 = PK_SYSTEM + 8;
const HOSTNAME: i32 = PK_SYSTEM + 9;
const DOMAINNAME: i32 = PK_SYSTEM + 10;
const OSTYPE: i32 = PK_SYSTEM + 11;
const OSRELEASE: i32 = PK_SYSTEM + 12;
const UTS_VERSION: i32 = PK_SYSTEM + 13;
const PID_MAX: i32 = PK_SYSTEM + 14;
const THREADS_MAX: i32 = PK_SYSTEM + 15;
const OVERCOMMIT: i32 = PK_SYSTEM + 16;
const UUID: i32 = PK_SYSTEM + 17;
const BOOT_ID: i32 = PK_SYSTEM + 18;
const VMSTAT: i32 = PK_SYSTEM + 19;

const SOCKETS: string =
  "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";
const SOCKETS6: string =
  "  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";

/** Makes the texts. Owned by the file system. */
export class SystemFiles {
  private readonly info: SystemInfo = new SystemInfo();
  private readonly bootId: TextBuilder = new TextBuilder(40);

  constructor(
    private readonly vfs: Vfs,
    private readonly source: ProcSource,
  ) {}

  /** Enters the names below the root. */
  addTo(root: ProcEntry, make: EntryMaker, dirKind: i32): void {
    make.file(root, "meminfo", MEMINFO, 0o444);
    make.file(root, "stat", STAT, 0o444);
    make.file(root, "uptime", UPTIME, 0o444);
    make.file(root, "loadavg", LOADAVG, 0o444);
    make.file(root, "version", VERSION, 0o444);
    make.file(root, "cmdline", CMDLINE, 0o444);
    make.file(root, "cpuinfo", CPUINFO, 0o444);
    make.file(root, "filesystems", FILESYSTEMS, 0o444);
    make.file(root, "devices", DEVICES, 0o444);
    make.file(root, "vmstat", VMSTAT, 0o444);
    make.text(root, "partitions", "major minor  #blocks  name\n\n");
    make.text(root, "swaps", "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
    make.text(root, "diskstats", "");
    make.text(root, "modules", "");
    const sys = make.dir(root, "sys", dirKind, 0o555);
    const kernel = make.dir(sys, "kernel", dirKind, 0o555);
    make.file(kernel, "hostname", HOSTNAME, 0o644);
    make.file(kernel, "domainname", DOMAINNAME, 0o644);
    make.file(kernel, "ostype", OSTYPE, 0o444);
    make.file(kernel, "osrelease", OSRELEASE, 0o444);
    make.file(kernel, "version", UTS_VERSION, 0o444);
    make.file(kernel, "pid_max", PID_MAX, 0o444);
    make.file(kernel, "threads-max", THREADS_MAX, 0o444);
    make.text(kernel, "tainted", "0\n");
    make.text(kernel, "core_pattern", "core\n");
    make.text(kernel, "ngroups_max", "65536\n");
    make.text(kernel, "cap_last_cap", "40\n");
    make.text(kernel, "shmmax", "18446744073692774399\n");
    make.text(kernel, "shmall", "18446744073692774399\n");
    make.text(kernel, "shmmni", "4096\n");
    make.text(kernel, "sem", "32000\t1024000000\t500\t32000\n");
    make.text(kernel, "msgmax", "8192\n");
    make.text(kernel, "msgmnb", "16384\n");
    make.text(kernel, "msgmni", "32000\n");
    const random = make.dir(kernel, "random", dirKind, 0o555);
    make.file(random, "uuid", UUID, 0o444);
    make.file(random, "boot_id", BOOT_ID, 0o444);
    make.text(random, "entropy_avail", "256\n");
    make.text(random, "poolsize", "256\n");
    const vm = make.dir(sys, "vm", dirKind, 0o555);
    make.file(vm, "overcommit_memory", OVERCOMMIT, 0o444);
    make.text(vm, "max_map_count", "65530\n");
    make.text(vm, "swappiness", "0\n");
    const fs = make.dir(sys, "fs", dirKind, 0o555);
    make.text(fs, "file-max", "9223372036854775807\n");
    make.text(fs, "nr_open", "1048576\n");
    make.text(fs, "pipe-max-size", "1048576\n");
    const net = make.dir(root, "net", dirKind, 0o555);
    make.text(
      net,
      "dev",
      "Inter-|   Receive                                                |  Transmit\n face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n",
    );
    make.text(net, "tcp", SOCKETS);
    make.text(net, "tcp6", SOCKETS6);
    make.text(net, "udp", SOCKETS);
    make.text(net, "udp6", SOCKETS6);
    make.text(net, "raw", SOCKETS);
    make.text(net, "raw6", SOCKETS6);
    make.text(net, "unix", "Num       RefCount Protocol Flags    Type St Inode Path\n");
    make.text(
      net,
      "route",
      "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT                                                       \n",
    );
    make.text(net, "arp", "IP address       HW type     Flags       HW address            Mask     Device\n");
  }

  generate(kind: i32, out: TextBuilder): i32 {
    switch (kind) {
      case MEMINFO:
        this.meminfo(out);
        return 0;
      case STAT:
        this.stat(out);
        return 0;
      case UPTIME:
        this.source.system(this.info);
        seconds(out, this.info.uptime);
        out.byte(32);
        seconds(out, this.info.idle);
        out.byte(10);
        return 0;
      case LOADAVG:
        this.loadavg(out);
        return 0;
      case VERSION:
        this.version(out);
        return 0;
      case CMDLINE:
        return this.line(PT_CMDLINE, out);
      case CPUINFO:
        this.source.text(PT_CPUINFO, out);
        return 0;
      case FILESYSTEMS:
        this.filesystems(out);
        return 0;
      case DEVICES:
        this.devices(out);
        return 0;
      case HOSTNAME:
        return this.line(PT_HOSTNAME, out);
      case DOMAINNAME:
        return this.line(PT_DOMAINNAME, out);
      case OSTYPE:
        return this.line(PT_OSTYPE, out);
      case OSRELEASE:
        return this.line(PT_OSRELEASE, out);
      case UTS_VERSION:
        return this.line(PT_VERSION, out);
      case PID_MAX:
        this.source.system(this.info);
        out.num(this.info.pidMax).byte(10);
        return 0;
      case THREADS_MAX:
        this.source.system(this.info);
        out.num(this.info.threadsMax).byte(10);
        return 0;
      case OVERCOMMIT:
        this.source.system(this.info);
        out.num(this.info.overcommit).byte(10);
        return 0;
      case UUID:
        this.uuid(out);
        return 0;
      case BOOT_ID:
        if (this.bootId.length === 0) this.uuid(this.bootId);
        out.raw(this.bootId.bytes, 0, this.bootId.length);
        return 0;
      case VMSTAT:
        this.vmstat(out);
        return 0;
      default:
        return -Errno.IO;
    }
  }

  /** What a program writes: the names of the machine. */
  write(kind: i32, buf: Uint8Array, off: i32, len: i32): i32 {
    let n = len;
    while (n > 0 && (buf[off + n - 1] === 10 || buf[off + n - 1] === 0)) n--;
    if (kind === HOSTNAME) return this.source.setText(PT_HOSTNAME, buf, off, n);
    if (kind === DOMAINNAME) return this.source.setText(PT_DOMAINNAME, buf, off, n);
    return -Errno.ACCES;
  }

  private line(which: i32, out: TextBuilder): i32 {
    this.source.text(which, out);
    out.byte(10);
    return 0;
  }

  private meminfo(out: TextBuilder): void {
    const i = this.info;
    this.source.system(i);
    kib(out, "MemTotal:       ", i.memTotal);
    kib(out, "MemFree:        ", i.memFree);
    kib(out, "MemAvailable:   ", i.memAvailable);
    kib(out, "Buffers:        ", i.buffers);
    kib(out, "Cached:         ", i.cached);
    kib(out, "SwapCached:     ", 0);
    kib(out, "Active:         ", i.active);
    kib(out, "Inactive:       ", i.inactive);
    kib(out, "Unevictable:    ", 0);
    kib(out, "Mlocked:        ", 0);
    kib(out, "SwapTotal:      ", i.swapTotal);
    kib(out, "SwapFree:       ", i.swapFree);
    kib(out, "Dirty:          ", i.dirty);
    kib(out, "Writeback:      ", 0);
    kib(out, "AnonPages:      ", i.anonPages);
    kib(out, "Mapped:         ", i.mapped);
    kib(out, "Shmem:          ", i.shmem);
    kib(out, "KReclaimable:   ", 0);
    kib(out, "Slab:           ", i.kernelHeap);
    kib(out, "SReclaimable:   ", 0);
    kib(out, "SUnreclaim:     ", i.kernelHeap);
    kib(out, "KernelStack:    ", 0);
    kib(out, "PageTables:     ", i.pageTables);
    kib(out, "NFS_Unstable:   ", 0);
    kib(out, "Bounce:         ", 0);
    kib(out, "WritebackTmp:   ", 0);
    kib(out, "CommitLimit:    ", i.commitLimit);
    kib(out, "Committed_AS:   ", i.committed);
    kib(out, "VmallocTotal:   ", 0);
    kib(out, "VmallocUsed:    ", 0);
    kib(out, "VmallocChunk:   ", 0);
  }

  private stat(out: TextBuilder): void {
    const i = this.info;
    this.source.system(i);
    out.str("cpu ");
    this.cpuTimes(i, out);
    // One CPU so far: its line is the sum again.
    out.str("cpu0");
    this.cpuTimes(i, out);
    out.str("intr ").num(i.interrupts).str("\nctxt ").num(i.contextSwitches);
    out.str("\nbtime ").num(i.bootTime).str("\nprocesses ").num(i.forks);
    out.str("\nprocs_running ").num(i.running).str("\nprocs_blocked ").num(i.blocked);
    out.str("\nsoftirq 0 0 0 0 0 0 0 0 0 0 0\n");
  }

  private cpuTimes(i: SystemInfo, out: TextBuilder): void {
    out.byte(32).num(ticks(i.user)).byte(32).num(ticks(i.nice)).byte(32).num(ticks(i.system));
    out.byte(32).num(ticks(i.idle)).str(" 0 ").num(ticks(i.irq)).byte(32).num(ticks(i.softirq)).str(" 0 0 0\n");
  }

  private loadavg(out: TextBuilder): void {
    const i = this.info;
    this.source.system(i);
    load(out, i.load1);
    out.byte(32);
    load(out, i.load5);
    out.byte(32);
    load(out, i.load15);
    out.byte(32).num(i.running).byte(47).num(i.threads).byte(32).num(i.lastPid).byte(10);
  }

  private version(out: TextBuilder): void {
    this.source.text(PT_OSTYPE, out);
    out.str(" version ");
    this.source.text(PT_OSRELEASE, out);
    out.str(" (anax@anax) (asc, wasm2c, cc) ");
    this.source.text(PT_VERSION, out);
    out.byte(10);
  }

  private filesystems(out: TextBuilder): void {
    const types = this.vfs.types;
    for (let i = 0; i < types.length; i++) {
      if (types[i].nodev) out.str("nodev");
      out.byte(9).str(types[i].name).byte(10);
    }
  }

  /** Majors in use, each once. */
  private devices(out: TextBuilder): void {
    out.str("Character devices:\n");
    const list = this.vfs.devices.list;
    let major: i32 = -1;
    for (;;) {
      let next: i32 = 0x7fffffff;
      for (let i = 0; i < list.length; i++) {
        const m = list[i].major;
        if (m > major && m < next) next = m;
      }
      if (next === 0x7fffffff) break;
      major = next;
      out.pad(major, 3).byte(32).str(this.driverName(major)).byte(10);
    }
    out.str("\nBlock devices:\n");
  }

  private driverName(major: i32): string {
    if (major === 1) return "mem";
    if (major === 4) return "ttyS";
    if (major === 5) return "/dev/tty";
    if (major === 10) return "misc";
    if (major >= 136 && major < 144) return "pts";
    if (major === 229) return "hvc";
    const list = this.vfs.devices.list;
    for (let i = 0; i < list.length; i++) if (list[i].major === major) return list[i].name;
    return "";
  }

  /** A random UUID of version 4 (RFC 9562). */
  private uuid(out: TextBuilder): void {
    const b = new Uint8Array(16);
    this.source.random(b, 0, 16);
    b[6] = (b[6] & 0x0f) | 0x40;
    b[8] = (b[8] & 0x3f) | 0x80;
    for (let i = 0; i < 16; i++) {
      if (i === 4 || i === 6 || i === 8 || i === 10) out.byte(45);
      out.hex32(b[i], 2);
    }
    out.byte(10);
  }

  private vmstat(out: TextBuilder): void {
    const i = this.info;
    this.source.system(i);
    out.str("nr_free_pages ").num(pages(i.memFree));
    out.str("\nnr_anon_pages ").num(pages(i.anonPages));
    out.str("\nnr_mapped ").num(pages(i.mapped));
    out.str("\nnr_file_pages ").num(pages(i.cached));
    out.str("\nnr_shmem ").num(pages(i.shmem));
    out.str("\nnr_page_table_pages ").num(pages(i.pageTables));
    out.str("\npgpgin 0\npgpgout 0\npswpin 0\npswpout 0\npgfault ").num(i.pageFaults);
    out.str("\npgmajfault ").num(i.majorFaults).byte(10);
  }
}

/** KiB to pages. */
function pages(kibs: long): long {
  return longDiv(kibs, 4);
}
