/** The worker that most tests of the facade talk to: every message of `Work`, and an iterating port. */
import { LwktError, openPort, parentCpu, peerCpu, serve, translate } from "@anax/lwkt/host";
import { Note, Add, Greet1, Greet2, Greetings, Notes, Stream, Work, isPattern, patternOf } from "../protocol";

let notes = 0;
let wrong = 0;
let sum = 0;
let aborted = 0;

serve(Work, {
  add: ({ a, b }) => ({ sum: (a + b) | 0 }),
  fail: ({ code }) => {
    if (code === "plain") throw new RangeError("out of range");
    throw new LwktError(code, "as asked");
  },
  echo: ({ data, label }) => ({ data, label }),
  note: (m) => {
    if (!isPattern(m.n, m.data)) wrong++;
    notes++;
    sum += m.n;
  },
  count: () => ({ notes, wrong, sum }),
  sleep: (m) =>
    new Promise((resolve) => {
      const timer = m.ms < 0 ? undefined : setTimeout(() => resolve({ slept: true }), m.ms);
      m.signal.addEventListener("abort", () => {
        aborted++;
        clearTimeout(timer);
        resolve({ slept: false });
      });
    }),
  aborts: () => ({ count: aborted }),
  exit: ({ how }) => {
    if (how === "throw") {
      setTimeout(() => {
        throw new Error("broken worker");
      });
    } else
      setTimeout(() => (typeof process === "object" ? process.exit(3) : (globalThis as { close?(): void }).close?.()));
    return new Promise<void>(() => {});
  },
  kinds: (m) => m,
  sum: ({ block }) => {
    let total = 0;
    for (const byte of block.bytes) total += byte;
    block.bytes[0] = 99;
    return { total, block };
  },
  flood: async ({ count, bytes }) => {
    const port = (await parentCpu()).port(Notes);
    const note = new Note({ n: 0, data: new Uint8Array(0) });
    let stalls = 0;
    for (let n = 0; n < count; n++) {
      note.n = n;
      note.data = patternOf(n, bytes);
      if (!port.send(note)) {
        stalls++;
        await port.ready();
      }
    }
    return { stalls };
  },
  ask: async ({ peer, a, b, sync }) => {
    const port = (await peerCpu(peer)).port(Work);
    const add = new Add({ a, b });
    return { sum: (sync ? port.callSync(add) : await port.call(add)).sum };
  },
  misfit: () => ({ small: 1000 }),
});

translate(Greet1, Greet2, {
  upgrade: ({ name }) => {
    const [first, last] = name.split(" ");
    if (last === undefined) throw new LwktError("EINVAL", "no last name");
    return { first: first!, last };
  },
  downgrade: ({ words }) => ({ text: words.join(" ") }),
});
serve(Greetings, { greet: ({ first, last }) => ({ words: ["Hello", first, last] }) });

let streamed = 0;
let streamSum = 0;
for await (const m of openPort(Stream, { backlog: 64 })) {
  if (m.kind === "add") m.reply({ sum: m.a + m.b });
  else if (m.kind === "count") m.reply({ notes: streamed, wrong: 0, sum: streamSum });
  else {
    streamed++;
    streamSum += m.n;
  }
}
