import { existsSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Errno } from "@anax/portable";
import { ET_DYN, ET_EXEC, PF_R, PF_W, PF_X, PT_GNU_STACK, PT_INTERP, PT_LOAD } from "../src/elf/format";
import { ElfImage, biasFor, isElf, parseHeader, parseSegments, segmentOf } from "../src/elf/image";
import { elfFile, type Segment } from "./elf-file";

function parse(file: Uint8Array): { image: ElfImage; result: number } {
  const image = new ElfImage();
  let result = parseHeader(image, file, Math.min(file.length, 64), file.length);
  if (result === 0)
    result = parseSegments(image, file.subarray(image.phoff, image.phoff + image.phdrBytes), 0, file.length);
  return { image, result };
}

const TEXT: Segment = { type: PT_LOAD, flags: PF_R | PF_X, offset: 0, vaddr: 0x400000, filesz: 0x1800, memsz: 0x1800 };
const DATA: Segment = {
  type: PT_LOAD,
  flags: PF_R | PF_W,
  offset: 0x1800,
  vaddr: 0x402800,
  filesz: 0x100,
  memsz: 0x5000,
};
const NOEXEC = -Errno.NOEXEC;

describe("ELF image", () => {
  it("takes a plain static executable", () => {
    const { image, result } = parse(elfFile({ segments: [TEXT, DATA], entry: 0x401000 }));
    expect(result).toBe(0);
    expect(image.type).toBe(ET_EXEC);
    expect(image.count).toBe(2);
    expect(image.entry).toBe(0x401000);
    expect(image.phdrVaddr).toBe(0x400040);
    expect([image.start, image.end]).toEqual([0x400000, 0x408000]);
    expect(image.execStack).toBe(false);
    expect(segmentOf(image, 0x407000, PF_W)).toBe(1);
    expect(segmentOf(image, 0x401800, 0)).toBe(-1);
  });

  it("reads interpreter and stack flags", () => {
    const { image, result } = parse(
      elfFile({
        type: ET_DYN,
        segments: [
          { ...TEXT, vaddr: 0 },
          { type: PT_INTERP, flags: PF_R, offset: 0x200, vaddr: 0x200, filesz: 28, memsz: 28 },
          { type: PT_GNU_STACK, flags: PF_R | PF_W | PF_X, offset: 0, vaddr: 0, filesz: 0, memsz: 0 },
        ],
        entry: 0x1000,
      }),
    );
    expect(result).toBe(0);
    expect([image.interpOffset, image.interpLength, image.execStack]).toEqual([0x200, 28, true]);
  });

  it("places a position-independent image by its alignment", () => {
    const { image } = parse(
      elfFile({ type: ET_DYN, segments: [{ ...TEXT, vaddr: 0, align: 0x200000 }], entry: 0x1000 }),
    );
    expect(biasFor(image, 0x555555554000)).toBe(0x555555600000);
    const plain = parse(
      elfFile({ type: ET_DYN, segments: [{ ...TEXT, vaddr: 0x3000, offset: 0 }], entry: 0x4000 }),
    ).image;
    expect(biasFor(plain, 0x555555554000)).toBe(0x555555551000);
  });

  const bad: Array<[string, () => Uint8Array]> = [
    ["empty", () => new Uint8Array(0)],
    ["truncated header", () => elfFile({ segments: [TEXT], entry: 0x401000 }).subarray(0, 63)],
    ["truncated headers", () => elfFile({ segments: [TEXT], entry: 0x401000 }).subarray(0, 100)],
    ["truncated segment", () => elfFile({ segments: [TEXT], entry: 0x401000 }).subarray(0, 0x1000)],
    ["not ELF", () => elfFile({ segments: [TEXT], entry: 0x401000, patch: (f) => (f[1] = 0x46) })],
    ["32 bit", () => elfFile({ segments: [TEXT], entry: 0x401000, patch: (f) => (f[4] = 1) })],
    ["big endian", () => elfFile({ segments: [TEXT], entry: 0x401000, patch: (f) => (f[5] = 2) })],
    ["aarch64", () => elfFile({ segments: [TEXT], entry: 0x401000, patch: (f) => (f[18] = 183) })],
    ["relocatable", () => elfFile({ type: 1, segments: [TEXT], entry: 0x401000 })],
    ["core file", () => elfFile({ type: 4, segments: [TEXT], entry: 0x401000 })],
    ["no program headers", () => elfFile({ segments: [], entry: 0x401000 })],
    ["65535 program headers", () => elfFile({ segments: [TEXT], entry: 0x401000, patch: (f) => f.fill(0xff, 56, 58) })],
    ["odd program header size", () => elfFile({ segments: [TEXT], entry: 0x401000, patch: (f) => (f[54] = 57) })],
    ["program headers outside", () => elfFile({ segments: [TEXT], entry: 0x401000, patch: (f) => (f[36] = 1) })],
    [
      "negative program header offset",
      () => elfFile({ segments: [TEXT], entry: 0x401000, patch: (f) => f.fill(0xff, 32, 40) }),
    ],
    ["nothing to load", () => elfFile({ segments: [{ ...TEXT, type: PT_INTERP }], entry: 0x401000 })],
    ["entry outside", () => elfFile({ segments: [TEXT], entry: 0x500000 })],
    ["entry in data", () => elfFile({ segments: [TEXT, DATA], entry: 0x402900 })],
    [
      "overlapping segments",
      () => elfFile({ segments: [TEXT, { ...DATA, vaddr: 0x401800 - 0x1000 }], entry: 0x400100 }),
    ],
    ["unordered segments", () => elfFile({ segments: [DATA, TEXT], entry: 0x401000 })],
    ["file bytes beyond memory", () => elfFile({ segments: [{ ...TEXT, memsz: 0x100 }], entry: 0x400010 })],
    [
      "offset and address differ in the page",
      () => elfFile({ segments: [{ ...TEXT, vaddr: 0x400010 }], entry: 0x401000 }),
    ],
    ["kernel address", () => elfFile({ segments: [{ ...TEXT, vaddr: -0x1000 }], entry: -0x1000 })],
    ["past user space", () => elfFile({ segments: [{ ...TEXT, vaddr: 0x7ffffffff000 }], entry: 0x7ffffffff000 })],
    ["huge memory size", () => elfFile({ segments: [{ ...TEXT, memsz: 0x7fffffffffff0 }], entry: 0x401000 })],
    ["page zero", () => elfFile({ segments: [{ ...TEXT, vaddr: 0 }], entry: 0x1000 })],
    ["odd alignment", () => elfFile({ segments: [{ ...TEXT, align: 0x3000 }], entry: 0x401000 })],
    [
      "65 segments",
      () =>
        elfFile({
          segments: Array.from({ length: 65 }, (_, i) => ({ ...TEXT, vaddr: 0x400000 + i * 0x10000 })),
          entry: 0x401000,
        }),
    ],
    [
      "endless interpreter path",
      () => elfFile({ segments: [TEXT, { ...TEXT, type: PT_INTERP, filesz: 5000 }], entry: 0x401000 }),
    ],
    [
      "interpreter outside the file",
      () => elfFile({ segments: [TEXT, { ...TEXT, type: PT_INTERP, offset: 0x100000, filesz: 10 }], entry: 0x401000 }),
    ],
  ];
  for (const [name, make] of bad) {
    it(`refuses: ${name}`, () => expect(parse(make()).result).toBe(NOEXEC));
  }

  it("never harms, whatever the headers say", () => {
    const good = elfFile({ segments: [TEXT, DATA], entry: 0x401000 });
    const edit = fc.tuple(fc.integer({ min: 0, max: 64 + 2 * 56 - 1 }), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(fc.array(edit, { maxLength: 12 }), fc.integer({ min: 0, max: good.length }), (edits, cut) => {
        const file = good.slice(0, cut);
        for (const [at, v] of edits) if (at < file.length) file[at] = v;
        const { image, result } = parse(file);
        if (result !== 0) return result === NOEXEC;
        for (let i = 0; i < image.count; i++) {
          const va = image.vaddr.get(i);
          if (va < 0 || va + image.memsz.get(i) > 0x7ffffffff000 || image.filesz.get(i) > image.memsz.get(i))
            return false;
          if (image.offset.get(i) + image.filesz.get(i) > file.length) return false;
          if (i > 0 && va < image.vaddr.get(i - 1) + image.memsz.get(i - 1)) return false;
        }
        return segmentOf(image, image.entry, PF_X) >= 0;
      }),
      { numRuns: 2000 },
    );
  });

  for (const file of ["/bin/busybox", "/bin/bash-static"]) {
    it.skipIf(!existsSync(file))(`takes ${file}`, () => {
      const bytes = new Uint8Array(readFileSync(file));
      expect(isElf(bytes, bytes.length)).toBe(true);
      const { image, result } = parse(bytes);
      expect(result).toBe(0);
      expect(image.count).toBeGreaterThanOrEqual(2);
      expect(image.interpLength).toBe(0);
      expect(image.phdrVaddr).toBeGreaterThanOrEqual(0);
    });
  }

  it.skipIf(!existsSync("/bin/ls"))("takes a dynamic program with its interpreter", () => {
    const bytes = new Uint8Array(readFileSync("/bin/ls"));
    const { image, result } = parse(bytes);
    expect(result).toBe(0);
    const at = image.interpOffset;
    expect(Buffer.from(bytes.subarray(at, at + image.interpLength - 1)).toString()).toBe("/lib64/ld-linux-x86-64.so.2");
  });
});
