/*
 * Time since boot from the time stamp counter. Its rate comes from the hypervisor or from CPUID where they tell it, else from
 * one measurement against the PIT (8 ms), which also gives the rate of the local APIC's timer.
 */
#include "pc64.h"

#define PIT_HZ 1193182
#define PIT_TICKS 9600
#define PIT_CHANNEL2 0x42
#define PIT_COMMAND 0x43
#define PIT_GATE 0x61

#define NS_PER_S 1000000000ull

u64 clock_tsc_hz, clock_lapic_hz;
static u64 tsc_at_boot;
static u64 ns_per_tick_32; /* ns per TSC tick, times 2^32 */
static u64 ticks_per_ns_28; /* TSC ticks per ns, times 2^28 */

static u64 read_counter(u32 *count) {
  const u64 before = rdtsc();
  machine_out8(PIT_COMMAND, 0x80);
  const u64 after = rdtsc();
  *count = machine_in8(PIT_CHANNEL2);
  *count |= machine_in8(PIT_CHANNEL2) << 8;
  return before + (after - before) / 2;
}

static void measure(void) {
  machine_out8(PIT_GATE, (machine_in8(PIT_GATE) & ~2u) | 1);
  machine_out8(PIT_COMMAND, 0xb0); /* channel 2, both bytes, interrupt on terminal count */
  machine_out8(PIT_CHANNEL2, 0xff);
  machine_out8(PIT_CHANNEL2, 0xff);
  u32 first, last;
  u64 start = read_counter(&first);
  start = read_counter(&first);
  lapic_calibrate_start();
  u64 end;
  do end = read_counter(&last);
  while (first - last < PIT_TICKS);
  const u32 lapic_ticks = lapic_calibrate_count();
  const u64 pit_ticks = first - last;
  clock_lapic_hz = lapic_ticks * (u64)PIT_HZ / pit_ticks;
  if (clock_tsc_hz == 0) clock_tsc_hz = (end - start) * PIT_HZ / pit_ticks;
}

static void ask_cpu(void) {
  if (cpuid(1, 0).ecx >> 31 && cpuid(0x40000000, 0).eax >= 0x40000010) clock_tsc_hz = cpuid(0x40000010, 0).eax * 1000ull;
  if (clock_tsc_hz == 0 && cpuid(0, 0).eax >= 0x15) {
    const struct cpuid ratio = cpuid(0x15, 0);
    if (ratio.eax && ratio.ebx && ratio.ecx) clock_tsc_hz = (u64)ratio.ecx * ratio.ebx / ratio.eax;
  }
}

void clock_init(void) {
  tsc_at_boot = rdtsc();
  ask_cpu();
  if (clock_tsc_hz == 0 || !cpu_has_tsc_deadline) measure();
  ns_per_tick_32 = (NS_PER_S << 32) / clock_tsc_hz;
  ticks_per_ns_28 = (clock_tsc_hz << 28) / NS_PER_S;
}

u64 machine_nanotime(void) { return (u64)(((unsigned __int128)(rdtsc() - tsc_at_boot) * ns_per_tick_32) >> 32); }

u64 clock_tsc_at(u64 ns) { return tsc_at_boot + (u64)(((unsigned __int128)ns * ticks_per_ns_28) >> 28); }
