import { describe, expect, it } from "vitest";
import { Errno } from "@anax/portable";
import {
  SA_NOCLDWAIT,
  SA_NODEFER,
  SA_RESETHAND,
  SA_RESTART,
  SIGALRM,
  SIGCHLD,
  SIGCONT,
  SIGFPE,
  SIGINT,
  SIGKILL,
  SIGPIPE,
  SIGSEGV,
  SIGSTOP,
  SIGTERM,
  SIGTSTP,
  SIGUSR1,
  SIGUSR2,
  SIG_IGN,
  SIG_BLOCK,
  SIG_UNBLOCK,
  WCONTINUED,
  WNOHANG,
  WUNTRACED,
} from "@anax/kern";
import { DATA, NR, World, at, rdi, result, REG_RDX, REG_RSI } from "./support/world";

const bit = (sig: number): number => (1 << (sig - 1)) >>> 0;

describe("signals", () => {
  it("runs a handler on the program's stack and comes back", () => {
    const w = new World();
    const p = w.prog();
    p.call(NR.sigaction, SIGUSR1, p.address("handler"), 0, 0)
      .call(NR.getpid)
      .save(0)
      .call(NR.kill, at(0), SIGUSR1)
      .log("killed", result)
      .call(NR.exit, 0);
    p.label("handler")
      .save(1)
      .step((c) => c.store64(DATA + 16, c.reg(5)))
      .log("signal", at(2))
      .sigreturn();
    w.run(p);
    expect(w.lines).toEqual([`1 signal ${SIGUSR1}`, "1 killed 0"]);
  });

  it("interrupts a read with EINTR, or restarts it with SA_RESTART", () => {
    for (const flags of [0, SA_RESTART]) {
      const w = new World();
      const p = w.prog();
      p.call(NR.pipe, DATA + 128)
        .call(NR.sigaction, SIGUSR1, p.address("handler"), flags, 0)
        .call(NR.fork)
        .ifChild("child");
      p.call(NR.read, (c) => c.load32(DATA + 128), DATA + 256, 10)
        .log("read", result)
        .call(NR.exit, 0);
      p.label("handler").log("signal", 1).sigreturn();
      p.label("child").call(NR.nanosleep, 0, 1000, 0).call(NR.kill, 1, SIGUSR1).call(NR.nanosleep, 0, 1000, 0);
      p.call(NR.write, (c) => c.load32(DATA + 132), DATA + 256, 3).call(NR.exit, 0);
      w.run(p);
      expect(w.lines).toEqual(["1 signal 1", flags === 0 ? `1 read ${-Errno.INTR}` : "1 read 3"]);
    }
  });

  it("leaves a sleeping call alone when the signal is ignored, or stops and continues the process", () => {
    const w = new World();
    const p = w.prog();
    p.call(NR.pipe, DATA + 128)
      .call(NR.fork)
      .ifChild("child")
      .save(0);
    for (const sig of [SIGCHLD, SIGSTOP, SIGCONT]) p.call(NR.nanosleep, 0, 1000, 0).call(NR.kill, at(0), sig);
    p.call(NR.wait, -1, WUNTRACED | WCONTINUED, DATA + 64).log("report", (c) => c.load32(DATA + 64));
    p.call(NR.write, (c) => c.load32(DATA + 132), DATA + 256, 3)
      .call(NR.wait, -1, 0, DATA + 64)
      .log("status", (c) => c.load32(DATA + 64))
      .call(NR.exit, 0);
    p.label("child")
      .call(NR.read, (c) => c.load32(DATA + 128), DATA + 256, 10)
      .log("read", result)
      .call(NR.exit, 0);
    w.run(p);
    expect(w.lines).toEqual(["1 report 65535", "2 read 3", "1 status 0"]);
  });

  it("tells the parent of stops, and kills a stopped process", () => {
    const w = new World();
    const p = w.prog();
    p.call(NR.fork)
      .ifChild("child")
      .save(0)
      .call(NR.wait, -1, WUNTRACED, DATA + 64)
      .log("stopped", (c) => c.load32(DATA + 64));
    p.call(NR.wait, -1, WUNTRACED | WNOHANG, 0)
      .log("again", result)
      .call(NR.kill, at(0), SIGTERM)
      .call(NR.nanosleep, 0, 1000, 0);
    p.call(NR.wait, -1, WNOHANG, 0)
      .log("still", result)
      .call(NR.kill, at(0), SIGKILL)
      .call(NR.wait, -1, 0, DATA + 64)
      .log("status", (c) => c.load32(DATA + 64))
      .call(NR.exit, 0);
    p.label("child").call(NR.getpid).save(1).call(NR.kill, at(1), SIGSTOP).call(NR.exit, 9);
    w.run(p);
    expect(w.lines).toEqual([`1 stopped ${(SIGSTOP << 8) | 0x7f}`, "1 again 0", "1 still 0", `1 status ${SIGKILL}`]);
  });

  it("holds blocked signals back and delivers them by number", () => {
    const w = new World();
    const p = w.prog();
    p.call(NR.sigaction, SIGUSR1, p.address("handler"), 0, bit(SIGUSR2)).call(
      NR.sigaction,
      SIGUSR2,
      p.address("handler"),
      0,
      bit(SIGUSR1),
    );
    p.call(NR.sigprocmask, SIG_BLOCK, bit(SIGUSR1) | bit(SIGUSR2))
      .call(NR.kill, 1, SIGUSR2)
      .call(NR.kill, 1, SIGUSR1)
      .call(NR.kill, 1, SIGUSR1)
      .log("blocked", 1);
    p.call(NR.sigprocmask, SIG_UNBLOCK, bit(SIGUSR1) | bit(SIGUSR2))
      .log("done", result)
      .call(NR.exit, 0);
    p.label("handler")
      .step((c) => c.store64(DATA + 16, c.reg(5)))
      .log("signal", at(2))
      .sigreturn();
    w.run(p);
    // The second frame lies on top of the first, whose handler was not yet entered: it runs first.
    expect(w.lines).toEqual(["1 blocked 1", `1 signal ${SIGUSR1}`, `1 signal ${SIGUSR2}`, "1 done 0"]);
  });

  it("waits in sigsuspend with its mask and returns with the old one", () => {
    const w = new World();
    const p = w.prog();
    p.call(NR.sigaction, SIGUSR1, p.address("handler"), 0, 0)
      .call(NR.sigprocmask, SIG_BLOCK, bit(SIGUSR1))
      .call(NR.kill, 1, SIGUSR1)
      .log("pending", 1);
    p.call(NR.sigsuspend, 0).log("suspend", result).call(NR.kill, 1, SIGUSR1).log("blocked", 1).call(NR.exit, 0);
    p.label("handler").log("signal", rdi).sigreturn();
    w.run(p);
    expect(w.lines).toEqual(["1 pending 1", `1 signal ${SIGUSR1}`, `1 suspend ${-Errno.INTR}`, "1 blocked 1"]);
  });

  it("resets a handler that asks for it, and nests one that asks for that", () => {
    const w = new World();
    const p = w.prog();
    p.call(NR.sigaction, SIGUSR1, p.address("nest"), SA_NODEFER, 0).call(NR.kill, 1, SIGUSR1);
    p.call(NR.fork)
      .ifChild("child")
      .call(NR.wait, -1, 0, DATA + 64)
      .log("status", (c) => c.load32(DATA + 64))
      .call(NR.exit, 0);
    p.label("nest")
      .step((c) => c.store64(DATA + 8, c.load64(DATA + 8) + 1))
      .jumpIf((c) => c.load64(DATA + 8) > 2, "out")
      .call(NR.kill, 1, SIGUSR1)
      .label("out")
      .log("depth", at(1))
      .sigreturn();
    p.label("child")
      .call(NR.sigaction, SIGUSR2, p.address("once"), SA_RESETHAND, 0)
      .call(NR.getpid)
      .save(0)
      .call(NR.kill, at(0), SIGUSR2)
      .call(NR.kill, at(0), SIGUSR2)
      .call(NR.exit, 0);
    p.label("once").log("once", rdi).sigreturn();
    w.run(p);
    expect(w.lines).toEqual(["1 depth 3", "1 depth 3", "1 depth 3", `2 once ${SIGUSR2}`, `1 status ${SIGUSR2}`]);
  });

  it("turns faults into signals with the address, and ends who does not handle them", () => {
    const w = new World();
    const p = w.prog();
    p.call(NR.fork)
      .ifChild("wild")
      .call(NR.wait, -1, 0, DATA + 64)
      .log("wild", (c) => c.load32(DATA + 64));
    p.call(NR.fork)
      .ifChild("handled")
      .call(NR.wait, -1, 0, DATA + 64)
      .log("handled", (c) => c.load32(DATA + 64));
    p.call(NR.fork)
      .ifChild("blocked")
      .call(NR.wait, -1, 0, DATA + 64)
      .log("blocked", (c) => c.load32(DATA + 64));
    p.call(NR.fork)
      .ifChild("divide")
      .call(NR.wait, -1, 0, DATA + 64)
      .log("divide", (c) => c.load32(DATA + 64));
    p.call(NR.fork)
      .ifChild("nostack")
      .call(NR.wait, -1, 0, DATA + 64)
      .log("nostack", (c) => c.load32(DATA + 64));
    p.call(NR.fork)
      .ifChild("rodata")
      .call(NR.wait, -1, 0, DATA + 64)
      .log("rodata", (c) => c.load32(DATA + 64))
      .call(NR.exit, 0);
    p.label("wild")
      .step((c) => c.store64(0x20000000, 1))
      .call(NR.exit, 0);
    p.label("handled")
      .call(NR.sigaction, SIGSEGV, p.address("segv"), 0, 0)
      .step((c) => c.store64(0x20000000, 1))
      .call(NR.exit, 0);
    p.label("segv")
      .step((c) => c.store64(DATA + 8, c.reg(REG_RDX)))
      .step((c) => c.store64(DATA + 16, c.reg(REG_RSI)))
      .log("address", at(1))
      .log("code", at(2))
      .call(NR.exit, 5);
    p.label("blocked")
      .call(NR.sigprocmask, SIG_BLOCK, bit(SIGSEGV))
      .call(NR.sigaction, SIGSEGV, SIG_IGN, 0, 0)
      .step((c) => c.load8(16))
      .call(NR.exit, 0);
    p.label("divide")
      .step((c) => c.exception(0))
      .call(NR.exit, 0);
    p.label("nostack")
      .call(NR.sigaction, SIGSEGV, p.address("segv"), 0, 0)
      .step((c) => c.setReg(7, 4096))
      .step((c) => c.load8(16))
      .call(NR.exit, 0);
    p.label("rodata")
      .call(NR.sigaction, SIGSEGV, p.address("segv"), 0, 0)
      .step((c) => c.store8(0x400000, 1))
      .call(NR.exit, 0);
    w.run(p);
    expect(w.lines).toEqual([
      `1 wild ${SIGSEGV}`,
      `3 address ${0x20000000}`,
      "3 code 1",
      `1 handled ${5 << 8}`,
      `1 blocked ${SIGSEGV}`,
      `1 divide ${SIGFPE}`,
      `1 nostack ${SIGSEGV}`,
      `7 address ${0x400000}`,
      "7 code 2",
      `1 rodata ${5 << 8}`,
    ]);
  });

  it("reaps children by itself when SIGCHLD is ignored or SA_NOCLDWAIT set", () => {
    for (const [handler, flags] of [
      [SIG_IGN, 0],
      [0, SA_NOCLDWAIT],
    ] as const) {
      const w = new World();
      const p = w.prog();
      p.call(NR.sigaction, SIGCHLD, handler, flags, 0).call(NR.fork).ifChild("child").call(NR.fork).ifChild("child");
      p.call(NR.wait, -1, 0, 0).log("wait", result).call(NR.exit, 0);
      p.label("child").call(NR.nanosleep, 0, 1000, 0).call(NR.exit, 0);
      w.run(p);
      expect(w.lines).toEqual([`1 wait ${-Errno.CHILD}`]);
      expect(w.kernel.pids.procCount).toBe(1);
    }
  });

  it("sends SIGCHLD with who and how", () => {
    const w = new World();
    const p = w.prog();
    p.call(NR.sigaction, SIGCHLD, p.address("handler"), 0, 0)
      .call(NR.fork)
      .ifChild("child")
      .call(NR.pause)
      .log("pause", result)
      .call(NR.exit, 0);
    p.label("handler")
      .step((c) => c.store64(DATA + 8, c.reg(REG_RDX)))
      .step((c) => c.store64(DATA + 16, c.reg(REG_RSI)))
      .log("from", at(1))
      .log("code", at(2))
      .sigreturn();
    p.label("child").call(NR.exit, 0);
    w.run(p);
    expect(w.lines).toEqual(["1 from 2", "1 code 1", `1 pause ${-Errno.INTR}`]);
  });

  it("ends a sleep early with what is left, and again and again with an interval timer", () => {
    const w = new World();
    const p = w.prog();
    p.call(NR.sigaction, SIGALRM, p.address("handler"), SA_RESTART, 0).call(NR.itimer, 0, 1_000_000, 2_000_000);
    p.call(NR.nanosleep, 1, 0, 0)
      .log("sleep", result)
      .call(NR.pause)
      .call(NR.pause)
      .call(NR.itimer, 0, 0, 0)
      .call(NR.nanosleep, 0, 5_000_000, 0)
      .log("quiet", result)
      .call(NR.exit, 0);
    p.label("handler").log("alarm", rdi).sigreturn();
    w.run(p);
    expect(w.lines).toEqual([
      `1 alarm ${SIGALRM}`,
      `1 sleep ${-Errno.INTR}`,
      `1 alarm ${SIGALRM}`,
      `1 alarm ${SIGALRM}`,
      "1 quiet 0",
    ]);
    const us = w.kernel.machine.nanotime() / 1000;
    expect(us).toBeGreaterThan(9_900);
    expect(us).toBeLessThan(12_000);
  });

  it("counts CPU time for the virtual timer", () => {
    const w = new World();
    const p = w.prog();
    p.call(NR.sigaction, 26, p.address("handler"), 0, 0)
      .call(NR.itimer, 1, 3_000_000, 0)
      .call(NR.nanosleep, 0, 20_000_000, 0)
      .log("slept", result)
      .label("spin")
      .jump("spin");
    p.label("handler").log("virtual", rdi).call(NR.exit, 0);
    w.run(p);
    expect(w.lines).toEqual(["1 slept 0", "1 virtual 26"]);
  });

  it("takes signals with sigtimedwait, and gives up in time", () => {
    const w = new World();
    const p = w.prog();
    p.call(NR.sigprocmask, SIG_BLOCK, bit(SIGUSR1))
      .call(NR.fork)
      .ifChild("child")
      .call(NR.sigtimedwait, bit(SIGUSR1), -1)
      .log("took", result);
    p.call(NR.sigtimedwait, bit(SIGUSR1), 1_000_000)
      .log("late", result)
      .call(NR.sigtimedwait, bit(SIGUSR1), 0)
      .log("poll", result)
      .call(NR.exit, 0);
    p.label("child").call(NR.nanosleep, 0, 1000, 0).call(NR.kill, 1, SIGUSR1).call(NR.exit, 0);
    w.run(p);
    expect(w.lines).toEqual([`1 took ${SIGUSR1}`, `1 late ${-Errno.AGAIN}`, `1 poll ${-Errno.AGAIN}`]);
  });

  it("queues every real-time signal, in order", () => {
    const w = new World();
    const p = w.prog();
    p.call(NR.sigaction, 40, p.address("handler"), 0, 0)
      .call(NR.fork)
      .ifChild("child")
      .call(NR.wait, -1, 0, 0)
      .log("wait", result)
      .call(NR.pause);
    p.label("child").call(NR.kill, 1, 40).call(NR.kill, 1, 40).call(NR.kill, 1, 40).call(NR.exit, 0);
    p.label("handler")
      .step((c) => c.store64(DATA + 8, c.load64(DATA + 8) + 1))
      .log("signal", at(1))
      .jumpIf((c) => c.load64(DATA + 8) === 3, "end")
      .sigreturn();
    p.label("end").call(NR.exit, 0);
    w.run(p);
    expect(w.lines.filter((l) => l.startsWith("1 signal"))).toEqual(["1 signal 1", "1 signal 2", "1 signal 3"]);
  });

  it("protects process 1, checks numbers, and reaches groups", () => {
    const w = new World();
    const p = w.prog();
    p.call(NR.kill, 1, SIGKILL)
      .log("self", result)
      .call(NR.kill, 1, 65)
      .log("number", result)
      .call(NR.kill, 4000, 0)
      .log("nobody", result);
    p.call(NR.fork)
      .ifChild("leader")
      .save(0)
      .call(NR.setpgid, at(0), at(0))
      .call(NR.fork)
      .ifChild("member")
      .save(1)
      .call(NR.setpgid, at(1), at(0));
    p.call(NR.kill, (c) => -c.load64(DATA), 0)
      .log("check", result)
      .call(NR.kill, (c) => -c.load64(DATA), SIGINT);
    p.call(NR.wait, (c) => -c.load64(DATA), 0, DATA + 64)
      .log("one", (c) => c.load32(DATA + 64))
      .call(NR.wait, (c) => -c.load64(DATA), 0, DATA + 64)
      .log("two", (c) => c.load32(DATA + 64));
    p.call(NR.kill, (c) => -c.load64(DATA), SIGINT)
      .log("gone", result)
      .call(NR.exit, 0);
    p.label("leader").call(NR.pause);
    p.label("member").call(NR.pause);
    w.run(p);
    expect(w.lines).toEqual([
      "1 self 0",
      `1 number ${-Errno.INVAL}`,
      `1 nobody ${-Errno.SRCH}`,
      "1 check 0",
      `1 one ${SIGINT}`,
      `1 two ${SIGINT}`,
      `1 gone ${-Errno.SRCH}`,
    ]);
  });

  it("raises SIGPIPE for a pipe without readers", () => {
    const w = new World();
    const p = w.prog();
    p.call(NR.fork)
      .ifChild("child")
      .call(NR.wait, -1, 0, DATA + 64)
      .log("status", (c) => c.load32(DATA + 64))
      .call(NR.exit, 0);
    p.label("child")
      .call(NR.pipe, DATA + 128)
      .call(NR.close, (c) => c.load32(DATA + 128))
      .call(NR.write, (c) => c.load32(DATA + 132), DATA, 1)
      .call(NR.exit, 0);
    w.run(p);
    expect(w.lines).toEqual([`1 status ${SIGPIPE}`]);
  });

  it("continues orphaned groups that are stopped after SIGHUP, and ignores terminal stops in them", () => {
    const w = new World();
    const p = w.prog();
    p.call(NR.fork)
      .ifChild("shell")
      .call(NR.wait, -1, 0, DATA + 64)
      .log("shell", (c) => c.load32(DATA + 64))
      .call(NR.wait, -1, 0, DATA + 64)
      .log("job", (c) => c.load32(DATA + 64));
    p.call(NR.fork)
      .ifChild("orphan")
      .call(NR.wait, -1, 0, DATA + 64)
      .log("orphan", (c) => c.load32(DATA + 64))
      .call(NR.exit, 0);
    p.label("shell")
      .call(NR.setsid)
      .call(NR.fork)
      .ifChild("job")
      .save(0)
      .call(NR.setpgid, at(0), at(0))
      .call(NR.wait, -1, WUNTRACED, 0)
      .call(NR.exit, 0);
    p.label("job")
      .call(NR.setpgid, 0, 0)
      .call(NR.getpid)
      .save(1)
      .call(NR.kill, at(1), SIGTSTP)
      .log("never", 1)
      .call(NR.exit, 1);
    p.label("orphan").call(NR.setsid).call(NR.getpid).save(1).call(NR.kill, at(1), SIGTSTP).call(NR.exit, 6);
    w.run(p);
    expect(w.lines).toEqual(["1 shell 0", "1 job 1", `1 orphan ${6 << 8}`]);
  });
});
