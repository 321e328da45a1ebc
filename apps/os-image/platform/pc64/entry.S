/*
 * Into user mode and back: `machine_runUser`, the system call entry, the trap stubs.
 *
 * While the kernel runs, the GS base is the linear memory and KERNEL_GS_BASE holds the user's; `swapgs` at the border
 * exchanges them. CPU_CTX points to the context of the running program, CPU_KSP to the frame that machine_runUser
 * left. The user's FS and GS bases can change only through the context (CR4.FSGSBASE is off) or by loading a selector,
 * so they are written when the value or the context differs from the last one.
 * Invariant: nothing between a border and its swapgs touches memory that could fault.
 */
#include "pc64.h"

  .text

/* Into generated code, for good. */
  .globl kernel_enter
  .type kernel_enter, @function
kernel_enter:
  push %rbp
  mov %rsp, %rbp
  movabs $LINEAR_BASE, %r15
  call kts_start
  call kts_boot
  mov $boot_returned, %rdi
  call panic
  ud2
  .pushsection .rodata
boot_returned: .asciz "boot() returned"
  .popsection

/* u32 machine_runUser(u32 regs): enters ring 3 with the registers of the context; returns TRAP_* when it came back. */
  .globl machine_runUser
  .type machine_runUser, @function
  .balign 64
machine_runUser:
  push %rbp
  mov %rsp, %rbp
  push %rbx
  push %r12
  push %r13
  push %r14
  push %r15
  mov %edi, %eax
  movabs $LINEAR_BASE, %rdi
  add %rax, %rdi
  mov %rsp, %gs:CPU_KSP
  cmp %rdi, %gs:CPU_LASTCTX
  jne load_context
  mov CTX_FSBASE(%rdi), %rax
  cmp %rax, %gs:CPU_FSBASE
  jne load_context
  mov CTX_GSBASE(%rdi), %rax
  cmp %rax, %gs:CPU_GSBASE
  jne load_context
bases_loaded:
  mov %rdi, %gs:CPU_CTX
  mov CTX_RIP(%rdi), %rcx
  mov %rcx, %rax
  shr $47, %rax
  jnz bad_rip
  cmpq $0, CTX_FULL(%rdi)
  jne full_restore
  mov CTX_RFLAGS(%rdi), %r11
  and $EFLAGS_USER, %r11d
  or $(EFLAGS_IF | 2), %r11d
  mov CTX_RAX(%rdi), %rax
  mov CTX_RBX(%rdi), %rbx
  mov CTX_RDX(%rdi), %rdx
  mov CTX_RSI(%rdi), %rsi
  mov CTX_RBP(%rdi), %rbp
  mov CTX_RSP(%rdi), %rsp
  mov CTX_R8(%rdi), %r8
  mov CTX_R9(%rdi), %r9
  mov CTX_R10(%rdi), %r10
  mov CTX_R12(%rdi), %r12
  mov CTX_R13(%rdi), %r13
  mov CTX_R14(%rdi), %r14
  mov CTX_R15(%rdi), %r15
  mov CTX_RDI(%rdi), %rdi
  swapgs
  sysretq

full_restore:
  pushq $USER_DS
  push CTX_RSP(%rdi)
  mov CTX_RFLAGS(%rdi), %rax
  and $EFLAGS_USER, %eax
  or $(EFLAGS_IF | 2), %eax
  push %rax
  pushq $USER_CS
  push %rcx
  mov CTX_RAX(%rdi), %rax
  mov CTX_RBX(%rdi), %rbx
  mov CTX_RCX(%rdi), %rcx
  mov CTX_RDX(%rdi), %rdx
  mov CTX_RSI(%rdi), %rsi
  mov CTX_RBP(%rdi), %rbp
  mov CTX_R8(%rdi), %r8
  mov CTX_R9(%rdi), %r9
  mov CTX_R10(%rdi), %r10
  mov CTX_R11(%rdi), %r11
  mov CTX_R12(%rdi), %r12
  mov CTX_R13(%rdi), %r13
  mov CTX_R14(%rdi), %r14
  mov CTX_R15(%rdi), %r15
  mov CTX_RDI(%rdi), %rdi
  swapgs
  iretq

/* RIP outside the lower half would fault in ring 0: report what ring 3 would have got. */
bad_rip:
  movq $VECTOR_GP, CTX_TRAPNO(%rdi)
  movq $0, CTX_ERRCODE(%rdi)
  movq $1, CTX_FULL(%rdi)
  mov $TRAP_EXCEPTION, %eax
  jmp leave_run

/* Another context, or new bases: null selectors, then both bases. A base outside the lower half counts as 0. */
load_context:
  mov %rdi, %gs:CPU_LASTCTX
  xor %esi, %esi
  mov %fs, %eax
  test %eax, %eax
  jz 1f
  mov %esi, %fs
1:
  mov %ds, %eax
  test %eax, %eax
  jz 1f
  mov %esi, %ds
1:
  mov %es, %eax
  test %eax, %eax
  jz 1f
  mov %esi, %es
1:
  mov %gs, %eax
  test %eax, %eax
  jz 1f
  swapgs
  mov %esi, %gs
  swapgs
1:
  mov CTX_FSBASE(%rdi), %rdx
  mov %rdx, %gs:CPU_FSBASE
  mov %rdx, %rax
  shr $47, %rax
  cmovnz %rsi, %rdx
  mov %edx, %eax
  shr $32, %rdx
  mov $MSR_FS_BASE, %ecx
  wrmsr
  mov CTX_GSBASE(%rdi), %rdx
  mov %rdx, %rax
  or %gs:CPU_GSBASE, %rax
  jz bases_loaded                 /* 0 before and after: a selector load can only have made it 0 */
  mov %rdx, %gs:CPU_GSBASE
  mov %rdx, %rax
  shr $47, %rax
  cmovnz %rsi, %rdx
  mov %edx, %eax
  shr $32, %rdx
  mov $MSR_KERNEL_GS_BASE, %ecx
  wrmsr
  jmp bases_loaded
  .size machine_runUser, . - machine_runUser

/* LSTAR. */
  .globl syscall_entry
  .type syscall_entry, @function
  .balign 64
syscall_entry:
  swapgs
  mov %rsp, %gs:CPU_USP
  mov %gs:CPU_CTX, %rsp
  mov %rax, CTX_RAX(%rsp)
  mov %rbx, CTX_RBX(%rsp)
  mov %rcx, CTX_RCX(%rsp)
  mov %rdx, CTX_RDX(%rsp)
  mov %rsi, CTX_RSI(%rsp)
  mov %rdi, CTX_RDI(%rsp)
  mov %rbp, CTX_RBP(%rsp)
  mov %gs:CPU_USP, %rax
  mov %rax, CTX_RSP(%rsp)
  mov %r8, CTX_R8(%rsp)
  mov %r9, CTX_R9(%rsp)
  mov %r10, CTX_R10(%rsp)
  mov %r11, CTX_R11(%rsp)
  mov %r12, CTX_R12(%rsp)
  mov %r13, CTX_R13(%rsp)
  mov %r14, CTX_R14(%rsp)
  mov %r15, CTX_R15(%rsp)
  mov %rcx, CTX_RIP(%rsp)
  mov %r11, CTX_RFLAGS(%rsp)
  movq $0, CTX_FULL(%rsp)
  mov %gs:CPU_KSP, %rsp
  xor %eax, %eax                  /* TRAP_SYSCALL */
leave_run:
  pop %r15
  pop %r14
  pop %r13
  pop %r12
  pop %rbx
  pop %rbp
  ret
  .size syscall_entry, . - syscall_entry

/* One stub for each vector, 16 bytes apart; those without an error code push 0. NMI, double fault and machine check have a stack of their own and never return. */
  .globl trap_stubs
  .balign 16
trap_stubs:
  .set vector, 0
  .rept 256
  .balign 16
  .if !(vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21 || vector == 29 || vector == 30)
  push $0
  .endif
  .if vector < 128
  push $vector
  .else
  push $(vector - 256)
  .endif
  .if vector == 2 || vector == 8 || vector == 18
  jmp trap_fatal
  .else
  jmp trap_common
  .endif
  .set vector, vector + 1
  .endr

  .macro push_registers
  push %rax
  push %rbx
  push %rcx
  push %rdx
  push %rsi
  push %rdi
  push %rbp
  push %r8
  push %r9
  push %r10
  push %r11
  push %r12
  push %r13
  push %r14
  push %r15
  .endm

trap_common:
  cld
  testb $3, 24(%rsp)
  jz trap_in_kernel
  swapgs
  push %rax
  mov %gs:CPU_CTX, %rax
  mov %rbx, CTX_RBX(%rax)
  mov %rcx, CTX_RCX(%rax)
  mov %rdx, CTX_RDX(%rax)
  mov %rsi, CTX_RSI(%rax)
  mov %rdi, CTX_RDI(%rax)
  mov %rbp, CTX_RBP(%rax)
  mov %r8, CTX_R8(%rax)
  mov %r9, CTX_R9(%rax)
  mov %r10, CTX_R10(%rax)
  mov %r11, CTX_R11(%rax)
  mov %r12, CTX_R12(%rax)
  mov %r13, CTX_R13(%rax)
  mov %r14, CTX_R14(%rax)
  mov %r15, CTX_R15(%rax)
  pop CTX_RAX(%rax)
  pop %rsi                        /* vector */
  pop %rdx                        /* error code */
  pop CTX_RIP(%rax)
  add $8, %rsp
  pop CTX_RFLAGS(%rax)
  pop CTX_RSP(%rax)
  movq $1, CTX_FULL(%rax)
  mov %gs:CPU_KSP, %rsp
  lea 40(%rsp), %rbp
  testl $EFLAGS_AC, CTX_RFLAGS(%rax)
  jz 1f
  push $2                         /* the program's AC would let the kernel touch user memory */
  popfq
1:
  mov %rax, %rdi
  movzbl %sil, %esi
  call trap_user
  test %eax, %eax
  jns leave_run
  mov %gs:CPU_CTX, %rdi
  jmp bases_loaded

trap_in_kernel:
  push_registers
  mov %rsp, %rdi
  call trap_kernel
  pop %r15
  pop %r14
  pop %r13
  pop %r12
  pop %r11
  pop %r10
  pop %r9
  pop %r8
  pop %rbp
  pop %rdi
  pop %rsi
  pop %rdx
  pop %rcx
  pop %rbx
  pop %rax
  add $16, %rsp
  iretq

/* Where the trap came from is not known, nor is the GS base. */
trap_fatal:
  cld
  push_registers
  mov $MSR_GS_BASE, %ecx
  movabs $LINEAR_BASE, %rdx
  mov %edx, %eax
  shr $32, %rdx
  wrmsr
  mov %rsp, %rdi
  call panic_trap
  ud2
