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

/** Each further round through the colours is nearer to white or black by so much, so that groups of the same hue can be told apart. */
const SHADES = [0, 0.45, -0.4] as const;

/** The colour of group 0, 1, ...; after 48 they repeat. */
export function colour(group: number): string {
  const pure = COLOURS[group % COLOURS.length]!;
  const shade = SHADES[Math.floor(group / COLOURS.length) % SHADES.length]!;
  if (shade === 0) return pure;
  const to = shade > 0 ? 255 : 0;
  const mixed = parts(pure).map((c) => Math.round(c + (to - c) * Math.abs(shade)));
  return `#${mixed.map((c) => c.toString(16).padStart(2, "0")).join("")}`;
}

/** Red, green and blue, 0 to 255. */
const parts = (fill: string): number[] => [1, 3, 5].map((at) => parseInt(fill.slice(at, at + 2), 16));

/** Black or white, whichever reads better on a colour. */
export function textOn(fill: string): string {
  const [r, g, b] = parts(fill) as [number, number, number];
  return 0.299 * r + 0.587 * g + 0.114 * b > 140 ? "#1a1a1a" : "#ffffff";
}
