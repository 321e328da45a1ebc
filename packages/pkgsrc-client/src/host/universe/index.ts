/** Universes on Node: loading with an index file, packages as strings, searching. */
export { indexStamp, type LoadedUniverse, loadUniverse, openIndex, saveIndex, type SummarySource } from "./index-cache";
export { searchPackages, type SearchOptions } from "./search";
export {
  type BrokenRecord,
  brokenRecords,
  candidates,
  findInstalled,
  libraryText,
  packageBase,
  packageComment,
  packageField,
  packageFields,
  packageList,
  packageName,
  packageVersion,
  patternId,
  patternText,
} from "./view";
export { auditPackages, type AuditOptions, type Finding, readVulnerabilities, type VulnerabilityList } from "./audit";
