/** Building and parsing text. */
import {
  EventLog,
  SlotTable,
  TextBuilder,
  bytesOf,
  imul,
  i32,
  longShl,
  parseDecimal,
  toLong,
  u32,
  type long,
} from "@anax/portable";

class Item {
  constructor(readonly n: i32) {}
}

export function run(log: EventLog): void {
  const t = new TextBuilder(1);
  let v: long = 1;
  for (let i = 0; i < 16; i++) {
    t.num(v)
      .byte(32)
      .num(-v)
      .byte(32)
      .num(v - 1)
      .byte(10);
    t.pad(v, 12).byte(124).pad(-v, 4).byte(124).byte(10);
    v = v * 10 + i;
  }
  let seed: u32 = 1;
  for (let i = 0; i < 20; i++) {
    seed = u32(imul(i32(seed), 69069) + 1);
    t.hex32(seed)
      .byte(32)
      .hex32(seed >>> (i & 31), 4)
      .byte(32)
      .hex32(i, 8)
      .byte(10);
  }
  t.str("text").raw(bytesOf("<raw>"), 1, 3).byte(10);
  log.line(t.toString());
  t.clear();
  log.value("cleared", t.length);
  log.value("big", longShl(1, 53) - 1);

  const samples = "0|7|007|2147483647|2147483648|99999999999|-1|12x|x12||/5|:5| 5";
  const b = bytesOf(samples);
  let from: i32 = 0;
  for (let i = 0; i <= b.length; i++) {
    if (i < b.length && b[i] !== 124) continue;
    log.value("parsed", toLong(parseDecimal(b, from, (i - from) | 0)));
    from = (i + 1) | 0;
  }

  const slots = new SlotTable<Item>();
  for (let i = 0; i < 5; i++) slots.set(slots.lowestFree(0), new Item(i));
  slots.set(1, null);
  slots.set(3, null);
  log.value("free", slots.lowestFree(0));
  log.value("free", slots.lowestFree(2));
  log.value("free", slots.lowestFree(9));
  for (let i = 0; i < 8; i++) {
    const item = slots.get(i);
    log.value("slot", item === null ? -1 : item.n);
  }
}
