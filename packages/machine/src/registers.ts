/**
 * The register file of a user context: a `LongArray` of `CTX_SLOTS` longs, 8 bytes each, that `Machine#runUser` loads and stores.
 *
 * Owned by the LWP it belongs to; the machine touches it only inside `runUser`. Slot order is known to the platform's
 * entry code (`apps/os-image/platform/pc64/entry.S`) and to nobody else.
 *
 * | slot          | meaning                                                            |
 * |---------------|--------------------------------------------------------------------|
 * | RAX..R15      | general registers                                                  |
 * | RIP, RFLAGS   | where user mode goes on                                            |
 * | FSBASE,GSBASE | segment bases, loaded and saved by runUser when they changed       |
 * | TRAPNO, ERRCODE, FAULTADDR | written by the machine on return: vector, error code, CR2 |
 * | FULL          | non-zero: every register must be restored (iretq); after a system call the machine clears it, so rcx and r11 are lost |
 */
import type { i32, long } from "@anax/portable";

export const REG_RAX: i32 = 0;
export const REG_RBX: i32 = 1;
export const REG_RCX: i32 = 2;
export const REG_RDX: i32 = 3;
export const REG_RSI: i32 = 4;
export const REG_RDI: i32 = 5;
export const REG_RBP: i32 = 6;
export const REG_RSP: i32 = 7;
export const REG_R8: i32 = 8;
export const REG_R9: i32 = 9;
export const REG_R10: i32 = 10;
export const REG_R11: i32 = 11;
export const REG_R12: i32 = 12;
export const REG_R13: i32 = 13;
export const REG_R14: i32 = 14;
export const REG_R15: i32 = 15;
export const REG_RIP: i32 = 16;
export const REG_RFLAGS: i32 = 17;
export const REG_FSBASE: i32 = 18;
export const REG_GSBASE: i32 = 19;
export const REG_TRAPNO: i32 = 20;
export const REG_ERRCODE: i32 = 21;
export const REG_FAULTADDR: i32 = 22;
export const REG_FULL: i32 = 23;
export const CTX_SLOTS: i32 = 24;

/** What `runUser` returns. */
export const TRAP_SYSCALL: i32 = 0;
/** Page fault: FAULTADDR and ERRCODE (bit 0 present, 1 write, 2 user, 4 instruction fetch) tell which. */
export const TRAP_PAGEFAULT: i32 = 1;
/** Another exception; TRAPNO is the vector. */
export const TRAP_EXCEPTION: i32 = 2;
/** A device or timer interrupt came; `takeIrq` tells which. */
export const TRAP_INTERRUPT: i32 = 3;

/** Error-code bits of a page fault. */
export const PF_PRESENT: i32 = 1;
export const PF_WRITE: i32 = 2;
export const PF_USER: i32 = 4;
export const PF_INSTR: i32 = 16;

/** Interrupt number of the CPU's own timer; device interrupts are 0 to 23 (the IOAPIC's lines) and above 32 (MSI). */
export const IRQ_TIMER: i32 = 31;

/** `bootParam` indices. Addresses are physical; 0 means absent. */
export const BOOT_CMDLINE: i32 = 0;
export const BOOT_CMDLINE_SIZE: i32 = 1;
export const BOOT_MODULE: i32 = 2;
export const BOOT_MODULE_SIZE: i32 = 3;
export const BOOT_RSDP: i32 = 4;
/** TSC ticks per second, for /proc/cpuinfo. */
export const BOOT_TSC_HZ: i32 = 5;

/** Halt codes. */
export const HALT_POWEROFF: i32 = 0;
export const HALT_REBOOT: i32 = 1;
/** The image is broken (65 at the launcher). */
export const HALT_BROKEN_IMAGE: i32 = 2;
export const HALT_PANIC: i32 = 3;

/** Bytes of a page and its shift, fixed on every platform. */
export const PAGE_SIZE: i32 = 4096;
export const PAGE_SHIFT: i32 = 12;

/** The first address past user space (the last page below the canonical hole stays unmapped). */
export const USER_END: long = 0x7ffffffff000;
