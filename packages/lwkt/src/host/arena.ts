/**
 * Arenas: blocks of shared memory that messages hand from CPU to CPU without copying.
 *
 * Key types `SharedArena` (blocks of one size), `SharedBlock` (one of them, owned by somebody), `BlockTable` (the arenas that a link's two CPUs both know).
 * Neighbours: `link.ts`, `schema.ts` (the field kind `shared`). A block in a message belongs to the receiver from the send on.
 *
 *     word 0            free list: block + 1 in the lower half, a count against ABA in the upper
 *     word 16 + 4 i     of block i: the next free block + 1; the owning CPU's number + 1, or 0 for nobody; bytes in use;
 *                       the number + 1 of the CPU that has sent it, until its owner has received it
 *     dataOffset        the blocks
 *
 * Invariant: a block is on the free list exactly when nobody owns it; who takes the owner's number away puts it there. What a CPU had on its way when it
 * ended, its receiver frees: it may have been lost with it, or lie in a ring that the receiver looks through first.
 */
import { LwktError } from "./errors";

const FREE = 0;
const META = 16;
const META_WORDS = 4;
const NEXT = 0;
const OWNER = 1;
const LENGTH = 2;
const SENDER = 3;
const BLOCKS_MAX = 0xfffe;
/** Blocks of an arena have numbers below this in a handle. */
const HANDLE_BLOCKS = 65536;

const EMPTY = new Uint8Array(0);

/** What one CPU tells the other of an arena. */
interface ArenaMemory {
  readonly id: number;
  readonly buffer: SharedArrayBuffer;
  readonly blockSize: number;
  readonly blocks: number;
}

/** What an arena is made of. */
export interface ArenaOptions {
  /** Bytes of a block; rounded up to a multiple of 64. */
  blockSize: number;
  /** How many, 1 to 65534. */
  blocks: number;
}

/** What tells blocks from all else, also when they are of another copy of this library. */
const BLOCK = Symbol.for("@anax/lwkt/block");

export function isBlock(v: unknown): v is SharedBlock {
  return typeof v === "object" && v !== null && BLOCK in v;
}

/** A block of an arena. Whoever holds it owns it, until it is released or sent. */
export class SharedBlock implements Disposable {
  /** @internal */
  get [BLOCK](): true {
    return true;
  }

  private view: Uint8Array | null;

  /** @internal */
  constructor(
    readonly arena: SharedArena,
    readonly index: number,
    length: number,
  ) {
    this.view = arena.viewOf(index, length);
  }

  /** The bytes in use, in shared memory. Throws EINVAL when the block was sent or released. */
  get bytes(): Uint8Array {
    if (this.view === null) throw new LwktError("EINVAL", "the block was sent or released");
    return this.view;
  }

  get isOwned(): boolean {
    return this.view !== null;
  }

  /** Gives the block back to its arena. */
  release(): void {
    if (this.view === null) return;
    this.view = null;
    this.arena.free(this.index);
  }

  /** @internal The same block for another holder on this CPU; this one has it no more. */
  handOver(): SharedBlock {
    const block = new SharedBlock(this.arena, this.index, this.bytes.length);
    this.view = null;
    return block;
  }

  /** @internal the block is somebody else's from now on. */
  detach(): void {
    this.view = null;
  }

  /** `release`, for `using`. */
  [Symbol.dispose](): void {
    this.release();
  }
}

function allocate(bytes: number): SharedArrayBuffer {
  try {
    return new SharedArrayBuffer(bytes);
  } catch (error) {
    throw new LwktError("ENOMEM", `no ${bytes} bytes of shared memory`, { cause: error });
  }
}

/** Blocks of one size in shared memory. Any CPU that was sent one of its blocks may release it. */
export class SharedArena {
  id: number;
  readonly blockSize: number;
  readonly blocks: number;
  readonly buffer: SharedArrayBuffer;
  private readonly words: Int32Array;
  private readonly dataOffset: number;

  private constructor(
    memory: ArenaMemory,
    private owner: number,
  ) {
    this.id = memory.id;
    this.blockSize = memory.blockSize;
    this.blocks = memory.blocks;
    this.buffer = memory.buffer;
    const metaBytes = (META + META_WORDS * memory.blocks) * 4;
    this.dataOffset = (metaBytes + 63) & ~63;
    this.words = new Int32Array(memory.buffer, 0, META + META_WORDS * memory.blocks);
  }

  /** @internal a new arena whose blocks `owner` takes and gives. Throws EINVAL for sizes out of range, ENOMEM for more than there is. */
  static create(id: number, owner: number, options: ArenaOptions): SharedArena {
    const { blockSize, blocks } = options ?? {};
    if (!Number.isInteger(blocks) || blocks < 1 || blocks > BLOCKS_MAX)
      throw new LwktError("EINVAL", `an arena has 1 to ${BLOCKS_MAX} blocks, not ${blocks}`);
    const size = (blockSize + 63) & ~63;
    if (!Number.isInteger(blockSize) || blockSize < 1 || blockSize > 2 ** 30)
      throw new LwktError("EINVAL", `blocks of ${blockSize} bytes`);
    const data = ((META + META_WORDS * blocks) * 4 + 63) & ~63;
    const arena = new SharedArena({ id, buffer: allocate(data + size * blocks), blockSize: size, blocks }, owner);
    for (let i = 0; i < blocks; i++) arena.words[META + META_WORDS * i + NEXT] = i + 1 < blocks ? i + 2 : 0;
    arena.words[FREE] = 1;
    return arena;
  }

  /** @internal */
  static attach(memory: unknown, owner: number): SharedArena {
    return new SharedArena(memory as ArenaMemory, owner);
  }

  /** @internal What `attach` needs in another thread. */
  get memory(): ArenaMemory {
    return { id: this.id, buffer: this.buffer, blockSize: this.blockSize, blocks: this.blocks };
  }

  /** @internal The thread that has made it learns which CPU it is. Nobody else knows the arena yet. */
  renumber(id: number, owner: number): void {
    this.id = id;
    for (let i = 0; i < this.blocks; i++)
      Atomics.compareExchange(this.words, this.meta(i, OWNER), this.owner + 1, owner + 1);
    this.owner = owner;
  }

  /** @internal their bytes. */
  viewOf(index: number, length: number): Uint8Array {
    return length === 0 ? EMPTY : new Uint8Array(this.buffer, this.dataOffset + index * this.blockSize, length);
  }

  private meta(index: number, field: number): number {
    return META + META_WORDS * index + field;
  }

  /** A block with `length` bytes in use (all of it when not given); their content is what was left there. Throws ENOMEM when none is free, EINVAL for a length out of range. */
  alloc(length = this.blockSize): SharedBlock {
    if (!Number.isInteger(length) || length < 0 || length > this.blockSize)
      throw new LwktError("EINVAL", `${length} bytes of a block of ${this.blockSize}`);
    for (;;) {
      const head = Atomics.load(this.words, FREE);
      const index = (head & 0xffff) - 1;
      if (index < 0) throw new LwktError("ENOMEM", `all ${this.blocks} blocks are in use`);
      const next = Atomics.load(this.words, this.meta(index, NEXT));
      if (Atomics.compareExchange(this.words, FREE, head, ((head + 0x10000) & ~0xffff) | next) !== head) continue;
      Atomics.store(this.words, this.meta(index, LENGTH), length);
      Atomics.store(this.words, this.meta(index, OWNER), this.owner + 1);
      return new SharedBlock(this, index, length);
    }
  }

  /** Number of free blocks, as a snapshot. */
  get available(): number {
    let n = 0;
    for (let i = 0; i < this.blocks; i++) if (Atomics.load(this.words, this.meta(i, OWNER)) === 0) n++;
    return n;
  }

  /** @internal puts one on the free list if `from` owns it. */
  free(index: number, from = this.owner): void {
    if (Atomics.compareExchange(this.words, this.meta(index, OWNER), from + 1, 0) !== from + 1) return;
    Atomics.store(this.words, this.meta(index, SENDER), 0);
    for (;;) {
      const head = Atomics.load(this.words, FREE);
      Atomics.store(this.words, this.meta(index, NEXT), head & 0xffff);
      if (Atomics.compareExchange(this.words, FREE, head, ((head + 0x10000) & ~0xffff) | (index + 1)) === head) return;
    }
  }

  /** @internal block `index` goes from this CPU to another. Throws EINVAL when it is not this CPU's. */
  pass(index: number, to: number): void {
    const own = this.owner + 1;
    const at = this.meta(index, OWNER);
    // Nobody but its owner gives a block away, so it stays ours in between.
    if (Atomics.load(this.words, at) === own) {
      Atomics.store(this.words, this.meta(index, SENDER), own);
      if (Atomics.compareExchange(this.words, at, own, to + 1) === own) return;
    }
    throw new LwktError("EINVAL", "the block belongs to another CPU");
  }

  /** @internal a block that has come in. */
  receive(index: number): SharedBlock {
    if (index >= this.blocks || Atomics.load(this.words, this.meta(index, OWNER)) !== this.owner + 1)
      throw new LwktError("EINVAL", "a block that was not sent");
    Atomics.store(this.words, this.meta(index, SENDER), 0);
    return new SharedBlock(this, index, Atomics.load(this.words, this.meta(index, LENGTH)));
  }

  /** @internal Frees what a CPU that is gone has owned, and what it had sent to this one and this one has not received. */
  reclaim(cpu: number): void {
    for (let i = 0; i < this.blocks; i++) {
      const owner = Atomics.load(this.words, this.meta(i, OWNER)) - 1;
      if (owner === cpu) this.free(i, cpu);
      else if (owner === this.owner && Atomics.load(this.words, this.meta(i, SENDER)) === cpu + 1) this.free(i);
    }
  }
}

/** The arenas of a CPU, by number: its own and those it was told of. */
export class ArenaDirectory {
  private readonly arenas = new Map<number, SharedArena>();

  constructor(private readonly owner: number) {}

  add(arena: SharedArena): void {
    this.arenas.set(arena.id, arena);
  }

  get all(): SharedArena[] {
    return [...this.arenas.values()];
  }

  get(id: number): SharedArena | undefined {
    return this.arenas.get(id);
  }

  announce(memory: unknown): void {
    const { id } = memory as ArenaMemory;
    if (!this.arenas.has(id)) this.arenas.set(id, SharedArena.attach(memory, this.owner));
  }

  reclaim(cpu: number): void {
    for (const arena of this.arenas.values()) arena.reclaim(cpu);
  }
}

/** Which arenas the other end of a link has been told of. */
export class BlockTable {
  private readonly told = new Set<number>();

  constructor(private readonly directory: ArenaDirectory) {}

  /** The arenas of these blocks that the other end does not know yet. */
  untold(blocks: readonly SharedBlock[]): SharedArena[] {
    return [...new Set(blocks.map((block) => block.arena))].filter((arena) => !this.told.has(arena.id));
  }

  /** Hands a block of this CPU to CPU `to`, which knows its arena or is told with this message; returns its handle. */
  lend(block: SharedBlock, to: number): number {
    if (!block.isOwned) throw new LwktError("EINVAL", "the block was sent or released");
    const { arena, index } = block;
    arena.pass(index, to);
    block.detach();
    this.directory.add(arena);
    this.told.add(arena.id);
    return arena.id * HANDLE_BLOCKS + index + 1;
  }

  take(handle: number): SharedBlock {
    const id = Math.floor((handle - 1) / HANDLE_BLOCKS);
    const arena = this.directory.get(id);
    if (arena === undefined) throw new LwktError("EINVAL", `no arena ${id}`);
    return arena.receive((handle - 1) % HANDLE_BLOCKS);
  }
}
