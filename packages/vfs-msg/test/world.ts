/** A kernel's file side for tests: simulated machine, pages, clock, a tmpfs root, and calls by path. */
import { Machine } from "@anax/machine";
import { bytesOf, stringOf } from "@anax/portable";
import { Uio, VmPages } from "@anax/vm";
import {
  Cred,
  FixedClock,
  NLC_FOLLOW,
  NLookup,
  NcHandle,
  Stat,
  TmpFsType,
  Vfs,
  type DirSink,
  type Vnode,
} from "@anax/vfs-msg";

export interface Listed {
  name: string;
  ino: number;
  type: number;
  next: number;
}

export class Sink implements DirSink {
  readonly out: Listed[] = [];

  constructor(private readonly room = Infinity) {}

  add(name: Uint8Array, off: number, len: number, ino: number, type: number, next: number): boolean {
    if (this.out.length >= this.room) return false;
    this.out.push({ name: stringOf(name, off, len), ino, type, next });
    return true;
  }
}

export class World {
  readonly machine: Machine;
  readonly pages: VmPages;
  readonly clock = new FixedClock();
  readonly vfs: Vfs;
  readonly cwd = new NcHandle();
  cred = new Cred();

  constructor(memory = 16 << 20, data = "") {
    this.machine = new Machine({ memory });
    this.pages = new VmPages(this.machine);
    this.clock.set(1_000_000, 0);
    this.vfs = new Vfs(this.machine, this.pages, this.clock);
    this.vfs.addType(new TmpFsType());
    const error = this.vfs.mountRoot("tmpfs", data === "" ? "mode=755" : data);
    if (error !== 0) throw new Error(`mountRoot: ${error}`);
    this.cwd.copyFrom(this.vfs.root);
  }

  nd(path: string, flags = 0, start: NcHandle = this.cwd): NLookup {
    const nd = new NLookup();
    nd.init(start, this.vfs.root, this.cred, flags);
    nd.setString(path);
    return nd;
  }

  mkdir = (path: string, mode = 0o755): number => this.vfs.mkdir(this.nd(path), mode);
  rmdir = (path: string): number => this.vfs.rmdir(this.nd(path));
  unlink = (path: string): number => this.vfs.unlink(this.nd(path));
  mknod = (path: string, mode: number, rdev = 0): number => this.vfs.mknod(this.nd(path), mode, rdev);
  rename = (a: string, b: string, flags = 0): number => this.vfs.rename(this.nd(a), this.nd(b), flags);

  symlink(text: string, path: string): number {
    const b = bytesOf(text);
    return this.vfs.symlink(this.nd(path), b, 0, b.length);
  }

  link(from: string, to: string): number {
    const nd = this.nd(from);
    const error = this.vfs.lookup(nd);
    if (error !== 0) return error;
    return this.vfs.link(this.nd(to), nd.mount!, nd.vnode!);
  }

  lookup(path: string, flags = NLC_FOLLOW, start: NcHandle = this.cwd): NLookup | number {
    const nd = this.nd(path, flags, start);
    const error = this.vfs.lookup(nd);
    return error === 0 ? nd : error;
  }

  vnode(path: string): Vnode {
    const nd = this.lookup(path);
    if (typeof nd === "number") throw new Error(`lookup ${path}: ${nd}`);
    return nd.vnode!;
  }

  open(path: string, flags: number, mode = 0o644): Vnode | number {
    const nd = this.nd(path);
    const error = this.vfs.open(nd, flags, mode);
    return error === 0 ? nd.vnode! : error;
  }

  stat(path: string, flags = NLC_FOLLOW): Stat | number {
    const st = new Stat();
    const error = this.vfs.stat(this.nd(path, flags), st);
    return error === 0 ? st : error;
  }

  chdir(path: string): number {
    const nd = this.lookup(path);
    if (typeof nd === "number") return nd;
    nd.into(this.cwd);
    return 0;
  }

  getcwd(handle: NcHandle = this.cwd, force = false): string | number {
    const buf = new Uint8Array(4096);
    const at = this.vfs.pathOf(handle, this.vfs.root, buf, force);
    return at < 0 ? at : stringOf(buf, at, buf.length - at);
  }

  write(vp: Vnode, offset: number, data: string | Uint8Array, ioflags = 0): number {
    const bytes = typeof data === "string" ? bytesOf(data) : data;
    const uio = new Uio(this.machine);
    uio.initKernel(bytes, 0, bytes.length, false, offset);
    const error = this.vfs.write(vp, uio, ioflags, this.cred, null);
    const moved = bytes.length - uio.resid;
    return error !== 0 && moved === 0 ? error : moved;
  }

  read(vp: Vnode, offset: number, n: number): Uint8Array {
    const bytes = new Uint8Array(n);
    const uio = new Uio(this.machine);
    uio.initKernel(bytes, 0, n, true, offset);
    const error = this.vfs.read(vp, uio, 0, this.cred, null);
    if (error !== 0) throw new Error(`read: ${error}`);
    return bytes.subarray(0, n - uio.resid);
  }

  text(path: string): string {
    const vp = this.vnode(path);
    const b = this.read(vp, 0, 1 << 20);
    return stringOf(b, 0, b.length);
  }

  put(path: string, data: string | Uint8Array, mode = 0o644): void {
    const vp = this.open(path, 0o1101, mode);
    if (typeof vp === "number") throw new Error(`open ${path}: ${vp}`);
    const n = this.write(vp, 0, data);
    if (n !== data.length) throw new Error(`write ${path}: ${n}`);
    this.vfs.close(vp, 1);
  }

  list(path: string): Listed[] {
    const sink = new Sink();
    const error = this.vfs.readdir(this.vnode(path), sink, 0);
    if (error !== 0) throw new Error(`readdir: ${error}`);
    return sink.out;
  }

  readlink(path: string): string | number {
    const buf = new Uint8Array(4096);
    const n = this.vfs.readlink(this.nd(path), buf, 0, buf.length);
    return n < 0 ? n : stringOf(buf, 0, n);
  }
}
