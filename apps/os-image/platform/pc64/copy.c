/*
 * Memory to memory: pages by physical address, and the border to user memory.
 *
 * A user range must lie in [0, USER_END) as a whole, else nothing is touched. Results are the bytes NOT done.
 * Neighbours: copy.S (the accesses that may fault), packages/vm (which repairs the fault and calls again).
 */
#include "pc64.h"

#define USER_END 0x7ffffffff000ull
#define ENAMETOOLONG 36
#define EFAULT 14

u64 user_copy(void *dst, const void *src, u64 n);
u64 user_zero(void *dst, u64 n);
s64 user_string(char *dst, const char *src, u64 max);
s64 user_load32(const void *src);
s64 user_cas32(void *at, u32 expected, u32 value);

static inline bool in_user(u64 uaddr, u64 n) { return n <= USER_END && uaddr <= USER_END - n; }
static inline void *linear(u32 offset) { return (u8 *)LINEAR_BASE + offset; }

static inline void open_user(void) {
  if (cpu_has_smap) __asm__ volatile("stac" ::: "memory");
}
static inline void close_user(void) {
  if (cpu_has_smap) __asm__ volatile("clac" ::: "memory");
}

static u32 copy(void *dst, const void *src, u32 n) {
  open_user();
  const u64 left = user_copy(dst, src, n);
  close_user();
  return (u32)left;
}

u32 machine_copyin(u64 uaddr, u32 buf, u32 n) { return in_user(uaddr, n) ? copy(linear(buf), (void *)uaddr, n) : n; }
u32 machine_copyout(u32 buf, u64 uaddr, u32 n) { return in_user(uaddr, n) ? copy((void *)uaddr, linear(buf), n) : n; }
u32 machine_copyinPhys(u64 uaddr, u64 pa, u32 n) { return in_user(uaddr, n) ? copy(direct(pa), (void *)uaddr, n) : n; }
u32 machine_copyoutPhys(u64 pa, u64 uaddr, u32 n) { return in_user(uaddr, n) ? copy((void *)uaddr, direct(pa), n) : n; }

u32 machine_zeroUser(u64 uaddr, u32 n) {
  if (!in_user(uaddr, n)) return n;
  open_user();
  const u64 left = user_zero((void *)uaddr, n);
  close_user();
  return (u32)left;
}

/* The string may end before USER_END although `max` bytes would not. */
u32 machine_copyinstr(u64 uaddr, u32 buf, u32 max) {
  if (uaddr >= USER_END) return (u32)-EFAULT;
  const bool clipped = max > USER_END - uaddr;
  open_user();
  const s64 length = user_string(linear(buf), (void *)uaddr, clipped ? USER_END - uaddr : max);
  close_user();
  if (length >= 0) return (u32)length;
  return length == -2 || clipped ? (u32)-EFAULT : (u32)-ENAMETOOLONG;
}

u64 machine_fetchUser32(u64 uaddr) {
  if (!in_user(uaddr, 4)) return (u64)-1;
  open_user();
  const s64 v = user_load32((void *)uaddr);
  close_user();
  return (u64)v;
}

u64 machine_casUser32(u64 uaddr, u32 expected, u32 value) {
  if (!in_user(uaddr, 4)) return (u64)-1;
  open_user();
  const s64 v = user_cas32((void *)uaddr, expected, value);
  close_user();
  return (u64)v;
}

/* Whole pages are most of what is zeroed and copied: 16 words an iteration, so that the loop itself costs little. */
void machine_zeroPhys(u64 pa, u32 n) {
  u64 *d = direct(pa);
  if (((u64)d | n) % 128 != 0) {
    memset(d, 0, n);
    return;
  }
  for (u64 *end = d + n / 8; d < end; d += 16) {
    d[0] = d[1] = d[2] = d[3] = d[4] = d[5] = d[6] = d[7] = 0;
    d[8] = d[9] = d[10] = d[11] = d[12] = d[13] = d[14] = d[15] = 0;
    __asm__ volatile("" ::: "memory"); /* keeps gcc from calling memset */
  }
}

void machine_copyPhys(u64 dst, u64 src, u32 n) {
  u64 *d = direct(dst);
  const u64 *s = direct(src);
  if (((u64)d | (u64)s | n) % 64 != 0 || (u64)d - (u64)s < n) {
    memmove(d, s, n);
    return;
  }
  for (u64 *end = d + n / 8; d < end; d += 8, s += 8) {
    const u64 a = s[0], b = s[1], c = s[2], e = s[3];
    d[0] = a, d[1] = b, d[2] = c, d[3] = e;
    const u64 f = s[4], g = s[5], h = s[6], i = s[7];
    d[4] = f, d[5] = g, d[6] = h, d[7] = i;
  }
}

void machine_readPhys(u64 pa, u32 buf, u32 n) { memmove(linear(buf), direct(pa), n); }
void machine_writePhys(u32 buf, u64 pa, u32 n) { memmove(direct(pa), linear(buf), n); }
