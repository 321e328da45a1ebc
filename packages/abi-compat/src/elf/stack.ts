/**
 * The first stack of a program: argc, argv, envp, the auxiliary vector and the strings they point to.
 *
 *     stackTop   8 zero bytes
 *                path of the program (AT_EXECFN)
 *                environment strings, argument strings below them
 *                "x86_64" (AT_PLATFORM), 16 random bytes (AT_RANDOM)
 *                (gap to a multiple of 16)
 *                auxiliary vector, ended by AT_NULL
 *                envp, 0
 *                argv, 0
 *     sp         argc
 *
 * Key types `StackWriter` (longs to user memory through a buffer), `FirstStack`. Neighbours: `loader.ts` fills the image,
 * kern's `exec.ts` maps the stack. Invariant: `sp` is a multiple of 16 and everything lies inside the mapped stack.
 * Source: AMD64 psABI 3.4.1 and 3.4.3; Linux fs/binfmt_elf.c (order of the strings).
 */
import { Errno, bytesOf, copyBytes, fillBytes, longAnd, putLong, toLong, type i32, type long } from "@anax/portable";
import { PAGE_SIZE } from "@anax/machine";
import type { ExecArgs, ExecImage } from "@anax/kern";
import type { VmSpace } from "@anax/vm";
import { Aux } from "./format";

/** Bits of CPUID 1 EDX that every x86-64 CPU has: what AT_HWCAP tells. */
const HWCAP_X86_64: long = 0x078bfbff;
const CLOCK_TICKS: i32 = 100;
const RANDOM_BYTES: i32 = 16;
/** Entries of the auxiliary vector, AT_NULL included. */
const AUX_COUNT: i32 = 20;

/** Writes longs to ascending user addresses through a buffer. */
export class StackWriter {
  private readonly buf: Uint8Array = new Uint8Array(1024);
  private fill: i32 = 0;
  private at: long = 0;
  private space: VmSpace | null = null;
  /** The first error of a write; later writes are dropped. */
  error: i32 = 0;

  begin(space: VmSpace, at: long): void {
    this.space = space;
    this.at = at;
    this.fill = 0;
    this.error = 0;
  }

  put(v: long): void {
    if (this.fill === this.buf.length) this.flush();
    putLong(this.buf, this.fill, v);
    this.fill = (this.fill + 8) | 0;
  }

  aux(type: i32, v: long): void {
    this.put(toLong(type));
    this.put(v);
  }

  flush(): void {
    if (this.fill === 0) return;
    const space = this.space;
    if (this.error === 0 && space !== null) this.error = space.copyout(this.buf, 0, this.at, this.fill);
    this.at = this.at + this.fill;
    this.fill = 0;
  }

  /** Lets go of the space. */
  end(): i32 {
    this.flush();
    this.space = null;
    return this.error;
  }
}

/** Builds first stacks. Owned by the ABI, reused by every exec. */
export class FirstStack {
  private readonly writer: StackWriter = new StackWriter();
  private readonly platform: Uint8Array = bytesOf("x86_64");
  /** Platform name and random bytes on their way to the stack. */
  private readonly small: Uint8Array = new Uint8Array(32);
  /** 16 random bytes, filled by the caller before `build`. */
  readonly random: Uint8Array = new Uint8Array(RANDOM_BYTES);

  /** Smallest stack that a signal handler needs, for AT_MINSIGSTKSZ. */
  minSigStack: i32 = 2048;

  /**
   * Writes the stack of `image` below `image.stackTop` and sets sp, pc, arg*, env* and aux*. 0, -TOOBIG (it would take more
   * than the stack's limit allows), -FAULT, -NOMEM or EASYNC.
   */
  build(image: ExecImage): i32 {
    const space = image.space!;
    const args: ExecArgs = image.args;
    const execfn: long = image.stackTop - 8 - ((image.pathLen + 1) | 0);
    const strings: long = execfn - args.length;
    const random: long = strings - RANDOM_BYTES;
    const platform: long = random - (this.platform.length + 1);
    const words: i32 = (1 + args.argc + 1 + args.envc + 1 + AUX_COUNT * 2) | 0;
    let sp: long = platform - toLong(words) * 8;
    sp = sp - longAnd(sp, 15);
    const lowest: long = image.stackTop - image.stackSize;
    if (sp < lowest + PAGE_SIZE) return -Errno.TOOBIG;

    let error = this.putStrings(space, image, execfn, strings, random, platform);
    if (error !== 0) return error;

    const w = this.writer;
    w.begin(space, sp);
    w.put(toLong(args.argc));
    this.putPointers(args, 0, args.envOff, strings);
    this.putPointers(args, args.envOff, args.length, strings);
    this.putAux(image, execfn, random, platform);
    error = w.end();
    if (error !== 0) return error;

    image.sp = sp;
    image.pc = image.interpEntry !== toLong(0) ? image.interpEntry : image.entry;
    image.argStart = strings;
    image.argEnd = strings + args.envOff;
    image.envStart = image.argEnd;
    image.envEnd = strings + args.length;
    image.auxEnd = sp + toLong(words) * 8;
    image.auxStart = image.auxEnd - AUX_COUNT * 16;
    return 0;
  }

  private putStrings(space: VmSpace, image: ExecImage, execfn: long, strings: long, random: long, platform: long): i32 {
    const args = image.args;
    let error = space.zeroUser(image.stackTop - 8, 8);
    if (error !== 0) return error;
    error = space.copyout(image.path, 0, execfn, image.pathLen);
    if (error !== 0) return error;
    error = space.zeroUser(execfn + image.pathLen, 1);
    if (error !== 0) return error;
    error = args.length === 0 ? 0 : space.copyout(args.bytes, 0, strings, args.length);
    if (error !== 0) return error;
    const b = this.small;
    const n = this.platform.length;
    fillBytes(b, 0, b.length, 0);
    copyBytes(b, 0, this.platform, 0, n);
    copyBytes(b, (n + 1) | 0, this.random, 0, RANDOM_BYTES);
    return space.copyout(b, 0, platform, (n + 1 + RANDOM_BYTES) | 0);
  }

  /** A pointer to each string of args.bytes[from, to), then 0. */
  private putPointers(args: ExecArgs, from: i32, to: i32, strings: long): void {
    const w = this.writer;
    let start = from;
    for (let i = from; i < to; i++) {
      if (args.bytes[i] !== 0) continue;
      w.put(strings + start);
      start = (i + 1) | 0;
    }
    w.put(0);
  }

  private putAux(image: ExecImage, execfn: long, random: long, platform: long): void {
    const w = this.writer;
    const cred = image.cred;
    w.aux(Aux.MINSIGSTKSZ, toLong(this.minSigStack));
    w.aux(Aux.HWCAP, HWCAP_X86_64);
    w.aux(Aux.PAGESZ, PAGE_SIZE);
    w.aux(Aux.CLKTCK, CLOCK_TICKS);
    w.aux(Aux.PHDR, image.phdr);
    w.aux(Aux.PHENT, toLong(image.phentsize));
    w.aux(Aux.PHNUM, toLong(image.phnum));
    w.aux(Aux.BASE, image.interpBase);
    w.aux(Aux.FLAGS, 0);
    w.aux(Aux.ENTRY, image.entry);
    w.aux(Aux.UID, toLong(cred.uid));
    w.aux(Aux.EUID, toLong(cred.euid));
    w.aux(Aux.GID, toLong(cred.gid));
    w.aux(Aux.EGID, toLong(cred.egid));
    w.aux(Aux.SECURE, image.secure ? 1 : 0);
    w.aux(Aux.RANDOM, random);
    w.aux(Aux.HWCAP2, 0);
    w.aux(Aux.EXECFN, execfn);
    w.aux(Aux.PLATFORM, platform);
    w.aux(Aux.NULL, 0);
  }
}
