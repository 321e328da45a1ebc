import { Errno } from "@anax/portable";
import type { Vnode } from "@anax/vfs-msg";
import { beforeEach, describe, expect, it } from "vitest";
import {
  ICANON,
  O_NONBLOCK,
  O_RDONLY,
  O_RDWR,
  POLLHUP,
  POLLIN,
  POLLOUT,
  SIGHUP,
  SIGINT,
  SIGTTIN,
  SIGTTOU,
  SIGWINCH,
  SIG_IGN,
  TCGETS,
  TCSETS,
  TCSETSF,
  TCSETSW,
  TERMIOS_SIZE,
  TIOCGLCKTRMIOS,
  TIOCGPGRP,
  TIOCGSID,
  TIOCGWINSZ,
  TIOCNOTTY,
  TIOCSCTTY,
  TIOCSLCKTRMIOS,
  TIOCSPGRP,
  TIOCSTI,
  TIOCSWINSZ,
  TOSTOP,
  Termios,
  Tty,
  TtyDevice,
  TtyDriver,
  VMIN,
  VTIME,
  kernClose,
  kernIoctl,
  kernPoll,
  kernRead,
  kernWrite,
  setpgid,
  setsid,
} from "../src/index";
import { ControllingDevice } from "../src/tty-file";
import { EASYNC, World, type Task } from "./files-world";

/** A driver that takes output while it has room, as a FIFO does. */
class Wire extends TtyDriver {
  sent = "";
  room = Infinity;
  unthrottled = 0;

  override startOutput(tty: Tty): void {
    const out = tty.line.out;
    while (!out.isEmpty && this.room > 0) {
      const n = Math.min(out.span, this.room);
      this.sent += Buffer.from(out.bytes.subarray(out.head, out.head + n)).toString("latin1");
      this.room -= n;
      out.drop(n);
    }
  }

  override unthrottle(): void {
    this.unthrottled++;
  }
}

let w: World;
let shell: Task;
let wire: Wire;
let tty: Tty;
let device: TtyDevice;

/** Opens a node of `device` without a /dev. */
function open(t: Task, dev: TtyDevice | ControllingDevice = device, flags = O_RDWR): number {
  const vfs = w.vfs;
  const nd = t.world.kernel.fc.nd;
  nd.init(vfs.root, vfs.root, t.proc.cred, 0);
  nd.setString("/");
  expect(vfs.open(nd, 0, 0)).toBeGreaterThanOrEqual(0);
  const vp = nd.vnode as Vnode;
  t.enter();
  const r = dev.openFile(t.lwp, vp, flags);
  if (r < 0) {
    vfs.close(vp, 0);
    return r;
  }
  const fc = w.kernel.fc;
  const fd = t.files.install(fc.opened!, false, 1024);
  fc.opened = null;
  return fd;
}

function type(text: string): void {
  for (const c of Buffer.from(text, "latin1")) tty.input(c);
}

function read(t: Task, fd: number, n = 100): string | number {
  const u = t.alloc(n);
  const got = t.call((l) => kernRead(l, fd, u, n));
  lastRead = u;
  return got < 0 ? got : t.text(u, got);
}
let lastRead = 0;

function write(t: Task, fd: number, data: string): number {
  const u = t.alloc(data.length);
  t.poke(u, Buffer.from(data, "latin1"));
  return t.call((l) => kernWrite(l, fd, u, data.length));
}

const ioctl = (t: Task, fd: number, cmd: number, arg: number): number => t.call((l) => kernIoctl(l, fd, cmd, arg));

function set(t: Task, fd: number, change: (s: Termios) => void, cmd = TCSETS): number {
  const u = t.alloc(TERMIOS_SIZE);
  expect(ioctl(t, fd, TCGETS, u)).toBe(0);
  const s = new Termios();
  s.decode(t.peek(u, TERMIOS_SIZE), false);
  change(s);
  const b = new Uint8Array(TERMIOS_SIZE);
  s.encode(b, false);
  t.poke(u, b);
  return ioctl(t, fd, cmd, u);
}

const pending = (t: Task, sig: number): boolean => t.proc.pending.has(sig);

beforeEach(() => {
  w = new World();
  wire = new Wire();
  tty = new Tty(w.kernel, wire, 0x440, true);
  device = new TtyDevice("ttyS0", 4, 64, 0o620, tty);
  // Process 1 is no leader of a session that could have a terminal here: use a child, as a shell is.
  shell = w.fork(w.init);
  expect(setsid(shell.proc)).toBe(shell.proc.pid);
});

describe("reading and writing", () => {
  it("makes a reader wait for a line and wakes it", () => {
    const fd = open(shell);
    expect(read(shell, fd)).toBe(EASYNC);
    type("ab");
    expect(shell.sleeps).toBe(true);
    type("c\r");
    expect(shell.resume()).toBe(4);
    expect(shell.text(lastRead, 4)).toBe("abc\n");
    expect(wire.sent).toBe("abc\r\n");
  });

  it("sends output as fast as the driver takes it, and keeps writers waiting", () => {
    const fd = open(shell);
    wire.room = 1000;
    const text = "0123456789\n".repeat(3000);
    expect(write(shell, fd, text)).toBe(EASYNC);
    while (shell.isPending) {
      wire.room = 3000;
      tty.outputDrained();
      if (!shell.sleeps) {
        const r = shell.resume();
        if (r !== EASYNC) expect(r).toBe(text.length);
      }
    }
    wire.room = Infinity;
    tty.outputDrained();
    expect(wire.sent).toBe(text.replaceAll("\n", "\r\n"));
  });

  it("holds output back between ^S and ^Q", () => {
    const fd = open(shell);
    type("\x13");
    expect(write(shell, fd, "hidden")).toBe(6);
    tty.outputDrained();
    expect(wire.sent).toBe("");
    type("\x11");
    expect(wire.sent).toBe("hidden");
  });

  it("passes bytes unchanged and in bulk when it is raw", () => {
    const fd = open(shell);
    set(shell, fd, (s) => s.makeRaw());
    const all = Buffer.from(Array.from({ length: 20000 }, (_, i) => i & 255)).toString("latin1");
    expect(write(shell, fd, all)).toBe(20000);
    expect(wire.sent).toBe(all);
  });

  it("answers -EAGAIN, -EINTR and -EFAULT", () => {
    const fd = open(shell, device, O_RDWR | O_NONBLOCK);
    expect(read(shell, fd)).toBe(-Errno.AGAIN);
    const slow = open(shell);
    expect(read(shell, slow)).toBe(EASYNC);
    expect(shell.interrupt()).toBe(-Errno.INTR);
    type("x\n");
    expect(shell.call((l) => kernRead(l, slow, 0x10, 5))).toBe(-Errno.FAULT);
    expect(read(shell, slow)).toBe("x\n");
  });

  it("waits by MIN and TIME in raw mode", () => {
    const fd = open(shell);
    const mode = (min: number, time: number): number =>
      set(shell, fd, (s) => {
        s.makeRaw();
        s.cc[VMIN] = min;
        s.cc[VTIME] = time;
      });
    mode(0, 0);
    expect(read(shell, fd)).toBe("");
    mode(3, 0);
    expect(read(shell, fd)).toBe(EASYNC);
    type("ab");
    expect(shell.resume()).toBe(EASYNC);
    type("c");
    expect(shell.resume()).toBe(3);
    mode(0, 2);
    expect(read(shell, fd)).toBe(EASYNC);
    w.pass(150);
    expect(shell.sleeps).toBe(true);
    w.pass(100);
    expect(shell.resume()).toBe(0);
    mode(5, 2);
    expect(read(shell, fd)).toBe(EASYNC);
    w.pass(1000);
    expect(shell.sleeps).toBe(true);
    type("x");
    expect(shell.resume()).toBe(EASYNC);
    w.pass(150);
    type("y");
    expect(shell.resume()).toBe(EASYNC);
    w.pass(150);
    expect(shell.sleeps).toBe(true);
    w.pass(100);
    expect(shell.resume()).toBe(2);
  });

  it("throttles a driver and lets it go on", () => {
    const fd = open(shell);
    set(shell, fd, (s) => s.makeRaw());
    while (tty.inputRoom > 0) tty.inputBytes(new Uint8Array(tty.inputRoom), 0, tty.inputRoom);
    expect(wire.unthrottled).toBe(0);
    expect(read(shell, fd, 4096)).toHaveLength(4095);
    expect(wire.unthrottled).toBe(1);
  });

  it("tells poll what holds", () => {
    const fd = open(shell);
    const fds = shell.ints(fd, POLLIN | POLLOUT);
    const poll = (): number => {
      shell.call((l) => kernPoll(l, fds, 1, 0));
      return shell.peekInts(fds, 2)[1]! >> 16;
    };
    expect(poll()).toBe(POLLOUT);
    type("a");
    expect(poll()).toBe(POLLOUT);
    type("\n");
    expect(poll()).toBe(POLLIN | POLLOUT);
  });
});

describe("sessions and job control", () => {
  it("becomes the controlling terminal of a leader that opens it", () => {
    expect(open(shell, device, O_RDONLY)).toBe(0);
    expect(tty.session).toBe(shell.proc.group!.session);
    expect(tty.foregroundPgid()).toBe(shell.proc.pid);
    const u = shell.alloc(4);
    expect(ioctl(shell, 0, TIOCGSID, u)).toBe(0);
    expect(shell.peekInts(u, 1)).toEqual([shell.proc.pid]);
    const other = new ControllingDevice();
    expect(open(shell, other)).toBe(1);
    expect(open(w.init, other)).toBe(-Errno.NXIO);
  });

  it("sends typed signals to the foreground group alone", () => {
    open(shell);
    const job = w.fork(shell);
    expect(setpgid(job.proc, 0, 0)).toBe(0);
    const u = shell.ints(job.proc.pid);
    expect(ioctl(shell, 0, TIOCSPGRP, u)).toBe(0);
    type("\x03");
    expect([pending(shell, SIGINT), pending(job, SIGINT)]).toEqual([false, true]);
  });

  it("stops background readers and, with TOSTOP, writers; and those who change settings", () => {
    const fd = open(shell);
    const job = w.fork(shell);
    setpgid(job.proc, 0, 0);
    expect(read(job, fd)).toBe(EASYNC);
    expect(pending(job, SIGTTIN)).toBe(true);
    expect(job.interrupt()).toBe(-Errno.INTR);
    expect(write(job, fd, "text")).toBe(4);
    set(shell, fd, (s) => {
      s.lflag |= TOSTOP;
    });
    expect(write(job, fd, "text")).toBe(EASYNC);
    expect(pending(job, SIGTTOU)).toBe(true);
    // In the foreground again the same call goes on.
    const u = shell.ints(job.proc.pid);
    expect(ioctl(shell, fd, TIOCSPGRP, u)).toBe(0);
    expect(job.resume()).toBe(4);
    const second = w.fork(shell);
    setpgid(second.proc, 0, 0);
    const v = second.alloc(TERMIOS_SIZE);
    expect(ioctl(second, fd, TCGETS, v)).toBe(0);
    expect(ioctl(second, fd, TCSETS, v)).toBe(EASYNC);
    expect(pending(second, SIGTTOU)).toBe(true);
    expect(second.interrupt()).toBe(-Errno.INTR);
  });

  it("is -EIO for readers that ignore SIGTTIN or are orphaned, and lets writers that ignore SIGTTOU pass", () => {
    const fd = open(shell);
    const job = w.fork(shell);
    setpgid(job.proc, 0, 0);
    set(shell, fd, (s) => {
      s.lflag |= TOSTOP;
    });
    const acts = job.proc.sighand!.own();
    acts.set(SIGTTIN, SIG_IGN, 0, 0, 0, 0);
    acts.set(SIGTTOU, SIG_IGN, 0, 0, 0, 0);
    expect(read(job, fd)).toBe(-Errno.IO);
    expect(write(job, fd, "x")).toBe(1);
    const grandchild = w.fork(job);
    setpgid(grandchild.proc, 0, 0);
    grandchild.proc.sighand!.own().set(SIGTTIN, 0, 0, 0, 0, 0);
    job.proc.removeChild(grandchild.proc);
    w.init.proc.addChild(grandchild.proc);
    expect(read(grandchild, fd)).toBe(-Errno.IO);
  });

  it("checks TIOCSCTTY, TIOCSPGRP and TIOCNOTTY", () => {
    const fd = open(shell);
    const job = w.fork(shell);
    setpgid(job.proc, 0, 0);
    expect(ioctl(job, fd, TIOCSCTTY, 0)).toBe(-Errno.PERM);
    expect(ioctl(shell, fd, TIOCSPGRP, shell.ints(9999))).toBe(-Errno.SRCH);
    expect(ioctl(shell, fd, TIOCSPGRP, shell.ints(w.init.proc.group!.pgid))).toBe(-Errno.PERM);
    const other = w.fork(shell);
    setsid(other.proc);
    expect(ioctl(other, fd, TIOCGPGRP, other.alloc(4))).toBe(-Errno.NOTTY);
    expect(ioctl(other, fd, TIOCSCTTY, 0)).toBe(-Errno.PERM);
    expect(ioctl(shell, fd, TIOCNOTTY, 0)).toBe(0);
    expect(pending(shell, SIGHUP)).toBe(true);
    expect(tty.session).toBeNull();
    expect(ioctl(other, fd, TIOCSCTTY, 0)).toBe(0);
    expect(tty.session).toBe(other.proc.group!.session);
  });

  it("refuses typing for others and unknown commands", () => {
    const fd = open(shell);
    expect(ioctl(shell, fd, TIOCSTI, shell.ints(65))).toBe(-Errno.PERM);
    expect(ioctl(shell, fd, 0x5499, 0)).toBe(-Errno.NOTTY);
    expect(ioctl(shell, fd, TCGETS, 0x10)).toBe(-Errno.FAULT);
  });

  it("tells the foreground of a new window size, once", () => {
    const fd = open(shell);
    const u = shell.ints(24 | (80 << 16), 0);
    expect(ioctl(shell, fd, TIOCSWINSZ, u)).toBe(0);
    expect(pending(shell, SIGWINCH)).toBe(false);
    const acts = shell.proc.sighand!.own();
    acts.set(SIGWINCH, 0x1000, 0, 0, 0, 0);
    ioctl(shell, fd, TIOCSWINSZ, u);
    expect(pending(shell, SIGWINCH)).toBe(false);
    ioctl(shell, fd, TIOCSWINSZ, shell.ints(25 | (80 << 16), 0));
    expect(pending(shell, SIGWINCH)).toBe(true);
    const v = shell.alloc(8);
    expect(ioctl(shell, fd, TIOCGWINSZ, v)).toBe(0);
    expect(shell.peekInts(v, 1)).toEqual([25 | (80 << 16)]);
  });
});

describe("settings", () => {
  it("waits for output with TCSETSW, and throws input away with TCSETSF", () => {
    const fd = open(shell);
    wire.room = 2;
    write(shell, fd, "abcd");
    type("old");
    expect(set(shell, fd, () => {}, TCSETSW)).toBe(EASYNC);
    wire.room = Infinity;
    tty.outputDrained();
    expect(shell.resume()).toBe(0);
    type("x");
    expect(
      set(
        shell,
        fd,
        (s) => {
          s.lflag &= ~ICANON;
        },
        TCSETSF,
      ),
    ).toBe(0);
    type("y");
    expect(read(shell, fd)).toBe("y");
  });

  it("leaves locked settings alone", () => {
    const fd = open(shell);
    const u = shell.alloc(TERMIOS_SIZE);
    const locks = new Termios();
    locks.lflag = ICANON;
    locks.cc[0] = 1;
    const b = new Uint8Array(TERMIOS_SIZE);
    locks.encode(b, false);
    shell.poke(u, b);
    expect(ioctl(shell, fd, TIOCSLCKTRMIOS, u)).toBe(0);
    set(shell, fd, (s) => {
      s.makeRaw();
      s.cc[0] = 9;
      s.cc[1] = 9;
    });
    expect(tty.line.isCanonical).toBe(true);
    expect([...tty.line.termios.cc.subarray(0, 2)]).toEqual([3, 9]);
    expect(ioctl(shell, fd, TIOCGLCKTRMIOS, u)).toBe(0);
    expect(shell.peek(u, TERMIOS_SIZE)).toEqual(b);
  });

  it("gives back the settings that it took", () => {
    const fd = open(shell);
    const u = shell.alloc(64);
    shell.poke(u, new Uint8Array(64).fill(0xee));
    expect(ioctl(shell, fd, TCGETS, u)).toBe(0);
    const b = Buffer.from(shell.peek(u, 64));
    expect(b.readUInt32LE(0)).toBe(0o2400);
    expect(b.readUInt32LE(4)).toBe(0o5);
    expect(b.readUInt32LE(12)).toBe(0o105073 & ~0o2000);
    expect(b[17]).toBe(3);
    expect(b[36]).toBe(0xee);
  });
});

describe("hang-up", () => {
  it("ends readers, fails writers and signals the session", () => {
    const fd = open(shell);
    const job = w.fork(shell);
    setpgid(job.proc, 0, 0);
    ioctl(shell, fd, TIOCSPGRP, shell.ints(job.proc.pid));
    expect(read(job, fd)).toBe(EASYNC);
    tty.hangup();
    expect(job.resume()).toBe(0);
    expect(pending(job, SIGHUP)).toBe(true);
    expect(pending(shell, SIGHUP)).toBe(true);
    expect(write(shell, fd, "x")).toBe(-Errno.IO);
    expect(read(shell, fd)).toBe("");
    expect(ioctl(shell, fd, TIOCGWINSZ, shell.alloc(8))).toBe(-Errno.IO);
    const fds = shell.ints(fd, POLLIN);
    shell.call((l) => kernPoll(l, fds, 1, -1));
    expect(shell.peekInts(fds, 2)[1]! >> 16).toBe(POLLIN | POLLHUP | 8);
    // A new open sees a fresh terminal.
    const again = open(shell);
    expect(write(shell, again, "y")).toBe(1);
    shell.call((l) => kernClose(l, fd));
    shell.call((l) => kernClose(l, again));
  });
});
