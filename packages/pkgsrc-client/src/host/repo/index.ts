/** Repositories: fetching, caching, summaries. */
export { hashFile, parseChecksum } from "./checksum";
export type { Checksum } from "./checksum";
export { download, downloadAll, isHttp } from "./download";
export type { Downloaded, DownloadAllOptions, DownloadItem, DownloadOptions, DownloadProgress } from "./download";
export { HttpClient, HttpFailure, shownUrl } from "./http";
export type { HttpOptions } from "./http";
export { refresh } from "./refresh";
export type { CacheInfo, Refreshed } from "./refresh";
export { Repository, SUMMARY_NAMES } from "./repository";
export type { RepositorySettings, SummaryFile, SummaryResult, SummarySinkUniverse } from "./repository";
