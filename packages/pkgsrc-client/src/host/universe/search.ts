/**
 * Searching packages by name and comment.
 *
 * Key function: `searchPackages`. Neighbours: the core's `search.ts` and `glob.ts`.
 */
import { globMatch, IntVec, TextSearch, type Universe } from "../../index";
import { PackageError } from "../errors";
import { packageBase, packageComment, packageName } from "./view";

export interface SearchOptions {
  /**
   * How to read the question: a piece of text (case does not matter), a shell pattern for the whole name with or without version, or a regular expression of
   * JavaScript with the flag `i`. Default "text".
   */
  mode?: "text" | "glob" | "regex";
  /** Look at comments too; shell patterns never do. Default true. */
  comments?: boolean;
  /** Installed packages too; default false. */
  installed?: boolean;
}

/**
 * The packages that answer a question, by base in the order of code units, the better version of a name first.
 * Throws EINVAL for a regular expression that is none.
 */
export function searchPackages(u: Universe, question: string, options: SearchOptions = {}): number[] {
  const { mode = "text", comments = true, installed = false } = options;
  const found =
    mode === "text"
      ? byText(u, question, comments)
      : mode === "glob"
        ? byGlob(u, question)
        : byRegex(u, question, comments);
  const wanted = installed ? found : found.filter((p) => !u.isInstalled(p));
  const named = wanted.map((p) => ({ p, base: packageBase(u, p) }));
  named.sort((a, b) => (a.base < b.base ? -1 : a.base > b.base ? 1 : u.preference(a.p, b.p)));
  return named.map((n) => n.p);
}

function byText(u: Universe, question: string, comments: boolean): number[] {
  const out = new IntVec();
  new TextSearch(new TextEncoder().encode(question)).find(u, comments, out);
  return [...out.data.subarray(0, out.length)];
}

function byGlob(u: Universe, question: string): number[] {
  const p = new TextEncoder().encode(question);
  const found: number[] = [];
  const bytes = u.arena.bytes;
  for (let i = 0; i < u.count; i++) {
    const at = u.nameAt(i);
    const n = u.nameLength(i);
    if (globMatch(p, 0, p.length, bytes, at, n - u.versionLength(i) - 1) || globMatch(p, 0, p.length, bytes, at, n))
      found.push(i);
  }
  return found;
}

function byRegex(u: Universe, question: string, comments: boolean): number[] {
  let regex: RegExp;
  try {
    regex = new RegExp(question, "i");
  } catch (cause) {
    throw new PackageError("EINVAL", `"${question}" is no regular expression: ${(cause as Error).message}`, { cause });
  }
  const found: number[] = [];
  for (let p = 0; p < u.count; p++) {
    if (regex.test(packageName(u, p)) || (comments && regex.test(packageComment(u, p)))) found.push(p);
  }
  return found;
}
