import { LwktError, serve } from "@anax/lwkt/host";
import { Tasks } from "./messages.js";

const functions: Record<string, (...args: never[]) => unknown> = {
  fibonacci: (n: number): number => {
    let [a, b] = [0, 1];
    for (let i = 0; i < n; i++) [a, b] = [b, a + b];
    return a;
  },
  reverse: (text: string): string => [...text].reverse().join(""),
};

serve(Tasks, {
  task: ({ name, args }) => {
    const work = Object.hasOwn(functions, name) ? functions[name]! : null;
    if (work === null) throw new LwktError("ENOENT", `no function "${name}"`);
    return { value: work(...(args as never[])) };
  },
});
