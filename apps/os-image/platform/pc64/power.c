/*
 * The end of the machine: ACPI soft off, reset, and the exit statuses of QEMU.
 *
 * Soft off writes the sleep type of the \_S5_ package (found in the DSDT by its name, as its encoding is fixed) to the PM1
 * control block of the FADT. Source: ACPI specification 6.4, sections 4.8.3.2, 5.2.9 and 7.4.2.
 */
#include "pc64.h"

#define SLP_EN 0x2000
#define RSDP_RSDT 16
#define RSDP_REVISION 15
#define RSDP_XSDT 24
#define FADT_DSDT 40
#define FADT_PM1A 64
#define FADT_PM1B 68
#define FADT_X_DSDT 140
#define TABLE_LENGTH 4
#define TABLE_HEADER 36
#define RESET_CONTROL 0xcf9

static bool named(u64 table, const char *signature) { return machine_load32(table) == *(const u32 *)signature; }

static u64 find_table(const char *signature) {
  const u64 rsdp = machine_bootParam(4);
  if (rsdp == 0) return 0;
  const bool wide = machine_load8(rsdp + RSDP_REVISION) >= 2 && machine_load64(rsdp + RSDP_XSDT) != 0;
  const u64 root = wide ? machine_load64(rsdp + RSDP_XSDT) : machine_load32(rsdp + RSDP_RSDT);
  const u64 end = root + machine_load32(root + TABLE_LENGTH);
  for (u64 at = root + TABLE_HEADER; at < end; at += wide ? 8 : 4) {
    const u64 table = wide ? machine_load64(at) : machine_load32(at);
    if (named(table, signature)) return table;
  }
  return 0;
}

/* An AML integer of a package element: ZeroOp, OneOp or a byte. */
static u64 aml_byte(u64 at, u32 *v) {
  const u32 op = machine_load8(at);
  if (op != 0x0a) {
    *v = op;
    return at + 1;
  }
  *v = machine_load8(at + 1);
  return at + 2;
}

static void soft_off(void) {
  const u64 fadt = find_table("FACP");
  if (fadt == 0) return;
  u64 dsdt = machine_load32(fadt + FADT_DSDT);
  if (dsdt == 0 && machine_load32(fadt + TABLE_LENGTH) > FADT_X_DSDT) dsdt = machine_load64(fadt + FADT_X_DSDT);
  if (dsdt == 0) return;
  const u64 end = dsdt + machine_load32(dsdt + TABLE_LENGTH);
  for (u64 at = dsdt + TABLE_HEADER; at + 16 < end; at++) {
    if (!named(at, "_S5_") || machine_load8(at + 4) != 0x12) continue;
    u32 a, b;
    const u64 length_bytes = machine_load8(at + 5) >> 6;
    u64 element = at + 5 + 1 + length_bytes + 1;
    element = aml_byte(element, &a);
    aml_byte(element, &b);
    const u32 pm1a = machine_load32(fadt + FADT_PM1A), pm1b = machine_load32(fadt + FADT_PM1B);
    machine_out16(pm1a, (a & 7) << 10 | SLP_EN);
    if (pm1b) machine_out16(pm1b, (b & 7) << 10 | SLP_EN);
    return;
  }
}

static void reset(void) {
  machine_out8(RESET_CONTROL, 2);
  machine_out8(RESET_CONTROL, 6);
  const struct {
    u16 limit;
    u64 base;
  } __attribute__((packed)) none = {0, 0};
  __asm__ volatile("lidt %0; ud2" ::"m"(none)); /* a triple fault, where the reset port does nothing */
}

_Noreturn void power_end(u32 code) {
  if (code == HALT_BROKEN_IMAGE) machine_out16(DEBUG_EXIT_PORT, DEBUG_EXIT_BROKEN_IMAGE);
  if (code == HALT_PANIC) machine_out16(DEBUG_EXIT_PORT, DEBUG_EXIT_PANIC);
  if (code == HALT_REBOOT) reset();
  soft_off();
  for (;;) __asm__ volatile("cli; hlt");
}

void machine_halt(u32 code) { power_end(code); }
