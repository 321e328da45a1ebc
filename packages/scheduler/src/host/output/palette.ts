/** Colours of groups: distinct for most kinds of colour vision (Okabe and Ito first), dark enough on white. */
const COLOURS = [
  "#0072b2",
  "#e69f00",
  "#009e73",
  "#cc79a7",
  "#d55e00",
  "#56b4e9",
  "#8f7700",
  "#6a51a3",
  "#a63603",
  "#1b7837",
  "#b2182b",
  "#4d4d4d",
  "#35978f",
  "#c51b7d",
  "#7f7f00",
  "#2166ac",
] as const;

/** The colour of group 0, 1, ...; they repeat. */
export function colour(group: number): string {
  return COLOURS[group % COLOURS.length]!;
}

/** Black or white, whichever reads better on a colour. */
export function textOn(fill: string): string {
  const [r, g, b] = [1, 3, 5].map((at) => parseInt(fill.slice(at, at + 2), 16)) as [number, number, number];
  return 0.299 * r + 0.587 * g + 0.114 * b > 140 ? "#1a1a1a" : "#ffffff";
}
