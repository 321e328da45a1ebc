/*
 * The end of the kernel for a reason: a message, where in the TypeScript source, and the frames that led there, on the
 * serial port; then QEMU ends with the panic status.
 *
 * The entries are `abort` (what asc compiles `throw`, failed assertions and bounds checks to), `wasm_trap` (traps
 * WebAssembly defines) and `panic_trap` (an exception in the kernel). Frames are walked by frame pointer; names come
 * from the table that the build appends (build-kernel.mjs, symbols).
 */
#include "pc64.h"

#define MAX_FRAMES 48

/* Sorted by address; `name` and `file` are offsets into kts_symbol_text, file 0 means not TypeScript; `lines` is one into kts_symbol_lines. */
struct symbol {
  u32 address, name, file, lines;
};
extern const struct symbol kts_symbols[];
extern const u8 kts_symbol_lines[];
extern const char kts_symbol_text[];
extern const u32 kts_symbol_count;

static u32 read_uleb(const u8 **p) {
  u32 v = 0;
  for (u32 shift = 0;; shift += 7) {
    const u8 b = *(*p)++;
    v |= (u32)(b & 0x7f) << shift;
    if (b < 0x80) return v;
  }
}

static s32 read_sleb(const u8 **p) {
  u32 v = 0;
  for (u32 shift = 0;;) {
    const u8 b = *(*p)++;
    v |= (u32)(b & 0x7f) << shift;
    shift += 7;
    if (b >= 0x80) continue;
    return (s32)(b & 0x40 && shift < 32 ? v | ~0u << shift : v);
  }
}

/* " (file:line)" for the call in `s` that returns to `at`; the file alone when that is not a call the build knew. */
static void print_place(const struct symbol *s, u32 at) {
  const u8 *p = kts_symbol_lines + s->lines;
  u32 address = s->address, file = s->file, line = 0;
  for (u32 step; s->lines && (step = read_uleb(&p)) != 0;) {
    address += step / 2;
    if (step & 1) file = read_uleb(&p);
    line += (u32)read_sleb(&p);
    if (address >= at) break;
  }
  print(" (");
  print(kts_symbol_text + (address == at ? file : s->file));
  if (address == at && line != 0) {
    print(":");
    print_decimal(line);
  }
  print(")");
}

/* One line for code at `rip`: a return address, which may lie behind the end of its function, or where a fault was. */
static void print_frame(u64 rip, bool returns) {
  if (rip < (u64)kernel_start || rip > (u64)text_end) return;
  const u32 at = (u32)(rip - KERNEL_BASE), inside = at - returns;
  u32 low = 0, high = kts_symbol_count;
  while (low < high) {
    const u32 middle = (low + high) / 2;
    if (kts_symbols[middle].address <= inside) low = middle + 1;
    else high = middle;
  }
  print("  at ");
  if (low == 0) {
    print("0x");
    print_hex(rip, 16);
  } else {
    const struct symbol *s = &kts_symbols[low - 1];
    print(kts_symbol_text + s->name);
    if (s->file) print_place(s, returns ? at : 0);
    print(" +0x");
    print_hex(at - s->address, at - s->address > 0xfff ? 6 : 3);
  }
  print("\n");
}

static void back_trace(u64 rip, bool returns, const u64 *frame) {
  print_frame(rip, returns);
  for (u32 i = 0; i < MAX_FRAMES; i++) {
    const u64 at = (u64)frame;
    if (at % 8 || at < (u64)kernel_stack_guard + PAGE || at + 16 > (u64)kernel_stack_top) break;
    print_frame(frame[1], true);
    if (frame[0] <= at) break;
    frame = (const u64 *)frame[0];
  }
}

static void begin(void) {
  static bool twice;
  if (twice) power_end(HALT_PANIC);
  twice = true;
  print("\npanic: ");
}

_Noreturn void panic(const char *message) {
  begin();
  print(message);
  print("\n");
  back_trace((u64)__builtin_return_address(0), true, *(u64 **)__builtin_frame_address(0));
  power_end(HALT_PANIC);
}

/* A string of the linear memory: UTF-16, its size in bytes 4 bytes before it. */
static void print_string(u32 at) {
  const u8 __seg_gs *p = (const u8 __seg_gs *)(u64)at;
  const u32 size = *(const u32 __seg_gs *)(u64)(at - 4);
  for (u32 i = 0; i + 1 < size && i < 2048; i += 2) machine_putc(p[i + 1] == 0 && p[i] < 128 ? p[i] : '?');
}

_Noreturn void env_abort(u32 message, u32 file, u32 line, u32 column) {
  begin();
  if (message) print_string(message);
  else print("aborted");
  if (file) {
    print(" (");
    print_string(file);
    print(":");
    print_decimal(line);
    print(":");
    print_decimal(column);
    print(")");
  }
  print("\n");
  back_trace((u64)__builtin_return_address(0), true, *(u64 **)__builtin_frame_address(0));
  power_end(HALT_PANIC);
}

_Noreturn void wasm_trap(u32 code) {
  static const char *const text[] = {"unreachable code", "division by zero", "integer overflow in a division", "call through a wrong function reference"};
  begin();
  print(code == TRAP_UNREACHABLE && mem_grow_failed ? "the kernel heap is exhausted" : text[code]);
  print("\n");
  back_trace((u64)__builtin_return_address(0), true, *(u64 **)__builtin_frame_address(0));
  power_end(HALT_PANIC);
}

static const char *exception_name(u32 vector) {
  switch (vector) {
    case 0: return "divide error";
    case 2: return "non-maskable interrupt";
    case 6: return "invalid opcode";
    case 8: return "double fault";
    case 13: return "general protection fault";
    case 14: return "page fault";
    case 18: return "machine check";
    default: return "exception";
  }
}

static void print_register(const char *name, u64 v) {
  print(name);
  print_hex(v, 16);
}

_Noreturn void panic_trap(const struct trap_frame *f) {
  const u32 vector = (u8)f->vector;
  const u64 cr2 = READ_CR(2);
  begin();
  if (vector == 8 && cr2 - (u64)kernel_stack_guard < PAGE) print("kernel stack overflow");
  else if (vector == VECTOR_PF && cr2 - LINEAR_BASE < 65536) print("null reference");
  else print(exception_name(vector));
  print(" (vector ");
  print_decimal(vector);
  print_register(", error ", f->error);
  print_register(", address ", cr2);
  print(")\n");
  print_register("rip ", f->rip);
  print_register(" rsp ", f->rsp);
  print_register(" rbp ", f->rbp);
  print_register("\nrax ", f->rax);
  print_register(" rbx ", f->rbx);
  print_register(" rcx ", f->rcx);
  print_register("\nrdx ", f->rdx);
  print_register(" rsi ", f->rsi);
  print_register(" rdi ", f->rdi);
  print_register("\nr8  ", f->r8);
  print_register(" r9  ", f->r9);
  print_register(" r10 ", f->r10);
  print_register("\nr11 ", f->r11);
  print_register(" r12 ", f->r12);
  print_register(" r13 ", f->r13);
  print_register("\nr14 ", f->r14);
  print_register(" r15 ", f->r15);
  print_register(" cr3 ", READ_CR(3));
  print("\n");
  back_trace(f->rip, false, (const u64 *)f->rbp);
  power_end(HALT_PANIC);
}
