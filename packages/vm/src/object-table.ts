/**
 * Objects by id, for the page array, which names the object of a page by a number.
 *
 * The table grows by chunks, so that no growth asks the kernel heap for much at once. Neighbours: `pages.ts`, `object.ts`.
 * Invariant: id 0 is never used; a free id is on the free list, linked through `links`.
 */
import type { i32 } from "@anax/portable";
import type { VmObject } from "./object";

const CHUNK_SHIFT: i32 = 9;
const CHUNK: i32 = 512;

/** The objects of a kernel instance. Owned by VmPages. */
export class ObjectTable {
  private readonly chunks: Array<Array<VmObject | null>> = [];
  private readonly links: Array<Int32Array> = [];
  private freeHead: i32 = 0;
  /** Ids below it were used. */
  private top: i32 = 1;
  /** Objects that live. */
  used: i32 = 0;

  get(id: i32): VmObject | null {
    return this.chunks[id >> CHUNK_SHIFT][id & (CHUNK - 1)];
  }

  /** Registers an object; returns its id. */
  add(object: VmObject): i32 {
    let id = this.freeHead;
    if (id !== 0) this.freeHead = this.links[id >> CHUNK_SHIFT][id & (CHUNK - 1)];
    else {
      id = this.top;
      this.top++;
      if (id >> CHUNK_SHIFT >= this.chunks.length) this.addChunk();
    }
    this.chunks[id >> CHUNK_SHIFT][id & (CHUNK - 1)] = object;
    this.used++;
    return id;
  }

  remove(id: i32): void {
    this.chunks[id >> CHUNK_SHIFT][id & (CHUNK - 1)] = null;
    this.links[id >> CHUNK_SHIFT][id & (CHUNK - 1)] = this.freeHead;
    this.freeHead = id;
    this.used--;
  }

  private addChunk(): void {
    const chunk: Array<VmObject | null> = [];
    for (let i = 0; i < CHUNK; i++) chunk.push(null);
    this.chunks.push(chunk);
    this.links.push(new Int32Array(CHUNK));
  }
}
