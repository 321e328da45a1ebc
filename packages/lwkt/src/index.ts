/**
 * @anax/lwkt: light-weight kernel threads. Messages, ports, threads by fixed priority, wait queues, callouts.
 */
export * from "./msg";
export * from "./port";
export * from "./thread";
export * from "./waitq";
export * from "./callout";
export { WireBuffer } from "./glue/js/wire-buffer";
export * from "./msgclass";
export * from "./record";
export * from "./wire";
export * from "./registry";
export * from "./control";
