/**
 * @anax/pkgsrc-client: the rules and formats of pkgsrc's binary packages, a solver and a transaction planner, without I/O.
 */
export { betterName, compareBytes, DeweyOp, satisfies, VersionComparer, VersionCursor, versionStart } from "./dewey";
export { globMatch } from "./glob";
export { Pattern, PatternKind } from "./pattern";
export {
  PKG_BANNED,
  PKG_INSTALLED,
  PKG_KEPT,
  PKG_LOCKED,
  PKG_OLDER,
  PKG_PRESERVED,
  Problem,
  REQ_INSTALL,
  REQ_REMOVE,
  REQ_UPGRADE,
} from "./solver/problem";
export { IntVec } from "./solver/int-vec";
export { Aim, AIMS, DEFAULT_CONFLICT_LIMIT, Solver } from "./solver/solver";
export { Arena, Interner } from "./arena";
export { Field, fieldName, isPackageName, Issue, parseSize, SummaryReader, type SummarySink } from "./summary";
export { FLAG_AUTOMATIC, INSTALLED, type RecordSource, Universe } from "./universe";
export { FileNote, noteHeader, PackingList, plistCommand, PlistKind, PlistWalker } from "./plist";
export { Needs } from "./plan/needs";
export { Held, Plan, StepKind } from "./plan/plan";
export { Planner } from "./plan/planner";
export { type HostLibraries, Request, UpgradeScope } from "./plan/request";
export { Reason } from "./plan/why-not";
export { Relations } from "./plan/relations";
export { type Checksum, Crc32 } from "./crc32";
export { encodeIndex, INDEX_HEADER, INDEX_VERSION, IndexFault, IndexReader } from "./index-file";
export { TextSearch } from "./search";
export { Explainer } from "./solver/explain";
export { luby, Sat, SATISFIABLE, UNSATISFIABLE } from "./solver/sat";
export { Before, StepOrder } from "./plan/order";
export { Auditor, Vulnerabilities, VulnerabilitiesFault } from "./vulnerabilities";
