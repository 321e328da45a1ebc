/**
 * memfd_create(2): a file without a name, and seals on what may be done with it.
 *
 * Key types `MemFile` (an open file), `MemSeals` (what all opens of it share). Neighbours: vfs-msg's root file system (which holds the file as an O_TMPFILE), `vnode-file.ts`.
 * Invariant: the file has no link, so the last close frees it; a seal is never taken off.
 * Source: memfd_create(2), fcntl(2) (file sealing).
 */
import { Errno, copyBytes, type i32, type long } from "@anax/portable";
import type { Uio } from "@anax/vm";
import {
  FALLOC_KEEP_SIZE,
  FALLOC_PUNCH_HOLE,
  FALLOC_ZERO_RANGE,
  VnodeSpecial,
  type Cred,
  type Vfs,
  type Vnode,
} from "@anax/vfs-msg";
import { O_CLOEXEC, O_LARGEFILE, O_RDWR, O_TMPFILE } from "./fcntl";
import { fdLimit, heapOk } from "./file-util";
import type { Lwp } from "./lwp";
import { VnodeFile } from "./vnode-file";

const MFD_CLOEXEC: i32 = 1;
const MFD_ALLOW_SEALING: i32 = 2;
/** Most bytes of the name, its NUL included. */
const NAME_SIZE: i32 = 250;

const F_SEAL_SEAL: i32 = 1;
const F_SEAL_SHRINK: i32 = 2;
const F_SEAL_GROW: i32 = 4;
const F_SEAL_WRITE: i32 = 8;
const F_SEAL_FUTURE_WRITE: i32 = 16;
const SEALS: i32 = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE;
const PROT_WRITE: i32 = 2;

/** The seals of a file, whoever has it open. Hang on its vnode for good. */
export class MemSeals extends VnodeSpecial {
  bits: i32 = 0;

  constructor(readonly name: Uint8Array) {
    super();
  }
}

/** An open file that may have seals. */
export class MemFile extends VnodeFile {
  private readonly seals: MemSeals;

  constructor(vfs: Vfs, vp: Vnode, flags: i32, cred: Cred, seals: MemSeals) {
    super(vfs, vp, flags, cred);
    this.seals = seals;
  }

  /** Whether a shared mapping could write to it. */
  private get isMappedWritable(): boolean {
    const object = this.vp.object;
    if (object === null) return false;
    let e = object.firstMapping;
    while (e !== null) {
      if (e.isShared && (e.maxProt & PROT_WRITE) !== 0) return true;
      e = e.nextMapping;
    }
    return false;
  }

  private get isWriteSealed(): boolean {
    return (this.seals.bits & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) !== 0;
  }

  override addSeals(seals: i32): i32 {
    if ((seals & ~SEALS) !== 0) return -Errno.INVAL;
    if (!this.isWritable || (this.seals.bits & F_SEAL_SEAL) !== 0) return -Errno.PERM;
    if ((seals & ~this.seals.bits & F_SEAL_WRITE) !== 0 && this.isMappedWritable) return -Errno.BUSY;
    this.seals.bits |= seals;
    return 0;
  }

  override getSeals(): i32 {
    return this.seals.bits;
  }

  private mayWrite(uio: Uio, at: long): boolean {
    if (this.isWriteSealed) return false;
    return (this.seals.bits & F_SEAL_GROW) === 0 || at + uio.resid <= this.vp.size;
  }

  override write(uio: Uio, lwp: Lwp): i32 {
    return this.mayWrite(uio, this.offset) ? super.write(uio, lwp) : -Errno.PERM;
  }

  override pwrite(uio: Uio, lwp: Lwp): i32 {
    return this.mayWrite(uio, uio.offset) ? super.pwrite(uio, lwp) : -Errno.PERM;
  }

  override truncate(length: long, lwp: Lwp): i32 {
    if (length < this.vp.size && (this.seals.bits & F_SEAL_SHRINK) !== 0) return -Errno.PERM;
    if (length > this.vp.size && (this.seals.bits & F_SEAL_GROW) !== 0) return -Errno.PERM;
    return super.truncate(length, lwp);
  }

  override allocateCheck(mode: i32, end: long): i32 {
    const cuts = (mode & (FALLOC_PUNCH_HOLE | FALLOC_ZERO_RANGE)) !== 0;
    if (cuts && this.isWriteSealed) return -Errno.PERM;
    const grows = (mode & FALLOC_KEEP_SIZE) === 0 && end > this.vp.size;
    return grows && (this.seals.bits & F_SEAL_GROW) !== 0 ? -Errno.PERM : 0;
  }

  override mmapCheck(prot: i32, shared: boolean): i32 {
    if (shared && (prot & PROT_WRITE) !== 0 && this.isWriteSealed) return -Errno.PERM;
    return super.mmapCheck(prot, shared);
  }

  override mmapMaxProt(shared: boolean): i32 {
    const prot = super.mmapMaxProt(shared);
    return shared && this.isWriteSealed ? prot & ~PROT_WRITE : prot;
  }
}

/** memfd_create(2). */
export function kernMemfdCreate(lwp: Lwp, uname: long, flags: i32): i32 {
  if ((flags & ~(MFD_CLOEXEC | MFD_ALLOW_SEALING)) !== 0) return -Errno.INVAL;
  const fc = lwp.kernel.fc;
  const n = lwp.proc.space!.copyinstr(uname, fc.scratch, 0, NAME_SIZE);
  if (n < 0) return n === -Errno.NAMETOOLONG ? -Errno.INVAL : n;
  if (!heapOk(lwp)) return -Errno.NOMEM;
  const files = lwp.proc.files!;
  const fd = files.lowestFree(0, fdLimit(lwp));
  if (fd < 0) return fd;
  const vfs = fc.vfs;
  const nd = fc.nd;
  nd.init(vfs.root, vfs.root, fc.rootCred, 0);
  nd.setString("/");
  const r = vfs.open(nd, O_TMPFILE | O_RDWR, 0o777);
  if (r < 0) return r;
  const vp = nd.vnode!;
  const name = new Uint8Array(n);
  copyBytes(name, 0, fc.scratch, 0, n);
  const seals = new MemSeals(name);
  if ((flags & MFD_ALLOW_SEALING) === 0) seals.bits = F_SEAL_SEAL;
  vp.special = seals;
  const file = new MemFile(vfs, vp, O_RDWR | O_LARGEFILE, lwp.proc.cred, seals);
  files.put(fd, file, (flags & (MFD_CLOEXEC | O_CLOEXEC)) !== 0);
  return fd;
}
