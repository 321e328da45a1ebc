/**
 * System calls of every number with sound and with hostile arguments, by one process whose registers the scenario sets: the
 * same results on both builds, and no argument harms the kernel.
 */
import { CalloutWheel, Cpu } from "@anax/lwkt";
import {
  Machine,
  REG_R10,
  REG_R8,
  REG_R9,
  REG_RAX,
  REG_RDI,
  REG_RDX,
  REG_RIP,
  REG_RSI,
  REG_RSP,
  USER_END,
} from "@anax/machine";
import { EventLog, i32, imul, putLong, toLong, u32, type long } from "@anax/portable";
import { UserScheduler } from "@anax/scheduler";
import { Cred, DevFs, TmpFsType, Vfs, addMemoryDevices } from "@anax/vfs-msg";
import { MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE, PROT_READ, PROT_WRITE, Vm } from "@anax/vm";
import {
  Kernel,
  KernelClock,
  SA_RESTORER,
  SIGUSR2,
  SigAction,
  chooseLwp,
  createInit,
  kernSigaction,
  procSignal,
  readyForUser,
  systemCall,
  takeInterrupts,
  type Lwp,
} from "@anax/kern";
import { LinuxAbi } from "../src/linux/abi";
import { NONE } from "../src/linux/table";

/** 16 pages: strings, then words that look like lengths, addresses and flags. */
const DATA: long = 0x10000000;
const DATA_SIZE: i32 = 65536;
const CALLS: i32 = 6000;

class Dice {
  constructor(private seed: u32) {}

  next(): u32 {
    this.seed = u32(imul(i32(this.seed), 1103515245) + 12345);
    return this.seed >>> 8;
  }

  below(n: i32): i32 {
    return i32(this.next() % u32(n));
  }
}

/** Not called: the end of the process, copies of it, the end of the kernel, and a frame that is none. */
function isExcluded(nr: i32): boolean {
  switch (nr) {
    case 15: // rt_sigreturn
    case 56: // clone
    case 57: // fork
    case 58: // vfork
    case 60: // exit
    case 231: // exit_group
    case 169: // reboot
    case 435: // clone3
      return true;
    default:
      return false;
  }
}

function argument(d: Dice): long {
  switch (d.below(12)) {
    case 0:
      return 0;
    case 1:
      return -1;
    case 2:
      return toLong(d.below(8));
    case 3:
      return toLong(d.below(100000));
    case 4:
      return toLong(1 << d.below(31));
    case 5:
      return DATA + ((d.below(16) * 32) | 0);
    case 6:
      return DATA + DATA_SIZE - d.below(64);
    case 7:
      return USER_END - d.below(5000);
    case 8:
      return USER_END + d.below(5000);
    case 9:
      return toLong(d.below(4096)) * 4096;
    case 10:
      return -100;
    default:
      return DATA + 4096 + d.below(60000);
  }
}

function fillStrings(b: Uint8Array): void {
  const names = [
    "/",
    "/a",
    "/a/b",
    "/c",
    "a",
    "",
    "/dev/null",
    "/dev/zero",
    "..",
    "/tmp",
    "/l",
    "tmpfs",
    "/a/b/c",
    "./c",
    "x",
    "/proc",
  ];
  for (let i = 0; i < 16; i++) {
    const s = names[i];
    for (let k = 0; k < s.length; k++) b[i * 32 + k] = s.charCodeAt(k);
  }
}

function fillWords(b: Uint8Array, d: Dice): void {
  for (let at: i32 = 4096; at < DATA_SIZE; at += 8) putLong(b, at, argument(d));
}

export function run(log: EventLog): void {
  const machine = new Machine();
  const vm = new Vm(machine);
  const clock = new KernelClock(machine);
  clock.bootSec = 1700000000;
  const vfs = new Vfs(machine, vm.pages, clock);
  vfs.addType(new TmpFsType());
  log.value("root", vfs.mountRoot("tmpfs", ""));
  const k = new Kernel(machine, vm, vfs, new UserScheduler(), new CalloutWheel(machine.nanotime()), new Cpu(0), clock);
  addMemoryDevices(new DevFs(vfs), k.random);
  const abi = new LinuxAbi(k);
  const first = createInit(k, Cred.of(0, 0), vfs.root);
  if (first === null) {
    log.line("no memory");
    return;
  }
  const p = first.proc;
  p.abi = abi;
  p.space = vm.newSpace();
  const space = p.vm;
  space.activate();
  log.value("stack", space.mapStack(USER_END, 65536, PROT_READ | PROT_WRITE));
  const action = new SigAction();
  action.handler = 0x400000;
  action.flags = SA_RESTORER;
  k.scheduler.setRunnable(first.sched, k.now());

  const dice = new Dice(20260607);
  const data = new Uint8Array(DATA_SIZE);
  fillStrings(data);
  let finished: i32 = 0;
  let woken: i32 = 0;
  let nr: i32 = 0;
  let busy = false;
  for (let turn: i32 = 0; turn < CALLS * 20 && finished < CALLS && !k.initExited; turn++) {
    takeInterrupts(k);
    if (k.wheel.armedCount > 0) k.wheel.run(machine.nanotime());
    const l = chooseLwp(k);
    if (l === null) {
      // It waits for somebody: a signal with a handler ends that.
      woken++;
      first.maskLo = 0;
      kernSigaction(first, SIGUSR2, action, null);
      procSignal(p, SIGUSR2);
      continue;
    }
    if (l.inCall || l.ast) {
      if (!readyForUser(k, l)) continue;
    }
    if (busy) {
      busy = false;
      finished++;
      log.value(abi.table.name(nr), l.sysmsg.result);
    }
    nr = dice.below(464);
    if (isExcluded(nr) || (abi.table.state(nr) === NONE && dice.below(8) !== 0)) continue;
    if (finished % 16 === 0) renew(l, data, dice);
    setCall(l, nr, dice);
    busy = true;
    systemCall(k, l);
  }
  log.value("finished", finished);
  log.value("woken", woken);
  log.value("exited", k.initExited ? 1 : 0);
  log.value("unknown", toLong(abi.counters.count(335)) + toLong(abi.counters.count(101)));
}

/** The data area is there again, with other words, whatever the calls did to it. */
function renew(l: Lwp, data: Uint8Array, dice: Dice): void {
  const space = l.proc.vm;
  space.map(DATA, DATA_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, null, 0);
  fillWords(data, dice);
  space.copyout(data, 0, DATA, DATA_SIZE);
}

/** Descriptors, small numbers and names are what first arguments usually are. */
function firstArgument(d: Dice): long {
  const n = d.below(8);
  if (n < 3) return toLong(d.below(12));
  return n < 6 ? DATA + ((d.below(16) * 32) | 0) : argument(d);
}

function setCall(l: Lwp, nr: i32, dice: Dice): void {
  const regs = l.regs;
  regs.set(REG_RAX, nr);
  regs.set(REG_RDI, firstArgument(dice));
  regs.set(REG_RSI, argument(dice));
  regs.set(REG_RDX, argument(dice));
  regs.set(REG_R10, argument(dice));
  regs.set(REG_R8, argument(dice));
  regs.set(REG_R9, argument(dice));
  regs.set(REG_RSP, USER_END - 4096);
  regs.set(REG_RIP, 0x400000);
}
