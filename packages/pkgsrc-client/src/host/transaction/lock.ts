/**
 * The lock that lets one client at a time change the system, and says who holds it.
 *
 * The lock is a file that appears complete by link(2). It names process, host, user and command. A holder that died is found out by its
 * process number and start time, never by age, and its lock is taken over.
 * Neighbours: `recover.ts` runs under the lock before anything else. Invariant: a live holder's lock is never taken.
 */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { randomBytes } from "node:crypto";
import { codeOf } from "../errors";
import { TransactionError } from "./errors";

export interface LockHolder {
  readonly pid: number;
  readonly host: string;
  readonly user: string;
  readonly command: string;
  /** Milliseconds since the epoch. */
  readonly since: number;
  /** Start time of the process as its system tells it, "" where it does not. */
  readonly started: string;
  /** Different for every lock that was ever taken. */
  readonly token: string;
}

/** The 22nd field of /proc/PID/stat: a process number that was given to another process shows here. */
function startTime(pid: number): string {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, "latin1");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
  } catch {
    return "";
  }
}

export function currentUser(): string {
  try {
    return os.userInfo().username;
  } catch {
    return String(process.getuid?.() ?? "");
  }
}

function isAlive(holder: LockHolder): boolean {
  // Another machine on a shared file system: it cannot be asked.
  if (holder.host !== os.hostname()) return true;
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    return codeOf(error) === "EPERM";
  }
  return holder.started === "" || startTime(holder.pid) === "" || startTime(holder.pid) === holder.started;
}

/** Who holds the lock, null when nobody does. A file that is not a lock counts as held by nobody known (pid 0). */
export function readLock(file: string): LockHolder | null {
  let text: string;
  try {
    text = fs.readFileSync(file, "utf8");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return null;
    throw error;
  }
  try {
    const holder = JSON.parse(text) as LockHolder;
    if (typeof holder.pid === "number" && typeof holder.token === "string") return holder;
  } catch {
    // Not ours; it is shown as it is.
  }
  return { pid: 0, host: os.hostname(), user: "", command: "", since: 0, started: "", token: "" };
}

/** One sentence that names the holder. */
export function describeHolder(holder: LockHolder): string {
  const time = new Date(holder.since).toISOString();
  return `process ${holder.pid} of ${holder.user} on ${holder.host} (${holder.command}), since ${time}`;
}

export class Lock {
  readonly file: string;
  private readonly token: string;

  private constructor(file: string, token: string) {
    this.file = file;
    this.token = token;
  }

  /** Takes the lock at once or fails. @throws TransactionError ELOCKED with the holder; EACCES */
  static acquire(file: string, command: string): Lock {
    const token = randomBytes(12).toString("hex");
    const holder: LockHolder = {
      pid: process.pid,
      host: os.hostname(),
      user: currentUser(),
      command,
      since: Date.now(),
      started: startTime(process.pid),
      token,
    };
    const mine = `${file}.${token}`;
    try {
      fs.writeFileSync(mine, JSON.stringify(holder) + "\n", { flag: "wx" });
    } catch (error) {
      throw new TransactionError("EACCES", `cannot write to ${path.dirname(file)}: ${String(error)}`, [], error);
    }
    try {
      for (let attempt = 0; attempt < 10; attempt++) {
        try {
          fs.linkSync(mine, file);
          return new Lock(file, token);
        } catch (error) {
          if (codeOf(error) !== "EEXIST") throw error;
        }
        const other = readLock(file);
        if (other === null) continue;
        if (other.pid === 0) throw new TransactionError("ELOCKED", `${file} exists and is not a lock of this client`);
        if (isAlive(other)) throw new TransactionError("ELOCKED", `locked by ${describeHolder(other)}`);
        takeAway(file, other);
      }
      throw new TransactionError("ELOCKED", `${file} changes hands again and again`);
    } finally {
      fs.rmSync(mine, { force: true });
    }
  }

  /** Gives the lock back, if it is still ours. */
  release(): void {
    if (readLock(this.file)?.token === this.token) fs.rmSync(this.file, { force: true });
  }
}

/**
 * Removes the lock of a dead process. Two clients may find it at the same time; the second must not remove the lock that the first
 * one has taken since, so whoever removes holds `<lock>.break` and looks again.
 */
function takeAway(file: string, dead: LockHolder): void {
  const guard = `${file}.break`;
  try {
    fs.closeSync(fs.openSync(guard, "wx"));
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error;
    // Its owner needs microseconds. One that is seconds old belongs to a process that died in between.
    const stat = fs.statSync(guard, { throwIfNoEntry: false });
    if (stat !== undefined && Date.now() - stat.mtimeMs > 10_000) fs.rmSync(guard, { force: true });
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
    return;
  }
  try {
    if (readLock(file)?.token === dead.token) fs.rmSync(file, { force: true });
  } finally {
    fs.rmSync(guard, { force: true });
  }
}
