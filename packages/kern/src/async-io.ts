/**
 * Signals for files that become ready (O_ASYNC, SIGIO), and who gets them (F_SETOWN, F_SETSIG).
 *
 * Key type `AsyncIo`, made for a file when one of these is first used. It stays registered on the file's wait queues; a wake-up
 * sends the signal, and a callout that is due at once registers it again, since a waiter may not do that while it is woken.
 * Neighbours: `file.ts` (watchers), `fdops.ts` (fcntl, ioctl), `signal.ts`.
 * Invariant: it is registered, or its callout is armed, exactly while it is enabled.
 * Source: fcntl(2) (managing signals), sigaction(2) (si_code of SIGIO).
 */
import { Errno, type i32, type u32 } from "@anax/portable";
import { Callout } from "@anax/lwkt";
import { POLLERR, POLLHUP, POLLIN, POLLOUT, POLLPRI, POLLRDBAND, POLLRDNORM, POLLWRBAND, POLLWRNORM } from "./fcntl";
import { FileWatcher, type File } from "./file";
import type { Kernel } from "./kernel";
import type { Lwp } from "./lwp";
import type { Proc } from "./proc";
import { lwpSignalInfo, procSignalInfo } from "./signal";
import { NSIG, SIGIO, SI_KERNEL } from "./sigdefs";

/** Kinds of owner, as struct f_owner_ex numbers them. */
export const F_OWNER_TID: i32 = 0;
export const F_OWNER_PID: i32 = 1;
export const F_OWNER_PGRP: i32 = 2;

const POLL_IN: i32 = 1;
const POLL_OUT: i32 = 2;
const POLL_ERR: i32 = 4;
const POLL_PRI: i32 = 5;
const POLL_HUP: i32 = 6;

const READ_EVENTS: i32 = POLLIN | POLLRDNORM | POLLRDBAND;
const WRITE_EVENTS: i32 = POLLOUT | POLLWRNORM | POLLWRBAND;

class AsyncCallout extends Callout {
  /** Set once when it is made. */
  io: AsyncIo | null = null;

  override fire(): void {
    this.io!.register();
  }
}

/** Owned by its file. */
export class AsyncIo extends FileWatcher {
  ownerKind: i32 = F_OWNER_TID;
  ownerId: i32 = 0;
  /** F_SETSIG; 0 means SIGIO without details. */
  signal: i32 = 0;
  private enabled: boolean = false;
  /** The descriptor that O_ASYNC was set by, for si_fd. */
  private fd: i32 = -1;
  /** Who set the owner: a signal is sent only where that user might send it. */
  private uid: u32 = 0;
  private euid: u32 = 0;
  private readonly callout: AsyncCallout = new AsyncCallout();

  constructor(
    private readonly kernel: Kernel,
    private readonly file: File,
  ) {
    super();
    this.callout.io = this;
    this.fileNext = file.watchers;
    file.watchers = this;
  }

  /** F_SETOWN_EX: 0, -INVAL, -SRCH. An id of 0 is nobody. */
  setOwner(lwp: Lwp, kind: i32, id: i32): i32 {
    if (kind < F_OWNER_TID || kind > F_OWNER_PGRP || id < 0) return -Errno.INVAL;
    const pids = this.kernel.pids;
    if (id !== 0) {
      if (kind === F_OWNER_TID && pids.lwp(id) === null) return -Errno.SRCH;
      if (kind === F_OWNER_PID && pids.proc(id) === null) return -Errno.SRCH;
      if (kind === F_OWNER_PGRP && pids.group(id) === null) return -Errno.SRCH;
    }
    this.ownerKind = kind;
    this.ownerId = id;
    this.uid = lwp.proc.cred.uid;
    this.euid = lwp.proc.cred.euid;
    return 0;
  }

  /** F_SETSIG: 0 or -INVAL. */
  setSignal(sig: i32): i32 {
    if (sig < 0 || sig > NSIG) return -Errno.INVAL;
    this.signal = sig;
    return 0;
  }

  enable(fd: i32): void {
    this.fd = fd;
    if (this.enabled) return;
    this.enabled = true;
    this.register();
  }

  disable(): void {
    this.enabled = false;
    this.leaveAll();
    if (this.callout.armed) this.kernel.disarm(this.callout);
  }

  register(): void {
    if (this.enabled) this.file.poll(READ_EVENTS | WRITE_EVENTS | POLLPRI, this);
  }

  override wake(): void {
    if (!this.enabled) return;
    this.kernel.arm(this.callout, this.kernel.now());
    const ready = this.file.poll(READ_EVENTS | WRITE_EVENTS | POLLPRI, null);
    if (ready !== 0) this.send(ready);
  }

  override fileClosed(): void {
    this.disable();
  }

  private send(ready: i32): void {
    const id = this.ownerId;
    const pids = this.kernel.pids;
    if (id === 0) return;
    if (this.ownerKind === F_OWNER_TID) {
      const l = pids.lwp(id);
      if (l !== null && this.maySignal(l.proc)) {
        this.fill(ready);
        lwpSignalInfo(l, this.kernel.info);
      }
    } else if (this.ownerKind === F_OWNER_PID) {
      const p = pids.proc(id);
      if (p !== null) this.sendTo(p, ready);
    } else {
      const group = pids.group(id);
      if (group === null) return;
      let p = group.members;
      while (p !== null) {
        const next: Proc | null = p.groupNext;
        this.sendTo(p, ready);
        p = next;
      }
    }
  }

  private sendTo(p: Proc, ready: i32): void {
    if (p.zombie || !this.maySignal(p)) return;
    this.fill(ready);
    procSignalInfo(p, this.kernel.info);
  }

  private maySignal(p: Proc): boolean {
    const c = p.cred;
    return this.euid === 0 || this.euid === c.suid || this.euid === c.uid || this.uid === c.suid || this.uid === c.uid;
  }

  private fill(ready: i32): void {
    const info = this.kernel.info;
    if (this.signal === 0) {
      info.reset(SIGIO, SI_KERNEL);
      return;
    }
    let code = POLL_IN;
    if ((ready & READ_EVENTS) === 0) {
      if ((ready & WRITE_EVENTS) !== 0) code = POLL_OUT;
      else if ((ready & POLLPRI) !== 0) code = POLL_PRI;
      else if ((ready & POLLERR) !== 0) code = POLL_ERR;
      else if ((ready & POLLHUP) !== 0) code = POLL_HUP;
    }
    info.reset(this.signal, code);
    info.band = ready;
    info.fd = this.fd;
  }
}
