/**
 * The CMOS clock: seconds since 1970, read once at boot.
 *
 * Neighbours: the kernel's real-time clock. Invariant: a reading that changed while it was taken is taken again.
 * Source: Motorola MC146818A data sheet; the century register is index 0x32 on PCs.
 */
import type { Machine } from "@anax/machine";
import { i32, longDiv, toLong, u32, type long } from "@anax/portable";

const PORT_INDEX: i32 = 0x70;
const PORT_DATA: i32 = 0x71;
const STATUS_A: i32 = 10;
const STATUS_B: i32 = 11;
const CENTURY: i32 = 0x32;
const UPDATE_IN_PROGRESS: i32 = 0x80;
const B_BINARY: i32 = 4;
const B_24_HOURS: i32 = 2;

function cmos(m: Machine, index: i32): i32 {
  m.out8(PORT_INDEX, u32(index));
  return i32(m.in8(PORT_DATA));
}

function number(v: i32, binary: boolean): i32 {
  return binary ? v : ((((v >> 4) * 10) | 0) + (v & 15)) | 0;
}

/** Days from 1970-01-01 to the first day of the month, proleptic Gregorian calendar. */
function daysBefore(year: i32, month: i32): long {
  const y: i32 = month <= 2 ? (year - 1) | 0 : year;
  const m: i32 = month <= 2 ? (month + 9) | 0 : (month - 3) | 0;
  const era = toLong(y) * 365 + longDiv(toLong(y), 4) - longDiv(toLong(y), 100) + longDiv(toLong(y), 400);
  return era + ((((153 * m + 2) | 0) / 5) | 0) - 719468;
}

/** Seconds since 1970-01-01 00:00 UTC by the CMOS clock, which is taken to run in UTC; 0 when it makes no sense. */
export function readRtc(m: Machine): long {
  for (let attempt = 0; attempt < 1000; attempt++) {
    if ((cmos(m, STATUS_A) & UPDATE_IN_PROGRESS) !== 0) continue;
    const before = cmos(m, 0);
    const minute = cmos(m, 2);
    const hour = cmos(m, 4);
    const day = cmos(m, 7);
    const month = cmos(m, 8);
    const year = cmos(m, 9);
    const century = cmos(m, CENTURY);
    const mode = cmos(m, STATUS_B);
    if ((cmos(m, STATUS_A) & UPDATE_IN_PROGRESS) !== 0 || cmos(m, 0) !== before) continue;
    const binary = (mode & B_BINARY) !== 0;
    let h = number(hour & 0x7f, binary);
    if ((mode & B_24_HOURS) === 0) {
      h = h % 12;
      if ((hour & 0x80) !== 0) h = (h + 12) | 0;
    }
    const hundreds = number(century, binary);
    const y: i32 = ((hundreds >= 19 && hundreds <= 22 ? hundreds : 20) * 100 + number(year, binary)) | 0;
    const mon = number(month, binary);
    if (mon < 1 || mon > 12) return 0;
    const days = daysBefore(y, mon) + ((number(day, binary) - 1) | 0);
    return ((days * 24 + h) * 60 + number(minute, binary)) * 60 + number(before, binary);
  }
  return 0;
}
