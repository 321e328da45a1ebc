/** The file side of the kernel: what `index.ts` exports of it. */
export * from "./fcntl";
export * from "./file";
export * from "./file-context";
export * from "./descriptors";
export * from "./fileops";
export * from "./fdops";
export * from "./nameops";
export * from "./poll";
export * from "./epoll";
export * from "./eventfd";
export * from "./timerfd";
export * from "./signalfd";
export * from "./memfd";
export * from "./byte-ring";
