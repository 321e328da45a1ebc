/** A growable column of numbers; what a run gathers is kept in these, so that millions of events stay cheap. */
export class Column {
  private values: Float64Array;
  length = 0;

  constructor(capacity = 64) {
    this.values = new Float64Array(capacity);
  }

  /** Appends a number. */
  push(value: number): void {
    if (this.length === this.values.length) {
      const wider = new Float64Array(this.values.length * 2);
      wider.set(this.values);
      this.values = wider;
    }
    this.values[this.length++] = value;
  }

  /** The number at a place from 0 on. Throws a RangeError beyond the end. */
  at(index: number): number {
    if (index < 0 || index >= this.length) throw new RangeError(`no element ${index} in ${this.length}`);
    return this.values[index]!;
  }

  /** Copies all into `target`, from `at` on. */
  copyTo(target: Float64Array, at: number): void {
    target.set(this.values.subarray(0, this.length), at);
  }

  /** A copy, ascending. */
  sorted(): Float64Array {
    return this.values.slice(0, this.length).sort();
  }
}
