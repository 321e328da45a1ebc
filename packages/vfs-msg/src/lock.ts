/**
 * Advisory locks: POSIX record locks (fcntl), locks of an open file description (F_OFD_*), and whole-file locks (flock).
 *
 * Key types `LockList` (of one vnode, made at the first lock), `LockOwner` (a process or an open file), `FileLock` (a
 * request and the answer of F_GETLK). Neighbours: `vop.ts` (VOP_ADVLOCK), kern's fcntl and close.
 * Invariants: locks of one owner never overlap, and those of the same type never touch; two owners overlap only with
 * read locks; lock kinds do not see each other.
 * Source: fcntl(2), flock(2); DragonFly sys/kern/kern_lockf.c.
 */
import { EASYNC, Errno, type i32, type long } from "@anax/portable";
import { WaitQueue, type Waiter } from "@anax/lwkt";
import { F_RDLCK, F_UNLCK, F_WRLCK } from "./flags";

/** The position that means "to the end, however far". */
export const LOCK_EOF: long = 9007199254740991;

/** Lock spaces: POSIX and OFD locks see each other, flock locks only each other. */
export const LOCK_POSIX: i32 = 0;
export const LOCK_FLOCK: i32 = 1;

/** `Vfs#advlock` commands, as fcntl(2) numbers them. */
export const LOCK_GET: i32 = 5;
export const LOCK_SET: i32 = 6;
export const LOCK_SETWAIT: i32 = 7;

/** Owners a search for deadlocks passes before it gives up. */
const DEADLOCK_DEPTH: i32 = 64;

/** Who holds locks: a process's descriptor table for POSIX locks, an open file description for the others. */
export class LockOwner {
  /** Shown by F_GETLK; -1 for an open file description. */
  pid: i32 = 0;
  /** Whose lock it waits for, while `waiter` is waiting. */
  waitsFor: LockOwner | null = null;
  waiter: Waiter | null = null;
}

/** A request, and the answer of F_GETLK. Absolute positions; `end` is inclusive, -1 means to infinity. */
export class FileLock {
  /** F_RDLCK, F_WRLCK, F_UNLCK. */
  type: i32 = 0;
  start: long = 0;
  end: long = -1;
  pid: i32 = 0;
}

/** A lock that is held. Owned by its list. */
class HeldLock {
  next: HeldLock | null = null;

  constructor(
    readonly owner: LockOwner,
    readonly kind: i32,
    readonly type: i32,
    public start: long,
    public end: long,
  ) {}
}

/** The locks of one file, and who waits for them. */
export class LockList {
  private head: HeldLock | null = null;
  private readonly waiters: WaitQueue = new WaitQueue();

  get isEmpty(): boolean {
    return this.head === null && this.waiters.isEmpty;
  }

  /** LOCK_GET, LOCK_SET, LOCK_SETWAIT. 0, -INVAL, -AGAIN, -DEADLK or EASYNC. */
  control(owner: LockOwner, cmd: i32, kind: i32, lock: FileLock, waiter: Waiter | null): i32 {
    owner.waitsFor = null;
    owner.waiter = null;
    const end: long = lock.end < 0 || lock.end > LOCK_EOF ? LOCK_EOF : lock.end;
    if (lock.start < 0 || lock.start > end) return -Errno.INVAL;
    if (lock.type !== F_RDLCK && lock.type !== F_WRLCK && lock.type !== F_UNLCK) return -Errno.INVAL;
    if (cmd === LOCK_GET) {
      const other = this.conflict(owner, kind, lock.type, lock.start, end);
      if (other === null) {
        lock.type = F_UNLCK;
        return 0;
      }
      lock.type = other.type;
      lock.start = other.start;
      lock.end = other.end;
      if (other.end === LOCK_EOF) lock.end = -1;
      lock.pid = other.owner.pid;
      return 0;
    }
    if (lock.type !== F_UNLCK) {
      const other = this.conflict(owner, kind, lock.type, lock.start, end);
      if (other !== null) {
        // flock: a conversion lets go of the old lock first.
        if (kind === LOCK_FLOCK) this.release(owner, kind);
        if (cmd !== LOCK_SETWAIT || waiter === null) return -Errno.AGAIN;
        if (kind === LOCK_POSIX && closesCircle(owner, other.owner)) return -Errno.DEADLK;
        owner.waitsFor = other.owner;
        owner.waiter = waiter;
        this.waiters.add(waiter);
        return EASYNC;
      }
    }
    this.change(owner, kind, lock.type, lock.start, end);
    this.waiters.wakeup();
    return 0;
  }

  /** The owner lets go of all its locks of one kind. */
  release(owner: LockOwner, kind: i32): void {
    let any = false;
    let prev: HeldLock | null = null;
    let l = this.head;
    while (l !== null) {
      const next: HeldLock | null = l.next;
      if (l.owner === owner && l.kind === kind) {
        this.unlink(prev, l);
        any = true;
      } else prev = l;
      l = next;
    }
    if (any) this.waiters.wakeup();
  }

  private conflict(owner: LockOwner, kind: i32, type: i32, start: long, end: long): HeldLock | null {
    let l = this.head;
    while (l !== null) {
      if (l.owner !== owner && l.kind === kind && l.start <= end && l.end >= start) {
        if (type === F_WRLCK || l.type === F_WRLCK) return l;
      }
      l = l.next;
    }
    return null;
  }

  /** Gives the range of `owner` a new type. */
  private change(owner: LockOwner, kind: i32, type: i32, start: long, end: long): void {
    let from = start;
    let to = end;
    let prev: HeldLock | null = null;
    let l = this.head;
    if (type !== F_UNLCK) {
      // Join with locks of the same type that overlap or touch.
      while (l !== null) {
        const next: HeldLock | null = l.next;
        if (l.owner === owner && l.kind === kind && l.type === type && l.start <= to + 1 && l.end + 1 >= from) {
          if (l.start < from) from = l.start;
          if (l.end > to) to = l.end;
          this.unlink(prev, l);
        } else prev = l;
        l = next;
      }
    }
    prev = null;
    l = this.head;
    while (l !== null) {
      const next: HeldLock | null = l.next;
      if (l.owner === owner && l.kind === kind && l.start <= to && l.end >= from) {
        if (l.start < from && l.end > to) {
          const right = new HeldLock(owner, kind, l.type, to + 1, l.end);
          right.next = l.next;
          l.next = right;
          l.end = from - 1;
          break;
        }
        if (l.start < from) {
          l.end = from - 1;
          prev = l;
        } else if (l.end > to) {
          l.start = to + 1;
          prev = l;
        } else this.unlink(prev, l);
      } else prev = l;
      l = next;
    }
    if (type === F_UNLCK) return;
    this.insert(new HeldLock(owner, kind, type, from, to));
  }

  /** In order of start, so that F_GETLK finds the first lock of a range first. */
  private insert(fresh: HeldLock): void {
    let prev: HeldLock | null = null;
    let l = this.head;
    while (l !== null && l.start < fresh.start) {
      prev = l;
      l = l.next;
    }
    fresh.next = l;
    if (prev === null) this.head = fresh;
    else prev.next = fresh;
  }

  private unlink(prev: HeldLock | null, l: HeldLock): void {
    if (prev === null) this.head = l.next;
    else prev.next = l.next;
  }
}

/** Whether `owner` waiting for `other` would close a circle of waiters. */
function closesCircle(owner: LockOwner, other: LockOwner): boolean {
  let at: LockOwner = other;
  for (let i = 0; i < DEADLOCK_DEPTH; i++) {
    const waiter = at.waiter;
    const next = at.waitsFor;
    if (waiter === null || next === null || !waiter.isWaiting) return false;
    if (next === owner) return true;
    at = next;
  }
  return false;
}
