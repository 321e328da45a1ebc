/** @anax/scheduler/host: a simulator of schedulers for Node and browsers. Workloads and traces in; statistics, traces and pictures out. */
export type { Column } from "./column";
export * from "./errors";
export * from "./simulate";
export { DEFAULT_COSTS, type Costs, type CostsInput } from "./sim/costs";
export * from "./sim/statistics";
export { describeTopology, readTopology, type TopologyInput, type TopologyShape, type TopologyTree } from "./topology";
export * from "./trace/trace";
export * from "./trace/ndjson";
export * from "./trace/linux";
export { formatDuration, parseCpuList, parseDuration, type Duration } from "./units";
export { distribution, RandomStream, type Distribution, type DurationSource } from "./workload/distribution";
export {
  batch,
  interactive,
  make,
  periodic,
  pingPong,
  pipe,
  program,
  server,
  type PatternOptions,
} from "./workload/patterns";
export {
  checkWorkload,
  type Source,
  type Step,
  type TaskCommon,
  type TaskSpec,
  type Workload,
} from "./workload/schema";
export type { ClassName } from "./workload/program";
export { preset, presetNames } from "./workload/presets";
export { colour } from "./output/palette";
export * from "./output/perfetto";
export * from "./output/svg";
export { comparisonText, statisticsText } from "./output/tables";
