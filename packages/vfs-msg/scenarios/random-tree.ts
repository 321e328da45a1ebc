/**
 * A pseudo-random walk through the calls on names, attributes, contents and locks, by two users. The log holds every result and a listing of
 * the tree from time to time: both builds must agree on all of it, and nothing may be left at the end.
 */
import { EventLog, TextBuilder, hashBytes, i32, imul, longMod, toLong, u32, type long } from "@anax/portable";
import { Machine } from "@anax/machine";
import { Uio, VmPages } from "@anax/vm";
import {
  Cred,
  FileLock,
  FixedClock,
  LOCK_POSIX,
  LOCK_SET,
  LockOwner,
  NLC_FOLLOW,
  NLookup,
  Stat,
  TmpFs,
  TmpFsType,
  Vfs,
  type DirSink,
} from "../src/index";

const STEPS: i32 = 4000;
const NAMES: string = "abcd";

class Dice {
  private state: u32 = 2024;

  next(n: i32): i32 {
    this.state = u32(u32(imul(i32(this.state), 1664525)) + 1013904223);
    return i32(u32(this.state >>> 8) % u32(n));
  }
}

/** Writes names, types and sizes of a directory into the log, and asks to go down. */
class Lister implements DirSink {
  readonly text: TextBuilder = new TextBuilder();
  count: i32 = 0;
  last: long = 0;
  room: i32 = 0;

  add(name: Uint8Array, off: i32, len: i32, _ino: long, dtype: i32, next: long): boolean {
    if (this.room === 0) return false;
    this.room--;
    this.text.raw(name, off, len).byte(47).num(dtype).byte(32);
    this.count++;
    this.last = next;
    return true;
  }
}

class Walk {
  readonly dice: Dice = new Dice();
  readonly machine: Machine = new Machine();
  readonly pages: VmPages = new VmPages(this.machine);
  readonly clock: FixedClock = new FixedClock();
  readonly vfs: Vfs = new Vfs(this.machine, this.pages, this.clock);
  readonly nd: NLookup = new NLookup();
  readonly nd2: NLookup = new NLookup();
  readonly st: Stat = new Stat();
  readonly uio: Uio = new Uio(this.machine);
  readonly buf: Uint8Array = new Uint8Array(20000);
  readonly root: Cred = Cred.of(0, 0);
  readonly user: Cred = Cred.of(1000, 100);
  readonly owners: LockOwner[] = [];
  readonly lock: FileLock = new FileLock();
  readonly lister: Lister = new Lister();

  constructor(readonly log: EventLog) {
    this.clock.set(1700000000, 0);
    this.owners.push(new LockOwner());
    this.owners.push(new LockOwner());
  }

  /** A random path of one to four components into `nd`. */
  path(nd: NLookup, flags: i32): void {
    const depth = (this.dice.next(4) + 1) | 0;
    nd.init(this.vfs.root, this.vfs.root, this.dice.next(4) === 0 ? this.user : this.root, flags);
    let n: i32 = 0;
    for (let i = 0; i < depth; i++) {
      nd.buf[n] = 47;
      n++;
      const kind = this.dice.next(20);
      if (kind < 2) {
        nd.buf[n] = 46;
        n++;
        if (kind === 1) {
          nd.buf[n] = 46;
          n++;
        }
      } else {
        nd.buf[n] = NAMES.charCodeAt(this.dice.next(4));
        n++;
      }
    }
    if (this.dice.next(12) === 0) {
      nd.buf[n] = 47;
      n++;
    }
    nd.len = n;
  }

  step(): void {
    const d = this.dice;
    this.clock.advance(1000000);
    const what = d.next(16);
    this.path(this.nd, d.next(2) === 0 ? NLC_FOLLOW : 0);
    if (what === 0 || what === 1) this.log.value("mkdir", this.vfs.mkdir(this.nd, d.next(8) === 0 ? 0o1777 : 0o775));
    else if (what === 2) this.log.value("unlink", this.vfs.unlink(this.nd));
    else if (what === 3) this.log.value("rmdir", this.vfs.rmdir(this.nd));
    else if (what === 4 || what === 5) {
      this.path(this.nd2, 0);
      this.log.value("rename", this.vfs.rename(this.nd, this.nd2, d.next(5) === 0 ? d.next(4) : 0));
    } else if (what === 6) {
      const n = (d.next(6) + 1) | 0;
      for (let i = 0; i < n; i++) this.buf[i] = d.next(3) === 0 ? 47 : NAMES.charCodeAt(d.next(4));
      this.log.value("symlink", this.vfs.symlink(this.nd, this.buf, 0, n));
    } else if (what === 7) {
      let r = this.vfs.lookup(this.nd);
      if (r === 0) {
        const mount = this.nd.mount!;
        const vp = this.nd.vnode!;
        this.path(this.nd2, 0);
        r = this.vfs.link(this.nd2, mount, vp);
      }
      this.log.value("link", r);
    } else if (what < 12) this.contents(what);
    else if (what === 12) this.attributes();
    else if (what === 13) this.log.value("readlink", this.vfs.readlink(this.nd, this.buf, 0, 100));
    else if (what === 14) this.locks();
    else this.stat();
  }

  contents(what: i32): void {
    const d = this.dice;
    const r = this.vfs.open(this.nd, what === 11 ? 2 : 0o102, d.next(3) === 0 ? 0o4755 : 0o664);
    this.log.value("open", r);
    if (r !== 0) return;
    const vp = this.nd.vnode!;
    const cred = this.nd.cred!;
    const at: long = toLong(d.next(30000)) * (d.next(10) === 0 ? 1000 : 1);
    const n = d.next(9000);
    if (what === 8 || what === 9) {
      for (let i = 0; i < n; i++) this.buf[i] = i32(longMod(at + i + 1, 256));
      this.uio.initKernel(this.buf, 0, n, false, at);
      this.log.value("write", this.vfs.write(vp, this.uio, d.next(4) === 0 ? 1 : 0, cred, null));
      this.log.value("left", this.uio.resid);
    } else if (what === 10) {
      this.log.value("truncate", this.vfs.truncate(vp, at, cred));
      if (d.next(3) === 0) this.log.value("punch", this.vfs.fallocate(vp, 3, d.next(9000), (n + 1) | 0));
    } else {
      this.buf.fill(0);
      this.uio.initKernel(this.buf, 0, n, true, longMod(at, 10000));
      this.log.value("read", this.vfs.read(vp, this.uio, 0, cred, null));
      this.log.value("hash", hashBytes(this.buf, 0, n, 0));
      this.log.value("data", this.vfs.seek(vp, 3, d.next(20000)));
      this.log.value("hole", this.vfs.seek(vp, 4, d.next(20000)));
    }
    this.vfs.close(vp, 2);
  }

  attributes(): void {
    const d = this.dice;
    const r = this.vfs.lookup(this.nd);
    if (r !== 0) return this.log.value("attr", r);
    const mount = this.nd.mount!;
    const vp = this.nd.vnode!;
    const cred = this.nd.cred!;
    if (d.next(2) === 0) this.log.value("chmod", this.vfs.chmod(mount, vp, d.next(4096) | 0o700, cred));
    else this.log.value("chown", this.vfs.chown(mount, vp, u32(d.next(2) * 1000), u32(d.next(2) * 100), cred));
  }

  locks(): void {
    const d = this.dice;
    const r = this.vfs.lookup(this.nd);
    if (r !== 0) return this.log.value("lock", r);
    const l = this.lock;
    l.type = d.next(3);
    l.start = d.next(50);
    l.end = d.next(4) === 0 ? toLong(-1) : l.start + d.next(50);
    this.log.value("lock", this.vfs.advlock(this.nd.vnode!, this.owners[d.next(2)], LOCK_SET, LOCK_POSIX, l, null));
  }

  stat(): void {
    const r = this.vfs.stat(this.nd, this.st);
    this.log.value("stat", r);
    if (r !== 0) return;
    const s = this.st;
    this.log.value("mode", s.mode);
    this.log.value("size", s.size);
    this.log.value("blocks", s.blocks);
    this.log.value("nlink", s.nlink);
    this.log.value("mtime", s.mtimeSec);
    this.log.value("mtime ns", s.mtimeNsec);
    if (!this.nd.vnode!.isDir) return;
    const l = this.lister;
    l.text.clear();
    l.last = 0;
    let before: i32 = -1;
    while (l.count !== before) {
      before = l.count;
      l.room = 3;
      this.vfs.readdir(this.nd.vnode!, l, l.last);
    }
    this.log.line(l.text.toString());
  }
}

export function run(log: EventLog): void {
  const w = new Walk(log);
  w.vfs.addType(new TmpFsType());
  log.value("mount", w.vfs.mountRoot("tmpfs", "mode=777,size=2m"));
  w.vfs.cache.limit = 20;
  for (let i = 0; i < STEPS; i++) w.step();
  const fs = w.vfs.root.mount!.fs! as TmpFs;
  log.value("nodes", fs.nodes);
  log.value("pages", fs.data.used);
  log.value("names", w.vfs.cache.hashed);
  log.value("hits", w.vfs.cache.hits);
}
