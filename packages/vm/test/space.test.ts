import { Errno } from "@anax/portable";
import { describe, expect, test } from "vitest";
import { MAP_SHARED, MAP_ANONYMOUS, PROT_EXEC, PROT_NONE, PROT_READ } from "../src/index";
import { BASE, PAGE, RW, boot, mapAt, read, space, write } from "./harness";

describe("anonymous memory", () => {
  test("reads as zero, keeps what is written, and is gone after munmap", () => {
    const vm = boot();
    const s = space(vm);
    expect(mapAt(s, BASE, 4)).toBe(BASE);
    expect(read(s, BASE + 5)).toBe(0);
    expect(s.residentPages).toBe(0);
    expect(write(s, BASE + 5, 7)).toBe(7);
    expect(read(s, BASE + 5)).toBe(7);
    expect(s.residentAnon).toBe(1);
    expect(s.unmap(BASE, 4 * PAGE)).toBe(0);
    expect(read(s, BASE + 5)).toBe(-Errno.FAULT);
  });

  test("a release gives every page back", () => {
    const vm = boot();
    const before = vm.pages.freeCount;
    const s = space(vm);
    mapAt(s, BASE, 64);
    for (let i = 0; i < 64; i++) write(s, BASE + i * PAGE, i);
    const child = s.fork()!;
    write(child, BASE, 99);
    expect(read(s, BASE)).toBe(0);
    child.release();
    s.release();
    expect(vm.pages.freeCount).toBe(before);
    expect(vm.pages.anonCount).toBe(0);
    expect(vm.pages.tableCount).toBe(0);
  });

  test("rights are checked as on Linux", () => {
    const s = space(boot());
    mapAt(s, BASE, 1, PROT_READ);
    mapAt(s, BASE + PAGE, 1, PROT_NONE);
    mapAt(s, BASE + 2 * PAGE, 1, RW);
    expect(write(s, BASE, 1)).toBe(-Errno.ACCES);
    expect(read(s, BASE + PAGE)).toBe(-Errno.ACCES);
    expect(read(s, BASE - 1)).toBe(-Errno.FAULT);
    expect(s.fault(BASE + 2 * PAGE, 4 | 16)).toBe(-Errno.ACCES);
    expect(s.protect(BASE + 2 * PAGE, PAGE, PROT_READ | PROT_EXEC)).toBe(0);
    expect(s.fault(BASE + 2 * PAGE, 4 | 16)).toBe(0);
  });

  test("a shared mapping is shared by parent and child", () => {
    const vm = boot();
    const before = vm.pages.freeCount;
    const s = space(vm);
    mapAt(s, BASE, 2, RW, MAP_SHARED | MAP_ANONYMOUS);
    write(s, BASE, 1);
    const child = s.fork()!;
    write(child, BASE, 2);
    write(child, BASE + PAGE, 3);
    expect(read(s, BASE)).toBe(2);
    expect(read(s, BASE + PAGE)).toBe(3);
    s.release();
    expect(read(child, BASE + PAGE)).toBe(3);
    child.release();
    expect(vm.pages.freeCount).toBe(before);
  });
});
