/** Several CPUs: requests, floods, foreign scheduling, migration, callouts on another CPU, cpusync. */
import { EventLog, type i32 } from "@anax/portable";
import {
  Callout,
  CalloutWheel,
  Cpu,
  CpuGroup,
  CpuMask,
  CpuSync,
  HeapTransport,
  Msg,
  ReplyOnlyPort,
  TDPRI_KERN_DAEMON,
  Thread,
  armOn,
  replyMsg,
  sendMsg,
  type CpuSyncFunction,
  type IpiHandler,
  type MsgHandler,
} from "@anax/lwkt";

class Count implements IpiHandler {
  ran: i32 = 0;
  last: i32 = -1;
  disorder: i32 = 0;

  ipi(_cpu: Cpu, arg: i32): void {
    if (arg <= this.last) this.disorder++;
    this.last = arg;
    this.ran++;
  }
}

/** Sends a request back for each one that comes. */
class Echo implements IpiHandler {
  ran: i32 = 0;

  constructor(
    private readonly group: CpuGroup,
    private readonly to: Cpu,
    private readonly count: Count,
  ) {}

  ipi(_cpu: Cpu, arg: i32): void {
    this.ran++;
    this.group.sendIpi(this.to, this.count, arg);
  }
}

class Nomad implements MsgHandler {
  thread: Thread | null = null;

  constructor(
    private readonly log: EventLog,
    private readonly group: CpuGroup,
  ) {}

  handle(msg: Msg): void {
    const td = this.thread!;
    this.log.value("on CPU", td.cpu.id);
    td.migrate(this.group.cpus[msg.cmd]);
    replyMsg(msg, 0);
  }
}

class Replies extends ReplyOnlyPort {
  constructor(
    private readonly log: EventLog,
    private readonly group: CpuGroup,
  ) {
    super();
  }

  replied(msg: Msg): void {
    this.log.value("replied", msg.cmd);
    this.log.value("from CPU", this.group.current!.id);
  }
}

class Bell extends Callout {
  constructor(private readonly log: EventLog) {
    super();
  }

  fire(): void {
    this.log.value("bell", this.deadline);
  }
}

class Flush implements CpuSyncFunction {
  constructor(private readonly log: EventLog) {}

  run(cpu: Cpu): void {
    this.log.value("flush", cpu.id);
  }
}

export function run(log: EventLog): void {
  const transport = new HeapTransport();
  const group = new CpuGroup(3, transport);
  transport.attach(group);
  for (let i = 0; i < 3; i++) {
    const c = group.cpus[i];
    c.wheel = new CalloutWheel(0, c);
  }
  const c0 = group.cpus[0];
  const c1 = group.cpus[1];
  const c2 = group.cpus[2];

  // A flood in each direction at once: nothing is lost, nothing overtakes, nobody waits for ever.
  const back = new Count();
  const echo = new Echo(group, c0, back);
  group.enter(c0);
  for (let i = 0; i < 1000; i++) group.sendIpi(c1, echo, i);
  group.poll(c1);
  group.poll(c0);
  log.value("echoed", echo.ran);
  log.value("back", back.ran);
  log.value("disorder", back.disorder);
  log.value("signals", transport.signals);
  log.value("full", c0.ipiqs!.fifoFull);
  const nowait = new Count();
  let n: i32 = 0;
  while (c0.ipiqs!.sendNowait(c2, nowait, n) === 0) n++;
  log.value("nowait", n);
  c0.ipiqs!.wait(c2, c0.ipiqs!.send(c2, nowait, n));
  log.value("ran", nowait.ran);
  group.leave(null);

  const nomad = new Nomad(log, group);
  const td = new Thread(c0, "nomad", TDPRI_KERN_DAEMON, nomad);
  nomad.thread = td;
  const replies = new Replies(log, group);
  const route: i32[] = [1, 2, 0, 2];
  for (let i = 0; i < route.length; i++) {
    const msg = new Msg();
    msg.init(replies, route[i]);
    sendMsg(td.port, msg);
  }
  for (let i = 0; i < 9; i++) {
    const ran = group.cpus[i % 3].runThreads(10);
    if (ran > 0) log.value("ran", ran);
  }

  const bell = new Bell(log);
  group.enter(c0);
  armOn(c1, bell, 5000000);
  group.leave(null);
  log.value("next", c1.wheel!.nextDeadline());
  group.poll(c1);
  log.value("next", c1.wheel!.nextDeadline());
  log.value("rang", c1.wheel!.run(6000000));

  const mask = new CpuMask(3);
  mask.add(0);
  mask.add(1);
  const sync = new CpuSync(group, mask, new Flush(log));
  const msg = new Msg();
  msg.init(replies, 1);
  group.enter(td.cpu);
  td.migrate(c1);
  group.leave(null);
  sendMsg(td.port, msg);
  group.enter(c0);
  sync.interlock();
  group.leave(null);
  log.value("held", c1.runThreads(10));
  group.enter(c0);
  sync.deinterlock();
  group.leave(null);
  log.value("free", c1.runThreads(10));
}
