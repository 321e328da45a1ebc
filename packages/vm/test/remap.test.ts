import { Errno } from "@anax/portable";
import { describe, expect, test } from "vitest";
import {
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_SHARED,
  MREMAP_DONTUNMAP,
  MREMAP_FIXED,
  MREMAP_MAYMOVE,
  PROT_READ,
  VmObject,
} from "../src/index";
import { BASE, PAGE, RW, boot, mapAt, read, space, write } from "./harness";

const FAR = 0x20000000;

describe("mremap", () => {
  test("errors", () => {
    const s = space(boot());
    mapAt(s, BASE, 2);
    mapAt(s, BASE + 2 * PAGE, 2, PROT_READ);
    expect(s.remap(BASE, PAGE, PAGE, 8, 0)).toBe(-Errno.INVAL);
    expect(s.remap(BASE, PAGE, PAGE, MREMAP_FIXED, FAR)).toBe(-Errno.INVAL);
    expect(s.remap(BASE + 1, PAGE, PAGE, 0, 0)).toBe(-Errno.INVAL);
    expect(s.remap(BASE, PAGE, 0, 0, 0)).toBe(-Errno.INVAL);
    expect(s.remap(FAR, PAGE, 2 * PAGE, 0, 0)).toBe(-Errno.FAULT);
    expect(s.remap(BASE, 3 * PAGE, 5 * PAGE, MREMAP_MAYMOVE, 0)).toBe(-Errno.FAULT);
    expect(s.remap(BASE, PAGE, 2 * PAGE, 0, 0)).toBe(-Errno.NOMEM);
    expect(s.remap(BASE, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, BASE)).toBe(-Errno.INVAL);
    expect(s.remap(BASE, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, FAR + 1)).toBe(-Errno.INVAL);
    expect(s.remap(BASE, 0, PAGE, MREMAP_MAYMOVE, 0)).toBe(-Errno.INVAL);
  });

  test("grows and shrinks in place", () => {
    const s = space(boot());
    mapAt(s, BASE, 2);
    write(s, BASE, 7);
    expect(s.remap(BASE, 2 * PAGE, 4 * PAGE, 0, 0)).toBe(BASE);
    expect(write(s, BASE + 3 * PAGE, 1)).toBe(1);
    expect(s.remap(BASE, 4 * PAGE, PAGE, 0, 0)).toBe(BASE);
    expect(read(s, BASE)).toBe(7);
    expect(read(s, BASE + PAGE)).toBe(-Errno.FAULT);
    expect(s.virtualPages).toBe(1);
  });

  test("moves pages without copying them", () => {
    const vm = boot();
    const s = space(vm);
    mapAt(s, BASE, 600);
    for (let i = 0; i < 600; i += 7) write(s, BASE + i * PAGE, (i & 127) + 1);
    mapAt(s, BASE + 600 * PAGE, 1, PROT_READ);
    const pages = s.residentAnon;
    const at = s.remap(BASE, 600 * PAGE, 1200 * PAGE, MREMAP_MAYMOVE, 0);
    expect(at).not.toBe(BASE);
    expect(s.residentAnon).toBe(pages);
    for (let i = 0; i < 600; i += 7) expect(read(s, at + i * PAGE)).toBe((i & 127) + 1);
    expect(read(s, at + 1199 * PAGE)).toBe(0);
    expect(read(s, BASE)).toBe(-Errno.FAULT);
    s.release();
    expect(vm.pages.anonCount).toBe(0);
  });

  test("moves a part out of the middle of a mapping", () => {
    const s = space(boot());
    mapAt(s, BASE, 6);
    for (let i = 0; i < 6; i++) write(s, BASE + i * PAGE, i + 1);
    expect(s.remap(BASE + 2 * PAGE, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, FAR)).toBe(FAR);
    expect(read(s, FAR + PAGE)).toBe(4);
    expect(read(s, BASE + PAGE)).toBe(2);
    expect(read(s, BASE + 2 * PAGE)).toBe(-Errno.FAULT);
    expect(read(s, BASE + 4 * PAGE)).toBe(5);
    expect(s.entryCount).toBe(3);
  });

  test("MREMAP_DONTUNMAP leaves an empty mapping behind", () => {
    const s = space(boot());
    mapAt(s, BASE, 2);
    write(s, BASE, 5);
    const at = s.remap(BASE, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0);
    expect(read(s, at)).toBe(5);
    expect(read(s, BASE)).toBe(0);
  });

  test("length 0 of a shared mapping makes a second view", () => {
    const s = space(boot());
    mapAt(s, BASE, 2, RW, MAP_SHARED | MAP_ANONYMOUS);
    const at = s.remap(BASE, 0, 2 * PAGE, MREMAP_MAYMOVE, 0);
    write(s, BASE + PAGE, 9);
    expect(read(s, at + PAGE)).toBe(9);
  });

  test("a file mapping keeps its place in the file", () => {
    const vm = boot();
    const s = space(vm);
    const file = new VmObject(vm.pages, null, 8);
    for (let i = 0; i < 8; i++) vm.machine.store8(vm.pages.pa(file.grab(i)), i + 1);
    s.map(BASE, 4 * PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, file, 0);
    const at = s.remap(BASE + 2 * PAGE, 2 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, FAR);
    expect(at).toBe(FAR);
    expect(read(s, FAR + 3 * PAGE)).toBe(6);
    expect(file.mappings).toBe(2);
    s.release();
    expect(file.refs).toBe(1);
  });
});
