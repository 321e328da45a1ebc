/**
 * Writing Berkeley DB 1.85 btree files from records that come in order: each page is written once, full from left to right, as dbopen
 * leaves it when records are put in order (bt_split.c, "it's likely that the data is sorted").
 *
 * Key class: `BtreeWriter`. Neighbour: `btree.ts` has the layout. Source for sizes: bt_open.c (`bt_ovflsize`), bt_put.c (what goes to
 * overflow pages), bt_split.c (internal items, `bt_preserve`).
 * Invariant: what is written is a tree that bt_search.c finds every record in.
 */
import { PackageError } from "../errors";
import {
  BTREE_MAGIC,
  BTREE_VERSION,
  ItemFlag,
  MAX_PAGE_SIZE,
  MetaFlag,
  MIN_PAGE_SIZE,
  PAGE_HEADER,
  PageFlag,
  ROOT_PAGE,
} from "./btree";

/** Where pages go; page numbers come in any order, each once. */
export interface PageSink {
  write(page: number, bytes: Buffer): void;
}

export interface BtreeWriterOptions {
  /** Bytes, even, 512 to 65,536. Default 4,096, as pkg_install asks for (lib/pkgdb.c). */
  pageSize?: number;
  /** Byte order of the file; default little. */
  littleEndian?: boolean;
  /** Whether a key may come twice. Default false. */
  duplicates?: boolean;
}

/** A page that is being filled. */
interface Filling {
  number: number;
  bytes: Buffer;
  lower: number;
  upper: number;
  previous: number;
}

/** A key as an internal item holds it. */
interface Separator {
  bytes: Buffer;
  flags: number;
  page: number;
}

function align(n: number): number {
  return (n + 3) & ~3;
}

export class BtreeWriter {
  private readonly pageSize: number;
  private readonly le: boolean;
  private readonly duplicates: boolean;
  /** Key and data of a record in the page together have at most this many bytes (`bt_ovflsize`). */
  private readonly limit: number;
  private nextPage = ROOT_PAGE + 1;
  private leaf: Filling | null = null;
  private lastKey: Buffer | null = null;
  /** First key and number of each finished or begun leaf. */
  private readonly separators: Separator[] = [];

  constructor(
    private readonly sink: PageSink,
    options: BtreeWriterOptions = {},
  ) {
    this.pageSize = options.pageSize ?? 4096;
    this.le = options.littleEndian ?? true;
    this.duplicates = options.duplicates ?? false;
    if (this.pageSize < MIN_PAGE_SIZE || this.pageSize > MAX_PAGE_SIZE || this.pageSize % 4 !== 0) {
      throw new PackageError("EBADDATA", `a btree cannot have pages of ${this.pageSize} bytes`);
    }
    this.limit = Math.max(Math.floor((this.pageSize - PAGE_HEADER) / 2) - (2 + align(9)), align(9 + 16) + 2);
  }

  private blank(number: number, flags: number, previous: number, next: number): Buffer {
    const bytes = Buffer.alloc(this.pageSize);
    this.put32(bytes, 0, number);
    this.put32(bytes, 4, previous);
    this.put32(bytes, 8, next);
    this.put32(bytes, 12, flags);
    return bytes;
  }

  private put32(bytes: Buffer, at: number, value: number): void {
    if (this.le) bytes.writeUInt32LE(value, at);
    else bytes.writeUInt32BE(value, at);
  }

  private put16(bytes: Buffer, at: number, value: number): void {
    // The upper bound of an empty page of 65,536 bytes does not fit and becomes 0, as in C.
    if (this.le) bytes.writeUInt16LE(value & 0xffff, at);
    else bytes.writeUInt16BE(value & 0xffff, at);
  }

  private begin(number: number, flags: number, previous: number): Filling {
    return {
      number,
      bytes: this.blank(number, flags, previous, 0),
      lower: PAGE_HEADER,
      upper: this.pageSize,
      previous,
    };
  }

  /** Room for an item of `size` bytes, or -1 when the page is full. */
  private place(page: Filling, size: number): number {
    if (page.upper - page.lower < size + 2) return -1;
    page.upper -= size;
    this.put16(page.bytes, page.lower, page.upper);
    page.lower += 2;
    return page.upper;
  }

  private finishPage(page: Filling, next: number): void {
    this.put32(page.bytes, 8, next);
    this.put16(page.bytes, 16, page.lower);
    this.put16(page.bytes, 18, page.upper);
    this.sink.write(page.number, page.bytes);
  }

  /** Writes bytes to a chain of overflow pages; returns the reference to it. */
  private overflow(data: Buffer): Buffer {
    const room = this.pageSize - PAGE_HEADER;
    const first = this.nextPage;
    const pages = Math.max(1, Math.ceil(data.length / room));
    this.nextPage += pages;
    for (let i = 0; i < pages; i++) {
      const bytes = this.blank(first + i, PageFlag.Overflow, 0, i + 1 < pages ? first + i + 1 : 0);
      data.copy(bytes, PAGE_HEADER, i * room, (i + 1) * room);
      this.held.set(first + i, bytes);
    }
    const reference = Buffer.alloc(8);
    this.put32(reference, 0, first);
    this.put32(reference, 4, data.length);
    return reference;
  }

  /** Overflow pages of the record at hand: the first one is marked when an internal page will refer to it. */
  private readonly held = new Map<number, Buffer>();

  private releaseOverflow(preserve: Buffer | null): void {
    const marked = preserve === null ? 0 : this.le ? preserve.readUInt32LE(0) : preserve.readUInt32BE(0);
    for (const [number, bytes] of this.held) {
      if (number === marked) this.put32(bytes, 12, PageFlag.Overflow | PageFlag.Preserve);
      this.sink.write(number, bytes);
    }
    this.held.clear();
  }

  /**
   * Adds a record; its key must not be changed afterwards. Throws EBADDATA when its key is not greater than the last one's (not less, with duplicates).
   */
  add(key: Buffer, data: Buffer): void {
    if (this.lastKey !== null) {
      const order = Buffer.compare(this.lastKey, key);
      if (order > 0 || (order === 0 && !this.duplicates))
        throw new PackageError("EBADDATA", "the records of a btree do not come in order");
    }
    this.lastKey = key;
    let flags = 0;
    if (key.length + data.length > this.limit) {
      let bigKey = key.length > this.limit;
      if ((bigKey ? 8 : key.length) + data.length > this.limit) {
        flags |= ItemFlag.BigData;
        data = this.overflow(data);
        bigKey ||= key.length + data.length > this.limit;
      }
      if (bigKey) {
        flags |= ItemFlag.BigKey;
        key = this.overflow(key);
      }
    }
    const size = align(9 + key.length + data.length);
    let begun = this.leaf === null;
    // The first leaf is the root until there is a second one.
    this.leaf ??= this.begin(ROOT_PAGE, PageFlag.Leaf, 0);
    let at = this.place(this.leaf, size);
    if (at < 0) {
      this.numberFirstLeaf();
      const next = this.begin(this.nextPage++, PageFlag.Leaf, this.leaf.number);
      this.finishPage(this.leaf, next.number);
      this.leaf = next;
      begun = true;
      at = this.place(next, size);
    }
    const { bytes } = this.leaf;
    this.put32(bytes, at, key.length);
    this.put32(bytes, at + 4, data.length);
    bytes[at + 8] = flags;
    key.copy(bytes, at + 9);
    data.copy(bytes, at + 9 + key.length);
    if (begun)
      this.separators.push({ bytes: Buffer.from(key), flags: flags & ItemFlag.BigKey, page: this.leaf.number });
    const shared = begun && this.separators.length > 1 && (flags & ItemFlag.BigKey) !== 0;
    this.releaseOverflow(shared ? key : null);
  }

  /**
   * Adds all records of a leaf page of another tree as they are: a page with the same page size and byte order that stands alone.
   * Throws EBADDATA when its first key does not come behind the last one.
   */
  addLeaf(page: Buffer, firstKey: Buffer, lastKey: Buffer): void {
    if (this.lastKey !== null && Buffer.compare(this.lastKey, firstKey) >= 0) {
      throw new PackageError("EBADDATA", "the records of a btree do not come in order");
    }
    if (page.length !== this.pageSize)
      throw new PackageError("EBADDATA", `a page of ${page.length} bytes does not fit`);
    const next = this.begin(this.leaf === null ? ROOT_PAGE : this.nextPage++, PageFlag.Leaf, 0);
    page.copy(next.bytes, PAGE_HEADER, PAGE_HEADER);
    next.lower = this.le ? page.readUInt16LE(16) : page.readUInt16BE(16);
    next.upper = (this.le ? page.readUInt16LE(18) : page.readUInt16BE(18)) || this.pageSize;
    if (this.leaf !== null) {
      this.numberFirstLeaf();
      next.previous = this.leaf.number;
      this.put32(next.bytes, 4, next.previous);
      this.finishPage(this.leaf, next.number);
    }
    this.leaf = next;
    this.lastKey = lastKey;
    this.separators.push({ bytes: Buffer.from(firstKey), flags: 0, page: next.number });
  }

  /** The first leaf is no root when there is a second one. */
  private numberFirstLeaf(): void {
    if (this.leaf === null || this.leaf.number !== ROOT_PAGE) return;
    this.leaf.number = this.nextPage++;
    this.put32(this.leaf.bytes, 0, this.leaf.number);
    this.separators[0]!.page = this.leaf.number;
  }

  /** Writes an internal level over `children`; returns the separators of its pages. */
  private level(children: readonly Separator[], asRoot: boolean): Separator[] {
    const pages: Separator[] = [];
    let page: Filling | null = null;
    children.forEach((child, index) => {
      // The leftmost key of a level is less than any (bt_utils.c, __bt_cmp): it needs no bytes (bt_split.c, bt_broot).
      const key = index === 0 ? Buffer.alloc(0) : child.bytes;
      const flags = index === 0 ? 0 : child.flags;
      const size = align(9 + key.length);
      let at = page === null ? -1 : this.place(page, size);
      if (page === null || at < 0) {
        const next = this.begin(asRoot ? ROOT_PAGE : this.nextPage++, PageFlag.Internal, page?.number ?? 0);
        if (page !== null) this.finishPage(page, next.number);
        page = next;
        pages.push({ ...child, page: next.number });
        at = this.place(next, size);
      }
      this.put32(page.bytes, at, key.length);
      this.put32(page.bytes, at + 4, child.page);
      page.bytes[at + 8] = flags;
      key.copy(page.bytes, at + 9);
    });
    this.finishPage(page!, 0);
    return pages;
  }

  /** Whether one internal page has room for all. */
  private fitsOne(children: readonly Separator[]): boolean {
    let size = PAGE_HEADER;
    children.forEach((child, index) => (size += 2 + align(9 + (index === 0 ? 0 : child.bytes.length))));
    return size <= this.pageSize;
  }

  /** Writes the pages above the leaves and the meta page; nothing may be added afterwards. Returns the number of pages. */
  finish(): number {
    if (this.leaf === null || this.separators.length === 1) {
      this.finishPage(this.leaf ?? this.begin(ROOT_PAGE, PageFlag.Leaf, 0), 0);
    } else {
      this.finishPage(this.leaf, 0);
      let level: Separator[] = this.separators;
      while (!this.fitsOne(level)) level = this.level(level, false);
      this.level(level, true);
    }
    const meta = Buffer.alloc(this.pageSize);
    this.put32(meta, 0, BTREE_MAGIC);
    this.put32(meta, 4, BTREE_VERSION);
    this.put32(meta, 8, this.pageSize);
    this.put32(meta, 20, this.duplicates ? 0 : MetaFlag.NoDuplicates);
    this.sink.write(0, meta);
    return this.nextPage;
  }
}

/** Pages in one growing buffer. */
export class BufferSink implements PageSink {
  private buffer: Buffer;
  private end = 0;

  constructor(
    private readonly pageSize: number,
    pages = 64,
  ) {
    this.buffer = Buffer.allocUnsafe(pageSize * pages);
  }

  write(page: number, bytes: Buffer): void {
    const at = page * this.pageSize;
    if (at + this.pageSize > this.buffer.length) {
      const grown = Buffer.allocUnsafe(Math.max(at + this.pageSize, Math.ceil((this.buffer.length * 3) / 2)));
      this.buffer.copy(grown, 0, 0, this.end);
      this.buffer = grown;
    }
    bytes.copy(this.buffer, at);
    this.end = Math.max(this.end, at + this.pageSize);
  }

  /** All pages. */
  get data(): Buffer {
    return this.buffer.subarray(0, this.end);
  }
}

/** A whole btree in memory. */
export function writeBtree(records: Iterable<readonly [Buffer, Buffer]>, options: BtreeWriterOptions = {}): Buffer {
  const sink = new BufferSink(options.pageSize ?? 4096);
  const writer = new BtreeWriter(sink, options);
  for (const [key, data] of records) writer.add(key, data);
  writer.finish();
  return sink.data;
}
