/** Errno values as Node shows them: an Error with `code`, `errno`, `syscall`, `path`. */
import { Errno } from "@anax/portable";

const TEXT: Readonly<Record<string, string>> = {
  EPERM: "operation not permitted",
  ENOENT: "no such file or directory",
  EIO: "i/o error",
  EBADF: "bad file descriptor",
  EAGAIN: "resource temporarily unavailable",
  ENOMEM: "not enough memory",
  EACCES: "permission denied",
  EBUSY: "resource busy or locked",
  EEXIST: "file already exists",
  EXDEV: "cross-device link not permitted",
  ENODEV: "no such device",
  ENOTDIR: "not a directory",
  EISDIR: "illegal operation on a directory",
  EINVAL: "invalid argument",
  EMFILE: "too many open files",
  ETXTBSY: "text file is busy",
  EFBIG: "file too large",
  ENOSPC: "no space left on device",
  ESPIPE: "invalid seek",
  EROFS: "read-only file system",
  EMLINK: "too many links",
  ENAMETOOLONG: "name too long",
  ENOTEMPTY: "directory not empty",
  ELOOP: "too many symbolic links encountered",
  ENXIO: "no such device or address",
  EOPNOTSUPP: "operation not supported",
};

/** What the methods of `MemoryFs` throw. */
export class FsError extends Error {
  override readonly name = "Error";
  readonly code: string;

  constructor(
    /** Negative, as in Node. */
    readonly errno: number,
    readonly syscall: string,
    readonly path?: string,
    readonly dest?: string,
    /** Node's own code where it differs from the errno's name. */
    nodeCode?: string,
  ) {
    const code = `E${Errno[-errno] ?? -errno}`;
    const where = path === undefined ? "" : ` '${path}'${dest === undefined ? "" : ` -> '${dest}'`}`;
    super(`${code}: ${TEXT[code] ?? "error"}, ${syscall}${where}`);
    this.code = nodeCode ?? code;
  }
}

/** The result, or the error thrown. */
export function check(result: number, syscall: string, path?: string, dest?: string): number {
  if (result < 0) throw new FsError(result, syscall, path, dest);
  return result;
}
