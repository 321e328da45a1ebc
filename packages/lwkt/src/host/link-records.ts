/**
 * Records of the links themselves. PROTOCOL.md lists them.
 *
 * Functions `openRecord`, `portRecord`, `failureRecord`, `longRecord`, `abortRecord`: one of each, for one link's use. Neighbours: `link.ts`, `versions.ts` (the list in `portRecord`).
 * Invariant: class numbers lie below MSGCLASS_USER and are never given to something else.
 */
import { FieldKind, MsgClass, MsgLayout } from "../msgclass";
import { MsgRecord } from "../record";

export const OPEN = 8;
export const FAILURE = 9;
export const LONG_RECORD = 10;
export const ABORT = 11;
export const PORT = 12;

/** Transport flag of a record: parts of it come beside the ring, as message `source`. */
export const FLAG_SIDE = 0x0100;
/** Transport flag of a failure: no port has seen the message. */
export const FLAG_UNDELIVERED = 0x0200;

const make = (number: number, name: string, layout = new MsgLayout()): MsgRecord =>
  new MsgRecord(new MsgClass(number, name, 1, 0, layout));

/** `target` stands for the port with this name from here on. */
export const openRecord = (): MsgRecord =>
  make(OPEN, "link.open", new MsgLayout().field(0, "name", FieldKind.TEXT, 0, 0, "the port's name"));

/** The answer to it: the port is there and takes these classes; with `error`, it is not. Comes again when that changes. */
export const portRecord = (): MsgRecord =>
  make(
    PORT,
    "link.port",
    new MsgLayout().field(0, "classes", FieldKind.BYTES, 0, 0, "what the port takes, as in HELLO: 8 bytes a class"),
  );

/** Message `msgid` has failed with `error`. */
export const failureRecord = (): MsgRecord =>
  make(FAILURE, "link.failure", new MsgLayout().field(0, "detail", FieldKind.TEXT, 0, 0, "for people"));

/** A record comes beside the ring, as message `source`. */
export const longRecord = (): MsgRecord => make(LONG_RECORD, "link.long");

/** Asks to finish message `msgid` early. */
export const abortRecord = (): MsgRecord => make(ABORT, "link.abort");

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Sets the only field of one of these. */
export function putText(rec: MsgRecord, text: string): void {
  const bytes = encoder.encode(text);
  rec.setBytes(0, bytes, 0, bytes.length);
}

/** The only field of one of these. */
export function bytesOf(rec: MsgRecord): Uint8Array {
  const bytes = new Uint8Array(rec.lengthOf(0));
  rec.copyOut(0, 0, bytes, 0, bytes.length);
  return bytes;
}

export function textOf(rec: MsgRecord): string {
  return decoder.decode(bytesOf(rec));
}
