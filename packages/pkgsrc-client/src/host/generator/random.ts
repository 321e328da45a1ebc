/**
 * Random numbers that are the same for the same seed, on every machine and in every version of Node.
 *
 * Key type: `Random`. Neighbours: everything in this folder.
 * Invariant: only integer arithmetic, so that no engine rounds differently.
 */

/** sfc32 (Chris Doty-Humphrey's small fast chaotic generator), seeded by a number and a label. */
export class Random {
  private a: number;
  private b: number;
  private c: number;
  private counter = 1;

  constructor(
    private readonly seed: number,
    label = "",
  ) {
    this.a = seed | 0;
    this.b = 0x9e3779b9 | 0;
    this.c = label.length;
    for (let i = 0; i < label.length; i++) this.c = (Math.imul(this.c, 31) + label.charCodeAt(i)) | 0;
    for (let i = 0; i < 12; i++) this.word();
  }

  /** Another sequence of the same seed: what is drawn there changes nothing here. */
  fork(label: string): Random {
    return new Random(this.seed, label);
  }

  private word(): number {
    const t = (((this.a + this.b) | 0) + this.counter) | 0;
    this.counter = (this.counter + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = ((this.c << 21) | (this.c >>> 11)) + t;
    this.c |= 0;
    return t >>> 0;
  }

  /** 0 to n - 1. */
  below(n: number): number {
    return n <= 1 ? 0 : this.word() % n;
  }

  /** `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  /** True `permille` times of 1000. */
  chance(permille: number): boolean {
    return this.below(1000) < permille;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }

  /** 0 to n - 1, small numbers far more often: the cube of an even distribution. */
  skewed(n: number): number {
    const x = BigInt(this.word());
    return Number((x * x * x * BigInt(n)) >> 96n);
  }
}
