import { describe, expect, it } from "vitest";
import { bytesOf, getLong } from "@anax/portable";
import { ExecImage } from "@anax/kern";
import { Cred } from "@anax/vfs-msg";
import type { VmSpace } from "@anax/vm";
import { Aux } from "../src/elf/format";
import { FirstStack } from "../src/elf/stack";

const TOP = 0x7ffffffff000;
const SIZE = 0x10000;

/** User memory of a stack: what lies outside is a fault. */
class StackMemory {
  readonly bytes = new Uint8Array(SIZE).fill(0xee);

  private at(uaddr: number, n: number): number {
    const at = uaddr - (TOP - SIZE);
    if (at < 0 || at + n > SIZE) throw new Error("outside the stack");
    return at;
  }

  copyout(buf: Uint8Array, off: number, uaddr: number, n: number): number {
    this.bytes.set(buf.subarray(off, off + n), this.at(uaddr, n));
    return 0;
  }

  zeroUser(uaddr: number, n: number): number {
    this.bytes.fill(0, this.at(uaddr, n), this.at(uaddr, n) + n);
    return 0;
  }

  long(uaddr: number): number {
    return getLong(this.bytes, this.at(uaddr, 8));
  }

  string(uaddr: number): string {
    let at = this.at(uaddr, 1);
    let s = "";
    while (this.bytes[at] !== 0) s += String.fromCharCode(this.bytes[at++]!);
    return s;
  }
}

function build(argv: string[], envp: string[], size = SIZE): { image: ExecImage; memory: StackMemory; result: number } {
  const memory = new StackMemory();
  const image = new ExecImage();
  image.space = memory as unknown as VmSpace;
  image.stackTop = TOP;
  image.stackSize = size;
  image.args.start(131072);
  for (const s of argv) image.args.append(bytesOf(s), false);
  for (const s of envp) image.args.append(bytesOf(s), true);
  const path = bytesOf("/bin/prog");
  image.path.set(path);
  image.pathLen = path.length;
  image.cred = Cred.of(1000, 100);
  image.entry = 0x401000;
  image.phdr = 0x400040;
  image.phentsize = 56;
  image.phnum = 5;
  const stack = new FirstStack();
  stack.random.set(Array.from({ length: 16 }, (_, i) => i + 1));
  return { image, memory, result: stack.build(image) };
}

function auxv(memory: StackMemory, image: ExecImage): Map<number, number> {
  const map = new Map<number, number>();
  for (let at = image.auxStart; at < image.auxEnd; at += 16) map.set(memory.long(at), memory.long(at + 8));
  return map;
}

describe("first stack", () => {
  const argv = ["prog", "", "two words"];
  const envp = ["PATH=/bin", "HOME=/"];

  it("has argc, argv, envp and the auxiliary vector in the order of the ABI", () => {
    const { image, memory, result } = build(argv, envp);
    expect(result).toBe(0);
    expect(image.sp % 16).toBe(0);
    expect(memory.long(image.sp)).toBe(3);
    const word = (i: number): number => memory.long(image.sp + 8 + i * 8);
    expect([0, 1, 2].map((i) => memory.string(word(i)))).toEqual(argv);
    expect(word(3)).toBe(0);
    expect([4, 5].map((i) => memory.string(word(i)))).toEqual(envp);
    expect(word(6)).toBe(0);
    expect(image.auxStart).toBe(image.sp + 8 + 7 * 8);
    expect(memory.long(image.auxEnd - 16)).toBe(Aux.NULL);
    expect(memory.long(TOP - 8)).toBe(0);
  });

  it("tells the program what it needs to start", () => {
    const { image, memory } = build(argv, envp);
    const aux = auxv(memory, image);
    expect(aux.get(Aux.PAGESZ)).toBe(4096);
    expect(aux.get(Aux.ENTRY)).toBe(0x401000);
    expect([aux.get(Aux.PHDR), aux.get(Aux.PHENT), aux.get(Aux.PHNUM)]).toEqual([0x400040, 56, 5]);
    expect([aux.get(Aux.UID), aux.get(Aux.EUID), aux.get(Aux.GID), aux.get(Aux.EGID)]).toEqual([1000, 1000, 100, 100]);
    expect(aux.get(Aux.SECURE)).toBe(0);
    expect(memory.string(aux.get(Aux.EXECFN)!)).toBe("/bin/prog");
    expect(memory.string(aux.get(Aux.PLATFORM)!)).toBe("x86_64");
    expect(memory.string(aux.get(Aux.RANDOM)!).slice(0, 16)).toBe(
      String.fromCharCode(...Array.from({ length: 16 }, (_, i) => i + 1)),
    );
    expect(image.pc).toBe(0x401000);
  });

  it("starts the interpreter of a dynamic program", () => {
    const { image } = build(argv, envp);
    image.interpEntry = 0x7f0000001000;
    image.interpBase = 0x7f0000000000;
    expect(new FirstStack().build(image)).toBe(0);
    expect(image.pc).toBe(0x7f0000001000);
    expect(auxv(image.space as unknown as StackMemory, image).get(Aux.BASE)).toBe(0x7f0000000000);
  });

  it("marks where the strings lie, for procfs", () => {
    const { image, memory } = build(argv, envp);
    expect(memory.string(image.argStart)).toBe("prog");
    expect(memory.string(image.envStart)).toBe("PATH=/bin");
    expect(image.argEnd).toBe(image.envStart);
    expect(image.envEnd - image.argStart).toBe(image.args.length);
  });

  it("works without any string", () => {
    const { image, memory, result } = build([], []);
    expect(result).toBe(0);
    expect([memory.long(image.sp), memory.long(image.sp + 8), memory.long(image.sp + 16)]).toEqual([0, 0, 0]);
  });

  it("refuses what would not leave room on the stack", () => {
    expect(build(["x".repeat(4000)], [], 8192).result).toBe(-7);
  });

  it("takes more pointers than its buffer holds", () => {
    const many = Array.from({ length: 700 }, (_, i) => `a${i}`);
    const { image, memory, result } = build(many, []);
    expect(result).toBe(0);
    expect(memory.string(memory.long(image.sp + 8 + 699 * 8))).toBe("a699");
    expect(memory.long(image.sp + 8 + 700 * 8)).toBe(0);
  });
});
