import path from "node:path";
import { fileURLToPath } from "node:url";
import { compile } from "@anax/kts/asc";
import { describe, expect, test } from "vitest";
import { Machine, wasmImports } from "../src/host/index";
import { P, U, W, tables } from "./tables";

const ENTRY = path.join(path.dirname(fileURLToPath(import.meta.url)), "guest.entry.ts");

/** A kernel of its own: 64-bit stores, buffers both ways, user memory, one run of a program. */
const GUEST = `
import { CTX_SLOTS, Machine, REG_FULL, REG_RAX, REG_RDI, REG_RIP } from "@anax/machine";
import { LongArray } from "@anax/portable";
const m = new Machine();
const buf = new Uint8Array(64);
export function bits(pa: i64): i64 {
  m.store64(pa, -0x123456789abcdef0);
  return m.load64(pa) + i64(m.load32(pa + 4)) + i64(m.load8(pa));
}
export function buffers(pa: i64): i32 {
  for (let i = 0; i < 64; i++) buf[i] = i;
  m.writePhys(buf, 8, pa, 16);
  m.readPhys(pa, buf, 40, 16);
  return buf[39] * 65536 + buf[40] * 256 + buf[55];
}
export function user(va: i64): i32 {
  return m.copyout(buf, 0, va, 32) * 1000000 + m.copyin(va + 4090, buf, 0, 64) * 1000 + m.zeroUser(va, 8);
}
export function run(rip: i64): i64 {
  const regs = new LongArray(CTX_SLOTS);
  regs.set(REG_RIP, rip);
  regs.set(REG_FULL, 1);
  const trap = m.runUser(regs);
  return i64(trap) * 1000000 + regs.get(REG_RAX) * 1000 + regs.get(REG_RDI);
}
export function fail(): void {
  throw new Error("as designed");
}
`;

describe("wasmImports", () => {
  test("lets a module that asc compiled run against the simulated machine", { timeout: 60_000 }, async () => {
    const result = await compile({ entry: ENTRY, overlay: new Map([[ENTRY, GUEST]]), optimize: false });
    expect(result.diagnostics.filter((d: { category: string }) => d.category === "error")).toEqual([]);
    const m = new Machine({ memory: 1 << 20 });
    let memory: { readonly buffer: ArrayBuffer } | null = null;
    const { WebAssembly: wasm } = globalThis as unknown as {
      WebAssembly: {
        instantiate(bytes: Uint8Array, imports: unknown): Promise<{ instance: { exports: Record<string, never> } }>;
      };
    };
    const { instance } = await wasm.instantiate(
      result.wasm as Uint8Array,
      wasmImports(m, () => memory!),
    );
    const guest = instance.exports as unknown as Record<string, (...args: unknown[]) => unknown> & {
      memory: { buffer: ArrayBuffer };
    };
    memory = guest.memory;

    const low = BigInt.asUintN(64, -0x123456789abcdef0n);
    expect(guest.bits!(0x100000n)).toBe(-0x123456789abcdef0n + (low >> 32n) + (low & 0xffn));
    expect(guest.buffers!(0x100100n)).toBe(39 * 65536 + 8 * 256 + 23);

    tables(m, [
      [0x400000, 0x120000, P | U],
      [0x401000, 0x121000, P | W | U],
    ]);
    expect(guest.user!(0x401000n)).toBe(58 * 1000);
    const id = m.sim.programs.add([(c) => c.syscall(7, 9)]);
    m.writePhys(m.sim.programs.code(id), 0, 0x120000, 8);
    expect(guest.run!(0x400000n)).toBe(7009n);
    expect(() => guest.fail!()).toThrow(/as designed/);
  });
});
