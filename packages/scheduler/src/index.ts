/**
 * @anax/scheduler: the userland scheduler. Which LWP runs next, and for how long.
 */
export * from "./entity";
export * from "./run-queue";
export * from "./user-scheduler";
