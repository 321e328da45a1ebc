/**
 * HTTP for downloads: one pool of connections, time limits, redirects followed by hand, bodies as they are (no content decoding: a `.tgz`
 * served with `Content-Encoding: x-gzip` is still a `.tgz`).
 *
 * Key class: `HttpClient`. Neighbours: `download.ts` retries and resumes.
 * Invariant: every failure is a PackageError EFETCH (or EABORT) that names the URL; `HttpFailure#transient` says whether to try again.
 */
import type { Agent, Dispatcher } from "undici";
import { codeOf, PackageError } from "../errors";

export interface HttpOptions {
  /** Milliseconds to connect. Default 15,000. */
  connectTimeout?: number;
  /** Milliseconds until the answer begins. Default 30,000. */
  headersTimeout?: number;
  /** Milliseconds without a byte of the body. Default 30,000. */
  bodyTimeout?: number;
  /** Connections to one server. Default 6. */
  connections?: number;
  /** Value of User-Agent. */
  userAgent?: string;
  /** Another dispatcher of undici, for tests and for proxies of one's own. */
  dispatcher?: Dispatcher;
}

/** Most redirects that are followed. */
export const MAX_REDIRECTS = 10;

/** An answer; its body must be read or dropped. */
export interface HttpAnswer {
  /** Where it came from after redirects. */
  url: string;
  status: number;
  headers: ReadonlyMap<string, string>;
  body: AsyncIterable<Uint8Array>;
  /** Drops the body and gives the connection back or closes it. */
  drop(): Promise<void>;
}

/** A failed request. */
export class HttpFailure extends PackageError {
  constructor(
    url: string,
    reason: string,
    /** Whether the same request may succeed later. */
    readonly transient: boolean,
    /** HTTP status, 0 when there was no answer. */
    readonly status: number,
    cause?: unknown,
    /** Milliseconds that the server wants us to wait, 0 when it does not say. */
    readonly retryAfter = 0,
  ) {
    super("EFETCH", `cannot fetch ${shownUrl(url)}: ${reason}`, { path: shownUrl(url), cause });
  }
}

/** A URL without user and password. */
export function shownUrl(url: string): string {
  return url.replace(/^(https?:\/\/)[^/@]*@/, "$1");
}

const REASONS: Readonly<Record<string, string>> = {
  ENOTFOUND: "the server's name is not known",
  EAI_AGAIN: "the server's name cannot be looked up now",
  ECONNREFUSED: "the server does not accept connections",
  ECONNRESET: "the connection was lost",
  EPIPE: "the connection was lost",
  UND_ERR_SOCKET: "the connection was lost",
  UND_ERR_CONNECT_TIMEOUT: "the server did not accept a connection in time",
  UND_ERR_HEADERS_TIMEOUT: "the server did not answer in time",
  UND_ERR_BODY_TIMEOUT: "the server stopped sending",
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: "the server sent another number of bytes than it said",
  ETIMEDOUT: "the connection timed out",
  EHOSTUNREACH: "the server cannot be reached",
  ENETUNREACH: "the network cannot be reached",
};

/** What does not get better by trying again soon. */
const LASTING = new Set([
  "ENOTFOUND",
  "ERR_INVALID_URL",
  "UND_ERR_INVALID_ARG",
  "CERT_HAS_EXPIRED",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
]);

/** The error for what went wrong while talking to a server; errors of ours and of programming stay what they are. */
export function httpFailure(url: string, error: unknown): unknown {
  if (error instanceof PackageError || error instanceof ReferenceError || error instanceof TypeError) return error;
  if (error instanceof Error && error.name === "AbortError")
    return new PackageError("EABORT", `fetching ${shownUrl(url)} was stopped`, { path: shownUrl(url) });
  const code = codeOf(error);
  const message = error instanceof Error ? error.message : String(error);
  const transient = !LASTING.has(code) && !/certificate|altname/i.test(message);
  return new HttpFailure(url, REASONS[code] ?? message, transient, 0, error);
}

/** Milliseconds of a Retry-After header (RFC 9110 10.2.3): seconds or a date. */
function retryAfter(value: string | undefined): number {
  if (value === undefined) return 0;
  if (/^[0-9]+$/.test(value)) return Number(value) * 1000;
  const at = Date.parse(value);
  return Number.isNaN(at) ? 0 : Math.max(0, at - Date.now());
}

export class HttpClient {
  /** Made with the first request: loading undici takes longer than most programs that need no network. */
  private dispatcher: Dispatcher | null;
  private readonly settings: Agent.Options;
  private readonly owned: boolean;
  private readonly userAgent: string;
  private readonly headersTimeout: number;
  private readonly bodyTimeout: number;

  constructor(options: HttpOptions = {}) {
    this.headersTimeout = options.headersTimeout ?? 30_000;
    this.bodyTimeout = options.bodyTimeout ?? 30_000;
    this.userAgent = options.userAgent ?? "pkgsrc-client";
    this.owned = options.dispatcher === undefined;
    this.settings = { connections: options.connections ?? 6, connect: { timeout: options.connectTimeout ?? 15_000 } };
    this.dispatcher = options.dispatcher ?? null;
  }

  private connect(undici: typeof import("undici")): Dispatcher {
    if (this.dispatcher !== null) return this.dispatcher;
    // http_proxy, https_proxy and no_proxy as libfetch honours them (fetch(3)).
    const proxied = ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY"].some(
      (name) => (process.env[name] ?? "") !== "",
    );
    this.dispatcher = proxied ? new undici.EnvHttpProxyAgent(this.settings) : new undici.Agent(this.settings);
    return this.dispatcher;
  }

  /** Closes idle connections; requests under way end first. */
  async close(): Promise<void> {
    if (this.owned) await this.dispatcher?.close();
  }

  private async once(
    url: string,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal | undefined,
  ): Promise<HttpAnswer> {
    const target = new URL(url);
    const all: Record<string, string> = { "user-agent": this.userAgent, "accept-encoding": "identity", ...headers };
    if (target.username !== "") {
      const pair = `${decodeURIComponent(target.username)}:${decodeURIComponent(target.password)}`;
      all.authorization = `Basic ${Buffer.from(pair).toString("base64")}`;
      target.username = "";
      target.password = "";
    }
    const undici = await import("undici");
    const answer = await undici.request(target, {
      method: "GET",
      headers: all,
      dispatcher: this.connect(undici),
      headersTimeout: this.headersTimeout,
      bodyTimeout: this.bodyTimeout,
      signal: signal ?? null,
    });
    const received = new Map<string, string>();
    for (const [name, value] of Object.entries(answer.headers)) {
      if (value !== undefined) received.set(name.toLowerCase(), Array.isArray(value) ? value.join(", ") : value);
    }
    const { body } = answer;
    return {
      url,
      status: answer.statusCode,
      headers: received,
      body,
      drop: async () => {
        // A short body is read so that the connection can be used again; a long one is cut off.
        await body.dump({ limit: 65536 }).catch(() => undefined);
      },
    };
  }

  /**
   * Gets a URL. Statuses of 200 to 299, 304, 404, 410 and 416 are answers; everything else is thrown.
   * Throws HttpFailure (408, 425, 429 and 500 to 599 are transient), or EABORT.
   */
  async get(url: string, headers: Readonly<Record<string, string>> = {}, signal?: AbortSignal): Promise<HttpAnswer> {
    const visited = new Set<string>();
    let at = url;
    let sent = headers;
    for (;;) {
      if (visited.has(at)) throw new HttpFailure(url, "the server redirects in a circle", false, 0);
      if (visited.size > MAX_REDIRECTS)
        throw new HttpFailure(url, `the server redirects more than ${MAX_REDIRECTS} times`, false, 0);
      visited.add(at);
      let answer: HttpAnswer;
      try {
        answer = await this.once(at, sent, signal);
      } catch (error) {
        throw httpFailure(url, error);
      }
      const { status } = answer;
      if ([301, 302, 303, 307, 308].includes(status)) {
        await answer.drop();
        const location = answer.headers.get("location");
        if (location === undefined)
          throw new HttpFailure(url, `the server answered ${status} without a place to go`, false, status);
        const next = URL.canParse(location, at) ? new URL(location, at) : null;
        if (next === null || (next.protocol !== "http:" && next.protocol !== "https:")) {
          throw new HttpFailure(url, `the server redirects to ${location}, which is no HTTP address`, false, status);
        }
        if (at.startsWith("https:") && next.protocol === "http:") {
          throw new HttpFailure(
            url,
            `the server redirects to ${shownUrl(next.href)}, which is not encrypted`,
            false,
            status,
          );
        }
        if (next.origin !== new URL(at).origin) sent = withoutCredentials(sent);
        at = next.href;
        continue;
      }
      if ((status >= 200 && status < 300) || [304, 404, 410, 416].includes(status)) return { ...answer, url: at };
      await answer.drop();
      const transient = status >= 500 || [408, 425, 429].includes(status);
      throw new HttpFailure(
        url,
        `the server answered ${status}`,
        transient,
        status,
        undefined,
        retryAfter(answer.headers.get("retry-after")),
      );
    }
  }
}

function withoutCredentials(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => !["authorization", "cookie"].includes(name.toLowerCase())),
  );
}
