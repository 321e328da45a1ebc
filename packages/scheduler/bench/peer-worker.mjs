/** The worker of the pools that ours is compared with: the same work behind their kind of call. */
import { next, spin } from "../examples/worker-pool/work.mjs";

export default function (task) {
  return "us" in task ? spin(task.us) : next(task.n);
}
