/**
 * How wide text is in a picture whose reader's fonts are unknown, and text cut to a width.
 *
 * Neighbour: `svg.ts`. Invariant: estimates are on the wide side of Helvetica, Arial and DejaVu Sans, so that what is given room has it.
 */

/** Widths in em: of most letters and digits, and of scripts whose characters are square. */
const LETTER = 0.62;
const SQUARE = 1;

function em(character: string): number {
  return character.codePointAt(0)! >= 0x2e80 ? SQUARE : LETTER;
}

/** Pixels. */
export function textWidth(text: string, size: number): number {
  let width = 0;
  for (const character of text) width += em(character);
  return width * size;
}

/** The text, or its beginning and an ellipsis, in so many pixels; empty when there is no room for three characters. */
export function fit(text: string, size: number, width: number): string {
  if (textWidth(text, size) <= width) return text;
  let kept = "";
  let left = width / size - LETTER;
  let characters = 0;
  for (const character of text) {
    left -= em(character);
    if (left < 0) break;
    kept += character;
    characters++;
  }
  return characters < 3 ? "" : `${kept.replace(/[\s.,/:-]+$/, "")}…`;
}
