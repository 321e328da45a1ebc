/**
 * Processes that fork, wait, kill, stop, sleep and exit at random: the kernel side alone, with the user side played by the
 * scenario (each LWP's next call comes from a random number in one of its registers, which fork copies).
 */
import { CalloutWheel, Cpu, type Msg } from "@anax/lwkt";
import { Machine, REG_RAX, REG_RBX, REG_RIP, REG_RSP, USER_END } from "@anax/machine";
import { EASYNC, EventLog, i32, imul, toLong, u32, type long } from "@anax/portable";
import { UserScheduler } from "@anax/scheduler";
import { Cred, TmpFsType, Vfs } from "@anax/vfs-msg";
import { PROT_READ, PROT_WRITE, Vm } from "@anax/vm";
import {
  Abi,
  CLONE_FILES,
  CLONE_FS,
  CLONE_SIGHAND,
  CLONE_THREAD,
  CLONE_VM,
  Kernel,
  KernelClock,
  SA_RESTART,
  SIGCHLD,
  SIGCONT,
  SIGKILL,
  SIGSTOP,
  SIGTERM,
  SIGUSR1,
  SigAction,
  WCONTINUED,
  WNOHANG,
  WUNTRACED,
  chooseLwp,
  createInit,
  kernClone,
  kernExit,
  kernExitGroup,
  kernFutexWait,
  kernFutexWake,
  kernKill,
  kernNanosleep,
  kernSetitimer,
  kernSigaction,
  kernSigprocmask,
  kernSigsuspend,
  kernWait4,
  readyForUser,
  setpgid,
  setsid,
  systemCall,
  takeInterrupts,
  type ExecImage,
  type Lwp,
  type SigInfo,
  type SysMsg,
} from "@anax/kern";

const THREAD: u32 = u32(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD);

class PlayedAbi extends Abi {
  private readonly action: SigAction = new SigAction();
  private readonly oldAction: SigAction = new SigAction();
  handled: i32 = 0;

  constructor(
    private readonly log: EventLog,
    private readonly word: long,
  ) {
    super("played");
  }

  putPort(msg: Msg): i32 {
    const l = (msg as SysMsg).lwp;
    const seed = u32(l.regs.get(REG_RBX));
    const r = this.call(l, seed);
    if (r === EASYNC) return EASYNC;
    msg.result = r;
    if (r < 0) this.log.value("error", r);
    return 0;
  }

  private call(l: Lwp, seed: u32): i32 {
    const arg: i32 = i32((seed >>> 12) & 1023);
    const op: i32 = i32((seed >>> 24) % 20);
    if (!l.inCall) this.log.value("op", (l.tid * 100 + op) | 0);
    switch (op) {
      case 0:
      case 1:
      case 2:
        return kernClone(l, u32(SIGCHLD), 0, 0, 0, 0);
      case 3:
        return kernClone(l, THREAD, 4096, 0, 0, 0);
      case 4:
        return kernWait4(l, -1, arg < 512 ? WNOHANG : 0);
      case 5:
        return kernWait4(l, -1, WUNTRACED | WCONTINUED);
      case 6:
        return kernKill(l, (1 + (arg & 15)) | 0, SIGTERM);
      case 7:
        return kernKill(l, (1 + (arg & 15)) | 0, arg < 512 ? SIGSTOP : SIGCONT);
      case 8:
        return kernKill(l, (1 + (arg & 15)) | 0, SIGKILL);
      case 9:
        return kernKill(l, -1, SIGUSR1);
      case 10:
        return kernNanosleep(l, 1, false, 0, (arg * 1000) | 0);
      case 11:
        return arg < 200 ? kernExitGroup(l, arg) : kernExit(l, arg);
      case 12:
        return setpgid(l.proc, 0, 0);
      case 13:
        return setsid(l.proc);
      case 14:
        return kernSigprocmask(l, arg % 3, u32(1 << (arg & 31)), 0);
      case 15:
        this.action.handler = arg < 700 ? 4096 : toLong(arg & 1);
        this.action.flags = arg < 300 ? SA_RESTART : 0;
        return kernSigaction(l, arg < 900 ? SIGUSR1 : SIGCHLD, this.action, this.oldAction);
      case 16:
        return kernSetitimer(l, 0, toLong(arg) * 1000, 0);
      case 17:
        return kernFutexWait(l, this.word, 0, 0xffffffff, l.kernel.now() + 500000, true);
      case 18:
        return kernFutexWake(l, this.word, 2, 0xffffffff, true);
      default:
        return arg < 900 ? 0 : kernSigsuspend(l, 0, 0);
    }
  }

  isRestartable(_l: Lwp): boolean {
    return true;
  }

  restartCall(l: Lwp): void {
    this.log.value("restart", l.tid);
  }

  sendSignal(l: Lwp, sig: i32, _info: SigInfo, _action: SigAction): i32 {
    this.handled++;
    this.log.value("handler", (l.tid * 100 + sig) | 0);
    // The handler returns at once.
    l.maskLo = l.frameMaskLo;
    l.maskHi = l.frameMaskHi;
    return 0;
  }

  setupStack(_l: Lwp, _image: ExecImage): i32 {
    return 0;
  }

  setRegisters(_l: Lwp, _image: ExecImage): void {}

  setChildReturn(child: Lwp, _sp: long, _tls: long): void {
    child.regs.set(REG_RAX, 0);
    child.regs.set(REG_RBX, toLong(u32(u32(child.regs.get(REG_RBX)) ^ u32(imul(child.tid, 40503)))));
  }
}

function step(seed: u32): u32 {
  return u32(imul(i32(seed), 1103515245) + 12345);
}

export function run(log: EventLog): void {
  const machine = new Machine();
  const vm = new Vm(machine);
  const clock = new KernelClock(machine);
  const vfs = new Vfs(machine, vm.pages, clock);
  vfs.addType(new TmpFsType());
  log.value("mount", vfs.mountRoot("tmpfs", ""));
  const k = new Kernel(machine, vm, vfs, new UserScheduler(), new CalloutWheel(machine.nanotime()), new Cpu(0), clock);
  const stack: long = USER_END - 4096;
  const abi = new PlayedAbi(log, stack);
  const first = createInit(k, Cred.of(0, 0), vfs.root);
  if (first === null) {
    log.line("no memory");
    return;
  }
  const p = first.proc;
  p.abi = abi;
  p.space = vm.newSpace();
  log.value("stack", p.vm.mapStack(USER_END, 65536, PROT_READ | PROT_WRITE));
  first.regs.set(REG_RBX, 20260101);
  first.regs.set(REG_RSP, stack);
  first.regs.set(REG_RIP, 4096);
  k.scheduler.setRunnable(first.sched, k.now());

  for (let n: i32 = 0; n < 3000 && !k.initExited; n++) {
    takeInterrupts(k);
    if (k.wheel.armedCount > 0) k.wheel.run(machine.nanotime());
    const l = chooseLwp(k);
    if (l === null) {
      const next = k.wheel.nextDeadline();
      if (next < 0) {
        // All wait for each other: process 1 is made to go on.
        log.line("deadlock");
        first.leaveAll();
        first.wake();
        continue;
      }
      machine.setTimer(next);
      machine.idle();
      continue;
    }
    if (l.inCall || l.ast) {
      if (!readyForUser(k, l)) continue;
    }
    const seed = step(u32(l.regs.get(REG_RBX)));
    l.regs.set(REG_RBX, toLong(seed));
    // Process 1 only forks, waits and sleeps, else the scenario were over at once.
    if (l.proc.pid === 1 && (seed >>> 24) % 20 === 11) continue;
    systemCall(k, l);
    if ((n & 7) === 0) k.scheduler.needResched = true;
  }
  log.value("processes", k.pids.procCount);
  log.value("lwps", k.pids.lwpCount);
  log.value("last", k.pids.lastPid);
  log.value("forks", k.forks);
  log.value("handled", abi.handled);
  log.value("free", k.pages.freeCount);
  log.value("armed", k.wheel.armedCount);
  log.value("runnable", k.scheduler.runnable);
}
