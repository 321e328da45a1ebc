/*
 * The imports of module "machine" (contracts: packages/machine/src/glue). Hot ones are inline, the others are functions
 * of the file named at their group. Physical addresses go through the direct map; kernel buffers are linear-memory offsets.
 */
#ifndef PC64_MACHINE_H
#define PC64_MACHINE_H

/* Physical address p is mapped at DIRECT_BASE + p: RAM from the start, everything else on first use, uncached (mem.c). */
#define DIRECT_BASE 0xffff800000000000ull

#define direct(pa) ((void *)(DIRECT_BASE + (u64)(pa)))

static inline u32 machine_load8(u64 pa) { return *(volatile u8 *)direct(pa); }
static inline u32 machine_load16(u64 pa) { return *(volatile u16 *)direct(pa); }
static inline u32 machine_load32(u64 pa) { return *(volatile u32 *)direct(pa); }
static inline u64 machine_load64(u64 pa) { return *(volatile u64 *)direct(pa); }
static inline void machine_store8(u64 pa, u32 v) { *(volatile u8 *)direct(pa) = (u8)v; }
static inline void machine_store16(u64 pa, u32 v) { *(volatile u16 *)direct(pa) = (u16)v; }
static inline void machine_store32(u64 pa, u32 v) { *(volatile u32 *)direct(pa) = v; }
static inline void machine_store64(u64 pa, u64 v) { *(volatile u64 *)direct(pa) = v; }

/* A device may sit behind a hypervisor that decodes the access: exactly one plain move each. */
static inline u32 machine_mmioLoad8(u64 pa) {
  u8 v;
  __asm__ volatile("movb (%1), %0" : "=q"(v) : "r"(direct(pa)) : "memory");
  return v;
}
static inline u32 machine_mmioLoad16(u64 pa) {
  u16 v;
  __asm__ volatile("movw (%1), %0" : "=r"(v) : "r"(direct(pa)) : "memory");
  return v;
}
static inline u32 machine_mmioLoad32(u64 pa) {
  u32 v;
  __asm__ volatile("movl (%1), %0" : "=r"(v) : "r"(direct(pa)) : "memory");
  return v;
}
static inline void machine_mmioStore8(u64 pa, u32 v) { __asm__ volatile("movb %0, (%1)" ::"q"((u8)v), "r"(direct(pa)) : "memory"); }
static inline void machine_mmioStore16(u64 pa, u32 v) { __asm__ volatile("movw %0, (%1)" ::"r"((u16)v), "r"(direct(pa)) : "memory"); }
static inline void machine_mmioStore32(u64 pa, u32 v) { __asm__ volatile("movl %0, (%1)" ::"r"(v), "r"(direct(pa)) : "memory"); }

static inline u32 machine_in8(u32 port) {
  u8 v;
  __asm__ volatile("inb %w1, %0" : "=a"(v) : "Nd"(port));
  return v;
}
static inline u32 machine_in16(u32 port) {
  u16 v;
  __asm__ volatile("inw %w1, %0" : "=a"(v) : "Nd"(port));
  return v;
}
static inline u32 machine_in32(u32 port) {
  u32 v;
  __asm__ volatile("inl %w1, %0" : "=a"(v) : "Nd"(port));
  return v;
}
static inline void machine_out8(u32 port, u32 v) { __asm__ volatile("outb %b0, %w1" ::"a"(v), "Nd"(port)); }
static inline void machine_out16(u32 port, u32 v) { __asm__ volatile("outw %w0, %w1" ::"a"(v), "Nd"(port)); }
static inline void machine_out32(u32 port, u32 v) { __asm__ volatile("outl %0, %w1" ::"a"(v), "Nd"(port)); }

static inline void machine_flushPage(u64 va) { __asm__ volatile("invlpg (%0)" ::"r"(va) : "memory"); }

static inline u32 machine_heapUsed(void) { return kts_heap_used(); }

/* mem.c */
u32 machine_memRegionCount(void);
u64 machine_memRegionBase(u32 i);
u64 machine_memRegionSize(u32 i);
u64 machine_bootParam(u32 i);
void machine_setRoot(u64 root);
void machine_initRoot(u64 root);
void machine_flushAll(void);
u32 machine_heapReserve(void);
void machine_heapDonate(u64 pa);

/* copy.c, copy.S */
void machine_zeroPhys(u64 pa, u32 n);
void machine_copyPhys(u64 dst, u64 src, u32 n);
void machine_readPhys(u64 pa, u32 buf, u32 n);
void machine_writePhys(u32 buf, u64 pa, u32 n);
u32 machine_copyin(u64 uaddr, u32 buf, u32 n);
u32 machine_copyout(u32 buf, u64 uaddr, u32 n);
u32 machine_copyinPhys(u64 uaddr, u64 pa, u32 n);
u32 machine_copyoutPhys(u64 pa, u64 uaddr, u32 n);
u32 machine_copyinstr(u64 uaddr, u32 buf, u32 max);
u32 machine_zeroUser(u64 uaddr, u32 n);
u64 machine_fetchUser32(u64 uaddr);
u64 machine_casUser32(u64 uaddr, u32 expected, u32 value);

/* entry.S, traps.c */
u32 machine_runUser(u32 regs);
u32 machine_takeIrq(void);
void machine_idle(void);

/* cpu.c */
u32 machine_entropy(u32 buf, u32 n);
u32 machine_fpuSize(void);
void machine_fpuInit(u64 pa);
void machine_fpuSave(u64 pa);
void machine_fpuRestore(u64 pa);

/* clock.c, lapic.c */
u64 machine_nanotime(void);
void machine_setTimer(u64 deadline);

/* serial.c, panic.c, power.c */
void machine_putc(u32 c);
void machine_halt(u32 code);
_Noreturn void env_abort(u32 message, u32 file, u32 line, u32 column) __attribute__((cold));

#endif
