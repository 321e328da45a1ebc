/** Trees to the byte, for comparing before and after. */
import { createHash } from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { expect } from "vitest";
import { listTree } from "../../src/host/transaction/tree";

export function temporaryDirectory(): { path: string; [Symbol.dispose](): void } {
  const dir = fs.mkdtempSync(path.join(fs.realpathSync(os.tmpdir()), "pkgc-test-"));
  return { path: dir, [Symbol.dispose]: () => fs.rmSync(dir, { recursive: true, force: true }) };
}

/**
 * One line for every name: kind, mode, owner, time of modification in milliseconds, content. Compare with `expectSame`: times that were set through a double
 * differ by less than a microsecond, which can fall on the border of a millisecond.
 * @param ignored names of the top level that do not count
 */
export function picture(root: string, ignored: readonly string[] = []): string[] {
  return listTree(root)
    .filter((e) => e.name !== "" && !ignored.includes(e.name.split("/")[0]!))
    .map((e) => {
      const content =
        e.kind === "file"
          ? createHash("sha256")
              .update(fs.readFileSync(path.join(root, e.name)))
              .digest("hex")
              .slice(0, 16)
          : e.target;
      const owner = `${e.uid}:${e.gid}`;
      return `${e.name} ${e.kind} ${e.mode.toString(8)} ${owner} ${Math.floor(e.mtimeMs)} ${content}`;
    });
}

/** Expects two pictures to be equal, times to a millisecond. */
export function expectSame(now: readonly string[], before: readonly string[], message = ""): void {
  const time = / (\d{1,13}) (?=\S*$)/;
  const near = now.map((line, i) => {
    const other = time.exec(before[i] ?? "");
    const mine = time.exec(line);
    const close = other !== null && mine !== null && Math.abs(Number(other[1]) - Number(mine[1])) <= 1;
    return close ? line.replace(time, ` ${other[1]} `) : line;
  });
  expect(near, message).toEqual(before);
}
