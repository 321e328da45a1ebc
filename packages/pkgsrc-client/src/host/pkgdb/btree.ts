/**
 * Reading Berkeley DB 1.85 btree files (dbopen(3), DB_BTREE), of either byte order.
 *
 * Source: NetBSD lib/libc/db/btree: btree.h (layouts), bt_open.c (the meta page), bt_search.c (descending), bt_overflow.c (big items),
 * bt_seq.c (order).
 *
 *     page 0: magic 0x053162, version 3, page size, first free page, records (unused), flags       u32 each, in the file's byte order
 *     others: page number, previous, next, flags: u32; lower, upper: u16; offsets of items: u16 each from byte 20 to `lower`
 *     internal item:  key size u32, page u32, flags u8, key
 *     leaf item:      key size u32, data size u32, flags u8, key, data
 *     big key, data:  page u32, size u32 in place of the bytes; the chain's pages hold bytes from 20 on
 *
 * Page 1 is the root. Items of a page are in the order of their keys (bytes, then length). The leftmost key of each level counts as
 * less than any other.
 * Key class: `BtreeReader`. Neighbours: `btree-writer.ts`, `file-index.ts`.
 * Invariant: no file, however damaged, makes it read outside a page or loop: everything is checked and throws EBADDATA.
 */
import fs from "node:fs";
import { ioError, PackageError } from "../errors";

export const BTREE_MAGIC = 0x053162;
export const BTREE_VERSION = 3;
export const PAGE_HEADER = 20;
export const ROOT_PAGE = 1;
export const MIN_PAGE_SIZE = 512;
export const MAX_PAGE_SIZE = 65536;

/** Bits of a page's flags. */
export enum PageFlag {
  Internal = 0x01,
  Leaf = 0x02,
  Overflow = 0x04,
  TypeMask = 0x1f,
  /** A chain that an internal page uses too. */
  Preserve = 0x20,
}

/** Bits of an item's flags. */
export enum ItemFlag {
  BigData = 0x01,
  BigKey = 0x02,
}

/** Bits of the meta page's flags. */
export enum MetaFlag {
  /** No key is there twice. */
  NoDuplicates = 0x20,
  /** A recno file. */
  Recno = 0x80,
}

/** Longest item that is put together from overflow pages. */
const MAX_ITEM = 16 << 20;

/** Deepest tree (bt_stack of btree.h). */
const MAX_DEPTH = 50;

/** Where pages come from. */
export interface PageSource {
  /** For messages. */
  readonly path: string;
  /** Bytes in all. */
  readonly size: number;
  /** Bytes at an offset; may be fewer than asked for at the end. */
  read(offset: number, length: number): Buffer;
}

/** Pages in memory. */
export class BufferPages implements PageSource {
  constructor(
    private readonly data: Buffer,
    readonly path = "the database",
  ) {}

  get size(): number {
    return this.data.length;
  }

  read(offset: number, length: number): Buffer {
    return this.data.subarray(offset, offset + length);
  }
}

/** Bytes that are read at a time. */
const WINDOW = 128 << 10;

/** Pages of an open file. */
export class FilePages implements PageSource {
  private window: Buffer = Buffer.alloc(0);
  private windowAt = 0;

  private constructor(
    private readonly fd: number,
    readonly path: string,
    readonly size: number,
  ) {}

  /** Throws the operating system's code. */
  static open(path: string): FilePages {
    try {
      const fd = fs.openSync(path, "r");
      return new FilePages(fd, path, fs.fstatSync(fd).size);
    } catch (error) {
      throw ioError("open", path, error);
    }
  }

  read(offset: number, length: number): Buffer {
    if (offset < this.windowAt || offset + length > this.windowAt + this.window.length) {
      const start = length >= WINDOW ? offset : offset - (offset % WINDOW);
      this.window = this.readAt(start, Math.max(WINDOW, offset + length - start));
      this.windowAt = start;
    }
    const from = offset - this.windowAt;
    return this.window.subarray(Math.min(from, this.window.length), from + length);
  }

  private readAt(offset: number, length: number): Buffer {
    const buffer = Buffer.allocUnsafe(length);
    try {
      let done = 0;
      while (done < length) {
        const n = fs.readSync(this.fd, buffer, done, length - done, offset + done);
        if (n === 0) break;
        done += n;
      }
      return buffer.subarray(0, done);
    } catch (error) {
      throw ioError("read", this.path, error);
    }
  }

  close(): void {
    fs.closeSync(this.fd);
  }
}

/** A record of a btree. */
export interface BtreeRecord {
  key: Buffer;
  data: Buffer;
}

/** A page, checked. */
interface Page {
  number: number;
  view: DataView;
  bytes: Buffer;
  next: number;
  previous: number;
  flags: number;
  /** Items. */
  count: number;
}

export class BtreeReader {
  readonly pageSize: number;
  readonly littleEndian: boolean;
  /** Whether a key may be there more than once. */
  readonly duplicates: boolean;
  private readonly pages: number;
  private readonly recent = new Map<number, Page>();

  /** Throws EBADDATA when this is no btree of version 3. */
  constructor(private readonly source: PageSource) {
    if (source.size === 0) {
      // What dbopen leaves of a file that was created and never written.
      this.pageSize = 4096;
      this.littleEndian = true;
      this.duplicates = false;
      this.pages = 0;
      return;
    }
    const meta = source.read(0, 24);
    if (meta.length < 24) throw this.bad("it is too short");
    const view = new DataView(meta.buffer, meta.byteOffset, meta.length);
    this.littleEndian = view.getUint32(0, true) === BTREE_MAGIC;
    if (view.getUint32(0, this.littleEndian) !== BTREE_MAGIC) throw this.bad("it does not begin with the magic number");
    const version = view.getUint32(4, this.littleEndian);
    if (version !== BTREE_VERSION) throw this.bad(`its version is ${version} and not ${BTREE_VERSION}`);
    this.pageSize = view.getUint32(8, this.littleEndian);
    if (this.pageSize < MIN_PAGE_SIZE || this.pageSize > MAX_PAGE_SIZE || this.pageSize % 2 !== 0) {
      throw this.bad(`its pages have ${this.pageSize} bytes`);
    }
    const flags = view.getUint32(20, this.littleEndian);
    if ((flags & ~(MetaFlag.NoDuplicates | MetaFlag.Recno)) !== 0 || (flags & MetaFlag.Recno) !== 0)
      throw this.bad("it is no btree of keys");
    this.duplicates = (flags & MetaFlag.NoDuplicates) === 0;
    this.pages = Math.floor(source.size / this.pageSize);
  }

  private bad(reason: string): PackageError {
    return new PackageError("EBADDATA", `${this.source.path} is no sound Berkeley DB btree: ${reason}`, {
      path: this.source.path,
    });
  }

  private page(number: number): Page {
    const known = this.recent.get(number);
    if (known !== undefined) return known;
    if (number < 1 || number >= this.pages) throw this.bad(`page ${number} is outside the file`);
    const bytes = this.source.read(number * this.pageSize, this.pageSize);
    if (bytes.length < this.pageSize) throw this.bad(`page ${number} is cut short`);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const le = this.littleEndian;
    if (view.getUint32(0, le) !== number) throw this.bad(`page ${number} has the number ${view.getUint32(0, le)}`);
    const flags = view.getUint32(12, le) & PageFlag.TypeMask;
    const lower = view.getUint16(16, le);
    let count = 0;
    if (flags === PageFlag.Internal || flags === PageFlag.Leaf) {
      // A page of 65,536 bytes keeps its upper bound modulo 65,536.
      if (lower < PAGE_HEADER || lower > this.pageSize || (lower - PAGE_HEADER) % 2 !== 0)
        throw this.bad(`page ${number} has a wrong lower bound`);
      count = (lower - PAGE_HEADER) / 2;
    } else if (flags !== PageFlag.Overflow) {
      throw this.bad(`page ${number} has the unknown type ${flags}`);
    }
    const page = { number, view, bytes, previous: view.getUint32(4, le), next: view.getUint32(8, le), flags, count };
    if (this.recent.size >= 64) this.recent.delete(this.recent.keys().next().value!);
    this.recent.set(number, page);
    return page;
  }

  private item(page: Page, index: number, header: number): number {
    const at = page.view.getUint16(PAGE_HEADER + 2 * index, this.littleEndian);
    if (at < PAGE_HEADER + 2 * page.count || at + header > this.pageSize)
      throw this.bad(`page ${page.number} has an item outside itself`);
    return at;
  }

  /** Bytes of an item: in the page, or from a chain of overflow pages. */
  private bytes(page: Page, at: number, size: number, big: boolean): Buffer {
    if (!big) {
      if (at + size > this.pageSize) throw this.bad(`page ${page.number} has an item outside itself`);
      return page.bytes.subarray(at, at + size);
    }
    if (size !== 8 || at + 8 > this.pageSize)
      throw this.bad(`page ${page.number} refers to overflow pages in a wrong way`);
    let number = page.view.getUint32(at, this.littleEndian);
    let left = page.view.getUint32(at + 4, this.littleEndian);
    if (left > MAX_ITEM || left > this.pages * this.pageSize)
      throw this.bad(`page ${page.number} has an item of ${left} bytes`);
    const parts: Buffer[] = [];
    while (left > 0) {
      const chain = this.page(number);
      if (chain.flags !== PageFlag.Overflow) throw this.bad(`page ${number} is no overflow page`);
      const part = chain.bytes.subarray(PAGE_HEADER, PAGE_HEADER + Math.min(left, this.pageSize - PAGE_HEADER));
      parts.push(part);
      left -= part.length;
      number = chain.next;
    }
    return Buffer.concat(parts);
  }

  private key(page: Page, index: number): Buffer {
    const at = this.item(page, index, 9);
    const size = page.view.getUint32(at, this.littleEndian);
    const flags = page.bytes[at + 8]!;
    return this.bytes(page, at + 9, size, (flags & ItemFlag.BigKey) !== 0);
  }

  private record(page: Page, index: number): BtreeRecord {
    const at = this.item(page, index, 9);
    const keySize = page.view.getUint32(at, this.littleEndian);
    const dataSize = page.view.getUint32(at + 4, this.littleEndian);
    const flags = page.bytes[at + 8]!;
    return {
      key: this.bytes(page, at + 9, keySize, (flags & ItemFlag.BigKey) !== 0),
      data: this.bytes(page, at + 9 + keySize, dataSize, (flags & ItemFlag.BigData) !== 0),
    };
  }

  /** The leaf that has the first record whose key is not less than `key`, or the one before it; with null: the first leaf. */
  private descend(key: Buffer | null): Page {
    let page = this.page(ROOT_PAGE);
    for (let depth = 0; page.flags === PageFlag.Internal; depth++) {
      if (depth > MAX_DEPTH) throw this.bad("it is too deep");
      if (page.count === 0) throw this.bad(`the internal page ${page.number} is empty`);
      let low = 0;
      if (key !== null) {
        // The last item that is less than the key (with equal ones, duplicates may begin in the page before).
        let high = page.count;
        while (high - low > 1) {
          const middle = (low + high) >>> 1;
          const order = Buffer.compare(this.key(page, middle), key);
          if (order < 0 || (order === 0 && !this.duplicates)) low = middle;
          else high = middle;
        }
      }
      const at = this.item(page, low, 9);
      page = this.page(page.view.getUint32(at + 4, this.littleEndian));
    }
    if (page.flags !== PageFlag.Leaf) throw this.bad(`page ${page.number} is no leaf`);
    return page;
  }

  /** Records from the first whose key is not less than `from`, in order. */
  *entries(from: Buffer | null = null): Generator<BtreeRecord> {
    let start = from;
    for (const leaf of this.leaves(from)) {
      yield* leaf.records(start);
      start = null;
    }
  }

  /** Leaf pages, from the one that has the first record whose key is not less than `from`. */
  *leaves(from: Buffer | null = null): Generator<BtreeLeaf> {
    if (this.pages === 0) return;
    let page = this.descend(from);
    for (let visited = 0; ; visited++) {
      if (visited > this.pages) throw this.bad("its pages are chained in a circle");
      yield new BtreeLeaf(this, page);
      if (page.next === 0) return;
      page = this.page(page.next);
      if (page.flags !== PageFlag.Leaf) throw this.bad(`page ${page.number} is no leaf`);
    }
  }

  /** For `BtreeLeaf`. */
  keyAt(page: Page, index: number): Buffer {
    return this.key(page, index);
  }

  /** For `BtreeLeaf`. */
  recordAt(page: Page, index: number): BtreeRecord {
    return this.record(page, index);
  }

  /** For `BtreeLeaf`: whether every item lies in the page, and so does its data. */
  standsAlone(page: Page): boolean {
    for (let i = 0; i < page.count; i++) {
      const at = this.item(page, i, 9);
      if (page.bytes[at + 8] !== 0) return false;
      const size = page.view.getUint32(at, this.littleEndian) + page.view.getUint32(at + 4, this.littleEndian);
      if (at + 9 + size > this.pageSize) throw this.bad(`page ${page.number} has an item outside itself`);
    }
    return true;
  }

  /** The data of a key (of the first such record), or null. */
  get(key: Buffer): Buffer | null {
    for (const record of this.entries(key)) return record.key.equals(key) ? record.data : null;
    return null;
  }
}

/** A leaf page of a btree. */
export class BtreeLeaf {
  /** Made by `BtreeReader#leaves`. */
  constructor(
    private readonly reader: BtreeReader,
    private readonly page: Page,
  ) {}

  /** Records in it. */
  get count(): number {
    return this.page.count;
  }

  /** The page as it is in the file. */
  get bytes(): Buffer {
    return this.page.bytes;
  }

  /** Whether no record of it has bytes on other pages. Throws EBADDATA when an item is not where it must be. */
  get standsAlone(): boolean {
    return this.reader.standsAlone(this.page);
  }

  /** Bytes of the page that are in use. */
  get used(): number {
    const { view, bytes } = this.page;
    const upper = view.getUint16(18, this.reader.littleEndian) || bytes.length;
    return view.getUint16(16, this.reader.littleEndian) + (bytes.length - upper);
  }

  key(index: number): Buffer {
    return this.reader.keyAt(this.page, index);
  }

  record(index: number): BtreeRecord {
    return this.reader.recordAt(this.page, index);
  }

  /** Records from the first whose key is not less than `from`. */
  *records(from: Buffer | null = null): Generator<BtreeRecord> {
    let start = 0;
    if (from !== null) {
      let high = this.count;
      while (start < high) {
        const middle = (start + high) >>> 1;
        if (Buffer.compare(this.key(middle), from) < 0) start = middle + 1;
        else high = middle;
      }
    }
    for (let i = start; i < this.count; i++) yield this.record(i);
  }
}
