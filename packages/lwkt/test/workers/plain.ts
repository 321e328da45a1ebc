/** A program that calls the tests' worker, whose URL is its argument, and prints what it got. */
import { spawnCpu } from "@anax/lwkt/host";
import { Add, Count, Echo, Note, Work, isPattern, patternOf } from "../protocol";

let mayCompile = true;
try {
  mayCompile = new Function("return true")() as boolean;
} catch {
  mayCompile = false;
}
await using cpu = await spawnCpu(new URL(process.argv[2]!));
const work = cpu.port(Work);
const { sum } = await work.call(new Add({ a: 1, b: 2 }));
for (let n = 0; n < 10_000; n++) if (!work.send(new Note({ n, data: patternOf(n, n % 50) }))) await work.ready();
const { notes, wrong } = await work.call(new Count());
const { data, label } = work.callSync(new Echo({ data: patternOf(7, 3000), label: "ä" }));
console.log(JSON.stringify({ mayCompile, sum, notes, wrong, echoed: isPattern(7, data), label }));
