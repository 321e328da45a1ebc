/**
 * @anax/lwkt: light-weight kernel threads. Messages, ports, threads by fixed priority, wait queues, callouts.
 */
export * from "./msg";
export * from "./port";
export * from "./thread";
export * from "./waitq";
export * from "./callout";
