/**
 * @anax/vfs-msg: a message-based virtual file system. Name cache, vnodes, mounts, operations as messages; tmpfs, devfs, procfs;
 * cpio archives and inflate.
 */
export * from "./flags";
export * from "./cred";
export * from "./stat";
export * from "./clock";
export * from "./vnode";
export * from "./device";
export * from "./lock";
export * from "./vop";
export * from "./filesystem";
export * from "./mount";
export * from "./namecache";
export * from "./nlookup";
export * from "./vfs";
export * from "./options";
export * from "./tmpfs/node";
export * from "./tmpfs/data";
export * from "./tmpfs/tmpfs";
export * from "./random";
export * from "./devfs/devfs";
export * from "./devfs/memory";
export * from "./devfs/kmsg";
export * from "./procfs/source";
export * from "./procfs/entry";
export * from "./procfs/procfs";
export * from "./initramfs/source";
export * from "./initramfs/crc32";
export * from "./initramfs/inflate";
export * from "./initramfs/stream";
export * from "./initramfs/unpack";
