/**
 * User memory from the kernel: copies that resolve page faults and go on.
 *
 * The machine copies until a byte cannot be accessed; then the fault is resolved as the program's own would be, and the copy goes on
 * from there. Neighbours: `space.ts`, `fault.ts`, `machine`. Invariant: the space is loaded; a kernel address is never touched,
 * whatever the program passed.
 */
import {
  EASYNC,
  Errno,
  getLong as longAt,
  i32,
  kassert,
  longAnd,
  putLong as putLongAt,
  putU32,
  toLong,
  type long,
  type u32,
} from "@anax/portable";
import { PAGE_SIZE, PF_USER, PF_WRITE, USER_END } from "@anax/machine";
import { faultPage } from "./fault";
import type { VmSpace } from "./space";

/** Faults at one place after which a copy gives up: each resolves something, so this is never reached in order. */
const FAULTS_MAX: i32 = 8;

function isUser(uaddr: long, n: i32): boolean {
  return uaddr >= 0 && n >= 0 && uaddr <= USER_END - n;
}

/** Resolves the fault at `va`. 0: try again; else what the copy answers. */
function resolve(space: VmSpace, va: long, write: boolean): i32 {
  const result = faultPage(space, va, write ? PF_USER | PF_WRITE : PF_USER);
  if (result === 0 || result === EASYNC || result === -Errno.NOMEM) return result;
  return -Errno.FAULT;
}

// The `*Rest` functions finish what `VmSpace#copyin` and so on began: `notDone` of `n` bytes are left, and the byte behind what
// is done faulted, or the range is not user memory and nothing was done.

export function copyinRest(space: VmSpace, uaddr: long, buf: Uint8Array, off: i32, n: i32, notDone: i32): i32 {
  space.left = n;
  if (!isUser(uaddr, n)) return -Errno.FAULT;
  const m = space.vm.machine;
  let left = notDone;
  let tries: i32 = 0;
  while (left > 0) {
    space.left = left;
    const done: i32 = (n - left) | 0;
    const error = resolve(space, uaddr + done, false);
    if (error !== 0) return error;
    const before = left;
    left = m.copyin(uaddr + done, buf, (off + done) | 0, left);
    tries = left < before ? 0 : (tries + 1) | 0;
    if (tries > FAULTS_MAX) return -Errno.FAULT;
  }
  return 0;
}

export function copyoutRest(space: VmSpace, buf: Uint8Array, off: i32, uaddr: long, n: i32, notDone: i32): i32 {
  space.left = n;
  if (!isUser(uaddr, n)) return -Errno.FAULT;
  const m = space.vm.machine;
  let left = notDone;
  let tries: i32 = 0;
  while (left > 0) {
    space.left = left;
    const done: i32 = (n - left) | 0;
    const error = resolve(space, uaddr + done, true);
    if (error !== 0) return error;
    const before = left;
    left = m.copyout(buf, (off + done) | 0, uaddr + done, left);
    tries = left < before ? 0 : (tries + 1) | 0;
    if (tries > FAULTS_MAX) return -Errno.FAULT;
  }
  return 0;
}

export function copyinPhysRest(space: VmSpace, uaddr: long, pa: long, n: i32, notDone: i32): i32 {
  space.left = n;
  if (!isUser(uaddr, n)) return -Errno.FAULT;
  const m = space.vm.machine;
  let left = notDone;
  let tries: i32 = 0;
  while (left > 0) {
    space.left = left;
    const done: i32 = (n - left) | 0;
    const error = resolve(space, uaddr + done, false);
    if (error !== 0) return error;
    const before = left;
    left = m.copyinPhys(uaddr + done, pa + done, left);
    tries = left < before ? 0 : (tries + 1) | 0;
    if (tries > FAULTS_MAX) return -Errno.FAULT;
  }
  return 0;
}

export function copyoutPhysRest(space: VmSpace, pa: long, uaddr: long, n: i32, notDone: i32): i32 {
  space.left = n;
  if (!isUser(uaddr, n)) return -Errno.FAULT;
  const m = space.vm.machine;
  let left = notDone;
  let tries: i32 = 0;
  while (left > 0) {
    space.left = left;
    const done: i32 = (n - left) | 0;
    const error = resolve(space, uaddr + done, true);
    if (error !== 0) return error;
    const before = left;
    left = m.copyoutPhys(pa + done, uaddr + done, left);
    tries = left < before ? 0 : (tries + 1) | 0;
    if (tries > FAULTS_MAX) return -Errno.FAULT;
  }
  return 0;
}

export function zeroUserRest(space: VmSpace, uaddr: long, n: i32, notDone: i32): i32 {
  space.left = n;
  if (!isUser(uaddr, n)) return -Errno.FAULT;
  const m = space.vm.machine;
  let left = notDone;
  let tries: i32 = 0;
  while (left > 0) {
    space.left = left;
    const done: i32 = (n - left) | 0;
    const error = resolve(space, uaddr + done, true);
    if (error !== 0) return error;
    const before = left;
    left = m.zeroUser(uaddr + done, left);
    tries = left < before ? 0 : (tries + 1) | 0;
    if (tries > FAULTS_MAX) return -Errno.FAULT;
  }
  return 0;
}

/** Page by page, since the machine does not say where a string faulted. */
export function copyinstr(space: VmSpace, uaddr: long, buf: Uint8Array, off: i32, max: i32): i32 {
  kassert(space.vm.active === space, "copyinstr: the space is not loaded");
  const m = space.vm.machine;
  if (uaddr < 0) return -Errno.FAULT;
  let done: i32 = 0;
  let tries: i32 = 0;
  while (done < max) {
    const at: long = uaddr + done;
    if (at >= USER_END) return -Errno.FAULT;
    let part: i32 = (PAGE_SIZE - i32(longAnd(at, PAGE_SIZE - 1))) | 0;
    if (part > ((max - done) | 0)) part = (max - done) | 0;
    const got = m.copyinstr(at, buf, (off + done) | 0, part);
    if (got > 0) return (done + got - 1) | 0;
    if (got === -Errno.NAMETOOLONG) {
      done = (done + part) | 0;
      tries = 0;
      continue;
    }
    const error = resolve(space, at, false);
    if (error !== 0) return error;
    tries = (tries + 1) | 0;
    if (tries > FAULTS_MAX) return -Errno.FAULT;
  }
  return -Errno.NAMETOOLONG;
}

export function get32(space: VmSpace, uaddr: long): long {
  kassert(space.vm.active === space, "get32: the space is not loaded");
  if (!isUser(uaddr, 4)) return -Errno.FAULT;
  if (longAnd(uaddr, 3) !== toLong(0)) {
    const scratch = space.vm.scratch;
    const error = space.copyin(uaddr, scratch, 0, 4);
    if (error !== 0) return error;
    scratch[4] = 0;
    scratch[5] = 0;
    scratch[6] = 0;
    scratch[7] = 0;
    return longAt(scratch, 0);
  }
  for (let tries: i32 = 0; tries <= FAULTS_MAX; tries++) {
    const v = space.vm.machine.fetchUser32(uaddr);
    if (v >= 0) return v;
    const error = resolve(space, uaddr, false);
    if (error !== 0) return error;
  }
  return -Errno.FAULT;
}

export function cas32(space: VmSpace, uaddr: long, expected: u32, value: u32): long {
  kassert(space.vm.active === space, "cas32: the space is not loaded");
  if (!isUser(uaddr, 4)) return -Errno.FAULT;
  if (longAnd(uaddr, 3) !== toLong(0)) return -Errno.INVAL;
  for (let tries: i32 = 0; tries <= FAULTS_MAX; tries++) {
    const v = space.vm.machine.casUser32(uaddr, expected, value);
    if (v >= 0) return v;
    const error = resolve(space, uaddr, true);
    if (error !== 0) return error;
  }
  return -Errno.FAULT;
}

export function put32(space: VmSpace, uaddr: long, v: u32): i32 {
  putU32(space.vm.scratch, 0, v);
  return space.copyout(space.vm.scratch, 0, uaddr, 4);
}

export function getLong(space: VmSpace, uaddr: long): i32 {
  const error = space.copyin(uaddr, space.vm.scratch, 0, 8);
  if (error === 0) space.word = longAt(space.vm.scratch, 0);
  return error;
}

export function putLong(space: VmSpace, uaddr: long, v: long): i32 {
  putLongAt(space.vm.scratch, 0, v);
  return space.copyout(space.vm.scratch, 0, uaddr, 8);
}
