/** Messages through thread ports: priority order, round robin between equal threads, replies, EASYNC, abort and drop. */
import { EASYNC, Errno, EventLog, type i32 } from "@anax/portable";
import {
  Cpu,
  MSGF_ABORTABLE,
  MSGF_PRIORITY,
  Msg,
  ReplyOnlyPort,
  PutOnlyPort,
  TDPRI_KERN_DAEMON,
  TDPRI_SOFT_NORM,
  Thread,
  abortMsg,
  beginMsg,
  doMsg,
  replyMsg,
  sendMsg,
  type AbortHandler,
  type MsgHandler,
} from "@anax/lwkt";

class Echo implements MsgHandler {
  constructor(
    private readonly log: EventLog,
    private readonly name: string,
  ) {}

  handle(msg: Msg): void {
    this.log.value(this.name, msg.cmd);
    msg.result = (msg.cmd * 2) | 0;
    replyMsg(msg, 0);
  }
}

class Replies extends ReplyOnlyPort {
  constructor(private readonly log: EventLog) {
    super();
  }

  replied(msg: Msg): void {
    this.log.value("reply error", msg.error);
    this.log.value("reply result", msg.result);
  }
}

/** Finishes even commands at once and keeps odd ones until they are aborted. */
class Half extends PutOnlyPort implements AbortHandler {
  putPort(msg: Msg): i32 {
    if ((msg.cmd & 1) === 0) return msg.cmd === 0 ? 0 : Errno.INVAL;
    msg.flags |= MSGF_ABORTABLE;
    msg.abortHandler = this;
    return EASYNC;
  }

  abort(msg: Msg): void {
    replyMsg(msg, Errno.INTR);
  }
}

export function run(log: EventLog): void {
  const cpu = new Cpu(0);
  const low1 = new Thread(cpu, "low1", TDPRI_KERN_DAEMON, new Echo(log, "low1"));
  const low2 = new Thread(cpu, "low2", TDPRI_KERN_DAEMON, new Echo(log, "low2"));
  const high = new Thread(cpu, "high", TDPRI_SOFT_NORM, new Echo(log, "high"));
  const replies = new Replies(log);
  for (let i = 0; i < 9; i++) {
    const msg = new Msg();
    msg.init(replies, i);
    if (i === 6) msg.flags |= MSGF_PRIORITY;
    sendMsg(i % 3 === 0 ? low1.port : i % 3 === 1 ? low2.port : high.port, msg);
  }
  const dropped = new Msg();
  dropped.init(replies, 77);
  sendMsg(low1.port, dropped);
  log.value("drop", low1.port.dropMsg(dropped));
  log.value("drop again", low1.port.dropMsg(dropped));
  log.value("ran", cpu.runThreads(4));
  log.value("ran", cpu.runThreads(100));
  const half = new Half();
  const msg = new Msg();
  msg.init(replies, 0);
  log.value("do", doMsg(half, msg));
  msg.init(replies, 2);
  log.value("begin", beginMsg(half, msg));
  msg.init(replies, 3);
  log.value("begin", beginMsg(half, msg) === EASYNC ? 1 : 0);
  log.value("abort", abortMsg(msg));
  log.value("abort again", abortMsg(msg));
  msg.init(replies, 4);
  sendMsg(half, msg);
}
