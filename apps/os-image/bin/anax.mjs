#!/usr/bin/env node
// Runs the launcher from its sources, so that it never needs a build.
import { register } from "tsx/esm/api";

register();
const { main } = await import("../src/cli/main.ts");
await main(process.argv.slice(2));
