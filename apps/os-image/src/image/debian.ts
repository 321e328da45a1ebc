/**
 * Files out of Debian packages: from the installed package if it is installed, otherwise downloaded with apt-get and
 * unpacked into the cache. Nothing is installed.
 */
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { CliError, Exit } from "../cli/errors.js";
import { CACHE } from "../paths.js";

async function isInstalled(name: string): Promise<boolean> {
  const { stdout, failed } = await execa("dpkg-query", ["-W", "-f", "${Status}", name], { reject: false });
  return !failed && stdout === "install ok installed";
}

async function apt(args: string[], cwd: string): Promise<void> {
  const { failed, stderr, shortMessage } = await execa("apt-get", args, { cwd, reject: false, stdin: "ignore" });
  if (failed) {
    const detail = stderr ? stderr.split("\n").slice(0, 3).join("\n") : shortMessage;
    throw new CliError(`apt-get ${args.join(" ")} failed:\n${detail}`, Exit.unavailable);
  }
}

/** Downloads a package and gives the folder with its unpacked contents. */
export async function unpackedPackage(name: string): Promise<string> {
  const packages = join(CACHE, "packages");
  const target = join(packages, name);
  if (existsSync(target)) return target;
  await mkdir(packages, { recursive: true });
  const work = await mkdtemp(join(packages, ".tmp-"));
  try {
    try {
      await apt(["download", "-q", name], work);
    } catch {
      await apt(["update", "-q"], work);
      await apt(["download", "-q", name], work);
    }
    const deb = (await readdir(work)).find((file) => file.endsWith(".deb"));
    if (deb === undefined) throw new CliError(`apt-get download ${name} gave no package`, Exit.unavailable);
    await execa("dpkg-deb", ["-x", deb, "root"], { cwd: work });
    await rename(join(work, "root"), target);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return target;
}

/** Path on this machine of the first of `candidates` (absolute paths) that package `name` holds. */
export async function packageFile(name: string, candidates: readonly string[]): Promise<string> {
  if (await isInstalled(name)) {
    for (const path of candidates) if (existsSync(path)) return path;
  }
  const root = await unpackedPackage(name);
  for (const path of candidates) if (existsSync(join(root, path))) return join(root, path);
  throw new CliError(`package ${name} has none of ${candidates.join(", ")}`, Exit.unavailable);
}

/** Debian's kernel for virtual machines: the newest that linux-image-cloud-amd64 depends on. */
export async function debianKernel(): Promise<string> {
  const images = join(CACHE, "packages");
  const cached = existsSync(images) ? (await readdir(images)).filter((n) => n.startsWith("linux-image-")).sort() : [];
  const name = cached.at(-1) ?? (await newestKernelPackage());
  const boot = join(await unpackedPackage(name), "boot");
  const vmlinuz = (await readdir(boot)).find((file) => file.startsWith("vmlinuz-"));
  if (vmlinuz === undefined) throw new CliError(`package ${name} has no /boot/vmlinuz-*`, Exit.unavailable);
  return join(boot, vmlinuz);
}

async function newestKernelPackage(): Promise<string> {
  const { stdout } = await execa("apt-cache", ["depends", "linux-image-cloud-amd64"], { reject: false });
  const name = /Depends:\s*(linux-image-\S+)/.exec(stdout ?? "")?.[1];
  if (name === undefined) {
    throw new CliError("package linux-image-cloud-amd64 is not known to apt; try apt-get update", Exit.unavailable);
  }
  return name;
}
