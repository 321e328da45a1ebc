/** What must hold of a kernel between two handlers. */
import { expect } from "vitest";
import { LS_RUN, LS_SLEEP, type Kernel, type Proc } from "@anax/kern";

/** Every process, in the order of pids. */
export function processes(k: Kernel): Proc[] {
  const out: Proc[] = [];
  for (let p = k.pids.nextProc(1); p !== null; p = k.pids.nextProc(p.pid + 1)) out.push(p);
  return out;
}

export function checkInvariants(k: Kernel): void {
  const all = processes(k);
  expect(all.length).toBe(k.pids.procCount);
  let lwps = 0;
  let queued = 0;
  const groups = new Map<number, number>();
  for (const p of all) {
    expect(k.pids.proc(p.pid)).toBe(p);
    expect(p.zombie).toBe(p.lwpCount === 0);
    expect(p.space === null).toBe(p.zombie);
    expect(p.files === null).toBe(p.zombie);
    expect(p.sighand === null).toBe(p.zombie);
    let n = 0;
    for (let l = p.lwps; l !== null; l = l.next) {
      n++;
      expect(k.pids.lwp(l.tid)).toBe(l);
      expect(l.proc).toBe(p);
      expect(l.state === LS_RUN || l.state === LS_SLEEP).toBe(true);
      const onQueue = l.state === LS_RUN && l !== k.current && !p.stopped;
      expect(l.sched.queued, `pid ${p.pid} state ${l.state} stopped ${p.stopped}`).toBe(onQueue);
      if (onQueue) queued++;
      if (l.state === LS_RUN) expect(l.isWaiting && l !== k.current).toBe(false);
      if (l.fpuPage !== 0) expect(k.pages.refs[l.fpuPage]).toBe(1);
      expect(l.maskLo & 0x40100).toBe(0);
    }
    expect(n).toBe(p.lwpCount);
    lwps += n;
    // The family is linked both ways, oldest first.
    let c = p.children;
    let last: Proc | null = null;
    while (c !== null) {
      expect(c.parent).toBe(p);
      expect(c.siblingPrev).toBe(last);
      last = c;
      c = c.siblingNext;
    }
    expect(p.childrenTail).toBe(last);
    if (p.pid !== 1) expect(p.parent).not.toBeNull();
    const g = p.group!;
    expect(k.pids.group(g.pgid)).toBe(g);
    groups.set(g.pgid, (groups.get(g.pgid) ?? 0) + 1);
  }
  expect(lwps).toBe(k.pids.lwpCount);
  expect(queued).toBe(k.scheduler.runnable);
  for (const [pgid, n] of groups) expect(k.pids.group(pgid)!.count).toBe(n);
}
