/**
 * Pieces of text that several files of procfs use: ticks, fixed-point numbers, hexadecimal of 64 bits, escaped paths.
 *
 * Source: proc(5), Linux fs/seq_file.c (mangle_path's escapes).
 */
import { TextBuilder, i32, longDiv, longHi, longLo, longMod, u32, type long } from "@anax/portable";

/** ns of one clock tick as programs see it (USER_HZ 100). */
const TICK_NS: long = 10000000;

export function ticks(ns: long): long {
  return longDiv(ns, TICK_NS);
}

/** Hexadecimal of a long with at least `width` digits. */
export function hexLong(out: TextBuilder, v: long, width: i32): void {
  const hi: u32 = u32(longHi(v));
  if (hi === 0) {
    for (let i = 8; i < width; i++) out.byte(48);
    out.hex32(longLo(v), width < 8 ? width : 8);
  } else {
    out.hex32(hi, (width - 8) | 0);
    out.hex32(longLo(v), 8);
  }
}

/** Two 32-bit halves as 16 digits. */
export function hexPair(out: TextBuilder, hi: u32, lo: u32): void {
  out.hex32(hi, 8).hex32(lo, 8);
}

/** At least two digits. */
export function two(out: TextBuilder, v: long): void {
  if (v < 10) out.byte(48);
  out.num(v);
}

/** ns as seconds with two decimals. */
export function seconds(out: TextBuilder, ns: long): void {
  const hundredths = ticks(ns);
  out.num(longDiv(hundredths, 100)).byte(46);
  two(out, longMod(hundredths, 100));
}

/** A load average (times 2048) with two decimals, rounded. */
export function load(out: TextBuilder, v: i32): void {
  const r: i32 = (v + 10) | 0;
  out.num(r >> 11).byte(46);
  two(out, ((r & 2047) * 100) >> 11);
}

/** A path with newlines as octal escapes, and blanks, tabs and backslashes too in files of `words`. */
export function escaped(out: TextBuilder, b: Uint8Array, off: i32, n: i32, words: boolean = true): void {
  for (let i = 0; i < n; i++) {
    const c: i32 = b[off + i];
    if (c === 10 || (words && (c === 32 || c === 9 || c === 92))) {
      out
        .byte(92)
        .byte(48 + (c >> 6))
        .byte(48 + ((c >> 3) & 7))
        .byte(48 + (c & 7));
    } else out.byte(c);
  }
}

/** `label` (with its colon), then tabs as they are, a number of KiB in eight columns, and ` kB`. */
export function kib(out: TextBuilder, label: string, v: long): void {
  out.str(label).pad(v, 8).str(" kB\n");
}
