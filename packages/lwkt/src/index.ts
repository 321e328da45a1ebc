/**
 * @anax/lwkt: light-weight kernel threads. Messages, ports, threads by fixed priority, tokens, wait queues, callouts, requests between CPUs; and
 * the binary form in which messages travel.
 */
export * from "./msg";
export * from "./port";
export * from "./thread-state";
export * from "./threadport";
export * from "./thread";
export * from "./cpu";
export * from "./spinport";
export * from "./serialize";
export * from "./token";
export * from "./token-stack";
export * from "./waitq";
export * from "./callout";
export * from "./ipi";
export * from "./ipiq";
export * from "./cpumask";
export * from "./group";
export * from "./heap-transport";
export * from "./cpusync";
export { WireBuffer } from "./glue/js/wire-buffer";
export * from "./msgclass";
export * from "./record";
export * from "./wire";
export * from "./registry";
export * from "./control";
