/** Where the launcher finds and puts its files. */
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of this application in the repository. */
export const APP = resolve(dirname(fileURLToPath(import.meta.url)), "..");

export const WORKSPACE = resolve(APP, "../..");
export const DIST = join(APP, "dist");
/** Downloaded packages and compiled guest programs; can be removed at any time. */
export const CACHE = join(APP, ".cache");

export const KERNEL = join(DIST, "anax.elf");
export const INITRAMFS = join(DIST, "initramfs.cpio");
export const MANIFEST = join(APP, "image/manifest.json");
