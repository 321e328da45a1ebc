/**
 * procfs: the kernel and its processes as files.
 *
 * Key types `ProcFs` (type `proc`; all mounts show the same tree), `ProcFsType`. Neighbours: `source.ts` (what the kernel
 * is asked), `entry.ts` (names), `system.ts` and `process.ts` (contents).
 * Invariants: nothing about a process is kept: a name is checked at every use (MNTK_REVALIDATE), so a pid that was given
 * anew never shows the old process; a text is made when it is read from its start, and a reader that goes on gets the rest
 * of the same text unless another file was read in between.
 * Source: proc(5).
 */
import { Errno, TextBuilder, bytesOf, copyBytes, i32, longMin, toLong, type long, type u32 } from "@anax/portable";
import type { Uio } from "@anax/vm";
import type { Cred } from "../cred";
import { FileSystem, FsType } from "../filesystem";
import { DT_DIR, DT_LNK, E_STALE, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from "../flags";
import { MNTK_REVALIDATE, Mount } from "../mount";
import { NcHandle } from "../namecache";
import { makeDev } from "../stat";
import type { Vfs } from "../vfs";
import { VN_MAGIC, VN_ROOT, VN_SYNTHETIC, dtypeOf, type Vnode } from "../vnode";
import { ATTR_SIZE, type DirSink, type VopMsg } from "../vop";
import {
  EntryMaker,
  PK_CWD,
  PK_DIR,
  PK_EXE,
  PK_FD,
  PK_FDINFO,
  PK_FDINFOS,
  PK_FDS,
  PK_FILE,
  PK_PID,
  PK_PROCESS,
  PK_ROOT,
  PK_ROOT_LINK,
  PK_SELF,
  PK_SYSTEM,
  PK_TASK,
  PK_TASKS,
  PK_TEXT,
  PK_TEXT_LINK,
  PK_THREAD_SELF,
  ProcNode,
  type ProcEntry,
} from "./entry";
import { ProcessFiles } from "./process";
import { FdInfo, PROC_CWD, PROC_EXE, PROC_ROOT, type ProcFile, type ProcSource } from "./source";
import { SystemFiles } from "./system";

export const PROC_MAGIC: u32 = 0x9fa0;
/** Cookies of numbered names start here, those of fixed names below. */
const NUMBERED: long = 65536;
/** Inode numbers: fixed names below this, then 4194304 for each process or thread: fixed names first, descriptors from FD_INO on. */
const PROCESS_INO: long = 4294967296;
const FD_INO: i32 = 4096;
/** Most bytes taken by one write. */
const WRITE_MAX: i32 = 4096;

const DOTS: Uint8Array = bytesOf("..");

export class ProcFsType extends FsType {
  fs: ProcFs | null = null;

  override mount(_vfs: Vfs, mount: Mount, _data: string): i32 {
    mount.fs = this.fs;
    return this.fs === null ? -Errno.NODEV : 0;
  }
}

function homeOf(vfs: Vfs, type: FsType): Mount {
  vfs.mountSeq++;
  const home = new Mount(vfs, type, vfs.mountSeq, makeDev(0, vfs.mountSeq));
  home.kflags = MNTK_REVALIDATE;
  return home;
}

/** The process file system of a kernel. Registers itself as `proc`. */
export class ProcFs extends FileSystem {
  private readonly make: EntryMaker;
  private readonly rootEntry: ProcEntry;
  private readonly pidEntry: ProcEntry;
  private readonly taskEntry: ProcEntry;
  private readonly fdEntry: ProcEntry;
  private readonly fdInfoEntry: ProcEntry;
  private readonly system: SystemFiles;
  private readonly process: ProcessFiles;
  private readonly rootNode: ProcNode;
  private readonly fdInfo: FdInfo = new FdInfo();
  private readonly handle: NcHandle = new NcHandle();
  private readonly viewRoot: NcHandle = new NcHandle();
  private readonly path: Uint8Array = new Uint8Array(4110);
  private readonly number: TextBuilder = new TextBuilder(24);
  private readonly input: Uint8Array = new Uint8Array(WRITE_MAX);
  /** The text (or the piece of one) made last, and of which node. */
  private readonly text: TextBuilder = new TextBuilder(4096);
  private textOf: ProcNode | null = null;
  /** Position of its first byte in the whole text, and where the next piece starts (-1: it is the last). */
  private textBase: long = 0;
  private textCursor: long = 0;

  constructor(
    readonly vfs: Vfs,
    readonly source: ProcSource,
  ) {
    super();
    const type = new ProcFsType("proc");
    const home = homeOf(vfs, type);
    const make = new EntryMaker();
    const root = make.make("", PK_ROOT, S_IFDIR | 0o555);
    const node = new ProcNode(home, root, 0, 0, -1, 0);
    this.make = make;
    this.rootEntry = root;
    this.pidEntry = make.make("", PK_PID, S_IFDIR | 0o555);
    this.taskEntry = make.make("", PK_TASK, S_IFDIR | 0o555);
    this.fdEntry = make.make("", PK_FD, S_IFLNK | 0o700);
    this.fdInfoEntry = make.make("", PK_FDINFO, S_IFREG | 0o400);
    this.system = new SystemFiles(vfs, source);
    this.process = new ProcessFiles(vfs, source);
    this.rootNode = node;
    this.home = home;
    home.fs = this;
    type.fs = this;
    vfs.addType(type);
    node.flags = VN_ROOT | VN_SYNTHETIC;
    this.fillNode(node, S_IFDIR | 0o555);
    make.link(root, "self", PK_SELF);
    make.link(root, "thread-self", PK_THREAD_SELF);
    make.link(root, "mounts", PK_TEXT_LINK).text = "self/mounts";
    this.system.addTo(root, make, PK_DIR);
    this.process.addTo(this.pidEntry, make, false);
    this.process.addTo(this.taskEntry, make, true);
  }

  root(): Vnode {
    return this.rootNode;
  }

  /** An extra file at `path` (`anax/unknown_syscalls`), with the directories in it. 0 or -EXIST. */
  addFile(path: string, file: ProcFile): i32 {
    const b = bytesOf(path);
    let dir = this.rootEntry;
    let from: i32 = 0;
    for (let i = 0; i < b.length; i++) {
      if (b[i] !== 0x2f) continue;
      const found = dir.child(b, from, (i - from) | 0);
      dir = found !== null ? found : this.make.dir(dir, path.substring(from, i), PK_DIR, 0o555);
      from = (i + 1) | 0;
    }
    if (dir.child(b, from, (b.length - from) | 0) !== null) return -Errno.EXIST;
    this.make.file(dir, path.substring(from), PK_FILE, file.mode).file = file;
    return 0;
  }

  // ---- nodes

  private fillNode(node: ProcNode, mode: i32): void {
    node.mode = mode;
    node.nlink = (mode & S_IFMT) === S_IFDIR ? 2 : 1;
    node.ino = inoOf(node.entry, node.pid, node.tid, node.fd);
    const clock = this.vfs.clock;
    clock.update();
    node.atimeSec = clock.sec;
    node.atimeNsec = clock.nsec;
    node.mtimeSec = clock.sec;
    node.mtimeNsec = clock.nsec;
    node.ctimeSec = clock.sec;
    node.ctimeNsec = clock.nsec;
  }

  /** A node about a process: owned by the process's user, or by root when it must not be looked into. */
  private newNode(entry: ProcEntry, pid: i32, tid: i32, fd: i32, mode: i32): ProcNode {
    const node = new ProcNode(this.home!, entry, pid, tid, fd, pid === 0 ? 0 : this.source.startOf(pid));
    node.flags = VN_SYNTHETIC;
    const kind = entry.kind;
    if (kind === PK_EXE || kind === PK_CWD || kind === PK_ROOT_LINK || kind === PK_FD) node.flags |= VN_MAGIC;
    this.fillNode(node, mode);
    this.fillOwner(node);
    return node;
  }

  private fillOwner(node: ProcNode): void {
    if (node.pid === 0) return;
    const info = this.process.info;
    if (!this.source.fillOwner(node.pid, info)) return;
    // The directory itself always shows the user.
    const open = info.dumpable || node.entry.kind === PK_PID || node.entry.kind === PK_TASK;
    node.uid = open ? info.cred.euid : 0;
    node.gid = open ? info.cred.egid : 0;
  }

  /** Whether `cred` may look into the process: its user, or root. */
  private mayLook(cred: Cred, pid: i32): boolean {
    if (cred.isRoot || pid === this.source.currentPid()) return true;
    const info = this.process.info;
    if (!this.source.fillOwner(pid, info) || !info.dumpable) return false;
    const c = info.cred;
    return cred.fsuid === c.uid && cred.fsuid === c.euid && cred.fsuid === c.suid;
  }

  private isAlive(node: ProcNode): boolean {
    if (node.pid === 0) return true;
    return this.source.exists(node.pid, node.tid) && this.source.startOf(node.pid) === node.start;
  }

  // ---- names

  override nresolve(m: VopMsg): i32 {
    const dir = m.dvp! as ProcNode;
    if (!this.isAlive(dir)) return -Errno.NOENT;
    const kind = dir.entry.kind;
    const buf = m.buf!;
    if (kind === PK_FDS || kind === PK_FDINFOS) return this.resolveFd(m, dir);
    if (kind === PK_TASKS) {
      const tid = numberOf(buf, m.off, m.len);
      if (tid <= 0 || !this.source.exists(dir.pid, tid)) return -Errno.NOENT;
      m.vp = this.newNode(this.taskEntry, dir.pid, tid, -1, this.taskEntry.mode);
      return 0;
    }
    const entry = dir.entry.child(buf, m.off, m.len);
    if (entry !== null) {
      m.vp = this.newNode(entry, dir.pid, dir.tid, -1, entry.mode);
      return 0;
    }
    if (kind !== PK_ROOT) return -Errno.NOENT;
    const pid = numberOf(buf, m.off, m.len);
    if (pid <= 0 || !this.source.exists(pid, 0)) return -Errno.NOENT;
    m.vp = this.newNode(this.pidEntry, pid, 0, -1, this.pidEntry.mode);
    return 0;
  }

  private resolveFd(m: VopMsg, dir: ProcNode): i32 {
    const fd = numberOf(m.buf!, m.off, m.len);
    if (fd < 0) return -Errno.NOENT;
    const info = this.fdInfo;
    if (!this.source.fd(dir.pid, fd, info)) return -Errno.NOENT;
    const links = dir.entry.kind === PK_FDS;
    const acc = info.flags & 3;
    this.dropFd();
    let mode: i32 = S_IFREG | 0o400;
    if (links) {
      mode = S_IFLNK | 0o100;
      if (acc !== 1) mode |= 0o400;
      if (acc !== 0) mode |= 0o200;
    }
    m.vp = this.newNode(links ? this.fdEntry : this.fdInfoEntry, dir.pid, dir.tid, fd, mode);
    return 0;
  }

  private dropFd(): void {
    this.fdInfo.handle.clear();
    this.fdInfo.file = null;
  }

  override revalidate(m: VopMsg): i32 {
    const node = m.vp! as ProcNode;
    if (node.pid === 0) return 0;
    if (!this.isAlive(node)) return -E_STALE;
    // A descriptor is looked up anew: another file may have its number.
    if (node.fd >= 0) return -E_STALE;
    this.fillOwner(node);
    return 0;
  }

  override ncreate(_m: VopMsg): i32 {
    return -Errno.NOENT;
  }

  override nmkdir(_m: VopMsg): i32 {
    return -Errno.NOENT;
  }

  override nmknod(_m: VopMsg): i32 {
    return -Errno.NOENT;
  }

  override nsymlink(_m: VopMsg): i32 {
    return -Errno.NOENT;
  }

  override readdir(m: VopMsg): i32 {
    const dir = m.vp! as ProcNode;
    if (!this.isAlive(dir)) return -Errno.NOENT;
    const sink = m.sink!;
    let cookie: long = m.offset;
    if (cookie <= 0) {
      if (!sink.add(DOTS, 0, 1, dir.ino, DT_DIR, 1)) return 0;
      cookie = 1;
    }
    if (cookie === toLong(1)) {
      if (!sink.add(DOTS, 0, 2, this.rootNode.ino, DT_DIR, 2)) return 0;
      cookie = 2;
    }
    const list = dir.entry.children;
    while (cookie < NUMBERED && cookie - 2 < list.length) {
      const e = list[i32(cookie - 2)];
      const ino = inoOf(e, dir.pid, dir.tid, -1);
      if (!sink.add(e.name, 0, e.name.length, ino, dtypeOf(e.mode), cookie + 1)) return 0;
      cookie = cookie + 1;
    }
    if (cookie < NUMBERED) cookie = NUMBERED;
    this.numbered(dir, sink, i32(cookie - NUMBERED));
    return 0;
  }

  /** The numbered names of a directory above `after - 1`. */
  private numbered(dir: ProcNode, sink: DirSink, after: i32): void {
    const kind = dir.entry.kind;
    const text = this.number;
    let last: i32 = (after - 1) | 0;
    let more = true;
    while (more) {
      let next: i32 = -1;
      let ino: long = 0;
      let dtype: i32 = DT_DIR;
      if (kind === PK_ROOT) {
        next = this.source.nextPid(last);
        ino = inoOf(this.pidEntry, next, 0, -1);
      } else if (kind === PK_TASKS) {
        next = this.source.nextTid(dir.pid, last);
        ino = inoOf(this.taskEntry, dir.pid, next, -1);
      } else if (kind === PK_FDS || kind === PK_FDINFOS) {
        next = this.source.nextFd(dir.pid, last);
        dtype = kind === PK_FDS ? DT_LNK : dtypeOf(S_IFREG);
        ino = inoOf(kind === PK_FDS ? this.fdEntry : this.fdInfoEntry, dir.pid, dir.tid, next);
      }
      if (next < 0) return;
      text.clear();
      text.num(next);
      more = sink.add(text.bytes, 0, text.length, ino, dtype, NUMBERED + next + 1);
      last = next;
    }
  }

  // ---- links

  override readlink(m: VopMsg): i32 {
    const node = m.vp! as ProcNode;
    if (!this.isAlive(node)) return -Errno.NOENT;
    const text = this.number;
    text.clear();
    switch (node.entry.kind) {
      case PK_SELF:
        if (this.source.currentPid() === 0) return -Errno.NOENT;
        text.num(this.source.currentPid());
        break;
      case PK_THREAD_SELF:
        if (this.source.currentPid() === 0) return -Errno.NOENT;
        text.num(this.source.currentPid()).str("/task/").num(this.source.currentTid());
        break;
      case PK_TEXT_LINK:
        text.str(node.entry.text);
        break;
      case PK_FD: {
        if (!this.source.fd(node.pid, node.fd, this.fdInfo)) return -Errno.NOENT;
        if (this.fdInfo.handle.ncp === null) text.raw(this.fdInfo.text.bytes, 0, this.fdInfo.text.length);
        else {
          const n = this.pathText(m, this.fdInfo.handle);
          this.dropFd();
          return n;
        }
        this.dropFd();
        break;
      }
      default: {
        const error = this.source.handle(node.pid, whichHandle(node.entry.kind), this.handle);
        if (error !== 0) return error;
        const n = this.pathText(m, this.handle);
        this.handle.clear();
        return n;
      }
    }
    return this.give(m, text.bytes, 0, text.length);
  }

  /** The path of a handle as the reader sees it. */
  private pathText(m: VopMsg, h: NcHandle): i32 {
    const me = this.source.currentPid();
    if (me === 0 || this.source.handle(me, PROC_ROOT, this.viewRoot) !== 0) this.viewRoot.copyFrom(this.vfs.root);
    const at = this.vfs.pathOf(h, this.viewRoot, this.path, true);
    this.viewRoot.clear();
    if (at < 0) return at;
    return this.give(m, this.path, at, (this.path.length - at) | 0);
  }

  private give(m: VopMsg, buf: Uint8Array, off: i32, len: i32): i32 {
    const n: i32 = len < m.dataLen ? len : m.dataLen;
    copyBytes(m.data!, m.dataOff, buf, off, n);
    m.result = n;
    return 0;
  }

  override jump(m: VopMsg): i32 {
    const node = m.vp! as ProcNode;
    if (!this.isAlive(node)) return -Errno.NOENT;
    if (!this.mayLook(m.cred!, node.pid)) return -Errno.ACCES;
    if (node.entry.kind !== PK_FD) {
      return this.source.handle(node.pid, whichHandle(node.entry.kind), m.handle!);
    }
    if (!this.source.fd(node.pid, node.fd, this.fdInfo)) return -Errno.NOENT;
    if (this.fdInfo.handle.ncp === null) m.nd!.jump = this.fdInfo.file;
    else m.handle!.copyFrom(this.fdInfo.handle);
    this.dropFd();
    return 0;
  }

  // ---- contents

  private generate(node: ProcNode, out: TextBuilder): i32 {
    const e = node.entry;
    const kind = e.kind;
    if (kind === PK_TEXT) {
      out.str(e.text);
      return 0;
    }
    if (kind === PK_FILE) return this.extra(e.file!, out);
    if (kind === PK_FDINFO) return this.process.fdinfo(node.pid, node.fd, out);
    if (kind >= PK_PROCESS) return this.process.generate(kind, node.pid, node.tid, out);
    if (kind >= PK_SYSTEM) return this.system.generate(kind, out);
    return -Errno.INVAL;
  }

  override read(m: VopMsg): i32 {
    const node = m.vp! as ProcNode;
    if (node.isDir) return -Errno.ISDIR;
    if (!this.isAlive(node)) return -Errno.SRCH;
    const uio = m.uio!;
    const kind = node.entry.kind;
    if (kind >= PK_PROCESS && this.process.isPrivate(kind) && !this.mayLook(m.cred!, node.pid)) return -Errno.ACCES;
    if (uio.offset <= 0 || this.textOf !== node || uio.offset < this.textBase) {
      this.textOf = null;
      this.textBase = 0;
      this.textCursor = 0;
      const error = this.piece(node);
      if (error !== 0) return error;
      this.textOf = node;
    }
    return this.moveText(node, uio);
  }

  /** The piece of the node's text from `textCursor` on. */
  private piece(node: ProcNode): i32 {
    this.text.clear();
    this.process.cursor = this.textCursor;
    const error = this.generate(node, this.text);
    const kind = node.entry.kind;
    if (kind === PK_FILE) this.textCursor = node.entry.file!.next;
    else this.textCursor = kind >= PK_PROCESS ? this.process.cursor : toLong(-1);
    return error;
  }

  private extra(file: ProcFile, out: TextBuilder): i32 {
    file.cursor = this.textCursor;
    file.next = -1;
    return file.generate(out);
  }

  private moveText(node: ProcNode, uio: Uio): i32 {
    let error: i32 = 0;
    while (uio.resid > 0 && error === 0) {
      const text = this.text;
      const end: long = this.textBase + text.length;
      if (uio.offset < end) {
        const at = i32(uio.offset - this.textBase);
        error = uio.move(text.bytes, at, i32(longMin(uio.resid, (text.length - at) | 0)));
      } else if (this.textCursor >= 0) {
        this.textBase = end;
        error = this.piece(node);
        if (error !== 0) this.textOf = null;
      } else break;
    }
    return error;
  }

  override write(m: VopMsg): i32 {
    const node = m.vp! as ProcNode;
    if (node.isDir) return -Errno.ISDIR;
    if (!this.isAlive(node)) return -Errno.SRCH;
    const uio = m.uio!;
    if (uio.resid > WRITE_MAX) return -Errno.INVAL;
    const n = i32(uio.resid);
    const error = uio.move(this.input, 0, n);
    if (error !== 0) return error;
    const e = node.entry;
    if (e.kind === PK_FILE) return e.file!.write(this.input, 0, n);
    if (e.kind >= PK_PROCESS) return this.process.write(e.kind, node.pid, node.tid, this.input, 0, n);
    return this.system.write(e.kind, this.input, 0, n);
  }

  /** O_TRUNC has nothing to do; nothing else can be changed. */
  override setattr(m: VopMsg): i32 {
    return m.attrs === ATTR_SIZE ? 0 : -Errno.PERM;
  }

  override statfs(m: VopMsg): i32 {
    const st = m.statfs!;
    st.type = PROC_MAGIC;
    st.bsize = 4096;
    st.blocks = 0;
    st.bfree = 0;
    st.bavail = 0;
    st.files = 0;
    st.ffree = 0;
    st.dev = this.home!.dev;
    st.namelen = 255;
    return 0;
  }
}

function whichHandle(kind: i32): i32 {
  if (kind === PK_EXE) return PROC_EXE;
  return kind === PK_CWD ? PROC_CWD : PROC_ROOT;
}

function inoOf(e: ProcEntry, pid: i32, tid: i32, fd: i32): long {
  if (pid === 0) return e.serial;
  const who = tid !== 0 ? tid : pid;
  const half: i32 = tid !== 0 ? 2048 : 0;
  const within: i32 = fd >= 0 ? (FD_INO + fd * 2 + (e.kind === PK_FD ? 0 : 1)) | 0 : (half + e.serial) | 0;
  return PROCESS_INO + toLong(who) * 4194304 + within;
}

/** A name that is a decimal number without leading zeros, or -1. */
function numberOf(buf: Uint8Array, off: i32, len: i32): i32 {
  if (len === 0 || len > 9 || (len > 1 && buf[off] === 48)) return -1;
  let v: i32 = 0;
  for (let i = 0; i < len; i++) {
    const d: i32 = (i32(buf[off + i]) - 48) | 0;
    if (d < 0 || d > 9) return -1;
    v = (v * 10 + d) | 0;
  }
  return v;
}
