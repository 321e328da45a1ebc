import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EASYNC } from "@anax/portable";
import {
  CpuGroup,
  HeapTransport,
  Msg,
  RQF_IPIQ,
  ReplyOnlyPort,
  SpinPort,
  TDPRI_INT_LOW,
  TDPRI_KERN_USER,
  TDS_IDLE,
  Thread,
  Token,
  WaitQueue,
  replyMsg,
  sendMsg,
  type Port,
} from "@anax/lwkt";

type Action =
  | { kind: "send" | "quiet" | "call"; to: number }
  | { kind: "pool" | "again" | "yield" | "sleep" }
  | { kind: "token"; token: number; shared: boolean }
  | { kind: "migrate"; to: number };

const action: fc.Arbitrary<Action> = fc.oneof(
  fc.record({ kind: fc.constantFrom("send" as const, "quiet" as const, "call" as const), to: fc.nat(7) }),
  fc.record({ kind: fc.constantFrom("pool" as const, "again" as const, "yield" as const, "sleep" as const) }),
  fc.record({ kind: fc.constant("token" as const), token: fc.nat(1), shared: fc.boolean() }),
  fc.record({ kind: fc.constant("migrate" as const), to: fc.nat(2) }),
);

const threadSpec = fc.record({
  cpu: fc.nat(2),
  intr: fc.boolean(),
  upri: fc.nat(2),
  plan: fc.array(action, { maxLength: 6 }),
});

class Collector extends ReplyOnlyPort {
  replies = 0;
  override replied(): void {
    this.replies++;
  }
}

describe("a system of CPUs, threads, ports, tokens and interrupts", () => {
  it("answers every message once, whatever its threads do to each other, and comes to rest", () => {
    fc.assert(
      fc.property(
        fc.array(threadSpec, { minLength: 2, maxLength: 8 }),
        fc.array(fc.record({ cpu: fc.nat(2), to: fc.nat(7) }), { minLength: 1, maxLength: 6 }),
        fc.infiniteStream(fc.nat(999)),
        (specs, starts, choice) => {
          const transport = new HeapTransport();
          const g = new CpuGroup(3, transport);
          transport.attach(g);
          const tokens = [new Token("a", 1), new Token("b", 2)];
          const queue = new WaitQueue();
          const collector = new Collector();
          const pool = new SpinPort();
          const threads: Thread[] = [];
          let sent = 0;
          let answered = 0;

          const post = (port: Port): void => {
            const msg = new Msg();
            msg.init(collector, 0);
            sent++;
            sendMsg(port, msg);
          };
          const serve = (msg: Msg): void => {
            answered++;
            replyMsg(msg, 0);
          };

          specs.forEach((spec, index) => {
            let pc = 0;
            let slept = false;
            /** Tokens that it has, and how many of them it had when its handler last began anew. */
            const stack: { token: Token; shared: boolean }[] = [];
            let part = 0;
            const sub = new Msg();
            const get = (t: Token, shared: boolean): number => (shared ? td.getTokenShared(t) : td.getToken(t));
            /** Messages only go to threads behind, so that nobody waits in a circle. */
            const behind = (n: number): Thread | null => {
              const rest = specs.length - index - 1;
              return rest === 0 ? null : threads[index + 1 + (n % rest)]!;
            };
            /** Does the next action. False: the handler has to return. */
            const act = (a: Action): boolean => {
              const target = "to" in a && a.kind !== "migrate" ? behind(a.to) : null;
              if (a.kind === "pool") post(pool);
              else if (a.kind === "send" && target !== null) post(target.port);
              else if (a.kind === "quiet" && target !== null) {
                td.cpu.critEnter();
                post(target.port);
                td.cpu.critExit();
              }
              // An interrupt thread does no more than that.
              if (spec.intr) return true;
              if (a.kind === "call" && target !== null) {
                if (sub.isDone && sub.sleeper === null) {
                  sub.init(td.port, 1);
                  sent++;
                }
                if (td.call(target.port, sub) === EASYNC) return false;
                collector.replies++;
              } else if (a.kind === "token") {
                const t = tokens[a.token]!;
                const mine = stack.filter((r) => r.token === t);
                // Exclusive on top of shared is not allowed.
                if (!a.shared && mine.length > 0 && mine.every((r) => r.shared)) return true;
                if (get(t, a.shared) === EASYNC) return false;
                stack.push({ token: t, shared: a.shared });
              } else if (a.kind === "sleep" && !slept) {
                slept = true;
                td.sleep(queue);
                return false;
              } else if (a.kind === "again" || a.kind === "yield") {
                part = stack.length;
                pc++;
                if (a.kind === "again") td.again();
                else td.yieldNow();
                return false;
              } else if (a.kind === "migrate") td.migrate(g.cpus[a.to]!);
              slept = false;
              return true;
            };
            const td: Thread = new Thread(g.cpus[spec.cpu]!, `t${index}`, spec.intr ? TDPRI_INT_LOW : TDPRI_KERN_USER, {
              handle: (msg: Msg) => {
                expect([g.current, td.cpu.current]).toEqual([td.cpu, td]);
                // A handler that starts over asks again for what it took in this part.
                for (let k = part; k < stack.length; k++) expect(get(stack[k]!.token, stack[k]!.shared)).toBe(0);
                for (const r of stack) expect(r.token.isHeld).toBe(true);
                while (pc < spec.plan.length) {
                  if (!act(spec.plan[pc]!)) return;
                  pc++;
                }
                pc = 0;
                part = 0;
                for (const r of stack.splice(0).reverse()) td.relToken(r.token);
                answered++;
                replyMsg(msg, 0);
              },
            });
            td.preempts = spec.intr;
            td.setUpri(spec.upri);
            threads.push(td);
          });
          for (let i = 0; i < 2; i++)
            pool.serve(new Thread(g.cpus[i + 1]!, `s${i}`, TDPRI_KERN_USER, { handle: serve }));

          starts.forEach((s) => {
            const before = g.enter(g.cpus[s.cpu]!);
            post(threads[s.to % threads.length]!.port);
            g.leave(before);
          });
          let rounds = 0;
          for (const c of choice) {
            if (collector.replies === sent) break;
            expect(rounds++).toBeLessThan(20_000);
            const cpu = g.cpus[c % 3]!;
            if (c % 4 === 0) {
              const before = g.enter(cpu);
              queue.wakeup();
              g.leave(before);
            }
            cpu.runThreads(1 + (c % 5));
          }
          for (let i = 0; i < 9; i++) g.cpus[i % 3]!.runThreads(100);
          expect([collector.replies, answered]).toEqual([sent, sent]);
          expect(tokens.some((t) => t.isHeld)).toBe(false);
          for (const cpu of g.cpus) {
            expect([cpu.runnable, cpu.current, cpu.critCount, cpu.reqflags & RQF_IPIQ]).toEqual([0, null, 0, 0]);
          }
          for (const td of threads) expect([td.state, td.port.isEmpty]).toEqual([TDS_IDLE, true]);
        },
      ),
      { numRuns: 250 },
    );
  });
});
