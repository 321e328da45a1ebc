/**
 * Proxies: ports of another CPU, with the interface of local ones.
 *
 * Key type `ProxyPort`; neighbours `link.ts` (what carries its messages), `port.ts`. Core code sends to it with `sendMsg` and `beginMsg` as to any port.
 * Invariant: what it answers at once is an errno or the end of a message without reply; all else is EASYNC.
 */
import type { i32 } from "@anax/portable";
import { MSGF_DONE, MSGF_PRIORITY, type Msg } from "../msg";
import { flagsOf } from "./call";
import type { LocalCpu } from "./cpu";
import type { Link } from "./link";
import type { AnyMessage } from "./message";
import { HostPort } from "./port";

export class ProxyPort<M extends AnyMessage = AnyMessage> extends HostPort<M> {
  protected readonly cpu: LocalCpu;
  private readonly number: number;

  constructor(
    readonly link: Link,
    readonly name: string,
  ) {
    super();
    this.cpu = link.cpu;
    this.number = link.openPort(name);
  }

  override send(msg: M, transfer?: readonly ArrayBuffer[]): boolean {
    const isPlain = transfer === undefined && (flagsOf(msg) & (MSGF_DONE | MSGF_PRIORITY)) === MSGF_DONE;
    return (isPlain && this.link.sendNow(msg, this.number)) || super.send(msg, transfer);
  }

  override putPort(msg: Msg): i32 {
    return this.link.sendRequest(msg as AnyMessage, this.number);
  }

  protected get hasSpace(): boolean {
    return this.link.requests.hasSpace;
  }

  ready(): Promise<void> {
    return this.link.requests.ready();
  }

  /** A proxy queues nothing. */
  override getPort(): Msg | null {
    return null;
  }
}
