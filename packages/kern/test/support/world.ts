/**
 * A whole kernel on a simulated machine for tests: tmpfs root, a small ABI whose system calls are JavaScript functions, and
 * programs that are lists of steps.
 */
import { Machine, STEP_SIZE, type SimCpu, type SimStep } from "@anax/machine/host";
import {
  PAGE_SIZE,
  REG_FULL,
  REG_R10,
  REG_R8,
  REG_R9,
  REG_RAX,
  REG_RBX,
  REG_RDI,
  REG_RDX,
  REG_RFLAGS,
  REG_RIP,
  REG_RSI,
  REG_RSP,
  CTX_SLOTS,
  USER_END,
} from "@anax/machine";
import { CalloutWheel, Cpu, type Msg } from "@anax/lwkt";
import { EASYNC, Errno, bytesOf } from "@anax/portable";
import { UserScheduler } from "@anax/scheduler";
import { Cred, TmpFsType, Vfs, NLookup, O_CREAT, O_WRONLY, NLC_FOLLOW, S_IFREG } from "@anax/vfs-msg";
import { MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE, PROT_EXEC, PROT_READ, PROT_WRITE, Uio, Vm } from "@anax/vm";
import {
  Abi,
  ImageLoader,
  Kernel,
  KernelClock,
  CLOCK_PROCESS_CPUTIME_ID,
  SIGCHLD,
  SigAction,
  SigSet,
  TimerSpec,
  Usage,
  createInit,
  execInit,
  kernClockGettime,
  kernClone,
  kernClose,
  kernExecve,
  kernExit,
  kernExitGroup,
  kernFutexWait,
  kernFutexWake,
  kernKill,
  kernNanosleep,
  kernOpen,
  kernPause,
  kernPipe2,
  kernRead,
  kernSetitimer,
  kernSetpriority,
  kernSigaction,
  kernSigprocmask,
  kernSigsuspend,
  kernSigtimedwait,
  kernTgkill,
  kernVfork,
  kernWait4,
  kernWrite,
  setSigMask,
  setpgid,
  setsid,
  type ExecImage,
  type Lwp,
  type SigInfo,
  type SysMsg,
} from "@anax/kern";

export const CODE = 0x400000;
export const DATA = 0x10000000;
export const DATA_SIZE = 16 * PAGE_SIZE;

/** One line of a test's log. */
export interface Entry {
  readonly pid: number;
  readonly what: string;
  readonly value: number;
}

type Call = (l: Lwp, a: readonly number[]) => number;

const ARGS = [REG_RDI, REG_RSI, REG_RDX, REG_R10, REG_R8, REG_R9];

/** Numbers of the test ABI. */
export const NR = {
  getpid: 1,
  log: 2,
  fork: 3,
  exit: 4,
  wait: 5,
  kill: 6,
  sigaction: 7,
  sigprocmask: 8,
  sigreturn: 9,
  pause: 10,
  sigsuspend: 11,
  nanosleep: 12,
  execve: 13,
  pipe: 14,
  read: 15,
  write: 16,
  close: 17,
  clone: 18,
  futexWait: 19,
  futexWake: 20,
  setpgid: 21,
  setsid: 22,
  itimer: 23,
  sigtimedwait: 24,
  mmap: 25,
  exitGroup: 26,
  vfork: 27,
  open: 28,
  tgkill: 29,
  getppid: 30,
  yield: 31,
  gettid: 32,
  nice: 33,
  cpuTime: 34,
} as const;

export class TestAbi extends Abi {
  readonly calls = new Map<number, Call>();
  /** Calls that SA_RESTART restarts. */
  readonly restartable = new Set<number>([NR.read, NR.write, NR.wait, NR.open]);

  constructor(private readonly world: World) {
    super("test");
  }

  override putPort(msg: Msg): number {
    const l = (msg as SysMsg).lwp;
    if (!l.inCall) msg.cmd = l.regs.get(REG_RAX);
    const call = this.calls.get(msg.cmd);
    const args = ARGS.map((r) => l.regs.get(r));
    const before = l.regs.get(REG_RIP);
    const r = call === undefined ? -Errno.NOSYS : call(l, args);
    if (r === EASYNC) return EASYNC;
    msg.result = r;
    // exec and sigreturn have set all registers.
    if (l.regs.get(REG_RIP) === before) l.regs.set(REG_RAX, r);
    return 0;
  }

  override isRestartable(l: Lwp): boolean {
    return this.restartable.has(l.sysmsg.cmd);
  }

  override restartCall(l: Lwp): void {
    l.regs.set(REG_RAX, l.sysmsg.cmd);
    l.regs.set(REG_RIP, l.regs.get(REG_RIP) - STEP_SIZE);
  }

  /** Frame: the registers, then the mask. */
  override sendSignal(l: Lwp, sig: number, info: SigInfo, action: SigAction): number {
    const sp = l.regs.get(REG_RSP) - (CTX_SLOTS + 2) * 8;
    const space = l.proc.vm;
    for (let i = 0; i < CTX_SLOTS; i++) {
      const r = space.putLong(sp + i * 8, l.regs.get(i));
      if (r !== 0) return r;
    }
    space.putLong(sp + CTX_SLOTS * 8, l.frameMaskLo);
    space.putLong(sp + CTX_SLOTS * 8 + 8, l.frameMaskHi);
    l.regs.set(REG_RSP, sp);
    l.regs.set(REG_RDI, sig);
    l.regs.set(REG_RSI, info.code);
    l.regs.set(REG_RDX, info.addr !== 0 ? info.addr : info.pid);
    l.regs.set(REG_RIP, action.handler);
    l.regs.set(REG_FULL, 1);
    return 0;
  }

  sigreturn(l: Lwp): number {
    const sp = l.regs.get(REG_RSP);
    const space = l.proc.vm;
    const values: number[] = [];
    for (let i = 0; i < CTX_SLOTS + 2; i++) {
      if (space.getLong(sp + i * 8) !== 0) return -Errno.FAULT;
      values.push(space.word);
    }
    for (let i = 0; i < CTX_SLOTS; i++) l.regs.set(i, values[i]!);
    l.regs.set(REG_FULL, 1);
    setSigMask(l, values[CTX_SLOTS]!, values[CTX_SLOTS + 1]!);
    return 0;
  }

  override setupStack(_l: Lwp, image: ExecImage): number {
    const args = image.args;
    const space = image.space!;
    const base = image.stackTop - 65536;
    if (args.length > 60000) return -Errno.TOOBIG;
    const r = space.copyout(args.bytes, 0, base, args.length);
    if (r !== 0) return r;
    image.argStart = base;
    image.argEnd = base + args.envOff;
    image.envStart = image.argEnd;
    image.envEnd = base + args.length;
    image.sp = base - 4096;
    image.pc = image.entry;
    return 0;
  }

  override setRegisters(l: Lwp, image: ExecImage): void {
    l.regs.fill(0);
    l.regs.set(REG_RIP, image.pc);
    l.regs.set(REG_RSP, image.sp);
    l.regs.set(REG_RDI, image.args.argc);
    l.regs.set(REG_RSI, image.argStart);
    l.regs.set(REG_RFLAGS, 0x202);
    l.regs.set(REG_FULL, 1);
  }

  override setChildReturn(child: Lwp, sp: number, _tls: number): void {
    child.regs.set(REG_RAX, 0);
    if (sp !== 0) child.regs.set(REG_RSP, sp);
  }

  define(world: World): void {
    const c = this.calls;
    const act = new SigAction();
    const usage = new Usage();
    void usage;
    const set = new SigSet();
    void set;
    const spec = new TimerSpec();
    void spec;
    c.set(NR.getpid, (l) => l.proc.pid);
    c.set(NR.getppid, (l) => l.proc.ppid);
    c.set(NR.gettid, (l) => l.tid);
    c.set(NR.log, (l, a) => {
      world.entries.push({ pid: l.proc.pid, what: world.words[a[0]!]!, value: a[1]! });
      return 0;
    });
    c.set(NR.fork, (l) => kernClone(l, SIGCHLD, 0, 0, 0, 0));
    c.set(NR.vfork, (l) => kernVfork(l));
    c.set(NR.clone, (l, a) => kernClone(l, a[0]!, a[1]!, a[2]!, a[3]!, a[4]!));
    c.set(NR.exit, (l, a) => kernExit(l, a[0]!));
    c.set(NR.exitGroup, (l, a) => kernExitGroup(l, a[0]!));
    c.set(NR.wait, (l, a) => {
      const r = kernWait4(l, a[0]!, a[1]!);
      if (r > 0 && a[2]! !== 0) l.proc.vm.put32(a[2]!, world.kernel.waitResult.status);
      return r;
    });
    c.set(NR.kill, (l, a) => kernKill(l, a[0]!, a[1]!));
    c.set(NR.tgkill, (l, a) => kernTgkill(l, a[0]!, a[1]!, a[2]!));
    c.set(NR.sigaction, (l, a) => {
      act.handler = a[1]!;
      act.flags = a[2]! >>> 0;
      act.maskLo = a[3]! >>> 0;
      act.maskHi = 0;
      return kernSigaction(l, a[0]!, act, null);
    });
    c.set(NR.sigprocmask, (l, a) => kernSigprocmask(l, a[0]!, a[1]! >>> 0, 0));
    c.set(NR.sigreturn, (l) => this.sigreturn(l));
    c.set(NR.pause, (l) => kernPause(l));
    c.set(NR.sigsuspend, (l, a) => kernSigsuspend(l, a[0]! >>> 0, 0));
    c.set(NR.sigtimedwait, (l, a) => kernSigtimedwait(l, a[0]! >>> 0, 0, a[1]!));
    c.set(NR.nanosleep, (l, a) => kernNanosleep(l, 1, a[2]! !== 0, a[0]!, a[1]!));
    c.set(NR.execve, (l, a) => kernExecve(l, -100, a[0]!, a[1]!, a[2]!, 0));
    c.set(NR.pipe, (l, a) => kernPipe2(l, a[0]!, 0));
    c.set(NR.read, (l, a) => kernRead(l, a[0]!, a[1]!, a[2]!));
    c.set(NR.write, (l, a) => kernWrite(l, a[0]!, a[1]!, a[2]!));
    c.set(NR.close, (l, a) => kernClose(l, a[0]!));
    c.set(NR.open, (l, a) => kernOpen(l, -100, a[0]!, a[1]!, a[2]!));
    c.set(NR.futexWait, (l, a) => kernFutexWait(l, a[0]!, a[1]!, 0xffffffff, a[2]! === 0 ? -1 : a[2]!, a[3]! === 0));
    c.set(NR.futexWake, (l, a) => kernFutexWake(l, a[0]!, a[1]!, 0xffffffff, a[3]! === 0));
    c.set(NR.setpgid, (l, a) => setpgid(l.proc, a[0]!, a[1]!));
    c.set(NR.setsid, (l) => setsid(l.proc));
    c.set(NR.itimer, (l, a) => kernSetitimer(l, a[0]!, a[1]!, a[2]!));
    c.set(NR.mmap, (l, a) => l.proc.vm.map(0, a[0]!, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, null, 0));
    c.set(NR.nice, (l, a) => kernSetpriority(l, 0, a[0]!, a[1]!));
    c.set(NR.cpuTime, (l) => {
      kernClockGettime(l, CLOCK_PROCESS_CPUTIME_ID);
      return l.kernel.clock.sec * 1e9 + l.kernel.clock.nsec;
    });
    c.set(NR.yield, (l) => {
      l.kernel.scheduler.yieldNow(l.sched);
      l.kernel.attention |= 1;
      return 0;
    });
  }
}

/** Programs as files: the code of a simulated program, which begins with "STEP". */
class StepLoader extends ImageLoader {
  constructor(private readonly abi: Abi) {
    super("step");
  }

  override recognizes(h: Uint8Array, n: number): boolean {
    return n >= 8 && h[0] === 0x53 && h[1] === 0x54 && h[2] === 0x45 && h[3] === 0x50;
  }

  override load(_l: Lwp, image: ExecImage): number {
    const space = image.space!;
    const vp = image.vnode!;
    const size = Math.ceil(vp.size / PAGE_SIZE) * PAGE_SIZE;
    let r = space.map(CODE, size, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, vp.object, 0);
    if (r < 0) return r;
    r = space.map(DATA, DATA_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, null, 0);
    if (r < 0) return r;
    image.abi = this.abi;
    image.entry = CODE;
    image.brkStart = DATA + DATA_SIZE;
    return 0;
  }
}

/** A value of a program: known, or worked out when the step runs. */
export type Value = number | ((c: SimCpu) => number);

function valueOf(c: SimCpu, v: Value): number {
  return typeof v === "number" ? v : v(c);
}

/** Builds a program step by step. Labels are names of steps. */
export class Prog {
  readonly steps: SimStep[] = [];
  readonly labels = new Map<string, number>();

  constructor(private readonly world: World) {}

  step(fn: SimStep): this {
    this.steps.push(fn);
    return this;
  }

  label(name: string): this {
    this.labels.set(name, this.steps.length);
    return this;
  }

  call(nr: number, ...args: Value[]): this {
    return this.step((c) => c.syscall(nr, ...args.map((a) => valueOf(c, a))));
  }

  /** Writes a line to the test's log. */
  log(what: string, value: Value): this {
    const word = this.world.word(what);
    return this.step((c) => c.syscall(NR.log, word, valueOf(c, value)));
  }

  /** Keeps the last result in a word of the data area (8 bytes each). */
  save(slot: number): this {
    return this.step((c) => c.store64(DATA + slot * 8, c.result));
  }

  jump(name: string): this {
    return this.step((c) => c.goto(this.labels.get(name)!));
  }

  jumpIf(cond: (c: SimCpu) => boolean, name: string): this {
    return this.step((c) => {
      if (cond(c)) c.goto(this.labels.get(name)!);
    });
  }

  /** Goes to `name` in the child of the fork just made. */
  ifChild(name: string): this {
    return this.jumpIf((c) => c.result === 0, name);
  }

  /** User address of a label. */
  address(name: string): Value {
    return (c) => c.addressOf(this.labels.get(name)!);
  }

  /** End of a handler. */
  sigreturn(): this {
    return this.call(NR.sigreturn);
  }
}

/** A word of the data area. */
export function at(slot: number): Value {
  return (c) => c.load64(DATA + slot * 8);
}

export const result: Value = (c) => c.result;
export const rdi: Value = (c) => c.reg(REG_RDI);
export { REG_RBX, REG_RDI, REG_RDX, REG_RSI };

export interface WorldOptions {
  readonly memory?: number;
  readonly stepNs?: number;
}

export class World {
  readonly machine: Machine;
  readonly kernel: Kernel;
  readonly abi: TestAbi;
  readonly entries: Entry[] = [];
  readonly words: string[] = [];
  private readonly nd = new NLookup();
  private readonly root = new Cred();
  /** Pages that were free before process 1 was made. */
  freeAtStart = 0;

  constructor(options: WorldOptions = {}) {
    const machine = new Machine({
      memory: options.memory ?? 16 * 1024 * 1024,
      heapPages: 4096,
      stepNs: options.stepNs ?? 100,
    });
    this.machine = machine;
    const vm = new Vm(machine);
    const clock = new KernelClock(machine);
    clock.bootSec = 1_700_000_000;
    const vfs = new Vfs(machine, vm.pages, clock);
    vfs.addType(new TmpFsType());
    if (vfs.mountRoot("tmpfs", "") !== 0) throw new Error("no root");
    const now = machine.nanotime();
    this.kernel = new Kernel(machine, vm, vfs, new UserScheduler(), new CalloutWheel(now), new Cpu(0), clock);
    this.abi = new TestAbi(this);
    this.abi.define(this);
    this.kernel.abis.push(this.abi);
    this.kernel.loaders.push(new StepLoader(this.abi));
  }

  word(what: string): number {
    const i = this.words.indexOf(what);
    return i >= 0 ? i : this.words.push(what) - 1;
  }

  prog(): Prog {
    return new Prog(this);
  }

  /** Puts a file into the root file system. */
  file(path: string, bytes: Uint8Array, mode = 0o755): void {
    const vfs = this.kernel.vfs;
    const nd = this.nd;
    nd.init(vfs.root, vfs.root, this.root, NLC_FOLLOW);
    nd.setPath(bytesOf(path), 0, path.length);
    const r = vfs.open(nd, O_CREAT | O_WRONLY, S_IFREG | mode);
    if (r !== 0) throw new Error(`open ${path}: ${r}`);
    const vp = nd.vnode!;
    const uio = new Uio(this.machine);
    uio.initKernel(bytes, 0, bytes.length, false, 0);
    const w = vfs.write(vp, uio, 0, this.root, null);
    if (w !== 0) throw new Error(`write ${path}: ${w}`);
    vfs.close(vp, O_WRONLY);
  }

  /** Makes a program an executable file. */
  install(path: string, p: Prog): void {
    const id = this.machine.sim.programs.add(p.steps);
    this.file(path, this.machine.sim.programs.code(id));
  }

  /** Runs `p` as process 1 until the kernel halts; returns the status of process 1. */
  run(p: Prog, steps = 2_000_000): number {
    this.install("/init", p);
    this.freeAtStart = this.kernel.pages.freeCount;
    const l = createInit(this.kernel, Cred.of(0, 0), this.kernel.vfs.root);
    if (l === null) throw new Error("no memory for init");
    this.kernel.image.args.start(131072);
    this.kernel.image.args.append(bytesOf("/init"), false);
    const r = execInit(l, bytesOf("/init"));
    if (r !== 0) throw new Error(`execInit: ${r}`);
    const sim = this.machine.sim;
    const most = sim.cpu.steps + steps;
    const advance = sim.clock.advance.bind(sim.clock);
    sim.clock.advance = (ns: number) => {
      if (sim.cpu.steps > most || sim.clock.now > 600e9)
        throw new Error(`the test does not end\n${this.lines.join("\n")}`);
      advance(ns);
    };
    this.kernel.loop();
    return this.kernel.initStatus;
  }

  /** Process 1 without a program, as the current LWP: for calling handlers one by one. */
  bare(): Lwp {
    const k = this.kernel;
    const l = createInit(k, Cred.of(0, 0), k.vfs.root)!;
    l.proc.abi = this.abi;
    l.proc.space = k.vm.newSpace();
    l.proc.vm.activate();
    l.proc.vm.mapStack(USER_END, 65536, PROT_READ | PROT_WRITE);
    l.regs.set(REG_RSP, USER_END - 4096);
    k.current = l;
    return l;
  }

  /** A forked child of `l`, which is made the current LWP. */
  child(l: Lwp): Lwp {
    const k = this.kernel;
    k.current = l;
    l.proc.vm.activate();
    const pid = kernClone(l, SIGCHLD, 0, 0, 0, 0);
    if (pid < 0) throw new Error(`fork: ${pid}`);
    const c = k.pids.lwp(pid)!;
    k.scheduler.unsetRunnable(c.sched);
    return this.use(c);
  }

  use(l: Lwp): Lwp {
    this.kernel.current = l;
    l.proc.vm.activate();
    return l;
  }

  /** The log as "pid what value", pids counted from 1 in the order they appear. */
  get lines(): string[] {
    return this.entries.map((e) => `${e.pid} ${e.what} ${e.value}`);
  }
}
