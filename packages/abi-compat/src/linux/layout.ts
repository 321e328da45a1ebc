/**
 * Structures that programs and the kernel exchange: offset of each member and the size, in bytes, for Linux x86-64.
 *
 * One enum for a structure; members carry the C names without their prefix, `SIZE` is sizeof. A test compiles a C program
 * that prints the same numbers and compares.
 * Neighbours: every decoding file. Invariant: only numbers that the headers say; no code.
 * Source: Linux uapi headers (asm/stat.h, linux/stat.h, asm-generic/siginfo.h, asm/sigcontext.h ...).
 */

export enum StatL {
  dev = 0,
  ino = 8,
  nlink = 16,
  mode = 24,
  uid = 28,
  gid = 32,
  rdev = 40,
  size = 48,
  blksize = 56,
  blocks = 64,
  atim = 72,
  mtim = 88,
  ctim = 104,
  SIZE = 144,
}

export enum StatxL {
  mask = 0,
  blksize = 4,
  attributes = 8,
  nlink = 16,
  uid = 20,
  gid = 24,
  mode = 28,
  ino = 32,
  size = 40,
  blocks = 48,
  attributes_mask = 56,
  atime = 64,
  btime = 80,
  ctime = 96,
  mtime = 112,
  rdev_major = 128,
  rdev_minor = 132,
  dev_major = 136,
  dev_minor = 140,
  mnt_id = 144,
  SIZE = 256,
}

/** The members of struct statfs. */
export enum StatfsL {
  type = 0,
  bsize = 8,
  blocks = 16,
  bfree = 24,
  bavail = 32,
  files = 40,
  ffree = 48,
  fsid = 56,
  namelen = 64,
  frsize = 72,
  flags = 80,
  SIZE = 120,
}

/** struct linux_dirent64; its size is that of the fixed part. */
export enum Dirent64L {
  ino = 0,
  off = 8,
  reclen = 16,
  type = 18,
  name = 19,
}

/** struct linux_dirent of getdents: the type is the record's last byte. */
export enum DirentL {
  ino = 0,
  off = 8,
  reclen = 16,
  name = 18,
}

export enum TimespecL {
  sec = 0,
  nsec = 8,
  SIZE = 16,
}

export enum ItimervalL {
  interval = 0,
  value = 16,
  SIZE = 32,
}

export enum TmsL {
  utime = 0,
  stime = 8,
  cutime = 16,
  cstime = 24,
  SIZE = 32,
}

export enum RusageL {
  utime = 0,
  stime = 16,
  maxrss = 32,
  minflt = 64,
  majflt = 72,
  inblock = 88,
  oublock = 96,
  nvcsw = 128,
  nivcsw = 136,
  SIZE = 144,
}

export enum SysinfoL {
  uptime = 0,
  loads = 8,
  totalram = 32,
  freeram = 40,
  sharedram = 48,
  bufferram = 56,
  totalswap = 64,
  freeswap = 72,
  procs = 80,
  totalhigh = 88,
  freehigh = 96,
  mem_unit = 104,
  SIZE = 112,
}

export enum UtsnameL {
  sysname = 0,
  nodename = 65,
  release = 130,
  version = 195,
  machine = 260,
  domainname = 325,
  SIZE = 390,
}

/** The kernel's struct sigaction, not the C library's. */
export enum SigactionL {
  handler = 0,
  flags = 8,
  restorer = 16,
  mask = 24,
  SIZE = 32,
}

export enum StackL {
  sp = 0,
  flags = 8,
  size = 16,
  SIZE = 24,
}

/** struct siginfo: the common head, then the members of its union. */
export enum SiginfoL {
  signo = 0,
  errno = 4,
  code = 8,
  pid = 16,
  uid = 20,
  value = 24,
  status = 24,
  utime = 32,
  stime = 40,
  addr = 16,
  addr_lsb = 24,
  timerid = 16,
  overrun = 20,
  call_addr = 16,
  syscall = 24,
  arch = 28,
  SIZE = 128,
}

/** struct sigevent of timer_create. */
export enum SigeventL {
  value = 0,
  signo = 8,
  notify = 12,
  tid = 16,
  SIZE = 64,
}

export enum IovecL {
  base = 0,
  len = 8,
  SIZE = 16,
}

export enum PollfdL {
  fd = 0,
  events = 4,
  revents = 6,
  SIZE = 8,
}

export enum RlimitL {
  cur = 0,
  max = 8,
  SIZE = 16,
}

export enum FlockL {
  type = 0,
  whence = 2,
  start = 8,
  len = 16,
  pid = 24,
  SIZE = 32,
}

/** Packed on x86-64. */
export enum EpollEventL {
  events = 0,
  data = 4,
  SIZE = 12,
}

export enum CloneArgsL {
  flags = 0,
  pidfd = 8,
  child_tid = 16,
  parent_tid = 24,
  exit_signal = 32,
  stack = 40,
  stack_size = 48,
  tls = 56,
  set_tid = 64,
  set_tid_size = 72,
  cgroup = 80,
  SIZE = 88,
}

export enum OpenHowL {
  flags = 0,
  mode = 8,
  resolve = 16,
  SIZE = 24,
}

export enum UtimbufL {
  actime = 0,
  modtime = 8,
  SIZE = 16,
}

export enum SchedAttrL {
  size = 0,
  sched_policy = 4,
  sched_flags = 8,
  sched_nice = 16,
  sched_priority = 20,
  sched_runtime = 24,
  sched_deadline = 32,
  sched_period = 40,
  SIZE = 48,
}

export enum TimexL {
  modes = 0,
  offset = 8,
  freq = 16,
  maxerror = 24,
  esterror = 32,
  status = 40,
  constant = 48,
  precision = 56,
  tolerance = 64,
  time = 72,
  tick = 88,
  tai = 160,
  SIZE = 208,
}

export enum RseqL {
  cpu_id_start = 0,
  cpu_id = 4,
  rseq_cs = 8,
  flags = 16,
  SIZE = 32,
}

export enum RobustListL {
  next = 0,
  futex_offset = 8,
  pending = 16,
  SIZE = 24,
}

/** struct futex_waitv of futex_waitv(2). */
export enum FutexWaitvL {
  val = 0,
  uaddr = 8,
  flags = 16,
  SIZE = 24,
}

/** struct signalfd_siginfo. */
export enum SignalfdL {
  signo = 0,
  errno = 4,
  code = 8,
  pid = 12,
  uid = 16,
  fd = 20,
  tid = 24,
  band = 28,
  overrun = 32,
  trapno = 36,
  status = 40,
  int_ = 44,
  ptr = 48,
  utime = 56,
  stime = 64,
  addr = 72,
  SIZE = 128,
}

/** struct sigcontext: the registers in a signal frame. */
export enum SigcontextL {
  r8 = 0,
  r9 = 8,
  r10 = 16,
  r11 = 24,
  r12 = 32,
  r13 = 40,
  r14 = 48,
  r15 = 56,
  rdi = 64,
  rsi = 72,
  rbp = 80,
  rbx = 88,
  rdx = 96,
  rax = 104,
  rcx = 112,
  rsp = 120,
  rip = 128,
  eflags = 136,
  cs = 144,
  gs = 146,
  fs = 148,
  ss = 150,
  err = 152,
  trapno = 160,
  oldmask = 168,
  cr2 = 176,
  fpstate = 184,
  SIZE = 256,
}

/** struct ucontext as the kernel has it (its signal mask has 8 bytes). */
export enum UcontextL {
  flags = 0,
  link = 8,
  stack = 16,
  mcontext = 40,
  sigmask = 296,
  SIZE = 304,
}

/** struct _fpx_sw_bytes, in the last 48 bytes of the 512-byte FXSAVE image. */
export enum FpxSwL {
  magic1 = 0,
  extended_size = 4,
  xfeatures = 8,
  xstate_size = 16,
  SIZE = 48,
}

/** A signal frame on the user stack: return address, ucontext, siginfo. Linux asm/sigframe.h. */
export enum SigframeL {
  pretcode = 0,
  ucontext = 8,
  siginfo = 312,
  SIZE = 440,
}

export enum IpcPermL {
  key = 0,
  uid = 4,
  gid = 8,
  cuid = 12,
  cgid = 16,
  mode = 20,
  seq = 24,
  SIZE = 48,
}

export enum ShmidDsL {
  shm_perm = 0,
  shm_segsz = 48,
  shm_atime = 56,
  shm_dtime = 64,
  shm_ctime = 72,
  shm_cpid = 80,
  shm_lpid = 84,
  shm_nattch = 88,
  SIZE = 112,
}

export enum ShminfoL {
  shmmax = 0,
  shmmin = 8,
  shmmni = 16,
  shmseg = 24,
  shmall = 32,
  SIZE = 72,
}

/** struct shm_info. */
export enum ShmInfoL {
  used_ids = 0,
  shm_tot = 8,
  shm_rss = 16,
  shm_swp = 24,
  swap_attempts = 32,
  swap_successes = 40,
  SIZE = 48,
}

export enum SembufL {
  sem_num = 0,
  sem_op = 2,
  sem_flg = 4,
  SIZE = 6,
}

export enum SemidDsL {
  sem_perm = 0,
  sem_otime = 48,
  sem_ctime = 64,
  sem_nsems = 80,
  SIZE = 104,
}

export enum SeminfoL {
  semmap = 0,
  semmni = 4,
  semmns = 8,
  semmnu = 12,
  semmsl = 16,
  semopm = 20,
  semume = 24,
  semusz = 28,
  semvmx = 32,
  semaem = 36,
  SIZE = 40,
}

export enum MsqidDsL {
  msg_perm = 0,
  msg_stime = 48,
  msg_rtime = 56,
  msg_ctime = 64,
  msg_cbytes = 72,
  msg_qnum = 80,
  msg_qbytes = 88,
  msg_lspid = 96,
  msg_lrpid = 100,
  SIZE = 120,
}

export enum MsginfoL {
  msgpool = 0,
  msgmap = 4,
  msgmax = 8,
  msgmnb = 12,
  msgmni = 16,
  msgssz = 20,
  msgtql = 24,
  msgseg = 28,
  SIZE = 32,
}
