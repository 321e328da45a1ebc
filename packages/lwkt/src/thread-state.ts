/**
 * Numbers of threads: priorities, states, and what the next turn is for. Neighbours: `thread.ts`, `cpu.ts`.
 * Source: DragonFly sys/sys/thread.h (priorities).
 */
import type { i32 } from "@anax/portable";

/** Idle: runs when nothing else can. */
export const TDPRI_IDLE: i32 = 0;
/** The helper of the userland scheduler. */
export const TDPRI_USER_SCHEDULER: i32 = 2;
/** User programs of class idle. */
export const TDPRI_USER_IDLE: i32 = 4;
/** User programs. */
export const TDPRI_USER_NORM: i32 = 6;
/** User programs of class real-time. */
export const TDPRI_USER_REAL: i32 = 8;
/** The lowest priority at which a thread may run past a better one that waits for tokens. */
export const TDPRI_KERN_LPSCHED: i32 = 9;
/** User programs while they are in the kernel. */
export const TDPRI_KERN_USER: i32 = 10;
/** Daemons: what has time. */
export const TDPRI_KERN_DAEMON: i32 = 12;
/** Software interrupts. */
export const TDPRI_SOFT_NORM: i32 = 14;
/** Callouts. */
export const TDPRI_SOFT_TIMER: i32 = 16;
/** Helpers of interrupt threads. */
export const TDPRI_INT_SUPPORT: i32 = 20;
/** Interrupt threads: devices that can wait. */
export const TDPRI_INT_LOW: i32 = 27;
/** Interrupt threads. */
export const TDPRI_INT_MED: i32 = 28;
/** Interrupt threads: devices that cannot wait. */
export const TDPRI_INT_HIGH: i32 = 29;
/** The highest priority. */
export const TDPRI_MAX: i32 = 31;

/** States of a thread. */
/** Has nothing to do. */
export const TDS_IDLE: i32 = 0;
/** On the run queue of its CPU. */
export const TDS_QUEUED: i32 = 1;
/** Its handler runs, or it has not given up the CPU between steps. */
export const TDS_RUNNING: i32 = 2;
/** Waits to be woken. */
export const TDS_ASLEEP: i32 = 3;
/** On its way to another CPU. */
export const TDS_MOVING: i32 = 4;
/** Gone; its port is dead. */
export const TDS_EXITED: i32 = 5;

/** What makes a turn another than the plain one: TDW_* in `Thread#work`. */
/** It has token references, and must have the tokens before it runs. */
export const TDW_TOKENS: i32 = 0x1;
/** The next turn is for the same message: it sleeps or waits for tokens, and its handler starts over. */
export const TDW_RERUN: i32 = 0x2;
/** It goes on with the same message and keeps the CPU. */
export const TDW_AGAIN: i32 = 0x4;
/** It goes on with the same message after others. */
export const TDW_YIELD: i32 = 0x8;
/** It got EASYNC from something that wakes it. */
export const TDW_SLEEP: i32 = 0x10;
/** It was woken before it slept. */
export const TDW_WOKEN: i32 = 0x20;
/** It moves to another CPU at the end of its turn. */
export const TDW_MIGRATE: i32 = 0x40;
/** A token could not be had: the handler has to return. */
export const TDW_STALLED: i32 = 0x80;
/** It is gone at the end of its turn. */
export const TDW_EXIT: i32 = 0x100;
