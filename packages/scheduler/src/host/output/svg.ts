/**
 * A trace as an SVG timeline: a row for each CPU (or for neighbours together, when there are many), coloured by group, with an axis, a legend and
 * the number of waiting tasks above.
 *
 * Neighbour: `../trace/trace.ts`. Invariant: the size of the picture depends on its width and rows, not on the length of the trace: what is
 * narrower than a pixel is gathered into columns.
 */
import type { Trace } from "../trace/trace";
import { Kind, Stop } from "../trace/trace";
import { formatDuration } from "../units";
import { colour, textOn } from "./palette";
import { rangeOf, within } from "./range";
import { fit, textWidth } from "./text";

/** How a timeline looks, and which part of the trace it shows. */
export interface SvgOptions {
  /** Pixels, 400 to 20,000 (default 1,200). */
  width?: number;
  /** Part of the trace, ns (default all). */
  from?: number;
  to?: number;
  /** Most rows; more CPUs than that share rows (default 64). */
  rows?: number;
  title?: string;
}

const MARGIN = { right: 36, top: 82 };
/** Least room for the labels of rows; the numbers of many CPUs are wider. */
const LEFT = 64;
const LABEL_SIZE = 11;
/** Characters of a name that is cut when it does not fit its bar; shorter ones are left out. */
const LONG_NAME = 20;
/** Entries of the legend are cut to this. */
const LEGEND_WIDTH = 280;
const LOAD_HEIGHT = 56;
const GAP = 22;
const FONT = "font-family=\"Helvetica, Arial, 'DejaVu Sans', sans-serif\"";

/** Layout and range of one picture. */
interface Frame {
  trace: Trace;
  from: number;
  to: number;
  width: number;
  /** Of the plot, px: where it begins, and its width. */
  left: number;
  plot: number;
  rows: number;
  perRow: number;
  rowHeight: number;
  rowsTop: number;
}

/**
 * The picture, an SVG document.
 *
 * @throws InputError naming the option: a width beside 400 to 20,000, rows below 1, times that are negative or the wrong way round.
 */
export function timelineSvg(trace: Trace, options: SvgOptions = {}): string {
  const width = Math.round(within("width", options.width ?? 1_200, 400, 20_000));
  const { from, to } = rangeOf(trace, options);
  const perRow = Math.ceil(trace.cpus / Math.floor(within("rows", options.rows ?? 64, 1, Infinity)));
  const rows = Math.ceil(trace.cpus / perRow);
  const rowHeight = rows <= 8 ? 28 : rows <= 16 ? 20 : rows <= 32 ? 14 : 10;
  const longest = rowLabel(trace, perRow, rows, rows - 1);
  const left = Math.max(LEFT, Math.ceil(textWidth(longest, LABEL_SIZE)) + 16);
  const frame: Frame = {
    trace,
    from,
    to,
    width,
    left,
    plot: width - left - MARGIN.right,
    rows,
    perRow,
    rowHeight,
    rowsTop: MARGIN.top + LOAD_HEIGHT + GAP,
  };
  const cells = new Cells(frame);
  const legend = legendOf(frame, cells.used);
  const axisTop = frame.rowsTop + rows * rowHeight;
  const height = axisTop + 44 + legend.height;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" ${FONT} font-size="12">`,
    `<title>${escape(options.title ?? trace.name)}</title>`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    heading(frame, options.title ?? trace.name),
    load(frame),
    rowLabels(frame),
    cells.draw(),
    axis(frame, axisTop),
    legend.draw(axisTop + 40),
    "</svg>\n",
  ].join("\n");
}

function heading({ trace, from, to, width }: Frame, title: string): string {
  const cpus = trace.cpus === 1 ? "1 CPU" : `${trace.cpus} CPUs`;
  const about = `${cpus}, ${trace.tasks.length} ${trace.tasks.length === 1 ? "task" : "tasks"}, ${formatDuration(to - from)}`;
  return (
    `<text x="16" y="28" font-size="18" font-weight="bold" fill="#222222">${escape(fit(title, 18, width - 32))}</text>` +
    `<text x="16" y="48" fill="#666666">${escape(about)}</text>`
  );
}

/** Of what is drawn in a row. */
const barHeight = (rowHeight: number): number => rowHeight - (rowHeight >= 14 ? 4 : 2);

const number = (value: number): string => String(Math.round(value * 100) / 100);

function escape(text: string): string {
  return text
    .replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`)
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd]/g, "\ufffd");
}

/** Who had the CPUs of each row in each pixel column. */
class Cells {
  /** CPU time of each group. */
  readonly used: Float64Array;
  private readonly exact: string[][] = [];
  /** ns by row, column and group, where slices are narrow. */
  private readonly narrow: Map<number, Float64Array>[] = [];

  constructor(private readonly frame: Frame) {
    const { trace, rows } = frame;
    this.used = new Float64Array(trace.groups.length);
    for (let row = 0; row < rows; row++) {
      this.exact.push([]);
      this.narrow.push(new Map());
    }
    trace.slices(({ cpu, task, start, end }) => {
      if (end <= frame.from || start >= frame.to) return;
      const group = trace.tasks[task]!.group;
      const a = Math.max(start, frame.from);
      const b = Math.min(end, frame.to);
      this.used[group]! += b - a;
      this.add(Math.floor(cpu / frame.perRow), group, task, a, b);
    });
  }

  private x(time: number): number {
    const { from, to, plot } = this.frame;
    return ((time - from) / (to - from)) * plot;
  }

  private add(row: number, group: number, task: number, start: number, end: number): void {
    const { frame } = this;
    let x = this.x(start);
    const right = this.x(end);
    if (frame.perRow === 1 && right - x >= 1.5) {
      const info = frame.trace.tasks[task]!;
      // A gap tells neighbours of one group apart; a whole pixel, for edges are put on whole ones.
      const gap = right - x > 4 ? 1 : 0;
      this.exact[row]!.push(this.box(row, x, right - x - gap, group, info.name));
      return;
    }
    while (x < right) {
      const column = Math.floor(x);
      const next = Math.min(column + 1, right);
      let cell = this.narrow[row]!.get(column);
      if (cell === undefined) {
        cell = new Float64Array(frame.trace.groups.length);
        this.narrow[row]!.set(column, cell);
      }
      cell[group]! += next - x;
      if (next <= x) break;
      x = next;
    }
  }

  private box(row: number, x: number, w: number, group: number, name: string): string {
    const { rowsTop, rowHeight } = this.frame;
    const h = barHeight(rowHeight);
    const top = rowsTop + row * rowHeight + (rowHeight - h) / 2;
    const left = this.frame.left + x;
    const rect =
      `<rect x="${number(left)}" y="${number(top)}" width="${number(w)}" height="${number(h)}" fill="${colour(group)}">` +
      `<title>${escape(name)}</title></rect>`;
    const size = rowHeight >= 20 ? LABEL_SIZE : 9;
    const label = rowHeight < 14 ? "" : fit(name, size, w - 8);
    // The beginning of a short name tells nothing, that of a long one may.
    if (label === "" || (label !== name && name.length < LONG_NAME)) return rect;
    const at = `x="${number(left + 4)}" y="${number(top + h / 2 + size * 0.36)}"`;
    return `${rect}<text ${at} font-size="${size}" fill="${textOn(colour(group))}" pointer-events="none">${escape(label)}</text>`;
  }

  /** Narrow columns first, then what has its true edges. */
  draw(): string {
    const parts: string[] = ['<g shape-rendering="crispEdges">'];
    for (let row = 0; row < this.frame.rows; row++) {
      const shapes = new Map<number, string>();
      const cells = [...this.narrow[row]!].sort((a, b) => a[0] - b[0]);
      for (let i = 0; i < cells.length;) i = this.drawColumns(shapes, row, cells, i);
      for (const [group, shape] of shapes) parts.push(`<path d="${shape}" fill="${colour(group)}"/>`);
      parts.push(...this.exact[row]!);
    }
    parts.push("</g>");
    return parts.join("\n");
  }

  /** Adds a column to the shapes of its groups, and the ones like it to the right of it; the groups stand on one another by their share. */
  private drawColumns(
    shapes: Map<number, string>,
    row: number,
    cells: [number, Float64Array][],
    first: number,
  ): number {
    const { left, rowsTop, rowHeight, perRow } = this.frame;
    const full = barHeight(rowHeight);
    // Whole pixels; a group that was there at all is seen.
    const levels = (cell: Float64Array): number[] =>
      Array.from(cell, (v) => (v === 0 ? 0 : Math.max(1, Math.round((v / perRow) * full))));
    const [column, cell] = cells[first]!;
    const heights = levels(cell);
    const like = heights.join();
    let end = first + 1;
    while (end < cells.length && cells[end]![0] === column + end - first && levels(cells[end]![1]).join() === like)
      end++;
    const top = rowsTop + row * rowHeight + (rowHeight - full) / 2;
    let bottom = top + full;
    heights.forEach((wanted, group) => {
      const h = Math.min(wanted, bottom - top);
      if (h <= 0) return;
      bottom -= h;
      const width = end - first;
      shapes.set(group, `${shapes.get(group) ?? ""}M${left + column} ${bottom}h${width}v${h}h-${width}z`);
    });
    return end;
  }
}

/** The number of runnable tasks without a CPU, as an area. */
function load(frame: Frame): string {
  const { trace, from, to, left, plot } = frame;
  const columns = Math.floor(plot);
  const sums = new Float64Array(columns + 1);
  const ready = new Uint8Array(trace.tasks.length);
  const on = new Uint8Array(trace.tasks.length);
  let waiting = 0;
  let since = 0;
  const spread = (until: number): void => {
    const a = Math.max(since, from);
    const b = Math.min(until, to);
    if (b > a && waiting > 0) {
      const scale = columns / (to - from);
      for (let x = (a - from) * scale, end = (b - from) * scale; x < end;) {
        const column = Math.floor(x);
        const next = Math.min(column + 1, end);
        sums[column]! += (next - x) * waiting;
        if (next <= x) break;
        x = next;
      }
    }
    since = until;
  };
  for (let i = 0; i < trace.length; i++) {
    const task = trace.task.at(i);
    const kind = trace.kind.at(i);
    const time = trace.time.at(i);
    const preempted = kind === Kind.stop && [Stop.preempted, Stop.yielded].includes(trace.detail.at(i) as 1 | 2);
    if (kind === Kind.run) {
      on[task] = 1;
      if (ready[task] === 1) {
        spread(time);
        waiting--;
        ready[task] = 0;
      }
    } else if (kind === Kind.stop) on[task] = 0;
    if (preempted || (kind === Kind.wake && ready[task] === 0 && on[task] === 0)) {
      spread(time);
      waiting++;
      ready[task] = 1;
    }
  }
  spread(to);
  const top = sums.reduce((high, v) => Math.max(high, v), 0);
  const ceiling = niceCeiling(Math.max(1, top));
  const bottom = MARGIN.top + LOAD_HEIGHT;
  const y = (value: number): string => number(bottom - (value / ceiling) * (LOAD_HEIGHT - 6));
  let path = `M${left} ${bottom}`;
  let last = "";
  for (let x = 0; x < columns; x++) {
    const at = y(sums[x]!);
    if (at === last) continue;
    path += last === "" ? `V${at}` : `H${left + x}V${at}`;
    last = at;
  }
  path += `H${left + columns}V${bottom}Z`;
  return [
    `<path d="${path}" fill="#b9c2cc"/>`,
    `<path d="M${left} ${bottom}H${left + columns}" stroke="#999999" stroke-width="1"/>`,
    `<path d="M${left} ${y(ceiling)}H${left + columns}" stroke="#dddddd" stroke-width="1"/>`,
    `<text x="${left - 8}" y="${bottom}" text-anchor="end" fill="#666666" font-size="11">0</text>`,
    `<text x="${left - 8}" y="${Number(y(ceiling)) + 4}" text-anchor="end" fill="#666666" font-size="11">${ceiling}</text>`,
    `<text x="${left}" y="${MARGIN.top - 4}" fill="#666666" font-size="11">tasks waiting for a CPU</text>`,
  ].join("\n");
}

/** 1, 2 or 5 times a power of ten at or above a value. */
function niceCeiling(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  for (const factor of [1, 2, 5, 10]) if (factor * power >= value - 1e-9) return factor * power;
  return 10 * power;
}

/** What stands before a row: its CPU, or the first and last of them. */
function rowLabel(trace: Trace, perRow: number, rows: number, row: number): string {
  const first = row * perRow;
  if (perRow === 1) return rows <= 16 ? `CPU ${first}` : String(first);
  return `${first}-${Math.min(trace.cpus, first + perRow) - 1}`;
}

function rowLabels({ trace, rows, perRow, rowHeight, rowsTop, left, plot }: Frame): string {
  const parts: string[] = [];
  const every = Math.max(1, Math.ceil(12 / rowHeight));
  for (let row = 0; row < rows; row++) {
    const top = rowsTop + row * rowHeight;
    if (row % 2 === 0) {
      parts.push(`<rect x="${left}" y="${top}" width="${plot}" height="${rowHeight}" fill="#f5f6f7"/>`);
    }
    if (row % every !== 0) continue;
    const label = rowLabel(trace, perRow, rows, row);
    parts.push(
      `<text x="${left - 8}" y="${number(top + rowHeight / 2 + 4)}" text-anchor="end" fill="#444444" font-size="${LABEL_SIZE}">${label}</text>`,
    );
  }
  return parts.join("\n");
}

function axis({ from, to, left, plot, rowsTop }: Frame, top: number): string {
  const parts = [`<path d="M${left} ${top}H${left + plot}" stroke="#444444" stroke-width="1"/>`];
  const step = niceCeiling((to - from) / Math.max(4, Math.floor(plot / 120)));
  for (let t = Math.ceil(from / step) * step; t <= to; t += step) {
    const x = number(left + ((t - from) / (to - from)) * plot);
    parts.push(`<path d="M${x} ${rowsTop}V${top + 5}" stroke="#444444" stroke-opacity="0.25" stroke-width="1"/>`);
    parts.push(
      `<text x="${x}" y="${top + 19}" text-anchor="middle" fill="#444444" font-size="11">${axisLabel(t, step)}</text>`,
    );
  }
  return parts.join("\n");
}

/** In the unit of the step, with as many digits as the step needs. */
function axisLabel(t: number, step: number): string {
  const [unit, size] =
    step < 1e3 ? ["ns", 1] : step < 1e6 ? ["us", 1e3] : step < 1e8 ? ["ms", 1e6] : (["s", 1e9] as [string, number]);
  return `${Math.round((t / size) * 1e3) / 1e3} ${unit}`;
}

/** Groups by CPU time, with their share; the smallest of many are one entry. */
function legendOf(
  { trace, width, left, plot, from, to }: Frame,
  used: Float64Array,
): { height: number; draw: (top: number) => string } {
  const available = (to - from) * trace.cpus;
  const entries = Array.from(used, (ns, group) => ({ group, ns, name: trace.groups[group]! }))
    .filter((e) => e.ns > 0)
    .sort((a, b) => b.ns - a.ns)
    .slice(0, 24)
    .map((e) => ({
      ...e,
      label: `${fit(e.name, 12, Math.min(LEGEND_WIDTH, plot - 90))}  ${percent(e.ns / available)}`,
    }));
  const rest = Array.from(used).filter((ns) => ns > 0).length - entries.length;
  const idle = available - used.reduce((sum, ns) => sum + ns, 0);
  const labels = entries.map((e) => ({ fill: colour(e.group), label: e.label }));
  if (rest > 0) labels.push({ fill: "#dddddd", label: `${rest} more groups` });
  labels.push({ fill: "#f5f6f7", label: `idle and switching  ${percent(idle / available)}` });
  let x = left;
  let row = 0;
  const placed = labels.map((l) => {
    const w = 32 + textWidth(l.label, 12);
    if (x + w > width - MARGIN.right && x > left) {
      x = left;
      row++;
    }
    const at = { ...l, x, row };
    x += w;
    return at;
  });
  return {
    height: (row + 1) * 20 + 8,
    draw: (top) =>
      placed
        .map(
          (l) =>
            `<rect x="${number(l.x)}" y="${top + l.row * 20}" width="12" height="12" fill="${l.fill}" stroke="#999999" stroke-width="0.5"/>` +
            `<text x="${number(l.x + 18)}" y="${top + l.row * 20 + 10}" fill="#222222">${escape(l.label)}</text>`,
        )
        .join("\n"),
  };
}

function percent(part: number): string {
  if (part > 0 && part < 0.0005) return "< 0.1 %";
  return `${(part * 100).toFixed(part < 0.0995 ? 1 : 0)} %`;
}
