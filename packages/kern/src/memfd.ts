/**
 * memfd_create(2): a file without a name, and seals on what may be done with it.
 *
 * Key type `MemFile`. Neighbours: vfs-msg's root file system (which holds the file as an O_TMPFILE), `vnode-file.ts`.
 * Invariant: the file has no link, so the last close frees it; a seal is never taken off.
 * Source: memfd_create(2), fcntl(2) (file sealing).
 */
import { Errno, type i32, type long } from "@anax/portable";
import type { Uio } from "@anax/vm";
import type { Cred, Vfs, Vnode } from "@anax/vfs-msg";
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

export class MemFile extends VnodeFile {
  private seals: i32;
  /** It was mapped shared and writable: F_SEAL_WRITE comes too late. */
  private mappedWritable: boolean = false;

  constructor(vfs: Vfs, vp: Vnode, flags: i32, cred: Cred, sealing: boolean) {
    super(vfs, vp, flags, cred);
    this.seals = sealing ? 0 : F_SEAL_SEAL;
  }

  override addSeals(seals: i32): i32 {
    if ((seals & ~SEALS) !== 0) return -Errno.INVAL;
    if (!this.isWritable || (this.seals & F_SEAL_SEAL) !== 0) return -Errno.PERM;
    if ((seals & F_SEAL_WRITE) !== 0 && this.mappedWritable) return -Errno.BUSY;
    this.seals |= seals;
    return 0;
  }

  override getSeals(): i32 {
    return this.seals;
  }

  private mayWrite(uio: Uio, at: long): boolean {
    if ((this.seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) !== 0) return false;
    return (this.seals & F_SEAL_GROW) === 0 || at + uio.resid <= this.vp.size;
  }

  override write(uio: Uio, lwp: Lwp): i32 {
    return this.mayWrite(uio, this.offset) ? super.write(uio, lwp) : -Errno.PERM;
  }

  override pwrite(uio: Uio, lwp: Lwp): i32 {
    return this.mayWrite(uio, uio.offset) ? super.pwrite(uio, lwp) : -Errno.PERM;
  }

  override truncate(length: long, lwp: Lwp): i32 {
    if (length < this.vp.size && (this.seals & F_SEAL_SHRINK) !== 0) return -Errno.PERM;
    if (length > this.vp.size && (this.seals & F_SEAL_GROW) !== 0) return -Errno.PERM;
    return super.truncate(length, lwp);
  }

  override mmapCheck(prot: i32, shared: boolean): i32 {
    const writes = shared && (prot & PROT_WRITE) !== 0;
    if (writes && (this.seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) !== 0) return -Errno.PERM;
    const r = super.mmapCheck(prot, shared);
    if (r === 0 && writes) this.mappedWritable = true;
    return r;
  }

  override mmapMaxProt(shared: boolean): i32 {
    const prot = super.mmapMaxProt(shared);
    const sealed = (this.seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) !== 0;
    return shared && sealed ? prot & ~PROT_WRITE : prot;
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
  const file = new MemFile(vfs, nd.vnode!, O_RDWR | O_LARGEFILE, lwp.proc.cred, (flags & MFD_ALLOW_SEALING) !== 0);
  files.put(fd, file, (flags & (MFD_CLOEXEC | O_CLOEXEC)) !== 0);
  return fd;
}
