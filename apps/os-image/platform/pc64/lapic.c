/*
 * The local APIC: interrupt delivery, end of interrupt and the one-shot timer behind `setTimer`.
 *
 * The timer is written only when it must fire earlier than it is set to; a deadline moved later lets it fire early, and
 * the interrupt then sets it again. The legacy interrupt controllers are masked. Source: Intel SDM volume 3, chapter 11.
 */
#include "pc64.h"

#define APIC_ENABLE 0x800
#define APIC_X2 0x400
#define TASK_PRIORITY 0x80
#define EOI 0xb0
#define SPURIOUS 0xf0
#define TRIGGER_MODE 0x180
#define LVT_TIMER 0x320
#define LVT_PERFORMANCE 0x340
#define LVT_LINT0 0x350
#define LVT_LINT1 0x360
#define LVT_ERROR 0x370
#define TIMER_INITIAL 0x380
#define TIMER_CURRENT 0x390
#define TIMER_DIVIDE 0x3e0

#define LVT_MASKED 0x10000
#define LVT_NMI 0x400
#define TIMER_TSC_DEADLINE 0x40000
#define DIVIDE_BY_16 3

static u64 base;
/* The deadline asked for (0: none) and the one the hardware is set to (0: not running), in ns. */
static u64 wanted, armed;

static u32 apic_read(u32 reg) { return machine_mmioLoad32(base + reg); }
static void apic_write(u32 reg, u32 v) { machine_mmioStore32(base + reg, v); }

void lapic_init(void) {
  for (u32 pic = 0x20; pic <= 0xa0; pic += 0x80) {
    machine_out8(pic, 0x11); /* initialize; vectors out of the way of a spurious one */
    machine_out8(pic + 1, VECTOR_SPURIOUS & ~7);
    machine_out8(pic + 1, pic == 0x20 ? 4 : 2);
    machine_out8(pic + 1, 1);
    machine_out8(pic + 1, 0xff);
  }
  const u64 msr = rdmsr(MSR_APIC_BASE);
  if (msr & APIC_X2) panic("the firmware left the local APIC in x2APIC mode");
  wrmsr(MSR_APIC_BASE, msr | APIC_ENABLE);
  base = msr & 0xffffff000;
  apic_write(SPURIOUS, 0x100 | VECTOR_SPURIOUS);
  apic_write(TASK_PRIORITY, 0);
  apic_write(LVT_LINT0, LVT_MASKED);
  apic_write(LVT_LINT1, LVT_NMI);
  apic_write(LVT_PERFORMANCE, LVT_MASKED);
  apic_write(LVT_ERROR, LVT_MASKED);
  apic_write(TIMER_DIVIDE, DIVIDE_BY_16);
  apic_write(LVT_TIMER, VECTOR_TIMER | (cpu_has_tsc_deadline ? TIMER_TSC_DEADLINE : 0));
}

void lapic_calibrate_start(void) {
  if (!cpu_has_tsc_deadline) apic_write(LVT_TIMER, VECTOR_TIMER | LVT_MASKED);
  apic_write(TIMER_INITIAL, 0xffffffff);
}

/* Timer ticks since the start of the calibration; stops the timer. */
u32 lapic_calibrate_count(void) {
  const u32 ticks = 0xffffffff - apic_read(TIMER_CURRENT);
  apic_write(TIMER_INITIAL, 0);
  if (!cpu_has_tsc_deadline) apic_write(LVT_TIMER, VECTOR_TIMER);
  return ticks;
}

bool lapic_is_level(u32 vector) { return apic_read(TRIGGER_MODE + vector / 32 * 16) >> (vector % 32) & 1; }

void lapic_eoi(void) { apic_write(EOI, 0); }

static void arm(u64 deadline) {
  armed = deadline;
  if (cpu_has_tsc_deadline) {
    wrmsr(MSR_TSC_DEADLINE, clock_tsc_at(deadline));
    return;
  }
  const u64 now = machine_nanotime();
  const u64 ns = deadline > now ? deadline - now : 0;
  const u64 us = ns < 4000000000ull ? ns / 1000 : 4000000; /* a far deadline is reached in steps */
  const u64 ticks = us * clock_lapic_hz / 1000000;
  apic_write(TIMER_INITIAL, ticks == 0 ? 1 : ticks < 0xffffffff ? (u32)ticks : 0xffffffff);
}

/* The timer interrupt came; true when the deadline has passed, else the timer is set again. */
bool lapic_timer_fired(void) {
  armed = 0;
  if (wanted == 0) return false;
  if (machine_nanotime() < wanted) {
    arm(wanted);
    return false;
  }
  wanted = 0;
  return true;
}

void machine_setTimer(u64 deadline) {
  wanted = deadline;
  if (deadline == 0 || (armed != 0 && armed <= deadline)) return;
  arm(deadline);
}
