/**
 * Progress on a terminal: bars for downloads and unpacking, one line for each step; plain lines elsewhere.
 *
 * Neighbours: `../client/events.ts`. Invariant: on something that is no terminal nothing is written over.
 */
import { MultiBar, Presets, type SingleBar } from "cli-progress";
import type { PkgsrcClient } from "../client";
import { humanSize, type Output } from "./output";

export class Progress {
  private readonly live: boolean;
  /** Of the phase that runs; a stopped one is not used again, because its timer would start anew. */
  private bars: MultiBar | null = null;
  private readonly downloads = new Map<string, SingleBar>();
  private unpacking: SingleBar | null = null;

  constructor(
    client: PkgsrcClient,
    private readonly out: Output,
  ) {
    this.live = process.stderr.isTTY === true && !out.json && process.env["TERM"] !== "dumb";
    client.on("download", (event) => this.download(event));
    client.on("verified", ({ name, signed, signer }) =>
      out.detail(`${name} verified${signed ? `, signed by ${signer}` : ", not signed"}`),
    );
    client.on("stage", ({ name, bytes, total }) => this.stage(name, bytes, total));
    client.on("step", ({ from, to, index, count }) => {
      this.stop();
      const what =
        to === null
          ? `removing ${from}`
          : from === null
            ? `installing ${to}`
            : from === to
              ? `refreshing ${to}`
              : `${from} -> ${to}`;
      out.line(`${out.colors.dim(`[${index + 1}/${count}]`)} ${what}`);
    });
    client.on("script", ({ package: name, phase, text }) => {
      for (const line of text.trimEnd().split("\n")) out.detail(`${name} ${phase}: ${line}`);
    });
    client.on("message", ({ package: name, text }) => {
      this.stop();
      out.line();
      out.line(out.colors.bold(`${name}:`));
      out.line(text.trimEnd());
    });
    client.on("notice", (text) => {
      this.stop();
      out.notice(text);
    });
    client.on("warning", (text) => {
      this.stop();
      out.warning(text);
    });
    client.on("recovered", ({ id, outcome, begin }) => {
      const what = begin === null ? "" : ` (${begin.command})`;
      out.notice(
        outcome === "undone"
          ? `transaction ${id}${what} was interrupted; everything that it did was taken back`
          : `transaction ${id}${what} was interrupted after its last step and is complete`,
      );
    });
    client.on("repository", ({ url, state, packages, message }) => {
      if (state === "failed") out.warning(message);
      else if (state === "read") out.detail(`${url}: ${packages} packages`);
    });
  }

  private begin(): MultiBar {
    this.bars ??= new MultiBar(
      {
        format: "{name} {bar} {percentage}% {size}",
        barsize: 24,
        hideCursor: true,
        clearOnComplete: false,
        stream: process.stderr,
      },
      Presets.shades_classic,
    );
    return this.bars;
  }

  private download(event: { name: string; received: number; total: number; done: boolean }): void {
    if (!this.live) {
      if (event.done) this.out.line(`fetched ${event.name} (${humanSize(event.received)})`);
      return;
    }
    let bar = this.downloads.get(event.name);
    if (bar === undefined) {
      bar = this.begin().create(Math.max(1, event.total), 0, { name: event.name.padEnd(32).slice(0, 40), size: "" });
      this.downloads.set(event.name, bar);
    }
    if (event.total > 0) bar.setTotal(event.total);
    bar.update(event.received, { size: humanSize(event.received) });
  }

  private stage(name: string, bytes: number, total: number): void {
    if (!this.live) return;
    this.unpacking ??= this.begin().create(Math.max(1, total), 0, { name: "", size: "" });
    this.unpacking.update(Math.min(bytes, Math.max(1, total)), {
      name: `unpacking ${name}`.padEnd(32).slice(0, 40),
      size: humanSize(bytes),
    });
  }

  /** Lets ordinary lines follow. */
  stop(): void {
    this.bars?.stop();
    this.bars = null;
    this.downloads.clear();
    this.unpacking = null;
  }
}
