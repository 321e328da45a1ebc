/* Boot as one list: each step needs only those above it. */
#include "pc64.h"

_Noreturn void kernel_enter(void);

void platform_start(u64 start_info) {
  serial_init();
  traps_init();
  cpu_init();
  mem_init(start_info);
  lapic_init();
  clock_init();
  kernel_enter();
}
