/** The work itself, the same for every pool in the benchmark. */

/** Computes for so many microseconds. */
export function spin(us) {
  const end = performance.now() + us / 1000;
  let value = 0;
  while (performance.now() < end) for (let i = 0; i < 100; i++) value += Math.sqrt(i);
  return value;
}

export function next(n) {
  return (n + 1) | 0;
}

/** Sieve of Eratosthenes. */
export function primes(upTo) {
  const composite = new Uint8Array(upTo + 1);
  let count = 0;
  for (let n = 2; n <= upTo; n++) {
    if (composite[n] === 1) continue;
    count++;
    for (let m = n * n; m <= upTo; m += n) composite[m] = 1;
  }
  return count;
}
