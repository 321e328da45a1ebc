#!/usr/bin/env node
/** The `kts` command: steps that nx targets of the libraries run in their package's folder. */
import { checkNative } from "../src/check.mjs";
import { checkPackage } from "../src/check-package.mjs";

/** Name to a function of the package's folder that resolves to success. */
const COMMANDS = { native: checkNative, "check-package": checkPackage };

const USAGE = `usage: kts COMMAND, in the folder of a package

  native         compile the package's core with asc
  check-package  check what would be published: publint, types for every module system, layers
`;

const command = process.argv.length === 3 ? COMMANDS[process.argv[2]] : undefined;
if (command === undefined) {
  process.stderr.write(USAGE);
  process.exitCode = 64;
} else if (!(await command(process.cwd()))) process.exitCode = 1;
