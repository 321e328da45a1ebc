import { LongArray } from "@anax/portable";
import { describe, expect, test } from "vitest";
import {
  CTX_SLOTS,
  IRQ_TIMER,
  Machine,
  PF_INSTR,
  PF_PRESENT,
  PF_USER,
  PF_WRITE,
  REG_ERRCODE,
  REG_FAULTADDR,
  REG_FULL,
  REG_R11,
  REG_RAX,
  REG_RBX,
  REG_RCX,
  REG_RDI,
  REG_RFLAGS,
  REG_RIP,
  REG_RSI,
  REG_RSP,
  REG_TRAPNO,
  TRAP_EXCEPTION,
  TRAP_INTERRUPT,
  TRAP_PAGEFAULT,
  TRAP_SYSCALL,
} from "../src/index";
import { STEP_SIZE, type SimStep } from "../src/host/index";
import { NX, P, U, W, tables } from "./tables";

const CODE = 0x400000;
const DATA = 0x401000;
const MISSING = 0x402000;

function world(steps: readonly SimStep[]): { m: Machine; regs: LongArray; leaf: number } {
  const m = new Machine({ memory: 1 << 20 });
  const leaf = tables(m, [
    [CODE, 0x120000, P | U],
    [DATA, 0x121000, P | W | U, NX],
  ]);
  m.zeroPhys(0x120000, 8192);
  const code = m.sim.programs.code(m.sim.programs.add(steps));
  m.writePhys(code, 0, 0x120000, code.length);
  const regs = new LongArray(CTX_SLOTS);
  regs.set(REG_RIP, CODE);
  regs.set(REG_FULL, 1);
  return { m, regs, leaf };
}

describe("programs", () => {
  test("run step by step to a system call and go on with its result", () => {
    const { m, regs } = world([
      (c) => c.store64(DATA, 41),
      (c) => c.syscall(39, 7, c.load64(DATA)),
      (c) => c.setReg(REG_RBX, c.result + 1),
      (c) => c.goto(1),
    ]);
    expect(m.runUser(regs)).toBe(TRAP_SYSCALL);
    expect(regs.get(REG_RAX)).toBe(39);
    expect(regs.get(REG_RDI)).toBe(7);
    expect(regs.get(REG_RSI)).toBe(41);
    expect(regs.get(REG_RCX)).toBe(CODE + 2 * STEP_SIZE);
    regs.set(REG_RAX, 100);
    expect(m.runUser(regs)).toBe(TRAP_SYSCALL);
    expect(regs.get(REG_RBX)).toBe(101);
  });

  test("a faulting step leaves no trace and runs again", () => {
    const { m, regs, leaf } = world([
      (c) => {
        c.setReg(REG_RBX, 5);
        c.store32(DATA, 1);
        c.store32(MISSING + 8, 2);
      },
      (c) => c.syscall(1),
    ]);
    expect(m.runUser(regs)).toBe(TRAP_PAGEFAULT);
    expect(regs.get(REG_FAULTADDR)).toBe(MISSING + 8);
    expect(regs.get(REG_ERRCODE)).toBe(PF_USER | PF_WRITE);
    expect(regs.get(REG_TRAPNO)).toBe(14);
    expect(regs.get(REG_FULL)).toBe(1);
    expect(regs.get(REG_RBX)).toBe(0);
    expect(m.load32(0x121000)).toBe(0);
    m.store32(leaf + 2 * 8, 0x122000 | P | W | U);
    expect(m.runUser(regs)).toBe(TRAP_SYSCALL);
    expect(regs.get(REG_RBX)).toBe(5);
    expect(m.load32(0x122008)).toBe(2);
  });

  test("code must be mapped, executable, and code", () => {
    const { m, regs } = world([(c) => c.syscall(1)]);
    regs.set(REG_RIP, MISSING);
    expect(m.runUser(regs)).toBe(TRAP_PAGEFAULT);
    expect(regs.get(REG_ERRCODE)).toBe(PF_USER | PF_INSTR);
    regs.set(REG_RIP, DATA);
    expect(m.runUser(regs)).toBe(TRAP_PAGEFAULT);
    expect(regs.get(REG_ERRCODE)).toBe(PF_USER | PF_INSTR | PF_PRESENT);
    regs.set(REG_RIP, CODE + 8 * STEP_SIZE);
    expect(m.runUser(regs)).toBe(TRAP_EXCEPTION);
    expect(regs.get(REG_TRAPNO)).toBe(6);
  });

  test("exceptions tell their vector", () => {
    const { m, regs } = world([(c) => c.exception(0)]);
    expect(m.runUser(regs)).toBe(TRAP_EXCEPTION);
    expect(regs.get(REG_TRAPNO)).toBe(0);
    expect(regs.get(REG_RIP)).toBe(CODE);
  });

  test("the timer takes the processor away, and the program goes on where it was", () => {
    const { m, regs } = world([(c) => c.setReg(REG_RBX, c.reg(REG_RBX) + 1), (c) => c.goto(0)]);
    m.setTimer(m.nanotime() + 5000);
    expect(m.runUser(regs)).toBe(TRAP_INTERRUPT);
    expect(m.takeIrq()).toBe(IRQ_TIMER);
    const n = regs.get(REG_RBX);
    expect(n).toBeGreaterThan(5);
    m.setTimer(m.nanotime() + 5000);
    m.runUser(regs);
    expect(regs.get(REG_RBX)).toBeGreaterThan(n);
  });

  test("a return by sysret loses rcx and r11, a full one does not", () => {
    const { m, regs } = world([(c) => c.syscall(1)]);
    regs.set(REG_RCX, 11);
    regs.set(REG_R11, 12);
    regs.set(REG_RFLAGS, 0x246);
    const seen: number[] = [];
    const id = m.sim.programs.add([(c) => (seen.push(c.reg(REG_RCX), c.reg(REG_R11)), c.exception(3))]);
    m.writePhys(m.sim.programs.code(id), 0, 0x120000, STEP_SIZE);
    m.runUser(regs);
    regs.set(REG_FULL, 0);
    m.runUser(regs);
    expect(seen).toEqual([11, 12, CODE, 0x246]);
  });

  test("the stack works across pages", () => {
    const { m, regs } = world([
      (c) => {
        c.push(-77);
        c.push(2 ** 40);
        c.setReg(REG_RBX, c.pop() + c.pop());
        c.syscall(0);
      },
    ]);
    regs.set(REG_RSP, DATA + 64);
    m.runUser(regs);
    expect(regs.get(REG_RBX)).toBe(2 ** 40 - 77);
    expect(regs.get(REG_RSP)).toBe(DATA + 64);
  });
});

describe("the MMU", () => {
  test("keeps a translation until it is flushed", () => {
    const { m, leaf } = world([]);
    const mmu = m.sim.mmu;
    expect(mmu.translate(DATA, PF_WRITE)).toBe(0x121000);
    m.store32(leaf + 8, 0);
    expect(mmu.translate(DATA, 0)).toBe(0x121000);
    m.flushPage(DATA);
    expect(mmu.translate(DATA, 0)).toBe(-1);
    m.store32(leaf + 8, 0x122000 | P | U);
    expect(mmu.translate(DATA, 0)).toBe(0x122000);
    m.store32(leaf + 8, 0x123000 | P | U);
    m.flushAll();
    expect(mmu.translate(DATA, 0)).toBe(0x123000);
  });

  test("looks a missing right up before it faults", () => {
    const { m, leaf } = world([]);
    m.store32(leaf + 8, 0x121000 | P | U);
    expect(m.sim.mmu.translate(DATA, 0)).toBe(0x121000);
    expect(m.sim.mmu.translate(DATA, PF_WRITE)).toBe(-1);
    m.store32(leaf + 8, 0x121000 | P | U | W);
    expect(m.sim.mmu.translate(DATA, PF_WRITE)).toBe(0x121000);
  });

  test("sets accessed and dirty bits as the processor does", () => {
    const { m, leaf } = world([]);
    m.sim.mmu.translate(DATA, 0);
    expect(m.load32(leaf + 8) & 0x60).toBe(0x20);
    m.sim.mmu.translate(DATA, PF_WRITE);
    expect(m.load32(leaf + 8) & 0x60).toBe(0x60);
  });

  test("caches the tables above a page until any flush", () => {
    const { m } = world([]);
    const pd = 0x112000 + 2 * 8;
    m.sim.mmu.translate(DATA, 0);
    m.store32(pd, 0);
    expect(m.sim.mmu.translate(CODE, 0)).toBe(0x120000);
    m.flushPage(0x700000);
    expect(m.sim.mmu.translate(MISSING, 0)).toBe(-1);
    expect(m.sim.mmu.translate(CODE, 0)).toBe(0x120000);
    m.flushPage(CODE);
    expect(m.sim.mmu.translate(CODE, 0)).toBe(-1);
  });

  test("refuses kernel addresses and a root without a kernel half", () => {
    const { m } = world([]);
    expect(m.sim.mmu.translate(2 ** 47, 0)).toBe(-1);
    m.zeroPhys(0x130000, 4096);
    expect(() => m.setRoot(0x130000)).toThrow(/kernel half/);
  });
});
