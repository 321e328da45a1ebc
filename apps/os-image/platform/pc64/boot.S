/*
 * From the PVH entry (32-bit protected mode, no paging, EBX = hvm_start_info) to `platform_start` in the higher half.
 *
 * The page tables made here map the first GiB three times (identity, direct map, kernel image) and live until
 * `mem_init` has built the real ones.
 */
#include "pc64.h"

#define PHYS(symbol) (symbol - KERNEL_BASE)

  .section .note.pvh, "a", @note
  .long 4, 4, 18
  .ascii "Xen\0"
  .long PHYS(boot_entry)

  .text
  .code32
  .globl boot_entry
boot_entry:
  cld
  cli
  mov $PHYS(kernel_stack_top), %esp
  mov %ebx, %ebp

  mov $0x80000000, %eax
  cpuid
  mov $PHYS(no_long_mode), %esi
  cmp $0x80000001, %eax
  jb refuse
  mov $0x80000001, %eax
  cpuid
  bt $29, %edx
  jnc refuse
  mov $PHYS(no_nx), %esi
  bt $20, %edx
  jnc refuse

  mov $PHYS(boot_pdpt) + 3, %eax
  mov %eax, PHYS(boot_pml4)
  mov %eax, PHYS(boot_pml4) + 256 * 8
  mov %eax, PHYS(boot_pml4) + 511 * 8
  mov $PHYS(boot_pd) + 3, %eax
  mov %eax, PHYS(boot_pdpt)
  mov %eax, PHYS(boot_pdpt) + 510 * 8
  mov $PHYS(boot_pd), %edi
  mov $0x83, %eax
1:
  mov %eax, (%edi)
  add $8, %edi
  add $0x200000, %eax
  cmp $0x40000083, %eax
  jne 1b

  mov %cr4, %eax
  or $0x20, %eax                  /* PAE */
  mov %eax, %cr4
  mov $PHYS(boot_pml4), %eax
  mov %eax, %cr3
  mov $MSR_EFER, %ecx
  rdmsr
  or $0x901, %eax                 /* NXE LME SCE */
  wrmsr
  mov %cr0, %eax
  and $~0x6000000c, %eax          /* caches on; no EM, TS */
  or $0x80010023, %eax            /* PG WP NE MP PE */
  mov %eax, %cr0
  lgdt PHYS(boot_gdtr)
  ljmp $KERNEL_CS, $PHYS(boot_64)

refuse:
  mov $0x3f8, %edx
1:
  lodsb
  test %al, %al
  jz 2f
  out %al, %dx
  jmp 1b
2:
  mov $DEBUG_EXIT_PORT, %dx
  mov $DEBUG_EXIT_PANIC, %ax
  out %ax, %dx
3:
  hlt
  jmp 3b

  .code64
boot_64:
  mov $KERNEL_DS, %eax
  mov %eax, %ds
  mov %eax, %es
  mov %eax, %ss
  xor %eax, %eax
  mov %eax, %fs
  mov %eax, %gs
  movabs $boot_high, %rax
  jmp *%rax
  .type boot_high, @function
boot_high:
  mov $kernel_stack_top, %rsp
  mov $bss_start, %rdi
  mov $bss_end, %rcx
  sub %rdi, %rcx
  xor %eax, %eax
  rep stosb
  mov %ebp, %edi
  xor %ebp, %ebp
  call platform_start
  ud2

  .section .rodata
no_long_mode: .asciz "anax: this CPU has no 64-bit mode\r\n"
no_nx: .asciz "anax: this CPU has no NX pages\r\n"

  .data
  .balign 16
boot_gdt:
  .quad 0, 0, 0x00af9b000000ffff, 0x00cf93000000ffff
boot_gdtr:
  .word 31
  .long PHYS(boot_gdt)

  .section .bss.paged, "aw", @nobits
  .balign 4096
boot_pml4: .skip 4096
boot_pdpt: .skip 4096
boot_pd: .skip 4096
  .globl kernel_stack_guard, kernel_stack_top, fatal_stack_top, trap_stack_top, cpu_page
/* The guard page is taken out of the map by mem_init: an overflow is a double fault, which has a stack of its own. */
kernel_stack_guard: .skip 4096
  .skip KERNEL_STACK_SIZE
kernel_stack_top:
  .skip 8192
fatal_stack_top:
  .skip 4096
trap_stack_top:
cpu_page: .skip 4096
