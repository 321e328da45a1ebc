/**
 * Packages of a universe as strings.
 *
 * Key functions: `packageName`, `packageFields`, `packageFacts`. Neighbours: the core's `universe.ts`.
 * Invariant: text is read as UTF-8; nothing here changes a universe but for new patterns.
 */
import { Field, fieldName, Issue, type SummaryReader, type Universe } from "../../index";
import { PackageError } from "../errors";

const encoder = new TextEncoder();

export function textAt(bytes: Uint8Array, at: number, n: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + at, n).toString("utf8");
}

/** PKGNAME. */
export function packageName(u: Universe, p: number): string {
  return textAt(u.arena.bytes, u.nameAt(p), u.nameLength(p));
}

/** PKGBASE. */
export function packageBase(u: Universe, p: number): string {
  const base = u.baseOf(p);
  return textAt(u.arena.bytes, u.bases.keyAt(base), u.bases.keyLength(base));
}

/** The version with its revision. */
export function packageVersion(u: Universe, p: number): string {
  return textAt(u.arena.bytes, u.versionAt(p), u.versionLength(p));
}

/** COMMENT. */
export function packageComment(u: Universe, p: number): string {
  return textAt(u.arena.bytes, u.commentAt(p), u.commentLength(p));
}

/** The text of a pattern. */
export function patternText(u: Universe, pattern: number): string {
  return textAt(u.arena.bytes, u.patterns.keyAt(pattern), u.patterns.keyLength(pattern));
}

/** The path of a shared library. */
export function libraryText(u: Universe, library: number): string {
  return textAt(u.arena.bytes, u.libraries.keyAt(library), u.libraries.keyLength(library));
}

/** All variables of a package, known and unknown, in their order. Throws EBADDATA when its index file no longer has them. */
export function packageFields(u: Universe, p: number): [name: string, value: string][] {
  if (!u.record(p))
    throw new PackageError("EBADDATA", `the record of ${packageName(u, p)} cannot be read from the index file`);
  return textAt(u.value, u.valueAt, u.valueLength)
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const eq = line.indexOf("=");
      return [line.slice(0, eq), line.slice(eq + 1)];
    });
}

/** All values of one variable. Throws as `packageFields`. */
export function packageField(u: Universe, p: number, name: string): string[] {
  return packageFields(u, p).flatMap(([variable, value]) => (variable === name ? [value] : []));
}

/** The handle of an installed package by its PKGNAME or PKGBASE, or -1. */
export function findInstalled(u: Universe, name: string): number {
  const bytes = encoder.encode(name);
  const whole = u.findBase(bytes, 0, bytes.length);
  const ofBase = whole < 0 ? -1 : u.installedOf(whole);
  if (ofBase >= 0) return ofBase;
  const dash = name.lastIndexOf("-");
  if (dash <= 0) return -1;
  const n = encoder.encode(name.slice(0, dash)).length;
  const base = u.findBase(bytes, 0, n);
  const p = base < 0 ? -1 : u.installedOf(base);
  return p >= 0 && packageName(u, p) === name ? p : -1;
}

/** The id of a pattern of the universe. Throws EFBIG when the universe is full. */
export function patternId(u: Universe, pattern: string): number {
  const bytes = encoder.encode(pattern);
  const id = u.pattern(bytes, 0, bytes.length);
  if (id < 0) throw new PackageError("EFBIG", "the universe of packages is full");
  return id;
}

/** The packages that match a pattern, best first. */
export function candidates(u: Universe, pattern: string): number[] {
  const id = patternId(u, pattern);
  return Array.from({ length: u.candidates(id) }, (_, i) => u.candidate(id, i));
}

/** A record that was skipped. */
export interface BrokenRecord {
  /** Its number in the summary, from 1. */
  readonly record: number;
  readonly line: number;
  /** In words. */
  readonly reason: string;
}

function reason(issue: number, field: number): string {
  const name = fieldName(field);
  switch (issue) {
    case Issue.NO_VARIABLE:
      return "a line is not VARIABLE=value";
    case Issue.MISSING:
      return `${name} is missing`;
    case Issue.BAD_NAME:
      return "PKGNAME is no name with a version, or has bytes that no name can have";
    case Issue.BAD_NUMBER:
      return `${name} is no number of bytes`;
    case Issue.REPEATED:
      return `${name} is there more than once`;
    default:
      return "the text ends within a line";
  }
}

/** What a reader skipped, in words. */
export function brokenRecords(reader: SummaryReader): BrokenRecord[] {
  const list: BrokenRecord[] = [];
  for (let i = 0; i < reader.issues.length; i += 4) {
    list.push({
      record: reader.issues.get(i),
      line: reader.issues.get(i + 1),
      reason: reason(reader.issues.get(i + 2), reader.issues.get(i + 3)),
    });
  }
  return list;
}

/** The patterns of a list of a package (DEPENDS, CONFLICTS, SUPERSEDES), or its libraries (REQUIRES, PROVIDES). */
export function packageList(u: Universe, p: number, list: Field): string[] {
  return Array.from({ length: u.listCount(p, list) }, (_, i) => {
    const id = u.listAt(p, list, i);
    return list < Field.REQUIRES ? patternText(u, id) : libraryText(u, id);
  });
}
