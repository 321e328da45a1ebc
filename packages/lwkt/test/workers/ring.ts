/** The consumer of the ring test: counts records and those that are not as they should be. */
import { parentPort, workerData } from "node:worker_threads";
import { RingReader, type RingMemory } from "@anax/lwkt/host";

const { memory, count } = workerData as { memory: RingMemory; count: number };
const ring = new RingReader(memory);
let got = 0;
let wrong = 0;

function step(): void {
  for (let at = ring.next(); at >= 0; at = ring.next()) {
    const size = ring.wire.get32(at + 4);
    const n = ++got;
    let right = ring.wire.get32(at) === n && size === 8 + (n % 40) * 8;
    for (let i = 8; i < size; i += 4) right &&= ring.wire.get32(at + i) === ((n * 31 + i) | 0);
    if (!right) wrong++;
    ring.take(size);
    if (ring.owes) ring.release();
  }
  ring.release();
  if (got < count) setImmediate(step);
  else parentPort!.postMessage({ got, wrong });
}
step();
