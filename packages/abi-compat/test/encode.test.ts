import { describe, expect, it } from "vitest";
import { TextBuilder, bytesOf, getI32, getLong, getU16, getU32 } from "@anax/portable";
import { SIGCHLD, SIGSEGV, SIGTERM, SI_QUEUE, SI_TIMER, SI_USER, SigInfo } from "@anax/kern";
import { Stat, StatFs, makeDev } from "@anax/vfs-msg";
import { SyscallCounters } from "../src/linux/counters";
import { DirentSink } from "../src/linux/dir";
import { SiginfoL, StatL, StatfsL, StatxL } from "../src/linux/layout";
import { decodeSiginfo, encodeSiginfo } from "../src/linux/siginfo";
import { encodeStat, encodeStatfs, encodeStatx } from "../src/linux/stat";
import { SyscallTable } from "../src/linux/table";
import { NS_MAX, putTimespec, putTimeval, spanOf } from "../src/linux/timespec";

describe("directory records", () => {
  function records(sink: DirentSink, old: boolean): Array<[string, number, number, number]> {
    const out: Array<[string, number, number, number]> = [];
    for (let at = 0; at < sink.length;) {
      const len = getU16(sink.buf, at + 16);
      expect(len % 8).toBe(0);
      const start = at + (old ? 18 : 19);
      const end = sink.buf.indexOf(0, start);
      const type = old ? sink.buf[at + len - 1]! : sink.buf[at + 18]!;
      out.push([
        Buffer.from(sink.buf.subarray(start, end)).toString(),
        getLong(sink.buf, at),
        getLong(sink.buf, at + 8),
        type,
      ]);
      at += len;
    }
    return out;
  }

  for (const old of [false, true]) {
    it(`${old ? "getdents" : "getdents64"} has name, inode, position and type`, () => {
      const sink = new DirentSink();
      sink.begin(4096, old);
      expect(sink.add(bytesOf("..x"), 0, 2, 7, 4, 1)).toBe(true);
      expect(sink.add(bytesOf("abcdefg"), 0, 7, 9, 8, 2)).toBe(true);
      expect(records(sink, old)).toEqual([
        ["..", 7, 1, 4],
        ["abcdefg", 9, 2, 8],
      ]);
    });
  }

  it("takes no entry that does not fit", () => {
    const sink = new DirentSink();
    sink.begin(24, false);
    expect(sink.add(bytesOf("abcdef"), 0, 6, 1, 8, 1)).toBe(false);
    expect([sink.length, sink.full]).toEqual([0, true]);
    sink.begin(32, false);
    expect(sink.add(bytesOf("abcdef"), 0, 6, 1, 8, 1)).toBe(true);
    expect(sink.add(bytesOf("a"), 0, 1, 1, 8, 2)).toBe(false);
    expect(sink.length).toBe(32);
  });
});

describe("attributes", () => {
  const st = new Stat();
  st.dev = makeDev(8, 300);
  st.ino = 2 ** 40 + 5;
  st.mode = 0o100644;
  st.nlink = 3;
  st.uid = 1000;
  st.gid = 100;
  st.size = 2 ** 33;
  st.blocks = 2 ** 24;
  st.mtimeSec = 1700000000;
  st.mtimeNsec = 123456789;

  it("struct stat", () => {
    const b = new Uint8Array(StatL.SIZE).fill(0xee);
    encodeStat(st, b, 0);
    expect(getLong(b, StatL.ino)).toBe(2 ** 40 + 5);
    expect(getI32(b, StatL.mode)).toBe(0o100644);
    expect(getLong(b, StatL.size)).toBe(2 ** 33);
    expect([getLong(b, StatL.mtim), getLong(b, StatL.mtim + 8)]).toEqual([1700000000, 123456789]);
    expect(b.includes(0xee)).toBe(false);
  });

  it("struct statx", () => {
    const b = new Uint8Array(StatxL.SIZE).fill(0xee);
    encodeStatx(st, b, 0);
    expect(getU16(b, StatxL.mode)).toBe(0o100644);
    expect([getI32(b, StatxL.dev_major), getI32(b, StatxL.dev_minor)]).toEqual([8, 300]);
    expect(getU32(b, StatxL.mask)).toBe(0x7ff);
    expect(b.includes(0xee)).toBe(false);
  });

  it("struct statfs", () => {
    const s = new StatFs();
    s.type = 0x01021994;
    s.bfree = 77;
    const b = new Uint8Array(StatfsL.SIZE).fill(0xee);
    encodeStatfs(s, b, 0);
    expect([getLong(b, StatfsL.type), getLong(b, StatfsL.bfree), getLong(b, StatfsL.namelen)]).toEqual([
      0x01021994, 77, 255,
    ]);
    expect(b.includes(0xee)).toBe(false);
  });
});

describe("siginfo", () => {
  const encode = (info: SigInfo): Uint8Array => {
    const b = new Uint8Array(SiginfoL.SIZE).fill(0xee);
    encodeSiginfo(info, b, 0);
    expect(b.includes(0xee)).toBe(false);
    return b;
  };

  it("of a signal by kill has the sender", () => {
    const info = new SigInfo().reset(SIGTERM, SI_USER);
    info.pid = 12;
    info.uid = 1000;
    const b = encode(info);
    expect([
      getI32(b, SiginfoL.signo),
      getI32(b, SiginfoL.code),
      getI32(b, SiginfoL.pid),
      getI32(b, SiginfoL.uid),
    ]).toEqual([15, 0, 12, 1000]);
  });

  it("of a child has its status and times in ticks", () => {
    const info = new SigInfo().reset(SIGCHLD, 1);
    info.pid = 5;
    info.status = 3;
    info.utime = 250000000;
    const b = encode(info);
    expect([getI32(b, SiginfoL.pid), getI32(b, SiginfoL.status), getLong(b, SiginfoL.utime)]).toEqual([5, 3, 25]);
  });

  it("of a fault has the address", () => {
    const info = new SigInfo().reset(SIGSEGV, 1);
    info.addr = 0x7fff12345678;
    expect(getLong(encode(info), SiginfoL.addr)).toBe(0x7fff12345678);
  });

  it("of sigqueue and timers carries the value both ways", () => {
    for (const code of [SI_QUEUE, SI_TIMER]) {
      const info = new SigInfo().reset(40, code);
      info.value = 0x123456789a;
      info.pid = code === SI_QUEUE ? 3 : 0;
      info.timerId = code === SI_TIMER ? 4 : 0;
      const back = new SigInfo();
      decodeSiginfo(encode(info), 0, 40, back);
      expect([back.code, back.value, back.pid, back.timerId]).toEqual([info.code, info.value, info.pid, info.timerId]);
    }
  });
});

describe("times", () => {
  it("spans never overflow", () => {
    expect(spanOf(2, 5)).toBe(2000000005);
    expect(spanOf(2 ** 52, 999999999)).toBe(NS_MAX);
  });

  it("ns to timespec and timeval", () => {
    const b = new Uint8Array(32);
    putTimespec(b, 0, 3123456789);
    putTimeval(b, 16, 3123456789);
    expect([0, 8, 16, 24].map((o) => getLong(b, o))).toEqual([3, 123456789, 3, 123456]);
  });
});

describe("unknown system calls", () => {
  it("are counted by number and shown by name", () => {
    const counters = new SyscallCounters(new SyscallTable());
    counters.miss(101);
    counters.miss(101);
    counters.miss(-1);
    counters.miss(99999);
    const out = new TextBuilder();
    counters.format(out);
    expect(out.toString()).toBe("101 ptrace 2\n99999 ? 2\n");
    expect([counters.count(101), counters.count(5), counters.count(1000)]).toEqual([2, 0, 2]);
  });
});
