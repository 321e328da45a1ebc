/**
 * The layers: which packages each package may import. An arrow points down only; `layering` refuses the others, and a test
 * compares this table with the dependencies in each package.json.
 */
const BOTTOM = ["portable"];
const MACHINE = [...BOTTOM, "machine"];
const LWKT = [...MACHINE, "lwkt"];
const VM = [...LWKT, "vm"];
const VFS = [...VM, "vfs-msg"];
const KERN = [...VFS, "scheduler", "kern"];
const ABI = [...KERN, "abi-compat"];

const withoutSelf = (packages: readonly string[], self: string): readonly string[] =>
  packages.filter((p) => p !== self);

/** Package folder to the folders of the packages below it. */
export const LAYERS: ReadonlyMap<string, readonly string[]> = new Map([
  ["portable", []],
  ["machine", withoutSelf(MACHINE, "machine")],
  ["lwkt", withoutSelf(LWKT, "lwkt")],
  ["scheduler", LWKT],
  ["vm", withoutSelf(VM, "vm")],
  ["drivers-virtio", LWKT],
  ["vfs-msg", withoutSelf(VFS, "vfs-msg")],
  ["kern", withoutSelf(KERN, "kern")],
  ["abi-compat", withoutSelf(ABI, "abi-compat")],
  ["pkgsrc-client", BOTTOM],
  ["os-image", [...ABI, "drivers-virtio"]],
]);
