/**
 * @anax/machine/host: the simulated machine from outside, for tests and for kernels inside Node or a browser.
 */
export { Machine } from "../glue/js/machine";
export { MachineHalted, Simulation } from "./sim";
export { STEP_SIZE, ProgramTable, SimCpu, type SimProgram, type SimStep } from "./cpu";
export { Bus, Interrupts, SimClock, type SimDevice } from "./bus";
export { Mmu, type FlushCounts } from "./mmu";
export { PhysMemory } from "./memory";
export { UNINITIALISED, type RegionOption, type SimOptions } from "./options";
export { wasmImports, type WasmImports } from "./wasm-imports";
