/** The soak's other side. */
import { LwktError, parentCpu, serve } from "@anax/lwkt/host";
import { BackPort, Note, Soak } from "./soak-protocol";

let notes = 0;
let sum = 0;
serve(Soak, {
  note: (m) => {
    notes++;
    sum += m.n + m.data.length;
  },
  total: () => ({ notes, sum }),
  echo: (m) => ({ n: m.n, data: m.data }),
  wait: (m) => new Promise((resolve) => m.signal.addEventListener("abort", () => resolve())),
  fail: () => {
    throw new LwktError("ENOENT", "as asked");
  },
  block: ({ block }) => ({ block }),
  back: async ({ count }) => {
    const port = (await parentCpu()).port(BackPort);
    const note = new Note({ n: 0, data: new Uint8Array(24) });
    for (let n = 0; n < count; n++) {
      note.n = n;
      if (!port.send(note)) await port.ready();
    }
  },
});
