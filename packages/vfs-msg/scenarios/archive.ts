/** Archives, plain and gzip'd with stored, fixed and broken blocks: unpacked the same, and refused with the same words. */
import { EventLog, TextBuilder, bytesOf, i32, stringOf, u32 } from "@anax/portable";
import { Machine } from "@anax/machine";
import { Uio, VmPages } from "@anax/vm";
import { BytesSource, ChaChaRng, Crc32, FixedClock, Initramfs, NLookup, Stat, TmpFsType, Vfs } from "../src/index";

class Archive {
  readonly out: TextBuilder = new TextBuilder(1024);
  private ino: i32 = 1;

  entry(name: string, mode: i32, nlink: i32, data: string): void {
    const o = this.out;
    o.str("070701");
    const fields: i32[] = [this.ino, mode, 3, 4, nlink, 1700000000, data.length, 0, 0, 5, 1, name.length + 1, 0];
    for (let i = 0; i < fields.length; i++) o.hex32(u32(fields[i]), 8);
    o.str(name).byte(0);
    this.pad();
    o.str(data);
    this.pad();
    if (nlink === 1) this.ino++;
  }

  pad(): void {
    while ((this.out.length & 3) !== 0) this.out.byte(0);
  }

  bytes(): Uint8Array {
    return this.out.bytes.subarray(0, this.out.length);
  }
}

/** A gzip member of stored blocks of at most `step` bytes. */
function stored(data: Uint8Array, step: i32): Uint8Array {
  const o = new TextBuilder(1024);
  o.byte(0x1f).byte(0x8b).byte(8).byte(0);
  for (let i = 0; i < 6; i++) o.byte(0);
  let at: i32 = 0;
  while (at < data.length) {
    const n: i32 = ((data.length - at) | 0) < step ? (data.length - at) | 0 : step;
    o.byte(((at + n) | 0) === data.length ? 1 : 0);
    o.byte(n & 255)
      .byte(n >> 8)
      .byte(~n & 255)
      .byte((~n >> 8) & 255);
    o.raw(data, at, n);
    at = (at + n) | 0;
  }
  const crc = new Crc32();
  crc.update(data, 0, data.length);
  for (let i = 0; i < 4; i++) o.byte((crc.value >>> (8 * i)) & 255);
  for (let i = 0; i < 4; i++) o.byte((data.length >> (8 * i)) & 255);
  return o.bytes.subarray(0, o.length);
}

function unpack(log: EventLog, bytes: Uint8Array, paths: string[]): void {
  const machine = new Machine();
  const vfs = new Vfs(machine, new VmPages(machine), new FixedClock());
  vfs.addType(new TmpFsType());
  vfs.mountRoot("tmpfs", "mode=755");
  const u = new Initramfs(vfs, new BytesSource(bytes));
  log.value("unpack", u.unpack(vfs.root));
  log.line(u.error);
  log.value("entries", u.entries);
  const nd = new NLookup();
  const st = new Stat();
  const buf = new Uint8Array(300);
  const uio = new Uio(machine);
  for (let i = 0; i < paths.length; i++) {
    nd.init(vfs.root, vfs.root, u.credentials, 0);
    nd.setString(paths[i]);
    log.value(paths[i], vfs.stat(nd, st));
    log.value("mode", st.mode);
    log.value("nlink", st.nlink);
    log.value("mtime", st.mtimeSec);
    if (nd.vnode === null || !nd.vnode!.isReg) continue;
    uio.initKernel(buf, 0, 300, true, 0);
    vfs.read(nd.vnode!, uio, 0, u.credentials, null);
    log.line(stringOf(buf, 0, (300 - i32(uio.resid)) | 0));
  }
}

export function run(log: EventLog): void {
  const a = new Archive();
  a.entry("dir", 0o040755, 2, "");
  a.entry("dir/file", 0o100644, 1, "some text that is long enough to cross a block");
  a.entry("link", 0o120777, 1, "dir/file");
  a.entry("node", 0o020600, 1, "");
  a.entry("h1", 0o100600, 2, "");
  a.entry("h2", 0o100600, 2, "shared");
  a.entry("deep/er/file", 0o100755, 1, "x");
  a.entry("TRAILER!!!", 0, 1, "");
  const plain = a.bytes();
  const paths: string[] = ["dir", "dir/file", "link", "node", "h1", "h2", "deep/er/file"];
  unpack(log, plain, paths);
  unpack(log, stored(plain, 100), paths);
  const none: string[] = [];
  for (let cut = 1; cut < plain.length; cut += 61) unpack(log, plain.subarray(0, cut), none);
  const zip = stored(plain, 77);
  for (let i = 0; i < zip.length; i += 43) {
    const broken = new Uint8Array(zip.length);
    for (let k = 0; k < zip.length; k++) broken[k] = zip[k];
    broken[i] = broken[i] ^ 0x5a;
    unpack(log, broken, none);
  }
  // A fixed-code block: "aaaaaaaaaa" as one literal and one match.
  const fixed = bytesOf("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x4b\x84\x03\x00\x4e\xcc\xe8\x4c\x0a\x00\x00\x00");
  unpack(log, fixed, none);
  const rng = new ChaChaRng();
  rng.mix(fixed, 0, fixed.length, 0);
  const random = new Uint8Array(100);
  rng.fill(random, 0, 100);
  for (let i = 0; i < 100; i++) log.value("random", random[i]);
}
