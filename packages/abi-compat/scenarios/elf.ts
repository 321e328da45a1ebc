/** The ELF parser on a good image and on many damaged ones: the same verdicts on both builds, and what is taken lies in bounds. */
import { EventLog, fillBytes, i32, imul, putI32, putLong, putU16, u32 } from "@anax/portable";
import { EM_X86_64, ET_DYN, ET_EXEC, Ehdr, PF_R, PF_W, PF_X, PT_INTERP, PT_LOAD, Phdr } from "../src/elf/format";
import { ElfImage, biasFor, parseHeader, parseSegments, segmentOf } from "../src/elf/image";

const SIZE: i32 = 8192;
const HEADERS: i32 = 64 + 3 * 56;

function phdr(f: Uint8Array, i: i32, type: i32, flags: i32, offset: i32, vaddr: i32, filesz: i32, memsz: i32): void {
  const at = (64 + i * 56) | 0;
  putI32(f, (at + Phdr.type) | 0, type);
  putI32(f, (at + Phdr.flags) | 0, flags);
  putLong(f, (at + Phdr.offset) | 0, offset);
  putLong(f, (at + Phdr.vaddr) | 0, vaddr);
  putLong(f, (at + Phdr.filesz) | 0, filesz);
  putLong(f, (at + Phdr.memsz) | 0, memsz);
  putLong(f, (at + Phdr.align) | 0, 4096);
}

function make(f: Uint8Array, type: i32, base: i32): void {
  fillBytes(f, 0, SIZE, 0);
  f[0] = 0x7f;
  f[1] = 0x45;
  f[2] = 0x4c;
  f[3] = 0x46;
  f[4] = 2;
  f[5] = 1;
  f[6] = 1;
  putU16(f, Ehdr.type, u32(type));
  putU16(f, Ehdr.machine, u32(EM_X86_64));
  putLong(f, Ehdr.entry, (base + 0x1000) | 0);
  putLong(f, Ehdr.phoff, 64);
  putU16(f, Ehdr.phentsize, 56);
  putU16(f, Ehdr.phnum, 3);
  phdr(f, 0, PT_LOAD, PF_R | PF_X, 0, base, 0x1800, 0x1800);
  phdr(f, 1, PT_LOAD, PF_R | PF_W, 0x1800, (base + 0x2800) | 0, 0x100, 0x5000);
  phdr(f, 2, PT_INTERP, PF_R, 0x300, 0x300, 28, 28);
}

function parse(image: ElfImage, f: Uint8Array): i32 {
  const r = parseHeader(image, f, 64, SIZE);
  if (r !== 0) return r;
  if (image.phoff + image.phdrBytes > SIZE) return -1;
  return parseSegments(image, f, i32(image.phoff), SIZE);
}

export function run(log: EventLog): void {
  const f = new Uint8Array(SIZE);
  const image = new ElfImage();
  make(f, ET_EXEC, 0x400000);
  log.value("exec", parse(image, f));
  log.value("start", image.start);
  log.value("end", image.end);
  log.value("entry", image.entry);
  log.value("phdr", image.phdrVaddr);
  log.value("interp", image.interpLength);
  make(f, ET_DYN, 0);
  log.value("pie", parse(image, f));
  log.value("bias", biasFor(image, 0x555555554000));

  let seed: u32 = 99;
  let taken: i32 = 0;
  let refused: i32 = 0;
  let wrong: i32 = 0;
  for (let n = 0; n < 4000; n++) {
    make(f, (n & 1) === 0 ? ET_EXEC : ET_DYN, (n & 1) === 0 ? 0x400000 : 0);
    const edits = (n % 5) + 1;
    for (let e = 0; e < edits; e++) {
      seed = u32(imul(i32(seed), 1103515245) + 12345);
      const at = i32((seed >>> 8) % u32(HEADERS));
      seed = u32(imul(i32(seed), 1103515245) + 12345);
      f[at] = (seed >>> 16) & 0xff;
    }
    if (parse(image, f) !== 0) {
      refused++;
      continue;
    }
    taken++;
    if (segmentOf(image, image.entry, PF_X) < 0) wrong++;
    for (let i = 0; i < image.count; i++) {
      const fileEnd = image.offset.get(i) + image.filesz.get(i);
      const end = image.vaddr.get(i) + image.memsz.get(i);
      if (fileEnd > SIZE || end > 0x7ffffffff000 || image.vaddr.get(i) < 0) wrong++;
    }
  }
  log.value("taken", taken);
  log.value("refused", refused);
  log.value("wrong", wrong);
}
