/**
 * What the calls on files need while they run, made once for a kernel so that no call allocates.
 *
 * Key type `FileContext`, a field of `Kernel` (`kernel.fc`). A kernel runs one call at a time to its end, and a call that is
 * run again starts from nothing, so one set serves every LWP.
 * Neighbours: `fileops.ts`, `nameops.ts`, `poll.ts`. Invariant: nothing in it is meaningful between two calls.
 */
import { Uio, type VmPages } from "@anax/vm";
import { NLookup, Stat, type Vfs } from "@anax/vfs-msg";
import type { Machine } from "@anax/machine";

export class FileContext {
  readonly uio: Uio;
  /** A second transfer, for what moves bytes between two files. */
  readonly uio2: Uio;
  readonly nd: NLookup;
  /** The second name of rename and link. */
  readonly nd2: NLookup;
  readonly st: Stat = new Stat();
  /** Small structures on their way to or from user memory. */
  readonly scratch: Uint8Array = new Uint8Array(4096);

  constructor(readonly machine: Machine, readonly pages: VmPages, readonly vfs: Vfs) {
    this.uio = new Uio(machine);
    this.uio2 = new Uio(machine);
    this.nd = new NLookup();
    this.nd2 = new NLookup();
  }
}
