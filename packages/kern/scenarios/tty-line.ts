/** Line editing with pseudo-random keys in several settings: what is read, what is echoed, what signals are sent. */
import { EventLog, i32, imul, u32 } from "@anax/portable";
import { ECHO, ECHOE, ECHOK, ICANON, IMAXBEL, IUTF8, NOFLSH, XTABS } from "../src/termios";
import { TtyLine, type TtyLineHost } from "../src/tty-line";

class Host implements TtyLineHost {
  constructor(private readonly log: EventLog) {}

  lineSignal(sig: i32): void {
    this.log.value("signal", sig);
  }

  lineReadable(): void {}

  lineOutput(): void {}
}

const KEYS: i32[] = [97, 98, 32, 95, 46, 48, 9, 127, 23, 21, 13, 13, 4, 22, 1, 27, 3, 28, 19, 17, 18, 195, 169];

function drain(log: EventLog, line: TtyLine): void {
  let sum: u32 = 0;
  let n: i32 = 0;
  let c = line.out.shift();
  while (c >= 0) {
    sum = u32(imul(i32(sum), 31) + c);
    n++;
    c = line.out.shift();
  }
  if (n > 0) log.text.str("out ").num(n).byte(32).hex32(sum).byte(10);
  while (line.committed > 0) {
    if (line.atEof) {
      line.takeEof();
      log.line("eof");
      continue;
    }
    const k = line.readable(64);
    log.text.str("read ");
    for (let i = 0; i < k; i++) log.text.hex32(u32(line.input.at(i)), 2);
    log.text.byte(10);
    line.taken(k);
  }
}

export function run(log: EventLog): void {
  let seed: u32 = 99;
  for (let mode = 0; mode < 6; mode++) {
    const line = new TtyLine();
    line.host = new Host(log);
    const t = line.termios;
    if (mode === 1) t.lflag = u32(t.lflag & ~ECHOE);
    if (mode === 2) t.lflag = u32(t.lflag & ~(ECHOK | ECHO));
    if (mode === 3) t.iflag = u32(t.iflag | IUTF8 | IMAXBEL);
    if (mode === 4) t.lflag = u32((t.lflag & ~ICANON) | NOFLSH);
    if (mode === 5) t.oflag = u32(t.oflag | XTABS);
    log.value("mode", mode);
    for (let i = 0; i < 3000; i++) {
      seed = u32(imul(i32(seed), 1103515245) + 12345);
      const pick: u32 = (seed >>> 16) % u32(KEYS.length);
      line.receiveOne(KEYS[i32(pick)]);
      drain(log, line);
    }
  }
}
