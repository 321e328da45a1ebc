/** `anax build`: the kernel and the image, or one of them. */
import { stat } from "node:fs/promises";
import { relative } from "node:path";
import type { BuiltImage } from "../image/build.js";
import { KERNEL } from "../paths.js";
import { Exit } from "./errors.js";
import { imageTask, kernelTask, runTasks } from "./prepare.js";

export interface BuildFlags {
  kernel: boolean;
  image: boolean;
  gzip?: boolean;
  json?: boolean;
}

export async function build(flags: BuildFlags): Promise<number> {
  let image: BuiltImage | undefined;
  const tasks = [];
  if (flags.kernel) tasks.push(kernelTask);
  if (flags.image) tasks.push(imageTask((built) => (image = built), flags.gzip));
  await runTasks(tasks, flags.json === true && !process.stderr.isTTY);
  const kernel = flags.kernel ? { path: KERNEL, bytes: (await stat(KERNEL)).size } : undefined;
  if (flags.json === true) {
    process.stdout.write(`${JSON.stringify({ kernel, image }, null, 2)}\n`);
  } else {
    for (const file of [kernel, image]) {
      if (file !== undefined) process.stdout.write(`${relative(process.cwd(), file.path)}  ${file.bytes} bytes\n`);
    }
  }
  return Exit.ok;
}
