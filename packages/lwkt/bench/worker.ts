/** The other side of all contestants. */
import { parentPort, type MessagePort } from "node:worker_threads";
import { parentCpu, serve } from "@anax/lwkt/host";
import * as Comlink from "comlink";
import nodeEndpoint from "comlink/dist/esm/node-adapter";
import { BareRing } from "./bare-ring";
import { Bench, GO, Note, Sink, type Api, type Order } from "./protocol";

let count = 0;
serve(
  Bench,
  {
    note: () => {
      count++;
    },
    drain: () => {
      const n = count;
      count = 0;
      return { count: n };
    },
    echo: (m) => m,
    flood: async ({ count: notes, bytes }) => {
      const sink = (await parentCpu()).port(Sink);
      const note = new Note({ n: 0, data: new Uint8Array(bytes) });
      for (let n = 0; n < notes; n++) {
        note.n = n;
        if (!sink.send(note)) await sink.ready();
      }
    },
  },
  { reuse: true },
);

interface ChannelMessage {
  op: "note" | "echo" | "drain" | "flood";
  n: number;
  data?: Uint8Array;
  bytes?: number;
}

function channel(port: MessagePort): void {
  let notes = 0;
  port.on("message", (m: ChannelMessage) => {
    if (m.op === "note") notes++;
    else if (m.op === "echo") port.postMessage({ n: m.n });
    else if (m.op === "drain") {
      port.postMessage({ n: notes });
      notes = 0;
    } else {
      const data = new Uint8Array(m.bytes!);
      for (let n = 0; n < m.n; n++) port.postMessage({ op: "note", n, data });
    }
  });
}

function comlink(port: MessagePort): void {
  let notes = 0;
  const api: Api = {
    note: () => void notes++,
    echo: (n) => n,
    drain: () => {
      const n = notes;
      notes = 0;
      return n;
    },
  };
  Comlink.expose(api, nodeEndpoint(port));
}

/** Sleeps until a round begins; then spins, as the main thread does. Never returns: its worker does nothing else. */
function ring({ there, back, slots, size, go }: Extract<Order, { kind: "ring" }>): void {
  const input = new BareRing(there, slots, size);
  const output = new BareRing(back, slots, size);
  const word = new Int32Array(go);
  const record = new Int32Array(size >> 2);
  let round = 0;
  for (;;) {
    Atomics.wait(word, GO.ROUND, round);
    round = Atomics.load(word, GO.ROUND);
    const n = word[GO.COUNT]!;
    const echo = word[GO.ECHO] === 1;
    for (let i = 0; i < n; i++) {
      input.take(record);
      if (echo) output.put(record);
    }
    Atomics.store(word, GO.DONE, round);
  }
}

parentPort!.on("message", (order: Order | object) => {
  if (!("kind" in order)) return;
  if (order.kind === "channel") channel(order.port as MessagePort);
  else if (order.kind === "comlink") comlink(order.port as MessagePort);
  else ring(order);
});
