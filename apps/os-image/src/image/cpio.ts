/**
 * cpio archives in the "newc" format, the form of an initramfs.
 *
 * {@link CpioWriter} collects entries and gives the archive's bytes; {@link readCpio} lists an archive again,
 * several concatenated ones included. An archive is a sequence of entries, each
 *
 *     "070701"  13 fields of 8 hex digits  name NUL  pad to 4  data  pad to 4
 *
 * and ends with an entry named TRAILER!!!. Numbers are unsigned 32-bit.
 *
 * Source: cpio(5); Linux Documentation/driver-api/early-userspace/buffer-format.rst.
 */

const MAGIC = "070701";
const HEADER_LENGTH = 110;
const TRAILER = "TRAILER!!!";
/** Archives are padded to this size, as cpio(1) does, so that they can be concatenated. */
const BLOCK = 512;

export const S_IFMT = 0o170000;
export const S_IFSOCK = 0o140000;
export const S_IFLNK = 0o120000;
export const S_IFREG = 0o100000;
export const S_IFBLK = 0o060000;
export const S_IFDIR = 0o040000;
export const S_IFCHR = 0o020000;
export const S_IFIFO = 0o010000;

export interface CpioEntry {
  /** Path without a leading slash, "/" between components. */
  name: string;
  /** Type and permission bits, as in stat(2). */
  mode: number;
  uid: number;
  gid: number;
  nlink: number;
  /** Seconds since 1970. */
  mtime: number;
  ino: number;
  /** Device number of a character or block device; 0 otherwise. */
  rdevMajor: number;
  rdevMinor: number;
  /** Contents of a file, target of a symbolic link; empty otherwise. */
  data: Uint8Array;
}

/** What {@link CpioWriter.add} needs; the rest has a default. */
export type NewEntry = Pick<CpioEntry, "name" | "mode"> & Partial<CpioEntry>;

export class CpioError extends Error {
  /** Byte offset in the archive. */
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(`${message} (at byte ${offset})`);
    this.name = "CpioError";
    this.offset = offset;
  }
}

const align = (n: number, to: number): number => Math.ceil(n / to) * to;

export class CpioWriter {
  private readonly chunks: Buffer[] = [];
  private length = 0;
  private nextIno = 1;

  add(entry: NewEntry): void {
    const data = entry.data ?? new Uint8Array(0);
    const name = Buffer.from(entry.name);
    if (name.length === 0 || name[0] === 0x2f || name.includes(0)) {
      throw new RangeError(`cpio: bad entry name ${JSON.stringify(entry.name)}`);
    }
    const isDir = (entry.mode & S_IFMT) === S_IFDIR;
    const fields = [
      entry.ino ?? this.nextIno++,
      entry.mode,
      entry.uid ?? 0,
      entry.gid ?? 0,
      entry.nlink ?? (isDir ? 2 : 1),
      entry.mtime ?? 0,
      data.length,
      0,
      0,
      entry.rdevMajor ?? 0,
      entry.rdevMinor ?? 0,
      name.length + 1,
      0,
    ];
    for (const field of fields) {
      if (!Number.isInteger(field) || field < 0 || field > 0xffffffff) {
        throw new RangeError(`cpio: ${entry.name}: a field does not fit 32 bits (${field})`);
      }
    }
    const header = MAGIC + fields.map((f) => f.toString(16).padStart(8, "0")).join("");
    this.push(Buffer.concat([Buffer.from(header, "latin1"), name, Buffer.alloc(1)]));
    this.pad(4);
    this.push(Buffer.from(data.buffer, data.byteOffset, data.length));
    this.pad(4);
  }

  /** Ends the archive and gives its bytes. The writer is empty afterwards. */
  finish(): Buffer {
    this.add({ name: TRAILER, mode: 0, ino: 0 });
    this.pad(BLOCK);
    const archive = Buffer.concat(this.chunks, this.length);
    this.chunks.length = 0;
    this.length = 0;
    this.nextIno = 1;
    return archive;
  }

  private push(bytes: Buffer): void {
    this.chunks.push(bytes);
    this.length += bytes.length;
  }

  private pad(to: number): void {
    const n = align(this.length, to) - this.length;
    if (n > 0) this.push(Buffer.alloc(n));
  }
}

/**
 * Lists all entries of one or several concatenated archives, trailers left out.
 *
 * @throws CpioError for a truncated or malformed archive, with the offset of the entry concerned.
 */
export function readCpio(archive: Uint8Array): CpioEntry[] {
  const bytes = Buffer.from(archive.buffer, archive.byteOffset, archive.length);
  const entries: CpioEntry[] = [];
  let pos = 0;
  let open = false;
  while (pos < bytes.length) {
    if (!open && bytes[pos] === 0) {
      pos++;
      continue;
    }
    if (pos + HEADER_LENGTH > bytes.length) throw new CpioError("cpio: truncated header", pos);
    const header = bytes.toString("latin1", pos, pos + HEADER_LENGTH);
    if (header.slice(0, 6) !== MAGIC) throw new CpioError("cpio: no newc magic", pos);
    const field = (i: number): number => {
      const text = header.slice(6 + i * 8, 14 + i * 8);
      if (!/^[0-9a-fA-F]{8}$/.test(text)) throw new CpioError("cpio: a field is not hex", pos);
      return parseInt(text, 16);
    };
    const size = field(6);
    const nameSize = field(11);
    const dataAt = align(pos + HEADER_LENGTH + nameSize, 4);
    if (nameSize === 0 || dataAt + size > bytes.length) {
      throw new CpioError("cpio: truncated entry", pos);
    }
    const name = bytes.toString("utf8", pos + HEADER_LENGTH, pos + HEADER_LENGTH + nameSize - 1);
    open = name !== TRAILER;
    if (open) {
      entries.push({
        name,
        ino: field(0),
        mode: field(1),
        uid: field(2),
        gid: field(3),
        nlink: field(4),
        mtime: field(5),
        rdevMajor: field(9),
        rdevMinor: field(10),
        data: bytes.subarray(dataAt, dataAt + size),
      });
    }
    pos = align(dataAt + size, 4);
  }
  if (open) throw new CpioError("cpio: no trailer", bytes.length);
  return entries;
}
