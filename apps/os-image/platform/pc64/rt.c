/*
 * The C library functions that gcc and the generated code call. Words of 64 bits, four at a time (README.md on why not
 * `rep movs`); memmove may overlap.
 */
#include "pc64.h"

typedef u64 __attribute__((aligned(1), may_alias)) word;

void *memmove(void *dst, const void *src, size_t n) {
  u8 *d = dst;
  const u8 *s = src;
  if ((u64)(d - s) >= n) {
    for (; n >= 32; n -= 32, d += 32, s += 32) {
      const u64 a = ((const word *)s)[0], b = ((const word *)s)[1], c = ((const word *)s)[2], e = ((const word *)s)[3];
      ((word *)d)[0] = a;
      ((word *)d)[1] = b;
      ((word *)d)[2] = c;
      ((word *)d)[3] = e;
    }
    for (; n >= 8; n -= 8, d += 8, s += 8) *(word *)d = *(const word *)s;
    while (n-- > 0) *d++ = *s++;
  } else {
    for (; n >= 8; n -= 8) *(word *)(d + n - 8) = *(const word *)(s + n - 8);
    while (n-- > 0) d[n] = s[n];
  }
  return dst;
}

void *memcpy(void *dst, const void *src, size_t n) { return memmove(dst, src, n); }

void *memset(void *dst, int c, size_t n) {
  u8 *d = dst;
  const u64 w = (u8)c * 0x0101010101010101ull;
  for (; n >= 32; n -= 32, d += 32) {
    ((word *)d)[0] = w;
    ((word *)d)[1] = w;
    ((word *)d)[2] = w;
    ((word *)d)[3] = w;
  }
  for (; n >= 8; n -= 8, d += 8) *(word *)d = w;
  while (n-- > 0) *d++ = (u8)c;
  return dst;
}

int memcmp(const void *a, const void *b, size_t n) {
  const u8 *p = a, *q = b;
  for (; n > 0; n--, p++, q++)
    if (*p != *q) return *p - *q;
  return 0;
}

size_t strlen(const char *s) {
  size_t n = 0;
  while (s[n]) n++;
  return n;
}
