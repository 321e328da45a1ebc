/**
 * What the launcher and the guest agree on: serial ports, the port that ends QEMU with a status, and the kernel's
 * command line. image/rootfs/init and the kernel hold the other side.
 */

/** Serial ports of the guest, by number: ttyS0 to ttyS3. */
export const SerialPort = {
  /** Console: kernel messages and the interactive shell. */
  console: 0,
  /** Standard output of the command of `anax run`, raw. */
  stdout: 1,
  /** Its standard error, raw. */
  stderr: 2,
  /** A line "exit N" when it has ended. */
  status: 3,
} as const;

/**
 * QEMU's isa-debug-exit device: writing V to the port (16 bit) ends QEMU with status (V << 1) | 1. Linux does not know
 * the device and powers off by ACPI, which gives status 0.
 */
export const DEBUG_EXIT = {
  iobase: 0x501,
  iosize: 2,
  /** Kernel panic: QEMU ends with 71. */
  panic: 35,
  /** The kernel refuses the image (truncated archive, no /init, wrong ELF): QEMU ends with 65. */
  brokenImage: 32,
} as const;

/** QEMU's exit status after the guest wrote `value` to the debug-exit port. */
export const debugExitStatus = (value: number): number => (value << 1) | 1;

/** Options that every kernel gets; `panic=-1` makes Linux reset at once, which -no-reboot turns into an exit. */
export const KERNEL_COMMAND_LINE = "console=ttyS0 panic=-1 quiet";

/** Parses what came in on the status port; null if the guest sent no complete line. */
export function parseStatus(text: string): number | null {
  const match = /^exit (\d{1,3})\r?\n/m.exec(text);
  return match === null ? null : Number(match[1]);
}
