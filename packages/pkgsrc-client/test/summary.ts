/** Records of summaries for tests. */
export interface RecordFields {
  name: string;
  depends?: string[];
  conflicts?: string[];
  supersedes?: string[];
  requires?: string[];
  provides?: string[];
  comment?: string;
  date?: string;
  size?: number;
  more?: string;
}

/** A record with all required variables and a blank line behind it. */
export function record(f: RecordFields): string {
  const lines = [
    `PKGNAME=${f.name}`,
    ...(f.depends ?? []).map((d) => `DEPENDS=${d}`),
    `COMMENT=${f.comment ?? `about ${f.name}`}`,
    `SIZE_PKG=${f.size ?? 1000}`,
    `BUILD_DATE=${f.date ?? "2026-01-01 00:00:00 +0000"}`,
    "CATEGORIES=misc",
    ...(f.conflicts ?? []).map((c) => `CONFLICTS=${c}`),
    ...(f.supersedes ?? []).map((c) => `SUPERSEDES=${c}`),
    ...(f.requires ?? []).map((c) => `REQUIRES=${c}`),
    ...(f.provides ?? []).map((c) => `PROVIDES=${c}`),
    "MACHINE_ARCH=x86_64",
    "OPSYS=NetBSD",
    "OS_VERSION=10.0",
    `PKGPATH=misc/${f.name.replace(/-[^-]*$/, "")}`,
    "PKGTOOLS_VERSION=20091115",
    ...(f.more === undefined ? [] : [f.more]),
    "DESCRIPTION=A package.",
    "",
    "",
  ];
  return lines.join("\n");
}
