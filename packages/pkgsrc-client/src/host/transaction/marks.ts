/**
 * Kept and automatic packages: the flag in +INSTALLED_INFO that autoremove goes by (pkg_install lib/automatic.c).
 *
 * Neighbours: `perform.ts` (plans that also mark), `../client.ts` (keep, unkeep). Invariant: a change of flags is a transaction like any other.
 */
import { isAutomatic as saysAutomatic } from "../pkgdb/installed";
import type { HistoryRecord } from "./history";
import { InstalledPackage } from "./installed";
import { setAutomatic, writeStaged } from "./stage";
import { Transaction, type Engine } from "./transaction";

export function isAutomatic(one: InstalledPackage): boolean {
  return saysAutomatic(one.read("+INSTALLED_INFO"));
}

/** Sets flags within a transaction. */
export async function markPackages(
  t: Transaction,
  engine: Engine,
  marks: ReadonlyMap<string, boolean>,
  destdir: string,
): Promise<void> {
  const changes = t.changes();
  for (const [name, automatic] of marks) {
    const one = new InstalledPackage(engine.dbdir, name, destdir);
    if (isAutomatic(one) === automatic) continue;
    const file = one.file("+INSTALLED_INFO");
    const info = setAutomatic(one.read("+INSTALLED_INFO"), automatic);
    if (info === null) {
      await changes.remove(file);
      continue;
    }
    const staged = await t.areas.stage(file);
    writeStaged(staged, info, engine.sync);
    await changes.put(file, staged);
  }
  await t.batch("automatic flags", changes);
}

/** Sets flags as a transaction of its own. The caller holds the lock. */
export async function setMarks(
  engine: Engine,
  command: string,
  marks: ReadonlyMap<string, boolean>,
  destdir: string,
): Promise<HistoryRecord> {
  const t = await Transaction.begin(engine, {
    kind: "mark",
    command,
    changes: [...marks.keys()].map((name) => ({ action: "mark", from: name, to: name })),
  });
  try {
    await markPackages(t, engine, marks, destdir);
    return await t.commit();
  } catch (error) {
    await t.rollback();
    throw error;
  }
}
