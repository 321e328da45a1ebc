/**
 * What the three kinds of System V IPC have in common: keys, ids, owners and permissions.
 *
 * Key types `IpcObject` (a segment, set or queue), `IpcTable` (all of one kind), `SysvIpc` (the three tables). Neighbours: `sysv-shm.ts`,
 * `sysv-sem.ts`, `sysv-msg.ts`. Invariant: an id names one object for ever: its low part is the place in the table, its high part
 * counts how often the table gave ids out.
 * Source: sysvipc(7), shmget(2), semget(2), msgget(2); DragonFly sys/kern/sysv_ipc.c.
 */
import { Errno, type i32, type long, type u32 } from "@anax/portable";
import type { Cred } from "@anax/vfs-msg";
import type { Lwp } from "./lwp";

export const IPC_PRIVATE: i32 = 0;
export const IPC_CREAT: i32 = 0o1000;
export const IPC_EXCL: i32 = 0o2000;
export const IPC_NOWAIT: i32 = 0o4000;
/** Access that `mayIpc` is asked for: as the permission bits of the owner. */
export const IPC_R: i32 = 0o400;
export const IPC_W: i32 = 0o200;

/** Places in a table, a power of two; Linux IPCMNI. */
const PLACES: i32 = 32768;
const SEQ_MAX: i32 = 0xffff;

/**
 * | field | meaning |
 * |---|---|
 * | key | IPC_PRIVATE when nobody finds it by key |
 * | mode | permission bits, and what the kind adds |
 * | id | -1 once it was removed |
 */
export abstract class IpcObject {
  key: i32 = 0;
  id: i32 = -1;
  uid: u32 = 0;
  gid: u32 = 0;
  cuid: u32 = 0;
  cgid: u32 = 0;
  mode: i32 = 0;
  /** Seconds of real time of the last change. */
  ctime: long = 0;

  get isRemoved(): boolean {
    return this.id < 0;
  }

  get seq(): i32 {
    return (this.id / PLACES) | 0;
  }

  own(lwp: Lwp, key: i32, mode: i32): void {
    const cred = lwp.proc.cred;
    this.key = key;
    this.mode = mode & 0o777;
    this.uid = cred.euid;
    this.gid = cred.egid;
    this.cuid = cred.euid;
    this.cgid = cred.egid;
    this.ctime = nowSeconds(lwp);
  }
}

export function nowSeconds(lwp: Lwp): long {
  const clock = lwp.kernel.clock;
  clock.update();
  return clock.sec;
}

function hasGroup(cred: Cred, gid: u32): boolean {
  if (cred.egid === gid) return true;
  const g = cred.groups;
  for (let i = 0; i < g.length; i++) if (g[i] === gid) return true;
  return false;
}

/** Whether the caller may do what `want` says, bits of the owner's, group's or others' place. 0 or -ACCES. */
export function mayIpc(lwp: Lwp, o: IpcObject, want: i32): i32 {
  const cred = lwp.proc.cred;
  if (cred.euid === 0) return 0;
  const asked = (want >> 6) | (want >> 3) | want;
  let granted = o.mode;
  if (cred.euid === o.cuid || cred.euid === o.uid) granted >>= 6;
  else if (hasGroup(cred, o.cgid) || hasGroup(cred, o.gid)) granted >>= 3;
  return (asked & ~granted & 7) !== 0 ? -Errno.ACCES : 0;
}

/** Whether the caller may change or remove it. 0 or -PERM. */
export function mayChangeIpc(lwp: Lwp, o: IpcObject): i32 {
  const euid = lwp.proc.cred.euid;
  return euid === 0 || euid === o.uid || euid === o.cuid ? 0 : -Errno.PERM;
}

/**
 * How much of the kernel heap, which does not shrink, objects of System V IPC may take: they outlive who made them.
 * Whoever takes bytes gives them back.
 */
export class IpcBudget {
  private used: long = 0;

  constructor(readonly limit: long) {}

  take(bytes: long): boolean {
    if (this.used + bytes > this.limit) return false;
    this.used = this.used + bytes;
    return true;
  }

  give(bytes: long): void {
    this.used = this.used - bytes;
  }
}

/** All objects of one kind. */
export class IpcTable {
  private readonly items: Array<IpcObject | null> = [];
  private sequence: i32 = 0;
  /** No place below it is free. */
  private firstFree: i32 = 0;
  count: i32 = 0;

  /** `limit`: most objects there may be. */
  constructor(readonly limit: i32) {}

  /** Places in use or once in use. */
  get length(): i32 {
    return this.items.length;
  }

  at(place: i32): IpcObject | null {
    return place >= 0 && place < this.items.length ? this.items[place] : null;
  }

  /** The highest place in use, 0 for none. */
  get highest(): i32 {
    for (let i = (this.items.length - 1) | 0; i > 0; i--) if (this.items[i] !== null) return i;
    return 0;
  }

  get(id: i32): IpcObject | null {
    const o = this.at(id & (PLACES - 1));
    return o !== null && o.id === id ? o : null;
  }

  byKey(key: i32): IpcObject | null {
    for (let i = 0; i < this.items.length; i++) {
      const o = this.items[i];
      if (o !== null && o.key === key) return o;
    }
    return null;
  }

  get isFull(): boolean {
    return this.count >= this.limit;
  }

  /** Gives `o` an id. The table must not be full. */
  add(o: IpcObject): i32 {
    let place = this.firstFree;
    while (place < this.items.length && this.items[place] !== null) place++;
    if (place === this.items.length) this.items.push(o);
    else this.items[place] = o;
    o.id = (((this.sequence * PLACES) | 0) + place) | 0;
    this.firstFree = (place + 1) | 0;
    this.sequence = this.sequence === SEQ_MAX - 1 ? 0 : (this.sequence + 1) | 0;
    this.count++;
    return o.id;
  }

  remove(o: IpcObject): void {
    if (o.isRemoved) return;
    const place = o.id & (PLACES - 1);
    this.items[place] = null;
    if (place < this.firstFree) this.firstFree = place;
    o.id = -1;
    this.count--;
  }

  /**
   * What the three get calls share: the object of `key`, null when one is to be made, or none with the errno in `error`: -EXIST,
   * -NOENT, -ACCES.
   */
  error: i32 = 0;

  find(lwp: Lwp, key: i32, flags: i32): IpcObject | null {
    this.error = 0;
    const o: IpcObject | null = key === IPC_PRIVATE ? null : this.byKey(key);
    if (o === null) {
      if (key !== IPC_PRIVATE && (flags & IPC_CREAT) === 0) this.error = -Errno.NOENT;
      return null;
    }
    if ((flags & (IPC_CREAT | IPC_EXCL)) === (IPC_CREAT | IPC_EXCL)) this.error = -Errno.EXIST;
    else this.error = mayIpc(lwp, o, flags & 0o777);
    if (this.error !== 0) return null;
    return o;
  }

  /** The object of an id, for `want` (0: no access is needed), or none with the errno in `error`: -INVAL, -ACCES. */
  use(lwp: Lwp, id: i32, want: i32): IpcObject | null {
    const o: IpcObject | null = id < 0 ? null : this.get(id);
    this.error = o === null ? -Errno.INVAL : mayIpc(lwp, o, want);
    if (this.error !== 0) return null;
    return o;
  }

  /** The object at a place, or at that of an id (SHM_STAT and its kin; `want` 0 for the _ANY forms), or none with the errno in `error`. */
  usePlace(lwp: Lwp, place: i32, want: i32): IpcObject | null {
    const o = this.at(place & (PLACES - 1));
    this.error = o === null ? -Errno.INVAL : mayIpc(lwp, o, want);
    if (this.error !== 0) return null;
    return o;
  }
}

/** IPC_SET of owner and permissions. 0, -PERM. */
export function changeIpc(lwp: Lwp, o: IpcObject, uid: u32, gid: u32, mode: i32): i32 {
  const e = mayChangeIpc(lwp, o);
  if (e !== 0) return e;
  o.uid = uid;
  o.gid = gid;
  o.mode = (o.mode & ~0o777) | (mode & 0o777);
  o.ctime = nowSeconds(lwp);
  return 0;
}
