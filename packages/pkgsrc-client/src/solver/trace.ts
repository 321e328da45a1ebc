/**
 * What a refutation rests on: for each learned clause what it was resolved from, and the walk from there down to added clauses.
 *
 * Key type `Trace`. Neighbours: `sat.ts`, which notes every use while it learns; `explain.ts` reads `origins`.
 * An item is `2 * clause`, or `2 * variable + 1` for a variable with a value at the root, whose reasons are followed when unfolded.
 * Invariant: with tracing no clause is ever forgotten, so items stay valid.
 */
import type { i32 } from "@anax/portable";
import { ID, UNTRACED, type Clauses } from "./clauses";
import { IntVec } from "./int-vec";

export class Trace {
  /** Ids of the added clauses behind the last refutation. */
  readonly origins: IntVec = new IntVec();
  private readonly used: IntVec = new IntVec();
  private readonly kept: IntVec = new IntVec();

  constructor(
    readonly active: boolean,
    private readonly clauses: Clauses,
  ) {}

  begin(): void {
    this.used.clear();
  }

  useClause(c: i32): void {
    if (this.active) this.used.push((2 * c) | 0);
  }

  useRoot(variable: i32): void {
    if (this.active) this.used.push((2 * variable + 1) | 0);
  }

  /** Keeps what was used since `begin`; returns the `ID` of the clause learned from it. */
  keep(): i32 {
    if (!this.active) return UNTRACED;
    const at = this.kept.length;
    this.kept.push(this.used.length);
    this.kept.append(this.used);
    return (-2 - at) | 0;
  }

  /** From what was used since `begin` down to `origins`. `reason` is by variable. */
  unfold(reason: Int32Array): void {
    if (!this.active) return;
    this.origins.clear();
    const seen = new Set<i32>();
    const ids = new Set<i32>();
    const work = this.used;
    while (work.length > 0) {
      const item = work.last();
      work.truncate((work.length - 1) | 0);
      if (seen.has(item)) continue;
      seen.add(item);
      const x = item >> 1;
      if ((item & 1) === 1) this.unfoldRoot(x, reason[x]);
      else {
        const id = this.clauses.arena.get((x + ID) | 0);
        if (id < 0) this.unfoldLearned((-2 - id) | 0);
        else if (!ids.has(id)) {
          ids.add(id);
          this.origins.push(id);
        }
      }
    }
  }

  private unfoldRoot(variable: i32, reason: i32): void {
    if (reason <= -2) this.useRoot(((-2 - reason) | 0) >> 1);
    else if (reason >= 0) {
      this.useClause(reason);
      const n = this.clauses.size(reason);
      for (let i = 0; i < n; i++) {
        const v = this.clauses.literal(reason, i) >> 1;
        if (v !== variable) this.useRoot(v);
      }
    }
  }

  private unfoldLearned(at: i32): void {
    const n = this.kept.get(at);
    for (let i = 1; i <= n; i++) this.used.push(this.kept.get((at + i) | 0));
  }
}
