/**
 * /proc/PID/mounts and mountinfo: the mounts as a process sees them.
 *
 * Neighbours: `process.ts`, `mount.ts`. Source: proc(5), fstab(5), Linux fs/proc_namespace.c.
 */
import { TextBuilder, bytesOf, type i32 } from "@anax/portable";
import { MNT_NOATIME, MNT_NODEV, MNT_NODIRATIME, MNT_NOEXEC, MNT_NOSUID, MNT_RELATIME } from "../flags";
import type { Mount } from "../mount";
import type { NcHandle, Ncp } from "../namecache";
import { devMajor, devMinor } from "../stat";
import type { Vfs } from "../vfs";
import { escaped } from "./format";

function text(out: TextBuilder, s: string): void {
  const b = bytesOf(s);
  escaped(out, b, 0, b.length);
}

function options(out: TextBuilder, m: Mount): void {
  out.str(m.isReadOnly ? "ro" : "rw");
  if ((m.flags & MNT_NOSUID) !== 0) out.str(",nosuid");
  if ((m.flags & MNT_NODEV) !== 0) out.str(",nodev");
  if ((m.flags & MNT_NOEXEC) !== 0) out.str(",noexec");
  if ((m.flags & MNT_NOATIME) !== 0) out.str(",noatime");
  if ((m.flags & MNT_NODIRATIME) !== 0) out.str(",nodiratime");
  if ((m.flags & MNT_RELATIME) !== 0) out.str(",relatime");
}

/** Where the mount lies, as seen from `root`; nothing is written and false returned when it cannot be seen from there. */
function place(out: TextBuilder, vfs: Vfs, m: Mount, root: NcHandle, buf: Uint8Array): boolean {
  if (m.on.ncp === null || root.mount === m) {
    if (root.mount !== m) return false;
    out.byte(47);
    return true;
  }
  const at = vfs.pathOf(m.on, root, buf, false);
  if (at < 0) return false;
  escaped(out, buf, at, (buf.length - at) | 0);
  return true;
}

function typeName(m: Mount): string {
  return m.on.ncp === null && m.source === "rootfs" ? "rootfs" : m.type.name;
}

/** `source place type options 0 0` for each mount. `line` is for working. */
export function mounts(out: TextBuilder, vfs: Vfs, root: NcHandle, line: TextBuilder, buf: Uint8Array): void {
  const list = vfs.mounts.list;
  for (let i = 0; i < list.length; i++) {
    const m = list[i];
    line.clear();
    if (!place(line, vfs, m, root, buf)) continue;
    text(out, m.source);
    out.byte(32).raw(line.bytes, 0, line.length).byte(32).str(typeName(m)).byte(32);
    options(out, m);
    out.str(m.options).str(" 0 0\n");
  }
}

/** Path of a name inside its file system. */
function inside(out: TextBuilder, ncp: Ncp): void {
  const up = ncp.parent;
  if (up === null) return;
  inside(out, up);
  out.byte(47);
  escaped(out, ncp.name, 0, ncp.name.length);
}

/** The longer form: ids, device, root within the file system. */
export function mountinfo(out: TextBuilder, vfs: Vfs, root: NcHandle, line: TextBuilder, buf: Uint8Array): void {
  const list = vfs.mounts.list;
  for (let i = 0; i < list.length; i++) {
    const m = list[i];
    line.clear();
    if (!place(line, vfs, m, root, buf)) continue;
    const below = m.on.mount;
    const parent: i32 = below === null ? 0 : below.id;
    const dev = m.fs!.home!.dev;
    out.num(m.id).byte(32).num(parent).byte(32).num(devMajor(dev)).byte(58).num(devMinor(dev)).byte(32);
    const top = m.root!;
    if (top.parent === null) out.byte(47);
    else inside(out, top);
    out.byte(32).raw(line.bytes, 0, line.length).byte(32);
    options(out, m);
    out.str(" - ").str(typeName(m)).byte(32);
    text(out, m.source);
    out
      .byte(32)
      .str(m.isReadOnly ? "ro" : "rw")
      .str(m.options)
      .byte(10);
  }
}
