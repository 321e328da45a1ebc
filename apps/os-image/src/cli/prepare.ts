/** Builds what a start of the guest needs and is not there yet; shows progress on stderr. */
import { existsSync } from "node:fs";
import { execa } from "execa";
import { Listr, type ListrTask } from "listr2";
import { buildImage, imageIsStale, type BuiltImage } from "../image/build.js";
import { KERNEL, WORKSPACE } from "../paths.js";
import { CliError, Exit } from "./errors.js";

/** Compiles the kernel; nx skips it when no source has changed. */
export async function buildKernel(report: (line: string) => void = () => undefined): Promise<void> {
  const child = execa("npx", ["nx", "native", "os-image"], {
    cwd: WORKSPACE,
    all: true,
    reject: false,
    stdin: "ignore",
    env: { NX_DAEMON: "false", FORCE_COLOR: "0" },
  });
  child.all.on("data", (chunk: Buffer) => {
    const line = chunk.toString("utf8").trim().split("\n").at(-1);
    if (line) report(line);
  });
  const { failed, all } = await child;
  if (failed) throw new CliError(`the kernel does not compile:\n${all}`, Exit.panic);
  if (!existsSync(KERNEL)) throw new CliError(`the build gave no ${KERNEL}`, Exit.panic);
}

/** Runs tasks with a display on stderr: live on a terminal, plain lines elsewhere, nothing if `silent`. */
export async function runTasks(tasks: ListrTask[], silent = false): Promise<void> {
  const renderer = silent ? "silent" : process.stderr.isTTY ? "default" : "simple";
  // listr2 writes to stdout, which belongs to the guest's command.
  const write = process.stdout.write;
  process.stdout.write = process.stderr.write.bind(process.stderr) as typeof write;
  try {
    await new Listr(tasks, { renderer, rendererOptions: { showErrorMessage: false } as never }).run();
  } finally {
    process.stdout.write = write;
  }
}

export const imageTask = (done: (image: BuiltImage) => void = () => undefined, gzip = false): ListrTask => ({
  title: "image",
  task: async (_, task) => {
    const image = await buildImage({ gzip });
    task.title = `image: ${image.entries} entries, ${(image.bytes / 1024 / 1024).toFixed(1)} MiB`;
    done(image);
  },
});

export const kernelTask: ListrTask = {
  title: "kernel",
  task: (_, task) => buildKernel((line) => (task.output = line)),
};

/** Builds the image if it is missing or stale, and the kernel if the default one is wanted and missing. */
export async function prepare(kernelFlag: string | undefined): Promise<void> {
  const tasks: ListrTask[] = [];
  if (await imageIsStale()) tasks.push(imageTask());
  if (kernelFlag === undefined && !existsSync(KERNEL)) tasks.push(kernelTask);
  if (tasks.length > 0) await runTasks(tasks);
}
