/** A kernel with the Linux ABI on a simulated machine; programs are ELF files whose code is steps of the simulated processor. */
import { Machine, STEP_SIZE, type SimCpu, type SimStep } from "@anax/machine/host";
import { REG_RDI, REG_RDX, REG_RSI } from "@anax/machine";
import { CalloutWheel, Cpu } from "@anax/lwkt";
import { bytesOf } from "@anax/portable";
import { UserScheduler } from "@anax/scheduler";
import { Cred, NLC_FOLLOW, NLookup, O_CREAT, O_WRONLY, S_IFREG, TmpFsType, Vfs } from "@anax/vfs-msg";
import { Uio, Vm } from "@anax/vm";
import { Kernel, KernelClock, createInit, execInit } from "@anax/kern";
import { ET_DYN, ET_EXEC, PF_R, PF_W, PF_X, PT_INTERP, PT_LOAD } from "../src/elf/format";
import { ElfLoader } from "../src/elf/loader";
import { LinuxAbi } from "../src/linux/abi";
import { elfFile, type Segment } from "./elf-file";

export const TEXT = 0x400000;
export const DATA = 0x500000;
const CODE_OFFSET = 0x1000;

/** A program in steps; labels are names of steps. Text at TEXT, a page of data at DATA. */
export class Prog {
  readonly steps: SimStep[] = [];
  private readonly labels = new Map<string, number>();

  step(fn: SimStep): this {
    this.steps.push(fn);
    return this;
  }

  label(name: string): this {
    this.labels.set(name, this.steps.length);
    return this;
  }

  call(nr: number, ...args: Array<number | ((c: SimCpu) => number)>): this {
    return this.step((c) => c.syscall(nr, ...args.map((a) => (typeof a === "number" ? a : a(c)))));
  }

  /** Address of a label. */
  at(name: string): (c: SimCpu) => number {
    return (c) => c.addressOf(this.labels.get(name)!);
  }

  goto(name: string): this {
    return this.step((c) => c.goto(this.labels.get(name)!));
  }

  exit(code: number | ((c: SimCpu) => number)): this {
    return this.call(231, code);
  }
}

export interface ProgramFile {
  interp?: string;
  pie?: boolean;
  /** The bss is a segment of its own that begins in the data's page. */
  ownBss?: boolean;
}

export class World {
  readonly machine = new Machine({ memory: 16 * 1024 * 1024, heapPages: 4096 });
  readonly kernel: Kernel;
  readonly abi: LinuxAbi;
  private readonly root = new Cred();
  private readonly nd = new NLookup();

  constructor() {
    const vm = new Vm(this.machine);
    const clock = new KernelClock(this.machine);
    const vfs = new Vfs(this.machine, vm.pages, clock);
    vfs.addType(new TmpFsType());
    if (vfs.mountRoot("tmpfs", "") !== 0) throw new Error("no root");
    this.kernel = new Kernel(
      this.machine,
      vm,
      vfs,
      new UserScheduler(),
      new CalloutWheel(this.machine.nanotime()),
      new Cpu(0),
      clock,
    );
    this.abi = new LinuxAbi(this.kernel);
    this.abi.callLength = STEP_SIZE;
    this.kernel.abis.push(this.abi);
    this.kernel.loaders.push(new ElfLoader(this.abi));
  }

  file(path: string, bytes: Uint8Array, mode = 0o755): void {
    const vfs = this.kernel.vfs;
    this.nd.init(vfs.root, vfs.root, this.root, NLC_FOLLOW);
    this.nd.setPath(bytesOf(path), 0, path.length);
    const r = vfs.open(this.nd, O_CREAT | O_WRONLY, S_IFREG | mode);
    if (r !== 0) throw new Error(`open ${path}: ${r}`);
    const vp = this.nd.vnode!;
    const uio = new Uio(this.machine);
    uio.initKernel(bytes, 0, bytes.length, false, 0);
    const w = vfs.write(vp, uio, 0, this.root, null);
    if (w !== 0) throw new Error(`write ${path}: ${w}`);
    vfs.close(vp, O_WRONLY);
  }

  /** Makes an ELF file of the program: a text segment, a data segment with bss behind it. */
  install(path: string, p: Prog, how: ProgramFile = {}): void {
    const code = this.machine.sim.programs.code(this.machine.sim.programs.add(p.steps));
    const pie = how.pie ?? false;
    const base = pie ? 0 : TEXT;
    const size = CODE_OFFSET + code.length;
    const data = (size + 0xfff) & ~0xfff;
    const segments: Segment[] = [
      { type: PT_LOAD, flags: PF_R | PF_X, offset: 0, vaddr: base, filesz: size, memsz: size },
      {
        type: PT_LOAD,
        flags: PF_R | PF_W,
        offset: data,
        vaddr: base + DATA - TEXT,
        filesz: 16,
        memsz: how.ownBss === true ? 16 : 0x3000,
      },
    ];
    if (how.ownBss === true)
      segments.push({
        type: PT_LOAD,
        flags: PF_R | PF_W,
        offset: data + 16,
        vaddr: base + DATA - TEXT + 16,
        filesz: 0,
        memsz: 0x3000 - 16,
      });
    if (how.interp !== undefined)
      segments.push({
        type: PT_INTERP,
        flags: PF_R,
        offset: 0x800,
        vaddr: base + 0x800,
        filesz: how.interp.length + 1,
        memsz: how.interp.length + 1,
      });
    const file = elfFile({ type: pie ? ET_DYN : ET_EXEC, segments, entry: base + CODE_OFFSET, size: data + 64 });
    file.set(code, CODE_OFFSET);
    file.set(bytesOf("in the file here"), data);
    // What the bss covers must read as zero although the file goes on.
    file.fill(0xcc, data + 16);
    if (how.interp !== undefined) file.set(bytesOf(how.interp), 0x800);
    this.file(path, file);
  }

  /** Runs `p` as process 1; gives its exit status (0 to 255) or minus the signal that ended it. */
  run(p: Prog, how: ProgramFile = {}, steps = 1_000_000): number {
    this.install("/init", p, how);
    return this.start("/init", steps);
  }

  start(path: string, steps = 1_000_000): number {
    const l = createInit(this.kernel, Cred.of(0, 0), this.kernel.vfs.root);
    if (l === null) throw new Error("no memory for init");
    this.kernel.image.args.start(131072);
    this.kernel.image.args.append(bytesOf(path), false);
    this.kernel.image.args.append(bytesOf("second"), false);
    this.kernel.image.args.append(bytesOf("A=b"), true);
    const r = execInit(l, bytesOf(path));
    if (r !== 0) throw new Error(`execInit: ${r}`);
    const sim = this.machine.sim;
    const most = sim.cpu.steps + steps;
    const advance = sim.clock.advance.bind(sim.clock);
    sim.clock.advance = (ns: number) => {
      if (sim.cpu.steps > most || sim.clock.now > 600e9) throw new Error("the program does not end");
      advance(ns);
    };
    this.kernel.loop();
    const status = this.kernel.initStatus;
    return (status & 0x7f) === 0 ? status >> 8 : -(status & 0x7f);
  }
}

export const NR = {
  read: 0,
  write: 1,
  mprotect: 10,
  rt_sigaction: 13,
  rt_sigprocmask: 14,
  rt_sigreturn: 15,
  pipe: 22,
  nanosleep: 35,
  setitimer: 38,
  getpid: 39,
  fork: 57,
  execve: 59,
  wait4: 61,
  kill: 62,
  sigaltstack: 131,
} as const;

export { REG_RDI, REG_RDX, REG_RSI };
