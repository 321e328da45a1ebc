/**
 * Mount options of a file system: `size=1m,mode=755,...`.
 *
 * Key type `MountOptions`. Neighbours: `FsType#mount`. Invariant: numbers that do not parse are refused, not guessed.
 * Source: mount(8), tmpfs(5).
 */
import { longDiv, longMin, type i32, type long } from "@anax/portable";

/** Numbers stay below this times their unit, so that nothing overflows. */
const LIMIT: long = 99999999999;

/** Walks a comma-separated list. `next` sets `key` and `value`. */
export class MountOptions {
  key: string = "";
  value: string = "";
  private pos: i32 = 0;

  constructor(private readonly text: string) {}

  next(): boolean {
    while (this.pos < this.text.length) {
      let end: i32 = this.text.indexOf(",", this.pos);
      if (end < 0) end = this.text.length;
      const item = this.text.substring(this.pos, end);
      this.pos = (end + 1) | 0;
      if (item.length === 0) continue;
      const eq: i32 = item.indexOf("=");
      this.key = eq < 0 ? item : item.substring(0, eq);
      this.value = eq < 0 ? "" : item.substring((eq + 1) | 0);
      return true;
    }
    return false;
  }

  /** `value` as a number in a base up to 10; -1 when it is none. */
  number(base: i32): long {
    if (this.value.length === 0) return -1;
    let v: long = 0;
    for (let i = 0; i < this.value.length; i++) {
      const d: i32 = (this.value.charCodeAt(i) - 48) | 0;
      if (d < 0 || d >= base || v > LIMIT) return -1;
      v = v * base + d;
    }
    return v;
  }

  /** `value` as a size in bytes: digits and an optional k, m, g; with % the share of `whole`. -1 when it is none. */
  size(whole: long): long {
    let unit: long = 1;
    const n = this.value.length;
    if (n === 0) return -1;
    let digits: i32 = n;
    const last: i32 = this.value.charCodeAt(n - 1) | 32;
    if (last === 107) unit = 1024;
    else if (last === 109) unit = 1048576;
    else if (last === 103) unit = 1073741824;
    const percent = this.value.charCodeAt(n - 1) === 37;
    if (unit > 1 || percent) digits = (n - 1) | 0;
    let v: long = 0;
    if (digits === 0) return -1;
    for (let i = 0; i < digits; i++) {
      const d: i32 = (this.value.charCodeAt(i) - 48) | 0;
      if (d < 0 || d > 9 || v > LIMIT) return -1;
      v = v * 10 + d;
    }
    if (percent) return longDiv(whole * longMin(v, 1000), 100);
    if (v > longDiv(LIMIT * 1024, unit)) return -1;
    return v * unit;
  }
}
