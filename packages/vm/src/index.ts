/**
 * @anax/vm: virtual memory. Physical pages, objects, address spaces, faults, copy-on-write, x86-64 page tables, user memory access.
 */
export * from "./mman";
export * from "./pages";
export * from "./heap";
export * from "./pager";
export * from "./object";
export { ObjectTable } from "./object-table";
export * from "./entry";
export * from "./space";
export * from "./uio";
export * from "./vm";
