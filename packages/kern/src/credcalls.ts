/**
 * Changing who a process is: the setuid family and groups.
 *
 * Credentials are shared by reference and never written: each call makes a copy that differs. They belong to the process,
 * as POSIX has it, so all its threads change together.
 * Neighbours: vfs-msg's `Cred`, `exec.ts` (set-user-ID programs). Invariant: a change that is refused changes nothing; file-system ids
 * follow the effective ones.
 * Source: setuid(2), setreuid(2), setresuid(2), setfsuid(2), setgroups(2), credentials(7).
 */
import { Errno, type i32, type u32 } from "@anax/portable";
import type { Cred } from "@anax/vfs-msg";
import { applyLimits } from "./limits";
import type { Proc } from "./proc";

/** "Leave as it is". */
export const ID_KEEP: u32 = 0xffffffff;
/** Most supplementary groups. */
export const NGROUPS_MAX: i32 = 65536;

/** The process is `c` from now on. */
function become(p: Proc, c: Cred): void {
  const old = p.cred;
  if (old.uid !== c.uid) {
    p.kernel.users.change(old.uid, -p.lwpCount);
    p.kernel.users.change(c.uid, p.lwpCount);
  }
  if (old.euid !== c.euid || old.egid !== c.egid || old.fsuid !== c.fsuid || old.fsgid !== c.fsgid) {
    p.dumpable = 0;
    p.parentDeathSignal = 0;
  }
  p.cred = c;
  const space = p.space;
  if (space !== null && old.euid !== c.euid) applyLimits(space, p.limits, c.euid === 0);
}

/** setuid(2): all ids for root, else the effective one. -INVAL, -PERM. */
export function kernSetuid(p: Proc, uid: u32): i32 {
  const old = p.cred;
  if (uid === ID_KEEP) return -Errno.INVAL;
  const root = old.euid === 0;
  if (!root && uid !== old.uid && uid !== old.suid) return -Errno.PERM;
  const c = old.copy();
  if (root) {
    c.uid = uid;
    c.suid = uid;
  }
  c.euid = uid;
  c.fsuid = uid;
  become(p, c);
  return 0;
}

/** setgid(2). */
export function kernSetgid(p: Proc, gid: u32): i32 {
  const old = p.cred;
  if (gid === ID_KEEP) return -Errno.INVAL;
  const root = old.euid === 0;
  if (!root && gid !== old.gid && gid !== old.sgid) return -Errno.PERM;
  const c = old.copy();
  if (root) {
    c.gid = gid;
    c.sgid = gid;
  }
  c.egid = gid;
  c.fsgid = gid;
  become(p, c);
  return 0;
}

function among(id: u32, a: u32, b: u32, c: u32): boolean {
  return id === ID_KEEP || id === a || id === b || id === c;
}

/** setreuid(2). -PERM. */
export function kernSetreuid(p: Proc, ruid: u32, euid: u32): i32 {
  const old = p.cred;
  if (old.euid !== 0) {
    if (!among(ruid, old.uid, old.euid, old.euid)) return -Errno.PERM;
    if (!among(euid, old.uid, old.euid, old.suid)) return -Errno.PERM;
  }
  const c = old.copy();
  if (ruid !== ID_KEEP) c.uid = ruid;
  if (euid !== ID_KEEP) c.euid = euid;
  if (ruid !== ID_KEEP || (euid !== ID_KEEP && euid !== old.uid)) c.suid = c.euid;
  c.fsuid = c.euid;
  become(p, c);
  return 0;
}

/** setregid(2). -PERM. */
export function kernSetregid(p: Proc, rgid: u32, egid: u32): i32 {
  const old = p.cred;
  if (old.euid !== 0) {
    if (!among(rgid, old.gid, old.egid, old.egid)) return -Errno.PERM;
    if (!among(egid, old.gid, old.egid, old.sgid)) return -Errno.PERM;
  }
  const c = old.copy();
  if (rgid !== ID_KEEP) c.gid = rgid;
  if (egid !== ID_KEEP) c.egid = egid;
  if (rgid !== ID_KEEP || (egid !== ID_KEEP && egid !== old.gid)) c.sgid = c.egid;
  c.fsgid = c.egid;
  become(p, c);
  return 0;
}

/** setresuid(2). -PERM. */
export function kernSetresuid(p: Proc, ruid: u32, euid: u32, suid: u32): i32 {
  const old = p.cred;
  if (old.euid !== 0) {
    if (!among(ruid, old.uid, old.euid, old.suid)) return -Errno.PERM;
    if (!among(euid, old.uid, old.euid, old.suid)) return -Errno.PERM;
    if (!among(suid, old.uid, old.euid, old.suid)) return -Errno.PERM;
  }
  const c = old.copy();
  if (ruid !== ID_KEEP) c.uid = ruid;
  if (euid !== ID_KEEP) c.euid = euid;
  if (suid !== ID_KEEP) c.suid = suid;
  c.fsuid = c.euid;
  become(p, c);
  return 0;
}

/** setresgid(2). -PERM. */
export function kernSetresgid(p: Proc, rgid: u32, egid: u32, sgid: u32): i32 {
  const old = p.cred;
  if (old.euid !== 0) {
    if (!among(rgid, old.gid, old.egid, old.sgid)) return -Errno.PERM;
    if (!among(egid, old.gid, old.egid, old.sgid)) return -Errno.PERM;
    if (!among(sgid, old.gid, old.egid, old.sgid)) return -Errno.PERM;
  }
  const c = old.copy();
  if (rgid !== ID_KEEP) c.gid = rgid;
  if (egid !== ID_KEEP) c.egid = egid;
  if (sgid !== ID_KEEP) c.sgid = sgid;
  c.fsgid = c.egid;
  become(p, c);
  return 0;
}

/** setfsuid(2): the id before, whether or not it changed. */
export function kernSetfsuid(p: Proc, uid: u32): u32 {
  const old = p.cred;
  if (uid !== ID_KEEP && uid !== old.fsuid && (old.euid === 0 || among(uid, old.uid, old.euid, old.suid))) {
    const c = old.copy();
    c.fsuid = uid;
    become(p, c);
  }
  return old.fsuid;
}

/** setfsgid(2). */
export function kernSetfsgid(p: Proc, gid: u32): u32 {
  const old = p.cred;
  if (gid !== ID_KEEP && gid !== old.fsgid && (old.euid === 0 || among(gid, old.gid, old.egid, old.sgid))) {
    const c = old.copy();
    c.fsgid = gid;
    become(p, c);
  }
  return old.fsgid;
}

/** setgroups(2): takes the array over. -PERM. */
export function kernSetgroups(p: Proc, groups: Uint32Array): i32 {
  if (p.cred.euid !== 0) return -Errno.PERM;
  const c = p.cred.copy();
  c.groups = groups;
  p.cred = c;
  return 0;
}
