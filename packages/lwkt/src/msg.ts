/**
 * Messages: the unit of work between threads, file systems, drivers and system calls.
 *
 * Key type `Msg`; neighbours `port.ts` (who moves messages), `thread.ts` (who handles them).
 * Invariant: a message is on at most one queue, and only its owner touches it: the originator before the send and after
 * the reply, the target in between.
 *
 * | flags | the message is | who may touch it |
 * |---|---|---|
 * | DONE | not sent, or completed and taken | originator |
 * | none, or QUEUED | with the target, or on its queue | target |
 * | INTRANSIT | on its way to another CPU | nobody |
 * | DONE REPLY QUEUED | on the reply port's queue | originator |
 *
 * Breaking these rules is a panic. Those whose check costs more than a look at the flags are looked for in debug builds (`glue/js/debug.ts`).
 * Source: DragonFly sys/sys/msgport.h.
 */
import { EASYNC, Errno, kassert, type i32, type long } from "@anax/portable";
import type { Cpu } from "./cpu";
import { DEBUG } from "./glue/js/debug";
import type { IpiHandler } from "./ipi";
import type { Port } from "./port";
import type { Waiter } from "./waitq";

/** The message is not in flight: never sent, or completed. */
export const MSGF_DONE: i32 = 0x1;
/** It is a reply. */
export const MSGF_REPLY: i32 = 0x2;
/** It is on a port's queue. */
export const MSGF_QUEUED: i32 = 0x4;
/** The originator waits in `domsg`; the reply wakes it and is not queued. */
export const MSGF_SYNC: i32 = 0x8;
/** It travels between CPUs; nobody may touch it. */
export const MSGF_INTRANSIT: i32 = 0x10;
/** Its originator sleeps until the reply (`waitMsg`). */
export const MSGF_WAITING: i32 = 0x20;
/** Its originator may take it back from the target's queue (`dropMsg`) and so never waits for it. */
export const MSGF_DROPABLE: i32 = 0x40;
/** The target may be asked to abort it. */
export const MSGF_ABORTABLE: i32 = 0x80;
/** It goes to the port's priority queue. */
export const MSGF_PRIORITY: i32 = 0x100;
/** Free for the class of the message. */
export const MSGF_USER0: i32 = 0x10000;
/** As MSGF_USER0. */
export const MSGF_USER1: i32 = 0x20000;
/** As MSGF_USER0. */
export const MSGF_USER2: i32 = 0x40000;
/** As MSGF_USER0. */
export const MSGF_USER3: i32 = 0x80000;

/** Requests of `Msg#ipi`: the message arrives at its target, or at its reply port. */
export const IPI_PUT: i32 = 0;
/** The same, from the target to the reply port. */
export const IPI_REPLY: i32 = 1;

/** What an ABORTABLE message's target registers: asked to finish the message early. Advisory: a reply still comes. */
export interface AbortHandler {
  /** Asks the target to finish `msg`, which it has and has not replied. May do nothing; the reply tells what came of it. */
  abort(msg: Msg): void;
}

/**
 * A message. Subclasses add the arguments of their class.
 *
 * | field | owner | meaning |
 * |---|---|---|
 * | flags | owner of the message | MSGF_* |
 * | cmd | originator | which operation of the target |
 * | error | target | 0 or a positive errno, valid after the reply |
 * | result | target | the operation's value, valid after the reply when error is 0 |
 * | targetPort, replyPort | originator | where it goes, where the reply goes |
 */
export class Msg implements IpiHandler {
  flags: i32 = MSGF_DONE;
  cmd: i32 = 0;
  error: i32 = 0;
  result: long = 0;
  targetPort: Port | null = null;
  replyPort: Port | null = null;
  abortHandler: AbortHandler | null = null;
  /** Queue links, owned by the port that queues the message. */
  next: Msg | null = null;
  prev: Msg | null = null;
  /** Who sleeps until the reply, while WAITING. */
  sleeper: Waiter | null = null;
  /** The port that owns the message while it is away; kept in debug builds only. */
  holder: Port | null = null;

  get isDone(): boolean {
    return (this.flags & MSGF_DONE) !== 0;
  }

  /** Makes the message ready to send; it must not be in flight. */
  init(replyPort: Port | null, cmd: i32): void {
    kassert((this.flags & MSGF_DONE) !== 0 && (this.flags & MSGF_QUEUED) === 0, "msg.init: message in flight");
    this.flags = MSGF_DONE;
    this.cmd = cmd;
    this.error = 0;
    this.result = 0;
    this.replyPort = replyPort;
    this.abortHandler = null;
  }

  /** It has come to the CPU of its target or of its reply port. */
  ipi(cpu: Cpu, arg: i32): void {
    if (arg === IPI_PUT) this.targetPort!.arrived(this, cpu);
    else this.replyPort!.replyArrived(this, cpu);
  }

  /** Completes the message on the spot with an errno (0 = success). Only the target, and only while it owns the message. */
  complete(error: i32): i32 {
    this.error = error;
    return error;
  }
}

/**
 * Sends asynchronously. The target may finish at once; then the reply is queued on the reply port all the same.
 * Source: lwkt_sendmsg.
 */
export function sendMsg(port: Port, msg: Msg): void {
  kassert((msg.flags & (MSGF_DONE | MSGF_QUEUED)) === MSGF_DONE, "sendMsg: message in flight");
  kassert(msg.replyPort !== null, "sendMsg: no reply port");
  msg.flags &= ~(MSGF_REPLY | MSGF_SYNC | MSGF_DONE);
  msg.targetPort = port;
  if (DEBUG) msg.holder = port;
  const error = port.putPort(msg);
  if (error !== EASYNC) {
    msg.error = error;
    port.replyMsg(msg);
  }
}

/**
 * Starts a message without waiting: 0 or a positive errno when the target finished at once (the message is done and
 * nothing was queued), EASYNC when the reply will come to the reply port.
 * Source: lwkt_beginmsg.
 */
export function beginMsg(port: Port, msg: Msg): i32 {
  kassert((msg.flags & (MSGF_DONE | MSGF_QUEUED)) === MSGF_DONE, "beginMsg: message in flight");
  msg.flags &= ~(MSGF_REPLY | MSGF_SYNC | MSGF_DONE);
  msg.targetPort = port;
  if (DEBUG) msg.holder = port;
  const error = port.putPort(msg);
  if (error !== EASYNC) {
    msg.error = error;
    msg.flags |= MSGF_DONE | MSGF_REPLY;
  }
  return error;
}

/**
 * Runs a message that its target must finish at once, and returns 0 or a positive errno. In an isolate that runs to
 * completion nobody can wait inside a call, so a target that answers EASYNC here is a fault of the caller's design.
 * Source: lwkt_domsg.
 */
export function doMsg(port: Port, msg: Msg): i32 {
  kassert((msg.flags & (MSGF_DONE | MSGF_QUEUED)) === MSGF_DONE, "doMsg: message in flight");
  msg.flags = (msg.flags & ~(MSGF_REPLY | MSGF_DONE)) | MSGF_SYNC;
  msg.targetPort = port;
  if (DEBUG) msg.holder = port;
  const error = port.putPort(msg);
  kassert(error !== EASYNC, "doMsg: the target did not finish the message");
  msg.error = error;
  msg.flags |= MSGF_DONE | MSGF_REPLY;
  return error;
}

/**
 * Runs a message for a thread or LWP, which may have to sleep. 0 or a positive errno when it is done, and then nothing was queued;
 * EASYNC when `sleeper` is woken by the reply: return from the handler, and when it is run again, call this again with the same message.
 * The reply port must be the caller's own. Source: lwkt_domsg.
 */
export function callMsg(port: Port, msg: Msg, sleeper: Waiter): i32 {
  if ((msg.flags & MSGF_WAITING) === 0) {
    kassert((msg.flags & (MSGF_DONE | MSGF_QUEUED)) === MSGF_DONE, "callMsg: message in flight");
    kassert(msg.replyPort !== null, "callMsg: no reply port");
    msg.flags = (msg.flags & ~(MSGF_REPLY | MSGF_DONE)) | MSGF_SYNC;
    msg.targetPort = port;
    if (DEBUG) msg.holder = port;
    const error = port.putPort(msg);
    if (error !== EASYNC) {
      msg.error = error;
      msg.flags |= MSGF_DONE | MSGF_REPLY;
      return error;
    }
  }
  return waitMsg(msg, sleeper);
}

/**
 * Waits for a message that was sent: its error (0 or a positive errno) when it is done, taken off the reply port's queue if it is there; EASYNC when
 * `sleeper` is woken by the reply and must call this again. Only the owner of the reply port may, and not for a DROPABLE message.
 * Source: mp_waitmsg.
 */
export function waitMsg(msg: Msg, sleeper: Waiter): i32 {
  kassert((msg.flags & MSGF_DROPABLE) === 0, "waitMsg: a message that may be dropped");
  if ((msg.flags & MSGF_DONE) === 0) {
    kassert(msg.sleeper === null || msg.sleeper === sleeper, "waitMsg: two wait for one message");
    msg.flags |= MSGF_WAITING;
    msg.sleeper = sleeper;
    return EASYNC;
  }
  if ((msg.flags & MSGF_QUEUED) !== 0) msg.replyPort!.takeReply(msg);
  msg.flags &= ~MSGF_WAITING;
  msg.sleeper = null;
  return msg.error;
}

/** The target is finished with an EASYNC message: hands it back to its originator. Source: lwkt_replymsg. */
export function replyMsg(msg: Msg, error: i32): void {
  kassert((msg.flags & (MSGF_DONE | MSGF_QUEUED | MSGF_INTRANSIT)) === 0, "replyMsg: not the owner");
  msg.error = error;
  const target = msg.targetPort;
  kassert(target !== null, "replyMsg: never sent");
  target!.replyMsg(msg);
}

/**
 * The target hands a message on: from now on `port` is the target, and its originator cannot tell. 0 or a positive errno when
 * `port` finished it at once (it is replied then), or EASYNC. Source: lwkt_forwardmsg.
 */
export function forwardMsg(port: Port, msg: Msg): i32 {
  kassert((msg.flags & (MSGF_DONE | MSGF_QUEUED | MSGF_REPLY | MSGF_INTRANSIT)) === 0, "forwardMsg: not the owner");
  kassert(msg.targetPort !== null, "forwardMsg: never sent");
  if (DEBUG) {
    kassert(msg.holder === msg.targetPort, "forwardMsg: not the owner");
    msg.holder = port;
  }
  msg.targetPort = port;
  const error = port.putPort(msg);
  if (error !== EASYNC) replyMsg(msg, error);
  return error;
}

/**
 * Asks the target to finish the message early. Advisory: the caller still waits for the reply (often EINTR).
 * Returns 0, or -EINVAL for a message that is done, already replied or not abortable. Source: lwkt_abortmsg.
 */
export function abortMsg(msg: Msg): i32 {
  if ((msg.flags & (MSGF_DONE | MSGF_REPLY)) !== 0 || (msg.flags & MSGF_ABORTABLE) === 0) return -Errno.INVAL;
  const handler = msg.abortHandler;
  if (handler === null) return -Errno.INVAL;
  handler.abort(msg);
  return 0;
}
