/**
 * The line discipline: what a terminal makes of bytes between its driver and its readers and writers.
 *
 * Key types `TtyLine` (input editing, echo, output processing), `TtyLineHost` (what it tells the tty). It knows neither
 * processes nor user memory. Neighbours: `tty.ts` (the host), `termios.ts`, `byte-ring.ts`.
 * Invariants: the input ring is first `committed` bytes that may be read, then the line under construction; `marks` has
 * the delimiters of committed lines; in raw mode all input is committed. `out` holds processed bytes only.
 * Source: POSIX 11.1.5 to 11.1.11; termios(3); the behaviour of Linux's N_TTY where POSIX leaves a choice.
 */
import { type i32, type u32 } from "@anax/portable";
import { ByteRing } from "./byte-ring";
import { SIGINT, SIGQUIT, SIGTSTP } from "./sigdefs";
import {
  BRKINT,
  ECHO,
  ECHOCTL,
  ECHOE,
  ECHOK,
  ECHOKE,
  ECHONL,
  ECHOPRT,
  ICANON,
  ICRNL,
  IEXTEN,
  IGNBRK,
  IGNCR,
  IMAXBEL,
  INLCR,
  ISIG,
  ISTRIP,
  IUCLC,
  IUTF8,
  IXANY,
  IXON,
  NOFLSH,
  OCRNL,
  OLCUC,
  ONLCR,
  ONLRET,
  ONOCR,
  OPOST,
  PARMRK,
  TABDLY,
  Termios,
  VEOF,
  VEOL,
  VEOL2,
  VERASE,
  VINTR,
  VKILL,
  VLNEXT,
  VMIN,
  VQUIT,
  VREPRINT,
  VSTART,
  VSTOP,
  VSUSP,
  VTIME,
  VWERASE,
  XTABS,
} from "./termios";

/** Bytes of input that are kept; of output. */
export const TTY_IN_SIZE: i32 = 4096;
export const TTY_OUT_SIZE: i32 = 8192;
/** Room in the output ring that is left for echo when writers fill it. */
const ECHO_RESERVE: i32 = 256;

const MARK_NONE: i32 = 0;
/** The byte ends a line. */
const MARK_END: i32 = 1;
/** An end of file was typed here; the byte itself is not read. */
const MARK_EOF: i32 = 2;

const NL: i32 = 10;
const CR: i32 = 13;
const TAB: i32 = 9;
const BS: i32 = 8;
const BEL: i32 = 7;
const SPACE: i32 = 32;

/** What the discipline tells its tty. */
export interface TtyLineHost {
  /** A signal character was typed. */
  lineSignal(sig: i32): void;
  /** There is more to read than before. */
  lineReadable(): void;
  /** There is output for the driver, or it was stopped or restarted (`line.stopped`). */
  lineOutput(): void;
}

function isControl(c: i32): boolean {
  return c < 32 || c === 127;
}

function isWord(c: i32): boolean {
  return (c >= 48 && c <= 57) || (c >= 65 && c <= 90) || (c >= 97 && c <= 122) || c === 95 || c >= 128;
}

/** The discipline of one terminal. Owned by its tty. */
export class TtyLine {
  readonly input: ByteRing = new ByteRing(TTY_IN_SIZE);
  readonly out: ByteRing = new ByteRing(TTY_OUT_SIZE);
  readonly termios: Termios = new Termios();
  /** Input bytes that may be read. */
  committed: i32 = 0;
  /** Complete lines among them. */
  lines: i32 = 0;
  /** Output is held back (^S, TCOOFF). */
  stopped: boolean = false;
  private readonly marks: Uint8Array = new Uint8Array(TTY_IN_SIZE);
  /** Column of the cursor, and where it was when the line under construction began. */
  private column: i32 = 0;
  private lineColumn: i32 = 0;
  private literalNext: boolean = false;
  /** Between the \ and the / of ECHOPRT. */
  private erasing: boolean = false;

  /** The tty; set once when it is made. */
  host: TtyLineHost | null = null;

  constructor() {
    this.termios.reset();
  }

  private notifyReadable(): void {
    const host = this.host;
    if (host !== null) host.lineReadable();
  }

  private notifyOutput(): void {
    const host = this.host;
    if (host !== null) host.lineOutput();
  }

  private iflag(bit: u32): boolean {
    return (this.termios.iflag & bit) !== 0;
  }

  private lflag(bit: u32): boolean {
    return (this.termios.lflag & bit) !== 0;
  }

  get isCanonical(): boolean {
    return (this.termios.lflag & ICANON) !== 0;
  }

  /** No input processing at all: bytes are stored as they come. */
  private get isRawInput(): boolean {
    const t = this.termios;
    return (
      (t.iflag & (ISTRIP | INLCR | IGNCR | ICRNL | IUCLC | IXON | PARMRK)) === 0 &&
      (t.lflag & (ICANON | ECHO | ISIG | IEXTEN)) === 0
    );
  }

  /** Bytes that may be given to `receive` now without loss. A line that can only grow takes any number: it drops them. */
  get inputRoom(): i32 {
    const free: i32 = this.input.free;
    if (free <= 1 && this.isCanonical && this.lines === 0 && this.committed === 0) return TTY_IN_SIZE;
    return free > 1 ? (free - 1) | 0 : 0;
  }

  // Input

  /** Bytes from the driver. */
  receive(buf: Uint8Array, off: i32, n: i32): void {
    if (this.isRawInput && this.lines === 0) {
      const taken = this.input.write(buf, off, n);
      if (taken < n && this.iflag(IMAXBEL)) this.echoByte(BEL);
      this.committed = this.input.count;
      this.notifyReadable();
    } else {
      for (let i = 0; i < n; i++) this.receiveByte(buf[off + i]);
    }
    if (!this.out.isEmpty) this.notifyOutput();
  }

  /** One byte from the driver. */
  receiveOne(c: i32): void {
    if (this.isRawInput) {
      this.store(c);
      this.notifyReadable();
      return;
    }
    this.receiveByte(c);
    if (!this.out.isEmpty) this.notifyOutput();
  }

  /** A break condition on the line. */
  receiveBreak(): void {
    if (this.iflag(IGNBRK)) return;
    if (this.iflag(BRKINT)) this.signal(SIGINT);
    else if (this.iflag(PARMRK)) {
      this.store(255);
      this.store(0);
      this.store(0);
    } else this.store(0);
    this.notifyReadable();
  }

  private receiveByte(byte: i32): void {
    const cc = this.termios.cc;
    let c = byte;
    if (this.iflag(ISTRIP)) c &= 0x7f;
    if (this.iflag(IUCLC) && this.lflag(IEXTEN) && c >= 65 && c <= 90) c = (c + 32) | 0;
    if (this.literalNext) {
      this.literalNext = false;
      this.ordinary(c);
      return;
    }
    if (this.iflag(IXON)) {
      if (c !== 0 && c === cc[VSTART]) {
        this.start();
        return;
      }
      if (c !== 0 && c === cc[VSTOP]) {
        this.stop();
        return;
      }
      if (this.stopped && this.iflag(IXANY)) this.start();
    }
    if (this.lflag(ISIG) && c !== 0) {
      let sig: i32 = 0;
      if (c === cc[VINTR]) sig = SIGINT;
      else if (c === cc[VQUIT]) sig = SIGQUIT;
      else if (c === cc[VSUSP]) sig = SIGTSTP;
      if (sig !== 0) {
        this.signal(sig);
        if (this.iflag(IXON)) this.start();
        if (this.lflag(ECHO)) this.echoChar(c);
        return;
      }
    }
    if (c === CR) {
      if (this.iflag(IGNCR)) return;
      if (this.iflag(ICRNL)) c = NL;
    } else if (c === NL && this.iflag(INLCR)) c = CR;
    if (this.isCanonical && this.canonical(c)) return;
    this.ordinary(c);
  }

  /** Handles the characters that are special in canonical mode; false for all others. */
  private canonical(c: i32): boolean {
    const cc = this.termios.cc;
    const extended = this.lflag(IEXTEN);
    if (c !== 0) {
      if (c === cc[VERASE] || c === cc[VKILL] || (extended && c === cc[VWERASE])) {
        this.erase(c);
        return true;
      }
      if (extended && c === cc[VLNEXT]) {
        this.literalNext = true;
        if (this.lflag(ECHO)) {
          this.finishErasing();
          if (this.lflag(ECHOCTL)) {
            this.echoByte(94);
            this.echoByte(BS);
          }
        }
        return true;
      }
      if (extended && c === cc[VREPRINT] && this.lflag(ECHO)) {
        this.finishErasing();
        this.echoChar(c);
        this.echoProcessed(NL);
        for (let i = this.committed; i < this.input.count; i++) this.echoChar(this.input.at(i));
        return true;
      }
    }
    if (c === NL) {
      if (this.lflag(ECHO) || this.lflag(ECHONL)) {
        this.finishErasing();
        this.echoProcessed(NL);
      }
      this.endLine(c, MARK_END);
      return true;
    }
    if (c !== 0 && c === cc[VEOF]) {
      this.endLine(0, MARK_EOF);
      return true;
    }
    if (c !== 0 && (c === cc[VEOL] || (extended && c === cc[VEOL2]))) {
      if (this.lflag(ECHO)) this.echoInput(c);
      this.endLine(c, MARK_END);
      return true;
    }
    return false;
  }

  /** A character that means itself. */
  private ordinary(c: i32): void {
    if (this.lflag(ECHO)) {
      this.finishErasing();
      if (c === NL) this.echoProcessed(NL);
      else this.echoInput(c);
    }
    if (c === 255 && this.iflag(PARMRK)) this.store(c);
    this.store(c);
    if (!this.isCanonical) this.notifyReadable();
  }

  /** Appends a byte unless the ring is full but for the place of a delimiter. */
  private store(c: i32): void {
    if (this.input.free <= 1) {
      if (this.iflag(IMAXBEL)) this.echoByte(BEL);
      return;
    }
    this.marks[this.input.tail] = MARK_NONE;
    this.input.push(c);
    if (!this.isCanonical) this.committed = this.input.count;
  }

  private endLine(c: i32, mark: i32): void {
    if (this.input.free === 0) {
      if (this.iflag(IMAXBEL)) this.echoByte(BEL);
      return;
    }
    this.marks[this.input.tail] = mark;
    this.input.push(c);
    this.committed = this.input.count;
    this.lines++;
    this.notifyReadable();
  }

  private signal(sig: i32): void {
    if (!this.lflag(NOFLSH)) {
      this.flushInput();
      this.flushOutput();
    }
    const host = this.host;
    if (host !== null) host.lineSignal(sig);
  }

  /** ERASE, WERASE or KILL. */
  private erase(c: i32): void {
    const cc = this.termios.cc;
    const input = this.input;
    if (input.count === this.committed) return;
    const word = this.lflag(IEXTEN) && c === cc[VWERASE];
    const kill = !word && c === cc[VKILL];
    const echo = this.lflag(ECHO);
    if (kill && (!echo || !this.lflag(ECHOK) || !this.lflag(ECHOKE) || !this.lflag(ECHOE))) {
      while (input.count > this.committed) input.pop();
      if (!echo) return;
      this.finishErasing();
      this.echoChar(c);
      if (this.lflag(ECHOK)) this.echoProcessed(NL);
      return;
    }
    const utf8 = this.iflag(IUTF8);
    let wordSeen = false;
    while (input.count > this.committed) {
      // A character of several bytes goes as one; a broken sequence stays.
      let length: i32 = 1;
      let at: i32 = (input.count - 1) | 0;
      let ch = input.at(at);
      while (utf8 && (ch & 0xc0) === 0x80 && at > this.committed) {
        length++;
        at--;
        ch = input.at(at);
      }
      if (utf8 && (ch & 0xc0) === 0x80) break;
      if (word) {
        if (isWord(ch)) wordSeen = true;
        else if (wordSeen) break;
      }
      if (echo && this.lflag(ECHOPRT)) {
        if (!this.erasing) {
          this.echoByte(92);
          this.erasing = true;
        }
        this.echoChar(ch);
        for (let i: i32 = (at + 1) | 0; i < input.count; i++) this.echoByte(input.at(i));
      }
      for (let i = 0; i < length; i++) input.pop();
      if (echo && !this.lflag(ECHOPRT)) {
        if (!kill && !word && !this.lflag(ECHOE)) this.echoChar(c);
        else if (ch === TAB) this.eraseTab();
        else {
          if (isControl(ch) && this.lflag(ECHOCTL)) this.rubOut();
          if (!isControl(ch) || this.lflag(ECHOCTL)) this.rubOut();
        }
      }
      if (!kill && !word) break;
    }
    if (echo && input.count === this.committed) this.finishErasing();
  }

  /** Goes back over the columns that the tab which has just left the line took. */
  private eraseTab(): void {
    let columns: i32 = 0;
    let fromTab = false;
    let i = this.input.count;
    while (i > this.committed) {
      i--;
      const c = this.input.at(i);
      if (c === TAB) {
        fromTab = true;
        break;
      }
      if (isControl(c)) {
        if (this.lflag(ECHOCTL)) columns = (columns + 2) | 0;
      } else if (!this.iflag(IUTF8) || (c & 0xc0) !== 0x80) columns++;
    }
    if (!fromTab) columns = (columns + this.lineColumn) | 0;
    let back: i32 = (8 - (columns & 7)) | 0;
    while (back > 0) {
      this.echoByte(BS);
      if (this.column > 0) this.column--;
      back--;
    }
  }

  private rubOut(): void {
    this.echoByte(BS);
    this.echoByte(SPACE);
    this.echoByte(BS);
    if (this.column > 0) this.column--;
  }

  private finishErasing(): void {
    if (!this.erasing) return;
    this.echoByte(47);
    this.column++;
    this.erasing = false;
  }

  // Echo

  /** A typed character; the first of a line fixes where the line begins. */
  private echoInput(c: i32): void {
    if (this.input.count === this.committed) this.lineColumn = this.column;
    this.echoChar(c);
  }

  private echoChar(c: i32): void {
    if (isControl(c) && c !== TAB && this.lflag(ECHOCTL)) {
      this.echoByte(94);
      this.echoByte(c ^ 64);
      this.column = (this.column + 2) | 0;
    } else this.echoProcessed(c);
  }

  /** Echo through output processing. */
  private echoProcessed(c: i32): void {
    if (this.out.free < 8) return;
    if ((this.termios.oflag & OPOST) !== 0) this.process(c);
    else this.out.push(c);
  }

  private echoByte(c: i32): void {
    if (this.out.free > 0) this.out.push(c);
  }

  // Output

  /** Bytes that a write may bring for sure now, whatever they expand to. */
  get outputRoom(): i32 {
    const free: i32 = (this.out.free - ECHO_RESERVE) | 0;
    if (free <= 0) return 0;
    const oflag = this.termios.oflag;
    if ((oflag & OPOST) === 0) return free;
    if ((oflag & TABDLY) === XTABS) return free >> 3;
    return free >> 1;
  }

  /** Whether output is stored as it is. */
  get isRawOutput(): boolean {
    return (this.termios.oflag & OPOST) === 0;
  }

  /** Processes written bytes into the output ring; `n` is at most `outputRoom`. */
  transmit(buf: Uint8Array, off: i32, n: i32): void {
    const oflag = this.termios.oflag;
    if ((oflag & OPOST) === 0) {
      this.out.write(buf, off, n);
      return;
    }
    const plain = (oflag & OLCUC) === 0;
    const utf8 = this.iflag(IUTF8);
    const end: i32 = (off + n) | 0;
    let i = off;
    while (i < end) {
      // Runs of printable characters are most of all output: one copy for each run.
      let run = i;
      let columns: i32 = 0;
      while (plain && run < end) {
        const c: i32 = buf[run];
        if (c < 32 || c === 127) break;
        if (!utf8 || (c & 0xc0) !== 0x80) columns++;
        run++;
      }
      if (run > i) {
        this.out.write(buf, i, (run - i) | 0);
        this.column = (this.column + columns) | 0;
        i = run;
      } else {
        this.process(buf[i]);
        i++;
      }
    }
  }

  /** Output processing of one character; there is room for eight. */
  private process(byte: i32): void {
    const oflag = this.termios.oflag;
    let c = byte;
    switch (c) {
      case NL:
        if ((oflag & ONLRET) !== 0) this.column = 0;
        if ((oflag & ONLCR) !== 0) {
          this.out.push(CR);
          this.column = 0;
        }
        this.lineColumn = this.column;
        break;
      case CR:
        if ((oflag & ONOCR) !== 0 && this.column === 0) return;
        if ((oflag & OCRNL) !== 0) {
          c = NL;
          if ((oflag & ONLRET) !== 0) this.column = 0;
        } else this.column = 0;
        this.lineColumn = this.column;
        break;
      case TAB: {
        let spaces: i32 = (8 - (this.column & 7)) | 0;
        this.column = (this.column + spaces) | 0;
        if ((oflag & TABDLY) !== XTABS) break;
        while (spaces > 0) {
          this.out.push(SPACE);
          spaces--;
        }
        return;
      }
      case BS:
        if (this.column > 0) this.column--;
        break;
      default:
        if (!isControl(c)) {
          if ((oflag & OLCUC) !== 0 && c >= 97 && c <= 122) c = (c - 32) | 0;
          if (!this.iflag(IUTF8) || (c & 0xc0) !== 0x80) this.column++;
        }
    }
    this.out.push(c);
  }

  /** A character to the other side, past all processing (tcflow). */
  sendRaw(c: i32): void {
    this.echoByte(c);
    this.notifyOutput();
  }

  // Flow control and flushing

  stop(): void {
    this.stopped = true;
  }

  start(): void {
    if (!this.stopped) return;
    this.stopped = false;
    this.notifyOutput();
  }

  flushInput(): void {
    this.input.clear();
    this.committed = 0;
    this.lines = 0;
    this.erasing = false;
    this.literalNext = false;
  }

  flushOutput(): void {
    this.out.clear();
  }

  // Reading

  /**
   * Bytes that a read may take from `input` in one piece now, at most `most`; 0 when there are none or the next thing is an
   * end of file. In canonical mode the piece does not pass the end of a line.
   */
  readable(most: i32): i32 {
    let n: i32 = this.committed;
    if (n > most) n = most;
    if (n > this.input.span) n = this.input.span;
    if (this.lines === 0) return n;
    const head = this.input.head;
    for (let i: i32 = 0; i < n; i++) {
      const mark: i32 = this.marks[head + i];
      if (mark === MARK_EOF) return i;
      if (mark === MARK_END && this.isCanonical) return (i + 1) | 0;
    }
    return n;
  }

  /** `n` bytes, as `readable` gave them, were read. True when they end a line: a canonical read is then complete. */
  taken(n: i32): boolean {
    if (n === 0) return false;
    const last = (this.input.head + n - 1) & (TTY_IN_SIZE - 1);
    let ended = false;
    if (this.lines > 0) {
      for (let i: i32 = 0; i < n; i++) {
        const at = (this.input.head + i) & (TTY_IN_SIZE - 1);
        if (this.marks[at] !== MARK_NONE) {
          this.lines--;
          if (at === last) ended = true;
        }
      }
    }
    this.committed = (this.committed - n) | 0;
    // The line under construction stays where it is: `drop` rewinds only an empty ring, and then there is none.
    this.input.drop(n);
    return ended;
  }

  /** Whether the next thing to read is an end of file. */
  get atEof(): boolean {
    return this.committed > 0 && this.lines > 0 && this.marks[this.input.head] === MARK_EOF;
  }

  /** Takes the end of file that is next. */
  takeEof(): void {
    this.input.drop(1);
    this.committed--;
    this.lines--;
  }

  /** Bytes that a read could get: in canonical mode those of complete lines. */
  get available(): i32 {
    return this.isCanonical ? this.committed : this.input.count;
  }

  /** Whether a read has something to give: a line, or in raw mode MIN bytes (for poll; one is enough with TIME). */
  get isReadable(): boolean {
    if (this.isCanonical) return this.committed > 0;
    const cc = this.termios.cc;
    const least: i32 = cc[VTIME] === 0 && cc[VMIN] > 0 ? cc[VMIN] : 1;
    return this.committed >= least;
  }

  /** Takes new settings over. */
  setTermios(t: Termios): void {
    const wasCanonical = this.isCanonical;
    const hadFlow = this.iflag(IXON);
    this.termios.copyFrom(t);
    if (wasCanonical && !this.isCanonical) {
      this.committed = this.input.count;
      this.notifyReadable();
    }
    if (this.isCanonical !== wasCanonical) {
      // Bytes that came raw have no delimiters; what is in their marks is older.
      if (this.lines === 0) this.marks.fill(MARK_NONE);
      this.erasing = false;
      this.literalNext = false;
    }
    if (hadFlow && !this.iflag(IXON)) this.start();
  }
}
