/**
 * Sockets on their way through sockets, and what becomes of them when nobody can receive them any more.
 *
 * Key type `UnixFlight`, one a kernel. A socket that waits in a record has a reference from there; two sockets may wait in
 * each other while no descriptor leads to either. Neighbours: `unix-socket.ts`.
 * Invariant: `inFlight` of a socket is the number of records' entries that refer to it; it is on the list while that is above 0.
 * Source: unix(7); the mark phase of Linux net/unix/garbage.c.
 */
import type { i32 } from "@anax/portable";
import { FK_SOCKET, type File } from "./file";
import type { UnixSocket } from "./unix-socket";

export class UnixFlight {
  private readonly list: UnixSocket[] = [];
  /** Files of records that are gone, whose references are still to be given back. */
  private readonly dropped: File[] = [];
  private dropping: boolean = false;

  /** `file` was put into a record. */
  entered(file: File): void {
    if (file.kind !== FK_SOCKET) return;
    const s = file as UnixSocket;
    if (s.inFlight === 0) this.list.push(s);
    s.inFlight++;
  }

  /** `file` was taken out of a record. */
  left(file: File): void {
    if (file.kind !== FK_SOCKET) return;
    const s = file as UnixSocket;
    s.inFlight--;
    if (s.inFlight > 0) return;
    const at = this.list.indexOf(s);
    if (at >= 0) this.list.splice(at, 1);
  }

  /** Gives the reference of a record back. Sockets in sockets in sockets go one after the other, not one inside the other. */
  drop(file: File): void {
    this.dropped.push(file);
    if (this.dropping) return;
    this.dropping = true;
    while (this.dropped.length > 0) {
      const f = this.dropped[this.dropped.length - 1];
      this.dropped.pop();
      f.unref();
    }
    this.dropping = false;
  }

  /** Empties the sockets in flight that only such sockets refer to. `leaving` has one reference that is about to go. */
  collect(leaving: UnixSocket): void {
    const list = this.list;
    for (let i = 0; i < list.length; i++) {
      const s = list[i];
      const refs: i32 = s === leaving ? (s.refs - 1) | 0 : s.refs;
      s.suspect = refs === s.inFlight;
      s.inSuspects = 0;
    }
    for (let i = 0; i < list.length; i++) if (list[i].suspect) list[i].countSuspects();
    // A suspect that waits in a socket which is none can be received, and then all that waits in it.
    const cleared: UnixSocket[] = [];
    for (let i = 0; i < list.length; i++) {
      if (!list[i].suspect || list[i].inFlight === list[i].inSuspects) continue;
      list[i].suspect = false;
      cleared.push(list[i]);
    }
    while (cleared.length > 0) {
      const s = cleared[cleared.length - 1];
      cleared.pop();
      s.clearInto(cleared);
    }
    const lost: UnixSocket[] = [];
    for (let i = 0; i < list.length; i++) {
      if (!list[i].suspect) continue;
      list[i].ref();
      lost.push(list[i]);
    }
    for (let i = 0; i < lost.length; i++) lost[i].dropAll();
    for (let i = 0; i < lost.length; i++) lost[i].unref();
  }
}
