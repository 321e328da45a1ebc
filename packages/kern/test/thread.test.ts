import { describe, expect, it } from "vitest";
import { Errno } from "@anax/portable";
import {
  CLONE_CHILD_CLEARTID,
  CLONE_CHILD_SETTID,
  CLONE_FILES,
  CLONE_FS,
  CLONE_PARENT_SETTID,
  CLONE_SIGHAND,
  CLONE_THREAD,
  CLONE_VM,
  SIGKILL,
  SIGUSR1,
} from "@anax/kern";
import { DATA, NR, World, at, result } from "./support/world";

const THREAD =
  CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;
const STACK = DATA + 0x8000;

describe("threads and futexes", () => {
  it("shares memory, and joins by the futex of CLONE_CHILD_CLEARTID", () => {
    const w = new World();
    const p = w.prog();
    p.call(NR.clone, THREAD, STACK, DATA + 128, DATA + 128, -1)
      .ifChild("thread")
      .save(0)
      .log("same", (c) => (c.load32(DATA + 128) === c.load64(DATA) ? 1 : 0));
    p.label("join")
      .jumpIf((c) => c.load32(DATA + 128) === 0, "joined")
      .call(NR.futexWait, DATA + 128, (c) => c.load32(DATA + 128), 0, 1)
      .jump("join");
    p.label("joined").log("value", at(2)).call(NR.getpid).log("pid", result).call(NR.exitGroup, 2);
    p.label("thread")
      .step((c) => c.store64(DATA + 16, 33))
      .call(NR.gettid)
      .log("tid", result)
      .call(NR.getpid)
      .log("pid", result)
      .call(NR.exit, 0);
    expect(w.run(p)).toBe(2 << 8);
    expect(w.lines).toEqual(["1 same 1", "1 tid 2", "1 pid 1", "1 value 33", "1 pid 1"]);
  });

  it("wakes futex waiters in order, times out, and sees a value that changed", () => {
    const w = new World();
    const p = w.prog();
    p.call(NR.futexWait, DATA + 256, 1, 0, 0)
      .log("changed", result)
      .call(NR.futexWait, DATA + 258, 0, 0, 0)
      .log("unaligned", result)
      .call(NR.futexWait, 64, 0, 0, 0)
      .log("unmapped", result);
    p.call(NR.futexWait, DATA + 256, 0, 1_000_000_000, 0).log("timeout", result);
    for (let i = 0; i < 3; i++) p.call(NR.clone, THREAD, STACK + i * 1024, DATA + 128, 0, -1).ifChild("thread");
    p.call(NR.nanosleep, 0, 1000000, 0)
      .call(NR.futexWake, DATA + 256, 2, 0, 0)
      .log("woken", result)
      .call(NR.nanosleep, 0, 1000000, 0);
    p.call(NR.futexWake, DATA + 256, 9, 0, 0)
      .log("woken", result)
      .call(NR.nanosleep, 0, 1000000, 0)
      .call(NR.exitGroup, 0);
    p.label("thread")
      .call(NR.futexWait, DATA + 256, 0, 0, 0)
      .log("back", result)
      .call(NR.exit, 0);
    w.run(p);
    expect(w.lines).toEqual([
      `1 changed ${-Errno.AGAIN}`,
      `1 unaligned ${-Errno.INVAL}`,
      `1 unmapped ${-Errno.FAULT}`,
      `1 timeout ${-Errno.TIMEDOUT}`,
      "1 woken 2",
      "1 back 0",
      "1 back 0",
      "1 woken 1",
      "1 back 0",
    ]);
  });

  it("ends all threads with exit_group and with a fatal signal, and the last one ends the process", () => {
    const w = new World();
    const p = w.prog();
    for (const name of ["group", "signal", "last"])
      p.call(NR.fork)
        .ifChild(name)
        .call(NR.wait, -1, 0, DATA + 64)
        .log(name, (c) => c.load32(DATA + 64));
    p.call(NR.exit, 0);
    p.label("group")
      .call(NR.clone, THREAD, STACK, DATA + 128, 0, -1)
      .ifChild("sleeper")
      .call(NR.clone, THREAD, STACK + 1024, DATA + 128, 0, -1)
      .ifChild("ender")
      .call(NR.pause);
    p.label("ender").call(NR.exitGroup, 9);
    p.label("sleeper").call(NR.pause).call(NR.exit, 1);
    p.label("signal")
      .call(NR.clone, THREAD, STACK, DATA + 128, 0, -1)
      .ifChild("killer")
      .call(NR.pause);
    p.label("killer").call(NR.getpid).save(1).call(NR.kill, at(1), SIGUSR1).label("spin").jump("spin");
    p.label("last")
      .call(NR.clone, THREAD, STACK, DATA + 128, 0, -1)
      .ifChild("late")
      .call(NR.exit, 4);
    p.label("late").call(NR.nanosleep, 0, 1000000, 0).call(NR.exit, 5);
    w.run(p);
    expect(w.lines).toEqual([`1 group ${9 << 8}`, `1 signal ${SIGUSR1}`, `1 last ${4 << 8}`]);
    expect(w.kernel.pids.lwpCount).toBe(0);
  });

  it("keeps one thread through exec, with the pid as its id", () => {
    const w = new World();
    w.install("/next", w.prog().call(NR.gettid).log("tid", result).call(NR.getpid).log("pid", result).call(NR.exit, 0));
    const p = w.prog();
    p.step((c) => c.storeText(DATA + 256, "/next"))
      .call(NR.fork)
      .ifChild("child")
      .call(NR.wait, -1, 0, DATA + 64)
      .log("status", (c) => c.load32(DATA + 64))
      .call(NR.exit, 0);
    p.label("child")
      .call(NR.clone, THREAD, STACK, DATA + 128, 0, -1)
      .ifChild("execer")
      .call(NR.pause);
    p.label("execer")
      .call(NR.execve, DATA + 256, 0, 0)
      .log("failed", result);
    w.run(p);
    expect(w.lines).toEqual(["2 tid 2", "2 pid 2", "1 status 0"]);
  });

  it("checks the flags of clone", () => {
    const w = new World();
    const p = w.prog();
    p.call(NR.clone, CLONE_SIGHAND, 0, 0, 0, -1)
      .log("sighand", result)
      .call(NR.clone, CLONE_THREAD | CLONE_VM, 0, 0, 0, -1)
      .log("thread", result);
    p.call(NR.clone, 0x10000000, 0, 0, 0, -1)
      .log("namespace", result)
      .call(NR.clone, THREAD, STACK, 8, 0, -1)
      .ifChild("thread")
      .log("badtid", result)
      .call(NR.exitGroup, 0);
    p.label("thread").call(NR.exit, 0);
    w.run(p);
    expect(w.lines).toEqual([
      `1 sighand ${-Errno.INVAL}`,
      `1 thread ${-Errno.INVAL}`,
      `1 namespace ${-Errno.INVAL}`,
      "1 badtid 2",
    ]);
  });

  it("stores the child's id in the child's memory", () => {
    const w = new World();
    const p = w.prog();
    p.call(NR.clone, CLONE_CHILD_SETTID | 17, 0, 0, DATA + 128, -1)
      .ifChild("child")
      .call(NR.wait, -1, 0, 0)
      .log("parent", (c) => c.load32(DATA + 128))
      .call(NR.exit, 0);
    p.label("child")
      .log("child", (c) => c.load32(DATA + 128))
      .call(NR.exit, 0);
    w.run(p);
    expect(w.lines).toEqual(["2 child 2", "1 parent 0"]);
  });

  it("meets at a shared futex across processes", () => {
    const w = new World();
    const p = w.prog();
    p.call(NR.fork)
      .ifChild("child")
      .call(NR.nanosleep, 0, 1000000, 0)
      .call(NR.futexWake, DATA + 256, 1, 0, 1)
      .log("private memory", result)
      .call(NR.kill, 2, SIGKILL)
      .call(NR.exit, 0);
    p.label("child")
      .call(NR.futexWait, DATA + 256, 0, 0, 1)
      .log("never", result);
    w.run(p);
    expect(w.lines).toEqual(["1 private memory 0"]);
  });
});

describe("memory", () => {
  it("kills the largest process when memory is out, and the others go on", () => {
    const w = new World({ memory: 4 * 1024 * 1024 });
    const p = w.prog();
    p.call(NR.fork).ifChild("bystander").save(0).call(NR.fork).ifChild("hog").save(1);
    p.call(NR.wait, at(1), 0, DATA + 64)
      .log("hog", (c) => c.load32(DATA + 64))
      .call(NR.kill, at(0), 0)
      .log("bystander", result)
      .call(NR.kill, at(0), SIGKILL)
      .call(NR.wait, -1, 0, 0)
      .call(NR.exit, 0);
    p.label("bystander").call(NR.pause);
    p.label("hog")
      .call(NR.mmap, 65536)
      .save(2)
      .step((c) => c.store64(DATA + 24, 0))
      .label("touch")
      .step((c) => c.store64(c.load64(DATA + 16) + c.load64(DATA + 24), 1))
      .step((c) => c.store64(DATA + 24, c.load64(DATA + 24) + 4096));
    p.jumpIf((c) => c.load64(DATA + 24) < 65536, "touch").jump("hog");
    w.run(p);
    expect(w.lines).toEqual([`1 hog ${SIGKILL}`, "1 bystander 0"]);
    expect(w.machine.sim.consoleText).toContain("Out of memory: Killed process 3 (init)");
    expect(w.kernel.oomKills).toBe(1);
  });

  it("answers fork with ENOMEM or kills, and keeps process 1, when every process wants more", () => {
    const w = new World({ memory: 3 * 1024 * 1024 });
    const p = w.prog();
    p.step((c) => c.store64(DATA + 16, 0))
      .label("again")
      .call(NR.fork)
      .ifChild("child")
      .jumpIf((c) => c.result < 0, "full")
      .step((c) => c.store64(DATA + 16, c.load64(DATA + 16) + 1))
      .jumpIf((c) => c.load64(DATA + 16) < 400, "again");
    p.label("full")
      .call(NR.kill, -1, SIGKILL)
      .label("reap")
      .call(NR.wait, -1, 0, 0)
      .jumpIf((c) => c.result > 0, "reap")
      .log("none left", result)
      .call(NR.fork)
      .ifChild("quick")
      .call(NR.wait, -1, 0, 0)
      .log("alive", 1)
      .call(NR.exit, 0);
    p.label("child")
      .call(NR.mmap, 1 << 20)
      .save(3)
      .step((c) => c.store64(DATA + 32, 0))
      .label("touch")
      .step((c) => c.store64(c.load64(DATA + 24) + c.load64(DATA + 32) * 4096, 1));
    p.step((c) => c.store64(DATA + 32, c.load64(DATA + 32) + 1))
      .jumpIf((c) => c.load64(DATA + 32) < 16, "touch")
      .call(NR.pause);
    p.label("quick").call(NR.exit, 0);
    w.run(p);
    expect(w.lines).toEqual([`1 none left ${-Errno.CHILD}`, "1 alive 1"]);
  });
});
