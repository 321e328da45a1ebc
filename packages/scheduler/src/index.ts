/**
 * @anax/scheduler: who runs next, where and for how long. The userland scheduler of one CPU, and policies for many.
 */
export * from "./cpu-mask";
export * from "./entity";
export { FairNode } from "./fair-queue";
export * from "./load-tree";
export * from "./policy";
export * from "./registry";
export * from "./round-robin";
export * from "./run-queue";
export * from "./topology";
export * from "./user-scheduler";
