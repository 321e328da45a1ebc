/**
 * The import object that lets a kernel compiled by asc run under Node against the simulated machine.
 *
 * Each import is the method of `Machine` of that name; i64 values come as BigInt, kernel buffers as offsets in the
 * module's memory. Neighbours: `glue/native/machine.ts` (the list of imports); the scenario runner in `@anax/kts`.
 * Invariant: an import takes the memory anew at each call, since it moves when it grows.
 */
import { LongArray } from "@anax/portable";
import type { Machine } from "../glue/js/machine";
import { CTX_SLOTS } from "../registers";

export interface WasmImports {
  readonly machine: Record<string, (...args: never[]) => unknown>;
  readonly env: { abort(message: number, file: number, line: number, column: number): never };
}

/** `memory` gives the module's exported memory, once it is instantiated. */
export function wasmImports(m: Machine, memory: () => { readonly buffer: ArrayBuffer }): WasmImports {
  const regs = new LongArray(CTX_SLOTS);
  const bytes = (at: number, n: number) => new Uint8Array(memory().buffer, at >>> 0, n);
  const text = (at: number) => {
    if (at === 0) return "";
    const size = new DataView(memory().buffer).getUint32(at - 4, true);
    return String.fromCharCode(...new Uint16Array(memory().buffer.slice(at, at + size)));
  };
  return {
    machine: {
      memRegionCount: () => m.memRegionCount(),
      memRegionBase: (i: number) => BigInt(m.memRegionBase(i)),
      memRegionSize: (i: number) => BigInt(m.memRegionSize(i)),
      bootParam: (i: number) => BigInt(m.bootParam(i)),
      load8: (pa: bigint) => m.load8(Number(pa)),
      load16: (pa: bigint) => m.load16(Number(pa)),
      load32: (pa: bigint) => m.load32(Number(pa)),
      load64: (pa: bigint) => m.sim.memory.loadBig(Number(pa)),
      store8: (pa: bigint, v: number) => m.store8(Number(pa), v),
      store16: (pa: bigint, v: number) => m.store16(Number(pa), v),
      store32: (pa: bigint, v: number) => m.store32(Number(pa), v),
      store64: (pa: bigint, v: bigint) => m.sim.memory.storeBig(Number(pa), v),
      mmioLoad8: (pa: bigint) => m.mmioLoad8(Number(pa)),
      mmioLoad16: (pa: bigint) => m.mmioLoad16(Number(pa)),
      mmioLoad32: (pa: bigint) => m.mmioLoad32(Number(pa)),
      mmioStore8: (pa: bigint, v: number) => m.mmioStore8(Number(pa), v),
      mmioStore16: (pa: bigint, v: number) => m.mmioStore16(Number(pa), v),
      mmioStore32: (pa: bigint, v: number) => m.mmioStore32(Number(pa), v),
      zeroPhys: (pa: bigint, n: number) => m.zeroPhys(Number(pa), n),
      copyPhys: (dst: bigint, src: bigint, n: number) => m.copyPhys(Number(dst), Number(src), n),
      readPhys: (pa: bigint, buf: number, n: number) => m.readPhys(Number(pa), bytes(buf, n), 0, n),
      writePhys: (buf: number, pa: bigint, n: number) => m.writePhys(bytes(buf, n), 0, Number(pa), n),
      runUser: (at: number) => {
        const before = new BigInt64Array(memory().buffer, at, CTX_SLOTS);
        for (let i = 0; i < CTX_SLOTS; i++) regs.set(i, Number(before[i]!));
        const trap = m.runUser(regs);
        const after = new BigInt64Array(memory().buffer, at, CTX_SLOTS);
        for (let i = 0; i < CTX_SLOTS; i++) after[i] = BigInt(regs.get(i));
        return trap;
      },
      setRoot: (root: bigint) => m.setRoot(Number(root)),
      initRoot: (root: bigint) => m.initRoot(Number(root)),
      flushPage: (va: bigint) => m.flushPage(Number(va)),
      flushAll: () => m.flushAll(),
      fpuSize: () => m.fpuSize(),
      fpuInit: (pa: bigint) => m.fpuInit(Number(pa)),
      fpuSave: (pa: bigint) => m.fpuSave(Number(pa)),
      fpuRestore: (pa: bigint) => m.fpuRestore(Number(pa)),
      copyin: (ua: bigint, buf: number, n: number) => m.copyin(Number(ua), bytes(buf, n), 0, n),
      copyout: (buf: number, ua: bigint, n: number) => m.copyout(bytes(buf, n), 0, Number(ua), n),
      copyinPhys: (ua: bigint, pa: bigint, n: number) => m.copyinPhys(Number(ua), Number(pa), n),
      copyoutPhys: (pa: bigint, ua: bigint, n: number) => m.copyoutPhys(Number(pa), Number(ua), n),
      copyinstr: (ua: bigint, buf: number, max: number) => m.copyinstr(Number(ua), bytes(buf, max), 0, max),
      zeroUser: (ua: bigint, n: number) => m.zeroUser(Number(ua), n),
      fetchUser32: (ua: bigint) => BigInt(m.fetchUser32(Number(ua))),
      casUser32: (ua: bigint, expected: number, value: number) => BigInt(m.casUser32(Number(ua), expected, value)),
      in8: (port: number) => m.in8(port),
      in16: (port: number) => m.in16(port),
      in32: (port: number) => m.in32(port),
      out8: (port: number, v: number) => m.out8(port, v),
      out16: (port: number, v: number) => m.out16(port, v),
      out32: (port: number, v: number) => m.out32(port, v),
      nanotime: () => BigInt(m.nanotime()),
      setTimer: (deadline: bigint) => m.setTimer(Number(deadline)),
      idle: () => m.idle(),
      takeIrq: () => m.takeIrq(),
      entropy: (buf: number, n: number) => m.entropy(bytes(buf, n), 0, n),
      putc: (c: number) => m.putc(c),
      halt: (code: number) => m.halt(code),
      heapReserve: () => m.heapReserve(),
      heapDonate: (pa: bigint) => m.heapDonate(Number(pa)),
    },
    env: {
      abort: (message, file, line, column) => {
        throw new Error(`${text(message)} (${text(file)}:${line}:${column})`);
      },
    },
  };
}
