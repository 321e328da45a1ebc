/** The worker of `host-adverse.test.ts`: handlers that do what they should not, and programs that begin before their CPU does. */
import { localCpu, parentCpu, serve, spawnCpu, type PeerCpu } from "@anax/lwkt/host";
import { Add, Adverse, Home, Note, Work, type Odd } from "../protocol-adverse";

// Before the message that says which CPU this is has come.
const arena = localCpu().createArena({ blockSize: 64, blocks: 2 });
const early = arena.alloc();
early.bytes.fill(7);
const start = process.argv.includes("nested") ? spawnCpu(new URL(process.argv.at(-1)!), { name: "inner" }) : null;

const delay = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
let noted = 0;

serve(
  Adverse,
  {
    odd: (m: InstanceType<typeof Odd>): never => {
      switch (m.how) {
        case "reply, then throw":
          m.reply({ n: 1 });
          throw new Error("after the answer");
        case "reply twice":
          m.reply({ n: 1 });
          m.reply({ n: 2 });
          return undefined as never;
        case "reply, then return":
          m.reply({ n: 1 });
          return { n: 2 } as never;
        case "reply, then wait":
          m.reply({ n: m.n });
          return delay(5).then(() => ({ n: -1 })) as never;
        case "reply, then reject":
          m.reply({ n: m.n });
          return delay(5).then(() => {
            throw new Error("after the answer");
          }) as never;
        case "null":
          return null as never;
        case "null later":
          return delay(1).then(() => null) as never;
        case "number":
          return 5 as never;
        case "getter":
          return {
            get n(): number {
              throw new RangeError("not to be had");
            },
          } as never;
        case "slow":
          return delay(m.n).then(() => ({ n: m.n })) as never;
        case "nothing":
          return undefined as never;
        case "exit":
          m.reply({ n: 1 });
          // The answer is in the ring; the thread ends at once.
          process.exit(0);
      }
      return { n: noted } as never;
    },
    block: () => ({ block: early }),
    note: () => void noted++,
    start: async ({ notes }) => {
      const home = (await parentCpu()).port(Home);
      for (let n = 0; n < notes; n++) home.send(new Note({ n }));
      // When they are visible.
      setTimeout(() => process.exit(0), 0);
    },
    inner: async ({ a, b }) => {
      const inner: PeerCpu = await start!;
      let sum = 0;
      for (let i = 0; i < 3; i++) {
        await delay(40);
        ({ sum } = await inner.port(Work).call(new Add({ a, b }), { timeout: 5000 }));
      }
      return { sum };
    },
  },
  { reuse: process.argv.includes("reuse") },
);
