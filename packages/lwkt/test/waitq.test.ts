import { describe, expect, it } from "vitest";
import { MSGF_DONE, Msg, QueuePort, WaitQueue, Waiter, doMsg, replyMsg, sendMsg } from "@anax/lwkt";

class Sleeper extends Waiter {
  woken = 0;
  override wake(): void {
    expect(this.isWaiting).toBe(false);
    this.woken++;
  }
}

describe("WaitQueue", () => {
  it("wakes in order, and takes a waiter off all its queues", () => {
    const a = new WaitQueue();
    const b = new WaitQueue();
    const x = new Sleeper();
    const y = new Sleeper();
    a.add(x);
    b.add(x);
    a.add(y);
    expect(b.wakeup()).toBe(1);
    expect([x.woken, y.woken]).toEqual([1, 0]);
    expect(a.wakeupSome(5)).toBe(1);
    expect(a.isEmpty && b.isEmpty).toBe(true);
    expect(y.woken).toBe(1);
  });

  it("forgets a waiter that leaves, whether first, middle or last", () => {
    const q = new WaitQueue();
    const s = [0, 1, 2, 3].map(() => new Sleeper());
    for (const w of s) q.add(w);
    s[1]!.leaveAll();
    s[0]!.leaveAll();
    s[3]!.leaveAll();
    q.wakeup();
    expect(s.map((w) => w.woken)).toEqual([0, 0, 1, 0]);
  });

  it("may hold the same waiter twice", () => {
    const q = new WaitQueue();
    const w = new Sleeper();
    q.add(w);
    q.add(w);
    expect(q.wakeup()).toBe(1);
    expect(q.isEmpty).toBe(true);
  });
});

class Inbox extends QueuePort {
  notified = 0;
  override notify(): void {
    this.notified++;
  }
}

describe("misuse of messages panics", () => {
  it("sending twice, replying twice, waiting for a queue port", () => {
    const port = new Inbox();
    const reply = new Inbox();
    const m = new Msg();
    m.init(reply, 1);
    sendMsg(port, m);
    expect(() => sendMsg(port, m)).toThrow(/in flight/);
    expect(() => m.init(reply, 2)).toThrow(/in flight/);
    expect(() => replyMsg(m, 0)).toThrow(/not the owner/);
    const got = port.getPort()!;
    replyMsg(got, 0);
    expect(() => replyMsg(got, 0)).toThrow();
    expect(reply.getPort()).toBe(m);
    expect(m.flags & MSGF_DONE).toBe(MSGF_DONE);
    expect(() => doMsg(port, m)).toThrow(/did not finish/);
  });
});
