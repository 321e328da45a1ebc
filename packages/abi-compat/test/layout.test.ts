import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it } from "vitest";
import * as L from "../src/linux/layout";
import { Aux, Ehdr, Phdr } from "../src/elf/format";

/** Enum, C type, prefix of its members; members that C spells differently. `SIZE` is checked unless `noSize`. */
interface Case {
  layout: Record<string, string | number>;
  type: string;
  prefix: string;
  names?: Record<string, string>;
  noSize?: boolean;
}

const CASES: Case[] = [
  { layout: L.StatL, type: "struct stat", prefix: "st_" },
  { layout: L.StatxL, type: "struct statx", prefix: "stx_" },
  { layout: L.StatfsL, type: "struct statfs", prefix: "f_" },
  { layout: L.Dirent64L, type: "struct dirent64", prefix: "d_", noSize: true },
  { layout: L.TimespecL, type: "struct timespec", prefix: "tv_" },
  { layout: L.ItimervalL, type: "struct itimerval", prefix: "it_" },
  { layout: L.TmsL, type: "struct tms", prefix: "tms_" },
  { layout: L.RusageL, type: "struct rusage", prefix: "ru_" },
  { layout: L.SysinfoL, type: "struct sysinfo", prefix: "" },
  { layout: L.UtsnameL, type: "struct utsname", prefix: "" },
  { layout: L.SigactionL, type: "struct ksigaction", prefix: "" },
  { layout: L.StackL, type: "stack_t", prefix: "ss_" },
  {
    layout: L.SiginfoL,
    type: "siginfo_t",
    prefix: "si_",
    names: { overrun: "si_overrun", timerid: "si_timerid" },
  },
  {
    layout: L.SigeventL,
    type: "struct sigevent",
    prefix: "sigev_",
    names: { tid: "_sigev_un._tid" },
  },
  { layout: L.IovecL, type: "struct iovec", prefix: "iov_" },
  { layout: L.PollfdL, type: "struct pollfd", prefix: "" },
  { layout: L.RlimitL, type: "struct rlimit", prefix: "rlim_" },
  { layout: L.FlockL, type: "struct flock", prefix: "l_" },
  { layout: L.EpollEventL, type: "struct epoll_event", prefix: "" },
  { layout: L.CloneArgsL, type: "struct clone_args", prefix: "" },
  { layout: L.OpenHowL, type: "struct open_how", prefix: "" },
  { layout: L.UtimbufL, type: "struct utimbuf", prefix: "" },
  { layout: L.SchedAttrL, type: "struct ksched_attr", prefix: "" },
  { layout: L.TimexL, type: "struct timex", prefix: "" },
  { layout: L.RseqL, type: "struct rseq", prefix: "" },
  {
    layout: L.RobustListL,
    type: "struct robust_list_head",
    prefix: "",
    names: { next: "list", pending: "list_op_pending" },
  },
  { layout: L.FutexWaitvL, type: "struct futex_waitv", prefix: "" },
  { layout: L.SignalfdL, type: "struct signalfd_siginfo", prefix: "ssi_", names: { int_: "ssi_int" } },
  { layout: L.SigcontextL, type: "struct sigcontext", prefix: "", names: { ss: "__pad0" } },
  { layout: L.UcontextL, type: "ucontext_t", prefix: "uc_", noSize: true },
  { layout: L.FpxSwL, type: "struct _fpx_sw_bytes", prefix: "", names: { xfeatures: "xstate_bv" } },
  { layout: L.SigframeL, type: "struct rt_sigframe", prefix: "" },
  { layout: Ehdr, type: "Elf64_Ehdr", prefix: "e_" },
  { layout: Phdr, type: "Elf64_Phdr", prefix: "p_" },
];

const HEAD = `
#define _GNU_SOURCE
#include <elf.h>
#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/timex.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <fcntl.h>
#include <time.h>
#include <utime.h>
#include <ucontext.h>
#include <linux/futex.h>
#include <linux/openat2.h>
#include <linux/rseq.h>
#include <linux/sched.h>
struct ksigaction { void *handler; unsigned long flags; void *restorer; unsigned long mask; };
struct ksched_attr { unsigned size, sched_policy; unsigned long sched_flags; int sched_nice; unsigned sched_priority;
  unsigned long sched_runtime, sched_deadline, sched_period; };
struct kucontext { unsigned long flags; void *link; stack_t stack; struct sigcontext mcontext; unsigned long sigmask; };
struct rt_sigframe { char *pretcode; struct kucontext ucontext; siginfo_t siginfo; };
`;

function offsets(): Map<string, number> {
  const dir = mkdtempSync(path.join(tmpdir(), "layout-"));
  try {
    const lines = CASES.flatMap((c) =>
      members(c.layout)
        .filter((name) => !(name === "SIZE" && c.noSize))
        .map((name) =>
          name === "SIZE"
            ? `printf("${c.type}/SIZE %zu\\n", sizeof(${c.type}));`
            : `printf("${c.type}/${name} %zu\\n", offsetof(${c.type}, ${c.names?.[name] ?? c.prefix + name}));`,
        ),
    );
    writeFileSync(path.join(dir, "t.c"), `${HEAD}\nint main(void) {\n${lines.join("\n")}\nreturn 0; }\n`);
    execFileSync("gcc", ["-w", "-o", path.join(dir, "t"), path.join(dir, "t.c")]);
    const out = execFileSync(path.join(dir, "t"), { encoding: "utf8" });
    return new Map(
      out
        .trim()
        .split("\n")
        .map((l) => {
          const at = l.lastIndexOf(" ");
          return [l.slice(0, at), Number(l.slice(at + 1))];
        }),
    );
  } finally {
    rmSync(dir, { recursive: true });
  }
}

const members = (e: Record<string, string | number>): string[] =>
  Object.keys(e).filter((k) => typeof e[k] === "number");

describe("structure layouts agree with the C compiler", () => {
  const real = offsets();
  for (const c of CASES) {
    it(c.type, () => {
      for (const name of members(c.layout)) {
        if (name === "SIZE" && c.noSize) continue;
        expect(`${name} ${c.layout[name]}`).toBe(`${name} ${real.get(`${c.type}/${name}`)}`);
      }
    });
  }

  it("auxiliary vector types", () => {
    expect([Aux.PHDR, Aux.ENTRY, Aux.RANDOM, Aux.EXECFN, Aux.SYSINFO_EHDR]).toEqual([3, 9, 25, 31, 33]);
  });
});
