/**
 * `nx bench @anax/lwkt`: messages between threads and within one, against MessageChannel, comlink and a bare ring.
 *
 *     npm run bench -- --json --rounds 9 --only round-trip
 */
import { compare, inTurns, printRows, type Row } from "@anax/kts/bench";
import { SingleBar } from "cli-progress";
import { Command, InvalidArgumentError } from "commander";
import {
  bareRing,
  channelFanIn,
  comlink,
  lwkt,
  lwktBlocking,
  lwktFanIn,
  messageChannel,
  type Contestant,
} from "./contestants";
import { localRows } from "./local";

const positive = (text: string): number => {
  const n = Number(text);
  if (!(n > 0)) throw new InvalidArgumentError("expected a number above 0");
  return n;
};

const flags = new Command("bench")
  .option("--json", "print rows of name, unit, ours, peer, peerName, ratio as JSON")
  .option(
    "--only <part>",
    "one-way, round-trip, blocking, fan-in or local, or the start of one with a size: one-way-64",
  )
  .option("--rounds <n>", "rounds of which the median counts", positive, 7)
  .option("--scale <n>", "messages of a round, as a multiple of the usual number", positive, 1)
  .parse()
  .opts<{ json?: boolean; only?: string; rounds: number; scale: number }>();

const { rounds, scale } = flags;
type Make = (bytes: number) => Promise<Contestant>;

/** Milliseconds in which each contestant warms up: the compilers need some hundred thousand messages until they are finished. */
const WARM_UP = 1000;
/** How many messages of `bytes` a contestant gets in a round, so that rounds last alike. */
const COUNTS: Record<string, { oneWay: number; roundTrip: number }> = {
  lwkt: { oneWay: 1_000_000, roundTrip: 100_000 },
  "lwkt callSync": { oneWay: 1_000_000, roundTrip: 200_000 },
  "bare ring": { oneWay: 1_000_000, roundTrip: 200_000 },
  MessageChannel: { oneWay: 40_000, roundTrip: 2000 },
  comlink: { oneWay: 5000, roundTrip: 1000 },
};

async function race(title: string, bytes: number, what: "oneWay" | "roundTrip", makes: Make[]): Promise<Row[]> {
  const all = await Promise.all(makes.map((make) => make(bytes)));
  const shrink = bytes > 4096 ? 0.02 : bytes > 256 ? 0.5 : 1;
  const counts = all.map((c) => Math.max(20, Math.ceil(COUNTS[c.name]![what] * scale * shrink)));
  const times = await inTurns(
    all.map((c) => c.name),
    counts,
    rounds,
    (i, n) => all[i]![what](n),
    WARM_UP,
  );
  await Promise.all(all.map((c) => c.close()));
  return compare(title, times);
}

async function fanIn(workers: number, bytes: number): Promise<Row[]> {
  const all = [await lwktFanIn(workers, bytes), await channelFanIn(workers, bytes)];
  const counts = [50_000, 5000].map((n) => Math.ceil(n * scale));
  const times = await inTurns(
    all.map((c) => c.name),
    counts.map((n) => n * workers),
    rounds,
    (i) => all[i]!.run(counts[i]!),
    WARM_UP,
  );
  await Promise.all(all.map((c) => c.close()));
  return compare(`fan-in from ${workers} workers, ${bytes} B`, times);
}

const size = (bytes: number): string => (bytes < 1024 ? `${bytes} B` : `${bytes / 1024} KiB`);
const parts: { id: string; title: string; run: () => Promise<Row[]> }[] = [];
for (const bytes of [64, 1024, 65_536]) {
  const title = `one way, ${size(bytes)}`;
  parts.push({
    id: `one-way-${bytes}`,
    title,
    run: () => race(title, bytes, "oneWay", [lwkt, bareRing, messageChannel, comlink]),
  });
}
for (const bytes of [64, 1024, 65_536]) {
  const title = `round trip, ${size(bytes)}`;
  parts.push({
    id: `round-trip-${bytes}`,
    title,
    run: () => race(title, bytes, "roundTrip", [lwkt, bareRing, messageChannel, comlink]),
  });
}
parts.push(
  {
    id: "blocking",
    title: "blocking round trip, 64 B",
    run: () => race("blocking round trip, 64 B", 64, "roundTrip", [lwktBlocking, bareRing]),
  },
  { id: "fan-in", title: "fan-in from 4 workers, 64 B", run: () => fanIn(4, 64) },
  { id: "local", title: "local", run: () => localRows(rounds, scale) },
);

const chosen = parts.filter((p) => flags.only === undefined || p.id.startsWith(flags.only));
const bar = new SingleBar({
  format: "bench {bar} {value}/{total} {title}",
  stream: process.stderr,
  clearOnComplete: true,
  noTTYOutput: true,
  notTTYSchedule: 10_000,
});
bar.start(chosen.length, 0, { title: "" });
const rows: Row[] = [];
for (const part of chosen) {
  bar.update({ title: part.title });
  rows.push(...(await part.run()));
  bar.increment();
}
bar.stop();
printRows(rows, flags.json === true);
