/**
 * devfs: device nodes that appear when devices are registered; otherwise a tmpfs that programs may add to, as devtmpfs.
 *
 * Key type `DevFs`: one for /dev (types `devtmpfs` and `devfs`, all mounts show the same tree) and one for terminals (type `devpts`).
 * Neighbours: `device.ts` (numbers), `tmpfs/` (names and nodes), `memory.ts` (the usual devices).
 * Invariant: nodes come and go behind the name cache's back, so absent names are not cached here (MNTK_NONEGATIVE), and
 * a node that went is marked dead.
 * Source: DragonFly sys/vfs/devfs.
 */
import { Errno, bytesOf, type i32, type u32 } from "@anax/portable";
import type { CharDevice } from "../device";
import { FsType } from "../filesystem";
import { MNT_RELATIME, S_IFCHR, S_IFDIR, S_IFLNK } from "../flags";
import { MNTK_NONEGATIVE, Mount } from "../mount";
import { hashName } from "../namecache";
import { makeDev } from "../stat";
import { TmpFs } from "../tmpfs/tmpfs";
import type { TmpEntry, TmpNode } from "../tmpfs/node";
import type { Vfs } from "../vfs";

/** mount -t devtmpfs (devfs, devpts): shows the one tree. Options are accepted and have no effect. */
export class DevFsType extends FsType {
  fs: DevFs | null = null;

  override mount(_vfs: Vfs, mount: Mount, _data: string): i32 {
    const fs = this.fs;
    if (fs === null) return -Errno.NODEV;
    mount.fs = fs;
    return 0;
  }
}

function homeOf(vfs: Vfs, type: FsType): Mount {
  vfs.mountSeq++;
  const home = new Mount(vfs, type, vfs.mountSeq, makeDev(0, vfs.mountSeq));
  home.flags = MNT_RELATIME;
  home.kflags = MNTK_NONEGATIVE;
  return home;
}

/** A tree of device nodes. Owned by the kernel instance. */
export class DevFs extends TmpFs {
  /** Registers itself under `name`, and under `alias` too unless it is empty. */
  constructor(vfs: Vfs, name: string = "devtmpfs", alias: string = "devfs") {
    const type = new DevFsType(name);
    super(vfs, homeOf(vfs, type));
    this.home!.fs = this;
    type.fs = this;
    vfs.addType(type);
    if (alias.length > 0) {
      const other = new DevFsType(alias);
      other.fs = this;
      vfs.addType(other);
    }
  }

  /** Registers the device and makes its node (and the directories in its name). 0 or -EXIST. */
  add(dev: CharDevice): i32 {
    const error = this.vfs.devices.add(dev);
    if (error !== 0) return error;
    const node = this.newNode(S_IFCHR | dev.mode, 0, 0);
    node.rdev = dev.rdev;
    return this.place(dev.name, node);
  }

  /** Makes a node for a device that is registered elsewhere, with an owner. 0 or -EXIST. */
  addNode(name: string, dev: CharDevice, mode: i32, uid: u32, gid: u32): i32 {
    const node = this.newNode(S_IFCHR | mode, uid, gid);
    node.rdev = dev.rdev;
    return this.place(name, node);
  }

  /** The device is gone: its number and its node too; files that have it open keep it. */
  remove(dev: CharDevice): void {
    this.vfs.devices.remove(dev);
    this.removeNode(dev.name);
  }

  /** Takes a node away by its name, unless a program did. */
  removeNode(name: string): void {
    const e = this.find(name);
    if (e === null || e.node.isDir) return;
    this.leave(e);
    this.dropLink(e.node);
    this.bury(e.node);
  }

  /** A symbolic link below /dev. */
  addLink(name: string, target: string): i32 {
    const node = this.newNode(S_IFLNK | 0o777, 0, 0);
    const text = bytesOf(target);
    node.target = text;
    node.size = text.length;
    return this.place(name, node);
  }

  /** A directory below /dev. */
  addDir(name: string, mode: i32): i32 {
    const node = this.newNode(S_IFDIR | mode, 0, 0);
    return this.place(name, node);
  }

  /** Gives `node` a path, making directories on the way. */
  private place(name: string, node: TmpNode): i32 {
    const path = bytesOf(name);
    let dir: TmpNode = this.rootNode;
    let from: i32 = 0;
    for (let i = 0; i < path.length; i++) {
      if (path[i] !== 0x2f) continue;
      const n: i32 = (i - from) | 0;
      const hash = hashName(path, from, n);
      const e = this.names.find(dir, hash, path, from, n);
      if (e !== null) dir = e.node;
      else {
        const sub = this.newNode(S_IFDIR | 0o755, 0, 0);
        sub.nlink = 2;
        this.enter(dir, path, from, n, hash, sub);
        dir = sub;
      }
      from = (i + 1) | 0;
    }
    const n: i32 = (path.length - from) | 0;
    const hash = hashName(path, from, n);
    if (this.names.find(dir, hash, path, from, n) !== null) return -Errno.EXIST;
    node.nlink = node.isDir ? 2 : 1;
    this.enter(dir, path, from, n, hash, node);
    return 0;
  }

  private find(name: string): TmpEntry | null {
    const path = bytesOf(name);
    let dir: TmpNode = this.rootNode;
    let from: i32 = 0;
    for (let i = 0; i <= path.length; i++) {
      if (i < path.length && path[i] !== 0x2f) continue;
      const n: i32 = (i - from) | 0;
      const e = this.names.find(dir, hashName(path, from, n), path, from, n);
      if (e === null || i === path.length) return e;
      dir = e.node;
      from = (i + 1) | 0;
    }
    return null;
  }
}
