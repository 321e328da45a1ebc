/**
 * System V shared memory: segments that processes attach to.
 *
 * Key type `ShmSegment`, a VM object with a name. Neighbours: `sysv-ipc.ts`, vm's `object.ts` (who maps it), `mapped-file.ts` (the same
 * mechanism for files). Invariant: a segment that was removed lives until its last mapping goes.
 * Source: shmget(2), shmat(2), shmctl(2); DragonFly sys/kern/sysv_shm.c.
 */
import { Errno, i32, longAnd, longShr, u32, type long } from "@anax/portable";
import { PAGE_SIZE } from "@anax/machine";
import {
  MAP_FIXED,
  MAP_FIXED_NOREPLACE,
  MAP_SHARED,
  MappedName,
  PROT_EXEC,
  PROT_READ,
  PROT_WRITE,
  type VmObject,
} from "@anax/vm";
import { heapOk } from "./file-util";
import type { Kernel } from "./kernel";
import type { Lwp } from "./lwp";
import { IPC_PRIVATE, IPC_R, IPC_W, IpcObject, IpcTable, mayChangeIpc, nowSeconds } from "./sysv-ipc";

export const SHMMNI: i32 = 4096;
const SHM_RDONLY: i32 = 0o10000;
const SHM_RND: i32 = 0o20000;
const SHM_REMAP: i32 = 0o40000;
const SHM_EXEC: i32 = 0o100000;
const SHM_HUGETLB: i32 = 0o4000;
/** In the mode: it goes with its last mapping; it is not swapped. */
export const SHM_DEST: i32 = 0o1000;
export const SHM_LOCKED: i32 = 0o2000;
/** Most bytes: what a 32-bit page index can hold. */
const SIZE_MAX: long = 0x7fffffff000;

/** A segment. Holds one reference of its object until it is removed. */
export class ShmSegment extends IpcObject {
  atime: long = 0;
  dtime: long = 0;
  creator: i32 = 0;
  lastPid: i32 = 0;

  constructor(
    readonly object: VmObject,
    readonly size: long,
  ) {
    super();
  }

  /** Mappings of it. */
  get attached(): i32 {
    return this.object.mappings;
  }

  /** Bytes of it in memory. */
  get resident(): long {
    const n: long = this.object.resident;
    return n * PAGE_SIZE;
  }
}

/** Hears that the last mapping went. */
export class ShmName extends MappedName {
  constructor(
    private readonly kernel: Kernel,
    readonly segment: ShmSegment,
  ) {
    super();
  }

  unmapped(): void {
    const s = this.segment;
    const l = this.kernel.current;
    if (l !== null) detachedBy(l, s);
    if ((s.mode & SHM_DEST) !== 0) destroy(this.kernel.shm, s);
  }
}

function detachedBy(l: Lwp, s: ShmSegment): void {
  s.dtime = nowSeconds(l);
  s.lastPid = l.proc.pid;
}

function destroy(table: IpcTable, s: ShmSegment): void {
  if (s.isRemoved) return;
  table.remove(s);
  s.object.unref();
}

/** shmget(2): an id, -INVAL (size), -NOENT, -EXIST, -ACCES, -NOSPC, -NOMEM. */
export function kernShmget(lwp: Lwp, key: i32, size: long, flags: i32): i32 {
  const k = lwp.kernel;
  const found = k.shm.find(lwp, key, flags);
  if (k.shm.error !== 0) return k.shm.error;
  if (found !== null) return size > (found as ShmSegment).size ? -Errno.INVAL : found.id;
  if (size < 1 || size > SIZE_MAX) return -Errno.INVAL;
  // There are no huge pages to be had.
  if ((flags & SHM_HUGETLB) !== 0) return -Errno.NOMEM;
  if (k.shm.isFull) return -Errno.NOSPC;
  if (!heapOk(lwp)) return -Errno.NOMEM;
  const object = k.vm.newObject(null, u32(longShr(size + (PAGE_SIZE - 1), 12)));
  if (object === null) return -Errno.NOMEM;
  const s = new ShmSegment(object, size);
  s.own(lwp, key, flags);
  s.creator = lwp.proc.pid;
  return k.shm.add(s);
}

/** shmat(2): the address, -INVAL, -ACCES, -IDRM, -NOMEM, -EXIST is -INVAL. */
export function kernShmat(lwp: Lwp, id: i32, addr: long, flags: i32): long {
  let at: long = addr;
  let how: i32 = MAP_SHARED;
  const offset: long = longAnd(at, PAGE_SIZE - 1);
  if (at !== 0) {
    if (offset !== 0) {
      if ((flags & SHM_RND) === 0) return -Errno.INVAL;
      at = at - offset;
      if (at === 0 && (flags & SHM_REMAP) !== 0) return -Errno.INVAL;
    }
    how |= (flags & SHM_REMAP) !== 0 ? MAP_FIXED : MAP_FIXED_NOREPLACE;
  } else if ((flags & SHM_REMAP) !== 0) return -Errno.INVAL;
  let prot: i32 = PROT_READ;
  let want: i32 = IPC_R;
  if ((flags & SHM_RDONLY) === 0) {
    prot |= PROT_WRITE;
    want |= IPC_W;
  }
  if ((flags & SHM_EXEC) !== 0) {
    prot |= PROT_EXEC;
    want |= 0o100;
  }
  const k = lwp.kernel;
  const o = k.shm.use(lwp, id, want);
  if (o === null) return k.shm.error;
  if (!heapOk(lwp)) return -Errno.NOMEM;
  const s = o as ShmSegment;
  const maxProt = (flags & SHM_RDONLY) !== 0 ? PROT_READ | PROT_EXEC : PROT_READ | PROT_WRITE | PROT_EXEC;
  const r: long = lwp.proc.vm.map(at, s.size, prot, how, s.object, 0, maxProt);
  if (r < 0) return r === -Errno.EXIST ? -Errno.INVAL : r;
  if (s.object.name === null) s.object.name = new ShmName(k, s);
  s.atime = nowSeconds(lwp);
  s.lastPid = lwp.proc.pid;
  return r;
}

/** shmdt(2): 0, or -INVAL (nothing is attached at `addr`). */
export function kernShmdt(lwp: Lwp, addr: long): i32 {
  const space = lwp.proc.vm;
  if (longAnd(addr, PAGE_SIZE - 1) !== 0) return -Errno.INVAL;
  const first = space.findEntry(addr);
  if (first === null || first.start !== addr || first.pindex !== 0) return -Errno.INVAL;
  const object = first.object;
  if (object === null) return -Errno.INVAL;
  const name = object.name;
  if (name === null || !(name instanceof ShmName)) return -Errno.INVAL;
  const s = (name as ShmName).segment;
  detachedBy(lwp, s);
  // Parts may have been unmapped, or have rights of their own.
  const end: long = addr + s.size;
  let at: long = addr;
  while (at < end) {
    const e = space.findEntry(at);
    if (e === null || e.object !== object || e.start - e.offset !== addr) {
      at = at + PAGE_SIZE;
      continue;
    }
    const next: long = e.end;
    const r = space.unmap(e.start, next - e.start);
    if (r !== 0) return r;
    at = next;
  }
  return 0;
}

/** shmctl(2) IPC_RMID: 0, -INVAL, -PERM. */
export function kernShmRemove(lwp: Lwp, id: i32): i32 {
  const table = lwp.kernel.shm;
  const o: IpcObject | null = id < 0 ? null : table.get(id);
  if (o === null) return -Errno.INVAL;
  const e = mayChangeIpc(lwp, o);
  if (e !== 0) return e;
  const s = o as ShmSegment;
  if (s.attached === 0) destroy(table, s);
  else {
    s.mode |= SHM_DEST;
    s.key = IPC_PRIVATE;
  }
  return 0;
}

/** shmctl(2) SHM_LOCK, SHM_UNLOCK: there is no swap, so only the flag changes. 0, -INVAL, -PERM. */
export function kernShmLock(lwp: Lwp, id: i32, on: boolean): i32 {
  const o: IpcObject | null = id < 0 ? null : lwp.kernel.shm.get(id);
  if (o === null) return -Errno.INVAL;
  const e = mayChangeIpc(lwp, o);
  if (e !== 0) return e;
  o.mode = on ? o.mode | SHM_LOCKED : o.mode & ~SHM_LOCKED;
  return 0;
}

/** Pages of all segments (`all`), or those of them in memory. */
export function shmPages(table: IpcTable, all: boolean): long {
  let n: long = 0;
  for (let i = 0; i < table.length; i++) {
    const o = table.at(i);
    if (o === null) continue;
    const s = o as ShmSegment;
    n = n + (all ? longShr(s.size + (PAGE_SIZE - 1), 12) : longShr(s.resident, 12));
  }
  return n;
}
