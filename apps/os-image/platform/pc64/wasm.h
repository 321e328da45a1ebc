/*
 * What generated C stands on: the operations of the asc output in terms of this machine.
 *
 * R15 holds the start of the isolate's linear memory in all generated code (-ffixed-r15; `kernel_enter` sets it), so a
 * load or a store is one instruction. There are no bounds checks: a 32-bit address plus a 32-bit offset stays within 8 GiB,
 * and what is not memory there is not mapped. Traps that WebAssembly defines (division, indirect calls, unreachable) end
 * in `wasm_trap`.
 * Why not a GS-relative address: it is as fast, but gcc 12 crashes on named address spaces in its conditional-store pass,
 * and a pass that loses the address space without crashing would be a wild access.
 * Neighbours: `machine.h` (the imports of module "machine"), `rt.c`. Included by every generated piece.
 */
#ifndef PC64_WASM_H
#define PC64_WASM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef int8_t s8;
typedef uint16_t u16;
typedef int16_t s16;
typedef uint32_t u32;
typedef int32_t s32;
typedef uint64_t u64;
typedef int64_t s64;

#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

/* Where the linear memory of an isolate lies. The GS base has the same value while the kernel runs. */
#define LINEAR_BASE 0xffffc00000200000ull

register u8 *linear_memory __asm__("r15");


enum wasm_trap_code { TRAP_UNREACHABLE, TRAP_DIV_BY_ZERO, TRAP_INT_OVERFLOW, TRAP_CALL_INDIRECT };

_Noreturn void wasm_trap(u32 code) __attribute__((cold));
u32 wasm_memory_grow(u32 pages);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);

#define TRAP(x) (wasm_trap(TRAP_##x), 0)
#define UNREACHABLE wasm_trap(TRAP_UNREACHABLE)
#define FUNC_PROLOGUE
#define FUNC_EPILOGUE

#define DEFINE_LOAD(name, type, wide, result)                                             \
  typedef type name##_t __attribute__((aligned(1), may_alias));                           \
  static inline __attribute__((always_inline)) result name(u64 addr) {                    \
    return (result)(wide)*(const name##_t *)(linear_memory + addr);                                \
  }
#define DEFINE_STORE(name, type, value_type)                                              \
  typedef type name##_t __attribute__((aligned(1), may_alias));                           \
  static inline __attribute__((always_inline)) void name(u64 addr, value_type value) {    \
    *(name##_t *)(linear_memory + addr) = (type)value;                                             \
  }

DEFINE_LOAD(i32_load, u32, u32, u32)
DEFINE_LOAD(i64_load, u64, u64, u64)
DEFINE_LOAD(i32_load8_s, s8, s32, u32)
DEFINE_LOAD(i64_load8_s, s8, s64, u64)
DEFINE_LOAD(i32_load8_u, u8, u32, u32)
DEFINE_LOAD(i64_load8_u, u8, u64, u64)
DEFINE_LOAD(i32_load16_s, s16, s32, u32)
DEFINE_LOAD(i64_load16_s, s16, s64, u64)
DEFINE_LOAD(i32_load16_u, u16, u32, u32)
DEFINE_LOAD(i64_load16_u, u16, u64, u64)
DEFINE_LOAD(i64_load32_s, s32, s64, u64)
DEFINE_LOAD(i64_load32_u, u32, u64, u64)
DEFINE_STORE(i32_store, u32, u32)
DEFINE_STORE(i64_store, u64, u64)
DEFINE_STORE(i32_store8, u8, u32)
DEFINE_STORE(i32_store16, u16, u32)
DEFINE_STORE(i64_store8, u8, u64)
DEFINE_STORE(i64_store16, u16, u64)
DEFINE_STORE(i64_store32, u32, u64)

static inline void memory_copy(u32 dst, u32 src, u32 n) {
  memmove(linear_memory + dst, linear_memory + src, n);
}

static inline void memory_fill(u32 dst, u32 value, u32 n) {
  memset(linear_memory + dst, (int)value, n);
}

#define I32_CLZ(x) ((x) ? (u32)__builtin_clz(x) : 32u)
#define I64_CLZ(x) ((x) ? (u64)__builtin_clzll(x) : 64u)
#define I32_CTZ(x) ((x) ? (u32)__builtin_ctz(x) : 32u)
#define I64_CTZ(x) ((x) ? (u64)__builtin_ctzll(x) : 64u)

static inline u64 I64_POPCNT(u64 x) {
  x -= (x >> 1) & 0x5555555555555555ull;
  x = (x & 0x3333333333333333ull) + ((x >> 2) & 0x3333333333333333ull);
  return (((x + (x >> 4)) & 0x0f0f0f0f0f0f0f0full) * 0x0101010101010101ull) >> 56;
}

static inline u32 I32_POPCNT(u32 x) { return (u32)I64_POPCNT(x); }

#define DIV_S(ut, min, x, y)                                            \
  (UNLIKELY((y) == 0)                      ? (ut)TRAP(DIV_BY_ZERO)      \
   : UNLIKELY((x) == (min) && (y) == -1)   ? (ut)TRAP(INT_OVERFLOW)     \
                                           : (ut)((x) / (y)))
#define REM_S(ut, min, x, y)                                            \
  (UNLIKELY((y) == 0)                      ? (ut)TRAP(DIV_BY_ZERO)      \
   : UNLIKELY((x) == (min) && (y) == -1)   ? (ut)0                      \
                                           : (ut)((x) % (y)))
#define I32_DIV_S(x, y) DIV_S(u32, INT32_MIN, (s32)x, (s32)y)
#define I64_DIV_S(x, y) DIV_S(u64, INT64_MIN, (s64)x, (s64)y)
#define I32_REM_S(x, y) REM_S(u32, INT32_MIN, (s32)x, (s32)y)
#define I64_REM_S(x, y) REM_S(u64, INT64_MIN, (s64)x, (s64)y)
#define DIVREM_U(op, x, y) (UNLIKELY((y) == 0) ? (__typeof__(x))TRAP(DIV_BY_ZERO) : ((x)op(y)))
#define DIV_U(x, y) DIVREM_U(/, x, y)
#define REM_U(x, y) DIVREM_U(%, x, y)

#define ROTL(x, y, mask) (((x) << ((y) & (mask))) | ((x) >> (((mask) - (y) + 1) & (mask))))
#define ROTR(x, y, mask) (((x) >> ((y) & (mask))) | ((x) << (((mask) - (y) + 1) & (mask))))
#define I32_ROTL(x, y) ROTL(x, y, 31)
#define I64_ROTL(x, y) ROTL(x, y, 63)
#define I32_ROTR(x, y) ROTR(x, y, 31)
#define I64_ROTR(x, y) ROTR(x, y, 63)

/* The function table: constant, the type is a hash of the signature, 0 marks an empty slot. */
struct wasm_funcref {
  void (*func)(void);
  u32 type;
};
extern const struct wasm_funcref kts_table[];
extern const u32 kts_table_size;

#define CALL_INDIRECT(t, type_hash, x, ...)                                                       \
  (LIKELY((x) < kts_table_size && kts_table[x].type == (type_hash)) || TRAP(CALL_INDIRECT),       \
   ((t)kts_table[x].func)(__VA_ARGS__))

extern const u32 kts_memory_pages;
u32 wasm_memory_size(void);
u32 kts_heap_used(void); /* bytes in objects, garbage included */
void kts_start(void);
void kts_boot(void);

#include "machine.h"

#endif
