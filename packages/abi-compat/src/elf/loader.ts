/**
 * The ELF64 loader: maps static, static-pie and dynamic programs from the pages of their file.
 *
 * Key type `ElfLoader`, which kern's exec asks whether a file is its own. Nothing is copied: segments are private mappings
 * of the file's pages; only the tail of a segment's last page is zeroed. A dynamic program's interpreter is mapped beside it
 * and gets control first; a position-independent program relocates itself.
 * Neighbours: `image.ts` (what the file says, checked), kern's `exec.ts`, vm's `VmSpace`.
 * Invariant: it maps only into `image.space`, which exec throws away when the load fails.
 * Source: System V ABI, chapter 5; Linux fs/binfmt_elf.c.
 */
import { Errno, i32, longMin, toLong, type long } from "@anax/portable";
import { PAGE_SIZE } from "@anax/machine";
import { ImageLoader, execLookup, execRead, nameMapping, type Abi, type ExecImage, type Lwp } from "@anax/kern";
import {
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_PRIVATE,
  PROT_EXEC,
  PROT_NONE,
  PROT_READ,
  PROT_WRITE,
  type VmObject,
  type VmSpace,
} from "@anax/vm";
import type { NcHandle, Vnode } from "@anax/vfs-msg";
import { ET_DYN, Ehdr, PF_R, PF_W, PF_X, Phdr } from "./format";
import { ElfImage, MAX_INTERP, MAX_PHNUM, biasFor, isElf, pageDown, parseHeader, parseSegments } from "./image";

/** Where position-independent programs go: two thirds up user space, as on Linux without randomisation. */
const PIE_BASE: long = 0x555555554000;

/** Loads ELF files for one ABI. Its buffers are reused: one exec runs at a time, and one that is run again starts anew. */
export class ElfLoader extends ImageLoader {
  private readonly program: ElfImage = new ElfImage();
  private readonly interpreter: ElfImage = new ElfImage();
  private readonly header: Uint8Array = new Uint8Array(64);
  private readonly phdrs: Uint8Array = new Uint8Array(MAX_PHNUM * 56);
  private readonly path: Uint8Array = new Uint8Array(MAX_INTERP);

  constructor(private readonly abi: Abi) {
    super("elf");
  }

  recognizes(header: Uint8Array, n: i32): boolean {
    return isElf(header, n);
  }

  /** See `ImageLoader#load`: 0, -NOEXEC, -NOMEM, -IO, -NOENT or -ACCES (the interpreter), EASYNC. */
  load(lwp: Lwp, image: ExecImage): i32 {
    const vp = image.vnode!;
    const program = this.program;
    let error = this.readProgram(lwp, image);
    if (error !== 0) return error;
    image.abi = this.abi;
    image.execStack = program.execStack;

    const bias: long = program.type === ET_DYN ? biasFor(program, PIE_BASE) : 0;
    if (program.interpLength > 0) {
      error = this.findInterpreter(lwp, image, vp);
      if (error !== 0) return error;
    }
    const space = image.space!;
    error = mapSegments(lwp, space, program, vp, image.name, bias);
    if (error !== 0) return error;

    image.loadBias = bias;
    image.entry = program.entry + bias;
    image.phdr = program.phdrVaddr < 0 ? 0 : program.phdrVaddr + bias;
    image.phentsize = i32(Phdr.SIZE);
    image.phnum = program.phnum;
    image.brkStart = program.end + bias;
    image.interpBase = 0;
    image.interpEntry = 0;
    return program.interpLength > 0 ? this.mapInterpreter(lwp, space, image) : 0;
  }

  /** Checks the headers of the program; what exec has read already is not read again. */
  private readProgram(lwp: Lwp, image: ExecImage): i32 {
    const vp = image.vnode!;
    const program = this.program;
    const error = parseHeader(program, image.header, image.headerLen, vp.size);
    if (error !== 0) return error;
    if (vp.object === null) return -Errno.NOEXEC;
    if (program.phoff + program.phdrBytes <= image.headerLen)
      return parseSegments(program, image.header, i32(program.phoff), vp.size);
    return this.readSegments(lwp, vp, program);
  }

  private readSegments(lwp: Lwp, vp: Vnode, into: ElfImage): i32 {
    const bytes = into.phdrBytes;
    const n = execRead(lwp, vp, into.phoff, this.phdrs, 0, bytes);
    if (n < 0) return n;
    return n < bytes ? -Errno.NOEXEC : parseSegments(into, this.phdrs, 0, vp.size);
  }

  /** Looks up the interpreter that the program names, and reads its headers. */
  private findInterpreter(lwp: Lwp, image: ExecImage, vp: Vnode): i32 {
    const len = this.program.interpLength;
    const n = execRead(lwp, vp, this.program.interpOffset, this.path, 0, len);
    if (n < 0) return n;
    if (n < len || this.path[len - 1] !== 0) return -Errno.NOEXEC;
    let plen = 0;
    while (this.path[plen] !== 0) plen++;
    const error = execLookup(lwp, this.path, 0, plen, image);
    if (error !== 0) return error;
    return this.readInterpreter(lwp, image.interpVnode!);
  }

  /** Reads and checks the headers of the interpreter; one of its own is not looked for. */
  private readInterpreter(lwp: Lwp, vp: Vnode): i32 {
    const n = execRead(lwp, vp, 0, this.header, 0, i32(Ehdr.SIZE));
    if (n < 0) return n;
    const error = parseHeader(this.interpreter, this.header, n, vp.size);
    if (error !== 0) return error;
    return vp.object === null ? -Errno.NOEXEC : this.readSegments(lwp, vp, this.interpreter);
  }

  private mapInterpreter(lwp: Lwp, space: VmSpace, image: ExecImage): i32 {
    const interp = this.interpreter;
    let bias: long = 0;
    if (interp.type === ET_DYN) {
      // A hole that is large enough at any alignment; the segments then go over it.
      const size: long = interp.end - interp.start + interp.align - PAGE_SIZE;
      const hole: long = space.map(0, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, null, 0);
      if (hole < 0) return i32(hole);
      const error = space.unmap(hole, size);
      if (error !== 0) return error;
      bias = biasFor(interp, hole);
    }
    const error = mapSegments(lwp, space, interp, image.interpVnode!, image.interpName, bias);
    if (error !== 0) return error;
    image.interpBase = bias + interp.start;
    image.interpEntry = interp.entry + bias;
    return 0;
  }
}

function protOf(flags: i32): i32 {
  return (
    ((flags & PF_R) !== 0 ? PROT_READ : 0) |
    ((flags & PF_W) !== 0 ? PROT_WRITE : 0) |
    ((flags & PF_X) !== 0 ? PROT_EXEC : 0)
  );
}

function mapSegments(lwp: Lwp, space: VmSpace, image: ElfImage, vp: Vnode, name: NcHandle, bias: long): i32 {
  const object = vp.object;
  if (object === null) return -Errno.NOEXEC;
  for (let i: i32 = 0; i < image.count; i++) {
    const error = mapSegment(space, image, i, object, bias);
    if (error !== 0) return error;
  }
  nameMapping(lwp, object, vp, name);
  return 0;
}

/** Maps the part of segment `i` that is in the file, zeroes the rest of its last page, and maps zero pages for what is beyond. */
function mapSegment(space: VmSpace, image: ElfImage, i: i32, object: VmObject, bias: long): i32 {
  const prot = protOf(image.flags[i]);
  const vaddr: long = image.vaddr.get(i) + bias;
  const filesz: long = image.filesz.get(i);
  const start: long = pageDown(vaddr);
  const fileEnd: long = vaddr + filesz;
  const end: long = pageDown(vaddr + image.memsz.get(i) + (PAGE_SIZE - 1));
  let zeroFrom: long = start;
  if (
    filesz === toLong(0) &&
    i > 0 &&
    start < pageDown(image.vaddr.get((i - 1) | 0) + image.memsz.get((i - 1) | 0) + bias + (PAGE_SIZE - 1))
  ) {
    // Zero bytes that begin in the last page of the segment before: that page stays, with its end zeroed.
    zeroFrom = start + PAGE_SIZE;
    const error = space.zeroUser(vaddr, i32(longMin(zeroFrom, vaddr + image.memsz.get(i)) - vaddr));
    if (error !== 0) return error === -Errno.FAULT ? -Errno.NOEXEC : error;
  } else if (filesz > 0) {
    const mapEnd: long = pageDown(fileEnd + (PAGE_SIZE - 1));
    const at: long = space.map(
      start,
      mapEnd - start,
      prot,
      MAP_PRIVATE | MAP_FIXED,
      object,
      pageDown(image.offset.get(i)),
    );
    if (at < 0) return i32(at);
    // A segment that cannot be written keeps what the file has behind its end, as on Linux.
    const tail: long = longMin(mapEnd, vaddr + image.memsz.get(i)) - fileEnd;
    if (tail > 0 && (prot & PROT_WRITE) !== 0) {
      const error = space.zeroUser(fileEnd, i32(mapEnd - fileEnd));
      if (error !== 0) return error;
    }
    zeroFrom = mapEnd;
  }
  if (end <= zeroFrom) return 0;
  const at: long = space.map(zeroFrom, end - zeroFrom, prot, MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, null, 0);
  return at < 0 ? i32(at) : 0;
}
