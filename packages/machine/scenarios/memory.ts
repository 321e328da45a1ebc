/** Physical memory, clock, timer and copies to and from a user page: what crosses between kernel and machine, on both builds. */
import { EventLog, LongArray, hashBytes, longOf, toLong, u32, type i32, type long } from "@anax/portable";
import {
  CTX_SLOTS,
  Machine,
  PAGE_SIZE,
  REG_RAX,
  REG_RIP,
  TRAP_PAGEFAULT,
  REG_FAULTADDR,
  REG_ERRCODE,
} from "@anax/machine";

/** Maps one user page at 1 GiB by hand: PML4 -> PDPT -> PD -> PT. */
function mapPage(m: Machine, tables: long, page: long): void {
  m.zeroPhys(tables, (PAGE_SIZE * 4) | 0);
  m.initRoot(tables);
  m.store64(tables, tables + PAGE_SIZE + 7);
  m.store64(tables + PAGE_SIZE + 8, tables + PAGE_SIZE * 2 + 7);
  m.store64(tables + PAGE_SIZE * 2, tables + PAGE_SIZE * 3 + 7);
  m.store64(tables + PAGE_SIZE * 3, page + 7);
  m.setRoot(tables);
}

export function run(log: EventLog): void {
  const m = new Machine();
  const base = m.memRegionBase(0);
  log.value("size", m.memRegionSize(0));
  m.store8(base, 0x1ff);
  m.store16(base + 2, 0xbeef);
  m.store32(base + 4, 0xdeadbeef);
  m.store64(base + 8, -2);
  m.store64(base + 16, longOf(0x1fffff, 0xffffffff));
  log.value("load8", toLong(m.load8(base)));
  log.value("load16", toLong(m.load16(base + 2)));
  log.value("load32", toLong(m.load32(base + 4)));
  log.value("load64", m.load64(base + 8));
  log.value("load64", m.load64(base + 16));
  log.value("halves", toLong(m.load32(base + 12)));

  const buf = new Uint8Array(64);
  m.readPhys(base, buf, 8, 24);
  log.value("read", toLong(hashBytes(buf, 0, 64, 0)));
  m.copyPhys(base + PAGE_SIZE, base, 32);
  m.writePhys(buf, 8, base + PAGE_SIZE + 32, 24);
  m.readPhys(base + PAGE_SIZE, buf, 0, 64);
  log.value("copy", toLong(hashBytes(buf, 0, 64, 0)));

  const page = base + PAGE_SIZE * 8;
  const user: long = longOf(0, 0x40000000);
  m.zeroPhys(page, PAGE_SIZE);
  mapPage(m, base + PAGE_SIZE * 2, page);
  for (let i = 0; i < 64; i++) buf[i] = i;
  log.value("copyout", m.copyout(buf, 0, user + PAGE_SIZE - 40, 40));
  log.value("past the end", m.copyout(buf, 0, user + PAGE_SIZE - 24, 64));
  buf.fill(0);
  log.value("copyin", m.copyin(user + PAGE_SIZE - 40, buf, 4, 40));
  log.value("bytes", toLong(hashBytes(buf, 0, 64, 0)));
  log.value("kernel address", m.copyin(-4096, buf, 0, 8));
  log.value("zeroed", m.zeroUser(user, 100));
  log.value("fetch", m.fetchUser32(user));
  log.value("swap", m.casUser32(user, 0, 7));
  log.value("kept", m.casUser32(user, 0, 8));
  log.value("fetch", m.fetchUser32(user));
  log.value("fault", m.fetchUser32(user + PAGE_SIZE));

  const regs = new LongArray(CTX_SLOTS);
  regs.set(REG_RIP, user + PAGE_SIZE * 3);
  regs.set(REG_RAX, -5);
  const trap: i32 = m.runUser(regs);
  log.value("page fault", trap === TRAP_PAGEFAULT ? 1 : 0);
  log.value("address", regs.get(REG_FAULTADDR));
  log.value("code", regs.get(REG_ERRCODE));
  log.value("rax", regs.get(REG_RAX));

  const before = m.nanotime();
  m.setTimer(before + 5000000);
  m.idle();
  log.value("slept", m.nanotime() >= before + 5000000 ? 1 : 0);
  log.value("irq", m.takeIrq());
  log.value("none", m.takeIrq());
  log.value("hash", toLong(u32(m.load32(page))));
}
