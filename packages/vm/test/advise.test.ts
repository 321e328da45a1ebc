import { Errno } from "@anax/portable";
import { describe, expect, test } from "vitest";
import {
  MADV_DONTFORK,
  MADV_DONTNEED,
  MADV_FREE,
  MADV_NORMAL,
  MADV_POPULATE_READ,
  MADV_POPULATE_WRITE,
  MADV_REMOVE,
  MADV_WILLNEED,
  MADV_WIPEONFORK,
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_PRIVATE,
  MAP_SHARED,
  MCL_CURRENT,
  MCL_FUTURE,
  MCL_ONFAULT,
  MS_ASYNC,
  MS_INVALIDATE,
  MS_SYNC,
  PROT_NONE,
  PROT_READ,
  VmObject,
} from "../src/index";
import { ANON, BASE, PAGE, RW, boot, mapAt, read, space, write } from "./harness";

describe("madvise", () => {
  test("errors", () => {
    const s = space(boot());
    mapAt(s, BASE, 2);
    expect(s.advise(BASE + 1, PAGE, MADV_NORMAL)).toBe(-Errno.INVAL);
    expect(s.advise(BASE, PAGE, 7)).toBe(-Errno.INVAL);
    expect(s.advise(BASE, PAGE, 100)).toBe(-Errno.INVAL);
    expect(s.advise(BASE, 0, MADV_DONTNEED)).toBe(0);
    expect(s.advise(BASE, 3 * PAGE, MADV_WILLNEED)).toBe(-Errno.NOMEM);
    s.lock(BASE, PAGE, true);
    expect(s.advise(BASE, PAGE, MADV_DONTNEED)).toBe(-Errno.INVAL);
  });

  test("DONTNEED and FREE empty private memory, and leave a file's", () => {
    const vm = boot();
    const s = space(vm);
    mapAt(s, BASE, 4);
    for (let i = 0; i < 4; i++) write(s, BASE + i * PAGE, 3);
    expect(s.advise(BASE + PAGE, 2 * PAGE, MADV_DONTNEED)).toBe(0);
    expect(s.residentAnon).toBe(2);
    expect([0, 1, 2, 3].map((i) => read(s, BASE + i * PAGE))).toEqual([3, 0, 0, 3]);
    expect(s.advise(BASE, PAGE, MADV_FREE)).toBe(0);
    const file = new VmObject(vm.pages, null, 1);
    s.map(BASE * 2, PAGE, RW, MAP_SHARED | MAP_FIXED, file, 0);
    write(s, BASE * 2, 8);
    expect(s.advise(BASE * 2, PAGE, MADV_FREE)).toBe(-Errno.INVAL);
    expect(s.advise(BASE * 2, PAGE, MADV_DONTNEED)).toBe(0);
    expect(read(s, BASE * 2)).toBe(8);
    expect(s.advise(BASE * 2, PAGE, MADV_REMOVE)).toBe(0);
    expect(read(s, BASE * 2)).toBe(0);
  });

  test("DONTFORK and WIPEONFORK keep pages from a child", () => {
    const s = space(boot());
    mapAt(s, BASE, 3);
    for (let i = 0; i < 3; i++) write(s, BASE + i * PAGE, 5);
    s.advise(BASE, PAGE, MADV_DONTFORK);
    s.advise(BASE + PAGE, PAGE, MADV_WIPEONFORK);
    const child = s.fork()!;
    expect([0, 1, 2].map((i) => read(child, BASE + i * PAGE))).toEqual([-Errno.FAULT, 0, 5]);
    expect(read(s, BASE)).toBe(5);
  });

  test("POPULATE brings pages in and tells why not", () => {
    const s = space(boot());
    mapAt(s, BASE, 2);
    expect(s.advise(BASE, 2 * PAGE, MADV_POPULATE_WRITE)).toBe(0);
    expect(s.residentAnon).toBe(2);
    mapAt(s, BASE + 2 * PAGE, 1, PROT_NONE);
    expect(s.advise(BASE, 3 * PAGE, MADV_POPULATE_READ)).toBe(-Errno.INVAL);
    expect(s.advise(BASE + 3 * PAGE, PAGE, MADV_POPULATE_READ)).toBe(-Errno.NOMEM);
  });
});

describe("msync", () => {
  test("errors", () => {
    const s = space(boot());
    mapAt(s, BASE, 1);
    expect(s.sync(BASE, PAGE, 8)).toBe(-Errno.INVAL);
    expect(s.sync(BASE, PAGE, MS_SYNC | MS_ASYNC)).toBe(-Errno.INVAL);
    expect(s.sync(BASE + 1, PAGE, MS_SYNC)).toBe(-Errno.INVAL);
    expect(s.sync(BASE, 2 * PAGE, MS_SYNC)).toBe(-Errno.NOMEM);
    expect(s.sync(BASE, PAGE, MS_SYNC)).toBe(0);
    s.lock(BASE, PAGE, true);
    expect(s.sync(BASE, PAGE, MS_INVALIDATE)).toBe(-Errno.BUSY);
  });
});

describe("mincore", () => {
  test("tells what is resident", () => {
    const vm = boot();
    const s = space(vm);
    mapAt(s, BASE, 3);
    write(s, BASE + PAGE, 1);
    const out = new Uint8Array(4).fill(7);
    expect(s.incore(BASE, 3, out, 1)).toBe(0);
    expect([...out]).toEqual([7, 0, 1, 0]);
    expect(s.incore(BASE, 4, out, 0)).toBe(-Errno.NOMEM);
    expect(s.incore(BASE + 1, 1, out, 0)).toBe(-Errno.INVAL);
    const file = new VmObject(vm.pages, null, 2);
    file.grab(1);
    s.map(BASE * 2, 2 * PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, file, 0);
    s.incore(BASE * 2, 2, out, 0);
    expect([...out.subarray(0, 2)]).toEqual([0, 1]);
  });
});

describe("mlock", () => {
  test("counts, populates, and keeps to its limit", () => {
    const s = space(boot());
    mapAt(s, BASE, 8);
    s.limitLock = 4 * PAGE;
    expect(s.lock(BASE, 5 * PAGE, false)).toBe(-Errno.NOMEM);
    expect(s.lock(BASE + 10, 3 * PAGE, false)).toBe(0);
    expect(s.lockedPages).toBe(4);
    expect(s.residentAnon).toBe(4);
    expect(s.lock(BASE, 4 * PAGE, false)).toBe(0);
    expect(s.entryCount).toBe(2);
    expect(s.unlock(BASE, 8 * PAGE)).toBe(0);
    expect(s.lockedPages).toBe(0);
    expect(s.entryCount).toBe(1);
    expect(s.lock(BASE + 7 * PAGE, 2 * PAGE, true)).toBe(-Errno.NOMEM);
    expect(s.lock(BASE + 20 * PAGE, PAGE, true)).toBe(-Errno.NOMEM);
  });

  test("is not inherited by a child, and MCL_FUTURE locks what comes", () => {
    const s = space(boot());
    mapAt(s, BASE, 2);
    expect(s.lockAll(8)).toBe(-Errno.INVAL);
    expect(s.lockAll(MCL_ONFAULT)).toBe(-Errno.INVAL);
    expect(s.lockAll(MCL_CURRENT | MCL_FUTURE)).toBe(0);
    expect(s.lockedPages).toBe(2);
    s.map(0, PAGE, RW, ANON, null, 0);
    expect(s.lockedPages).toBe(3);
    expect(s.residentAnon).toBe(3);
    const child = s.fork()!;
    expect(child.lockedPages).toBe(0);
    expect(child.map(0, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, null, 0)).toBeGreaterThan(0);
    expect(child.lockedPages).toBe(0);
    s.lockAll(0);
    expect(s.lockedPages).toBe(0);
  });
});
