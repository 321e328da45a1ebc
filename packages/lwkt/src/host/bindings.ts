/**
 * Ports of this CPU as the peer knows them: by numbers of the peer's choice.
 *
 * Key types `Bindings`, `Binding`. Neighbours: `link.ts` (whose requests name the numbers), `cpu.ts` (which has the ports). A record may come before its port is there, and is kept for a while.
 * Invariant: whatever is sent to a number is delivered in order, or refused.
 */
import { Errno } from "@anax/portable";
import type { LocalCpu } from "./cpu";
import type { LocalPort } from "./port";

/** One number. */
export class Binding {
  port: LocalPort | null = null;
  /** Records that came before the port was there. */
  held: Uint8Array[] = [];
  /** It did not come in time: what is sent to it fails at once until it is there. */
  isRefused = false;
  deadline: ReturnType<typeof setTimeout> | null = null;

  constructor(
    readonly number: number,
    readonly name: string,
  ) {}
}

/** The link's part. */
export interface Receiver {
  /** A kept record can be delivered. */
  deliverHeld(port: LocalPort, record: Uint8Array): void;
  /** Nobody takes a kept record. */
  refuseHeld(record: Uint8Array, error: number, detail: string): void;
  /** Tells the peer what there is, or is not, under a number. */
  announce(number: number, port: LocalPort | null): void;
}

export class Bindings {
  private readonly all: Binding[] = [];

  constructor(
    private readonly cpu: LocalCpu,
    private readonly receiver: Receiver,
  ) {}

  get(number: number): Binding | undefined {
    return this.all[number];
  }

  /** The peer calls the port `name` by this number from here on. */
  bind(number: number, name: string): void {
    const binding = new Binding(number, name);
    this.all[number] = binding;
    const port = this.cpu.findPort(name);
    if (port === null) {
      binding.deadline = setTimeout(() => this.refuse(binding), this.cpu.portTimeout);
      return;
    }
    binding.port = port;
    this.receiver.announce(number, port);
  }

  /** Keeps a record until the port is there, or refuses it when that has taken too long. */
  hold(binding: Binding, record: Uint8Array): void {
    binding.held.push(record);
    if (binding.isRefused) this.refuseHeld(binding);
  }

  /** A port was made on this CPU. */
  portAdded(port: LocalPort): void {
    for (const binding of this.all) {
      if (binding.name !== port.name || (binding.port !== null && !binding.port.isClosed)) continue;
      binding.port = port;
      binding.isRefused = false;
      if (binding.deadline !== null) clearTimeout(binding.deadline);
      this.receiver.announce(binding.number, port);
      const held = binding.held;
      binding.held = [];
      for (const record of held) this.receiver.deliverHeld(port, record);
    }
  }

  close(): void {
    for (const binding of this.all) if (binding.deadline !== null) clearTimeout(binding.deadline);
    this.all.length = 0;
  }

  /** The port did not come. */
  private refuse(binding: Binding): void {
    binding.deadline = null;
    binding.isRefused = true;
    this.receiver.announce(binding.number, null);
    this.refuseHeld(binding);
  }

  private refuseHeld(binding: Binding): void {
    const held = binding.held;
    binding.held = [];
    for (const record of held) this.receiver.refuseHeld(record, Errno.NOENT, this.cpu.noPortText(binding.name));
  }
}
