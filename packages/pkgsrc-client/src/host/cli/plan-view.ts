/**
 * A plan as people read it: a tree of what comes and why, sizes, what is held back.
 *
 * Neighbours: `../client/plan.ts`. Invariant: every step is shown exactly once as itself; further mentions are marked.
 */
import type { ChangePlan, PlanStep } from "../client/plan";
import { columns, humanSize, type Colors } from "./output";

const VERBS: Readonly<Record<PlanStep["action"], string>> = {
  install: "install",
  upgrade: "upgrade",
  downgrade: "downgrade",
  refresh: "refresh",
  replace: "replace",
  remove: "remove",
  keep: "keep",
  unkeep: "unkeep",
};

function paint(colors: Colors, action: PlanStep["action"], text: string): string {
  switch (action) {
    case "install":
      return colors.green(text);
    case "remove":
      return colors.red(text);
    case "downgrade":
    case "replace":
      return colors.yellow(text);
    case "keep":
    case "unkeep":
      return colors.dim(text);
    default:
      return colors.cyan(text);
  }
}

function title(step: PlanStep, colors: Colors): string {
  const verb = paint(colors, step.action, VERBS[step.action].padEnd(9));
  const arrow =
    step.from !== null && step.to !== null && step.from !== step.to
      ? `${step.from} -> ${step.to}`
      : (step.to ?? step.from!);
  return `${verb} ${arrow}`;
}

function sizes(step: PlanStep, colors: Colors): string[] {
  const fetched = step.download > 0 ? humanSize(step.download) : step.download < 0 ? "size unknown" : "";
  const growth = step.growth === 0 ? "" : `${step.growth > 0 ? "+" : ""}${humanSize(step.growth)}`;
  return [colors.dim(fetched), colors.dim(growth)];
}

/** Lines of the tree: what nobody else in the plan needs, and below it what it needs. */
export function planTree(plan: ChangePlan, colors: Colors): string[] {
  const needed = new Set(plan.steps.flatMap((step) => step.needs));
  const shown = new Set<number>();
  const rows: string[][] = [];
  const visit = (i: number, lead: string, branch: string, path: ReadonlySet<number>): void => {
    const step = plan.steps[i]!;
    if (shown.has(i)) {
      rows.push([`${lead}${branch}${colors.dim(`${step.to ?? step.from!} (above)`)}`, "", ""]);
      return;
    }
    shown.add(i);
    rows.push([`${lead}${branch}${title(step, colors)}`, ...sizes(step, colors)]);
    const below = step.needs.filter((n) => !path.has(n));
    const next = lead + (branch === "" ? "" : branch.startsWith("`") ? "   " : "|  ");
    below.forEach((n, k) => visit(n, next, k === below.length - 1 ? "`- " : "|- ", new Set([...path, i])));
  };
  // Packages that were asked for first, then those that only cycles lead to.
  plan.steps.forEach((step, i) => {
    if (!needed.has(i) && !(step.action === "keep" || step.action === "unkeep")) visit(i, "", "", new Set());
  });
  plan.steps.forEach((_, i) => {
    if (!shown.has(i)) visit(i, "", "", new Set());
  });
  return columns(rows);
}

/** The whole plan. */
export function planLines(plan: ChangePlan, colors: Colors): string[] {
  const out: string[] = [...planTree(plan, colors)];
  const count = (...actions: PlanStep["action"][]): number =>
    plan.steps.filter((s) => actions.includes(s.action)).length;
  const parts: string[] = [];
  const part = (n: number, text: string): void => {
    if (n > 0) parts.push(`${n} ${text}`);
  };
  part(count("install"), "to install");
  part(count("upgrade", "replace"), "to upgrade");
  part(count("downgrade"), "to downgrade");
  part(count("refresh"), "to refresh");
  part(count("remove"), "to remove");
  part(count("keep", "unkeep"), "to mark");
  if (parts.length > 0) {
    out.push("");
    const unknown = plan.unknownSizes > 0 ? ` and ${plan.unknownSizes} of unknown size` : "";
    const fetched = plan.steps.some((step) => step.repository !== null)
      ? `; ${humanSize(plan.download)}${unknown} to fetch`
      : "";
    const growth =
      plan.growth === 0 ? "" : `, ${humanSize(Math.abs(plan.growth))} ${plan.growth > 0 ? "more" : "less"} on disk`;
    out.push(`${parts.join(", ")}${fetched}${growth}`);
  }
  if (plan.held.length > 0) {
    out.push("", colors.yellow("held back:"));
    for (const held of plan.held) {
      const instead = held.result === null ? "goes" : held.result === held.package ? "stays" : `becomes ${held.result}`;
      out.push(`  ${held.package} ${instead}, although ${held.wanted} is there:`);
      for (const line of held.reason) out.push(`    ${colors.dim(line)}`);
    }
  }
  if (plan.broken.length > 0) {
    out.push("", colors.yellow("broken before and after:"));
    for (const line of plan.broken) out.push(`  ${line}`);
  }
  if (plan.orphans.length > 0) {
    out.push("", colors.dim(`no longer needed by a kept package (autoremove): ${plan.orphans.join(" ")}`));
  }
  if (!plan.proven) out.push("", colors.yellow("the search was cut short: a better plan may exist"));
  return out;
}
