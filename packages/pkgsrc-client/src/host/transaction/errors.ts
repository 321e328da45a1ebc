/**
 * The error of everything that changes the system: what a transaction, the lock and the client throw.
 *
 * Neighbours: `../cli/exit.ts` maps codes to exit statuses. Invariant: when one is thrown, the system is as it was before,
 * unless the code is EROLLBACK or EJOURNAL, which say what is left to do.
 */

import { PackageError } from "../errors";

/** Codes of {@link TransactionError}; they are part of the interface and do not change their meaning. */
export type TransactionErrorCode =
  /** Another client holds the lock. */
  | "ELOCKED"
  /** A journal record in the middle of the log is damaged; nothing is touched until a human looked. */
  | "EJOURNAL"
  /** An interrupted transaction could not be undone completely. */
  | "EROLLBACK"
  /** An INSTALL or DEINSTALL script failed or ran out of time. */
  | "ESCRIPT"
  /** Two packages want one file, or a file that belongs to no package is in the way. */
  | "EFILECONFLICT"
  /** Not enough free space or inodes. */
  | "ENOSPC"
  /** A shared library that a package requires would be missing. */
  | "ELIBRARY"
  /** A CONFLICTS pattern of a package of the final state matches another one. */
  | "EPKGCONFLICT"
  /** A dependency of a package of the final state is not there. */
  | "EDEPENDENCY"
  /** The package was built for another operating system or machine. */
  | "EPLATFORM"
  /** The archive and its packing list disagree, or the archive is not the package that was asked for. */
  | "EBADPACKAGE"
  /** The package uses something that is not supported (package views). */
  | "EUNSUPPORTED"
  /** A transaction number that the history does not have, or whose files were cleaned away. */
  | "ENOHISTORY"
  /** The plan does not fit the installed packages any more. */
  | "ESTALEPLAN"
  /** No permission to write, or no such directory. */
  | "EACCES"
  /** The user said no, or a signal came. */
  | "ECANCELLED";

/** An error of the client. Like every error of the host side it is a {@link PackageError}. */
export class TransactionError extends PackageError {
  declare readonly code: TransactionErrorCode;
  /** One line each: the files, libraries or packages concerned. */
  readonly details: readonly string[];

  constructor(code: TransactionErrorCode, message: string, details: readonly string[] = [], cause?: unknown) {
    super(code, message, { cause });
    this.details = details;
  }
}
