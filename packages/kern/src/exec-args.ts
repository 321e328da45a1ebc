/**
 * Arguments and environment of a program about to be run.
 *
 * Key type `ExecArgs`, one for each kernel, in its `ExecImage`. Neighbours: `exec.ts`, the ABI's setupStack.
 * Invariant: `bytes` up to `length` are argc + envc strings, each with its NUL, arguments first; their bytes and pointers stay
 * below `limit`.
 * Source: execve(2), "Limits on size of arguments and environment".
 */
import { Errno, copyBytes, i32, toLong, type long } from "@anax/portable";
import type { VmSpace } from "@anax/vm";
import type { Kernel } from "./kernel";

/** Longest single string, with its NUL (MAX_ARG_STRLEN). */
const STRING_MAX: i32 = 131072;
const CAPACITY: i32 = 4096;
/** A buffer that grew beyond this is not kept, and the garbage that it leaves is collected soon. */
const KEEP: i32 = 65536;

export class ExecArgs {
  bytes: Uint8Array = new Uint8Array(CAPACITY);
  length: i32 = 0;
  argc: i32 = 0;
  envc: i32 = 0;
  /** Where the environment begins. */
  envOff: i32 = 0;
  /** Bytes that strings and their pointers may take. */
  limit: long = 131072;

  /** Begins anew. */
  start(limit: long): void {
    this.length = 0;
    this.argc = 0;
    this.envc = 0;
    this.envOff = 0;
    this.limit = limit;
  }

  /** Lets go of a buffer that is large. */
  shrink(k: Kernel): void {
    if (this.bytes.length <= KEEP) return;
    this.bytes = new Uint8Array(CAPACITY);
    k.requestCollection();
  }

  /** Makes room for `n` bytes more. 0 or -NOMEM. */
  private room(k: Kernel, n: i32): i32 {
    const need: i32 = (this.length + n) | 0;
    if (need <= this.bytes.length) return 0;
    let size: i32 = this.bytes.length;
    while (size < need) size = (size * 4) | 0;
    if (!k.vm.heapRoom(size)) return -Errno.NOMEM;
    const grown = new Uint8Array(size);
    copyBytes(grown, 0, this.bytes, 0, this.length);
    this.bytes = grown;
    return 0;
  }

  private fits(n: i32): boolean {
    return toLong(this.length) + toLong(n) + toLong((this.argc + this.envc + 1) | 0) * 8 <= this.limit;
  }

  private count(env: boolean): void {
    if (env) this.envc++;
    else {
      this.argc++;
      this.envOff = this.length;
    }
  }

  /** Reads an array of user addresses and the strings it points to. 0, -TOOBIG, -FAULT, -NOMEM, EASYNC. */
  gather(k: Kernel, space: VmSpace, uvec: long, env: boolean): i32 {
    if (uvec === toLong(0)) return 0;
    let at: long = uvec;
    let r = space.getLong(at);
    while (r === 0 && space.word !== toLong(0)) {
      r = this.take(k, space, space.word);
      if (r < 0) return r;
      this.count(env);
      at = at + 8;
      r = space.getLong(at);
    }
    return r;
  }

  /** Appends the string at a user address. */
  private take(k: Kernel, space: VmSpace, ustr: long): i32 {
    const left = this.left();
    let most: i32 = 256;
    let n: i32 = -Errno.NAMETOOLONG;
    while (n === -Errno.NAMETOOLONG) {
      if (most > left) most = left;
      if (most <= 0) return -Errno.TOOBIG;
      const e = this.room(k, most);
      if (e !== 0) return e;
      n = space.copyinstr(ustr, this.bytes, this.length, most);
      if (n === -Errno.NAMETOOLONG && most === left) return -Errno.TOOBIG;
      most = (most * 8) | 0;
    }
    if (n < 0) return n;
    this.length = (this.length + n + 1) | 0;
    return 0;
  }

  /** Bytes that a further string may take. */
  private left(): i32 {
    const n: long = this.limit - this.length - toLong((this.argc + this.envc + 1) | 0) * 8;
    if (n <= 0) return 0;
    return n > STRING_MAX ? STRING_MAX : i32(n);
  }

  /** Appends a string of the kernel, for process 1: a few KiB in all. False when it does not fit. */
  append(s: Uint8Array, env: boolean): boolean {
    const n = s.length;
    if (!this.fits((n + 1) | 0) || ((this.length + n) | 0) >= this.bytes.length) return false;
    copyBytes(this.bytes, this.length, s, 0, n);
    this.bytes[this.length + n] = 0;
    this.length = (this.length + n + 1) | 0;
    this.count(env);
    return true;
  }

  /** Puts a string before the first argument. 0, -TOOBIG, -NOMEM. */
  prepend(k: Kernel, s: Uint8Array, off: i32, n: i32): i32 {
    if (!this.fits((n + 1) | 0)) return -Errno.TOOBIG;
    const e = this.room(k, (n + 1) | 0);
    if (e !== 0) return e;
    copyBytes(this.bytes, (n + 1) | 0, this.bytes, 0, this.length);
    copyBytes(this.bytes, 0, s, off, n);
    this.bytes[n] = 0;
    this.length = (this.length + n + 1) | 0;
    this.envOff = (this.envOff + n + 1) | 0;
    this.argc++;
    return 0;
  }

  /** Removes the first argument. */
  dropFirst(): void {
    if (this.argc === 0) return;
    let n: i32 = 0;
    while (this.bytes[n] !== 0) n++;
    n++;
    copyBytes(this.bytes, 0, this.bytes, n, (this.length - n) | 0);
    this.length = (this.length - n) | 0;
    this.envOff = (this.envOff - n) | 0;
    this.argc--;
  }
}
