import { Errno } from "@anax/portable";
import { USER_END } from "@anax/machine";
import { describe, expect, test } from "vitest";
import {
  MAP_32BIT,
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_FIXED_NOREPLACE,
  MAP_GROWSDOWN,
  MAP_LOCKED,
  MAP_NORESERVE,
  MAP_POPULATE,
  MAP_PRIVATE,
  MAP_SHARED,
  PROT_EXEC,
  PROT_GROWSDOWN,
  PROT_NONE,
  PROT_READ,
  VmObject,
} from "../src/index";
import { ANON, BASE, PAGE, RW, boot, mapAt, read, space, write } from "./harness";

const MIB = 1024 * 1024;

describe("mmap", () => {
  test("refuses what Linux refuses, with its errno", () => {
    const s = space(boot());
    expect(s.map(0, 0, RW, ANON, null, 0)).toBe(-Errno.INVAL);
    expect(s.map(0, PAGE, RW, MAP_ANONYMOUS, null, 0)).toBe(-Errno.INVAL);
    expect(s.map(0, -1, RW, ANON, null, 0)).toBe(-Errno.NOMEM);
    expect(s.map(0, USER_END, RW, ANON, null, 0)).toBe(-Errno.NOMEM);
    expect(s.map(0, PAGE, RW, ANON, null, 100)).toBe(-Errno.INVAL);
    expect(s.map(BASE + 1, PAGE, RW, ANON | MAP_FIXED, null, 0)).toBe(-Errno.INVAL);
    expect(s.map(USER_END, PAGE, RW, ANON | MAP_FIXED, null, 0)).toBe(-Errno.NOMEM);
    expect(s.map(-4096, PAGE, RW, ANON | MAP_FIXED, null, 0)).toBe(-Errno.NOMEM);
    expect(s.map(0, PAGE, RW, ANON | MAP_FIXED, null, 0)).toBe(-Errno.PERM);
    expect(s.map(0, PAGE, RW, MAP_PRIVATE, new VmObject(s.vm.pages, null, 1), 2 ** 44)).toBe(-Errno.OVERFLOW);
    mapAt(s, BASE, 4);
    expect(s.map(BASE + PAGE, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, null, 0)).toBe(-Errno.EXIST);
    expect(s.map(BASE + 4 * PAGE, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, null, 0)).toBe(BASE + 4 * PAGE);
  });

  test("places below the base, downwards, and fills holes that fit", () => {
    const s = space(boot());
    s.mmapBase = 0x700000000000;
    const a = s.map(0, 3 * PAGE, RW, ANON, null, 0);
    expect(a).toBe(0x700000000000 - 3 * PAGE);
    const b = s.map(0, PAGE, PROT_READ, ANON, null, 0);
    expect(b).toBe(a - PAGE);
    const c = s.map(0, PAGE, RW, ANON, null, 0);
    expect(c).toBe(b - PAGE);
    s.unmap(b, PAGE);
    expect(s.map(0, 2 * PAGE, PROT_READ, ANON, null, 0)).toBe(c - 2 * PAGE);
    expect(s.map(0, PAGE, PROT_READ, ANON, null, 0)).toBe(b);
    // A repeated mmap and munmap stays at one place.
    const d = s.map(0, 8 * PAGE, RW, ANON, null, 0);
    s.unmap(d, 8 * PAGE);
    expect(s.map(0, 8 * PAGE, RW, ANON, null, 0)).toBe(d);
  });

  test("takes a hint where it is free, and goes elsewhere where not", () => {
    const s = space(boot());
    expect(s.map(BASE + 5, 2 * PAGE, RW, ANON, null, 0)).toBe(BASE + PAGE);
    const other = s.map(BASE + PAGE, PAGE, RW, ANON, null, 0);
    expect(other).not.toBe(BASE + PAGE);
    expect(other % PAGE).toBe(0);
    const low = s.map(0, PAGE, RW, ANON | MAP_32BIT, null, 0);
    expect(low).toBeGreaterThanOrEqual(0x40000000);
    expect(low).toBeLessThan(0x80000000);
  });

  test("keeps clear of the gap below a stack", () => {
    const s = space(boot());
    expect(s.mapStack(BASE + 4 * MIB, 4 * PAGE, RW)).toBe(0);
    s.mmapBase = BASE + 4 * MIB - 4 * PAGE;
    const at = s.map(0, PAGE, RW, ANON, null, 0);
    expect(at).toBe(BASE + 3 * MIB - 5 * PAGE);
  });

  test("goes above the base when there is no room below", () => {
    const s = space(boot());
    s.mmapBase = 65536 + 4 * PAGE;
    expect(s.map(0, 8 * PAGE, RW, ANON, null, 0)).toBe(65536 + 4 * PAGE);
  });

  test("MAP_FIXED replaces what was there", () => {
    const vm = boot();
    const s = space(vm);
    mapAt(s, BASE, 4);
    for (let i = 0; i < 4; i++) write(s, BASE + i * PAGE, 9);
    mapAt(s, BASE + PAGE, 2, PROT_READ);
    expect(s.entryCount).toBe(3);
    expect(read(s, BASE + PAGE)).toBe(0);
    expect(read(s, BASE + 3 * PAGE)).toBe(9);
    expect(s.residentAnon).toBe(2);
  });

  test("joins neighbours, splits at borders", () => {
    const s = space(boot());
    mapAt(s, BASE, 2);
    mapAt(s, BASE + 4 * PAGE, 2);
    mapAt(s, BASE + 2 * PAGE, 2);
    expect(s.entryCount).toBe(1);
    s.unmap(BASE + 2 * PAGE, PAGE);
    expect(s.entryCount).toBe(2);
    expect(s.entryAt(0).end).toBe(BASE + 2 * PAGE);
    expect(s.entryAt(1).start).toBe(BASE + 3 * PAGE);
    const file = new VmObject(s.vm.pages, null, 16);
    s.map(BASE + MIB, 2 * PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, file, 0);
    s.map(BASE + MIB + 2 * PAGE, 2 * PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, file, 2 * PAGE);
    expect(s.entryCount).toBe(3);
    s.map(BASE + MIB + 4 * PAGE, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, file, 9 * PAGE);
    expect(s.entryCount).toBe(4);
    expect(file.mappings).toBe(2);
  });

  test("keeps to RLIMIT_AS, RLIMIT_DATA and the lock limit", () => {
    const s = space(boot());
    s.limitAs = 10 * PAGE;
    expect(s.map(0, 11 * PAGE, PROT_READ, ANON, null, 0)).toBe(-Errno.NOMEM);
    mapAt(s, BASE, 10, PROT_READ);
    expect(s.map(0, PAGE, PROT_READ, ANON, null, 0)).toBe(-Errno.NOMEM);
    expect(mapAt(s, BASE, 10, PROT_READ)).toBe(BASE);
    s.limitAs = 2 ** 40;
    s.limitData = 3 * PAGE;
    expect(s.map(0, 4 * PAGE, RW, ANON, null, 0)).toBe(-Errno.NOMEM);
    expect(s.map(0, 4 * PAGE, PROT_READ, ANON, null, 0)).toBeGreaterThan(0);
    expect(s.protect(BASE, 4 * PAGE, RW)).toBe(-Errno.NOMEM);
    expect(s.protect(BASE, 3 * PAGE, RW)).toBe(0);
    s.limitLock = PAGE;
    expect(s.map(0, 2 * PAGE, PROT_READ, ANON | MAP_LOCKED, null, 0)).toBe(-Errno.AGAIN);
  });

  test("MAP_POPULATE brings the pages in", () => {
    const s = space(boot());
    const at = s.map(0, 5 * PAGE, RW, ANON | MAP_POPULATE, null, 0);
    expect(s.residentAnon).toBe(5);
    expect(s.pmap.find(at + 4 * PAGE)).not.toBe(0);
  });

  test("stops at the number of entries Linux allows", { timeout: 60_000 }, () => {
    const s = space(boot(64 * MIB));
    mapAt(s, BASE, 65529 * 2, RW, ANON | MAP_NORESERVE);
    for (let i = 0; i < 65529; i++) expect(s.unmap(BASE + (2 * i + 1) * PAGE, PAGE)).toBe(0);
    expect(s.entryCount).toBe(65529);
    expect(s.map(0, PAGE, PROT_READ, ANON, null, 0)).toBeGreaterThan(0);
    expect(s.map(0, PAGE, PROT_NONE, ANON, null, 0)).toBe(-Errno.NOMEM);
    s.release();
  });
});

describe("munmap", () => {
  test("errors", () => {
    const s = space(boot());
    expect(s.unmap(BASE + 1, PAGE)).toBe(-Errno.INVAL);
    expect(s.unmap(BASE, 0)).toBe(-Errno.INVAL);
    expect(s.unmap(BASE, -1)).toBe(-Errno.INVAL);
    expect(s.unmap(-4096, PAGE)).toBe(-Errno.INVAL);
    expect(s.unmap(USER_END, PAGE)).toBe(-Errno.INVAL);
    expect(s.unmap(BASE, PAGE)).toBe(0);
    expect(s.unmap(0, USER_END)).toBe(0);
  });

  test("frees page tables that it empties, all but a few", () => {
    const vm = boot();
    const s = space(vm);
    const at = 0x100000000;
    mapAt(s, at, 8 * 512, RW, ANON | MAP_NORESERVE);
    for (let i = 0; i < 8; i++) write(s, at + i * 512 * PAGE, 1);
    expect(s.tablePages).toBe(11);
    s.unmap(at, 8 * 512 * PAGE);
    expect(s.tablePages).toBe(7);
    expect(s.residentPages).toBe(0);
    mapAt(s, at, 8 * 512, RW, ANON | MAP_NORESERVE);
    for (let i = 0; i < 8; i++) write(s, at + i * 512 * PAGE, 1);
    expect(s.tablePages).toBe(11);
  });
});

describe("mprotect", () => {
  test("errors, and what is before a hole is changed", () => {
    const s = space(boot());
    mapAt(s, BASE, 2);
    expect(s.protect(BASE + 1, PAGE, PROT_READ)).toBe(-Errno.INVAL);
    expect(s.protect(BASE, 0, PROT_READ)).toBe(0);
    expect(s.protect(BASE, PAGE, 0x100)).toBe(-Errno.INVAL);
    expect(s.protect(BASE, PAGE, PROT_READ | PROT_GROWSDOWN)).toBe(-Errno.INVAL);
    expect(s.protect(BASE + 8 * PAGE, PAGE, PROT_READ)).toBe(-Errno.NOMEM);
    expect(s.protect(BASE, -4096, PROT_READ)).toBe(-Errno.NOMEM);
    expect(s.protect(BASE, 3 * PAGE, PROT_READ)).toBe(-Errno.NOMEM);
    expect(s.entryAt(0).prot).toBe(PROT_READ);
  });

  test("a shared file mapping never gets more than the file allows", () => {
    const s = space(boot());
    const file = new VmObject(s.vm.pages, null, 4);
    s.map(BASE, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, file, 0, PROT_READ | PROT_EXEC);
    expect(s.protect(BASE, PAGE, RW)).toBe(-Errno.ACCES);
    expect(s.protect(BASE, PAGE, PROT_READ | PROT_EXEC)).toBe(0);
  });

  test("takes the right to write at once and gives it back without a fault", () => {
    const s = space(boot());
    mapAt(s, BASE, 1);
    write(s, BASE, 3);
    s.protect(BASE, PAGE, PROT_READ);
    expect(write(s, BASE, 4)).toBe(-Errno.ACCES);
    s.protect(BASE, PAGE, PROT_NONE);
    expect(read(s, BASE)).toBe(-Errno.ACCES);
    s.protect(BASE, PAGE, RW);
    expect(s.vm.machine.sim.mmu.translate(BASE, 2)).toBeGreaterThan(0);
    expect(read(s, BASE)).toBe(3);
  });
});

describe("brk", () => {
  test("grows, shrinks, and keeps what is written", () => {
    const vm = boot();
    const s = space(vm);
    s.initBrk(BASE + 100);
    expect(s.setBrk(0)).toBe(BASE + 100);
    expect(s.setBrk(BASE + 3 * PAGE)).toBe(BASE + 3 * PAGE);
    expect(s.entryCount).toBe(1);
    write(s, BASE + 2 * PAGE, 5);
    expect(s.setBrk(BASE + 5 * PAGE)).toBe(BASE + 5 * PAGE);
    expect(s.entryCount).toBe(1);
    expect(read(s, BASE + 2 * PAGE)).toBe(5);
    expect(s.setBrk(BASE + PAGE + 1)).toBe(BASE + PAGE + 1);
    expect(read(s, BASE + 2 * PAGE)).toBe(-Errno.FAULT);
    s.setBrk(BASE + 3 * PAGE);
    expect(read(s, BASE + 2 * PAGE)).toBe(0);
  });

  test("promises no more than all of memory at once, but for MAP_NORESERVE", () => {
    const vm = boot();
    const s = space(vm);
    s.initBrk(BASE);
    const all = vm.pages.totalCount * PAGE;
    expect(s.setBrk(BASE + all + PAGE)).toBe(BASE);
    expect(s.setBrk(BASE + all / 2)).toBe(BASE + all / 2);
    const anon = MAP_PRIVATE | MAP_ANONYMOUS;
    expect(s.map(0, all + PAGE, RW, anon, null, 0)).toBe(-Errno.NOMEM);
    expect(s.map(0, all + PAGE, RW, anon | MAP_NORESERVE, null, 0)).toBeGreaterThan(0);
    expect(s.map(0, all + PAGE, PROT_NONE, anon, null, 0)).toBeGreaterThan(0);
  });

  test("stops before another mapping and at RLIMIT_DATA", () => {
    const s = space(boot());
    s.initBrk(BASE);
    mapAt(s, BASE + 8 * PAGE, 1, PROT_READ);
    expect(s.setBrk(BASE + 8 * PAGE)).toBe(BASE);
    expect(s.setBrk(BASE + 7 * PAGE)).toBe(BASE + 7 * PAGE);
    s.limitData = 7 * PAGE;
    s.unmap(BASE + 8 * PAGE, PAGE);
    expect(s.setBrk(BASE + 8 * PAGE)).toBe(BASE + 7 * PAGE);
  });
});

describe("stacks", () => {
  test("grow down on a fault, as far as the limit", () => {
    const s = space(boot());
    const top = BASE + 16 * MIB;
    s.limitStack = MIB;
    expect(s.mapStack(top, 2 * PAGE, RW)).toBe(0);
    expect(write(s, top - 10 * PAGE, 1)).toBe(1);
    expect(s.entryAt(0).start).toBe(top - 10 * PAGE);
    expect(write(s, top - MIB, 1)).toBe(1);
    expect(write(s, top - MIB - 1, 1)).toBe(-Errno.FAULT);
    expect(s.stackPages).toBe(256);
  });

  test("keep the gap to what lies below", () => {
    const s = space(boot());
    const top = BASE + 4 * MIB;
    s.mapStack(top, PAGE, RW);
    mapAt(s, BASE, 1);
    expect(write(s, BASE + PAGE + MIB, 1)).toBe(1);
    expect(write(s, BASE + MIB, 1)).toBe(-Errno.FAULT);
  });

  test("MAP_GROWSDOWN mappings grow too", () => {
    const s = space(boot());
    mapAt(s, BASE, 1, RW, ANON | MAP_GROWSDOWN);
    expect(write(s, BASE - 5, 1)).toBe(1);
    expect(s.entryAt(0).start).toBe(BASE - PAGE);
  });

  test("RLIMIT_AS stops growth", () => {
    const s = space(boot());
    s.mapStack(BASE, PAGE, RW);
    s.limitAs = 3 * PAGE;
    expect(write(s, BASE - 3 * PAGE, 1)).toBe(1);
    expect(write(s, BASE - 4 * PAGE, 1)).toBe(-Errno.FAULT);
  });
});
