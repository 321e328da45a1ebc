/** `LongArray` over a StaticArray<i64>, AssemblyScript side. `address` is for the machine's glue alone. */
export class LongArray {
  private readonly items: StaticArray<i64>;

  constructor(readonly length: i32) {
    this.items = new StaticArray<i64>(length);
  }

  get(i: i32): i64 {
    return this.items[i];
  }

  set(i: i32, v: i64): void {
    this.items[i] = v;
  }

  fill(v: i64): void {
    for (let i = 0; i < this.length; i++) this.items[i] = v;
  }

  get address(): usize {
    return changetype<usize>(this.items);
  }
}
