import { spawnCpu } from "@anax/lwkt/host";
import { Add, Maths } from "./messages.js";

await using cpu = await spawnCpu(new URL("./worker.js", import.meta.url));
const maths = cpu.port(Maths);
const { sum } = await maths.call(new Add({ a: 1, b: 2 }), { timeout: 10_000 });
console.log(sum); // => 3
