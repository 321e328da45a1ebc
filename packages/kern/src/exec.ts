/**
 * execve: a process gets another program.
 *
 * Everything that can fail is done on the side: the new address space is built and its stack written while the old one
 * stays whole; then the process is switched over in one go. So an exec that fails leaves nothing behind.
 * Key types `ExecArgs` (the strings, `exec-args.ts`), `ExecImage` (what a loader and an ABI are given). Neighbours: `abi.ts`, `exit.ts`.
 * Invariant: before `commit` nothing of the process has changed but which address space is active.
 * Source: execve(2), execveat(2).
 */
import { HALT_BROKEN_IMAGE, PAGE_SIZE, USER_END } from "@anax/machine";
import { EASYNC, Errno, bytesOf, i32, longDiv, longMax, longMin, toLong, type long } from "@anax/portable";
import { PROT_EXEC, PROT_READ, PROT_WRITE, Uio, type VmSpace } from "@anax/vm";
import { Cred, MNT_NOSUID, NLC_EMPTY, NLC_FOLLOW, NcHandle, type Mount, type NLookup, type Vnode } from "@anax/vfs-msg";
import type { Abi, ImageLoader } from "./abi";
import { ExecArgs } from "./exec-args";
import { endOtherLwps, endVfork } from "./exit";
import { AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW } from "./fcntl";
import type { File } from "./file";
import { futexExit } from "./futex";
import type { Kernel } from "./kernel";
import { RLIMIT_STACK, RLIM_INFINITY, applyLimits } from "./limits";
import type { Lwp } from "./lwp";
import { MemFile } from "./memfd";
import { namei } from "./nameops";
import { deletePosixTimers } from "./posix-timer";
import { SIGCHLD, SS_DISABLE } from "./sigdefs";

/** Bytes of the header that loaders look at, and of a `#!` line. */
export const EXEC_HEADER: i32 = 1024;
const SCRIPT_LINE: i32 = 256;
/** How often a script's interpreter may be a script. */
const MAX_NESTING: i32 = 5;
const PATH_MAX: i32 = 4096;
/** Stack mapped at the start; the rest comes by growing. */
const INITIAL_STACK: long = 131072;
/** An unlimited stack leaves this much room above the mappings. */
const STACK_MAX: long = 1073741824;
/** Least distance from the stack's top to the mappings. */
const STACK_GAP_MIN: long = 134217728;
const S_ISUID: i32 = 0o4000;
const S_ISGID: i32 = 0o2000;
const S_IXGRP: i32 = 0o10;

/**
 * A program about to be run. Made once for a kernel and reused.
 *
 * | field | set by |
 * |---|---|
 * | args, path, vnode, name, header, headerLen, cred, secure | exec.ts, before `load` |
 * | space | exec.ts: empty and active; the loader maps into it |
 * | abi, entry, interp*, loadBias, phdr, phentsize, phnum, brkStart, execStack | the loader |
 * | stackTop, stackSize | exec.ts maps the stack before `setupStack` |
 * | sp, pc, arg*, env*, aux* | the ABI's setupStack |
 */
export class ExecImage {
  readonly args: ExecArgs = new ExecArgs();
  /** The program, one reference, and the name it was found by. */
  vnode: Vnode | null = null;
  readonly name: NcHandle = new NcHandle();
  readonly header: Uint8Array = new Uint8Array(EXEC_HEADER);
  headerLen: i32 = 0;
  /** The path as it was given (of the script, for one), for AT_EXECFN and the command name. */
  readonly path: Uint8Array = new Uint8Array(PATH_MAX);
  pathLen: i32 = 0;
  /** The interpreter as the last script called it. */
  readonly script: Uint8Array = new Uint8Array(SCRIPT_LINE);
  scriptLen: i32 = 0;
  /** Credentials that the program will have. */
  cred: Cred = new Cred();
  /** Ids change: AT_SECURE. */
  secure: boolean = false;

  space: VmSpace | null = null;
  abi: Abi | null = null;
  /** Entry point of the program itself. */
  entry: long = 0;
  /** The program's interpreter (one reference, from `execLookup`), its entry point and base; null and 0 for none. */
  interpVnode: Vnode | null = null;
  readonly interpName: NcHandle = new NcHandle();
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

  /** The stack: one past its end, and the size it may grow to. */
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

  /** The program is a memfd. */
  fromMemory: boolean = false;

  /** For `execRead`. */
  uio: Uio | null = null;

  /** Before an exec. */
  reset(): void {
    this.abi = null;
    this.execStack = false;
    this.interpEntry = 0;
    this.interpBase = 0;
    this.loadBias = 0;
    this.phdr = 0;
    this.phentsize = 0;
    this.phnum = 0;
    this.brkStart = 0;
    this.secure = false;
    this.fromMemory = false;
  }

  /** The mount that the program was found by. */
  get mount(): Mount {
    const m = this.name.mount;
    return m !== null ? m : this.vnode!.mount;
  }

  /** Gives back what the exec holds beyond the space. */
  drop(k: Kernel): void {
    const vp = this.vnode;
    this.vnode = null;
    if (vp !== null) vp.unref();
    this.dropInterp();
    this.name.clear();
    this.args.shrink(k);
  }

  dropInterp(): void {
    const vp = this.interpVnode;
    this.interpVnode = null;
    this.interpName.clear();
    if (vp !== null) vp.unref();
  }
}

/**
 * execveat(2) (AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW); execve is dirfd AT_FDCWD, flags 0. `uargv` and `uenvp` are arrays of 64-bit user
 * addresses ended by 0; either may be 0. 0 means the registers are those of the new program: nothing is to be stored in them.
 * -TOOBIG, -ACCES, -NOEXEC, -TXTBSY, -LOOP, -NOMEM, -FAULT and what look-ups return; EASYNC.
 */
export function kernExecve(l: Lwp, dirfd: i32, upath: long, uargv: long, uenvp: long, flags: i32): i32 {
  if ((flags & ~(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW)) !== 0) return -Errno.INVAL;
  const k = l.kernel;
  if (!k.vm.heapOk()) return -Errno.NOMEM;
  const image = k.image;
  image.reset();
  const space = l.proc.vm;
  const n = space.copyinstr(upath, image.path, 0, PATH_MAX);
  if (n < 0) return n;
  image.pathLen = n;
  if (n === 0 && (flags & AT_EMPTY_PATH) !== 0) nameDescriptor(image, dirfd);
  const args = image.args;
  args.start(longMax(INITIAL_STACK, longMin(longDiv(l.proc.limits.soft.get(RLIMIT_STACK), 4), 6291456)));
  let r = args.gather(k, space, uargv, false);
  if (r === 0) r = args.gather(k, space, uenvp, true);
  if (r === 0 && args.argc === 0) r = args.prepend(l.kernel, EMPTY, 0, 0);
  if (r === 0) {
    const nd = k.fc.nd;
    const file = n === 0 && (flags & AT_EMPTY_PATH) !== 0 ? l.proc.files!.get(dirfd) : null;
    if (file !== null && file.handle === null) r = useFile(image, file);
    else {
      const follow = (flags & AT_SYMLINK_NOFOLLOW) !== 0 ? 0 : NLC_FOLLOW;
      r = namei(l, nd, dirfd, upath, follow | ((flags & AT_EMPTY_PATH) !== 0 ? NLC_EMPTY : 0));
      if (r === 0) r = k.vfs.lookup(nd);
      if (r === 0) r = useFound(image, nd);
    }
  }
  if (r === 0) r = run(l, image);
  image.drop(k);
  return r;
}

const EMPTY: Uint8Array = new Uint8Array(1);
const FD_PATH: string = "/dev/fd/";

/** A program without a path is called by its descriptor, as a script's interpreter would open it. */
function nameDescriptor(image: ExecImage, fd: i32): void {
  const name = bytesOf(FD_PATH + fd.toString());
  image.path.set(name);
  image.pathLen = name.length;
}

/**
 * Loads the first program into process 1 and makes it runnable. `path` has no NUL; arguments and environment are
 * in `kernel.image.args` (`start`, `append`). 0 or what kernExecve returns.
 */
export function execInit(l: Lwp, path: Uint8Array): i32 {
  const k = l.kernel;
  const image = k.image;
  image.reset();
  if (path.length >= PATH_MAX) return -Errno.NAMETOOLONG;
  image.path.set(path);
  image.pathLen = path.length;
  let r = lookup(l, path, 0, path.length);
  if (r === 0) r = useFound(image, k.fc.nd);
  if (r === 0) r = run(l, image);
  image.drop(k);
  if (r === EASYNC) return -Errno.IO;
  if (r === 0) k.scheduler.setRunnable(l.sched, k.now());
  return r;
}

/** Says on the console why the first program could not be run, and ends the kernel. */
export function brokenImage(k: Kernel, what: string): void {
  k.log(what);
  k.halt(HALT_BROKEN_IMAGE);
}

/** Looks a path of the kernel up into `fc.nd`. */
function lookup(l: Lwp, buf: Uint8Array, off: i32, len: i32): i32 {
  const k = l.kernel;
  const nd = k.fc.nd;
  const fs = l.proc.fs!;
  nd.init(fs.cwd, fs.root, l.proc.cred, NLC_FOLLOW);
  if (!nd.setPath(buf, off, len)) return -Errno.NAMETOOLONG;
  return k.vfs.lookup(nd);
}

/** The program is what `nd` found. */
function useFound(image: ExecImage, nd: NLookup): i32 {
  const vp = nd.vnode;
  const jump = nd.jump;
  if (jump !== null) return useFile(image, jump as File);
  if (vp === null) return -Errno.ACCES;
  vp.ref();
  const old = image.vnode;
  image.vnode = vp;
  if (old !== null) old.unref();
  nd.into(image.name);
  image.fromMemory = false;
  return 0;
}

/** The program is an open file without a name. A memfd may be run while it is open for writing. */
function useFile(image: ExecImage, file: File): i32 {
  const vp = file.vnode;
  if (vp === null) return -Errno.ACCES;
  vp.ref();
  const old = image.vnode;
  image.vnode = vp;
  if (old !== null) old.unref();
  image.name.clear();
  image.fromMemory = file instanceof MemFile;
  return 0;
}

/**
 * For loaders: looks up the program's interpreter, which must be a regular file that may be executed, into
 * `image.interpVnode`. 0, -ACCES, or what the look-up returns.
 */
export function execLookup(l: Lwp, buf: Uint8Array, off: i32, len: i32, image: ExecImage): i32 {
  const r = lookup(l, buf, off, len);
  if (r !== 0) return r;
  const nd = l.kernel.fc.nd;
  const vp = nd.vnode;
  if (vp === null || nd.jump !== null) return -Errno.ACCES;
  const e = l.kernel.vfs.checkExec(nd.mount!, vp, l.proc.cred);
  if (e !== 0) return e;
  image.dropInterp();
  vp.ref();
  image.interpVnode = vp;
  nd.into(image.interpName);
  return 0;
}

/** For loaders: reads from a file. Bytes read (fewer at its end), a negative errno, or EASYNC. */
export function execRead(l: Lwp, vp: Vnode, offset: long, buf: Uint8Array, off: i32, n: i32): i32 {
  const k = l.kernel;
  const image = k.image;
  let uio = image.uio;
  if (uio === null) {
    uio = new Uio(k.machine);
    image.uio = uio;
  }
  uio.initKernel(buf, off, n, true, offset);
  const r = k.vfs.read(vp, uio, 0, l.proc.cred, l);
  return r < 0 ? r : (n - i32(uio.resid)) | 0;
}

/** From the program's vnode on: scripts, loader, stack, commit. */
function run(l: Lwp, image: ExecImage): i32 {
  const k = l.kernel;
  let loader: ImageLoader | null = null;
  for (let depth: i32 = 0; loader === null; depth++) {
    const vp = image.vnode!;
    const e = k.vfs.checkExec(image.mount, vp, l.proc.cred);
    if (e !== 0) return e;
    const n = execRead(l, vp, 0, image.header, 0, EXEC_HEADER);
    if (n < 0) return n;
    image.headerLen = n;
    if (n >= 2 && image.header[0] === 35 && image.header[1] === 33) {
      if (depth >= MAX_NESTING) return -Errno.LOOP;
      const r = useInterpreter(l, image, depth);
      if (r !== 0) return r;
    } else {
      loader = loaderFor(k, image);
      if (loader === null) return -Errno.NOEXEC;
    }
  }
  const vp = image.vnode!;
  // The descriptor of a memfd does not count as a writer.
  if (image.fromMemory) vp.writeCount--;
  const t = k.vfs.textRef(vp);
  if (image.fromMemory) vp.writeCount++;
  if (t !== 0) return t;
  setCredentials(l, image);
  const r = load(l, image, loader!);
  if (r !== 0) {
    k.vfs.textUnref(vp);
    return r;
  }
  commit(l, image);
  return 0;
}

function loaderFor(k: Kernel, image: ExecImage): ImageLoader | null {
  for (let i = 0; i < k.loaders.length; i++) {
    const loader = k.loaders[i];
    if (loader.recognizes(image.header, image.headerLen)) return loader;
  }
  return null;
}

function isBlank(c: i32): boolean {
  return c === 32 || c === 9;
}

/** The program is a script: its first line names the interpreter, and at most one argument for it. */
function useInterpreter(l: Lwp, image: ExecImage, depth: i32): i32 {
  const h = image.header;
  const most: i32 = image.headerLen < SCRIPT_LINE ? image.headerLen : SCRIPT_LINE;
  let end: i32 = 2;
  while (end < most && h[end] !== 10 && h[end] !== 0) end++;
  const cut = end === SCRIPT_LINE;
  let at: i32 = 2;
  while (at < end && isBlank(h[at])) at++;
  const start = at;
  while (at < end && !isBlank(h[at])) at++;
  const len = (at - start) | 0;
  // A name that may go on beyond what was read is none.
  if (len === 0 || (cut && at === end)) return -Errno.NOEXEC;
  let argAt = at;
  while (argAt < end && isBlank(h[argAt])) argAt++;
  let argEnd = end;
  while (argEnd > argAt && isBlank(h[argEnd - 1])) argEnd--;
  const args = image.args;
  args.dropFirst();
  // The script's name: as it was given, or as the script above it called it.
  let r =
    depth === 0
      ? args.prepend(l.kernel, image.path, 0, image.pathLen)
      : args.prepend(l.kernel, image.script, 0, image.scriptLen);
  if (r === 0 && argEnd > argAt) r = args.prepend(l.kernel, h, argAt, (argEnd - argAt) | 0);
  if (r === 0) r = args.prepend(l.kernel, h, start, len);
  if (r !== 0) return r;
  image.script.set(h.subarray(start, (start + len) | 0));
  image.scriptLen = len;
  r = lookup(l, h, start, len);
  return r !== 0 ? r : useFound(image, l.kernel.fc.nd);
}

/** Set-user-ID and set-group-ID. */
function setCredentials(l: Lwp, image: ExecImage): void {
  const p = l.proc;
  const vp = image.vnode!;
  const mount = image.mount;
  const old = p.cred;
  image.cred = old;
  image.secure = false;
  const allowed = (mount.flags & MNT_NOSUID) === 0 && !p.noNewPrivs;
  const suid = allowed && (vp.mode & S_ISUID) !== 0;
  const sgid = allowed && (vp.mode & (S_ISGID | S_IXGRP)) === (S_ISGID | S_IXGRP);
  const uid = suid ? vp.uid : old.euid;
  const gid = sgid ? vp.gid : old.egid;
  if (
    uid !== old.euid ||
    gid !== old.egid ||
    old.suid !== uid ||
    old.sgid !== gid ||
    old.fsuid !== uid ||
    old.fsgid !== gid
  ) {
    const c = old.copy();
    c.euid = uid;
    c.suid = uid;
    c.fsuid = uid;
    c.egid = gid;
    c.sgid = gid;
    c.fsgid = gid;
    image.cred = c;
  }
  image.secure = uid !== old.uid || gid !== old.gid;
}

/** Builds the new address space. On failure the old one is active again and the new one is gone. */
function load(l: Lwp, image: ExecImage, loader: ImageLoader): i32 {
  const k = l.kernel;
  const p = l.proc;
  const space = k.vm.newSpace();
  if (space === null) return -Errno.NOMEM;
  const limit = p.limits.soft.get(RLIMIT_STACK);
  image.space = space;
  image.stackTop = USER_END;
  image.stackSize = limit >= RLIM_INFINITY || limit > STACK_MAX ? STACK_MAX : longMax(limit, INITIAL_STACK);
  applyLimits(space, p.limits, image.cred.euid === 0);
  space.mmapBase = USER_END - longMax(image.stackSize, STACK_GAP_MIN) - 1048576;
  space.activate();
  let r = loader.load(l, image);
  if (r === 0) {
    const strings: long = toLong(image.args.length) + toLong((image.args.argc + image.args.envc) | 0) * 8 + 8192;
    let first: long = longMax(INITIAL_STACK, strings);
    first = longDiv(first + PAGE_SIZE - 1, PAGE_SIZE) * PAGE_SIZE;
    if (first > image.stackSize) r = -Errno.TOOBIG;
    else {
      const prot = PROT_READ | PROT_WRITE | (image.execStack ? PROT_EXEC : 0);
      r = space.mapStack(USER_END, first, prot);
    }
  }
  if (r === 0) {
    space.initBrk(image.brkStart);
    r = image.abi!.setupStack(l, image);
  }
  if (r === 0) return 0;
  image.space = null;
  const old = p.space;
  if (old !== null) old.activate();
  space.release();
  return r;
}

/** The process runs the new program from now on. Nothing here fails. */
function commit(l: Lwp, image: ExecImage): void {
  const k = l.kernel;
  const p = l.proc;
  const space = image.space!;
  const old = p.space;
  image.space = null;
  if (old !== null && (p.lwpCount > 1 || l.clearTid !== toLong(0) || l.robustHead !== toLong(0))) {
    old.activate();
    if (p.lwpCount > 1 || old.refs > 1) futexExit(l);
    endOtherLwps(p, l);
    space.activate();
  }
  l.clearTid = 0;
  l.robustHead = 0;
  l.setTid = 0;
  if (l.tid !== p.pid) {
    k.pids.removeLwp(l);
    l.tid = p.pid;
    k.pids.addLwp(l);
  }
  p.leaderStatus = -1;
  p.space = space;
  if (old !== null) {
    if (old.peakResident > p.usage.maxRss) p.usage.maxRss = old.peakResident;
    old.release();
  }
  endVfork(p);

  const files = p.files!;
  if (files.refs > 1) {
    p.files = files.copy();
    files.release();
  }
  p.files!.closeOnExec();
  p.sighand = p.sighand!.forExec();
  l.altSp = 0;
  l.altSize = 0;
  l.altFlags = SS_DISABLE;
  deletePosixTimers(p);

  p.cred = image.cred;
  p.dumpable = image.secure ? 0 : 1;
  if (image.secure) p.parentDeathSignal = 0;
  p.exitSignal = SIGCHLD;
  p.membarriers = 0;
  p.execed = true;
  p.setExe(image.name, image.vnode!);
  p.setComm(image.path, 0, image.pathLen);
  l.name = p.comm;
  p.argStart = image.argStart;
  p.argEnd = image.argEnd;
  p.envStart = image.envStart;
  p.envEnd = image.envEnd;
  p.auxStart = image.auxStart;
  p.auxEnd = image.auxEnd;
  p.startStack = image.sp;
  p.startCode = image.entry;
  p.abi = image.abi;
  k.fpuForget(l);
  k.machine.fpuInit(k.pages.pa(l.fpuPage));
  image.abi!.setRegisters(l, image);
}
