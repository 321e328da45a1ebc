/**
 * @anax/pkgsrc-client/host: what programs on Node use. Strings in place of bytes, files, archives, repositories, transactions.
 */
export { bestMatch, compareVersions, compilePattern, matchesPattern, PatternError } from "./rules.js";
export * from "./archive/index.js";
export { codeOf, ioError, PackageError, reasonOf } from "./errors.js";
export type { PackageErrorCode, PackageErrorDetails } from "./errors.js";
export * from "./generator/index.js";
export {
  dependencyGraph,
  type DependencyGraph,
  type GraphEdge,
  type GraphNode,
  type GraphOptions,
  graphToSvg,
  type NodeKind,
} from "./graph.js";
export * from "./pkgdb/index.js";
export * from "./universe/index.js";
export * from "./repo/index.js";
