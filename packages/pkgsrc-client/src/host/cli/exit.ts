/**
 * Exit statuses of `pkgc`. They are part of its interface and do not change their meaning.
 *
 * Neighbours: `main.ts` turns errors into them; the README lists them.
 */
import { codeOf } from "../errors";

export const Exit = {
  ok: 0,
  /** The answer is no: nothing found, files differ, packages are vulnerable. */
  no: 1,
  /** Wrong command line, pattern or configuration. */
  usage: 2,
  /** No plan: unknown packages, contradicting requirements. */
  noPlan: 3,
  /** Refused before anything was changed: files in the way, space, libraries, platform. */
  refused: 4,
  /** A package is damaged, is not what it should be, or has no good signature. */
  badPackage: 5,
  /** A repository cannot be reached or read. */
  repository: 6,
  /** Another client holds the lock. */
  locked: 7,
  /** A script failed; everything was taken back. */
  script: 8,
  /** A transaction could not be undone: the message says what to do. */
  broken: 9,
  /** The user said no, or a signal came; everything was taken back. */
  cancelled: 10,
  /** The system said no: no permission, no space, a device error. */
  system: 11,
  /** A fault of this program. */
  internal: 70,
} as const;

const BY_CODE: Readonly<Record<string, number>> = {
  ENOTFOUND: Exit.noPlan,
  EUNSOLVABLE: Exit.noPlan,
  ETIMEOUT: Exit.noPlan,
  EPATTERN: Exit.usage,
  EINVAL: Exit.usage,
  E2BIG: Exit.usage,
  EBADDATA: Exit.usage,
  EEXIST: Exit.usage,
  ENOHISTORY: Exit.usage,
  EFILECONFLICT: Exit.refused,
  ELIBRARY: Exit.refused,
  EPKGCONFLICT: Exit.refused,
  EDEPENDENCY: Exit.refused,
  EPLATFORM: Exit.refused,
  EUNSUPPORTED: Exit.refused,
  ESTALEPLAN: Exit.refused,
  EBADARCHIVE: Exit.badPackage,
  EBADPACKAGE: Exit.badPackage,
  EUNSAFE: Exit.badPackage,
  ECHECKSUM: Exit.badPackage,
  ESIGNATURE: Exit.badPackage,
  EFETCH: Exit.repository,
  ELOCKED: Exit.locked,
  ESCRIPT: Exit.script,
  EROLLBACK: Exit.broken,
  EJOURNAL: Exit.broken,
  ECANCELLED: Exit.cancelled,
  EABORT: Exit.cancelled,
};

/** The status for an error. */
export function exitStatusOf(error: unknown): number {
  const code = codeOf(error);
  if (code === "") return Exit.internal;
  // Everything else with a code is an errno of the system.
  return BY_CODE[code] ?? (/^E[A-Z0-9]+$/.test(code) ? Exit.system : Exit.internal);
}

/** A wrong use that commander does not see. */
export class UsageError extends Error {
  readonly code = "EINVAL";
}

/** The part of the help that documents the statuses. */
export const EXIT_STATUS_HELP = `
Exit status:
  0   success
  1   the answer is no: nothing found, files differ, packages are vulnerable
  2   wrong command line, pattern or configuration
  3   no plan: unknown packages or contradicting requirements
  4   refused before anything was changed: files in the way, space, libraries, platform
  5   a package is damaged, not what it should be, or not signed as it must be
  6   a repository cannot be reached or read
  7   another client holds the lock
  8   a script failed; everything was taken back
  9   a transaction could not be undone; the message says what to do
  10  cancelled; everything was taken back
  11  the system said no: permissions, space, devices
  70  a fault of this program
`;
