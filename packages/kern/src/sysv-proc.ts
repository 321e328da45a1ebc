/**
 * /proc/sysvipc/shm, sem and msg: what ipcs(1) lists.
 *
 * Key type `SysvFile`, registered by the composition under those names. Neighbours: `sysv-ipc.ts` and the three kinds.
 * Source: proc(5), Linux ipc/ (sysvipc_*_proc_show).
 */
import { TextBuilder, i32 } from "@anax/portable";
import { PROC_CHUNK, ProcFile } from "@anax/vfs-msg";
import type { Kernel } from "./kernel";
import type { IpcObject, IpcTable } from "./sysv-ipc";
import type { MsgQueue } from "./sysv-msg";
import type { SemSet } from "./sysv-sem";
import type { ShmSegment } from "./sysv-shm";

export const SYSV_SHM: i32 = 0;
export const SYSV_SEM: i32 = 1;
export const SYSV_MSG: i32 = 2;

const SHM_HEAD: string =
  "       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid      atime      dtime      ctime                   rss                  swap\n";
const SEM_HEAD: string = "       key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime\n";
const MSG_HEAD: string =
  "       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  cuid  cgid      stime      rtime      ctime\n";

export class SysvFile extends ProcFile {
  constructor(
    private readonly kernel: Kernel,
    private readonly kind: i32,
  ) {
    super();
  }

  private get table(): IpcTable {
    if (this.kind === SYSV_SHM) return this.kernel.shm;
    return this.kind === SYSV_SEM ? this.kernel.sem : this.kernel.msg;
  }

  generate(out: TextBuilder): i32 {
    let i = i32(this.cursor);
    if (i === 0) out.str(this.kind === SYSV_SHM ? SHM_HEAD : this.kind === SYSV_SEM ? SEM_HEAD : MSG_HEAD);
    const table = this.table;
    for (; i < table.length; i++) {
      if (out.length >= PROC_CHUNK) {
        this.next = i;
        break;
      }
      const o = table.at(i);
      if (o === null) continue;
      out.pad(o.key, 10).byte(32).pad(o.id, 10).byte(32);
      octal(out, o.mode);
      if (this.kind === SYSV_SHM) shm(out, o as ShmSegment);
      else if (this.kind === SYSV_SEM) sem(out, o as SemSet);
      else msg(out, o as MsgQueue);
      out.byte(10);
    }
    return 0;
  }
}

/** Permission bits in octal, five columns. */
function octal(out: TextBuilder, mode: i32): void {
  let digits: i32 = 1;
  while (digits < 5 && mode >> (digits * 3) !== 0) digits++;
  for (let i: i32 = digits; i < 5; i++) out.byte(32);
  for (let i: i32 = (digits - 1) | 0; i >= 0; i--) out.byte(48 + ((mode >> (i * 3)) & 7));
}

function owners(out: TextBuilder, o: IpcObject): void {
  out.byte(32).pad(o.uid, 5).byte(32).pad(o.gid, 5).byte(32).pad(o.cuid, 5).byte(32).pad(o.cgid, 5);
}

function shm(out: TextBuilder, s: ShmSegment): void {
  out.byte(32).pad(s.size, 21).byte(32).pad(s.creator, 5).byte(32).pad(s.lastPid, 5).str("  ").pad(s.attached, 5);
  owners(out, s);
  out.byte(32).pad(s.atime, 10).byte(32).pad(s.dtime, 10).byte(32).pad(s.ctime, 10);
  out.byte(32).pad(s.resident, 21).byte(32).pad(0, 21);
}

function sem(out: TextBuilder, s: SemSet): void {
  out.byte(32).pad(s.values.length, 10);
  owners(out, s);
  out.byte(32).pad(s.otime, 10).byte(32).pad(s.ctime, 10);
}

function msg(out: TextBuilder, q: MsgQueue): void {
  out
    .str("  ")
    .pad(q.bytes, 10)
    .byte(32)
    .pad(q.count, 10)
    .byte(32)
    .pad(q.lastSender, 5)
    .byte(32)
    .pad(q.lastReceiver, 5);
  owners(out, q);
  out.byte(32).pad(q.stime, 10).byte(32).pad(q.rtime, 10).byte(32).pad(q.ctime, 10);
}
