/**
 * ar archives as streams: the outer form of signed packages.
 *
 * Source: ar(5); libarchive's archive_read_support_format_ar.c and archive_write_set_format_ar.c (BSD variant), which pkg_install uses.
 * A member is a header of 60 bytes (name 16, mtime 12, uid 6, gid 6, octal mode 8, decimal size 10, "`\n") and its data, padded to an
 * even length. Names that are long or hold spaces are `#1/LEN` with the name in front of the data (BSD), or `/OFFSET` into a member
 * `//` (GNU).
 * Invariant: a member's data is complete, or the iteration throws EBADARCHIVE.
 */
import { PackageError } from "../errors";

/** First bytes of an ar archive. */
export const AR_MAGIC = "!<arch>\n";

const HEADER_BYTES = 60;

/** Longest name table or name that is read into memory. */
const MAX_NAME_BYTES = 1 << 20;

export interface ArHeader {
  name: string;
  /** Bytes of data. */
  size: number;
  mtime: number;
  uid: number;
  gid: number;
  mode: number;
}

export interface ArMember {
  header: ArHeader;
  data: AsyncIterable<Uint8Array>;
}

/** Whether data begins as an ar archive. */
export function isAr(head: Uint8Array): boolean {
  return (
    head.length >= AR_MAGIC.length &&
    Buffer.from(head.buffer, head.byteOffset, AR_MAGIC.length).toString("latin1") === AR_MAGIC
  );
}

/** Bytes of a stream on demand. */
class ByteSource {
  private readonly iterator: AsyncIterator<Uint8Array>;
  private chunk: Uint8Array = new Uint8Array(0);

  constructor(source: AsyncIterable<Uint8Array>) {
    this.iterator = source[Symbol.asyncIterator]();
  }

  /** At most `max` bytes, at least one; null at the end. */
  async some(max: number): Promise<Uint8Array | null> {
    while (this.chunk.length === 0) {
      const next = await this.iterator.next();
      if (next.done === true) return null;
      this.chunk = next.value;
    }
    const part = this.chunk.subarray(0, max);
    this.chunk = this.chunk.subarray(part.length);
    return part;
  }

  /** Exactly `length` bytes, or fewer when the stream ends. */
  async take(length: number): Promise<Buffer> {
    const parts: Uint8Array[] = [];
    let left = length;
    while (left > 0) {
      const part = await this.some(left);
      if (part === null) break;
      parts.push(part);
      left -= part.length;
    }
    return Buffer.concat(parts);
  }

  async close(): Promise<void> {
    await this.iterator.return?.();
  }
}

function numberField(text: string, radix: 8 | 10, name: string, field: string): number {
  const trimmed = text.replace(/ +$/, "");
  if (trimmed === "") return 0;
  if (!(radix === 8 ? /^[0-7]+$/ : /^[0-9]+$/).test(trimmed)) {
    throw new PackageError("EBADARCHIVE", `${name} is damaged: ar: the ${field} of a member is not a number`, {
      path: name,
    });
  }
  return parseInt(trimmed, radix);
}

/**
 * Members in order; the data of one must be read before the next is asked for, what is left is skipped. The name table `//` is used and
 * not given out.
 * Throws EBADARCHIVE for everything that is not a whole ar archive; errors of the source pass through.
 */
export async function* readAr(source: AsyncIterable<Uint8Array>, name: string): AsyncGenerator<ArMember> {
  const bad = (reason: string): PackageError =>
    new PackageError("EBADARCHIVE", `${name} is damaged or cut short: ar: ${reason}`, { path: name });
  const bytes = new ByteSource(source);
  let table = "";
  try {
    if ((await bytes.take(AR_MAGIC.length)).toString("latin1") !== AR_MAGIC) throw bad("wrong magic number");
    for (;;) {
      const raw = await bytes.take(HEADER_BYTES);
      if (raw.length === 0) return;
      if (raw.length < HEADER_BYTES) throw bad("a member's header is cut short");
      const text = raw.toString("latin1");
      if (text.slice(58) !== "`\n") throw bad("a member's header does not end as it must");
      const stored = numberField(text.slice(48, 58), 10, name, "size");
      const header: ArHeader = {
        name: text.slice(0, 16).replace(/ +$/, ""),
        size: stored,
        mtime: numberField(text.slice(16, 28), 10, name, "time"),
        uid: numberField(text.slice(28, 34), 10, name, "user"),
        gid: numberField(text.slice(34, 40), 10, name, "group"),
        mode: numberField(text.slice(40, 48), 8, name, "mode"),
      };
      const bsd = /^#1\/([0-9]+)$/.exec(header.name);
      if (bsd !== null) {
        const length = Number(bsd[1]);
        if (length > stored || length > MAX_NAME_BYTES) throw bad("a member's name is longer than the member");
        const long = await bytes.take(length);
        if (long.length < length) throw bad("a member's name is cut short");
        header.name = long.toString("utf8").replace(/\0+$/, "");
        header.size -= length;
      } else if (header.name === "//") {
        if (stored > MAX_NAME_BYTES) throw bad("the table of names is too large");
        table = (await bytes.take(stored)).toString("utf8");
        if (stored % 2 === 1) await bytes.take(1);
        continue;
      } else if (/^\/[0-9]+$/.test(header.name)) {
        const start = Number(header.name.slice(1));
        const end = table.indexOf("\n", start);
        if (start >= table.length || end < 0) throw bad("a member's name is not in the table of names");
        header.name = table.slice(start, end).replace(/\/$/, "");
      } else if (header.name.length > 1 && header.name.endsWith("/")) {
        header.name = header.name.slice(0, -1);
      }
      let left = header.size;
      async function* data(): AsyncGenerator<Uint8Array> {
        while (left > 0) {
          const part = await bytes.some(left);
          if (part === null) throw bad(`the member ${header.name} is cut short`);
          left -= part.length;
          yield part;
        }
      }
      yield { header, data: data() };
      while (left > 0) {
        const part = await bytes.some(left);
        if (part === null) throw bad(`the member ${header.name} is cut short`);
        left -= part.length;
      }
      if (stored % 2 === 1) await bytes.take(1);
    }
  } finally {
    await bytes.close();
  }
}

/** Header of a member as libarchive's BSD writer makes it; the second part goes in front of the data. */
function formatHeader(header: ArHeader): Uint8Array[] {
  const raw = Buffer.from(header.name, "utf8");
  const long = raw.length > 16 || raw.includes(0x20);
  const name = long ? `#1/${raw.length}` : header.name;
  const size = long ? header.size + raw.length : header.size;
  const field = (value: number, width: number, radix = 10): string => {
    const text = value.toString(radix);
    if (text.length > width)
      throw new PackageError("EBADARCHIVE", `the member ${header.name} does not fit an ar archive`, {
        entry: header.name,
      });
    return text.padEnd(width);
  };
  const text =
    name.padEnd(16) +
    field(header.mtime, 12) +
    field(header.uid, 6) +
    field(header.gid, 6) +
    field(header.mode, 8, 8) +
    field(size, 10) +
    "`\n";
  return long ? [Buffer.from(text, "latin1"), raw] : [Buffer.from(text, "latin1")];
}

/** Writes an ar archive (BSD variant, as pkg_admin does). Throws EBADARCHIVE when a member's data is not of the size its header says. */
export async function* writeAr(members: Iterable<ArMember> | AsyncIterable<ArMember>): AsyncGenerator<Uint8Array> {
  yield Buffer.from(AR_MAGIC, "latin1");
  for await (const { header, data } of members) {
    let written = 0;
    let total = 0;
    for (const part of formatHeader(header)) {
      yield part;
      total += part.length;
    }
    for await (const chunk of data) {
      written += chunk.length;
      yield chunk;
    }
    if (written !== header.size) {
      throw new PackageError("EBADARCHIVE", `the member ${header.name} has ${written} bytes and not ${header.size}`, {
        entry: header.name,
      });
    }
    if ((total + written - HEADER_BYTES) % 2 === 1) yield Buffer.from("\n");
  }
}
