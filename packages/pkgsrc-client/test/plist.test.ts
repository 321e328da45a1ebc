import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TextBuilder } from "@anax/portable";
import { FileNote, PackingList, PlistKind, PlistWalker } from "@anax/pkgsrc-client";

const bytes = (s: string): Uint8Array => new TextEncoder().encode(s);
const at = (list: PackingList, off: number, n: number): string =>
  off < 0 ? "" : new TextDecoder().decode(list.bytes.subarray(off, off + n));

function written(list: PackingList): string {
  const out = new TextBuilder();
  list.write(out);
  return new TextDecoder().decode(out.bytes.subarray(0, out.length));
}

function lines(text: string): [string, string][] {
  const list = new PackingList(bytes(text));
  return Array.from({ length: list.count }, (_, i) => [
    PlistKind[list.kindOf(i)]!,
    at(list, list.argAt(i), list.argLength(i)),
  ]);
}

function expanded(text: string): (string | number)[] {
  const w = new PlistWalker(new PackingList(bytes(text)));
  const results: (string | number)[] = [];
  while (w.next()) {
    if (w.kind !== PlistKind.EXEC && w.kind !== PlistKind.UNEXEC) continue;
    const out = new TextBuilder();
    const r = w.expand(out);
    results.push(r < 0 ? r : out.toString());
  }
  return results;
}

describe("a packing list", () => {
  it("has all commands", () => {
    const text = `@name p-1
@cwd /usr/pkg
@cd /opt
@src /build
@exec run it
@unexec stop it
@mode 0644
@owner root
@group wheel
@comment words
@ignore
+DESC
@option preserve
@pkgdep a>=1
@blddep a-1.2
@pkgcfl b-[0-9]*
@pkgdir share/p
@dirrm lib/p
@display +DISPLAY
bin/p
`;
    expect(lines(text)).toEqual([
      ["NAME", "p-1"],
      ["CWD", "/usr/pkg"],
      ["CWD", "/opt"],
      ["SRC", "/build"],
      ["EXEC", "run it"],
      ["UNEXEC", "stop it"],
      ["MODE", "0644"],
      ["OWNER", "root"],
      ["GROUP", "wheel"],
      ["COMMENT", "words"],
      ["IGNORE", ""],
      ["FILE", "+DESC"],
      ["OPTION", "preserve"],
      ["PKGDEP", "a>=1"],
      ["BLDDEP", "a-1.2"],
      ["PKGCFL", "b-[0-9]*"],
      ["PKGDIR", "share/p"],
      ["DIRRM", "lib/p"],
      ["DISPLAY", "+DISPLAY"],
      ["FILE", "bin/p"],
    ]);
  });

  it("reads commands as pkg_install does: without case, without a blank, the first name that fits", () => {
    expect(lines("@CWD/usr/pkg\n@cwd \t /opt \t\n@modern\n@commentary\n@nothing x\n  \nbin/x \n @cwd x")).toEqual([
      ["CWD", "/usr/pkg"],
      ["CWD", "/opt"],
      ["MODE", "rn"],
      ["COMMENT", "ary"],
      ["UNKNOWN", "nothing x"],
      ["BLANK", ""],
      ["FILE", "bin/x"],
      ["FILE", " @cwd x"],
    ]);
  });

  it("knows the notes behind files", () => {
    const list = new PackingList(
      bytes(
        "a\n@comment MD5:00ff\nb\n@comment Symlink:../c\nc\n@comment SHA512:12\nd\n@comment RMD160:34\ne\n@comment hello\nf\n",
      ),
    );
    const w = new PlistWalker(list);
    const notes: [string, string, string][] = [];
    while (w.next()) {
      if (w.kind === PlistKind.FILE)
        notes.push([at(list, w.fileAt, w.fileLength), FileNote[w.note]!, at(list, w.noteAt, w.noteLength)]);
    }
    expect(notes).toEqual([
      ["a", "MD5", "00ff"],
      ["b", "SYMLINK", "../c"],
      ["c", "SHA512", "12"],
      ["d", "RMD160", "34"],
      ["e", "NONE", ""],
      ["f", "NONE", ""],
    ]);
  });

  it("hides what @ignore hides and keeps mode, owner, group", () => {
    const list = new PackingList(
      bytes(
        "@cwd /p\n@mode 4555\n@owner root\n@group kmem\na\n@ignore\n+DESC\n@ignore\n\n@bogus\n+X\n@mode\n@owner\nb\n@ignore",
      ),
    );
    const w = new PlistWalker(list);
    const seen: string[] = [];
    while (w.next()) {
      const of = (o: number, n: number): string => at(list, o, n);
      if (w.kind === PlistKind.FILE) {
        seen.push(
          [
            of(w.cwdAt, w.cwdLength),
            of(w.argAt, w.argLength),
            of(w.modeAt, w.modeLength),
            of(w.ownerAt, w.ownerLength),
            of(w.groupAt, w.groupLength),
          ].join(" "),
        );
      }
    }
    expect(seen).toEqual(["/p a 4555 root kmem", "/p b   kmem"]);
  });

  it("fills in place holders, quoted where the shell needs it", () => {
    expect(expanded("@cwd /usr/local\nbin/emacs\n@exec echo %F %D %B %f 100%% %x %")).toEqual([
      "echo bin/emacs /usr/local /usr/local/bin emacs 100%% %x %",
    ]);
    expect(expanded("@cwd /p\nplain\n@unexec rm %B/%f")).toEqual(["rm /p/plain"]);
    expect(expanded("@cwd /my dir\nit's/a;b\n@exec x %F %D %B %f")).toEqual([
      `x 'it'\\''s/a;b' '/my dir' '/my dir/it'\\''s' 'a;b'`,
    ]);
  });

  it("says so when there is nothing to fill in", () => {
    expect(expanded("@exec a %D\n@cwd /p\n@exec b %F\n@exec c %D")).toEqual([-2, -2, "c /p"]);
  });

  it("changes an argument, adds lines, and leaves the rest alone", () => {
    const list = new PackingList(bytes("@name p-1\n@CD  /usr/pkg  \n\nbin/p  \n@comment MD5:00"));
    list.setArgument(list.find(PlistKind.CWD, 0), bytes("/opt"));
    expect(written(list)).toBe("@name p-1\n@cwd /opt\n\nbin/p  \n@comment MD5:00");
    list.append(PlistKind.PKGDEP, bytes("a>=1"));
    list.append(PlistKind.IGNORE, bytes(""));
    list.append(PlistKind.FILE, bytes("+DESC"));
    expect(written(list)).toBe("@name p-1\n@cwd /opt\n\nbin/p  \n@comment MD5:00\n@pkgdep a>=1\n@ignore\n+DESC\n");
    expect(lines(written(list)).length).toBe(list.count);
  });

  it("is written back to the byte, whatever it was", () => {
    const piece = fc.oneof(
      fc.constantFrom(
        "\n",
        "@",
        "@cwd ",
        "@cd",
        " ",
        "\t",
        "@ignore",
        "@comment MD5:",
        "bin/x",
        "@exec %F%D%B%f",
        "\r\n",
        "\0",
      ),
      fc.string({ maxLength: 6 }),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const text = pieces.join("");
        const list = new PackingList(bytes(text));
        expect(bytes(written(list))).toEqual(bytes(text));
        const w = new PlistWalker(list);
        const out = new TextBuilder();
        while (w.next()) expect([0, -2]).toContain(w.expand(out));
      }),
    );
  });
});
