import { readFileSync } from "node:fs";
import { readmeExamples } from "@anax/kts/readme";
import { expect, test } from "vitest";
import { bundleExample } from "../examples/run.mjs";
import * as messages from "../examples/maths/messages";

readmeExamples(import.meta.url, {
  modules: { "./messages.js": messages },
  url: await bundleExample("maths", "readme"),
});

test.each(["messages", "worker"])("the README shows %s.ts as it is", (name) => {
  const read = (file: string): string => readFileSync(new URL(file, import.meta.url), "utf8");
  expect(read("../README.md")).toContain(`// ${name}.ts\n${read(`../examples/maths/${name}.ts`)}`);
});
