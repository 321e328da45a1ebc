/** Exit statuses of the launcher, and the one kind of error that carries them. */

/** Values after sysexits.h where it has one. `anax run` also gives any status of the guest's command. */
export const Exit = {
  ok: 0,
  /** Wrong command line. */
  usage: 64,
  /** The guest's kernel refused the image: truncated archive, no /init, wrong ELF. */
  brokenImage: 65,
  /** An input file does not exist or cannot be read. */
  noInput: 66,
  /** A tool or a package that the launcher needs is missing. */
  unavailable: 69,
  /** The guest's kernel panicked. */
  panic: 70,
  /** The guest ended without reporting the command's status. */
  lost: 71,
  /** The time given by --timeout is over. */
  timeout: 124,
} as const;

/** An error whose message is meant for the user, without a stack. */
export class CliError extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode: number) {
    super(message);
    this.name = "CliError";
    this.exitCode = exitCode;
  }
}

/** The part of the help that documents the exit statuses. */
export const EXIT_STATUS_HELP = `
Exit status:
  N     (run) the command's own; 126 and 127 as in sh(1), 128+N if killed by signal N
  0     success
  64    wrong command line
  65    the kernel refused the image
  66    an input file is missing or unreadable
  69    a program or package that this needs is missing
  70    the kernel panicked
  71    the guest ended without reporting a status
  124   time-out
`;
