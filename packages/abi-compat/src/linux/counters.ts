/**
 * How often programs asked for system calls that are not there: the text of /proc/anax/unknown_syscalls.
 *
 * Key type `SyscallCounters`. Neighbours: `abi.ts` (counts), `table.ts` (names). Invariant: counts saturate and never wrap.
 */
import { TextBuilder, u32, type i32 } from "@anax/portable";
import { ProcFile } from "@anax/vfs-msg";
import { SYSCALL_LIMIT, type SyscallTable } from "./table";

const SATURATED: u32 = 0xffffffff;

export class SyscallCounters {
  private readonly counts: Uint32Array = new Uint32Array(SYSCALL_LIMIT);
  /** Calls with a number outside the table. */
  private outside: u32 = 0;
  /** The number of the latest of them (its low 32 bits). */
  private lastOutside: i32 = 0;

  constructor(private readonly table: SyscallTable) {}

  /** A program asked for call `nr`, which is not there. */
  miss(nr: i32): void {
    if (nr < 0 || nr >= SYSCALL_LIMIT) {
      if (this.outside !== SATURATED) this.outside = u32(this.outside + 1);
      this.lastOutside = nr;
      return;
    }
    const n: u32 = this.counts[nr];
    if (n !== SATURATED) this.counts[nr] = n + 1;
  }

  count(nr: i32): u32 {
    return nr < 0 || nr >= SYSCALL_LIMIT ? this.outside : this.counts[nr];
  }

  /** One line for each call that was asked for: number, name, count. */
  format(out: TextBuilder): void {
    for (let nr: i32 = 0; nr < SYSCALL_LIMIT; nr++) {
      const n: u32 = this.counts[nr];
      if (n === 0) continue;
      const name = this.table.name(nr);
      out
        .num(nr)
        .byte(32)
        .str(name.length === 0 ? "?" : name)
        .byte(32)
        .num(n)
        .byte(10);
    }
    if (this.outside !== 0) out.num(this.lastOutside).str(" ? ").num(this.outside).byte(10);
  }
}

/** /proc/anax/unknown_syscalls: the composition registers it with procfs under that name. */
export class UnknownSyscallsFile extends ProcFile {
  constructor(private readonly counters: SyscallCounters) {
    super();
  }

  generate(out: TextBuilder): i32 {
    this.counters.format(out);
    return 0;
  }
}
