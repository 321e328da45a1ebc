/** tmpfs against a simple model under random sequences of operations: same results, same tree, nothing leaked. */
import { Errno } from "@anax/portable";
import { RENAME_EXCHANGE, RENAME_NOREPLACE, type Stat, type TmpFs } from "@anax/vfs-msg";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Sink, World } from "./world";

interface MFile {
  kind: "file";
  data: number[];
  links: number;
}
interface MLink {
  kind: "link";
  text: string;
  links: number;
}
interface MDir {
  kind: "dir";
  names: Map<string, MNode>;
  parent: MDir;
}
type MNode = MFile | MLink | MDir;

/** A file tree as plain JavaScript objects, for one user who may do everything. */
class Model {
  readonly root: MDir;

  constructor() {
    this.root = { kind: "dir", names: new Map(), parent: undefined as unknown as MDir };
    this.root.parent = this.root;
  }

  /** The directory and name of a path's last component; links in the middle are followed. */
  private parent(path: string, from: MDir = this.root, depth = 0): { dir: MDir; name: string } | number {
    const parts = path.split("/").filter((p) => p !== "");
    let dir = path.startsWith("/") ? this.root : from;
    const name = parts.pop()!;
    for (const p of parts) {
      const next = this.step(dir, p, depth);
      if (typeof next === "number") return next;
      if (next.kind !== "dir") return -Errno.NOTDIR;
      dir = next;
    }
    return { dir, name };
  }

  private step(dir: MDir, name: string, depth: number): MNode | number {
    if (name === ".") return dir;
    if (name === "..") return dir.parent;
    const node = dir.names.get(name);
    if (node === undefined) return -Errno.NOENT;
    if (node.kind === "link") return this.follow(node, dir, depth);
    return node;
  }

  private follow(link: MLink, dir: MDir, depth: number): MNode | number {
    if (depth >= 40) return -Errno.LOOP;
    return this.find(link.text, true, dir, depth + 1);
  }

  find(path: string, follow: boolean, from: MDir = this.root, depth = 0): MNode | number {
    if (path.split("/").every((p) => p === "")) return this.root;
    const at = this.parent(path, from, depth);
    if (typeof at === "number") return at;
    if (follow) return this.step(at.dir, at.name, depth);
    if (at.name === ".") return at.dir;
    if (at.name === "..") return at.dir.parent;
    return at.dir.names.get(at.name) ?? -Errno.NOENT;
  }

  private fresh(path: string): { dir: MDir; name: string } | number {
    const at = this.parent(path);
    if (typeof at === "number") return at;
    return at.dir.names.has(at.name) ? -Errno.EXIST : at;
  }

  mkdir(path: string): number {
    const at = this.fresh(path);
    if (typeof at === "number") return at;
    at.dir.names.set(at.name, { kind: "dir", names: new Map(), parent: at.dir });
    return 0;
  }

  symlink(text: string, path: string): number {
    const at = this.fresh(path);
    if (typeof at === "number") return at;
    at.dir.names.set(at.name, { kind: "link", text, links: 1 });
    return 0;
  }

  link(from: string, to: string): number {
    const node = this.find(from, false);
    if (typeof node === "number") return node;
    const at = this.fresh(to);
    if (typeof at === "number") return at;
    if (node.kind === "dir") return -Errno.PERM;
    at.dir.names.set(at.name, node);
    node.links++;
    return 0;
  }

  /** open(O_CREAT | O_RDWR): the file, through links that may dangle. */
  create(path: string, from: MDir = this.root, depth = 0): MFile | number {
    const at = this.parent(path, from, depth);
    if (typeof at === "number") return at;
    if (at.name === "." || at.name === "..") return -Errno.ISDIR;
    const node = at.dir.names.get(at.name);
    if (node === undefined) {
      const file: MFile = { kind: "file", data: [], links: 1 };
      at.dir.names.set(at.name, file);
      return file;
    }
    if (node.kind === "link") return depth >= 40 ? -Errno.LOOP : this.create(node.text, at.dir, depth + 1);
    return node.kind === "dir" ? -Errno.ISDIR : node;
  }

  unlink(path: string): number {
    const at = this.parent(path);
    if (typeof at === "number") return at;
    const node = at.dir.names.get(at.name);
    if (node === undefined) return -Errno.NOENT;
    if (node.kind === "dir") return -Errno.ISDIR;
    at.dir.names.delete(at.name);
    node.links--;
    return 0;
  }

  rmdir(path: string): number {
    const at = this.parent(path);
    if (typeof at === "number") return at;
    const node = at.dir.names.get(at.name);
    if (node === undefined) return -Errno.NOENT;
    if (node.kind !== "dir") return -Errno.NOTDIR;
    if (node.names.size > 0) return -Errno.NOTEMPTY;
    at.dir.names.delete(at.name);
    return 0;
  }

  private within(dir: MDir, node: MNode): boolean {
    for (let d = dir; ; d = d.parent) {
      if (d === node) return true;
      if (d.parent === d) return false;
    }
  }

  rename(a: string, b: string, flags: number): number {
    const from = this.parent(a);
    if (typeof from === "number") return from;
    const to = this.parent(b);
    if (typeof to === "number") return to;
    const node = from.dir.names.get(from.name);
    if (node === undefined) return -Errno.NOENT;
    const old = to.dir.names.get(to.name);
    if (old !== undefined && flags === RENAME_NOREPLACE) return -Errno.EXIST;
    const swap = flags === RENAME_EXCHANGE;
    if (swap && old === undefined) return -Errno.NOENT;
    if (node.kind === "dir" && this.within(to.dir, node)) return -Errno.INVAL;
    if (old?.kind === "dir" && this.within(from.dir, old)) return swap ? -Errno.INVAL : -Errno.NOTEMPTY;
    if (node === old) return 0;
    if (!swap && old !== undefined) {
      if (node.kind === "dir" && old.kind !== "dir") return -Errno.NOTDIR;
      if (node.kind !== "dir" && old.kind === "dir") return -Errno.ISDIR;
      if (old.kind === "dir" && old.names.size > 0) return -Errno.NOTEMPTY;
      if (old.kind !== "dir") old.links--;
    }
    from.dir.names.delete(from.name);
    if (swap) from.dir.names.set(from.name, old!);
    to.dir.names.set(to.name, node);
    if (node.kind === "dir") node.parent = to.dir;
    if (swap && old!.kind === "dir") (old as MDir).parent = from.dir;
    return 0;
  }
}

const name = fc.constantFrom("a", "b", "c");
const path = fc
  .array(fc.oneof({ weight: 6, arbitrary: name }, { weight: 1, arbitrary: fc.constantFrom("..", ".") }), {
    maxLength: 2,
  })
  .chain((dirs) => name.map((n) => "/" + [...dirs, n].join("/")));
const target = fc.oneof(
  path,
  fc.array(fc.constantFrom("a", "b", "c", "..", "."), { minLength: 1, maxLength: 3 }).map((p) => p.join("/")),
);
const offset = fc.oneof(fc.nat(20), fc.constantFrom(4095, 4096, 4097, 8190, 12288), fc.nat(20000));

const op = fc.oneof(
  { weight: 6, arbitrary: fc.record({ op: fc.constant("mkdir" as const), p: path }) },
  {
    weight: 4,
    arbitrary: fc.record({
      op: fc.constant("write" as const),
      p: path,
      at: offset,
      n: fc.oneof(fc.nat(10), fc.nat(9000)),
      v: fc.integer({ min: 1, max: 255 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ op: fc.constant("truncate" as const), p: path, at: offset }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant("unlink" as const), p: path }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant("rmdir" as const), p: path }) },
  {
    weight: 4,
    arbitrary: fc.record({
      op: fc.constant("rename" as const),
      p: path,
      q: path,
      f: fc.constantFrom(0, 0, 0, RENAME_NOREPLACE, RENAME_EXCHANGE),
    }),
  },
  { weight: 2, arbitrary: fc.record({ op: fc.constant("link" as const), p: path, q: path }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant("symlink" as const), p: path, t: target }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("trim" as const) }) },
);

type Op = typeof op extends fc.Arbitrary<infer T> ? T : never;

/** Runs an operation on both; the results. */
function step(w: World, m: Model, o: Op): [number, number] {
  switch (o.op) {
    case "mkdir":
      return [w.mkdir(o.p), m.mkdir(o.p)];
    case "unlink":
      return [w.unlink(o.p), m.unlink(o.p)];
    case "rmdir":
      return [w.rmdir(o.p), m.rmdir(o.p)];
    case "rename":
      return [w.rename(o.p, o.q, o.f), m.rename(o.p, o.q, o.f)];
    case "link":
      return [w.vfs.lookup(w.nd(o.p)) !== 0 ? w.vfs.lookup(w.nd(o.p)) : linkNoFollow(w, o.p, o.q), m.link(o.p, o.q)];
    case "symlink":
      return [w.symlink(o.t, o.p), m.symlink(o.t, o.p)];
    case "trim": {
      const limit = w.vfs.cache.limit;
      w.vfs.cache.limit = 0;
      w.vfs.lookup(w.nd("/"));
      w.vfs.cache.limit = limit;
      return [0, 0];
    }
    case "truncate": {
      const vp = w.open(o.p, 2);
      const found = m.find(o.p, true);
      if (typeof vp === "number")
        return [vp, typeof found === "number" ? found : found.kind === "dir" ? -Errno.ISDIR : 0];
      const r = w.vfs.truncate(vp, o.at, w.cred);
      w.vfs.close(vp, 2);
      const file = found as MFile;
      while (file.data.length < o.at) file.data.push(0);
      file.data.length = o.at;
      return [r, 0];
    }
    case "write": {
      const vp = w.open(o.p, 0o102);
      const file = m.create(o.p);
      if (typeof vp === "number" || typeof file === "number")
        return [typeof vp === "number" ? vp : 0, typeof file === "number" ? file : 0];
      const r = w.write(vp, o.at, new Uint8Array(o.n).fill(o.v));
      w.vfs.close(vp, 2);
      if (o.n > 0) while (file.data.length < o.at) file.data.push(0);
      for (let i = 0; i < o.n; i++) file.data[o.at + i] = o.v;
      return [r, o.n];
    }
  }
}

function linkNoFollow(w: World, from: string, to: string): number {
  const nd = w.nd(from);
  w.vfs.lookup(nd);
  return w.vfs.link(w.nd(to), nd.mount!, nd.vnode!);
}

/** The whole tree is the same on both sides. */
function compare(w: World, path: string, dir: MDir, inos: Map<MNode, number>): void {
  const sink = new Sink();
  w.vfs.readdir(w.vnode(path || "/"), sink, 0);
  expect(
    sink.out
      .map((e) => e.name)
      .slice(2)
      .sort(),
  ).toEqual([...dir.names.keys()].sort());
  const st = w.stat(path || "/") as Stat;
  expect(st.nlink).toBe(2 + [...dir.names.values()].filter((n) => n.kind === "dir").length);
  expect(st.size).toBe(40 + 20 * dir.names.size);
  expect(sink.out[1]!.ino).toBe((w.stat((path || "/") + "/..") as Stat).ino);
  for (const [name, node] of dir.names) {
    const p = `${path}/${name}`;
    const s = w.stat(p, 0) as Stat;
    const known = inos.get(node);
    if (known === undefined) inos.set(node, s.ino);
    else expect(s.ino).toBe(known);
    if (node.kind === "dir") {
      expect(s.mode).toBe(0o040755);
      compare(w, p, node, inos);
    } else if (node.kind === "link") {
      expect([w.readlink(p), s.nlink]).toEqual([node.text, node.links]);
    } else {
      expect([s.size, s.nlink]).toEqual([node.data.length, node.links]);
      expect(Buffer.from(w.read(w.vnode(p), 0, s.size + 10)).equals(Buffer.from(node.data))).toBe(true);
    }
  }
}

function removeAll(w: World, path: string): void {
  for (const e of w.list(path || "/").slice(2)) {
    const p = `${path}/${e.name}`;
    if (e.type === 4) {
      removeAll(w, p);
      expect(w.rmdir(p)).toBe(0);
    } else expect(w.unlink(p)).toBe(0);
  }
}

test("tmpfs does what the model does", { timeout: 120_000 }, () => {
  fc.assert(
    fc.property(fc.array(op, { minLength: 40, maxLength: 120 }), fc.constantFrom(3, 4096), (ops, limit) => {
      const w = new World(4 << 20);
      w.vfs.cache.limit = limit;
      const free = w.pages.freeCount;
      const m = new Model();
      for (const o of ops) {
        const [real, want] = step(w, m, o);
        expect(real, JSON.stringify(o)).toBe(want);
      }
      compare(w, "", m.root, new Map());
      removeAll(w, "");
      const fs = w.vfs.root.mount!.fs as TmpFs;
      expect([fs.nodes, fs.data.used, w.pages.freeCount]).toEqual([1, 0, free]);
      w.vfs.cache.limit = 0;
      w.vfs.lookup(w.nd("/"));
      w.vfs.lookup(w.nd("/"));
      expect([w.vfs.cache.hashed, w.vfs.cache.unused]).toEqual([0, 0]);
    }),
    { numRuns: Number(process.env.ANAX_RUNS ?? 300) },
  );
});
