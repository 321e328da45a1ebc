/**
 * Attributes of a file and of a file system, in the form the callers reuse.
 *
 * Key types `Stat`, `StatFs`: owned by the caller, filled in place by getattr and statfs. Neighbours: `vnode.ts`,
 * abi-compat (writes them out as struct stat, statx, statfs). Invariant: a fill sets every field.
 * Source: stat(2), statfs(2).
 */
import type { i32, long, u32 } from "@anax/portable";

export class Stat {
  /** Device of the file system (`makeDev`). */
  dev: u32 = 0;
  ino: long = 0;
  /** Type and permission bits (S_IF*). */
  mode: i32 = 0;
  nlink: i32 = 0;
  uid: u32 = 0;
  gid: u32 = 0;
  /** Device number of a device node. */
  rdev: u32 = 0;
  size: long = 0;
  blksize: i32 = 4096;
  /** 512-byte units. */
  blocks: long = 0;
  atimeSec: long = 0;
  atimeNsec: i32 = 0;
  mtimeSec: long = 0;
  mtimeNsec: i32 = 0;
  ctimeSec: long = 0;
  ctimeNsec: i32 = 0;
}

export class StatFs {
  /** Magic number of the type (f_type). */
  type: u32 = 0;
  bsize: i32 = 4096;
  blocks: long = 0;
  bfree: long = 0;
  bavail: long = 0;
  files: long = 0;
  ffree: long = 0;
  /** f_fsid: the device number. */
  dev: u32 = 0;
  namelen: i32 = 255;
  /** MNT_* flags of the mount. */
  flags: i32 = 0;
}

/** A device number as stat(2) shows it in its low 32 bits. Source: Linux new_encode_dev. */
export function makeDev(major: i32, minor: i32): u32 {
  return ((minor & 0xff) | ((major & 0xfff) << 8) | ((minor & 0xfff00) << 12)) >>> 0;
}

export function devMajor(dev: u32): i32 {
  return (dev >>> 8) & 0xfff;
}

export function devMinor(dev: u32): i32 {
  return (dev & 0xff) | ((dev >>> 12) & 0xfff00);
}
