/**
 * Pictures of dependencies: a graph of packages as data, and as SVG.
 *
 * Key functions: {@link dependencyGraph}, {@link graphToSvg}. Neighbours: `../plan/relations.ts` (who needs whom), the command `graph`.
 * Layout is dagre's (layers from left to right). The SVG needs no script, follows the reader's light or dark scheme, and shows PKGNAME, size and what each
 * package is: asked for, kept, automatic, not installed, or missing.
 * Invariant: the same universe and options give the same bytes.
 */
import { graphlib, layout } from "@dagrejs/dagre";
import { stringOf } from "@anax/portable";
import { Relations } from "../plan/relations";
import type { IntVec } from "../solver/int-vec";
import type { Universe } from "../universe";

/** What a node is, and how it is drawn. */
export type NodeKind = "root" | "kept" | "automatic" | "available" | "missing";

export interface GraphNode {
  /** The PKGNAME, or the pattern that nothing meets. */
  readonly id: string;
  readonly kind: NodeKind;
  /** Bytes installed; 0 when unknown. */
  readonly size: number;
  /** Nodes of which this one was not followed further: the depth or the number of nodes was reached. */
  readonly more: number;
}

export interface GraphEdge {
  /** `from` needs `to`. */
  readonly from: string;
  readonly to: string;
  readonly pattern: string;
}

export interface DependencyGraph {
  readonly title: string;
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
}

export interface GraphOptions {
  /** What needs the packages, in place of what they need. */
  readonly reverse?: boolean;
  /** How far from the roots; default: as far as it goes. */
  readonly depth?: number;
  /** Nodes after which no others are followed; default 300. */
  readonly nodes?: number;
  /** Leaves out edges that a longer way implies; default true. */
  readonly reduce?: boolean;
  /** Over these packages in place of the installed ones, e.g. `Plan.final`. */
  readonly set?: IntVec;
}

/** The graph of what `roots` (handles) need. */
export function dependencyGraph(
  universe: Universe,
  roots: readonly number[],
  options: GraphOptions = {},
): DependencyGraph {
  const relations = new Relations(universe, options.set ?? null);
  const limit = options.nodes ?? 300;
  const depth = options.depth ?? Infinity;
  const reverse = options.reverse ?? false;
  const name = (p: number) => stringOf(universe.arena.bytes, universe.nameAt(p), universe.nameLength(p));
  const distance = new Map(roots.map((p) => [p, 0]));
  const more = new Map<number, number>();
  const edges: GraphEdge[] = [];
  const missing = new Set<string>();
  const drawn = new Set<string>();
  for (const p of distance.keys()) {
    const next = reverse ? relations.dependents(p) : relations.dependencies(p);
    for (let i = 0; i < next.length; i++) {
      const q = next.get(i);
      if (!distance.has(q)) {
        if (distance.get(p)! >= depth || distance.size >= limit) {
          more.set(p, (more.get(p) ?? 0) + 1);
          continue;
        }
        distance.set(q, distance.get(p)! + 1);
      }
    }
  }
  for (const p of distance.keys()) {
    for (let i = 0; i < universe.dependCount(p); i++) {
      const id = universe.dependAt(p, i);
      const pattern = stringOf(universe.arena.bytes, universe.patterns.keyAt(id), universe.patterns.keyLength(id));
      const q = relations.dependency(p, i);
      if (q < 0 && !reverse) missing.add(pattern);
      if (q < 0 ? reverse : !distance.has(q) || q === p) continue;
      const to = q < 0 ? pattern : name(q);
      if (drawn.has(`${name(p)} ${to}`)) continue;
      drawn.add(`${name(p)} ${to}`);
      edges.push({ from: name(p), to, pattern });
    }
  }
  const kind = (p: number): NodeKind => {
    if (distance.get(p) === 0) return "root";
    if (!relations.has(p)) return "available";
    return universe.isAutomatic(p) ? "automatic" : "kept";
  };
  const nodes = [...distance.keys()].map((p): GraphNode => ({
    id: name(p),
    kind: kind(p),
    size: Number(universe.sizeOf(p)),
    more: more.get(p) ?? 0,
  }));
  for (const id of missing) nodes.push({ id, kind: "missing", size: 0, more: 0 });
  const names = roots.map(name).join(", ");
  return {
    title: reverse ? `what needs ${names}` : `what ${names} needs`,
    nodes,
    edges: (options.reduce ?? true) ? reduced(edges) : edges,
  };
}

/** Edges without those that a longer way implies. Within a cycle all stay. */
function reduced(edges: readonly GraphEdge[]): GraphEdge[] {
  const targets = new Map<string, string[]>();
  for (const e of edges) targets.set(e.from, [...(targets.get(e.from) ?? []), e.to]);
  const reach = (from: string, to: string, without: GraphEdge): boolean => {
    const seen = new Set([from]);
    for (const x of seen) {
      for (const y of targets.get(x) ?? []) {
        if (x === without.from && y === without.to) continue;
        if (y === to) return true;
        seen.add(y);
      }
    }
    return false;
  };
  return edges.filter((e) => reach(e.to, e.from, e) || !reach(e.from, e.to, e));
}

const CHAR = 7.3;
const HEIGHT = 38;
const MARGIN = 16;
const HEAD = 34;

const KIND_TEXT: Record<NodeKind, string> = {
  root: "asked for",
  kept: "kept",
  automatic: "automatic",
  available: "not installed",
  missing: "missing",
};

const STYLE = `
  svg { font: 13px ui-sans-serif, system-ui, "Segoe UI", Helvetica, Arial, sans-serif; background: #fbfbfa; }
  text { fill: #1d2329; }
  .title { font-size: 15px; font-weight: 600; }
  .size, .legend { fill: #69727c; font-size: 11px; }
  rect { stroke-width: 1.4; }
  .root rect { fill: #ffe7c2; stroke: #d9822b; }
  .kept rect { fill: #dcecff; stroke: #2f6fb5; }
  .automatic rect { fill: #ffffff; stroke: #98a2ad; }
  .available rect { fill: #e7f6e7; stroke: #4b9a4e; }
  .missing rect { fill: #ffe1e1; stroke: #c23b3b; stroke-dasharray: 4 3; }
  path { fill: none; stroke: #a9b2bb; stroke-width: 1.2; }
  marker path { fill: #a9b2bb; stroke: none; }
  @media (prefers-color-scheme: dark) {
    svg { background: #14181d; }
    text { fill: #e6e9ec; }
    .size, .legend { fill: #98a2ad; }
    .root rect { fill: #4a3210; stroke: #e39a45; }
    .kept rect { fill: #14304f; stroke: #5b9ae0; }
    .automatic rect { fill: #1d232a; stroke: #6b7682; }
    .available rect { fill: #16331a; stroke: #5fb463; }
    .missing rect { fill: #431a1a; stroke: #e06666; }
    path { stroke: #5b656f; }
    marker path { fill: #5b656f; }
  }
`;

/** Draws the graph. */
export function graphToSvg(graph: DependencyGraph): string {
  const g = new graphlib.Graph();
  g.setGraph({ rankdir: "LR", nodesep: 14, ranksep: 46, marginx: MARGIN, marginy: MARGIN });
  g.setDefaultEdgeLabel(() => ({}));
  for (const n of graph.nodes) g.setNode(n.id, { width: nodeWidth(n), height: HEIGHT });
  for (const e of graph.edges) g.setEdge(e.from, e.to);
  layout(g);
  const size = g.graph();
  const kinds = (Object.keys(KIND_TEXT) as NodeKind[]).filter((k) => graph.nodes.some((n) => n.kind === k));
  const width = Math.ceil(Math.max(size.width ?? 0, graph.title.length * 8 + 2 * MARGIN, kinds.length * 110 + MARGIN));
  const height = Math.ceil((size.height ?? 0) + 2 * HEAD);
  const out = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">`,
    `<title>${escape(graph.title)}</title>`,
    `<style>${STYLE}</style>`,
    `<defs><marker id="arrow" viewBox="0 0 8 8" refX="7.5" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z"/></marker></defs>`,
    `<text class="title" x="${MARGIN}" y="${HEAD - 8}">${escape(graph.title)}</text>`,
    `<g transform="translate(0 ${HEAD})">`,
  ];
  for (const e of graph.edges) {
    const points = [...g.edge(e.from, e.to).points];
    const from = g.node(e.from);
    const to = g.node(e.to);
    // From the right side to the left one, unless the edge runs back within a cycle.
    if (from.x < to.x) {
      points[0] = { x: from.x + from.width / 2, y: from.y };
      points[points.length - 1] = { x: to.x - to.width / 2, y: to.y };
    }
    out.push(`<path d="${curve(points)}" marker-end="url(#arrow)"><title>${escape(e.pattern)}</title></path>`);
  }
  for (const n of graph.nodes) out.push(drawNode(n, g.node(n.id)));
  out.push("</g>");
  kinds.forEach((k, i) => {
    const x = MARGIN + i * 110;
    const y = height - 22;
    out.push(
      `<g class="${k}"><rect x="${x}" y="${y}" width="14" height="12" rx="3"/><text class="legend" x="${x + 20}" y="${y + 10}">${KIND_TEXT[k]}</text></g>`,
    );
  });
  out.push("</svg>", "");
  return out.join("\n");
}

function nodeWidth(n: GraphNode): number {
  return Math.ceil(Math.max(n.id.length, detail(n).length * 0.85) * CHAR + 22);
}

function detail(n: GraphNode): string {
  const size = n.kind === "missing" ? "nothing meets this" : formatSize(n.size);
  return n.more > 0 ? `${size}, ${n.more} more` : size;
}

function formatSize(bytes: number): string {
  if (bytes === 0) return "size unknown";
  const units = ["B", "kB", "MB", "GB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${value < 10 && unit > 0 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

function drawNode(n: GraphNode, at: { x: number; y: number; width: number }): string {
  const x = round(at.x - at.width / 2);
  const y = round(at.y - HEIGHT / 2);
  return (
    `<g class="${n.kind}"><title>${escape(n.id)}: ${KIND_TEXT[n.kind]}</title>` +
    `<rect x="${x}" y="${y}" width="${at.width}" height="${HEIGHT}" rx="7"/>` +
    `<text x="${round(at.x)}" y="${round(at.y - 2)}" text-anchor="middle">${escape(n.id)}</text>` +
    `<text class="size" x="${round(at.x)}" y="${round(at.y + 12)}" text-anchor="middle">${escape(detail(n))}</text></g>`
  );
}

/** A smooth line through the points of an edge. */
function curve(points: readonly { x: number; y: number }[]): string {
  const p = points.map(({ x, y }) => ({ x: round(x), y: round(y) }));
  let d = `M${p[0]!.x} ${p[0]!.y}`;
  for (let i = 1; i < p.length; i++) {
    const a = p[i - 1]!;
    const b = p[i]!;
    const middle = round((a.x + b.x) / 2);
    d += `C${middle} ${a.y} ${middle} ${b.y} ${b.x} ${b.y}`;
  }
  return d;
}

function round(v: number): number {
  return Math.round(v * 10) / 10;
}

function escape(s: string): string {
  return s.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}
