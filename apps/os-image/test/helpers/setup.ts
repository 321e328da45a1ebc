/** Builds the image and, unless another kernel is under test, the kernel; once for all test files. */
import { prepare } from "../../src/cli/prepare.js";
import { TEST_KERNEL } from "./anax.js";

export default async function setup(): Promise<void> {
  await prepare(TEST_KERNEL);
}
