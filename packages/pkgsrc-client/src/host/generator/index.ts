/** Repositories that do not exist, of any size and with a seed: for tests, benchmarks and trying things out. */
export { evolve, type EvolveOptions } from "./evolve";
export {
  type GenerateOptions,
  generateRepository,
  type PackageFiles,
  packageInput,
  type RepositoryOptions,
  writeRepository,
} from "./files";
export {
  type FileFacts,
  type InstalledPackage,
  installedFrom,
  summaryBytes,
  summaryRecord,
  summaryText,
} from "./summary";
export { type Dependency, type GeneratedPackage, generateWorld, type World, type WorldOptions } from "./world";
