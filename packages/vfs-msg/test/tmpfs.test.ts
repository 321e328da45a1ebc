import { Errno } from "@anax/portable";
import { Waiter } from "@anax/lwkt";
import {
  Cred,
  E_NODATA,
  F_RDLCK,
  F_UNLCK,
  F_WRLCK,
  FALLOC_KEEP_SIZE,
  FALLOC_PUNCH_HOLE,
  FALLOC_ZERO_RANGE,
  FileLock,
  IO_APPEND,
  LOCK_FLOCK,
  LOCK_GET,
  LOCK_POSIX,
  LOCK_SET,
  LOCK_SETWAIT,
  LockOwner,
  MAX_FILE_SIZE,
  RENAME_EXCHANGE,
  RENAME_NOREPLACE,
  StatFs,
  UTIME_NOW,
  UTIME_OMIT,
  type Stat,
  type TmpFs,
  type Vnode,
} from "@anax/vfs-msg";
import { beforeEach, describe, expect, test } from "vitest";
import { Sink, World } from "./world";

const O_RDWR = 2;
const O_WRONLY = 1;
const O_CREAT = 0o100;
const O_EXCL = 0o200;
const O_TRUNC = 0o1000;
const O_DIRECTORY = 0o200000;
const O_NOFOLLOW = 0o400000;
const O_TMPFILE = 0o20200000;

let w: World;
const user = Cred.of(1000, 1000);
const other = Cred.of(1001, 1001);

beforeEach(() => {
  w = new World();
});

function stat(path: string, flags?: number): Stat {
  const st = w.stat(path, flags);
  if (typeof st === "number") throw new Error(`stat ${path}: ${st}`);
  return st;
}

function opened(path: string, flags: number, mode?: number): Vnode {
  const vp = w.open(path, flags, mode);
  if (typeof vp === "number") throw new Error(`open ${path}: ${vp}`);
  return vp;
}

function as<T>(cred: Cred, f: () => T): T {
  const was = w.cred;
  w.cred = cred;
  const r = f();
  w.cred = was;
  return r;
}

describe("open", () => {
  test("creates, truncates, refuses", () => {
    expect(w.open("/f", 0)).toBe(-Errno.NOENT);
    w.put("/f", "hello");
    expect(w.open("/f", O_CREAT | O_EXCL)).toBe(-Errno.EXIST);
    expect(stat("/f").size).toBe(5);
    w.vfs.close(opened("/f", O_WRONLY | O_TRUNC), O_WRONLY | O_TRUNC);
    expect(stat("/f").size).toBe(0);
    w.mkdir("/d");
    expect(w.open("/d", O_RDWR)).toBe(-Errno.ISDIR);
    expect(w.open("/d", O_CREAT)).toBe(-Errno.ISDIR);
    expect(w.open("/d/.", O_CREAT)).toBe(-Errno.ISDIR);
    expect(w.open("/new/", O_CREAT)).toBe(-Errno.ISDIR);
    expect(w.open("/f/", 0)).toBe(-Errno.NOTDIR);
    expect(w.open("/f", O_DIRECTORY)).toBe(-Errno.NOTDIR);
    expect(w.open("/x", O_DIRECTORY | O_CREAT)).toBe(-Errno.INVAL);
    expect(typeof w.open("/d", O_DIRECTORY)).toBe("object");
  });

  test("symbolic links", () => {
    w.put("/t", "text");
    w.symlink("t", "/l");
    w.symlink("dangling", "/dl");
    expect(w.open("/l", O_NOFOLLOW)).toBe(-Errno.LOOP);
    expect(w.open("/l", O_CREAT | O_EXCL)).toBe(-Errno.EXIST);
    expect(w.open("/dl", 0)).toBe(-Errno.NOENT);
    expect(w.open("/dl", O_CREAT | O_EXCL)).toBe(-Errno.EXIST);
    w.vfs.close(opened("/dl", O_CREAT), 0);
    expect(stat("/dangling").size).toBe(0);
  });

  test("permissions by owner, group and others; a new file is open whatever its mode", () => {
    w.mkdir("/pub", 0o777);
    as(user, () => {
      w.vfs.close(opened("/pub/mine", O_CREAT | O_RDWR, 0o040), O_RDWR);
      expect(w.open("/pub/mine", 0)).toBe(-Errno.ACCES);
      expect(w.open("/nope", O_CREAT)).toBe(-Errno.ACCES);
    });
    expect(typeof w.open("/pub/mine", O_RDWR)).toBe("object");
    as(other, () => expect(w.open("/pub/mine", 0)).toBe(-Errno.ACCES));
    const inGroup = Cred.of(5, 5);
    inGroup.groups = Uint32Array.from([7, 1000]);
    as(inGroup, () => {
      expect(typeof w.open("/pub/mine", 0)).toBe("object");
      expect(w.open("/pub/mine", O_WRONLY)).toBe(-Errno.ACCES);
      expect(w.open("/pub/mine", O_TRUNC)).toBe(-Errno.ACCES);
    });
  });

  test("running programs and writers exclude each other", () => {
    w.put("/prog", "#!", 0o755);
    const vp = w.vnode("/prog");
    expect(w.vfs.textRef(vp)).toBe(0);
    expect(w.open("/prog", O_WRONLY)).toBe(-Errno.TXTBSY);
    expect(w.open("/prog", O_TRUNC)).toBe(-Errno.TXTBSY);
    expect(w.vfs.truncate(vp, 0, w.cred)).toBe(-Errno.TXTBSY);
    w.vfs.textUnref(vp);
    const open = opened("/prog", O_WRONLY);
    expect(w.vfs.textRef(vp)).toBe(-Errno.TXTBSY);
    w.vfs.close(open, O_WRONLY);
    expect(w.vfs.textRef(vp)).toBe(0);
    w.vfs.textUnref(vp);
  });

  test("files without a name", () => {
    w.mkdir("/d", 0o777);
    const fs = w.vfs.root.mount!.fs as TmpFs;
    const nodes = fs.nodes;
    const vp = opened("/d", O_TMPFILE | O_RDWR);
    expect(w.write(vp, 0, "x".repeat(9000))).toBe(9000);
    expect(vp.nlink).toBe(0);
    expect(w.list("/d").length).toBe(2);
    expect(fs.nodes).toBe(nodes + 1);
    w.vfs.close(vp, O_RDWR);
    expect(fs.nodes).toBe(nodes);
    expect(fs.data.used).toBe(0);
  });

  test("an unlinked file stays until it is closed", () => {
    const free = w.pages.freeCount;
    w.put("/f", new Uint8Array(50000).fill(1));
    const vp = opened("/f", O_RDWR);
    expect(w.unlink("/f")).toBe(0);
    expect(w.open("/f", 0)).toBe(-Errno.NOENT);
    expect(w.read(vp, 49999, 10)).toEqual(Uint8Array.of(1));
    expect(w.pages.freeCount).toBeLessThan(free);
    w.vfs.close(vp, O_RDWR);
    expect(w.pages.freeCount).toBe(free);
  });
});

describe("contents", () => {
  test("holes read as zero and take no room", () => {
    const vp = opened("/f", O_CREAT | O_RDWR);
    expect(w.write(vp, 10_000_000, "end")).toBe(3);
    expect(stat("/f").size).toBe(10_000_003);
    expect(stat("/f").blocks).toBe(8);
    expect(w.read(vp, 9_999_990, 20)).toEqual(Uint8Array.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 101, 110, 100]));
    expect(w.vfs.seek(vp, 3, 0)).toBe(9_998_336);
    expect(w.vfs.seek(vp, 4, 0)).toBe(0);
    expect(w.vfs.seek(vp, 4, 9_998_336)).toBe(10_000_003);
    expect(w.vfs.seek(vp, 3, 10_000_003)).toBe(-Errno.NXIO);
  });

  test("what was cut off never comes back", () => {
    const vp = opened("/f", O_CREAT | O_RDWR);
    w.write(vp, 0, "x".repeat(10000));
    expect(w.vfs.truncate(vp, 5000, w.cred)).toBe(0);
    expect(w.vfs.truncate(vp, 10000, w.cred)).toBe(0);
    expect(w.read(vp, 4999, 3)).toEqual(Uint8Array.of(120, 0, 0));
    expect(w.read(vp, 9000, 2000).every((b) => b === 0)).toBe(true);
    expect(w.vfs.truncate(vp, -1, w.cred)).toBe(-Errno.INVAL);
    expect(w.vfs.truncate(vp, MAX_FILE_SIZE + 1, w.cred)).toBe(-Errno.FBIG);
    expect(w.write(vp, MAX_FILE_SIZE, "x")).toBe(-Errno.FBIG);
    expect(w.write(vp, MAX_FILE_SIZE - 2, "abcdef")).toBe(2);
  });

  test("what a shared mapping wrote behind the end is gone when the file grows", () => {
    const vp = opened("/f", O_CREAT | O_RDWR);
    w.write(vp, 0, "abc");
    const pa = w.pages.pa(vp.object!.lookup(0));
    w.machine.store8(pa + 100, 77);
    expect(w.read(vp, 0, 200).length).toBe(3);
    w.write(vp, 300, "z");
    expect(w.read(vp, 100, 1)).toEqual(Uint8Array.of(0));
    expect(w.read(vp, 0, 3)).toEqual(Uint8Array.of(97, 98, 99));
  });

  test("appending goes to the end whatever the offset", () => {
    const vp = opened("/f", O_CREAT | O_RDWR);
    w.write(vp, 0, "one");
    w.write(vp, 0, "two", IO_APPEND);
    expect(w.text("/f")).toBe("onetwo");
  });

  test("a full file system: short write, then -NOSPC, and room again after unlink", () => {
    w = new World(16 << 20, "size=64k");
    const vp = opened("/f", O_CREAT | O_RDWR);
    expect(w.write(vp, 0, new Uint8Array(100_000))).toBe(65536);
    expect(w.write(vp, 65536, "x")).toBe(-Errno.NOSPC);
    expect(w.write(vp, 100, "x")).toBe(1);
    const st = new StatFs();
    w.vfs.statfs(w.vfs.root.mount!, st);
    expect([st.type, st.blocks, st.bfree]).toEqual([0x01021994, 16, 0]);
    w.vfs.truncate(vp, 8192, w.cred);
    expect(w.write(vp, 8192, new Uint8Array(100_000))).toBe(57344);
    w.vfs.close(vp, O_RDWR);
    w.unlink("/f");
    w.vfs.statfs(w.vfs.root.mount!, st);
    expect(st.bfree).toBe(16);
  });

  test("out of inodes, and out of memory", () => {
    w = new World(2 << 20, "nr_inodes=3,size=100%");
    expect(w.mkdir("/a")).toBe(0);
    expect(w.mkdir("/b")).toBe(0);
    expect(w.mkdir("/c")).toBe(-Errno.NOSPC);
    expect(w.rmdir("/a")).toBe(0);
    const vp = opened("/f", O_CREAT | O_RDWR);
    const n = w.write(vp, 0, new Uint8Array(4 << 20));
    expect(n).toBeGreaterThan(1 << 20);
    expect(n).toBeLessThan(2 << 20);
    expect(w.write(vp, n, "x")).toBe(-Errno.NOSPC);
  });

  test("fallocate", () => {
    const vp = opened("/f", O_CREAT | O_RDWR);
    expect(w.vfs.fallocate(vp, 0, 0, 10000)).toBe(0);
    expect([stat("/f").size, stat("/f").blocks]).toEqual([10000, 24]);
    expect(w.vfs.fallocate(vp, FALLOC_KEEP_SIZE, 0, 20000)).toBe(0);
    expect([stat("/f").size, stat("/f").blocks]).toEqual([10000, 40]);
    w.write(vp, 0, "x".repeat(10000));
    expect(w.vfs.fallocate(vp, FALLOC_PUNCH_HOLE, 100, 10)).toBe(-Errno.OPNOTSUPP);
    expect(w.vfs.fallocate(vp, FALLOC_PUNCH_HOLE | FALLOC_KEEP_SIZE, 100, 9000)).toBe(0);
    expect(w.text("/f")).toBe("x".repeat(100) + "\0".repeat(9000) + "x".repeat(900));
    expect(vp.object!.lookup(1)).toBe(0);
    expect(w.vfs.fallocate(vp, FALLOC_ZERO_RANGE, 9990, 20)).toBe(0);
    expect(stat("/f").size).toBe(10010);
    expect(w.vfs.fallocate(vp, 0, 0, 0)).toBe(-Errno.INVAL);
    expect(w.vfs.fallocate(vp, 0, 0, MAX_FILE_SIZE + 1)).toBe(-Errno.FBIG);
    expect(w.vfs.fallocate(vp, 0, 0, 1 << 30)).toBe(-Errno.NOSPC);
  });

  test("the page filled by a write is not shown before it is filled", () => {
    // Memory holds 0xa5 before its first use: none of it may be seen.
    const vp = opened("/f", O_CREAT | O_RDWR);
    w.write(vp, 5000, "mid");
    const all = w.read(vp, 0, 9000);
    expect([...all].filter((b) => b !== 0).length).toBe(3);
    const pa = w.pages.pa(vp.object!.lookup(1));
    const page = new Uint8Array(4096);
    w.machine.readPhys(pa, page, 0, 4096);
    expect([...page].filter((b) => b !== 0).length).toBe(3);
  });
});

describe("names", () => {
  test("mkdir, rmdir and link counts", () => {
    expect(stat("/").nlink).toBe(2);
    w.mkdir("/a");
    w.mkdir("/a/b");
    expect([stat("/").nlink, stat("/a").nlink, stat("/a/b").nlink]).toEqual([3, 3, 2]);
    expect(w.mkdir("/a/b")).toBe(-Errno.EXIST);
    expect(w.mkdir("/a/new/")).toBe(0);
    expect(w.mkdir("/")).toBe(-Errno.EXIST);
    expect(w.mkdir("/a/.")).toBe(-Errno.EXIST);
    expect(w.rmdir("/a")).toBe(-Errno.NOTEMPTY);
    expect(w.rmdir("/a/b/.")).toBe(-Errno.INVAL);
    expect(w.rmdir("/a/b/..")).toBe(-Errno.NOTEMPTY);
    expect(w.rmdir("/")).toBe(-Errno.BUSY);
    expect(w.rmdir("/a/b")).toBe(0);
    expect(stat("/a").nlink).toBe(3);
    w.put("/f", "");
    expect(w.rmdir("/f")).toBe(-Errno.NOTDIR);
    expect(w.unlink("/a")).toBe(-Errno.ISDIR);
    expect(w.unlink("/f/")).toBe(-Errno.NOTDIR);
    expect(w.unlink("/a/")).toBe(-Errno.ISDIR);
    expect(w.unlink("/")).toBe(-Errno.ISDIR);
    expect(w.unlink("/none")).toBe(-Errno.NOENT);
  });

  test("hard links", () => {
    w.put("/f", "data");
    expect(w.link("/f", "/g")).toBe(0);
    expect([stat("/f").nlink, stat("/g").ino === stat("/f").ino]).toEqual([2, true]);
    expect(w.link("/f", "/g")).toBe(-Errno.EXIST);
    w.mkdir("/d");
    expect(w.link("/d", "/e")).toBe(-Errno.PERM);
    expect(w.unlink("/f")).toBe(0);
    expect(w.text("/g")).toBe("data");
    expect(stat("/g").nlink).toBe(1);
    expect(w.rename("/g", "/h")).toBe(0);
    w.link("/h", "/i");
    expect(w.rename("/h", "/i")).toBe(0);
    expect([stat("/h").nlink, stat("/i").nlink]).toEqual([2, 2]);
  });

  test("rename, all rules", () => {
    w.mkdir("/d1");
    w.mkdir("/d2");
    w.mkdir("/d2/sub");
    w.put("/f1", "1");
    w.put("/f2", "2");
    expect(w.rename("/none", "/x")).toBe(-Errno.NOENT);
    expect(w.rename("/f1", "/d1")).toBe(-Errno.ISDIR);
    expect(w.rename("/d1", "/f1")).toBe(-Errno.NOTDIR);
    expect(w.rename("/d1", "/d2")).toBe(-Errno.NOTEMPTY);
    expect(w.rename("/d2", "/d2/sub/x")).toBe(-Errno.INVAL);
    expect(w.rename("/d2", "/d2/x")).toBe(-Errno.INVAL);
    expect(w.rename("/d2/sub", "/d2")).toBe(-Errno.NOTEMPTY);
    expect(w.rename("/d2/.", "/x")).toBe(-Errno.BUSY);
    expect(w.rename("/f1", "/x/")).toBe(-Errno.NOTDIR);
    expect(w.rename("/d1", "/x/")).toBe(0);
    expect(w.rename("/x", "/d1")).toBe(0);
    expect(w.rename("/f1", "/f2")).toBe(0);
    expect(w.text("/f2")).toBe("1");
    expect(w.rename("/d1", "/d2/sub")).toBe(0);
    expect([stat("/").nlink, stat("/d2").nlink]).toEqual([3, 3]);
    w.mkdir("/d3");
    w.put("/d3/file", "3");
    expect(w.rename("/d3", "/d2/moved")).toBe(0);
    expect(w.text("/d2/moved/../moved/file")).toBe("3");
    expect([stat("/").nlink, stat("/d2").nlink]).toEqual([3, 4]);
    expect(w.rename("/d2/moved/file", "/f2", RENAME_NOREPLACE)).toBe(-Errno.EXIST);
    expect(w.rename("/d2/moved/file", "/f9", RENAME_NOREPLACE)).toBe(0);
    expect(w.rename("/f2", "/d2/moved", RENAME_EXCHANGE)).toBe(0);
    expect(stat("/f2").mode >> 12).toBe(4);
    expect(w.text("/d2/moved")).toBe("1");
    expect([stat("/").nlink, stat("/d2").nlink]).toEqual([4, 3]);
    expect(w.rename("/f2", "/nope", RENAME_EXCHANGE)).toBe(-Errno.NOENT);
    expect(w.rename("/f2", "/f9", 4)).toBe(-Errno.INVAL);
  });

  test("the sticky bit protects names, the directory's permissions protect the rest", () => {
    w.mkdir("/tmp", 0o777);
    w.vfs.chmod(w.vfs.root.mount!, w.vnode("/tmp"), 0o1777, w.cred);
    as(user, () => w.put("/tmp/u", "u"));
    as(other, () => {
      expect(w.unlink("/tmp/u")).toBe(-Errno.PERM);
      expect(w.rename("/tmp/u", "/tmp/v")).toBe(-Errno.PERM);
      w.put("/tmp/o", "o");
      expect(w.rename("/tmp/o", "/tmp/u")).toBe(-Errno.PERM);
      expect(w.unlink("/tmp")).toBe(-Errno.ACCES);
      expect(w.mkdir("/x")).toBe(-Errno.ACCES);
    });
    as(user, () => expect(w.unlink("/tmp/u")).toBe(0));
    w.mkdir("/ro", 0o555);
    as(user, () => expect(w.mkdir("/ro/x")).toBe(-Errno.ACCES));
    // Moving a directory needs the right to write its "..".
    w.mkdir("/p1", 0o777);
    w.mkdir("/p2", 0o777);
    w.vfs.chmod(w.vfs.root.mount!, w.vnode("/p1"), 0o777, w.cred);
    w.vfs.chmod(w.vfs.root.mount!, w.vnode("/p2"), 0o777, w.cred);
    w.mkdir("/p1/rootdir");
    as(user, () => {
      expect(w.rename("/p1/rootdir", "/p2/x")).toBe(-Errno.ACCES);
      expect(w.rename("/p1/rootdir", "/p1/y")).toBe(0);
    });
  });

  test("readdir cookies stay valid while names come and go", () => {
    w.mkdir("/d");
    for (let i = 0; i < 100; i++) w.put(`/d/f${i}`, "");
    const dir = w.vnode("/d");
    const seen: string[] = [];
    let cookie = 0;
    for (let round = 0; ; round++) {
      const sink = new Sink(7);
      expect(w.vfs.readdir(dir, sink, cookie)).toBe(0);
      if (sink.out.length === 0) break;
      for (const e of sink.out) seen.push(e.name);
      cookie = sink.out.at(-1)!.next;
      // Remove what was seen and what comes next, and add new names.
      w.unlink(`/d/${sink.out.at(-1)!.name}`);
      w.unlink(`/d/f${90 - round}`);
      if (round < 5) w.put(`/d/new${round}`, "");
    }
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen.slice(0, 2)).toEqual([".", ".."]);
    for (let i = 91; i < 100; i++) expect(seen).toContain(`f${i}`);
    for (let i = 0; i < 5; i++) expect(seen).toContain(`new${i}`);
  });

  test("a directory that is removed while it is read is empty", () => {
    w.mkdir("/d");
    const vp = opened("/d", O_DIRECTORY);
    w.rmdir("/d");
    const sink = new Sink();
    w.vfs.readdir(vp, sink, 2);
    expect(sink.out).toEqual([]);
    w.vfs.close(vp, O_DIRECTORY);
  });

  test("symbolic links, FIFOs, sockets and device nodes", () => {
    expect(w.symlink("", "/l")).toBe(-Errno.NOENT);
    expect(w.symlink("x".repeat(4096), "/l")).toBe(-Errno.NAMETOOLONG);
    expect(w.symlink("some/where", "/l")).toBe(0);
    expect(w.readlink("/l")).toBe("some/where");
    expect(stat("/l", 0).size).toBe(10);
    w.put("/f", "");
    expect(w.readlink("/f")).toBe(-Errno.INVAL);
    expect(w.mknod("/fifo", 0o010600)).toBe(0);
    expect(w.mknod("/sock", 0o140600)).toBe(0);
    expect(w.open("/sock", 0)).toBe(-Errno.NXIO);
    expect(w.mknod("/dev", 0o020600, 0x103)).toBe(0);
    expect(stat("/dev").rdev).toBe(0x103);
    expect(w.open("/dev", 0)).toBe(-Errno.NXIO);
    expect(w.mknod("/dir", 0o040755)).toBe(-Errno.PERM);
    expect(w.mknod("/odd", 0o120777)).toBe(-Errno.INVAL);
    expect(w.mknod("/odd", 0o030777)).toBe(-Errno.INVAL);
    w.mkdir("/pub", 0o777);
    as(user, () => {
      expect(w.mknod("/pub/dev", 0o020600, 0x103)).toBe(-Errno.PERM);
      expect(w.mknod("/pub/fifo", 0o010600)).toBe(0);
    });
  });
});

describe("attributes", () => {
  const mount = () => w.vfs.root.mount!;

  test("chmod and the set-group-id bit", () => {
    w.put("/f", "");
    const vp = w.vnode("/f");
    expect(w.vfs.chmod(mount(), vp, 0o7777, user)).toBe(-Errno.PERM);
    expect(w.vfs.chmod(mount(), vp, 0o6755, w.cred)).toBe(0);
    expect(stat("/f").mode).toBe(0o106755);
    w.vfs.chown(mount(), vp, 1000, 2000, w.cred);
    expect(stat("/f").mode).toBe(0o100755);
    expect(w.vfs.chmod(mount(), vp, 0o2755, user)).toBe(0);
    expect(stat("/f").mode).toBe(0o100755);
    w.symlink("f", "/l");
    const nd = w.lookup("/l", 0);
    if (typeof nd === "number") throw new Error();
    expect(w.vfs.chmod(mount(), nd.vnode!, 0o600, w.cred)).toBe(-Errno.OPNOTSUPP);
  });

  test("chown: who may, and which bits go", () => {
    w.put("/f", "");
    const vp = w.vnode("/f");
    w.vfs.chown(mount(), vp, 1000, 1000, w.cred);
    const member = Cred.of(1000, 1000);
    member.groups = Uint32Array.of(50);
    expect(w.vfs.chown(mount(), vp, 1001, 0xffffffff, member)).toBe(-Errno.PERM);
    expect(w.vfs.chown(mount(), vp, 0xffffffff, 60, member)).toBe(-Errno.PERM);
    expect(w.vfs.chown(mount(), vp, 1000, 50, member)).toBe(0);
    expect(w.vfs.chown(mount(), vp, 0xffffffff, 50, other)).toBe(-Errno.PERM);
    expect([stat("/f").uid, stat("/f").gid]).toEqual([1000, 50]);
    w.vfs.chmod(mount(), vp, 0o6745, w.cred);
    w.vfs.chown(mount(), vp, 0xffffffff, 1000, member);
    // Without group execution the set-group-id bit does not mean execution and stays.
    expect(stat("/f").mode).toBe(0o102745);
  });

  test("a write by another user takes the set-id bits away", () => {
    w.put("/f", "x", 0o666);
    w.vfs.chmod(mount(), w.vnode("/f"), 0o6777, w.cred);
    const vp = opened("/f", O_RDWR);
    w.write(vp, 0, "y");
    expect(stat("/f").mode).toBe(0o106777);
    as(user, () => w.write(vp, 0, "z"));
    expect(stat("/f").mode).toBe(0o100777);
  });

  test("new files take the group of a set-group-id directory", () => {
    w.mkdir("/g", 0o777);
    w.vfs.chown(mount(), w.vnode("/g"), 0, 42, w.cred);
    w.vfs.chmod(mount(), w.vnode("/g"), 0o2777, w.cred);
    as(user, () => {
      w.put("/g/f", "", 0o2755);
      w.mkdir("/g/d");
    });
    expect([stat("/g/f").gid, stat("/g/f").mode]).toEqual([42, 0o100755]);
    expect([stat("/g/d").gid, stat("/g/d").mode]).toEqual([42, 0o042755]);
  });

  test("times", () => {
    const at = (): number[] => {
      const s = stat("/f");
      return [s.atimeSec, s.mtimeSec, s.ctimeSec];
    };
    w.clock.set(1000, 5);
    w.put("/f", "x");
    expect(at()).toEqual([1000, 1000, 1000]);
    w.clock.set(2000, 0);
    w.text("/f");
    expect(at()).toEqual([2000, 1000, 1000]);
    w.clock.set(2500, 0);
    w.text("/f");
    expect(at()).toEqual([2000, 1000, 1000]);
    w.clock.set(2000 + 86400, 0);
    w.text("/f");
    expect(at()).toEqual([88400, 1000, 1000]);
    w.clock.set(90000, 0);
    const vp = opened("/f", O_RDWR);
    w.write(vp, 0, "y");
    expect(at()).toEqual([88400, 90000, 90000]);
    w.clock.set(91000, 0);
    w.vfs.chmod(mount(), vp, 0o600, w.cred);
    expect(at()).toEqual([88400, 90000, 91000]);
    w.clock.set(92000, 7);
    expect(w.vfs.utimes(mount(), vp, 5, 6, 0, UTIME_NOW, w.cred)).toBe(0);
    expect(at()).toEqual([5, 92000, 92000]);
    expect(w.vfs.utimes(mount(), vp, 1, UTIME_OMIT, 2, 3, w.cred)).toBe(0);
    expect(at()).toEqual([5, 2, 92000]);
    expect(w.vfs.utimes(mount(), vp, 0, 0, 0, 0, user)).toBe(-Errno.PERM);
    expect(w.vfs.utimes(mount(), vp, 0, UTIME_NOW, 0, UTIME_NOW, user)).toBe(-Errno.ACCES);
    expect(w.vfs.utimes(mount(), vp, 0, UTIME_OMIT, 0, UTIME_OMIT, user)).toBe(0);
    w.vfs.chmod(mount(), vp, 0o602, w.cred);
    expect(w.vfs.utimes(mount(), vp, 0, UTIME_NOW, 0, UTIME_NOW, user)).toBe(0);
    w.clock.set(93000, 0);
    w.mkdir("/d");
    w.clock.set(94000, 0);
    w.put("/d/x", "");
    expect(stat("/d").mtimeSec).toBe(94000);
    w.clock.set(95000, 0);
    w.link("/d/x", "/d/y");
    expect(stat("/d/x").ctimeSec).toBe(95000);
  });

  test("access with the real ids", () => {
    w.put("/f", "", 0o640);
    const setuid = Cred.of(1000, 1000);
    setuid.euid = 0;
    setuid.fsuid = 0;
    const vp = w.vnode("/f");
    expect(w.vfs.access(mount(), vp, 4, setuid)).toBe(0);
    expect(w.vfs.access(mount(), vp, 1, setuid)).toBe(-Errno.ACCES);
    expect(w.vfs.access(mount(), vp, 4, setuid.realCopy())).toBe(-Errno.ACCES);
    expect(E_NODATA).toBe(61);
  });
});

class TestWaiter extends Waiter {
  woken = 0;

  wake(): void {
    this.woken++;
  }
}

describe("locks", () => {
  const lockOf = (type: number, start = 0, end = -1): FileLock => {
    const l = new FileLock();
    l.type = type;
    l.start = start;
    l.end = end;
    return l;
  };
  const owner = (pid: number): LockOwner => {
    const o = new LockOwner();
    o.pid = pid;
    return o;
  };

  test("record locks split, join and conflict", () => {
    const vp = opened("/f", O_CREAT | O_RDWR);
    const [a, b] = [owner(1), owner(2)];
    const set = (o: LockOwner, type: number, s: number, e: number): number =>
      w.vfs.advlock(vp, o, LOCK_SET, LOCK_POSIX, lockOf(type, s, e), null);
    const get = (o: LockOwner, type: number, s: number, e: number): number[] => {
      const l = lockOf(type, s, e);
      w.vfs.advlock(vp, o, LOCK_GET, LOCK_POSIX, l, null);
      return [l.type, l.start, l.end, l.pid];
    };
    expect(set(a, F_WRLCK, 0, 99)).toBe(0);
    expect(set(b, F_RDLCK, 50, 60)).toBe(-Errno.AGAIN);
    expect(set(a, F_UNLCK, 40, 59)).toBe(0);
    expect(set(b, F_RDLCK, 40, 59)).toBe(0);
    expect(get(a, F_WRLCK, 0, -1)).toEqual([F_RDLCK, 40, 59, 2]);
    expect(get(a, F_RDLCK, 0, -1)[0]).toBe(F_UNLCK);
    expect(get(b, F_RDLCK, 0, -1)[3]).toBe(1);
    expect(get(b, F_RDLCK, 39, 60)).toEqual([F_WRLCK, 0, 39, 1]);
    expect(set(a, F_RDLCK, 0, -1)).toBe(0);
    expect(set(b, F_WRLCK, 40, 59)).toBe(-Errno.AGAIN);
    expect(set(b, F_UNLCK, 0, -1)).toBe(0);
    expect(set(a, F_WRLCK, 10, -1)).toBe(0);
    expect(get(b, F_RDLCK, 200, 300)).toEqual([F_WRLCK, 10, -1, 1]);
    expect(set(a, F_RDLCK, 5, 3)).toBe(-Errno.INVAL);
    w.vfs.unlockAll(vp, a, LOCK_POSIX);
    expect(get(b, F_WRLCK, 0, -1)[0]).toBe(F_UNLCK);
    expect(vp.locks).toBe(null);
  });

  test("waiters are woken, circles refused, kinds kept apart", () => {
    const vp = opened("/f", O_CREAT | O_RDWR);
    const [a, b] = [owner(1), owner(2)];
    const [wa, wb] = [new TestWaiter(), new TestWaiter()];
    const wait = (o: LockOwner, t: TestWaiter, type: number, s: number, e: number, kind = LOCK_POSIX): number =>
      w.vfs.advlock(vp, o, LOCK_SETWAIT, kind, lockOf(type, s, e), t);
    expect(wait(a, wa, F_WRLCK, 0, 0)).toBe(0);
    expect(wait(b, wb, F_WRLCK, 1, 1)).toBe(0);
    expect(wait(a, wa, F_WRLCK, 1, 1)).toBe(-8192);
    expect(wait(b, wb, F_WRLCK, 0, 0)).toBe(-Errno.DEADLK);
    w.vfs.unlockAll(vp, b, LOCK_POSIX);
    expect(wa.woken).toBe(1);
    expect(wait(a, wa, F_WRLCK, 1, 1)).toBe(0);
    expect(wait(b, wb, F_WRLCK, 0, -1, LOCK_FLOCK)).toBe(0);
    expect(wait(a, wa, F_RDLCK, 0, -1, LOCK_FLOCK)).toBe(-8192);
    w.vfs.unlockAll(vp, b, LOCK_FLOCK);
    expect(wa.woken).toBe(2);
    expect(wait(a, wa, F_RDLCK, 0, -1, LOCK_FLOCK)).toBe(0);
    expect(wait(b, wb, F_RDLCK, 0, -1, LOCK_FLOCK)).toBe(0);
    // Both upgrade: the first lets go of its lock while it waits, so the second gets through.
    expect(wait(a, wa, F_WRLCK, 0, -1, LOCK_FLOCK)).toBe(-8192);
    expect(wait(b, wb, F_WRLCK, 0, -1, LOCK_FLOCK)).toBe(0);
  });
});
