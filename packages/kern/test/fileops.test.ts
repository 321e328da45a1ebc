import { Errno } from "@anax/portable";
import { Stat, StatFs, type DirSink } from "@anax/vfs-msg";
import { beforeEach, describe, expect, it } from "vitest";
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_REMOVEDIR,
  AT_SYMLINK_NOFOLLOW,
  F_DUPFD_CLOEXEC,
  F_GETFD,
  F_GETFL,
  F_GETLK,
  F_SETFD,
  F_SETFL,
  F_SETLK,
  F_SETLKW,
  F_UNLCK,
  F_WRLCK,
  LOCK_EX,
  LOCK_NB,
  LOCK_UN,
  O_APPEND,
  O_CLOEXEC,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_PATH,
  O_RDONLY,
  O_RDWR,
  O_TRUNC,
  O_WRONLY,
  RLIMIT_FSIZE,
  RLIMIT_NOFILE,
  S_IFDIR,
  S_IFMT,
  S_IFREG,
  SIGXFSZ,
  kernAccessAt,
  kernChdir,
  kernChmodAt,
  kernClose,
  kernCloseRange,
  kernCopyFileRange,
  kernDup,
  kernDup2,
  kernDup3,
  kernFallocate,
  kernFchdir,
  kernFcntl,
  kernFlock,
  kernFstat,
  kernFstatfs,
  kernFsync,
  kernFtruncate,
  kernGetcwd,
  kernGetdents,
  kernLinkAt,
  kernLseek,
  kernMemfdCreate,
  kernMkdirAt,
  kernOpen,
  kernPipe2,
  kernPread,
  kernPwrite,
  kernRead,
  kernReadlinkAt,
  kernRenameAt,
  kernSendfile,
  kernSplice,
  kernStatAt,
  kernSymlinkAt,
  kernTee,
  kernTruncate,
  kernUmask,
  kernUnlinkAt,
  kernUtimensAt,
  kernWrite,
} from "../src/index";
import { EASYNC, World, type Task } from "./files-world";

let w: World;
let t: Task;

beforeEach(() => {
  w = new World();
  t = w.init;
});

function open(path: string, flags = O_RDONLY, mode = 0o644, dirfd = AT_FDCWD, by = t): number {
  const u = by.str(path);
  return by.call((l) => kernOpen(l, dirfd, u, flags, mode));
}

function write(fd: number, data: string, by = t): number {
  const u = by.alloc(data.length);
  by.poke(u, Buffer.from(data, "latin1"));
  return by.call((l) => kernWrite(l, fd, u, data.length));
}

function read(fd: number, n: number, by = t): string | number {
  const u = by.alloc(n);
  const got = by.call((l) => kernRead(l, fd, u, n));
  return got < 0 ? got : by.text(u, got);
}

function file(path: string, content: string): void {
  const fd = open(path, O_WRONLY | O_CREAT | O_TRUNC);
  expect(write(fd, content)).toBe(content.length);
  t.call((l) => kernClose(l, fd));
}

function stat(path: string, flags = 0): Stat | number {
  const u = t.str(path);
  const st = new Stat();
  const r = t.call((l) => kernStatAt(l, AT_FDCWD, u, flags, st));
  return r < 0 ? r : st;
}

const close = (fd: number, by = t): number => by.call((l) => kernClose(l, fd));
const mkdir = (path: string): number => t.call((l) => kernMkdirAt(l, AT_FDCWD, t.str(path), 0o777));

class Names implements DirSink {
  readonly names: string[] = [];
  constructor(private readonly room = 1000) {}
  add(name: Uint8Array, off: number, len: number): boolean {
    if (this.names.length >= this.room) return false;
    this.names.push(Buffer.from(name.subarray(off, off + len)).toString());
    return true;
  }
}

describe("open, read, write", () => {
  it("creates, writes, seeks, reads and appends", () => {
    const fd = open("/f", O_RDWR | O_CREAT, 0o666);
    expect(fd).toBe(0);
    expect(write(fd, "hello world")).toBe(11);
    expect(t.call((l) => kernLseek(l, fd, 6, 0))).toBe(6);
    expect(read(fd, 100)).toBe("world");
    expect(read(fd, 100)).toBe("");
    expect(t.call((l) => kernLseek(l, fd, -5, 2))).toBe(6);
    expect(t.call((l) => kernLseek(l, fd, -1, 0))).toBe(-Errno.INVAL);
    const ap = open("/f", O_WRONLY | O_APPEND);
    expect(write(ap, "!")).toBe(1);
    expect(read(fd, 100)).toBe("world!");
    expect(read(ap, 1)).toBe(-Errno.BADF);
    expect(close(fd)).toBe(0);
    expect(close(fd)).toBe(-Errno.BADF);
  });

  it("takes the umask off", () => {
    expect(t.call((l) => kernUmask(l, 0o077))).toBe(0o022);
    open("/f", O_RDWR | O_CREAT, 0o666);
    expect((stat("/f") as Stat).mode & 0o777).toBe(0o600);
  });

  it("answers what open(2) says", () => {
    file("/f", "x");
    mkdir("/d");
    expect(open("/none")).toBe(-Errno.NOENT);
    expect(open("/f", O_RDWR | O_CREAT | O_EXCL)).toBe(-Errno.EXIST);
    expect(open("/d", O_WRONLY)).toBe(-Errno.ISDIR);
    expect(open("/f", O_RDONLY | O_DIRECTORY)).toBe(-Errno.NOTDIR);
    expect(open("/f/x")).toBe(-Errno.NOTDIR);
    expect(open("")).toBe(-Errno.NOENT);
    expect(open("x", O_RDONLY, 0, 99)).toBe(-Errno.BADF);
    expect(open("/f", O_RDONLY, 0, 99)).toBe(0);
    expect(t.call((l) => kernOpen(l, AT_FDCWD, 0x10, 0, 0))).toBe(-Errno.FAULT);
    expect(open("/" + "a".repeat(5000))).toBe(-Errno.NAMETOOLONG);
  });

  it("keeps to RLIMIT_NOFILE and gives out the lowest descriptor", () => {
    file("/f", "");
    t.proc.limits.soft.set(RLIMIT_NOFILE, 4);
    expect([open("/f"), open("/f"), open("/f"), open("/f")]).toEqual([0, 1, 2, 3]);
    expect(open("/f")).toBe(-Errno.MFILE);
    close(1);
    expect(open("/f")).toBe(1);
  });

  it("moves the offset for read and write and not for pread and pwrite", () => {
    const fd = open("/f", O_RDWR | O_CREAT);
    write(fd, "abcdef");
    const u = t.alloc(10);
    expect(t.call((l) => kernPread(l, fd, u, 3, 1))).toBe(3);
    expect(t.text(u, 3)).toBe("bcd");
    t.poke(u, Buffer.from("XY"));
    expect(t.call((l) => kernPwrite(l, fd, u, 2, 2))).toBe(2);
    expect(t.call((l) => kernLseek(l, fd, 0, 1))).toBe(6);
    t.call((l) => kernLseek(l, fd, 0, 0));
    expect(read(fd, 10)).toBe("abXYef");
    expect(t.call((l) => kernPread(l, fd, u, 3, -1))).toBe(-Errno.INVAL);
  });

  it("opens O_PATH for names alone", () => {
    file("/f", "x");
    const fd = open("/f", O_PATH);
    expect(read(fd, 1)).toBe(-Errno.BADF);
    const st = new Stat();
    expect(t.call((l) => kernFstat(l, fd, st))).toBe(0);
    expect(st.size).toBe(1);
    expect(t.call((l) => kernFcntl(l, fd, F_SETFL, 0))).toBe(-Errno.BADF);
    const s2 = new Stat();
    expect(t.call((l) => kernStatAt(l, fd, t.str(""), AT_EMPTY_PATH, s2))).toBe(0);
    expect(s2.ino).toBe(st.ino);
  });

  it("shares an offset between duplicates and processes, and not between opens", () => {
    file("/f", "abcdef");
    const fd = open("/f");
    const copy = t.call((l) => kernDup(l, fd));
    expect(read(fd, 2)).toBe("ab");
    expect(read(copy, 2)).toBe("cd");
    const child = w.fork(t);
    expect(read(fd, 1, child)).toBe("e");
    expect(read(fd, 10)).toBe("f");
    expect(read(open("/f"), 10)).toBe("abcdef");
  });

  it("stops a write at RLIMIT_FSIZE", () => {
    t.proc.limits.soft.set(RLIMIT_FSIZE, 5);
    const child = w.fork(t);
    const fd = open("/f", O_RDWR | O_CREAT, 0o644, AT_FDCWD, child);
    expect(write(fd, "abcdefgh", child)).toBe(5);
    expect(write(fd, "x", child)).toBe(-Errno.FBIG);
    expect(child.lwp.pending.has(SIGXFSZ)).toBe(true);
    expect(child.call((l) => kernFallocate(l, fd, 0, 0, 6))).toBe(-Errno.FBIG);
    expect(child.call((l) => kernFallocate(l, fd, 1, 0, 6))).toBe(0);
  });

  it("keeps an unlinked file until it is closed", () => {
    const fd = open("/f", O_RDWR | O_CREAT);
    write(fd, "data");
    t.call((l) => kernUnlinkAt(l, AT_FDCWD, t.str("/f"), 0));
    expect(stat("/f")).toBe(-Errno.NOENT);
    t.call((l) => kernLseek(l, fd, 0, 0));
    expect(read(fd, 10)).toBe("data");
    const st = new Stat();
    t.call((l) => kernFstat(l, fd, st));
    expect(st.nlink).toBe(0);
  });

  it("gives all pages of a file back with its last descriptor", () => {
    const fd = open("/f", O_RDWR | O_CREAT);
    write(fd, "x".repeat(100000));
    t.call((l) => kernUnlinkAt(l, AT_FDCWD, t.str("/f"), 0));
    const before = w.freePages;
    close(fd);
    expect(w.freePages - before).toBeGreaterThanOrEqual(24);
  });
});

describe("descriptors", () => {
  it("duplicates to a place and closes what was there", () => {
    file("/a", "a");
    file("/b", "b");
    const a = open("/a");
    const b = open("/b");
    expect(t.call((l) => kernDup2(l, a, b))).toBe(b);
    expect(read(b, 1)).toBe("a");
    expect(t.call((l) => kernDup2(l, a, a))).toBe(a);
    expect(t.call((l) => kernDup2(l, 50, a))).toBe(-Errno.BADF);
    expect(t.call((l) => kernDup2(l, a, -1))).toBe(-Errno.BADF);
    expect(t.call((l) => kernDup3(l, a, a, 0))).toBe(-Errno.INVAL);
    expect(t.call((l) => kernDup3(l, a, 20, O_CLOEXEC))).toBe(20);
    expect(t.call((l) => kernFcntl(l, 20, F_GETFD, 0))).toBe(1);
    expect(t.call((l) => kernFcntl(l, a, F_DUPFD_CLOEXEC, 10))).toBe(10);
    expect(t.call((l) => kernFcntl(l, a, F_SETFD, 1))).toBe(0);
    t.files.closeOnExec();
    expect([a, b, 10, 20].map((fd) => t.files.get(fd) !== null)).toEqual([false, true, false, false]);
  });

  it("changes status flags only", () => {
    const fd = open("/f", O_RDWR | O_CREAT);
    expect(t.call((l) => kernFcntl(l, fd, F_SETFL, O_APPEND | O_WRONLY))).toBe(0);
    expect(t.call((l) => kernFcntl(l, fd, F_GETFL, 0)) & (O_APPEND | 3)).toBe(O_APPEND | O_RDWR);
  });

  it("closes ranges", () => {
    file("/f", "");
    for (let i = 0; i < 6; i++) open("/f");
    expect(t.call((l) => kernCloseRange(l, 2, 4, 0))).toBe(0);
    expect([0, 1, 2, 3, 4, 5].map((fd) => t.files.get(fd) !== null)).toEqual([true, true, false, false, false, true]);
    expect(t.call((l) => kernCloseRange(l, 0, 0xffffffff, 4))).toBe(0);
    expect(t.call((l) => kernFcntl(l, 5, F_GETFD, 0))).toBe(1);
    expect(t.call((l) => kernCloseRange(l, 5, 4, 0))).toBe(-Errno.INVAL);
  });
});

describe("names", () => {
  it("makes, lists, renames and removes", () => {
    expect(mkdir("/d")).toBe(0);
    expect(mkdir("/d")).toBe(-Errno.EXIST);
    file("/d/one", "1");
    file("/d/two", "2");
    const d = open("/d", O_RDONLY | O_DIRECTORY);
    const all = new Names();
    expect(t.call((l) => kernGetdents(l, d, all))).toBe(0);
    expect(all.names.sort()).toEqual([".", "..", "one", "two"]);
    t.call((l) => kernLseek(l, d, 0, 0));
    const seen: string[] = [];
    for (;;) {
      const part = new Names(1);
      t.call((l) => kernGetdents(l, d, part));
      if (part.names.length === 0) break;
      seen.push(...part.names);
    }
    expect(seen.sort()).toEqual([".", "..", "one", "two"]);
    expect(read(open("one", O_RDONLY, 0, d), 5)).toBe("1");
    const x = t.str("one");
    const y = t.str("three");
    expect(t.call((l) => kernRenameAt(l, d, x, d, y, 0))).toBe(0);
    expect((stat("/d/three") as Stat).mode & S_IFMT).toBe(S_IFREG);
    expect((stat("/d") as Stat).mode & S_IFMT).toBe(S_IFDIR);
    const u = t.str("/d");
    expect(t.call((l) => kernUnlinkAt(l, AT_FDCWD, u, AT_REMOVEDIR))).toBe(-Errno.NOTEMPTY);
    expect(t.call((l) => kernUnlinkAt(l, AT_FDCWD, u, 0))).toBe(-Errno.ISDIR);
  });

  it("links by name and by symbol", () => {
    file("/f", "text");
    const f = t.str("/f");
    expect(t.call((l) => kernLinkAt(l, AT_FDCWD, f, AT_FDCWD, t.str("/g"), 0))).toBe(0);
    expect((stat("/g") as Stat).nlink).toBe(2);
    expect(t.call((l) => kernSymlinkAt(l, f, AT_FDCWD, t.str("/s")))).toBe(0);
    expect((stat("/s") as Stat).ino).toBe((stat("/f") as Stat).ino);
    expect((stat("/s", AT_SYMLINK_NOFOLLOW) as Stat).size).toBe(2);
    const u = t.alloc(10);
    expect(t.call((l) => kernReadlinkAt(l, AT_FDCWD, t.str("/s"), u, 10))).toBe(2);
    expect(t.text(u, 2)).toBe("/f");
    expect(t.call((l) => kernReadlinkAt(l, AT_FDCWD, t.str("/s"), u, 1))).toBe(1);
    expect(t.call((l) => kernReadlinkAt(l, AT_FDCWD, f, u, 1))).toBe(-Errno.INVAL);
  });

  it("knows where it is", () => {
    mkdir("/a");
    mkdir("/a/b");
    const u = t.alloc(64);
    const cwd = (): string | number => {
      const n = t.call((l) => kernGetcwd(l, u, 64));
      return n < 0 ? n : t.text(u, n);
    };
    expect(cwd()).toBe("/\0");
    expect(t.call((l) => kernChdir(l, t.str("a/b")))).toBe(0);
    expect(cwd()).toBe("/a/b\0");
    expect(t.call((l) => kernGetcwd(l, u, 4))).toBe(-Errno.RANGE);
    const d = open("..", O_RDONLY | O_DIRECTORY);
    expect(t.call((l) => kernFchdir(l, d))).toBe(0);
    expect(cwd()).toBe("/a\0");
    file("f", "");
    expect(t.call((l) => kernChdir(l, t.str("f")))).toBe(-Errno.NOTDIR);
  });

  it("changes attributes", () => {
    file("/f", "x");
    expect(t.call((l) => kernChmodAt(l, AT_FDCWD, t.str("/f"), 0o4751, 0))).toBe(0);
    expect((stat("/f") as Stat).mode & 0o7777).toBe(0o4751);
    expect(t.call((l) => kernUtimensAt(l, AT_FDCWD, t.str("/f"), 5, 6, 7, 8, 0))).toBe(0);
    const st = stat("/f") as Stat;
    expect([st.atimeSec, st.atimeNsec, st.mtimeSec, st.mtimeNsec]).toEqual([5, 6, 7, 8]);
    expect(t.call((l) => kernUtimensAt(l, AT_FDCWD, t.str("/f"), 0, 1000000000, 0, 0, 0))).toBe(-Errno.INVAL);
    expect(t.call((l) => kernAccessAt(l, AT_FDCWD, t.str("/f"), 1, 0))).toBe(0);
    expect(t.call((l) => kernAccessAt(l, AT_FDCWD, t.str("/f"), 8, 0))).toBe(-Errno.INVAL);
  });

  it("truncates and allocates", () => {
    file("/f", "abcdef");
    expect(t.call((l) => kernTruncate(l, t.str("/f"), 3))).toBe(0);
    const fd = open("/f", O_RDWR);
    expect(t.call((l) => kernFtruncate(l, fd, 5))).toBe(0);
    expect(read(fd, 10)).toBe("abc\0\0");
    expect(t.call((l) => kernFallocate(l, fd, 0, 0, 100))).toBe(0);
    expect((stat("/f") as Stat).size).toBe(100);
    expect(t.call((l) => kernFtruncate(l, open("/f"), 1))).toBe(-Errno.INVAL);
    expect(t.call((l) => kernFsync(l, fd))).toBe(0);
    const sf = new StatFs();
    expect(t.call((l) => kernFstatfs(l, fd, sf))).toBe(0);
    expect(sf.bsize).toBe(4096);
  });
});

describe("bytes between files", () => {
  it("sends a file down a pipe, sleeping while it is full", () => {
    const content = Buffer.from(Array.from({ length: 100000 }, (_, i) => (i * 11) & 255)).toString("latin1");
    file("/f", content);
    const fd = open("/f");
    const u = t.alloc(8);
    t.call((l) => kernPipe2(l, u, 0));
    const [r, wr] = t.peekInts(u, 2) as [number, number];
    const reader = w.fork(t);
    expect(t.call((l) => kernSendfile(l, wr, fd, 0, 1 << 20))).toBe(EASYNC);
    let got = "";
    while (got.length < content.length) {
      got += read(r, 5000, reader) as string;
      if (t.isPending && !t.sleeps) {
        const x = t.resume();
        if (x !== EASYNC) expect(x).toBe(100000);
      }
    }
    expect(got === content).toBe(true);
    expect(t.call((l) => kernLseek(l, fd, 0, 1))).toBe(100000);
    expect(t.call((l) => kernSendfile(l, wr, r, 0, 10))).toBe(-Errno.INVAL);
  });

  it("splices and tees", () => {
    const pipe = (): [number, number] => {
      const u = t.alloc(8);
      t.call((l) => kernPipe2(l, u, 0));
      return t.peekInts(u, 2) as [number, number];
    };
    file("/f", "0123456789".repeat(7000));
    const fd = open("/f");
    const [r1, w1] = pipe();
    const [r2, w2] = pipe();
    expect(t.call((l) => kernSplice(l, fd, 0, w1, 0, 100000, 0))).toBe(65536);
    expect(t.call((l) => kernLseek(l, fd, 0, 1))).toBe(65536);
    expect(t.call((l) => kernTee(l, r1, w2, 10, 0))).toBe(10);
    expect(read(r2, 100)).toBe("0123456789");
    expect(read(r1, 12)).toBe("012345678901");
    expect(t.call((l) => kernSplice(l, r1, 0, w2, 0, 5, 0))).toBe(5);
    expect(read(r2, 100)).toBe("23456");
    const to = open("/g", O_RDWR | O_CREAT);
    const off = t.alloc(8);
    t.poke(off, new Uint8Array([3, 0, 0, 0, 0, 0, 0, 0]));
    expect(t.call((l) => kernSplice(l, r1, 0, to, off, 4, 0))).toBe(4);
    expect(t.peek(off, 1)[0]).toBe(7);
    expect(read(to, 20)).toBe("\0\0\x007890");
    expect(t.call((l) => kernSplice(l, r1, off, to, 0, 4, 0))).toBe(-Errno.SPIPE);
    expect(t.call((l) => kernSplice(l, fd, 0, to, 0, 4, 0))).toBe(-Errno.INVAL);
    expect(t.call((l) => kernSplice(l, r2, 0, to, 0, 4, 2))).toBe(-Errno.AGAIN);
    expect(t.call((l) => kernSplice(l, r2, 0, to, 0, 4, 0))).toBe(EASYNC);
    const other = w.fork(t);
    write(w2, "late", other);
    expect(t.resume()).toBe(4);
  });

  it("copies ranges with offsets of the caller's", () => {
    file("/f", "0123456789");
    const from = open("/f");
    const to = open("/g", O_RDWR | O_CREAT);
    const off = t.alloc(8);
    t.poke(off, Buffer.from([2, 0, 0, 0, 0, 0, 0, 0]));
    expect(t.call((l) => kernCopyFileRange(l, from, off, to, 0, 5))).toBe(5);
    expect(t.peek(off, 1)[0]).toBe(7);
    expect(t.call((l) => kernCopyFileRange(l, from, off, to, 0, 50))).toBe(3);
    t.call((l) => kernLseek(l, to, 0, 0));
    expect(read(to, 20)).toBe("23456789");
    expect(t.call((l) => kernCopyFileRange(l, to, 0, to, 0, 5))).toBe(0);
  });
});

describe("locks", () => {
  function flock(type: number, start: number, len: number): Buffer {
    const b = Buffer.alloc(32);
    b.writeInt16LE(type, 0);
    b.writeBigInt64LE(BigInt(start), 8);
    b.writeBigInt64LE(BigInt(len), 16);
    return b;
  }

  it("keeps record locks of two processes apart", () => {
    const fd = open("/f", O_RDWR | O_CREAT);
    const other = w.fork(t);
    const set = (by: Task, cmd: number, type: number, start: number, len: number): number => {
      const u = by.alloc(32);
      by.poke(u, flock(type, start, len));
      return by.call((l) => kernFcntl(l, fd, cmd, u));
    };
    expect(set(t, F_SETLK, F_WRLCK, 0, 10)).toBe(0);
    expect(set(other, F_SETLK, F_WRLCK, 5, 1)).toBe(-Errno.AGAIN);
    expect(set(other, F_SETLK, F_WRLCK, 10, 5)).toBe(0);
    const u = other.alloc(32);
    other.poke(u, flock(F_WRLCK, 0, 0));
    expect(other.call((l) => kernFcntl(l, fd, F_GETLK, u))).toBe(0);
    const b = Buffer.from(other.peek(u, 32));
    expect([b.readInt16LE(0), Number(b.readBigInt64LE(16)), b.readInt32LE(24)]).toEqual([F_WRLCK, 10, t.proc.pid]);
    expect(set(other, F_SETLKW, F_WRLCK, 9, 1)).toBe(EASYNC);
    expect(set(t, F_SETLK, F_UNLCK, 0, 0)).toBe(0);
    expect(other.resume()).toBe(0);
    // Closing any descriptor of the file lets go of the process's locks.
    const again = open("/f", O_RDWR, 0, AT_FDCWD, other);
    close(again, other);
    expect(set(t, F_SETLK, F_WRLCK, 0, 0)).toBe(0);
    expect(set(other, F_SETLKW, F_WRLCK, 0, 0)).toBe(EASYNC);
    expect(other.interrupt()).toBe(-Errno.INTR);
  });

  it("ties flock to the open file", () => {
    const a = open("/f", O_RDWR | O_CREAT);
    const b = open("/f", O_RDWR);
    expect(t.call((l) => kernFlock(l, a, LOCK_EX))).toBe(0);
    expect(t.call((l) => kernFlock(l, b, LOCK_EX | LOCK_NB))).toBe(-Errno.AGAIN);
    expect(t.call((l) => kernFlock(l, b, LOCK_EX))).toBe(EASYNC);
    expect(t.interrupt()).toBe(-Errno.INTR);
    close(a);
    expect(t.call((l) => kernFlock(l, b, LOCK_EX | LOCK_NB))).toBe(0);
    expect(t.call((l) => kernFlock(l, b, LOCK_UN))).toBe(0);
    expect(t.call((l) => kernFlock(l, b, 0))).toBe(-Errno.INVAL);
  });
});

describe("memfd", () => {
  it("is a file without a name that seals can close", () => {
    const fd = t.call((l) => kernMemfdCreate(l, t.str("m"), 2));
    expect(fd).toBe(0);
    expect(write(fd, "abc")).toBe(3);
    expect(t.call((l) => kernFcntl(l, fd, 1033, 2))).toBe(0);
    expect(t.call((l) => kernFtruncate(l, fd, 1))).toBe(-Errno.PERM);
    expect(t.call((l) => kernFcntl(l, fd, 1033, 8))).toBe(0);
    expect(write(fd, "x")).toBe(-Errno.PERM);
    expect(t.call((l) => kernFcntl(l, fd, 1034, 0))).toBe(10);
    expect(t.call((l) => kernMemfdCreate(l, t.str("m"), 64))).toBe(-Errno.INVAL);
    expect(t.files.get(fd)!.mmapMaxProt(true)).toBe(5);
    expect(t.call((l) => kernFallocate(l, fd, 3, 0, 2))).toBe(-Errno.PERM);
  });

  it("cannot be sealed against writing while a shared mapping may write", () => {
    const fd = t.call((l) => kernMemfdCreate(l, t.str("m"), 2));
    write(fd, "abc");
    const file = t.files.get(fd)!;
    const space = t.proc.space!;
    const at = space.map(0, 4096, 3, 1, file.mmapObject(t.lwp), 0);
    expect(at).toBeGreaterThan(0);
    expect(t.call((l) => kernFcntl(l, fd, 1033, 8))).toBe(-Errno.BUSY);
    space.unmap(at, 4096);
    expect(t.call((l) => kernFcntl(l, fd, 1033, 8))).toBe(0);
  });
});
