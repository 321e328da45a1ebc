/*
 * Moves between kernel and user memory. An access that faults goes on at its fix-up, and the count of bytes not done is
 * returned. Plain 64-bit moves: under emulation they beat `rep movs`, which is a call for each word (README.md).
 *
 * Callers (copy.c) have checked the user address and allowed user access.
 */
#include "pc64.h"

/* An instruction that may fault, and where to go then. */
  .macro user handler, insn:vararg
9:
  \insn
  .pushsection .fixups, "a"
  .long 9b - KERNEL_BASE, \handler - KERNEL_BASE
  .popsection
  .endm

  .text

/* u64 user_copy(void *dst, const void *src, u64 n): either side may be user memory. Returns the bytes not copied. */
  .globl user_copy
  .type user_copy, @function
  .balign 16
user_copy:
  mov %rdx, %rax
  cmp $32, %rax
  jb 2f
1:
  user copy_bytes, mov (%rsi), %rcx
  user copy_bytes, mov 8(%rsi), %rdx
  user copy_bytes, mov 16(%rsi), %r8
  user copy_bytes, mov 24(%rsi), %r9
  user copy_bytes, mov %rcx, (%rdi)
  user copy_bytes, mov %rdx, 8(%rdi)
  user copy_bytes, mov %r8, 16(%rdi)
  user copy_bytes, mov %r9, 24(%rdi)
  add $32, %rsi
  add $32, %rdi
  sub $32, %rax
  cmp $32, %rax
  jae 1b
2:
  cmp $8, %rax
  jb copy_bytes
  user copy_bytes, mov (%rsi), %rcx
  user copy_bytes, mov %rcx, (%rdi)
  add $8, %rsi
  add $8, %rdi
  sub $8, %rax
  jmp 2b
copy_bytes:
  test %rax, %rax
  jz 4f
3:
  user 4f, movb (%rsi), %cl
  user 4f, movb %cl, (%rdi)
  inc %rsi
  inc %rdi
  dec %rax
  jnz 3b
4:
  ret
  .size user_copy, . - user_copy

/* u64 user_zero(void *dst, u64 n): returns the bytes not zeroed. */
  .globl user_zero
  .type user_zero, @function
  .balign 16
user_zero:
  mov %rsi, %rax
  xor %ecx, %ecx
  cmp $32, %rax
  jb zero_bytes
1:
  user zero_bytes, mov %rcx, (%rdi)
  user zero_bytes, mov %rcx, 8(%rdi)
  user zero_bytes, mov %rcx, 16(%rdi)
  user zero_bytes, mov %rcx, 24(%rdi)
  add $32, %rdi
  sub $32, %rax
  cmp $32, %rax
  jae 1b
zero_bytes:
  test %rax, %rax
  jz 3f
2:
  user 3f, movb %cl, (%rdi)
  inc %rdi
  dec %rax
  jnz 2b
3:
  ret
  .size user_zero, . - user_zero

/* s64 user_string(char *dst, const char *src, u64 max): copies up to a NUL, at most max bytes.
   Returns the length with the NUL, -1 when there was none, -2 on a fault. */
  .globl user_string
  .type user_string, @function
  .balign 16
user_string:
  xor %eax, %eax
1:
  cmp %rdx, %rax
  jae 2f
  user 3f, movb (%rsi,%rax), %cl
  movb %cl, (%rdi,%rax)
  inc %rax
  test %cl, %cl
  jnz 1b
  ret
2:
  mov $-1, %rax
  ret
3:
  mov $-2, %rax
  ret
  .size user_string, . - user_string

/* s64 user_load32(const u32 *src): the value, or -1 on a fault. */
  .globl user_load32
  .type user_load32, @function
user_load32:
  user 1f, mov (%rdi), %eax
  ret
1:
  mov $-1, %rax
  ret
  .size user_load32, . - user_load32

/* s64 user_cas32(u32 *at, u32 expected, u32 value): the old value, or -1 on a fault. */
  .globl user_cas32
  .type user_cas32, @function
user_cas32:
  mov %esi, %eax
  user 1f, lock cmpxchg %edx, (%rdi)
  mov %eax, %eax
  ret
1:
  mov $-1, %rax
  ret
  .size user_cas32, . - user_cas32
