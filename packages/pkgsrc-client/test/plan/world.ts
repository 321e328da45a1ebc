/** A universe, a request and a plan in a few lines, for tests. */
import { Planner, Request, StepKind, Universe, type Plan } from "@anax/pkgsrc-client";
import { bytesOf } from "@anax/portable";
import { record, type RecordFields } from "../summary.js";

/** `"foo-1.0"`, or with fields. */
export type Entry = string | (RecordFields & { automatic?: boolean; preserved?: boolean });

const fields = (e: Entry) => (typeof e === "string" ? { name: e } : e);

export class World {
  readonly universe = new Universe();
  readonly request = new Request();
  private readonly handles = new Map<string, number>();

  constructor(installed: Entry[], ...repositories: (Entry[] | { priority: number; packages: Entry[] })[]) {
    const u = this.universe;
    for (const r of repositories) {
      const { priority, packages } = Array.isArray(r) ? { priority: 0, packages: r } : r;
      const number = u.addRepository(priority);
      u.beginSummary(number);
      const text = bytesOf(packages.map((e) => record(fields(e))).join(""));
      u.addSummary(text, 0, text.length);
      u.endSummary();
      this.request.repositoryNames.push(`repository ${String.fromCharCode(97 + number)}`);
    }
    for (const e of installed) {
      const text = bytesOf(record(fields(e)));
      const p = u.addInstalled(text, 0, text.length, typeof e !== "string" && e.automatic === true);
      this.handles.set(fields(e).name, p);
      if (typeof e !== "string" && e.preserved) this.request.preserved.push(p);
    }
  }

  pattern(text: string): number {
    return this.universe.pattern(bytesOf(text), 0, text.length);
  }

  name(p: number): string {
    const u = this.universe;
    return String.fromCharCode(...u.arena.bytes.subarray(u.nameAt(p), u.nameAt(p) + u.nameLength(p)));
  }

  /** The installed package of that name. */
  installed(name: string): number {
    return this.handles.get(name)!;
  }

  plan(): Plan {
    return new Planner(this.universe).plan(this.request);
  }
}

/** The steps in words: `+ new`, `- old`, `old > new`; `*` behind new packages that are automatic. */
export function steps(w: World, plan: Plan): string[] {
  const out: string[] = [];
  for (let i = 0; i < plan.steps; i++) {
    const kind = plan.kinds.get(i);
    const auto = plan.automatics.get(i) === 1 ? "*" : "";
    const old = plan.olds.get(i) < 0 ? "" : w.name(plan.olds.get(i));
    const now = plan.news.get(i) < 0 ? "" : w.name(plan.news.get(i));
    if (kind === StepKind.INSTALL) out.push(`+ ${now}${auto}`);
    else if (kind === StepKind.REMOVE) out.push(`- ${old}`);
    else if (kind === StepKind.MARK_KEPT) out.push(`keep ${old}`);
    else if (kind === StepKind.MARK_AUTOMATIC) out.push(`auto ${old}`);
    else out.push(`${StepKind[kind]!.toLowerCase()} ${old} ${now}${auto}`);
  }
  return out;
}
