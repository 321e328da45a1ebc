/**
 * What the calls on files need while they run, made once for a kernel so that no call allocates.
 *
 * Key type `FileContext`, a field of `Kernel` (`kernel.fc`). A kernel runs one call at a time to its end, and a call that is
 * run again starts from nothing, so one set serves every LWP.
 * Neighbours: `fileops.ts`, `nameops.ts`, `poll.ts`. Invariant: nothing in it is meaningful between two calls but names, numbers given out, and sockets in flight.
 */
import { type i32, type long } from "@anax/portable";
import type { Machine } from "@anax/machine";
import { Uio, type VmPages } from "@anax/vm";
import { Cred, FileLock, NLookup, NcHandle, Stat, type DirSink, type Vfs } from "@anax/vfs-msg";
import type { File } from "./file";
import { UnixFlight } from "./unix-flight";
import { UnixNames } from "./unix-names";
import type { UnixSocket } from "./unix-socket";
import { Termios } from "./termios";

/** Remembers where a directory was left. */
export class CookieSink implements DirSink {
  inner: DirSink | null = null;
  /** Cookie of the last entry that was taken. */
  last: long = 0;

  add(name: Uint8Array, off: i32, len: i32, ino: long, dtype: i32, nextCookie: long): boolean {
    if (!this.inner!.add(name, off, len, ino, dtype, nextCookie)) return false;
    this.last = nextCookie;
    return true;
  }
}

export class FileContext {
  readonly uio: Uio;
  /** A second transfer, for what moves bytes between two files. */
  readonly uio2: Uio;
  readonly nd: NLookup = new NLookup();
  /** The second name of rename and link. */
  readonly nd2: NLookup = new NLookup();
  readonly handle: NcHandle = new NcHandle();
  /** For what the kernel does on its own behalf. */
  readonly rootCred: Cred = Cred.of(0, 0);
  readonly st: Stat = new Stat();
  readonly lock: FileLock = new FileLock();
  readonly termios: Termios = new Termios();
  readonly cookies: CookieSink = new CookieSink();
  /** Small structures and short pieces on their way to or from user memory. */
  readonly scratch: Uint8Array = new Uint8Array(4096);
  /** Bytes between two files (sendfile). */
  readonly bounce: Uint8Array = new Uint8Array(32768);
  /** What an open that makes its own kind of file made. */
  opened: File | null = null;
  /** Local sockets with names that are not files. */
  readonly unixNames: UnixNames = new UnixNames();
  readonly unixFlight: UnixFlight = new UnixFlight();
  /** The socket that an address led to; the files that a message passes; bytes of control data written. */
  found: UnixSocket | null = null;
  passing: Array<File> | null = null;
  controlWritten: i32 = 0;
  /** Ways up from a file, by length (epoll). */
  readonly paths: Int32Array = new Int32Array(5);
  private lastWalk: i32 = 0;
  private nextIno: i32 = 1;

  constructor(
    readonly machine: Machine,
    readonly pages: VmPages,
    readonly vfs: Vfs,
  ) {
    this.uio = new Uio(machine);
    this.uio2 = new Uio(machine);
  }

  /** A number for a walk over epoll sets, by which a set knows that it was visited. */
  newWalk(): i32 {
    this.lastWalk = this.lastWalk === 0x7fffffff ? 1 : (this.lastWalk + 1) | 0;
    return this.lastWalk;
  }

  /** An inode number for an object without a file system. */
  newIno(): i32 {
    const ino = this.nextIno;
    this.nextIno = ino === 0x7fffffff ? 1 : (ino + 1) | 0;
    return ino;
  }
}
