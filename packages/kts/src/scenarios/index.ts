/**
 * Scenario tests: the same Kernel TypeScript on V8 and compiled by asc must write the same event log, byte for byte.
 *
 * A scenario is a file of a package's `scenarios/` folder that exports `run(log: EventLog): void`. A package's
 * `test/scenarios.test.ts` says `scenarios(import.meta.url)`.
 */
import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { describe, expect, test } from "vitest";
import { runNative } from "./native.mjs";

interface Log {
  readonly text: { readonly bytes: Uint8Array; readonly length: number };
}

interface Scenario {
  run(log: Log): void;
}

/** Declares one test for each scenario of the package that the test file belongs to. */
export function scenarios(testUrl: string): void {
  const dir = path.resolve(path.dirname(fileURLToPath(testUrl)), "../scenarios");
  const files = existsSync(dir) ? readdirSync(dir).filter((f) => f.endsWith(".ts")) : [];
  describe("scenarios: V8 and asc write the same log", () => {
    test("there are scenarios", () => expect(files.length).toBeGreaterThan(0));
    for (const name of files.sort()) {
      const file = path.join(dir, name);
      test(name.replace(/\.ts$/, ""), { timeout: 120_000 }, async () => {
        const onV8 = await runV8(file);
        const onAsc = decode(await runNative(file, machineImports));
        expect(onV8.length, "the scenario wrote nothing").toBeGreaterThan(0);
        expect(onAsc).toBe(onV8);
      });
    }
  });
}

async function runV8(file: string): Promise<string> {
  const portable = (await import(/* @vite-ignore */ packageName("portable"))) as { EventLog: new () => Log };
  const scenario = (await import(/* @vite-ignore */ pathToFileURL(file).href)) as Scenario;
  const log = new portable.EventLog();
  scenario.run(log);
  return decode(log.text.bytes.subarray(0, log.text.length));
}

async function machineImports(memory: () => unknown): Promise<unknown> {
  const host = (await import(/* @vite-ignore */ packageName("machine/host"))) as {
    Machine: new () => unknown;
    wasmImports(machine: unknown, memory: () => unknown): { readonly machine: unknown };
  };
  return host.wasmImports(new host.Machine(), memory).machine;
}

/** The tool chain stands below the packages it runs: their names are not in its manifest. */
function packageName(name: string): string {
  return `@anax/${name}`;
}

function decode(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("latin1");
}
