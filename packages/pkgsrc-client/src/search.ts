/**
 * Searching names and comments for a piece of text, without regard to the case of ASCII letters.
 *
 * Key type: `TextSearch`. Neighbours: `universe.ts`, `host/universe/search.ts` (shell patterns and regular expressions).
 * Invariant: looks at the arena alone, so a universe that came from an index file reads nothing for it.
 */
import { i32 } from "@anax/portable";
import type { IntVec } from "./solver/int-vec";
import type { Universe } from "./universe";

function lower(c: i32): i32 {
  return c >= 65 && c <= 90 ? c | 32 : c;
}

export class TextSearch {
  private readonly needle: Uint8Array;
  /** How far to go on when the byte at the end of the window is this one (Boyer, Moore, Horspool). */
  private readonly shift: Int32Array;

  constructor(needle: Uint8Array) {
    const n: i32 = needle.length;
    const folded = new Uint8Array(n);
    const shift = new Int32Array(256);
    shift.fill(n);
    for (let i = 0; i < n; i++) folded[i] = lower(i32(needle[i]));
    for (let i = 0; ((i + 1) | 0) < n; i++) {
      const c = i32(folded[i]);
      shift[c] = (n - 1 - i) | 0;
      if (c >= 97 && c <= 122) shift[c & 0xdf] = (n - 1 - i) | 0;
    }
    this.needle = folded;
    this.shift = shift;
  }

  /** Is the text in `buf[off, off + n)`? */
  isIn(buf: Uint8Array, off: i32, n: i32): boolean {
    const needle = this.needle;
    const m: i32 = needle.length;
    if (m === 0) return true;
    const end: i32 = (off + n) | 0;
    let last: i32 = (off + m - 1) | 0;
    while (last < end) {
      const c = i32(buf[last]);
      let i: i32 = (m - 1) | 0;
      while (i >= 0 && lower(i32(buf[last - (m - 1 - i)])) === i32(needle[i])) i = (i - 1) | 0;
      if (i < 0) return true;
      last = (last + this.shift[c]) | 0;
    }
    return false;
  }

  /** Appends the packages that have the text in their PKGNAME or, if asked, in their COMMENT; in the order of loading. */
  find(u: Universe, comments: boolean, out: IntVec): void {
    const b = u.arena.bytes;
    for (let p = 0; p < u.count; p++) {
      if (this.isIn(b, u.nameAt(p), u.nameLength(p))) out.push(p);
      else if (comments && this.isIn(b, u.commentAt(p), u.commentLength(p))) out.push(p);
    }
  }
}
