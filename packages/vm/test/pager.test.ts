import { EASYNC, Errno } from "@anax/portable";
import { Waiter } from "@anax/lwkt";
import { describe, expect, test } from "vitest";
import {
  MAP_FIXED,
  MAP_PRIVATE,
  MAP_SHARED,
  MS_SYNC,
  PROT_READ,
  VmObject,
  type Pager,
  type Vm,
  type VmSpace,
} from "../src/index";
import { BASE, PAGE, RW, boot, mapAt, read, space, write } from "./harness";

/** A disk: each page holds its index; reads may be delayed. */
class Disk implements Pager {
  readonly written = new Map<number, number>();
  readonly waiting: { pg: number; pindex: number }[] = [];
  readonly woken: Waiter[] = [];
  reads = 0;
  delay = false;
  broken = -1;
  constructor(readonly vm: Vm) {}

  fill(pg: number, pindex: number): void {
    this.vm.machine.zeroPhys(this.vm.pages.pa(pg), PAGE);
    this.vm.machine.store8(this.vm.pages.pa(pg), this.written.get(pindex) ?? pindex + 1);
  }

  getPage(_object: VmObject, pindex: number, pg: number, waiter: Waiter | null): number {
    this.reads++;
    if (pindex === this.broken) return -Errno.IO;
    if (this.delay) {
      this.waiting.push({ pg, pindex });
      if (waiter) this.woken.push(waiter);
      return EASYNC;
    }
    this.fill(pg, pindex);
    return 0;
  }

  putPage(_object: VmObject, pindex: number, pg: number): number {
    this.written.set(pindex, this.vm.machine.load8(this.vm.pages.pa(pg)));
    return 0;
  }

  finish(error = 0): void {
    for (const w of this.waiting.splice(0)) {
      if (error === 0) this.fill(w.pg, w.pindex);
      this.vm.pages.readDone(w.pg, error);
    }
  }
}

function world(pages = 64, memory = 8 * 1024 * 1024): { vm: Vm; s: VmSpace; disk: Disk; file: VmObject } {
  const vm = boot(memory);
  const disk = new Disk(vm);
  return { vm, disk, s: space(vm), file: new VmObject(vm.pages, disk, pages) };
}

const shared = (s: VmSpace, file: VmObject, pages = 64) =>
  s.map(BASE, pages * PAGE, RW, MAP_SHARED | MAP_FIXED, file, 0);

describe("pages from a pager", () => {
  test("come in on a fault, once", () => {
    const { s, disk, file } = world();
    shared(s, file);
    expect(read(s, BASE + 5 * PAGE)).toBe(6);
    expect(read(s, BASE + 5 * PAGE + 1)).toBe(0);
    expect(disk.reads).toBe(1);
  });

  test("behind the end there is SIGBUS, and so is a page that cannot be read", () => {
    const { vm, s, disk, file } = world(4);
    shared(s, file);
    expect(read(s, BASE + 4 * PAGE)).toBe(-Errno.IO);
    disk.broken = 2;
    const free = vm.pages.freeCount;
    expect(read(s, BASE + 2 * PAGE)).toBe(-Errno.IO);
    expect(vm.pages.freeCount).toBe(free);
    disk.broken = -1;
    expect(read(s, BASE + 2 * PAGE)).toBe(3);
  });

  test("a delayed read answers EASYNC until it is done", () => {
    const { vm, s, disk, file } = world();
    shared(s, file);
    disk.delay = true;
    class Sleeper extends Waiter {
      wake(): void {}
    }
    vm.waiter = new Sleeper();
    expect(s.fault(BASE, 4)).toBe(EASYNC);
    expect(s.fault(BASE, 4)).toBe(EASYNC);
    expect(file.lookup(0)).toBe(0);
    expect(disk.woken).toEqual([vm.waiter, vm.waiter]);
    disk.waiting.length = 1;
    disk.finish();
    disk.delay = false;
    expect(read(s, BASE)).toBe(1);
    const buf = new Uint8Array(8);
    disk.delay = true;
    expect(s.copyin(BASE + PAGE, buf, 0, 8)).toBe(EASYNC);
    disk.finish();
    expect(s.copyin(BASE + PAGE, buf, 0, 8)).toBe(0);
    expect(buf[0]).toBe(2);
  });

  test("a read that fails later, or ends after the object is gone, frees its page", () => {
    const { vm, s, disk, file } = world();
    const free = vm.pages.freeCount;
    disk.delay = true;
    expect(file.get(3, null)).toBe(EASYNC);
    disk.finish(-Errno.IO);
    expect(vm.pages.freeCount).toBe(free);
    expect(file.get(3, null)).toBe(EASYNC);
    file.unref();
    expect(vm.pages.freeCount).toBe(free - 1);
    disk.finish();
    expect(vm.pages.freeCount).toBe(free);
    expect(s.entryCount).toBe(0);
  });

  test("a read that ends behind a truncation frees its page", () => {
    const { vm, disk, file } = world();
    const free = vm.pages.freeCount;
    disk.delay = true;
    file.get(10, null);
    file.truncate(5);
    disk.finish();
    expect(vm.pages.freeCount).toBe(free);
  });

  test("msync writes back what was written through any map", () => {
    const { vm, s, disk, file } = world();
    shared(s, file);
    const child = s.fork()!;
    write(child, BASE + 3 * PAGE, 99);
    write(s, BASE + 7 * PAGE, 98);
    read(s, BASE + 9 * PAGE);
    expect(s.sync(BASE, 64 * PAGE, MS_SYNC)).toBe(0);
    expect([...disk.written]).toEqual(
      expect.arrayContaining([
        [3, 99],
        [7, 98],
      ]),
    );
    expect(disk.written.size).toBe(2);
    expect(vm.pages.dirtyCount).toBe(0);
    disk.written.clear();
    write(child, BASE + 3 * PAGE, 97);
    child.release();
    expect(vm.pages.dirtyCount).toBe(1);
    file.sync(0, 64, null);
    expect(disk.written.get(3)).toBe(97);
  });
});

describe("pageout", () => {
  test("clean pages go when memory is short, and come back", () => {
    const { vm, s, disk, file } = world(4096, 4 * 1024 * 1024);
    shared(s, file, 4096);
    for (let i = 0; i < 4096; i++) expect(read(s, BASE + i * PAGE)).toBe((i + 1) & 255);
    expect(disk.reads).toBe(4096);
    expect(vm.pageout.freed).toBeGreaterThan(2000);
    expect(vm.pages.freeCount).toBeGreaterThanOrEqual(vm.pages.reserve);
    expect(read(s, BASE)).toBe(1);
    s.release();
    file.unref();
    expect(vm.pages.pagedCount).toBe(0);
    expect(vm.pages.activeCount + vm.pages.inactiveCount).toBe(0);
  });

  test("dirty, pinned and private pages stay", () => {
    const { vm, s, file } = world(4096, 4 * 1024 * 1024);
    shared(s, file, 4096);
    const pinned = file.get(0, null);
    vm.pages.ref(pinned);
    for (let i = 1; i < 50; i++) write(s, BASE + i * PAGE, 200);
    s.map(BASE * 2, 8 * PAGE, RW, MAP_PRIVATE | MAP_FIXED, file, 60 * PAGE);
    write(s, BASE * 2, 77);
    for (let i = 100; i < 2000; i++) read(s, BASE + i * PAGE);
    expect(file.lookup(0)).toBe(pinned);
    for (let i = 1; i < 50; i++) {
      expect(read(s, BASE + i * PAGE)).toBe(200);
      expect(vm.pages.lookup(file.id, i)).not.toBe(0);
    }
    expect(read(s, BASE * 2)).toBe(77);
    vm.pages.unref(pinned);
  });

  test("makes room for programs", () => {
    const { s, file } = world(4096, 4 * 1024 * 1024);
    shared(s, file, 4096);
    for (let i = 0; i < 600; i++) read(s, BASE + i * PAGE);
    mapAt(s, BASE * 4, 700);
    for (let i = 0; i < 600; i++) expect(write(s, BASE * 4 + i * PAGE, 1)).toBe(1);
  });
});

describe("mapping ahead", () => {
  test("resident neighbours come with a read, absent ones do not", () => {
    const vm = boot();
    const s = space(vm);
    const file = new VmObject(vm.pages, null, 64);
    for (let i = 0; i < 24; i += 2) file.grab(i);
    s.map(BASE, 64 * PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, file, 0);
    const before = file.resident;
    read(s, BASE + 4 * PAGE);
    expect(file.resident).toBe(before);
    expect(s.residentFile).toBeGreaterThanOrEqual(8);
    expect(s.pmap.find(BASE + 6 * PAGE)).not.toBe(0);
    expect(s.pmap.find(BASE + 5 * PAGE)).toBe(0);
  });

  test("a run upwards through anonymous memory gets more and more pages at once", () => {
    const vm = boot();
    const s = space(vm);
    mapAt(s, BASE, 256);
    let faults = 0;
    for (let i = 0; i < 256; i++) {
      if (s.pmap.find(BASE + i * PAGE) === 0) faults++;
      write(s, BASE + i * PAGE, 1);
    }
    expect(faults).toBeLessThan(32);
    expect(s.residentAnon).toBe(256);
    mapAt(s, BASE * 2, 256);
    for (let i = 0; i < 256; i += 5) write(s, BASE * 2 + i * PAGE, 1);
    expect(s.residentAnon).toBeLessThan(256 + 60);
  });
});
