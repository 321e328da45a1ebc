import { Errno, bytesOf } from "@anax/portable";
import { USER_END } from "@anax/machine";
import { describe, expect, test } from "vitest";
import { PROT_NONE, PROT_READ, Uio, type VmSpace } from "../src/index";
import { BASE, PAGE, boot, mapAt, read, space, write } from "./harness";

const bytes = (n: number) => Uint8Array.from({ length: n }, (_, i) => (i * 7 + 1) & 255);

describe("copies", () => {
  test("resolve the faults of the range as they go", () => {
    const s = space(boot());
    mapAt(s, BASE, 8);
    const data = bytes(5 * PAGE);
    expect(s.copyout(data, 0, BASE + 100, data.length)).toBe(0);
    const back = new Uint8Array(data.length + 2);
    expect(s.copyin(BASE + 100, back, 1, data.length)).toBe(0);
    expect(back.subarray(1, -1)).toEqual(data);
    const pg = s.vm.pages.alloc();
    expect(s.copyinPhys(BASE + 100, s.vm.pages.pa(pg), PAGE)).toBe(0);
    expect(s.copyoutPhys(s.vm.pages.pa(pg), BASE + 6 * PAGE - 50, PAGE)).toBe(0);
    expect(read(s, BASE + 6 * PAGE - 50)).toBe(1);
    expect(s.zeroUser(BASE + 1, 3 * PAGE)).toBe(0);
    expect(read(s, BASE + 3 * PAGE)).toBe(0);
    expect(read(s, BASE + 3 * PAGE + 1)).toBe(data[3 * PAGE + 1 - 100]);
  });

  test("stop at what is not mapped and say how much is left", () => {
    const s = space(boot());
    mapAt(s, BASE, 1);
    mapAt(s, BASE + PAGE, 1, PROT_READ);
    expect(s.copyout(bytes(PAGE), 0, BASE + PAGE - 10, 100)).toBe(-Errno.FAULT);
    expect(s.left).toBe(90);
    expect(read(s, BASE + PAGE - 1)).toBe(bytes(10)[9]);
    expect(s.copyin(BASE + PAGE, new Uint8Array(PAGE + 1), 0, PAGE + 1)).toBe(-Errno.FAULT);
    expect(s.left).toBe(1);
  });

  test("never touch what is not user memory", () => {
    const s = space(boot());
    const buf = new Uint8Array(64);
    for (const at of [-1, -4096, USER_END, USER_END - 8, 2 ** 47, -(2 ** 47)]) {
      expect(s.copyin(at, buf, 0, 16)).toBe(-Errno.FAULT);
      expect(s.copyout(buf, 0, at, 16)).toBe(-Errno.FAULT);
      expect(s.zeroUser(at, 16)).toBe(-Errno.FAULT);
      expect(s.copyinPhys(at, 0x200000, 16)).toBe(-Errno.FAULT);
      expect(s.copyoutPhys(0x200000, at, 16)).toBe(-Errno.FAULT);
      expect(s.copyinstr(at, buf, 0, 16)).toBe(-Errno.FAULT);
      expect(s.putLong(at, 0)).toBe(-Errno.FAULT);
    }
    expect(s.get32(-4)).toBe(-Errno.FAULT);
    expect(s.cas32(USER_END, 0, 0)).toBe(-Errno.FAULT);
  });

  test("act on the loaded space only", () => {
    const vm = boot();
    const a = space(vm);
    const b = space(vm);
    expect(() => a.copyin(BASE, new Uint8Array(1), 0, 1)).toThrow(/not loaded/);
    b.release();
    expect(vm.active).toBeNull();
    a.activate();
    expect(a.copyin(BASE, new Uint8Array(1), 0, 1)).toBe(-Errno.FAULT);
  });

  test("write through copy-on-write", () => {
    const s = space(boot());
    mapAt(s, BASE, 2);
    write(s, BASE, 1);
    const child = s.fork()!;
    s.copyout(Uint8Array.of(9), 0, BASE, 1);
    expect(read(child, BASE)).toBe(1);
    expect(read(s, BASE)).toBe(9);
  });

  test("strings", () => {
    const s = space(boot());
    mapAt(s, BASE, 2);
    const text = bytesOf("a path\0");
    s.copyout(text, 0, BASE + PAGE - 3, text.length);
    const buf = new Uint8Array(8192);
    expect(s.copyinstr(BASE + PAGE - 3, buf, 2, 4096)).toBe(6);
    expect(buf.subarray(2, 9)).toEqual(text);
    expect(s.copyinstr(BASE + PAGE - 3, buf, 0, 6)).toBe(-Errno.NAMETOOLONG);
    expect(s.copyinstr(BASE + PAGE - 3, buf, 0, 7)).toBe(6);
    s.copyout(new Uint8Array(2 * PAGE).fill(65), 0, BASE, 2 * PAGE);
    expect(s.copyinstr(BASE, buf, 0, 8192)).toBe(-Errno.NAMETOOLONG);
    expect(s.copyinstr(BASE + PAGE, buf, 0, 8192)).toBe(-Errno.FAULT);
  });

  test("words", () => {
    const s = space(boot());
    mapAt(s, BASE, 2);
    expect(s.putLong(BASE + PAGE - 4, -123456789012345)).toBe(0);
    expect(s.getLong(BASE + PAGE - 4)).toBe(0);
    expect(s.word).toBe(-123456789012345);
    expect(s.put32(BASE + 2, 0xdeadbeef)).toBe(0);
    expect(s.get32(BASE + 2)).toBe(0xdeadbeef);
    expect(s.get32(BASE + 4)).toBe(0xdead);
    expect(s.cas32(BASE + 8, 0, 5)).toBe(0);
    expect(s.cas32(BASE + 8, 0, 6)).toBe(5);
    expect(s.cas32(BASE + 9, 0, 6)).toBe(-Errno.INVAL);
    mapAt(s, BASE, 1, PROT_NONE);
    expect(s.get32(BASE)).toBe(-Errno.FAULT);
    expect(s.getLong(BASE)).toBe(-Errno.FAULT);
  });
});

describe("Uio", () => {
  function iovecs(s: VmSpace, list: [number, number][]): void {
    list.forEach(([base, len], i) => {
      s.putLong(BASE + i * 16, base);
      s.putLong(BASE + i * 16 + 8, len);
    });
  }

  test("goes through iovecs, empty ones too", () => {
    const s = space(boot());
    mapAt(s, BASE, 4);
    iovecs(s, [
      [BASE + PAGE, 3],
      [0, 0],
      [BASE + 2 * PAGE, 0],
      [BASE + 2 * PAGE, 6],
    ]);
    const uio = new Uio(s.vm.machine);
    expect(uio.initIovecs(s, BASE, 4, true, 50)).toBe(0);
    expect(uio.resid).toBe(9);
    expect(uio.move(bytesOf("abcd"), 0, 4)).toBe(0);
    expect(uio.offset).toBe(54);
    uio.skip(1);
    expect(uio.moveZero(2)).toBe(0);
    expect(uio.move(bytesOf("xyz"), 1, 2)).toBe(0);
    expect(uio.resid).toBe(0);
    const back = new Uint8Array(16);
    s.copyin(BASE + PAGE, back, 0, 4);
    s.copyin(BASE + 2 * PAGE, back, 8, 6);
    expect([...back]).toEqual([97, 98, 99, 0, 0, 0, 0, 0, 100, 0, 0, 0, 121, 122, 0, 0]);
    uio.initIovecs(s, BASE, 4, false, 0);
    const got = new Uint8Array(9);
    expect(uio.move(got, 0, 9)).toBe(0);
    expect([...got]).toEqual([97, 98, 99, 100, 0, 0, 0, 121, 122]);
  });

  test("many iovecs", () => {
    const s = space(boot());
    mapAt(s, BASE, 16);
    iovecs(
      s,
      Array.from({ length: 1024 }, (_, i) => [BASE + 8 * PAGE + i * 3, 1] as [number, number]),
    );
    const uio = new Uio(s.vm.machine);
    expect(uio.initIovecs(s, BASE, 1025, true, 0)).toBe(-Errno.INVAL);
    expect(uio.initIovecs(s, BASE, -1, true, 0)).toBe(-Errno.INVAL);
    expect(uio.initIovecs(s, BASE, 1024, true, 0)).toBe(0);
    expect(uio.move(bytes(1024), 0, 1024)).toBe(0);
    expect(read(s, BASE + 8 * PAGE + 1023 * 3)).toBe(bytes(1024)[1023]);
  });

  test("bad iovecs", () => {
    const s = space(boot());
    mapAt(s, BASE, 1);
    const uio = new Uio(s.vm.machine);
    expect(uio.initIovecs(s, BASE + PAGE - 8, 1, true, 0)).toBe(-Errno.FAULT);
    iovecs(s, [[BASE, -1]]);
    expect(uio.initIovecs(s, BASE, 1, true, 0)).toBe(-Errno.INVAL);
    iovecs(s, [
      [BASE, 2 ** 40],
      [BASE, 2 ** 40],
    ]);
    expect(uio.initIovecs(s, BASE, 2, true, 0)).toBe(0);
    expect(uio.resid).toBe(0x7ffff000);
  });

  test("a fault keeps the progress", () => {
    const s = space(boot());
    mapAt(s, BASE, 1);
    const uio = new Uio(s.vm.machine);
    uio.initUser(s, BASE + PAGE - 5, 100, true, 7);
    expect(uio.move(bytes(100), 0, 100)).toBe(-Errno.FAULT);
    expect(uio.resid).toBe(95);
    expect(uio.offset).toBe(12);
    uio.initUser(s, BASE + PAGE - 5, 100, true, 0);
    const pg = s.vm.pages.allocZeroed();
    expect(uio.movePhys(s.vm.pages.pa(pg), 100)).toBe(-Errno.FAULT);
    expect(uio.resid).toBe(95);
    uio.initUser(s, -1, 10, true, 0);
    expect(uio.moveZero(1)).toBe(-Errno.FAULT);
  });

  test("a kernel buffer, both ways, with physical memory too", () => {
    const s = space(boot());
    const uio = new Uio(s.vm.machine);
    const buf = new Uint8Array(16);
    uio.initKernel(buf, 2, 10, true, 0);
    uio.move(bytesOf("hello"), 0, 5);
    const pa = s.vm.pages.pa(s.vm.pages.allocZeroed());
    s.vm.machine.store8(pa, 33);
    expect(uio.movePhys(pa, 2)).toBe(0);
    uio.skip(1);
    uio.moveZero(2);
    expect([...buf]).toEqual([0, 0, 104, 101, 108, 108, 111, 33, 0, 0, 0, 0, 0, 0, 0, 0]);
    uio.initKernel(buf, 2, 5, false, 0);
    uio.movePhys(pa, 5);
    expect(s.vm.machine.load8(pa + 4)).toBe(111);
    expect(() => uio.move(buf, 0, 1)).toThrow(/more than is left/);
  });
});
