/**
 * The one error of the simulator's inputs: it names the field, and the line where the input has lines.
 *
 * Invariant: whoever catches an `InputError` can show `message` to a user as it is.
 */

/** Where in an input something is wrong. */
export interface InputPlace {
  /** Path of the field, as a program would write it: `tasks[2].nice`, `topology`, `t`. */
  field: string;
  /** Line of a file, from 1. */
  line?: number;
  /** Name of the file. */
  file?: string;
}

/** A wrong input: topology, policy, workload, trace, option. Nothing was simulated and nothing written. */
export class InputError extends Error {
  override readonly name = "InputError";
  readonly code = "EINVAL";
  readonly field: string;
  readonly line: number | undefined;
  readonly file: string | undefined;
  /** What is wrong, without the place. */
  readonly reason: string;

  constructor(reason: string, place: InputPlace) {
    const where: string[] = [];
    if (place.file !== undefined) where.push(place.file);
    if (place.line !== undefined) where.push(`line ${place.line}`);
    if (place.field !== "") where.push(place.field);
    super(`${where.join(": ")}: ${reason}`);
    this.reason = reason;
    this.field = place.field;
    this.line = place.line;
    this.file = place.file;
  }

  /** The same error with more known about its place; `under` is put before the field. */
  at(under: string, more: Partial<InputPlace> = {}): InputError {
    const joint = under === "" || this.field === "" || this.field.startsWith("[") ? "" : ".";
    const field = under + joint + this.field;
    const line = more.line ?? this.line;
    const file = more.file ?? this.file;
    return new InputError(this.reason, {
      field,
      ...(line === undefined ? {} : { line }),
      ...(file === undefined ? {} : { file }),
    });
  }
}
