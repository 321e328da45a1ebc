/**
 * What every function of the host side throws: one class with a `code`, so that callers branch on codes and people read the message, which
 * always names the file or the URL, the entry inside it, and the reason. `EIO`, `ENOSPC` and the like keep Node's own code.
 */

/** Codes of our own; errors of the operating system keep theirs (`ENOENT`, `ENOSPC`, ...). */
export type PackageErrorCode =
  /** Not an archive of a known format, or cut short, or damaged. */
  | "EBADARCHIVE"
  /** An archive whose content breaks a rule: traversal, duplicates, devices, files that +CONTENTS does not list. */
  | "EUNSAFE"
  /** A checksum or size differs from the recorded one. */
  | "ECHECKSUM"
  /** A signature is missing, broken, or of nobody that is trusted. */
  | "ESIGNATURE"
  /** A file of the installed database, or a data file of a repository, cannot be understood. */
  | "EBADDATA"
  /** A server answered with an error, too slowly, in circles, or not at all. */
  | "EFETCH"
  /** An aborted operation. */
  | "EABORT";

export interface PackageErrorDetails {
  /** The file or URL concerned. */
  path?: string;
  /** The entry inside the file. */
  entry?: string;
  cause?: unknown;
}

/** An error with a code; `message` is a whole sentence for a person. */
export class PackageError extends Error {
  override readonly name = "PackageError";
  readonly path: string | undefined;
  readonly entry: string | undefined;

  constructor(
    readonly code: PackageErrorCode | (string & {}),
    message: string,
    details: PackageErrorDetails = {},
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.path = details.path;
    this.entry = details.entry;
  }
}

/** The `code` of an error of Node or of ours, or an empty string. */
export function codeOf(error: unknown): string {
  if (typeof error !== "object" || error === null) return "";
  const code = (error as { code?: unknown }).code;
  return typeof code === "string" ? code : "";
}

const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: "no space left on the device",
  EDQUOT: "the disk quota is used up",
  EFBIG: "the file would be too large",
  EIO: "the device reports an input/output error",
  EROFS: "the file system is read-only",
  EACCES: "permission denied",
  EPERM: "not permitted",
  ENOENT: "no such file or directory",
  ENOTDIR: "a part of the path is not a directory",
  EISDIR: "it is a directory",
  EEXIST: "it exists already",
  ELOOP: "too many symbolic links",
  ENAMETOOLONG: "the name is too long",
  EMFILE: "too many open files",
};

/** A reason in words for an error of the operating system, else its message. */
export function reasonOf(error: unknown): string {
  const known = REASONS[codeOf(error)];
  if (known !== undefined) return known;
  return error instanceof Error ? error.message : String(error);
}

/**
 * The error for a failed file operation: `cannot ACTION PATH: REASON`, with the operating system's code kept. An error that is already
 * a `PackageError` is returned as it is.
 */
export function ioError(action: string, path: string, cause: unknown): PackageError {
  if (cause instanceof PackageError) return cause;
  return new PackageError(codeOf(cause) || "EIO", `cannot ${action} ${path}: ${reasonOf(cause)}`, { path, cause });
}
