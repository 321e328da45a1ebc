/**
 * @anax/machine: the one interface to hardware. Physical memory, user contexts, ports, clock, interrupts, console, halt.
 * In JavaScript the machine is simulated (its parts: `src/host`); on bare metal each method is one platform function.
 */
export { Machine } from "./glue/js/machine";
export * from "./registers";
