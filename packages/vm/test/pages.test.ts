import { Errno } from "@anax/portable";
import { describe, expect, test } from "vitest";
import { Machine } from "@anax/machine";
import { HEAP_TARGET, MAP_NORESERVE, PG_FREE, PG_WIRED, PROT_READ, VmObject, VmPages } from "../src/index";
import { ANON, BASE, PAGE, RW, boot, mapAt, space, touch, write } from "./harness";

describe("the page pool", () => {
  test("hands out every page once, and takes it back", () => {
    const pages = new VmPages(new Machine({ memory: 4 * 1024 * 1024 }));
    const seen = new Set<number>();
    for (let pg = pages.allocKernel(); pg !== 0; pg = pages.allocKernel()) seen.add(pg);
    expect(seen.size).toBe(pages.totalCount);
    expect(pages.freeCount).toBe(0);
    for (const pg of seen) pages.unref(pg);
    expect(pages.freeCount).toBe(pages.totalCount);
    expect(() => pages.unref([...seen][0]!)).toThrow(/twice/);
  });

  test("users stop at the reserve", () => {
    const pages = new VmPages(new Machine({ memory: 4 * 1024 * 1024 }));
    while (pages.alloc() !== 0);
    expect(pages.freeCount).toBe(pages.reserve);
    expect(pages.allocZeroed()).toBe(0);
    expect(pages.allocAnon(true)).toBe(0);
    expect(pages.allocContiguous(2)).toBe(0);
    expect(pages.allocKernel()).not.toBe(0);
  });

  test("knows several regions, with holes between them", () => {
    const m = new Machine({
      regions: [
        { base: 0, size: 0x80000 },
        { base: 0x100000, size: 0x400000 },
        { base: 0x8000000, size: 0x100000 },
      ],
    });
    const pages = new VmPages(m);
    let pg = pages.allocKernel();
    for (; pg !== 0; pg = pages.allocKernel()) m.store32(pages.pa(pg), pg);
    expect(pages.limit).toBe(0x8100);
    expect(m.load32(0x80ff000)).toBe(0x80ff);
    expect(m.load32(0x100000)).toBe(0x100);
    expect(m.load32(0)).toBe(0xa5a5a5a5);
  });

  test("adjacent pages, from fresh memory and from what was freed", () => {
    const pages = new VmPages(new Machine({ memory: 4 * 1024 * 1024 }));
    const a = pages.allocContiguous(5);
    expect(a).not.toBe(0);
    const all: number[] = [];
    for (let pg = pages.alloc(); pg !== 0; pg = pages.alloc()) all.push(pg);
    const free = all.sort((x, y) => x - y).slice(100, 140);
    for (const pg of free) pages.unref(pg);
    const before = pages.freeCount;
    const b = pages.allocContiguous(33);
    expect(b).toBe(free[0]);
    expect(pages.freeCount).toBe(before - 33);
    for (let i = 0; i < 33; i++) expect(pages.flags[b + i]! & PG_FREE).toBe(0);
    const rest = new Set<number>();
    for (let pg = pages.alloc(); pg !== 0; pg = pages.alloc()) rest.add(pg);
    for (let i = 0; i < 33; i++) expect(rest.has(b + i)).toBe(false);
  });

  test("zeroed pages are zero, also those zeroed ahead", () => {
    const vm = boot();
    const dirty: number[] = [];
    for (let i = 0; i < 40; i++) dirty.push(vm.pages.alloc());
    for (const pg of dirty) {
      vm.machine.store32(vm.pages.pa(pg) + 100, 1);
      vm.pages.unref(pg);
    }
    expect(vm.idleWork()).toBe(true);
    expect(vm.pages.zeroIdle(1000)).toBe(24);
    expect(vm.idleWork()).toBe(false);
    for (let i = 0; i < 60; i++) {
      const pg = vm.pages.allocZeroed();
      for (let at = 0; at < PAGE; at += 4) expect(vm.machine.load32(vm.pages.pa(pg) + at)).toBe(0);
    }
  });

  test("the boot module's memory is taken over", () => {
    const m = new Machine({ memory: 4 * 1024 * 1024, module: new Uint8Array(10 * PAGE + 5) });
    const pages = new VmPages(m);
    const before = pages.freeCount;
    pages.adopt(m.bootParam(2), m.bootParam(3));
    expect(pages.freeCount).toBe(before + 10);
    expect(() => pages.adopt(m.bootParam(2), m.bootParam(3))).toThrow(/twice/);
  });

  test("takes few bytes for each page", () => {
    const pages = new VmPages(new Machine({ memory: 64 * 1024 * 1024 }));
    const arrays = Object.values(pages).filter((v) => ArrayBuffer.isView(v) && v.byteLength > 1000);
    const bytes = arrays.reduce((n, v) => n + (v as Uint8Array).byteLength, 0);
    expect(bytes / pages.totalCount).toBeLessThan(27);
  });
});

describe("the kernel heap", () => {
  test("is kept supplied, by users' memory first and by the reserve last", () => {
    const vm = boot();
    const sim = vm.machine.sim;
    expect(vm.machine.heapReserve()).toBeGreaterThanOrEqual(HEAP_TARGET);
    sim.heapPages = 3;
    expect(vm.replenishHeap()).toBe(true);
    expect(vm.machine.heapReserve()).toBe(HEAP_TARGET);
    while (vm.pages.alloc() !== 0);
    sim.heapPages = 31;
    expect(vm.heapOk()).toBe(false);
    expect(vm.newSpace()).toBeNull();
    expect(vm.newObject(null, 1)).toBeNull();
    expect(vm.replenishHeap()).toBe(true);
    expect(vm.pages.freeCount).toBe(vm.pages.reserve);
    sim.heapPages = 2;
    expect(vm.replenishHeap()).toBe(true);
    expect(vm.pages.freeCount).toBeLessThan(vm.pages.reserve);
    expect(vm.heapOk()).toBe(false);
    while (vm.pages.allocKernel() !== 0);
    sim.heapPages = 2;
    expect(vm.replenishHeap()).toBe(false);
  });

  test("a list of entries that grows asks for room first", { timeout: 60_000 }, () => {
    const vm = boot(16 * 1024 * 1024);
    const s = space(vm);
    mapAt(s, BASE, 8192, PROT_READ);
    for (let i = 0; i < 1023; i++) s.unmap(BASE + (2 * i + 1) * PAGE, PAGE);
    expect(s.entryCount).toBe(1024);
    while (vm.pages.alloc() !== 0);
    vm.machine.sim.heapPages = 40;
    expect(vm.heapOk()).toBe(true);
    let r = 0;
    for (let i = 1023; i < 2000 && r === 0; i++) r = s.unmap(BASE + (2 * i + 1) * PAGE, PAGE);
    expect(r).toBe(-Errno.NOMEM);
    expect(s.unmap(BASE, 8192 * PAGE)).toBe(0);
  });

  test("donated pages are never free", () => {
    const vm = boot();
    vm.machine.sim.heapPages = 0;
    vm.replenishHeap();
    for (const pa of vm.machine.sim.donated.slice(-HEAP_TARGET))
      expect(vm.pages.flags[pa / PAGE]! & PG_WIRED).toBe(PG_WIRED);
    expect(vm.heapRoom(1 << 20)).toBe(true);
    expect(vm.machine.heapReserve()).toBeGreaterThanOrEqual(256);
    expect(vm.heapRoom(1 << 30)).toBe(false);
  });
});

describe("objects", () => {
  test("the table grows by chunks and uses ids again", () => {
    const vm = boot();
    const all = Array.from({ length: 1500 }, () => new VmObject(vm.pages, null, 1));
    expect(new Set(all.map((o) => o.id)).size).toBe(1500);
    expect(all.every((o) => o.id > 0 && vm.pages.objects.get(o.id) === o)).toBe(true);
    expect(vm.pages.objects.used).toBe(1500);
    const gone = all[700]!.id;
    all[700]!.unref();
    expect(vm.pages.objects.get(gone)).toBeNull();
    expect(new VmObject(vm.pages, null, 1).id).toBe(gone);
  });

  test("a hole in a sparse object costs what is resident", () => {
    const o = new VmObject(boot().pages, null, 0xffffffff);
    for (const i of [0, 5, 1000000, 4000000000]) o.grab(i);
    const started = Date.now();
    o.punch(5, 0xffffffff);
    expect(Date.now() - started).toBeLessThan(200);
    expect(o.resident).toBe(1);
  });

  test("ids are used again, and pages of the old object are not found", () => {
    const vm = boot();
    const free = vm.pages.freeCount;
    const a = new VmObject(vm.pages, null, 10);
    const pg = a.grab(3);
    expect(a.lookup(3)).toBe(pg);
    expect(a.grab(3)).toBe(pg);
    expect(vm.pages.objectOf(pg)).toBe(a);
    const id = a.id;
    a.unref();
    expect(vm.pages.freeCount).toBe(free);
    const b = new VmObject(vm.pages, null, 10);
    expect(b.id).toBe(id);
    expect(b.lookup(3)).toBe(0);
    expect(() => a.unref()).toThrow(/twice/);
  });

  test("a truncation of a sparse object costs what is resident", () => {
    const vm = boot();
    const o = new VmObject(vm.pages, null, 0xffffffff);
    for (const i of [0, 5, 1000000, 4000000000]) o.grab(i);
    const started = Date.now();
    o.truncate(6);
    expect(Date.now() - started).toBeLessThan(200);
    expect(o.resident).toBe(2);
    expect(o.top).toBe(6);
    o.truncate(1);
    expect(o.lookup(5)).toBe(0);
    expect(o.lookup(0)).not.toBe(0);
  });
});

describe("translation flushes", () => {
  test("none for new pages, few for few, one for many, none for a space that is not loaded", () => {
    const vm = boot();
    const s = space(vm);
    mapAt(s, BASE, 64);
    const f = vm.machine.sim.mmu.flushes;
    f.pages = f.all = f.roots = 0;
    for (let i = 0; i < 64; i++) write(s, BASE + i * PAGE, 1);
    expect(f).toEqual({ pages: 0, all: 0, roots: 0 });
    s.unmap(BASE, 3 * PAGE);
    expect(f).toEqual({ pages: 3, all: 0, roots: 0 });
    s.unmap(BASE + 3 * PAGE, 40 * PAGE);
    expect(f).toEqual({ pages: 3, all: 1, roots: 0 });
    const child = s.fork()!;
    expect(f.all).toBe(2);
    child.unmap(BASE, 64 * PAGE);
    expect(f).toEqual({ pages: 3, all: 2, roots: 0 });
    child.release();
    s.activate();
    expect(f.roots).toBe(0);
  });

  test("a page table that goes takes its cached place in the tables above along", () => {
    const vm = boot();
    const s = space(vm);
    const at = 0x100000000;
    mapAt(s, at, 8 * 512, RW, ANON | MAP_NORESERVE);
    // Pages of zeros, read by nobody through the MMU: no translation of a page is cached, but the way to it may be.
    for (let i = 0; i < 8; i++) {
      touch(s, at + i * 512 * PAGE, null);
      vm.machine.sim.mmu.flushPage(0);
    }
    const f = vm.machine.sim.mmu.flushes;
    f.pages = f.all = 0;
    s.unmap(at, 8 * 512 * PAGE);
    expect(f.pages + f.all).toBeGreaterThan(0);
  });
});

describe("fork", () => {
  test("pages written after every fork are copied at once", () => {
    const vm = boot();
    const s = space(vm);
    mapAt(s, BASE, 32);
    for (let i = 0; i < 32; i++) write(s, BASE + i * PAGE, 1);
    const faults = (): number => {
      const child = s.fork(BASE + 31 * PAGE)!;
      s.activate();
      let n = 0;
      for (const i of [3, 4, 31]) if (vm.machine.sim.mmu.translate(BASE + i * PAGE, 2) < 0) n++;
      for (const i of [3, 4, 31]) write(s, BASE + i * PAGE, 2);
      expect(touch(child, BASE + 3 * PAGE, null)).toBeLessThanOrEqual(2);
      child.release();
      return n;
    };
    expect(faults()).toBe(2);
    s.activate();
    expect(faults()).toBe(0);
    s.activate();
    expect(faults()).toBe(0);
  });

  test("fails whole when memory is out, and the parent works on", () => {
    const vm = boot(4 * 1024 * 1024);
    const s = space(vm);
    mapAt(s, BASE, 64);
    for (let i = 0; i < 64; i++) write(s, BASE + i * PAGE, i + 1);
    const taken: number[] = [];
    for (let pg = vm.pages.alloc(); pg !== 0; pg = vm.pages.alloc()) taken.push(pg);
    for (let k = 0; k < 4; k++) {
      expect(s.fork()).toBeNull();
      expect(vm.pages.freeCount).toBe(vm.pages.reserve + k);
      vm.pages.unref(taken.pop()!);
    }
    for (let i = 0; i < 64; i++) expect(write(s, BASE + i * PAGE, 5)).toBe(5);
    const child = s.fork();
    expect(child).not.toBeNull();
  });
});
