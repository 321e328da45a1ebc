/** C programs of ours: what POSIX promises (usertests), and random system calls (fuzz). */
import { randomInt } from "node:crypto";
import { describe, expect, it } from "vitest";
import { guestScript } from "../helpers/anax.js";
import { abitests, dynamicProgram, program, usertests } from "../helpers/programs.js";

/** 200,000 calls at least, whatever the seed. */
const CALLS = 200_000;

describe("usertests", () => {
  it("all pass", async () => {
    const add = ["--add", `${await usertests()}:/bin/usertests`];
    const result = await guestScript("usertests", add);
    const lines = result.stdout.toString().trim().split("\n");
    const failures = lines.filter((line) => !line.startsWith("ok "));
    expect(failures.join("\n") + result.stderr.toString()).toMatch(/^\d+ passed, 0 failed$/);
    expect(result.status).toBe(0);
  });

  it("give their memory back", async () => {
    const add = ["--add", `${await usertests()}:/bin/usertests`];
    const free = "awk '/^MemFree/ {print $2}' /proc/meminfo";
    // The first round fills caches that stay.
    const tests =
      "usertests fork_copies_memory_and_descriptors copy_on_write file_mapping_shared pipe_broken many_short_processes";
    const result = await guestScript(
      `${tests} >/dev/null; ${free}; for i in 1 2 3; do ${tests} >/dev/null; done; ${free}`,
      add,
    );
    const [before, after] = result.stdout.toString().trim().split("\n").map(Number);
    expect(before! - after!).toBeLessThan(2048);
  });
});

describe("tests of the Linux interface", () => {
  it("all pass", async () => {
    const add = ["--add", `${await abitests()}:/bin/abitests`];
    const result = await guestScript("abitests", add);
    const lines = result.stdout.toString().trim().split("\n");
    const failures = lines.filter((line) => !line.startsWith("ok "));
    expect(failures.join("\n") + result.stderr.toString()).toMatch(/^\d+ passed, 0 failed$/);
    expect(result.status).toBe(0);
  });
});

describe("a dynamically linked program", () => {
  it("runs with the host's libraries", async () => {
    const add = (await dynamicProgram("shared")).flatMap((pair) => ["--add", pair]);
    const result = await guestScript("shared a b; echo $?", add);
    expect(result.stderr.toString()).toBe("");
    expect(result.stdout.toString()).toBe("1 3 shared\n4 5 6 7 5\nbye\n6\n");
  });
});

describe("random system calls", () => {
  it.each([
    ["a fixed seed", 1],
    ["a random seed", randomInt(2 ** 32)],
  ])("leave the kernel and the shell alive, with %s (%d)", async (_, seed) => {
    const add = ["--add", `${await program("fuzz")}:/bin/fuzz`];
    const result = await guestScript(`fuzz ${seed} ${CALLS} && echo alive | tr a-z A-Z && ls -d /bin`, add);
    expect(result.stderr.toString()).toBe("");
    expect(result.stdout.toString()).toMatch(/^fuzz: seed \d+, 2\d{5} calls, .*\nALIVE\n\/bin\n$/);
    expect(result.status).toBe(0);
  });
});
