import { describe, expect, it } from "vitest";
import { Errno } from "@anax/portable";
import { REG_R12, REG_RAX, REG_RBX, REG_RFLAGS, REG_RIP, REG_RSP } from "@anax/machine";
import type { SimCpu } from "@anax/machine/host";
import { Aux } from "../src/elf/format";
import { SigcontextL, SiginfoL, SigframeL, StackL, UcontextL } from "../src/linux/layout";
import { DATA, NR, Prog, REG_RDI, REG_RDX, REG_RSI, TEXT, World } from "./world";

const SA_RESTORER = 0x04000000;
const SA_RESTART = 0x10000000;
const SA_ONSTACK = 0x08000000;
const SIGUSR1 = 10;
const SIGSEGV = 11;
const SIGALRM = 14;

/** Collects what a program saw. */
function spy(): { seen: number[]; see: (c: SimCpu, ...v: number[]) => void } {
  const seen: number[] = [];
  return { seen, see: (_c, ...v) => void seen.push(...v) };
}

/** Steps that install the handler at label "handler", with the restorer at "restorer". */
function handle(p: Prog, sig: number, flags = 0): Prog {
  return p.step((c) => {
    c.store64(DATA + 256, p.at("handler")(c));
    c.store64(DATA + 264, flags | SA_RESTORER);
    c.store64(DATA + 272, p.at("restorer")(c));
    c.store64(DATA + 280, 0);
    c.syscall(NR.rt_sigaction, sig, DATA + 256, 0, 8);
  });
}

/** The end of a handler: its return takes the address of the restorer off the stack. */
function returning(p: Prog): Prog {
  return p
    .step((c) => c.jump(c.pop()))
    .label("restorer")
    .call(NR.rt_sigreturn);
}

describe("programs start", () => {
  it("with arguments, environment and auxiliary vector", () => {
    const { seen, see } = spy();
    const text = (c: SimCpu, va: number): string => {
      let s = "";
      for (let b = c.load8(va); b !== 0; b = c.load8(++va)) s += String.fromCharCode(b);
      return s;
    };
    const p = new Prog()
      // A step that faults runs again: what it touches is made present before.
      .step((c) => void (c.load64(DATA + 0x2ff8) + c.load64(DATA) + c.load64(DATA + 16)))
      .step((c) => {
        const sp = c.reg(REG_RSP);
        see(c, c.load64(sp), sp % 16, c.load64(sp + 24), c.load64(sp + 40));
        expect(text(c, c.load64(sp + 8))).toBe("/init");
        expect(text(c, c.load64(sp + 16))).toBe("second");
        expect(text(c, c.load64(sp + 32))).toBe("A=b");
        for (let at = sp + 48; c.load64(at) !== 0; at += 16) {
          const [type, v] = [c.load64(at), c.load64(at + 8)];
          if (type === Aux.ENTRY) see(c, v);
          if (type === Aux.PHDR) see(c, v);
          if (type === Aux.EXECFN) expect(text(c, v)).toBe("/init");
        }
        expect(text(c, DATA)).toBe("in the file here");
        expect(c.load64(DATA + 16)).toBe(0);
        expect(c.load64(DATA + 0x2ff8)).toBe(0);
      })
      .exit(7);
    expect(new World().run(p)).toBe(7);
    expect(seen).toEqual([2, 0, 0, 0, TEXT + 64, TEXT + 0x1000]);
  });

  it("with zero bytes that begin in the middle of a page of data", () => {
    const { seen, see } = spy();
    const p = new Prog()
      .step((c) => void (c.load64(DATA + 0x2ff8) + c.load64(DATA + 0xff8) + c.load64(DATA)))
      .step((c) =>
        see(c, c.load8(DATA), c.load8(DATA + 15), c.load64(DATA + 16), c.load64(DATA + 0xff8), c.load64(DATA + 0x2ff8)),
      )
      .exit(0);
    expect(new World().run(p, { ownBss: true })).toBe(0);
    expect(seen).toEqual([0x69, 0x65, 0, 0, 0]);
  });

  it("where a position-independent file is put", () => {
    const { seen, see } = spy();
    const p = new Prog().step((c) => see(c, c.reg(REG_RIP))).exit(0);
    expect(new World().run(p, { pie: true })).toBe(0);
    expect(seen).toEqual([0x555555555000]);
  });

  it("through their interpreter", () => {
    const { seen, see } = spy();
    const world = new World();
    const ld = new Prog().step((c) => {
      const sp = c.reg(REG_RSP);
      let entry = 0;
      for (let at = sp + 48; c.load64(at) !== 0; at += 16) {
        if (c.load64(at) === Aux.BASE) see(c, c.reg(REG_RIP) - c.load64(at + 8));
        if (c.load64(at) === Aux.ENTRY) entry = c.load64(at + 8);
      }
      c.jump(entry);
    });
    world.install("/ld.so", ld, { pie: true });
    expect(world.run(new Prog().exit(21), { interp: "/ld.so" })).toBe(21);
    expect(seen).toEqual([0x1000]);
  });

  it("and exec that fails leaves the old program whole", () => {
    const world = new World();
    world.file("/bad", new Uint8Array(200).fill(0x7f));
    world.install("/noint", new Prog().exit(1), { interp: "/none" });
    const { seen, see } = spy();
    const p = new Prog()
      .step((c) => {
        c.storeText(DATA + 512, "/bad");
        c.storeText(DATA + 544, "/noint");
      })
      .call(NR.execve, DATA + 512, 0, 0)
      .step((c) => see(c, c.result))
      .call(NR.execve, DATA + 544, 0, 0)
      .step((c) => see(c, c.result))
      .call(NR.execve, 8, 0, 0)
      .step((c) => see(c, c.result))
      .exit(5);
    expect(world.run(p)).toBe(5);
    expect(seen).toEqual([-Errno.NOEXEC, -Errno.NOENT, -Errno.FAULT]);
  });

  it("and an image that is none is refused before it runs", () => {
    const world = new World();
    world.file("/init", new Uint8Array(64));
    expect(() => world.start("/init")).toThrow(`execInit: ${-Errno.NOEXEC}`);
  });
});

describe("signal frames", () => {
  it("show the interrupted program and bring it back", () => {
    const { seen, see } = spy();
    const p = new Prog();
    handle(p, SIGUSR1)
      .step((c) => {
        c.setReg(REG_RBX, 0x1234);
        c.setReg(REG_R12, 0x123456789a);
        c.setReg(REG_RFLAGS, c.reg(REG_RFLAGS) | 0x400);
      })
      .call(NR.kill, 1, SIGUSR1)
      .label("after")
      .step((c) => see(c, c.reg(REG_RBX), c.reg(REG_R12), c.result, c.reg(REG_RFLAGS) & 0x400))
      .exit(0)
      .label("handler")
      .step((c) => {
        const [info, uc] = [c.reg(REG_RSI), c.reg(REG_RDX)];
        const mc = uc + UcontextL.mcontext;
        see(c, c.reg(REG_RDI), c.load32(info + SiginfoL.signo), c.load32(info + SiginfoL.pid));
        see(
          c,
          c.load64(mc + SigcontextL.rip) - p.at("after")(c),
          c.load64(mc + SigcontextL.rbx),
          c.reg(REG_RFLAGS) & 0x400,
        );
        see(c, (c.reg(REG_RSP) + 8) % 16, c.reg(REG_RSP) + SigframeL.ucontext - uc);
        // The handler may spoil and change what it likes.
        c.setReg(REG_RBX, -1);
        c.store64(mc + SigcontextL.r12, 99);
      });
    returning(p);
    expect(new World().run(p)).toBe(0);
    expect(seen).toEqual([SIGUSR1, SIGUSR1, 1, 0, 0x1234, 0, 0, 0, 0x1234, 99, 0, 0x400]);
  });

  it("block the signal meanwhile, and take the mask of the frame at the end", () => {
    const { seen, see } = spy();
    const p = new Prog();
    handle(p, SIGUSR1)
      .call(NR.kill, 1, SIGUSR1)
      .call(NR.rt_sigprocmask, 0, 0, DATA + 64, 8)
      .step((c) => see(c, c.load64(DATA + 64)))
      .exit(0)
      .label("handler")
      .step((c) => c.store64(DATA + 96, c.reg(REG_RDX)))
      .call(NR.rt_sigprocmask, 0, 0, DATA + 64, 8)
      .step((c) => {
        see(c, c.load64(DATA + 64));
        c.store64(c.load64(DATA + 96) + UcontextL.sigmask, 0x40101 | 0x2000);
      });
    returning(p);
    expect(new World().run(p)).toBe(0);
    // SIGKILL and SIGSTOP are taken out of what the program asks.
    expect(seen).toEqual([1 << (SIGUSR1 - 1), 0x2001]);
  });

  it("go to the alternate stack", () => {
    const { seen, see } = spy();
    const p = new Prog();
    handle(p, SIGUSR1, SA_ONSTACK)
      .step((c) => {
        c.store64(DATA + 128 + StackL.sp, DATA + 0x1000);
        c.store64(DATA + 128 + StackL.flags, 0);
        c.store64(DATA + 128 + StackL.size, 0x2000);
        c.syscall(NR.sigaltstack, DATA + 128, 0);
      })
      .call(NR.kill, 1, SIGUSR1)
      .exit((c) => (c.reg(REG_RSP) > DATA + 0x3000 ? 0 : 1))
      .label("handler")
      .step((c) => {
        const sp = c.reg(REG_RSP);
        see(c, sp > DATA + 0x1000 && sp < DATA + 0x3000 ? 1 : 0, c.load64(c.reg(REG_RDX) + UcontextL.stack));
        c.syscall(NR.sigaltstack, 0, DATA + 160);
      })
      .step((c) => see(c, c.load32(DATA + 160 + StackL.flags)));
    returning(p);
    expect(new World().run(p)).toBe(0);
    expect(seen).toEqual([1, DATA + 0x1000, 1]);
  });

  it("tell the address of a fault", () => {
    const { seen, see } = spy();
    const p = new Prog();
    handle(p, SIGSEGV)
      .step((c) => c.store8(TEXT + 5, 1))
      .label("handler")
      .step((c) => see(c, c.load32(c.reg(REG_RSI) + SiginfoL.code), c.load64(c.reg(REG_RSI) + SiginfoL.addr)))
      .exit(3);
    p.label("restorer").exit(4);
    expect(new World().run(p)).toBe(3);
    expect(seen).toEqual([2, TEXT + 5]);
  });

  it("that cannot be written or read are death", () => {
    const p = new Prog();
    handle(p, SIGUSR1)
      .step((c) => c.setReg(REG_RSP, 0x1000))
      .call(NR.kill, 1, SIGUSR1)
      .exit(0)
      .label("handler");
    returning(p);
    expect(new World().run(p)).toBe(-SIGSEGV);
    const q = new Prog()
      .step((c) => c.setReg(REG_RSP, 0x1000))
      .call(NR.rt_sigreturn)
      .exit(0);
    expect(new World().run(q)).toBe(-SIGSEGV);
  });
});

describe("interrupted calls", () => {
  /** Reads from a pipe that a handler of SIGALRM fills. */
  function reader(flags: number): number[] {
    const { seen, see } = spy();
    const p = new Prog();
    handle(p, SIGALRM, flags)
      .call(NR.pipe, DATA + 64)
      .step((c) => {
        c.store64(DATA + 160, 0);
        c.store64(DATA + 168, 0);
        c.store64(DATA + 176, 0);
        c.store64(DATA + 184, 20000);
        c.syscall(NR.setitimer, 0, DATA + 160, 0);
      })
      .call(NR.read, (c) => c.load32(DATA + 64), DATA + 80, 10)
      .step((c) => see(c, c.result))
      .exit(0)
      .label("handler")
      .call(NR.write, (c) => c.load32(DATA + 68), DATA, 4);
    returning(p);
    expect(new World().run(p)).toBe(0);
    return seen;
  }

  it("start again after a handler with SA_RESTART", () => expect(reader(SA_RESTART)).toEqual([4]));
  it("give EINTR without", () => expect(reader(0)).toEqual([-Errno.INTR]));

  it("tell how long they would have slept", () => {
    const { seen, see } = spy();
    const p = new Prog();
    handle(p, SIGALRM, SA_RESTART)
      .step((c) => {
        c.store64(DATA + 160, 0);
        c.store64(DATA + 168, 0);
        c.store64(DATA + 176, 1);
        c.store64(DATA + 184, 0);
        c.syscall(NR.setitimer, 0, DATA + 160, 0);
      })
      .step((c) => {
        c.store64(DATA + 192, 10);
        c.store64(DATA + 200, 0);
        c.syscall(NR.nanosleep, DATA + 192, DATA + 208);
      })
      .step((c) => see(c, c.result, c.load64(DATA + 208)))
      .exit(0)
      .label("handler");
    returning(p);
    expect(new World().run(p)).toBe(0);
    expect(seen).toEqual([-Errno.INTR, 9]);
  });
});

describe("children", () => {
  it("return 0 from fork, and their status reaches wait4", () => {
    const { seen, see } = spy();
    const p = new Prog()
      .call(NR.fork)
      .step((c) => {
        if (c.reg(REG_RAX) === 0) c.syscall(231, 0x1234);
        else c.syscall(NR.wait4, -1, DATA + 64, 0, DATA + 128);
      })
      .step((c) => see(c, c.result, c.load32(DATA + 64)))
      .exit(0);
    expect(new World().run(p)).toBe(0);
    expect(seen).toEqual([2, 0x3400]);
  });
});

describe("calls that are not there", () => {
  it("answer ENOSYS and are counted", () => {
    const world = new World();
    const { seen, see } = spy();
    const p = new Prog();
    for (const nr of [101, 101, 400, 5000, -1]) p.call(nr, 1, 2, 3).step((c) => see(c, c.result));
    expect(world.run(p.exit(0))).toBe(0);
    expect(seen).toEqual(Array(5).fill(-Errno.NOSYS));
    expect([101, 400, 5000].map((nr) => world.abi.counters.count(nr))).toEqual([2, 1, 2]);
  });
});
