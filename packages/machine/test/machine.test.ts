import { readFileSync } from "node:fs";
import { Errno } from "@anax/portable";
import { describe, expect, test } from "vitest";
import { HALT_PANIC, IRQ_TIMER, Machine, USER_END } from "../src/index";
import { MachineHalted, UNINITIALISED, wasmImports } from "../src/host/index";
import { P, U, W, tables } from "./tables";

const NATIVE = readFileSync(new URL("../src/glue/native/machine.ts", import.meta.url), "utf8");

describe("the two sides", () => {
  test("have the same methods with as many parameters", () => {
    const native = new Map(
      [...NATIVE.matchAll(/@inline (\w+)\(([^)]*)\): (\w+)/g)].map((m) => [
        m[1]!,
        m[2]!.split(",").filter((p) => p.trim()).length,
      ]),
    );
    const own = Object.getOwnPropertyNames(Machine.prototype).filter((n) => n !== "constructor" && n !== "user");
    expect(native.size).toBeGreaterThan(50);
    expect(own.sort()).toEqual([...native.keys()].sort());
    for (const n of own) expect(Machine.prototype[n as "halt"].length, n).toBe(native.get(n));
  });

  test("every import of the native side is in the import object, with as many parameters", () => {
    const declared = [...NATIVE.matchAll(/@external\("machine", "(\w+)"\) declare function \w+\(([^)]*)\)/g)];
    const imports = wasmImports(new Machine({ memory: 65536 }), () => ({ buffer: new ArrayBuffer(0) })).machine;
    expect(Object.keys(imports).sort()).toEqual(declared.map((m) => m[1]).sort());
    for (const [, name, list] of declared)
      expect(imports[name!]!.length, name).toBe(list!.split(",").filter((p) => p.trim()).length);
  });
});

describe("physical memory", () => {
  test("is little-endian, starts poisoned, and ends where it ends", () => {
    const m = new Machine({
      regions: [
        { base: 0x1000, size: 0x2000 },
        { base: 0x100000, size: 0x1000 },
      ],
    });
    expect(m.load8(0x1000)).toBe(UNINITIALISED);
    m.store32(0x100ffc, 0x11223344);
    expect(m.load8(0x100ffc)).toBe(0x44);
    expect(m.load16(0x100ffe)).toBe(0x1122);
    m.store64(0x2000, -5);
    expect(m.load64(0x2000)).toBe(-5);
    expect(m.load32(0x2004)).toBe(0xffffffff);
    expect(() => m.load32(0x3000)).toThrow(/not memory/);
    expect(() => m.load32(0xffe)).toThrow();
    expect(() => m.load32(0x1002)).toThrow(/aligned/);
    m.store32(0x1004, 0x80000000);
    m.store32(0x1000, 1);
    expect(() => m.load64(0x1000)).toThrow(/do not fit/);
  });

  test("the boot module and the command line lie in memory that is not free", () => {
    const m = new Machine({ memory: 65536, cmdline: "quiet", module: Uint8Array.of(1, 2, 3) });
    expect(m.load8(m.bootParam(0))).toBe("q".charCodeAt(0));
    expect(m.bootParam(1)).toBe(5);
    expect(m.load8(m.bootParam(2) + 2)).toBe(3);
    expect(m.memRegionBase(0)).toBe(0x100000 + 8192);
    expect(m.memRegionSize(0)).toBe(65536 - 8192);
    expect(m.bootParam(4)).toBe(0);
  });

  test("a heap page is donated once", () => {
    const m = new Machine({ memory: 65536, heapPages: 3 });
    m.heapDonate(0x100000);
    expect(m.heapReserve()).toBe(4);
    expect(() => m.heapDonate(0x100000)).toThrow(/twice/);
  });
});

describe("user copies", () => {
  function world(): Machine {
    const m = new Machine({ memory: 1 << 20 });
    tables(m, [
      [0x400000, 0x120000, P | W | U],
      [0x401000, 0x121000, P | U],
    ]);
    m.zeroPhys(0x120000, 8192);
    return m;
  }

  test("return the bytes not done", () => {
    const m = world();
    const buf = new Uint8Array(4096).fill(9);
    expect(m.copyout(buf, 0, 0x400ff0, 32)).toBe(16);
    expect(m.load8(0x120fff)).toBe(9);
    expect(m.load8(0x121000)).toBe(0);
    expect(m.copyin(0x400ff0, buf, 0, 4096)).toBe(0);
    expect(m.copyin(0x401ff0, buf, 0, 17)).toBe(1);
    expect(m.zeroUser(0x400000, 8192)).toBe(4096);
    expect(m.copyoutPhys(0x120000, 0x400100, 8)).toBe(0);
    expect(m.copyinPhys(0x402000, 0x120000, 8)).toBe(8);
  });

  test("touch nothing of a range that leaves user memory", () => {
    const m = world();
    const buf = new Uint8Array(64);
    expect(m.copyin(USER_END - 8, buf, 0, 16)).toBe(16);
    expect(m.copyin(-4096, buf, 0, 16)).toBe(16);
    expect(m.copyout(buf, 0, 0xffff800000000000, 1)).toBe(1);
    expect(m.fetchUser32(0x403000)).toBe(-1);
  });

  test("strings", () => {
    const m = world();
    const buf = new Uint8Array(64);
    m.writePhys(
      Uint8Array.from("hello\0", (c) => c.charCodeAt(0)),
      0,
      0x120ffb,
      5,
    );
    m.store8(0x121000, 0);
    expect(m.copyinstr(0x400ffb, buf, 1, 63)).toBe(6);
    expect(String.fromCharCode(...buf.subarray(1, 6))).toBe("hello");
    expect(m.copyinstr(0x400ffb, buf, 0, 5)).toBe(-Errno.NAMETOOLONG);
    m.writePhys(new Uint8Array(16).fill(1), 0, 0x121ff0, 16);
    expect(m.copyinstr(0x401ff0, buf, 0, 64)).toBe(-Errno.FAULT);
  });

  test("compare and swap", () => {
    const m = world();
    expect(m.casUser32(0x400010, 0, 77)).toBe(0);
    expect(m.casUser32(0x400010, 0, 78)).toBe(77);
    expect(m.fetchUser32(0x400010)).toBe(77);
    expect(m.casUser32(0x401010, 0, 77)).toBe(-1);
  });
});

describe("time, interrupts, devices", () => {
  test("the timer fires once, at its deadline", () => {
    const m = new Machine({ memory: 65536, clockReadNs: 0 });
    m.setTimer(1000);
    m.sim.clock.advance(999);
    expect(m.takeIrq()).toBe(-1);
    m.sim.clock.advance(1);
    expect(m.takeIrq()).toBe(IRQ_TIMER);
    m.sim.clock.advance(5000);
    expect(m.takeIrq()).toBe(-1);
    m.setTimer(10);
    expect(m.takeIrq()).toBe(IRQ_TIMER);
    m.setTimer(99999);
    m.setTimer(0);
    m.sim.clock.advance(1e9);
    expect(m.takeIrq()).toBe(-1);
  });

  test("idle goes to the next event, and says so when there is none", () => {
    const m = new Machine({ memory: 65536, clockReadNs: 0 });
    m.sim.clock.schedule(500, () => m.sim.interrupts.raise(4));
    m.setTimer(2000);
    m.idle();
    expect(m.nanotime()).toBe(500);
    expect(m.takeIrq()).toBe(4);
    m.idle();
    expect(m.nanotime()).toBe(2000);
    m.takeIrq();
    expect(() => m.idle()).toThrow(/nothing can wake/);
    m.sim.onIdle = () => m.sim.interrupts.raise(1);
    m.idle();
    expect(m.takeIrq()).toBe(1);
  });

  test("devices answer their range, nothing answers the rest", () => {
    const m = new Machine({ memory: 65536 });
    const log: string[] = [];
    m.sim.bus.attachPorts(0x3f8, 8, {
      read: (o, n) => o * 16 + n,
      write: (o, n, v) => log.push(`port ${o} ${n} ${v}`),
    });
    m.sim.bus.attachMmio(0xfee00000, 4096, { read: (o) => o + 1, write: (o, n, v) => log.push(`mmio ${o} ${n} ${v}`) });
    expect(m.in8(0x3fd)).toBe(0x51);
    expect(m.in8(0x400)).toBe(0xff);
    expect(m.in32(0x10)).toBe(0xffffffff);
    m.out8(0x3f8, 0x141);
    m.mmioStore32(0xfee00004, -1);
    expect(m.mmioLoad16(0xfee00010)).toBe(17);
    expect(log).toEqual(["port 0 1 65", "mmio 4 4 4294967295"]);
  });

  test("the console collects, halt ends", () => {
    const m = new Machine({ memory: 65536 });
    for (const c of "ok\n") m.putc(c.charCodeAt(0));
    expect(m.sim.consoleText).toBe("ok\n");
    expect(() => m.halt(HALT_PANIC)).toThrow(MachineHalted);
    expect(m.sim.halted).toBe(HALT_PANIC);
  });
});
