import { EASYNC, Errno, TextBuilder, stringOf } from "@anax/portable";
import { Waiter } from "@anax/lwkt";
import { Uio } from "@anax/vm";
import {
  CharDevice,
  ChaChaRng,
  DevFs,
  IO_NONBLOCK,
  KernelLog,
  KmsgDevice,
  KmsgReader,
  POLLIN,
  addMemoryDevices,
  chachaBlock,
  type Stat,
} from "@anax/vfs-msg";
import { beforeEach, describe, expect, test } from "vitest";
import { World } from "./world";

class Plain extends CharDevice {}

class TestWaiter extends Waiter {
  woken = 0;

  wake(): void {
    this.woken++;
  }
}

let w: World;
let dev: DevFs;
let rng: ChaChaRng;

beforeEach(() => {
  w = new World();
  dev = new DevFs(w.vfs);
  rng = new ChaChaRng();
  expect(addMemoryDevices(dev, rng)).toBe(0);
  w.mkdir("/dev");
  expect(w.vfs.mount(w.nd("/dev"), "dev", "devtmpfs", 0, "")).toBe(0);
});

function uioOf(bytes: Uint8Array, isRead: boolean): Uio {
  const uio = new Uio(w.machine);
  uio.initKernel(bytes, 0, bytes.length, isRead, 0);
  return uio;
}

describe("devfs", () => {
  test("shows devices, directories and links", () => {
    expect(dev.add(new Plain("pts/0", 136, 0, 0o620))).toBe(0);
    expect(dev.add(new Plain("pts/1", 136, 1, 0o620))).toBe(0);
    expect(dev.add(new Plain("null", 1, 30, 0o666))).toBe(-Errno.EXIST);
    expect(dev.add(new Plain("other", 136, 1, 0o666))).toBe(-Errno.EXIST);
    expect(w.list("/dev/pts").map((e) => e.name)).toEqual([".", "..", "0", "1"]);
    expect((w.stat("/dev/null") as Stat).mode).toBe(0o020666);
    expect((w.stat("/dev/pts/1") as Stat).rdev).toBe(0x8801);
    expect(w.readlink("/dev/stdin")).toBe("/proc/self/fd/0");
  });

  test("a device that goes takes its node along, cached names too", () => {
    const a = new Plain("pts/7", 136, 7, 0o620);
    expect(w.stat("/dev/pts/7")).toBe(-Errno.NOENT);
    dev.add(a);
    const nd = w.nd("/dev/pts/7");
    expect(w.vfs.open(nd, 2, 0)).toBe(0);
    expect(nd.device).toBe(a);
    const vp = nd.vnode!;
    dev.remove(a);
    expect(w.stat("/dev/pts/7")).toBe(-Errno.NOENT);
    expect(w.list("/dev/pts").length).toBe(2);
    w.vfs.close(vp, 2);
    const b = new Plain("pts/7", 136, 7, 0o600);
    dev.add(b);
    expect((w.stat("/dev/pts/7") as Stat).mode).toBe(0o020600);
    expect((w.stat("/dev/pts/7") as Stat).ino).not.toBe(vp.ino);
  });

  test("programs may add to it, and every mount shows the same", () => {
    expect(w.mknod("/dev/mine", 0o020600, 0x105)).toBe(0);
    expect(w.mkdir("/dev/shm")).toBe(0);
    w.put("/dev/shm/x", "shared");
    w.symlink("null", "/dev/void");
    w.mkdir("/d2");
    expect(w.vfs.mount(w.nd("/d2"), "dev", "devfs", 0, "")).toBe(0);
    expect(w.text("/d2/shm/x")).toBe("shared");
    const nd = w.nd("/d2/mine");
    expect(w.vfs.open(nd, 0, 0)).toBe(0);
    expect(nd.device!.name).toBe("zero");
    w.vfs.close(nd.vnode!, 0);
    expect(w.vfs.umount(w.nd("/d2"), 0)).toBe(0);
    expect(w.text("/dev/shm/x")).toBe("shared");
  });

  test("a device node on any file system leads to the device", () => {
    w.mknod("/n", 0o020666, 0x103);
    const vp = w.open("/n", 2);
    if (typeof vp === "number") throw new Error();
    expect(w.write(vp, 0, "gone")).toBe(4);
    expect(w.read(vp, 0, 4).length).toBe(0);
    w.vfs.close(vp, 2);
  });
});

describe("memory devices", () => {
  test("null, zero, full", () => {
    const [nul, zero, full] = ["null", "zero", "full"].map((n) => w.vfs.devices.list.find((d) => d.name === n)!);
    const buf = new Uint8Array(10000).fill(9);
    let uio = uioOf(buf, true);
    expect([nul!.read(uio, 0, null), uio.resid]).toEqual([0, 10000]);
    uio = uioOf(buf, false);
    expect([nul!.write(uio, 0, null), uio.resid]).toEqual([0, 0]);
    uio = uioOf(buf, true);
    expect([zero!.read(uio, 0, null), uio.resid]).toEqual([0, 0]);
    expect(buf.every((b) => b === 0)).toBe(true);
    expect(full!.write(uioOf(buf, false), 0, null)).toBe(-Errno.NOSPC);
    expect(zero!.isMappable).toBe(true);
  });

  test("random waits for entropy, urandom does not", () => {
    const random = w.vfs.devices.list.find((d) => d.name === "random")!;
    const urandom = w.vfs.devices.list.find((d) => d.name === "urandom")!;
    const buf = new Uint8Array(64);
    const t = new TestWaiter();
    expect(random.read(uioOf(buf, true), IO_NONBLOCK, t)).toBe(-Errno.AGAIN);
    expect(random.read(uioOf(buf, true), 0, t)).toBe(EASYNC);
    expect(random.poll(POLLIN, null)).toBe(0);
    expect(urandom.read(uioOf(buf, true), 0, null)).toBe(0);
    rng.mix(new Uint8Array(32).fill(3), 0, 32, 256);
    expect([t.woken, rng.seeded, random.poll(POLLIN, null)]).toEqual([1, true, POLLIN]);
    expect(random.read(uioOf(buf, true), 0, t)).toBe(0);
    expect(new Set(buf).size).toBeGreaterThan(30);
  });
});

describe("the generator", () => {
  test("ChaCha20: the block of RFC 8439, 2.3.2", () => {
    const input = new Uint32Array(16);
    input.set([0x61707865, 0x3320646e, 0x79622d32, 0x6b206574]);
    const key = Uint8Array.from({ length: 32 }, (_, i) => i);
    input.set(new Uint32Array(key.buffer), 4);
    input.set([1, 0x09000000, 0x4a000000, 0], 12);
    const out = new Uint8Array(64);
    chachaBlock(input, new Uint32Array(16), out);
    expect(Buffer.from(out).toString("hex")).toBe(
      "10f1e7e4d13b5915500fdd1fa32071c4c7d1f4c733c068030422aa9ac3d46c4e" +
        "d2826446079faa0914c2d705d98b02a2b5129cd1de164eb9cbd083e8a2503c4e",
    );
  });

  test("output differs each time, depends on every input bit, and on all earlier input", () => {
    const run = (seed: number[], more: number): string => {
      const r = new ChaChaRng();
      const s = Uint8Array.from(seed);
      r.mix(s, 0, s.length, 0);
      for (let i = 0; i < more; i++) r.next32();
      const b = new Uint8Array(100);
      r.fill(b, 0, 100);
      return Buffer.from(b).toString("hex");
    };
    const all = new Set<string>();
    for (let i = 0; i < 64; i++)
      all.add(
        run(
          Array.from({ length: 40 }, (_, k) => (k === i >> 3 ? 1 << (i & 7) : 0)),
          0,
        ),
      );
    for (let i = 1; i < 10; i++) all.add(run([], i));
    all.add(run([], 0));
    expect(all.size).toBe(74);
    expect(run([1, 2], 3)).toBe(run([1, 2], 3));
  });
});

describe("the kernel log", () => {
  test("records for kmsg and for syslog(2)", () => {
    const log = new KernelLog();
    log.line(6, 1_234_567_000, "hello\n");
    log.line(3, 2_000_000, "b\tc");
    const out = new TextBuilder();
    log.formatKmsg(0, out);
    log.formatKmsg(1, out);
    log.formatSyslog(0, out);
    expect(out.toString()).toBe("6,0,1234567,-;hello\n3,1,2000,-;b\\x09c\n<6>[    1.234567] hello\n");
  });

  test("each open of /dev/kmsg reads for itself, and tells when it was overtaken", () => {
    const log = new KernelLog();
    dev.add(new KmsgDevice(log, w.machine));
    log.line(6, 0, "first");
    const nd = w.nd("/dev/kmsg");
    expect(w.vfs.open(nd, 2, 0)).toBe(0);
    const d = nd.device!;
    expect(d).toBeInstanceOf(KmsgReader);
    const buf = new Uint8Array(200);
    const read = (): string | number => {
      const uio = uioOf(buf, true);
      const e = d.read(uio, IO_NONBLOCK, null);
      return e !== 0 ? e : stringOf(buf, 0, 200 - uio.resid);
    };
    expect(read()).toBe("6,0,0,-;first\n");
    expect(read()).toBe(-Errno.AGAIN);
    const t = new TestWaiter();
    expect(d.read(uioOf(buf, true), 0, t)).toBe(EASYNC);
    expect(d.write(uioOf(Buffer.from("<3>from a program\n"), false), 0, null)).toBe(0);
    expect(t.woken).toBe(1);
    expect(read()).toMatch(/^11,1,\d+,-;from a program\n$/);
    for (let i = 0; i < 600; i++) log.line(6, 0, `r${i}`);
    expect(read()).toBe(-Errno.PIPE);
    expect(read()).toMatch(/;r88\n$/);
    expect(d.read(uioOf(new Uint8Array(5), true), 0, null)).toBe(-Errno.INVAL);
    w.vfs.close(nd.vnode!, 2);
  });
});
