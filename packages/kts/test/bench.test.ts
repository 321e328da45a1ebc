import { expect, test, vi } from "vitest";
import { compare, inTurns, median, parseRows, rowsJson, rowsTable } from "../src/bench";

test("median", () => {
  expect([median([3, 1, 2]), median([4, 1, 2, 3]), median([7])]).toEqual([2, 2.5, 7]);
});

test("contestants take turns, after a round to warm up", async () => {
  const turns: string[] = [];
  const times = await inTurns(["ours", "other"], [5, 2], 2, (i, count) => void turns.push(`${i}:${count}`));
  expect(turns.join(" ")).toBe("0:5 1:2 0:5 1:2 0:5 1:2");
  expect(times.map(({ name, rounds }) => [name, rounds.length])).toEqual([
    ["ours", 2],
    ["other", 2],
  ]);
});

test("who is asked to warm up for some time does it for whole rounds", async () => {
  let at = 0;
  const turns: number[] = [];
  const now = vi.spyOn(performance, "now").mockImplementation(() => at);
  const run = (i: number): void => {
    turns.push(i);
    at += 10;
  };
  await inTurns(["ours", "other"], [1, 1], 1, run, 25);
  now.mockRestore();
  expect(turns).toEqual([0, 0, 0, 1, 1, 1, 0, 1]);
});

test("a row for each peer; the ratio is the median of ratios, not the ratio of medians", () => {
  const rows = compare("send", [
    { name: "ours", rounds: [1, 10, 4] },
    { name: "slow", rounds: [10, 20, 10] },
    { name: "fast", rounds: [1, 1, 1] },
  ]);
  expect(rows).toEqual([
    { name: "send", unit: "ns", ours: 4, peer: 10, peerName: "slow", ratio: 0.4 },
    { name: "send", unit: "ns", ours: 4, peer: 1, peerName: "fast", ratio: 4 },
  ]);
});

test("the table is aligned; JSON comes back as it was, what was not measured too", () => {
  const rows = [
    { name: "a", unit: "ns", ours: 1234.5, peer: 12.34, peerName: "other", ratio: 0.0404 },
    { name: "longer", unit: "ms", ours: 0.5, peer: NaN, peerName: "one more", ratio: NaN },
  ];
  expect(rowsTable(rows).split("\n")).toEqual([
    "        unit  ours  peer  ratio  peer's name",
    "a       ns    1235  12.3  0.040  other",
    "longer  ms    0.50     -      -  one more",
  ]);
  expect(parseRows(rowsJson(rows))).toEqual(rows);
});
