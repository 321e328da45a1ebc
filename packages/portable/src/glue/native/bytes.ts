/** Little-endian access to byte buffers, AssemblyScript side: one load or store after one bounds check. */

// @ts-ignore: decorator
@inline
function at(buf: Uint8Array, off: i32, n: i32): usize {
  if ((off | n) < 0 || <u32>off + <u32>n > <u32>buf.length) throw new RangeError("byte access out of bounds");
  return buf.dataStart + <usize>off;
}

export function getU16(buf: Uint8Array, off: i32): u32 {
  return load<u16>(at(buf, off, 2));
}

export function getU32(buf: Uint8Array, off: i32): u32 {
  return load<u32>(at(buf, off, 4));
}

export function getI32(buf: Uint8Array, off: i32): i32 {
  return load<i32>(at(buf, off, 4));
}

export function getLong(buf: Uint8Array, off: i32): i64 {
  return load<i64>(at(buf, off, 8));
}

export function putU16(buf: Uint8Array, off: i32, v: u32): void {
  store<u16>(at(buf, off, 2), v as u16);
}

export function putU32(buf: Uint8Array, off: i32, v: u32): void {
  store<u32>(at(buf, off, 4), v);
}

export function putI32(buf: Uint8Array, off: i32, v: i32): void {
  store<i32>(at(buf, off, 4), v);
}

export function putLong(buf: Uint8Array, off: i32, v: i64): void {
  store<i64>(at(buf, off, 8), v);
}

export function copyBytes(dst: Uint8Array, dstOff: i32, src: Uint8Array, srcOff: i32, n: i32): void {
  const d = at(dst, dstOff, n);
  memory.copy(d, at(src, srcOff, n), n);
}

export function fillBytes(buf: Uint8Array, off: i32, n: i32, v: u32): void {
  memory.fill(at(buf, off, n), v as u8, n);
}

export function equalBytes(a: Uint8Array, aOff: i32, b: Uint8Array, bOff: i32, n: i32): boolean {
  let p = at(a, aOff, n);
  let q = at(b, bOff, n);
  let left = n;
  for (; left >= 8; left -= 8) {
    if (load<u64>(p) != load<u64>(q)) return false;
    p += 8;
    q += 8;
  }
  for (; left > 0; left--) {
    if (load<u8>(p) != load<u8>(q)) return false;
    p++;
    q++;
  }
  return true;
}

export function hashBytes(buf: Uint8Array, off: i32, n: i32, seed: u32): u32 {
  const p = at(buf, off, n);
  let h: u32 = seed ^ 0x811c9dc5;
  for (let i = 0; i < n; i++) h = (h ^ load<u8>(p + i)) * 0x01000193;
  return h;
}
