/**
 * Terminal settings and their encodings.
 *
 * Key type `Termios`, owned by its tty. Neighbours: `tty-line.ts` (obeys it), `tty-ioctl.ts`. Invariant: bit values and layouts
 * are those of Linux x86-64, so the structures are copied as they are.
 * Source: POSIX 11.2, termios(3), Linux uapi asm-generic/termbits.h.
 */
import { copyBytes, getU16, getU32, putU16, putU32, i32, u32 } from "@anax/portable";

export const IGNBRK: u32 = 0o1;
export const BRKINT: u32 = 0o2;
export const IGNPAR: u32 = 0o4;
export const PARMRK: u32 = 0o10;
export const INPCK: u32 = 0o20;
export const ISTRIP: u32 = 0o40;
export const INLCR: u32 = 0o100;
export const IGNCR: u32 = 0o200;
export const ICRNL: u32 = 0o400;
export const IUCLC: u32 = 0o1000;
export const IXON: u32 = 0o2000;
export const IXANY: u32 = 0o4000;
export const IXOFF: u32 = 0o10000;
export const IMAXBEL: u32 = 0o20000;
export const IUTF8: u32 = 0o40000;

export const OPOST: u32 = 0o1;
export const OLCUC: u32 = 0o2;
export const ONLCR: u32 = 0o4;
export const OCRNL: u32 = 0o10;
export const ONOCR: u32 = 0o20;
export const ONLRET: u32 = 0o40;
export const TABDLY: u32 = 0o14000;
export const XTABS: u32 = 0o14000;

export const CBAUD: u32 = 0o10017;
export const BOTHER: u32 = 0o10000;
export const CSIZE: u32 = 0o60;
export const CS8: u32 = 0o60;
export const CREAD: u32 = 0o200;
export const HUPCL: u32 = 0o2000;
export const CLOCAL: u32 = 0o4000;
export const B38400: u32 = 0o17;
export const B115200: u32 = 0o10002;

export const ISIG: u32 = 0o1;
export const ICANON: u32 = 0o2;
export const ECHO: u32 = 0o10;
export const ECHOE: u32 = 0o20;
export const ECHOK: u32 = 0o40;
export const ECHONL: u32 = 0o100;
export const NOFLSH: u32 = 0o200;
export const TOSTOP: u32 = 0o400;
export const ECHOCTL: u32 = 0o1000;
export const ECHOPRT: u32 = 0o2000;
export const ECHOKE: u32 = 0o4000;
export const IEXTEN: u32 = 0o100000;

export const VINTR: i32 = 0;
export const VQUIT: i32 = 1;
export const VERASE: i32 = 2;
export const VKILL: i32 = 3;
export const VEOF: i32 = 4;
export const VTIME: i32 = 5;
export const VMIN: i32 = 6;
export const VSWTC: i32 = 7;
export const VSTART: i32 = 8;
export const VSTOP: i32 = 9;
export const VSUSP: i32 = 10;
export const VEOL: i32 = 11;
export const VREPRINT: i32 = 12;
export const VDISCARD: i32 = 13;
export const VWERASE: i32 = 14;
export const VLNEXT: i32 = 15;
export const VEOL2: i32 = 16;
export const NCCS: i32 = 19;

/** Bytes of struct termios, struct termios2 and struct termio. */
export const TERMIOS_SIZE: i32 = 36;
export const TERMIOS2_SIZE: i32 = 44;
export const TERMIO_SIZE: i32 = 18;

const SPEEDS: i32[] = [0, 50, 75, 110, 134, 150, 200, 300, 600, 1200, 1800, 2400, 4800, 9600, 19200, 38400];
const HIGH_SPEEDS: i32[] = [
  57600, 115200, 230400, 460800, 500000, 576000, 921600, 1000000, 1152000, 1500000, 2000000, 2500000, 3000000, 3500000,
  4000000,
];

/** Bits a second of a CBAUD code; 0 for BOTHER. */
export function speedOf(cbaud: u32): u32 {
  const low: i32 = i32(cbaud & 0o17);
  if ((cbaud & 0o10000) === 0) return u32(SPEEDS[low]);
  return low === 0 ? 0 : u32(HIGH_SPEEDS[low - 1]);
}

/** The settings of one terminal. */
export class Termios {
  iflag: u32 = 0;
  oflag: u32 = 0;
  cflag: u32 = 0;
  lflag: u32 = 0;
  /** Number of the line discipline; always 0 (N_TTY). */
  line: u32 = 0;
  /** Special characters by V* index; 0 = disabled. */
  readonly cc: Uint8Array = new Uint8Array(NCCS);
  /** Bits a second. */
  ispeed: u32 = 38400;
  ospeed: u32 = 38400;

  /** The settings a terminal starts with: canonical, echo, signals, as Linux has them. */
  reset(): void {
    this.iflag = ICRNL | IXON;
    this.oflag = OPOST | ONLCR;
    this.cflag = B38400 | CS8 | CREAD | HUPCL;
    this.lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN;
    this.line = 0;
    this.ispeed = 38400;
    this.ospeed = 38400;
    const cc = this.cc;
    cc.fill(0);
    cc[VINTR] = 3;
    cc[VQUIT] = 28;
    cc[VERASE] = 127;
    cc[VKILL] = 21;
    cc[VEOF] = 4;
    cc[VMIN] = 1;
    cc[VSTART] = 17;
    cc[VSTOP] = 19;
    cc[VSUSP] = 26;
    cc[VREPRINT] = 18;
    cc[VDISCARD] = 15;
    cc[VWERASE] = 23;
    cc[VLNEXT] = 22;
  }

  /** No processing at all, in either direction: a byte channel. */
  makeRaw(): void {
    this.reset();
    this.iflag = 0;
    this.oflag = 0;
    this.lflag = 0;
    this.cc[VMIN] = 1;
    this.cc[VTIME] = 0;
  }

  copyFrom(t: Termios): void {
    this.iflag = t.iflag;
    this.oflag = t.oflag;
    this.cflag = t.cflag;
    this.lflag = t.lflag;
    this.line = t.line;
    this.cc.set(t.cc);
    this.ispeed = t.ispeed;
    this.ospeed = t.ospeed;
  }

  /** Keeps of `old` what `locks` has bits (or a character) for. */
  keepLocked(old: Termios, locks: Termios): void {
    this.iflag = u32((this.iflag & ~locks.iflag) | (old.iflag & locks.iflag));
    this.oflag = u32((this.oflag & ~locks.oflag) | (old.oflag & locks.oflag));
    this.cflag = u32((this.cflag & ~locks.cflag) | (old.cflag & locks.cflag));
    this.lflag = u32((this.lflag & ~locks.lflag) | (old.lflag & locks.lflag));
    for (let i = 0; i < NCCS; i++) if (locks.cc[i] !== 0) this.cc[i] = old.cc[i];
  }

  /** Writes struct termios, and with `two` the speeds of struct termios2. */
  encode(buf: Uint8Array, two: boolean): void {
    putU32(buf, 0, this.iflag);
    putU32(buf, 4, this.oflag);
    putU32(buf, 8, this.cflag);
    putU32(buf, 12, this.lflag);
    buf[16] = this.line;
    copyBytes(buf, 17, this.cc, 0, NCCS);
    if (!two) return;
    putU32(buf, 36, this.ispeed);
    putU32(buf, 40, this.ospeed);
  }

  decode(buf: Uint8Array, two: boolean): void {
    this.iflag = getU32(buf, 0);
    this.oflag = getU32(buf, 4);
    this.cflag = getU32(buf, 8);
    this.lflag = getU32(buf, 12);
    copyBytes(this.cc, 0, buf, 17, NCCS);
    const speed: u32 = speedOf(u32(this.cflag & CBAUD));
    if (speed !== 0 || (this.cflag & CBAUD) === 0) {
      this.ispeed = speed;
      this.ospeed = speed;
    } else if (two) {
      this.ispeed = getU32(buf, 36);
      this.ospeed = getU32(buf, 40);
    }
  }

  /** Writes struct termio: the low halves and the first eight characters. */
  encodeTermio(buf: Uint8Array): void {
    putU16(buf, 0, this.iflag & 0xffff);
    putU16(buf, 2, this.oflag & 0xffff);
    putU16(buf, 4, this.cflag & 0xffff);
    putU16(buf, 6, this.lflag & 0xffff);
    buf[8] = this.line;
    copyBytes(buf, 9, this.cc, 0, 8);
    buf[17] = 0;
  }

  /** Reads struct termio; the high halves and the other characters stay. */
  decodeTermio(buf: Uint8Array): void {
    this.iflag = u32((this.iflag & 0xffff0000) | getU16(buf, 0));
    this.oflag = u32((this.oflag & 0xffff0000) | getU16(buf, 2));
    this.cflag = u32((this.cflag & 0xffff0000) | getU16(buf, 4));
    this.lflag = u32((this.lflag & 0xffff0000) | getU16(buf, 6));
    copyBytes(this.cc, 0, buf, 9, 8);
  }
}
