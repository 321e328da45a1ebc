/** The image as data: the form of image/manifest.json, and how an entry of it becomes an entry of the archive. */
import { readFile } from "node:fs/promises";
import { dirname, join, posix } from "node:path";
import { execa } from "execa";
import { MANIFEST } from "../paths.js";
import { S_IFCHR, S_IFDIR, S_IFLNK, S_IFREG, type NewEntry } from "./cpio.js";
import { packageFile } from "./debian.js";

export type ManifestEntry =
  | { type: "dir"; path: string; mode?: string }
  | { type: "char"; path: string; mode: string; major: number; minor: number }
  | { type: "symlink"; path: string; target: string }
  /** A file of this repository; `from` is relative to the manifest. */
  | { type: "file"; path: string; from: string; mode?: string }
  /** A file of a Debian package; the first of `from` that exists. */
  | { type: "package"; path: string; package: string; from: string[]; mode?: string }
  /** A symbolic link for each applet of the busybox that an earlier entry put at `of`. */
  | { type: "applets"; of: string };

export interface Manifest {
  /** Time stamp of everything in the image, seconds since 1970: the same sources give the same bytes. */
  mtime: number;
  packages: string[];
  entries: ManifestEntry[];
}

export async function loadManifest(file = MANIFEST): Promise<Manifest> {
  return JSON.parse(await readFile(file, "utf8")) as Manifest;
}

const mode = (text: string | undefined, fallback: number): number =>
  text === undefined ? fallback : parseInt(text, 8);

/** Turns a manifest into archive entries, parents before children. */
export async function manifestEntries(manifest: Manifest, folder = dirname(MANIFEST)): Promise<NewEntry[]> {
  const entries: NewEntry[] = [];
  const hostFiles = new Map<string, string>();
  const taken = new Set<string>();
  const add = (path: string, entry: Omit<NewEntry, "name" | "mtime">): void => {
    const name = path === "/" ? "." : path.slice(1);
    if (taken.has(name)) throw new Error(`manifest: ${path} occurs twice`);
    const parent = posix.dirname(name);
    if (parent !== "." && !taken.has(parent)) throw new Error(`manifest: ${path} comes before its folder`);
    taken.add(name);
    entries.push({ name, mtime: manifest.mtime, ...entry });
  };
  for (const entry of manifest.entries) {
    switch (entry.type) {
      case "dir":
        add(entry.path, { mode: S_IFDIR | mode(entry.mode, 0o755) });
        break;
      case "char":
        add(entry.path, {
          mode: S_IFCHR | mode(entry.mode, 0o600),
          rdevMajor: entry.major,
          rdevMinor: entry.minor,
        });
        break;
      case "symlink":
        add(entry.path, { mode: S_IFLNK | 0o777, data: Buffer.from(entry.target) });
        break;
      case "file":
        add(entry.path, { mode: S_IFREG | mode(entry.mode, 0o644), data: await readFile(join(folder, entry.from)) });
        break;
      case "package": {
        const file = await packageFile(entry.package, entry.from);
        hostFiles.set(entry.path, file);
        add(entry.path, { mode: S_IFREG | mode(entry.mode, 0o644), data: await readFile(file) });
        break;
      }
      case "applets": {
        const busybox = hostFiles.get(entry.of);
        if (busybox === undefined) throw new Error(`manifest: no package entry gave ${entry.of}`);
        for (const path of await applets(busybox)) {
          if (taken.has(path)) continue;
          add(`/${path}`, { mode: S_IFLNK | 0o777, data: Buffer.from(entry.of) });
        }
        break;
      }
    }
  }
  return entries;
}

/** Paths, without a leading slash, at which a busybox wants its applets. */
async function applets(busybox: string): Promise<string[]> {
  const { stdout } = await execa(busybox, ["--list-full"]);
  return stdout.split("\n").filter((path) => path !== "" && path !== "linuxrc");
}
