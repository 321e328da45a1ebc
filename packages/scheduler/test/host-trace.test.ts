import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  InputError,
  Kind,
  STOP_NAMES,
  batch,
  make,
  pipe,
  readLinux,
  readNdjson,
  server,
  simulate,
  writeNdjson,
  type Trace,
} from "../src/host";

const fixture = (name: string): string => readFileSync(new URL(`fixtures/${name}`, import.meta.url), "utf8");

function slices(trace: Trace): string[] {
  const found: string[] = [];
  trace.slices((s) => {
    found.push(`${trace.tasks[s.task]!.name} ${s.cpu} ${s.start}-${s.end} ${STOP_NAMES[s.why]}`);
  });
  return found;
}

/** CPU time of each group. */
function used(trace: Trace): Record<string, number> {
  const sums: Record<string, number> = {};
  trace.slices((s) => {
    const group = trace.groups[trace.tasks[s.task]!.group]!;
    sums[group] = (sums[group] ?? 0) + s.end - s.start;
  });
  return sums;
}

function problem(read: () => unknown): InputError {
  try {
    read();
  } catch (error) {
    expect(error).toBeInstanceOf(InputError);
    return error as InputError;
  }
  throw new Error("nothing was wrong");
}

describe("perf sched script", () => {
  const trace = readLinux(fixture("perf.txt"), "perf.txt");

  test("gives tasks, slices and wake-ups", () => {
    expect(trace.cpus).toBe(2);
    expect(trace.tasks.map((t) => t.name)).toEqual(["make-4700", "make-4711"]);
    expect(slices(trace)).toEqual([
      "make-4700 0 0-100000 block",
      "make-4711 1 20000-1020000 block",
      "make-4711 1 3030000-4040000 exited",
      "make-4700 0 4035000-4100000 exited",
    ]);
    const wakes: string[] = [];
    for (let i = 0; i < trace.length; i++) {
      if (trace.kind.at(i) === Kind.wake) wakes.push(`${trace.task.at(i)} by ${trace.detail.at(i)}`);
    }
    expect(wakes).toEqual(["1 by 0", "1 by -1", "0 by 1"]);
  });

  test("replays: the child after the fork, the parent when the child wakes it", () => {
    const costs = { contextSwitch: 0, wakeup: 0, idleExit: 0, migration: 0 };
    const { recording, statistics } = simulate({ topology: "1", policy: "round-robin", workload: trace, costs });
    expect(statistics.tasks).toEqual({ started: 2, finished: 2, blocked: 0 });
    expect(slices(recording!)).toEqual([
      "make-4700 0 0-100000 block",
      "make-4711 0 100000-1100000 block",
      "make-4711 0 3100000-4110000 exited",
      "make-4700 0 4110000-4175000 exited",
    ]);
  });
});

test("ftrace: names with spaces and slashes, real-time and nice priorities, other events skipped", () => {
  const trace = readLinux(fixture("ftrace.txt"));
  expect(trace.groups).toEqual(["irq", "kworker", "my prog"]);
  expect(trace.tasks.map((t) => [t.name, t.class, t.priority, t.nice])).toEqual([
    ["irq/16-ahci-90", "realtime", 50, 0],
    ["kworker/0:1-events-33", "normal", 0, 0],
    ["my prog-501", "normal", 0, 10],
  ]);
  expect(slices(trace)).toEqual([
    "irq/16-ahci-90 1 4000-14000 block",
    "kworker/0:1-events-33 0 0-104000 block",
    "my prog-501 0 104000-2104000 preempted",
    "kworker/0:1-events-33 0 2104000-2204000 block",
    "my prog-501 0 2204000-3204000 block",
  ]);
});

test("sched_waking counts like sched_wakeup, both together once; call chains are skipped", () => {
  const lines = fixture("perf.txt").split("\n");
  const waking = lines.flatMap((line) => {
    if (!line.includes("sched_wakeup:")) return [line];
    const chain = ["        ffffffff8100abcd ttwu_do_wakeup+0x0 ([kernel.kallsyms])", ""];
    // The wake-up proper may come from the CPU that is woken.
    const late = line.replace(/^.*?\[/, "         swapper     0 [");
    return [
      line.replace("sched_wakeup: cc1", "sched_waking: cc1").replace("sched_wakeup: make", "sched_waking: make"),
      ...chain,
      late,
    ];
  });
  expect([...writeNdjson(readLinux(waking.join("\n"), "perf.txt"))]).toEqual([
    ...writeNdjson(readLinux(lines.join("\n"), "perf.txt")),
  ]);
  const only = lines.map((line) => line.replace("sched_wakeup:", "sched_waking:"));
  expect([...writeNdjson(readLinux(only.join("\n"), "perf.txt"))]).toEqual([
    ...writeNdjson(readLinux(lines.join("\n"), "perf.txt")),
  ]);
});

test("a task whose name looks like an address", () => {
  const text = fixture("perf.txt").replaceAll("make", "decade");
  expect(readLinux(text).tasks[0]!.name).toBe("decade-4700");
});

test("lines may end as on Windows", () => {
  const text = fixture("perf.txt");
  expect(slices(readLinux(text.replaceAll("\n", "\r\n")))).toEqual(slices(readLinux(text)));
});

describe("wrong Linux text", () => {
  const lines = fixture("perf.txt").split("\n");
  const changed = (line: number, text: string): string => lines.map((l, i) => (i === line - 1 ? text : l)).join("\n");

  test.each([
    ["no event", changed(4, "hello"), 4, ""],
    ["a switch without its second half", changed(4, lines[3]!.replace(/==>.*/, "")), 4, "sched_switch"],
    ["a wake-up without a pid", changed(7, lines[6]!.replace(/cc1:4711/, "cc1")), 7, "sched_wakeup"],
    ["time goes back", changed(6, lines[5]!.replace("5000.101020", "4999.101020")), 6, "time"],
  ])("%s", (_, text, line, field) => {
    const error = problem(() => readLinux(text, "perf.txt"));
    expect(error).toMatchObject({ line, field, file: "perf.txt" });
    expect(error.message).toContain(`perf.txt: line ${line}`);
  });

  test("no switch at all", () => {
    expect(problem(() => readLinux("# nothing\n")).message).toContain("no sched_switch");
  });
});

describe("NDJSON", () => {
  const workload = {
    tasks: [
      batch("hog", { count: 3, nice: 4, cpus: "0-1" }),
      pipe("pipe", { run: { uniform: ["20us", "90us"] as [string, string] } }),
      server("web", { workers: 2, every: { exponential: "2ms" }, run: "400us", io: "300us" }),
      make("make", { jobs: 3, total: 20, run: { exponential: "9ms" } }),
    ],
  };
  const { recording } = simulate({ topology: "2x2", policy: "dfly", duration: "400ms", workload });
  const text = [...writeNdjson(recording!)].join("");

  test("what is written is read back to the same events", () => {
    expect([...writeNdjson(readNdjson(text))].join("")).toBe(text);
  });

  test("a replay gives every task the CPU time that it had", () => {
    const replay = simulate({ topology: "2x2", policy: "eevdf", workload: readNdjson(text) });
    expect(replay.statistics.tasks.finished).toBe(replay.statistics.tasks.started);
    const before = used(recording!);
    const after = used(replay.recording!);
    for (const [group, ns] of Object.entries(before)) expect(after[group]).toBeCloseTo(ns, 3);
  });

  const head = '{"format":"anax-sched-trace","version":1,"cpus":2}';
  const task = '{"task":0,"name":"a"}';
  test.each([
    ["no JSON", [head, "{"], 2, ""],
    ["not a trace", ['{"format":"x","version":1,"cpus":2}'], 1, "format"],
    ["a newer version", ['{"format":"anax-sched-trace","version":2,"cpus":2}'], 1, "version"],
    ["too many CPUs", ['{"format":"anax-sched-trace","version":1,"cpus":5000}'], 1, "cpus"],
    ["an unknown field", [head, '{"task":0,"name":"a","colour":1}'], 2, "colour"],
    ["a task twice", [head, task, task], 3, "task"],
    ["an undeclared task", [head, '{"t":1,"wake":7}'], 2, "wake"],
    ["a negative time", [head, task, '{"t":-1,"wake":0}'], 3, "t"],
    ["a time that no clock shows", [head, task, '{"t":9007199254740991,"wake":0}'], 3, "t"],
    ["a waker that is none", [head, task, '{"t":1,"wake":0,"by":"magic"}'], 3, "by"],
    ["its own parent", [head, task, '{"t":1,"fork":0,"by":0}'], 3, "by"],
    ["time goes back", [head, task, '{"t":5,"wake":0}', '{"t":4,"run":0,"cpu":0}'], 4, "t"],
    ["a missing field", [head, task, '{"t":5,"run":0}'], 3, "cpu"],
    ["a CPU that does not exist", [head, task, '{"t":5,"run":0,"cpu":2}'], 3, "cpu"],
    ["a task on two CPUs", [head, task, '{"t":5,"run":0,"cpu":0}', '{"t":5,"run":0,"cpu":1}'], 4, "run"],
    ["a stop of what does not run", [head, task, '{"t":5,"stop":0,"why":"block"}'], 3, "stop"],
    ["a priority of a normal task", [head, '{"task":0,"name":"a","priority":5}'], 2, "priority"],
    ["a real-time task of no priority", [head, '{"task":0,"name":"a","class":"realtime","priority":0}'], 2, "priority"],
    ["an unknown reason", [head, task, '{"t":5,"run":0,"cpu":0}', '{"t":6,"stop":0,"why":"tired"}'], 4, "why"],
  ])("%s", (_, wrong, line, field) => {
    expect(problem(() => readNdjson(wrong.join("\n"), "x"))).toMatchObject({ line, field, file: "x" });
  });

  test("an empty file", () => {
    expect(problem(() => readNdjson("\n")).message).toContain("not a trace");
  });
});
