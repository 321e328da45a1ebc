import type { LwktError } from "@anax/lwkt/host";

/** What a promise rejects with. */
export const rejection = (promise: Promise<unknown>): Promise<LwktError> =>
  promise.then(
    () => {
      throw new Error("it did not reject");
    },
    (error: LwktError) => error,
  );
