/** Callouts fire in the order of their deadlines, never early, on every level of the wheel. */
import { EventLog, i32, imul, longMod, toLong, u32, type long } from "@anax/portable";
import { Callout, CalloutWheel } from "@anax/lwkt";

class Clock {
  now: long = 0;
}

class Record extends Callout {
  constructor(
    private readonly log: EventLog,
    private readonly clock: Clock,
    private readonly id: i32,
  ) {
    super();
  }

  fire(): void {
    const late = this.clock.now - this.deadline;
    this.log.value(late < 0 ? "EARLY" : "fired", this.id);
  }
}

export function run(log: EventLog): void {
  const clock = new Clock();
  const wheel = new CalloutWheel(0);
  let seed: u32 = 12345;
  const all: Callout[] = [];
  for (let i = 0; i < 200; i++) {
    seed = u32(imul(i32(seed), 1103515245) + 12345);
    const c = new Record(log, clock, i);
    all.push(c);
    const spread: long = toLong(seed >>> 4) * ((i & 7) === 0 ? 65536 : (i & 3) + 1);
    wheel.arm(c, spread);
  }
  for (let i = 0; i < 200; i += 9) log.value("cancelled", wheel.cancel(all[i]) ? 1 : 0);
  while (wheel.armedCount > 0) {
    const next = wheel.nextDeadline();
    log.value("next", next);
    if (next <= clock.now) {
      log.line("STUCK");
      return;
    }
    clock.now = next + longMod(next, 1000);
    wheel.run(clock.now);
  }
}
