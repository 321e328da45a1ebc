/**
 * devfs: device nodes that appear when devices are registered; otherwise a tmpfs that programs may add to (devtmpfs).
 *
 * Key type `DevFs`, one a kernel, shown by every mount of type `devfs` or `devtmpfs`. Neighbours: `device.ts`, `tmpfs/`.
 */
import { Errno, type i32 } from "@anax/portable";
import type { CharDevice } from "../device";
import type { Vfs } from "../vfs";

export class DevFs {
  constructor(readonly vfs: Vfs) {}

  /** Registers the device and makes its node (and the directories in its name). 0 or -EXIST. */
  add(_dev: CharDevice): i32 {
    return -Errno.NOSYS;
  }

  /** The device is gone: its node too; open files get -IO from the device itself. */
  remove(_dev: CharDevice): void {}

  /** A symbolic link below /dev. */
  addLink(_name: string, _target: string): i32 {
    return -Errno.NOSYS;
  }

  /** A directory below /dev. */
  addDir(_name: string, _mode: i32): i32 {
    return -Errno.NOSYS;
  }
}
