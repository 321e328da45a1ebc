/**
 * What an ELF file asks for: the file header and the program headers, checked, in a reusable `ElfImage`.
 *
 * Typical use: `parseHeader` on the first bytes of the file, read `phdrBytes` bytes at `phoff`, `parseSegments` on them, then
 * `loader.ts` maps the segments. Neighbours: `format.ts`, `loader.ts`.
 * Invariant: after both functions returned 0, every segment lies in user space, inside the file, in ascending order without overlap,
 * and the entry point lies in an executable segment; nothing that a file says can make these functions access out of bounds.
 * Source: System V ABI, chapter 5; Linux fs/binfmt_elf.c (what is accepted).
 */
import {
  Errno,
  LongArray,
  getI32,
  getLong,
  getU16,
  getU32,
  i32,
  longAnd,
  longMod,
  toLong,
  u32,
  type long,
} from "@anax/portable";
import { PAGE_SIZE, USER_END } from "@anax/machine";
import {
  EI_CLASS,
  EI_DATA,
  EI_VERSION,
  ELFCLASS64,
  ELFDATA2LSB,
  EM_X86_64,
  ET_DYN,
  ET_EXEC,
  EV_CURRENT,
  Ehdr,
  PF_X,
  PT_GNU_STACK,
  PT_INTERP,
  PT_LOAD,
  PT_PHDR,
  Phdr,
} from "./format";

/** Program headers that are read at most. A linker makes about ten. */
export const MAX_PHNUM: i32 = 128;
/** Loadable segments of an image at most. A linker makes two to six. */
export const MAX_SEGMENTS: i32 = 64;
/** Longest interpreter path, with its NUL. */
export const MAX_INTERP: i32 = 4096;
/** The lowest address a segment may start at (vm.mmap_min_addr). */
export const MIN_VADDR: long = 65536;

/** The checked headers of one ELF file. Owned by the loader and reused; addresses are as in the file, without the load bias. */
export class ElfImage {
  /** ET_EXEC or ET_DYN. */
  type: i32 = 0;
  entry: long = 0;
  phoff: long = 0;
  phnum: i32 = 0;
  /** Loadable segments: count, and for each flags (PF_*), file offset, address, bytes in the file, bytes in memory. */
  count: i32 = 0;
  readonly flags: Int32Array = new Int32Array(MAX_SEGMENTS);
  readonly offset: LongArray = new LongArray(MAX_SEGMENTS);
  readonly vaddr: LongArray = new LongArray(MAX_SEGMENTS);
  readonly filesz: LongArray = new LongArray(MAX_SEGMENTS);
  readonly memsz: LongArray = new LongArray(MAX_SEGMENTS);
  /** The interpreter's path in the file; length 0 when there is none. */
  interpOffset: long = 0;
  interpLength: i32 = 0;
  /** The program wants an executable stack. */
  execStack: boolean = false;
  /** Address of the program headers in memory, -1 when no segment holds them. */
  phdrVaddr: long = -1;
  /** Largest alignment of a loadable segment, a power of two, at least a page. */
  align: long = 0;

  /** Bytes of the program header table. */
  get phdrBytes(): i32 {
    return (this.phnum * i32(Phdr.SIZE)) | 0;
  }

  /** Lowest address of the image, rounded down to a page. */
  get start(): long {
    return pageDown(this.vaddr.get(0));
  }

  /** First address behind the image, rounded up to a page. */
  get end(): long {
    const last = (this.count - 1) | 0;
    return pageDown(this.vaddr.get(last) + this.memsz.get(last) + (PAGE_SIZE - 1));
  }
}

/** `a` rounded down to a page; `a` >= 0. */
export function pageDown(a: long): long {
  return a - longAnd(a, PAGE_SIZE - 1);
}

/** True when the first `n` bytes start like an ELF file. */
export function isElf(buf: Uint8Array, n: i32): boolean {
  return n >= 4 && buf[0] === 0x7f && buf[1] === 0x45 && buf[2] === 0x4c && buf[3] === 0x46;
}

/**
 * Reads the file header from the first `n` bytes of the file. 0, or -NOEXEC: not an ELF64 executable for x86-64, truncated,
 * or with a program header table that is absent, oversized or outside the file.
 */
export function parseHeader(image: ElfImage, buf: Uint8Array, n: i32, fileSize: long): i32 {
  if (n < i32(Ehdr.SIZE) || !isElf(buf, n)) return -Errno.NOEXEC;
  if (buf[EI_CLASS] !== ELFCLASS64 || buf[EI_DATA] !== ELFDATA2LSB || buf[EI_VERSION] !== EV_CURRENT)
    return -Errno.NOEXEC;
  image.type = i32(getU16(buf, Ehdr.type));
  if (image.type !== ET_EXEC && image.type !== ET_DYN) return -Errno.NOEXEC;
  if (i32(getU16(buf, Ehdr.machine)) !== EM_X86_64) return -Errno.NOEXEC;
  if (i32(getU16(buf, Ehdr.phentsize)) !== i32(Phdr.SIZE)) return -Errno.NOEXEC;
  image.entry = getLong(buf, Ehdr.entry);
  image.phoff = getLong(buf, Ehdr.phoff);
  image.phnum = i32(getU16(buf, Ehdr.phnum));
  if (image.phnum < 1 || image.phnum > MAX_PHNUM) return -Errno.NOEXEC;
  if (image.phoff < 0 || image.phoff > fileSize || image.phoff + image.phdrBytes > fileSize) return -Errno.NOEXEC;
  return 0;
}

/**
 * Reads the program headers (`image.phdrBytes` bytes at `off` of `buf`) after `parseHeader`. 0, or -NOEXEC: a segment outside
 * the file or user space, overlapping or unordered segments, too many, an odd alignment, a bad interpreter path, an
 * entry point outside the executable segments.
 */
export function parseSegments(image: ElfImage, buf: Uint8Array, off: i32, fileSize: long): i32 {
  image.count = 0;
  image.interpLength = 0;
  image.execStack = false;
  image.phdrVaddr = -1;
  image.align = PAGE_SIZE;
  let declaredPhdr: long = -1;
  for (let i: i32 = 0; i < image.phnum; i++) {
    const at = (off + i * i32(Phdr.SIZE)) | 0;
    const type = getU32(buf, (at + i32(Phdr.type)) | 0);
    if (type === u32(PT_LOAD)) {
      const error = addSegment(image, buf, at, fileSize);
      if (error !== 0) return error;
    } else if (type === u32(PT_INTERP)) {
      if (image.interpLength !== 0) continue;
      const offset: long = getLong(buf, (at + i32(Phdr.offset)) | 0);
      const size: long = getLong(buf, (at + i32(Phdr.filesz)) | 0);
      if (size < 2 || size > MAX_INTERP || offset < 0 || offset > fileSize || offset + size > fileSize)
        return -Errno.NOEXEC;
      image.interpOffset = offset;
      image.interpLength = i32(size);
    } else if (type === u32(PT_GNU_STACK)) {
      image.execStack = (getI32(buf, (at + i32(Phdr.flags)) | 0) & PF_X) !== 0;
    } else if (type === u32(PT_PHDR)) {
      declaredPhdr = getLong(buf, (at + i32(Phdr.vaddr)) | 0);
    }
  }
  if (image.count === 0) return -Errno.NOEXEC;
  if (image.end > USER_END) return -Errno.NOEXEC;
  if (segmentOf(image, image.entry, PF_X) < 0) return -Errno.NOEXEC;
  locateHeaders(image, declaredPhdr);
  return 0;
}

function addSegment(image: ElfImage, buf: Uint8Array, at: i32, fileSize: long): i32 {
  const offset: long = getLong(buf, (at + i32(Phdr.offset)) | 0);
  const vaddr: long = getLong(buf, (at + i32(Phdr.vaddr)) | 0);
  const filesz: long = getLong(buf, (at + i32(Phdr.filesz)) | 0);
  const memsz: long = getLong(buf, (at + i32(Phdr.memsz)) | 0);
  const align: long = getLong(buf, (at + i32(Phdr.align)) | 0);
  if (memsz === toLong(0) && filesz === toLong(0)) return 0;
  if (filesz < 0 || memsz < filesz || offset < 0 || vaddr < 0) return -Errno.NOEXEC;
  if (offset > fileSize || filesz > fileSize || offset + filesz > fileSize) return -Errno.NOEXEC;
  if (vaddr > USER_END || memsz > USER_END || vaddr + memsz > USER_END) return -Errno.NOEXEC;
  if (image.type === ET_EXEC && vaddr < MIN_VADDR) return -Errno.NOEXEC;
  if (longAnd(vaddr, PAGE_SIZE - 1) !== longAnd(offset, PAGE_SIZE - 1)) return -Errno.NOEXEC;
  const n = image.count;
  if (n === MAX_SEGMENTS) return -Errno.NOEXEC;
  if (n > 0) {
    const last = (n - 1) | 0;
    const lastEnd: long = image.vaddr.get(last) + image.memsz.get(last);
    if (vaddr < lastEnd) return -Errno.NOEXEC;
  }
  if (align > image.align) {
    if (!isPowerOfTwo(align) || align > 0x40000000) return -Errno.NOEXEC;
    image.align = align;
  }
  image.flags[n] = getI32(buf, (at + i32(Phdr.flags)) | 0) & 7;
  image.offset.set(n, offset);
  image.vaddr.set(n, vaddr);
  image.filesz.set(n, filesz);
  image.memsz.set(n, memsz);
  image.count = (n + 1) | 0;
  return 0;
}

function isPowerOfTwo(v: long): boolean {
  return v > 0 && longAnd(v, v - 1) === toLong(0);
}

/** The index of the segment that holds `va` and has all of `flags`, or -1. */
export function segmentOf(image: ElfImage, va: long, flags: i32): i32 {
  for (let i: i32 = 0; i < image.count; i++) {
    const start: long = image.vaddr.get(i);
    const end: long = start + image.memsz.get(i);
    if (va >= start && va < end && (image.flags[i] & flags) === flags) return i;
  }
  return -1;
}

/** AT_PHDR: by the file offset of the table, or what PT_PHDR says if that lies in a segment. */
function locateHeaders(image: ElfImage, declared: long): void {
  for (let i: i32 = 0; i < image.count; i++) {
    const offset: long = image.offset.get(i);
    if (image.phoff >= offset && image.phoff + image.phdrBytes <= offset + image.filesz.get(i)) {
      image.phdrVaddr = image.phoff - offset + image.vaddr.get(i);
      return;
    }
  }
  if (declared >= 0 && segmentOf(image, declared, 0) >= 0) image.phdrVaddr = declared;
}

/**
 * The load bias of a position-independent image so that it starts at or above `base`, aligned as its segments ask.
 * `base` is a multiple of a page.
 */
export function biasFor(image: ElfImage, base: long): long {
  const slack: long = longMod(base, image.align);
  const aligned: long = slack === toLong(0) ? base : base + image.align - slack;
  const start: long = image.start;
  return aligned - (start - longMod(start, image.align));
}
