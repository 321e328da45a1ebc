/** Progress on stderr of what takes more than a second: a bar on a terminal, a line now and then elsewhere. */
import { SingleBar } from "cli-progress";

const PATIENCE_MS = 1_000;
const LINE_MS = 5_000;

export class Progress {
  private readonly started = performance.now();
  private bar: SingleBar | null = null;
  private lineAt = 0;

  constructor(
    private readonly title: string,
    private readonly quiet = false,
  ) {}

  /** `done` of `all`; `all` may be endless. */
  readonly update = (done: number, all: number): void => {
    const now = performance.now();
    if (this.quiet || now - this.started < PATIENCE_MS) return;
    const permille = Number.isFinite(all) && all > 0 ? Math.min(999, Math.floor((1000 * done) / all)) : 0;
    if (process.stderr.isTTY) {
      if (this.bar === null) {
        this.bar = new SingleBar({
          format: `${this.title} {bar} {percentage} %`,
          stream: process.stderr,
          hideCursor: true,
          clearOnComplete: true,
          formatValue: (value, _, type) => (type === "percentage" ? String(value).padStart(3) : String(value)),
        });
        this.bar.start(1000, permille);
      }
      this.bar.update(permille);
    } else if (now - this.lineAt >= LINE_MS) {
      this.lineAt = now;
      process.stderr.write(`${this.title}: ${(permille / 10).toFixed(0)} %\n`);
    }
  };

  stop(): void {
    this.bar?.stop();
    this.bar = null;
  }
}
