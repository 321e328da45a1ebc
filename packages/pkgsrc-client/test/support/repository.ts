/** Repositories of packages made on the fly, and a real HTTP server for them. */
import { createHash } from "node:crypto";
import fs from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { createPackage, type PackageInput } from "../../src/host/archive/create";
import { collect, Compression } from "../../src/host/archive/compression";
import { hostPlatform } from "../../src/host/client/config";

const { opsys, arch } = hostPlatform();

/** What every package says of where it was built. */
export const BUILD: Record<string, string> = {
  BUILD_DATE: "2026-05-01 12:00:00 +0000",
  CATEGORIES: "devel",
  MACHINE_ARCH: arch,
  OPSYS: opsys,
  OS_VERSION: "1.0",
  PKGTOOLS_VERSION: "20091115",
};

/** Writes packages and their pkg_summary.gz into a directory. Returns the summary's text. */
export async function writeRepository(
  dir: string,
  inputs: readonly PackageInput[],
  change: (summary: string) => string = (s) => s,
): Promise<string> {
  fs.mkdirSync(dir, { recursive: true });
  let summary = "";
  for (const input of inputs) {
    const base = input.name.slice(0, input.name.lastIndexOf("-"));
    const info: Record<string, string | readonly string[]> = { ...BUILD, PKGPATH: `devel/${base}`, ...input.buildInfo };
    const data = await collect(createPackage({ ...input, buildInfo: info }, Compression.Gzip));
    fs.writeFileSync(path.join(dir, `${input.name}.tgz`), data);
    const size = (input.files ?? []).reduce((sum, file) => sum + Buffer.byteLength(file.content ?? ""), 0);
    const line = (name: string, value: string | readonly string[]): string =>
      (typeof value === "string" ? [value] : value).map((one) => `${name}=${one}\n`).join("");
    summary +=
      line("PKGNAME", input.name) +
      line("DEPENDS", input.depends ?? []) +
      line("CONFLICTS", input.conflicts ?? []) +
      line("COMMENT", input.comment ?? `The ${base} of tests`) +
      line("SIZE_PKG", String(size)) +
      Object.entries(info)
        .map(([name, value]) => line(name, value))
        .join("") +
      line("FILE_NAME", `${input.name}.tgz`) +
      line("FILE_SIZE", String(data.length)) +
      line("FILE_CKSUM", `SHA512 ${createHash("sha512").update(data).digest("hex")}`) +
      line("DESCRIPTION", input.description ?? "A package") +
      "\n";
  }
  fs.writeFileSync(path.join(dir, "pkg_summary.gz"), gzipSync(change(summary)));
  return summary;
}

/** A server on loopback for a directory: byte ranges, entity tags, and connections that it can lose. */
export class PackageServer {
  readonly requests: string[] = [];
  /** Ends the connection of the next answer for this name after so many bytes. */
  readonly loseAfter = new Map<string, number>();
  /** Always loses it. */
  readonly alwaysLose = new Set<string>();
  private readonly server: http.Server;

  private constructor(readonly root: string) {
    this.server = http.createServer((request, response) => this.answer(request, response));
  }

  static async start(root: string): Promise<PackageServer> {
    const server = new PackageServer(root);
    await new Promise<void>((resolve) => server.server.listen(0, "127.0.0.1", resolve));
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  private answer(request: http.IncomingMessage, response: http.ServerResponse): void {
    const name = decodeURIComponent(new URL(request.url ?? "/", "http://x").pathname.slice(1));
    this.requests.push(`${name}${request.headers.range === undefined ? "" : ` ${request.headers.range}`}`);
    const file = path.join(this.root, name);
    if (!fs.existsSync(file) || !fs.statSync(file).isFile()) {
      response.writeHead(404).end();
      return;
    }
    const data = fs.readFileSync(file);
    const etag = `"${createHash("md5").update(data).digest("hex")}"`;
    if (request.headers["if-none-match"] === etag) {
      response.writeHead(304, { etag }).end();
      return;
    }
    const range = /^bytes=(\d+)-$/.exec(request.headers.range ?? "");
    const start = range !== null && request.headers["if-range"] === etag ? Number(range[1]) : 0;
    const body = data.subarray(start);
    const headers: http.OutgoingHttpHeaders = { etag, "content-length": body.length };
    if (start > 0) headers["content-range"] = `bytes ${start}-${data.length - 1}/${data.length}`;
    response.writeHead(start > 0 ? 206 : 200, headers);
    const limit = this.loseAfter.get(name);
    if (limit === undefined) {
      response.end(body);
      return;
    }
    if (!this.alwaysLose.has(name)) this.loseAfter.delete(name);
    response.write(body.subarray(0, limit), () => setTimeout(() => response.destroy(), 20));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.closeAllConnections();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }
}
