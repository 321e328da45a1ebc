/**
 * Descriptor tables: small integers to open file descriptions.
 *
 * Key type `FileTable`, owned by a process and shared by those cloned with CLONE_FILES (`refs`). Neighbours `file.ts`,
 * `fork.ts` (`copy`), `exec.ts` (`closeOnExec`), `fileops.ts`.
 * Invariant: a slot holds one reference to its file; `freeHint` is at most the lowest free descriptor.
 * Source: POSIX 2.14 (lowest free descriptor), close_range(2).
 */
import { Errno, type i32 } from "@anax/portable";
import { LockOwner } from "@anax/vfs-msg";
import type { File } from "./file";

const CLOEXEC: i32 = 1;

/** The table. It is also the holder of the record locks (fcntl) of its processes. */
export class FileTable extends LockOwner {
  /** Processes that share it. */
  refs: i32 = 1;
  private files: Array<File | null> = [];
  private fdFlags: Uint8Array = new Uint8Array(16);
  private freeHint: i32 = 0;
  /** Open descriptors. */
  count: i32 = 0;

  /** One past the highest descriptor that was ever open. */
  get length(): i32 {
    return this.files.length;
  }

  /** The file of `fd`, or null when the descriptor is not open. Takes no reference. */
  get(fd: i32): File | null {
    if (fd < 0 || fd >= this.files.length) return null;
    return this.files[fd];
  }

  /** The lowest free descriptor at or above `from`; -MFILE at `limit` (RLIMIT_NOFILE). */
  lowestFree(from: i32, limit: i32): i32 {
    let fd: i32 = from > this.freeHint ? from : this.freeHint;
    while (fd < this.files.length && this.files[fd] !== null) fd++;
    if (from <= this.freeHint) this.freeHint = fd;
    return fd >= limit ? -Errno.MFILE : fd;
  }

  /** Puts the caller's reference into the lowest free slot: its descriptor, or -MFILE (the reference stays the caller's). */
  install(file: File, cloexec: boolean, limit: i32): i32 {
    const fd = this.lowestFree(0, limit);
    if (fd >= 0) this.put(fd, file, cloexec);
    return fd;
  }

  /** Puts the caller's reference into a free slot. */
  put(fd: i32, file: File, cloexec: boolean): void {
    while (this.files.length <= fd) this.files.push(null);
    if (fd >= this.fdFlags.length) {
      let size: i32 = this.fdFlags.length;
      while (size <= fd) size = (size * 2) | 0;
      const grown = new Uint8Array(size);
      grown.set(this.fdFlags);
      this.fdFlags = grown;
    }
    this.files[fd] = file;
    this.fdFlags[fd] = cloexec ? CLOEXEC : 0;
    this.count++;
    if (fd === this.freeHint) this.freeHint = (fd + 1) | 0;
  }

  isCloexec(fd: i32): boolean {
    return (this.fdFlags[fd] & CLOEXEC) !== 0;
  }

  setCloexec(fd: i32, on: boolean): void {
    this.fdFlags[fd] = on ? CLOEXEC : 0;
  }

  /** Empties a slot and hands its reference to the caller; null when it was not open. */
  take(fd: i32): File | null {
    const file = this.get(fd);
    if (file === null) return null;
    this.files[fd] = null;
    this.fdFlags[fd] = 0;
    this.count--;
    if (fd < this.freeHint) this.freeHint = fd;
    return file;
  }

  /** close(2): 0 or -BADF. */
  close(fd: i32): i32 {
    const file = this.take(fd);
    if (file === null) return -Errno.BADF;
    file.descriptorClosed(this);
    file.unref();
    return 0;
  }

  /** A copy with references of its own, for fork. */
  copy(): FileTable {
    const t = new FileTable();
    for (let fd = 0; fd < this.files.length; fd++) {
      const file = this.files[fd];
      if (file === null) continue;
      file.ref();
      t.put(fd, file, this.isCloexec(fd));
    }
    return t;
  }

  /** Closes everything that is close-on-exec. */
  closeOnExec(): void {
    for (let fd = 0; fd < this.files.length; fd++) {
      if ((this.fdFlags[fd] & CLOEXEC) === 0) continue;
      this.close(fd);
    }
  }

  /** A process lets go of the table; the last one closes all. */
  release(): void {
    this.refs--;
    if (this.refs > 0) return;
    for (let fd = 0; fd < this.files.length; fd++) {
      this.close(fd);
    }
  }
}
