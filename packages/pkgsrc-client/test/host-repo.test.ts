import { createHash, randomBytes } from "node:crypto";
import fs from "node:fs/promises";
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { collect, compress, Compression } from "../src/host/archive/compression";
import { parseChecksum } from "../src/host/repo/checksum";
import { download, downloadAll } from "../src/host/repo/download";
import type { DownloadProgress } from "../src/host/repo/download";
import { HttpClient } from "../src/host/repo/http";
import { refresh } from "../src/host/repo/refresh";
import { Repository, SUMMARY_NAMES } from "../src/host/repo/repository";
import { Universe } from "../src/universe";

type Handler = (request: IncomingMessage, response: ServerResponse, count: number) => void;

let dir: string;
let server: Server;
let base: string;
let handler: Handler;
let requests: IncomingMessage[];
let client: HttpClient;
/** Gives up soon, for servers that stop. */
let impatient: HttpClient;

beforeEach(async () => {
  dir = await fs.mkdtemp(join(tmpdir(), "pkgc-repo-"));
  requests = [];
  handler = (_request, response) => response.writeHead(404).end();
  server = createServer((request, response) => {
    requests.push(request);
    handler(request, response, requests.length);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  client = new HttpClient();
  impatient = new HttpClient({ headersTimeout: 500, bodyTimeout: 500 });
});
afterEach(async () => {
  server.closeAllConnections();
  await client.close();
  await impatient.close();
  await new Promise((resolve) => server.close(resolve));
  await fs.rm(dir, { recursive: true, force: true });
});

const DATA = randomBytes(300_000);
const SHA = { algorithm: "sha256", value: createHash("sha256").update(DATA).digest("hex") };
const QUICK = { backoff: 1 };

/** A server of one file that knows Range and If-Range. */
function whole(data: Buffer, etag = '"v1"'): Handler {
  return (request, response) => {
    const range = /^bytes=([0-9]+)-$/.exec(request.headers.range ?? "");
    const ifRange = request.headers["if-range"];
    if (range !== null && (ifRange === undefined || ifRange === etag)) {
      const start = Number(range[1]);
      if (start >= data.length)
        return void response.writeHead(416, { "content-range": `bytes */${data.length}` }).end();
      response.writeHead(206, {
        etag,
        "content-range": `bytes ${start}-${data.length - 1}/${data.length}`,
        "content-length": data.length - start,
      });
      return void response.end(data.subarray(start));
    }
    if (request.headers["if-none-match"] === etag) return void response.writeHead(304, { etag }).end();
    response.writeHead(200, { etag, "content-length": data.length });
    response.end(data);
  };
}

/** Sends the head of the file and drops the connection. */
function cut(data: Buffer, bytes: number, etag = '"v1"'): Handler {
  return (_request, response) => {
    response.writeHead(200, { etag, "content-length": data.length });
    response.write(data.subarray(0, bytes), () => setTimeout(() => response.socket?.destroy(), 30));
  };
}

async function names(): Promise<string[]> {
  return (await fs.readdir(dir)).sort();
}

describe("a download", () => {
  it("brings the file, and tells how far it is", async () => {
    handler = whole(DATA);
    const seen: DownloadProgress[] = [];
    const target = join(dir, "deep/er/x.tgz");
    const result = await download(client, `${base}/x.tgz`, target, {
      size: DATA.length,
      checksum: SHA,
      onProgress: (p) => void seen.push({ ...p }),
    });
    expect(result).toMatchObject({ target, size: DATA.length, transferred: DATA.length });
    expect((await fs.readFile(target)).equals(DATA)).toBe(true);
    expect(seen[0]).toMatchObject({ received: 0, total: DATA.length, resumed: 0, attempt: 1 });
    expect(seen.at(-1)).toMatchObject({ received: DATA.length, url: `${base}/x.tgz` });
    expect(await fs.readdir(join(dir, "deep/er"))).toEqual(["x.tgz"]);
    expect(requests[0]!.headers["accept-encoding"]).toBe("identity");
  });

  it("is not done again when the file is there", async () => {
    handler = whole(DATA);
    await fs.writeFile(join(dir, "x"), DATA);
    expect(await download(client, `${base}/x`, join(dir, "x"), { checksum: SHA })).toMatchObject({
      transferred: 0,
      unchanged: true,
    });
    expect(requests.length).toBe(0);
    await fs.writeFile(join(dir, "x"), "other");
    expect(await download(client, `${base}/x`, join(dir, "x"), { checksum: SHA })).toMatchObject({
      transferred: DATA.length,
    });
  });

  it("goes on where the connection was lost", async () => {
    handler = (request, response, count) => (count === 1 ? cut(DATA, 200_000) : whole(DATA))(request, response, count);
    const seen: DownloadProgress[] = [];
    const result = await download(client, `${base}/x`, join(dir, "x"), {
      ...QUICK,
      checksum: SHA,
      onProgress: (p) => void seen.push({ ...p }),
    });
    expect(requests.length).toBe(2);
    const offset = Number(/bytes=([0-9]+)-/.exec(requests[1]!.headers.range!)![1]);
    expect(offset).toBeGreaterThan(0);
    expect(requests[1]!.headers["if-range"]).toBe('"v1"');
    expect(seen.at(-1)).toMatchObject({ resumed: offset, attempt: 2 });
    expect(result.size).toBe(DATA.length);
    expect(await names()).toEqual(["x"]);
  });

  it("goes on in a later run", async () => {
    handler = cut(DATA, 200_000);
    await expect(download(client, `${base}/x`, join(dir, "x"), { attempts: 1, checksum: SHA })).rejects.toMatchObject({
      code: "EFETCH",
    });
    expect(await names()).toEqual(["x.part", "x.part.json"]);
    handler = whole(DATA);
    const result = await download(client, `${base}/x`, join(dir, "x"), { checksum: SHA });
    expect(result.transferred).toBeLessThan(DATA.length);
    expect(requests[1]!.headers.range).toBeDefined();
    expect(await names()).toEqual(["x"]);
  });

  it("begins anew when the file is another one now", async () => {
    handler = cut(randomBytes(DATA.length), 200_000, '"old"');
    await expect(download(client, `${base}/x`, join(dir, "x"), { attempts: 1 })).rejects.toThrow();
    handler = whole(DATA);
    expect(await download(client, `${base}/x`, join(dir, "x"), { checksum: SHA })).toMatchObject({
      transferred: DATA.length,
    });
  });

  it("begins anew when a part turns out wrong", async () => {
    await fs.writeFile(join(dir, "x.part"), randomBytes(1000));
    await fs.writeFile(join(dir, "x.part.json"), JSON.stringify({ url: `${base}/x`, validator: '"v1"' }));
    handler = whole(DATA);
    expect(await download(client, `${base}/x`, join(dir, "x"), { ...QUICK, checksum: SHA })).toMatchObject({
      size: DATA.length,
    });
    expect(requests.map((request) => request.headers.range)).toEqual(["bytes=1000-", undefined]);
  });

  it("takes a part that is complete, or begins anew when it is longer", async () => {
    handler = whole(DATA);
    for (const part of [DATA, Buffer.concat([DATA, DATA])]) {
      await fs.writeFile(join(dir, "x.part"), part);
      await fs.writeFile(join(dir, "x.part.json"), JSON.stringify({ url: `${base}/x`, validator: '"v1"' }));
      await fs.rm(join(dir, "x"), { force: true });
      const result = await download(client, `${base}/x`, join(dir, "x"), { ...QUICK, checksum: SHA });
      expect(result.transferred).toBe(part === DATA ? 0 : DATA.length);
    }
  });

  it("is not misled by a server that sends another part", async () => {
    await fs.writeFile(join(dir, "x.part"), DATA.subarray(0, 1000));
    await fs.writeFile(join(dir, "x.part.json"), JSON.stringify({ url: `${base}/x`, validator: '"v1"' }));
    handler = (request, response, count) => {
      if (request.headers.range === undefined) return whole(DATA)(request, response, count);
      response
        .writeHead(206, { "content-range": `bytes 500-${DATA.length - 1}/${DATA.length}` })
        .end(DATA.subarray(500));
    };
    expect(await download(client, `${base}/x`, join(dir, "x"), { ...QUICK, checksum: SHA })).toMatchObject({
      size: DATA.length,
    });
  });

  it("tries again after errors that pass, and not after others", async () => {
    handler = (request, response, count) => {
      if (count === 1) response.writeHead(503, { "retry-after": "0" }).end("busy");
      else if (count === 2) response.socket!.destroy();
      else if (count === 3)
        return; // no answer: a time-out
      else whole(DATA)(request, response, count);
    };
    await download(impatient, `${base}/x`, join(dir, "x"), { ...QUICK, checksum: SHA });
    // A slow machine may time out once more.
    expect(requests.length).toBeGreaterThanOrEqual(4);
    requests.length = 0;
    for (const [status, words] of [
      [404, "does not have it"],
      [403, "answered 403"],
      [401, "answered 401"],
    ] as const) {
      requests.length = 0;
      handler = (_request, response) => response.writeHead(status).end();
      await expect(download(client, `${base}/y`, join(dir, "y"), QUICK)).rejects.toMatchObject({
        code: "EFETCH",
        status,
        message: expect.stringContaining(words) as string,
      });
      expect(requests.length).toBe(1);
    }
    expect(await names()).toEqual(["x"]);
  });

  it("gives up after so many tries", async () => {
    handler = (_request, response) => response.writeHead(500).end();
    await expect(download(client, `${base}/x`, join(dir, "x"), { ...QUICK, attempts: 3 })).rejects.toThrow(
      `cannot fetch ${base}/x: the server answered 500`,
    );
    expect(requests.length).toBe(3);
  });

  it("notices a server that stops sending", async () => {
    handler = (request, response, count) => {
      if (count > 1) return whole(DATA)(request, response, count);
      response.writeHead(200, { etag: '"v1"', "content-length": DATA.length });
      response.write(DATA.subarray(0, 1000));
    };
    await download(impatient, `${base}/x`, join(dir, "x"), { ...QUICK, checksum: SHA });
    expect(requests[1]!.headers.range).toBe("bytes=1000-");
  });

  it("notices a body that ends too early, without a length too", async () => {
    handler = (_request, response) => {
      response.writeHead(200, { "transfer-encoding": "chunked" });
      response.write(DATA.subarray(0, 1000), () => setTimeout(() => response.socket?.destroy(), 20));
    };
    await expect(download(client, `${base}/x`, join(dir, "x"), { ...QUICK, attempts: 2 })).rejects.toMatchObject({
      code: "EFETCH",
    });
    handler = (_request, response) => response.writeHead(200).end(DATA.subarray(0, 1000));
    await expect(download(client, `${base}/x`, join(dir, "x"), { ...QUICK, size: DATA.length })).rejects.toMatchObject({
      code: "ECHECKSUM",
    });
    expect(await names()).toEqual([]);
  });

  it.each(["shorter", "longer"])("notices a Content-Length that is %s than the body", async (kind) => {
    handler = (request) => {
      const length = kind === "shorter" ? DATA.length - 10 : DATA.length + 10;
      request.socket.end(
        Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\ncontent-length: ${length}\r\nconnection: close\r\n\r\n`), DATA]),
      );
    };
    await expect(
      download(client, `${base}/x`, join(dir, "x"), { ...QUICK, attempts: 2, checksum: SHA }),
    ).rejects.toMatchObject({ name: "PackageError" });
    expect((await names()).includes("x")).toBe(false);
  });

  it("refuses wrong bytes and leaves none", async () => {
    handler = whole(Buffer.concat([DATA.subarray(1), Buffer.alloc(1)]));
    await expect(
      download(client, `${base}/x`, join(dir, "x"), { ...QUICK, size: DATA.length, checksum: SHA }),
    ).rejects.toMatchObject({
      code: "ECHECKSUM",
      message: expect.stringMatching(/x: its sha256 is [0-9a-f]{64}, and must be /) as string,
    });
    expect(requests.length).toBe(1);
    expect(await names()).toEqual([]);
  });

  it("stops a body that gets larger than it may", async () => {
    handler = (_request, response) => {
      response.writeHead(200);
      const more = (): void => void (response.destroyed || response.write(DATA, () => setImmediate(more)));
      more();
    };
    await expect(download(client, `${base}/x`, join(dir, "x"), { ...QUICK, size: 1000 })).rejects.toMatchObject({
      code: "ECHECKSUM",
    });
    expect(await names()).toEqual([]);
  });

  it("follows redirects, but not in circles and not to odd places", async () => {
    handler = (request, response, count) => {
      const number = Number(/[0-9]+$/.exec(request.url!)?.[0] ?? "0");
      if (request.url!.startsWith("/chain") && number > 0)
        response.writeHead(302, { location: `/chain${number - 1}` }).end();
      else if (request.url === "/loop") response.writeHead(301, { location: "/pool" }).end();
      else if (request.url === "/pool") response.writeHead(307, { location: "/loop" }).end();
      else if (request.url === "/odd") response.writeHead(302, { location: "file:///etc/passwd" }).end();
      else if (request.url === "/nowhere") response.writeHead(302).end();
      else whole(DATA)(request, response, count);
    };
    await download(client, `${base}/chain5`, join(dir, "x"), { checksum: SHA });
    await expect(download(client, `${base}/chain30`, join(dir, "y"), QUICK)).rejects.toThrow(/more than 10 times/);
    await expect(download(client, `${base}/loop`, join(dir, "y"), QUICK)).rejects.toThrow(/in a circle/);
    await expect(download(client, `${base}/odd`, join(dir, "y"), QUICK)).rejects.toThrow(/no HTTP address/);
    await expect(download(client, `${base}/nowhere`, join(dir, "y"), QUICK)).rejects.toThrow(/without a place/);
    expect(await names()).toEqual(["x"]);
  });

  it("says when there is no server", async () => {
    const closed = createServer();
    await new Promise<void>((resolve) => closed.listen(0, "127.0.0.1", resolve));
    const { port } = closed.address() as AddressInfo;
    await new Promise((resolve) => closed.close(resolve));
    await expect(
      download(client, `http://127.0.0.1:${port}/x`, join(dir, "x"), { ...QUICK, attempts: 2 }),
    ).rejects.toThrow(/does not accept connections/);
  });

  it("sends a password, shows it nowhere, and not to others", async () => {
    handler = (request, response) => response.writeHead(request.headers.authorization === undefined ? 500 : 403).end();
    const url = base.replace("http://", "http://me:secret@");
    const error = await download(client, `${url}/x`, join(dir, "x"), QUICK).catch((e: unknown) => e as Error);
    expect(requests[0]!.headers.authorization).toBe(`Basic ${Buffer.from("me:secret").toString("base64")}`);
    expect((error as Error).message).toBe(`cannot fetch ${base}/x: the server answered 403`);
  });

  it("can be stopped, and goes on later", async () => {
    const controller = new AbortController();
    handler = (_request, response) => {
      response.writeHead(200, { etag: '"v1"', "content-length": DATA.length });
      response.write(DATA.subarray(0, 100_000));
    };
    const onProgress = (p: DownloadProgress): void => void (p.received >= 100_000 && controller.abort());
    await expect(
      download(client, `${base}/x`, join(dir, "x"), { signal: controller.signal, onProgress }),
    ).rejects.toMatchObject({ code: "EABORT" });
    handler = whole(DATA);
    expect((await download(client, `${base}/x`, join(dir, "x"), { checksum: SHA })).transferred).toBe(
      DATA.length - 100_000,
    );
  });

  it("names the path when the disk fails", async () => {
    handler = whole(DATA);
    await fs.writeFile(join(dir, "f"), "");
    await expect(download(client, `${base}/x`, join(dir, "f/x"), QUICK)).rejects.toMatchObject({
      code: "EEXIST",
      path: join(dir, "f"),
    });
  });

  it("reports a full disk with the path and cleans up", async () => {
    handler = whole(DATA);
    // /dev/full takes no bytes: it stands for a file system without room.
    const open = fs.open;
    fs.open = (async (path: string, ...rest: [string, number]) =>
      open(path.endsWith(".part") ? "/dev/full" : path, ...rest)) as typeof fs.open;
    try {
      await expect(download(client, `${base}/x`, join(dir, "x"), QUICK)).rejects.toMatchObject({
        code: "ENOSPC",
        message: `cannot write ${join(dir, "x.part")}: no space left on the device`,
      });
      expect(requests.length).toBe(1);
      expect(await names()).toEqual([]);
    } finally {
      fs.open = open;
    }
  });

  it("copies local files", async () => {
    await fs.mkdir(join(dir, "repo"));
    await fs.writeFile(join(dir, "repo/a b.tgz"), DATA);
    const url = pathToFileURL(join(dir, "repo/a b.tgz")).href;
    expect(await download(client, url, join(dir, "x"), { checksum: SHA })).toMatchObject({ size: DATA.length });
    await expect(download(client, url, join(dir, "y"), { size: 5 })).rejects.toMatchObject({ code: "ECHECKSUM" });
    await expect(download(client, pathToFileURL(join(dir, "repo/none")).href, join(dir, "y"))).rejects.toMatchObject({
      code: "ENOENT",
    });
    expect(await names()).toEqual(["repo", "x"]);
  });
});

describe("many downloads", () => {
  it("run so many at a time", async () => {
    let now = 0;
    let most = 0;
    handler = (request, response, count) => {
      now += 1;
      most = Math.max(most, now);
      setTimeout(() => {
        now -= 1;
        whole(DATA.subarray(0, 1000 + count))(request, response, count);
      }, 20);
    };
    const items = Array.from({ length: 12 }, (_, i) => ({ url: `${base}/${i}`, target: join(dir, String(i)) }));
    const done: string[] = [];
    const results = await downloadAll(client, items, { parallel: 3, onDone: (item) => void done.push(item.target) });
    expect(results.map((result) => result.target)).toEqual(items.map((item) => item.target));
    expect(done.length).toBe(12);
    expect(most).toBeLessThanOrEqual(3);
    expect(most).toBeGreaterThan(1);
  });

  it("stop when one fails", async () => {
    handler = (request, response, count) => {
      if (request.url === "/3") return void response.writeHead(404).end();
      setTimeout(() => whole(DATA)(request, response, count), 60);
    };
    const items = Array.from({ length: 40 }, (_, i) => ({ url: `${base}/${i}`, target: join(dir, String(i)) }));
    await expect(downloadAll(client, items, { parallel: 4 })).rejects.toMatchObject({ status: 404, path: `${base}/3` });
    expect(requests.length).toBeLessThan(12);
  });
});

describe("a cached file", () => {
  it("is fetched only when it changed", async () => {
    let version = 1;
    handler = (request, response, count) =>
      whole(Buffer.from(`version ${version}`), `"v${version}"`)(request, response, count);
    const path = join(dir, "s");
    expect(await refresh(client, `${base}/s`, path)).toMatchObject({ changed: true, path });
    expect(await refresh(client, `${base}/s`, path)).toMatchObject({ changed: false });
    version = 2;
    expect(await refresh(client, `${base}/s`, path)).toMatchObject({ changed: true });
    expect(await fs.readFile(path, "utf8")).toBe("version 2");
    await fs.writeFile(path, "tampered with");
    expect(await refresh(client, `${base}/s`, path)).toMatchObject({ changed: true });
    expect(await refresh(client, `${base}/other`, join(dir, "o"))).not.toBeNull();
    handler = (_request, response) => response.writeHead(404).end();
    expect(await refresh(client, `${base}/s`, path)).toBeNull();
    expect(await fs.readFile(path, "utf8")).toBe("version 2");
    handler = (_request, response) => response.writeHead(500).end();
    await expect(refresh(client, `${base}/s`, path, { ...QUICK, attempts: 2 })).rejects.toMatchObject({
      code: "EFETCH",
    });
    expect(await fs.readFile(path, "utf8")).toBe("version 2");
  });
});

const SUMMARY = Array.from(
  { length: 300 },
  (_, i) =>
    `PKGNAME=p${i}-1.${i}\nCOMMENT=Package ${i}\nBUILD_DATE=2026-01-01 00:00:00 +0000\nCATEGORIES=misc\nMACHINE_ARCH=x86_64\nOPSYS=NetBSD\nOS_VERSION=10.0\n` +
    `PKGPATH=misc/p${i}\nPKGTOOLS_VERSION=20091115\nSIZE_PKG=${i}\nDESCRIPTION=Text\n\n`,
).join("");

async function packed(kind: Compression): Promise<Buffer> {
  async function* once(): AsyncGenerator<Uint8Array> {
    yield Buffer.from(SUMMARY);
  }
  return collect(compress(once(), kind));
}

describe("a repository", () => {
  const KINDS = [Compression.Zstd, Compression.Xz, Compression.Bzip2, Compression.Gzip, Compression.None];

  it.each(SUMMARY_NAMES.map((name, i) => [name, i] as const))(
    "is read from %s, the best that there is",
    async (_name, best) => {
      const files = new Map<string, Buffer>(
        await Promise.all(
          SUMMARY_NAMES.slice(best).map(async (name, i) => [`/All/${name}`, await packed(KINDS[best + i]!)] as const),
        ),
      );
      handler = (request, response, count) => {
        const data = files.get(request.url!);
        if (data === undefined) response.writeHead(404).end();
        else whole(data)(request, response, count);
      };
      const repository = new Repository(`${base}/All/`, join(dir, "cache"));
      await expect(repository.stamp()).rejects.toMatchObject({ code: "EFETCH" });
      expect(await repository.update(client)).toBe(true);
      expect(requests.map((request) => request.url)).toEqual(
        SUMMARY_NAMES.slice(0, best + 1).map((name) => `/All/${name}`),
      );
      const universe = new Universe();
      const { reader } = await repository.load(universe);
      expect(reader.records).toBe(300);
      // Another process finds it in the cache; an update asks for what worked, and gets 304.
      const again = new Repository(`${base}/All`, join(dir, "cache"));
      expect(Buffer.from(await again.stamp()).equals(Buffer.from(await repository.stamp()))).toBe(true);
      requests.length = 0;
      expect(await again.update(client)).toBe(false);
      expect(requests.length).toBe(1);
      expect((await again.load(new Universe())).reader.records).toBe(300);
    },
  );

  it("may be a directory", async () => {
    await fs.mkdir(join(dir, "All"));
    await fs.writeFile(join(dir, "All/pkg_summary.gz"), await packed(Compression.Gzip));
    for (const url of [join(dir, "All"), pathToFileURL(join(dir, "All")).href]) {
      const repository = new Repository(url, join(dir, "cache"), { priority: 3 });
      expect(await repository.update(client)).toBe(true);
      expect(await repository.update(client)).toBe(false);
      const again = new Repository(url, join(dir, "cache"));
      expect((await again.load(new Universe())).reader.records).toBe(300);
      const before = await repository.stamp();
      await fs.utimes(join(dir, "All/pkg_summary.gz"), 1, Math.floor(Math.random() * 1e9));
      expect(await repository.update(client)).toBe(true);
      expect(Buffer.from(await repository.stamp()).equals(Buffer.from(before))).toBe(false);
    }
    expect(await fs.readdir(join(dir, "All"))).toEqual(["pkg_summary.gz"]);
  });

  it("is refused when it is none", async () => {
    await expect(new Repository(`${base}/x`, dir).update(client)).rejects.toMatchObject({
      code: "EFETCH",
      message: expect.stringContaining("pkg_summary.zst") as string,
    });
    expect(() => new Repository("ftp://host/x", dir)).toThrow(/no repository/);
    expect(() => new Repository("All", dir)).toThrow(/no repository/);
  });

  it("reports a summary that is damaged", async () => {
    const data = await packed(Compression.Gzip);
    handler = (request, response, count) =>
      request.url!.endsWith(".gz")
        ? whole(data.subarray(0, data.length - 20))(request, response, count)
        : void response.writeHead(404).end();
    const repository = new Repository(base, join(dir, "cache"));
    await repository.update(client);
    await expect(repository.load(new Universe())).rejects.toMatchObject({
      code: "EBADARCHIVE",
      message: expect.stringContaining("pkg_summary.gz") as string,
    });
  });

  it("names the download of a package", () => {
    const repository = new Repository(`${base}/All`, dir);
    expect(repository.packageItem("foo-1.0", "/cache", {})).toEqual({
      url: `${base}/All/foo-1.0.tgz`,
      target: "/cache/foo-1.0.tgz",
    });
    expect(
      repository.packageItem("c++-1.0", "/cache", {
        fileName: "x/c++-1.0.tzst",
        size: 5,
        checksum: `SHA256 ${SHA.value}`,
      }),
    ).toEqual({
      url: `${base}/All/x/c%2B%2B-1.0.tzst`,
      target: "/cache/c++-1.0.tzst",
      size: 5,
      checksum: SHA,
    });
    for (const fileName of ["../x", "/etc/passwd", "a/../../b", ""])
      expect(() => repository.packageItem("a-1", "/c", { fileName })).toThrow(/a-1/);
  });
});

describe("checksums", () => {
  it("are read as repositories write them", () => {
    expect(parseChecksum(`SHA1 ${"Ab".repeat(20)}`)).toEqual({ algorithm: "sha1", value: "ab".repeat(20) });
    expect(parseChecksum(`sha512:${"0".repeat(128)}`).algorithm).toBe("sha512");
    for (const text of ["", "SHA1", "SHA1 xyz", "FOO 00", `SHA1 ${"0".repeat(41)}`])
      expect(() => parseChecksum(text)).toThrow(/no checksum/);
  });
});
