import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EASYNC, Errno } from "@anax/portable";
import {
  Cpu,
  MSGF_ABORTABLE,
  MSGF_DONE,
  MSGF_DROPABLE,
  MSGF_PRIORITY,
  MSGF_QUEUED,
  MSGF_REPLY,
  Msg,
  PanicPort,
  Port,
  PutOnlyPort,
  QueuePort,
  ReplyNullPort,
  ReplyOnlyPort,
  TDPRI_KERN_USER,
  Thread,
  Waiter,
  abortMsg,
  beginMsg,
  callMsg,
  doMsg,
  forwardMsg,
  replyMsg,
  sendMsg,
  waitMsg,
  type AbortHandler,
} from "@anax/lwkt";

class Inbox extends QueuePort {
  notified = 0;
  override notify(): void {
    this.notified++;
  }
}

class Sleeper extends Waiter {
  woken = 0;
  override wake(): void {
    this.woken++;
  }
}

class Replies extends ReplyOnlyPort {
  got: Msg[] = [];
  override replied(msg: Msg): void {
    this.got.push(msg);
  }
}

/** Answers at once with `error`, or keeps the message when it is EASYNC. */
class Service extends PutOnlyPort implements AbortHandler {
  error = 0;
  kept: Msg[] = [];
  aborts = 0;
  override putPort(msg: Msg): number {
    if (this.error === EASYNC) this.kept.push(msg);
    return this.error;
  }
  abort(msg: Msg): void {
    this.aborts++;
    replyMsg(msg, Errno.INTR);
  }
}

function fresh(reply: Port | null, cmd = 0): Msg {
  const msg = new Msg();
  msg.init(reply, cmd);
  return msg;
}

describe("the target decides", () => {
  it("at once: the sender gets the error, and sendMsg queues the reply all the same", () => {
    const service = new Service();
    const inbox = new Inbox();
    service.error = Errno.IO;
    expect(doMsg(service, fresh(inbox))).toBe(Errno.IO);
    expect(beginMsg(service, fresh(inbox))).toBe(Errno.IO);
    expect(inbox.isEmpty).toBe(true);
    const msg = fresh(inbox);
    sendMsg(service, msg);
    expect(inbox.getPort()).toBe(msg);
    expect([msg.error, msg.flags & (MSGF_DONE | MSGF_REPLY | MSGF_QUEUED)]).toEqual([Errno.IO, MSGF_DONE | MSGF_REPLY]);
  });

  it("later: a caller that can sleep is woken by the reply, which is not queued", () => {
    const service = new Service();
    service.error = EASYNC;
    const inbox = new Inbox();
    const sleeper = new Sleeper();
    const msg = fresh(inbox);
    expect(callMsg(service, msg, sleeper)).toBe(EASYNC);
    expect(callMsg(service, msg, sleeper)).toBe(EASYNC);
    expect(() => waitMsg(msg, new Sleeper())).toThrow(/two wait/);
    replyMsg(msg, Errno.NOENT);
    expect([sleeper.woken, inbox.isEmpty]).toEqual([1, true]);
    expect(callMsg(service, msg, sleeper)).toBe(Errno.NOENT);
    // And again with the same message, now finished at once.
    service.error = 0;
    msg.init(inbox, 0);
    expect(callMsg(service, msg, sleeper)).toBe(0);
    expect(sleeper.woken).toBe(1);
  });

  it("later: a message that was sent can be waited for; its reply is taken off the queue", () => {
    const service = new Service();
    service.error = EASYNC;
    const inbox = new Inbox();
    const sleeper = new Sleeper();
    const [a, b] = [fresh(inbox), fresh(inbox)];
    sendMsg(service, a);
    sendMsg(service, b);
    replyMsg(a, 0);
    expect(waitMsg(b, sleeper)).toBe(EASYNC);
    replyMsg(b, Errno.PERM);
    expect(sleeper.woken).toBe(1);
    expect(waitMsg(b, sleeper)).toBe(Errno.PERM);
    expect(inbox.getPort()).toBe(a);
    expect(inbox.getPort()).toBe(null);
  });

  it("to forward: the originator cannot tell, and only the owner may", () => {
    const first = new Service();
    first.error = EASYNC;
    const second = new Service();
    second.error = Errno.NXIO;
    const replies = new Replies();
    const msg = fresh(replies);
    expect(() => forwardMsg(second, msg)).toThrow(/not the owner/);
    sendMsg(first, msg);
    expect(forwardMsg(second, msg)).toBe(Errno.NXIO);
    expect([replies.got, msg.error, msg.targetPort]).toEqual([[msg], Errno.NXIO, second]);
    const inbox = new Inbox();
    const other = fresh(replies);
    sendMsg(first, other);
    expect(forwardMsg(inbox, other)).toBe(EASYNC);
    expect(() => forwardMsg(second, other)).toThrow(/not the owner/);
    expect(inbox.getPort()).toBe(other);
    replyMsg(other, 0);
    expect(replies.got).toEqual([msg, other]);
  });
});

describe("abort and drop", () => {
  it("is advisory, for ABORTABLE messages that are under way", () => {
    const service = new Service();
    service.error = EASYNC;
    const replies = new Replies();
    const msg = fresh(replies);
    expect(abortMsg(msg)).toBe(-Errno.INVAL);
    sendMsg(service, msg);
    expect(abortMsg(msg)).toBe(-Errno.INVAL);
    msg.flags |= MSGF_ABORTABLE;
    expect(abortMsg(msg)).toBe(-Errno.INVAL);
    msg.abortHandler = service;
    expect(abortMsg(msg)).toBe(0);
    expect([service.aborts, msg.error, replies.got]).toEqual([1, Errno.INTR, [msg]]);
    expect(abortMsg(msg)).toBe(-Errno.INVAL);
  });

  it("takes a message back only from the queue that it waits in", () => {
    const [inbox, other] = [new Inbox(), new Inbox()];
    const replies = new Inbox();
    const msg = fresh(replies);
    msg.flags |= MSGF_DROPABLE;
    expect(inbox.dropMsg(msg)).toBe(-Errno.NOENT);
    sendMsg(inbox, msg);
    expect(other.dropMsg(msg)).toBe(-Errno.NOENT);
    expect(inbox.dropMsg(msg)).toBe(0);
    expect(msg.isDone).toBe(true);
    sendMsg(inbox, msg);
    expect(inbox.getPort()).toBe(msg);
    expect(inbox.dropMsg(msg)).toBe(-Errno.NOENT);
    replyMsg(msg, 0);
    // It is queued, but as a reply.
    expect(replies.dropMsg(msg)).toBe(-Errno.NOENT);
    expect(() => waitMsg(msg, new Sleeper())).toThrow(/may be dropped/);
  });

  it("is the port's thread's alone", () => {
    const cpu = new Cpu(0);
    const seen: string[] = [];
    const a = new Thread(cpu, "a", TDPRI_KERN_USER, {
      handle(msg: Msg) {
        seen.push("a");
        replyMsg(msg, 0);
      },
    });
    const mine = fresh(new Replies());
    const b = new Thread(cpu, "b", TDPRI_KERN_USER + 1, {
      handle(msg: Msg) {
        sendMsg(a.port, mine);
        expect(() => a.port.dropMsg(mine)).toThrow(/dropMsg: not the port's thread/);
        expect(() => a.port.getPort()).toThrow(/getPort: not the port's thread/);
        const own = fresh(new Replies());
        sendMsg(b.port, own);
        expect(b.port.dropMsg(own)).toBe(0);
        replyMsg(msg, 0);
      },
    });
    sendMsg(b.port, fresh(new Replies()));
    cpu.runThreads(10);
    expect(seen).toEqual(["a"]);
  });
});

describe("kinds of ports", () => {
  it("panic for what they do not have", () => {
    const service = new Service();
    const replies = new Replies();
    const none = new ReplyNullPort();
    const gone = new PanicPort();
    for (const port of [replies, none, gone]) expect(() => sendMsg(port, fresh(replies))).toThrow(/sent to a/);
    for (const port of [service, gone]) {
      const msg = fresh(port);
      const target = new Service();
      expect(() => sendMsg(target, msg)).toThrow(/reply sent to a/);
    }
    for (const port of [service, replies, none, gone]) {
      const msg = fresh(port);
      expect(() => port.getPort()).toThrow(/no queue/);
      expect(() => port.dropMsg(msg)).toThrow(/no queue/);
      expect(() => port.takeReply(msg)).toThrow(/nobody can wait/);
      expect(() => port.arrived(msg, new Cpu(0))).toThrow(/no CPU/);
      expect(() => port.replyArrived(msg, new Cpu(0))).toThrow(/no CPU/);
    }
  });

  it("mark a reply done and no more (reply-only-null), and wake who waits", () => {
    const service = new Service();
    service.error = EASYNC;
    const msg = fresh(new ReplyNullPort());
    sendMsg(service, msg);
    expect(msg.isDone).toBe(false);
    replyMsg(msg, 0);
    expect(msg.flags & (MSGF_DONE | MSGF_REPLY | MSGF_QUEUED)).toBe(MSGF_DONE | MSGF_REPLY);
    const sleeper = new Sleeper();
    msg.init(new ReplyNullPort(), 0);
    expect(callMsg(service, msg, sleeper)).toBe(EASYNC);
    replyMsg(msg, 0);
    expect([sleeper.woken, callMsg(service, msg, sleeper)]).toEqual([1, 0]);
  });

  it("of a dead owner take nothing any more", () => {
    const inbox = new Inbox();
    const service = new Service();
    service.error = EASYNC;
    const msg = fresh(inbox);
    sendMsg(service, msg);
    const last = fresh(new Replies());
    sendMsg(inbox, last);
    expect(() => inbox.kill()).toThrow(/on its queue/);
    replyMsg(inbox.getPort()!, 0);
    inbox.kill();
    expect(inbox.isDead).toBe(true);
    expect(() => sendMsg(inbox, fresh(new Replies()))).toThrow(/dead port/);
    expect(() => replyMsg(msg, 0)).toThrow(/dead port/);
  });
});

describe("ownership", () => {
  it("is the target's from the send to the reply, and then the originator's: everybody else panics", () => {
    const service = new Service();
    service.error = EASYNC;
    const replies = new Replies();
    const msg = fresh(replies);
    expect(() => replyMsg(msg, 0)).toThrow(/not the owner/);
    sendMsg(service, msg);
    for (const misuse of [
      () => sendMsg(service, msg),
      () => beginMsg(service, msg),
      () => doMsg(service, msg),
      () => callMsg(service, msg, new Sleeper()),
      () => msg.init(replies, 0),
    ])
      expect(misuse).toThrow(/in flight/);
    // A port that does not hold it cannot reply it.
    expect(() => new Service().replyMsg(msg)).toThrow(/not the owner/);
    replyMsg(msg, 0);
    expect(() => replyMsg(msg, 0)).toThrow(/not the owner/);
    expect(() => service.replyMsg(msg)).toThrow(/not the owner/);
    expect(() => sendMsg(service, new Msg())).toThrow(/no reply port/);
    expect(() => callMsg(service, new Msg(), new Sleeper())).toThrow(/no reply port/);
  });

  it("survives any order of operations: against a model", () => {
    const P = 3;
    const M = 5;
    const op = fc.record({
      kind: fc.constantFrom("send", "take", "reply", "forward", "drop", "init", "fetch"),
      m: fc.nat(M - 1),
      p: fc.nat(P - 1),
      prio: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(op, { maxLength: 80 }), (ops) => {
        const ports = Array.from({ length: P }, () => new Inbox());
        const home = new Inbox();
        const msgs = Array.from({ length: M }, (_, i) => fresh(home, i));
        /** Where each message is: with its originator, on a port's queue, with a port's owner, or replied on the home queue. */
        type Place = { at: "originator" } | { at: "queue" | "target"; port: number } | { at: "replied" };
        const place: Place[] = msgs.map(() => ({ at: "originator" }));
        const prio = msgs.map(() => false);
        const queues: number[][] = Array.from({ length: P + 1 }, () => []);
        const push = (q: number, m: number): void => void queues[q]!.push(m);
        const pop = (q: number): number | undefined => {
          const list = queues[q]!;
          const i = list.findIndex((m) => prio[m]);
          return list.splice(Math.max(i, 0), 1)[0];
        };
        for (const o of ops) {
          const msg = msgs[o.m]!;
          const port = ports[o.p]!;
          const where = place[o.m]!;
          switch (o.kind) {
            case "init":
              if (where.at === "originator") {
                msg.init(home, o.m);
                if (o.prio) msg.flags |= MSGF_PRIORITY;
                prio[o.m] = o.prio;
              } else if (where.at !== "replied") expect(() => msg.init(home, o.m)).toThrow();
              break;
            case "send":
              if (where.at === "originator") {
                sendMsg(port, msg);
                place[o.m] = { at: "queue", port: o.p };
                push(o.p, o.m);
              } else expect(() => sendMsg(port, msg)).toThrow();
              break;
            case "take": {
              const want = pop(o.p);
              const got = port.getPort();
              expect(got).toBe(want === undefined ? null : msgs[want]);
              if (want !== undefined) place[want] = { at: "target", port: o.p };
              break;
            }
            case "reply":
              if (where.at === "target") {
                replyMsg(msg, o.p);
                place[o.m] = { at: "replied" };
                push(P, o.m);
              } else expect(() => replyMsg(msg, 0)).toThrow();
              break;
            case "forward":
              if (where.at === "target") {
                expect(forwardMsg(port, msg)).toBe(EASYNC);
                place[o.m] = { at: "queue", port: o.p };
                push(o.p, o.m);
              } else expect(() => forwardMsg(port, msg)).toThrow();
              break;
            case "drop": {
              const ok = where.at === "queue" && where.port === o.p;
              expect(port.dropMsg(msg)).toBe(ok ? 0 : -Errno.NOENT);
              if (!ok) break;
              queues[o.p]!.splice(queues[o.p]!.indexOf(o.m), 1);
              place[o.m] = { at: "originator" };
              break;
            }
            case "fetch": {
              const want = pop(P);
              expect(home.getPort()).toBe(want === undefined ? null : msgs[want]);
              if (want !== undefined) place[want] = { at: "originator" };
              break;
            }
          }
          ports.forEach((p, i) => expect(p.isEmpty).toBe(queues[i]!.length === 0));
        }
      }),
      { numRuns: 400 },
    );
  });
});
