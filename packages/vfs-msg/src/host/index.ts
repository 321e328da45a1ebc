/** @anax/vfs-msg/host: a POSIX file system in memory for Node and browsers, in the shape of `node:fs`. */
export * from "./errors";
export * from "./memory-fs";
export * from "./stats";
