import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Callout, CalloutWheel } from "@anax/lwkt";

class Probe extends Callout {
  constructor(private readonly onFire: (c: Probe) => void) {
    super();
  }
  override fire(): void {
    this.onFire(this);
  }
}

describe("CalloutWheel against a sorted list", () => {
  it("fires everything once, not early, by the next run, and knows the next deadline", () => {
    const op = fc.oneof(
      fc.record({
        kind: fc.constant("arm" as const),
        id: fc.nat(15),
        delay: fc.oneof(fc.nat(3_000_000), fc.nat(2 ** 34), fc.nat(2 ** 52)),
      }),
      fc.record({ kind: fc.constant("cancel" as const), id: fc.nat(15) }),
      fc.record({
        kind: fc.constant("run" as const),
        step: fc.oneof(fc.nat(2_000_000), fc.nat(2 ** 33), fc.nat(2 ** 50)),
      }),
    );
    fc.assert(
      fc.property(fc.array(op, { maxLength: 60 }), (ops) => {
        let now = 5_000_000;
        const wheel = new CalloutWheel(now);
        const model = new Map<number, number>();
        const fired: number[] = [];
        const probes = Array.from(
          { length: 16 },
          (_, id) =>
            new Probe((c) => {
              expect(c.deadline).toBeLessThanOrEqual(now);
              expect(c.armed).toBe(false);
              fired.push(id);
            }),
        );
        for (const o of ops) {
          if (o.kind === "arm") {
            wheel.arm(probes[o.id]!, now + o.delay);
            model.set(o.id, now + o.delay);
          } else if (o.kind === "cancel") {
            expect(wheel.cancel(probes[o.id]!)).toBe(model.delete(o.id));
          } else {
            now += o.step;
            const due = [...model].filter(([, d]) => d <= now).map(([id]) => id);
            fired.length = 0;
            expect(wheel.run(now)).toBe(due.length);
            expect([...fired].sort()).toEqual(due.sort());
            for (const id of due) model.delete(id);
          }
          expect(wheel.armedCount).toBe(model.size);
          expect(wheel.nextDeadline()).toBe(model.size === 0 ? -1 : Math.min(...model.values()));
        }
      }),
      { numRuns: 500 },
    );
  });

  it("knows the earliest of those beyond the span of the wheel", () => {
    const span = 2 ** 50;
    const wheel = new CalloutWheel(0);
    const first = new Probe(() => undefined);
    const later = new Probe(() => undefined);
    const sentinel = new Probe(() => undefined);
    // Both wait in the last level, the later one in the earlier slot.
    wheel.arm(later, 3 * span);
    wheel.run(span / 8);
    wheel.arm(first, 2 * span);
    wheel.arm(sentinel, span / 4);
    expect(wheel.cancel(sentinel)).toBe(true);
    expect(wheel.nextDeadline()).toBe(2 * span);
  });

  it("fires in the order of ticks, and within one in the order of arming, also when it catches up", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(2 ** 34), { minLength: 1, maxLength: 80 }), fc.nat(2 ** 34), (deadlines, now) => {
        const wheel = new CalloutWheel(0);
        const fired: number[] = [];
        deadlines.forEach((d, i) => wheel.arm(new Probe(() => fired.push(i)), d));
        wheel.run(now);
        const tick = (i: number): number => Math.floor(deadlines[i]! / 2 ** 20);
        const due = deadlines.map((_, i) => i).filter((i) => deadlines[i]! <= now);
        expect(fired.map(tick)).toEqual(due.map(tick).sort((a, b) => a - b));
        // What shares a tick all the time stays in the order of arming.
        const same = new CalloutWheel(0);
        fired.length = 0;
        deadlines.forEach((d, i) => same.arm(new Probe(() => fired.push(i)), d % 2 ** 20));
        same.run(2 ** 20);
        expect(fired).toEqual(deadlines.map((_, i) => i));
      }),
    );
  });

  it("survives callouts that arm and cancel others, and themselves for the past, while they fire", () => {
    const action = fc.record({ arm: fc.boolean(), id: fc.nat(11), back: fc.nat(3_000_000) });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(3_000_000), fc.array(action, { maxLength: 3 })), { minLength: 12, maxLength: 12 }),
        (plan) => {
          const now = 3_000_000;
          const wheel = new CalloutWheel(0);
          let fires = 0;
          const probes: Probe[] = plan.map(
            ([, actions]) =>
              new Probe(() => {
                fires++;
                for (const a of actions) {
                  if (a.arm) wheel.arm(probes[a.id]!, now - a.back);
                  else wheel.cancel(probes[a.id]!);
                }
              }),
          );
          plan.forEach(([d], i) => wheel.arm(probes[i]!, d));
          for (let round = 0; round < 5; round++) {
            const before = fires;
            const n = wheel.run(now + round);
            expect(n).toBe(fires - before);
            // Each fires at its place and at most once more at the end.
            expect(n).toBeLessThanOrEqual(24);
            expect(wheel.armedCount).toBe(probes.filter((p) => p.armed).length);
            const next = wheel.nextDeadline();
            expect(next).toBe(
              wheel.armedCount === 0 ? -1 : Math.min(...probes.filter((p) => p.armed).map((p) => p.deadline)),
            );
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  it("lets a callout arm itself again while it fires", () => {
    let now = 0;
    let count = 0;
    const wheel = new CalloutWheel(0);
    const c = new Probe((self) => {
      count++;
      wheel.arm(self, now + 1_000_000);
    });
    wheel.arm(c, 500_000);
    for (now = 0; now <= 10_000_000; now += 500_000) wheel.run(now);
    expect(count).toBe(10);
    expect(wheel.armedCount).toBe(1);
  });
});
