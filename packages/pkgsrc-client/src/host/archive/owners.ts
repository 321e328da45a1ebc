/**
 * Numbers of users and groups by name, from passwd(5) and group(5): what restoring an archive's owners as root needs.
 * A name that is not there keeps the archive's number, as in libarchive's standard look-up.
 */
import { readIfExists } from "../fs";

/** Names to numbers. */
export class Owners {
  private constructor(
    private readonly users: ReadonlyMap<string, number>,
    private readonly groups: ReadonlyMap<string, number>,
  ) {}

  static async load(passwd = "/etc/passwd", group = "/etc/group"): Promise<Owners> {
    return new Owners(await table(passwd), await table(group));
  }

  uid(name: string, fallback: number): number {
    return this.users.get(name) ?? fallback;
  }

  gid(name: string, fallback: number): number {
    return this.groups.get(name) ?? fallback;
  }
}

async function table(path: string): Promise<Map<string, number>> {
  const numbers = new Map<string, number>();
  const text = (await readIfExists(path))?.toString("utf8") ?? "";
  for (const line of text.split("\n")) {
    const [name, , number] = line.split(":");
    if (name !== undefined && number !== undefined && /^[0-9]+$/.test(number) && !numbers.has(name))
      numbers.set(name, Number(number));
  }
  return numbers;
}
