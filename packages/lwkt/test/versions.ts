/** One class in three major versions, and how they become each other: for `host-versions.test.ts` and its worker. */
import { LwktError, defineMessage, definePort, json, translate, value } from "@anax/lwkt/host";

const NUMBER = 0x120;

export const Put1 = defineMessage({
  number: NUMBER,
  name: "put",
  version: [1, 0],
  request: { seq: "u32", path: "text", data: "bytes" },
  reply: { text: "text" },
});
export const Put2 = defineMessage({
  number: NUMBER,
  name: "put",
  version: [2, 0],
  request: { seq: "u32", names: json<string[]>(), data: "bytes", block: "shared" },
  reply: { text: "text", size: "u32" },
});
export const Put3 = defineMessage({
  number: NUMBER,
  name: "put",
  version: [3, 1],
  request: { seq: "u32", names: value<string[]>(), data: "bytes", block: "shared", mode: { kind: "u16", since: 1 } },
  reply: { said: json<{ text: string; size: number }>() },
});
/** Has one version. */
export const Mark = defineMessage({ number: NUMBER + 1, name: "mark", request: { seq: "u32" } });
/** What the port has seen, in order. */
export const Seen = defineMessage({ number: NUMBER + 2, name: "seen", reply: { seen: json<string[]>() } });

/** As old programs declare it: nothing is known of sending to older ones. */
export const Put2Receiver = defineMessage({
  number: NUMBER,
  name: "put",
  version: [2, 0],
  request: { seq: "u32", names: json<string[]>(), data: "bytes", block: "shared" },
  reply: { text: "text", size: "u32" },
});

translate(Put1, Put2, {
  upgrade: ({ seq, path, data }) => ({ seq, names: path.split("/"), data, block: null as never }),
  downgrade: ({ text, size }) => ({ text: `${text} ${size}` }),
  sending: {
    downgrade: ({ seq, names, data, block }) => {
      if (names.some((name) => name.includes("/"))) throw new LwktError("EINVAL", "a name with a slash");
      if ((block as typeof block | null) === null) return { seq, path: names.join("/"), data };
      const own = new Uint8Array(block.bytes);
      block.release();
      return { seq, path: names.join("/"), data: own };
    },
    upgrade: ({ text }) => {
      if (text === "") throw new LwktError("EIO", "nothing said");
      return { text, size: text.length };
    },
  },
});
translate(Put2, Put3, {
  upgrade: ({ seq, names, data, block }) => ({ seq, names, data, block, mode: 0o644 }),
  downgrade: ({ said }) => said,
  sending: {
    downgrade: ({ seq, names, data, block }) => ({ seq, names, data, block }),
    upgrade: (said) => ({ said: { text: said.text, size: said.size } }),
  },
});
translate(Put1, Put2Receiver, {
  upgrade: ({ seq, path, data }) => ({ seq, names: path.split("/"), data, block: null as never }),
  downgrade: ({ text, size }) => ({ text: `${text} ${size}` }),
});

export const Port1 = definePort("store", { put: Put1, mark: Mark, seen: Seen });
export const Port2 = definePort("store", { put: Put2, mark: Mark, seen: Seen });
export const Port3 = definePort("store", { put: Put3, mark: Mark, seen: Seen });
