/** The program of a worker: handlers for the messages of the pool's port. */
import { LwktError, serve } from "@anax/lwkt/host";
import { Work } from "./protocol";
import { next, primes, spin } from "./work.mjs";

serve(
  Work,
  {
    spin: ({ us }) => ({ value: spin(us) }),
    next: ({ n }) => ({ after: next(n) }),
    primes: ({ upTo }) => ({ count: primes(upTo) }),
    refuse: ({ why }) => {
      throw new LwktError("EPERM", why);
    },
  },
  { reuse: true },
);
