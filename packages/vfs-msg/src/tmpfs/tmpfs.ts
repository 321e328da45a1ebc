/**
 * tmpfs: a file system in memory, with everything POSIX asks of one.
 *
 * Key types `TmpFs` (the port of one mount), `TmpFsType`. Neighbours: `node.ts` (directories), `data.ts` (contents), `names.ts`
 * and `attributes.ts` of vfs (which have checked names and permissions). devfs is one of these too.
 * Invariants: every operation finishes at once; a node lives while it has names or references; nlink of a directory is 2 and
 * one for each directory in it.
 * Source: tmpfs(5), POSIX.1-2017; DragonFly sys/vfs/tmpfs.
 */
import { Errno, copyBytes, i32, longShl, longShr, toLong, u32, type long } from "@anax/portable";
import { FileSystem, FsType } from "../filesystem";
import {
  FALLOC_KEEP_SIZE,
  FALLOC_PUNCH_HOLE,
  FALLOC_ZERO_RANGE,
  IO_NOATIME,
  MNT_NOATIME,
  MNT_RDONLY,
  MNT_RELATIME,
  RENAME_EXCHANGE,
  S_IFDIR,
  S_IFLNK,
  S_IFMT,
  S_ISGID,
} from "../flags";
import { withoutPrivileges } from "../attributes";
import { LockList } from "../lock";
import type { Mount } from "../mount";
import { MountOptions } from "../options";
import type { Cred } from "../cred";
import { VN_DEAD, VN_ROOT, Vnode, dtypeOf } from "../vnode";
import { ATTR_ATIME, ATTR_GID, ATTR_MODE, ATTR_MTIME, ATTR_SIZE, ATTR_UID, type VopMsg } from "../vop";
import type { Vfs } from "../vfs";
import { TmpData } from "./data";
import { EntryTable, FIRST_COOKIE, TmpNode, type TmpEntry } from "./node";

/** f_type of statfs(2). */
export const TMPFS_MAGIC: u32 = 0x01021994;
/** What a directory entry counts in st_size of its directory, as on Linux. */
const ENTRY_SIZE: i32 = 20;

/** A symbolic link longer than this counts as a page. */
const SHORT_LINK: i32 = 128;

const DOTS: Uint8Array = new Uint8Array(2).fill(46);

/** Which times an operation sets. */
const T_MTIME: i32 = 1;
const T_CTIME: i32 = 2;

export class TmpFs extends FileSystem {
  readonly data: TmpData;
  readonly names: EntryTable;
  protected readonly rootNode: TmpNode;
  private nextId: u32 = 2;
  /** Nodes in being, further names of nodes counted too, and how many there may be: what bounds the kernel memory used. */
  nodes: u32 = 0;
  nodeLimit: u32;
  magic: u32 = TMPFS_MAGIC;

  constructor(
    protected readonly vfs: Vfs,
    mount: Mount,
  ) {
    super();
    this.home = mount;
    this.names = new EntryTable(vfs.pages.heap);
    this.data = new TmpData(vfs.pages, vfs.pages.totalCount >>> 1);
    this.nodeLimit = vfs.pages.totalCount >>> 1;
    const root = new TmpNode(mount, 1);
    this.rootNode = root;
    this.nodes = 1;
    root.mode = S_IFDIR | 0o755;
    root.parent = root;
    root.nlink = 2;
    root.size = toLong(ENTRY_SIZE * 2);
    root.flags |= VN_ROOT;
    this.stampAll(root);
  }

  root(): Vnode {
    return this.rootNode;
  }

  // ---- nodes

  /** A node without a name, stamped now. */
  protected newNode(mode: i32, uid: u32, gid: u32): TmpNode {
    const node = new TmpNode(this.home!, this.nextId);
    this.nextId = u32(this.nextId + 1);
    node.mode = mode;
    node.uid = uid;
    node.gid = gid;
    this.nodes = u32(this.nodes + 1);
    this.stampAll(node);
    return node;
  }

  /** A node as the creator `cred` gets it in `dir`: group and set-group-id by the rules of inode(7). */
  private created(dir: TmpNode, mode: i32, cred: Cred): TmpNode {
    let bits = mode;
    let gid: u32 = cred.fsgid;
    if ((dir.mode & S_ISGID) !== 0) {
      gid = dir.gid;
      if ((mode & S_IFMT) === S_IFDIR) bits |= S_ISGID;
      else if ((mode & (S_ISGID | 0o010)) === (S_ISGID | 0o010) && !cred.isRoot && !cred.inGroup(gid)) bits &= ~S_ISGID;
    }
    return this.newNode(bits, cred.fsuid, gid);
  }

  private stampAll(node: TmpNode): void {
    this.stamp(node, T_MTIME | T_CTIME);
    node.atimeSec = node.mtimeSec;
    node.atimeNsec = node.mtimeNsec;
  }

  private stamp(node: TmpNode, which: i32): void {
    const clock = this.vfs.clock;
    clock.update();
    if ((which & T_MTIME) !== 0) {
      node.mtimeSec = clock.sec;
      node.mtimeNsec = clock.nsec;
    }
    if ((which & T_CTIME) !== 0) {
      node.ctimeSec = clock.sec;
      node.ctimeNsec = clock.nsec;
    }
  }

  /** Gives `node` a name; a directory's link counts follow. */
  protected enter(dir: TmpNode, buf: Uint8Array, off: i32, len: i32, hash: u32, node: TmpNode): void {
    this.names.add(dir, hash, buf, off, len, node);
    if (node.isDir) {
      node.parent = dir;
      dir.nlink++;
    }
    dir.size = dir.size + ENTRY_SIZE;
    this.stamp(dir, T_MTIME | T_CTIME);
  }

  /** Takes an entry out of its directory. */
  protected leave(e: TmpEntry): void {
    const dir = e.dir;
    this.names.remove(e);
    if (e.node.isDir) dir.nlink--;
    dir.size = dir.size - ENTRY_SIZE;
    this.stamp(dir, T_MTIME | T_CTIME);
  }

  /** A node that lost a name: gone when that was the last one and nobody holds it. */
  protected dropLink(node: TmpNode): void {
    node.nlink = node.isDir ? 0 : (node.nlink - 1) | 0;
    if (node.nlink > 0) this.nodes = u32(this.nodes - 1);
    this.stamp(node, T_CTIME);
    if (node.nlink === 0 && node.refs === 0) this.forget(node);
  }

  /** The node is gone although names in the cache may still lead to it. */
  protected bury(node: TmpNode): void {
    node.flags |= VN_DEAD;
  }

  private forget(node: TmpNode): void {
    if (node.gone) return;
    node.gone = true;
    node.flags |= VN_DEAD;
    this.data.release(node);
    this.nodes = u32(this.nodes - 1);
  }

  // ---- names

  override nresolve(m: VopMsg): i32 {
    const e = this.names.find(m.dvp! as TmpNode, m.hash, m.buf!, m.off, m.len);
    if (e === null) return -Errno.NOENT;
    m.vp = e.node;
    return 0;
  }

  /** The creating operations: `node` gets the name of the message. */
  private make(m: VopMsg): i32 {
    const dir = m.dvp! as TmpNode;
    if (dir.nlink === 0) return -Errno.NOENT;
    if (this.nodes >= this.nodeLimit) return -Errno.NOSPC;
    const node = this.created(dir, m.mode, m.cred!);
    node.nlink = node.isDir ? 2 : 1;
    if (node.isDir) node.size = toLong(ENTRY_SIZE * 2);
    if (node.isReg) this.data.attach(node);
    this.enter(dir, m.buf!, m.off, m.len, m.hash, node);
    m.vp = node;
    return 0;
  }

  override ncreate(m: VopMsg): i32 {
    return this.make(m);
  }

  override nmkdir(m: VopMsg): i32 {
    return this.make(m);
  }

  override nmknod(m: VopMsg): i32 {
    const error = this.make(m);
    if (error === 0) m.vp!.rdev = m.rdev;
    return error;
  }

  override nsymlink(m: VopMsg): i32 {
    m.mode = S_IFLNK | 0o777;
    if (m.dataLen > SHORT_LINK && this.data.used >= this.data.limit) return -Errno.NOSPC;
    const error = this.make(m);
    if (error !== 0) return error;
    if (m.dataLen > SHORT_LINK) this.data.charge(m.vp! as TmpNode);
    const text = new Uint8Array(m.dataLen);
    copyBytes(text, 0, m.data!, m.dataOff, m.dataLen);
    const vp = m.vp!;
    vp.target = text;
    vp.size = m.dataLen;
    return 0;
  }

  override nlink(m: VopMsg): i32 {
    const dir = m.dvp! as TmpNode;
    const node = m.vp! as TmpNode;
    if (dir.nlink === 0 || (node.flags & VN_DEAD) !== 0) return -Errno.NOENT;
    if (node.nlink >= 0x7fffffff) return -Errno.MLINK;
    if (node.nlink > 0) {
      if (this.nodes >= this.nodeLimit) return -Errno.NOSPC;
      this.nodes = u32(this.nodes + 1);
    }
    node.nlink++;
    this.stamp(node, T_CTIME);
    this.enter(dir, m.buf!, m.off, m.len, m.hash, node);
    return 0;
  }

  override nremove(m: VopMsg): i32 {
    const e = this.names.find(m.dvp! as TmpNode, m.hash, m.buf!, m.off, m.len);
    if (e === null) return -Errno.NOENT;
    this.leave(e);
    this.dropLink(e.node);
    return 0;
  }

  override nrmdir(m: VopMsg): i32 {
    const e = this.names.find(m.dvp! as TmpNode, m.hash, m.buf!, m.off, m.len);
    if (e === null) return -Errno.NOENT;
    if (e.node.entries > 0) return -Errno.NOTEMPTY;
    this.leave(e);
    this.dropLink(e.node);
    return 0;
  }

  override nrename(m: VopMsg): i32 {
    const from = m.dvp! as TmpNode;
    const to = m.dvp2! as TmpNode;
    const e = this.names.find(from, m.hash, m.buf!, m.off, m.len);
    if (e === null || to.nlink === 0) return -Errno.NOENT;
    const node = e.node;
    const target = this.names.find(to, m.hash2, m.buf2!, m.off2, m.len2);
    if ((m.opflags & RENAME_EXCHANGE) !== 0) {
      if (target === null) return -Errno.NOENT;
      this.swap(e, target);
      return 0;
    }
    if (target !== null) {
      if (target.node.isDir && target.node.entries > 0) return -Errno.NOTEMPTY;
      this.leave(target);
      this.dropLink(target.node);
    }
    this.leave(e);
    this.enter(to, m.buf2!, m.off2, m.len2, m.hash2, node);
    this.stamp(node, T_CTIME);
    return 0;
  }

  private swap(a: TmpEntry, b: TmpEntry): void {
    const node = a.node;
    a.node = b.node;
    b.node = node;
    if (node.isDir !== a.node.isDir) {
      const delta: i32 = node.isDir ? 1 : -1;
      b.dir.nlink = (b.dir.nlink + delta) | 0;
      a.dir.nlink = (a.dir.nlink - delta) | 0;
    }
    if (a.node.isDir) a.node.parent = a.dir;
    if (b.node.isDir) b.node.parent = b.dir;
    this.stamp(a.node, T_CTIME);
    this.stamp(b.node, T_CTIME);
    this.stamp(a.dir, T_MTIME | T_CTIME);
    this.stamp(b.dir, T_MTIME | T_CTIME);
  }

  override tmpfile(m: VopMsg): i32 {
    if (this.nodes >= this.nodeLimit) return -Errno.NOSPC;
    const node = this.created(m.dvp! as TmpNode, m.mode, m.cred!);
    this.data.attach(node);
    m.vp = node;
    return 0;
  }

  // ---- attributes

  override getattr(m: VopMsg): i32 {
    const node = m.vp! as TmpNode;
    const st = m.stat!;
    node.fillStat(st);
    const object = node.object;
    st.blocks = object === null ? 0 : toLong(object.resident) * 8;
    return 0;
  }

  override setattr(m: VopMsg): i32 {
    const node = m.vp! as TmpNode;
    const attrs = m.attrs;
    let times: i32 = T_CTIME;
    if ((attrs & ATTR_SIZE) !== 0) {
      const error = this.data.resize(node, m.size);
      if (error !== 0) return error;
      if (m.cred !== null && !m.cred!.isRoot) node.mode = withoutPrivileges(node.mode);
      times |= T_MTIME;
    }
    if ((attrs & ATTR_MODE) !== 0) node.mode = (node.mode & S_IFMT) | (m.mode & 0o7777);
    if ((attrs & ATTR_UID) !== 0) node.uid = m.uid;
    if ((attrs & ATTR_GID) !== 0) node.gid = m.gid;
    this.stamp(node, times);
    if ((attrs & ATTR_ATIME) !== 0) {
      node.atimeSec = m.atimeSec;
      node.atimeNsec = m.atimeNsec;
    }
    if ((attrs & ATTR_MTIME) !== 0) {
      node.mtimeSec = m.mtimeSec;
      node.mtimeNsec = m.mtimeNsec;
    }
    return 0;
  }

  /** The file was read: atime by the relatime rule (older than a change, or a day old). */
  protected accessed(node: TmpNode): void {
    const flags = this.home!.flags;
    if ((flags & (MNT_NOATIME | MNT_RDONLY)) !== 0) return;
    const clock = this.vfs.clock;
    if ((flags & MNT_RELATIME) !== 0) {
      const beforeM =
        node.atimeSec < node.mtimeSec || (node.atimeSec === node.mtimeSec && node.atimeNsec <= node.mtimeNsec);
      const beforeC =
        node.atimeSec < node.ctimeSec || (node.atimeSec === node.ctimeSec && node.atimeNsec <= node.ctimeNsec);
      if (!beforeM && !beforeC && clock.sec - node.atimeSec < 86400) return;
    }
    clock.update();
    node.atimeSec = clock.sec;
    node.atimeNsec = clock.nsec;
  }

  // ---- contents

  override read(m: VopMsg): i32 {
    const node = m.vp! as TmpNode;
    if (!node.isReg) return node.isDir ? -Errno.ISDIR : -Errno.INVAL;
    const uio = m.uio!;
    const before: long = uio.resid;
    const error = this.data.read(node, uio);
    if (uio.resid !== before && (m.opflags & IO_NOATIME) === 0) this.accessed(node);
    return error;
  }

  override write(m: VopMsg): i32 {
    const node = m.vp! as TmpNode;
    if (!node.isReg) return node.isDir ? -Errno.ISDIR : -Errno.INVAL;
    const uio = m.uio!;
    const before: long = uio.resid;
    if (before === 0) return 0;
    const error = this.data.write(node, uio, m.opflags);
    if (uio.resid !== before) {
      if (m.cred !== null && !m.cred!.isRoot) node.mode = withoutPrivileges(node.mode);
      this.stamp(node, T_MTIME | T_CTIME);
    }
    return error;
  }

  override allocate(m: VopMsg): i32 {
    const node = m.vp! as TmpNode;
    const keep = (m.opflags & FALLOC_KEEP_SIZE) !== 0;
    const what = m.opflags & ~FALLOC_KEEP_SIZE;
    if (what === FALLOC_PUNCH_HOLE && keep) {
      this.data.punch(node, m.offset, m.size);
    } else if (what === 0 || what === FALLOC_ZERO_RANGE) {
      if (what === FALLOC_ZERO_RANGE) this.data.punch(node, m.offset, m.size);
      const error = this.data.allocate(node, m.offset, m.size, keep);
      if (error !== 0) return error;
    } else return -Errno.OPNOTSUPP;
    this.stamp(node, T_MTIME | T_CTIME);
    return 0;
  }

  override seek(m: VopMsg): i32 {
    const node = m.vp! as TmpNode;
    if (!node.isReg) return -Errno.INVAL;
    const at = this.data.seek(node, m.opflags, m.offset);
    if (at < 0) return i32(at);
    m.result = at;
    return 0;
  }

  override readdir(m: VopMsg): i32 {
    const dir = m.vp! as TmpNode;
    const sink = m.sink!;
    let cookie: long = m.offset;
    if (cookie <= 0) {
      if (!sink.add(DOTS, 0, 1, dir.ino, dtypeOf(S_IFDIR), 1)) return 0;
      cookie = 1;
    }
    if (cookie === toLong(1)) {
      const up = dir.parent;
      if (!sink.add(DOTS, 0, 2, up === null ? dir.ino : up.ino, dtypeOf(S_IFDIR), FIRST_COOKIE)) return 0;
      cookie = FIRST_COOKIE;
    }
    let e = dir.seek(cookie);
    while (e !== null) {
      const node = e.node;
      if (!sink.add(e.name, 0, e.name.length, node.ino, dtypeOf(node.mode), e.cookie + 1)) {
        dir.remember(cookie, e);
        break;
      }
      cookie = e.cookie + 1;
      e = e.next;
    }
    this.accessed(dir);
    return 0;
  }

  override readlink(m: VopMsg): i32 {
    const text = m.vp!.target;
    if (text === null) return -Errno.INVAL;
    const n: i32 = text.length < m.dataLen ? text.length : m.dataLen;
    copyBytes(m.data!, m.dataOff, text, 0, n);
    m.result = n;
    return 0;
  }

  override advlock(m: VopMsg): i32 {
    const vp = m.vp!;
    let locks = vp.locks;
    if (locks === null) {
      locks = new LockList();
      vp.locks = locks;
    }
    const error = locks.control(m.owner!, m.opflags, i32(m.command), m.lock!, m.waiter);
    if (locks.isEmpty) vp.locks = null;
    return error;
  }

  // ---- the file system

  override inactive(m: VopMsg): i32 {
    const node = m.vp! as TmpNode;
    if (node.nlink === 0) this.forget(node);
    return 0;
  }

  override statfs(m: VopMsg): i32 {
    const st = m.statfs!;
    const free: u32 = this.data.limit > this.data.used ? u32(this.data.limit - this.data.used) : 0;
    st.type = this.magic;
    st.bsize = 4096;
    st.blocks = this.data.limit;
    st.bfree = free;
    st.bavail = free;
    st.files = this.nodeLimit;
    st.ffree = this.nodes < this.nodeLimit ? u32(this.nodeLimit - this.nodes) : 0;
    st.dev = this.home!.dev;
    st.namelen = 255;
    return 0;
  }

  /** Frees all contents, deepest first, without recursion. */
  override unmount(_m: VopMsg): i32 {
    let dir: TmpNode = this.rootNode;
    let more = true;
    while (more) {
      const e = dir.last;
      if (e === null) {
        if (dir === this.rootNode) more = false;
        else dir = dir.parent!;
        if (more) this.dropLast(dir);
      } else if (e.node.isDir && e.node.entries > 0) {
        e.node.parent = dir;
        dir = e.node;
      } else this.dropLast(dir);
    }
    return 0;
  }

  private dropLast(dir: TmpNode): void {
    const e = dir.last!;
    this.names.remove(e);
    this.dropLink(e.node);
  }
}

/** mount -t tmpfs. Options: size, nr_blocks, nr_inodes, mode, uid, gid. */
export class TmpFsType extends FsType {
  constructor(name: string = "tmpfs") {
    super(name);
  }

  override mount(vfs: Vfs, mount: Mount, data: string): i32 {
    const fs = new TmpFs(vfs, mount);
    const root = fs.root();
    root.mode = S_IFDIR | 0o1777;
    mount.fs = fs;
    return this.apply(fs, mount, data);
  }

  override remount(mount: Mount, data: string): i32 {
    return this.apply(mount.fs! as TmpFs, mount, data);
  }

  private apply(fs: TmpFs, mount: Mount, data: string): i32 {
    const options = new MountOptions(data);
    const root = fs.root();
    while (options.next()) {
      const key = options.key;
      if (key === "size" || key === "nr_blocks") {
        const total = mount.vfs.pages.totalCount;
        let bytes: long = options.size(toLong(total) * 4096);
        if (bytes < 0) return -Errno.INVAL;
        if (key === "nr_blocks") bytes = bytes * 4096;
        const pages: long =
          bytes === toLong(0) || bytes > longShl(total, 12) ? toLong(total) : longShr(bytes + 4095, 12);
        if (u32(pages) < fs.data.used) return -Errno.INVAL;
        fs.data.limit = u32(pages);
      } else if (key === "nr_inodes") {
        const n: long = options.size(0);
        if (n < 0) return -Errno.INVAL;
        fs.nodeLimit = n === toLong(0) || n > 0xffffffff ? 0xffffffff : u32(n);
      } else if (key === "mode") {
        const mode: long = options.number(8);
        if (mode < 0 || mode > 0o7777) return -Errno.INVAL;
        root.mode = S_IFDIR | i32(mode);
      } else if (key === "uid" || key === "gid") {
        const id: long = options.number(10);
        if (id < 0 || id > 0xffffffff) return -Errno.INVAL;
        if (key === "uid") root.uid = u32(id);
        else root.gid = u32(id);
      } else return -Errno.INVAL;
    }
    if (data.length > 0) mount.options = "," + data;
    return 0;
  }
}

/** A kind of file system that has nothing in it and cannot be written: what a mount of `sysfs` shows. */
export class EmptyFsType extends FsType {
  constructor(
    name: string,
    private readonly magic: u32,
  ) {
    super(name);
    this.forcedFlags = MNT_RDONLY;
  }

  override mount(vfs: Vfs, mount: Mount, _data: string): i32 {
    const fs = new TmpFs(vfs, mount);
    fs.magic = this.magic;
    fs.data.limit = 0;
    fs.root().mode = S_IFDIR | 0o555;
    mount.fs = fs;
    return 0;
  }
}

export const SYSFS_MAGIC: u32 = 0x62656572;
