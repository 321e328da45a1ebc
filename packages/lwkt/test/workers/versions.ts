/** A program that takes one version of a class, and opens its port late or never: its name says which and when, as in "version 1, 200 ms". */
import { localCpu, parentCpu, serve } from "@anax/lwkt/host";
import { Port1, Port2, Port3 } from "../versions";

await parentCpu();
const [version, late] = localCpu().name.match(/-?\d+/g)!.map(Number);
let log: string[] = [];
const note = (line: string): void => void log.push(line);
const others = {
  mark: ({ seq }: { seq: number }): void => note(`mark ${seq}`),
  seen: (): { seen: string[] } => {
    const seen = log;
    log = [];
    return { seen };
  },
};
const bytes = (data: Uint8Array): string => [...data].join(",");

function open(): void {
  switch (version) {
    case 1:
      serve(Port1, {
        ...others,
        put: ({ seq, path, data }) => {
          note(`1 ${seq} ${path} ${bytes(data)}`);
          return { text: path === "mute" ? "" : `one ${path}` };
        },
      });
      break;
    case 2:
      serve(Port2, {
        ...others,
        put: ({ seq, names, data, block }) => {
          const own = (block as typeof block | null) === null ? data : new Uint8Array(block.bytes);
          note(`2 ${seq} ${names.join("|")} ${bytes(own)}`);
          (block as typeof block | null)?.release();
          return { text: `two ${names.join("|")}`, size: own.length };
        },
      });
      break;
    default:
      serve(Port3, {
        ...others,
        put: ({ seq, names, data, block, mode }) => {
          const own = (block as typeof block | null) === null ? data : new Uint8Array(block.bytes);
          note(`3 ${seq} ${names.join("|")} ${bytes(own)} ${mode.toString(8)}`);
          (block as typeof block | null)?.release();
          return { said: { text: `three ${names.join("|")}`, size: own.length } };
        },
      });
  }
}

// Who waits for a port that never comes need not wait for ten seconds.
localCpu().portTimeout = 500;
if (late! > 0) setTimeout(open, late);
else if (late === 0) open();
