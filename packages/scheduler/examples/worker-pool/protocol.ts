/** What the pool of the example can be asked for. */
import { defineMessage, definePort } from "@anax/lwkt/host";

/** Computes without a pause for so many microseconds; `value` is what came out. */
export const Spin = defineMessage({ number: 1100, name: "spin", request: { us: "u32" }, reply: { value: "f64" } });
/** As little work as there is. */
export const Next = defineMessage({ number: 1101, name: "next", request: { n: "i32" }, reply: { after: "i32" } });
/** Counts the primes up to a limit. */
export const Primes = defineMessage({
  number: 1102,
  name: "primes",
  request: { upTo: "u32" },
  reply: { count: "u32" },
});
/** Fails, to show how. */
export const Refuse = defineMessage({ number: 1103, name: "refuse", request: { why: "text" } });

export const Work = definePort("work", { spin: Spin, next: Next, primes: Primes, refuse: Refuse });
