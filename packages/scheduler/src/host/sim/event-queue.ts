/**
 * The simulator's future: events by time, first in first out at the same time.
 *
 * Key type `EventQueue`: a binary heap over typed arrays; an event is (time, kind, subject, stamp). Neighbours: `machine.ts`, `programs.ts`, `simulator.ts`.
 * Invariant: `pop` gives events by (time, order of insertion), so that a run depends on nothing but its inputs. Events are not removed:
 * whoever cancels one changes the stamp of its subject, and the event finds itself stale.
 */
export class EventQueue {
  private times = new Float64Array(256);
  private orders = new Float64Array(256);
  private kinds = new Uint8Array(256);
  private subjects = new Int32Array(256);
  private stamps = new Int32Array(256);
  private inserted = 0;
  /** Events that wait. */
  size = 0;

  /** The event that `pop` took out last. */
  time = 0;
  kind = 0;
  subject = 0;
  stamp = 0;

  /** Time of the next event, ns; Infinity when there is none. */
  get nextTime(): number {
    return this.size === 0 ? Infinity : this.times[0]!;
  }

  push(time: number, kind: number, subject: number, stamp: number): void {
    if (this.size === this.times.length) this.grow();
    const { times, orders } = this;
    const order = this.inserted++;
    let i = this.size++;
    while (i > 0) {
      const up = (i - 1) >> 1;
      // The new one is the youngest, so at the same time its parent stays.
      if (times[up]! <= time) break;
      this.move(up, i);
      i = up;
    }
    times[i] = time;
    orders[i] = order;
    this.kinds[i] = kind;
    this.subjects[i] = subject;
    this.stamps[i] = stamp;
  }

  /** Takes the next event into `time`, `kind`, `subject`, `stamp`; false when there is none. */
  pop(): boolean {
    if (this.size === 0) return false;
    const { times, orders } = this;
    this.time = times[0]!;
    this.kind = this.kinds[0]!;
    this.subject = this.subjects[0]!;
    this.stamp = this.stamps[0]!;
    const last = --this.size;
    if (last === 0) return true;
    const time = times[last]!;
    const order = orders[last]!;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= last) break;
      if (child + 1 < last && this.before(child + 1, child)) child++;
      const t = times[child]!;
      if (t > time || (t === time && orders[child]! > order)) break;
      this.move(child, i);
      i = child;
    }
    this.move(last, i);
    return true;
  }

  private before(a: number, b: number): boolean {
    const ta = this.times[a]!;
    const tb = this.times[b]!;
    return ta < tb || (ta === tb && this.orders[a]! < this.orders[b]!);
  }

  private move(from: number, to: number): void {
    this.times[to] = this.times[from]!;
    this.orders[to] = this.orders[from]!;
    this.kinds[to] = this.kinds[from]!;
    this.subjects[to] = this.subjects[from]!;
    this.stamps[to] = this.stamps[from]!;
  }

  private grow(): void {
    const wider = <T extends Float64Array | Uint8Array | Int32Array>(old: T): T => {
      const next = new (old.constructor as new (n: number) => T)(old.length * 2);
      next.set(old as never);
      return next;
    };
    this.times = wider(this.times);
    this.orders = wider(this.orders);
    this.kinds = wider(this.kinds);
    this.subjects = wider(this.subjects);
    this.stamps = wider(this.stamps);
  }
}
