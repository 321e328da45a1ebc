/**
 * `anax bench`: the probe of bench/ on Anax and on Debian's Linux, in the same QEMU with the same image, in turn.
 */
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { median, printRows, type Row } from "@anax/kts/bench";
import { execa } from "execa";
import { compileStatic } from "../image/programs.js";
import type { HostFile } from "../image/host-files.js";
import { APP } from "../paths.js";
import { CliError, Exit } from "./errors.js";
import { Guest } from "./guest.js";
import { kernelPath } from "./options.js";
import { prepare, runTasks } from "./prepare.js";
import { QEMU, requireTool } from "./qemu.js";
import { report } from "./run.js";
import { onSignals } from "./signals.js";

export interface BenchFlags {
  runs: number;
  mem: number;
  only: string[];
  json?: boolean;
  kernel?: string;
  timeout: number;
}

type Samples = Map<string, { unit: string; values: number[] }>;

interface Side {
  name: string;
  kernel: string;
  append: string;
  samples: Samples;
}

const BOOT = { name: "boot", unit: "ms" };
/** The byte that bench/first.S writes. */
const ACK = 0x06;

export async function bench(flags: BenchFlags): Promise<number> {
  requireTool(QEMU, "qemu-system-x86");
  const probe = await compileStatic([join(APP, "bench/probe.c")]);
  await checkNames(probe, flags.only);
  await prepare(flags.kernel);
  const first = await compileStatic([join(APP, "bench/first.S")], ["-nostdlib"]);
  const ours: Side = { name: "Anax", kernel: await kernelPath(flags.kernel), append: "", samples: new Map() };
  const peer: Side = {
    name: "Linux",
    kernel: await kernelPath("debian"),
    append: "mitigations=off",
    samples: new Map(),
  };
  const probes = flags.only.filter((name) => name !== BOOT.name);
  const wantBoot = flags.only.length === 0 || flags.only.includes(BOOT.name);
  const wantProbe = flags.only.length === 0 || probes.length > 0;
  const rounds = Array.from({ length: flags.runs }, (_, round) =>
    [peer, ours].map((side) => ({
      title: `${side.name}, round ${round + 1} of ${flags.runs}`,
      task: async () => {
        if (wantBoot) record(side.samples, BOOT.name, BOOT.unit, await timeBoot(side, first, flags));
        if (wantProbe) await runProbe(side, probe, probes, flags);
      },
    })),
  );
  await runTasks(rounds.flat(), flags.json === true && !process.stderr.isTTY);
  const rows = compare(ours, peer);
  printRows(rows, flags.json === true);
  return Exit.ok;
}

async function checkNames(probe: string, wanted: readonly string[]): Promise<void> {
  const { stdout } = await execa(probe, ["--list"]);
  const known = [BOOT.name, ...stdout.split("\n").map((line) => line.split(" ")[0]!)];
  for (const name of wanted) {
    if (!known.includes(name)) {
      throw new CliError(`--only ${name}: no measurement of this name; there are ${known.join(", ")}`, Exit.usage);
    }
  }
}

/** Time from the start of QEMU to the first byte that a user program writes, in ms. */
async function timeBoot(side: Side, first: string, flags: BenchFlags): Promise<number> {
  const guest = await start(side, [{ host: first, guest: "/init" }], {}, flags);
  let at: number | undefined;
  guest.console.on("data", (chunk: Buffer) => {
    if (chunk.includes(ACK)) at ??= performance.now();
  });
  await finish(guest, flags, "off");
  if (at === undefined) throw new CliError(`${side.name}: the first program never wrote its byte`, Exit.lost);
  return at - guest.startedAt;
}

async function runProbe(side: Side, probe: string, names: string[], flags: BenchFlags): Promise<void> {
  const command = ["sh", "-c", 'cd /tmp && exec /bin/probe "$@"', "probe", ...names];
  const guest = await start(side, [{ host: probe, guest: "/bin/probe" }], { command }, flags);
  const [stdout, stderr] = await Promise.all([
    buffer(guest.stdout),
    buffer(guest.stderr),
    finish(guest, flags, "exit"),
  ]);
  if (stderr.length > 0) process.stderr.write(stderr);
  for (const line of stdout.toString("utf8").trim().split("\n")) {
    const [name, unit, value] = line.split(" ");
    if (name === undefined || unit === undefined || !Number.isFinite(Number(value))) {
      throw new CliError(`${side.name}: the probe printed ${JSON.stringify(line)}`, Exit.lost);
    }
    record(side.samples, name, unit, Number(value));
  }
}

function start(side: Side, add: HostFile[], session: { command?: string[] }, flags: BenchFlags): Promise<Guest> {
  return Guest.start({ kernel: side.kernel, memory: flags.mem, cpus: 1, append: side.append, add, session });
}

async function finish(guest: Guest, flags: BenchFlags, expected: "exit" | "off"): Promise<void> {
  const ignoreSignals = onSignals((signal) => guest.kill({ kind: "killed", signal }));
  const timer = setTimeout(() => guest.kill({ kind: "timeout" }), flags.timeout * 1000);
  if (expected === "off") {
    guest.stdout.resume();
    guest.stderr.resume();
  }
  const end = await guest.ended;
  clearTimeout(timer);
  ignoreSignals();
  if (end.kind === expected && (end.kind !== "exit" || end.status === 0)) return;
  if (end.kind === "exit") throw new CliError(`the probe ended with status ${end.status}`, Exit.lost);
  throw new CliError("the benchmark did not finish", report(end, guest, flags.timeout));
}

function record(samples: Samples, name: string, unit: string, value: number): void {
  const entry = samples.get(name) ?? { unit, values: [] };
  entry.values.push(value);
  samples.set(name, entry);
}

/** Medians over the runs. For bandwidths the ratio is the inverse of the quotient, so it is one of times too. */
function compare(ours: Side, peer: Side): Row[] {
  const rows: Row[] = [];
  for (const [name, { unit, values }] of ours.samples) {
    const a = median(values);
    const b = median(peer.samples.get(name)?.values ?? [Number.NaN]);
    const ratio = unit === "MB/s" ? b / a : a / b;
    rows.push({ name, unit, ours: round(a), peer: round(b), peerName: peer.name, ratio: round(ratio, 3) });
  }
  return rows;
}

const round = (value: number, digits = 1): number => Number(value.toFixed(digits));
