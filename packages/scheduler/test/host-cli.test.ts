import { execFileSync, spawn } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readNdjson, type Statistics } from "../src/host";

const bin = fileURLToPath(new URL("../bin/anax-scheduler.mjs", import.meta.url));
const tsx = import.meta.resolve("tsx");
const fixture = (name: string): string => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));

interface Outcome {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** Runs the command line as npm's shim would, from its sources; `output` is a file in place of the pipe. */
function run(args: string[], input = "", output?: string): Promise<Outcome> {
  return new Promise((done, failed) => {
    const to = output === undefined ? "pipe" : openSync(output, "w");
    const child = spawn(process.execPath, ["--conditions=source", "--import", tsx, bin, ...args], {
      cwd: folder,
      stdio: ["pipe", to, "pipe"],
    });
    if (typeof to === "number") closeSync(to);
    const outcome: Outcome = { status: null, stdout: "", stderr: "" };
    child.stdout?.setEncoding("utf8").on("data", (text: string) => (outcome.stdout += text));
    child.stderr!.setEncoding("utf8").on("data", (text: string) => (outcome.stderr += text));
    child.on("error", failed);
    child.on("close", (status) => done({ ...outcome, status }));
    child.stdin!.on("error", () => undefined).end(input);
  });
}

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "scheduler-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const file = (name: string, content: string | object): string => {
  const where = path.join(folder, name);
  writeFileSync(where, typeof content === "string" ? content : JSON.stringify(content));
  return where;
};

test("help and lists", async () => {
  const [help, sub, list, wrong, version] = await Promise.all([
    run(["--help"]),
    run(["simulate", "--help"]),
    run(["list", "--json"]),
    run([]),
    run(["--version"]),
  ]);
  expect(version).toMatchObject({ status: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) as string });
  expect(help).toMatchObject({ status: 0, stderr: "" });
  expect(help.stdout).toMatch(/simulate[^]*compare[^]*Exit status:/);
  expect(sub.stdout).toMatch(/--topology[^]*--workload|--workload[^]*--topology/);
  expect((JSON.parse(list.stdout) as { policies: string[] }).policies).toEqual(
    expect.arrayContaining(["dfly", "bsd4", "eevdf", "round-robin"]),
  );
  expect(wrong.status).toBe(64);
});

test("simulate writes statistics, a timeline, a Perfetto trace and events; events replay", async () => {
  const flags = ["-w", "mixed", "-t", "2x2", "-d", "60ms", "-s", "5"];
  const first = await run([
    "simulate",
    ...flags,
    "--json",
    "--svg",
    "a.svg",
    "--trace",
    "a.json",
    "--events",
    "a.ndjson",
  ]);
  expect(first).toMatchObject({ status: 0, stderr: "" });
  const statistics = JSON.parse(first.stdout) as Statistics;
  expect(statistics).toMatchObject({ policy: "dfly", workload: "mixed", cpus: 4, seed: 5, duration: 60e6 });
  expect(readdirSync(folder).sort()).toEqual(["a.json", "a.ndjson", "a.svg"]);
  expect(readFileSync(path.join(folder, "a.svg"), "utf8")).toMatch(/^<svg [^]*<\/svg>\n$/);
  expect(() => JSON.parse(readFileSync(path.join(folder, "a.json"), "utf8")) as unknown).not.toThrow();
  const events = readNdjson(readFileSync(path.join(folder, "a.ndjson"), "utf8"));
  expect(events.end).toBe(60e6);

  const [again, replay] = await Promise.all([
    run(["simulate", ...flags, "--json"]),
    run(["simulate", "-w", "a.ndjson", "-t", "2x2", "-p", "round-robin", "--json"]),
  ]);
  expect(JSON.parse(again.stdout)).toEqual(statistics);
  expect((JSON.parse(replay.stdout) as Statistics).cpu.busy).toBeCloseTo(statistics.cpu.busy, 0);
});

test("compare: several policies on one recorded trace, in one table", async () => {
  const { status, stdout } = await run([
    "compare",
    "-w",
    fixture("perf.txt"),
    "-t",
    "2",
    "-p",
    "dfly,eevdf",
    "--svg",
    "p.svg",
  ]);
  expect(status).toBe(0);
  expect(stdout).toMatch(/dfly +eevdf\n/);
  expect(stdout).toMatch(/context switches +\d+ +\d+/);
  expect(readdirSync(folder).sort()).toEqual(["p.dfly.svg", "p.eevdf.svg"]);
});

test("draw: a part of a trace", async () => {
  const part = ["--trace", "p.json", "--from", "1ms", "--to", "3500us"];
  const { status, stderr } = await run(["draw", fixture("perf.txt"), ...part]);
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  const { traceEvents } = JSON.parse(readFileSync(path.join(folder, "p.json"), "utf8")) as {
    traceEvents: { ph: string; ts: number; cat?: string }[];
  };
  const slices = traceEvents.filter((e) => e.ph === "B" && e.cat === "make").map((e) => e.ts);
  expect(slices).toEqual([1000, 3030]);
});

test("draw: a trace of a Linux machine from standard input", async () => {
  const { status, stderr } = await run(["draw", "-", "--svg", "x.svg"], readFileSync(fixture("ftrace.txt"), "utf8"));
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  expect(readFileSync(path.join(folder, "x.svg"), "utf8")).toContain("my prog");
});

test("a workload and a topology from files", async () => {
  const workload = file("w.json", { name: "own", tasks: [{ name: "a", pattern: "batch", run: "3ms", count: 2 }] });
  const topology = file("t.json", { level: "machine", children: [{ level: "package" }, { level: "package" }] });
  const { status, stdout } = await run([
    "simulate",
    "-w",
    workload,
    "-t",
    topology,
    "--json",
    "--cost",
    "migration=2us",
    "--cost",
    "migration.core=1us",
  ]);
  expect(status).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ workload: "own", cpus: 2, tasks: { started: 2, finished: 2 } });
});

describe("wrong input: one line that names the field, the status says which kind, nothing is written", () => {
  const cases: [string, string[], number, RegExp][] = [
    ["an unknown policy", ["-w", "mixed", "-p", "lottery"], 64, /--policy: no policy "lottery"; there are dfly/],
    ["an impossible topology", ["-w", "mixed", "-t", "0x4"], 64, /--topology: impossible.*cores/],
    ["too many CPUs", ["-w", "mixed", "-t", "8x1024"], 64, /--topology: more than 4096 CPUs/],
    ["a negative duration", ["-w", "mixed", "-d", "-5ms"], 64, /--duration.*negative/],
    ["no time at all", ["-w", "mixed", "-d", "0"], 64, /--duration.*above 0/],
    [
      "a picture of what was not simulated",
      ["-w", "mixed", "-d", "2ms", "--from", "3ms"],
      64,
      /--from 3.00 ms.*2.00 ms/,
    ],
    ["one file for two outputs", ["-w", "mixed", "-d", "2ms", "--trace", "./a.svg"], 64, /--svg and --trace: .*a.svg/],
    ["a folder as output", ["-w", "mixed", "-d", "2ms", "--trace", "."], 73, /^anax-scheduler: \.: is a directory\n$/],
    ["an unknown cost", ["-w", "mixed", "--cost", "coffee=1us"], 64, /coffee.*no such field/],
    ["no workload", [], 64, /--workload/],
    ["a workload that is not there", ["-w", "absent.json"], 66, /--workload absent.json: no such file/],
    [
      "an output that cannot be",
      ["-w", "mixed", "-d", "1ms", "--trace", "no/such/x.json"],
      73,
      /^anax-scheduler: no\/such\/x.json: ENOENT: no such file or directory\n$/,
    ],
    ["standard output by a dash", ["-w", "mixed", "-d", "1ms", "--events", "-"], 64, /\/dev\/stdout/],
  ];
  test.each(cases)("%s", async (_, args, status, message) => {
    const outcome = await run(["simulate", ...args, "--svg", "a.svg"]);
    expect(outcome.stderr).toMatch(message);
    expect(outcome).toMatchObject({ status, stdout: "" });
    expect(readdirSync(folder)).toEqual([]);
  });

  test("a part of pictures that nobody asked for", async () => {
    const outcome = await run(["simulate", "-w", "mixed", "--from", "1ms"]);
    expect(outcome).toMatchObject({ status: 64, stdout: "" });
    expect(outcome.stderr).toMatch(/--from and --to are of --svg and --trace/);
  });

  test("a policy twice", async () => {
    const outcome = await run(["compare", "-w", "mixed", "-p", "dfly,bsd4,dfly", "--svg", "a.svg"]);
    expect(outcome).toMatchObject({ status: 64, stdout: "" });
    expect(outcome.stderr).toMatch(/--policy: "dfly" twice/);
  });

  test.each([
    ["an empty file", "", /w.json: an empty file/],
    ["JSON that is no workload", "[]", /w.json: workload: .*expected object/],
    ["cut off", '{"tasks":[{"name":"a"', /w.json: not JSON/],
    ["perf.data", "PERFILE2\u0000\u0001", /w.json: .*perf script/],
    ["trace.dat", "\u0017\bDtracing6", /w.json: .*trace-cmd report/],
  ])("a file of another kind: %s", async (_, content, message) => {
    file("w.json", content);
    const outcome = await run(["simulate", "-w", "w.json", "--svg", "a.svg"]);
    expect(outcome).toMatchObject({ status: 65, stdout: "" });
    expect(outcome.stderr).toMatch(message);
    expect(outcome.stderr.trim().split("\n")).toHaveLength(1);
  });

  test("a wrong field of a workload file", async () => {
    file("w.json", {
      tasks: [
        { name: "a", pattern: "batch" },
        { name: "b", pattern: "periodic", every: -1, run: 1 },
      ],
    });
    const outcome = await run(["simulate", "-w", "w.json", "--svg", "a.svg"]);
    expect(outcome).toEqual({
      status: 65,
      stdout: "",
      stderr: "anax-scheduler: w.json: workload.tasks[1].every: a duration cannot be negative: -1\n",
    });
    expect(readdirSync(folder)).toEqual(["w.json"]);
  });

  test("a broken line of a trace", async () => {
    const lines = readFileSync(fixture("perf.txt"), "utf8").split("\n");
    file("t.txt", [...lines.slice(0, 5), "what is this", ...lines.slice(5)].join("\n"));
    const outcome = await run(["compare", "-w", "t.txt", "--svg", "a.svg"]);
    expect(outcome.stderr).toMatch(/^anax-scheduler: t.txt: line 6: no event of perf or ftrace: "what is this"\n$/);
    expect(outcome.status).toBe(65);
    expect(readdirSync(folder)).toEqual(["t.txt"]);
  });
});

describe.skipIf(process.platform === "win32")("what is no file of its own stays what it is:", () => {
  test("a symbolic link and what it points to", async () => {
    file("old.svg", "old");
    symlinkSync("old.svg", path.join(folder, "link.svg"));
    expect(await run(["simulate", "-w", "mixed", "-d", "2ms", "--svg", "link.svg"])).toMatchObject({ status: 0 });
    expect(readlinkSync(path.join(folder, "link.svg"))).toBe("old.svg");
    expect(readFileSync(path.join(folder, "old.svg"), "utf8")).toMatch(/^<svg/);
    expect(readdirSync(folder).sort()).toEqual(["link.svg", "old.svg"]);
  });

  test("a named pipe", async () => {
    const pipe = path.join(folder, "pipe");
    execFileSync("mkfifo", [pipe]);
    const [outcome, text] = await Promise.all([
      run(["simulate", "-w", "mixed", "-d", "2ms", "--events", "pipe"]),
      readFile(pipe, "utf8"),
    ]);
    expect(outcome).toMatchObject({ status: 0, stderr: "" });
    expect(readNdjson(text).length).toBeGreaterThan(10);
    expect(statSync(pipe).isFIFO()).toBe(true);
  });

  test("standard output, a pipe or a file", async () => {
    const args = ["simulate", "-w", "mixed", "-d", "2ms", "--svg", "/dev/stdout"];
    const piped = await run(args);
    expect(piped).toMatchObject({ status: 0, stderr: "" });
    expect(piped.stdout).toMatch(/^<svg[^]*<\/svg>\nmixed under dfly/);
    const out = openSync(path.join(folder, "out"), "w");
    const flags = ["--conditions=source", "--import", tsx, bin];
    execFileSync(process.execPath, [...flags, ...args], { cwd: folder, stdio: ["ignore", out, "inherit"] });
    closeSync(out);
    expect(readFileSync(path.join(folder, "out"), "utf8")).toBe(piped.stdout);
  });

  test.skipIf(!existsSync("/dev/full"))("a full disk", async () => {
    const before = statSync("/dev/full");
    // A link, so that not even a mistake could replace the device.
    symlinkSync("/dev/full", path.join(folder, "full"));
    const [output, stdout] = await Promise.all([
      run(["simulate", "-w", "mixed", "-d", "2ms", "--svg", "full"]),
      run(["list"], "", "/dev/full"),
    ]);
    expect(output).toEqual({
      status: 73,
      stdout: "",
      stderr: "anax-scheduler: full: ENOSPC: no space left on device\n",
    });
    expect(stdout).toMatchObject({
      status: 73,
      stderr: "anax-scheduler: standard output: ENOSPC: no space left on device\n",
    });
    expect(statSync("/dev/full").rdev).toBe(before.rdev);
  });
});

test("the example of a service runs", async () => {
  const example = fileURLToPath(new URL("../examples/how-many-cpus.ts", import.meta.url));
  const { stdout, status } = await new Promise<Outcome>((done) => {
    const child = spawn(process.execPath, ["--conditions=source", "--import", tsx, example]);
    let text = "";
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
    child.on("close", (code) => done({ status: code, stdout: text, stderr: "" }));
  });
  expect(status).toBe(0);
  const rows = stdout.trim().split("\n").slice(1);
  expect(rows.map((row) => row.split("\t")[0])).toEqual(["2", "4", "6", "8", "12", "16"]);
  expect(rows.every((row) => row.split("\t").length === 7)).toBe(true);
});
