import { lwkt, lwktBlocking, bareRing, messageChannel, comlink } from "./contestants";
const all = await Promise.all([lwkt(64), lwktBlocking(64), bareRing(64), comlink(64)]);
const ns = [100000,100000,100000,3000];
const out: number[][] = all.map(() => []);
for (let r = 0; r < 21; r++) for (let i = 0; i < all.length; i++) { const s = performance.now(); await all[i]!.roundTrip(ns[i]!); if (r > 2) out[i]!.push((performance.now() - s) * 1e6 / ns[i]!); }
const q = (o: number[], p: number) => o.sort((a, b) => a - b)[Math.floor(o.length * p)]!.toFixed(0);
out.forEach((o, i) => console.log(all[i]!.name.padEnd(14), "min", q(o, 0), "q1", q(o, 0.25), "med", q(o, 0.5), "q3", q(o, 0.75)));
await Promise.all(all.map((c) => c.close()));
