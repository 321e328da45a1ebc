/** A machine with a kernel's vm on it, and user accesses as a program makes them. */
import { getLong, type long } from "@anax/portable";
import { Machine, PF_PRESENT, PF_USER, PF_WRITE } from "@anax/machine";
import {
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_NORESERVE,
  MAP_PRIVATE,
  PROT_READ,
  PROT_WRITE,
  Vm,
  type VmSpace,
} from "../src/index";

export const PAGE = 4096;
export const RW = PROT_READ | PROT_WRITE;
export const ANON = MAP_PRIVATE | MAP_ANONYMOUS;
export const BASE = 0x10000000;

export function boot(memory = 8 * 1024 * 1024): Vm {
  const vm = new Vm(new Machine({ memory }));
  // A page that is used after it was freed, or before it was zeroed, shows; as a table it is one with reserved bits.
  vm.pages.poison = new Uint8Array(PAGE).fill(0xdb);
  return vm;
}

export function space(vm: Vm): VmSpace {
  const s = vm.newSpace()!;
  s.activate();
  return s;
}

/** Maps `pages` anonymous pages at `addr`. */
export function mapAt(s: VmSpace, addr: long, pages: number, prot = RW, flags = ANON): long {
  return s.map(addr, pages * PAGE, prot, flags | MAP_FIXED | MAP_NORESERVE, null, 0);
}

/** One byte access through the MMU, with faults resolved by the kernel. The value, or the negative result of the fault. */
export function touch(s: VmSpace, va: long, write: number | null): number {
  const mmu = s.vm.machine.sim.mmu;
  s.activate();
  for (let tries = 0; tries < 10; tries++) {
    const pa = mmu.translate(va, write === null ? 0 : PF_WRITE);
    if (pa >= 0) {
      if (write === null) return s.vm.machine.load8(pa);
      s.vm.machine.store8(pa, write);
      return write;
    }
    const error = s.fault(va, mmu.errorCode);
    if (error !== 0) return error;
  }
  throw new Error(`fault at ${va.toString(16)} is never resolved (code ${mmu.errorCode})`);
}

export const read = (s: VmSpace, va: long): number => touch(s, va, null);
export const write = (s: VmSpace, va: long, v: number): number => touch(s, va, v);

export { PF_PRESENT, PF_USER, PF_WRITE, getLong };
