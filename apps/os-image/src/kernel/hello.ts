import { Machine } from "@anax/machine";
import { TextBuilder, type long } from "@anax/portable";

function say(m: Machine, s: string): void {
  for (let i = 0; i < s.length; i++) m.putc(s.charCodeAt(i));
}
export function boot(): void {
  const m = new Machine();
  say(m, "hello: up\n");
  for (let i = 0; i < m.memRegionCount(); i++) say(m, "region " + m.memRegionBase(i).toString() + " " + m.memRegionSize(i).toString() + "\n");
  say(m, "ns " + m.nanotime().toString() + " hz " + m.bootParam(5).toString() + " reserve " + m.heapReserve().toString() + "\n");
  m.halt(0);
}
