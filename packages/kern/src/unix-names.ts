/**
 * Names of local sockets: files of type socket, and names without a file.
 *
 * Key types `UnixBinding` (what hangs on the vnode of a bound name), `UnixNames` (names without a file). Neighbours:
 * `unix-socket.ts`, `socketcalls.ts`. Invariant: a name leads to its socket exactly as long as the socket is open.
 * Source: unix(7).
 */
import { equalBytes, type i32 } from "@anax/portable";
import { VnodeSpecial } from "@anax/vfs-msg";
import type { UnixSocket } from "./unix-socket";

/** Names without a file ("abstract": the first byte is 0). Owned by the `FileContext`. */
export class UnixNames {
  private readonly sockets: UnixSocket[] = [];
  private nextUnused: i32 = 0;

  /** A name that nobody has, as bind(2) without a name gives: 0 and five hexadecimal digits. */
  unused(): Uint8Array {
    const name = new Uint8Array(6);
    let found: UnixSocket | null = null;
    do {
      for (let i = 0; i < 5; i++) {
        const digit: i32 = (this.nextUnused >> (16 - i * 4)) & 15;
        name[1 + i] = (digit < 10 ? 48 + digit : 87 + digit) & 0xff;
      }
      this.nextUnused = (this.nextUnused + 1) & 0xfffff;
      found = this.find(name);
    } while (found !== null);
    return name;
  }

  find(name: Uint8Array): UnixSocket | null {
    for (let i = 0; i < this.sockets.length; i++) {
      const a = this.sockets[i].address!;
      if (a.length === name.length && equalBytes(a, 0, name, 0, a.length)) return this.sockets[i];
    }
    return null;
  }

  add(socket: UnixSocket): void {
    this.sockets.push(socket);
    socket.names = this;
  }

  remove(socket: UnixSocket): void {
    const at = this.sockets.indexOf(socket);
    if (at >= 0) this.sockets.splice(at, 1);
  }
}

/** What a bound name leads to. Hangs on the vnode as long as the socket is open. */
export class UnixBinding extends VnodeSpecial {
  constructor(readonly socket: UnixSocket) {
    super();
  }
}
