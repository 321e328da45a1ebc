/** The README's table of system calls, made from the data in `src/linux/table.ts`. */
import { FULL, NONE, SYSCALL_LIMIT, SyscallTable } from "../src/linux/table";

export const BEGIN = "<!-- syscalls:begin -->";
export const END = "<!-- syscalls:end -->";

export function readmeTable(t: SyscallTable): string {
  const numbers = Array.from({ length: SYSCALL_LIMIT }, (_, nr) => nr).filter((nr) => t.name(nr) !== "");
  const count = (test: (state: number) => boolean): number => numbers.filter((nr) => test(t.state(nr))).length;
  const lines = [
    `${count((s) => s === FULL)} calls are full, ${count((s) => s !== FULL && s !== NONE)} partial, ${count((s) => s === NONE)} absent.`,
    "",
    "| No. | Call | State | Missing |",
    "| --: | --- | --- | --- |",
    ...numbers.map((nr) => {
      const state = t.state(nr) === FULL ? "full" : t.state(nr) === NONE ? "❌" : "partial";
      return `| ${nr} | ${t.name(nr).replaceAll("_", "\\_")} | ${state} | ${t.note(nr)} |`;
    }),
  ];
  return lines.join("\n");
}

/** `readme` with its table replaced. */
export function withTable(readme: string, table: string): string {
  const from = readme.indexOf(BEGIN);
  const to = readme.indexOf(END);
  if (from < 0 || to < from) throw new Error("the README has no place for the table of system calls");
  return `${readme.slice(0, from + BEGIN.length)}\n${table}\n${readme.slice(to)}`;
}
