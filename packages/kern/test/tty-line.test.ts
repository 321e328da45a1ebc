import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { SIGINT, SIGQUIT, SIGTSTP } from "../src/sigdefs";
import {
  ECHO,
  ECHOCTL,
  ECHOE,
  ECHOK,
  ECHOKE,
  ECHONL,
  ICANON,
  ICRNL,
  IGNCR,
  IMAXBEL,
  INLCR,
  ISIG,
  ISTRIP,
  IUTF8,
  IXANY,
  IXON,
  NOFLSH,
  OCRNL,
  OLCUC,
  ONLCR,
  ONOCR,
  OPOST,
  PARMRK,
  Termios,
  VEOL,
  VMIN,
  VTIME,
  XTABS,
} from "../src/termios";
import { TTY_IN_SIZE, TtyLine, type TtyLineHost } from "../src/tty-line";

class Host implements TtyLineHost {
  signals: number[] = [];
  readable = 0;
  lineSignal(sig: number): void {
    this.signals.push(sig);
  }
  lineReadable(): void {
    this.readable++;
  }
  lineOutput(): void {}
}

let host: Host;
let line: TtyLine;

beforeEach(() => {
  host = new Host();
  line = new TtyLine();
  line.host = host;
});

function set(change: (t: Termios) => void): void {
  const t = new Termios();
  t.copyFrom(line.termios);
  change(t);
  line.setTermios(t);
}

function type(text: string | number[]): void {
  for (const c of typeof text === "string" ? Buffer.from(text, "latin1") : text) line.receiveOne(c);
}

function output(): string {
  const buf = new Uint8Array(line.out.count);
  line.out.read(buf, 0, buf.length);
  return Buffer.from(buf).toString("latin1");
}

/** One canonical read as tty.ts does it: the text, or null when it would wait. */
function readLine(most = 4096): string | null {
  if (line.committed === 0) return null;
  const got: number[] = [];
  while (!line.atEof && got.length < most) {
    const n = line.readable(most - got.length);
    if (n === 0) return Buffer.from(got).toString("latin1");
    for (let i = 0; i < n; i++) got.push(line.input.at(i));
    if (line.taken(n)) return Buffer.from(got).toString("latin1");
  }
  if (line.atEof) line.takeEof();
  return Buffer.from(got).toString("latin1");
}

function readRaw(): string {
  const n = line.readable(4096);
  const got = Array.from({ length: n }, (_, i) => line.input.at(i));
  line.taken(n);
  return Buffer.from(got).toString("latin1");
}

describe("canonical input", () => {
  it("gives a line when it is complete, and not before", () => {
    type("ab");
    expect(readLine()).toBeNull();
    expect(line.isReadable).toBe(false);
    type("c\r");
    expect(line.isReadable).toBe(true);
    expect(readLine()).toBe("abc\n");
    expect(output()).toBe("abc\r\n");
  });

  it("gives one line a read, and the rest of a long one to the next", () => {
    type("first\nsecond\n");
    expect(readLine(3)).toBe("fir");
    expect(readLine()).toBe("st\n");
    expect(readLine()).toBe("second\n");
    expect(readLine()).toBeNull();
  });

  it("edits with erase, word erase and kill", () => {
    type("helo\x7flo wrld\x17world\n");
    expect(readLine()).toBe("hello world\n");
    type("nonsense\x15fine\n");
    expect(readLine()).toBe("fine\n");
    type("\x7f\x17\x15ok\n");
    expect(readLine()).toBe("ok\n");
  });

  it("takes special characters literally after ^V", () => {
    type("a\x16\x03\x16\x7fb\n");
    expect(host.signals).toEqual([]);
    expect(readLine()).toBe("a\x03\x7fb\n");
    expect(output()).toBe("a^\b^C^\b^?b\r\n");
  });

  it("makes ^D an end of file at the start of a line and a push behind text", () => {
    type("\x04");
    expect(line.atEof).toBe(true);
    expect(readLine()).toBe("");
    type("abc\x04");
    expect(readLine()).toBe("abc");
    expect(readLine()).toBeNull();
    type("abc\x04");
    expect(readLine(3)).toBe("abc");
    expect(readLine()).toBeNull();
  });

  it("ends lines at EOL too", () => {
    set((t) => {
      t.cc[VEOL] = 59;
    });
    type("a;b\n");
    expect(readLine()).toBe("a;");
    expect(readLine()).toBe("b\n");
  });

  it("maps carriage returns and newlines", () => {
    set((t) => {
      t.iflag = INLCR;
    });
    type("a\nb\r");
    expect(readLine()).toBeNull();
    set((t) => {
      t.iflag = IGNCR;
    });
    type("\rc\n");
    expect(readLine()).toBe("a\rb\rc\n");
    set((t) => {
      t.iflag = ISTRIP | ICRNL;
    });
    type([0xe1, 0x8d]);
    expect(readLine()).toBe("a\n");
  });

  it("keeps a line to the size of its buffer and still ends it", () => {
    set((t) => {
      t.iflag |= IMAXBEL;
      t.lflag &= ~ECHO;
    });
    type("x".repeat(TTY_IN_SIZE + 100));
    expect(output()).toContain("\x07");
    expect(line.inputRoom).toBeGreaterThan(0);
    type("\n");
    expect(readLine()).toBe("x".repeat(TTY_IN_SIZE - 1) + "\n");
  });

  it("reprints the line on ^R", () => {
    type("abc\x12");
    expect(output()).toBe("abc^R\r\nabc");
  });

  it("erases a character of several bytes as one with IUTF8", () => {
    set((t) => {
      t.iflag |= IUTF8;
    });
    type(Buffer.from("aé\x7f\n", "utf8").toString("latin1"));
    expect(readLine()).toBe("a\n");
    expect(output()).toBe("a" + Buffer.from("é").toString("latin1") + "\b \b\r\n");
  });
});

describe("echo", () => {
  it("rubs out control characters over two columns and tabs to where they began", () => {
    type("\x01\x7f");
    expect(output()).toBe("^A\b \b\b \b");
    type("ab\t\x7f");
    expect(output()).toBe("ab\t" + "\b".repeat(6));
  });

  it("starts a new line after kill without ECHOKE", () => {
    set((t) => {
      t.lflag &= ~ECHOKE;
    });
    type("abc\x15");
    expect(output()).toBe("abc^U\r\n");
  });

  it("shows the erase character without ECHOE", () => {
    set((t) => {
      t.lflag &= ~ECHOE;
    });
    type("ab\x7f");
    expect(output()).toBe("ab^?");
  });

  it("echoes only newlines with ECHONL", () => {
    set((t) => {
      t.lflag = ICANON | ECHONL;
    });
    type("secret\n");
    expect(output()).toBe("\r\n");
  });
});

describe("signals", () => {
  it("sends them, throws pending input and output away, and shows the character", () => {
    type("abc");
    type("\x03");
    expect(host.signals).toEqual([SIGINT]);
    expect(output()).toBe("^C");
    type("\n");
    expect(readLine()).toBe("\n");
    type("\x1c\x1a");
    expect(host.signals).toEqual([SIGINT, SIGQUIT, SIGTSTP]);
  });

  it("keeps the queues with NOFLSH", () => {
    set((t) => {
      t.lflag |= NOFLSH;
    });
    type("ab\x03c\n");
    expect(readLine()).toBe("abc\n");
  });

  it("passes them on without ISIG", () => {
    set((t) => {
      t.lflag &= ~ISIG;
    });
    type("\x03\n");
    expect(host.signals).toEqual([]);
    expect(readLine()).toBe("\x03\n");
  });
});

describe("flow control", () => {
  it("stops and starts output", () => {
    type("\x13");
    expect(line.stopped).toBe(true);
    type("\x11");
    expect(line.stopped).toBe(false);
  });

  it("starts on any character with IXANY", () => {
    set((t) => {
      t.iflag |= IXANY;
    });
    type("\x13a");
    expect(line.stopped).toBe(false);
    type("\n");
    expect(readLine()).toBe("a\n");
  });

  it("starts when IXON is taken away", () => {
    type("\x13");
    set((t) => {
      t.iflag &= ~IXON;
    });
    expect(line.stopped).toBe(false);
  });
});

describe("raw input", () => {
  beforeEach(() => set((t) => t.makeRaw()));

  it("stores every byte as it is, in bulk and one by one", () => {
    const all = Uint8Array.from({ length: 256 }, (_, i) => i);
    line.receive(all, 0, 256);
    type([...all]);
    expect(readRaw()).toBe(Buffer.from([...all, ...all]).toString("latin1"));
    expect(output()).toBe("");
  });

  it("is readable from MIN bytes on", () => {
    set((t) => {
      t.cc[VMIN] = 3;
    });
    type("ab");
    expect(line.isReadable).toBe(false);
    type("c");
    expect(line.isReadable).toBe(true);
    readRaw();
    set((t) => {
      t.cc[VTIME] = 1;
    });
    type("a");
    expect(line.isReadable).toBe(true);
  });

  it("doubles 0xff with PARMRK", () => {
    set((t) => {
      t.iflag = PARMRK;
    });
    type([255, 1]);
    expect(readRaw()).toBe("\xff\xff\x01");
  });

  it("keeps what was typed when the mode changes", () => {
    set((t) => {
      t.reset();
      t.lflag &= ~ECHO;
    });
    type("partial");
    set((t) => t.makeRaw());
    expect(readRaw()).toBe("partial");
    type("abc");
    set((t) => t.reset());
    expect(line.isReadable).toBe(true);
    type("d\n");
    expect(readLine()).toBe("abcd\n");
  });
});

describe("output processing", () => {
  function write(text: string): string {
    const b = Buffer.from(text, "latin1");
    line.transmit(b, 0, b.length);
    return output();
  }

  it("maps newlines, expands tabs, and leaves the rest", () => {
    expect(write("a\tb\nc\r\x1b[m\xff")).toBe("a\tb\r\nc\r\x1b[m\xff");
    set((t) => {
      t.oflag = OPOST | ONLCR | XTABS;
    });
    expect(write("\nab\tc\n\td")).toBe("\r\nab      c\r\n        d");
    set((t) => {
      t.oflag = OPOST | OLCUC | OCRNL;
    });
    expect(write("abC\r")).toBe("ABC\n");
    set((t) => {
      t.oflag = OPOST | ONOCR;
    });
    expect(write("\n\r")).toContain("\n");
  });

  it("never expands past the room it tells", () => {
    set((t) => {
      t.oflag = OPOST | ONLCR | XTABS;
    });
    while (line.outputRoom > 0) {
      const n = Math.min(line.outputRoom, 500);
      line.transmit(new Uint8Array(n).fill(9), 0, n);
      expect(line.out.free).toBeGreaterThanOrEqual(0);
    }
    expect(line.out.free).toBeGreaterThan(0);
  });

  it("passes bytes through unchanged without OPOST", () => {
    set((t) => t.makeRaw());
    const all = Buffer.from(Array.from({ length: 256 }, (_, i) => i)).toString("latin1");
    expect(write(all)).toBe(all);
  });
});

/** What a screen shows of the current row: just enough of a terminal for echo. */
class Screen {
  row: string[] = [];
  column = 0;

  put(text: string): void {
    for (const c of text) {
      if (c === "\n") {
        this.row = [];
        this.column = 0;
      } else if (c === "\r") this.column = 0;
      else if (c === "\b") this.column = Math.max(0, this.column - 1);
      else if (c === "\t") {
        this.column += 8 - (this.column & 7);
      } else {
        this.row[this.column] = c;
        this.column++;
      }
    }
  }

  /** From the start of the row to the cursor; what was never written is blank. */
  get text(): string {
    return Array.from({ length: this.column }, (_, i) => this.row[i] ?? " ").join("");
  }
}

/** The same line editing, written for clarity: a line is a list of bytes. */
class Model {
  line: number[] = [];
  literal = false;
  lines: string[] = [];

  type(c: number): void {
    if (this.literal) {
      this.literal = false;
      this.line.push(c);
    } else if (c === 0x16) this.literal = true;
    else if (c === 0x7f) this.line.pop();
    else if (c === 0x15) this.line = [];
    else if (c === 0x17) {
      const word = (b: number): boolean => /[A-Za-z0-9_]/.test(String.fromCharCode(b));
      while (this.line.length > 0 && !word(this.line.at(-1)!)) this.line.pop();
      while (this.line.length > 0 && word(this.line.at(-1)!)) this.line.pop();
    } else if (c === 13 || c === 10) this.end([10]);
    else if (c === 4) this.end([]);
    else this.line.push(c);
  }

  private end(last: number[]): void {
    this.lines.push(Buffer.from([...this.line, ...last]).toString("latin1"));
    this.line = [];
  }

  /** What the screen should show of the line under construction. */
  get shown(): string {
    let s = "";
    for (const c of this.line) {
      if (c === 9) s += " ".repeat(8 - (s.length & 7));
      else if (c < 32 || c === 127) s += "^" + String.fromCharCode(c ^ 64);
      else s += String.fromCharCode(c);
    }
    return s;
  }
}

describe("line editing against a model", () => {
  const key = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...Buffer.from("abc dEf_9./")) },
    { weight: 2, arbitrary: fc.constantFrom(0x7f, 0x17, 0x15, 9) },
    { weight: 1, arbitrary: fc.constantFrom(13, 4, 0x16, 1, 0x1b) },
  );

  it("reads the same lines and shows the same text", () => {
    fc.assert(
      fc.property(fc.array(key, { maxLength: 120 }), (keys) => {
        host = new Host();
        line = new TtyLine();
        line.host = host;
        set((t) => {
          t.lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | 0o100000;
        });
        const model = new Model();
        const screen = new Screen();
        const read: string[] = [];
        for (const k of keys) {
          // A tab passes over the ^ that ^V left on the screen, here as on Linux.
          if (k === 9 && model.literal) continue;
          const pushed = k === 4 && !model.literal;
          model.type(k);
          line.receiveOne(k);
          screen.put(output());
          for (let l = readLine(); l !== null; l = readLine()) read.push(l);
          // ^D leaves the text it pushed on the screen: start a new row on both sides.
          if (pushed) {
            const b = Buffer.from("\n");
            line.transmit(b, 0, 1);
            screen.put(output());
          }
          if (!model.literal) expect(screen.text).toBe(model.shown);
        }
        expect(read).toEqual(model.lines);
      }),
      { numRuns: 500 },
    );
  });
});
