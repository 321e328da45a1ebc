/** The facade in headless Chromium and Firefox: the same messages over the web's Worker. Pages come from localhost with the headers that shared memory needs. */
import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import puppeteer, { type Browser, type LaunchOptions, type Page } from "puppeteer-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bundle } from "./bundle";

const MINUTES = 60_000;

/** What a page needs to have SharedArrayBuffer. */
const ISOLATION = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

/** A page whose server does not send them. */
const UNISOLATED = "/unisolated";
const PAGE =
  "<!doctype html><meta charset=utf-8><link rel=icon href=data:,><title>LWKT</title><script type=module src=/page.mjs></script>";

const BROWSERS: Record<string, LaunchOptions> = {
  Chromium: {
    browser: "chrome",
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"],
  },
  Firefox: { browser: "firefox", executablePath: process.env.FIREFOX ?? "/usr/bin/firefox-esr" },
};

let server: Server;

beforeAll(async () => {
  const files = new Map<string, URL | string>([
    ["/", PAGE],
    // Browsers that do not have it yet are woken by message events.
    [UNISOLATED, PAGE],
    ["/without-wait-async", PAGE.replace("<script", "<script>delete Atomics.waitAsync</script><script")],
    ["/page.mjs", await bundle("browser/page.ts", "browser")],
    ["/worker.mjs", await bundle("workers/work.ts", "browser")],
  ]);
  server = createServer((request, response) => {
    const found = files.get(request.url ?? "");
    const type = found instanceof URL ? "text/javascript" : "text/html";
    void Promise.resolve(found instanceof URL ? readFile(found) : found).then((body) => {
      const isolation = request.url === UNISOLATED ? {} : ISOLATION;
      response.writeHead(body === undefined ? 404 : 200, { "Content-Type": type, ...isolation });
      response.end(body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
}, MINUTES);

afterAll(() => void server?.close());

describe.each(Object.keys(BROWSERS))("%s", (name) => {
  let browser: Browser;
  const problems: string[] = [];

  beforeAll(async () => {
    browser = await puppeteer.launch({
      ...BROWSERS[name],
      headless: true,
      timeout: 3 * MINUTES,
      protocolTimeout: 4 * MINUTES,
    });
  }, 4 * MINUTES);
  afterAll(() => browser?.close(), MINUTES);

  async function open(pathName: string): Promise<Page> {
    const page = await browser.newPage();
    page.on("pageerror", (error) => problems.push(String(error)));
    page.on("console", (message) => {
      if (message.type() === "error") problems.push(message.text());
    });
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}${pathName}`);
    await page.waitForFunction("globalThis.run !== undefined", { timeout: 3 * MINUTES });
    return page;
  }

  test(
    "a page that is not cross-origin isolated is told what it lacks",
    async () => {
      const page = await open(UNISOLATED);
      expect(await page.evaluate("run.isolated()")).toBe(false);
      expect(await page.evaluate("run.refused()")).toMatch(/^EOPNOTSUPP: .*Cross-Origin-Opener-Policy/);
      await page.close();
    },
    4 * MINUTES,
  );

  describe.each(["/", "/without-wait-async"])("page %s", (pathName) => {
    let page: Page;
    beforeAll(async () => {
      page = await open(pathName);
    }, 4 * MINUTES);
    afterAll(() => page?.close(), MINUTES);

    test("the page has shared memory", async () => expect(await page.evaluate("run.isolated()")).toBe(true), MINUTES);

    test(
      "calls, kinds of fields, errors, time-outs",
      async () => {
        expect(await page.evaluate("run.calls()")).toEqual({
          right: true,
          long: true,
          kinds: [-3, -5, 0.5, "seven", 8, 1, 0],
          failed: "ENOENT",
          late: "ETIMEDOUT",
          blocking: "EOPNOTSUPP",
        });
      },
      4 * MINUTES,
    );

    test(
      "both rings full at once",
      async () => {
        expect(await page.evaluate("run.flow()")).toEqual({
          stalled: true,
          notes: 20_000,
          wrongThere: 0,
          got: 20_000,
          wrong: 0,
        });
      },
      4 * MINUTES,
    );

    test(
      "workers ask each other, also blocking",
      async () => {
        expect(await page.evaluate("run.peers()")).toEqual({ sums: [3, 7, 3, 7], after: "EPIPE" });
      },
      4 * MINUTES,
    );

    test(
      "no wake-up is lost when one of two workers ends",
      async () => {
        for (let i = 0; i < 20; i++)
          expect(await page.evaluate("run.peers()")).toEqual({ sums: [3, 7, 3, 7], after: "EPIPE" });
      },
      4 * MINUTES,
    );

    test(
      "a worker that ends fails its calls",
      async () => {
        expect(await page.evaluate("run.death()")).toEqual({
          total: 300,
          waiting: "EPIPE",
          exit: "EPIPE",
          after: "EPIPE",
        });
      },
      4 * MINUTES,
    );

    test("nothing went wrong beside", () => expect(problems).toEqual([]));
  });
});
