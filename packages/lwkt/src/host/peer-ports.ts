/**
 * Ports of the peer: the numbers this side calls them by, and what they take.
 *
 * Key type `PeerPorts`. Neighbours: `link.ts` (which sends), `versions.ts`. A message of a class that has older versions to step down to cannot be written before the port has told which it takes; it waits,
 * and with it all that is sent to that port behind it.
 * Invariant: what waits is sent, in order, when the port has told, or fails with the link.
 */
import { Errno } from "@anax/portable";
import { replyMsg, type AbortHandler, type Msg } from "../msg";
import type { AnyMessage, MessageClass } from "./message";
import type { PortVersions } from "./versions";

interface PeerPort {
  /** Null until the port has told. */
  versions: PortVersions | null;
  /** It has told, or there is none. */
  hasTold: boolean;
  waiting: AnyMessage[];
}

export class PeerPorts implements AbortHandler {
  /** Messages that wait, of all ports. */
  waiting = 0;
  private readonly ports: PeerPort[] = [];

  /** A number for one more port. */
  add(): number {
    return this.ports.push({ versions: null, hasTold: false, waiting: [] }) - 1;
  }

  versionsOf(number: number): PortVersions | null {
    return this.ports[number]!.versions;
  }

  /** Whether a message of the class has to wait. */
  mustWait(number: number, type: MessageClass): boolean {
    const port = this.ports[number]!;
    return port.waiting.length > 0 || (!port.hasTold && type.stepsDown);
  }

  /** Keeps a message. One that nobody waits for is a copy of the sender's. */
  wait(number: number, msg: AnyMessage): void {
    this.ports[number]!.waiting.push(msg);
    this.waiting++;
    msg.abortHandler = this;
  }

  /** A port has told what it takes (null: there is none). Returns what has waited for that. */
  told(number: number, versions: PortVersions | null): AnyMessage[] {
    const port = this.ports[number];
    if (port === undefined) return [];
    port.versions = versions;
    port.hasTold = true;
    const { waiting } = port;
    port.waiting = [];
    this.waiting -= waiting.length;
    return waiting;
  }

  /** Of `AbortHandler`: nobody over there has seen it yet. */
  abort(msg: Msg): void {
    for (const port of this.ports) {
      const at = port.waiting.indexOf(msg as AnyMessage);
      if (at < 0) continue;
      port.waiting.splice(at, 1);
      this.waiting--;
      replyMsg(msg, Errno.INTR);
      return;
    }
  }

  /** The link has ended: all that waits. */
  close(): AnyMessage[] {
    return this.ports.flatMap((_, number) => this.told(number, null));
  }
}
