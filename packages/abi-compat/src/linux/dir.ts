/**
 * getdents and getdents64: directory entries in Linux's record formats.
 *
 * Key type `DirentSink`, which encodes what kern's `kernGetdents` hands over. Neighbours: vfs-msg's `DirSink`, `context.ts`.
 * Invariant: a record is a multiple of 8 bytes and holds its NUL; the sink never holds more bytes than the program gave room for.
 * Source: getdents(2).
 */
import { Errno, copyBytes, fillBytes, i32, putLong, putU16, u32, type long } from "@anax/portable";
import { kernGetdents, type Lwp } from "@anax/kern";
import type { DirSink } from "@anax/vfs-msg";
import { arg1, int0, uint2 } from "./args";
import type { LinuxContext } from "./context";
import { Dirent64L, DirentL } from "./layout";

/** Bytes of entries that one call hands out at most; programs ask for 32 KiB. */
const ROOM: i32 = 32768;

/** Encodes directory entries. Owned by the context, reused by every call. */
export class DirentSink implements DirSink {
  readonly buf: Uint8Array = new Uint8Array(ROOM);
  length: i32 = 0;
  private room: i32 = 0;
  private old: boolean = false;
  /** An entry came that did not fit. */
  full: boolean = false;

  /** Empties the sink for `room` bytes; `old` is the format of getdents. */
  begin(room: i32, old: boolean): void {
    this.length = 0;
    this.room = room < ROOM ? room : ROOM;
    this.old = old;
    this.full = false;
  }

  add(name: Uint8Array, off: i32, len: i32, ino: long, dtype: i32, nextCookie: long): boolean {
    const at = this.length;
    const fixed: i32 = this.old ? i32(DirentL.name) : i32(Dirent64L.name);
    // The name, its NUL and (in the old format) the type byte, rounded up to 8.
    const size: i32 = (fixed + len + (this.old ? 2 : 1) + 7) & ~7;
    if (size > ((this.room - at) | 0)) {
      this.full = true;
      return false;
    }
    const b = this.buf;
    fillBytes(b, (at + fixed) | 0, (size - fixed) | 0, 0);
    putLong(b, (at + Dirent64L.ino) | 0, ino);
    putLong(b, (at + Dirent64L.off) | 0, nextCookie);
    putU16(b, (at + Dirent64L.reclen) | 0, u32(size));
    if (this.old) b[at + size - 1] = dtype & 0xff;
    else b[at + Dirent64L.type] = dtype & 0xff;
    copyBytes(b, (at + fixed) | 0, name, off, len);
    this.length = (at + size) | 0;
    return true;
  }
}

export function sysGetdents64(c: LinuxContext, lwp: Lwp): long {
  return getdents(c, lwp, false);
}

export function sysGetdents(c: LinuxContext, lwp: Lwp): long {
  return getdents(c, lwp, true);
}

/** Bytes of entries, 0 at the end, -INVAL when not even one entry fits. */
function getdents(c: LinuxContext, lwp: Lwp, old: boolean): i32 {
  const fd = int0(lwp);
  const room: u32 = uint2(lwp);
  const file = lwp.proc.files!.get(fd);
  if (file === null) return -Errno.BADF;
  const before: long = file.offset;
  const sink = c.dirents;
  sink.begin(room > u32(ROOM) ? ROOM : i32(room), old);
  const error = kernGetdents(lwp, fd, sink);
  if (error < 0) return error;
  if (sink.length === 0) return sink.full ? -Errno.INVAL : 0;
  const copied = lwp.proc.vm.copyout(sink.buf, 0, arg1(lwp), sink.length);
  if (copied !== 0) {
    // The entries did not reach the program, so the next call finds them again.
    file.offset = before;
    return copied;
  }
  return sink.length;
}
