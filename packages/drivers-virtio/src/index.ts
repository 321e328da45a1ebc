/**
 * @anax/drivers-virtio: virtio devices over PCI and MMIO, and the little of ACPI and PCI that finds them.
 */
export * from "./acpi";
export * from "./pci";
export * from "./transport";
export * from "./pci-transport";
export * from "./mmio-transport";
export * from "./virtqueue";
export * from "./device";
export * from "./console";
export * from "./rng";
