/** The journal engine on plain directories: killed at every step, failing at every step, rolled back later. */
import fs from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { readHistory } from "../src/host/transaction/history";
import { Journal, readJournal, type CrashHook, type JournalRecord } from "../src/host/transaction/journal";
import { recover } from "../src/host/transaction/recover";
import { StateDir } from "../src/host/transaction/state";
import { Transaction, type Engine } from "../src/host/transaction/transaction";
import { expectSame, picture, temporaryDirectory } from "./support/tree";

const T0 = new Date("2026-01-02T03:04:05Z");

function write(root: string, name: string, text: string, mode = 0o644): void {
  const file = path.join(root, name);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, text, { mode });
  fs.chmodSync(file, mode);
  fs.utimesSync(file, T0, T0);
}

/** A prefix with files, links and directories of unusual modes, all with the same old time. */
function build(root: string): void {
  write(root, "bin/tool", "old tool", 0o4755);
  write(root, "bin/other", "other", 0o755);
  write(root, "lib/libx.so.1", "x1");
  fs.symlinkSync("libx.so.1", path.join(root, "lib/libx.so"));
  write(root, "share/old/a", "a");
  write(root, "share/old/deep/b", "b", 0o600);
  write(root, "etc/tool.conf", "setting = 1");
  write(root, "etc/rc.d/tool", "#!/bin/sh", 0o755);
  fs.symlinkSync("tool.conf", path.join(root, "etc/link"));
  fs.chmodSync(path.join(root, "share/old"), 0o750);
  fs.lutimesSync(path.join(root, "etc/link"), T0, T0);
  for (const dir of ["share/old/deep", "share/old", "share", "etc/rc.d", "etc", "lib", "bin", ""])
    fs.utimesSync(path.join(root, dir), T0, T0);
  fs.lutimesSync(path.join(root, "lib/libx.so"), T0, T0);
}

interface World {
  root: string;
  engine(hook?: CrashHook): Engine;
  notices: string[];
}

function world(dir: string): World {
  const root = path.join(dir, "prefix");
  build(root);
  const notices: string[] = [];
  return {
    root,
    notices,
    engine: (hook = { reach: () => Promise.resolve() }) => ({
      state: new StateDir(path.join(dir, "state")),
      prefix: root,
      dbdir: path.join(dir, "db"),
      sync: false,
      hook,
      notice: (message) => notices.push(message),
    }),
  };
}

/** Changes of every kind: a replacement, new files in new directories, removals, emptied directories, and a script. */
async function change(engine: Engine, root: string): Promise<void> {
  const at = (name: string): string => path.join(root, name);
  const t = await Transaction.begin(engine, { kind: "upgrade", command: "test", changes: [] });
  const stage = async (target: string, text: string, mode: number): Promise<string> => {
    const staged = await t.areas.stage(target);
    fs.writeFileSync(staged, text);
    fs.chmodSync(staged, mode);
    return staged;
  };
  try {
    await t.snapshot({ root: at("etc"), dirs: null, ignored: [] });
    const first = t.changes();
    await first.put(at("bin/tool"), await stage(at("bin/tool"), "new tool", 0o755));
    await first.remove(at("share/old/a"));
    await first.remove(at("share/old/deep/b"));
    expect(first.removeDirectory(at("share/old/deep"))).toBe(true);
    expect(first.removeDirectory(at("share/old"))).toBe(true);
    await t.batch("first", first);
    const result = await t.script("tool-2.0", "POST-INSTALL", async () => {
      fs.writeFileSync(at("etc/tool.conf"), "setting = 2");
      fs.writeFileSync(at("etc/new.conf"), "new");
      fs.rmSync(at("etc/rc.d"), { recursive: true });
      fs.rmSync(at("etc/link"));
      return { status: 0, output: "" };
    });
    expect(result.status).toBe(0);
    const second = t.changes();
    await second.put(at("share/new/deep/c"), await stage(at("share/new/deep/c"), "c", 0o644));
    await second.put(at("share/new/d"), await stage(at("share/new/d"), "d", 0o400));
    await second.remove(at("lib/libx.so"));
    const link = await t.areas.stage(at("bin/other"));
    fs.symlinkSync("tool", link);
    await second.put(at("bin/other"), link);
    await t.batch("second", second);
    const third = t.changes();
    await third.put(at("lib/libx.so"), await stage(at("lib/libx.so"), "no link any more", 0o644));
    await third.put(at("share/old"), await stage(at("share/old"), "a file now", 0o644));
    await t.batch("third", third);
    await t.commit();
  } catch (error) {
    await t.rollback();
    throw error;
  }
}

/** Runs `action` and stops for ever at point `n`, as a killed process does. True when the point was reached. */
async function stopAt(n: number, action: (hook: CrashHook) => Promise<unknown>): Promise<boolean> {
  let count = 0;
  return new Promise((resolve, reject) => {
    const hook: CrashHook = {
      reach: () => {
        if (count++ !== n) return Promise.resolve();
        resolve(true);
        return new Promise(() => {});
      },
    };
    action(hook).then(() => resolve(false), reject);
  });
}

/** Times of directories that the change touched are new; the rest of the picture is compared. */
const withoutTimes = (lines: string[]): string[] => lines.map((line) => line.replace(/ \d{13} /, " "));

describe("a transaction on directories", () => {
  it("makes all its changes and keeps a record", async () => {
    using dir = temporaryDirectory();
    const w = world(dir.path);
    await change(w.engine(), w.root);
    expect(fs.readFileSync(path.join(w.root, "bin/tool"), "utf8")).toBe("new tool");
    expect(fs.readlinkSync(path.join(w.root, "bin/other"))).toBe("tool");
    expect(fs.readFileSync(path.join(w.root, "share/old"), "utf8")).toBe("a file now");
    const history = readHistory(w.engine().state);
    expect(history.map((r) => r.kind)).toEqual(["upgrade"]);
    expect(history[0]!.scripts[0]!.changes.map((c) => `${c.change} ${c.name}`)).toEqual([
      "added new.conf",
      "changed tool.conf",
      "removed link",
      "removed rc.d",
      "removed rc.d/tool",
    ]);
    expect(w.engine().state.unfinished()).toEqual([]);
  });

  it("is as before or as after when it is killed at any step", async () => {
    using reference = temporaryDirectory();
    const done = world(reference.path);
    const before = picture(done.root);
    await change(done.engine(), done.root);
    const after = withoutTimes(picture(done.root));
    let undone = 0;
    let completed = 0;
    for (let n = 0; ; n++) {
      using dir = temporaryDirectory();
      const w = world(dir.path);
      if (!(await stopAt(n, (hook) => change(w.engine(hook), w.root)))) break;
      const recovered = await recover(w.engine());
      const now = picture(w.root);
      if (recovered.length === 1 && recovered[0]!.outcome === "undone") {
        expectSame(now, before, `point ${n}`);
        expect(readHistory(w.engine().state)).toEqual([]);
        undone++;
      } else {
        expect(withoutTimes(now), `point ${n}`).toEqual(after);
        expect(readHistory(w.engine().state).length).toBe(1);
        completed++;
      }
      expect(await recover(w.engine())).toEqual([]);
      expect(fs.readdirSync(w.engine().state.txnRoot)).toEqual([]);
    }
    expect(undone).toBeGreaterThan(30);
    expect(completed).toBeGreaterThan(3);
  });

  it("is as before when the recovery is killed at any step, too", async () => {
    using reference = temporaryDirectory();
    const before = picture(world(reference.path).root);
    // The last point before the commit: everything has been done and all of it is taken back.
    let last = 0;
    {
      using dir = temporaryDirectory();
      const w = world(dir.path);
      let n = 0;
      await change(
        w.engine({
          reach: async (point) => {
            if (point === "journal:commit:before") last = n;
            n++;
          },
        }),
        w.root,
      );
    }
    let points = 0;
    for (let n = 0; ; n++) {
      using dir = temporaryDirectory();
      const w = world(dir.path);
      await stopAt(last, (hook) => change(w.engine(hook), w.root));
      if (!(await stopAt(n, (hook) => recover(w.engine(hook))))) break;
      await recover(w.engine());
      expectSame(picture(w.root), before, `point ${n} of the recovery`);
      points++;
    }
    expect(points).toBeGreaterThan(20);
  });

  it("is as before when any step fails", async () => {
    using reference = temporaryDirectory();
    const before = picture(world(reference.path).root);
    let failures = 0;
    for (let n = 0; ; n++) {
      using dir = temporaryDirectory();
      const w = world(dir.path);
      let count = 0;
      let committed = false;
      const hook: CrashHook = {
        reach: async (point) => {
          if (point === "journal:commit:after") committed = true;
          if (count++ === n && !committed) throw Object.assign(new Error("no space left"), { code: "ENOSPC" });
        },
      };
      try {
        await change(w.engine(hook), w.root);
        break;
      } catch (error) {
        expect((error as NodeJS.ErrnoException).code).toBe("ENOSPC");
      }
      expectSame(picture(w.root), before, `point ${n}`);
      expect(await recover(w.engine())).toEqual([]);
      failures++;
    }
    expect(failures).toBeGreaterThan(30);
  });

  it("keeps files that appeared in its new directories", async () => {
    using dir = temporaryDirectory();
    const w = world(dir.path);
    const t = await Transaction.begin(w.engine(), { kind: "install", command: "test", changes: [] });
    const changes = t.changes();
    await changes.makeDirectory(path.join(w.root, "var/spool"));
    await t.batch("directories", changes);
    fs.writeFileSync(path.join(w.root, "var/spool/mail"), "somebody's");
    await t.rollback();
    expect(fs.existsSync(path.join(w.root, "var"))).toBe(false);
    expect(w.notices.join()).toMatch(/var\/spool was new and held other files/);
    const leftover = /they are in (\S+)$/.exec(w.notices[0]!)![1]!;
    expect(fs.readFileSync(path.join(leftover, "mail"), "utf8")).toBe("somebody's");
  });
});

describe("the journal", () => {
  const record = (seq: number): JournalRecord => ({ type: "undone", seq });

  it("forgets a torn last record and appends after it", async () => {
    using dir = temporaryDirectory();
    const file = path.join(dir.path, "journal");
    const journal = new Journal(file, false);
    await journal.append(record(1));
    await journal.append(record(2));
    journal.close();
    const whole = fs.readFileSync(file);
    for (let cut = 1; cut < 30; cut++) {
      fs.writeFileSync(file, whole.subarray(0, whole.length - cut));
      expect(readJournal(file)).toEqual([record(1)]);
      const again = new Journal(file, false);
      await again.append(record(3));
      again.close();
      expect(readJournal(file)).toEqual([record(1), record(3)]);
    }
  });

  it("refuses damage before the last record", async () => {
    using dir = temporaryDirectory();
    const file = path.join(dir.path, "journal");
    const journal = new Journal(file, false);
    for (let i = 0; i < 3; i++) await journal.append(record(i));
    journal.close();
    const whole = fs.readFileSync(file);
    for (let at = 0; at < Math.floor(whole.length / 2); at++) {
      const damaged = Buffer.from(whole);
      damaged[at] = damaged[at]! ^ 0x40;
      fs.writeFileSync(file, damaged);
      expect(() => readJournal(file), `byte ${at}`).toThrowError(expect.objectContaining({ code: "EJOURNAL" }));
    }
  });
});
