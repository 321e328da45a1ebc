/** Conversions, bit operations and byte access, over the corners of 32 bits. */
import {
  BitSet,
  EventLog,
  clz,
  copyBytes,
  ctz,
  equalBytes,
  fillBytes,
  getI32,
  getLong,
  getU16,
  getU32,
  hashBytes,
  i16,
  i32,
  i8,
  imul,
  popcnt,
  putI32,
  putLong,
  putU16,
  putU32,
  rotl,
  toLong,
  u16,
  u32,
  u8,
} from "@anax/portable";

function values(): Uint32Array {
  const all = new Uint32Array(24);
  for (let i = 0; i < 8; i++) {
    all[i] = u32(1 << (i * 4));
    all[i + 8] = u32((1 << (i * 4)) - 1);
    all[i + 16] = u32(imul((i + 1) | 0, 0x1db71064));
  }
  return all;
}

function conversions(log: EventLog, v: u32): void {
  log.value("i8", toLong(i8(v)));
  log.value("u8", toLong(u8(v)));
  log.value("i16", toLong(i16(v)));
  log.value("u16", toLong(u16(v)));
  log.value("i32", toLong(i32(v)));
  log.value("clz", toLong(clz(v)));
  log.value("ctz", toLong(ctz(v)));
  log.value("popcnt", toLong(popcnt(v)));
  for (let n = 0; n < 32; n += 5) log.value("rotl", toLong(rotl(v, n)));
}

function arithmetic(log: EventLog, a: u32, b: u32): void {
  log.value("add", toLong(u32(a + b)));
  log.value("sub", toLong(u32(a - b)));
  log.value("mul", toLong(imul(i32(a), i32(b))));
  log.value("and", toLong(u32(a & b)));
  log.value("xor", toLong(u32(a ^ b)));
  log.value("not", toLong(u32(~a)));
  log.value("shl", toLong(u32(a << (b & 31))));
  log.value("shr", toLong(a >>> (b & 31)));
  log.value("sar", toLong(i32(a) >> (b & 31)));
  if (b !== 0) {
    log.value("div", toLong(u32(a / b)));
    log.value("mod", toLong(a % b));
    if (i32(b) !== -1) {
      log.value("sdiv", toLong((i32(a) / i32(b)) | 0));
      log.value("smod", toLong(i32(a) % i32(b)));
    }
  }
}

function bytes(log: EventLog, v: u32): void {
  const buf = new Uint8Array(32);
  putU16(buf, 1, v & 0xffff);
  putU32(buf, 3, v);
  putI32(buf, 7, i32(v));
  putLong(buf, 11, toLong(i32(v)) * 65536 + 77);
  log.value("u16", toLong(getU16(buf, 1)));
  log.value("u32", toLong(getU32(buf, 3)));
  log.value("i32", toLong(getI32(buf, 7)));
  log.value("long", getLong(buf, 11));
  copyBytes(buf, 4, buf, 1, 16);
  log.value("overlap", toLong(hashBytes(buf, 0, 32, v)));
  copyBytes(buf, 0, buf, 3, 16);
  log.value("overlap", toLong(hashBytes(buf, 0, 32, 0)));
  fillBytes(buf, 5, 9, v);
  log.value("fill", toLong(hashBytes(buf, 2, 20, 1)));
  log.value("equal", equalBytes(buf, 5, buf, 6, 8) ? 1 : 0);
}

export function run(log: EventLog): void {
  const all = values();
  for (let i = 0; i < all.length; i++) {
    log.value("v", toLong(all[i]));
    conversions(log, all[i]);
    bytes(log, all[i]);
    for (let k = 0; k < all.length; k++) arithmetic(log, all[i], all[k]);
  }
  const set = new BitSet(70);
  for (let i = 0; i < 70; i += 7) set.add(i);
  while (set.first() >= 0) {
    log.value("first", toLong(set.first()));
    log.value("last", toLong(set.last()));
    set.delete(set.first());
  }
}
