/** What the soak's main thread and its worker say to each other. */
import { defineMessage, definePort } from "@anax/lwkt/host";

export const Note = defineMessage({ number: 0x301, name: "note", request: { n: "u32", data: "bytes" } });
export const Total = defineMessage({ number: 0x302, name: "total", reply: { notes: "f64", sum: "f64" } });
export const Echo = defineMessage({
  number: 0x303,
  name: "echo",
  request: { n: "u32", data: "bytes", text: "text" },
  reply: { n: "u32", data: "bytes" },
});
/** Never answered but by an abort. */
export const Wait = defineMessage({ number: 0x304, name: "wait" });
/** Fails. */
export const Fail = defineMessage({ number: 0x305, name: "fail" });
export const Block = defineMessage({
  number: 0x306,
  name: "block",
  request: { block: "shared" },
  reply: { block: "shared" },
});
/** The worker sends so many notes to the port "back". */
export const Back = defineMessage({ number: 0x307, name: "back", request: { count: "u32" } });

export const Soak = definePort("soak", {
  note: Note,
  total: Total,
  echo: Echo,
  wait: Wait,
  fail: Fail,
  block: Block,
  back: Back,
});
export const BackPort = definePort("back", { note: Note });
