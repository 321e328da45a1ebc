/*
 * Declarations shared by the platform's own files, C and assembly. Nothing here is for generated code.
 *
 * One CPU runs the kernel at a time, with interrupts off; only user mode and `machine_idle` take interrupts. So no
 * file here has a lock.
 */
#ifndef PC64_H
#define PC64_H

#define KERNEL_BASE 0xffffffff80000000
#define KERNEL_PHYS 0x100000

#define KERNEL_CS 0x10
#define KERNEL_DS 0x18
#define USER_DS 0x2b
#define USER_CS 0x33
#define TSS_SELECTOR 0x38

/* struct cpu, in the page below the linear memory: GS-relative, so that each CPU has its own. */
#define CPU_PAGE (-4096)
#define CPU_KSP (CPU_PAGE + 0)
#define CPU_USP (CPU_PAGE + 8)
#define CPU_CTX (CPU_PAGE + 16)
#define CPU_LASTCTX (CPU_PAGE + 24)
#define CPU_FSBASE (CPU_PAGE + 32)
#define CPU_GSBASE (CPU_PAGE + 40)

/* Slots of a user context, as in packages/machine/src/registers.ts. */
#define CTX_RAX 0
#define CTX_RBX 8
#define CTX_RCX 16
#define CTX_RDX 24
#define CTX_RSI 32
#define CTX_RDI 40
#define CTX_RBP 48
#define CTX_RSP 56
#define CTX_R8 64
#define CTX_R9 72
#define CTX_R10 80
#define CTX_R11 88
#define CTX_R12 96
#define CTX_R13 104
#define CTX_R14 112
#define CTX_R15 120
#define CTX_RIP 128
#define CTX_RFLAGS 136
#define CTX_FSBASE 144
#define CTX_GSBASE 152
#define CTX_TRAPNO 160
#define CTX_ERRCODE 168
#define CTX_FAULTADDR 176
#define CTX_FULL 184

#define TRAP_SYSCALL 0
#define TRAP_PAGEFAULT 1
#define TRAP_EXCEPTION 2
#define TRAP_INTERRUPT 3

#define VECTOR_GP 13
#define VECTOR_PF 14
#define VECTOR_IRQ 32
#define VECTOR_TIMER (VECTOR_IRQ + 31)
#define VECTOR_SPURIOUS 255

#define EFLAGS_IF 0x200
#define EFLAGS_AC 0x40000
/* CF PF AF ZF SF TF DF OF RF AC ID: what user mode may set. */
#define EFLAGS_USER 0x250dd5
/* TF IF DF IOPL NT AC: cleared on a system call. */
#define EFLAGS_SYSCALL 0x47700

#define MSR_APIC_BASE 0x1b
#define MSR_TSC_DEADLINE 0x6e0
#define MSR_EFER 0xc0000080
#define MSR_STAR 0xc0000081
#define MSR_LSTAR 0xc0000082
#define MSR_FMASK 0xc0000084
#define MSR_FS_BASE 0xc0000100
#define MSR_GS_BASE 0xc0000101
#define MSR_KERNEL_GS_BASE 0xc0000102

/* What QEMU ends with for each halt code: (value << 1) | 1 at the isa-debug-exit port. README.md. */
#define DEBUG_EXIT_PORT 0x501
#define DEBUG_EXIT_BROKEN_IMAGE 0x20
#define DEBUG_EXIT_PANIC 0x23

#define KERNEL_STACK_SIZE 65536

#ifdef __ASSEMBLER__

#define LINEAR_BASE 0xffffc00000200000

#else

#include "wasm.h"

_Static_assert(LINEAR_BASE == 0xffffc00000200000, "entry.S");

#define PAGE 4096ull
#define ALIGN_DOWN(x, a) ((x) & ~((u64)(a) - 1))
#define ALIGN_UP(x, a) ALIGN_DOWN((x) + (u64)(a) - 1, a)

enum { HALT_POWEROFF, HALT_REBOOT, HALT_BROKEN_IMAGE, HALT_PANIC };

/* What the entry code pushes for a trap in kernel mode; the tail is the CPU's. */
struct trap_frame {
  u64 r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax;
  u64 vector, error, rip, cs, rflags, rsp, ss;
};

struct cpuid {
  u32 eax, ebx, ecx, edx;
};

static inline struct cpuid cpuid(u32 leaf, u32 sub) {
  struct cpuid r;
  __asm__ volatile("cpuid" : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx) : "a"(leaf), "c"(sub));
  return r;
}
static inline void wrmsr(u32 msr, u64 v) { __asm__ volatile("wrmsr" ::"c"(msr), "a"((u32)v), "d"((u32)(v >> 32)) : "memory"); }
static inline u64 rdmsr(u32 msr) {
  u32 lo, hi;
  __asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
  return ((u64)hi << 32) | lo;
}
static inline u64 rdtsc(void) {
  u32 lo, hi;
  __asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
  return ((u64)hi << 32) | lo;
}
#define READ_CR(n) ({ u64 v_; __asm__ volatile("mov %%cr" #n ", %0" : "=r"(v_)); v_; })
#define WRITE_CR(n, v) __asm__ volatile("mov %0, %%cr" #n ::"r"((u64)(v)) : "memory")

/* link.ld */
extern char kernel_start[], text_end[], rodata_end[], linear_image[], linear_image_end[], kernel_end[];
extern char kernel_stack_guard[], kernel_stack_top[], fatal_stack_top[], trap_stack_top[];
extern char cpu_page[];

static inline u64 phys_of(const void *kernel_symbol) { return (u64)kernel_symbol - KERNEL_BASE; }

/* cpu.c */
extern bool cpu_has_smap, cpu_has_1g_pages, cpu_has_tsc_deadline;
extern u32 cpu_phys_bits;
void cpu_init(void);

/* mem.c */
extern bool mem_grow_failed; /* the last memory.grow was refused */
void mem_init(u64 start_info);
bool mem_fault(u64 va, u64 error);

/* traps.c */
void traps_init(void);

/* clock.c */
extern u64 clock_tsc_hz, clock_lapic_hz;
void clock_init(void);
u64 clock_tsc_at(u64 ns);

/* lapic.c */
void lapic_init(void);
void lapic_calibrate_start(void);
u32 lapic_calibrate_count(void);
void lapic_eoi(void);
bool lapic_is_level(u32 vector);
bool lapic_timer_fired(void);

/* serial.c */
void serial_init(void);
void print(const char *s);
void print_hex(u64 v, u32 digits);
void print_decimal(u64 v);

/* panic.c */
_Noreturn void panic(const char *message);
_Noreturn void panic_trap(const struct trap_frame *frame);

/* power.c */
_Noreturn void power_end(u32 code);

#endif
#endif
