import { fileURLToPath } from "node:url";
import { Resvg } from "@resvg/resvg-js";
import { build } from "esbuild";
import { XMLParser, XMLValidator } from "fast-xml-parser";
import { describe, expect, test } from "vitest";
import {
  Kind,
  Stop,
  Trace,
  batch,
  colour,
  comparisonText,
  compare,
  fairness,
  formatDuration,
  interactive,
  jain,
  make,
  parseCpuList,
  parseDuration,
  pingPong,
  pipe,
  server,
  simulate,
  statisticsText,
  summarize,
  timelineSvg,
  traceEvents,
  writePerfetto,
  type TraceEvent,
} from "../src/host";

const workload = {
  name: 'a "b" <c> & d',
  tasks: [
    batch("hog & <co>", { count: 4 }),
    interactive("editor", { count: 2, think: { exponential: "9ms" }, run: "1ms" }),
    server("web", { workers: 2, every: "2ms", run: "400us", io: "300us" }),
    pipe("pipe", { run: "30us" }),
    pingPong("pp", { run: "20us" }),
    make("make", { jobs: 2, total: 9, run: "3ms" }),
  ],
};
const { recording: trace, statistics } = simulate({ topology: "2x2", policy: "dfly", workload, duration: "150ms" });

describe("Perfetto trace", () => {
  const events = [...traceEvents(trace!)];

  const pidOf = (name: string): number => events.find((e) => e.name === "process_name" && e.args!.name === name)!.pid;
  const CPUS = pidOf("CPUs");

  test("tracks have names of their own, before anything happens on them", () => {
    const named = new Map<number, number>();
    let metadata = true;
    for (const e of events) {
      if (e.ph !== "M") metadata = false;
      else {
        expect(metadata).toBe(true);
        if (e.name === "thread_name") {
          expect(e.args!.name).not.toBe("");
          // Importers keep threads by number alone.
          expect(named.has(e.tid)).toBe(false);
          named.set(e.tid, e.pid);
        }
      }
      if (e.ph === "B" || e.ph === "E") expect(named.get(e.tid)).toBe(e.pid);
    }
    expect(named.size).toBe(trace!.cpus + trace!.tasks.length);
    // A thread with the number of its process is its main thread and would be shown above the others.
    for (const [tid, pid] of named) expect(tid).not.toBe(pid);
    const many = simulate({ topology: "4096", policy: "round-robin", workload: { tasks: [batch("a", { run: 1 })] } });
    for (const e of traceEvents(many.recording!)) if (e.ph === "B") expect(e.tid).not.toBe(e.pid);
  });

  test("is JSON of the format", () => {
    const file = JSON.parse([...writePerfetto(trace!)].join("")) as {
      traceEvents: TraceEvent[];
      displayTimeUnit: string;
    };
    expect(file.displayTimeUnit).toBe("ns");
    expect(file.traceEvents).toEqual(JSON.parse(JSON.stringify(events)));
    for (const e of file.traceEvents) {
      expect(
        "BEsfCM".includes(e.ph) &&
          (e.ph === "E" || e.name!.length > 0) &&
          Number.isInteger(e.pid) &&
          Number.isInteger(e.tid),
      ).toBe(true);
      expect(Number.isFinite(e.ts) && e.ts >= 0).toBe(true);
    }
  });

  test("times never go back, and every B has its E on its track", () => {
    const open = new Map<string, TraceEvent[]>();
    let last = 0;
    let pairs = 0;
    for (const e of events) {
      if (e.ts < last) throw new Error(`${e.ts} after ${last}`);
      last = e.ts;
      const track = `${e.pid}/${e.tid}`;
      const stack = open.get(track) ?? [];
      open.set(track, stack);
      if (e.ph === "B") stack.push(e);
      if (e.ph !== "E") continue;
      if (stack.pop() === undefined) throw new Error(`an end without a begin on track ${track} at ${e.ts}`);
      if (stack.length > 0) throw new Error(`two slices at once on track ${track} at ${e.ts}`);
      pairs++;
    }
    expect(pairs).toBeGreaterThan(1000);
    expect([...open.values()].flat()).toEqual([]);
  });

  test("a part of the trace has what is under way at its edges, and nothing else", () => {
    for (const [from, to] of [
      [31e6, 32.5e6],
      [0, 1e6],
      [149e6, 150e6],
      [40e6, 40e6 + 1],
    ] as const) {
      let expected = 0;
      trace!.slices((s) => (expected += Math.max(0, Math.min(s.end, to) - Math.max(s.start, from))));
      const open = new Map<string, number>();
      let ran = 0;
      let last = from / 1000;
      for (const e of traceEvents(trace!, { from, to })) {
        if (e.ph === "M") continue;
        expect(e.ts).toBeGreaterThanOrEqual(last);
        last = e.ts;
        const track = `${e.pid}/${e.tid}`;
        if (e.ph === "B") {
          expect(open.has(track)).toBe(false);
          open.set(track, e.ts);
        } else if (e.ph === "E") {
          if (e.pid === CPUS) ran += (e.ts - open.get(track)!) * 1000;
          expect(open.delete(track)).toBe(true);
        }
      }
      expect(last).toBeLessThanOrEqual(to / 1000);
      expect(open.size).toBe(0);
      expect(ran).toBeCloseTo(expected, 3);
    }
    expect([...traceEvents(trace!, { from: 0, to: trace!.end })]).toEqual(events);
    expect(() => [...traceEvents(trace!, { from: 5, to: 4 })]).toThrow(
      expect.objectContaining({ name: "InputError", field: "to" }) as Error,
    );
  });

  test("every arrow ends once, after its start, in a slice", () => {
    const starts = new Map<number, number>();
    const inSlice = new Map<number, number>();
    let arrows = 0;
    for (const e of events) {
      if (e.pid === CPUS && e.ph === "B") inSlice.set(e.tid, (inSlice.get(e.tid) ?? 0) + 1);
      if (e.pid === CPUS && e.ph === "E") inSlice.set(e.tid, inSlice.get(e.tid)! - 1);
      if (e.ph === "s") {
        expect(starts.has(e.id!)).toBe(false);
        expect(e).toMatchObject({ pid: CPUS, cat: "wake", name: "wake-up" });
        expect(inSlice.get(e.tid)).toBe(1);
        starts.set(e.id!, e.ts);
      } else if (e.ph === "f") {
        // Both ends have one category, name and id; "e" binds the arrow to the slice around it.
        expect(e).toMatchObject({ pid: CPUS, cat: "wake", name: "wake-up", bp: "e" });
        expect(inSlice.get(e.tid)).toBe(1);
        expect(e.ts).toBeGreaterThanOrEqual(starts.get(e.id!)!);
        starts.delete(e.id!);
        arrows++;
      }
    }
    expect(arrows).toBeGreaterThan(100);
  });

  test("tracks are named; counters stay within the machine", () => {
    const names = events.filter((e) => e.name === "thread_name" && e.pid === CPUS).map((e) => e.args!.name);
    expect(names).toEqual(["CPU 0", "CPU 1", "CPU 2", "CPU 3"]);
    const counters = events.filter((e) => e.ph === "C");
    expect(counters.length).toBeGreaterThan(10);
    for (const { args } of counters) {
      expect(args!.running).toBeLessThanOrEqual(4);
      expect(args!.waiting).toBeGreaterThanOrEqual(0);
    }
  });
});

describe("timeline", () => {
  interface Rect {
    "@_x": string;
    "@_width": string;
    "@_fill": string;
  }
  const parse = (svg: string): { svg: { title: string; g: { rect?: Rect[]; text?: unknown[] }; text: unknown[] } } => {
    expect(XMLValidator.validate(svg)).toBe(true);
    return new XMLParser({ ignoreAttributes: false, parseTagValue: false }).parse(svg) as never;
  };

  test("is well-formed; names are escaped", () => {
    const { svg } = parse(timelineSvg(trace!));
    expect(svg.title).toContain("b");
    expect(timelineSvg(trace!)).not.toContain("<co>");
    expect(svg.g.rect!.length).toBeGreaterThan(20);
  });

  test("bars lie within the plot", () => {
    for (const range of [{}, { from: 20e6, to: 30e6 }, { width: 500, rows: 2 }]) {
      const { svg } = parse(timelineSvg(trace!, range));
      const width = "width" in range ? 500 : 1200;
      for (const [, x, w] of timelineSvg(trace!, range).matchAll(/M(\d+) [\d.]+h(\d+)v/g)) {
        expect(Number(x)).toBeGreaterThanOrEqual(64);
        expect(Number(x) + Number(w)).toBeLessThanOrEqual(width - 32 + 1);
      }
      for (const rect of [svg.g.rect ?? []].flat()) {
        expect(Number(rect["@_x"])).toBeGreaterThanOrEqual(64);
        expect(Number(rect["@_x"]) + Number(rect["@_width"])).toBeLessThanOrEqual(width - 32 + 1);
      }
    }
  });

  test("texts lie within the picture, whatever the names and CPUs", () => {
    const name = "a name that is much longer than anything that has room in a picture of this size, ".repeat(3);
    const tasks = [name, "日本語のとても長い名前".repeat(9), "short"].map((n) => batch(n.slice(0, 200), { count: 2 }));
    const { recording } = simulate({
      topology: "4096",
      policy: "dfly",
      workload: { name: name.slice(0, 200), tasks },
      duration: "50ms",
    });
    const wide = /[\u2e80-\uffef]/;
    for (const width of [400, 1200]) {
      for (const drawn of [recording!, trace!]) {
        const { svg } = parse(timelineSvg(drawn, { width }));
        const texts = [svg.text, svg.g.text ?? []].flat() as Record<string, string>[];
        expect(texts.length).toBeGreaterThan(10);
        for (const t of texts) {
          const size = Number(t["@_font-size"] ?? 12);
          const text = t["#text"]!.replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)));
          const length = [...text].reduce((sum, c) => sum + size * (wide.test(c) ? 1 : 0.6), 0);
          const anchor = t["@_text-anchor"];
          const left = Number(t["@_x"]) - (anchor === "end" ? length : anchor === "middle" ? length / 2 : 0);
          expect(left, t["#text"]).toBeGreaterThanOrEqual(0);
          expect(left + length, t["#text"]).toBeLessThanOrEqual(width);
        }
      }
    }
    expect(timelineSvg(recording!)).toContain(`<title>${name.slice(0, 200)}, dfly</title>`);
  });

  test("a renderer draws it: bars have the colours of their groups", () => {
    const tasks = [batch("a", { cpus: "0" }), batch("b", { cpus: "1", start: "50ms" })];
    const { recording } = simulate({ topology: "2", policy: "dfly", workload: { tasks }, duration: "100ms" });
    const { width, height, pixels } = new Resvg(timelineSvg(recording!, { width: 500 })).render();
    const at = (x: number, y: number): string => {
      const i = (y * width + x) * 4;
      return `#${Buffer.from(pixels.subarray(i, i + 3)).toString("hex")}`;
    };
    expect([width, pixels.length]).toEqual([500, width * height * 4]);
    // Rows of two CPUs are 28 pixels high and begin at 160; the plot is from 64 to 464.
    const middle = [174, 202];
    expect(middle.map((y) => [at(100, y), at(400, y)])).toEqual([
      ["#0072b2", "#0072b2"],
      ["#ffffff", "#e69f00"],
    ]);
  });

  test("tasks of one group that follow one another have a gap between them", () => {
    const made = new Trace("gaps", 1, ["a"]);
    for (let task = 0; task < 41; task++) {
      made.tasks.push({ name: "a", group: 0, nice: 0, class: "normal", priority: 0, cpus: null });
      made.add(Kind.run, task * 1_037, task, 0, 0);
      made.add(Kind.stop, (task + 1) * 1_037, task, 0, Stop.exited);
    }
    const { width, pixels } = new Resvg(timelineSvg(made, { width: 700 })).render();
    let bars = 0;
    let before = 0xff;
    for (let x = 64; x < 664; x++) {
      const red = pixels[(174 * width + x) * 4]!;
      if (red < 0x80 && before >= 0x80) bars++;
      before = red;
    }
    expect(bars).toBe(41);
  });

  test("colours of 48 groups differ", () => {
    const all = Array.from({ length: 48 }, (_, group) => colour(group));
    expect(new Set(all).size).toBe(48);
    expect(all.every((c) => /^#[0-9a-f]{6}$/.test(c))).toBe(true);
  });

  test.each([
    ["width", { width: NaN }],
    ["width", { width: 1e9 }],
    ["rows", { rows: 0 }],
    ["from", { from: -1 }],
    ["to", { from: 20e6, to: 10e6 }],
  ])("a wrong %s is named", (field, options) => {
    expect(() => timelineSvg(trace!, options)).toThrow(expect.objectContaining({ name: "InputError", field }) as Error);
  });

  test("many CPUs share rows, so the picture stays small", () => {
    const many = simulate({
      topology: "4x8x8x2",
      policy: "round-robin",
      workload: { tasks: [batch("hog", { count: 600 })] },
      duration: "300ms",
    });
    const svg = timelineSvg(many.recording!);
    parse(svg);
    expect(svg).toContain(">0-7<");
    expect(svg.length).toBeLessThan(400_000);
  });
});

test("the library needs nothing of Node: it bundles for browsers", async () => {
  const entryPoints = [fileURLToPath(new URL("../src/host/index.ts", import.meta.url))];
  const { outputFiles } = await build({
    entryPoints,
    bundle: true,
    platform: "browser",
    format: "esm",
    conditions: ["source"],
    write: false,
    logLevel: "silent",
  });
  expect(outputFiles[0]!.text).not.toMatch(/\bfrom\s*"node:|\brequire\("node:|\bprocess\.(?:std|argv|env)/);
});

test("tables name every group and policy", () => {
  const text = statisticsText(statistics);
  for (const { name } of statistics.groups) expect(text).toContain(name);
  const all = compare({ topology: "2", policies: ["dfly", "eevdf"], workload, duration: "20ms" });
  const table = comparisonText(all.map((r) => r.statistics));
  expect(table).toMatch(/dfly +eevdf/);
  expect(table).toMatch(/utilisation +[\d.]+ % +[\d.]+ %/);
});

describe("statistics by hand", () => {
  test("percentiles are nearest rank", () => {
    const ten = Float64Array.from([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(summarize(ten)).toEqual({ count: 10, mean: 5.5, p50: 5, p90: 9, p99: 10, max: 10 });
    expect(summarize(Float64Array.of(7))).toEqual({ count: 1, mean: 7, p50: 7, p90: 7, p99: 7, max: 7 });
    expect(summarize(new Float64Array())).toEqual({ count: 0, mean: 0, p50: 0, p90: 0, p99: 0, max: 0 });
  });

  test("Jain's index", () => {
    expect(jain([3, 3, 3])).toBe(1);
    expect(jain([1, 0, 0, 0])).toBe(0.25);
    expect(jain([1, 3])).toBe(16 / 20);
    expect(jain([])).toBeNull();
  });

  test("fairness: among equals, by weight, and only of those who always want a CPU", () => {
    const task = (
      nice: number,
      cpu: number,
      waited: number,
      lifetime = 100,
    ): Parameters<typeof fairness>[0][number] => ({
      group: 0,
      nice,
      klass: "normal",
      cpu,
      waited,
      lifetime,
    });
    // Two of nice 0 with 60 and 20, one of nice 5 with 10; one that sleeps and one that lived for a short time do not count.
    const result = fairness(
      [task(0, 60, 40), task(0, 20, 80), task(5, 10, 90), task(0, 5, 5), task(0, 30, 0, 30)],
      100,
    );
    expect(result.byNice).toEqual([
      { nice: 0, tasks: 2, cpuPerSecond: 0.4e9, share: 80 / 90 },
      { nice: 5, tasks: 1, cpuPerSecond: 0.1e9, share: 10 / 90 },
    ]);
    expect(result.jain).toBeCloseTo((1.5 + 0.5) ** 2 / (2 * (1.5 ** 2 + 0.5 ** 2)), 12);
    const [a, b, c] = [0.6, 0.2, 0.1 * 1.25 ** 5];
    expect(result.weightedJain).toBeCloseTo((a + b + c) ** 2 / (3 * (a * a + b * b + c * c)), 12);
  });

  test("migrations by distance", () => {
    const nowhere = { tasks: [batch("a", { cpus: "0", run: "1ms" })] };
    expect(simulate({ topology: "2x2x2", policy: "dfly", workload: nowhere }).statistics.migrations.total).toBe(0);
    const { migrations } = statistics;
    expect(migrations.thread + migrations.core + migrations.package + migrations.node).toBe(migrations.total);
    expect(migrations.package + migrations.node).toBe(0);
  });
});

describe("units", () => {
  test("durations", () => {
    expect(["5", "250us", "1.5ms", "2s", "1min", " 3 ns "].map((d) => parseDuration(d, "d"))).toEqual([
      5, 250e3, 1.5e6, 2e9, 60e9, 3,
    ]);
    expect([0, 999, 1234, 45_600_000, 2e9].map(formatDuration)).toEqual([
      "0",
      "999 ns",
      "1.23 us",
      "45.6 ms",
      "2.00 s",
    ]);
  });

  test("CPU lists", () => {
    expect(parseCpuList("3, 0-1,1", 4, "cpus")).toEqual([0, 1, 3]);
    expect(parseCpuList([2, 2], 4, "cpus")).toEqual([2]);
    expect(() => parseCpuList("3-1", 4, "cpus")).toThrow(/^cpus: empty range/);
  });
});
