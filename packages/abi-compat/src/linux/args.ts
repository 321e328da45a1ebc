/**
 * Arguments of a system call, from the registers of its LWP: rdi, rsi, rdx, r10, r8, r9.
 *
 * `argN` gives all 64 bits, `intN` the low 32 as the C compiler of the program passed an int.
 * Neighbours: every decoding file. Invariant: reading never changes the registers, so a call can be run again.
 * Source: AMD64 psABI A.2.1.
 */
import { i32, u32, type long } from "@anax/portable";
import { REG_R10, REG_R8, REG_R9, REG_RDI, REG_RDX, REG_RSI } from "@anax/machine";
import type { Lwp } from "@anax/kern";

/* @inline */
export function arg0(lwp: Lwp): long {
  return lwp.regs.get(REG_RDI);
}

/* @inline */
export function arg1(lwp: Lwp): long {
  return lwp.regs.get(REG_RSI);
}

/* @inline */
export function arg2(lwp: Lwp): long {
  return lwp.regs.get(REG_RDX);
}

/* @inline */
export function arg3(lwp: Lwp): long {
  return lwp.regs.get(REG_R10);
}

/* @inline */
export function arg4(lwp: Lwp): long {
  return lwp.regs.get(REG_R8);
}

/* @inline */
export function arg5(lwp: Lwp): long {
  return lwp.regs.get(REG_R9);
}

/* @inline */
export function int0(lwp: Lwp): i32 {
  return i32(lwp.regs.get(REG_RDI));
}

/* @inline */
export function int1(lwp: Lwp): i32 {
  return i32(lwp.regs.get(REG_RSI));
}

/* @inline */
export function int2(lwp: Lwp): i32 {
  return i32(lwp.regs.get(REG_RDX));
}

/* @inline */
export function int3(lwp: Lwp): i32 {
  return i32(lwp.regs.get(REG_R10));
}

/* @inline */
export function int4(lwp: Lwp): i32 {
  return i32(lwp.regs.get(REG_R8));
}

/* @inline */
export function int5(lwp: Lwp): i32 {
  return i32(lwp.regs.get(REG_R9));
}

/* @inline */
export function uint0(lwp: Lwp): u32 {
  return u32(lwp.regs.get(REG_RDI));
}

/* @inline */
export function uint1(lwp: Lwp): u32 {
  return u32(lwp.regs.get(REG_RSI));
}

/* @inline */
export function uint3(lwp: Lwp): u32 {
  return u32(lwp.regs.get(REG_R10));
}

/* @inline */
export function uint2(lwp: Lwp): u32 {
  return u32(lwp.regs.get(REG_RDX));
}
