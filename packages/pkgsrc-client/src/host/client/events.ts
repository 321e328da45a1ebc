/** What a client tells while it works. Key type: {@link ClientEvents}, for `PkgsrcClient.on`. */
import type { LockHolder } from "../transaction/lock";
import type { Recovered } from "../transaction/recover";
import type { PlanStep } from "./plan";

export interface ClientEvents {
  /** A summary is being fetched or was read. */
  repository: [
    event: { url: string; state: "fetch" | "cached" | "read" | "failed"; packages: number; message: string },
  ];
  /** Bytes of a file that is being fetched; `total` is -1 while it is unknown. */
  download: [event: { name: string; received: number; total: number; done: boolean }];
  /** A package file was checked. */
  verified: [event: { name: string; signed: boolean; signer: string }];
  /** Bytes unpacked to the work directory. */
  stage: [event: { name: string; bytes: number; total: number }];
  /** A step begins. */
  step: [event: { step: PlanStep | null; from: string | null; to: string | null; index: number; count: number }];
  /** Output of a script. */
  script: [event: { package: string; phase: string; text: string }];
  /** Something that the user should know. */
  notice: [message: string];
  /** Something that is wrong but does not stop us. */
  warning: [message: string];
  /** +DISPLAY of a package that was installed. */
  message: [event: { package: string; text: string }];
  /** An interrupted transaction was ended. */
  recovered: [event: Recovered];
  /** Somebody else holds the lock. */
  locked: [holder: LockHolder];
}
