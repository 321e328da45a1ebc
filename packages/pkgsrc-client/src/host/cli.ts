#!/usr/bin/env node
/** `pkgc`: the command line of @anax/pkgsrc-client. */
import { main } from "./cli/main";
import manifest from "../../package.json";

// Output that nobody reads any more (`pkgc list | head`) must not end a transaction half-way.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });
}

main(process.argv.slice(2), manifest.version).then(
  (status) => {
    process.exitCode = status;
  },
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exitCode = 70;
  },
);
