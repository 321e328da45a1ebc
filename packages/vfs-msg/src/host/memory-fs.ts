/**
 * A POSIX file system in memory with the shape of `node:fs`: the kernel's name cache, permissions and tmpfs behind
 * synchronous methods and promises.
 *
 * `new MemoryFs()` is one independent tree; `as(uid, gid)` is the same tree seen by another user. Paths are strings (UTF-8), data is
 * Uint8Array or string; errors are thrown as `FsError` with Node's `code`.
 */
import { Machine } from "@anax/machine";
import { Uio, VmPages } from "@anax/vm";
import { VfsClock } from "../clock";
import { Cred } from "../cred";
import {
  IO_APPEND,
  NLC_FOLLOW,
  O_APPEND,
  O_CREAT,
  O_EXCL,
  O_RDONLY,
  O_RDWR,
  O_TRUNC,
  O_WRONLY,
  O_ACCMODE,
  PATH_MAX,
  S_IFMT,
  S_IFREG,
} from "../flags";
import { NcHandle } from "../namecache";
import { NLookup } from "../nlookup";
import { Stat } from "../stat";
import { TmpFsType } from "../tmpfs/tmpfs";
import { Vfs } from "../vfs";
import type { Vnode } from "../vnode";
import type { DirSink } from "../vop";
import { FsError, check } from "./errors";
import { Dirent, Stats } from "./stats";

export type Data = string | Uint8Array;
export type Encoding = "utf8" | "utf-8" | "latin1" | "hex" | "base64";
type ReadOptions = Encoding | { encoding?: Encoding | null; flag?: string } | null;
type WriteOptions = { mode?: number; flag?: string } | undefined;
type Time = number | Date;

export interface MemoryFsOptions {
  /** Bytes of memory the tree may use in all. Default 64 MiB. */
  readonly memory?: number;
  /** Who the first view acts as. Default root (0, 0). */
  readonly uid?: number;
  readonly gid?: number;
}

/** The time of the host. */
class HostClock extends VfsClock {
  update(): void {
    const ms = Date.now();
    this.sec = Math.floor(ms / 1000);
    this.nsec = (ms % 1000) * 1_000_000;
  }
}

interface Open {
  readonly vnode: Vnode;
  readonly flags: number;
  readonly path: string;
  offset: number;
}

/** What all views of a tree share. */
class Tree {
  readonly machine: Machine;
  readonly vfs: Vfs;
  readonly nd = new NLookup();
  readonly nd2 = new NLookup();
  readonly st = new Stat();
  readonly uio: Uio;
  readonly files: (Open | undefined)[] = [];
  readonly encoder = new TextEncoder();
  readonly decoder = new TextDecoder();
  umask = 0o022;

  constructor(memory: number) {
    this.machine = new Machine({ memory: Math.ceil(memory / 4096) * 4096 });
    this.vfs = new Vfs(this.machine, new VmPages(this.machine), new HostClock());
    this.uio = new Uio(this.machine);
    this.vfs.addType(new TmpFsType());
    check(this.vfs.mountRoot("tmpfs", "mode=755,size=100%,nr_inodes=0"), "mount");
  }
}

const FLAGS: Readonly<Record<string, number>> = {
  r: O_RDONLY,
  "r+": O_RDWR,
  w: O_WRONLY | O_CREAT | O_TRUNC,
  wx: O_WRONLY | O_CREAT | O_TRUNC | O_EXCL,
  "w+": O_RDWR | O_CREAT | O_TRUNC,
  "wx+": O_RDWR | O_CREAT | O_TRUNC | O_EXCL,
  a: O_WRONLY | O_CREAT | O_APPEND,
  ax: O_WRONLY | O_CREAT | O_APPEND | O_EXCL,
  "a+": O_RDWR | O_CREAT | O_APPEND,
};

function flagsOf(flag: string | number): number {
  if (typeof flag === "number") return flag;
  const flags = FLAGS[flag];
  if (flags === undefined) throw new FsError(-22, "open");
  return flags;
}

/** A tree of files as one user sees it. */
export class MemoryFs {
  private readonly tree: Tree;
  private readonly cred: Cred;
  private readonly cwd = new NcHandle();
  /** The same methods without `Sync`, as promises. */
  readonly promises: MemoryFsPromises;

  constructor(options: MemoryFsOptions = {}, shared?: { tree: unknown }) {
    this.tree = (shared?.tree as Tree | undefined) ?? new Tree(options.memory ?? 64 << 20);
    this.cred = Cred.of(options.uid ?? 0, options.gid ?? 0);
    this.cwd.copyFrom(this.tree.vfs.root);
    this.promises = promisesOf(this);
  }

  /** The kernel's side, for what this class has no method for. */
  get vfs(): Vfs {
    return this.tree.vfs;
  }

  /** The same tree as another user, with supplementary groups. */
  as(uid: number, gid: number, groups: readonly number[] = []): MemoryFs {
    const view = new MemoryFs({ uid, gid }, { tree: this.tree });
    view.cred.groups = Uint32Array.from(groups);
    return view;
  }

  private at(path: string, flags: number, nd = this.tree.nd, syscall = "open"): NLookup {
    nd.init(this.cwd, this.tree.vfs.root, this.cred, flags);
    const bytes = this.tree.encoder.encode(path);
    if (bytes.length >= PATH_MAX) throw new FsError(-36, syscall, path);
    if (bytes.includes(0)) throw new FsError(-22, syscall, path);
    nd.setPath(bytes, 0, bytes.length);
    return nd;
  }

  private found(path: string, follow: boolean, syscall: string): NLookup {
    const nd = this.at(path, follow ? NLC_FOLLOW : 0, this.tree.nd, syscall);
    check(this.tree.vfs.lookup(nd), syscall, path);
    return nd;
  }

  private file(fd: number, syscall: string): Open {
    const open = this.tree.files[fd];
    if (open === undefined) throw new FsError(-9, syscall);
    return open;
  }

  // ---- names

  mkdirSync(path: string, options: number | { mode?: number; recursive?: boolean } = {}): string | undefined {
    const { mode = 0o777, recursive = false } = typeof options === "number" ? { mode: options } : options;
    const make = (p: string): number =>
      this.tree.vfs.mkdir(this.at(p, 0, this.tree.nd, "mkdir"), mode & ~this.tree.umask);
    if (!recursive) {
      check(make(path), "mkdir", path);
      return undefined;
    }
    let first: string | undefined;
    const parts = path.split("/");
    for (let i = 1; i <= parts.length; i++) {
      const p = parts.slice(0, i).join("/");
      if (p === "" || (i < parts.length && parts[i - 1] === "")) continue;
      const error = make(p);
      if (error === 0) first ??= p;
      else if (error !== -17) check(error, "mkdir", path);
      else if (!this.statSync(p).isDirectory()) throw new FsError(i < parts.length ? -20 : -17, "mkdir", path);
    }
    return first;
  }

  rmdirSync(path: string): void {
    check(this.tree.vfs.rmdir(this.at(path, 0)), "rmdir", path);
  }

  unlinkSync(path: string): void {
    check(this.tree.vfs.unlink(this.at(path, 0)), "unlink", path);
  }

  rmSync(path: string, options: { recursive?: boolean; force?: boolean } = {}): void {
    const st = this.lstatOrNull(path);
    if (st === null) {
      if (options.force === true) return;
      throw new FsError(-2, "rm", path);
    }
    if (!st.isDirectory()) return this.unlinkSync(path);
    if (options.recursive !== true) throw new FsError(-21, "rm", path, undefined, "ERR_FS_EISDIR");
    for (const name of this.readdirSync(path)) this.rmSync(`${path}/${name}`, options);
    this.rmdirSync(path);
  }

  renameSync(from: string, to: string): void {
    const { nd, nd2, vfs } = this.tree;
    check(vfs.rename(this.at(from, 0, nd), this.at(to, 0, nd2), 0), "rename", from, to);
  }

  linkSync(from: string, to: string): void {
    const nd = this.found(from, false, "link");
    check(this.tree.vfs.link(this.at(to, 0, this.tree.nd2), nd.mount!, nd.vnode!), "link", from, to);
  }

  symlinkSync(target: string, path: string): void {
    const bytes = this.tree.encoder.encode(target);
    check(this.tree.vfs.symlink(this.at(path, 0), bytes, 0, bytes.length), "symlink", target, path);
  }

  readlinkSync(path: string): string {
    const buf = new Uint8Array(PATH_MAX);
    const n = check(this.tree.vfs.readlink(this.at(path, 0), buf, 0, buf.length), "readlink", path);
    return this.tree.decoder.decode(buf.subarray(0, n));
  }

  realpathSync(path: string): string {
    const nd = this.found(path, true, "realpath");
    const h = new NcHandle();
    nd.into(h);
    const buf = new Uint8Array(PATH_MAX * 2);
    const at = this.tree.vfs.pathOf(h, this.tree.vfs.root, buf, false);
    h.clear();
    check(at, "realpath", path);
    return this.tree.decoder.decode(buf.subarray(at));
  }

  chdir(path: string): void {
    const nd = this.found(path, true, "chdir");
    if (!nd.vnode!.isDir) throw new FsError(-20, "chdir", path);
    check(this.tree.vfs.access(nd.mount!, nd.vnode!, 1, this.cred), "chdir", path);
    nd.into(this.cwd);
  }

  readdirSync(path: string, options?: { withFileTypes?: false }): string[];
  readdirSync(path: string, options: { withFileTypes: true }): Dirent[];
  readdirSync(path: string, options: { withFileTypes?: boolean } = {}): string[] | Dirent[] {
    const nd = this.found(path, true, "scandir");
    if (!nd.vnode!.isDir) throw new FsError(-20, "scandir", path);
    check(this.tree.vfs.access(nd.mount!, nd.vnode!, 4, this.cred), "scandir", path);
    const out: Dirent[] = [];
    const { decoder } = this.tree;
    const sink: DirSink = {
      add: (name, off, len, _ino, dtype) => {
        const text = decoder.decode(name.subarray(off, off + len));
        if (text !== "." && text !== "..") out.push(new Dirent(text, path, dtype));
        return true;
      },
    };
    check(this.tree.vfs.readdir(nd.vnode!, sink, 0), "scandir", path);
    return options.withFileTypes === true ? out : out.map((d) => d.name);
  }

  // ---- attributes

  private lstatOrNull(path: string): Stats | null {
    const error = this.tree.vfs.stat(this.at(path, 0), this.tree.st);
    if (error === -2 || error === -20) return null;
    check(error, "lstat", path);
    return new Stats(this.tree.st);
  }

  statSync(path: string): Stats {
    check(this.tree.vfs.stat(this.at(path, NLC_FOLLOW, this.tree.nd, "stat"), this.tree.st), "stat", path);
    return new Stats(this.tree.st);
  }

  lstatSync(path: string): Stats {
    check(this.tree.vfs.stat(this.at(path, 0, this.tree.nd, "lstat"), this.tree.st), "lstat", path);
    return new Stats(this.tree.st);
  }

  existsSync(path: string): boolean {
    return this.tree.vfs.lookup(this.at(path, NLC_FOLLOW)) === 0;
  }

  accessSync(path: string, mode = 0): void {
    const nd = this.found(path, true, "access");
    check(this.tree.vfs.access(nd.mount!, nd.vnode!, mode, this.cred), "access", path);
  }

  chmodSync(path: string, mode: number): void {
    const nd = this.found(path, true, "chmod");
    check(this.tree.vfs.chmod(nd.mount!, nd.vnode!, mode, this.cred), "chmod", path);
  }

  chownSync(path: string, uid: number, gid: number): void {
    const nd = this.found(path, true, "chown");
    check(this.tree.vfs.chown(nd.mount!, nd.vnode!, uid >>> 0, gid >>> 0, this.cred), "chown", path);
  }

  utimesSync(path: string, atime: Time, mtime: Time): void {
    const nd = this.found(path, true, "utime");
    const [a, m] = [secondsOf(atime), secondsOf(mtime)];
    const error = this.tree.vfs.utimes(nd.mount!, nd.vnode!, a.sec, a.nsec, m.sec, m.nsec, this.cred);
    check(error, "utime", path);
  }

  truncateSync(path: string, length = 0): void {
    const fd = this.openSync(path, "r+");
    try {
      this.ftruncateSync(fd, length);
    } finally {
      this.closeSync(fd);
    }
  }

  // ---- open files

  openSync(path: string, flag: string | number = "r", mode = 0o666): number {
    const flags = flagsOf(flag);
    const nd = this.at(path, 0);
    check(this.tree.vfs.open(nd, flags, mode & ~this.tree.umask), "open", path);
    const { files } = this.tree;
    let fd = 0;
    while (files[fd] !== undefined) fd++;
    files[fd] = { vnode: nd.vnode!, flags, path, offset: 0 };
    return fd;
  }

  closeSync(fd: number): void {
    const open = this.file(fd, "close");
    this.tree.files[fd] = undefined;
    this.tree.vfs.close(open.vnode, open.flags);
  }

  /** Bytes read into `buffer`; `position` null reads on from where the last read or write stopped. */
  readSync(
    fd: number,
    buffer: Uint8Array,
    offset = 0,
    length = buffer.length - offset,
    position: number | null = null,
  ): number {
    const open = this.file(fd, "read");
    if ((open.flags & O_ACCMODE) === O_WRONLY) throw new FsError(-9, "read");
    const { uio, vfs } = this.tree;
    uio.initKernel(buffer, offset, length, true, position ?? open.offset);
    check(vfs.read(open.vnode, uio, 0, this.cred, null), "read", open.path);
    const n = length - uio.resid;
    if (position === null) open.offset += n;
    return n;
  }

  writeSync(fd: number, data: Data, offset = 0, length?: number, position: number | null = null): number {
    const open = this.file(fd, "write");
    if ((open.flags & O_ACCMODE) === O_RDONLY) throw new FsError(-9, "write");
    const bytes = this.bytes(data);
    const { uio, vfs } = this.tree;
    const n = length ?? bytes.length - offset;
    uio.initKernel(bytes, offset, n, false, position ?? open.offset);
    const ioflags = (open.flags & O_APPEND) !== 0 ? IO_APPEND : 0;
    check(vfs.write(open.vnode, uio, ioflags, this.cred, null), "write", open.path);
    if (position === null) open.offset = uio.offset;
    return n - uio.resid;
  }

  fstatSync(fd: number): Stats {
    check(this.tree.vfs.getattr(this.file(fd, "fstat").vnode, this.tree.st), "fstat");
    return new Stats(this.tree.st);
  }

  ftruncateSync(fd: number, length = 0): void {
    const open = this.file(fd, "ftruncate");
    if ((open.flags & O_ACCMODE) === O_RDONLY) throw new FsError(-22, "ftruncate");
    check(this.tree.vfs.truncate(open.vnode, length, this.cred), "ftruncate", open.path);
  }

  fsyncSync(fd: number): void {
    check(this.tree.vfs.fsync(this.file(fd, "fsync").vnode, null), "fsync");
  }

  // ---- whole files

  private bytes(data: Data): Uint8Array {
    return typeof data === "string" ? this.tree.encoder.encode(data) : data;
  }

  readFileSync(path: string, options?: null | { encoding?: null; flag?: string }): Uint8Array;
  readFileSync(path: string, options: Encoding | { encoding: Encoding; flag?: string }): string;
  readFileSync(path: string, options: ReadOptions = null): Uint8Array | string {
    const encoding = typeof options === "string" ? options : (options?.encoding ?? null);
    const flag = typeof options === "object" ? (options?.flag ?? "r") : "r";
    const fd = this.openSync(path, flag);
    try {
      const st = this.fstatSync(fd);
      if ((st.mode & S_IFMT) !== S_IFREG) throw new FsError(-21, "read", path);
      const buf = new Uint8Array(st.size);
      let n = 0;
      while (n < buf.length) {
        const got = this.readSync(fd, buf, n);
        if (got === 0) break;
        n += got;
      }
      const bytes = buf.subarray(0, n);
      if (encoding === null) return bytes;
      if (encoding === "utf8" || encoding === "utf-8") return this.tree.decoder.decode(bytes);
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString(encoding);
    } finally {
      this.closeSync(fd);
    }
  }

  writeFileSync(path: string, data: Data, options: WriteOptions = {}): void {
    const fd = this.openSync(path, options.flag ?? "w", options.mode);
    try {
      const bytes = this.bytes(data);
      let n = 0;
      while (n < bytes.length) n += this.writeSync(fd, bytes, n);
    } finally {
      this.closeSync(fd);
    }
  }

  appendFileSync(path: string, data: Data, options: WriteOptions = {}): void {
    this.writeFileSync(path, data, { ...options, flag: options.flag ?? "a" });
  }

  copyFileSync(from: string, to: string): void {
    const mode = this.statSync(from).mode & 0o777;
    this.writeFileSync(to, this.readFileSync(from), { mode });
  }
}

function secondsOf(t: Time): { sec: number; nsec: number } {
  const s = typeof t === "number" ? t : t.getTime() / 1000;
  const sec = Math.floor(s);
  return { sec, nsec: Math.floor((s - sec) * 1e9) };
}

type Methods = {
  [K in keyof MemoryFs as K extends `${infer N}Sync` ? N : never]: MemoryFs[K];
};

/** `readFile`, `mkdir`, ...: each method of `MemoryFs` without `Sync`. */
export type MemoryFsPromises = {
  [K in keyof Methods]: Methods[K] extends (...args: infer A) => infer R ? (...args: A) => Promise<R> : never;
} & {
  readFile(path: string, options?: null): Promise<Uint8Array>;
  readFile(path: string, options: Encoding | { encoding: Encoding; flag?: string }): Promise<string>;
  readdir(path: string, options?: { withFileTypes?: false }): Promise<string[]>;
  readdir(path: string, options: { withFileTypes: true }): Promise<Dirent[]>;
};

function promisesOf(fs: MemoryFs): MemoryFsPromises {
  const out: Record<string, unknown> = {};
  for (const key of Object.getOwnPropertyNames(MemoryFs.prototype)) {
    if (!key.endsWith("Sync")) continue;
    const method = (fs as unknown as Record<string, (...args: unknown[]) => unknown>)[key]!;
    out[key.slice(0, -4)] = async (...args: unknown[]) => method.apply(fs, args);
  }
  return out as unknown as MemoryFsPromises;
}
