/** Exit statuses of the command line after sysexits.h, and the one kind of error that carries them. */
export const Exit = {
  ok: 0,
  /** Wrong command line. */
  usage: 64,
  /** A file's content is wrong. */
  data: 65,
  /** An input file does not exist or cannot be read. */
  noInput: 66,
  /** An output file cannot be written. */
  cannotCreate: 73,
} as const;

/** An error whose message is meant for the user, without a stack. */
export class CliError extends Error {
  override readonly name = "CliError";

  constructor(
    message: string,
    readonly exitCode: number,
  ) {
    super(message);
  }
}

/** The part of the help that documents the exit statuses. */
export const EXIT_STATUS_HELP = `
Exit status:
  0     success
  64    wrong command line
  65    a workload, topology or trace file is wrong; the message names line and field
  66    an input file is missing or unreadable
  73    an output file cannot be written
`;
