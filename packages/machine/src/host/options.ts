/** What a simulated machine is made of. */

/** What memory holds before anyone wrote to it. */
export const UNINITIALISED = 0xa5;

export interface RegionOption {
  /** Physical address and bytes, both multiples of 4096. */
  readonly base: number;
  readonly size: number;
}

/** Options of a simulated machine; every one has a default. */
export interface SimOptions {
  /** Bytes of memory in one region at 1 MiB. Default 16 MiB. */
  readonly memory?: number;
  /** Memory regions, instead of `memory`. */
  readonly regions?: readonly RegionOption[];
  /** Nanoseconds one program step takes. Default 100. */
  readonly stepNs?: number;
  /** Nanoseconds that reading the clock takes. Default 20. */
  readonly clockReadNs?: number;
  /** Pages the kernel heap owns before any were donated. Default 0. */
  readonly heapPages?: number;
  /** Kernel command line; default empty. It is put at the start of the last region, as the boot loader would. */
  readonly cmdline?: string;
  /** Boot module (the initramfs), put behind the command line. */
  readonly module?: Uint8Array;
}
