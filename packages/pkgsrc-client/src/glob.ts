/**
 * Shell patterns as NetBSD's fnmatch(3) with FNM_PERIOD has them: `*`, `?`, `[a-z]`, `[!a]`, `[^a]`, and `\` before a byte that means itself.
 *
 * A `.` at the start of the name is not matched by `*` or `?`. A bracket without its `]` matches nothing; `]` right after `[` closes it.
 * Source: NetBSD lib/libc/gen/fnmatch.c (the C library's limit of 64 stars does not apply).
 *
 * Key functions: `globMatch`. Neighbours: `pattern.ts`. Invariant: time is bounded by pattern length times name length.
 */
import { i32 } from "@anax/portable";

const STAR: i32 = 42;
const QUESTION: i32 = 63;
const OPEN: i32 = 91;
const CLOSE: i32 = 93;
const BACKSLASH: i32 = 92;
const DASH: i32 = 45;
const PERIOD: i32 = 46;

/** The offset behind the bracket expression that begins behind its `[` at `at` if it has `c`, else -1. */
function bracket(p: Uint8Array, at: i32, end: i32, c: i32): i32 {
  let i = at;
  let negate = false;
  if (i < end && (p[i] === 33 || p[i] === 94)) {
    negate = true;
    i = (i + 1) | 0;
  }
  let ok = false;
  while (i < end) {
    let low = i32(p[i]);
    i = (i + 1) | 0;
    if (low === CLOSE) return ok === negate ? -1 : i;
    if (low === BACKSLASH) {
      if (i >= end) return -1;
      low = i32(p[i]);
      i = (i + 1) | 0;
    }
    if (((i + 1) | 0) < end && p[i] === DASH && p[i + 1] !== CLOSE) {
      let high = i32(p[i + 1]);
      i = (i + 2) | 0;
      if (high === BACKSLASH) {
        if (i >= end) return -1;
        high = i32(p[i]);
        i = (i + 1) | 0;
      }
      if (low <= c && c <= high) ok = true;
    } else if (low === c) {
      ok = true;
    }
  }
  return -1;
}

/** Does the pattern `p[pOff, pOff + pLen)` match the whole name `s[sOff, sOff + sLen)`? */
export function globMatch(p: Uint8Array, pOff: i32, pLen: i32, s: Uint8Array, sOff: i32, sLen: i32): boolean {
  const pEnd: i32 = (pOff + pLen) | 0;
  const sEnd: i32 = (sOff + sLen) | 0;
  let pi = pOff;
  let si = sOff;
  // Behind the last star, and the first byte of the name it does not cover: where to go on after a mismatch.
  let starP: i32 = -1;
  let starS: i32 = 0;
  for (;;) {
    let step: i32 = -1;
    if (pi < pEnd) {
      const c = i32(p[pi]);
      const atPeriod = si === sOff && si < sEnd && i32(s[si]) === PERIOD;
      if (c === STAR && !atPeriod) {
        while (pi < pEnd && p[pi] === STAR) pi = (pi + 1) | 0;
        if (pi === pEnd) return true;
        starP = pi;
        starS = si;
        continue;
      }
      if (si < sEnd && c !== STAR) {
        const b = i32(s[si]);
        if (c === QUESTION) {
          if (!atPeriod) step = (pi + 1) | 0;
        } else if (c === OPEN) {
          step = bracket(p, (pi + 1) | 0, pEnd, b);
        } else if (c === BACKSLASH && ((pi + 1) | 0) < pEnd) {
          if (i32(p[pi + 1]) === b) step = (pi + 2) | 0;
        } else if (c === b) {
          step = (pi + 1) | 0;
        }
      }
    } else if (si === sEnd) {
      return true;
    }
    if (step >= 0) {
      pi = step;
      si = (si + 1) | 0;
      continue;
    }
    if (starP < 0 || starS >= sEnd) return false;
    starS = (starS + 1) | 0;
    pi = starP;
    si = starS;
  }
}
