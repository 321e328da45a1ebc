/** A worker that is slow to take notes, so that more of them always wait, and counts how often its event loop runs a timer meanwhile. */
import { serve } from "@anax/lwkt/host";
import { Ticks } from "../protocol";

let ticks = 0;
setInterval(() => ticks++, 1);
let work = 0;
const slowly = (): void => {
  for (let i = 0; i < 5000; i++) work = (work + i) | 0;
};
serve(Ticks, { note: slowly, count: () => ({ notes: ticks, wrong: 0, sum: 0 }) }, { reuse: true });
