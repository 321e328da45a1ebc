/**
 * Numbers of threads: priorities, states, and what the next turn is for. Neighbours: `thread.ts`, `cpu.ts`.
 * Source: DragonFly sys/sys/thread.h (priorities).
 */
import type { i32 } from "@anax/portable";

export const TDPRI_IDLE: i32 = 0;
export const TDPRI_USER_SCHEDULER: i32 = 2;
export const TDPRI_USER_IDLE: i32 = 4;
export const TDPRI_USER_NORM: i32 = 6;
export const TDPRI_USER_REAL: i32 = 8;
export const TDPRI_KERN_LPSCHED: i32 = 9;
export const TDPRI_KERN_USER: i32 = 10;
export const TDPRI_KERN_DAEMON: i32 = 12;
export const TDPRI_SOFT_NORM: i32 = 14;
export const TDPRI_SOFT_TIMER: i32 = 16;
export const TDPRI_INT_SUPPORT: i32 = 20;
export const TDPRI_INT_LOW: i32 = 27;
export const TDPRI_INT_MED: i32 = 28;
export const TDPRI_INT_HIGH: i32 = 29;
export const TDPRI_MAX: i32 = 31;

/** States of a thread. */
export const TDS_IDLE: i32 = 0;
export const TDS_QUEUED: i32 = 1;
export const TDS_RUNNING: i32 = 2;
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
