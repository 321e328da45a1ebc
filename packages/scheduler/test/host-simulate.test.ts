import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  InputError,
  batch,
  compare,
  describeTopology,
  interactive,
  make,
  parseCpuList,
  periodic,
  pingPong,
  pipe,
  policyNames,
  preset,
  program,
  readTopology,
  server,
  simulate,
  statisticsText,
  writeNdjson,
  writePerfetto,
  timelineSvg,
  type SimulateOptions,
  type TaskSpec,
  type Trace,
  type Workload,
} from "../src/host";
import { distanceOf } from "../src/host/topology";
import { RoundRobin } from "../src/round-robin";

const FREE = { contextSwitch: 0, wakeup: 0, idleExit: 0, migration: 0 };

const everything: Workload = {
  name: "everything",
  tasks: [
    batch("hog", { count: 3 }),
    batch("nice", { count: 2, nice: 12, cpus: "1,3" }),
    interactive("editor", { count: 2, think: { exponential: "20ms" }, run: { lognormal: ["1ms", 0.6] } }),
    periodic("audio", { priority: 60, every: "10ms", run: { uniform: ["300us", "900us"] } }),
    server("web", {
      workers: 3,
      every: { exponential: "3ms" },
      run: { pareto: ["200us", 1.8] },
      io: { normal: ["1ms", "200us"] },
    }),
    pipe("pipe", { run: { cycle: ["20us", "70us"] }, capacity: 4 }),
    pingPong("ping", { run: "15us" }),
    make("make", {
      jobs: 3,
      total: 25,
      run: {
        choice: [
          [3, "4ms"],
          [1, { exponential: "20ms" }],
        ],
      },
      io: "500us",
    }),
    batch("idle", { class: "idle" }),
  ],
};

/** A digest of everything that comes out of a run. */
function allOf(options: SimulateOptions): string {
  const { statistics, recording } = simulate(options);
  const digest = createHash("sha256").update(JSON.stringify(statistics)).update(timelineSvg(recording!));
  for (const lines of [writeNdjson(recording!), writePerfetto(recording!)]) digest.update([...lines].join(""));
  return digest.digest("hex");
}

describe.each(policyNames())("under %s", (policy) => {
  test("the same seed gives the same bytes, another seed others", () => {
    const options = { topology: "2x2x2", policy, workload: everything, duration: "70ms" };
    expect(allOf({ ...options, seed: 7 })).toBe(allOf({ ...options, seed: 7 }));
    expect(allOf({ ...options, seed: 8 })).not.toBe(allOf({ ...options, seed: 7 }));
  });

  test("CPU time is conserved, nobody runs on two CPUs, masks are kept", () => {
    fc.assert(
      fc.property(
        workloads,
        fc.constantFrom("1", "2", "4x2", "2x2x2", "3x1x5x1"),
        fc.nat(1e6),
        (tasks, topology, seed) => {
          const { cpus } = readTopology(topology);
          const fitting = tasks.map((t) => (t.cpus === undefined || cpus < 2 ? { ...t, cpus: "0" } : t));
          const result = simulate({ topology, policy, workload: { tasks: fitting }, seed, duration: "60ms" });
          checkRun(result.recording!, fitting, cpus);
          const { cpu, duration } = result.statistics;
          let ran = 0;
          result.recording!.slices((s) => (ran += s.end - s.start));
          expect(cpu.busy).toBeCloseTo(ran, 3);
          expect(cpu.idle).toBeGreaterThanOrEqual(-1e-3);
          expect(cpu.busy + cpu.overhead + cpu.idle).toBeCloseTo(duration * cpus, 3);
        },
      ),
      { numRuns: 15 },
    );
  });

  test("finite work is all done, whatever the order", () => {
    const workload = {
      tasks: [batch("work", { count: 20, run: "7ms" }), make("make", { jobs: 2, total: 9, run: "3ms" })],
    };
    const { statistics } = simulate({ topology: "2x2", policy, workload });
    expect(statistics.tasks).toEqual({ started: 30, finished: 30, blocked: 0 });
    expect(statistics.cpu.busy).toBe(20 * 7e6 + 9 * 3e6);
  });

  test("a real-time task meets its deadlines over batch work", () => {
    const tasks = [batch("hog", { count: 6 }), periodic("rt", { priority: 50, every: "10ms", run: "1ms" })];
    const { statistics } = simulate({ topology: "2", policy, workload: { tasks }, duration: "500ms" });
    expect(statistics.deadlines).toEqual({ met: 50, missed: 0 });
  });
});

const time = fc.integer({ min: 0, max: 5_000_000 });
const common = {
  count: fc.integer({ min: 1, max: 4 }),
  cpus: fc.constantFrom("0", "1", "0-1", "0,1"),
};
const workloads = fc
  .array(
    fc.oneof(
      fc.record({ ...common, pattern: fc.constant("batch"), nice: fc.integer({ min: -20, max: 19 }) }),
      fc.record({ ...common, pattern: fc.constant("interactive"), think: time, run: time.map((t) => t + 1) }),
      fc.record({
        ...common,
        pattern: fc.constant("periodic"),
        priority: fc.integer({ min: 1, max: 99 }),
        every: time.map((t) => t + 50_000),
        run: time,
      }),
      fc.record({ ...common, pattern: fc.constant("pipe"), run: time.map((t) => t + 1_000) }),
      fc.record({
        ...common,
        pattern: fc.constant("make"),
        jobs: fc.integer({ min: 1, max: 4 }),
        run: time.map((t) => t + 1_000),
      }),
      fc.record({
        ...common,
        program: fc.constant([
          {
            do: "repeat",
            steps: [
              { do: "run", for: { exponential: "300us" } },
              { do: "yield" },
              { do: "sleep", for: { uniform: [0, "1ms"] } },
            ],
          },
        ]),
      }),
    ),
    { minLength: 1, maxLength: 5 },
  )
  .map((list) => list.map((task, i) => ({ ...task, name: `t${i}` }) as unknown as TaskSpec & { cpus?: string }));

function checkRun(trace: Trace, tasks: readonly TaskSpec[], cpus: number): void {
  const cpuFree = new Float64Array(cpus);
  const taskFree = new Float64Array(trace.tasks.length);
  const allowed = new Map(tasks.map((t) => [t.name, parseCpuList(t.cpus, cpus, "cpus")]));
  trace.slices((s) => {
    // Not by expect: there are many.
    if (s.start < cpuFree[s.cpu]!) throw new Error(`CPU ${s.cpu} runs two tasks at ${s.start}`);
    if (s.start < taskFree[s.task]!) throw new Error(`task ${s.task} runs on two CPUs at ${s.start}`);
    cpuFree[s.cpu] = s.end;
    taskFree[s.task] = s.end;
    const group = trace.groups[trace.tasks[s.task]!.group]!;
    if (!allowed.get(group.split(/[ /]/)[0]!)!.includes(s.cpu)) throw new Error(`${group} runs on CPU ${s.cpu}`);
  });
}

describe("hand-computed runs on one CPU under round robin", () => {
  const one = (tasks: TaskSpec[], more: Partial<SimulateOptions> = {}): ReturnType<typeof simulate> =>
    simulate({ topology: "1", policy: "round-robin", costs: FREE, workload: { tasks }, ...more });

  test("two tasks of 150 ms take turns of 100 ms", () => {
    const { statistics } = one([batch("a", { run: "150ms" }), batch("b", { run: "150ms" })]);
    const [a, b] = statistics.groups;
    expect(statistics.duration).toBe(300e6);
    expect(a!.response.max).toBe(250e6);
    expect(b!.response.max).toBe(300e6);
    expect(b!.latency).toMatchObject({ count: 1, max: 100e6 });
    expect(statistics.contextSwitches).toBe(4);
    expect(statistics.preemptions).toBe(2);
    expect(statistics.cpu).toEqual({ busy: 300e6, overhead: 0, idle: 0, utilisation: 1 });
  });

  test("costs: each switch and each way out of idleness", () => {
    const costs = { contextSwitch: "2us", idleExit: "5us", wakeup: "1ms", migration: "1ms" };
    const steps = [
      { do: "run" as const, for: "1ms" },
      { do: "sleep" as const, for: "1ms" },
      { do: "run" as const, for: "1ms" },
    ];
    const { statistics } = one([program("a", steps)], { costs });
    // Idle exit twice; the CPU ran nothing else in between, so it switches once.
    expect(statistics.duration).toBe(5e3 + 2e3 + 1e6 + 1e6 + 5e3 + 1e6);
    expect(statistics.cpu.overhead).toBe(2e3);
    expect(statistics.groups[0]!.latency).toMatchObject({ count: 2, p50: 5e3, max: 7e3 });
  });

  test("a message: response counts from its arrival, the wake-up of another CPU takes time", () => {
    const tasks = [
      program("sender", [
        { do: "run", for: "1ms" },
        { do: "send", to: "c" },
        { do: "run", for: "1ms" },
      ]),
      program("receiver", [
        { do: "receive", from: "c" },
        { do: "run", for: "3ms" },
      ]),
    ];
    const { statistics } = simulate({
      topology: "2",
      policy: "round-robin",
      costs: { ...FREE, wakeup: "4us" },
      workload: { tasks },
    });
    const receiver = statistics.groups[1]!;
    expect(receiver.response).toMatchObject({ count: 1, max: 3e6 + 4e3 });
    expect(statistics.duration).toBe(1e6 + 4e3 + 3e6);
  });

  test("a pipe is full at its capacity", () => {
    const tasks = [
      program("producer", [
        {
          do: "repeat",
          times: 5,
          steps: [
            { do: "run", for: "1ms" },
            { do: "send", to: "c" },
          ],
        },
      ]),
      program("consumer", [
        {
          do: "repeat",
          times: 5,
          steps: [
            { do: "receive", from: "c" },
            { do: "run", for: "10ms" },
          ],
        },
      ]),
    ];
    const { statistics } = simulate({
      topology: "2",
      policy: "round-robin",
      costs: FREE,
      workload: { tasks, channels: { c: 2 } },
    });
    expect(statistics.duration).toBe(51e6);
    // Put in at 1, 2, 3, 11 (when the second was taken) and 21 ms; done at 11, 21, 31, 41 and 51 ms.
    expect(statistics.groups[1]!.response).toEqual({
      count: 5,
      mean: (10e6 + 19e6 + 28e6 + 30e6 + 30e6) / 5,
      p50: 28e6,
      p90: 30e6,
      p99: 30e6,
      max: 30e6,
    });
  });

  test("deadlines: late jobs and jobs that never ran are missed", () => {
    const { statistics } = one([periodic("p", { every: "10ms", run: "12ms", deadline: "20ms" })], {
      duration: "100ms",
    });
    // Ends at 12, 24, ... 96; job n is due at 10 n + 20: 12, 24, 36, 48 and 60 meet 20, 30, 40, 50, 60.
    expect(statistics.deadlines).toEqual({ met: 5, missed: 3 + 0 });
  });

  test("a wait within a periodic job is part of it", () => {
    const steps = [
      {
        do: "repeat" as const,
        steps: [
          { do: "period" as const, every: "20ms", deadline: "8ms" },
          { do: "run" as const, for: "1ms" },
          { do: "sleep" as const, for: { cycle: ["2ms", "9ms"] } },
          { do: "run" as const, for: "1ms" },
        ],
      },
    ];
    const { statistics } = one([program("a", steps)], { duration: "200ms" });
    expect(statistics.deadlines).toEqual({ met: 5, missed: 5 });
    expect(statistics.groups[0]!.response).toMatchObject({ count: 10, p50: 4e6, max: 11e6 });
  });

  test("a relay that takes no time of its own may go on for ever", () => {
    const relay = {
      do: "repeat" as const,
      steps: [
        { do: "receive" as const, from: "a" },
        { do: "send" as const, to: "b" },
      ],
    };
    const tasks = [
      program("relay", [relay]),
      program("sink", [{ do: "repeat", steps: [{ do: "receive", from: "b" }] }]),
    ];
    const workload = { tasks, sources: [{ to: "a", every: 100 }] };
    const { statistics } = simulate({
      topology: "1",
      policy: "round-robin",
      costs: { contextSwitch: 10, idleExit: 0 },
      workload,
      duration: "12ms",
    });
    expect(statistics.wakeups).toBeGreaterThan(110_000);
  });

  test("fork and join", () => {
    const child: TaskSpec = { name: "child", program: [{ do: "run", for: "5ms" }] };
    const { statistics } = one([
      program("parent", [
        { do: "repeat", times: 3, steps: [{ do: "fork", task: child }] },
        { do: "join", children: "one" },
        { do: "run", for: "1ms" },
        { do: "join", children: "all" },
        { do: "run", for: "1ms" },
      ]),
    ]);
    expect(statistics.tasks).toEqual({ started: 4, finished: 4, blocked: 0 });
    expect(statistics.duration).toBe(17e6);
  });

  test("yield goes round", () => {
    const steps = [
      { do: "repeat" as const, times: 3, steps: [{ do: "run" as const, for: "1ms" }, { do: "yield" as const }] },
    ];
    const { statistics } = one([program("a", steps), program("b", steps)]);
    expect(statistics.yields).toBeGreaterThanOrEqual(4);
    // Each gives way after its third turn too, and so both end after the sixth.
    expect(statistics.groups[0]!.response.max).toBe(6e6);
    expect(statistics.groups[1]!.response.max).toBe(6e6);
  });

  test("whoever waits for nobody is blocked at the end", () => {
    const { statistics } = one([program("a", [{ do: "receive", from: "nobody" }])]);
    expect(statistics.tasks).toEqual({ started: 1, finished: 0, blocked: 1 });
    expect(statisticsText(statistics)).toContain("1 task (0 finished, 1 asleep)");
  });
});

test("two policies see the same bursts: finite work is as long under each", () => {
  const workload = {
    tasks: [make("make", { jobs: 4, total: 40, run: { lognormal: ["5ms", 1] }, io: { exponential: "1ms" } })],
  };
  const all = compare({ topology: "4", policies: policyNames(), workload, seed: 3 });
  const busy = all.map(({ statistics }) => statistics.cpu.busy);
  expect(busy).toEqual(busy.map(() => busy[0]));
});

test("4,096 CPUs", () => {
  const workload = { tasks: [batch("hog", { count: 4096 })] };
  const { statistics } = simulate({ topology: "4x2x256x2", policy: "dfly", workload, duration: "30ms", record: false });
  expect(statistics.cpus).toBe(4096);
  expect(statistics.cpu.utilisation).toBeGreaterThan(0.99);
});

test("a policy of one's own; one that breaks the rules is told so", () => {
  class Unfair extends RoundRobin {
    override get name(): string {
      return "unfair";
    }
    override mayRun(): boolean {
      return false;
    }
  }
  const workload = { tasks: [batch("hog", { count: 2, run: "1ms" })] };
  const fine = simulate({ topology: "2", policy: (t) => new RoundRobin(t), workload });
  expect(fine.statistics.policy).toBe("round-robin");
  expect(() => simulate({ topology: "2", policy: (t) => new Unfair(t), workload })).toThrow(
    /unfair.*may not run there/,
  );
});

test("a tree may leave levels out: distances are those between the parts that it names", () => {
  const leaf = (level: string): object => ({ level });
  const two = (level: string, inside: string): object => ({ level, children: [leaf(inside), leaf(inside)] });
  // Distance of CPUs 0 and 1, of 0 and the last, and the machine in words.
  const cases: [object, number, number, string][] = [
    [{ level: "machine", children: [two("package", "core"), leaf("package")] }, 1, 2, "3 CPUs: 2 packages, 3 cores"],
    [two("machine", "package"), 2, 2, "2 CPUs: 2 packages, 2 cores"],
    [two("machine", "core"), 1, 1, "2 CPUs: 2 cores"],
    [two("machine", "thread"), 0, 0, "2 CPUs: 2 threads"],
    [
      { level: "machine", children: [two("numa", "core"), two("numa", "core")] },
      1,
      3,
      "4 CPUs: 2 NUMA nodes, 2 packages, 4 cores",
    ],
    [{ level: "machine", children: [two("core", "thread"), leaf("core")] }, 0, 1, "3 CPUs: 2 cores, 3 threads"],
  ];
  for (const [tree, near, far, words] of cases) {
    const t = readTopology(tree);
    expect([distanceOf(t, 0, 1), distanceOf(t, 0, t.cpus - 1), describeTopology(t)]).toEqual([near, far, words]);
  }
});

describe("wrong input names its field", () => {
  const good = { topology: "2", policy: "dfly", workload: { tasks: [batch("a", { run: "1ms" })] } };
  const task = (more: object): object => ({ ...good, workload: { tasks: [{ name: "a", pattern: "batch", ...more }] } });
  const steps = (...list: object[]): object => ({ ...good, workload: { tasks: [{ name: "a", program: list }] } });

  const endless = { level: "machine", children: [] as object[] };
  endless.children.push(endless);
  function nested(depth: number): object {
    let step: object = { do: "run", for: 1 };
    for (let i = 0; i < depth; i++) step = { do: "repeat", times: 1, steps: [step] };
    return step;
  }

  const circle: { do: string; steps: object[] } = { do: "repeat", steps: [] };
  circle.steps.push(circle);
  const choice: { choice: [number, unknown][] } = { choice: [[1, 5]] };
  choice.choice[0]![1] = choice;

  test.each([
    ["no options", () => simulate(undefined as never), "options"],
    ["options that are none", () => compare(null as never), "options"],
    [
      "policies that are no list",
      () => compare({ topology: "2", workload: good.workload, policies: "dfly" as never }),
      "policies",
    ],
    ["policy and policies", () => compare({ ...good, policies: ["dfly"] }), "policy"],
    ["a preset for no CPU", () => preset("desktop", 0), "cpus"],
    ["a preset for half a CPU", () => preset("desktop", 0.5), "cpus"],
    ["a preset that is none", () => preset("lottery", 4), "workload"],
  ])("%s", (_, run, field) => {
    expect(run).toThrow(expect.objectContaining({ name: "InputError", field }) as Error);
  });

  test.each<[string, object, string]>([
    ["no topology", { ...good, topology: "0x2" }, "topology"],
    ["a topology of words", { ...good, topology: "big" }, "topology"],
    ["too many CPUs", { ...good, topology: "4097" }, "topology"],
    ["too many CPUs, by level", { ...good, topology: { packages: 64, cores: 65 } }, "topology.cores"],
    ["half a core", { ...good, topology: { cores: 1.5 } }, "topology.cores"],
    ["an unknown level", { ...good, topology: { sockets: 2 } }, "topology.sockets"],
    [
      "a core above its package",
      { ...good, topology: { level: "core", children: [{ level: "package" }] } },
      "topology.children[0].level",
    ],
    ["a tree without levels", { ...good, topology: { children: [{ level: "core" }] } }, "topology.level"],
    ["an unknown policy", { ...good, policy: "lottery" }, "policy"],
    ["an option that is none", { ...good, durations: "1s" }, "durations"],
    ["a negative seed", { ...good, seed: -1 }, "seed"],
    ["a negative duration", { ...good, duration: -5 }, "duration"],
    ["no time", { ...good, duration: 0 }, "duration"],
    ["a duration without a unit that is known", { ...good, duration: "5 weeks" }, "duration"],
    ["a negative cost", { ...good, costs: { contextSwitch: "-1us" } }, "costs.contextSwitch"],
    ["a duration of another kind", { ...good, duration: 5n }, "duration"],
    ["a duration that holds itself", { ...good, duration: circle }, "duration"],
    ["a seed of another kind", { ...good, seed: 1n }, "seed"],
    ["a unit that objects have", { ...good, duration: "5constructor" }, "duration"],
    ["a level that objects have", { ...good, topology: { level: "toString" } }, "topology.level"],
    ["progress to nobody", { ...good, onProgress: 5 }, "onProgress"],
    ["a record that is neither", { ...good, record: "no" }, "record"],
    ["steps that hold themselves", steps(circle), "workload"],
    ["a choice that holds itself", task({ run: choice }), "workload"],
    ["costs that are none", { ...good, costs: "1us" }, "costs"],
    ["an unknown cost", { ...good, costs: { migration: { room: 1 } } }, "costs.migration.room"],
    ["levels without end", { ...good, topology: endless }, `topology${".children[0]".repeat(5)}`],
    ["steps without end", steps(nested(20_000)), "workload"],
    ["no tasks", { ...good, workload: { tasks: [] } }, "workload.tasks"],
    ["no workload", { ...good, workload: null }, "workload"],
    ["an unknown field", task({ colour: 1 }), "workload.tasks[0].colour"],
    ["an unknown pattern", task({ pattern: "waltz" }), "workload.tasks[0].pattern"],
    ["nice out of range", task({ nice: 20 }), "workload.tasks[0].nice"],
    ["nice of a real-time task", task({ nice: 1, priority: 5 }), "workload.tasks[0].nice"],
    ["a priority of a normal task", task({ class: "normal", priority: 5 }), "workload.tasks[0].priority"],
    ["a CPU that does not exist", task({ cpus: "0-2" }), "workload.tasks[0].cpus"],
    ["negative work", task({ run: "-1ms" }), "workload.tasks[0].run"],
    ["a negative arrival", task({ start: -1 }), "workload.tasks[0].start"],
    ["a mean that is no duration", task({ run: { exponential: "fast" } }), "workload.tasks[0].run.exponential"],
    ["an unknown distribution", task({ run: { gauss: 1 } }), "workload.tasks[0].run"],
    ["bounds the wrong way", task({ run: { uniform: [5, 1] } }), "workload.tasks[0].run.uniform"],
    ["a period of 0", task({ pattern: "periodic", every: 0, run: 1 }), "workload.tasks[0].every"],
    ["a missing time", task({ pattern: "periodic", run: 1 }), "workload.tasks[0].every"],
    ["an unknown step", steps({ do: "dance" }), "workload.tasks[0].program[0].do"],
    ["a negative step", steps({ do: "run", for: 1 }, { do: "sleep", for: -1 }), "workload.tasks[0].program[1].for"],
    [
      "a wrong step inside",
      steps({ do: "repeat", steps: [{ do: "run", for: "x" }] }),
      "workload.tasks[0].program[0].steps[0].for",
    ],
    [
      "a wrong child",
      steps({ do: "fork", task: { name: "c", pattern: "batch", nice: 99 } }),
      "workload.tasks[0].program[0].task.nice",
    ],
    ["a program that takes no time", steps({ do: "repeat", steps: [{ do: "send", to: "x" }] }), "workload.tasks"],
  ])("%s", (_, options, field) => {
    let error: unknown;
    try {
      simulate(options as SimulateOptions);
    } catch (e) {
      error = e;
    }
    expect(error).toBeInstanceOf(InputError);
    expect(error).toMatchObject({ field, code: "EINVAL" });
    expect((error as Error).message.startsWith(`${field}: `)).toBe(true);
  });
});
