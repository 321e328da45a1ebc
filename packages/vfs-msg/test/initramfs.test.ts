import { gzipSync, deflateRawSync, constants } from "node:zlib";
import { Errno } from "@anax/portable";
import {
  BytesSource,
  Crc32,
  GzipStream,
  Inflater,
  Initramfs,
  PhysSource,
  devMajor,
  devMinor,
  type Stat,
} from "@anax/vfs-msg";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { World } from "./world";

interface Item {
  name: string;
  mode: number;
  data?: Uint8Array | string;
  ino?: number;
  nlink?: number;
  uid?: number;
  gid?: number;
  mtime?: number;
  rdev?: [number, number];
  crc?: boolean;
  sum?: number;
}

function hex(v: number): string {
  return (v >>> 0).toString(16).padStart(8, "0");
}

let inoSeq = 100;

export function cpio(items: Item[], trailer = true): Buffer {
  const parts: Buffer[] = [];
  const put = (i: Item): void => {
    const data = Buffer.from(typeof i.data === "string" ? i.data : (i.data ?? new Uint8Array(0)));
    const name = Buffer.from(i.name + "\0");
    const sum = i.sum ?? data.reduce((a, b) => (a + b) >>> 0, 0);
    const fields = [
      i.ino ?? inoSeq++,
      i.mode,
      i.uid ?? 0,
      i.gid ?? 0,
      i.nlink ?? 1,
      i.mtime ?? 0,
      data.length,
      8,
      1,
      i.rdev?.[0] ?? 0,
      i.rdev?.[1] ?? 0,
      name.length,
      i.crc ? sum : 0,
    ];
    const head = Buffer.from((i.crc ? "070702" : "070701") + fields.map(hex).join(""));
    parts.push(head, name, Buffer.alloc(-(110 + name.length) & 3), data, Buffer.alloc(-data.length & 3));
  };
  items.forEach(put);
  if (trailer) put({ name: "TRAILER!!!", mode: 0, ino: 0 });
  return Buffer.concat(parts);
}

function unpack(bytes: Uint8Array, w = new World()): { w: World; error: number; text: string } {
  const u = new Initramfs(w.vfs, new BytesSource(new Uint8Array(bytes)));
  const error = u.unpack(w.vfs.root);
  return { w, error, text: u.error };
}

const big = Uint8Array.from({ length: 20000 }, (_, i) => (i * 7 + (i >> 8)) & 0xff);

const tree: Item[] = [
  { name: ".", mode: 0o040755 },
  { name: "bin", mode: 0o040755, mtime: 1234567 },
  { name: "bin/busybox", mode: 0o100755, data: big, mtime: 1700000000 },
  { name: "bin/sh", mode: 0o120777, data: "busybox" },
  { name: "dev", mode: 0o040755 },
  { name: "dev/console", mode: 0o020600, rdev: [5, 1] },
  { name: "tmp", mode: 0o041777 },
  { name: "etc", mode: 0o040755 },
  { name: "etc/passwd", mode: 0o100644, data: "root:x:0:0::/:/bin/sh\n", uid: 5, gid: 6 },
  { name: "etc/fifo", mode: 0o010644 },
  { name: "suid", mode: 0o104755, data: "x", uid: 1 },
];

function checkTree(w: World): void {
  expect(w.read(w.vnode("/bin/busybox"), 0, 30000)).toEqual(big);
  expect(w.readlink("/bin/sh")).toBe("busybox");
  const console = w.stat("/dev/console") as Stat;
  expect(console.mode).toBe(0o020600);
  expect([devMajor(console.rdev), devMinor(console.rdev)]).toEqual([5, 1]);
  expect((w.stat("/tmp") as Stat).mode).toBe(0o041777);
  const passwd = w.stat("/etc/passwd") as Stat;
  expect([passwd.uid, passwd.gid, passwd.mode, passwd.nlink]).toEqual([5, 6, 0o100644, 1]);
  expect((w.stat("/bin/busybox") as Stat).mtimeSec).toBe(1700000000);
  expect((w.stat("/bin") as Stat).mtimeSec).toBe(1234567);
  expect((w.stat("/suid") as Stat).mode).toBe(0o104755);
  expect((w.stat("/etc/fifo") as Stat).mode).toBe(0o010644);
}

describe("cpio archives", () => {
  test("plain", () => {
    const r = unpack(cpio(tree));
    expect(r.text).toBe("");
    expect(r.error).toBe(0);
    checkTree(r.w);
  });

  test("gzip'd, from physical memory", () => {
    const zip = gzipSync(cpio(tree));
    const w = new World();
    const pg = w.pages.allocContiguous(8);
    w.machine.writePhys(new Uint8Array(zip), 0, w.pages.pa(pg), zip.length);
    const u = new Initramfs(w.vfs, new PhysSource(w.machine, w.pages.pa(pg), zip.length));
    expect(u.unpack(w.vfs.root)).toBe(0);
    checkTree(w);
  });

  test("several, plain and gzip'd, with padding; later ones replace files and types", () => {
    const bytes = Buffer.concat([
      cpio(tree),
      Buffer.alloc(512),
      gzipSync(
        Buffer.concat([
          cpio([{ name: "a", mode: 0o100644, data: "one" }]),
          Buffer.alloc(100),
          cpio([{ name: "b", mode: 0o100600, data: "two" }]),
        ]),
      ),
      Buffer.alloc(3),
      cpio([
        { name: "a", mode: 0o120777, data: "b" },
        { name: "etc/passwd", mode: 0o100600, data: "short" },
        { name: "missing/parents/file", mode: 0o100644, data: "p" },
      ]),
      Buffer.alloc(1000),
    ]);
    const r = unpack(bytes);
    expect(r.text).toBe("");
    expect(r.w.text("/a")).toBe("two");
    expect(r.w.text("/etc/passwd")).toBe("short");
    expect(r.w.text("/missing/parents/file")).toBe("p");
  });

  test("hard links, data with the first or with the last name", () => {
    const r = unpack(
      cpio([
        { name: "x1", mode: 0o100755, ino: 7, nlink: 3 },
        { name: "x2", mode: 0o100755, ino: 7, nlink: 3 },
        { name: "x3", mode: 0o100755, ino: 7, nlink: 3, data: "linked" },
        { name: "y1", mode: 0o100644, ino: 8, nlink: 2, data: "first" },
        { name: "y2", mode: 0o100644, ino: 8, nlink: 2 },
      ]),
    );
    expect(r.error).toBe(0);
    for (const n of ["/x1", "/x2", "/x3"]) expect(r.w.text(n)).toBe("linked");
    for (const n of ["/y1", "/y2"]) expect(r.w.text(n)).toBe("first");
    expect((r.w.stat("/x1") as Stat).nlink).toBe(3);
    expect((r.w.stat("/x1") as Stat).ino).toBe((r.w.stat("/x3") as Stat).ino);
  });

  test("the crc format's sums are checked", () => {
    expect(unpack(cpio([{ name: "f", mode: 0o100644, data: big, crc: true }])).error).toBe(0);
    const r = unpack(cpio([{ name: "f", mode: 0o100644, data: big, crc: true, sum: 5 }]));
    expect(r.error).toBe(-Errno.INVAL);
    expect(r.text).toMatch(/checksum of a file does not match \(f\), at offset 0/);
  });

  test.each([
    ["empty", Buffer.alloc(0), /no cpio archive/],
    ["zeros", Buffer.alloc(4096), /no cpio archive/],
    ["noise", Buffer.from("hello world"), /neither a cpio archive nor gzip data, at offset 0/],
    ["old format", Buffer.from("070707" + "0".repeat(200)), /not supported/],
    ["bad field", Buffer.from("07070100000z" + "0".repeat(200)), /no number/],
    ["cut header", cpio(tree).subarray(0, 50), /header is cut off, at offset 0/],
    ["no trailer", cpio(tree, false), /without its trailer/],
    [
      "gzip of noise",
      gzipSync(Buffer.from("junk")),
      /inside the gzip data, at offset 0 of the contents of the gzip data that starts at offset 0/,
    ],
  ])("%s: an error that says what and where", (_name, bytes, text) => {
    const r = unpack(bytes);
    expect(r.error).toBe(-Errno.INVAL);
    expect(r.text).toMatch(text);
  });

  test("cut at any place: an error, never a panic", () => {
    const plain = cpio(tree);
    const zip = gzipSync(cpio(tree));
    for (const bytes of [plain, zip]) {
      for (let i = 1; i < bytes.length - (bytes === plain ? 4 : 0); i += 97) {
        const r = unpack(bytes.subarray(0, i));
        expect(r.error, `cut at ${i}`).toBe(-Errno.INVAL);
        expect(r.text).toMatch(/at offset \d+/);
      }
    }
  });

  test("broken anywhere: an answer, never a panic", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(3000), fc.nat(255)), { minLength: 1, maxLength: 8 }),
        fc.boolean(),
        (hits, zip) => {
          const bytes = zip ? gzipSync(cpio(tree)) : cpio(tree.slice(3));
          for (const [at, v] of hits) bytes[at % bytes.length] = v;
          const r = unpack(bytes, new World(8 << 20));
          expect(r.error <= 0).toBe(true);
          if (r.error !== 0) expect(r.text.length).toBeGreaterThan(0);
        },
      ),
      { numRuns: 60 },
    );
  });

  test("more than memory holds: -NOSPC with the file's name", () => {
    const w = new World(4 << 20);
    const r = unpack(cpio([{ name: "huge", mode: 0o100644, data: new Uint8Array(6 << 20) }]), w);
    expect(r.error).toBe(-Errno.NOSPC);
    expect(r.text).toMatch(/no room in memory for huge/);
  });
});

function inflate(bytes: Uint8Array, step: number): Uint8Array {
  const inflater = new Inflater(new BytesSource(bytes));
  inflater.start(0);
  const out: number[] = [];
  const buf = new Uint8Array(step);
  for (;;) {
    const n = inflater.read(buf, 0, step);
    if (n < 0) throw new Error(`inflate ${n}`);
    for (let i = 0; i < n; i++) out.push(buf[i]!);
    if (n < step) break;
  }
  expect(inflater.isDone).toBe(true);
  expect(inflater.position).toBe(bytes.length);
  return Uint8Array.from(out);
}

describe("inflate", () => {
  const text = Buffer.from(Array.from({ length: 3000 }, (_, i) => `line ${i % 97} of ${(i * i) % 1013}\n`).join(""));

  test.each([0, 1, 6, 9])("level %i gives back what node:zlib compressed", (level) => {
    expect(Buffer.from(inflate(deflateRawSync(text, { level }), 1000)).equals(text)).toBe(true);
  });

  test.each([constants.Z_FIXED, constants.Z_HUFFMAN_ONLY, constants.Z_RLE, constants.Z_FILTERED])(
    "strategy %i",
    (strategy) => {
      expect(Buffer.from(inflate(deflateRawSync(text, { strategy }), 777)).equals(text)).toBe(true);
    },
  );

  test("any data, any piece size", () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            fc.uint8Array({ maxLength: 300 }),
            fc.tuple(fc.nat(255), fc.nat(40000)).map(([v, n]) => new Uint8Array(n).fill(v)),
          ),
          { maxLength: 6 },
        ),
        fc.integer({ min: 1, max: 70000 }),
        fc.integer({ min: 0, max: 9 }),
        (parts, step, level) => {
          const data = Buffer.concat(parts);
          expect(Buffer.from(inflate(deflateRawSync(data, { level }), step)).equals(data)).toBe(true);
        },
      ),
      { numRuns: 60 },
    );
  });

  test("noise never does more than fail", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (noise) => {
        const inflater = new Inflater(new BytesSource(noise));
        inflater.start(0);
        const buf = new Uint8Array(5000);
        for (let i = 0; i < 50; i++) if (inflater.read(buf, 0, buf.length) < buf.length) break;
      }),
    );
  });

  test("gzip headers with all fields, and the trailer's checks", () => {
    const plain = gzipSync(text);
    const head = Buffer.from([0x1f, 0x8b, 8, 2 | 4 | 8 | 16, 0, 0, 0, 0, 0, 3, 4, 0, 1, 2, 3, 4]);
    const full = Buffer.concat([head, Buffer.from("name\0comment\0"), Buffer.from([9, 9]), plain.subarray(10)]);
    const run = (bytes: Buffer): string => {
      const s = new GzipStream(new BytesSource(bytes));
      if (!s.start(0)) return s.error;
      const buf = new Uint8Array(text.length + 10);
      const n = s.read(buf, 0, buf.length);
      return n < 0 ? s.error : Buffer.from(buf.subarray(0, n)).equals(text) && s.end === bytes.length ? "ok" : "wrong";
    };
    expect(run(full)).toBe("ok");
    const crc = Buffer.from(plain);
    crc[crc.length - 8]! ^= 1;
    expect(run(crc)).toMatch(/checksum/);
    const len = Buffer.from(plain);
    len[len.length - 1]! ^= 1;
    expect(run(len)).toMatch(/length/);
    expect(run(plain.subarray(0, plain.length - 4))).toMatch(/trailer is cut off/);
  });

  test("crc32", () => {
    const c = new Crc32();
    const check = Buffer.from("123456789");
    c.update(check, 0, 4);
    c.update(check, 4, 5);
    expect(c.value).toBe(0xcbf43926);
  });
});
