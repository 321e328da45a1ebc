/** Two processes at a pipe, with pseudo-random sizes: results, sleeps, wake-ups and contents. */
import { CalloutWheel, Cpu } from "@anax/lwkt";
import { Machine } from "@anax/machine";
import { EASYNC, EventLog, getI32, i32, imul, u32, type long } from "@anax/portable";
import { UserScheduler } from "@anax/scheduler";
import { Cred, TmpFsType, Vfs } from "@anax/vfs-msg";
import { MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE, PROT_READ, PROT_WRITE, Vm } from "@anax/vm";
import { KernelClock } from "../src/clock";
import { kernFcntl } from "../src/fdops";
import { F_SETPIPE_SZ } from "../src/fcntl";
import { kernRead, kernWrite } from "../src/fileops";
import { createInit } from "../src/fork";
import { Kernel } from "../src/kernel";
import { LS_RUN, LS_SLEEP, type Lwp } from "../src/lwp";
import { kernClose, kernPipe2 } from "../src/open";

const BASE: long = 0x10000000;
const SIZE: i32 = 131072;

/** One side: a process with memory, and the call that it is in. */
class Side {
  /** Bytes of the call that sleeps; 0 for none. */
  pending: i32 = 0;
  /** Bytes moved in all, and the value of the next one. */
  moved: i32 = 0;
  next: u32 = 1;
  sum: u32 = 0;
  readonly buf: Uint8Array = new Uint8Array(SIZE);

  constructor(
    readonly kernel: Kernel,
    readonly lwp: Lwp,
    readonly name: string,
    readonly isReader: boolean,
    readonly log: EventLog,
  ) {
    lwp.proc.space = kernel.vm.newSpace();
    this.enter();
    const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
    lwp.proc.vm.map(BASE, SIZE, PROT_READ | PROT_WRITE, flags, null, 0);
  }

  enter(): void {
    this.kernel.current = this.lwp;
    this.kernel.vm.waiter = this.lwp;
    this.lwp.proc.vm.activate();
  }

  start(fd: i32, n: i32): void {
    if (this.pending > 0) return;
    if (!this.isReader) {
      for (let i = 0; i < n; i++) {
        this.next = u32(imul(i32(this.next), 69069) + 1);
        this.buf[i] = (this.next >>> 24) & 0xff;
      }
      this.enter();
      this.lwp.proc.vm.copyout(this.buf, 0, BASE, n);
    }
    this.lwp.clearOp();
    this.pending = n;
    this.run(fd);
  }

  /** Runs the call, again after a wake-up. */
  run(fd: i32): void {
    const l = this.lwp;
    this.enter();
    l.state = LS_RUN;
    l.wakePending = false;
    const n = this.pending;
    const r = this.isReader ? kernRead(l, fd, BASE, n) : kernWrite(l, fd, BASE, n);
    if (r === EASYNC) {
      this.log.text.str(this.name).str(" sleeps ").num(l.opDone).byte(10);
      l.inCall = true;
      l.state = LS_SLEEP;
      return;
    }
    l.inCall = false;
    l.clearOp();
    this.pending = 0;
    this.log.text.str(this.name).byte(32).num(r).byte(10);
    if (r <= 0) return;
    this.moved = (this.moved + r) | 0;
    l.proc.vm.copyin(BASE, this.buf, 0, r);
    for (let i = 0; i < r; i++) this.sum = u32(imul(i32(this.sum), 31) + this.buf[i]);
  }

  get isWoken(): boolean {
    return this.pending > 0 && this.lwp.state !== LS_SLEEP;
  }
}

function settle(a: Side, r: i32, b: Side, w: i32): void {
  while (a.isWoken || b.isWoken) {
    if (a.isWoken) a.run(r);
    if (b.isWoken) b.run(w);
  }
}

export function run(log: EventLog): void {
  const machine = new Machine();
  const vm = new Vm(machine);
  const vfs = new Vfs(machine, vm.pages, new KernelClock(machine));
  vfs.addType(new TmpFsType());
  log.value("root", vfs.mountRoot("tmpfs", ""));
  const clock = new KernelClock(machine);
  const wheel = new CalloutWheel(machine.nanotime());
  const kernel = new Kernel(machine, vm, vfs, new UserScheduler(), wheel, new Cpu(0), clock);
  const reader = new Side(kernel, createInit(kernel, Cred.of(0, 0), vfs.root)!, "reader", true, log);
  const writer = new Side(kernel, createInit(kernel, Cred.of(0, 0), vfs.root)!, "writer", false, log);
  reader.enter();
  log.value("pipe", kernPipe2(reader.lwp, BASE, 0));
  reader.lwp.proc.vm.copyin(BASE, reader.buf, 0, 8);
  const r = getI32(reader.buf, 0);
  const far = getI32(reader.buf, 4);
  const file = reader.lwp.proc.files!.take(far)!;
  const w = writer.lwp.proc.files!.install(file, false, 10);
  log.value("write end", w);
  let seed: u32 = 7;
  for (let i = 0; i < 400; i++) {
    seed = u32(imul(i32(seed), 1103515245) + 12345);
    const small = (seed & 0x10000) !== 0;
    const n = (i32((seed >>> 8) & (small ? 0x1fff : 0xffff)) + 1) | 0;
    if ((seed & 0x20000) !== 0) writer.start(w, n);
    else reader.start(r, n);
    settle(reader, r, writer, w);
    if (i % 50 === 25 && writer.pending === 0) {
      log.value("resize", kernFcntl(writer.lwp, w, F_SETPIPE_SZ, small ? 8192 : 131072));
    }
  }
  while (writer.pending > 0 || reader.moved < writer.moved) {
    reader.start(r, 50000);
    settle(reader, r, writer, w);
  }
  log.value("moved", reader.moved);
  log.value("same", reader.moved === writer.moved && reader.sum === writer.sum ? 1 : 0);
  writer.enter();
  kernClose(writer.lwp, w);
  if (reader.pending > 0) settle(reader, r, writer, w);
  else reader.start(r, 10);
}
