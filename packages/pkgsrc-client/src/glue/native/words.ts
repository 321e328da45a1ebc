/** 32-bit words within bytes, AssemblyScript side: copies, since a typed array cannot be a window here. See `glue/js`. */

export function wordsOf(buf: Uint8Array, off: i32, n: i32): Int32Array {
  if (off < 0 || n < 0 || <u64>off + <u64>n * 4 > <u64>buf.length) throw new RangeError("words: out of bounds");
  const words = new Int32Array(n);
  memory.copy(words.dataStart, buf.dataStart + <usize>off, <usize>n << 2);
  return words;
}

export function putWords(buf: Uint8Array, off: i32, words: Int32Array, n: i32): void {
  if (n < 0 || n > words.length || off < 0 || <u64>off + <u64>n * 4 > <u64>buf.length) {
    throw new RangeError("words: out of bounds");
  }
  memory.copy(buf.dataStart + <usize>off, words.dataStart, <usize>n << 2);
}
