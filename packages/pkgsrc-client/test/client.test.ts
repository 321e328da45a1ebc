/** The library: other devices, destination directories, signatures, full disks, events. */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import * as openpgp from "openpgp";
import { describe, expect, it } from "vitest";
import type { PackageInput } from "../src/host/archive/create";
import { PkgsrcClient } from "../src/host/client";
import type { ClientOptions } from "../src/host/client/config";
import { signPackage } from "../src/host/signature/signed-package";
import type { CrashHook } from "../src/host/transaction/journal";
import { writeRepository } from "./support/repository";
import { expectSame, picture, temporaryDirectory } from "./support/tree";

const APP: PackageInput[] = [
  { name: "lib-1.0", files: [{ path: "lib/lib", content: "lib 1" }] },
  {
    name: "app-1.0",
    depends: ["lib>=1"],
    files: [
      { path: "bin/app", content: "app 1", mode: 0o755 },
      { path: "share/app/data", content: "data 1".repeat(3000) },
    ],
    metadata: {
      "+INSTALL": '#!/bin/sh\necho "$2 $PKG_PREFIX $PKG_DESTDIR" >> "$PKG_DESTDIR$PKG_PREFIX/script-log"\n',
      "+DISPLAY": "Welcome to app\n",
    },
  },
];
const APP2: PackageInput[] = [
  APP[0]!,
  { ...APP[1]!, name: "app-2.0", files: [{ path: "bin/app", content: "app 2", mode: 0o755 }], metadata: {} },
];

async function withClient(
  options: ClientOptions,
  work: (client: PkgsrcClient, events: string[]) => Promise<void>,
  hook?: CrashHook,
): Promise<void> {
  const client = new PkgsrcClient({ sync: false, ...options }, hook);
  const events: string[] = [];
  client.on("step", ({ from, to }) => events.push(`step ${from} ${to}`));
  client.on("notice", (text) => events.push(`notice ${text}`));
  client.on("message", ({ text }) => events.push(`message ${text.trim()}`));
  client.on("verified", ({ name, signer }) => events.push(`verified ${name} ${signer}`));
  try {
    await work(client, events);
  } finally {
    await client.close();
  }
}

describe("PkgsrcClient", () => {
  it("tells what it does", async () => {
    using dir = temporaryDirectory();
    const repo = path.join(dir.path, "repo");
    await writeRepository(repo, APP);
    await withClient({ prefix: path.join(dir.path, "pkg"), repos: [repo] }, async (client, events) => {
      const { transaction } = await client.apply(await client.plan({ install: ["app"] }));
      expect(transaction).toBe(1);
      expect(events).toEqual([
        "verified lib-1.0 ",
        "verified app-1.0 ",
        "step null lib-1.0",
        "step null app-1.0",
        "message Welcome to app",
      ]);
      expect(client.history()).toMatchObject([{ id: 1, kept: true, undoneBy: 0 }]);
    });
  });

  const other = "/dev/shm";
  const twoDevices = fs.existsSync(other) && fs.statSync(other).dev !== fs.statSync(os.tmpdir()).dev;
  it.runIf(twoDevices)("works over several devices", async () => {
    using dir = temporaryDirectory();
    const far = fs.mkdtempSync(path.join(other, "pkgc-test-"));
    try {
      const repo = path.join(dir.path, "repo");
      // The database here, the prefix there, and one directory of the prefix here again.
      const prefix = path.join(far, "pkg");
      fs.mkdirSync(prefix);
      fs.mkdirSync(path.join(dir.path, "share"));
      fs.symlinkSync(path.join(dir.path, "share"), path.join(prefix, "share"));
      const options = { prefix, dbdir: path.join(dir.path, "db") };
      await writeRepository(repo, APP);
      const shot = (): string[] => [...picture(far, [".pkgc"]), ...picture(dir.path, ["repo", "db.pkgc"])];
      const empty = shot();
      await withClient({ ...options, repos: [repo] }, async (client) => {
        await client.apply(await client.plan({ install: ["app"] }));
        const installed = shot();
        await writeRepository(repo, APP2);
        await client.update();
        await client.apply(await client.plan({ upgrade: "all" }));
        expect(fs.readFileSync(path.join(prefix, "bin/app"), "utf8")).toBe("app 2");
        await client.rollback(2);
        expectSame(shot(), installed);
        await client.rollback(1);
        expectSame(shot(), empty);
        const { transactions } = await client.clean({ history: { transactions: 0 } });
        expect(transactions).toEqual([4, 3]);
      });
    } finally {
      fs.rmSync(far, { recursive: true, force: true });
    }
  });

  it("installs below a destination directory", async () => {
    using dir = temporaryDirectory();
    const repo = path.join(dir.path, "repo");
    const destdir = path.join(dir.path, "image");
    await writeRepository(repo, APP);
    const options = { destdir, prefix: "/opt/own", dbdir: "/opt/db", repos: [repo] };
    await withClient(options, async (client) => {
      await client.apply(await client.plan({ install: ["app"] }));
      expect(fs.readFileSync(path.join(destdir, "opt/own/bin/app"), "utf8")).toBe("app 1");
      expect(fs.readFileSync(path.join(destdir, "opt/db/app-1.0/+CONTENTS"), "utf8")).toContain("@cwd /opt/own\n");
      expect(fs.readFileSync(path.join(destdir, "opt/own/script-log"), "utf8")).toBe(
        `PRE-INSTALL /opt/own ${destdir}\nPOST-INSTALL /opt/own ${destdir}\n`,
      );
      expect(client.owner(path.join(destdir, "opt/own/bin/app"))).toEqual(["app-1.0"]);
      expect(client.verify().findings).toEqual([]);
    });
  });

  it("takes signatures as seriously as it is told", async () => {
    using dir = temporaryDirectory();
    const repo = path.join(dir.path, "repo");
    await writeRepository(repo, [APP[0]!]);
    const { privateKey, publicKey } = await openpgp.generateKey({
      type: "curve25519",
      userIDs: [{ name: "Builder", email: "builder@example.org" }],
      date: new Date(Date.now() - 86_400_000),
    });
    const keys = path.join(dir.path, "keys.asc");
    fs.writeFileSync(keys, publicKey);
    const options = { prefix: path.join(dir.path, "pkg"), repos: [repo], keys: [keys] };
    const install = (more: ClientOptions, ask?: (question: string) => Promise<boolean>): Promise<void> =>
      withClient({ ...options, ...more }, async (client, events) => {
        await client.update();
        await client.apply(await client.plan({ install: ["lib"] }), ask === undefined ? {} : { ask });
        await client.rollback(client.history().at(-1)!.id);
        signers.push(...events.filter((event) => event.startsWith("verified")));
      });
    const signers: string[] = [];
    await expect(install({ verify: "always" })).rejects.toMatchObject({ code: "ESIGNATURE" });
    await expect(install({})).rejects.toMatchObject({
      code: "ESIGNATURE",
      message: expect.stringContaining("nobody could be asked"),
    });
    const questions: string[] = [];
    await expect(install({}, (q) => Promise.resolve(questions.push(q) < 0))).rejects.toMatchObject({
      code: "ESIGNATURE",
    });
    await install({}, () => Promise.resolve(true));
    expect(questions).toEqual(["lib-1.0 has no valid signature: it is not signed. Install it?"]);
    await install({ verify: "never" });
    expect(signers.every((line) => line === "verified lib-1.0 ")).toBe(true);

    const plain = path.join(repo, "lib-1.0.tgz");
    fs.renameSync(plain, path.join(dir.path, "plain.tgz"));
    await signPackage(path.join(dir.path, "plain.tgz"), plain, { key: privateKey });
    // The summary must tell of the signed file.
    const signed = fs.readFileSync(plain);
    await writeRepository(repo, [APP[0]!], (s) =>
      s.replace(/FILE_CKSUM=.*\n/, "").replace(/FILE_SIZE=.*/, `FILE_SIZE=${signed.length}`),
    );
    fs.writeFileSync(plain, signed);
    signers.length = 0;
    await install({ verify: "always" });
    expect(signers[0]).toMatch(/^verified lib-1\.0 .*Builder/);
    const broken = Buffer.from(signed);
    broken[broken.length - 40]! ^= 1;
    fs.writeFileSync(plain, broken);
    await expect(install({ verify: "always" })).rejects.toThrow();
    expect(fs.existsSync(path.join(dir.path, "pkg/lib"))).toBe(false);
  });

  it("leaves everything as it was when the disk is full, at any point", async () => {
    using dir = temporaryDirectory();
    const repo = path.join(dir.path, "repo");
    await writeRepository(repo, APP);
    const options = { prefix: path.join(dir.path, "pkg"), repos: [repo] };
    await withClient(options, async (client) => void (await client.apply(await client.plan({ install: ["app"] }))));
    await writeRepository(repo, APP2);
    const shot = (): string[] => picture(path.join(dir.path, "pkg"), ["pkgdb.pkgc"]);
    const before = shot();
    let failures = 0;
    for (let n = 1; ; n += 3) {
      let count = 0;
      let committed = false;
      const hook: CrashHook = {
        reach: (point) => {
          committed ||= point === "journal:commit:after";
          if (committed || count++ !== n) return Promise.resolve();
          return Promise.reject(Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" }));
        },
      };
      let failed = false;
      await withClient(
        options,
        async (client) => {
          await client.update();
          await client.apply(await client.plan({ upgrade: "all" })).catch((error: NodeJS.ErrnoException) => {
            expect(error.code).toBe("ENOSPC");
            failed = true;
          });
        },
        hook,
      );
      if (!failed) break;
      expectSame(shot(), before, `point ${n}`);
      failures++;
    }
    expect(failures).toBeGreaterThan(5);
    expect(fs.readFileSync(path.join(dir.path, "pkg/bin/app"), "utf8")).toBe("app 2");
  });

  it("refuses packages for another system", async () => {
    using dir = temporaryDirectory();
    const repo = path.join(dir.path, "repo");
    await writeRepository(repo, [{ name: "alien-1", files: [], buildInfo: { OPSYS: "Plan9", MACHINE_ARCH: "mips" } }]);
    const options = { prefix: path.join(dir.path, "pkg"), repos: [repo] };
    await withClient(options, async (client) => {
      const plan = await client.plan({ install: ["alien"] });
      await expect(client.apply(plan)).rejects.toMatchObject({
        code: "EPLATFORM",
        message: expect.stringContaining("alien-1 was built for Plan9/mips"),
      });
    });
    await withClient({ ...options, anyPlatform: true }, async (client) => {
      await client.apply(await client.plan({ install: ["alien"] }));
      expect(client.list().map((p) => p.name)).toEqual(["alien-1"]);
    });
  });

  it("notices that other tools changed the packages since", async () => {
    using dir = temporaryDirectory();
    const repo = path.join(dir.path, "repo");
    await writeRepository(repo, APP);
    await withClient({ prefix: path.join(dir.path, "pkg"), repos: [repo] }, async (client) => {
      await client.apply(await client.plan({ install: ["app"] }));
      const plan = await client.plan({ remove: ["app"] });
      // As pkg_delete would have done it.
      fs.rmSync(path.join(client.config.dbdir, "app-1.0"), { recursive: true });
      await expect(client.apply(plan)).rejects.toMatchObject({ code: "ESTALEPLAN" });
      await expect(client.rollback(1)).rejects.toMatchObject({ code: "ESTALEPLAN" });
    });
  });
});
