/**
 * @anax/lwkt/host: messages between JavaScript threads for ordinary TypeScript. Node's worker_threads and the web's workers, by shared-memory rings.
 *
 * `defineMessage` and `definePort` declare what is said, `spawnCpu` starts a worker, `serve` answers, `port.call` asks.
 */
import "./dispose";

export * from "./errors";
export { defineMessage, translate, AnyMessage } from "./message";
export type { Message, MessageClass, MessageSpec, MessageType, ReplyOf, RequestOf, Translation } from "./message";
export { json, value } from "./schema";
export type { Field, FieldSpec, Fields, Kind, KindTypes, Values } from "./schema";
export { definePort, HostPort, LocalPort } from "./port";
export type { Handler, Handlers, MessageOf, Messages, PortSpec, ServeOptions } from "./port";
export type { CallOptions } from "./call";
export { connectCpus, openPort, parentCpu, peerCpu, serve, spawnCpu, PeerCpu, WorkerCpu } from "./spawn";
export type { SpawnOptions } from "./spawn";
export { LocalCpu, localCpu } from "./cpu";
export { SharedArena, SharedBlock } from "./arena";
export type { ArenaOptions } from "./arena";
export { RingReader, RingWriter, closeRing, ringBytes } from "./ring";
export type { RingMemory } from "./ring";
