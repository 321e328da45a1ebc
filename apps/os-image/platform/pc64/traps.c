/*
 * Descriptor tables, and what a trap means: a program's trap is returned by `machine_runUser`; an interrupt sets its pending
 * bit; a fault of the kernel is repaired (mem.c, copy.S) or a panic.
 *
 * Vector 32 + n is interrupt n. Neighbours: entry.S (stubs), lapic.c (EOI).
 */
#include "pc64.h"

struct tss {
  u32 reserved0;
  u64 rsp[3], reserved1, ist[7], reserved2;
  u16 reserved3, io_map;
} __attribute__((packed));

struct gate {
  u16 offset0, selector;
  u8 ist, flags;
  u16 offset1;
  u32 offset2, reserved;
};

struct descriptor_register {
  u16 limit;
  u64 base;
} __attribute__((packed));

/* A fault at `at` in the kernel goes on at `handler` (both from KERNEL_BASE). */
struct fixup {
  u32 at, handler;
};
extern const struct fixup fixups[], fixups_end[];
extern char trap_stubs[], syscall_entry[];

#define GATE_INTERRUPT 0x8e
#define GATE_USER 0x60
#define VECTOR_BREAKPOINT 3

static struct tss tss;
static struct gate idt[256];
static u64 gdt[9] = {
    0, 0, 0x00af9b000000ffff, 0x00cf93000000ffff, /* kernel code 0x10, data 0x18 */
    0, 0x00cff3000000ffff, 0x00affb000000ffff,    /* user data 0x28, code 0x30 */
};
static u64 pending[4];
static u32 eoi_owed;

void traps_init(void) {
  tss.rsp[0] = (u64)trap_stack_top;
  tss.ist[0] = (u64)fatal_stack_top;
  tss.io_map = sizeof tss;
  const u64 base = (u64)&tss;
  gdt[7] = (sizeof tss - 1) | ((base & 0xffffff) << 16) | (0x89ull << 40) | ((base >> 24 & 0xff) << 56);
  gdt[8] = base >> 32;
  for (u32 v = 0; v < 256; v++) {
    const u64 at = (u64)trap_stubs + v * 16;
    const bool fatal = v == 2 || v == 8 || v == 18;
    idt[v] = (struct gate){(u16)at, KERNEL_CS, fatal, GATE_INTERRUPT | (v == VECTOR_BREAKPOINT ? GATE_USER : 0), (u16)(at >> 16), (u32)(at >> 32), 0};
  }
  const struct descriptor_register gdtr = {sizeof gdt - 1, (u64)gdt}, idtr = {sizeof idt - 1, (u64)idt};
  __asm__ volatile("lgdt %0; lidt %1; ltr %w2" ::"m"(gdtr), "m"(idtr), "r"(TSS_SELECTOR));
  wrmsr(MSR_STAR, (u64)(USER_DS - 8) << 48 | (u64)KERNEL_CS << 32);
  wrmsr(MSR_LSTAR, (u64)syscall_entry);
  wrmsr(MSR_FMASK, EFLAGS_SYSCALL);
  wrmsr(MSR_GS_BASE, LINEAR_BASE);
  wrmsr(MSR_KERNEL_GS_BASE, 0);
}

/*
 * True when there is something for the kernel in it. A level-triggered interrupt is ended only when the kernel has called its
 * handler and found no other (machine_takeIrq): ended at once, it would come again from a device that has not been served.
 */
static bool interrupt(u32 vector) {
  if (vector == VECTOR_SPURIOUS) return false;
  if (vector != VECTOR_TIMER && lapic_is_level(vector)) eoi_owed++;
  else lapic_eoi();
  if (vector == VECTOR_TIMER && !lapic_timer_fired()) return false;
  const u32 irq = vector - VECTOR_IRQ;
  pending[irq / 64] |= 1ull << (irq % 64);
  return true;
}

/* A trap in user mode, its registers already in the context `ctx`. Returns what machine_runUser returns, -1 to go on. */
s32 trap_user(u64 *ctx, u32 vector, u64 error) {
  if (vector >= VECTOR_IRQ) return interrupt(vector) ? TRAP_INTERRUPT : -1;
  ctx[CTX_TRAPNO / 8] = vector;
  ctx[CTX_ERRCODE / 8] = error;
  if (vector != VECTOR_PF) return TRAP_EXCEPTION;
  ctx[CTX_FAULTADDR / 8] = READ_CR(2);
  return TRAP_PAGEFAULT;
}

void trap_kernel(struct trap_frame *frame) {
  const u32 vector = (u8)frame->vector;
  if (vector >= VECTOR_IRQ) {
    interrupt(vector);
    return;
  }
  if (vector == VECTOR_PF && mem_fault(READ_CR(2), frame->error)) return;
  if (vector == VECTOR_PF || vector == VECTOR_GP) {
    const u32 at = (u32)(frame->rip - KERNEL_BASE);
    for (const struct fixup *f = fixups; f < fixups_end; f++) {
      if (f->at != at) continue;
      frame->rip = KERNEL_BASE + f->handler;
      return;
    }
  }
  panic_trap(frame);
}

u32 machine_takeIrq(void) {
  for (u32 i = 0; i < 4; i++) {
    if (pending[i] == 0) continue;
    const u32 bit = (u32)__builtin_ctzll(pending[i]);
    pending[i] &= pending[i] - 1;
    return i * 64 + bit;
  }
  for (; eoi_owed > 0; eoi_owed--) lapic_eoi();
  return (u32)-1;
}

void machine_idle(void) {
  if (pending[0] | pending[1] | pending[2] | pending[3]) return;
  __asm__ volatile("sti; hlt; cli" ::: "memory");
}
