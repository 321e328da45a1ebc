/**
 * Messages: the unit of work between threads, file systems, drivers and system calls.
 *
 * Key type `Msg`; neighbours `port.ts` (who moves messages), `thread.ts` (who handles them).
 * Invariant: a message is on at most one queue, and only its owner touches it: the originator before the send and after
 * the reply, the target in between.
 * Source: DragonFly sys/sys/msgport.h.
 */
import { EASYNC, Errno, kassert, type i32, type long } from "@anax/portable";
import type { Port } from "./port";

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
/** The target may be asked to abort it. */
export const MSGF_ABORTABLE: i32 = 0x80;
/** It goes to the port's priority queue. */
export const MSGF_PRIORITY: i32 = 0x100;

/** What an ABORTABLE message's target registers: asked to finish the message early. Advisory: a reply still comes. */
export interface AbortHandler {
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
export class Msg {
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
  const error = port.putPort(msg);
  kassert(error !== EASYNC, "doMsg: the target did not finish the message");
  msg.error = error;
  msg.flags |= MSGF_DONE | MSGF_REPLY;
  return error;
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
