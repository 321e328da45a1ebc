/**
 * Versions of message classes: what a port takes, told to who sends to it, and the steps from one version to another.
 *
 * Key type `PortVersions`; functions `writeVersions`, `stepsDown`. Neighbours: `message.ts` (`translate`), `peer-ports.ts` (senders), `link.ts` (receivers). The list is that of HELLO: `../control.ts`.
 * Invariant: messages travel in the newest major version that both sides know, and handlers and callers see only their own.
 */
import { Errno, getU16, putU16 } from "@anax/portable";
import { HELLO_ENTRY } from "../control";
import type { MessageClass, OlderVersion } from "./message";

/** The steps from a class back to its major version `major`, the oldest last; null when none leads there. */
export function stepsDown(type: MessageClass, major: number): OlderVersion[] | null {
  const steps: OlderVersion[] = [];
  for (let step = type.older; step !== null; step = step.type.older) {
    steps.push(step);
    if (step.type.major === major) return steps;
  }
  return null;
}

/** Bytes that tell of these classes, for `PortVersions.of`. */
export function writeVersions(types: readonly MessageClass[]): Uint8Array {
  const sorted = [...types].sort((a, b) => a.number - b.number);
  const list = new Uint8Array(sorted.length * HELLO_ENTRY);
  sorted.forEach((type, i) => {
    let oldest = type;
    while (oldest.older !== null) oldest = oldest.older.type;
    putU16(list, i * HELLO_ENTRY, type.number);
    list.set([oldest.major, type.major, type.request.cls.minor], i * HELLO_ENTRY + 2);
  });
  return list;
}

/** What a port of the peer takes. */
export class PortVersions {
  private readonly steps = new Map<MessageClass, readonly OlderVersion[] | null>();

  private constructor(private readonly majors: ReadonlyMap<number, { oldest: number; newest: number }>) {}

  static of(list: Uint8Array): PortVersions {
    const majors = new Map<number, { oldest: number; newest: number }>();
    for (let at = 0; at + HELLO_ENTRY <= list.length; at += HELLO_ENTRY)
      majors.set(getU16(list, at), { oldest: list[at + 2]!, newest: list[at + 3]! });
    return new PortVersions(majors);
  }

  /** EPROTONOSUPPORT when the port takes the class, but in no version that can be sent to it; else 0. */
  errorOf(type: MessageClass): number {
    const said = this.majors.get(type.number);
    if (said === undefined || (said.oldest <= type.major && type.major <= said.newest)) return 0;
    return this.stepsFor(type) === null ? Errno.PROTONOSUPPORT : 0;
  }

  /** The steps down to the version in which the port takes messages of the class; null when it takes them as they are, or not at all. */
  stepsFor(type: MessageClass): readonly OlderVersion[] | null {
    let steps = this.steps.get(type);
    if (steps === undefined) {
      const newest = this.majors.get(type.number)?.newest ?? type.major;
      const all = newest < type.major ? stepsDown(type, newest) : null;
      steps = all?.every((step) => step.sending !== undefined) === true ? all : null;
      this.steps.set(type, steps);
    }
    return steps;
  }
}
