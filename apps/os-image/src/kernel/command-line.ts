/**
 * The kernel's command line: words that the boot loader hands over.
 *
 * Key type `CommandLine`. Neighbours: `main.ts`. Known words: `rdinit=PATH` or `init=PATH` (the first program, /init), `console=NAME`
 * (the last one counts), `quiet`; words behind `--` are arguments of the first program. Everything else is kept for /proc/cmdline.
 * Source: Linux Documentation/admin-guide/kernel-parameters.rst, so that one command line serves both kernels.
 */
import { BOOT_CMDLINE, BOOT_CMDLINE_SIZE, type Machine } from "@anax/machine";
import { bytesOf, equalBytes, i32, toLong } from "@anax/portable";

const LONGEST: i32 = 4096;

export class CommandLine {
  readonly bytes: Uint8Array;

  constructor(machine: Machine) {
    const pa = machine.bootParam(BOOT_CMDLINE);
    let n = i32(machine.bootParam(BOOT_CMDLINE_SIZE));
    if (n > LONGEST) n = LONGEST;
    const raw = new Uint8Array(n);
    if (pa !== toLong(0)) machine.readPhys(pa, raw, 0, n);
    while (n > 0 && raw[n - 1] === 0) n--;
    this.bytes = raw.slice(0, n);
  }

  /** The value of the last `name=value`, or null. */
  value(name: string): Uint8Array | null {
    const key = bytesOf(`${name}=`);
    let found: Uint8Array | null = null;
    let at = this.next(0);
    while (at >= 0) {
      const end = this.end(at);
      if (((end - at) | 0) === 2 && this.bytes[at] === 45 && this.bytes[at + 1] === 45) break;
      if (((end - at) | 0) >= key.length && equalBytes(this.bytes, at, key, 0, key.length)) {
        found = this.bytes.slice((at + key.length) | 0, end);
      }
      at = this.next(end);
    }
    return found;
  }

  /** The words behind `--`. */
  initArguments(): Array<Uint8Array> {
    const out: Array<Uint8Array> = [];
    let behind = false;
    let at = this.next(0);
    while (at >= 0) {
      const end = this.end(at);
      if (behind) out.push(this.bytes.slice(at, end));
      else if (((end - at) | 0) === 2 && this.bytes[at] === 45 && this.bytes[at + 1] === 45) behind = true;
      at = this.next(end);
    }
    return out;
  }

  /** Start of the first word at or after `from`, or -1. */
  private next(from: i32): i32 {
    let i = from;
    while (i < this.bytes.length && this.bytes[i] <= 32) i++;
    return i < this.bytes.length ? i : -1;
  }

  private end(from: i32): i32 {
    let i = from;
    while (i < this.bytes.length && this.bytes[i] > 32) i++;
    return i;
  }
}
