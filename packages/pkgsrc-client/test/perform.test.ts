/** Installing, upgrading and removing packages as transactions: results, refusals, and what is left when they are killed. */
import fs from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import type { PackageInput } from "../src/host/archive/create";
import { FileIndex } from "../src/host/pkgdb/file-index";
import { readHistory } from "../src/host/transaction/history";
import { recover } from "../src/host/transaction/recover";
import { stopAt, TestSystem, timeless } from "./support/system";
import { expectSame, temporaryDirectory } from "./support/tree";

/** An INSTALL script as pkgsrc's: copies a configuration file that is not there yet, and counts a reference. */
const INSTALL = `#!/bin/sh
echo "$2 $1 in \${PWD##*/} prefix $PKG_PREFIX"
case $2 in
PRE-INSTALL)
  [ -d "$PKG_REFCOUNT_DBDIR/files" ] || mkdir -p "$PKG_REFCOUNT_DBDIR/files" ;;
POST-INSTALL)
  echo "$1" >> "$PKG_REFCOUNT_DBDIR/files/tool.conf"
  [ -d "$PKG_PREFIX/etc" ] || mkdir "$PKG_PREFIX/etc"
  [ -f "$PKG_PREFIX/etc/tool.conf" ] || cp "$PKG_PREFIX/share/examples/tool/tool.conf" "$PKG_PREFIX/etc/tool.conf" ;;
esac
`;
const DEINSTALL = `#!/bin/sh
echo "$2 $1"
case $2 in
DEINSTALL)
  cmp -s "$PKG_PREFIX/share/examples/tool/tool.conf" "$PKG_PREFIX/etc/tool.conf" && rm -f "$PKG_PREFIX/etc/tool.conf"
  true ;;
POST-DEINSTALL)
  left=
  while read -r name; do [ "$name" = "$1" ] || left="$left$name "; done < "$PKG_REFCOUNT_DBDIR/files/tool.conf"
  for name in $left; do echo "$name"; done > "$PKG_REFCOUNT_DBDIR/files/tool.conf" ;;
esac
`;

const INFO = { OPSYS: "Linux", OS_VERSION: "6.1", MACHINE_ARCH: "x86_64" };

function lib(version: string): PackageInput {
  return {
    name: `lib-${version}`,
    buildInfo: { ...INFO, PROVIDES: `/usr/pkg/lib/lib.so.${version[0]}` },
    files: [
      { path: `lib/lib.so.${version[0]}`, content: `lib ${version}` },
      { path: "lib/lib.so", symlink: `lib.so.${version[0]}` },
      { path: "include/lib.h", content: `#define VERSION "${version}"` },
    ],
  };
}

function tool(version: string, more: Partial<PackageInput> = {}): PackageInput {
  return {
    name: `tool-${version}`,
    depends: ["lib>=1"],
    buildInfo: { ...INFO, REQUIRES: "/usr/pkg/lib/lib.so.1" },
    metadata: { "+INSTALL": INSTALL, "+DEINSTALL": DEINSTALL, "+DISPLAY": `Thank you for ${version}\n` },
    files: [
      { path: "bin/tool", content: `#!/bin/sh\necho ${version}\n`, mode: 0o755 },
      { path: "bin/tool-link", hardlink: "bin/tool" },
      { path: "share/examples/tool/tool.conf", content: `version = ${version}\n` },
      { path: `share/tool/${version}/data`, content: "data".repeat(1000) },
      { path: "share/tool/common", content: `common ${version}`, commands: ["@exec echo made > %D/share/tool/made"] },
    ],
    commands: ["@unexec rm -f %D/share/tool/made"],
    directories: ["var/tool"],
    ...more,
  };
}

async function system(dir: string): Promise<TestSystem> {
  const s = new TestSystem(dir);
  for (const p of [lib("1.0"), lib("1.1"), tool("1.0"), tool("2.0")]) await s.make(p);
  return s;
}

describe("perform", () => {
  it("installs, upgrades and removes", async () => {
    using dir = temporaryDirectory();
    const s = await system(dir.path);
    const empty = s.picture();
    const first = await s.change([
      [null, "lib-1.0"],
      [null, "tool-1.0"],
    ]);
    expect(first.messages).toEqual([{ name: "tool-1.0", text: "Thank you for 1.0\n" }]);
    expect(s.text("bin/tool")).toContain("echo 1.0");
    expect(fs.statSync(path.join(s.prefix, "bin/tool")).ino).toBe(
      fs.statSync(path.join(s.prefix, "bin/tool-link")).ino,
    );
    expect(fs.statSync(path.join(s.prefix, "bin/tool")).mode & 0o777).toBe(0o755);
    expect(s.text("etc/tool.conf")).toBe("version = 1.0\n");
    expect(s.text("share/tool/made")).toBe("made\n");
    expect(s.has("var/tool")).toBe(true);
    expect(s.entry("lib-1.0", "+REQUIRED_BY")).toBe("tool-1.0\n");
    expect(s.entry("tool-1.0", "+CONTENTS")).toContain(`@cwd ${s.prefix}\n`);
    expect(s.outputs[0]).toBe(`tool-1.0 PRE-INSTALL: PRE-INSTALL tool-1.0 in tool-1.0 prefix ${s.prefix}`);

    await s.change([
      ["lib-1.0", "lib-1.1"],
      ["tool-1.0", "tool-2.0"],
    ]);
    expect(s.text("bin/tool")).toContain("echo 2.0");
    expect(s.has("share/tool/1.0")).toBe(false);
    expect(s.has("share/tool/2.0/data")).toBe(true);
    expect(s.text("etc/tool.conf")).toBe("version = 2.0\n");
    expect(fs.readdirSync(s.dbdir).sort()).toEqual(["lib-1.1", "pkgdb.byfile.db", "tool-2.0"]);
    const index = FileIndex.open(s.dbdir)!;
    expect([...index.entries()].map((e) => `${e.path} ${e.packages.join(",")}`)).toContain(
      `${s.prefix}/bin/tool tool-2.0`,
    );
    index.close();
    expect(s.entry("lib-1.1", "+REQUIRED_BY")).toBe("tool-2.0\n");

    await s.change([["tool-2.0", null]]);
    expect(fs.existsSync(path.join(s.dbdir, "lib-1.1/+REQUIRED_BY"))).toBe(false);
    await s.change([["lib-1.1", null]]);
    // What the scripts leave: an empty etc and the reference count, as with pkg_delete.
    expect(timeless(s.picture().filter((line) => !/^(pkg\/etc|db\.refcount|db\/pkgdb\.byfile)/.test(line)))).toEqual(
      timeless(empty),
    );
    expect(readHistory(s.engine().state).map((r) => r.id)).toEqual([1, 2, 3, 4]);
  });

  it("upgrades a library under a package that stays", async () => {
    using dir = temporaryDirectory();
    const s = await system(dir.path);
    await s.change([
      [null, "lib-1.0"],
      [null, "tool-1.0"],
    ]);
    await s.change([["lib-1.0", "lib-1.1"]]);
    expect(s.entry("lib-1.1", "+REQUIRED_BY")).toBe("tool-1.0\n");
  });

  it("replaces a package by the same version", async () => {
    using dir = temporaryDirectory();
    const s = await system(dir.path);
    await s.change([[null, "lib-1.0"]]);
    await s.make({ ...lib("1.0"), comment: "built again" });
    const before = s.picture();
    await s.change([["lib-1.0", "lib-1.0"]]);
    expect(s.entry("lib-1.0", "+COMMENT")).toBe("built again\n");
    const undone = await s.rollback(2);
    expect(undone.changes).toEqual([{ action: "refresh", from: "lib-1.0", to: "lib-1.0" }]);
    expectSame(s.picture(), before);
  });

  it("moves a file from one package to another", async () => {
    using dir = temporaryDirectory();
    const s = await system(dir.path);
    await s.make({
      name: "a-1",
      files: [
        { path: "share/x", content: "of a" },
        { path: "share/a", content: "a" },
      ],
    });
    await s.make({ name: "a-2", files: [{ path: "share/a", content: "a" }] });
    await s.make({ name: "b-1", files: [{ path: "share/b", content: "b" }] });
    await s.make({
      name: "b-2",
      files: [
        { path: "share/b", content: "b" },
        { path: "share/x", content: "of b" },
      ],
    });
    for (const order of [0, 1]) {
      await s.change([
        [null, "a-1"],
        [null, "b-1"],
      ]);
      const pairs: [string, string][] = [
        ["a-1", "a-2"],
        ["b-1", "b-2"],
      ];
      await s.change(order === 0 ? pairs : pairs.reverse());
      expect(s.text("share/x")).toBe("of b");
      await s.change([
        ["a-2", null],
        ["b-2", null],
      ]);
      expect(s.has("share")).toBe(false);
    }
  });

  it("keeps what was changed since the installation", async () => {
    using dir = temporaryDirectory();
    const s = await system(dir.path);
    const conf = (v: string): PackageInput => ({
      name: `conf-${v}`,
      files: [
        { path: "etc/conf", content: `v${v}` },
        { path: "etc/same", content: "always" },
        { path: "libexec/run", content: `run ${v}` },
      ],
    });
    await s.make(conf("1"));
    await s.make(conf("2"));
    await s.change([[null, "conf-1"]]);
    fs.writeFileSync(path.join(s.prefix, "etc/conf"), "mine");
    fs.writeFileSync(path.join(s.prefix, "etc/same"), "mine too");
    fs.writeFileSync(path.join(s.prefix, "libexec/run"), "patched");
    const before = s.picture();
    const done = await s.change([["conf-1", "conf-2"]]);
    expect(s.text("etc/conf")).toBe("mine");
    expect(s.text("etc/conf.pkgnew")).toBe("v2");
    expect(s.text("etc/same")).toBe("mine too");
    expect(s.has("etc/same.pkgnew")).toBe(false);
    expect(s.text("libexec/run")).toBe("run 2");
    expect(s.text("libexec/run.pkgsave")).toBe("patched");
    expect(done.changedFiles.map((c) => path.basename(c.saved))).toEqual(["conf.pkgnew", "", "run.pkgsave"]);
    expect(s.notices.length).toBe(3);
    await s.rollback(done.record.id);
    expectSame(s.picture(), before);
    await s.change([["conf-1", null]]);
    expect(s.text("etc/conf")).toBe("mine");
    expect(s.text("libexec/run")).toBe("patched");
  });

  it("refuses what does not fit, and changes nothing", async () => {
    using dir = temporaryDirectory();
    const s = await system(dir.path);
    await s.make({ name: "owner-1", files: [{ path: "share/file", content: "of owner" }] });
    await s.make({ name: "thief-1", files: [{ path: "share/file", content: "of thief" }] });
    await s.make({ name: "hater-1", conflicts: ["owner-[0-9]*"], files: [{ path: "share/hater", content: "" }] });
    await s.make({ name: "link-1", files: [{ path: "share/out", symlink: "/etc" }] });
    await s.make({ name: "through-1", files: [{ path: "share/out/passwd", content: "root::0:0" }] });
    await s.make({ name: "needy-1", depends: ["nowhere>=2"], files: [] });
    await s.make({ name: "views-1", metadata: { "+VIEWS": "" }, files: [] });
    await s.change([[null, "owner-1"]]);
    fs.writeFileSync(path.join(s.prefix, "bin"), "a file where a directory must be");
    const refuses = async (
      pairs: [string | null, string | null][],
      code: string,
      text: RegExp,
      more = {},
    ): Promise<void> => {
      const before = s.picture();
      const error = await s.change(pairs, more).then(
        () => null,
        (e: Error & { code: string; details?: string[] }) => e,
      );
      expect(error?.code).toBe(code);
      expect([error!.message, ...(error!.details ?? [])].join("\n")).toMatch(text);
      expectSame(s.picture(), before);
      expect(await recover(s.engine())).toEqual([]);
    };
    await refuses([[null, "thief-1"]], "EFILECONFLICT", /share\/file: belongs to owner-1/);
    await refuses(
      [
        ["owner-1", null],
        [null, "thief-1"],
        [null, "owner-1"],
      ],
      "EFILECONFLICT",
      /both have it/,
    );
    await refuses([[null, "hater-1"]], "EPKGCONFLICT", /hater-1 conflicts with owner-\[0-9\]\*, and that is owner-1/);
    await refuses(
      [
        [null, "link-1"],
        [null, "through-1"],
      ],
      "EBADPACKAGE",
      /which is a symbolic link of link-1/,
    );
    await refuses([[null, "needy-1"]], "EDEPENDENCY", /needy-1 needs nowhere>=2/);
    await refuses([[null, "views-1"]], "EUNSUPPORTED", /package views/);
    await refuses(
      [
        [null, "lib-1.0"],
        [null, "tool-1.0"],
      ],
      "EFILECONFLICT",
      /bin: a file, and tool-1.0 has files below it/,
    );
    await refuses([[null, "tool-1.0"]], "EDEPENDENCY", /tool-1.0 needs lib>=1/);
    await refuses([["missing-1", null]], "ESTALEPLAN", /missing-1 is not installed/);
    await refuses([[null, "owner-1"]], "ESTALEPLAN", /owner-1 is installed already/);
    await refuses([[null, "lib-1.0"]], "ENOSPC", /bytes are needed and 10 are free/, { freeBytes: () => 10 });
    fs.mkdirSync(path.join(s.prefix, "include"));
    fs.writeFileSync(path.join(s.prefix, "include/lib.h"), "somebody's own");
    await refuses([[null, "lib-1.0"]], "EFILECONFLICT", /include\/lib.h: exists and belongs to no package/);
    await s.change([[null, "lib-1.0"]], { overwrite: true });
    expect(s.text("include/lib.h")).toContain("1.0");
    await s.rollback(2);
    expect(s.text("include/lib.h")).toBe("somebody's own");
  });

  it("looks for shared libraries before it touches anything", async () => {
    using dir = temporaryDirectory();
    const s = await system(dir.path);
    await s.make({ ...lib("2.0"), name: "lib-2.0" });
    const two: [string | null, string | null][] = [
      [null, "lib-2.0"],
      [null, "tool-1.0"],
    ];
    await expect(s.change(two)).rejects.toMatchObject({
      code: "ELIBRARY",
      details: [`tool-1.0 requires ${s.prefix}/lib/lib.so.1`],
    });
    await s.change(two, { ignoreLibraries: true });
    await s.change([["lib-2.0", "lib-1.0"]]);
    await s.make({ ...lib("1.5"), name: "lib-1.5", files: [{ path: "lib/other", content: "" }], buildInfo: INFO });
    // Packages of pkgsrc have LOCALBASE; without it nobody knows which libraries moved with the prefix.
    const info = path.join(s.dbdir, "tool-1.0/+BUILD_INFO");
    fs.chmodSync(info, 0o644);
    fs.writeFileSync(info, `LOCALBASE=/usr/pkg\nREQUIRES=/usr/pkg/lib/lib.so.1\n`);
    await expect(s.change([["lib-1.0", "lib-1.5"]])).rejects.toMatchObject({
      code: "ELIBRARY",
      details: [`the installed tool-1.0 requires ${s.prefix}/lib/lib.so.1`],
    });
  });

  it.each(["PRE-INSTALL", "POST-INSTALL", "DEINSTALL", "POST-DEINSTALL"])(
    "takes everything back when %s fails",
    async (phase) => {
      using dir = temporaryDirectory();
      const s = await system(dir.path);
      const failing = (text: string): string =>
        text.replace("esac", `esac\n[ "$2" != ${phase} ] || { echo went wrong; exit 3; }`);
      const broken = { metadata: { "+INSTALL": failing(INSTALL), "+DEINSTALL": failing(DEINSTALL) } };
      await s.change([[null, "lib-1.0"]]);
      if (phase.endsWith("DEINSTALL")) {
        await s.make(tool("1.0", broken));
        await s.change([[null, "tool-1.0"]]);
      } else await s.make(tool("2.0", broken));
      const before = s.picture();
      const change = phase.endsWith("DEINSTALL") ? ["tool-1.0", "tool-2.0"] : [null, "tool-2.0"];
      await expect(s.change([["lib-1.0", "lib-1.1"], change as [string | null, string]])).rejects.toMatchObject({
        code: "ESCRIPT",
        message: expect.stringContaining(`the ${phase} script of tool-`),
        details: expect.arrayContaining(["went wrong"]),
      });
      expectSame(s.picture(), before);
      expect(await recover(s.engine())).toEqual([]);
    },
  );

  it("ends a script that takes too long", async () => {
    using dir = temporaryDirectory();
    const s = await system(dir.path);
    await s.make({ name: "slow-1", metadata: { "+INSTALL": "#!/bin/sh\nsleep 100 & sleep 100\n" }, files: [] });
    const before = s.picture();
    await expect(s.change([[null, "slow-1"]], { scriptTimeoutMs: 300 })).rejects.toMatchObject({
      code: "ESCRIPT",
      message: "the PRE-INSTALL script of slow-1 ran out of time",
    });
    expectSame(s.picture(), before);
  });

  it("stops on request between two steps", async () => {
    using dir = temporaryDirectory();
    const s = await system(dir.path);
    const before = s.picture();
    const stop = new AbortController();
    const step = (_: unknown, index: number): void => {
      if (index === 1) stop.abort();
    };
    const pairs: [null, string][] = [
      [null, "lib-1.0"],
      [null, "tool-1.0"],
    ];
    // The second step has begun when the signal comes; the commit does not follow.
    await expect(s.change(pairs, { signal: stop.signal, step })).rejects.toMatchObject({ code: "ECANCELLED" });
    expectSame(s.picture(), before);
  });
});

describe("perform, killed at every step", () => {
  const both = (
    a: string | null,
    b: string | null,
    c: string | null,
    d: string | null,
  ): [string | null, string | null][] => [
    [a, b],
    [c, d],
  ];
  const cases: [string, [string | null, string | null][]][] = [
    ["install", both(null, "lib-1.0", null, "tool-1.0")],
    ["upgrade", both("lib-1.0", "lib-1.1", "tool-1.0", "tool-2.0")],
    ["remove", both("tool-1.0", null, "lib-1.0", null)],
  ];
  it.each(cases)(
    "%s is undone or completed to the byte",
    async (name, pairs) => {
      using dir = temporaryDirectory();
      // Always at the same path: packing lists and the file index hold it.
      const place = path.join(dir.path, "w");
      const template = path.join(dir.path, "template");
      const first = await system(place);
      if (name !== "install") {
        await first.change(both(null, "lib-1.0", null, "tool-1.0"));
        fs.writeFileSync(path.join(first.prefix, "etc/tool.conf"), "changed by hand\n");
        fs.writeFileSync(path.join(first.prefix, "share/tool/common"), "patched\n");
      }
      fs.cpSync(place, template, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
      const start = (): TestSystem => {
        fs.rmSync(place, { recursive: true, force: true });
        fs.cpSync(template, place, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
        return new TestSystem(place);
      };
      const done = start();
      await done.change(pairs);
      const after = timeless(done.picture());
      const outcomes = { undone: 0, completed: 0 };
      for (let n = 0; ; n++) {
        const s = start();
        const exactly = s.picture();
        if (!(await stopAt(n, (hook) => s.change(pairs, {}, hook)))) break;
        const recovered = await recover(s.engine());
        const transactions = readHistory(s.engine().state).length - (name === "install" ? 0 : 1);
        if (transactions === 0) {
          expectSame(s.picture(), exactly, `point ${n}`);
          outcomes.undone++;
        } else {
          expect(timeless(s.picture()), `point ${n}`).toEqual(after);
          outcomes.completed++;
        }
        expect(recovered.length === 0 || recovered[0]!.outcome === (transactions === 0 ? "undone" : "completed")).toBe(
          true,
        );
        expect(s.engine().state.unfinished()).toEqual([]);
      }
      expect(outcomes.undone).toBeGreaterThan(20);
      expect(outcomes.completed).toBeGreaterThan(2);
    },
    300_000,
  );
});

describe("rollback, killed at every step", () => {
  it("is undone or completed to the byte", async () => {
    using dir = temporaryDirectory();
    const place = path.join(dir.path, "w");
    const template = path.join(dir.path, "template");
    const first = await system(place);
    await first.change([
      [null, "lib-1.0"],
      [null, "tool-1.0"],
    ]);
    fs.writeFileSync(path.join(first.prefix, "etc/tool.conf"), "changed by hand\n");
    const before = first.picture();
    await first.change([
      ["lib-1.0", "lib-1.1"],
      ["tool-1.0", "tool-2.0"],
    ]);
    await first.change([["tool-2.0", null]]);
    fs.cpSync(place, template, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
    const outcomes = { undone: 0, completed: 0 };
    // Every second point: there are many, and those of the other half are of the same kinds.
    for (let n = 0; ; n += 2) {
      fs.rmSync(place, { recursive: true, force: true });
      fs.cpSync(template, place, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
      const s = new TestSystem(place);
      const exactly = s.picture();
      const stopped = await stopAt(n, (hook) => s.rollback(2, hook));
      await recover(s.engine());
      if (!fs.existsSync(path.join(s.dbdir, "tool-1.0"))) {
        expectSame(s.picture(), exactly, `point ${n}`);
        outcomes.undone++;
        // The history was not used up.
        if (n % 16 === 0) {
          await s.rollback(2);
          expect(timeless(s.picture())).toEqual(timeless(before));
        }
      } else {
        expect(timeless(s.picture()), `point ${n}`).toEqual(timeless(before));
        outcomes.completed++;
      }
      if (!stopped) break;
    }
    expect(outcomes.undone).toBeGreaterThan(20);
    expect(outcomes.completed).toBeGreaterThan(1);
  }, 300_000);
});
