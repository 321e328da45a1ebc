import { Errno } from "@anax/portable";
import { ChaChaRng, DevFs, addMemoryDevices } from "@anax/vfs-msg";
import { beforeEach, describe, expect, it } from "vitest";
import {
  AT_FDCWD,
  EPOLLET,
  EPOLLEXCLUSIVE,
  EPOLLONESHOT,
  F_GETFL,
  F_GETOWN,
  F_GETOWN_EX,
  F_SETFL,
  F_SETOWN,
  F_SETSIG,
  O_ASYNC,
  O_CREAT,
  O_NONBLOCK,
  O_RDONLY,
  O_RDWR,
  O_WRONLY,
  POLLIN,
  POLLNVAL,
  POLLOUT,
  RLIMIT_NOFILE,
  SIGUSR1,
  S_IFIFO,
  kernClose,
  kernEpollCreate,
  kernEpollCtl,
  kernEpollWait,
  kernEventfd,
  kernFcntl,
  kernMkdirAt,
  kernMknodAt,
  kernMount,
  kernOpen,
  kernPipe2,
  kernPoll,
  kernRead,
  kernSelect,
  kernSignalfd,
  kernTimerfdCreate,
  kernTimerfdGettime,
  kernTimerfdSettime,
  kernUnlinkAt,
  kernWrite,
  procSignal,
  setSigMask,
} from "../src/index";
import { EASYNC, World, type Task } from "./files-world";

let w: World;
let t: Task;
let r: number;
let wr: number;

beforeEach(() => {
  w = new World();
  t = w.fork(w.init);
  [r, wr] = pipe();
});

function pipe(): [number, number] {
  const u = t.alloc(8);
  expect(t.call((l) => kernPipe2(l, u, 0))).toBe(0);
  return t.peekInts(u, 2) as [number, number];
}

function write(fd: number, n: number, by = w.fork(t)): number {
  const u = by.alloc(n);
  by.poke(u, new Uint8Array(n).fill(120));
  return by.call((l) => kernWrite(l, fd, u, n));
}

function read(fd: number, n: number, by = t): number {
  const u = by.alloc(n);
  return by.call((l) => kernRead(l, fd, u, n));
}

function read64(fd: number): bigint | number {
  const u = t.alloc(8);
  const n = t.call((l) => kernRead(l, fd, u, 8));
  return n === 8 ? Buffer.from(t.peek(u, 8)).readBigUInt64LE() : n;
}

function write64(fd: number, v: bigint): number {
  const b = Buffer.alloc(8);
  b.writeBigUInt64LE(v);
  const u = t.alloc(8);
  t.poke(u, b);
  return t.call((l) => kernWrite(l, fd, u, 8));
}

describe("poll", () => {
  it("waits for the first of several files, and no longer than its time", () => {
    const [r2, w2] = pipe();
    const fds = t.ints(r, POLLIN, r2, POLLIN, -1, POLLIN);
    expect(t.call((l) => kernPoll(l, fds, 3, 50e6))).toBe(EASYNC);
    write(w2, 1);
    expect(t.resume()).toBe(1);
    expect([1, 3, 5].map((i) => t.peekInts(fds, 6)[i]! >> 16)).toEqual([0, POLLIN, 0]);
    read(r2, 1);
    expect(t.call((l) => kernPoll(l, fds, 3, 50e6))).toBe(EASYNC);
    w.pass(49);
    expect(t.sleeps).toBe(true);
    w.pass(2);
    expect(t.resume()).toBe(0);
  });

  it("keeps its deadline over wake-ups that bring nothing", () => {
    const fds = t.ints(r, POLLIN);
    expect(t.call((l) => kernPoll(l, fds, 1, 50e6))).toBe(EASYNC);
    w.pass(30);
    const other = w.fork(t);
    write(wr, 1, other);
    read(r, 1, other);
    expect(t.resume()).toBe(EASYNC);
    w.pass(25);
    expect(t.resume()).toBe(0);
  });

  it("is -EINTR on a signal, POLLNVAL for a closed descriptor, -EINVAL and -EFAULT for bad arguments", () => {
    const fds = t.ints(r, POLLIN);
    expect(t.call((l) => kernPoll(l, fds, 1, -1))).toBe(EASYNC);
    expect(t.interrupt()).toBe(-Errno.INTR);
    const bad = t.ints(99, POLLIN);
    expect(t.call((l) => kernPoll(l, bad, 1, -1))).toBe(1);
    expect(t.peekInts(bad, 2)[1]! >> 16).toBe(POLLNVAL);
    expect(t.call((l) => kernPoll(l, 0x10, 1, -1))).toBe(-Errno.FAULT);
    expect(t.call((l) => kernPoll(l, fds, -1, 0))).toBe(-Errno.INVAL);
  });

  it("handles more descriptors than one page of them", () => {
    t.proc.limits.soft.set(RLIMIT_NOFILE, 4096);
    const n = 1300;
    const fds = t.alloc(n * 8);
    const b = Buffer.alloc(n * 8);
    for (let i = 0; i < n; i++) {
      b.writeInt32LE(i === 1250 ? wr : -1, i * 8);
      b.writeInt16LE(POLLOUT, i * 8 + 4);
    }
    t.poke(fds, b);
    expect(t.call((l) => kernPoll(l, fds, n, -1))).toBe(1);
    expect(Buffer.from(t.peek(fds + 1250 * 8, 8)).readInt16LE(6)).toBe(POLLOUT);
  });
});

describe("select", () => {
  function set(...fds: number[]): number {
    const b = Buffer.alloc(16);
    for (const fd of fds) b[fd >> 3]! |= 1 << (fd & 7);
    const u = t.alloc(16);
    t.poke(u, b);
    return u;
  }
  const members = (u: number): number[] => {
    const b = t.peek(u, 16);
    return Array.from({ length: 128 }, (_, i) => i).filter((i) => (b[i >> 3]! >> (i & 7)) & 1);
  };

  it("shows what is ready in each set", () => {
    const rd = set(r);
    const wrs = set(wr);
    expect(t.call((l) => kernSelect(l, wr + 1, rd, wrs, 0, -1))).toBe(1);
    expect([members(rd), members(wrs)]).toEqual([[], [wr]]);
    const again = set(r);
    expect(t.call((l) => kernSelect(l, r + 1, again, 0, 0, 20e6))).toBe(EASYNC);
    write(wr, 1);
    expect(t.resume()).toBe(1);
    expect(members(again)).toEqual([r]);
    read(r, 1);
    expect(t.call((l) => kernSelect(l, r + 1, again, 0, 0, 20e6))).toBe(EASYNC);
    w.pass(30);
    expect(t.resume()).toBe(0);
    expect(members(again)).toEqual([]);
  });

  it("is a sleep without sets, and -EBADF for a closed descriptor in one", () => {
    expect(t.call((l) => kernSelect(l, 0, 0, 0, 0, 5e6))).toBe(EASYNC);
    w.pass(6);
    expect(t.resume()).toBe(0);
    t.call((l) => kernClose(l, r));
    const u = set(r);
    expect(t.call((l) => kernSelect(l, wr + 1, u, 0, 0, 0))).toBe(-Errno.BADF);
    // Never open, above every descriptor there is.
    const above = set(50);
    expect(t.call((l) => kernSelect(l, 51, above, 0, 0, 0))).toBe(-Errno.BADF);
  });
});

describe("epoll", () => {
  let ep: number;

  beforeEach(() => {
    ep = t.call((l) => kernEpollCreate(l, 0));
  });

  function ctl(op: number, fd: number, events: number, data = fd): number {
    const b = Buffer.alloc(12);
    b.writeUInt32LE(events >>> 0, 0);
    b.writeBigInt64LE(BigInt(data), 4);
    const u = t.alloc(12);
    t.poke(u, b);
    return t.call((l) => kernEpollCtl(l, ep, op, fd, u));
  }

  const buffer = (): number => t.alloc(120);
  let last = 0;
  function wait(timeout = 0, most = 10): number {
    last = buffer();
    return t.call((l) => kernEpollWait(l, ep, last, most, timeout));
  }
  function event(i: number): [number, number] {
    const b = Buffer.from(t.peek(last + i * 12, 12));
    return [b.readUInt32LE(0), Number(b.readBigInt64LE(4))];
  }

  it("reports by level as long as it holds", () => {
    expect(ctl(1, r, POLLIN, 42)).toBe(0);
    expect(wait()).toBe(0);
    write(wr, 1);
    expect(wait()).toBe(1);
    expect(event(0)).toEqual([POLLIN, 42]);
    expect(wait()).toBe(1);
    read(r, 1);
    expect(wait()).toBe(0);
    write(wr, 1);
    expect(wait()).toBe(1);
  });

  it("reports by edge once for each change", () => {
    ctl(1, r, POLLIN | EPOLLET);
    write(wr, 1);
    expect(wait()).toBe(1);
    expect(wait()).toBe(0);
    write(wr, 1);
    expect(wait()).toBe(1);
    expect(wait()).toBe(0);
  });

  it("reports once with ONESHOT until it is armed again", () => {
    ctl(1, r, POLLIN | EPOLLONESHOT);
    write(wr, 1);
    expect(wait()).toBe(1);
    write(wr, 1);
    expect(wait()).toBe(0);
    expect(ctl(3, r, POLLIN | EPOLLONESHOT)).toBe(0);
    expect(wait()).toBe(1);
  });

  it("sleeps until something is ready, or the time is over", () => {
    ctl(1, r, POLLIN);
    expect(wait(20e6)).toBe(EASYNC);
    write(wr, 1);
    expect(t.resume()).toBe(1);
    expect(event(0)).toEqual([POLLIN, r]);
    read(r, 1);
    expect(wait(20e6)).toBe(EASYNC);
    w.pass(25);
    expect(t.resume()).toBe(0);
    expect(wait(-1)).toBe(EASYNC);
    expect(t.interrupt()).toBe(-Errno.INTR);
  });

  it("goes round among more ready files than are asked for", () => {
    const pipes = [pipe(), pipe(), pipe()];
    for (const [x, y] of pipes) {
      ctl(1, x, POLLIN);
      write(y, 1);
    }
    const seen = new Set<number>();
    for (let i = 0; i < 3; i++) {
      expect(wait(0, 1)).toBe(1);
      seen.add(event(0)[1]);
    }
    expect(seen.size).toBe(3);
    expect(wait(0, 10)).toBe(3);
  });

  it("forgets a file with its last descriptor", () => {
    ctl(1, r, POLLIN);
    write(wr, 1);
    t.call((l) => kernClose(l, r));
    // Forked writers still have it open.
    expect(wait()).toBe(1);
    const [x, y] = pipe();
    ctl(1, x, POLLIN);
    const u = t.alloc(1);
    t.call((l) => kernWrite(l, y, u, 1));
    t.call((l) => kernClose(l, x));
    expect(wait()).toBe(1);
    expect(event(0)[1]).toBe(r);
  });

  it("checks its arguments", () => {
    expect(ctl(1, r, POLLIN)).toBe(0);
    expect(ctl(1, r, POLLIN)).toBe(-Errno.EXIST);
    expect(ctl(3, wr, POLLIN)).toBe(-Errno.NOENT);
    expect(ctl(2, r, 0)).toBe(0);
    expect(ctl(2, r, 0)).toBe(-Errno.NOENT);
    expect(ctl(1, ep, POLLIN)).toBe(-Errno.INVAL);
    expect(ctl(1, 99, POLLIN)).toBe(-Errno.BADF);
    const u = t.str("/");
    const dir = t.call((l) => kernOpen(l, AT_FDCWD, u, O_RDONLY, 0));
    expect(ctl(1, dir, POLLIN)).toBe(-Errno.PERM);
    expect(wait(0, 0)).toBe(-Errno.INVAL);
  });

  it("takes EPOLLEXCLUSIVE only with what goes with it", () => {
    expect(ctl(1, r, POLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT)).toBe(-Errno.INVAL);
    expect(ctl(1, r, POLLIN | EPOLLEXCLUSIVE)).toBe(0);
    expect(ctl(3, r, POLLIN)).toBe(-Errno.INVAL);
    write(wr, 1);
    expect(wait()).toBe(1);
  });

  it("watches other sets, but no circles", () => {
    const outer = t.call((l) => kernEpollCreate(l, 0));
    ctl(1, r, POLLIN);
    const inner = ep;
    ep = outer;
    expect(ctl(1, inner, POLLIN)).toBe(0);
    expect(wait()).toBe(0);
    write(wr, 1);
    expect(wait()).toBe(1);
    ep = inner;
    expect(ctl(1, outer, POLLIN)).toBe(-Errno.LOOP);
  });

  it("refuses long chains, and so many ways that an event would walk for ever", () => {
    let below = ep;
    ctl(1, r, POLLIN);
    for (let i = 0; i < 4; i++) {
      ep = t.call((l) => kernEpollCreate(l, 0));
      expect(ctl(1, below, POLLIN)).toBe(0);
      below = ep;
    }
    ep = t.call((l) => kernEpollCreate(l, 0));
    expect(ctl(1, below, POLLIN)).toBe(-Errno.LOOP);
    // From the middle: the chain above counts as well.
    const second = t.call((l) => kernEpollCreate(l, 0));
    ep = second;
    expect(ctl(1, below, POLLIN)).toBe(-Errno.LOOP);
    t.proc.limits.soft.set(RLIMIT_NOFILE, 4096);
    const layer = Array.from({ length: 60 }, () => t.call((l) => kernEpollCreate(l, 0)));
    const upper = Array.from({ length: 60 }, () => t.call((l) => kernEpollCreate(l, 0)));
    const base = t.call((l) => kernEpollCreate(l, 0));
    for (const fd of layer) {
      ep = fd;
      expect(ctl(1, base, POLLIN)).toBe(0);
    }
    const results = new Set<number>();
    for (const fd of upper) {
      ep = fd;
      for (const l of layer) results.add(ctl(1, l, POLLIN));
    }
    expect([...results].sort()).toEqual([-Errno.INVAL, 0].sort());
  });

  it("wakes one of several sleepers for an event, and the next for what is left", () => {
    const [x, y] = pipe();
    ctl(1, r, POLLIN | EPOLLET);
    ctl(1, x, POLLIN | EPOLLET);
    const sleepers = [0, 1, 2].map(() => w.fork(t));
    for (const s of sleepers) {
      const u = s.alloc(120);
      expect(s.call((l) => kernEpollWait(l, ep, u, 1, -1))).toBe(EASYNC);
    }
    write(wr, 1);
    expect(sleepers.map((s) => s.sleeps)).toEqual([false, true, true]);
    write(y, 1);
    expect(sleepers[0]!.resume()).toBe(1);
    expect(sleepers[1]!.sleeps).toBe(false);
    expect(sleepers[1]!.resume()).toBe(1);
    // It may have been woken for what another took meanwhile.
    expect(sleepers[2]!.resume()).toBe(EASYNC);
    // One that is woken and then interrupted gives its event to another.
    write(wr, 1);
    expect(sleepers[2]!.sleeps).toBe(false);
    expect(sleepers[2]!.interrupt()).toBe(1);
  });

  it("does not watch what is always ready", () => {
    const devfs = new DevFs(w.vfs);
    addMemoryDevices(devfs, new ChaChaRng());
    const [none, dev, type] = [t.str("none"), t.str("/dev"), t.str("devtmpfs")];
    t.call((l) => kernMkdirAt(l, AT_FDCWD, dev, 0o755));
    t.call((l) => kernMount(l, none, dev, type, 0, 0));
    const path = t.str("/dev/zero");
    const zero = t.call((l) => kernOpen(l, AT_FDCWD, path, O_RDONLY, 0));
    expect(ctl(1, zero, POLLIN)).toBe(-Errno.PERM);
  });
});

describe("eventfd", () => {
  it("adds up, and gives all or one at a time", () => {
    const e = t.call((l) => kernEventfd(l, 3, 0));
    expect(write64(e, 4n)).toBe(8);
    expect(read64(e)).toBe(7n);
    expect(read64(e)).toBe(EASYNC);
    t.interrupt();
    const s = t.call((l) => kernEventfd(l, 2, 1 | O_NONBLOCK));
    expect([read64(s), read64(s), read64(s)]).toEqual([1n, 1n, -Errno.AGAIN]);
  });

  it("makes writers wait at its end", () => {
    const e = t.call((l) => kernEventfd(l, 1, O_NONBLOCK));
    expect(write64(e, 2n ** 64n - 1n)).toBe(-Errno.INVAL);
    expect(write64(e, 2n ** 64n - 2n)).toBe(-Errno.AGAIN);
    expect(write64(e, 2n ** 64n - 3n)).toBe(8);
    expect(write64(e, 1n)).toBe(-Errno.AGAIN);
    const fds = t.ints(e, POLLOUT);
    expect(t.call((l) => kernPoll(l, fds, 1, 0))).toBe(0);
    expect(read64(e)).toBe(2n ** 64n - 2n);
    const s = t.call((l) => kernEventfd(l, 0, 1 | O_NONBLOCK));
    expect(write64(s, 2n ** 32n)).toBe(8);
    expect(read64(s)).toBe(1n);
    expect(write64(s, 2n)).toBe(8);
    expect(t.call((l) => kernPoll(l, t.ints(s, POLLIN), 1, 0))).toBe(1);
  });
});

describe("timerfd", () => {
  function setTime(fd: number, valueNs: number, intervalNs: number, flags = 0): number {
    const b = Buffer.alloc(32);
    b.writeBigInt64LE(BigInt(Math.floor(intervalNs / 1e9)), 0);
    b.writeBigInt64LE(BigInt(intervalNs % 1e9), 8);
    b.writeBigInt64LE(BigInt(Math.floor(valueNs / 1e9)), 16);
    b.writeBigInt64LE(BigInt(valueNs % 1e9), 24);
    const u = t.alloc(32);
    t.poke(u, b);
    return t.call((l) => kernTimerfdSettime(l, fd, flags, u, 0));
  }

  it("expires, counts, and stops", () => {
    const fd = t.call((l) => kernTimerfdCreate(l, 1, 0));
    expect(setTime(fd, 10e6, 4e6)).toBe(0);
    expect(read64(fd)).toBe(EASYNC);
    w.pass(9);
    expect(t.sleeps).toBe(true);
    w.pass(2);
    expect(t.resume()).toBe(8);
    w.pass(13);
    expect(read64(fd)).toBe(3n);
    const u = t.alloc(32);
    expect(t.call((l) => kernTimerfdGettime(l, fd, u))).toBe(0);
    const b = Buffer.from(t.peek(u, 32));
    expect(Number(b.readBigInt64LE(8))).toBe(4e6);
    expect(Number(b.readBigInt64LE(24))).toBeGreaterThan(0);
    expect(Number(b.readBigInt64LE(24))).toBeLessThanOrEqual(4e6);
    expect(setTime(fd, 0, 0)).toBe(0);
    w.pass(100);
    const fds = t.ints(fd, POLLIN);
    expect(t.call((l) => kernPoll(l, fds, 1, 0))).toBe(0);
    t.call((l) => kernClose(l, fd));
    expect(w.kernel.wheel.armedCount).toBe(0);
  });

  it("takes absolute times", () => {
    const fd = t.call((l) => kernTimerfdCreate(l, 1, O_NONBLOCK));
    expect(setTime(fd, w.kernel.now() + 5e6, 0, 1)).toBe(0);
    expect(read64(fd)).toBe(-Errno.AGAIN);
    w.pass(6);
    expect(read64(fd)).toBe(1n);
    expect(read64(fd)).toBe(-Errno.AGAIN);
    expect(setTime(fd, 1, 0, 8)).toBe(-Errno.INVAL);
  });
});

describe("signalfd", () => {
  it("gives blocked signals to a reader", () => {
    const bit = 1 << (SIGUSR1 - 1);
    setSigMask(t.lwp, bit, 0);
    const fd = t.call((l) => kernSignalfd(l, -1, bit, 0, 0));
    const u = t.alloc(256);
    expect(t.call((l) => kernRead(l, fd, u, 100))).toBe(-Errno.INVAL);
    expect(t.call((l) => kernRead(l, fd, u, 256))).toBe(EASYNC);
    procSignal(t.proc, SIGUSR1);
    expect(t.resume()).toBe(128);
    expect(Buffer.from(t.peek(u, 4)).readUInt32LE()).toBe(SIGUSR1);
    expect(t.proc.pending.has(SIGUSR1)).toBe(false);
  });
});

describe("FIFOs", () => {
  let path: number;
  const open = (by: Task, flags: number): number => by.call((l) => kernOpen(l, AT_FDCWD, path, flags, 0));

  beforeEach(() => {
    path = t.str("/fifo");
    expect(t.call((l) => kernMknodAt(l, AT_FDCWD, path, S_IFIFO | 0o666, 0))).toBe(0);
  });

  it("make each side wait for the other", () => {
    const other = w.fork(t);
    expect(open(t, O_RDONLY)).toBe(EASYNC);
    const out = open(other, O_WRONLY);
    expect(out).toBeGreaterThan(0);
    const inn = t.resume();
    expect(inn).toBeGreaterThan(0);
    write(out, 3, other);
    expect(read(inn, 10)).toBe(3);
    other.call((l) => kernClose(l, out));
    expect(read(inn, 10)).toBe(0);
    t.call((l) => kernClose(l, inn));
    expect(open(other, O_WRONLY)).toBe(EASYNC);
    const again = open(t, O_RDONLY);
    expect(again).toBeGreaterThan(0);
    expect(other.resume()).toBeGreaterThan(0);
  });

  it("let a reader through whose writer has come and gone", () => {
    const other = w.fork(t);
    expect(open(t, O_RDONLY)).toBe(EASYNC);
    const out = open(other, O_WRONLY);
    write(out, 2, other);
    other.call((l) => kernClose(l, out));
    const inn = t.resume();
    expect(inn).toBeGreaterThan(0);
    expect(read(inn, 10)).toBe(2);
    expect(read(inn, 10)).toBe(0);
  });

  it("follow O_NONBLOCK and O_RDWR", () => {
    expect(open(t, O_WRONLY | O_NONBLOCK)).toBe(-Errno.NXIO);
    const inn = open(t, O_RDONLY | O_NONBLOCK);
    expect(inn).toBeGreaterThan(0);
    expect(read(inn, 1)).toBe(0);
    const both = open(t, O_RDWR);
    expect(both).toBeGreaterThan(0);
    expect(read(inn, 1)).toBe(-Errno.AGAIN);
  });

  it("leave nothing behind when the wait is interrupted", () => {
    const before = t.files.count;
    expect(open(t, O_RDONLY)).toBe(EASYNC);
    expect(t.interrupt()).toBe(-Errno.INTR);
    expect(t.files.count).toBe(before);
    expect(open(t, O_WRONLY | O_NONBLOCK)).toBe(-Errno.NXIO);
    const fd = open(t, O_RDWR | O_CREAT);
    const vp = t.files.get(fd)!.vnode!;
    expect(vp.special).not.toBeNull();
    t.call((l) => kernUnlinkAt(l, AT_FDCWD, path, 0));
    t.call((l) => kernClose(l, fd));
    expect(vp.special).toBeNull();
    expect(vp.openCount).toBe(0);
  });
});

describe("O_ASYNC", () => {
  it("signals the owner when the file becomes ready, each time", () => {
    const owner = w.fork(t);
    const sig = 34;
    setSigMask(owner.lwp, 0, 1 << (sig - 33));
    expect(t.call((l) => kernFcntl(l, r, F_SETOWN, owner.proc.pid))).toBe(0);
    expect(t.call((l) => kernFcntl(l, r, F_GETOWN, 0))).toBe(owner.proc.pid);
    expect(t.call((l) => kernFcntl(l, r, F_SETSIG, sig))).toBe(0);
    expect(t.call((l) => kernFcntl(l, r, F_SETFL, O_ASYNC))).toBe(0);
    expect(t.call((l) => kernFcntl(l, r, F_GETFL, 0)) & O_ASYNC).toBe(O_ASYNC);
    write(wr, 1);
    w.pass(1);
    expect(owner.proc.pending.count).toBe(1);
    write(wr, 1);
    w.pass(1);
    expect(owner.proc.pending.count).toBe(2);
    expect(t.call((l) => kernFcntl(l, r, F_SETFL, 0))).toBe(0);
    write(wr, 1);
    w.pass(1);
    expect(owner.proc.pending.count).toBe(2);
    const ex = t.alloc(8);
    expect(t.call((l) => kernFcntl(l, r, F_GETOWN_EX, ex))).toBe(0);
    expect(t.peekInts(ex, 2)).toEqual([1, owner.proc.pid]);
    expect(t.call((l) => kernFcntl(l, r, F_SETOWN, 9999))).toBe(-Errno.SRCH);
    expect(t.call((l) => kernFcntl(l, r, F_SETSIG, 65))).toBe(-Errno.INVAL);
    t.call((l) => kernFcntl(l, r, F_SETFL, O_ASYNC));
    t.call((l) => kernClose(l, r));
  });
});
