/**
 * The table of system calls of Linux x86-64, as data: number, name, number of arguments, and how much of it is there.
 *
 * Key type `SyscallTable`. Neighbours: `dispatch.ts` (a handler for each call that is FULL or PARTIAL, and for no other), the
 * README (whose table a test compares with this one), `counters.ts`.
 * Invariant: numbers are Linux's and never change; a note of a PARTIAL call says what is missing.
 * Source: Linux arch/x86/entry/syscalls/syscall_64.tbl.
 */
import type { i32 } from "@anax/portable";

/** Numbers are below this. */
export const SYSCALL_LIMIT: i32 = 464;

/** Not there: ENOSYS, and counted. */
export const NONE: i32 = 0;
/** Usable; the note says what is missing. */
export const PARTIAL: i32 = 1;
/** As documented in section 2 of the manual. */
export const FULL: i32 = 2;

/** What is known about each call. Filled once, then only read. */
export class SyscallTable {
  private readonly names: Array<string> = [];
  private readonly notes: Array<string> = [];
  private readonly arities: Uint8Array = new Uint8Array(SYSCALL_LIMIT);
  private readonly states: Uint8Array = new Uint8Array(SYSCALL_LIMIT);

  constructor() {
    for (let i = 0; i < SYSCALL_LIMIT; i++) {
      this.names.push("");
      this.notes.push("");
    }
    fillFirst(this);
    fillSecond(this);
  }

  add(nr: i32, name: string, arity: i32, state: i32, note: string = ""): void {
    this.names[nr] = name;
    this.arities[nr] = arity;
    this.states[nr] = state;
    this.notes[nr] = note;
  }

  /** The call's name; empty for a number that no call has. */
  name(nr: i32): string {
    return this.names[nr];
  }

  note(nr: i32): string {
    return this.notes[nr];
  }

  arity(nr: i32): i32 {
    return this.arities[nr];
  }

  /** NONE, PARTIAL or FULL. */
  state(nr: i32): i32 {
    return this.states[nr];
  }
}

function fillFirst(t: SyscallTable): void {
  t.add(0, "read", 3, FULL);
  t.add(1, "write", 3, FULL);
  t.add(2, "open", 3, FULL);
  t.add(3, "close", 1, FULL);
  t.add(4, "stat", 2, FULL);
  t.add(5, "fstat", 2, FULL);
  t.add(6, "lstat", 2, FULL);
  t.add(7, "poll", 3, FULL);
  t.add(8, "lseek", 3, FULL);
  t.add(9, "mmap", 6, PARTIAL, "no huge pages (MAP_HUGETLB is ENOMEM)");
  t.add(10, "mprotect", 3, FULL);
  t.add(11, "munmap", 2, FULL);
  t.add(12, "brk", 1, FULL);
  t.add(13, "rt_sigaction", 4, FULL);
  t.add(14, "rt_sigprocmask", 4, FULL);
  t.add(15, "rt_sigreturn", 0, FULL);
  t.add(16, "ioctl", 3, PARTIAL, "terminals, pipes and what the file kinds know; FIONBIO, FIOCLEX");
  t.add(17, "pread64", 4, FULL);
  t.add(18, "pwrite64", 4, FULL);
  t.add(19, "readv", 3, FULL);
  t.add(20, "writev", 3, FULL);
  t.add(21, "access", 2, FULL);
  t.add(22, "pipe", 1, FULL);
  t.add(23, "select", 5, FULL);
  t.add(24, "sched_yield", 0, FULL);
  t.add(25, "mremap", 5, FULL);
  t.add(26, "msync", 3, FULL);
  t.add(27, "mincore", 3, FULL);
  t.add(28, "madvise", 3, PARTIAL, "advice about huge pages and sharing of equal pages has no effect");
  t.add(29, "shmget", 3, FULL);
  t.add(30, "shmat", 3, FULL);
  t.add(31, "shmctl", 3, FULL);
  t.add(32, "dup", 1, FULL);
  t.add(33, "dup2", 2, FULL);
  t.add(34, "pause", 0, FULL);
  t.add(35, "nanosleep", 2, FULL);
  t.add(36, "getitimer", 2, FULL);
  t.add(37, "alarm", 1, FULL);
  t.add(38, "setitimer", 3, FULL);
  t.add(39, "getpid", 0, FULL);
  t.add(40, "sendfile", 4, FULL);
  t.add(41, "socket", 3, PARTIAL, "local sockets (AF_UNIX) only");
  t.add(42, "connect", 3, FULL);
  t.add(43, "accept", 3, FULL);
  t.add(44, "sendto", 6, FULL);
  t.add(45, "recvfrom", 6, FULL);
  t.add(46, "sendmsg", 3, FULL);
  t.add(47, "recvmsg", 3, FULL);
  t.add(48, "shutdown", 2, FULL);
  t.add(49, "bind", 3, FULL);
  t.add(50, "listen", 2, FULL);
  t.add(51, "getsockname", 3, FULL);
  t.add(52, "getpeername", 3, FULL);
  t.add(53, "socketpair", 4, FULL);
  t.add(54, "setsockopt", 5, PARTIAL, "options of local sockets");
  t.add(55, "getsockopt", 5, PARTIAL, "options of local sockets");
  t.add(56, "clone", 5, PARTIAL, "no namespaces, no ptrace");
  t.add(57, "fork", 0, FULL);
  t.add(58, "vfork", 0, FULL);
  t.add(59, "execve", 3, FULL);
  t.add(60, "exit", 1, FULL);
  t.add(61, "wait4", 4, FULL);
  t.add(62, "kill", 2, FULL);
  t.add(63, "uname", 1, FULL);
  t.add(64, "semget", 3, FULL);
  t.add(65, "semop", 3, FULL);
  t.add(66, "semctl", 4, FULL);
  t.add(67, "shmdt", 1, FULL);
  t.add(68, "msgget", 2, FULL);
  t.add(69, "msgsnd", 4, FULL);
  t.add(70, "msgrcv", 5, FULL);
  t.add(71, "msgctl", 3, FULL);
  t.add(72, "fcntl", 3, PARTIAL, "no leases, no directory notification, no signal-driven I/O");
  t.add(73, "flock", 2, FULL);
  t.add(74, "fsync", 1, FULL);
  t.add(75, "fdatasync", 1, FULL);
  t.add(76, "truncate", 2, FULL);
  t.add(77, "ftruncate", 2, FULL);
  t.add(78, "getdents", 3, FULL);
  t.add(79, "getcwd", 2, FULL);
  t.add(80, "chdir", 1, FULL);
  t.add(81, "fchdir", 1, FULL);
  t.add(82, "rename", 2, FULL);
  t.add(83, "mkdir", 2, FULL);
  t.add(84, "rmdir", 1, FULL);
  t.add(85, "creat", 2, FULL);
  t.add(86, "link", 2, FULL);
  t.add(87, "unlink", 1, FULL);
  t.add(88, "symlink", 2, FULL);
  t.add(89, "readlink", 3, FULL);
  t.add(90, "chmod", 2, FULL);
  t.add(91, "fchmod", 2, FULL);
  t.add(92, "chown", 3, FULL);
  t.add(93, "fchown", 3, FULL);
  t.add(94, "lchown", 3, FULL);
  t.add(95, "umask", 1, FULL);
  t.add(96, "gettimeofday", 2, FULL);
  t.add(97, "getrlimit", 2, FULL);
  t.add(98, "getrusage", 2, FULL);
  t.add(99, "sysinfo", 1, FULL);
  t.add(100, "times", 1, FULL);
  t.add(101, "ptrace", 4, NONE);
  t.add(102, "getuid", 0, FULL);
  t.add(103, "syslog", 3, PARTIAL, "sizes and an empty log");
  t.add(104, "getgid", 0, FULL);
  t.add(105, "setuid", 1, FULL);
  t.add(106, "setgid", 1, FULL);
  t.add(107, "geteuid", 0, FULL);
  t.add(108, "getegid", 0, FULL);
  t.add(109, "setpgid", 2, FULL);
  t.add(110, "getppid", 0, FULL);
  t.add(111, "getpgrp", 0, FULL);
  t.add(112, "setsid", 0, FULL);
  t.add(113, "setreuid", 2, FULL);
  t.add(114, "setregid", 2, FULL);
  t.add(115, "getgroups", 2, FULL);
  t.add(116, "setgroups", 2, FULL);
  t.add(117, "setresuid", 3, FULL);
  t.add(118, "getresuid", 3, FULL);
  t.add(119, "setresgid", 3, FULL);
  t.add(120, "getresgid", 3, FULL);
  t.add(121, "getpgid", 1, FULL);
  t.add(122, "setfsuid", 1, FULL);
  t.add(123, "setfsgid", 1, FULL);
  t.add(124, "getsid", 1, FULL);
  t.add(125, "capget", 2, PARTIAL, "all or nothing, by the effective user id");
  t.add(126, "capset", 2, PARTIAL, "only what capget shows");
  t.add(127, "rt_sigpending", 2, FULL);
  t.add(128, "rt_sigtimedwait", 4, FULL);
  t.add(129, "rt_sigqueueinfo", 3, FULL);
  t.add(130, "rt_sigsuspend", 2, FULL);
  t.add(131, "sigaltstack", 2, FULL);
  t.add(132, "utime", 2, FULL);
  t.add(133, "mknod", 3, FULL);
  t.add(134, "uselib", 1, NONE);
  t.add(135, "personality", 1, PARTIAL, "kept and shown; flags have no effect");
  t.add(136, "ustat", 2, NONE);
  t.add(137, "statfs", 2, FULL);
  t.add(138, "fstatfs", 2, FULL);
  t.add(139, "sysfs", 3, NONE);
  t.add(140, "getpriority", 2, FULL);
  t.add(141, "setpriority", 3, FULL);
  t.add(142, "sched_setparam", 2, FULL);
  t.add(143, "sched_getparam", 2, FULL);
  t.add(144, "sched_setscheduler", 3, FULL);
  t.add(145, "sched_getscheduler", 1, FULL);
  t.add(146, "sched_get_priority_max", 1, FULL);
  t.add(147, "sched_get_priority_min", 1, FULL);
  t.add(148, "sched_rr_get_interval", 2, FULL);
  t.add(149, "mlock", 2, FULL);
  t.add(150, "munlock", 2, FULL);
  t.add(151, "mlockall", 1, FULL);
  t.add(152, "munlockall", 0, FULL);
  t.add(153, "vhangup", 0, FULL);
  t.add(154, "modify_ldt", 3, NONE);
  t.add(155, "pivot_root", 2, NONE);
  t.add(156, "_sysctl", 1, NONE);
  t.add(
    157,
    "prctl",
    5,
    PARTIAL,
    "name, signals of the parent, no_new_privs, dumpable, subreaper, timer slack; the rest is EINVAL",
  );
  t.add(158, "arch_prctl", 2, FULL);
  t.add(159, "adjtimex", 1, PARTIAL, "offsets are added at once; the frequency is kept, not applied");
  t.add(160, "setrlimit", 2, FULL);
  t.add(161, "chroot", 1, FULL);
  t.add(162, "sync", 0, FULL);
  t.add(163, "acct", 1, NONE);
  t.add(164, "settimeofday", 2, FULL);
  t.add(165, "mount", 5, PARTIAL, "types and flags of this kernel; no propagation");
  t.add(166, "umount2", 2, FULL);
  t.add(167, "swapon", 2, NONE);
  t.add(168, "swapoff", 1, NONE);
  t.add(169, "reboot", 4, PARTIAL, "halt, power off, restart");
  t.add(170, "sethostname", 2, FULL);
  t.add(171, "setdomainname", 2, FULL);
  t.add(172, "iopl", 1, NONE);
  t.add(173, "ioperm", 3, NONE);
  t.add(174, "create_module", 2, NONE);
  t.add(175, "init_module", 3, NONE);
  t.add(176, "delete_module", 2, NONE);
  t.add(177, "get_kernel_syms", 1, NONE);
  t.add(178, "query_module", 5, NONE);
  t.add(179, "quotactl", 4, NONE);
  t.add(180, "nfsservctl", 3, NONE);
  t.add(181, "getpmsg", 5, NONE);
  t.add(182, "putpmsg", 5, NONE);
  t.add(183, "afs_syscall", 0, NONE);
  t.add(184, "tuxcall", 0, NONE);
  t.add(185, "security", 0, NONE);
  t.add(186, "gettid", 0, FULL);
  t.add(187, "readahead", 3, PARTIAL, "checked; files are in memory, so there is nothing to do");
  t.add(188, "setxattr", 5, PARTIAL, "EOPNOTSUPP");
  t.add(189, "lsetxattr", 5, PARTIAL, "EOPNOTSUPP");
  t.add(190, "fsetxattr", 5, PARTIAL, "EOPNOTSUPP");
  t.add(191, "getxattr", 4, PARTIAL, "no file has extended attributes");
  t.add(192, "lgetxattr", 4, PARTIAL, "no file has extended attributes");
  t.add(193, "fgetxattr", 4, PARTIAL, "no file has extended attributes");
  t.add(194, "listxattr", 3, PARTIAL, "no file has extended attributes");
  t.add(195, "llistxattr", 3, PARTIAL, "no file has extended attributes");
  t.add(196, "flistxattr", 3, PARTIAL, "no file has extended attributes");
  t.add(197, "removexattr", 2, PARTIAL, "EOPNOTSUPP");
  t.add(198, "lremovexattr", 2, PARTIAL, "EOPNOTSUPP");
  t.add(199, "fremovexattr", 2, PARTIAL, "EOPNOTSUPP");
}

function fillSecond(t: SyscallTable): void {
  t.add(200, "tkill", 2, FULL);
  t.add(201, "time", 1, FULL);
  t.add(202, "futex", 6, PARTIAL, "no priority inheritance");
  t.add(203, "sched_setaffinity", 3, FULL);
  t.add(204, "sched_getaffinity", 3, FULL);
  t.add(205, "set_thread_area", 1, NONE);
  t.add(206, "io_setup", 2, NONE);
  t.add(207, "io_destroy", 1, NONE);
  t.add(208, "io_getevents", 5, NONE);
  t.add(209, "io_submit", 3, NONE);
  t.add(210, "io_cancel", 3, NONE);
  t.add(211, "get_thread_area", 1, NONE);
  t.add(212, "lookup_dcookie", 3, NONE);
  t.add(213, "epoll_create", 1, FULL);
  t.add(214, "epoll_ctl_old", 4, NONE);
  t.add(215, "epoll_wait_old", 4, NONE);
  t.add(216, "remap_file_pages", 5, NONE);
  t.add(217, "getdents64", 3, FULL);
  t.add(218, "set_tid_address", 1, FULL);
  t.add(219, "restart_syscall", 0, FULL);
  t.add(220, "semtimedop", 4, FULL);
  t.add(221, "fadvise64", 4, PARTIAL, "checked; files are in memory, so there is nothing to do");
  t.add(222, "timer_create", 3, FULL);
  t.add(223, "timer_settime", 4, FULL);
  t.add(224, "timer_gettime", 2, FULL);
  t.add(225, "timer_getoverrun", 1, FULL);
  t.add(226, "timer_delete", 1, FULL);
  t.add(227, "clock_settime", 2, FULL);
  t.add(228, "clock_gettime", 2, FULL);
  t.add(229, "clock_getres", 2, FULL);
  t.add(230, "clock_nanosleep", 4, FULL);
  t.add(231, "exit_group", 1, FULL);
  t.add(232, "epoll_wait", 4, FULL);
  t.add(233, "epoll_ctl", 4, FULL);
  t.add(234, "tgkill", 3, FULL);
  t.add(235, "utimes", 2, FULL);
  t.add(236, "vserver", 5, NONE);
  t.add(237, "mbind", 6, NONE);
  t.add(238, "set_mempolicy", 3, NONE);
  t.add(239, "get_mempolicy", 5, NONE);
  t.add(240, "mq_open", 4, NONE);
  t.add(241, "mq_unlink", 1, NONE);
  t.add(242, "mq_timedsend", 5, NONE);
  t.add(243, "mq_timedreceive", 5, NONE);
  t.add(244, "mq_notify", 2, NONE);
  t.add(245, "mq_getsetattr", 3, NONE);
  t.add(246, "kexec_load", 4, NONE);
  t.add(247, "waitid", 5, FULL);
  t.add(248, "add_key", 5, NONE);
  t.add(249, "request_key", 4, NONE);
  t.add(250, "keyctl", 5, NONE);
  t.add(251, "ioprio_set", 3, PARTIAL, "kept and inherited; no device orders by it");
  t.add(252, "ioprio_get", 2, FULL);
  t.add(253, "inotify_init", 0, NONE);
  t.add(254, "inotify_add_watch", 3, NONE);
  t.add(255, "inotify_rm_watch", 2, NONE);
  t.add(256, "migrate_pages", 4, NONE);
  t.add(257, "openat", 4, FULL);
  t.add(258, "mkdirat", 3, FULL);
  t.add(259, "mknodat", 4, FULL);
  t.add(260, "fchownat", 5, FULL);
  t.add(261, "futimesat", 3, FULL);
  t.add(262, "newfstatat", 4, FULL);
  t.add(263, "unlinkat", 3, FULL);
  t.add(264, "renameat", 4, FULL);
  t.add(265, "linkat", 5, FULL);
  t.add(266, "symlinkat", 3, FULL);
  t.add(267, "readlinkat", 4, FULL);
  t.add(268, "fchmodat", 3, FULL);
  t.add(269, "faccessat", 3, FULL);
  t.add(270, "pselect6", 6, FULL);
  t.add(271, "ppoll", 5, FULL);
  t.add(272, "unshare", 1, PARTIAL, "CLONE_FILES, CLONE_FS, CLONE_SYSVSEM");
  t.add(273, "set_robust_list", 2, FULL);
  t.add(274, "get_robust_list", 3, FULL);
  t.add(275, "splice", 6, FULL);
  t.add(276, "tee", 4, FULL);
  t.add(277, "sync_file_range", 4, PARTIAL, "checked; writes the whole file back");
  t.add(278, "vmsplice", 4, FULL);
  t.add(279, "move_pages", 6, NONE);
  t.add(280, "utimensat", 4, FULL);
  t.add(281, "epoll_pwait", 6, FULL);
  t.add(282, "signalfd", 3, FULL);
  t.add(283, "timerfd_create", 2, FULL);
  t.add(284, "eventfd", 1, FULL);
  t.add(285, "fallocate", 4, FULL);
  t.add(286, "timerfd_settime", 4, FULL);
  t.add(287, "timerfd_gettime", 2, FULL);
  t.add(288, "accept4", 4, FULL);
  t.add(289, "signalfd4", 4, FULL);
  t.add(290, "eventfd2", 2, FULL);
  t.add(291, "epoll_create1", 1, FULL);
  t.add(292, "dup3", 3, FULL);
  t.add(293, "pipe2", 2, FULL);
  t.add(294, "inotify_init1", 1, NONE);
  t.add(295, "preadv", 5, FULL);
  t.add(296, "pwritev", 5, FULL);
  t.add(297, "rt_tgsigqueueinfo", 4, FULL);
  t.add(298, "perf_event_open", 5, NONE);
  t.add(299, "recvmmsg", 5, PARTIAL, "the time limit is not kept; waits for the first message only");
  t.add(300, "fanotify_init", 2, NONE);
  t.add(301, "fanotify_mark", 5, NONE);
  t.add(302, "prlimit64", 4, FULL);
  t.add(303, "name_to_handle_at", 5, NONE);
  t.add(304, "open_by_handle_at", 3, NONE);
  t.add(305, "clock_adjtime", 2, PARTIAL, "offsets are added at once; the frequency is kept, not applied");
  t.add(306, "syncfs", 1, FULL);
  t.add(307, "sendmmsg", 4, FULL);
  t.add(308, "setns", 2, NONE);
  t.add(309, "getcpu", 3, FULL);
  t.add(310, "process_vm_readv", 6, FULL);
  t.add(311, "process_vm_writev", 6, FULL);
  t.add(312, "kcmp", 5, PARTIAL, "no order between objects, no KCMP_EPOLL_TFD");
  t.add(313, "finit_module", 3, NONE);
  t.add(314, "sched_setattr", 3, PARTIAL, "policies of sched_setscheduler");
  t.add(315, "sched_getattr", 4, PARTIAL, "policies of sched_setscheduler");
  t.add(316, "renameat2", 5, FULL);
  t.add(317, "seccomp", 3, NONE);
  t.add(318, "getrandom", 3, FULL);
  t.add(319, "memfd_create", 2, FULL);
  t.add(320, "kexec_file_load", 5, NONE);
  t.add(321, "bpf", 3, NONE);
  t.add(322, "execveat", 5, FULL);
  t.add(323, "userfaultfd", 1, NONE);
  t.add(324, "membarrier", 3, FULL);
  t.add(325, "mlock2", 3, FULL);
  t.add(326, "copy_file_range", 6, FULL);
  t.add(327, "preadv2", 6, PARTIAL, "no RWF_NOWAIT");
  t.add(328, "pwritev2", 6, PARTIAL, "no RWF_NOWAIT, no RWF_APPEND");
  t.add(329, "pkey_mprotect", 4, PARTIAL, "key -1 only");
  t.add(330, "pkey_alloc", 2, PARTIAL, "ENOSPC: no protection keys");
  t.add(331, "pkey_free", 1, FULL);
  t.add(332, "statx", 5, PARTIAL, "no birth time, no attributes");
  t.add(333, "io_pgetevents", 6, NONE);
  t.add(334, "rseq", 4, NONE, "programs do without it");
  t.add(424, "pidfd_send_signal", 4, FULL);
  t.add(425, "io_uring_setup", 2, NONE);
  t.add(426, "io_uring_enter", 6, NONE);
  t.add(427, "io_uring_register", 4, NONE);
  t.add(428, "open_tree", 3, NONE);
  t.add(429, "move_mount", 5, NONE);
  t.add(430, "fsopen", 2, NONE);
  t.add(431, "fsconfig", 5, NONE);
  t.add(432, "fsmount", 3, NONE);
  t.add(433, "fspick", 3, NONE);
  t.add(434, "pidfd_open", 2, FULL);
  t.add(435, "clone3", 2, PARTIAL, "as clone, and CLONE_CLEAR_SIGHAND; no set_tid, no cgroup");
  t.add(436, "close_range", 3, FULL);
  t.add(437, "openat2", 4, PARTIAL, "no RESOLVE_ flags (ENOSYS, so that programs fall back)");
  t.add(438, "pidfd_getfd", 3, FULL);
  t.add(439, "faccessat2", 4, FULL);
  t.add(440, "process_madvise", 5, NONE);
  t.add(441, "epoll_pwait2", 6, FULL);
  t.add(442, "mount_setattr", 5, NONE);
  t.add(443, "quotactl_fd", 4, NONE);
  t.add(444, "landlock_create_ruleset", 3, NONE);
  t.add(445, "landlock_add_rule", 4, NONE);
  t.add(446, "landlock_restrict_self", 2, NONE);
  t.add(447, "memfd_secret", 1, NONE);
  t.add(448, "process_mrelease", 2, NONE);
  t.add(449, "futex_waitv", 5, NONE);
  t.add(450, "set_mempolicy_home_node", 4, NONE);
  t.add(451, "cachestat", 4, NONE);
  t.add(452, "fchmodat2", 4, FULL);
  t.add(453, "map_shadow_stack", 3, NONE);
  t.add(454, "futex_wake", 4, NONE);
  t.add(455, "futex_wait", 6, NONE);
  t.add(456, "futex_requeue", 4, NONE);
  t.add(457, "statmount", 4, NONE);
  t.add(458, "listmount", 4, NONE);
  t.add(459, "lsm_get_self_attr", 4, NONE);
  t.add(460, "lsm_set_self_attr", 4, NONE);
  t.add(461, "lsm_list_modules", 3, NONE);
  t.add(462, "mseal", 3, NONE);
}
