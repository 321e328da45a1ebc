/** Threads that sleep, call others, preempt and take turns; shared and serialized ports. */
import { EASYNC, EventLog, type i32 } from "@anax/portable";
import {
  Cpu,
  Msg,
  ReplyOnlyPort,
  SerializePort,
  Serializer,
  SpinPort,
  TDPRI_INT_MED,
  TDPRI_KERN_DAEMON,
  TDPRI_KERN_USER,
  Thread,
  Waiter,
  forwardMsg,
  replyMsg,
  sendMsg,
  type MsgHandler,
} from "@anax/lwkt";

class Replies extends ReplyOnlyPort {
  constructor(private readonly log: EventLog) {
    super();
  }

  replied(msg: Msg): void {
    this.log.value("reply to", msg.cmd);
    this.log.value("error", msg.error);
  }
}

/** Answers its messages out of order: keeps one and answers it with the next. */
class Slow implements MsgHandler {
  private kept: Msg | null = null;

  constructor(private readonly log: EventLog) {}

  handle(msg: Msg): void {
    this.log.value("slow gets", msg.cmd);
    const before = this.kept;
    this.kept = msg;
    if (before !== null) replyMsg(before, before.cmd);
  }
}

class Caller implements MsgHandler {
  thread: Thread | null = null;
  private calling: boolean = false;
  private readonly sub: Msg = new Msg();

  constructor(
    private readonly log: EventLog,
    private readonly target: Thread,
  ) {}

  handle(msg: Msg): void {
    const td = this.thread!;
    if (!this.calling) {
      this.calling = true;
      this.sub.init(td.port, msg.cmd);
    }
    const error = td.call(this.target.port, this.sub);
    if (error === EASYNC) {
      this.log.value("caller sleeps for", msg.cmd);
      return;
    }
    this.calling = false;
    replyMsg(msg, error);
  }
}

class Interrupt implements MsgHandler {
  constructor(private readonly log: EventLog) {}

  handle(msg: Msg): void {
    this.log.value("interrupt", msg.cmd);
    replyMsg(msg, 0);
  }
}

/** Causes interrupts, and hands its messages on. */
class Driver implements MsgHandler {
  private readonly events: Msg[] = [];
  cpu: Cpu | null = null;

  constructor(
    private readonly log: EventLog,
    private readonly irq: Thread,
    private readonly replies: Replies,
    private readonly next: SpinPort,
  ) {
    for (let i = 0; i < 8; i++) this.events.push(new Msg());
  }

  handle(msg: Msg): void {
    this.log.value("driver begins", msg.cmd);
    const event = this.events[msg.cmd];
    event.init(this.replies, (100 + msg.cmd) | 0);
    const quiet = (msg.cmd & 1) === 0;
    if (quiet) this.cpu!.critEnter();
    sendMsg(this.irq.port, event);
    if (quiet) this.cpu!.critExit();
    this.log.value("driver ends", msg.cmd);
    forwardMsg(this.next, msg);
  }
}

class Server implements MsgHandler {
  constructor(
    private readonly log: EventLog,
    private readonly id: i32,
  ) {}

  handle(msg: Msg): void {
    this.log.value("server", this.id);
    replyMsg(msg, 0);
  }
}

class Owner extends Waiter {
  constructor(
    private readonly log: EventLog,
    private readonly id: i32,
  ) {
    super();
  }

  wake(): void {
    this.log.value("woken", this.id);
  }
}

export function run(log: EventLog): void {
  const cpu = new Cpu(0);
  const replies = new Replies(log);
  const slow = new Thread(cpu, "slow", TDPRI_KERN_DAEMON, new Slow(log));
  for (let i = 0; i < 3; i++) {
    const caller = new Caller(log, slow);
    const td = new Thread(cpu, "caller", TDPRI_KERN_USER, caller);
    td.setUpri(i);
    caller.thread = td;
    const msg = new Msg();
    msg.init(replies, (i + 1) | 0);
    sendMsg(td.port, msg);
  }
  log.value("turns", cpu.runThreads(100));

  const pool = new SpinPort();
  for (let i = 0; i < 2; i++) pool.serve(new Thread(cpu, "server", TDPRI_KERN_USER, new Server(log, i)));
  const irq = new Thread(cpu, "irq", TDPRI_INT_MED, new Interrupt(log));
  irq.preempts = true;
  const driver = new Driver(log, irq, replies, pool);
  driver.cpu = cpu;
  const td = new Thread(cpu, "driver", TDPRI_KERN_DAEMON, driver);
  for (let i = 0; i < 5; i++) {
    const msg = new Msg();
    msg.init(replies, i);
    sendMsg(td.port, msg);
  }
  log.value("turns", cpu.runThreads(100));
  log.value("preemptions", cpu.preemptions);

  const serializer = new Serializer();
  const port = new SerializePort(serializer);
  const a = new Owner(log, 1);
  const b = new Owner(log, 2);
  log.value("a enters", serializer.enter(a));
  log.value("b waits", serializer.enter(b) === EASYNC ? 1 : 0);
  log.value("empty", port.waitPort(a) === null ? 1 : 0);
  log.value("b enters", serializer.enter(b));
  const msg = new Msg();
  msg.init(port, 5);
  sendMsg(port, msg);
  serializer.exit(b);
  log.value("a enters", serializer.tryEnter(a) ? 1 : 0);
  const got = port.waitPort(a);
  log.value("a has", got === null ? -1 : got.cmd);
}
