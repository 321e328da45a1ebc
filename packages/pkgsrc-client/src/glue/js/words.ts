/**
 * 32-bit words within bytes, JavaScript side: views of the same memory.
 *
 * Neighbours: `glue/native/words.ts` (which copies), `index-file.ts`. Invariant: little endian; offsets are multiples of 4.
 */
import type { i32 } from "@anax/portable";

/**
 * The `n` words at `off` of `buf`. May share memory with `buf` or not: who calls no longer writes to `buf`. `buf` begins at a multiple of 4 of its
 * ArrayBuffer, or the words are copied.
 */
export function wordsOf(buf: Uint8Array, off: i32, n: i32): Int32Array {
  if (new Uint8Array(new Uint32Array([1]).buffer)[0] !== 1) throw new Error("words: big-endian host");
  const at = buf.byteOffset + off;
  if ((at & 3) === 0) return new Int32Array(buf.buffer, at, n);
  return new Int32Array(buf.slice(off, off + n * 4).buffer, 0, n);
}

/** Writes the first `n` words of `words` to `off` of `buf`. */
export function putWords(buf: Uint8Array, off: i32, words: Int32Array, n: i32): void {
  if (n > words.length) throw new RangeError("words: out of bounds");
  buf.set(new Uint8Array(words.buffer, words.byteOffset, n * 4), off);
}
