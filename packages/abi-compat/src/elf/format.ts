/**
 * ELF64 on disk: offsets and values of the file header, program headers and auxiliary vector.
 *
 * Neighbours: `image.ts` (reads them), `stack.ts` (writes the auxiliary vector).
 * Invariant: little endian, 64-bit, x86-64 only.
 * Source: System V ABI, chapter 4 and 5; AMD64 psABI 3.4.3; elf(5).
 */
import type { i32 } from "@anax/portable";

/** Offsets in the file header. */
export enum Ehdr {
  ident = 0,
  type = 16,
  machine = 18,
  version = 20,
  entry = 24,
  phoff = 32,
  shoff = 40,
  flags = 48,
  ehsize = 52,
  phentsize = 54,
  phnum = 56,
  shentsize = 58,
  shnum = 60,
  shstrndx = 62,
  SIZE = 64,
}

/** Offsets in a program header. */
export enum Phdr {
  type = 0,
  flags = 4,
  offset = 8,
  vaddr = 16,
  paddr = 24,
  filesz = 32,
  memsz = 40,
  align = 48,
  SIZE = 56,
}

/** Offsets in `e_ident`. */
export const EI_CLASS: i32 = 4;
export const EI_DATA: i32 = 5;
export const EI_VERSION: i32 = 6;
export const ELFCLASS64: i32 = 2;
export const ELFDATA2LSB: i32 = 1;
export const EV_CURRENT: i32 = 1;
export const EM_X86_64: i32 = 62;
export const ET_EXEC: i32 = 2;
export const ET_DYN: i32 = 3;

export const PT_LOAD: i32 = 1;
export const PT_INTERP: i32 = 3;
export const PT_PHDR: i32 = 6;
export const PT_GNU_STACK: i32 = 0x6474e551;

export const PF_X: i32 = 1;
export const PF_W: i32 = 2;
export const PF_R: i32 = 4;

/** Types of auxiliary vector entries. */
export enum Aux {
  NULL = 0,
  PHDR = 3,
  PHENT = 4,
  PHNUM = 5,
  PAGESZ = 6,
  BASE = 7,
  FLAGS = 8,
  ENTRY = 9,
  UID = 11,
  EUID = 12,
  GID = 13,
  EGID = 14,
  PLATFORM = 15,
  HWCAP = 16,
  CLKTCK = 17,
  SECURE = 23,
  RANDOM = 25,
  HWCAP2 = 26,
  EXECFN = 31,
  SYSINFO_EHDR = 33,
  MINSIGSTKSZ = 51,
}
