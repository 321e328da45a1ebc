import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { fillHandlers } from "../src/linux/dispatch";
import type { SyscallHandler } from "../src/linux/context";
import { sysNosys } from "../src/linux/misc";
import { NONE, PARTIAL, SYSCALL_LIMIT, SyscallTable } from "../src/linux/table";
import { readmeTable, withTable } from "./readme-table";

const table = new SyscallTable();
const handlers: SyscallHandler[] = [];
fillHandlers(handlers);

describe("table of system calls", () => {
  it("has a handler for each call that is there, and for no other", () => {
    expect(handlers.length).toBe(SYSCALL_LIMIT + 1);
    for (let nr = 0; nr < SYSCALL_LIMIT; nr++) {
      const there = table.state(nr) !== NONE;
      expect(`${table.name(nr)} ${handlers[nr] !== sysNosys}`).toBe(`${table.name(nr)} ${there}`);
    }
    expect(handlers[SYSCALL_LIMIT]).toBe(sysNosys);
  });

  it("says of each partial call what is missing", () => {
    for (let nr = 0; nr < SYSCALL_LIMIT; nr++)
      if (table.state(nr) === PARTIAL) expect(`${table.name(nr)}: ${table.note(nr)}`).toMatch(/: ./);
  });

  it("has the numbers of the C library's headers", () => {
    const out = execFileSync("gcc", ["-E", "-dM", "-"], { input: "#include <asm/unistd_64.h>\n", encoding: "utf8" });
    const known = [...out.matchAll(/^#define __NR_(\w+) (\d+)$/gm)];
    expect(known.length).toBeGreaterThan(330);
    for (const [, name, nr] of known)
      if (Number(nr) < SYSCALL_LIMIT) expect(`${nr} ${table.name(Number(nr))}`).toBe(`${nr} ${name}`);
  });

  it("is the table of the README (UPDATE_README=1 writes it)", () => {
    const file = new URL("../README.md", import.meta.url);
    const readme = readFileSync(file, "utf8");
    const wanted = withTable(readme, readmeTable(table));
    if (process.env["UPDATE_README"]) writeFileSync(file, wanted);
    expect(readFileSync(file, "utf8")).toBe(wanted);
  });
});
