#!/usr/bin/env node
import { main } from "@anax/scheduler/cli";

await main(process.argv.slice(2));
