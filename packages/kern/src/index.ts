/**
 * @anax/kern: the kernel proper. Processes, LWPs, signals, sessions, time and limits; files, pipes, ttys and poll (`files.ts`).
 */
export * from "./sigdefs";
export * from "./sigqueue";
export * from "./sigacts";
export * from "./usage";
export * from "./limits";
export * from "./pid";
export * from "./session";
export * from "./abi";
export * from "./exec";
export * from "./lwp";
export * from "./proc";
export * from "./kernel";
export * from "./fork";
export * from "./exit";
export * from "./wait";
export * from "./signal";
export * from "./sigcalls";
export * from "./op";
export * from "./exec-args";
export * from "./clock";
export * from "./time";
export * from "./timespec";
export * from "./itimer";
export * from "./posix-timer";
export * from "./times";
export * from "./futex";
export * from "./credcalls";
export * from "./priority";
export * from "./prctl";
export * from "./system";
export * from "./user";
export * from "./loadavg";
export * from "./oom";
export { chooseLwp, readyForUser, systemCall, takeInterrupts } from "./loop";
export * from "./procinfo";
export * from "./files";
