import { Errno, stringOf } from "@anax/portable";
import { NLC_CREATE, NLC_DIRECTORY, NLC_FOLLOW, NLC_PARENT, NcHandle, Cred, type TmpFs } from "@anax/vfs-msg";
import { beforeEach, describe, expect, test } from "vitest";
import { World } from "./world";

let w: World;

beforeEach(() => {
  w = new World();
  w.mkdir("/a");
  w.mkdir("/a/b");
  w.put("/a/b/file", "hello");
  w.symlink("b/file", "/a/link");
  w.symlink("/a/b", "/abs");
});

describe("the walk", () => {
  test("finds files, links and directories", () => {
    expect(w.text("/a/b/file")).toBe("hello");
    expect(w.text("a/link")).toBe("hello");
    expect(w.text("//a///b/./../b//file")).toBe("hello");
    expect(w.text("/abs/file")).toBe("hello");
    expect(w.text("/abs/../link")).toBe("hello");
    expect(w.lookup("/a/link", 0)).toMatchObject({ vnode: { isLink: true } });
  });

  test("answers with the errors of path_resolution(7)", () => {
    expect(w.lookup("")).toBe(-Errno.NOENT);
    expect(w.lookup("/nope")).toBe(-Errno.NOENT);
    expect(w.lookup("/nope/x")).toBe(-Errno.NOENT);
    expect(w.lookup("/a/b/file/x")).toBe(-Errno.NOTDIR);
    expect(w.lookup("/a/b/file/")).toBe(-Errno.NOTDIR);
    expect(w.lookup("/a/link/")).toBe(-Errno.NOTDIR);
    expect(w.lookup("/a/b/file/.")).toBe(-Errno.NOTDIR);
    expect(w.lookup("/a/b/file", NLC_DIRECTORY)).toBe(-Errno.NOTDIR);
    expect(w.lookup("/" + "x".repeat(255))).toBe(-Errno.NOENT);
    expect(w.lookup("/" + "x".repeat(256))).toBe(-Errno.NAMETOOLONG);
    expect(w.lookup("/" + "x/".repeat(2046) + "yy")).toBe(-Errno.NOENT);
    expect(w.lookup("/" + "x/".repeat(2047) + "y")).toBe(-Errno.NAMETOOLONG);
    const nd = w.nd("");
    expect(nd.setPath(new Uint8Array(4096), 0, 4096)).toBe(false);
  });

  test("follows up to 40 links", () => {
    w.put("/end", "x");
    w.symlink("/end", "/l0");
    for (let i = 1; i < 42; i++) w.symlink(`/l${i - 1}`, `/l${i}`);
    expect(typeof w.lookup("/l39")).toBe("object");
    expect(w.lookup("/l40")).toBe(-Errno.LOOP);
    w.symlink("self", "/self");
    expect(w.lookup("/self")).toBe(-Errno.LOOP);
    expect(typeof w.lookup("/self", 0)).toBe("object");
    expect(w.lookup("/self/", 0)).toBe(-Errno.LOOP);
  });

  test("a link's text and the rest of the path together stay below PATH_MAX", () => {
    w.symlink("/" + "./".repeat(2000), "/long");
    expect(typeof w.lookup("/long")).toBe("object");
    expect(typeof w.lookup("/long/a")).toBe("object");
    expect(w.lookup("/long/" + "./".repeat(60) + "a")).toBe(-Errno.NAMETOOLONG);
  });

  test("does not leave the root", () => {
    expect(w.vnode("/../../a/b")).toBe(w.vnode("/a/b"));
    const jail = new NcHandle();
    const nd = w.lookup("/a");
    if (typeof nd === "number") throw new Error();
    nd.into(jail);
    const inside = w.nd("../../b/file", NLC_FOLLOW, jail);
    inside.root = jail;
    expect(w.vfs.lookup(inside)).toBe(0);
    const abs = w.nd("/b/../../b/file", NLC_FOLLOW, jail);
    abs.root = jail;
    expect(w.vfs.lookup(abs)).toBe(0);
    jail.clear();
  });

  test("checks search permission on every directory", () => {
    w.mkdir("/p", 0o700);
    w.put("/p/f", "1");
    w.cred = Cred.of(1000, 1000);
    expect(w.lookup("/p/f")).toBe(-Errno.ACCES);
    expect(w.lookup("/p/nope")).toBe(-Errno.ACCES);
    expect(typeof w.lookup("/p")).toBe("object");
    expect(w.lookup("/p/.")).toBe(-Errno.ACCES);
  });

  test("an absent last name is a result for NLC_CREATE and NLC_PARENT", () => {
    expect(w.lookup("/a/new", NLC_CREATE)).toMatchObject({ vnode: null });
    const nd = w.lookup("/a/new/", NLC_PARENT);
    if (typeof nd === "number") throw new Error();
    expect(nd.mustBeDir).toBe(true);
    expect(stringOf(nd.buf, nd.lastOff, nd.lastLen)).toBe("new");
    expect(w.lookup("/nope/new", NLC_CREATE)).toBe(-Errno.NOENT);
  });
});

describe("the name cache", () => {
  test("a second look-up asks nobody, absent names included", () => {
    let asked = 0;
    const fs = w.vfs.root.mount!.fs!;
    const nresolve = fs.nresolve.bind(fs);
    fs.nresolve = (m) => (asked++, nresolve(m));
    w.lookup("/a/b/none");
    w.lookup("/a/b/file");
    expect(asked).toBe(1);
    w.lookup("/a/b/none");
    w.lookup("/a/b/file");
    expect(asked).toBe(1);
    w.put("/a/b/none", "");
    expect(typeof w.lookup("/a/b/none")).toBe("object");
    w.unlink("/a/b/none");
    expect(w.lookup("/a/b/none")).toBe(-Errno.NOENT);
    expect(asked).toBe(1);
  });

  test("is bounded", () => {
    w.vfs.cache.limit = 50;
    for (let i = 0; i < 500; i++) w.lookup(`/a/absent${i}`);
    for (let i = 0; i < 500; i++) w.put(`/a/b/f${i}`, "");
    expect(w.vfs.cache.unused).toBeLessThanOrEqual(60);
    expect(w.vfs.cache.hashed).toBeLessThan(80);
    expect(w.text("/a/b/file")).toBe("hello");
    for (let i = 0; i < 500; i++) expect(typeof w.lookup(`/a/b/f${i}`)).toBe("object");
  });

  test("getcwd follows renames and knows removed directories", () => {
    expect(w.chdir("/a/b")).toBe(0);
    expect(w.getcwd()).toBe("/a/b");
    expect(w.rename("/a", "/z")).toBe(0);
    expect(w.getcwd()).toBe("/z/b");
    w.unlink("file");
    expect(w.rmdir("/z/b")).toBe(0);
    expect(w.getcwd()).toBe(-Errno.NOENT);
    expect(w.getcwd(w.cwd, true)).toBe("/z/b (deleted)");
    expect(w.lookup("x")).toBe(-Errno.NOENT);
    expect(w.mkdir("x")).toBe(-Errno.NOENT);
    expect(w.open("x", 0o101)).toBe(-Errno.NOENT);
    expect(w.vnode("..") === w.vnode("/z")).toBe(true);
    expect(w.vnode(".").nlink).toBe(0);
    expect(w.mkdir("/z/b")).toBe(0);
    expect(w.vnode(".").nlink).toBe(0);
    w.chdir("/");
    expect((w.vfs.root.mount!.fs as TmpFs).nodes).toBe(5);
  });

  test("deep trees are forgotten without depth on the stack", () => {
    w = new World(64 << 20, "nr_inodes=0,mode=755");
    const fs = w.vfs.root.mount!.fs as TmpFs;
    const deep = 8000;
    const handles: NcHandle[] = [];
    for (let i = 0; i < deep; i++) {
      w.mkdir("d");
      w.lookup("d/absent");
      w.chdir("d");
      if (i % 1000 === 0) {
        const h = new NcHandle();
        h.copyFrom(w.cwd);
        handles.push(h);
      }
    }
    // From the bottom up every directory goes while the deepest is somebody's working directory.
    const up = new NcHandle();
    up.copyFrom(w.cwd);
    w.chdir("..");
    for (let i = 0; i < deep - 1; i++) {
      w.rmdir("d");
      w.chdir("..");
    }
    expect(w.rmdir("d")).toBe(0);
    expect(w.getcwd()).toBe("/");
    for (const h of handles) h.clear();
    up.clear();
    expect(fs.nodes).toBe(1);
    w.vfs.cache.limit = 0;
    w.lookup("/");
    w.lookup("/");
    expect(w.vfs.cache.hashed).toBe(0);
  });

  test("purge takes what nothing uses and leaves the rest", () => {
    const h = new NcHandle();
    const keep = w.lookup("/a/b/file");
    if (typeof keep === "number") throw new Error();
    keep.into(h);
    w.mkdir("/a/c");
    w.mkdir("/a/c/d");
    w.lookup("/a/c/d/none");
    const root = w.vfs.root.ncp!;
    expect(w.vfs.cache.purge(root)).toBe(1);
    expect(w.vfs.cache.hashed).toBe(3);
    h.clear();
    expect(w.vfs.cache.purge(root)).toBe(0);
    expect(w.vfs.cache.hashed).toBe(0);
    expect(w.vfs.cache.unused).toBe(0);
    expect(w.text("/a/b/file")).toBe("hello");
  });
});
