/*
 * The first user instructions: an /init that writes one ACK to the console and powers the machine off. The launcher
 * measures the time from the start of QEMU to that byte. No C library, so that nothing is measured but the kernel.
 */
        .globl _start
        .text
_start: mov     $1, %eax                /* write(1, "\006", 1) */
        mov     $1, %edi
        lea     ack(%rip), %rsi
        mov     $1, %edx
        syscall
        mov     $169, %eax              /* reboot(MAGIC1, MAGIC2, POWER_OFF) */
        mov     $0xfee1dead, %edi
        mov     $0x28121969, %esi
        mov     $0x4321fedc, %edx
        syscall
hang:   jmp     hang
        .section .rodata
ack:    .byte   6
        .section .note.GNU-stack, "", @progbits
