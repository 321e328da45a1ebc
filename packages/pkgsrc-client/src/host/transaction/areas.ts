/**
 * Work directories: where new files wait, and where old ones are kept, on the device they belong to.
 *
 * Everything is put in place by rename(2), which cannot cross devices. The state directory is the work directory of its own device;
 * for any other device the topmost directory on it gets a `.pkgc`.
 * Key types: {@link Areas}. Neighbours: `state.ts` (the state directory), `ops.ts`. Invariant: a staged or stored path is on the same device as the
 * path it stands for.
 */
import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import type { JournalRecord } from "./journal";
import { lstatOrNull } from "./ops";
import type { StateDir } from "./state";

interface Area {
  /** New files; removed when the transaction ends. */
  readonly staging: string;
  /** Old files; kept as the history of this transaction. */
  readonly store: string;
}

/** The nearest directory above `file` that exists, symbolic links followed. */
export function existingParent(file: string): string {
  for (let dir = path.dirname(file); ; dir = path.dirname(dir)) {
    const stat = lstatOrNull(dir);
    if (stat !== null && (stat.isDirectory() || (stat.isSymbolicLink() && fs.existsSync(dir)))) return dir;
    if (dir === path.dirname(dir)) return dir;
  }
}

export class Areas {
  private readonly state: StateDir;
  private readonly id: number;
  private readonly byDevice = new Map<number, Area>();
  private readonly deviceOf = new Map<string, number>();
  private readonly announce: (record: JournalRecord) => Promise<void>;
  private next = 0;

  /** @param announce logs a work directory before it is made */
  constructor(state: StateDir, id: number, announce: (record: JournalRecord) => Promise<void>) {
    this.state = state;
    this.id = id;
    this.announce = announce;
  }

  /** A free path for a file that will go to `target`. */
  async stage(target: string): Promise<string> {
    return path.join((await this.area(target)).staging, this.number());
  }

  /** A free path for what `target` holds now. */
  async store(target: string): Promise<string> {
    return path.join((await this.area(target)).store, this.number());
  }

  private number(): string {
    return (this.next++).toString(36).padStart(6, "0");
  }

  private device(dir: string): number {
    const known = this.deviceOf.get(dir);
    if (known !== undefined) return known;
    const dev = fs.statSync(dir).dev;
    this.deviceOf.set(dir, dev);
    return dev;
  }

  private async area(target: string): Promise<Area> {
    const dir = existingParent(target);
    const dev = this.device(dir);
    const known = this.byDevice.get(dev);
    if (known !== undefined) return known;
    let area: Area;
    if (dev === this.device(this.state.root)) {
      area = { staging: this.state.stagingDir(this.id), store: this.state.storeDir(this.id) };
    } else {
      let top = fs.realpathSync(dir);
      while (path.dirname(top) !== top && this.device(path.dirname(top)) === dev) top = path.dirname(top);
      const root = path.join(this.writableFrom(top, fs.realpathSync(dir)), ".pkgc");
      // Several prefixes may have files on one device.
      const whose = createHash("sha256").update(this.state.root).digest("hex").slice(0, 12);
      area = {
        staging: path.join(root, `${whose}-txn-${this.id}`),
        store: path.join(root, `${whose}-history-${this.id}`),
      };
      await this.announce({ type: "area", root: area.staging, history: area.store });
    }
    fs.mkdirSync(area.staging, { recursive: true, mode: 0o700 });
    fs.mkdirSync(area.store, { recursive: true, mode: 0o700 });
    this.byDevice.set(dev, area);
    return area;
  }

  /** The highest directory from `top` down to `dir` that this user may write to; `dir` itself when there is none. */
  private writableFrom(top: string, dir: string): string {
    const names = path
      .relative(top, dir)
      .split(path.sep)
      .filter((name) => name !== "");
    let at = top;
    for (const name of names) {
      try {
        fs.accessSync(at, fs.constants.W_OK | fs.constants.X_OK);
        return at;
      } catch {
        at = path.join(at, name);
      }
    }
    return at;
  }
}
