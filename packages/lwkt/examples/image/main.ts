import { localCpu, spawnCpu } from "@anax/lwkt/host";
import { Blur, Images } from "./messages.js";

const WIDTH = 64;
const worker = new URL("./worker.js", import.meta.url);
await using first = await spawnCpu(worker);
await using second = await spawnCpu(worker);

const arena = localCpu().createArena({ blockSize: WIDTH * WIDTH, blocks: 2 });
let image = arena.alloc();
image.bytes.fill(0);
image.bytes[32 * WIDTH + 32] = 255;
for (const cpu of [first, second]) ({ image } = await cpu.port(Images).call(new Blur({ width: WIDTH, image })));
console.log([...image.bytes.subarray(32 * WIDTH + 30, 32 * WIDTH + 35)].join(" ")); // => 3 31 79 31 3
image.release();
