import { Errno } from "@anax/portable";
import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import {
  F_SETPIPE_SZ,
  POLLERR,
  POLLHUP,
  POLLIN,
  POLLOUT,
  SIGPIPE,
  kernClose,
  kernFcntl,
  kernFstat,
  kernIoctl,
  kernPipe2,
  kernPoll,
  kernRead,
  kernWrite,
  kernWritev,
} from "../src/index";
import { Stat } from "@anax/vfs-msg";
import { EASYNC, World, type Task } from "./files-world";

const O_NONBLOCK = 0o4000;

let w: World;
let a: Task;
let b: Task;
let r: number;
let wr: number;

function pipe(t: Task, flags = 0): [number, number] {
  const u = t.alloc(8);
  expect(t.call((l) => kernPipe2(l, u, flags))).toBe(0);
  const [x, y] = t.peekInts(u, 2);
  return [x!, y!];
}

/** A pipe whose read end only `a` has and whose write end only `b` has. */
function setUp(flags = 0): void {
  w = new World();
  a = w.init;
  [r, wr] = pipe(a, flags);
  b = w.fork(a);
  a.call((l) => kernClose(l, wr));
  b.call((l) => kernClose(l, r));
}

beforeEach(() => setUp());

function write(t: Task, fd: number, data: string | Uint8Array): number {
  const bytes = typeof data === "string" ? Buffer.from(data, "latin1") : data;
  const u = t.alloc(bytes.length);
  t.poke(u, bytes);
  return t.call((l) => kernWrite(l, fd, u, bytes.length));
}

function read(t: Task, fd: number, n: number): string | number {
  const u = t.alloc(n);
  const got = t.call((l) => kernRead(l, fd, u, n));
  return got < 0 ? got : t.text(u, got);
}

describe("a pipe", () => {
  it("carries bytes in order, and a read takes what there is", () => {
    expect(write(b, wr, "hello ")).toBe(6);
    expect(write(b, wr, "world")).toBe(5);
    expect(read(a, r, 3)).toBe("hel");
    expect(read(a, r, 100)).toBe("lo world");
  });

  it("makes a reader wait, wakes it, and ends with the last writer", () => {
    const u = a.alloc(10);
    expect(a.call((l) => kernRead(l, r, u, 10))).toBe(EASYNC);
    expect(a.sleeps).toBe(true);
    write(b, wr, "x");
    expect(a.resume()).toBe(1);
    expect(a.text(u, 1)).toBe("x");
    expect(a.call((l) => kernRead(l, r, u, 10))).toBe(EASYNC);
    b.call((l) => kernClose(l, wr));
    expect(a.resume()).toBe(0);
  });

  it("is -EPIPE with SIGPIPE for a writer without readers, also one that sleeps", () => {
    expect(write(b, wr, new Uint8Array(65536))).toBe(65536);
    expect(write(b, wr, "more")).toBe(EASYNC);
    a.call((l) => kernClose(l, r));
    expect(b.resume()).toBe(-Errno.PIPE);
    expect(b.lwp.pending.has(SIGPIPE)).toBe(true);
  });

  it("answers -EAGAIN with O_NONBLOCK, and takes part of a long write", () => {
    setUp(O_NONBLOCK);
    expect(read(a, r, 1)).toBe(-Errno.AGAIN);
    expect(write(b, wr, new Uint8Array(70000))).toBe(65536);
    expect(write(b, wr, "x")).toBe(-Errno.AGAIN);
    read(a, r, 100);
    // Up to PIPE_BUF bytes go whole or not at all.
    expect(write(b, wr, new Uint8Array(101))).toBe(-Errno.AGAIN);
    expect(write(b, wr, new Uint8Array(100))).toBe(100);
  });

  it("never splits a write of up to PIPE_BUF bytes", () => {
    write(b, wr, new Uint8Array(65536 - 100));
    const c = w.fork(b);
    const data = Buffer.alloc(4096, 66);
    expect(write(c, wr, data)).toBe(EASYNC);
    expect(write(b, wr, "small")).toBe(5);
    read(a, r, 2000);
    expect(c.sleeps).toBe(true);
    read(a, r, 3000);
    expect(c.resume()).toBe(4096);
  });

  it("wakes the writer of a long write once for half of the ring", () => {
    const data = new Uint8Array(200000).map((_, i) => i * 7);
    expect(write(b, wr, data)).toBe(EASYNC);
    const got: number[] = [];
    let woken = 0;
    while (got.length < data.length) {
      const u = a.alloc(4096);
      const n = a.call((l) => kernRead(l, r, u, 4096));
      expect(n).toBeGreaterThan(0);
      got.push(...a.peek(u, n));
      if (b.isPending && !b.sleeps) {
        const x = b.resume();
        woken++;
        if (x !== EASYNC) expect(x).toBe(200000);
      }
    }
    expect(Uint8Array.from(got)).toEqual(data);
    expect(woken).toBeGreaterThan(1);
    expect(woken).toBeLessThan(8);
  });

  it("gives what was moved when a signal comes, else -EINTR", () => {
    expect(write(b, wr, new Uint8Array(70000))).toBe(EASYNC);
    expect(b.interrupt()).toBe(65536);
    expect(write(b, wr, "x")).toBe(EASYNC);
    expect(b.interrupt()).toBe(-Errno.INTR);
    read(a, r, 65536);
    expect(read(a, r, 1)).toBe(EASYNC);
    expect(a.interrupt()).toBe(-Errno.INTR);
  });

  it("keeps the bytes that a bad buffer did not take", () => {
    write(b, wr, "abc");
    expect(a.call((l) => kernRead(l, r, 0x1000, 3))).toBe(-Errno.FAULT);
    expect(read(a, r, 10)).toBe("abc");
    expect(b.call((l) => kernWrite(l, wr, 0x1000, 3))).toBe(-Errno.FAULT);
  });

  it("survives the close of the descriptor that a thread reads from", () => {
    expect(read(a, r, 5)).toBe(EASYNC);
    const other = a.files.get(r)!;
    expect(other.refs).toBe(2);
    a.files.close(r);
    write(b, wr, "late");
    expect(a.resume()).toBe(4);
    expect(write(b, wr, "x")).toBe(-Errno.PIPE);
  });

  it("checks descriptors and flags", () => {
    expect(write(a, r, "x")).toBe(-Errno.BADF);
    expect(read(b, wr, 1)).toBe(-Errno.BADF);
    expect(read(a, 77, 1)).toBe(-Errno.BADF);
    expect(a.call((l) => kernPipe2(l, 0, 0))).toBe(-Errno.FAULT);
    expect(a.call((l) => kernPipe2(l, a.alloc(8), 1))).toBe(-Errno.INVAL);
    const st = new Stat();
    expect(a.call((l) => kernFstat(l, r, st))).toBe(0);
    expect(st.mode & 0o170000).toBe(0o010000);
  });

  it("tells poll what holds", () => {
    const fds = a.ints(r, POLLIN);
    const poll = (): number => a.call((l) => kernPoll(l, fds, 1, 0));
    const events = (): number => a.peekInts(fds, 2)[1]! >> 16;
    expect(poll()).toBe(0);
    write(b, wr, "x");
    expect(poll()).toBe(1);
    expect(events()).toBe(POLLIN);
    b.call((l) => kernClose(l, wr));
    expect(poll()).toBe(1);
    expect(events()).toBe(POLLIN | POLLHUP);
    read(a, r, 1);
    poll();
    expect(events()).toBe(POLLHUP);
  });

  it("wakes a poll for room when PIPE_BUF bytes fit, and for a lost reader", () => {
    write(b, wr, new Uint8Array(65536));
    const fds = b.ints(wr, POLLOUT);
    expect(b.call((l) => kernPoll(l, fds, 1, -1))).toBe(EASYNC);
    read(a, r, 4095);
    expect(b.sleeps).toBe(true);
    read(a, r, 1);
    expect(b.resume()).toBe(1);
    write(b, wr, new Uint8Array(4096));
    expect(b.call((l) => kernPoll(l, fds, 1, -1))).toBe(EASYNC);
    a.call((l) => kernClose(l, r));
    expect(b.resume()).toBe(1);
    expect(b.peekInts(fds, 2)[1]! >> 16).toBe(POLLERR);
  });

  it("tells how many bytes wait (FIONREAD)", () => {
    write(b, wr, "12345");
    const u = a.alloc(4);
    expect(a.call((l) => kernIoctl(l, r, 0x541b, u))).toBe(0);
    expect(a.peekInts(u, 1)).toEqual([5]);
  });

  it("changes its size and keeps its content", () => {
    write(b, wr, new Uint8Array(60000).fill(1));
    read(a, r, 50000);
    write(
      b,
      wr,
      new Uint8Array(50000).map((_, i) => i),
    );
    expect(a.call((l) => kernFcntl(l, r, F_SETPIPE_SZ, 4096))).toBe(-Errno.BUSY);
    expect(a.call((l) => kernFcntl(l, r, F_SETPIPE_SZ, 100000))).toBe(131072);
    expect(write(b, wr, new Uint8Array(131072 - 60000).fill(9))).toBe(131072 - 60000);
    const u = a.alloc(131072);
    expect(a.call((l) => kernRead(l, r, u, 131072))).toBe(131072);
    const all = a.peek(u, 131072);
    expect(all.subarray(0, 10000)).toEqual(new Uint8Array(10000).fill(1));
    expect(all.subarray(10000, 60000)).toEqual(new Uint8Array(50000).map((_, i) => i));
    expect(all.subarray(60000)).toEqual(new Uint8Array(131072 - 60000).fill(9));
    expect(a.call((l) => kernFcntl(l, r, F_SETPIPE_SZ, 0))).toBe(4096);
  });

  it("gives its pages back when it is drained and when it is closed", () => {
    const from = b.alloc(65536);
    const to = a.alloc(65536);
    const send = (n: number): number => b.call((l) => kernWrite(l, wr, from, n));
    const receive = (n: number): number => a.call((l) => kernRead(l, r, to, n));
    b.poke(from, new Uint8Array(65536));
    a.poke(to, new Uint8Array(65536));
    send(1);
    receive(1);
    const before = w.freePages;
    for (let i = 0; i < 3; i++) {
      expect(send(65536)).toBe(65536);
      expect(w.freePages).toBe(before - 15);
      expect(receive(65536)).toBe(65536);
      expect(w.freePages).toBe(before);
    }
    send(65536);
    b.call((l) => kernClose(l, wr));
    a.call((l) => kernClose(l, r));
    expect(w.freePages).toBe(before + 1);
  });

  it("takes scattered buffers", () => {
    const x = b.alloc(3);
    const y = b.alloc(4);
    b.poke(x, Buffer.from("abc"));
    b.poke(y, Buffer.from("defg"));
    const iov = b.alloc(48);
    const buf = Buffer.alloc(48);
    [x, 3, 0, 0, y, 4].forEach((v, i) => buf.writeBigInt64LE(BigInt(v), i * 8));
    b.poke(iov, buf);
    expect(b.call((l) => kernWritev(l, wr, iov, 3))).toBe(7);
    expect(read(a, r, 10)).toBe("abcdefg");
  });
});

describe("a pipe against a queue of bytes", () => {
  const op = fc.record({
    write: fc.boolean(),
    n: fc.oneof(fc.integer({ min: 1, max: 9000 }), fc.integer({ min: 1, max: 80000 })),
  });

  it("loses, adds and reorders nothing, with sleeping calls on both sides", () => {
    fc.assert(
      fc.property(fc.array(op, { minLength: 1, maxLength: 40 }), (ops) => {
        setUp();
        const written: number[] = [];
        const got: number[] = [];
        let next = 0;
        /** What the sleeping read is for. */
        let into = 0;
        let reading = false;
        let writing = 0;
        const progress = (): void => {
          for (let again = true; again;) {
            again = false;
            if (reading && !a.sleeps) {
              const n = a.resume();
              if (n !== EASYNC) {
                got.push(...a.peek(into, n));
                reading = false;
                again = true;
              }
            }
            if (writing > 0 && !b.sleeps) {
              const n = b.resume();
              if (n !== EASYNC) {
                expect(n).toBe(writing);
                writing = 0;
                again = true;
              }
            }
          }
        };
        for (const { write: isWrite, n } of ops) {
          if (isWrite && writing === 0) {
            const data = Uint8Array.from({ length: n }, () => (next = (next * 5 + 1) & 0xff));
            written.push(...data);
            const u = b.alloc(n);
            b.poke(u, data);
            const x = b.call((l) => kernWrite(l, wr, u, n));
            if (x === EASYNC) writing = n;
            else expect(x).toBe(n);
          } else if (!isWrite && !reading) {
            into = a.alloc(n);
            const to = into;
            const x = a.call((l) => kernRead(l, r, to, n));
            if (x === EASYNC) reading = true;
            else got.push(...a.peek(to, x));
          }
          progress();
        }
        while (got.length < written.length) {
          if (!reading) {
            into = a.alloc(30000);
            const to = into;
            const x = a.call((l) => kernRead(l, r, to, 30000));
            if (x === EASYNC) reading = true;
            else got.push(...a.peek(to, x));
          }
          progress();
        }
        expect(got.length).toBe(written.length);
        expect(Buffer.from(got).equals(Buffer.from(written))).toBe(true);
      }),
      { numRuns: 25 },
    );
  });
});
