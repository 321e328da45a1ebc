/** Memory runs out: every call says so, nothing is lost, the kernel keeps its reserve and its heap. */
import { Errno, EventLog, toLong, type i32, type long } from "@anax/portable";
import { Machine } from "@anax/machine";
import { MAP_ANONYMOUS, MAP_PRIVATE, PROT_READ, PROT_WRITE, Vm } from "../src/index";

const PAGE: long = 4096;

export function run(log: EventLog): void {
  const vm = new Vm(new Machine());
  const before = vm.pages.freeCount;
  const s = vm.newSpace()!;
  s.activate();
  const at = s.map(0, 64 * 1024 * 1024, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, null, 0);
  let error: i32 = 0;
  let va: long = at;
  while (error === 0) {
    error = s.put32(va, 7);
    va = va + PAGE;
  }
  log.value("error", error === -Errno.NOMEM ? 1 : 0);
  log.value("reserve kept", vm.pages.freeCount === vm.pages.reserve ? 1 : 0);
  log.value("space", vm.newSpace() === null ? 0 : 1);
  log.value("fork", s.fork() === null ? 0 : 1);
  log.value("heap", vm.replenishHeap() ? 1 : 0);
  log.value("first", s.get32(at));
  log.value("unmap", s.unmap(at, 64 * 1024 * 1024));
  log.value("again", s.get32(at));
  s.release();
  log.value("lost", toLong(before) - toLong(vm.pages.freeCount));
}
