/**
 * Bytes and text on their way into a ring and out of it: what packers call for fields of any length.
 *
 * Functions `putBytes`, `getBytes`; `encodeText`, `putText`, `getText`. Neighbour: `compiled.ts`. Short ones are copied by words: a call of a built-in, and the view that it needs, cost more.
 * Invariant: what is written is padded with zeros to a multiple of 8; what is read is a copy, never a view of the ring.
 */
import { EMPTY } from "./codec";

/** Up to so many bytes are copied one by one, or by words: calls of built-ins, and the views they need, cost more. */
const SHORT = 32;
const LONG = 256;

// ---- bytes -------------------------------------------------------------------------------------------------------

/** What was sent last, and the same memory as words: a view costs more than the copy of a short field, so it is made when an array is sent again. */
let lastBytes: Uint8Array = EMPTY;
let lastWords: Int32Array | null = null;

/** Copies the `n` bytes of `src` to byte `at` of memory that is `words` and `bytes`, with zeros up to a multiple of 8. */
export function putBytes(words: Int32Array, bytes: Uint8Array, at: number, src: Uint8Array, n: number): void {
  const end = at + ((n + 7) & ~7);
  // The last words first, so that the padding is zero and the copy goes over the rest.
  if (end !== at + n) {
    words[(end >> 2) - 2] = 0;
    words[(end >> 2) - 1] = 0;
  }
  if (n > LONG) {
    bytes.set(src, at);
    return;
  }
  if (src !== lastBytes) {
    lastBytes = src;
    lastWords = null;
  } else if (lastWords === null && (src.byteOffset & 3) === 0) {
    lastWords = new Int32Array(src.buffer, src.byteOffset, n >> 2);
  }
  const from = lastWords;
  if (from !== null && from.length === n >> 2) {
    copyWords(words, at >> 2, from, 0, n >> 2);
    for (let i = n & ~3; i < n; i++) bytes[at + i] = src[i]!;
  } else if (n > SHORT) bytes.set(src, at);
  else for (let i = 0; i < n; i++) bytes[at + i] = src[i]!;
}

/** For few words: a call of `set` costs more, and for views that it needs several times that. */
function copyWords(to: Int32Array, toAt: number, from: Int32Array, fromAt: number, n: number): void {
  const end = fromAt + n;
  for (; fromAt + 4 <= end; fromAt += 4, toAt += 4) {
    to[toAt] = from[fromAt]!;
    to[toAt + 1] = from[fromAt + 1]!;
    to[toAt + 2] = from[fromAt + 2]!;
    to[toAt + 3] = from[fromAt + 3]!;
  }
  for (; fromAt < end; fromAt++, toAt++) to[toAt] = from[fromAt]!;
}

/** An array that is filled again and again has its words beside it. */
interface Reused extends Uint8Array {
  words?: Int32Array;
}

/** The `n` bytes at `at`, in memory of their own: that of `old` when it fits. */
export function getBytes(
  words: Int32Array,
  bytes: Uint8Array,
  at: number,
  n: number,
  old: Reused,
  reuse: boolean,
): Uint8Array {
  if (n === 0) return EMPTY;
  if (n > LONG) {
    if (!reuse || old.length !== n) return bytes.slice(at, at + n);
    old.set(bytes.subarray(at, at + n));
    return old;
  }
  if (!reuse) return n > SHORT ? bytes.slice(at, at + n) : copyShort(bytes, at, n);
  let own = old;
  if (own.length !== n || own.words === undefined) {
    own = new Uint8Array(n);
    own.words = new Int32Array(own.buffer, 0, n >> 2);
  }
  copyWords(own.words!, 0, words, at >> 2, n >> 2);
  for (let i = n & ~3; i < n; i++) own[i] = bytes[at + i]!;
  return own;
}

function copyShort(bytes: Uint8Array, at: number, n: number): Uint8Array {
  const own = new Uint8Array(n);
  for (let i = 0; i < n; i++) own[i] = bytes[at + i]!;
  return own;
}

// ---- text --------------------------------------------------------------------------------------------------------

/** Where the text of a message is encoded before its record's length is known. No code of others runs between that and the copy into the ring. */
const SCRATCH = 65_536;
const scratch = new Uint8Array(SCRATCH);
const scratchWords = new Int32Array(scratch.buffer);
const encoder = new TextEncoder();
const decoder = new TextDecoder();
/** Strings up to this length are flat however they are made. */
const FLAT = 12;

/** Whether a text, in any letters, surely fits behind byte `top` of the scratch memory. */
export function fitsScratch(text: string, top: number): boolean {
  return text.length * 3 <= SCRATCH - top;
}

/** Encodes a text to byte `at` of the scratch memory; returns its bytes. */
export function encodeText(text: string, at: number): number {
  const n = text.length;
  if (n <= FLAT) {
    let i = 0;
    for (; i < n; i++) {
      const c = text.charCodeAt(i);
      if (c > 127) break;
      scratch[at + i] = c;
    }
    if (i === n) return n;
  }
  return encoder.encodeInto(text, at === 0 ? scratch : scratch.subarray(at)).written;
}

/** Copies `n` bytes that `encodeText` has left at `from`, with zeros up to a multiple of 8. */
export function putText(words: Int32Array, bytes: Uint8Array, to: number, from: number, n: number): void {
  if (n > LONG) {
    const end = (to + n + 7) >> 3;
    words[2 * end - 2] = 0;
    words[2 * end - 1] = 0;
    bytes.set(scratch.subarray(from, from + n), to);
    return;
  }
  const padded = (n + 7) & ~7;
  for (let i = n; i < padded; i++) scratch[from + i] = 0;
  copyWords(words, to >> 2, scratchWords, from >> 2, padded >> 2);
}

/** The text whose `n` bytes lie at `at`. */
export function getText(words: Int32Array, bytes: Uint8Array, at: number, n: number): string {
  if (n <= FLAT) {
    let text = "";
    let i = 0;
    for (; i < n; i++) {
      const c = bytes[at + i]!;
      if (c > 127) break;
      text += String.fromCharCode(c);
    }
    if (i === n) return text;
  }
  if (n > LONG) return decoder.decode(bytes.slice(at, at + n));
  // Decoders of browsers do not read shared memory.
  copyWords(scratchWords, 0, words, at >> 2, (n + 3) >> 2);
  return decoder.decode(scratch.subarray(0, n));
}
