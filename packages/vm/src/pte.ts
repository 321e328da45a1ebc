/**
 * Page-table entries of x86-64 as two 32-bit halves, since 64 bits of flags do not fit a JavaScript number.
 *
 * Low half: flags and address bits 12 to 31; high half: address bits 32 to 51 and NX. Bits 9 to 11 are free for software.
 * Neighbours: `pmap.ts`, `fork.ts`. Invariant: an entry is in use exactly when its low half is not 0; an entry in use with PTE_P
 * clear keeps its page for a range without any access right (PROT_NONE).
 * Source: Intel SDM volume 3, section 4.5.
 */
import { u32, type i32 } from "@anax/portable";

export const PTE_P: u32 = 0x001;
export const PTE_W: u32 = 0x002;
export const PTE_U: u32 = 0x004;
export const PTE_A: u32 = 0x020;
export const PTE_D: u32 = 0x040;
/** The entry holds a reference of an anonymous page. */
export const PTE_ANON: u32 = 0x200;
/** The entry shows a page of the map entry's object and holds no reference. */
export const PTE_FILE: u32 = 0x400;
/** An anonymous page that was written soon after a fork: the next fork copies it at once. */
export const PTE_HOT: u32 = 0x800;
/** Neither ANON nor FILE: the shared page of zeros. */

/** High half: no instruction fetch. */
export const PTE_NX: u32 = 0x80000000;
/** An entry of an upper level: rights are decided at the leaf. */
export const PTE_TABLE: u32 = 0x067;

const PROT_WRITE: i32 = 2;
const PROT_EXEC: i32 = 4;
const PROT_ALL: i32 = 7;

/** Page number of an entry. */
/* @inline */
export function ptePage(lo: u32, hi: u32): u32 {
  return u32((lo >>> 12) | ((hi & 0xfff) << 20));
}

/** Low half for page `pg` with `bits`. */
/* @inline */
export function pteLo(pg: u32, bits: u32): u32 {
  return u32((pg << 12) | bits);
}

/** High half for page `pg` mapped with PROT_* `prot`. */
/* @inline */
export function pteHi(pg: u32, prot: i32): u32 {
  return (prot & PROT_EXEC) !== 0 ? u32(pg >>> 20) : u32((pg >>> 20) | PTE_NX);
}

/** Present and user bits for `prot`, writable when `writable` too. */
/* @inline */
export function pteBits(prot: i32, writable: boolean): u32 {
  if ((prot & PROT_ALL) === 0) return PTE_U;
  return writable && (prot & PROT_WRITE) !== 0 ? PTE_P | PTE_U | PTE_W : PTE_P | PTE_U;
}
