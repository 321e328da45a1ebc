/** What the instrumented element accesses of `bounds.ts` call. */

/** `i`, after the check that `a[i]` exists. Things without a length (enums, maps) are not arrays and are let through. */
export function readable(a, i) {
  const n = a.length;
  if (n !== undefined && !(i >= 0 && i < n)) throw new RangeError(`index ${i} is outside 0..${n - 1}`);
  return i;
}

/** `i`, after the check that `a[i]` may be written: inside a typed array; anywhere from 0 in an array, which grows. */
export function writable(a, i) {
  const n = a.length;
  if (n !== undefined && !(i >= 0 && (i < n || Array.isArray(a))))
    throw new RangeError(`index ${i} is outside 0..${n - 1}`);
  return i;
}

/** `a[i]`, checked. */
export function element(a, i) {
  return a[readable(a, i)];
}
