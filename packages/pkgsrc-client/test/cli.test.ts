/** The command line as a process, against a real HTTP server with packages made on the fly. */
import { spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { PackageInput } from "../src/host/archive/create";
import { buildCli, callCli, runCli, type CliResult } from "./support/cli";
import { PackageServer, writeRepository } from "./support/repository";
import { expectSame, picture, temporaryDirectory } from "./support/tree";

const packages = (v: 1 | 2): PackageInput[] => [
  {
    name: `zlib-1.${v}`,
    files: [
      { path: "lib/libz.so.1", content: `z ${v}` },
      { path: "lib/libz.so", symlink: "libz.so.1" },
    ],
    buildInfo: { PROVIDES: "/usr/pkg/lib/libz.so.1", CATEGORIES: "archivers", PKGPATH: "archivers/zlib" },
  },
  {
    name: `curl-8.${v}`,
    comment: "Client for URLs",
    depends: ["zlib>=1.1"],
    buildInfo: { REQUIRES: "/usr/pkg/lib/libz.so.1", CATEGORIES: "www net", PKGPATH: "www/curl" },
    files: [
      { path: "bin/curl", content: `#!/bin/sh\necho curl ${v}\n`, mode: 0o755 },
      { path: "share/doc/curl/README", content: "read me\n".repeat(500 * v) },
    ],
    metadata: { "+DISPLAY": "curl says hello\n" },
  },
  {
    name: `git-2.${v}`,
    comment: "Version control",
    depends: ["curl>=8.1"],
    files: [{ path: "bin/git", content: `git ${v}` }],
  },
];

describe("pkgc", () => {
  let script = "";
  beforeAll(async () => {
    script = await buildCli("test");
  });
  afterAll(() => fs.rmSync(path.dirname(script), { recursive: true, force: true }));

  /** One machine: a prefix, and a repository behind a server. */
  class Machine implements AsyncDisposable {
    readonly prefix: string;
    private constructor(
      readonly dir: string,
      readonly server: PackageServer,
      private readonly temporary: Disposable,
    ) {
      this.prefix = path.join(dir, "pkg");
    }

    static async make(inputs: readonly PackageInput[] = packages(1)): Promise<Machine> {
      const temporary = temporaryDirectory();
      const repo = path.join(temporary.path, "repo");
      await writeRepository(repo, inputs);
      return new Machine(temporary.path, await PackageServer.start(repo), temporary);
    }

    get repo(): string {
      return this.server.root;
    }

    /** In a process of its own when something is typed, set or watched; else in this one, which is faster. */
    run(
      args: string,
      options: Parameters<typeof runCli>[2] & { repo?: string; process?: boolean } = {},
    ): Promise<CliResult> {
      const { repo = this.server.url, process: own = false, ...rest } = options;
      const words = args.split(" ").filter((word) => word !== "");
      const all = ["--no-sync", "--prefix", this.prefix, ...(repo === "" ? [] : ["--repo", repo]), ...words];
      return own || Object.keys(rest).length > 0 ? runCli(script, all, rest) : callCli(all);
    }

    async ok(args: string, options: Parameters<Machine["run"]>[1] = {}): Promise<string> {
      const result = await this.run(args, options);
      expect(`${result.stdout}${result.stderr} [${result.status}]`).toContain("[0]");
      return result.stdout;
    }

    async json<T>(args: string, status = 0): Promise<T> {
      const result = await this.run(`--json ${args}`);
      expect(`${result.stderr} [${result.status}]`).toContain(`[${status}]`);
      return JSON.parse(result.stdout) as T;
    }

    /** Everything but our own state. */
    picture(): string[] {
      return picture(this.prefix, ["pkgdb.pkgc"]);
    }

    async [Symbol.asyncDispose](): Promise<void> {
      await this.server[Symbol.asyncDispose]();
      this.temporary[Symbol.dispose]();
    }
  }

  it("installs, asks, upgrades, removes and goes back", async () => {
    await using m = await Machine.make();
    expect(await m.ok("search client")).toMatch(/^curl-8\.1 +Client for URLs\n$/);
    const dry = await m.ok("-n install git");
    expect(dry).toMatch(/install +git-2\.1/);
    expect(dry).toMatch(/`- install +curl-8\.1/);
    expect(dry).toMatch(/ {3}`- install +zlib-1\.1/);
    expect(dry).toContain("3 to install");
    expect(m.picture()).toEqual([]);
    expect((await m.run("install git", { input: "n\n" })).status).toBe(10);
    expect((await m.run("install git", { input: "" })).status).toBe(10);
    expect(m.picture()).toEqual([]);
    const installed = await m.ok("install git", { input: "y\n" });
    expect(installed).toContain("curl says hello");
    expect(await m.ok("list")).toBe("curl-8.1  Client for URLs\ngit-2.1   Version control\nzlib-1.1  zlib-1.1\n");
    expect(await m.ok("verify")).toContain("3 packages, 5 files, 0 findings");
    expect(await m.ok("why zlib")).toBe("git-2.1 -> curl-8.1 -> zlib-1.1\n");
    expect(await m.ok(`owner ${m.prefix}/bin/curl`)).toBe(`${m.prefix}/bin/curl: curl-8.1\n`);
    const before = m.picture();

    await writeRepository(m.repo, packages(2));
    // Only what is kept, and what that needs.
    expect(await m.ok("-n upgrade")).not.toContain("curl");
    const up = await m.ok("-y full-upgrade", { process: true });
    expect(up).toContain("curl-8.1 -> curl-8.2");
    expect(fs.readFileSync(path.join(m.prefix, "bin/git"), "utf8")).toBe("git 2");
    expect(await m.ok("-y upgrade")).toContain("nothing to do");
    expect((await m.json<{ transactions: { id: number; kind: string }[] }>("history")).transactions).toMatchObject([
      { id: 1, kind: "install" },
      { id: 2, kind: "upgrade" },
    ]);
    await m.ok("-y rollback 2");
    expectSame(m.picture(), before);
    expect((await m.run("rollback 2 -y")).status).toBe(2);

    await m.ok("-y remove git");
    expect(await m.ok("list --automatic")).toContain("curl-8.1");
    await m.ok("-y autoremove");
    expect(await m.ok("list")).toBe("");
    expect(fs.readdirSync(m.prefix).sort()).toEqual(["pkgdb", "pkgdb.pkgc"]);
    // Back to the very first state, and with the rollback taken back to the last one.
    await m.ok("-y rollback 4");
    expectSame(m.picture(), before);
  });

  it("has pkgin's short names", async () => {
    await using m = await Machine.make();
    await m.ok("-y in git");
    expect(await m.ok("ls")).toContain("git-2.1");
    expect(await m.ok("av")).toContain("zlib-1.1");
    expect(await m.ok("se --names curl")).toMatch(/^curl-8\.1 = /);
    expect(await m.ok("sd git")).toContain("`- curl-8.1 (curl>=8.1)");
    expect(await m.ok("sfd git")).toContain("zlib-1.1 (zlib>=1.1)");
    expect(await m.ok("srd zlib")).toContain("git-2.1");
    expect(await m.ok("pd curl")).toContain("Client for URLs");
    expect(await m.ok("pc curl")).toBe("bin/curl\nshare/doc/curl/README\n");
    expect(await m.ok("pbd curl")).toContain("PKGPATH=www/curl\n");
    expect(await m.ok("prov zlib")).toBe("/usr/pkg/lib/libz.so.1\n");
    expect(await m.ok("req curl")).toBe("/usr/pkg/lib/libz.so.1\n");
    expect(await m.ok("sac")).toBe("archivers\ndevel\nnet\nwww\n");
    expect(await m.ok("sc net")).toContain("curl-8.1");
    expect(await m.ok("spc curl")).toBe("www net\n");
    expect(await m.ok("sk")).toContain("git-2.1");
    expect(await m.ok("snk")).toContain("zlib-1.1");
    expect(await m.ok("st")).toContain("installed: 3 packages (2 automatic)");
    await m.ok("ke zlib");
    await m.ok("uk git");
    expect(await m.ok("ex")).toBe("archivers/zlib\n");
    expect(await m.ok("-n ar")).toMatch(/remove +git-2\.1/);
    expect(await m.ok("-y ug")).toContain("nothing to do");
    expect(await m.ok("-y fug")).toContain("nothing to do");
    expect(await m.ok("up")).toContain("3 packages in 1 repositories");
    expect(await m.ok("cl")).toContain("of downloads removed");
    await m.ok("-y rm git");
    fs.writeFileSync(path.join(m.dir, "list"), "www/curl # for tests\n");
    await m.ok(`-y im ${m.dir}/list`);
    expect(await m.ok("sk")).toContain("curl-8.1");
  });

  it("answers in JSON", async () => {
    await using m = await Machine.make();
    const plan = await m.json<{ plan: { steps: object[] }; dryRun: boolean }>("-n install curl");
    expect(plan).toMatchObject({
      dryRun: true,
      transaction: 0,
      plan: {
        steps: [
          { action: "install", from: null, to: "zlib-1.1", automatic: true, repository: m.server.url, needs: [] },
          { action: "install", from: null, to: "curl-8.1", automatic: false, needs: [0] },
        ],
        held: [],
        orphans: [],
        broken: [],
        toolSteps: 0,
        unknownSizes: 0,
        proven: true,
      },
    });
    expect(await m.json("-y install curl")).toMatchObject({ transaction: 1, changedFiles: [] });
    expect(await m.json("search curl")).toMatchObject({
      packages: [{ name: "curl-8.1", state: "=", installed: "8.1" }],
    });
    expect(await m.json("info curl")).toMatchObject({
      name: "curl-8.1",
      depends: ["zlib>=1.1"],
      categories: ["www", "net"],
    });
    expect(await m.json("list")).toMatchObject({
      packages: [
        { name: "curl-8.1", automatic: false },
        { name: "zlib-1.1", automatic: true },
      ],
    });
    expect(await m.json("files zlib")).toEqual({
      packages: [{ name: "zlib-1.1", files: [`${m.prefix}/lib/libz.so.1`, `${m.prefix}/lib/libz.so`] }],
    });
    expect(await m.json("show-deps curl")).toMatchObject({
      tree: { name: "curl-8.1", children: [{ name: "zlib-1.1", pattern: "zlib>=1.1" }] },
    });
    expect(await m.json("why zlib")).toEqual({
      packages: [{ name: "zlib-1.1", kept: false, chain: ["curl-8.1", "zlib-1.1"] }],
    });
    expect(await m.json("verify")).toEqual({ packages: 2, files: 4, findings: [] });
    expect(await m.json("repo list")).toEqual({ repositories: [{ url: m.server.url, priority: 0 }] });
    const graph = await m.json<{ nodes: object[]; edges: object[]; svg: string }>("graph curl");
    expect(graph.edges).toEqual([{ from: "curl-8.1", to: "zlib-1.1", pattern: "zlib>=1.1" }]);
    expect(graph.svg).toMatch(/^<svg /);
    expect(await m.json("install nothing-like-it", 3)).toMatchObject({
      error: { code: "ENOTFOUND", details: ["nothing-like-it"] },
    });
    expect(await m.json("remove curl", 2)).toMatchObject({ error: { code: "EINVAL" } });
    expect(await m.json("search nothing-like-it", 1)).toEqual({ packages: [] });
  });

  it("knows several repositories with priorities", async () => {
    await using m = await Machine.make();
    const other = path.join(m.dir, "other");
    await writeRepository(other, packages(2));
    await m.ok(`repo add ${m.server.url}`, { repo: "" });
    await m.ok(`repo add ${other}`, { repo: "" });
    expect(await m.ok("-n install curl", { repo: "" })).toContain("curl-8.2");
    await m.ok(`repo add --priority 5 ${m.server.url}`, { repo: "" });
    expect(await m.ok("-n install curl", { repo: "" })).toContain("curl-8.1");
    expect((await m.ok("repo list", { repo: "" })).split("\n")[0]).toMatch(/^http:.* priority 5$/);
    await m.ok(`repo remove ${m.server.url}`, { repo: "" });
    expect(await m.ok("-n install curl", { repo: "" })).toContain("curl-8.2");
    expect(await m.ok("-n install curl", { repo: "", env: { PKG_REPOS: m.server.url } })).toContain("curl-8.1");
    fs.mkdirSync(path.join(m.prefix, "etc"), { recursive: true });
    fs.writeFileSync(path.join(m.prefix, "etc/pkgc.json"), JSON.stringify({ repos: [m.server.url], colour: true }));
    expect((await m.run("list")).stderr).toContain('has no setting "colour"');
  });

  it("resumes a download that was cut off, and says when it cannot", async () => {
    await using m = await Machine.make();
    m.server.loseAfter.set("curl-8.1.tgz", 100);
    await m.ok("-y install curl");
    expect(m.server.requests).toContain("curl-8.1.tgz bytes=100-");

    await m.ok("-y remove curl");
    await m.ok("clean");
    const before = m.picture();
    fs.rmSync(path.join(m.repo, "curl-8.1.tgz"));
    const gone = await m.run("-y install curl");
    expect(gone.status).toBe(6);
    expect(gone.stderr).toContain("curl-8.1.tgz");
    expectSame(m.picture(), before);
  });

  it("refuses packages that are not what the summary says", async () => {
    await using m = await Machine.make();
    await m.ok("update");
    const file = path.join(m.repo, "zlib-1.1.tgz");
    const good = fs.readFileSync(file);
    const refused = async (data: Buffer, text: RegExp, summary = false): Promise<void> => {
      fs.writeFileSync(file, data);
      if (summary) {
        const list = path.join(m.repo, "pkg_summary.gz");
        const old = gunzipSync(fs.readFileSync(list)).toString();
        fs.writeFileSync(list, gzipSync(old.replace(/FILE_(SIZE|CKSUM)=.*\n/g, "")));
      }
      const result = await m.run("-y install curl");
      expect(`${result.stderr} [${result.status}]`).toMatch(text);
      expect(result.status).toBe(5);
      expect(m.picture()).toEqual([]);
    };
    const wrong = Buffer.from(good);
    wrong[wrong.length - 5]! ^= 1;
    await refused(wrong, /sha512 is/);
    await refused(good.subarray(0, 300), /has 300 bytes/);
    await refused(good.subarray(0, 300), /damaged or cut short/, true);
    // Another package under this name.
    fs.copyFileSync(path.join(m.repo, "git-2.1.tgz"), file);
    await refused(fs.readFileSync(file), /is git-2\.1, not zlib-1\.1/);
  });

  it("goes on without records that are broken, and without a repository that is not there", async () => {
    await using m = await Machine.make();
    await writeRepository(m.repo, packages(1), (s) =>
      s.replace("PKGNAME=git-2.1", "PKGNAME=git").replace(/\n$/, "\nPKGNAME=half"),
    );
    const result = await m.run("av");
    expect(result.status).toBe(0);
    expect(result.stdout).toContain("curl-8.1");
    expect(result.stderr).toMatch(/record 3.*it is left out/);
    const away = await m.run("update", { repo: "http://127.0.0.1:9" });
    expect(away.status).toBe(6);
    expect(away.stderr).toContain("does not accept connections");
    expect((await m.run("av", { repo: path.join(m.dir, "no-such") })).status).toBe(6);
  });

  it("explains what cannot be done", async () => {
    await using m = await Machine.make([
      ...packages(1),
      { name: "app-1.0", depends: ["curl>=9"], files: [] },
      { name: "rival-1.0", conflicts: ["curl-[0-9]*"], files: [] },
    ]);
    const result = await m.run("-y install app");
    expect(result.status).toBe(3);
    expect(result.stderr).toMatch(/app-1\.0 is to be installed\n.*app-1\.0 requires curl>=9/);
    const both = await m.run("-y install curl rival");
    expect(both.status).toBe(3);
    expect(both.stderr).toContain("rival-1.0 conflicts with curl-8.1");
    expect((await m.run("-y install nonsense>>1")).status).toBe(2);
    expect((await m.run("frobnicate", { process: true })).status).toBe(2);
    expect((await m.run("--parallel 0 list")).status).toBe(2);
  });

  it("installs cycles of dependencies", async () => {
    await using m = await Machine.make([
      { name: "hen-1", depends: ["egg>=1"], files: [{ path: "share/hen", content: "" }] },
      { name: "egg-1", depends: ["hen>=1"], files: [{ path: "share/egg", content: "" }] },
    ]);
    await m.ok("-y install hen");
    expect(await m.ok("verify")).toContain("2 packages, 2 files, 0 findings");
    expect(await m.ok("sfd hen")).toContain("hen-1 (hen>=1) (above)");
    await m.ok("-y remove hen");
    expect(await m.ok("list")).toBe("");
  });

  it("lets one client at a time change the system, and takes over from the dead", async () => {
    await using m = await Machine.make();
    const lock = path.join(m.prefix, "pkgdb.pkgc/lock");
    fs.mkdirSync(path.dirname(lock), { recursive: true });
    const other = spawn(process.execPath, ["-e", "setTimeout(() => {}, 60000)"]);
    const holder = {
      pid: other.pid,
      host: os.hostname(),
      user: "somebody",
      command: "pkgc upgrade",
      since: 0,
      started: "",
      token: "x",
    };
    try {
      fs.writeFileSync(lock, JSON.stringify(holder));
      const result = await m.run("-y install curl", { process: true });
      expect(result.status).toBe(7);
      expect(result.stderr).toContain(`locked by process ${other.pid} of somebody on ${os.hostname()} (pkgc upgrade)`);
      expect(m.picture()).toEqual([]);
    } finally {
      other.kill("SIGKILL");
      await new Promise((resolve) => other.once("exit", resolve));
    }
    await m.ok("-y install curl", { process: true });
    expect(fs.existsSync(lock)).toBe(false);
  });

  it("serialises clients that start at the same time", async () => {
    await using m = await Machine.make();
    await m.ok("update");
    const names = ["zlib", "curl", "git"];
    const results = await Promise.all(names.map((name) => m.run(`-y install ${name} --no-update`, { process: true })));
    // Those that came too late were told so; those that planned before another one finished must plan again.
    expect(results.every(({ status }) => [0, 4, 7].includes(status!))).toBe(true);
    expect(results.some(({ status }) => status === 0)).toBe(true);
    expect(await m.ok("verify")).toContain(" 0 findings");
    expect(fs.readdirSync(path.join(m.prefix, "pkgdb.pkgc")).filter((name) => name.startsWith("lock"))).toEqual([]);
  });

  it("upgrades the package tools first", async () => {
    const tools = (v: number): PackageInput[] => [
      ...packages(v as 1 | 2),
      { name: `pkg_install-2026${v}`, files: [{ path: "sbin/pkg_add", content: `${v}` }] },
    ];
    await using m = await Machine.make(tools(1));
    await m.ok("-y install git pkg_install");
    await writeRepository(m.repo, tools(2));
    expect(await m.ok("-y full-upgrade")).toMatch(
      /the package tools first:[^]*pkg_install-20262[^]*done: transaction 2[^]*git-2\.2[^]*done: transaction 3/,
    );
  });

  it("installs package files", async () => {
    await using m = await Machine.make();
    fs.renameSync(path.join(m.repo, "curl-8.1.tgz"), path.join(m.dir, "curl-8.1.tgz"));
    await m.ok(`-y install ${m.dir}/curl-8.1.tgz`);
    expect(await m.ok("why zlib")).toBe("curl-8.1 -> zlib-1.1\n");
    fs.writeFileSync(path.join(m.dir, "broken-1.tgz"), "no package");
    expect((await m.run(`-y install ${m.dir}/broken-1.tgz`)).status).toBe(5);
    expect((await m.run(`-y install ${m.dir}/absent-1.tgz`)).status).toBe(11);
  });

  it("finds changed and missing files", async () => {
    await using m = await Machine.make();
    await m.ok("-y install git");
    fs.writeFileSync(path.join(m.prefix, "bin/git"), "changed");
    fs.rmSync(path.join(m.prefix, "lib/libz.so"));
    const result = await m.run("verify");
    expect(result.status).toBe(1);
    expect(result.stdout).toContain(
      `git-2.1: changed ${m.prefix}/bin/git\nzlib-1.1: missing ${m.prefix}/lib/libz.so\n`,
    );
  });

  it("audits against a list of vulnerabilities", async () => {
    await using m = await Machine.make();
    await m.ok("-y install git");
    const list = path.join(m.dir, "vulnerabilities");
    fs.writeFileSync(
      list,
      "#FORMAT 1.1.0\ncurl<8.2 denial-of-service https://example.org/1\nzlib<1 eol https://example.org/2\n",
    );
    const result = await m.run(`audit --file ${list}`);
    expect(result.status).toBe(1);
    expect(result.stdout).toContain("curl-8.1: denial-of-service, see https://example.org/1\n");
    expect((await m.run(`audit --file ${list} git`)).status).toBe(0);
    fs.writeFileSync(list, "#FORMAT 1.1.0\ncurl<8.2");
    expect((await m.run(`audit --file ${list}`)).status).toBe(2);
  });

  it("is killed at any point, and the next start puts things right", async () => {
    await using m = await Machine.make();
    await m.ok("-y install zlib");
    const before = m.picture();
    await m.ok("fetch git");
    let killed = 0;
    // Every seventh point: the engine's own tests go through all of them, in the process.
    for (let n = 2; ; n += 7) {
      const result = await m.run("-y install git --no-update", { env: { PKGC_CRASH_AT: String(n) } });
      if (result.signal !== "SIGKILL") {
        expect(result.status).toBe(0);
        break;
      }
      killed++;
      const recovered = await m.run("recover");
      expect(recovered.status).toBe(0);
      const { packages: list } = await m.json<{ packages: { name: string }[] }>("list");
      if (list.length === 1) expectSame(m.picture(), before, `point ${n}`);
      else {
        expect(list.map((p) => p.name)).toEqual(["curl-8.1", "git-2.1", "zlib-1.1"]);
        await m.ok("-y rollback");
        expectSame(m.picture(), before, `point ${n}`);
      }
    }
    expect(killed).toBeGreaterThan(3);
    expect(await m.ok("verify")).toContain("0 findings");
  });

  it("stops at ^C and takes everything back", async () => {
    await using m = await Machine.make([
      {
        name: "slow-1.0",
        metadata: { "+INSTALL": "#!/bin/sh\n[ $2 = PRE-INSTALL ] || exit 0\nsleep 2\n" },
        files: [{ path: "share/slow", content: "" }],
      },
    ]);
    const result = await m.run("-y install slow", {
      onStart: (pid) => {
        const journal = path.join(m.prefix, "pkgdb.pkgc/txn/1/journal");
        const timer = setInterval(() => {
          if (!fs.existsSync(journal) || !fs.readFileSync(journal, "utf8").includes("PRE-INSTALL")) return;
          clearInterval(timer);
          process.kill(pid, "SIGINT");
        }, 20);
      },
    });
    expect(result.status).toBe(10);
    expect(fs.existsSync(path.join(m.prefix, "share"))).toBe(false);
    expect(await m.ok("list")).toBe("");
  });

  it("cleans the history", async () => {
    await using m = await Machine.make();
    for (const name of ["zlib", "curl", "git"]) await m.ok(`-y install ${name}`);
    await m.ok("-y remove git");
    expect(await m.ok("clean --keep 1")).toContain("of 3 transactions removed");
    expect((await m.run("-y rollback 2")).stderr).toContain("old files of transaction");
    await m.ok("-y rollback 4");
    expect(await m.ok("list")).toContain("git-2.1");
  });
});
