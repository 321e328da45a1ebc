import { describe, expect, it } from "vitest";
import { Errno } from "@anax/portable";
import { SIGKILL, SIGTERM, WNOHANG } from "@anax/kern";
import { DATA, NR, World, at, result } from "./support/world";

describe("processes", () => {
  it("runs the first program, and ends with it", () => {
    const w = new World();
    const status = w.run(w.prog().call(NR.getpid).log("pid", result).call(NR.exit, 7));
    expect(w.lines).toEqual(["1 pid 1"]);
    expect(status).toBe(7 << 8);
    expect(w.kernel.initExited).toBe(true);
  });

  it("forks, and the parent waits for the child's status", () => {
    const w = new World();
    const p = w.prog();
    p.call(NR.fork).ifChild("child").save(0);
    p.call(NR.wait, -1, 0, DATA + 64).log("waited", result);
    p.log("same", (c) => (c.load64(DATA) === 2 ? 1 : 0));
    p.log("status", (c) => c.load32(DATA + 64))
      .call(NR.wait, -1, 0, 0)
      .log("none", result)
      .call(NR.exit, 0);
    p.label("child").call(NR.getppid).log("ppid", result).call(NR.exit, 3);
    expect(w.run(p)).toBe(0);
    expect(w.lines).toEqual(["2 ppid 1", "1 waited 2", "1 same 1", `1 status ${3 << 8}`, `1 none ${-Errno.CHILD}`]);
  });

  it("gives a forked child memory of its own", () => {
    const w = new World();
    const p = w.prog();
    p.step((c) => c.store64(DATA, 11))
      .call(NR.fork)
      .ifChild("child");
    p.call(NR.wait, -1, 0, 0).log("parent", at(0)).call(NR.exit, 0);
    p.label("child")
      .step((c) => c.store64(DATA, 22))
      .log("child", at(0))
      .call(NR.exit, 0);
    w.run(p);
    expect(w.lines).toEqual(["2 child 22", "1 parent 11"]);
  });

  it("suspends a vfork parent until the child has exited, in its memory", () => {
    const w = new World();
    const p = w.prog();
    p.call(NR.vfork).ifChild("child").save(1).log("value", at(0)).call(NR.wait, -1, 0, 0).call(NR.exit, 0);
    p.label("child")
      .step((c) => c.store64(DATA, 5))
      .call(NR.nanosleep, 1, 0, 0)
      .log("child", 1)
      .call(NR.exit, 0);
    w.run(p);
    expect(w.lines).toEqual(["2 child 1", "1 value 5"]);
  });

  it("replaces the program by exec, keeps the pid and closes what is close-on-exec", () => {
    const w = new World();
    const next = w.prog();
    next
      .save(0)
      .call(NR.getpid)
      .log("after", result)
      .log("argc", (c) => c.load64(DATA + 8))
      .call(NR.exit, 4);
    w.install(
      "/next",
      w
        .prog()
        .step((c) => c.store64(DATA + 8, c.reg(5)))
        .step((c) => c.goto(2))
        .call(NR.getpid)
        .log("next", result)
        .log("argc", at(1))
        .call(NR.exit, 4),
    );
    const p = w.prog();
    p.step((c) => c.storeText(DATA + 256, "/next"))
      .step((c) => c.store64(DATA + 512, DATA + 256))
      .step((c) => c.store64(DATA + 520, DATA + 256));
    p.call(NR.fork)
      .ifChild("child")
      .call(NR.wait, -1, 0, DATA + 64)
      .log("status", (c) => c.load32(DATA + 64))
      .call(NR.exit, 0);
    p.label("child")
      .call(NR.execve, DATA + 256, DATA + 512, 0)
      .log("failed", result)
      .call(NR.exit, 1);
    w.run(p);
    expect(w.lines).toEqual(["2 next 2", "2 argc 2", `1 status ${4 << 8}`]);
  });

  it("runs scripts through their interpreter and refuses endless ones", () => {
    const w = new World();
    w.install(
      "/interp",
      w
        .prog()
        .save(0)
        .step((c) => c.store64(DATA + 8, c.reg(5)))
        .step((c) => c.store64(DATA + 16, c.reg(4)))
        .log("argc", at(1))
        .log("third", (c) =>
          String.fromCharCode(...c.loadBytes(c.load64(DATA + 16) + 8 + 3, 7)) === "/script" ? 1 : 0,
        )
        .call(NR.exit, 0),
    );
    w.file("/script", new TextEncoder().encode("#! /interp -x \nhello\n"));
    w.file("/loop", new TextEncoder().encode("#!/loop\n"));
    w.file("/empty", new TextEncoder().encode(""));
    w.file("/plain", new TextEncoder().encode("STEPxxxx"), 0o644);
    const p = w.prog();
    p.step((c) => c.storeText(DATA + 256, "/script"))
      .step((c) => c.storeText(DATA + 264, "/loop"))
      .step((c) => c.storeText(DATA + 272, "/empty"));
    p.step((c) => c.storeText(DATA + 280, "/plain")).step((c) => c.storeText(DATA + 288, "/none"));
    p.step((c) => c.store64(DATA + 512, DATA + 256)).step((c) => c.store64(DATA + 520, DATA + 264));
    for (const [name, address] of [
      ["loop", 264],
      ["empty", 272],
      ["plain", 280],
      ["none", 288],
    ] as const)
      p.call(NR.execve, DATA + address, 0, 0).log(name, result);
    p.call(NR.execve, 8, 0, 0).log("wild", result);
    p.call(NR.fork).ifChild("child").call(NR.wait, -1, 0, 0).call(NR.exit, 0);
    p.label("child")
      .call(NR.execve, DATA + 256, DATA + 512, 0)
      .log("failed", result)
      .call(NR.exit, 1);
    w.run(p);
    expect(w.lines).toEqual([
      `1 loop ${-Errno.LOOP}`,
      `1 empty ${-Errno.NOEXEC}`,
      `1 plain ${-Errno.ACCES}`,
      `1 none ${-Errno.NOENT}`,
      `1 wild ${-Errno.FAULT}`,
      "2 argc 4",
      "2 third 1",
    ]);
  });

  it("hands orphans to process 1 and frees everything that ended", () => {
    const w = new World();
    const p = w.prog();
    p.call(NR.fork)
      .ifChild("child")
      .call(NR.wait, -1, 0, 0)
      .log("first", result)
      .call(NR.wait, -1, 0, 0)
      .log("second", result)
      .call(NR.exit, 0);
    p.label("child").call(NR.fork).ifChild("grandchild").call(NR.exit, 0);
    p.label("grandchild").call(NR.nanosleep, 0, 1000000, 0).call(NR.getppid).log("ppid", result).call(NR.exit, 0);
    w.run(p);
    expect(w.lines).toEqual(["1 first 2", "3 ppid 1", "1 second 3"]);
    expect(w.kernel.pids.procCount).toBe(1);
    expect(w.kernel.pids.lwpCount).toBe(0);
    expect(w.kernel.wheel.armedCount).toBe(1);
  });

  it("waits without hanging, and for one child among others", () => {
    const w = new World();
    const p = w.prog();
    p.call(NR.fork).ifChild("slow").save(0).call(NR.fork).ifChild("fast").save(1);
    p.call(NR.wait, -1, WNOHANG, 0)
      .log("nohang", result)
      .call(NR.wait, at(0), 0, 0)
      .log("slow", result)
      .call(NR.wait, -1, 0, 0)
      .log("fast", result);
    p.call(NR.wait, 999, 0, 0)
      .log("stranger", result)
      .call(NR.wait, -1, 0x100, 0)
      .log("badoption", result)
      .call(NR.exit, 0);
    p.label("slow").call(NR.nanosleep, 0, 50000000, 0).call(NR.exit, 0);
    p.label("fast").call(NR.exit, 0);
    w.run(p);
    expect(w.lines).toEqual([
      "1 nohang 0",
      "1 slow 2",
      "1 fast 3",
      `1 stranger ${-Errno.CHILD}`,
      `1 badoption ${-Errno.INVAL}`,
    ]);
  });

  it("leaves no page, pid or reference behind after many generations", () => {
    const w = new World();
    const p = w.prog();
    p.label("again").call(NR.fork).ifChild("child").call(NR.wait, -1, 0, 0);
    p.step((c) => c.store64(DATA + 16, c.load64(DATA + 16) + 1))
      .jumpIf((c) => c.load64(DATA + 16) < 50, "again")
      .log("free", 0);
    p.label("more").call(NR.fork).ifChild("child").call(NR.wait, -1, 0, 0);
    p.step((c) => c.store64(DATA + 16, c.load64(DATA + 16) + 1))
      .jumpIf((c) => c.load64(DATA + 16) < 200, "more")
      .log("free", 1)
      .call(NR.exit, 0);
    p.label("child")
      .step((c) => c.store64(DATA + 8192, 1))
      .call(NR.pipe, DATA + 128)
      .call(NR.exit, 0);
    const free: number[] = [];
    const push = w.entries.push.bind(w.entries);
    w.entries.push = (...e) => {
      free.push(w.kernel.pages.freeCount);
      return push(...e);
    };
    w.run(p);
    expect(free[1]).toBe(free[0]);
    expect(w.kernel.pids.usedCount).toBe(1);
  });

  it("kills a process that sleeps, and one that spins", () => {
    const w = new World({ stepNs: 10_000 });
    const p = w.prog();
    p.call(NR.fork).ifChild("sleeper").save(0).call(NR.fork).ifChild("spinner").save(1);
    p.call(NR.yield).call(NR.kill, at(0), SIGTERM).call(NR.kill, at(1), SIGKILL);
    p.call(NR.wait, at(0), 0, DATA + 64)
      .log("term", (c) => c.load32(DATA + 64))
      .call(NR.wait, at(1), 0, DATA + 64)
      .log("kill", (c) => c.load32(DATA + 64))
      .call(NR.exit, 0);
    p.label("sleeper").call(NR.pause).call(NR.exit, 1);
    p.label("spinner").jump("spinner");
    w.run(p);
    expect(w.lines).toEqual([`1 term ${SIGTERM}`, `1 kill ${SIGKILL}`]);
  });
});
