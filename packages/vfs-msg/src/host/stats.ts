/** What `statSync` and `readdirSync` return, in the shape of Node's. */
import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFMT, S_IFREG, S_IFSOCK } from "../flags";
import type { Stat } from "../stat";

/** File type tests of a mode. */
class Typed {
  constructor(protected readonly type: number) {}

  isFile(): boolean {
    return this.type === S_IFREG;
  }

  isDirectory(): boolean {
    return this.type === S_IFDIR;
  }

  isSymbolicLink(): boolean {
    return this.type === S_IFLNK;
  }

  isFIFO(): boolean {
    return this.type === S_IFIFO;
  }

  isSocket(): boolean {
    return this.type === S_IFSOCK;
  }

  isCharacterDevice(): boolean {
    return this.type === S_IFCHR;
  }

  isBlockDevice(): boolean {
    return this.type === S_IFBLK;
  }
}

export class Stats extends Typed {
  readonly dev: number;
  readonly ino: number;
  readonly mode: number;
  readonly nlink: number;
  readonly uid: number;
  readonly gid: number;
  readonly rdev: number;
  readonly size: number;
  readonly blksize: number;
  readonly blocks: number;
  readonly atimeMs: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
  readonly birthtimeMs: number;

  constructor(st: Stat) {
    super(st.mode & S_IFMT);
    this.dev = st.dev;
    this.ino = st.ino;
    this.mode = st.mode;
    this.nlink = st.nlink;
    this.uid = st.uid;
    this.gid = st.gid;
    this.rdev = st.rdev;
    this.size = st.size;
    this.blksize = st.blksize;
    this.blocks = st.blocks;
    this.atimeMs = st.atimeSec * 1000 + st.atimeNsec / 1e6;
    this.mtimeMs = st.mtimeSec * 1000 + st.mtimeNsec / 1e6;
    this.ctimeMs = st.ctimeSec * 1000 + st.ctimeNsec / 1e6;
    this.birthtimeMs = this.ctimeMs;
  }

  get atime(): Date {
    return new Date(this.atimeMs);
  }

  get mtime(): Date {
    return new Date(this.mtimeMs);
  }

  get ctime(): Date {
    return new Date(this.ctimeMs);
  }

  get birthtime(): Date {
    return new Date(this.birthtimeMs);
  }
}

/** A directory entry with its type. */
export class Dirent extends Typed {
  constructor(
    readonly name: string,
    readonly parentPath: string,
    /** d_type. */
    dtype: number,
  ) {
    super(dtype << 12);
  }
}
