import { Errno, stringOf } from "@anax/portable";
import {
  Cred,
  EmptyFsType,
  MNT_BIND,
  MNT_NOATIME,
  MNT_STRICTATIME,
  MNT_MOVE,
  MNT_NODEV,
  MNT_NOEXEC,
  MNT_RDONLY,
  MNT_REMOUNT,
  MountOptions,
  NLC_FOLLOW,
  NLC_NO_XDEV,
  NLC_BENEATH,
  NLC_IN_ROOT,
  NLC_NO_SYMLINKS,
  NcHandle,
  SYSFS_MAGIC,
  StatFs,
  UMOUNT_DETACH,
  type Stat,
  type TmpFs,
} from "@anax/vfs-msg";
import { beforeEach, describe, expect, test } from "vitest";
import { World } from "./world";

let w: World;

beforeEach(() => {
  w = new World();
  w.mkdir("/m");
  w.put("/m/below", "below");
});

function mount(path: string, flags = 0, data = "", type = "tmpfs"): number {
  return w.vfs.mount(w.nd(path), "src", type, flags, data);
}

function umount(path: string, flags = 0): number {
  return w.vfs.umount(w.nd(path), flags);
}

function handle(path: string): NcHandle {
  const nd = w.nd(path, NLC_FOLLOW);
  expect(w.vfs.lookup(nd)).toBe(0);
  const h = new NcHandle();
  nd.into(h);
  return h;
}

describe("mounts", () => {
  test("cover what is below until they go", () => {
    expect(mount("/m")).toBe(0);
    expect(w.stat("/m/below")).toBe(-Errno.NOENT);
    w.put("/m/above", "above");
    expect((w.stat("/m") as Stat).dev).not.toBe((w.stat("/") as Stat).dev);
    expect(w.chdir("/m")).toBe(0);
    expect(w.getcwd()).toBe("/m");
    expect(w.vnode("..") === w.vnode("/")).toBe(true);
    expect(umount("/m")).toBe(-Errno.BUSY);
    w.chdir("/");
    expect(umount("/m")).toBe(0);
    expect(w.text("/m/below")).toBe("below");
    expect(umount("/m")).toBe(-Errno.INVAL);
    expect(umount("/")).toBe(-Errno.BUSY);
  });

  test("stack, nest, and give all memory back", () => {
    const free = w.pages.freeCount;
    const root = w.vfs.root.mount!.fs as TmpFs;
    mount("/m");
    w.put("/m/f", "1".repeat(10000));
    w.mkdir("/m/sub");
    expect(mount("/m/sub")).toBe(0);
    w.put("/m/sub/g", "2".repeat(5000));
    expect(mount("/m")).toBe(0);
    expect(w.stat("/m/f")).toBe(-Errno.NOENT);
    expect(umount("/m")).toBe(0);
    expect(w.text("/m/f").length).toBe(10000);
    expect(umount("/m")).toBe(-Errno.BUSY);
    expect(umount("/m", UMOUNT_DETACH)).toBe(0);
    expect(w.pages.freeCount).toBe(free);
    expect(w.vfs.mounts.list.length).toBe(1);
    expect(root.nodes).toBe(3);
  });

  test("a detached mount lives as long as its open files", () => {
    const free = w.pages.freeCount;
    mount("/m");
    w.put("/m/f", "still here");
    const h = handle("/m/f");
    expect(umount("/m", UMOUNT_DETACH)).toBe(0);
    expect(w.stat("/m/f")).toBe(-Errno.NOENT);
    const b = w.read(h.vnode!, 0, 100);
    expect(stringOf(b, 0, b.length)).toBe("still here");
    expect(w.pages.freeCount).toBeLessThan(free);
    h.clear();
    expect(w.pages.freeCount).toBe(free);
  });

  test("errors", () => {
    expect(mount("/none")).toBe(-Errno.NOENT);
    expect(mount("/m/below")).toBe(-Errno.NOTDIR);
    expect(mount("/m", 0, "", "nosuchfs")).toBe(-Errno.NODEV);
    expect(mount("/m", 0, "size=abc")).toBe(-Errno.INVAL);
    expect(mount("/m", 0, "unknown=1")).toBe(-Errno.INVAL);
    w.cred = Cred.of(1, 1);
    expect(mount("/m")).toBe(-Errno.PERM);
    expect(umount("/m")).toBe(-Errno.PERM);
  });

  test("names across mounts: EXDEV, EBUSY", () => {
    mount("/m");
    w.put("/f", "");
    expect(w.rename("/f", "/m/f")).toBe(-Errno.XDEV);
    expect(w.link("/f", "/m/f")).toBe(-Errno.XDEV);
    expect(w.rmdir("/m")).toBe(-Errno.BUSY);
    expect(w.rename("/m", "/n")).toBe(-Errno.BUSY);
    w.mkdir("/n");
    expect(w.rename("/n", "/m")).toBe(-Errno.BUSY);
    const nd = w.nd("/m/f", NLC_NO_XDEV);
    expect(w.vfs.lookup(nd)).toBe(-Errno.XDEV);
  });

  test("read-only, noexec and nodev", () => {
    mount("/m");
    w.put("/m/f", "x", 0o755);
    w.mknod("/m/null", 0o020666, 0x103);
    expect(mount("/m", MNT_REMOUNT | MNT_RDONLY)).toBe(0);
    expect(w.open("/m/f", 1)).toBe(-Errno.ROFS);
    expect(w.open("/m/new", 0o101)).toBe(-Errno.ROFS);
    expect(w.open("/m/f", 0o101)).toBe(-Errno.ROFS);
    expect(w.mkdir("/m/d")).toBe(-Errno.ROFS);
    expect(w.mkdir("/m/f")).toBe(-Errno.EXIST);
    expect(w.unlink("/m/f")).toBe(-Errno.ROFS);
    expect(w.rename("/m/f", "/m/g")).toBe(-Errno.ROFS);
    const nd = w.lookup("/m/f");
    if (typeof nd === "number") throw new Error();
    expect(w.vfs.chmod(nd.mount!, nd.vnode!, 0, w.cred)).toBe(-Errno.ROFS);
    expect(w.vfs.access(nd.mount!, nd.vnode!, 2, w.cred)).toBe(-Errno.ROFS);
    expect(w.vfs.checkExec(nd.mount!, nd.vnode!, w.cred)).toBe(0);
    expect(mount("/m", MNT_REMOUNT | MNT_NOEXEC | MNT_NODEV)).toBe(0);
    expect(w.vfs.checkExec(nd.mount!, nd.vnode!, w.cred)).toBe(-Errno.ACCES);
    expect(w.open("/m/null", 0)).toBe(-Errno.ACCES);
    const vp = w.open("/m/f", 1);
    expect(mount("/m", MNT_REMOUNT | MNT_RDONLY)).toBe(-Errno.BUSY);
    if (typeof vp !== "number") w.vfs.close(vp, 1);
    expect(mount("/m", MNT_REMOUNT | MNT_RDONLY)).toBe(0);
  });

  test("access times by the mount's rule", () => {
    const atime = (): number => (w.text("/m/f"), (w.stat("/m/f") as Stat).atimeSec);
    mount("/m");
    w.clock.set(100, 0);
    w.put("/m/f", "x");
    w.clock.set(200, 0);
    expect(atime()).toBe(200);
    w.clock.set(300, 0);
    expect(atime()).toBe(200);
    mount("/m", MNT_REMOUNT | MNT_STRICTATIME);
    expect(atime()).toBe(300);
    mount("/m", MNT_REMOUNT | MNT_NOATIME);
    w.clock.set(500000, 0);
    expect(atime()).toBe(300);
  });

  test("bind mounts show the same files", () => {
    w.mkdir("/b");
    w.mkdir("/m/dir");
    const from = handle("/m");
    expect(w.vfs.mountFrom(w.nd("/b"), from, "/m", MNT_BIND)).toBe(0);
    from.clear();
    expect(w.text("/b/below")).toBe("below");
    w.put("/b/new", "n");
    expect(w.text("/m/new")).toBe("n");
    w.rename("/m/new", "/m/newer");
    expect(w.text("/b/newer")).toBe("n");
    w.chdir("/b/dir");
    expect(w.getcwd()).toBe("/b/dir");
    expect(w.vnode("../..") === w.vnode("/")).toBe(true);
    expect(w.rename("/b/newer", "/m/x")).toBe(-Errno.XDEV);
    w.chdir("/");
    expect(mount("/b", MNT_REMOUNT | MNT_BIND | MNT_RDONLY)).toBe(0);
    expect(w.open("/b/below", 1)).toBe(-Errno.ROFS);
    expect(typeof w.open("/m/below", 1)).toBe("object");
    const file = handle("/m/below");
    expect(w.vfs.mountFrom(w.nd("/b"), file, "f", MNT_BIND)).toBe(-Errno.NOTDIR);
    w.put("/onto", "");
    expect(w.vfs.mountFrom(w.nd("/onto"), file, "f", MNT_BIND)).toBe(0);
    file.clear();
    expect(w.text("/onto")).toBe("below");
    expect(umount("/onto")).toBe(0);
    expect(umount("/b")).toBe(0);
    expect(w.stat("/b/below")).toBe(-Errno.NOENT);
    expect(w.text("/m/below")).toBe("below");
  });

  test("a mount moves", () => {
    mount("/m");
    w.put("/m/f", "moved");
    w.mkdir("/n");
    const from = handle("/m");
    expect(w.vfs.mountFrom(w.nd("/m"), from, "", MNT_MOVE)).toBe(-Errno.LOOP);
    expect(w.vfs.mountFrom(w.nd("/n"), from, "", MNT_MOVE)).toBe(0);
    from.clear();
    expect(w.text("/n/f")).toBe("moved");
    expect(w.text("/m/below")).toBe("below");
    const plain = handle("/m");
    expect(w.vfs.mountFrom(w.nd("/n"), plain, "", MNT_MOVE)).toBe(-Errno.INVAL);
    plain.clear();
  });

  test("sysfs is there, empty and read-only", () => {
    w.vfs.addType(new EmptyFsType("sysfs", SYSFS_MAGIC));
    expect(mount("/m", 0, "", "sysfs")).toBe(0);
    expect(w.list("/m").length).toBe(2);
    expect(w.mkdir("/m/x")).toBe(-Errno.ROFS);
    const st = new StatFs();
    const nd = w.lookup("/m");
    if (typeof nd === "number") throw new Error();
    w.vfs.statfs(nd.mount!, st);
    expect([st.type, st.flags & MNT_RDONLY]).toEqual([SYSFS_MAGIC, MNT_RDONLY]);
  });
});

describe("openat2's RESOLVE flags", () => {
  test("beneath, in root, no links", () => {
    w.mkdir("/jail");
    w.mkdir("/jail/in");
    w.put("/jail/in/f", "inside");
    w.symlink("/etc", "/jail/abs");
    w.symlink("/in/f", "/jail/rooted");
    w.symlink("../..", "/jail/in/up");
    const jail = handle("/jail");
    const go = (path: string, flags: number): number => {
      const nd = w.nd(path, flags | NLC_FOLLOW, jail);
      return w.vfs.lookup(nd);
    };
    expect(go("in/f", NLC_BENEATH)).toBe(0);
    expect(go("in/../in/f", NLC_BENEATH)).toBe(0);
    expect(go("../jail", NLC_BENEATH)).toBe(-Errno.XDEV);
    expect(go("/in", NLC_BENEATH)).toBe(-Errno.XDEV);
    expect(go("abs", NLC_BENEATH)).toBe(-Errno.XDEV);
    expect(go("in/up", NLC_BENEATH)).toBe(-Errno.XDEV);
    expect(go("rooted", NLC_IN_ROOT)).toBe(0);
    expect(go("/in/f", NLC_IN_ROOT)).toBe(0);
    expect(go("../../in/f", NLC_IN_ROOT)).toBe(0);
    expect(go("in/up/in/f", NLC_IN_ROOT)).toBe(0);
    expect(go("rooted", NLC_NO_SYMLINKS)).toBe(-Errno.LOOP);
    jail.clear();
  });
});

test("mount options", () => {
  const o = new MountOptions("a,size=50%,,mode=755,n=12k,big=99999999999999999g");
  const out: unknown[] = [];
  while (o.next()) out.push([o.key, o.value, o.number(8), o.size(1000)]);
  expect(out).toEqual([
    ["a", "", -1, -1],
    ["size", "50%", -1, 500],
    ["mode", "755", 0o755, 755],
    ["n", "12k", -1, 12288],
    ["big", "99999999999999999g", -1, -1],
  ]);
});
