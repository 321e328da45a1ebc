/** Tokens between threads of two CPUs: waiting, sharing, loss by sleep, and the order in which everybody gets on. */
import { EASYNC, EventLog, i32, imul, u32 } from "@anax/portable";
import {
  CpuGroup,
  HeapTransport,
  Msg,
  ReplyOnlyPort,
  TDPRI_KERN_USER,
  Thread,
  Token,
  TokenPool,
  WaitQueue,
  replyMsg,
  sendMsg,
  type MsgHandler,
} from "@anax/lwkt";

class Replies extends ReplyOnlyPort {
  count: i32 = 0;

  replied(_msg: Msg): void {
    this.count++;
  }
}

/** Takes two tokens in an order of its own, works three steps with them, sleeps once in between, and gives them back. */
class Worker implements MsgHandler {
  thread: Thread | null = null;
  private steps: i32 = 0;
  private slept: boolean = false;

  constructor(
    private readonly log: EventLog,
    private readonly id: i32,
    private readonly first: Token,
    private readonly second: Token,
    private readonly shared: boolean,
    private readonly queue: WaitQueue,
  ) {}

  handle(msg: Msg): void {
    const td = this.thread!;
    if (this.steps === 0) {
      if (td.getToken(this.first) === EASYNC) {
        this.log.value("waits for its first", this.id);
        return;
      }
      const got = this.shared ? td.getTokenShared(this.second) : td.getToken(this.second);
      if (got === EASYNC) {
        this.log.value("waits for its second", this.id);
        return;
      }
      if (!this.slept) {
        this.slept = true;
        this.log.value("sleeps", this.id);
        td.sleep(this.queue);
        return;
      }
    }
    this.steps++;
    this.log.value(this.first.isExclusive ? "works" : "WORKS WITHOUT", this.id);
    if (this.steps < 3) {
      if (this.steps === 1) td.again();
      else td.yieldNow();
      return;
    }
    td.relToken(this.second);
    td.relToken(this.first);
    this.log.value("is done", this.id);
    replyMsg(msg, 0);
  }
}

export function run(log: EventLog): void {
  const transport = new HeapTransport();
  const group = new CpuGroup(2, transport);
  transport.attach(group);
  const a = new Token("a", 2);
  const b = new Token("b", 1);
  const queue = new WaitQueue();
  const replies = new Replies();
  const threads: Thread[] = [];
  for (let i = 0; i < 5; i++) {
    const forward = (i & 1) === 0;
    const worker = new Worker(log, i, forward ? a : b, forward ? b : a, i === 4, queue);
    const td = new Thread(group.cpus[i & 1], "worker", TDPRI_KERN_USER + (i & 2), worker);
    worker.thread = td;
    threads.push(td);
    const msg = new Msg();
    msg.init(replies, i);
    sendMsg(td.port, msg);
  }
  let seed: u32 = 7;
  let rounds: i32 = 0;
  while (replies.count < 5 && rounds < 1000) {
    seed = u32(imul(i32(seed), 1664525) + 1013904223);
    const cpu = group.cpus[i32(u32(seed >>> 13) & 1)];
    cpu.runThreads(1);
    if ((rounds & 7) === 7) {
      group.enter(cpu);
      queue.wakeup();
      group.leave(null);
    }
    rounds++;
  }
  log.value("rounds", rounds);
  log.value("done", replies.count);
  log.value("a held", a.isHeld ? 1 : 0);
  log.value("b held", b.isHeld ? 1 : 0);
  log.value("collisions", (a.collisions + b.collisions) | 0);
  log.value("references", threads[0].countToken(a));

  const pool = new TokenPool(16, 100);
  for (let i = 0; i < 8; i++) log.value("pool", pool.lookup((i * 4096) | 0).order);
}
