/** A device of Kernel TypeScript on the other side of a virtqueue: chains, wrap-around, hints, and answers that break the rules. */
import { EventLog, Errno, i32, imul, longOf, toLong, u32, type long } from "@anax/portable";
import { Machine } from "@anax/machine";
import { VirtioTransport, Virtqueue } from "@anax/drivers-virtio";

const SIZE: i32 = 8;

/** The device: sees what the driver wrote into memory, and answers through the used ring. */
class Device extends VirtioTransport {
  private desc: long = 0;
  private avail: long = 0;
  private used: long = 0;
  private seen: i32 = 0;
  private done: i32 = 0;
  kicks: i32 = 0;

  constructor(
    private readonly machine: Machine,
    private readonly log: EventLog,
  ) {
    super();
  }

  deviceType(): i32 {
    return 3;
  }
  status(): i32 {
    return 0;
  }
  setStatus(_v: i32): void {}
  reset(): i32 {
    this.seen = 0;
    this.done = 0;
    return 0;
  }
  deviceFeatures(_word: i32): u32 {
    return 0;
  }
  setDriverFeatures(_word: i32, _v: u32): void {}
  queueMax(_q: i32): i32 {
    return SIZE;
  }
  setQueue(q: i32, size: i32, desc: long, avail: long, used: long): void {
    this.log.value("queue", q);
    this.log.value("size", size);
    this.desc = desc;
    this.avail = avail;
    this.used = used;
  }
  notify(_q: i32): void {
    this.kicks++;
  }
  takeInterrupt(): i32 {
    return 0;
  }
  config8(_off: i32): i32 {
    return 0;
  }
  config32(_off: i32): u32 {
    return 0;
  }

  /** The head of the next chain, or -1; logs what the driver describes. */
  next(): i32 {
    const m = this.machine;
    if (i32(m.load16(this.avail + 2)) === this.seen) return -1;
    const head = i32(m.load16(this.avail + 4 + (this.seen & (SIZE - 1)) * 2));
    this.seen = (this.seen + 1) & 0xffff;
    let d = head;
    for (let n = 0; n < SIZE; n++) {
      const at: long = this.desc + (d & (SIZE - 1)) * 16;
      const flags = m.load16(at + 12);
      this.log.value("buffer", m.load64(at));
      this.log.value("length", toLong(m.load32(at + 8)));
      this.log.value("flags", toLong(flags));
      if ((flags & 1) === 0) break;
      d = i32(m.load16(at + 14));
    }
    return head;
  }

  finish(id: u32, length: u32): void {
    const m = this.machine;
    const at: long = this.used + 4 + (this.done & (SIZE - 1)) * 8;
    m.store32(at, id);
    m.store32(at + 4, length);
    this.done = (this.done + 1) & 0xffff;
    m.store16(this.used + 2, u32(this.done));
  }

  skipUsed(by: i32): void {
    this.machine.store16(this.used + 2, u32((this.done + by) & 0xffff));
  }

  refuseKicks(on: boolean): void {
    this.machine.store16(this.used, on ? 1 : 0);
  }
}

function take(log: EventLog, queue: Virtqueue): void {
  log.value("take", queue.take());
  log.value("written", toLong(queue.takenLength));
  log.value("free", queue.free);
}

/** Random chains, answered out of order; far past the wrap of the 8 entries. */
function traffic(log: EventLog, device: Device, queue: Virtqueue): void {
  let seed: u32 = 99;
  const open: i32[] = [];
  for (let step = 0; step < 300; step++) {
    seed = u32(imul(i32(seed), 1664525) + 1013904223);
    const kind = i32(seed >>> 29);
    if (kind < 4) {
      const buffers: i32 = (i32((seed >>> 20) & 3) + 1) | 0;
      let error: i32 = 0;
      for (let k = 0; k < buffers && error === 0; k++) {
        error = queue.addBuffer(longOf((k + 1) | 0, seed), u32((k + 1) * 16), k > 0);
      }
      if (error === 0) {
        queue.submit(step);
        queue.kick();
      } else {
        log.value("full", error === -Errno.NOSPC ? 1 : 0);
        queue.abandon();
      }
    } else if (kind < 6) {
      const head = device.next();
      if (head >= 0) open.push(head);
    } else if (kind === 6) {
      if (open.length > 0) device.finish(u32(open.pop()!), seed & 15);
    } else take(log, queue);
  }
  log.value("kicks", device.kicks);
}

export function run(log: EventLog): void {
  const machine = new Machine();
  const page = machine.memRegionBase(0);
  machine.zeroPhys(page, 4096);
  const device = new Device(machine, log);
  const queue = new Virtqueue(machine, device, 1, SIZE, page);
  queue.publish();
  traffic(log, device, queue);

  for (let kind = 0; kind < 4; kind++) {
    log.value("broken", kind);
    queue.restart();
    device.reset();
    queue.addBuffer(toLong(4096), 64, true);
    queue.submit(5);
    if (kind === 0) device.finish(u32(SIZE), 1);
    else if (kind === 1) device.finish(0, 65);
    else if (kind === 2) device.finish(3, 0);
    else device.skipUsed((SIZE + 1) | 0);
    take(log, queue);
  }
  queue.restart();
  device.reset();
  const kicks = device.kicks;
  device.refuseKicks(true);
  queue.kick();
  device.refuseKicks(false);
  queue.kick();
  log.value("kicks", (device.kicks - kicks) | 0);
}
