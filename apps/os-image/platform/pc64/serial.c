/*
 * The first serial port by polling: the early console, `putc` and panics. The tty driver in TypeScript programs the same
 * port for interrupts.
 */
#include "pc64.h"

#define COM1 0x3f8
#define LINE_STATUS (COM1 + 5)
#define TRANSMITTER_EMPTY 0x20

void serial_init(void) {
  machine_out8(COM1 + 1, 0);     /* no interrupts */
  machine_out8(COM1 + 3, 0x80);  /* divisor latch */
  machine_out8(COM1 + 0, 1);     /* 115200 */
  machine_out8(COM1 + 1, 0);
  machine_out8(COM1 + 3, 3);     /* 8N1 */
  machine_out8(COM1 + 2, 7);     /* FIFOs on and clear */
  machine_out8(COM1 + 4, 0x0b);  /* DTR RTS OUT2 */
}

void machine_putc(u32 c) {
  for (u32 i = 0; i < 1000000 && !(machine_in8(LINE_STATUS) & TRANSMITTER_EMPTY); i++) {}
  machine_out8(COM1, c);
}

void print(const char *s) {
  for (; *s; s++) {
    if (*s == '\n') machine_putc('\r');
    machine_putc((u8)*s);
  }
}

void print_hex(u64 v, u32 digits) {
  while (digits--) machine_putc("0123456789abcdef"[(v >> (digits * 4)) & 15]);
}

void print_decimal(u64 v) {
  char text[21];
  u32 i = sizeof text - 1;
  text[i] = 0;
  do text[--i] = (char)('0' + v % 10);
  while ((v /= 10) != 0);
  print(text + i);
}
