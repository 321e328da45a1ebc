import { lwkt } from "./contestants";
const c = await lwkt(64);
for (let r = 0; r < 12; r++) { const s = performance.now(); await c.roundTrip(500_000); console.log(((performance.now() - s) * 1e6 / 500_000).toFixed(1)); }
await c.close();
