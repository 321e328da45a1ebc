/**
 * A plan of the core as plain objects: what is shown, written as JSON, and handed to a transaction.
 *
 * Key types: {@link ChangePlan}, {@link PlanStep}. Neighbours: `../../plan/plan.ts` (where it comes from), `../transaction/perform.ts` (where it goes).
 * Invariant: a step refers to steps of the same plan only.
 */
import { Errno } from "@anax/portable";
import { StepKind, type Plan } from "../../plan/plan";
import type { Reason } from "../../plan/why-not";
import type { PackageChange } from "../transaction/journal";
import type { Catalog } from "./catalog";

export type StepAction = "install" | "upgrade" | "downgrade" | "refresh" | "replace" | "remove" | "keep" | "unkeep";

export interface PlanStep {
  readonly action: StepAction;
  /** The package before and after, null for none. */
  readonly from: string | null;
  readonly to: string | null;
  /** Installed for another's sake. */
  readonly automatic: boolean;
  /** URL of the repository that `to` comes from, null when nothing is fetched. */
  readonly repository: string | null;
  /** Bytes to fetch, -1 when unknown. */
  readonly download: number;
  /** Bytes by which the installed files grow. */
  readonly growth: number;
  /** Numbers of the steps whose packages `to` needs. */
  readonly needs: readonly number[];
  /** The number of the cycle of dependencies that it is part of, 0 for none. */
  readonly cycle: number;
}

/** An upgrade that was wanted and does not happen, or not to the best version. */
export interface HeldPackage {
  readonly package: string;
  readonly wanted: string;
  /** What it becomes; null when it goes. */
  readonly result: string | null;
  /** The chain of requirements, one line each; two blanks for each level. */
  readonly reason: readonly string[];
}

export interface ChangePlan {
  readonly steps: readonly PlanStep[];
  /** The first steps that change the package tools, to be carried out before the rest is planned again. */
  readonly toolSteps: number;
  readonly held: readonly HeldPackage[];
  /** Automatic packages that no kept one needs afterwards. */
  readonly orphans: readonly string[];
  /** Dependencies that are broken now and stay so: "PACKAGE needs PATTERN". */
  readonly broken: readonly string[];
  /** Bytes; `unknownSizes` packages are not in it. */
  readonly download: number;
  readonly unknownSizes: number;
  readonly growth: number;
  /** The most bytes by which the files have grown after any step. */
  readonly peak: number;
  /** Whether no better plan exists. */
  readonly proven: boolean;
}

/** Why there is no plan. */
export interface PlanFailure {
  readonly code: "ENOTFOUND" | "EPATTERN" | "EUNSOLVABLE" | "ETIMEOUT";
  readonly message: string;
  readonly details: readonly string[];
}

const ACTIONS: Readonly<Record<number, StepAction>> = {
  [StepKind.INSTALL]: "install",
  [StepKind.UPGRADE]: "upgrade",
  [StepKind.DOWNGRADE]: "downgrade",
  [StepKind.REFRESH]: "refresh",
  [StepKind.REPLACE]: "replace",
  [StepKind.REMOVE]: "remove",
  [StepKind.MARK_KEPT]: "keep",
  [StepKind.MARK_AUTOMATIC]: "unkeep",
};

function linesOf(reason: Reason): string[] {
  return reason.lines.map((line, i) => "  ".repeat(reason.depths[i]!) + line);
}

/** The plan as objects, or why there is none. */
export function describePlan(catalog: Catalog, plan: Plan): ChangePlan | PlanFailure {
  const unmatched = ints(plan.unmatched).map((id) => catalog.patternText(id));
  if (plan.status === -Errno.SRCH) {
    return { code: "ENOTFOUND", message: `no package matches ${unmatched.join(", ")}`, details: unmatched };
  }
  if (plan.status === -Errno.INVAL) {
    return { code: "EPATTERN", message: `not a pattern: ${unmatched.join(", ")}`, details: unmatched };
  }
  if (plan.status === -Errno.DEADLK) {
    const details = plan.reason === null ? [] : linesOf(plan.reason);
    return { code: "EUNSOLVABLE", message: "this cannot be done", details };
  }
  if (plan.status < 0) {
    return { code: "ETIMEOUT", message: "no solution was found within the limit of the search", details: [] };
  }
  const broken: string[] = [];
  for (let i = 0; i + 1 < plan.broken.length; i += 2) {
    const what = plan.broken.get(i + 1);
    const text = what < 0 ? catalog.libraryText(-1 - what) : catalog.patternText(what);
    broken.push(`${catalog.nameOf(plan.broken.get(i))} needs ${text}`);
  }
  return {
    steps: stepsOf(catalog, plan),
    toolSteps: plan.toolSteps,
    held: plan.held.map((held) => ({
      package: catalog.nameOf(held.installed),
      wanted: catalog.nameOf(held.wanted),
      result: held.result < 0 ? null : catalog.nameOf(held.result),
      reason: linesOf(held.reason),
    })),
    orphans: ints(plan.orphans).map((p) => catalog.nameOf(p)),
    broken,
    download: plan.download,
    unknownSizes: plan.unknownSizes,
    growth: plan.growth,
    peak: plan.peak,
    proven: plan.proven,
  };
}

function ints(v: { readonly length: number; get(i: number): number }): number[] {
  return Array.from({ length: v.length }, (_, i) => v.get(i));
}

function stepsOf(catalog: Catalog, plan: Plan): PlanStep[] {
  const u = catalog.universe;
  const stepOf = new Map<number, number>();
  for (let i = 0; i < plan.steps; i++) if (plan.news.get(i) >= 0) stepOf.set(plan.news.get(i), i);
  const out: PlanStep[] = [];
  for (let i = 0; i < plan.steps; i++) {
    const old = plan.olds.get(i);
    const now = plan.news.get(i);
    const kind = plan.kinds.get(i);
    const needs = new Set<number>();
    for (let d = 0; now >= 0 && kind < StepKind.REMOVE && d < u.dependCount(now); d++) {
      const id = u.dependAt(now, d);
      for (let k = 0; k < u.candidates(id); k++) {
        const step = stepOf.get(u.candidate(id, k));
        if (step === undefined || step === i) continue;
        needs.add(step);
        break;
      }
    }
    out.push({
      action: ACTIONS[kind]!,
      from: old < 0 ? null : catalog.nameOf(old),
      to: now < 0 ? null : catalog.nameOf(now),
      automatic: plan.automatics.get(i) === 1,
      repository: now < 0 || kind > StepKind.REMOVE ? null : (catalog.repositoryOf(now)?.url ?? null),
      download: plan.downloadOf(i),
      growth: plan.growthOf(i),
      needs: [...needs],
      cycle: plan.cycles.get(i),
    });
  }
  return out;
}

/** What a transaction's history says about a step. */
export function changeOf(step: PlanStep): PackageChange {
  switch (step.action) {
    case "keep":
    case "unkeep":
      return { action: "mark", from: step.from, to: step.to };
    case "replace":
      return { action: "upgrade", from: step.from, to: step.to };
    default:
      return { action: step.action, from: step.from, to: step.to };
  }
}
