/** Every operation on `long`, over pairs from the corners of its range and from a generator. */
import {
  EventLog,
  LongArray,
  i32,
  imul,
  longAnd,
  longDiv,
  longHi,
  longLo,
  longMax,
  longMin,
  longMod,
  longMulShr32,
  longOf,
  longOr,
  longShl,
  longShr,
  toLong,
  u32,
  type long,
} from "@anax/portable";

const RANDOM: i32 = 24;

/** Corners, both signs, then numbers of every length. */
function values(): LongArray {
  const corners = new LongArray(16);
  const limit: long = longShl(1, 53);
  corners.set(0, 0);
  corners.set(1, 1);
  corners.set(2, 2);
  corners.set(3, 4095);
  corners.set(4, 4096);
  corners.set(5, 0x7fffffff);
  corners.set(6, longShl(1, 31));
  corners.set(7, longShl(1, 32) - 1);
  corners.set(8, longShl(1, 32));
  corners.set(9, longShl(1, 32) + 1);
  corners.set(10, longShl(1, 47) - 4096);
  corners.set(11, longShl(1, 52));
  corners.set(12, limit - 1);
  corners.set(13, 10);
  corners.set(14, 1000000000);
  corners.set(15, 3);
  const all = new LongArray((32 + RANDOM) | 0);
  for (let i = 0; i < 16; i++) {
    all.set(i, corners.get(i));
    all.set(i + 16, -corners.get(i));
  }
  let seed: u32 = 88172645;
  for (let i = 0; i < RANDOM; i++) {
    seed = u32(imul(i32(seed), 1664525) + 1013904223);
    const hi: i32 = i32(seed) >> 11;
    seed = u32(imul(i32(seed), 1664525) + 1013904223);
    all.set(32 + i, longShr(longOf(hi, seed), (i * 2) | 0));
  }
  return all;
}

function one(log: EventLog, a: long): void {
  log.value("lo", toLong(longLo(a)));
  log.value("hi", toLong(longHi(a)));
  log.value("again", longOf(longHi(a), longLo(a)));
  log.value("i32", toLong(i32(a)));
  log.value("u32", toLong(u32(a)));
  for (let n = 0; n < 53; n += 13) log.value("shr", longShr(a, n));
}

function two(log: EventLog, a: long, b: long): void {
  if (b !== toLong(0)) {
    log.value("div", longDiv(a, b));
    log.value("mod", longMod(a, b));
  }
  log.value("and", longAnd(a, b));
  log.value("or", longOr(a, b));
  log.value("min", longMin(a, b));
  log.value("max", longMax(a, b));
  log.line(`${a < b ? "<" : "-"}${a <= b ? "<=" : "-"}${a === b ? "=" : "-"}`);
}

export function run(log: EventLog): void {
  const all = values();
  for (let i = 0; i < all.length; i++) {
    const a = all.get(i);
    log.value("a", a);
    one(log, a);
    for (let k = 0; k < all.length; k++) two(log, a, all.get(k));
  }
  for (let n = 0; n < 53; n++) log.value("shl", longShl(1, n));
  for (let i = 0; i < all.length; i++) {
    const a = all.get(i);
    if (a >= 0 && a < longShl(1, 40)) {
      log.value("mulshr", longMulShr32(a, 0x10000));
      log.value("mulshr", longMulShr32(a, 3000000001));
      log.value("mulshr", longMulShr32(a, 0xffffffff));
    }
  }
}
