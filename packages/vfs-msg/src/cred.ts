/**
 * Credentials, and the permission check that every operation on a name or a vnode goes through.
 *
 * Key type `Cred`. Neighbours: `nlookup.ts` (search permission), `vfs.ts`; kern gives each process one.
 * Invariant: a `Cred` is shared by reference (process, open files) and never changed after it is visible: setuid and its kin
 * work on a `copy`. File access is decided by fsuid, fsgid and groups alone.
 * Source: credentials(7), path_resolution(7); DragonFly sys/kern/vfs_helper.c (vop_helper_access).
 */
import { Errno, type i32, type u32 } from "@anax/portable";
import { R_OK, S_IFDIR, S_IFMT, W_OK, X_OK } from "./flags";

/** Who acts. Owned by whoever holds a reference; read-only once shared. */
export class Cred {
  uid: u32 = 0;
  gid: u32 = 0;
  euid: u32 = 0;
  egid: u32 = 0;
  suid: u32 = 0;
  sgid: u32 = 0;
  fsuid: u32 = 0;
  fsgid: u32 = 0;
  /** Supplementary groups; replaced as a whole, never written in place. */
  groups: Uint32Array = new Uint32Array(0);

  /** All ids set to one user and one group, no supplementary groups. */
  static of(uid: u32, gid: u32): Cred {
    const c = new Cred();
    c.uid = uid;
    c.euid = uid;
    c.suid = uid;
    c.fsuid = uid;
    c.gid = gid;
    c.egid = gid;
    c.sgid = gid;
    c.fsgid = gid;
    return c;
  }

  copy(): Cred {
    const c = new Cred();
    c.uid = this.uid;
    c.gid = this.gid;
    c.euid = this.euid;
    c.egid = this.egid;
    c.suid = this.suid;
    c.sgid = this.sgid;
    c.fsuid = this.fsuid;
    c.fsgid = this.fsgid;
    c.groups = this.groups;
    return c;
  }

  /** The credentials access(2) checks with: the real ids in the place of the effective ones. */
  realCopy(): Cred {
    const c = this.copy();
    c.fsuid = this.uid;
    c.fsgid = this.gid;
    return c;
  }

  /** Whether file permissions do not bind: what Linux calls CAP_DAC_OVERRIDE, CAP_FOWNER and CAP_CHOWN. */
  get isRoot(): boolean {
    return this.fsuid === 0;
  }

  /** Whether `gid` is the file-system group or a supplementary one. */
  inGroup(gid: u32): boolean {
    if (this.fsgid === gid) return true;
    const g = this.groups;
    for (let i = 0; i < g.length; i++) if (g[i] === gid) return true;
    return false;
  }
}

/**
 * Whether `cred` may do `want` (R_OK | W_OK | X_OK) with an object of this mode (type and permission bits) and owner.
 * 0 or -ACCES. Root may everything but execute a file that nobody may execute.
 */
export function checkAccess(cred: Cred, mode: i32, uid: u32, gid: u32, want: i32): i32 {
  if (cred.fsuid === 0) {
    if ((want & X_OK) === 0 || (mode & S_IFMT) === S_IFDIR || (mode & 0o111) !== 0) return 0;
    return -Errno.ACCES;
  }
  let bits: i32 = mode;
  if (cred.fsuid === uid) bits = mode >> 6;
  else if (cred.inGroup(gid)) bits = mode >> 3;
  const all: i32 = R_OK | W_OK | X_OK;
  return (want & all & ~bits) === 0 ? 0 : -Errno.ACCES;
}
