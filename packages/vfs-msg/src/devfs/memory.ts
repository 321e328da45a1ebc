/**
 * The devices that are not hardware: null, zero, full, random, urandom; and the usual links of /dev.
 *
 * Neighbours: `devfs.ts`, `random.ts`; `addMemoryDevices` registers all. Source: null(4), full(4), random(4).
 */
import { EASYNC, Errno, i32, longMin, type long } from "@anax/portable";
import type { Waiter } from "@anax/lwkt";
import type { Uio } from "@anax/vm";
import { CharDevice } from "../device";
import { IO_NONBLOCK, POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM } from "../flags";
import type { ChaChaRng } from "../random";
import type { DevFs } from "./devfs";

/** Linux major number of memory devices. */
const MEM_MAJOR: i32 = 1;
/** Most bytes of one read or write (MAX_RW_COUNT). */
const MOST: i32 = 0x7ffff000;
/** Bytes moved in one step. */
const STEP: i32 = 4096;

export class NullDevice extends CharDevice {
  constructor() {
    super("null", MEM_MAJOR, 3, 0o666);
  }

  override read(_uio: Uio, _ioflags: i32, _waiter: Waiter | null): i32 {
    return 0;
  }

  override write(uio: Uio, _ioflags: i32, _waiter: Waiter | null): i32 {
    uio.skip(uio.resid);
    return 0;
  }

  override get isSeekable(): boolean {
    return true;
  }
}

/** Fills the request with zeros. */
function readZeros(uio: Uio): i32 {
  return uio.moveZero(i32(longMin(uio.resid, MOST)));
}

export class ZeroDevice extends CharDevice {
  constructor() {
    super("zero", MEM_MAJOR, 5, 0o666);
  }

  override read(uio: Uio, _ioflags: i32, _waiter: Waiter | null): i32 {
    return readZeros(uio);
  }

  override write(uio: Uio, _ioflags: i32, _waiter: Waiter | null): i32 {
    uio.skip(uio.resid);
    return 0;
  }

  override get isSeekable(): boolean {
    return true;
  }

  override get isMappable(): boolean {
    return true;
  }
}

export class FullDevice extends CharDevice {
  constructor() {
    super("full", MEM_MAJOR, 7, 0o666);
  }

  override read(uio: Uio, _ioflags: i32, _waiter: Waiter | null): i32 {
    return readZeros(uio);
  }

  override write(uio: Uio, _ioflags: i32, _waiter: Waiter | null): i32 {
    return uio.resid > 0 ? -Errno.NOSPC : 0;
  }

  override get isSeekable(): boolean {
    return true;
  }
}

/** random and urandom: the same generator; random waits until it is seeded. */
export class RandomDevice extends CharDevice {
  private readonly buffer: Uint8Array = new Uint8Array(STEP);

  constructor(
    private readonly rng: ChaChaRng,
    private readonly waits: boolean,
  ) {
    super(waits ? "random" : "urandom", MEM_MAJOR, waits ? 8 : 9, 0o666);
  }

  override read(uio: Uio, ioflags: i32, waiter: Waiter | null): i32 {
    if (this.waits && !this.rng.seeded) {
      if ((ioflags & IO_NONBLOCK) !== 0 || waiter === null) return -Errno.AGAIN;
      this.rng.ready.add(waiter);
      return EASYNC;
    }
    const buf = this.buffer;
    let error: i32 = 0;
    while (uio.resid > 0 && error === 0) {
      const n = i32(longMin(uio.resid, STEP));
      this.rng.fill(buf, 0, n);
      error = uio.move(buf, 0, n);
    }
    buf.fill(0);
    return error;
  }

  /** Mixed in, without credit. */
  override write(uio: Uio, _ioflags: i32, _waiter: Waiter | null): i32 {
    const buf = this.buffer;
    while (uio.resid > 0) {
      const before: long = uio.resid;
      const error = uio.move(buf, 0, i32(longMin(uio.resid, STEP)));
      this.rng.mix(buf, 0, i32(before - uio.resid), 0);
      if (error !== 0) return error;
    }
    return 0;
  }

  override poll(events: i32, waiter: Waiter | null): i32 {
    const out = events & (POLLOUT | POLLWRNORM);
    if (!this.waits || this.rng.seeded) return out | (events & (POLLIN | POLLRDNORM));
    if (waiter !== null) this.rng.ready.add(waiter);
    return out;
  }

  override get isSeekable(): boolean {
    return true;
  }
}

/** Registers null, zero, full, random, urandom and makes fd, stdin, stdout, stderr. 0 or -EXIST. */
export function addMemoryDevices(dev: DevFs, rng: ChaChaRng): i32 {
  let error = dev.add(new NullDevice());
  if (error === 0) error = dev.add(new ZeroDevice());
  if (error === 0) error = dev.add(new FullDevice());
  if (error === 0) error = dev.add(new RandomDevice(rng, true));
  if (error === 0) error = dev.add(new RandomDevice(rng, false));
  if (error === 0) error = dev.addLink("fd", "/proc/self/fd");
  if (error === 0) error = dev.addLink("stdin", "/proc/self/fd/0");
  if (error === 0) error = dev.addLink("stdout", "/proc/self/fd/1");
  if (error === 0) error = dev.addLink("stderr", "/proc/self/fd/2");
  return error;
}
