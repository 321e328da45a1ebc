/**
 * The name by which a mapped file is shown in /proc/PID/maps.
 *
 * Key type `MappedFile`, one for each object that is mapped. Neighbours: vm's `object.ts` (lets go of it with the last mapping), abi's
 * mmap and ELF loader (leave the name), `procinfo.ts`. Invariant: it exists only while the object is mapped, so it keeps the
 * file's mount in use exactly as long as the mapping does.
 */
import { MappedName, type VmObject } from "@anax/vm";
import { NcHandle, type Vnode } from "@anax/vfs-msg";
import { heapOk } from "./file-util";
import type { Lwp } from "./lwp";

/** Holds a reference to the vnode and to the name, which is empty for a file that has none. */
export class MappedFile extends MappedName {
  readonly handle: NcHandle = new NcHandle();

  constructor(readonly vp: Vnode) {
    super();
    vp.ref();
  }

  unmapped(): void {
    this.handle.clear();
    this.vp.unref();
  }
}

/** `object`, which is `vp`'s, was mapped by the name `handle`. The first name stays. */
export function nameMapping(lwp: Lwp, object: VmObject, vp: Vnode, handle: NcHandle | null): void {
  if (object.firstMapping === null || object.name !== null || !heapOk(lwp)) return;
  const name = new MappedFile(vp);
  if (handle !== null) name.handle.copyFrom(handle);
  object.name = name;
}
