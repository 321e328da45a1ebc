/** One thread: a message to a port that answers at once, and one that is queued, handled and answered by a thread. */
import { MessageChannel } from "node:worker_threads";
import { compare, inTurns, type Row } from "@anax/kts/bench";
import { Cpu, Msg, PutOnlyPort, ReplyOnlyPort, TDPRI_KERN_USER, Thread, doMsg, replyMsg, sendMsg } from "@anax/lwkt";

class Answering extends PutOnlyPort {
  putPort(msg: Msg): number {
    msg.result = msg.cmd + 1;
    return 0;
  }
}

class Replies extends ReplyOnlyPort {
  got = 0;

  replied(msg: Msg): void {
    this.got += msg.result;
  }
}

class Worker {
  handle(msg: Msg): void {
    msg.result = msg.cmd + 1;
    replyMsg(msg, 0);
  }
}

export async function localRows(rounds: number, scale: number): Promise<Row[]> {
  const port = new Answering();
  const msg = new Msg();
  const cpu = new Cpu(0);
  const thread = new Thread(cpu, "worker", TDPRI_KERN_USER, new Worker());
  const replies = new Replies();
  const { port1, port2 } = new MessageChannel();
  port2.on("message", (n: number) => port2.postMessage(n + 1));
  let resolve = (_n: number): void => {};
  port1.on("message", (n: number) => resolve(n));
  let sum = 0;
  const domsg = (count: number): void => {
    for (let i = 0; i < count; i++) {
      msg.init(null, i);
      doMsg(port, msg);
      sum += msg.result;
    }
  };
  const queued = (count: number): void => {
    for (let i = 0; i < count; i++) {
      msg.init(replies, i);
      sendMsg(thread.port, msg);
      cpu.runThreads(1);
    }
  };
  const channel = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) {
      const reply = new Promise<number>((r) => {
        resolve = r;
      });
      port1.postMessage(i);
      sum += await reply;
    }
  };
  const counts = [1_000_000, 1_000_000, 2000].map((n) => Math.ceil(n * scale));
  const times = await inTurns(["lwkt domsg", "lwkt sendmsg", "MessageChannel in one thread"], counts, rounds, (i, n) =>
    [domsg, queued, channel][i]!(n),
  );
  port1.close();
  if (!Number.isFinite(sum + replies.got)) throw new Error("sums");
  return [
    ...compare("local domsg", [times[0]!, times[2]!]),
    ...compare("local send, handle, reply", [times[1]!, times[2]!]),
  ];
}
