/**
 * @anax/abi-compat: the program interfaces of the kernel. Linux x86-64 system calls and signal frames, and the ELF64 loader.
 */
export * from "./elf/format";
export * from "./elf/image";
export * from "./elf/loader";
export * from "./elf/stack";
export * from "./linux/table";
export * from "./linux/layout";
export * from "./linux/counters";
export * from "./linux/context";
export * from "./linux/abi";
export { encodeStat, encodeStatfs, encodeStatx } from "./linux/stat";
export { decodeSiginfo, encodeSiginfo } from "./linux/siginfo";
