/**
 * The initramfs: newc cpio archives, concatenated with zero padding between them, each plain or gzip'd, unpacked into the
 * root file system.
 *
 * Key type `Initramfs`. Neighbours: `source.ts` and `stream.ts` (bytes), `vfs.ts` (names), vm (pages are filled in place).
 * Invariants: memory use does not depend on the archive's size; whatever the bytes are, the answer is 0 or an error with a
 * text, never a panic; names are resolved below the given root, so `..` cannot leave it.
 * Source: Linux Documentation/driver-api/early-userspace/buffer-format.rst; cpio(5).
 */
import { Errno, i32, stringOf, u32, type long } from "@anax/portable";
import { PAGE_SIZE } from "@anax/machine";
import { Cred } from "../cred";
import { PATH_MAX, S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFMT, S_IFREG, S_IFSOCK } from "../flags";
import type { NcHandle } from "../namecache";
import { NLookup } from "../nlookup";
import { makeDev } from "../stat";
import type { Vfs } from "../vfs";
import type { Vnode } from "../vnode";
import type { ByteSource } from "./source";
import { GzipStream, PlainStream, STREAM_BROKEN, type ByteStream } from "./stream";

const HEADER: i32 = 110;

/** A file with several names, for the time of one archive. */
class LinkedFile {
  constructor(
    readonly ino: u32,
    readonly major: u32,
    readonly minor: u32,
    readonly vnode: Vnode,
    readonly next: LinkedFile | null,
  ) {}
}

/** A directory whose time is set when everything is in it. */
class DirTime {
  constructor(
    readonly vnode: Vnode,
    readonly mtime: u32,
    readonly next: DirTime | null,
  ) {}
}

/** One unpacking. */
export class Initramfs {
  /** What is wrong and where, when `unpack` failed. */
  error: string = "";
  entries: i32 = 0;
  /** Bytes of file contents. */
  bytes: long = 0;
  private readonly head: Uint8Array = new Uint8Array(HEADER);
  private readonly fields: Uint32Array = new Uint32Array(13);
  private readonly name: Uint8Array = new Uint8Array(PATH_MAX);
  private readonly chunk: Uint8Array = new Uint8Array(PAGE_SIZE);
  /** Who the files are made as: root. */
  readonly credentials: Cred = new Cred();
  private readonly nd: NLookup = new NLookup();
  private links: LinkedFile | null = null;
  private dirs: DirTime | null = null;
  private root: NcHandle | null = null;
  /** Where the running archive starts in the source, when it is gzip'd; -1 otherwise. */
  private gzipAt: long = -1;
  /** Start of the entry being read. */
  private entryAt: long = 0;

  constructor(
    private readonly vfs: Vfs,
    private readonly source: ByteSource,
  ) {}

  /** Unpacks everything below `root`. 0; -INVAL for a broken archive, -NOMEM or -NOSPC, with `error` set. */
  unpack(root: NcHandle): i32 {
    this.root = root;
    const result = this.run();
    this.dropLinks();
    this.finishDirs();
    return result;
  }

  private run(): i32 {
    const gzip = new GzipStream(this.source);
    let at: long = 0;
    while (at < this.source.size) {
      const first = this.byteAt(at);
      if (first === 0) {
        at = at + 1;
        continue;
      }
      this.entryAt = at;
      this.gzipAt = -1;
      if (first === 0x30) {
        const plain = new PlainStream(this.source, at);
        const error = this.archive(plain);
        if (error !== 0) return error;
        at = plain.offset;
      } else if (first === 0x1f && at + 1 < this.source.size && this.byteAt(at + 1) === 0x8b) {
        if (!gzip.start(at)) return this.fail(gzip.error);
        this.gzipAt = at;
        const error = this.member(gzip);
        if (error !== 0) return error;
        at = gzip.end;
      } else {
        return this.fail("neither a cpio archive nor gzip data");
      }
    }
    if (this.entries === 0) return this.fail("no cpio archive in it");
    return 0;
  }

  private byteAt(at: long): i32 {
    this.source.read(at, this.chunk, 0, 1);
    return this.chunk[0];
  }

  /** All archives of one gzip member. */
  private member(s: ByteStream): i32 {
    const one = this.head;
    for (let more = true; more;) {
      this.entryAt = s.offset;
      const got = s.read(one, 0, 1);
      if (got < 0) return this.fail(s.error);
      if (got === 0) more = false;
      else if (one[0] === 0x30) {
        const error = this.archiveFrom(s, 1);
        if (error !== 0) return error;
      } else if (one[0] !== 0) return this.fail("no cpio archive inside the gzip data");
    }
    return 0;
  }

  private archive(s: ByteStream): i32 {
    return this.archiveFrom(s, 0);
  }

  /** One archive, of whose first header `have` bytes are in `head` already. */
  private archiveFrom(s: ByteStream, have: i32): i32 {
    let from = have;
    let more = true;
    while (more) {
      this.entryAt = s.offset - from;
      let error = this.readHeader(s, from);
      from = 0;
      if (error !== 0) return error;
      const nameLen = i32(this.fields[11]);
      if (this.isTrailer(nameLen)) {
        error = this.skip(s, this.fields[6]);
        more = false;
      } else error = this.entry(s, nameLen);
      if (error !== 0) return error;
    }
    this.dropLinks();
    return 0;
  }

  /** Header and name, up to the data. */
  private readHeader(s: ByteStream, have: i32): i32 {
    const h = this.head;
    const got = s.read(h, have, (HEADER - have) | 0);
    if (got === STREAM_BROKEN) return this.fail(s.error);
    if (got < ((HEADER - have) | 0)) {
      return this.fail(((got + have) | 0) === 0 ? "the archive ends without its trailer" : "a cpio header is cut off");
    }
    if (h[0] !== 0x30 || h[1] !== 0x37 || h[2] !== 0x30 || h[3] !== 0x37 || h[4] !== 0x30) {
      return this.fail("no cpio header (magic 070701 or 070702)");
    }
    if (h[5] !== 0x31 && h[5] !== 0x32) return this.fail("a cpio format that is not supported (only newc is)");
    for (let i = 0; i < 13; i++) {
      let v: u32 = 0;
      for (let k = 0; k < 8; k++) {
        const d = hexDigit(h[6 + i * 8 + k]);
        if (d < 0) return this.fail("a cpio header has a field that is no number");
        v = u32((v << 4) | d);
      }
      this.fields[i] = v;
    }
    const nameLen: u32 = this.fields[11];
    if (nameLen === 0 || nameLen > u32(PATH_MAX)) return this.fail("a cpio entry has a name of impossible length");
    const n = i32(nameLen);
    const name = s.read(this.name, 0, n);
    if (name === STREAM_BROKEN) return this.fail(s.error);
    if (name < n) return this.fail("the name of a cpio entry is cut off");
    if (this.name[n - 1] !== 0) return this.fail("the name of a cpio entry has no end");
    return this.pad(s, (HEADER + n) | 0);
  }

  /** Passes the padding to the next multiple of four behind `used` bytes. */
  private pad(s: ByteStream, used: i32): i32 {
    const n: i32 = -used & 3;
    if (n === 0) return 0;
    const got = s.read(this.chunk, 0, n);
    if (got === STREAM_BROKEN) return this.fail(s.error);
    // The padding of the very last entry may be missing.
    return 0;
  }

  private isTrailer(nameLen: i32): boolean {
    const trailer = "TRAILER!!!";
    if (nameLen !== 11) return false;
    for (let i = 0; i < 10; i++) if (this.name[i] !== trailer.charCodeAt(i)) return false;
    return true;
  }

  private entry(s: ByteStream, nameLen: i32): i32 {
    const mode = i32(this.fields[1]);
    const type = mode & S_IFMT;
    const size: u32 = this.fields[6];
    this.entries++;
    // Names are relative to the root, whatever they start with.
    let from: i32 = 0;
    let n: i32 = (nameLen - 1) | 0;
    while (from < n && this.name[from] === 0x2f) from++;
    n = (n - from) | 0;
    if (n === 0) return this.skip(s, size);
    // This runs before the kernel's loop, which keeps the heap supplied.
    if (!this.vfs.heapOk) return this.failErrno(-Errno.NOMEM, from, n);
    let error: i32 = 0;
    if (type === S_IFREG) {
      error = this.regular(s, from, n, mode, size);
      return error !== 0 ? error : this.pad(s, i32(size & 3));
    }
    if (type === S_IFLNK) {
      if (size === 0 || size >= u32(PATH_MAX))
        return this.failName("a symbolic link has an impossible length", from, n);
      const len = i32(size);
      const text = new Uint8Array(len);
      const got = s.read(text, 0, len);
      if (got === STREAM_BROKEN) return this.fail(s.error);
      if (got < len) return this.failName("a symbolic link is cut off", from, n);
      error = this.make(from, n, mode, 0, text);
      if (error !== 0) return error;
      this.own();
      return this.pad(s, len & 3);
    }
    if (type === S_IFDIR) error = this.directory(from, n, mode);
    else if (type === S_IFCHR || type === S_IFBLK || type === S_IFIFO || type === S_IFSOCK) {
      error = this.make(from, n, mode, makeDev(i32(this.fields[9]), i32(this.fields[10])), null);
      if (error === 0) this.own();
    } else return this.failName("an entry of unknown type", from, n);
    return error !== 0 ? error : this.skip(s, size);
  }

  /** Readies the look-up for the entry's name. */
  private at(from: i32, n: i32): NLookup {
    const root = this.root!;
    this.nd.init(root, root, this.credentials, 0);
    this.nd.setPath(this.name, from, n);
    return this.nd;
  }

  /** Makes a node, and the directories above it where they are missing; what had the name goes away. */
  private make(from: i32, n: i32, mode: i32, rdev: u32, text: Uint8Array | null): i32 {
    let error = this.makeOnce(from, n, mode, rdev, text);
    if (error === -Errno.EXIST) {
      error = this.removeOld(from, n);
      if (error === 0) error = this.makeOnce(from, n, mode, rdev, text);
    } else if (error === -Errno.NOENT) {
      error = this.makeParents(from, n);
      if (error === 0) error = this.makeOnce(from, n, mode, rdev, text);
    }
    return error === 0 ? 0 : this.failErrno(error, from, n);
  }

  private makeOnce(from: i32, n: i32, mode: i32, rdev: u32, text: Uint8Array | null): i32 {
    const nd = this.at(from, n);
    if (text !== null) return this.vfs.symlink(nd, text, 0, text.length);
    if ((mode & S_IFMT) === S_IFDIR) return this.vfs.mkdir(nd, mode & 0o7777);
    return this.vfs.mknod(nd, mode, rdev);
  }

  private removeOld(from: i32, n: i32): i32 {
    let error = this.vfs.unlink(this.at(from, n));
    if (error === -Errno.ISDIR) error = this.vfs.rmdir(this.at(from, n));
    return error;
  }

  private makeParents(from: i32, n: i32): i32 {
    for (let i = 1; i < n; i++) {
      if (this.name[from + i] !== 0x2f) continue;
      const error = this.vfs.mkdir(this.at(from, i), 0o755);
      if (error !== 0 && error !== -Errno.EXIST) return error;
    }
    return 0;
  }

  /** Owner, mode and time of the node just made. */
  private own(): void {
    const nd = this.nd;
    const vp = nd.vnode!;
    const mount = nd.mount!;
    const f = this.fields;
    if (f[2] !== 0 || f[3] !== 0) this.vfs.chown(mount, vp, f[2], f[3], this.credentials);
    if (!vp.isLink) this.vfs.chmod(mount, vp, i32(f[1]), this.credentials);
    this.vfs.utimes(mount, vp, f[5], 0, f[5], 0, this.credentials);
  }

  private directory(from: i32, n: i32, mode: i32): i32 {
    let error = this.makeOnce(from, n, mode, 0, null);
    if (error === -Errno.EXIST) {
      error = this.vfs.lookup(this.at(from, n));
      if (error === 0 && !this.nd.vnode!.isDir) error = this.make(from, n, mode, 0, null);
    } else if (error === -Errno.NOENT) error = this.make(from, n, mode, 0, null);
    if (error !== 0) return this.error.length > 0 ? error : this.failErrno(error, from, n);
    this.own();
    const vp = this.nd.vnode!;
    vp.ref();
    this.dirs = new DirTime(vp, this.fields[5], this.dirs);
    return 0;
  }

  private regular(s: ByteStream, from: i32, n: i32, mode: i32, size: u32): i32 {
    const known = this.fields[4] > 1 ? this.findLink() : null;
    let vp: Vnode;
    if (known !== null) {
      vp = known.vnode;
      const error = this.linkTo(from, n, vp);
      if (error !== 0) return error;
      if (size === 0) return 0;
    } else {
      const error = this.make(from, n, mode, 0, null);
      if (error !== 0) return error;
      vp = this.nd.vnode!;
      if (this.fields[4] > 1) {
        vp.ref();
        this.links = new LinkedFile(this.fields[0], this.fields[7], this.fields[8], vp, this.links);
      }
    }
    const mount = this.nd.mount!;
    if (size > 0) {
      const error = this.contents(s, vp, size, from, n);
      if (error !== 0) return error;
    }
    this.nd.vnode = vp;
    this.nd.mount = mount;
    this.own();
    return 0;
  }

  private findLink(): LinkedFile | null {
    const f = this.fields;
    let l = this.links;
    while (l !== null) {
      if (l.ino === f[0] && l.major === f[7] && l.minor === f[8]) return l;
      l = l.next;
    }
    return null;
  }

  private linkTo(from: i32, n: i32, vp: Vnode): i32 {
    const mount = this.root!.mount!;
    let error = this.vfs.link(this.at(from, n), mount, vp);
    if (error === -Errno.EXIST) {
      error = this.removeOld(from, n);
      if (error === 0) error = this.vfs.link(this.at(from, n), mount, vp);
    } else if (error === -Errno.NOENT) {
      error = this.makeParents(from, n);
      if (error === 0) error = this.vfs.link(this.at(from, n), mount, vp);
    }
    return error === 0 ? 0 : this.failErrno(error, from, n);
  }

  /** Fills the file's pages one by one. */
  private contents(s: ByteStream, vp: Vnode, size: u32, from: i32, n: i32): i32 {
    let error = this.vfs.truncate(vp, 0, this.credentials);
    if (error === 0) error = this.vfs.fallocate(vp, 0, 0, size);
    if (error !== 0) return this.failErrno(error, from, n);
    const machine = this.vfs.machine;
    const object = vp.object!;
    const summed = this.head[5] === 0x32;
    let sum: u32 = 0;
    let left: u32 = size;
    let pindex: u32 = 0;
    while (left > 0) {
      const want: i32 = left < u32(PAGE_SIZE) ? i32(left) : PAGE_SIZE;
      const pa: long = this.vfs.pages.pa(object.lookup(pindex));
      if (summed || !s.toPhys(pa, want)) {
        const got = s.read(this.chunk, 0, want);
        if (got === STREAM_BROKEN) return this.fail(s.error);
        if (got < want) return this.failName("the contents of a file are cut off", from, n);
        if (summed) for (let i = 0; i < want; i++) sum = u32(sum + this.chunk[i]);
        machine.writePhys(this.chunk, 0, pa, want);
      }
      left = u32(left - u32(want));
      pindex = u32(pindex + 1);
    }
    this.bytes = this.bytes + size;
    if (summed && sum !== this.fields[12]) return this.failName("the checksum of a file does not match", from, n);
    return 0;
  }

  /** Passes over data that nobody wants, with its padding. */
  private skip(s: ByteStream, size: u32): i32 {
    let left: u32 = size;
    while (left > 0) {
      const want: i32 = left < u32(PAGE_SIZE) ? i32(left) : PAGE_SIZE;
      const got = s.read(this.chunk, 0, want);
      if (got === STREAM_BROKEN) return this.fail(s.error);
      if (got < want) return this.fail("the data of a cpio entry is cut off");
      left = u32(left - u32(want));
    }
    return this.pad(s, i32(size & 3));
  }

  private dropLinks(): void {
    let l = this.links;
    this.links = null;
    while (l !== null) {
      l.vnode.unref();
      l = l.next;
    }
  }

  private finishDirs(): void {
    let d = this.dirs;
    this.dirs = null;
    const mount = this.root!.mount!;
    while (d !== null) {
      this.vfs.utimes(mount, d.vnode, d.mtime, 0, d.mtime, 0, this.credentials);
      d.vnode.unref();
      d = d.next;
    }
  }

  private fail(what: string): i32 {
    let text = `${what}, at offset ${this.entryAt.toString()}`;
    if (this.gzipAt >= 0) text += ` of the contents of the gzip data that starts at offset ${this.gzipAt.toString()}`;
    this.error = text;
    return -Errno.INVAL;
  }

  private failName(what: string, from: i32, n: i32): i32 {
    return this.fail(`${what} (${stringOf(this.name, from, n)})`);
  }

  private failErrno(error: i32, from: i32, n: i32): i32 {
    const name = stringOf(this.name, from, n);
    if (error === -Errno.NOSPC || error === -Errno.NOMEM) this.fail(`no room in memory for ${name}`);
    else this.fail(`cannot make ${name} (errno ${(-error).toString()})`);
    return error;
  }
}

function hexDigit(c: i32): i32 {
  if (c >= 48 && c <= 57) return (c - 48) | 0;
  const lower = c | 32;
  if (lower >= 97 && lower <= 102) return (lower - 87) | 0;
  return -1;
}
