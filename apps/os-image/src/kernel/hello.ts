/**
 * The bring-up kernel: checks the platform from the inside, with no other part of the system.
 *
 * It maps user pages by itself, runs the programs of `test/platform/user.S` (the boot module) and prints one line for each
 * check. The command line `fuzz` or `fuzz=<seed>` adds random programs; `panic=<kind>` makes it die in a chosen way instead.
 * Neighbours: `platform/pc64`, `test/platform.test.ts`.
 */
import {
  BOOT_CMDLINE,
  BOOT_CMDLINE_SIZE,
  BOOT_MODULE,
  BOOT_MODULE_SIZE,
  BOOT_TSC_HZ,
  CTX_SLOTS,
  HALT_BROKEN_IMAGE,
  HALT_POWEROFF,
  HALT_REBOOT,
  IRQ_TIMER,
  Machine,
  PAGE_SIZE,
  PF_INSTR,
  PF_PRESENT,
  PF_USER,
  PF_WRITE,
  REG_ERRCODE,
  REG_FULL,
  REG_RFLAGS,
  REG_FAULTADDR,
  REG_FSBASE,
  REG_GSBASE,
  REG_RAX,
  REG_RDI,
  REG_RIP,
  REG_RSI,
  REG_RSP,
  REG_TRAPNO,
  TRAP_EXCEPTION,
  TRAP_INTERRUPT,
  TRAP_PAGEFAULT,
  TRAP_SYSCALL,
  USER_END,
} from "@anax/machine";
import {
  LongArray,
  bytesOf,
  parseDecimal,
  imul,
  longOf,
  rotl,
  longDiv,
  longLo,
  longHi,
  longShr,
  stringOf,
  toLong,
  i32,
  type long,
  u32,
} from "@anax/portable";

const CODE: long = 0x400000;
const DATA: long = 0x401000;
const HOLE: long = 0x402000;
const STACK: long = 0x410000;
const FUZZ: long = 0x420000;
const FUZZ_RUNS: i32 = 20000;
/** syscall; popfq; mov fs, ax; mov gs, ax; iretq; swapgs; int3; push and pop of the flags with TF and NT. */
const BORDER: u32[] = [0x9090050f, 0x9090909d, 0x9090e08e, 0x9090e88e, 0x9090cf48, 0xf8010f90, 0x909090cc, 0x9d000068];

/** Where the kernel image is loaded (platform/pc64/pc64.h). */
const KERNEL_IMAGE: long = 0x100000;

const PTE_P: u32 = 1;
const PTE_W: u32 = 2;
const PTE_U: u32 = 4;
const PTE_NX_HIGH: u32 = 0x80000000;

const SYS_GETPID: i32 = 39;

const RUN_GETPID: i32 = 0;
const RUN_REGISTERS: i32 = 1;
const RUN_LOAD: i32 = 2;
const RUN_STORE: i32 = 3;
const RUN_JUMP: i32 = 4;
const RUN_DIVIDE: i32 = 5;
const RUN_BREAKPOINT: i32 = 6;
const RUN_UNDEFINED: i32 = 7;
const RUN_PRIVILEGED: i32 = 8;
const RUN_SPIN: i32 = 9;
const RUN_WRFSBASE: i32 = 10;
const RUN_BASES: i32 = 11;
const RUN_SELECTORS: i32 = 12;
const RUN_SET_XMM: i32 = 13;
const RUN_CHECK_XMM: i32 = 14;
const RUN_SOFTINT: i32 = 15;

const MS: long = 1000000;
/** How late a timer may be: the host of the emulator may be busy. */
const LATE: long = 3000000000;

/** A linked list for the stack overflow of `panic=stack`. */
class Node {
  constructor(readonly next: Node | null) {}

  depth(m: Machine): i32 {
    const next = this.next;
    if (next === null) return 0;
    return (next.depth(m) + (m.nanotime() > 0 ? 1 : 0)) | 0;
  }
}

/** Physical pages from the largest region, never given back. */
class Pages {
  private next: long;
  private readonly end: long;

  constructor(private readonly m: Machine) {
    let best = 0;
    for (let i = 1; i < m.memRegionCount(); i++) if (m.memRegionSize(i) > m.memRegionSize(best)) best = i;
    this.next = m.memRegionBase(best);
    this.end = m.memRegionBase(best) + m.memRegionSize(best);
  }

  take(): long {
    const pa = this.next;
    if (pa >= this.end) throw new Error("out of pages");
    this.next = pa + toLong(PAGE_SIZE);
    this.m.zeroPhys(pa, PAGE_SIZE);
    return pa;
  }
}

/** One address space with four-level page tables. */
class Space {
  readonly root: long;

  constructor(
    private readonly m: Machine,
    private readonly pages: Pages,
  ) {
    this.root = pages.take();
    m.initRoot(this.root);
  }

  private index(va: long, shift: i32): i32 {
    return i32(longLo(longShr(va, shift)) & 511);
  }

  private table(parent: long, i: i32): long {
    const at = parent + toLong((i * 8) | 0);
    if ((this.m.load32(at) & PTE_P) === 0) {
      const pa = this.pages.take();
      this.m.store32(at + 4, u32(longHi(pa)));
      this.m.store32(at, (longLo(pa) | PTE_P | PTE_W | PTE_U) >>> 0);
    }
    return this.m.load64(at) - toLong(this.m.load32(at) & 0xfff);
  }

  map(va: long, pa: long, low: u32, high: u32): void {
    const pd = this.table(this.table(this.root, this.index(va, 39)), this.index(va, 30));
    const at = this.table(pd, this.index(va, 21)) + toLong((this.index(va, 12) * 8) | 0);
    this.m.store32(at + 4, (u32(longHi(pa)) | high) >>> 0);
    this.m.store32(at, (longLo(pa) | low | PTE_P | PTE_U) >>> 0);
    this.m.flushPage(va);
  }
}

class Hello {
  private readonly regs: LongArray = new LongArray(CTX_SLOTS);
  private readonly other: LongArray = new LongArray(CTX_SLOTS);
  private dataPa: long = 0;
  private failures: i32 = 0;

  constructor(
    private readonly m: Machine,
    private readonly pages: Pages,
    private readonly space: Space,
  ) {}

  say(s: string): void {
    for (let i = 0; i < s.length; i++) this.m.putc(s.charCodeAt(i));
    this.m.putc(13);
    this.m.putc(10);
  }

  check(what: string, ok: boolean): void {
    this.say((ok ? "ok " : "FAILED ") + what);
    if (!ok) this.failures = (this.failures + 1) | 0;
  }

  same(what: string, got: long, expected: long): void {
    if (got === expected) this.check(what, true);
    else this.check(what + ": " + got.toString() + " instead of " + expected.toString(), false);
  }

  private loadProgram(): void {
    const m = this.m;
    const size = m.bootParam(BOOT_MODULE_SIZE);
    this.check("the boot module is one page of code", size > 0 && size <= toLong(PAGE_SIZE));
    const code = this.pages.take();
    m.copyPhys(code, m.bootParam(BOOT_MODULE), i32(longLo(size)));
    this.space.map(CODE, code, 0, 0);
    this.dataPa = this.pages.take();
    this.space.map(DATA, this.dataPa, PTE_W, PTE_NX_HIGH);
    this.space.map(STACK - toLong(PAGE_SIZE), this.pages.take(), PTE_W, PTE_NX_HIGH);
    m.setRoot(this.space.root);
  }

  /** Starts program `n` and runs it to its first trap that is not a getpid. */
  private start(regs: LongArray, n: i32, arg: long): i32 {
    regs.set(REG_RIP, CODE);
    regs.set(REG_RSP, STACK);
    regs.set(REG_RDI, toLong(n));
    regs.set(REG_RSI, arg);
    return this.go(regs);
  }

  private go(regs: LongArray): i32 {
    while (true) {
      const trap = this.m.runUser(regs);
      if (trap !== TRAP_SYSCALL || regs.get(REG_RAX) !== toLong(SYS_GETPID)) return trap;
      regs.set(REG_RAX, 1234);
    }
  }

  private exits(what: string, n: i32, arg: long, status: long): void {
    const trap = this.start(this.regs, n, arg);
    if (trap !== TRAP_SYSCALL) this.same(what + ", trap " + trap.toString(), this.regs.get(REG_TRAPNO), -1);
    else this.same(what, this.regs.get(REG_RDI), status);
  }

  private faults(what: string, n: i32, arg: long, code: i32): void {
    const trap = this.start(this.regs, n, arg);
    this.check(
      what,
      trap === TRAP_PAGEFAULT && this.regs.get(REG_FAULTADDR) === arg && this.regs.get(REG_ERRCODE) === toLong(code),
    );
  }

  private excepts(what: string, n: i32, arg: long, vector: i32): void {
    const trap = this.start(this.regs, n, arg);
    this.check(what, trap === TRAP_EXCEPTION && this.regs.get(REG_TRAPNO) === toLong(vector));
  }

  private traps(): void {
    this.exits("registers survive system calls", RUN_REGISTERS, 1000, 0);
    this.faults("a read of nothing is a page fault", RUN_LOAD, HOLE, PF_USER);
    this.faults("a write to nothing is a page fault", RUN_STORE, HOLE, PF_USER | PF_WRITE);
    this.faults("a write to code is a page fault", RUN_STORE, CODE, PF_USER | PF_WRITE | PF_PRESENT);
    this.faults("data is not executable", RUN_JUMP, DATA, PF_USER | PF_INSTR | PF_PRESENT);
    this.faults("kernel memory is not readable", RUN_LOAD, -0x80000000 + 0x100000, PF_USER | PF_PRESENT);
    this.faults("kernel memory is not writable", RUN_STORE, -0x80000000 + 0x100000, PF_USER | PF_WRITE | PF_PRESENT);
    this.start(this.regs, RUN_STORE, HOLE);
    const page = this.pages.take();
    this.space.map(HOLE, page, PTE_W, PTE_NX_HIGH);
    this.check("a repaired page fault goes on", this.go(this.regs) === TRAP_SYSCALL && this.m.load64(page) === 77);
    this.excepts("divide error", RUN_DIVIDE, 0, 0);
    this.excepts("breakpoint", RUN_BREAKPOINT, 0, 3);
    this.check("a program goes on behind a breakpoint", this.go(this.regs) === TRAP_SYSCALL);
    this.excepts("undefined instruction", RUN_UNDEFINED, 0, 6);
    this.excepts("privileged instruction", RUN_PRIVILEGED, 0, 13);
    this.excepts("no software interrupts", RUN_SOFTINT, 0, 13);
    this.excepts("non-canonical address", RUN_LOAD, 0x800000000000, 13);
    this.start(this.regs, RUN_BREAKPOINT, 0);
    this.regs.set(REG_RIP, 0x800000000000);
    this.check(
      "a jump out of the lower half",
      this.m.runUser(this.regs) === TRAP_EXCEPTION && this.regs.get(REG_TRAPNO) === 13,
    );
    this.excepts("segment bases change through the kernel only", RUN_WRFSBASE, 0, 6);
  }

  private bases(): void {
    this.m.store64(this.dataPa, 1000);
    this.m.store64(this.dataPa + 8, 20);
    this.m.store64(this.dataPa + 16, 3);
    this.regs.set(REG_FSBASE, DATA);
    this.regs.set(REG_GSBASE, DATA + 8);
    this.exits("FS and GS bases", RUN_BASES, 0, 1020);
    this.regs.set(REG_FSBASE, DATA + 16);
    this.exits("a new FS base", RUN_BASES, 0, 23);
    this.other.set(REG_FSBASE, DATA + 16);
    this.other.set(REG_GSBASE, DATA + 8);
    this.start(this.other, RUN_SELECTORS, 0);
    this.exits("bases survive the selectors of another program", RUN_BASES, 0, 23);
    this.regs.set(REG_FSBASE, 0x0000800000000000);
    this.faults("a base outside user memory counts as 0", RUN_BASES, 0, PF_USER);
    this.regs.set(REG_FSBASE, 0);
    this.regs.set(REG_GSBASE, 0);
  }

  private time(): void {
    const m = this.m;
    const before = m.nanotime();
    m.setTimer(before + 3 * MS);
    let trap = this.start(this.regs, RUN_SPIN, 0);
    const after = m.nanotime();
    this.check(
      "the timer preempts a program",
      trap === TRAP_INTERRUPT && m.takeIrq() === IRQ_TIMER && m.takeIrq() === -1,
    );
    this.check("at its deadline", after - before >= 3 * MS && after - before < LATE);
    m.setTimer(m.nanotime() + 2 * MS);
    m.setTimer(before + 12 * MS);
    while ((trap = this.go(this.regs)) === TRAP_INTERRUPT && m.takeIrq() !== IRQ_TIMER) continue;
    this.check("a deadline moved later", m.nanotime() - before >= 12 * MS);
    const wake = m.nanotime() + 5 * MS;
    m.setTimer(wake);
    while (m.takeIrq() !== IRQ_TIMER) m.idle();
    this.check("idle ends with the timer", m.nanotime() >= wake && m.nanotime() < wake + LATE);
    m.setTimer(m.nanotime() + MS);
    let ticks = 0;
    trap = this.start(this.regs, RUN_REGISTERS, 10);
    while (trap === TRAP_INTERRUPT) {
      if (m.takeIrq() === IRQ_TIMER) ticks++;
      m.setTimer(m.nanotime() + MS / 4);
      trap = this.go(this.regs);
    }
    m.setTimer(0);
    this.check("registers survive interrupts", trap === TRAP_SYSCALL && this.regs.get(REG_RDI) === 0 && ticks >= 3);
  }

  private copies(): void {
    const m = this.m;
    const buf = new Uint8Array(3 * PAGE_SIZE);
    for (let i = 0; i < buf.length; i++) buf[i] = (i * 7 + (i >> 8)) & 255;
    this.same("copyout", toLong(m.copyout(buf, 5, DATA + 3, 1001)), 0);
    const back = new Uint8Array(3 * PAGE_SIZE);
    this.same("copyin", toLong(m.copyin(DATA + 3, back, 9, 1001)), 0);
    let equal = true;
    for (let i = 0; i < 1001; i++) if (back[9 + i] !== buf[5 + i]) equal = false;
    this.check("bytes come back as they were", equal && back[8] === 0 && back[1010] === 0);
    const end = HOLE + toLong(PAGE_SIZE);
    this.same("copyout up to the end of memory", toLong(m.copyout(buf, 0, end - 100, 300)), 200);
    this.same("copyin up to the end of memory", toLong(m.copyin(end - 33, back, 0, 64)), 31);
    this.same("copyin of nothing", toLong(m.copyin(end, back, 0, 16)), 16);
    this.same("zeroUser up to the end of memory", toLong(m.zeroUser(end - 40, 41)), 1);
    this.same("copyoutPhys", toLong(m.copyoutPhys(this.dataPa, end - 8, 16)), 8);
    this.same("copyinPhys", toLong(m.copyinPhys(DATA, this.dataPa, 64)), 0);
    this.same("copyout to read-only memory", toLong(m.copyout(buf, 0, CODE, 8)), 8);
    this.same("copyin of kernel memory", toLong(m.copyin(-0x80000000 + 0x100000, back, 0, 8)), 8);
    this.same("copyout to kernel memory", toLong(m.copyout(buf, 0, -0x80000000 + 0x100000, 8)), 8);
    this.same("copyin across the end of user space", toLong(m.copyin(USER_END - 4, back, 0, 8)), 8);
    this.same("copyin at a negative address", toLong(m.copyin(-4, back, 0, 8)), 8);

    m.zeroUser(DATA, PAGE_SIZE);
    buf[0] = 0x68;
    buf[1] = 0x69;
    m.copyout(buf, 0, DATA, 2);
    this.same("copyinstr", toLong(m.copyinstr(DATA, back, 0, 64)), 3);
    this.same("copyinstr without room", toLong(m.copyinstr(DATA, back, 0, 2)), -36);
    this.same("copyinstr of nothing", toLong(m.copyinstr(end, back, 0, 64)), -14);
    m.copyout(buf, 16, end - 4, 4);
    this.same("copyinstr into nothing", toLong(m.copyinstr(end - 4, back, 0, 64)), -14);
    this.same("copyinstr of kernel memory", toLong(m.copyinstr(-0x80000000, back, 0, 64)), -14);
    this.same("casUser32", m.casUser32(DATA, 0x6968, 0xfffffff0), 0x6968);
    this.same("fetchUser32", m.fetchUser32(DATA), 0xfffffff0);
    this.same("casUser32 of another value", m.casUser32(DATA, 1, 2), 0xfffffff0);
    this.same("fetchUser32 of nothing", m.fetchUser32(end), -1);
    this.same("casUser32 of read-only memory", m.casUser32(CODE, 0, 0), -1);
    this.same("fetchUser32 of kernel memory", m.fetchUser32(-8), -1);
  }

  private fpu(): void {
    const m = this.m;
    const mine = this.pages.take();
    const theirs = this.pages.take();
    this.check("the FPU state fits a page", m.fpuSize() >= 512 && m.fpuSize() <= PAGE_SIZE);
    m.fpuInit(mine);
    m.fpuInit(theirs);
    m.fpuRestore(mine);
    this.exits("a fresh FPU state is zero", RUN_CHECK_XMM, 0, 0);
    this.exits("a program sets an FPU register", RUN_SET_XMM, 123456789, 0);
    m.fpuSave(mine);
    m.fpuRestore(theirs);
    this.exits("another program does not see it", RUN_CHECK_XMM, 0, 0);
    this.exits("another program sets it", RUN_SET_XMM, 5, 0);
    m.fpuSave(theirs);
    m.fpuRestore(mine);
    this.exits("the FPU state comes back", RUN_CHECK_XMM, 0, 123456789);
    for (let i = 0; i < PAGE_SIZE; i += 4) m.store32(mine + toLong(i), 0xffffffff);
    m.fpuRestore(mine);
    this.exits("an FPU image the CPU refuses becomes a fresh one", RUN_CHECK_XMM, 0, 0);
  }

  private heap(): void {
    const m = this.m;
    const before = m.heapReserve();
    for (let i = 0; i < 1024; i++) m.heapDonate(this.pages.take());
    this.same("donated pages are in reserve", toLong(m.heapReserve()), toLong((before + 1024) | 0));
    const big = new Uint8Array(((before + 200) * PAGE_SIZE) | 0);
    let sum = 0;
    for (let i = 0; i < big.length; i += PAGE_SIZE) {
      sum = (sum + big[i]) | 0;
      big[i] = 1;
    }
    this.check("the heap grows into donated pages", sum === 0 && m.heapReserve() < 1024);
    const second = new Space(m, this.pages);
    m.setRoot(second.root);
    this.check("the kernel is in every address space", big[PAGE_SIZE * 3] === 1);
    m.setRoot(this.space.root);
  }

  /** Pages of random instructions with random registers: whatever a program executes, the kernel gets a trap. */
  private fuzz(first: u32): void {
    const m = this.m;
    const page = this.pages.take();
    this.space.map(FUZZ, page, PTE_W, 0);
    let seed = first;
    this.say("fuzz=" + first.toString());
    let traps = 0;
    for (let run = 0; run < FUZZ_RUNS; run++) {
      for (let i = 0; i < 256; i += 4) {
        seed = u32(imul(i32(seed), 1664525) + 1013904223);
        m.store32(page + toLong(i), rotl(seed, 16));
      }
      // Now and then what touches the border: syscall, popf, segment loads, iret.
      m.store32(page + toLong((seed >>> 8) & 252), BORDER[i32((seed >>> 20) & 7)]);
      for (let r = 0; r < REG_RFLAGS; r++) {
        seed = u32(imul(i32(seed), 1664525) + 1013904223);
        this.other.set(
          r,
          (seed & 4) !== 0 ? FUZZ + toLong(i32((seed >>> 20) & 4095)) : longOf(i32(seed), rotl(seed, 13)),
        );
      }
      this.other.set(REG_RIP, FUZZ + toLong(i32((seed >>> 24) & 127)));
      this.other.set(REG_RFLAGS, toLong(rotl(seed, 7)));
      this.other.set(REG_FULL, toLong(run & 1));
      m.setTimer(m.nanotime() + MS / 10);
      let more = 8;
      while (more-- > 0 && m.runUser(this.other) === TRAP_SYSCALL) traps++;
      traps++;
      while (m.takeIrq() >= 0) continue;
    }
    m.setTimer(0);
    while (m.takeIrq() >= 0) continue;
    this.check("random instructions trap", traps >= FUZZ_RUNS);
    this.regs.set(REG_RFLAGS, 0);
    this.exits("registers survive system calls behind them", RUN_REGISTERS, 10, 0);
    this.same("and so do kernel copies", toLong(m.copyin(DATA, new Uint8Array(8), 0, 8)), 0);
  }

  private speed(what: string, ns: long, n: i32): void {
    const ticks = longDiv(longDiv(ns * longDiv(this.m.bootParam(BOOT_TSC_HZ), 1000), toLong(n)), 1000000);
    this.say("speed " + what + " " + longDiv(ns, toLong(n)).toString() + " ns " + ticks.toString() + " ticks");
  }

  private speeds(): void {
    const m = this.m;
    let t = m.nanotime();
    this.exits("a million system calls", RUN_GETPID, 1000000, 0);
    this.speed("getpid", m.nanotime() - t, 1000000);
    const a = this.pages.take();
    const b = this.pages.take();
    t = m.nanotime();
    for (let i = 0; i < 10000; i++) m.zeroPhys(a, PAGE_SIZE);
    this.speed("zeroPhys", m.nanotime() - t, 10000);
    t = m.nanotime();
    for (let i = 0; i < 10000; i++) m.copyPhys(a, b, PAGE_SIZE);
    this.speed("copyPhys", m.nanotime() - t, 10000);
    const buf = new Uint8Array(PAGE_SIZE);
    t = m.nanotime();
    for (let i = 0; i < 10000; i++) m.copyout(buf, 0, DATA, PAGE_SIZE);
    this.speed("copyout", m.nanotime() - t, 10000);
    t = m.nanotime();
    for (let i = 0; i < 10000; i++) m.copyout(buf, 0, DATA, 1);
    this.speed("copyout1", m.nanotime() - t, 10000);
    t = m.nanotime();
    for (let i = 0; i < 10000; i++) m.nanotime();
    this.speed("nanotime", m.nanotime() - t, 10000);
    t = m.nanotime();
    this.regs.set(REG_RIP, CODE);
    this.regs.set(REG_RDI, toLong(RUN_LOAD));
    this.regs.set(REG_RSI, HOLE + toLong(PAGE_SIZE));
    for (let i = 0; i < 10000; i++) m.runUser(this.regs);
    this.speed("fault", m.nanotime() - t, 10000);
    const second = new Space(m, this.pages);
    t = m.nanotime();
    for (let i = 0; i < 10000; i++) {
      m.setRoot(second.root);
      m.setRoot(this.space.root);
    }
    this.speed("setRoot", m.nanotime() - t, 20000);
  }

  private die(kind: string): void {
    const m = this.m;
    const buf = new Uint8Array(kind.length);
    const zero: i32 = (m.memRegionCount() - m.memRegionCount()) | 0;
    if (kind === "throw") throw new Error("thrown on purpose");
    if (kind === "bounds") buf[m.memRegionCount() + 100] = 1;
    if (kind === "divide") this.say(((100 / zero) | 0).toString());
    if (kind === "stack") {
      let list: Node | null = null;
      for (let i = 0; i < 20000; i++) list = new Node(list);
      this.say(list!.depth(m).toString());
    }
    if (kind === "broken") m.halt(HALT_BROKEN_IMAGE);
    if (kind === "reboot") m.halt(HALT_REBOOT);
    if (kind === "text") m.store8(KERNEL_IMAGE, 0x90);
    if (kind === "memory") new Uint8Array(0x3fff0000);
  }

  private commandLine(): string {
    const size: i32 = i32(longLo(this.m.bootParam(BOOT_CMDLINE_SIZE)));
    const bytes = new Uint8Array(size);
    this.m.readPhys(this.m.bootParam(BOOT_CMDLINE), bytes, 0, size);
    return stringOf(bytes, 0, size);
  }

  run(): void {
    const m = this.m;
    this.say(
      "hello: up after " + longDiv(m.nanotime(), 1000).toString() + " us, heap reserve " + m.heapReserve().toString(),
    );
    for (let i = 0; i < m.memRegionCount(); i++)
      this.say("region " + m.memRegionBase(i).toString() + " " + m.memRegionSize(i).toString());
    const line = this.commandLine();
    if (line.startsWith("panic=")) this.die(line.slice(6));
    this.loadProgram();
    this.traps();
    this.bases();
    this.time();
    this.copies();
    this.fpu();
    if (line.startsWith("fuzz"))
      this.fuzz(line.length > 5 ? u32(parseDecimal(bytesOf(line), 5, line.length - 5)) : u32(m.nanotime()));
    this.speeds();
    this.heap();
    this.say(this.failures === 0 ? "hello: all passed" : "hello: " + this.failures.toString() + " failed");
    m.halt(HALT_POWEROFF);
  }
}

export function boot(): void {
  const m = new Machine();
  const pages = new Pages(m);
  new Hello(m, pages, new Space(m, pages)).run();
}
