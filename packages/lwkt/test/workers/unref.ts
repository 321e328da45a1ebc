/** A program that lets go of its worker, whose URL is its argument, and then waits for an answer: it ends after that. */
import { spawnCpu } from "@anax/lwkt/host";
import { Sleep, Work } from "../protocol";

const cpu = await spawnCpu(new URL(process.argv[2]!));
cpu.unref();
console.log((await cpu.port(Work).call(new Sleep({ ms: 300 }))).slept);
