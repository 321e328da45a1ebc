/** Statistics as tables for a terminal. Neighbours: `../sim/statistics.ts`, `../cli.ts`. */
import type { Statistics, Summary } from "../sim/statistics";
import { formatDuration } from "../units";

/** Lines of cells in columns; the first column is left, the others right. */
export function table(head: string[], rows: string[][]): string {
  const lines = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...lines.map((cells) => cells[column]!.length)));
  return lines
    .map((cells) => cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join("  "))
    .map((line) => line.trimEnd())
    .join("\n");
}

const percent = (x: number): string => `${(x * 100).toFixed(1)} %`;
const index = (x: number | null): string => (x === null ? "-" : x.toFixed(3));
const times = (s: Summary): string[] =>
  s.count === 0 ? ["-", "-", "-", "-"] : [s.p50, s.p90, s.p99, s.max].map(formatDuration);

/** Everything about one run. */
export function statisticsText(s: Statistics): string {
  const about = [
    `${s.workload} under ${s.policy}, ${s.topology}`,
    `seed ${s.seed}, ${formatDuration(s.duration)} simulated, ${s.tasks.started} ${s.tasks.started === 1 ? "task" : "tasks"} (${s.tasks.finished} finished, ${s.tasks.blocked} asleep)`,
    "",
    `utilisation ${percent(s.cpu.utilisation)}, overhead ${percent(s.cpu.overhead / (s.duration * s.cpus || 1))}`,
    `${s.contextSwitches} context switches, ${s.preemptions} preemptions, ${s.wakeups} wake-ups, ${s.decisions} decisions`,
    `${s.migrations.total} migrations: ${s.migrations.thread} to a thread of the core, ${s.migrations.core} to a core of the package, ` +
      `${s.migrations.package} to a package of the node, ${s.migrations.node} to another node`,
    `fairness (Jain) ${index(s.fairness.jain)} among equals, ${index(s.fairness.weightedJain)} by weight 1.25^-nice`,
  ];
  if (s.deadlines.met + s.deadlines.missed > 0) {
    about.push(`deadlines: ${s.deadlines.met} met, ${s.deadlines.missed} missed`);
  }
  const parts = [about.join("\n")];
  parts.push(
    table(
      ["wake-up to run", "count", "p50", "p90", "p99", "max"],
      s.groups.filter((g) => g.latency.count > 0).map((g) => [g.name, String(g.latency.count), ...times(g.latency)]),
    ),
  );
  const answering = s.groups.filter((g) => g.response.count > 0);
  if (answering.length > 0) {
    parts.push(
      table(
        ["response", "count", "p50", "p90", "p99", "max", "missed"],
        answering.map((g) => [g.name, String(g.response.count), ...times(g.response), String(g.deadlinesMissed)]),
      ),
    );
  }
  parts.push(
    table(
      ["CPU", "tasks", "class", "nice", "share", "switches", "migrations"],
      s.groups.map((g) => [
        g.name,
        String(g.tasks),
        g.class,
        String(g.nice),
        percent(g.share),
        String(g.contextSwitches),
        String(g.migrations),
      ]),
    ),
  );
  return `${parts.join("\n\n")}\n`;
}

/** Several policies side by side: a row for each number. */
export function comparisonText(all: readonly Statistics[]): string {
  const first = all[0]!;
  const head = `${first.workload} on ${first.topology}, seed ${first.seed}`;
  const row = (name: string, of: (s: Statistics) => string): string[] => [name, ...all.map(of)];
  const rows = [
    row("simulated", (s) => formatDuration(s.duration)),
    row("utilisation", (s) => percent(s.cpu.utilisation)),
    row("overhead", (s) => percent(s.cpu.overhead / (s.duration * s.cpus || 1))),
    row("context switches", (s) => String(s.contextSwitches)),
    row("preemptions", (s) => String(s.preemptions)),
    row("migrations", (s) => String(s.migrations.total)),
    row("  thread / core / package / node", (s) =>
      [s.migrations.thread, s.migrations.core, s.migrations.package, s.migrations.node].join(" / "),
    ),
    row("latency p50", (s) => formatDuration(s.latency.p50)),
    row("latency p90", (s) => formatDuration(s.latency.p90)),
    row("latency p99", (s) => formatDuration(s.latency.p99)),
    row("latency max", (s) => formatDuration(s.latency.max)),
    row("response p50", (s) => formatDuration(s.response.p50)),
    row("response p99", (s) => formatDuration(s.response.p99)),
    row("deadlines missed", ({ deadlines: { met, missed } }) =>
      met + missed === 0 ? "-" : `${missed} of ${met + missed}`,
    ),
    row("fairness among equals", (s) => index(s.fairness.jain)),
    row("fairness by weight", (s) => index(s.fairness.weightedJain)),
  ];
  const names = new Set(all.flatMap((s) => s.groups.filter((g) => g.cpu > 0).map((g) => g.name)));
  const group = (s: Statistics, name: string): Statistics["groups"][number] | undefined =>
    s.groups.find((g) => g.name === name);
  const perGroup = [...names]
    .slice(0, 20)
    .flatMap((name) => [
      row(`${name}: share of CPU`, (s) => percent(group(s, name)?.share ?? 0)),
      ...(all.some((s) => (group(s, name)?.response.count ?? 0) > 0)
        ? [row("  response p99", (s) => times(group(s, name)!.response)[2]!)]
        : []),
      ...(all.some((s) => (group(s, name)?.latency.count ?? 0) > 1)
        ? [row("  latency p99", (s) => times(group(s, name)!.latency)[2]!)]
        : []),
    ]);
  return `${head}\n\n${table(["", ...all.map((s) => s.policy)], [...rows, ...perGroup])}\n`;
}
