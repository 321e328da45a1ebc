/* Boot as one list: each step needs only those above it. */
#include "pc64.h"

void platform_start(u64 start_info) {
  serial_init();
  traps_init();
  cpu_init();
  mem_init(start_info);
  lapic_init();
  clock_init();
  kts_start();
  kts_boot();
  panic("boot() returned");
}
