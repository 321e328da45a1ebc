/** Signals for the launcher: the guest is ended first, then the launcher dies by the same signal. */

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const;

let caught: NodeJS.Signals | null = null;

/** Calls `handler` for the first signal that would end the launcher; the result takes the handlers off again. */
export function onSignals(handler: (signal: NodeJS.Signals) => void): () => void {
  const listener = (signal: NodeJS.Signals): void => {
    if (caught !== null) return;
    caught = signal;
    handler(signal);
  };
  for (const signal of SIGNALS) process.on(signal, listener);
  return () => {
    for (const signal of SIGNALS) process.off(signal, listener);
  };
}

/** Ends this process by the signal that was caught, if one was, so that the parent sees the truth. */
export function dieByCaughtSignal(): void {
  if (caught !== null) process.kill(process.pid, caught);
}
