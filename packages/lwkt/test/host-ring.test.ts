/** The ring against a queue: records of any length, wraps, batches, both ends in one thread and in two. */
import { Worker } from "node:worker_threads";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RingReader, RingWriter, closeRing, ringBytes, type RingMemory } from "@anax/lwkt/host";
import { bundle } from "./bundle";

/** Fits the first free word of each record: a tag that is not 0, its length, then a pattern. */
function write(ring: RingWriter, size: number, tag: number): boolean {
  if (ring.room() < size && !ring.refill(size)) return false;
  const at = ring.offset;
  ring.wire.put32(at, tag);
  ring.wire.put32(at + 4, size);
  for (let i = 8; i < size; i += 4) ring.wire.put32(at + i, tag * 31 + i);
  ring.advance(size);
  return true;
}

function check(ring: RingReader, at: number, size: number, tag: number): void {
  expect(ring.wire.get32(at)).toBe(tag);
  expect(ring.wire.get32(at + 4)).toBe(size);
  for (let i = 8; i < size; i += 4) expect(ring.wire.get32(at + i)).toBe((tag * 31 + i) | 0);
}

const memoryOf = (capacity: number, offset = 0): RingMemory => ({
  buffer: new SharedArrayBuffer(offset + ringBytes(capacity)),
  offset,
  capacity,
});

/** What may be done with a ring. */
type Step = { do: "put"; words: number } | { do: "publish" } | { do: "take" } | { do: "release" } | { do: "want" };

const steps = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ do: fc.constant("put" as const), words: fc.integer({ min: 1, max: 32 }) }) },
    { weight: 2, arbitrary: fc.constant({ do: "publish" as const }) },
    { weight: 4, arbitrary: fc.constant({ do: "take" as const }) },
    { weight: 2, arbitrary: fc.constant({ do: "release" as const }) },
    { weight: 1, arbitrary: fc.constant({ do: "want" as const }) },
  ),
  { maxLength: 400 },
);

describe("ring", () => {
  test("is a queue of whole records, whatever is done in which order", () => {
    fc.assert(
      fc.property(steps, fc.constantFrom(1024, 2048), (list: Step[], capacity) => {
        const memory = memoryOf(capacity, 64);
        const writer = new RingWriter(memory);
        const reader = new RingReader(memory);
        const queue: { size: number; tag: number }[] = [];
        let visible = 0;
        let tag = 1;
        let refused = false;
        for (const step of list) {
          switch (step.do) {
            case "put": {
              const size = step.words * 8;
              if (write(writer, size, tag)) queue.push({ size, tag: tag++ });
              else {
                // Only a ring with more than half of it in use, or given up but not released, may refuse.
                refused = true;
                expect(writer.used()).toBeGreaterThan(capacity / 2);
              }
              break;
            }
            case "publish":
              writer.publish();
              visible = queue.length;
              break;
            case "take": {
              const at = reader.next();
              if (visible === 0) expect(at).toBe(-1);
              else {
                const { size, tag: expected } = queue.shift()!;
                visible--;
                check(reader, at, size, expected);
                reader.take(size);
              }
              break;
            }
            case "release":
              reader.release();
              break;
            default:
              writer.publish();
              visible = queue.length;
              if (!writer.wantSpace()) expect(writer.used()).toBeLessThanOrEqual(capacity / 2);
          }
          expect(writer.used()).toBeLessThanOrEqual(capacity);
        }
        writer.publish();
        while (queue.length > 0) {
          const { size, tag: expected } = queue.shift()!;
          const at = reader.next();
          check(reader, at, size, expected);
          reader.take(size);
        }
        expect(reader.next()).toBe(-1);
        reader.release();
        expect(writer.used()).toBe(0);
        // An empty ring takes the longest record, wherever it stands.
        expect(write(writer, writer.longest, tag)).toBe(true);
        return !refused || list.length > 0;
      }),
      { numRuns: 300 },
    );
  });

  test("counters go over 2^32", () => {
    const memory = memoryOf(1024);
    const control = new Int32Array(memory.buffer, 0, 64);
    control[0] = control[16] = -512;
    const writer = new RingWriter(memory);
    const reader = new RingReader(memory);
    for (let n = 1; n < 200; n++) {
      expect(write(writer, 104, n)).toBe(true);
      writer.publish();
      check(reader, reader.next(), 104, n);
      reader.take(104);
      reader.release();
    }
    expect(control[0]).toBeGreaterThan(0);
  });

  test("the consumer rings once, when half is left", () => {
    const memory = memoryOf(1024);
    const writer = new RingWriter(memory);
    const reader = new RingReader(memory);
    for (let n = 1; write(writer, 128, n); n++);
    writer.publish();
    expect(writer.wantSpace()).toBe(true);
    const rang: number[] = [];
    for (let n = 1; n <= 8; n++) {
      reader.next();
      reader.take(128);
      if (reader.release()) rang.push(n);
    }
    expect(rang).toEqual([4]);
    expect(writer.spaceGiven).toBe(true);
  });

  test("a producer that waits is rung by a consumer that gives back only what it owes", () => {
    const steps = fc.array(fc.record({ words: fc.integer({ min: 1, max: 32 }), taken: fc.nat(6) }), { maxLength: 300 });
    fc.assert(
      fc.property(steps, (list) => {
        const memory = memoryOf(1024);
        const writer = new RingWriter(memory);
        const reader = new RingReader(memory);
        let rang = false;
        const take = (n: number): void => {
          for (let at = reader.next(); at >= 0 && n > 0; at = reader.next(), n--) {
            reader.take(reader.wire.get32(at + 4));
            if (reader.owes && reader.release()) rang = true;
          }
        };
        let tag = 1;
        for (const { words, taken } of list) {
          while (!write(writer, words * 8, tag)) {
            writer.publish();
            rang = false;
            if (!writer.wantSpace()) continue;
            take(Infinity);
            expect([rang, writer.spaceGiven]).toEqual([true, true]);
          }
          tag++;
          writer.publish();
          take(taken);
        }
      }),
    );
  });

  test("sizes that are none, and the end", () => {
    for (const capacity of [0, 1000, 512, 1536, 2 ** 31, 1024.5]) expect(() => ringBytes(capacity)).toThrow("EINVAL");
    const memory = memoryOf(1024);
    const writer = new RingWriter(memory);
    expect(writer.isClosed).toBe(false);
    closeRing(memory);
    expect([writer.isClosed, new RingReader(memory).isClosed]).toEqual([true, true]);
  });

  test("two threads: 200,000 records of all lengths arrive as they were sent", async () => {
    const memory = memoryOf(2048);
    const count = 200_000;
    const worker = new Worker(await bundle("workers/ring.ts"), { workerData: { memory, count } });
    const result = new Promise<unknown>((resolve, reject) => {
      worker.once("message", resolve);
      worker.once("error", reject);
    });
    const writer = new RingWriter(memory);
    for (let n = 1; n <= count; n++) {
      const size = 8 + (n % 40) * 8;
      for (let tries = 0; !write(writer, size, n); tries++) {
        writer.publish();
        // The other thread may not be running at all.
        if (tries > 100) await new Promise((resolve) => setImmediate(resolve));
      }
      if (n % 7 === 0) writer.publish();
    }
    writer.publish();
    expect(await result).toEqual({ got: count, wrong: 0 });
    await worker.terminate();
  });
});
