import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import {
  TAKE_BROKEN,
  TAKE_NONE,
  VirtioConsole,
  VirtioRng,
  Virtqueue,
  queueSize,
  type ConsoleClient,
  type EntropySink,
} from "@anax/drivers-virtio";
import { FakeMemory, FakeTransport } from "./fakes";

let memory: FakeMemory;
let transport: FakeTransport;

beforeEach(() => {
  memory = new FakeMemory();
  transport = new FakeTransport(memory);
});

class Client implements ConsoleClient {
  text = "";
  drains = 0;
  received(buf: Uint8Array, n: number): void {
    this.text += Buffer.from(buf.subarray(0, n)).toString();
  }
  drained(): void {
    this.drains++;
  }
}

function startConsole(): { device: VirtioConsole; client: Client } {
  const device = new VirtioConsole(memory.machine, transport, memory);
  const client = new Client();
  device.setClient(client);
  expect(device.start()).toBe(0);
  return { device, client };
}

function sent(): string {
  let out = "";
  for (let c = transport.take(1); c; c = transport.take(1)) {
    for (const b of c.buffers) out += Buffer.from(memory.slice(b.pa, b.length)).toString();
    transport.finish(1, c.head, 0);
  }
  return out;
}

function type(text: string): void {
  const c = transport.take(0)!;
  memory.slice(c.buffers[0]!.pa, text.length).set(Buffer.from(text));
  transport.finish(0, c.head, text.length);
}

describe("start-up", () => {
  it("negotiates VERSION_1 and only what was offered", () => {
    transport.featuresLow = 0xffffffff;
    new DataView(transport.configBytes.buffer).setUint32(0, (25 << 16) | 80, true);
    const { device } = startConsole();
    expect(transport.driverFeatures).toEqual([1, 1]);
    expect([device.columns, device.rows]).toEqual([80, 25]);
    expect(transport.statusBits).toBe(15);
  });

  it.each([
    ["a legacy device", () => (transport.featuresHigh = 0), -19],
    ["refused features", () => (transport.acceptFeatures = false), -19],
    ["a missing queue", () => (transport.maxSizes = [64]), -19],
    ["a reset that hangs", () => (transport.resetWorks = false), -5],
  ])("gives up on %s", (_name, spoil, error) => {
    spoil();
    const device = new VirtioConsole(memory.machine, transport, memory);
    expect(device.start()).toBe(error);
    expect(device.failed).toBe(true);
    expect(transport.statusBits & 128).toBe(128);
    expect(device.write(new Uint8Array(4), 0, 4)).toBe(0);
  });

  it("says ENOMEM without memory", () => {
    memory = new FakeMemory(1);
    transport = new FakeTransport(memory);
    expect(new VirtioConsole(memory.machine, transport, memory).start()).toBe(-12);
  });
});

describe("console", () => {
  it("carries bytes both ways", () => {
    const { device, client } = startConsole();
    expect(device.write(Buffer.from("xhello"), 1, 5)).toBe(5);
    expect(transport.notified).toContain(1);
    expect(sent()).toBe("hello");
    for (let i = 0; i < 30; i++) {
      type(`line ${i};`);
      device.interrupt();
    }
    expect(client.text).toBe(Array.from({ length: 30 }, (_, i) => `line ${i};`).join(""));
    expect(client.drains).toBe(1);
  });

  it("takes no more output than it has room for, and says when there is room again", () => {
    const { device, client } = startConsole();
    const big = Buffer.alloc(100_000, "a");
    const taken = device.write(big, 0, big.length);
    expect(taken).toBe(8 * 2048);
    expect(device.write(big, 0, 10)).toBe(0);
    expect(sent().length).toBe(taken);
    device.interrupt();
    expect(client.drains).toBe(1);
    expect(device.write(big, 0, 10)).toBe(10);
  });

  it.each([
    ["an id out of range", (h: number) => transport.finish(0, h + 1000, 1)],
    ["more bytes than the buffer holds", (h: number) => transport.finish(0, h, 100_000)],
    ["a chain it does not have", (h: number) => transport.finish(1, h, 0)],
    ["DEVICE_NEEDS_RESET", () => (transport.statusBits |= 64)],
  ])("resets a device that returns %s, and goes on", (_name, misbehave) => {
    const { device, client } = startConsole();
    misbehave(transport.take(0)!.head);
    device.interrupt();
    expect(transport.resets).toBe(2);
    expect(device.failed).toBe(false);
    client.text = "";
    type("alive");
    device.interrupt();
    expect(client.text).toBe("alive");
    expect(device.write(Buffer.from("ok"), 0, 2)).toBe(2);
    expect(sent()).toBe("ok");
  });

  it("gives up on a device that never behaves", () => {
    const { device } = startConsole();
    for (let i = 0; i < 6; i++) {
      if (transport.queues[0]) transport.finish(0, 5000, 0);
      device.interrupt();
    }
    expect(device.failed).toBe(true);
    expect(transport.resets).toBe(4);
  });
});

describe("rng", () => {
  it("hands on what was asked for and leaves nothing in memory", () => {
    transport.type = 4;
    transport.maxSizes = [8];
    let got: number[] = [];
    const sink: EntropySink = { addEntropy: (buf, n) => void (got = got.concat([...buf.subarray(0, n)])) };
    const device = new VirtioRng(memory.machine, transport, memory, sink);
    expect(device.start()).toBe(0);
    device.request(100);
    for (let round = 0; round < 2; round++) {
      const c = transport.take(0)!;
      memory.slice(c.buffers[0]!.pa, 64).fill(round + 1);
      transport.finish(0, c.head, 64);
      device.interrupt();
      expect([...memory.slice(c.buffers[0]!.pa, 64)].every((b) => b === 0)).toBe(true);
    }
    expect(got).toEqual([...Array(64).fill(1), ...Array(64).fill(2)]);
    expect(transport.take(0)).toBeNull();
  });
});

describe("Virtqueue", () => {
  it("sizes itself to the page", () => {
    expect([0, 1, 3, 64, 128, 1024].map(queueSize)).toEqual([0, 1, 2, 64, 128, 128]);
  });

  it("loses and invents no descriptor under any traffic", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 5 }), fc.nat(30)), { maxLength: 300 }),
        (ops) => {
          const mem = new FakeMemory();
          const t = new FakeTransport(mem);
          t.maxSizes = [16];
          t.statusBits = 11;
          const q = new Virtqueue(mem.machine, t, 0, 16, mem.allocPage());
          q.publish();
          const buffer = mem.allocPage();
          const out: { head: number; token: number; length: number }[] = [];
          let token = 0;
          let used = 0;
          for (const [add, length, pick] of ops) {
            if (add) {
              let ok = true;
              for (let i = 0; ok && i < length; i++) ok = q.addBuffer(buffer, 100, true) === 0;
              expect(ok).toBe(used + length <= 16);
              if (!ok) {
                q.abandon();
              } else {
                q.submit(token);
                const chain = t.take(0)!;
                expect(chain.buffers.length).toBe(length);
                out.push({ head: chain.head, token: token++, length });
                used += length;
              }
            } else if (out.length > 0) {
              const [c] = out.splice(pick % out.length, 1);
              t.finish(0, c!.head, 100 * c!.length);
              expect(q.take()).toBe(c!.token);
              expect(q.takenLength).toBe(100 * c!.length);
              used -= c!.length;
            } else {
              expect(q.take()).toBe(TAKE_NONE);
            }
            expect(q.free).toBe(16 - used);
          }
        },
      ),
    );
  });

  it("sees a used index that runs ahead", () => {
    transport.maxSizes = [16];
    transport.statusBits = 11;
    const q = new Virtqueue(memory.machine, transport, 0, 16, memory.allocPage());
    q.publish();
    memory.put16(transport.queues[0]!.used + 2, 17);
    expect(q.take()).toBe(TAKE_BROKEN);
  });
});
