/**
 * Out of memory: the process that uses most of it goes, so that the others can go on.
 *
 * The memory of the victim is taken away at once; it ends itself when it gets its turn, by SIGKILL. Process 1 is never
 * chosen while there is another.
 * Neighbours: `trap.ts` (a fault that found no page), `loop.ts` (a call that found none). Invariant: nothing is killed while pages are free.
 * Source: Linux mm/oom_kill.c (proc(5), oom_score_adj).
 */
import { USER_END } from "@anax/machine";
import { longDiv, stringOf, u32, type i32, type long } from "@anax/portable";
import type { VmSpace } from "@anax/vm";
import type { Kernel } from "./kernel";
import { OP_FORK, type Lwp } from "./lwp";
import type { Proc } from "./proc";
import { SIGKILL, SI_KERNEL } from "./sigdefs";
import { forceSignal, procSignal } from "./signal";

/** Lines about killed processes in one second. */
const REPORTS_MAX: i32 = 10;

/** What failed has given back what it had got by then: with up to so many pages free, memory is out. */
const SLACK: u32 = 64;

/** What the process would free, in pages, adjusted; 0 when it must not be chosen. */
export function oomScore(k: Kernel, p: Proc): long {
  const space = p.space;
  if (space === null || p.exiting || p.oomKilled || p.oomAdj <= -1000) return 0;
  const total: long = k.pages.totalCount;
  const score: long = ((space.residentAnon + space.tablePages) | 0) + longDiv(total, 1000) * p.oomAdj;
  return score > 0 ? score : 1;
}

/**
 * Who goes. Sizes count by steps of a 64th of memory; among processes of a step it is the one with the most siblings (a program
 * that forks without end, not its victims), and of those the youngest. Null when only process 1 is left.
 */
function chooseVictim(k: Kernel): Proc | null {
  let step: long = longDiv(k.pages.totalCount, 64);
  if (step < 64) step = 64;
  let victim: Proc | null = null;
  let most: long = -1;
  let siblings: i32 = 0;
  let p = k.pids.nextProc(2);
  while (p !== null) {
    const score = oomScore(k, p);
    if (score > 0) {
      const size: long = longDiv(score, step);
      const parent = p.parent;
      const n: i32 = parent === null ? 0 : parent.childCount;
      if (size > most || (size === most && (n > siblings || (n === siblings && p.startTime >= victim!.startTime)))) {
        victim = p;
        most = size;
        siblings = n;
      }
    }
    p = k.pids.nextProc((p.pid + 1) | 0);
  }
  return victim;
}

/**
 * A fault or a call of `l` found no memory. True when some was made free and it is worth trying again; false when there
 * is memory (another limit was met), or when the process of `l` itself was chosen. A fork that would be at the cost of
 * a child of the same process is not made room for: it fails.
 */
export function makeRoom(k: Kernel, l: Lwp): boolean {
  if (k.pages.freeCount > u32(k.pages.reserve + SLACK)) return false;
  let victim = chooseVictim(k);
  if (l.opState === OP_FORK && (victim === null || victim === l.proc || victim.parent === l.proc)) return false;
  if (victim === null) victim = l.proc;
  report(k, victim);
  return kill(k, l, victim);
}

/** Kills every process that shares the victim's memory, and frees it unless it is the memory of `l`. */
function kill(k: Kernel, l: Lwp, victim: Proc): boolean {
  const space = victim.vm;
  k.oomKills = (k.oomKills + 1) | 0;
  let p = k.pids.nextProc(1);
  while (p !== null) {
    const pid = p.pid;
    if (p.space === space) killOne(k, p);
    p = k.pids.nextProc((pid + 1) | 0);
  }
  if (space === l.proc.space) return false;
  takeMemory(space);
  return true;
}

function killOne(k: Kernel, p: Proc): void {
  p.oomKilled = true;
  // Process 1 alone is left, and it does not fit: it ends like a program that made a fault.
  if (p === k.init) forceSignal(p.lwps!, k.info.reset(SIGKILL, SI_KERNEL));
  else procSignal(p, SIGKILL, SI_KERNEL);
}

function takeMemory(space: VmSpace): void {
  space.unmap(0, USER_END);
}

/** Says who was killed; of many in a second only the first ones by name. */
function report(k: Kernel, p: Proc): void {
  const second = k.uptimeSeconds();
  if (second !== k.oomSecond) {
    k.oomSecond = second;
    k.oomInSecond = 0;
  }
  k.oomInSecond++;
  if (k.oomInSecond > REPORTS_MAX) {
    if (k.oomInSecond === REPORTS_MAX + 1) k.log("Out of memory: more processes killed");
    return;
  }
  let n: i32 = 0;
  while (n < 16 && p.comm[n] !== 0) n++;
  const space = p.vm;
  const kib: long = k.kib(space.residentAnon >>> 0);
  k.log(`Out of memory: Killed process ${p.pid.toString()} (${stringOf(p.comm, 0, n)}) anon-rss:${kib.toString()}kB`);
}
