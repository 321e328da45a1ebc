import { Errno, TextBuilder, bytesOf, stringOf } from "@anax/portable";
import {
  Cred,
  LIMIT_INFINITY,
  NLC_FOLLOW,
  NcHandle,
  OpenFile,
  PROC_CHUNK,
  PROC_CWD,
  PROC_EXE,
  PROC_ROOT,
  PT_CMDLINE,
  PT_HOSTNAME,
  PT_OSRELEASE,
  PT_OSTYPE,
  PT_VERSION,
  ProcFile,
  ProcFs,
  ProcSource,
  type FdInfo,
  type MapInfo,
  type ProcInfo,
  type Stat,
  type SystemInfo,
} from "@anax/vfs-msg";
import { beforeEach, describe, expect, test } from "vitest";
import { World } from "./world";

class Pipe extends OpenFile {}

interface FakeProc {
  pid: number;
  start: number;
  uid: number;
  comm: string;
  args: string;
  cwd: NcHandle;
  exe: NcHandle;
  fds: Map<number, NcHandle | Pipe>;
  tids: number[];
}

/** A kernel of plain objects. */
class FakeSource extends ProcSource {
  readonly procs = new Map<number, FakeProc>();
  current = 1;
  host = "anax";
  readonly comms: string[] = [];
  manyMaps = 0;

  constructor(readonly w: World) {
    super();
  }

  spawn(pid: number, comm: string, uid = 0): FakeProc {
    const p: FakeProc = {
      pid,
      start: pid * 1e9 + this.procs.size * 1e7,
      uid,
      comm,
      args: `${comm}\0-x\0`,
      cwd: this.handleOf("/"),
      exe: this.handleOf("/bin/" + comm),
      fds: new Map(),
      tids: [pid],
    };
    this.procs.set(pid, p);
    return p;
  }

  handleOf(path: string): NcHandle {
    const nd = this.w.nd(path, NLC_FOLLOW);
    const h = new NcHandle();
    if (this.w.vfs.lookup(nd) === 0) nd.into(h);
    return h;
  }

  currentPid = (): number => this.current;
  currentTid = (): number => this.current;
  nextPid = (after: number): number => Math.min(...[...this.procs.keys()].filter((p) => p > after), 1e9) % 1e9 || -1;
  nextTid = (pid: number, after: number): number => this.procs.get(pid)?.tids.find((t) => t > after) ?? -1;
  exists = (pid: number, tid: number): boolean => {
    const p = this.procs.get(pid);
    return p !== undefined && (tid === 0 || p.tids.includes(tid));
  };
  startOf = (pid: number): number => this.procs.get(pid)?.start ?? 0;

  fill(pid: number, tid: number, i: ProcInfo): boolean {
    const p = this.procs.get(pid);
    if (p === undefined) return false;
    i.pid = pid;
    i.tid = tid || pid;
    i.ppid = 1;
    i.pgrp = pid;
    i.session = 1;
    i.ttyDev = 0x8800;
    i.ttyPgrp = pid;
    i.comm.set(bytesOf(p.comm));
    i.commLen = p.comm.length;
    i.cred = Cred.of(p.uid, p.uid);
    i.cred.groups = Uint32Array.of(4, 20);
    i.utime = 1_230_000_000;
    i.stime = 40_000_000;
    i.start = p.start;
    i.vsize = 5 * 4096;
    i.vsizePeak = 6 * 4096;
    i.rssPages = 3;
    i.rssFilePages = 1;
    i.threads = p.tids.length;
    i.sigIgnLo = 0x1000;
    i.sigCatchHi = 0x8;
    i.startCode = 0x400000;
    i.argStart = 0x7fff00001000;
    i.volSwitches = 7;
    return true;
  }

  fillOwner(pid: number, i: ProcInfo): boolean {
    const p = this.procs.get(pid);
    if (p === undefined) return false;
    i.pid = pid;
    i.cred = Cred.of(p.uid, p.uid);
    i.dumpable = true;
    return true;
  }

  system(i: SystemInfo): void {
    i.memTotal = 262144;
    i.memFree = 1234;
    i.uptime = 12_345_678_901;
    i.idle = 9_000_000_000;
    i.user = 1_000_000_000;
    i.load1 = 2048 + 1024;
    i.running = 1;
    i.threads = 9;
    i.lastPid = 77;
    i.forks = 88;
    i.bootTime = 1_700_000_000;
  }

  text(which: number, out: TextBuilder): void {
    const texts = new Map([
      [PT_CMDLINE, "console=ttyS0"],
      [PT_HOSTNAME, this.host],
      [PT_OSTYPE, "Anax"],
      [PT_OSRELEASE, "6.1.0"],
      [PT_VERSION, "#1 now"],
    ]);
    out.str(texts.get(which) ?? "");
  }

  setText(which: number, buf: Uint8Array, off: number, len: number): number {
    if (which !== PT_HOSTNAME) return -Errno.ACCES;
    this.host = stringOf(buf, off, len);
    return 0;
  }

  cmdline(pid: number, from: number, out: TextBuilder): number {
    const part = this.procs.get(pid)!.args.slice(from, from + PROC_CHUNK);
    out.str(part);
    return part.length;
  }

  environ(_pid: number, from: number, out: TextBuilder): number {
    if (from > 0) return 0;
    out.str("HOME=/\0");
    return 7;
  }

  handle(pid: number, which: number, out: NcHandle): number {
    const p = this.procs.get(pid);
    if (p === undefined) return -Errno.SRCH;
    const h = which === PROC_EXE ? p.exe : which === PROC_CWD ? p.cwd : this.w.vfs.root;
    expect([PROC_EXE, PROC_CWD, PROC_ROOT]).toContain(which);
    if (h.ncp === null) return -Errno.NOENT;
    out.copyFrom(h);
    return 0;
  }

  nextFd = (pid: number, after: number): number => [...this.procs.get(pid)!.fds.keys()].find((f) => f > after) ?? -1;

  fd(pid: number, fd: number, out: FdInfo): boolean {
    const f = this.procs.get(pid)?.fds.get(fd);
    if (f === undefined) return false;
    out.flags = 0o100002;
    out.offset = 42;
    out.file = null;
    out.handle.clear();
    out.text.clear();
    if (f instanceof NcHandle) out.handle.copyFrom(f);
    else {
      out.file = f;
      out.text.str("pipe:[12]");
    }
    return true;
  }

  nextMap(pid: number, after: number, counts: boolean, out: MapInfo): boolean {
    const p = this.procs.get(pid)!;
    if (this.manyMaps > 0) {
      const i = after === 0 ? 0 : (after - 0x10000) / 4096;
      if (i >= this.manyMaps) return false;
      out.start = 0x10000 + i * 4096;
      out.end = out.start + 4096;
      out.prot = 1;
      out.file.clear();
      out.text.clear();
      return true;
    }
    if (after < 0x401000) {
      out.start = 0x400000;
      out.end = 0x401000;
      out.prot = 5;
      out.offset = 0x2000;
      out.file.copyFrom(p.exe);
      out.dev = 0x11;
      out.ino = 99;
      out.text.clear();
      out.rss = counts ? 4096 : 0;
      return true;
    }
    if (after >= 0x7fff00002000) return false;
    out.start = 0x7fff00000000;
    out.end = 0x7fff00002000;
    out.prot = 3;
    out.offset = 0;
    out.file.clear();
    out.dev = 0;
    out.ino = 0;
    out.text.clear();
    out.text.str("[stack]");
    out.rss = counts ? 4096 : 0;
    return true;
  }

  limit = (_pid: number, which: number, hard: boolean): number => (which === 7 ? (hard ? 4096 : 1024) : LIMIT_INFINITY);

  writeProcess(_pid: number, _tid: number, _which: number, buf: Uint8Array, off: number, len: number): number {
    this.comms.push(stringOf(buf, off, len));
    return 0;
  }

  random(buf: Uint8Array, off: number, len: number): void {
    for (let i = 0; i < len; i++) buf[off + i] = i;
  }
}

class Counter extends ProcFile {
  n = 0;
  written = "";

  generate(out: TextBuilder): number {
    out.str("calls ").num(++this.n).byte(10);
    return 0;
  }

  override write(buf: Uint8Array, off: number, len: number): number {
    this.written = stringOf(buf, off, len);
    return 0;
  }
}

let w: World;
let s: FakeSource;
let proc: ProcFs;

beforeEach(() => {
  w = new World();
  w.mkdir("/bin");
  w.put("/bin/init", "elf", 0o755);
  w.put("/bin/sh", "elf", 0o755);
  w.mkdir("/proc");
  s = new FakeSource(w);
  s.spawn(1, "init");
  s.spawn(42, "sh", 1000);
  proc = new ProcFs(w.vfs, s);
  expect(w.vfs.mount(w.nd("/proc"), "proc", "proc", 0, "")).toBe(0);
});

describe("files of the system", () => {
  test("meminfo, stat, uptime, loadavg, version, cmdline", () => {
    expect(w.text("/proc/meminfo")).toMatch(/^MemTotal: {9}262144 kB\nMemFree: {12}1234 kB\n/);
    expect(w.text("/proc/stat")).toMatch(
      /^cpu {2}100 0 0 900 0 0 0 0 0 0\ncpu0 100 .*\nintr 0\nctxt 0\nbtime 1700000000\nprocesses 88\nprocs_running 1\n/,
    );
    expect(w.text("/proc/uptime")).toBe("12.34 9.00\n");
    expect(w.text("/proc/loadavg")).toBe("1.50 0.00 0.00 1/9 77\n");
    expect(w.text("/proc/version")).toMatch(/^Anax version 6\.1\.0 \(.*\) #1 now\n$/);
    expect(w.text("/proc/cmdline")).toBe("console=ttyS0\n");
    expect(w.text("/proc/filesystems")).toBe("nodev\ttmpfs\nnodev\tproc\n");
    expect(w.text("/proc/swaps")).toMatch(/^Filename/);
  });

  test("mounts and mountinfo", () => {
    w.mkdir("/with space");
    w.vfs.mount(w.nd("/with space"), "my src", "tmpfs", 6, "size=1m");
    expect(w.text("/proc/mounts")).toBe(
      "rootfs / rootfs rw,relatime,mode=755 0 0\nproc /proc proc rw,relatime 0 0\nmy\\040src /with\\040space tmpfs rw,nosuid,nodev,relatime,size=1m 0 0\n",
    );
    expect(w.text("/proc/42/mountinfo").split("\n")[2]).toMatch(
      /^\d+ 1 0:\d+ \/ \/with\\040space rw,nosuid,nodev,relatime - tmpfs my\\040src rw,size=1m$/,
    );
  });

  test("sys/kernel: names can be set, others not", () => {
    expect(w.text("/proc/sys/kernel/hostname")).toBe("anax\n");
    const vp = w.open("/proc/sys/kernel/hostname", 0o1001);
    if (typeof vp === "number") throw new Error(String(vp));
    expect(w.write(vp, 0, "box\n")).toBe(4);
    expect(w.text("/proc/sys/kernel/hostname")).toBe("box\n");
    expect(w.text("/proc/sys/kernel/random/uuid")).toMatch(
      /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\n$/,
    );
    expect(w.text("/proc/sys/kernel/random/boot_id")).toBe(w.text("/proc/sys/kernel/random/boot_id"));
    w.cred = Cred.of(5, 5);
    expect(w.open("/proc/sys/kernel/hostname", 1)).toBe(-Errno.ACCES);
    expect(w.open("/proc/new", 0o101)).toBe(-Errno.ACCES);
  });

  test("registered files, read in pieces", () => {
    const c = new Counter();
    c.mode = 0o644;
    expect(proc.addFile("anax/unknown_syscalls", c)).toBe(0);
    expect(proc.addFile("anax/unknown_syscalls", c)).toBe(-Errno.EXIST);
    const vp = w.vnode("/proc/anax/unknown_syscalls");
    expect(Buffer.from(w.read(vp, 0, 3)).toString()).toBe("cal");
    expect(Buffer.from(w.read(vp, 3, 100)).toString()).toBe("ls 1\n");
    expect(w.read(vp, 8, 100).length).toBe(0);
    expect(w.text("/proc/anax/unknown_syscalls")).toBe("calls 2\n");
    expect(w.write(vp, 0, "reset")).toBe(5);
    expect(c.written).toBe("reset");
    expect(w.list("/proc/anax").map((e) => e.name)).toEqual([".", "..", "unknown_syscalls"]);
    expect((w.stat("/proc/anax/unknown_syscalls") as Stat).mode).toBe(0o100644);
  });
});

describe("processes", () => {
  test("stat, statm, status, comm, cmdline, limits", () => {
    const fields = w.text("/proc/42/stat").trimEnd().split(" ");
    expect(fields.length).toBe(52);
    expect(fields.slice(0, 9)).toEqual(["42", "(sh)", "S", "1", "42", "1", "34816", "42", "0"]);
    expect([fields[13], fields[14], fields[17], fields[19], fields[21], fields[22], fields[23], fields[24]]).toEqual([
      "123",
      "4",
      "20",
      "1",
      "4201",
      "20480",
      "3",
      "18446744073709551615",
    ]);
    expect([fields[25], fields[32], fields[37], fields[47]]).toEqual(["4194304", "4096", "17", "140733193392128"]);
    expect(w.text("/proc/42/statm")).toBe("5 3 1 0 0 0 0\n");
    const status = w.text("/proc/42/status");
    expect(status).toMatch(
      /^Name:\tsh\nUmask:\t0022\nState:\tS \(sleeping\)\nTgid:\t42\nNgid:\t0\nPid:\t42\nPPid:\t1\n/,
    );
    expect(status).toMatch(/\nUid:\t1000\t1000\t1000\t1000\nGid:\t1000\t1000\t1000\t1000\n/);
    expect(status).toMatch(/\nGroups:\t4 20 \n/);
    expect(status).toMatch(/\nVmSize:\t {6}20 kB\n/);
    expect(status).toMatch(/\nSigIgn:\t0000000000001000\nSigCgt:\t0000000800000000\n/);
    expect(w.text("/proc/42/comm")).toBe("sh\n");
    expect(w.text("/proc/42/cmdline")).toBe("sh\0-x\0");
    expect(w.text("/proc/42/limits")).toMatch(/\nMax open files {12}1024 {17}4096 {17}files {5}\n/);
    expect(w.text("/proc/42/limits")).toMatch(
      /^Limit {21}Soft Limit {11}Hard Limit {11}Units {5}\nMax cpu time {14}unlimited {12}unlimited {12}seconds {3}\n/,
    );
  });

  test("maps has its columns", () => {
    expect(w.text("/proc/42/maps")).toBe(
      "00400000-00401000 r-xp 00002000 00:11 99".padEnd(73) +
        "/bin/sh\n" +
        "7fff00000000-7fff00002000 rw-p 00000000 00:00 0".padEnd(73) +
        "[stack]\n",
    );
    expect(w.text("/proc/42/smaps")).toMatch(/\[stack\]\nSize: {18}8 kB\n/);
  });

  test("long texts come in pieces, whatever the size of the reads", () => {
    s.manyMaps = 3000;
    const p = s.procs.get(42)!;
    p.args = Array.from({ length: 9000 }, (_, i) => `arg${i}\0`).join("");
    for (const [path, lines] of [
      ["/proc/42/maps", 3000],
      ["/proc/42/cmdline", 1],
    ] as const) {
      const all = w.text(path);
      expect(all.split("\n").length - (path.endsWith("maps") ? 1 : 0)).toBe(lines);
      const vp = w.vnode(path);
      let text = "";
      for (let n = 1; ; n = (n * 7) % 5003) {
        const b = w.read(vp, text.length, n);
        if (b.length === 0) break;
        text += Buffer.from(b).toString("latin1");
      }
      expect(text).toBe(all);
      expect(Buffer.from(w.read(vp, 70000, 50)).toString("latin1")).toBe(all.slice(70000, 70050));
      expect(Buffer.from(w.read(vp, 100, 50)).toString("latin1")).toBe(all.slice(100, 150));
    }
    expect(w.text("/proc/42/cmdline")).toBe(p.args);
  });

  test("directories, links, self", () => {
    const names = w.list("/proc").map((e) => e.name);
    expect(names.slice(0, 2)).toEqual([".", ".."]);
    expect(names.slice(-2)).toEqual(["1", "42"]);
    expect(new Set(names).size).toBe(names.length);
    expect(w.readlink("/proc/self")).toBe("1");
    s.current = 42;
    expect(w.readlink("/proc/self")).toBe("42");
    expect(w.readlink("/proc/thread-self")).toBe("42/task/42");
    expect(w.text("/proc/self/comm")).toBe("sh\n");
    expect(w.readlink("/proc/42/exe")).toBe("/bin/sh");
    expect(w.readlink("/proc/42/cwd")).toBe("/");
    expect(w.vnode("/proc/42/exe") === w.vnode("/bin/sh")).toBe(true);
    expect(w.text("/proc/42/root/bin/sh")).toBe("elf");
    const inos = w.list("/proc/42").map((e) => e.ino);
    expect(new Set(inos).size).toBe(inos.length);
    for (const e of w.list("/proc/42").slice(2))
      expect((w.stat(`/proc/42/${e.name}`, 0) as Stat).ino, e.name).toBe(e.ino);
    expect(w.text("/proc/42/task/42/comm")).toBe("sh\n");
    expect(w.stat("/proc/42/task/43")).toBe(-Errno.NOENT);
    expect(w.stat("/proc/042")).toBe(-Errno.NOENT);
    expect(w.stat("/proc/43")).toBe(-Errno.NOENT);
    expect(w.mkdir("/proc/x")).toBe(-Errno.NOENT);
    expect(w.unlink("/proc/meminfo")).toBe(-Errno.PERM);
  });

  test("descriptors lead to files, named or not, and to deleted ones", () => {
    const p = s.procs.get(42)!;
    w.put("/f", "content");
    p.fds.set(0, new Pipe());
    p.fds.set(3, s.handleOf("/f"));
    expect(w.list("/proc/42/fd").map((e) => e.name)).toEqual([".", "..", "0", "3"]);
    expect(w.readlink("/proc/42/fd/0")).toBe("pipe:[12]");
    expect(w.readlink("/proc/42/fd/3")).toBe("/f");
    expect(w.text("/proc/42/fd/3")).toBe("content");
    w.unlink("/f");
    expect(w.readlink("/proc/42/fd/3")).toBe("/f (deleted)");
    expect(w.text("/proc/42/fd/3")).toBe("content");
    const nd = w.nd("/proc/42/fd/0");
    expect(w.vfs.open(nd, 0, 0)).toBe(0);
    expect(nd.jump).toBe(p.fds.get(0));
    expect(w.text("/proc/42/fdinfo/3")).toMatch(/^pos:\t42\nflags:\t0100002\nmnt_id:\t1\n/);
    (p.fds.get(3) as NcHandle).clear();
    p.fds.delete(3);
    expect(w.stat("/proc/42/fd/3")).toBe(-Errno.NOENT);
  });

  test("who may look", () => {
    const p = s.procs.get(1)!;
    p.fds.set(0, new Pipe());
    w.cred = Cred.of(1000, 1000);
    s.current = 42;
    expect((w.stat("/proc/42") as Stat).uid).toBe(1000);
    expect(w.text("/proc/42/environ")).toBe("HOME=/\0");
    expect(w.text("/proc/1/stat")).toMatch(/^1 \(init\)/);
    expect(w.open("/proc/1/environ", 0)).toBe(-Errno.ACCES);
    expect(w.stat("/proc/1/fd/0")).toBe(-Errno.ACCES);
    expect(w.stat("/proc/1/exe")).toBe(-Errno.ACCES);
    expect(typeof w.stat("/proc/1/exe", 0)).toBe("object");
    expect(() => w.text("/proc/1/maps")).toThrow(String(-Errno.ACCES));
  });

  test("a process that is gone, and another with its number", () => {
    const stat = w.vnode("/proc/42/stat");
    expect(w.chdir("/proc/42")).toBe(0);
    s.procs.delete(42);
    expect(w.stat("/proc/42")).toBe(-Errno.NOENT);
    expect(() => w.read(stat, 0, 10)).toThrow(String(-Errno.SRCH));
    expect(w.lookup("stat")).toBe(-Errno.NOENT);
    s.spawn(43, "new");
    s.spawn(42, "other", 7);
    expect(w.text("/proc/42/comm")).toBe("other\n");
    expect(w.lookup("stat")).toBe(-Errno.NOENT);
    expect(() => w.read(stat, 0, 10)).toThrow(String(-Errno.SRCH));
    expect((w.stat("/proc/42") as Stat).uid).toBe(7);
  });

  test("what programs write", () => {
    const vp = w.open("/proc/42/comm", 1);
    if (typeof vp === "number") throw new Error();
    expect(w.write(vp, 0, "renamed")).toBe(7);
    expect(s.comms).toEqual(["renamed"]);
    expect(w.open("/proc/42/stat", 1)).not.toBe(-Errno.ACCES);
    const st = w.open("/proc/42/stat", 1);
    if (typeof st === "number") throw new Error();
    expect(w.vfs.truncate(st, 0, w.cred)).toBe(0);
  });
});
