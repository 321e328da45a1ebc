/**
 * The random generator of the kernel: ChaCha20 with fast key erasure, seeded from entropy sources.
 *
 * Key types `ChaChaRng` (one a kernel; getrandom, /dev/urandom, AT_RANDOM, boot id), `EntropySource` (virtio-rng, the CPU).
 * Neighbours: `devfs/memory.ts` (random devices), kern (feeds it).
 * Invariants: the key is replaced before output is given away, so what was given cannot be computed from the state
 * afterwards; input is mixed in by the block function itself, so it never lowers what is there.
 * Source: RFC 8439; D. J. Bernstein, "Fast-key-erasure random-number generators" (2017).
 */
import { copyBytes, getU32, putU32, rotl, u32, type i32 } from "@anax/portable";
import { WaitQueue } from "@anax/lwkt";

/** Bits that make the generator seeded. */
const ENOUGH: i32 = 256;

/** Where seeds come from. */
export abstract class EntropySource {
  /** Puts up to `n` random bytes into `buf`; how many. */
  abstract read(buf: Uint8Array, off: i32, n: i32): i32;
}

/** The generator. Owned by the kernel instance. */
export class ChaChaRng {
  /** Bits of entropy credited so far, up to ENOUGH. */
  credit: i32 = 0;
  /** Woken when the generator becomes seeded. */
  readonly ready: WaitQueue = new WaitQueue();
  private readonly key: Uint32Array = new Uint32Array(8);
  private readonly input: Uint32Array = new Uint32Array(16);
  private readonly state: Uint32Array = new Uint32Array(16);
  private readonly block: Uint8Array = new Uint8Array(64);
  private readonly tail: Uint8Array = new Uint8Array(32);

  /** Enough entropy has come in: /dev/random and getrandom no longer wait. */
  get seeded(): boolean {
    return this.credit >= ENOUGH;
  }

  /** Mixes `n` bytes into the key and credits `bits` of entropy. */
  mix(buf: Uint8Array, off: i32, n: i32, bits: i32): void {
    let done: i32 = 0;
    while (done < n) {
      const part: i32 = ((n - done) | 0) < 32 ? (n - done) | 0 : 32;
      const t = this.tail;
      for (let i = 0; i < 32; i++) t[i] = i < part ? buf[off + done + i] : 0;
      for (let i = 0; i < 8; i++) this.key[i] = u32(this.key[i] ^ getU32(t, (i * 4) | 0));
      this.run(u32(part));
      this.takeKey();
      done = (done + part) | 0;
    }
    const was = this.seeded;
    this.credit = ((this.credit + bits) | 0) > ENOUGH ? ENOUGH : (this.credit + bits) | 0;
    if (!was && this.seeded) this.ready.wakeup();
  }

  /** Random bytes; before it is seeded they are predictable. */
  fill(buf: Uint8Array, off: i32, n: i32): void {
    // The first block gives the next key and 32 bytes; the old key is used up by the blocks after it.
    this.run(0);
    const next = this.tail;
    copyBytes(next, 0, this.block, 0, 32);
    let done: i32 = n < 32 ? n : 32;
    copyBytes(buf, off, this.block, 32, done);
    let counter: u32 = 1;
    while (done < n) {
      this.run(counter);
      counter = u32(counter + 1);
      const part: i32 = ((n - done) | 0) < 64 ? (n - done) | 0 : 64;
      copyBytes(buf, (off + done) | 0, this.block, 0, part);
      done = (done + part) | 0;
    }
    for (let i = 0; i < 8; i++) this.key[i] = getU32(next, (i * 4) | 0);
    this.block.fill(0);
    next.fill(0);
  }

  /** 32 random bits. */
  next32(): u32 {
    const b = new Uint8Array(4);
    this.fill(b, 0, 4);
    return getU32(b, 0);
  }

  /** One ChaCha20 block of the key, an all-zero nonce and `counter`, into `block`. */
  private run(counter: u32): void {
    const s = this.input;
    s[0] = 0x61707865;
    s[1] = 0x3320646e;
    s[2] = 0x79622d32;
    s[3] = 0x6b206574;
    for (let i = 0; i < 8; i++) s[4 + i] = this.key[i];
    s[12] = counter;
    s[13] = 0;
    s[14] = 0;
    s[15] = 0;
    chachaBlock(s, this.state, this.block);
  }

  private takeKey(): void {
    for (let i = 0; i < 8; i++) this.key[i] = getU32(this.block, (i * 4) | 0);
    this.block.fill(0);
  }
}

/** The ChaCha20 block function: 16 words of input to 64 bytes of output; `x` is for working. */
export function chachaBlock(input: Uint32Array, x: Uint32Array, out: Uint8Array): void {
  for (let i = 0; i < 16; i++) x[i] = input[i];
  for (let round = 0; round < 10; round++) {
    quarter(x, 0, 4, 8, 12);
    quarter(x, 1, 5, 9, 13);
    quarter(x, 2, 6, 10, 14);
    quarter(x, 3, 7, 11, 15);
    quarter(x, 0, 5, 10, 15);
    quarter(x, 1, 6, 11, 12);
    quarter(x, 2, 7, 8, 13);
    quarter(x, 3, 4, 9, 14);
  }
  for (let i = 0; i < 16; i++) putU32(out, (i * 4) | 0, u32(x[i] + input[i]));
}

function quarter(x: Uint32Array, a: i32, b: i32, c: i32, d: i32): void {
  let xa: u32 = x[a];
  let xb: u32 = x[b];
  let xc: u32 = x[c];
  let xd: u32 = x[d];
  xa = u32(xa + xb);
  xd = rotl(u32(xd ^ xa), 16);
  xc = u32(xc + xd);
  xb = rotl(u32(xb ^ xc), 12);
  xa = u32(xa + xb);
  xd = rotl(u32(xd ^ xa), 8);
  xc = u32(xc + xd);
  xb = rotl(u32(xb ^ xc), 7);
  x[a] = xa;
  x[b] = xb;
  x[c] = xc;
  x[d] = xd;
}
