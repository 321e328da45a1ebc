/**
 * Errors of the facade: errno values as thrown errors with `code`.
 *
 * Key type `LwktError`; neighbours: everything in `host`. Invariant: `code` is "E" and the errno's name, as Node has it.
 */
import { Errno } from "@anax/portable";

const TEXT: Readonly<Record<string, string>> = {
  ENOENT: "no such port",
  EINTR: "the call was aborted",
  EIO: "the handler failed",
  EAGAIN: "the queue is full",
  ENOMEM: "not enough memory",
  EINVAL: "invalid argument",
  EBUSY: "the message is in flight",
  EEXIST: "exists",
  EPIPE: "the CPU has exited",
  ENOSYS: "no handler for this message",
  EMSGSIZE: "the message is too long",
  ETIMEDOUT: "no answer in time",
  EPROTONOSUPPORT: "the peer speaks another version",
  EDEADLK: "waiting here would never end",
};

/** "ENOENT" for 2; "E4000" for a number that has no name here. */
export function codeOf(errno: number): string {
  return `E${Errno[errno] ?? errno}`;
}

/** The errno of a code ("ENOENT" is 2), or 0 when there is none of that name. */
export function errnoOf(code: string): number {
  if (typeof code !== "string") return 0;
  const value = (Errno as unknown as Record<string, unknown>)[code.replace(/^E/, "")];
  return code.startsWith("E") && typeof value === "number" ? value : 0;
}

/**
 * What calls reject with and what a handler may throw to choose the errno of its reply.
 *
 *     throw new LwktError("ENOENT", "no such account");
 */
export class LwktError extends Error {
  override readonly name = "LwktError";
  /** "ENOENT", ... */
  readonly code: string;
  /** Positive. */
  readonly errno: number;

  constructor(code: string | number, detail?: string, options?: ErrorOptions) {
    const errno = typeof code === "number" ? code : errnoOf(code);
    const name = typeof code === "number" ? codeOf(code) : code;
    super(`${name}: ${detail ?? TEXT[name] ?? "error"}`, options);
    this.code = name;
    this.errno = errno;
  }
}

/** The errno that a thrown value is answered with: its `errno` or `code` when it has one we know, else EIO. */
export function errnoOfThrown(thrown: unknown): number {
  if (typeof thrown === "object" && thrown !== null) {
    const { code } = thrown as { code?: unknown };
    const errno = typeof code === "string" ? errnoOf(code) : 0;
    if (errno !== 0) return errno;
    if ((thrown as { name?: unknown }).name === "AbortError") return Errno.INTR;
  }
  return Errno.IO;
}

/** The text that travels with it, without the code that `LwktError` puts before it. */
export function detailOf(thrown: unknown): string {
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  return text.replace(/^E[A-Z0-9]+: /, "");
}
