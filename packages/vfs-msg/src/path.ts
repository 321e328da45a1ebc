/**
 * The path of a name, read off the tree: getcwd(2), /proc/PID/cwd, /proc/mounts.
 *
 * Neighbours: `namecache.ts`. Invariant: nothing is written outside of `buf`. Source: getcwd(2), proc(5).
 */
import { Errno, copyBytes, type i32 } from "@anax/portable";
import type { Mount } from "./mount";
import type { NcHandle, Ncp } from "./namecache";

const DELETED: string = " (deleted)";

/** See `Vfs#pathOf`. */
export function pathOf(h: NcHandle, root: NcHandle, buf: Uint8Array, force: boolean): i32 {
  const startMount = h.mount;
  const startNcp = h.ncp;
  if (startMount === null || startNcp === null) return -Errno.NOENT;
  let mount: Mount = startMount;
  let ncp: Ncp = startNcp;
  let at: i32 = buf.length;
  if (ncp.isDestroyed) {
    if (!force) return -Errno.NOENT;
    at = (at - DELETED.length) | 0;
    if (at < 0) return -Errno.NAMETOOLONG;
    for (let i = 0; i < DELETED.length; i++) buf[at + i] = DELETED.charCodeAt(i);
  }
  let any = false;
  while (mount !== root.mount || ncp !== root.ncp) {
    if (ncp === mount.root) {
      const below = mount.on.mount;
      if (below === null) {
        if (!force) return -Errno.NOENT;
        break;
      }
      ncp = mount.on.ncp!;
      mount = below;
      continue;
    }
    const n = ncp.name.length;
    at = (at - n - 1) | 0;
    if (at < 0) return -Errno.NAMETOOLONG;
    buf[at] = 47;
    copyBytes(buf, (at + 1) | 0, ncp.name, 0, n);
    any = true;
    const up = ncp.parent;
    if (up === null) break;
    ncp = up;
  }
  if (any) return at;
  at = (at - 1) | 0;
  if (at < 0) return -Errno.NAMETOOLONG;
  buf[at] = 47;
  return at;
}
