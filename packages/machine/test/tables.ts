/** Page tables made by hand. */
import type { Machine } from "../src/index";

export const P = 1;
export const W = 2;
export const U = 4;
export const NX = 0x80000000;

/** Maps [va, pa, flags] triples of one 2 MiB region through tables at 0x110000 and loads them. Returns the page table's address. */
export function tables(m: Machine, entries: readonly (readonly [number, number, number, number?])[]): number {
  const root = 0x110000;
  for (let i = 0; i < 4; i++) m.zeroPhys(root + i * 4096, 4096);
  const first = entries[0]![0];
  const at = (level: number) => (Math.floor(first / 2 ** (12 + 9 * level)) % 512) * 8;
  m.store32(root + at(3), (root + 0x1000) | P | W | U);
  m.store32(root + 0x1000 + at(2), (root + 0x2000) | P | W | U);
  m.store32(root + 0x2000 + at(1), (root + 0x3000) | P | W | U);
  for (const [va, pa, flags, high] of entries) {
    const slot = root + 0x3000 + (Math.floor(va / 4096) % 512) * 8;
    m.store32(slot, pa | flags);
    m.store32(slot + 4, high ?? 0);
  }
  m.initRoot(root);
  m.setRoot(root);
  return root + 0x3000;
}
