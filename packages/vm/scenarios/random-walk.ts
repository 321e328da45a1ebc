/**
 * A pseudo-random walk through the calls of two address spaces, each user access through the MMU. The log holds every result and, at the end,
 * the counters: both builds must agree on all of it, and no page may be lost.
 */
import { EventLog, imul, i32, toLong, u32, type long } from "@anax/portable";
import { Machine } from "@anax/machine";
import {
  MADV_DONTNEED,
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_PRIVATE,
  MAP_SHARED,
  MREMAP_MAYMOVE,
  PROT_READ,
  PROT_WRITE,
  Vm,
  VmObject,
  type VmSpace,
} from "../src/index";

const PAGE: long = 4096;
const ARENA: long = 0x3fff0000;
const PAGES: i32 = 40;
const STEPS: i32 = 3000;

class Dice {
  private state: u32 = 12345;

  next(n: i32): i32 {
    this.state = u32(u32(imul(i32(this.state), 1664525)) + 1013904223);
    return i32(u32(this.state >>> 8) % u32(n));
  }
}

class Walk {
  readonly dice: Dice = new Dice();
  readonly buf: Uint8Array = new Uint8Array(8192);
  space: VmSpace;

  constructor(
    readonly vm: Vm,
    readonly log: EventLog,
    readonly file: VmObject,
  ) {
    this.space = vm.newSpace()!;
    this.space.activate();
  }

  private at(): long {
    return ARENA + toLong(this.dice.next(PAGES)) * PAGE;
  }

  step(): void {
    const d = this.dice;
    const s = this.space;
    const at = this.at();
    const len: long = toLong((d.next(9) + 1) | 0) * PAGE;
    switch (d.next(10)) {
      case 0: {
        const shared = d.next(3) === 0 ? MAP_SHARED : MAP_PRIVATE;
        const prot = d.next(4) === 0 ? PROT_READ : PROT_READ | PROT_WRITE;
        if (d.next(2) === 0) this.log.value("map", s.map(at, len, prot, shared | MAP_FIXED | MAP_ANONYMOUS, null, 0));
        else this.log.value("mapfile", s.map(at, len, prot, shared | MAP_FIXED, this.file, toLong(d.next(12)) * PAGE));
        break;
      }
      case 1:
        if (d.next(3) === 0) this.log.value("unmap", s.unmap(at, len));
        break;
      case 2:
        this.log.value("protect", s.protect(at, len, d.next(3) === 0 ? PROT_READ : PROT_READ | PROT_WRITE));
        break;
      case 3:
        this.log.value("dontneed", s.advise(at, len, MADV_DONTNEED));
        break;
      case 4:
        if (d.next(4) === 0) this.log.value("remap", s.remap(at, PAGE, len, MREMAP_MAYMOVE, 0));
        break;
      case 5:
        this.log.value("cas", s.cas32(at, 0, u32(d.next(100))));
        break;
      case 6:
      case 7: {
        const n = d.next(6000);
        for (let i = 0; i < n; i++) this.buf[i] = (i + n) & 255;
        this.log.value("out", s.copyout(this.buf, 0, at + d.next(4096), n));
        this.log.value("left", s.left);
        break;
      }
      default: {
        const n = d.next(6000);
        this.log.value("in", s.copyin(at + d.next(4096), this.buf, 0, n));
        let sum: u32 = 0;
        for (let i = 0; i < ((n - s.left) | 0); i++) sum = u32(u32(imul(i32(sum), 31)) + this.buf[i]);
        this.log.value("sum", sum);
      }
    }
  }
}

export function run(log: EventLog): void {
  const vm = new Vm(new Machine());
  const before = vm.pages.freeCount;
  const file = new VmObject(vm.pages, null, 24);
  const walk = new Walk(vm, log, file);
  const dice = new Dice();
  for (let i = 0; i < STEPS; i++) {
    walk.step();
    if (dice.next(200) === 0) {
      const child = walk.space.fork()!;
      const parent = walk.space;
      child.activate();
      walk.space = child;
      if (dice.next(2) === 0) parent.release();
      else {
        walk.step();
        walk.space = parent;
        parent.activate();
        child.release();
      }
    }
    if (dice.next(150) === 0) file.truncate(u32(dice.next(24)));
    if (dice.next(50) === 0) file.setSize(24);
  }
  const s = walk.space;
  log.value("entries", s.entryCount);
  log.value("anon", s.residentAnon);
  log.value("file", s.residentFile);
  log.value("peak", s.peakResident);
  s.release();
  file.unref();
  log.value("lost", toLong(before) - toLong(vm.pages.freeCount));
}
