import { Errno } from "@anax/portable";
import { DevFs, Stat } from "@anax/vfs-msg";
import { beforeEach, describe, expect, it } from "vitest";
import {
  AT_FDCWD,
  ECHO,
  O_NOCTTY,
  O_RDWR,
  POLLHUP,
  POLLIN,
  PtyTable,
  SIGHUP,
  TCGETS,
  TCSETS,
  TIOCGWINSZ,
  TIOCSWINSZ,
  kernClose,
  kernFstat,
  kernIoctl,
  kernMkdirAt,
  kernMount,
  kernOpen,
  kernPoll,
  kernRead,
  kernStatAt,
  kernWrite,
  setsid,
} from "../src/index";
import { EASYNC, World, type Task } from "./files-world";

const TIOCGPTN = 0x80045430;
const TIOCSPTLCK = 0x40045431;
const TIOCVHANGUP = 0x5437;

let w: World;
let t: Task;
let shell: Task;
let master: number;
let slave: number;
let n: number;

const ioctl = (by: Task, fd: number, cmd: number, arg: number): number => by.call((l) => kernIoctl(l, fd, cmd, arg));
const open = (by: Task, path: string, flags = O_RDWR): number => {
  const u = by.str(path);
  return by.call((l) => kernOpen(l, AT_FDCWD, u, flags, 0));
};

function read(by: Task, fd: number): string | number {
  const u = by.alloc(100);
  const got = by.call((l) => kernRead(l, fd, u, 100));
  return got < 0 ? got : by.text(u, got);
}

function write(by: Task, fd: number, data: string): number {
  const u = by.alloc(data.length);
  by.poke(u, Buffer.from(data, "latin1"));
  return by.call((l) => kernWrite(l, fd, u, data.length));
}

beforeEach(() => {
  w = new World();
  t = w.init;
  const devfs = new DevFs(w.vfs);
  const ptys = new PtyTable(w.kernel, devfs);
  devfs.add(ptys.ptmx);
  const [none, dev, type] = [t.str("none"), t.str("/dev"), t.str("devtmpfs")];
  t.call((l) => kernMkdirAt(l, AT_FDCWD, dev, 0o755));
  expect(t.call((l) => kernMount(l, none, dev, type, 0, 0))).toBe(0);
  master = open(t, "/dev/ptmx");
  expect(master).toBe(0);
  const u = t.alloc(4);
  expect(ioctl(t, master, TIOCGPTN, u)).toBe(0);
  n = t.peekInts(u, 1)[0]!;
  expect(n).toBe(0);
  expect(open(t, "/dev/pts/0")).toBe(-Errno.IO);
  expect(ioctl(t, master, TIOCSPTLCK, t.ints(0))).toBe(0);
  shell = w.fork(t);
  shell.call((l) => kernClose(l, master));
  setsid(shell.proc);
  slave = open(shell, "/dev/pts/0");
  expect(slave).toBeGreaterThanOrEqual(0);
});

describe("a pseudo terminal", () => {
  it("carries lines one way and processed output the other", () => {
    expect(read(shell, slave)).toBe(EASYNC);
    expect(write(t, master, "ls\r")).toBe(3);
    expect(shell.resume()).toBe(3);
    expect(read(t, master)).toBe("ls\r\n");
    expect(read(t, master)).toBe(EASYNC);
    expect(write(shell, slave, "a\nb")).toBe(3);
    expect(t.resume()).toBe(4);
  });

  it("is the controlling terminal of who opened the slave, and has one size on both ends", () => {
    expect(shell.proc.group!.session.tty).not.toBeNull();
    expect(ioctl(t, master, TIOCSWINSZ, t.ints(50 | (132 << 16), 0))).toBe(0);
    const u = shell.alloc(8);
    expect(ioctl(shell, slave, TIOCGWINSZ, u)).toBe(0);
    expect(shell.peekInts(u, 1)).toEqual([50 | (132 << 16)]);
    const v = t.alloc(36);
    expect(ioctl(t, master, TCGETS, v)).toBe(0);
    const s = t.peek(v, 36);
    new DataView(s.buffer).setUint32(12, new DataView(s.buffer).getUint32(12, true) & ~ECHO, true);
    t.poke(v, s);
    expect(ioctl(t, master, TCSETS, v)).toBe(0);
    write(t, master, "x\n");
    const fds = t.ints(master, POLLIN);
    expect(t.call((l) => kernPoll(l, fds, 1, 0))).toBe(0);
  });

  it("gives the master what was written before a hang-up of the slave", () => {
    expect(write(shell, slave, "last words")).toBe(10);
    expect(ioctl(shell, slave, TIOCVHANGUP, 0)).toBe(0);
    expect(write(shell, slave, "x")).toBe(-Errno.IO);
    expect(read(t, master)).toBe("last words");
  });

  it("hangs up when the master closes", () => {
    expect(read(shell, slave)).toBe(EASYNC);
    t.call((l) => kernClose(l, master));
    expect(shell.resume()).toBe(0);
    expect(shell.proc.pending.has(SIGHUP)).toBe(true);
    expect(write(shell, slave, "x")).toBe(-Errno.IO);
    expect(open(t, "/dev/pts/0")).toBe(-Errno.NOENT);
    const st = new Stat();
    expect(shell.call((l) => kernFstat(l, slave, st))).toBe(0);
    shell.call((l) => kernClose(l, slave));
    const again = open(t, "/dev/ptmx");
    const u = t.alloc(4);
    ioctl(t, again, TIOCGPTN, u);
    expect(t.peekInts(u, 1)).toEqual([0]);
  });

  it("tells the master that the last slave has closed, after all is read", () => {
    write(shell, slave, "bye");
    shell.call((l) => kernClose(l, slave));
    const fds = t.ints(master, POLLIN);
    expect(t.call((l) => kernPoll(l, fds, 1, -1))).toBe(1);
    expect(t.peekInts(fds, 2)[1]! >> 16).toBe(POLLIN | POLLHUP);
    expect(read(t, master)).toBe("bye");
    expect(read(t, master)).toBe(-Errno.IO);
    const back = open(t, "/dev/pts/0", O_RDWR | O_NOCTTY);
    expect(back).toBeGreaterThan(0);
    expect(read(t, master)).toBe(EASYNC);
  });

  it("makes a master wait that types more than fits", () => {
    const long = "y".repeat(3000) + "\n";
    expect(write(t, master, long)).toBe(3001);
    read(t, master);
    expect(write(t, master, long)).toBe(EASYNC);
    const u = shell.alloc(4096);
    expect(shell.call((l) => kernRead(l, slave, u, 4096))).toBe(3001);
    expect(t.resume()).toBe(3001);
    expect(shell.call((l) => kernRead(l, slave, u, 4096))).toBe(3001);
  });

  it("shows its slaves in a devpts", () => {
    const [none, pts, type] = [t.str("none"), t.str("/p"), t.str("devpts")];
    t.call((l) => kernMkdirAt(l, AT_FDCWD, pts, 0o755));
    expect(t.call((l) => kernMount(l, none, pts, type, 0, 0))).toBe(0);
    const st = new Stat();
    const name = t.str("/p/0");
    expect(t.call((l) => kernStatAt(l, AT_FDCWD, name, 0, st))).toBe(0);
    expect(st.mode).toBe(0o020620);
    expect(open(t, "/p/ptmx")).toBeGreaterThan(0);
    const st1 = new Stat();
    expect(t.call((l) => kernStatAt(l, AT_FDCWD, t.str("/p/1"), 0, st1))).toBe(0);
    t.call((l) => kernClose(l, master));
    expect(t.call((l) => kernStatAt(l, AT_FDCWD, name, 0, st))).toBe(-Errno.NOENT);
  });
});
