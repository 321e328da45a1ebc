/**
 * The system: one kernel instance composed from the packages, from power-on to the first program.
 *
 * `boot` is the platform's entry; `System#start` is the list of what happens, in order. Neighbours: `devices.ts`,
 * `command-line.ts`, `collector.ts`; everything else is in packages.
 * Invariant: every object of the kernel hangs off `root`, the one root of the garbage collector.
 */
import { ElfLoader, LinuxAbi, UnknownSyscallsFile } from "@anax/abi-compat";
import {
  Kernel,
  KernelClock,
  KernelProcSource,
  SYSV_MSG,
  SYSV_SEM,
  SYSV_SHM,
  SysvFile,
  createInit,
  execInit,
  openName,
} from "@anax/kern";
import { CalloutWheel, Cpu } from "@anax/lwkt";
import { BOOT_MODULE, BOOT_MODULE_SIZE, HALT_BROKEN_IMAGE, Machine } from "@anax/machine";
import { Errno, TextBuilder, bytesOf, stringOf, toLong, type i32 } from "@anax/portable";
import { UserScheduler } from "@anax/scheduler";
import {
  Cred,
  DevFs,
  EmptyFsType,
  Initramfs,
  KmsgDevice,
  NLC_FOLLOW,
  PhysSource,
  SYSFS_MAGIC,
  ProcFs,
  TmpFsType,
  Vfs,
  addMemoryDevices,
} from "@anax/vfs-msg";
import { Vm } from "@anax/vm";
import { HeapCollector } from "./collector";
import { CommandLine } from "./command-line";
import { Devices } from "./devices";
import { readRtc } from "./devices/rtc";

const O_RDWR: i32 = 2;
/** Bytes of entropy that the generator starts with. */
const SEED_BYTES: i32 = 64;

export class System {
  readonly machine: Machine;
  readonly commandLine: CommandLine;
  readonly kernel: Kernel;
  readonly devfs: DevFs;
  readonly procfs: ProcFs;
  readonly devices: Devices;
  readonly abi: LinuxAbi;

  constructor() {
    const m = new Machine();
    const vm = new Vm(m);
    const clock = new KernelClock(m);
    clock.setRealtime(readRtc(m), 0);
    const vfs = new Vfs(m, vm.pages, clock);
    const k = new Kernel(m, vm, vfs, new UserScheduler(), new CalloutWheel(m.nanotime()), new Cpu(0), clock);
    const devfs = new DevFs(vfs);
    const commandLine = new CommandLine(m);
    this.machine = m;
    this.commandLine = commandLine;
    this.kernel = k;
    this.devfs = devfs;
    this.procfs = new ProcFs(vfs, new KernelProcSource(k, commandLine.bytes));
    this.devices = new Devices(k, devfs);
    this.abi = new LinuxAbi(k);
  }

  /** Everything before the first program. An error text when the image is broken, null when it may run. */
  start(): string | null {
    const k = this.kernel;
    k.collector = new HeapCollector();
    k.abis.push(this.abi);
    k.loaders.push(new ElfLoader(this.abi));
    k.vfs.addType(new TmpFsType());
    k.vfs.addType(new TmpFsType("ramfs"));
    k.vfs.addType(new EmptyFsType("sysfs", SYSFS_MAGIC));
    if (k.vfs.mountRoot("tmpfs", "mode=755") !== 0) return "no memory for the root file system";
    this.seed();
    addMemoryDevices(this.devfs, k.random);
    this.devfs.add(new KmsgDevice(k.messages, this.machine));
    this.procfs.addFile("anax/unknown_syscalls", new UnknownSyscallsFile(this.abi.counters));
    this.procfs.addFile("sysvipc/shm", new SysvFile(k, SYSV_SHM));
    this.procfs.addFile("sysvipc/sem", new SysvFile(k, SYSV_SEM));
    this.procfs.addFile("sysvipc/msg", new SysvFile(k, SYSV_MSG));
    this.devices.start(this.commandLine.value("console"));
    const broken = this.unpack();
    return broken !== null ? broken : this.startInit();
  }

  /** The random generator starts with what the CPU has; virtio-rng adds to it later. */
  private seed(): void {
    const buf = new Uint8Array(SEED_BYTES);
    const n = this.machine.entropy(buf, 0, SEED_BYTES);
    if (n > 0) this.kernel.random.mix(buf, 0, n, (n * 8) | 0);
    buf.fill(0);
  }

  /** The archive that came with the kernel becomes the root file system; its memory is given back. */
  private unpack(): string | null {
    const k = this.kernel;
    const base = this.machine.bootParam(BOOT_MODULE);
    const size = this.machine.bootParam(BOOT_MODULE_SIZE);
    if (base === toLong(0) || size === toLong(0)) return "no initramfs: the boot loader handed over no module";
    const archive = new Initramfs(k.vfs, new PhysSource(this.machine, base, size));
    if (archive.unpack(k.vfs.root) !== 0) return `initramfs: ${archive.error}`;
    k.pages.adopt(base, size);
    return null;
  }

  private startInit(): string | null {
    const k = this.kernel;
    const lwp = createInit(k, Cred.of(0, 0), k.vfs.root);
    if (lwp === null) return "no memory for process 1";
    let path: Uint8Array | null = this.commandLine.value("rdinit");
    if (path === null) path = this.commandLine.value("init");
    if (path === null) path = bytesOf("/init");
    this.openConsole();
    const args = k.image.args;
    args.start(131072);
    args.append(path, false);
    const words = this.commandLine.initArguments();
    for (let i = 0; i < words.length; i++) args.append(words[i], false);
    args.append(bytesOf("HOME=/"), true);
    args.append(bytesOf("TERM=linux"), true);
    const r = execInit(lwp, path);
    if (r === 0) return null;
    const what = new TextBuilder(64);
    what
      .str(stringOf(path, 0, path.length))
      .str(": ")
      .str(reason(r))
      .str(" (error ")
      .num(-r)
      .str(")");
    return what.toString();
  }

  /** Descriptors 0, 1 and 2 of process 1 are the console, if the image has the node. */
  private openConsole(): void {
    const k = this.kernel;
    const lwp = k.init!.lwps!;
    const fc = k.fc;
    const path = bytesOf("/dev/console");
    fc.nd.init(k.vfs.root, k.vfs.root, lwp.proc.cred, NLC_FOLLOW);
    fc.nd.setPath(path, 0, path.length);
    if (openName(lwp, fc.nd, O_RDWR, 0) !== 0) return;
    const file = fc.opened!;
    fc.opened = null;
    const files = lwp.proc.files!;
    for (let fd = 0; fd < 3; fd++) {
      if (fd > 0) file.ref();
      files.put(fd, file, false);
    }
  }
}

/** What is wrong with the first program, in words. */
function reason(error: i32): string {
  if (error === -Errno.NOENT) return "not found in the image";
  if (error === -Errno.NOEXEC)
    return "not an executable that this kernel runs (static or dynamic ELF64 for x86-64, or a script)";
  if (error === -Errno.ACCES) return "not executable";
  if (error === -Errno.NOMEM) return "not enough memory";
  return "cannot be run";
}

/** What the collector marks from: a global, since it looks at no stack. */
class Root {
  system: System | null = null;
}

const root = new Root();

/** The platform's entry. Never returns. */
export function boot(): void {
  const s = new System();
  root.system = s;
  const broken = s.start();
  if (broken !== null) {
    s.kernel.log(`anax: broken image: ${broken}`);
    s.machine.halt(HALT_BROKEN_IMAGE);
  }
  const code = s.kernel.loop();
  s.devices.drain();
  s.machine.halt(code);
}
