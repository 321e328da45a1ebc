/**
 * @anax/scheduler: who runs next, where and for how long. The userland scheduler of one CPU, and policies for many.
 */
export * from "./bsd4";
export * from "./cpu-mask";
export * from "./dfly";
export * from "./dfly-choice";
export * from "./dfly-tuning";
export * from "./eevdf";
export * from "./entity";
export * from "./fair-queue";
export * from "./load-tree";
export * from "./policy";
export * from "./priority-tree";
export * from "./registry";
export * from "./round-robin";
export * from "./run-queue";
export * from "./topology";
export * from "./user-scheduler";
