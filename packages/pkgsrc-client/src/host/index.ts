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
export * from "./signature/index.js";
export {
  type ApplyOptions,
  type ApplyResult,
  type AuditResult,
  type DependencyNode,
  type HistoryEntry,
  PkgsrcClient,
  PlanError,
} from "./client.js";
export { Catalog, type PackageInfo, type PackageSummary, type SearchResult } from "./client/catalog.js";
export {
  type ClientOptions,
  type Config,
  hostPlatform,
  type RepositoryConfig,
  resolveConfig,
  type SignaturePolicy,
} from "./client/config.js";
export type { ClientEvents } from "./client/events.js";
export type { ChangePlan, HeldPackage, PlanFailure, PlanStep, StepAction } from "./client/plan.js";
export type { ChangeRequest } from "./client/request.js";
export type { Finding as VerifyFinding, Verification } from "./client/verify.js";
export { TransactionError, type TransactionErrorCode } from "./transaction/errors.js";
export { DEFAULT_HISTORY_POLICY, type HistoryPolicy, type HistoryRecord } from "./transaction/history.js";
export type { BeginRecord, CrashHook, PackageChange } from "./transaction/journal.js";
export type { LockHolder } from "./transaction/lock.js";
export type { Op } from "./transaction/ops.js";
export type { Recovered } from "./transaction/recover.js";
export type { RollbackPlan } from "./transaction/rollback.js";
export { StateDir } from "./transaction/state.js";
export * from "./signature/index.js";
