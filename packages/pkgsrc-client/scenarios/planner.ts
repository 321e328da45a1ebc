/** A machine is planned over: installing, upgrading, removing, what is held back, and the words for it. */
import { bytesOf, EventLog, type i32 } from "@anax/portable";
import { type Plan, Planner, Relations, Request, Universe, UpgradeScope } from "@anax/pkgsrc-client";

const REQUIRED =
  "COMMENT=c\nSIZE_PKG=1000\nFILE_SIZE=300\nCATEGORIES=misc\nMACHINE_ARCH=x86_64\nOPSYS=NetBSD\nOS_VERSION=10.0\nPKGPATH=misc/x\nPKGTOOLS_VERSION=20091115\nDESCRIPTION=d\n";

class Machine {
  readonly universe: Universe = new Universe();
  private text: string = "";

  offer(name: string, more: string): Machine {
    this.text = this.text + "PKGNAME=" + name + "\nBUILD_DATE=2026-04-01\n" + REQUIRED + more + "\n";
    return this;
  }

  close(): void {
    const u = this.universe;
    const bytes = bytesOf(this.text);
    u.beginSummary(u.addRepository(0));
    u.addSummary(bytes, 0, bytes.length);
    u.endSummary();
  }

  have(name: string, more: string, automatic: boolean): i32 {
    const bytes = bytesOf("PKGNAME=" + name + "\nBUILD_DATE=2026-01-01\n" + REQUIRED + more + "\n");
    return this.universe.addInstalled(bytes, 0, bytes.length, automatic);
  }

  pattern(text: string): i32 {
    const bytes = bytesOf(text);
    return this.universe.pattern(bytes, 0, bytes.length);
  }

  name(p: i32): string {
    if (p < 0) return "-";
    const u = this.universe;
    let s = "";
    for (let i = 0; i < u.nameLength(p); i++) s = s + String.fromCharCode(u.arena.bytes[u.nameAt(p) + i]);
    return s;
  }
}

function machine(): Machine {
  const m = new Machine();
  m.offer("app-2.0", "DEPENDS=lib>=2\nDEPENDS={mail,post}-[0-9]*\nREQUIRES=/usr/pkg/lib/libx.so.2\n")
    .offer("lib-2.0", "PROVIDES=/usr/pkg/lib/libx.so.2\n")
    .offer("lib-1.9", "PROVIDES=/usr/pkg/lib/libx.so.1\n")
    .offer("user-1.1", "DEPENDS=lib>=2\nREQUIRES=/usr/pkg/lib/libx.so.2\n")
    .offer("stuck-2.0", "DEPENDS=gone>=3\n")
    .offer("gone-2.5", "")
    .offer("mail-1.0", "CONFLICTS=post-[0-9]*\n")
    .offer("post-4.0", "CONFLICTS=mail-[0-9]*\n")
    .offer("renamed-1.0", "SUPERSEDES=oldname<9\n")
    .offer("ring-1.0", "DEPENDS=rang>=1\n")
    .offer("rang-1.0", "DEPENDS=rung>=1\n")
    .offer("rung-1.0", "DEPENDS=ring>=1\n")
    .offer("self-1.0", "CONFLICTS=self-[0-9]*\n")
    .offer("wish-1.0", "DEPENDS=lib>=2\nDEPENDS=strict-[0-9]*\n")
    .offer("strict-1.0", "DEPENDS=lib<2\n")
    .offer("pkg_install-20260401", "")
    .close();
  m.have("pkg_install-20260101", "", false);
  m.have("user-1.0", "DEPENDS=lib>=1<2\nREQUIRES=/usr/pkg/lib/libx.so.1\n", false);
  m.have("lib-1.8", "PROVIDES=/usr/pkg/lib/libx.so.1\n", true);
  m.have("stuck-1.0", "", false);
  m.have("oldname-1.0", "", false);
  m.have("orphan-1.0", "DEPENDS=orphaned-[0-9]*\n", true);
  m.have("orphaned-1.0", "", true);
  return m;
}

function tell(log: EventLog, m: Machine, title: string, plan: Plan): void {
  log.line(title);
  log.value("status", plan.status);
  for (let i = 0; i < plan.steps; i++) {
    log.line(
      plan.kinds.get(i).toString() +
        " " +
        m.name(plan.olds.get(i)) +
        " " +
        m.name(plan.news.get(i)) +
        " " +
        plan.automatics.get(i).toString() +
        " " +
        plan.cycles.get(i).toString(),
    );
  }
  log.value("tool steps", plan.toolSteps);
  log.value("download", plan.download);
  log.value("growth", plan.growth);
  log.value("peak", plan.peak);
  for (let i = 0; i < plan.held.length; i++) {
    const h = plan.held[i];
    log.line("held " + m.name(h.installed) + " " + m.name(h.wanted) + " " + m.name(h.result));
    log.line(h.reason.toString());
  }
  for (let i = 0; i < plan.orphans.length; i++) log.line("orphan " + m.name(plan.orphans.get(i)));
  for (let i = 0; i < plan.unmatched.length; i++) log.value("unmatched", plan.unmatched.get(i));
  const reason = plan.reason;
  if (reason !== null) log.line(reason.toString());
}

function install(log: EventLog, text: string): void {
  const m = machine();
  const r = new Request();
  r.install(m.pattern(text));
  tell(log, m, "install " + text, new Planner(m.universe).plan(r));
}

export function run(log: EventLog): void {
  install(log, "app");
  install(log, "ring");
  install(log, "self");
  install(log, "wish");
  install(log, "nothing");
  install(log, "{a,b");
  install(log, "stuck>=2");

  const m = machine();
  const planner = new Planner(m.universe);
  const all = new Request();
  all.scope = UpgradeScope.ALL;
  all.tools.push(m.universe.findBase(bytesOf("pkg_install"), 0, 11));
  tell(log, m, "full-upgrade", planner.plan(all));
  all.autoremove = true;
  tell(log, m, "full-upgrade and autoremove", planner.plan(all));

  const remove = new Request();
  remove.remove(m.pattern("lib"));
  tell(log, m, "remove lib", planner.plan(remove));
  remove.locks.push(m.pattern("user"));
  tell(log, m, "remove lib, user is locked", planner.plan(remove));

  const both = new Request();
  both.install(m.pattern("post"));
  both.remove(m.pattern("post"));
  both.install(m.pattern("mail"));
  tell(log, m, "install and remove", planner.plan(both));

  const relations = new Relations(m.universe);
  const why = relations.why(m.universe.candidate(m.pattern("lib-1.8"), 0));
  for (let i = 0; i < why.length; i++) log.line("why " + m.name(why.get(i)));
}
