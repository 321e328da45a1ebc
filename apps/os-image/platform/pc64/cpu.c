/*
 * CPU features: what must be there, what is turned on where it is there, and the FPU state of programs.
 *
 * The kernel itself has no floating point, so an FPU image moves only when another LWP runs. Sources: Intel SDM volume 3,
 * chapters 2 (CR0, CR4) and 13 (XSAVE).
 */
#include "pc64.h"

#define CR4_DE 0x8
#define CR4_MCE 0x40
#define CR4_PGE 0x80
#define CR4_OSFXSR 0x200
#define CR4_OSXMMEXCPT 0x400
#define CR4_UMIP 0x800
#define CR4_OSXSAVE 0x40000
#define CR4_SMEP 0x100000
#define CR4_SMAP 0x200000

/* x87, SSE, AVX and the three parts of AVX-512. AMX and the rest would not fit a page or need more than a save. */
#define XCR0_WANTED 0xe7

#define MXCSR_DEFAULT 0x1f80
#define FCW_DEFAULT 0x37f
#define FPU_LEGACY_SIZE 512

/* At the faulting instruction `at`: go on behind it with operand 0 set to 1. */
#define FIXUP(at, label)                                                                             \
  "jmp " label "f\n3: mov $1, %0\n" label ":\n"                                                     \
  ".pushsection .fixups, \"a\"\n.long " at " - 0xffffffff80000000, 3b - 0xffffffff80000000\n.popsection\n"

bool cpu_has_smap, cpu_has_1g_pages, cpu_has_tsc_deadline;
u32 cpu_phys_bits = 36;
static bool has_xsave;
static u32 fpu_size = FPU_LEGACY_SIZE;

static void xsetbv(u64 v) { __asm__ volatile("xsetbv" ::"c"(0), "a"((u32)v), "d"((u32)(v >> 32))); }

void cpu_init(void) {
  const struct cpuid basic = cpuid(1, 0);
  if (!(basic.edx & (1u << 9))) panic("this CPU has no local APIC");
  if (!(basic.edx & (1u << 24))) panic("this CPU has no FXSAVE");
  if (!(basic.edx & (1u << 4))) panic("this CPU has no time stamp counter");
  const struct cpuid extended = cpuid(0x80000001, 0);
  cpu_has_1g_pages = extended.edx & (1u << 26);
  cpu_has_tsc_deadline = basic.ecx & (1u << 24);
  if (cpuid(0x80000000, 0).eax >= 0x80000008) cpu_phys_bits = cpuid(0x80000008, 0).eax & 0xff;
  if (cpu_phys_bits > 46) cpu_phys_bits = 46;

  u64 cr4 = READ_CR(4) | CR4_DE | CR4_MCE | CR4_PGE | CR4_OSFXSR | CR4_OSXMMEXCPT;
  const u32 max = cpuid(0, 0).eax;
  const struct cpuid features = max >= 7 ? cpuid(7, 0) : (struct cpuid){0};
  if (features.ebx & (1u << 7)) cr4 |= CR4_SMEP;
  cpu_has_smap = features.ebx & (1u << 20);
  if (cpu_has_smap) cr4 |= CR4_SMAP;
  if (features.ecx & (1u << 2)) cr4 |= CR4_UMIP;
  has_xsave = (basic.ecx & (1u << 26)) && max >= 13;
  if (has_xsave) cr4 |= CR4_OSXSAVE;
  WRITE_CR(4, cr4);
  if (has_xsave) {
    const struct cpuid components = cpuid(13, 0);
    xsetbv(components.eax & XCR0_WANTED);
    fpu_size = cpuid(13, 0).ebx;
    if (fpu_size > PAGE) panic("the FPU state does not fit a page");
  }
}

u32 machine_fpuSize(void) { return fpu_size; }

void machine_fpuInit(u64 pa) {
  u8 *image = direct(pa);
  memset(image, 0, PAGE);
  *(u16 *)image = FCW_DEFAULT;
  *(u32 *)(image + 24) = MXCSR_DEFAULT;
  if (has_xsave) *(u64 *)(image + FPU_LEGACY_SIZE) = 3; /* XSTATE_BV: x87 and SSE are in the image, the rest is initial */
}

void machine_fpuSave(u64 pa) {
  if (has_xsave) __asm__ volatile("xsave64 (%0)" ::"r"(direct(pa)), "a"(~0u), "d"(~0u) : "memory");
  else __asm__ volatile("fxsave64 (%0)" ::"r"(direct(pa)) : "memory");
}

/* 0, or 1 when the CPU refuses the image. */
static u32 restore(const void *image) {
  u32 refused = 0;
  if (has_xsave) __asm__ volatile("1: xrstor64 (%1)\n" FIXUP("1b", "2") : "+r"(refused) : "r"(image), "a"(~0u), "d"(~0u) : "memory");
  else __asm__ volatile("1: fxrstor64 (%1)\n" FIXUP("1b", "2") : "+r"(refused) : "r"(image) : "memory");
  return refused;
}

/* An image that a program could write (a signal frame) may have reserved bits set: it then gets a fresh state. */
void machine_fpuRestore(u64 pa) {
  if (restore(direct(pa)) == 0) return;
  machine_fpuInit(pa);
  restore(direct(pa));
}

/* ---- entropy ---- */

/* Fills `buf` from the CPU's generator (RDSEED, else RDRAND) and gives the number of bytes; 0 when it has none. */
u32 machine_entropy(u32 buf, u32 n) {
  const bool rdrand = cpuid(1, 0).ecx & (1u << 30);
  const bool rdseed = cpuid(0, 0).eax >= 7 && (cpuid(7, 0).ebx & (1u << 18));
  if (!rdrand && !rdseed) return 0;
  for (u32 done = 0; done < n;) {
    u64 v;
    bool ok = false;
    for (u32 attempt = 0; !ok && attempt < 64; attempt++) {
      if (rdseed && attempt < 32) __asm__ volatile("rdseed %0" : "=r"(v), "=@ccc"(ok));
      else if (rdrand) __asm__ volatile("rdrand %0" : "=r"(v), "=@ccc"(ok));
    }
    if (!ok) return done;
    for (u32 i = 0; i < 8 && done < n; i++, done++, v >>= 8) ((u8 *)LINEAR_BASE)[buf + done] = (u8)v;
  }
  return n;
}
