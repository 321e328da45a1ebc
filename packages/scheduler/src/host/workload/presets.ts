/**
 * Workloads by name, in proportion to the number of CPUs.
 *
 * Neighbours: `patterns.ts`. Each is a plain `Workload`, so `JSON.stringify(preset(name, cpus))` is a file to start from.
 */
import { CPUS_MAX } from "../../topology";
import { InputError } from "../errors";
import { describe } from "../units";
import { batch, interactive, make, periodic, pingPong, pipe, server } from "./patterns";
import type { Workload } from "./schema";

type Make = (cpus: number) => Omit<Workload, "name">;

const part = (cpus: number, of: number): number => Math.max(1, Math.round(cpus / of));

const PRESETS: Readonly<Record<string, { about: string; make: Make }>> = {
  desktop: {
    about: "two people at work while a build fills the CPUs; sound with deadlines",
    make: (cpus) => ({
      tasks: [
        interactive("editor", { count: 2, think: { exponential: "120ms" }, run: { lognormal: ["2ms", 0.7] } }),
        interactive("browser", { count: 2, think: { exponential: "300ms" }, run: { lognormal: ["12ms", 0.8] } }),
        periodic("audio", { priority: 50, every: "10ms", run: { uniform: ["500us", "1ms"] } }),
        make("make", {
          jobs: Math.ceil(cpus * 1.5),
          run: { lognormal: ["60ms", 0.8] },
          io: { exponential: "2ms" },
        }),
        batch("indexer", { nice: 15, count: part(cpus, 8) }),
      ],
    }),
  },
  server: {
    about: "requests at 70 % of what the CPUs can do, with batch work of lower nice behind them",
    make: (cpus) => ({
      tasks: [
        server("web", {
          workers: cpus * 4,
          every: { exponential: (2 * 1_000_000 * 1.13) / (0.7 * cpus) },
          run: { lognormal: ["1ms", 0.5] },
          io: { exponential: "3ms" },
        }),
        batch("report", { count: part(cpus, 2), nice: 10 }),
      ],
    }),
  },
  build: {
    about: "make with twice as many jobs as CPUs, 20 jobs for each CPU",
    make: (cpus) => ({
      tasks: [
        make("make", {
          jobs: cpus * 2,
          total: cpus * 20,
          run: { lognormal: ["80ms", 0.9] },
          io: { exponential: "5ms" },
        }),
      ],
    }),
  },
  nice: {
    about: "batch tasks of five nice values, two for each CPU and value",
    make: (cpus) => ({
      tasks: [-10, -5, 0, 5, 10].map((nice) => batch(`nice ${nice}`, { count: cpus * 2, nice })),
    }),
  },
  pipes: {
    about: "pairs that hand data over, half as many as CPUs, beside batch tasks",
    make: (cpus) => ({
      tasks: [
        pipe("pipe", { count: part(cpus, 2), run: { uniform: ["20us", "60us"] }, capacity: 16 }),
        pingPong("ping-pong", { count: part(cpus, 4), run: "10us" }),
        batch("hog", { count: part(cpus, 2) }),
      ],
    }),
  },
  realtime: {
    about: "periodic real-time tasks with deadlines over CPUs full of batch work",
    make: (cpus) => ({
      tasks: [
        periodic("control", { count: part(cpus, 2), priority: 80, every: "5ms", run: { uniform: ["400us", "900us"] } }),
        periodic("video", { count: part(cpus, 2), priority: 40, every: "40ms", run: { normal: ["9ms", "2ms"] } }),
        batch("hog", { count: cpus * 2 }),
      ],
    }),
  },
  mixed: {
    about: "something of everything",
    make: (cpus) => ({
      tasks: [
        batch("hog", { count: cpus }),
        batch("nice hog", { count: part(cpus, 2), nice: 10 }),
        interactive("editor", {
          count: part(cpus, 2),
          think: { exponential: "100ms" },
          run: { lognormal: ["2ms", 0.7] },
        }),
        server("web", {
          workers: cpus,
          every: { exponential: 8_000_000 / cpus },
          run: { lognormal: ["800us", 0.5] },
          io: "1ms",
        }),
        pipe("pipe", { count: part(cpus, 8), run: "50us" }),
        make("make", { jobs: part(cpus, 4), run: { exponential: "20ms" }, io: "1ms" }),
        periodic("audio", { priority: 50, every: "10ms", run: "1ms" }),
      ],
    }),
  },
};

/** Names of the presets, each with a sentence. */
export function presetNames(): { name: string; about: string }[] {
  return Object.entries(PRESETS).map(([name, { about }]) => ({ name, about }));
}

/**
 * A preset for so many CPUs.
 *
 * @throws InputError when there is none of this name.
 */
export function preset(name: string, cpus: number): Workload {
  const found = Object.hasOwn(PRESETS, name) ? PRESETS[name] : undefined;
  if (found === undefined) {
    throw new InputError(`no preset ${describe(name)}; there are ${Object.keys(PRESETS).join(", ")}`, {
      field: "workload",
    });
  }
  if (!Number.isInteger(cpus) || cpus < 1 || cpus > CPUS_MAX) {
    throw new InputError(`expected a whole number from 1 to ${CPUS_MAX}, got ${describe(cpus)}`, { field: "cpus" });
  }
  return { name, ...found.make(cpus) };
}
