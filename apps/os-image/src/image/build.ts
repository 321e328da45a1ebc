/** Builds the image: the base archive from the manifest, and what the launcher appends to it for one start. */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, rename, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { INITRAMFS, MANIFEST } from "../paths.js";
import { CpioWriter, S_IFDIR, S_IFREG, readCpio, type NewEntry } from "./cpio.js";
import { GuestTree, addHostFiles, type HostFile } from "./host-files.js";
import { loadManifest, manifestEntries } from "./manifest.js";

export interface BuiltImage {
  path: string;
  bytes: number;
  entries: number;
  sha256: string;
}

export interface BuildOptions {
  /** Compress with gzip; smaller, but slower to boot. */
  gzip?: boolean;
  output?: string;
}

/** Writes the base image from the manifest. The same sources and packages give the same bytes. */
export async function buildImage(options: BuildOptions = {}): Promise<BuiltImage> {
  const output = options.output ?? INITRAMFS;
  const writer = new CpioWriter();
  const entries = await manifestEntries(await loadManifest());
  for (const entry of entries) writer.add(entry);
  let bytes = writer.finish();
  if (options.gzip === true) bytes = padded(gzipSync(bytes, { level: 9 }));
  await writeAtomically(output, bytes);
  return {
    path: output,
    bytes: bytes.length,
    entries: entries.length,
    sha256: createHash("sha256").update(bytes).digest("hex"),
  };
}

/** True if the base image is missing or older than a file that goes into it. */
export async function imageIsStale(): Promise<boolean> {
  if (!existsSync(INITRAMFS)) return true;
  const built = (await stat(INITRAMFS)).mtimeMs;
  const manifest = await loadManifest();
  const sources = manifest.entries.flatMap((e) => (e.type === "file" ? [join(dirname(MANIFEST), e.from)] : []));
  for (const source of [MANIFEST, ...sources]) {
    if ((await stat(source)).mtimeMs > built) return true;
  }
  return false;
}

async function writeAtomically(path: string, bytes: Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}.tmp`;
  await writeFile(temporary, bytes);
  await rename(temporary, path);
}

/** What one start of the guest does; /init of the image reads it from the folder /.anax. */
export interface Session {
  /** The command to run without a terminal; none starts an interactive shell on the console. */
  command?: readonly string[];
  /** Standard input of the command; empty by default. */
  stdin?: Uint8Array;
  /** Environment and window size of an interactive shell. */
  terminal?: { type: string; rows: number; columns: number };
}

/** The archives that are appended to the base image for one start, as one. */
export async function sessionArchive(base: Uint8Array, files: readonly HostFile[], session: Session): Promise<Buffer> {
  const writer = new CpioWriter();
  if (files.length > 0) await addHostFiles(writer, files, new GuestTree(readCpio(uncompressed(base))));
  const now = Math.floor(Date.now() / 1000);
  const put = (name: string, mode: number, data: string | Uint8Array): void => {
    const entry: NewEntry = { name, mode: S_IFREG | mode, mtime: now, data: Buffer.from(data) };
    writer.add(entry);
  };
  writer.add({ name: ".anax", mode: S_IFDIR | 0o755, mtime: now });
  if (session.command !== undefined) {
    put(".anax/run", 0o755, `exec ${session.command.map(shellQuote).join(" ")}\n`);
    put(".anax/stdin", 0o644, session.stdin ?? "");
  } else if (session.terminal !== undefined) {
    const { type, rows, columns } = session.terminal;
    put(".anax/session", 0o644, `export TERM=${shellQuote(type)}\nstty rows ${rows} cols ${columns} <"$console"\n`);
  }
  return writer.finish();
}

/** Quotes a word for sh(1): any bytes but NUL come through unchanged. */
export function shellQuote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

const uncompressed = (image: Uint8Array): Uint8Array =>
  image[0] === 0x1f && image[1] === 0x8b ? gunzipSync(image) : image;

/** Kernels look for the next archive at multiples of 4 bytes. */
const padded = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);

/** Base image and session archive in one file for QEMU's -initrd. */
export async function writeInitrd(
  path: string,
  files: readonly HostFile[],
  session: Session,
  base = INITRAMFS,
): Promise<void> {
  const archive = await readFile(base);
  await writeFile(path, Buffer.concat([padded(archive), await sessionArchive(archive, files, session)]));
}
