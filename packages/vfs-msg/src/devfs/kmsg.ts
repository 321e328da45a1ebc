/**
 * The kernel's message buffer and /dev/kmsg.
 *
 * Key types `KernelLog` (a ring of records; kern writes, syslog(2) reads), `KmsgDevice`, `KmsgReader` (one open of it, with its own
 * position). Neighbours: `devfs.ts`, kern's console output.
 * Invariants: the ring never grows; a reader that was overtaken gets -EPIPE once and goes on at the oldest record.
 * Source: Linux Documentation/ABI/testing/dev-kmsg, syslog(2).
 */
import { EASYNC, Errno, TextBuilder, i32, longDiv, longMin, longMod, type long } from "@anax/portable";
import type { Machine } from "@anax/machine";
import { WaitQueue, type Waiter } from "@anax/lwkt";
import type { Uio } from "@anax/vm";
import { CharDevice, type DeviceOpen } from "../device";
import { IO_NONBLOCK, POLLERR, POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM } from "../flags";

/** Longest text of a record. */
const RECORD_MAX: i32 = 992;
const RECORDS: i32 = 512;
/** Facility "user" for what programs write without a prefix, level "warning" (log_default). */
const USER_PRIORITY: i32 = 12;

/** Records of text by sequence number. Owned by the kernel instance. */
export class KernelLog {
  private readonly texts: Array<Uint8Array | null> = [];
  private readonly prio: Int32Array = new Int32Array(RECORDS);
  private readonly stampSec: Int32Array = new Int32Array(RECORDS);
  private readonly stampUsec: Int32Array = new Int32Array(RECORDS);
  /** Sequence number of the oldest record and of the next one. */
  first: long = 0;
  next: long = 0;
  /** Where syslog(2) "clear" put the mark. */
  cleared: long = 0;
  readonly arrived: WaitQueue = new WaitQueue();

  constructor() {
    for (let i = 0; i < RECORDS; i++) this.texts.push(null);
  }

  /** A record: `prio` is level + facility * 8, `now` ns since boot. A newline at the end is dropped. */
  add(prio: i32, now: long, buf: Uint8Array, off: i32, len: i32): void {
    let n = len;
    while (n > 0 && buf[off + n - 1] === 10) n--;
    if (n > RECORD_MAX) n = RECORD_MAX;
    const text = new Uint8Array(n);
    for (let i = 0; i < n; i++) text[i] = buf[off + i];
    const at = i32(longMod(this.next, RECORDS));
    this.texts[at] = text;
    this.prio[at] = prio;
    const usec: long = longDiv(now, 1000);
    this.stampSec[at] = i32(longDiv(usec, 1000000));
    this.stampUsec[at] = i32(longMod(usec, 1000000));
    this.next = this.next + 1;
    if (this.next - this.first > RECORDS) this.first = this.next - RECORDS;
    this.arrived.wakeup();
  }

  /** A record of the kernel's own, from a string. */
  line(level: i32, now: long, text: string): void {
    const b = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i++) b[i] = text.charCodeAt(i);
    this.add(level, now, b, 0, b.length);
  }

  /** Appends record `seq` as /dev/kmsg shows it: `prio,seq,usec,-;text`. */
  formatKmsg(seq: long, out: TextBuilder): void {
    const at = i32(longMod(seq, RECORDS));
    out.num(this.prio[at]).byte(44).num(seq).byte(44);
    const sec: long = this.stampSec[at];
    out.num(sec * 1000000 + this.stampUsec[at]).str(",-;");
    const text = this.texts[at];
    if (text !== null) {
      for (let i = 0; i < text.length; i++) {
        const c: i32 = text[i];
        if (c >= 32 && c < 127) out.byte(c);
        else out.str("\\x").hex32(c, 2);
      }
    }
    out.byte(10);
  }

  /** Appends record `seq` as syslog(2) gives it: `<prio>[sec.usec] text`. */
  formatSyslog(seq: long, out: TextBuilder): void {
    const at = i32(longMod(seq, RECORDS));
    out.byte(60).num(this.prio[at]).str(">[").pad(this.stampSec[at], 5).byte(46);
    let scale: i32 = 100000;
    for (let i = 0; i < 6; i++) {
      out.byte(48 + (((this.stampUsec[at] / scale) | 0) % 10));
      scale = (scale / 10) | 0;
    }
    out.str("] ");
    const text = this.texts[at];
    if (text !== null) out.raw(text, 0, text.length);
    out.byte(10);
  }
}

/** One open of /dev/kmsg. */
export class KmsgReader extends CharDevice {
  private at: long;
  private readonly text: TextBuilder = new TextBuilder(256);

  constructor(
    private readonly log: KernelLog,
    private readonly machine: Machine,
  ) {
    super("kmsg", 1, 11, 0o600);
    this.at = log.first;
  }

  /** One record for each read. -EINVAL when it does not fit. */
  override read(uio: Uio, ioflags: i32, waiter: Waiter | null): i32 {
    if (this.at < this.log.first) {
      this.at = this.log.first;
      return -Errno.PIPE;
    }
    if (this.at >= this.log.next) {
      if ((ioflags & IO_NONBLOCK) !== 0 || waiter === null) return -Errno.AGAIN;
      this.log.arrived.add(waiter);
      return EASYNC;
    }
    this.text.clear();
    this.log.formatKmsg(this.at, this.text);
    if (uio.resid < this.text.length) return -Errno.INVAL;
    const error = uio.move(this.text.bytes, 0, this.text.length);
    if (error === 0) this.at = this.at + 1;
    return error;
  }

  /** A record; `<prio>` in front sets level and facility. */
  override write(uio: Uio, _ioflags: i32, _waiter: Waiter | null): i32 {
    const n = i32(longMin(uio.resid, RECORD_MAX));
    const buf = new Uint8Array(n);
    const error = uio.move(buf, 0, n);
    if (error !== 0) return error;
    uio.skip(uio.resid);
    let prio: i32 = USER_PRIORITY;
    let from: i32 = 0;
    if (n > 2 && buf[0] === 60) {
      let v: i32 = 0;
      let i: i32 = 1;
      while (i < n && i < 6 && buf[i] >= 48 && buf[i] <= 57) {
        v = (v * 10 + buf[i] - 48) | 0;
        i++;
      }
      if (i > 1 && i < n && buf[i] === 62) {
        prio = v < 8 ? v | 8 : v;
        from = (i + 1) | 0;
      }
    }
    this.log.add(prio, this.machine.nanotime(), buf, from, (n - from) | 0);
    return 0;
  }

  override poll(events: i32, waiter: Waiter | null): i32 {
    let ready = events & (POLLOUT | POLLWRNORM);
    if (this.at < this.log.first) ready |= POLLERR;
    if (this.at < this.log.next) ready |= events & (POLLIN | POLLRDNORM);
    if (waiter !== null) this.log.arrived.add(waiter);
    return ready;
  }
}

/** /dev/kmsg: each open reads from the oldest record on. */
export class KmsgDevice extends CharDevice {
  constructor(
    private readonly log: KernelLog,
    private readonly machine: Machine,
  ) {
    super("kmsg", 1, 11, 0o600);
  }

  override open(ctx: DeviceOpen): i32 {
    ctx.device = new KmsgReader(this.log, this.machine);
    return 0;
  }
}
