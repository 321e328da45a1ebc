/**
 * execve: a process gets another program.
 *
 * Everything that can fail is done on the side: the new address space is built and its stack written while the old one
 * stays whole; then the process is switched over in one go. So an exec that fails leaves nothing behind.
 * Key types `ExecArgs` (the strings), `ExecImage` (what a loader and an ABI are given). Neighbours: `abi.ts`, `exit.ts`.
 * Invariant: before `commit` nothing of the process has changed.
 * Source: execve(2).
 */
import { Errno, type i32, type long } from "@anax/portable";
import type { VmSpace } from "@anax/vm";
import { Cred, NcHandle, type Vnode } from "@anax/vfs-msg";
import type { Abi } from "./abi";
import type { Lwp } from "./lwp";

/** Bytes of the header that loaders and `#!` look at. */
export const EXEC_HEADER: i32 = 256;

/** Argument and environment strings, each NUL-terminated, arguments first. */
export class ExecArgs {
  bytes: Uint8Array = new Uint8Array(4096);
  length: i32 = 0;
  argc: i32 = 0;
  envc: i32 = 0;
  /** Where the environment begins. */
  envOff: i32 = 0;
  /** Bytes that strings and their pointers may take. */
  limit: long = 131072;
}

/**
 * A program about to be run. Made once for a kernel and reused.
 *
 * | field | set by |
 * |---|---|
 * | args, vnode, header, headerLen, pathOff.., cred, secure | exec.ts, before `load` |
 * | space | exec.ts, empty; the loader maps into it |
 * | abi, entry, interpEntry, interpBase, loadBias, phdr, phentsize, phnum, brkStart, execStack | the loader |
 * | stackTop, stackSize | exec.ts maps the stack before `setupStack` |
 * | sp, pc, arg*, env*, aux* | the ABI's setupStack |
 */
export class ExecImage {
  readonly args: ExecArgs = new ExecArgs();
  /** The program, and the name it was found by. */
  vnode: Vnode | null = null;
  readonly name: NcHandle = new NcHandle();
  readonly header: Uint8Array = new Uint8Array(EXEC_HEADER);
  headerLen: i32 = 0;
  /** The path as it was given (of the script, for one), NUL-terminated, for AT_EXECFN and comm. */
  path: Uint8Array = new Uint8Array(4097);
  pathLen: i32 = 0;
  /** Credentials that the program will have. */
  cred: Cred = new Cred();
  /** Ids change: AT_SECURE. */
  secure: boolean = false;

  space: VmSpace | null = null;
  abi: Abi | null = null;
  /** Entry point of the program itself. */
  entry: long = 0;
  /** Entry point and base of the program interpreter, 0 for none. */
  interpEntry: long = 0;
  interpBase: long = 0;
  /** What was added to the addresses in the file. */
  loadBias: long = 0;
  /** User address of the program headers, their size and number. */
  phdr: long = 0;
  phentsize: i32 = 0;
  phnum: i32 = 0;
  /** Where the heap begins. */
  brkStart: long = 0;
  /** The program asks for an executable stack. */
  execStack: boolean = false;

  /** The mapped stack: one past its end, and its largest size. */
  stackTop: long = 0;
  stackSize: long = 0;

  /** What the program starts with. */
  sp: long = 0;
  pc: long = 0;
  argStart: long = 0;
  argEnd: long = 0;
  envStart: long = 0;
  envEnd: long = 0;
  auxStart: long = 0;
  auxEnd: long = 0;
}

/**
 * execveat(2) (AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW); execve is dirfd AT_FDCWD, flags 0. `uargv` and `uenvp` are arrays of 64-bit user
 * addresses ended by 0; either may be 0. 0 means the registers are those of the new program: nothing is to be stored in them.
 */
export function kernExecve(_lwp: Lwp, _dirfd: i32, _upath: long, _uargv: long, _uenvp: long, _flags: i32): i32 {
  return -Errno.NOSYS;
}
