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
