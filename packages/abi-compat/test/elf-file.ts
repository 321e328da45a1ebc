/** Hand-made ELF files for the tests. */
import { putLong, putU16, putU32 } from "@anax/portable";
import { EM_X86_64, ET_EXEC, Ehdr, Phdr } from "../src/elf/format";

export interface Segment {
  type: number;
  flags: number;
  offset: number;
  vaddr: number;
  filesz: number;
  memsz: number;
  align?: number;
}

export interface ElfSpec {
  type?: number;
  segments: Segment[];
  entry: number;
  /** Bytes of the file; 0x2000 when absent. */
  size?: number;
  patch?: (file: Uint8Array) => void;
}

export function elfFile(spec: ElfSpec): Uint8Array {
  const f = new Uint8Array(spec.size ?? 0x2000);
  f.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  putU16(f, Ehdr.type, spec.type ?? ET_EXEC);
  putU16(f, Ehdr.machine, EM_X86_64);
  putU32(f, Ehdr.version, 1);
  putLong(f, Ehdr.entry, spec.entry);
  putLong(f, Ehdr.phoff, Ehdr.SIZE);
  putU16(f, Ehdr.ehsize, Ehdr.SIZE);
  putU16(f, Ehdr.phentsize, Phdr.SIZE);
  putU16(f, Ehdr.phnum, spec.segments.length);
  spec.segments.forEach((s, i) => {
    const at = Ehdr.SIZE + i * Phdr.SIZE;
    putU32(f, at + Phdr.type, s.type);
    putU32(f, at + Phdr.flags, s.flags);
    putLong(f, at + Phdr.offset, s.offset);
    putLong(f, at + Phdr.vaddr, s.vaddr);
    putLong(f, at + Phdr.paddr, s.vaddr);
    putLong(f, at + Phdr.filesz, s.filesz);
    putLong(f, at + Phdr.memsz, s.memsz);
    putLong(f, at + Phdr.align, s.align ?? 0x1000);
  });
  spec.patch?.(f);
  return f;
}
