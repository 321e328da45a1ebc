/** The curve of `decisions.ts` as a picture: time of a decision by the number of CPUs, a panel for each pattern. */
import { colour, policyNames } from "../src/host";
import { MACHINES, type Point } from "./decisions";
import { PATTERNS, type Pattern } from "./load";

const PANEL = { width: 430, height: 300, gap: 90 };
const LEFT = 64;
const TOP = 74;
const TITLES: Readonly<Record<Pattern, string>> = {
  local: "64 CPUs busy at a time",
  spread: "every event on a CPU drawn from all",
};

const x = (cpus: number): number => (Math.log2(cpus) / 12) * PANEL.width;

export function curveSvg(points: readonly Point[]): string {
  const high = Math.ceil(Math.max(600, ...points.map((p) => p.ns)) / 200) * 200;
  const width = LEFT + 2 * PANEL.width + PANEL.gap + 110;
  const height = TOP + PANEL.height + 70;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="Helvetica, Arial, 'DejaVu Sans', sans-serif" font-size="12">`,
    `<title>Time of one decision by the number of CPUs</title>`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    `<text x="16" y="28" font-size="18" font-weight="bold" fill="#222222">Time of one decision by the number of CPUs</text>`,
    ...PATTERNS.map((pattern, i) => panel(points, pattern, LEFT + i * (PANEL.width + PANEL.gap), high, i === 1)),
    "</svg>\n",
  ].join("\n");
}

function panel(points: readonly Point[], pattern: Pattern, left: number, high: number, labels: boolean): string {
  const y = (ns: number): number => TOP + PANEL.height * (1 - ns / high);
  const bottom = TOP + PANEL.height;
  const parts = [`<text x="${left}" y="${TOP - 14}" fill="#444444">${TITLES[pattern]}</text>`];
  const step = high <= 1200 ? 200 : high <= 2400 ? 400 : 1000;
  for (let ns = 0; ns <= high; ns += step) {
    parts.push(`<path d="M${left} ${y(ns)}h${PANEL.width}" stroke="#e4e4e4"/>`);
    parts.push(`<text x="${left - 8}" y="${y(ns) + 4}" text-anchor="end" fill="#666666">${ns} ns</text>`);
  }
  for (const { cpus } of MACHINES) {
    parts.push(`<path d="M${left + x(cpus)} ${bottom}v5" stroke="#444444"/>`);
    parts.push(`<text x="${left + x(cpus)}" y="${bottom + 20}" text-anchor="middle" fill="#444444">${cpus}</text>`);
  }
  parts.push(
    `<text x="${left + PANEL.width / 2}" y="${bottom + 42}" text-anchor="middle" fill="#666666">CPUs (logarithmic: a straight line is log CPUs)</text>`,
  );
  parts.push(`<path d="M${left} ${y(500)}h${PANEL.width}" stroke="#444444" stroke-dasharray="5 4"/>`);
  parts.push(`<text x="${left + 6}" y="${y(500) - 6}" fill="#444444">2,000,000 decisions a second</text>`);
  const ends: { name: string; group: number; at: number }[] = [];
  policyNames().forEach((policy, group) => {
    const mine = points.filter((p) => p.policy === policy && p.pattern === pattern).sort((a, b) => a.cpus - b.cpus);
    const line = mine.map((p) => `${round(left + x(p.cpus))},${round(y(p.ns))}`).join(" ");
    parts.push(`<polyline points="${line}" fill="none" stroke="${colour(group)}" stroke-width="2"/>`);
    for (const p of mine)
      parts.push(`<circle cx="${round(left + x(p.cpus))}" cy="${round(y(p.ns))}" r="3" fill="${colour(group)}"/>`);
    ends.push({ name: policy, group, at: y(mine.at(-1)!.ns) });
  });
  if (!labels) return parts.join("\n");
  // Names beside the ends of the lines, apart from one another.
  let above = 0;
  for (const end of ends.sort((a, b) => a.at - b.at)) {
    const at = Math.max(end.at + 4, above + 15);
    above = at;
    parts.push(
      `<text x="${left + PANEL.width + 10}" y="${round(at)}" fill="${colour(end.group)}" font-weight="bold">${end.name}</text>`,
    );
  }
  return parts.join("\n");
}

const round = (value: number): number => Math.round(value * 10) / 10;
