/**
 * What goes beside the rings of a link, by the host's message events: values for structured clone, the memory of arenas, records that no ring takes.
 *
 * Key type `SideChannel`. Neighbours: `link.ts`, `platform.ts` (the host's port). A record in a ring names its parts by their number.
 * Invariant: a part is posted before its record is visible, so it is here or on its way when the record is read.
 */
import { WireBuffer } from "../glue/js/wire-buffer";
import type { SidePort } from "./platform";

type Part = { seq: number; values: unknown[]; arenas: unknown[] } | { seq: number; record: ArrayBuffer };

export class SideChannel {
  /** A record is here whose part has not come yet: it comes as an event. */
  waits = false;
  private seq = 0;
  private readonly parts = new Map<number, Part>();

  /** `onArena` hears of memory that a record will name; `onEvent`, from the event loop, of anything that has come. */
  constructor(
    private readonly port: SidePort,
    private readonly onArena: (memory: unknown) => void,
    onEvent: () => void,
  ) {
    port.onMessage((message) => {
      this.keep(message as Part | null);
      onEvent();
    });
  }

  /** Posts values and arenas; returns their number. Throws what structured clone throws. */
  postValues(values: unknown[], arenas: unknown[], transfer: readonly ArrayBuffer[] | null): number {
    const seq = this.next();
    this.port.post({ seq, values, arenas } satisfies Part, [...(transfer ?? [])]);
    return seq;
  }

  /** Posts a whole record, which is gone from here; returns its number. */
  postRecord(record: ArrayBuffer): number {
    const seq = this.next();
    this.port.post({ seq, record } satisfies Part, [record]);
    return seq;
  }

  /** Wakes a peer that waits for events. */
  poke(): void {
    this.port.post(null, []);
  }

  /** Whether part `seq` has come. */
  has(seq: number): boolean {
    while (!this.parts.has(seq)) {
      const next = this.port.receive();
      if (next === null) {
        this.waits = true;
        return false;
      }
      this.keep(next.message as Part | null);
    }
    return true;
  }

  takeValues(seq: number): unknown[] {
    return (this.take(seq) as { values: unknown[] }).values;
  }

  takeRecord(seq: number): WireBuffer {
    return new WireBuffer(new Uint8Array((this.take(seq) as { record: ArrayBuffer }).record));
  }

  /** Part `seq` is of no use to anybody. */
  drop(seq: number): void {
    this.parts.delete(seq);
  }

  close(): void {
    this.parts.clear();
    this.port.close();
  }

  private next(): number {
    this.seq = (this.seq + 1) >>> 0;
    return this.seq;
  }

  private keep(part: Part | null): void {
    if (part === null) return;
    if ("arenas" in part) for (const memory of part.arenas) this.onArena(memory);
    this.parts.set(part.seq, part);
  }

  private take(seq: number): Part {
    const part = this.parts.get(seq)!;
    this.parts.delete(seq);
    return part;
  }
}
