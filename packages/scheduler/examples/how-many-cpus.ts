/**
 * How many CPUs does this service need, and does the scheduler matter? Simulates the same requests on machines of 2 to 16 CPUs.
 *
 *     npx tsx --conditions=source examples/how-many-cpus.ts
 */
import { batch, compare, formatDuration, server, type Workload } from "@anax/scheduler/host";

const workload: Workload = {
  name: "service with reports behind it",
  tasks: [
    server("requests", {
      workers: 32,
      every: { exponential: "600us" },
      run: { lognormal: ["700us", 0.6] },
      io: { exponential: "4ms" },
    }),
    batch("reports", { count: 3, nice: 10 }),
  ],
};
const policies = ["dfly", "eevdf", "round-robin"];

console.log(["CPUs", ...policies.flatMap((p) => [`${p} p50`, "p99"])].join("\t"));
for (const cpus of [2, 4, 6, 8, 12, 16]) {
  const results = compare({ topology: String(cpus), policies, workload, duration: "3s", seed: 7, record: false });
  const cells = results.flatMap(({ statistics }) => {
    const { response } = statistics.groups[0]!;
    return [formatDuration(response.p50), formatDuration(response.p99)];
  });
  console.log([cpus, ...cells].join("\t"));
}
