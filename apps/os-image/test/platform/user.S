/*
 * The user programs of src/kernel/hello.ts, one flat binary at 0x400000 (its page is read-only and executable; the page
 * behind it is data, not executable). RDI selects the program, RSI is its argument. A program ends with system call 60; its
 * first argument is 0 when all was as it should be.
 */
#define SYS_GETPID 39
#define SYS_EXIT 60

  .globl _start
_start:
  lea programs(%rip), %rax
  movslq (%rax,%rdi,4), %rcx
  add %rax, %rcx
  jmp *%rcx
  .balign 4
programs:
  .long count_calls - programs    /* 0 */
  .long keep_registers - programs /* 1 */
  .long load - programs           /* 2 */
  .long store - programs          /* 3 */
  .long jump - programs           /* 4 */
  .long divide - programs         /* 5 */
  .long breakpoint - programs     /* 6 */
  .long undefined - programs      /* 7 */
  .long privileged - programs     /* 8 */
  .long spin - programs           /* 9 */
  .long write_fsbase - programs   /* 10 */
  .long bases - programs          /* 11 */
  .long load_selectors - programs /* 12 */
  .long set_xmm - programs        /* 13 */
  .long check_xmm - programs      /* 14 */
  .long software_interrupt - programs /* 15 */

exit:
  mov $SYS_EXIT, %eax
  syscall
  ud2

/* RSI calls of getpid. */
count_calls:
  mov %rsi, %rbx
1:
  mov $SYS_GETPID, %eax
  syscall
  cmp $1234, %eax
  jne fail
  dec %rbx
  jnz 1b
  xor %edi, %edi
  jmp exit
fail:
  mov $1, %edi
  jmp exit

/* Every register and the flags keep their values over RSI system calls (but RAX, RCX, R11), then while spinning under interrupts. */
keep_registers:
  mov %rsi, %r15
  mov $0x1111111111111111, %rbx
  mov $0x2222222222222222, %rdx
  mov $0x3333333333333333, %rdi
  mov $0x4444444444444444, %rbp
  mov $0x5555555555555555, %r8
  mov $0x6666666666666666, %r9
  mov $0x7777777777777777, %r10
  mov $0x8888888888888888, %r12
  mov $0x9999999999999999, %r13
  mov $0xaaaaaaaaaaaaaaaa, %r14
1:
  mov $SYS_GETPID, %eax
  stc
  syscall
  jnc fail
  call check_kept
  dec %r15
  jnz 1b
  mov $30000000, %r15
  mov $0xbbbbbbbbbbbbbbbb, %rcx
  mov $0xcccccccccccccccc, %r11
  mov $0xdddddddddddddddd, %rsi
2:
  dec %r15
  jnz 2b
  call check_kept
  mov $0xbbbbbbbbbbbbbbbb, %rax
  cmp %rax, %rcx
  jne fail
  mov $0xcccccccccccccccc, %rax
  cmp %rax, %r11
  jne fail
  mov $0xdddddddddddddddd, %rax
  cmp %rax, %rsi
  jne fail
  xor %edi, %edi
  jmp exit
check_kept:
  mov $0x1111111111111111, %rax
  cmp %rax, %rbx
  jne fail
  mov $0x2222222222222222, %rax
  cmp %rax, %rdx
  jne fail
  mov $0x3333333333333333, %rax
  cmp %rax, %rdi
  jne fail
  mov $0x4444444444444444, %rax
  cmp %rax, %rbp
  jne fail
  mov $0x5555555555555555, %rax
  cmp %rax, %r8
  jne fail
  mov $0x6666666666666666, %rax
  cmp %rax, %r9
  jne fail
  mov $0x7777777777777777, %rax
  cmp %rax, %r10
  jne fail
  mov $0x8888888888888888, %rax
  cmp %rax, %r12
  jne fail
  mov $0x9999999999999999, %rax
  cmp %rax, %r13
  jne fail
  mov $0xaaaaaaaaaaaaaaaa, %rax
  cmp %rax, %r14
  jne fail
  ret

load:
  mov (%rsi), %rdi
  jmp exit

store:
  movq $77, (%rsi)
  xor %edi, %edi
  jmp exit

jump:
  jmp *%rsi

divide:
  xor %ecx, %ecx
  xor %edx, %edx
  mov $1, %eax
  div %ecx
  jmp exit

breakpoint:
  int3
  xor %edi, %edi
  jmp exit

undefined:
  ud2

privileged:
  cli
  jmp exit

spin:
  jmp spin

write_fsbase:
  wrfsbase %rsi
  jmp exit

/* The sum of the words at the FS and GS bases. */
bases:
  mov %fs:0, %rdi
  add %gs:0, %rdi
  jmp exit

/* Loads segment selectors, which changes the bases on some CPUs. */
load_selectors:
  mov $0x2b, %eax
  mov %eax, %fs
  mov %eax, %gs
  mov %eax, %ds
  mov %eax, %es
  xor %edi, %edi
  jmp exit

set_xmm:
  movq %rsi, %xmm7
  xor %edi, %edi
  jmp exit

check_xmm:
  movq %xmm7, %rdi
  jmp exit

software_interrupt:
  int $0x20
  jmp exit
