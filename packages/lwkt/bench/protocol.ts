/** What the benchmark's main thread and its worker say to each other. */
import { defineMessage, definePort } from "@anax/lwkt/host";

/** One way; counted by the worker. */
export const Note = defineMessage({ number: 0x201, name: "note", request: { n: "u32", data: "bytes" } });
/** Answered with the number of notes since the last time. */
export const Drain = defineMessage({ number: 0x202, name: "drain", reply: { count: "u32" } });
/** There and back. */
export const Echo = defineMessage({
  number: 0x203,
  name: "echo",
  request: { n: "u32", data: "bytes" },
  reply: { n: "u32" },
});
/** Asks the worker to send `count` notes to port "sink" of its parent. */
export const Flood = defineMessage({ number: 0x204, name: "flood", request: { count: "u32", bytes: "u32" } });

export const Bench = definePort("bench", { note: Note, drain: Drain, echo: Echo, flood: Flood });
export const Sink = definePort("sink", { note: Note });

/** What the other contestants are told, by postMessage. */
export type Order =
  | { kind: "channel"; port: unknown }
  | { kind: "comlink"; port: unknown }
  | {
      kind: "ring";
      there: SharedArrayBuffer;
      back: SharedArrayBuffer;
      slots: number;
      size: number;
      go: SharedArrayBuffer;
    };

/** What comlink serves. */
export interface Api {
  note(n: number, data: Uint8Array): void;
  echo(n: number, data: Uint8Array): number;
  drain(): number;
}

/** Words of `go` for the bare ring: rounds asked for and done; how many records; whether each is answered. */
export const GO = { ROUND: 0, DONE: 1, COUNT: 2, ECHO: 3 } as const;
