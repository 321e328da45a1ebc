import { Errno } from "@anax/portable";
import { Stat } from "@anax/vfs-msg";
import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import {
  AF_UNIX,
  AT_FDCWD,
  E_ADDRINUSE,
  E_CONNREFUSED,
  E_CONNRESET,
  E_ISCONN,
  E_NOTCONN,
  E_PROTOTYPE,
  MSG_CTRUNC,
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
  MSG_PEEK,
  MSG_TRUNC,
  MSG_WAITALL,
  POLLHUP,
  POLLIN,
  POLLOUT,
  SIGPIPE,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOCK_SEQPACKET,
  SOCK_STREAM,
  SOL_SOCKET,
  SO_PASSCRED,
  SO_PEERCRED,
  SO_RCVTIMEO,
  kernAccept,
  kernBind,
  kernClose,
  kernConnect,
  kernGetpeername,
  kernGetsockname,
  kernGetsockopt,
  kernListen,
  kernPipe2,
  kernPoll,
  kernRead,
  kernRecvfrom,
  kernRecvmsg,
  kernSendmsg,
  kernSendto,
  kernSetsockopt,
  kernShutdown,
  kernSocket,
  kernSocketpair,
  kernStatAt,
  kernUnlinkAt,
  kernWrite,
} from "../src/index";
import { EASYNC, World, type Task } from "./files-world";

let w: World;
let a: Task;
let b: Task;

function pair(type = SOCK_STREAM, by = a): [number, number] {
  const u = by.alloc(8);
  expect(by.call((l) => kernSocketpair(l, AF_UNIX, type, 0, u))).toBe(0);
  return by.peekInts(u, 2) as [number, number];
}

const close = (t: Task, fd: number): number => t.call((l) => kernClose(l, fd));

function send(t: Task, fd: number, data: string | Uint8Array, flags = 0, to: string | null = null): number {
  const bytes = typeof data === "string" ? Buffer.from(data, "latin1") : data;
  const u = t.alloc(bytes.length);
  t.poke(u, bytes);
  const [addr, n] = to === null ? [0, 0] : address(t, to);
  return t.call((l) => kernSendto(l, fd, u, bytes.length, flags, addr, n));
}

function recv(t: Task, fd: number, n: number, flags = 0): string | number {
  const u = t.alloc(n);
  last = u;
  const got = t.call((l) => kernRecvfrom(l, fd, u, n, flags, 0, 0));
  return got < 0 ? got : t.text(u, Math.min(got, n));
}
let last = 0;

/** struct sockaddr_un: address and length. A name that starts with @ is without a file. */
function address(t: Task, name: string): [number, number] {
  const b = Buffer.alloc(2 + name.length + 1);
  b.writeUInt16LE(1, 0);
  b.write(name.startsWith("@") ? "\0" + name.slice(1) : name, 2, "latin1");
  const u = t.alloc(b.length);
  t.poke(u, b);
  return [u, name.startsWith("@") ? b.length - 1 : b.length];
}

function bind(t: Task, fd: number, name: string): number {
  const [u, n] = address(t, name);
  return t.call((l) => kernBind(l, fd, u, n));
}

function connect(t: Task, fd: number, name: string): number {
  const [u, n] = address(t, name);
  return t.call((l) => kernConnect(l, fd, u, n));
}

const socket = (t: Task, type = SOCK_STREAM): number => t.call((l) => kernSocket(l, AF_UNIX, type, 0));

beforeEach(() => {
  w = new World();
  a = w.fork(w.init);
});

describe("stream pairs", () => {
  it("carry bytes both ways and end when one side closes", () => {
    const [x, y] = pair();
    b = w.fork(a);
    close(a, y);
    close(b, x);
    expect(send(a, x, "hello")).toBe(5);
    expect(send(a, x, "world")).toBe(5);
    expect(recv(b, y, 7)).toBe("hellowo");
    expect(recv(b, y, 7)).toBe("rld");
    expect(send(b, y, "back")).toBe(4);
    expect(recv(a, x, 10)).toBe("back");
    expect(recv(a, x, 10)).toBe(EASYNC);
    close(b, y);
    expect(a.resume()).toBe(0);
    expect(send(a, x, "x")).toBe(-Errno.PIPE);
    expect(a.lwp.pending.has(SIGPIPE)).toBe(true);
  });

  it("make senders wait for room and receivers for bytes", () => {
    const [x, y] = pair();
    b = w.fork(a);
    const data = new Uint8Array(300000).map((_, i) => i * 5);
    const u = a.alloc(300000);
    a.poke(u, data);
    expect(a.call((l) => kernWrite(l, x, u, 300000))).toBe(EASYNC);
    const got: number[] = [];
    while (got.length < 300000) {
      const v = b.alloc(50000);
      const n = b.call((l) => kernRead(l, y, v, 50000));
      expect(n).toBeGreaterThan(0);
      got.push(...b.peek(v, n));
      if (a.isPending && !a.sleeps) {
        const r = a.resume();
        if (r !== EASYNC) expect(r).toBe(300000);
      }
    }
    expect(Buffer.from(got).equals(Buffer.from(data))).toBe(true);
  });

  it("obey flags", () => {
    const [x, y] = pair();
    expect(recv(a, y, 5, MSG_DONTWAIT)).toBe(-Errno.AGAIN);
    send(a, x, "abcdef");
    expect(recv(a, y, 3, MSG_PEEK)).toBe("abc");
    expect(recv(a, y, 3)).toBe("abc");
    b = w.fork(a);
    expect(recv(b, y, 6, MSG_WAITALL)).toBe(EASYNC);
    send(a, x, "gh");
    expect(b.resume()).toBe(EASYNC);
    send(a, x, "i");
    expect(b.resume()).toBe(6);
    expect(b.text(last, 6)).toBe("defghi");
    close(a, y);
    close(b, y);
    expect(send(a, x, "x", MSG_NOSIGNAL)).toBe(-Errno.PIPE);
    expect(a.lwp.pending.has(SIGPIPE)).toBe(false);
  });

  it("shut down one way at a time", () => {
    const [x, y] = pair();
    send(a, x, "last");
    expect(a.call((l) => kernShutdown(l, x, 1))).toBe(0);
    expect(send(a, x, "x", MSG_NOSIGNAL)).toBe(-Errno.PIPE);
    expect(recv(a, y, 10)).toBe("last");
    expect(recv(a, y, 10)).toBe("");
    expect(send(a, y, "still")).toBe(5);
    expect(recv(a, x, 10)).toBe("still");
    expect(a.call((l) => kernShutdown(l, x, 7))).toBe(-Errno.INVAL);
  });

  it("tell poll what holds", () => {
    const [x, y] = pair();
    const fds = a.ints(x, POLLIN | POLLOUT);
    const poll = (): number => {
      a.call((l) => kernPoll(l, fds, 1, 0));
      return a.peekInts(fds, 2)[1]! >> 16;
    };
    expect(poll()).toBe(POLLOUT);
    send(a, y, "x");
    expect(poll()).toBe(POLLIN | POLLOUT);
    recv(a, x, 1);
    const big = a.alloc(131072);
    a.call((l) => kernSendto(l, x, big, 131072, MSG_DONTWAIT, 0, 0));
    expect(poll()).toBe(0);
    close(a, y);
    expect(poll() & (POLLIN | POLLHUP)).toBe(POLLIN | POLLHUP);
  });

  it("give all pages back", () => {
    const [x, y] = pair();
    const u = a.alloc(100000);
    a.poke(u, new Uint8Array(100000));
    const before = w.freePages;
    a.call((l) => kernWrite(l, x, u, 100000));
    expect(w.freePages).toBe(before - 25);
    close(a, x);
    close(a, y);
    expect(w.freePages).toBe(before);
  });

  it("reorder nothing, against a queue", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 50000 })), { maxLength: 60 }), (ops) => {
        w = new World();
        a = w.fork(w.init);
        const [x, y] = pair(SOCK_STREAM | SOCK_NONBLOCK);
        const queue: number[] = [];
        let next = 0;
        for (const [isSend, n] of ops) {
          if (isSend) {
            const data = Uint8Array.from({ length: n }, () => (next = (next * 7 + 3) & 255));
            const sent = send(a, x, data);
            if (sent > 0) queue.push(...data.subarray(0, sent));
            else expect([sent, queue.length]).toEqual([-Errno.AGAIN, 131072]);
          } else {
            const got = recv(a, y, n);
            if (typeof got === "number") expect([got, queue.length]).toEqual([-Errno.AGAIN, 0]);
            else expect(Buffer.from(got, "latin1").equals(Buffer.from(queue.splice(0, n)))).toBe(true);
          }
        }
      }),
      { numRuns: 30 },
    );
  });
});

describe("messages", () => {
  it("keep their boundaries", () => {
    for (const type of [SOCK_DGRAM, SOCK_SEQPACKET]) {
      const [x, y] = pair(type);
      send(a, x, "one");
      send(a, x, "");
      send(a, x, "three");
      expect(recv(a, y, 100)).toBe("one");
      expect(recv(a, y, 100)).toBe("");
      expect(recv(a, y, 2, MSG_PEEK)).toBe("th");
      const u = a.alloc(10);
      expect(a.call((l) => kernRecvfrom(l, y, u, 2, MSG_TRUNC, 0, 0))).toBe(5);
      expect(recv(a, y, 2, MSG_DONTWAIT)).toBe(-Errno.AGAIN);
      expect(send(a, x, new Uint8Array(200000))).toBe(-Errno.MSGSIZE);
    }
  });

  it("go to names, and bring the sender's", () => {
    const server = socket(a, SOCK_DGRAM);
    expect(bind(a, server, "/s")).toBe(0);
    const client = socket(a, SOCK_DGRAM);
    expect(send(a, client, "x")).toBe(-E_NOTCONN);
    expect(send(a, client, "x", 0, "/none")).toBe(-Errno.NOENT);
    expect(bind(a, client, "@c")).toBe(0);
    expect(send(a, client, "hi", 0, "/s")).toBe(2);
    const u = a.alloc(10);
    const addr = a.alloc(110);
    const n = a.ints(110);
    expect(a.call((l) => kernRecvfrom(l, server, u, 10, 0, addr, n))).toBe(2);
    expect(a.peekInts(n, 1)).toEqual([4]);
    expect(a.text(addr, 4)).toBe("\x01\0\0c");
    expect(connect(a, client, "/s")).toBe(0);
    expect(send(a, client, "again")).toBe(5);
    close(a, server);
    expect(send(a, client, "x")).toBe(-E_CONNREFUSED);
  });
});

describe("connections", () => {
  it("are made by name, queued and accepted", () => {
    const server = socket(a);
    expect(a.call((l) => kernListen(l, server, 1))).toBe(-Errno.INVAL);
    expect(bind(a, server, "/sock")).toBe(0);
    const st = new Stat();
    const path = a.str("/sock");
    a.call((l) => kernStatAt(l, AT_FDCWD, path, 0, st));
    expect(st.mode & 0o170000).toBe(0o140000);
    b = w.fork(w.init);
    const c1 = socket(b);
    expect(connect(b, c1, "/sock")).toBe(-E_CONNREFUSED);
    expect(a.call((l) => kernListen(l, server, 0))).toBe(0);
    expect(a.call((l) => kernAccept(l, server, 0, 0, 0))).toBe(EASYNC);
    expect(connect(b, c1, "/sock")).toBe(0);
    const end = a.resume();
    expect(end).toBeGreaterThan(server);
    expect(connect(b, c1, "/sock")).toBe(-E_ISCONN);
    send(b, c1, "knock");
    expect(recv(a, end, 10)).toBe("knock");
    // A queue of one: the second waits until the first is accepted.
    const c2 = socket(b);
    const c3 = socket(b);
    expect(connect(b, c2, "/sock")).toBe(0);
    expect(connect(b, c3, "/sock")).toBe(EASYNC);
    const e2 = a.call((l) => kernAccept(l, server, 0, 0, 0));
    expect(e2).toBeGreaterThan(0);
    expect(b.resume()).toBe(0);
    // The server goes: who waits in its queue is told.
    close(a, server);
    expect(recv(b, c3, 1)).toBe(-E_CONNRESET);
    expect(connect(b, socket(b), "/sock")).toBe(-E_CONNREFUSED);
    const again = socket(a);
    expect(bind(a, again, "/sock")).toBe(-E_ADDRINUSE);
    a.call((l) => kernUnlinkAt(l, AT_FDCWD, path, 0));
    expect(bind(a, again, "/sock")).toBe(0);
  });

  it("know their names and their peers", () => {
    const server = socket(a, SOCK_SEQPACKET);
    bind(a, server, "@name");
    a.call((l) => kernListen(l, server, 5));
    const other = socket(a);
    expect(bind(a, other, "@name")).toBe(-E_ADDRINUSE);
    expect(connect(a, other, "@name")).toBe(-E_PROTOTYPE);
    b = w.fork(w.init);
    const c = socket(b, SOCK_SEQPACKET);
    expect(connect(b, c, "@name")).toBe(0);
    const u = b.alloc(110);
    const n = b.ints(110);
    expect(b.call((l) => kernGetpeername(l, c, u, n))).toBe(0);
    expect(b.text(u, b.peekInts(n, 1)[0]!)).toBe("\x01\0\0name");
    const m = b.ints(110);
    expect(b.call((l) => kernGetsockname(l, c, u, m))).toBe(0);
    expect(b.peekInts(m, 1)).toEqual([2]);
    const cred = b.alloc(12);
    const size = b.ints(12);
    expect(b.call((l) => kernGetsockopt(l, c, SOL_SOCKET, SO_PEERCRED, cred, size))).toBe(0);
    expect(b.peekInts(cred, 3)).toEqual([a.proc.pid, 0, 0]);
    close(a, server);
    const fresh = socket(a, SOCK_SEQPACKET);
    expect(bind(a, fresh, "@name")).toBe(0);
  });

  it("keep time limits", () => {
    const [x] = pair();
    const u = a.alloc(16);
    const t = Buffer.alloc(16);
    t.writeBigInt64LE(20000n, 8);
    a.poke(u, t);
    expect(a.call((l) => kernSetsockopt(l, x, SOL_SOCKET, SO_RCVTIMEO, u, 16))).toBe(0);
    expect(recv(a, x, 1)).toBe(EASYNC);
    w.pass(15);
    expect(a.sleeps).toBe(true);
    w.pass(6);
    expect(a.resume()).toBe(-Errno.AGAIN);
  });
});

describe("what goes along", () => {
  /** struct msghdr with one buffer and control data: its address, and those of the buffer and the control. */
  function msg(t: Task, data: Buffer, control: Buffer): [number, number, number] {
    const buf = t.alloc(Math.max(1, data.length));
    t.poke(buf, data);
    const ctl = t.alloc(Math.max(16, control.length));
    t.poke(ctl, control);
    const iov = t.alloc(16);
    const i = Buffer.alloc(16);
    i.writeBigInt64LE(BigInt(buf), 0);
    i.writeBigInt64LE(BigInt(data.length), 8);
    t.poke(iov, i);
    const h = Buffer.alloc(56);
    h.writeBigInt64LE(BigInt(iov), 16);
    h.writeBigInt64LE(1n, 24);
    h.writeBigInt64LE(control.length > 0 ? BigInt(ctl) : 0n, 32);
    h.writeBigInt64LE(BigInt(control.length), 40);
    const u = t.alloc(56);
    t.poke(u, h);
    return [u, buf, ctl];
  }

  function rights(...fds: number[]): Buffer {
    const c = Buffer.alloc(16 + fds.length * 4);
    c.writeBigInt64LE(BigInt(c.length), 0);
    c.writeInt32LE(SOL_SOCKET, 8);
    c.writeInt32LE(1, 12);
    fds.forEach((fd, i) => c.writeInt32LE(fd, 16 + i * 4));
    return c;
  }

  function sendFds(t: Task, fd: number, data: string, ...fds: number[]): number {
    const [u] = msg(t, Buffer.from(data), rights(...fds));
    return t.call((l) => kernSendmsg(l, fd, u, 0));
  }

  /** Receives: text, descriptors, flags. */
  function recvFds(t: Task, fd: number, n = 100, room = 64): [string, number[], number] {
    const [u, buf, ctl] = msg(t, Buffer.alloc(n), Buffer.alloc(room));
    const got = t.call((l) => kernRecvmsg(l, fd, u, 0));
    expect(got).toBeGreaterThanOrEqual(0);
    const h = Buffer.from(t.peek(u, 56));
    const size = Number(h.readBigInt64LE(40));
    const fds: number[] = [];
    if (size >= 16) {
      const c = Buffer.from(t.peek(ctl, size));
      for (let at = 16; at < Number(c.readBigInt64LE(0)); at += 4) fds.push(c.readInt32LE(at));
    }
    return [t.text(buf, got), fds, h.readInt32LE(48)];
  }

  it("passes descriptors with the bytes they were sent with", () => {
    const [x, y] = pair();
    b = w.fork(a);
    const u = a.alloc(8);
    a.call((l) => kernPipe2(l, u, 0));
    const [r, wr] = a.peekInts(u, 2) as [number, number];
    send(a, x, "before");
    expect(sendFds(a, x, "with", r)).toBe(4);
    send(a, x, "after");
    close(a, r);
    expect(recvFds(b, y)[0]).toBe("before");
    const [text, fds] = recvFds(b, y);
    expect(text).toBe("with");
    expect(fds).toHaveLength(1);
    send(a, x, "", 0);
    const v = a.alloc(3);
    a.poke(v, Buffer.from("via"));
    expect(a.call((l) => kernWrite(l, wr, v, 3))).toBe(3);
    const into = b.alloc(10);
    expect(b.call((l) => kernRead(l, fds[0]!, into, 10))).toBe(3);
    expect(recvFds(b, y)[0]).toBe("after");
    expect(sendFds(a, x, "x", 99)).toBe(-Errno.BADF);
  });

  it("closes what finds no room, and says so", () => {
    const [x, y] = pair();
    const [p, q] = pair();
    expect(sendFds(a, x, "t", p, q)).toBe(1);
    const before = a.files.get(p)!.refs;
    const [, fds, flags] = recvFds(a, y, 10, 20);
    expect([fds.length, flags & MSG_CTRUNC]).toEqual([1, MSG_CTRUNC]);
    expect(a.files.get(q)!.refs).toBe(1);
    expect(a.files.get(p)!.refs).toBe(before);
    sendFds(a, x, "u", p);
    expect(recv(a, y, 5)).toBe("u");
    expect(a.files.get(p)!.refs).toBe(before);
  });

  it("tells who sent", () => {
    const [x, y] = pair(SOCK_DGRAM);
    const on = a.ints(1);
    expect(a.call((l) => kernSetsockopt(l, y, SOL_SOCKET, SO_PASSCRED, on, 4))).toBe(0);
    b = w.fork(a);
    send(b, x, "me");
    const [, who] = recvFds(a, y);
    expect(who).toEqual([b.proc.pid, 0, 0]);
  });

  it("gives everything back when sockets wait in each other, and in long chains", () => {
    a.touchAll();
    const u = a.alloc(8);
    const refs = (): number => w.freePages;
    a.call((l) => kernPipe2(l, u, 0));
    const [r, wr] = a.peekInts(u, 2) as [number, number];
    const page = a.alloc(1);
    a.poke(page, Buffer.from("x"));
    a.call((l) => kernWrite(l, wr, page, 1));
    const before = refs();
    const file = a.files.get(wr)!;
    for (let i = 0; i < 20; i++) {
      const [x, y] = pair();
      const [p, q] = pair();
      sendFds(a, x, "1", p, wr);
      sendFds(a, p, "2", x);
      sendFds(a, q, "3", y);
      for (const fd of [x, y, p, q]) close(a, fd);
    }
    expect(file.refs).toBe(1);
    expect(refs()).toBe(before);
    let [x, y] = pair();
    for (let i = 0; i < 3000; i++) {
      const [p, q] = pair();
      expect(sendFds(a, q, "c", x)).toBe(1);
      close(a, x);
      close(a, y);
      [x, y] = [p, q];
    }
    close(a, x);
    close(a, y);
    a.call((l) => kernClose(l, r));
    a.call((l) => kernClose(l, wr));
    expect(a.files.count).toBe(0);
    expect(refs()).toBe(before + 1);
  });
});
