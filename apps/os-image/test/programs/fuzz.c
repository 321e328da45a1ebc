/*
 * Random system calls with hostile arguments, from several processes.
 *
 *   fuzz SEED CALLS [PROCESSES]
 *
 * Every process draws from its own sequence, derived from SEED, so a seed gives the same calls again (not the same
 * interleaving). Left out are only the calls that would rightly end the machine or the harness. A supervisor replaces
 * processes that a call or a signal has killed, until CALLS calls were made. Prints one summary line; exit status 0 if
 * all calls were made.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_PROCESSES 16
#define MAX_NUMBER 460
#define AREA (64 * 4096)
/* A process that makes no call for this long is stuck in one and is killed. */
#define STUCK_MS 250

struct shared {
	volatile long made;
	volatile long succeeded;
	volatile long errnos[134];
	volatile long per_process[MAX_PROCESSES];
	volatile int last_call[MAX_PROCESSES];
};

static struct shared *shared;
static char *area;
static uint64_t state;

static uint64_t rnd(void)
{
	/* splitmix64 */
	uint64_t z = (state += 0x9e3779b97f4a7c15ull);
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

static int forbidden(long number)
{
	switch (number) {
	case SYS_reboot:
	case SYS_kexec_load:
	case SYS_kexec_file_load:
	case SYS_init_module:
	case SYS_finit_module:
	case SYS_delete_module:
	case SYS_iopl:		/* Lets user mode switch interrupts off. */
	case SYS_ioperm:
	case SYS_exit_group:
	case SYS_exit:
	case SYS_kill:		/* Made with chosen targets below. */
	case SYS_tkill:
	case SYS_tgkill:
	case SYS_rt_sigqueueinfo:
	case SYS_rt_tgsigqueueinfo:
	case SYS_pidfd_send_signal:
	case SYS_vhangup:	/* Takes the harness's terminal away. */
	case SYS_fork:		/* Made below, so that children end. */
	case SYS_vfork:
	case SYS_clone:
	case SYS_clone3:
	case SYS_execve:	/* Made below, in a child. */
	case SYS_execveat:
	case SYS_setrlimit:	/* May stop the process from getting anywhere. */
	case SYS_prlimit64:
	case SYS_swapoff:
	case SYS_umount2:	/* Of /, /proc, /tmp: the harness needs them. */
	case SYS_mount:
	case SYS_pivot_root:
	case SYS_move_mount:
	case SYS_mount_setattr:
	case SYS_chroot:
	case SYS_settimeofday:	/* The supervisor measures time, but others may look at the clock. */
	case SYS_clock_settime:
	case SYS_clock_adjtime:
	case SYS_adjtimex:
	case SYS_sched_setscheduler:	/* Real-time and never yielding. */
	case SYS_sched_setattr:
	case SYS_sched_setparam:
	case SYS_seccomp:
	case SYS_prctl:
	case SYS_ptrace:
	case SYS_pause:
	case SYS_rt_sigsuspend:
	case SYS_process_vm_writev:
		return 1;
	}
	return 0;
}

static const char *const paths[] = {
	"", "/", ".", "..", "/tmp", "/tmp/fuzz", "f", "d", "d/f", "l", "loop", "/proc/self/maps", "/proc/self/stat",
	"/proc/self/fd", "/proc/self/exe", "/proc/meminfo", "/proc/1/stat", "/dev/null", "/dev/zero", "/dev/full", "/dev/tty",
	"/dev/ptmx", "/dev/urandom", "/bin/busybox", "/bin/sh", "/etc/passwd", "fifo", "f/x", "//..//.//tmp//", "/proc/self/mem",
};

static char *some_path(void)
{
	static char buf[8192];
	switch (rnd() % 8) {
	case 0:
		/* Long. */
		memset(buf, rnd() % 2 ? '/' : 'a', sizeof buf);
		buf[rnd() % sizeof buf] = 0;
		buf[sizeof buf - 1] = 0;
		return buf;
	case 1:
		/* Noise. */
		for (int i = 0; i < 30; i++)
			buf[i] = rnd();
		buf[30] = 0;
		return buf;
	case 2:
		/* Not terminated before the end of the mapping. */
		memset(area + AREA - 100, 'b', 100);
		return area + AREA - 100;
	default:
		return (char *)paths[rnd() % (sizeof paths / sizeof paths[0])];
	}
}

static long some_pointer(void)
{
	static const uint64_t wild[] = {
		0, 1, 8, 0xfff, 0x1000, 0x400000, 0x7fffffffffff, 0x7ffffffff000, 0x7fffffffeff8, 0x800000000000,
		0xffff800000000000, 0xffff888000000000, 0xffffffff80000000, 0xffffffff81000000, 0xfffffffffffff000,
		0xffffffffffffffff, 0xfffffffffffffff8, 0x8000000000000000, 0xdeadbeefdeadbeef, 0x4141414141414141,
	};
	switch (rnd() % 10) {
	case 0:
	case 1:
		return wild[rnd() % (sizeof wild / sizeof wild[0])];
	case 2:
		return rnd();
	case 3:
		/* Over the end of the area. */
		return (long)(area + AREA - rnd() % 64);
	case 4:
		/* In a page without rights, or in one that is read-only. */
		return (long)(area + AREA + 4096 + rnd() % 8192);
	case 5:
		return (long)some_path();
	case 6:
		/* The program itself. */
		return (long)(uintptr_t)some_path & ~7ul;
	default:
		/* Good memory with noise in it: structures of random contents. */
		for (int i = 0; i < 8; i++)
			((uint64_t *)area)[rnd() % (AREA / 8)] = rnd() % 3 ? rnd() % 100 : rnd();
		return (long)(area + (rnd() % (AREA / 16)) * 16);
	}
}

static long some_number(void)
{
	static const int64_t edges[] = {
		0, 1, -1, 2, 3, 7, 8, 15, 16, 63, 64, 127, 128, 255, 256, 511, 512, 1023, 1024, 4095, 4096, 4097, 65535, 65536,
		0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, 0x7fffffffffffffff, INT64_MIN, -2, -100, -4096, 0x7ffff000,
		AT_FDCWD, 1 << 20,
	};
	switch (rnd() % 5) {
	case 0:
	case 1:
		return edges[rnd() % (sizeof edges / sizeof edges[0])];
	case 2:
		return rnd() % 64;
	case 3:
		return 1l << (rnd() % 64);
	default:
		return rnd();
	}
}

static long some_fd(void)
{
	return rnd() % 8 ? (long)(rnd() % 24) + 3 : some_number();
}

static long argument(void)
{
	switch (rnd() % 6) {
	case 0:
	case 1:
		return some_fd();
	case 2:
	case 3:
		return some_pointer();
	default:
		return some_number();
	}
}

/*
 * The calls of the heart of the kernel with the kinds of their arguments, so that some of them succeed and reach states that
 * noise never does:
 *
 *   f descriptor   p path        b buffer     n length      o offset      i small number   g flags, a few bits
 *   m mode         s signal      t short time a page of the area          v iovec          w few iovecs
 *   d AT_FDCWD or descriptor     q poll set   e page count in bytes        0 zero           ? anything
 */
static const struct {
	short number;
	const char *kinds;
} favourites[] = {
	{ SYS_read, "fbn" }, { SYS_write, "fbn" }, { SYS_open, "pgm" }, { SYS_close, "f" }, { SYS_stat, "pb" }, { SYS_fstat, "fb" },
	{ SYS_lstat, "pb" }, { SYS_poll, "qii" }, { SYS_lseek, "foi" }, { SYS_mmap, "aeiifo" }, { SYS_mmap, "0eiifo" },
	{ SYS_mprotect, "aei" }, { SYS_munmap, "ae" }, { SYS_brk, "?" }, { SYS_rt_sigaction, "sbb8" }, { SYS_rt_sigprocmask, "ibb8" },
	{ SYS_ioctl, "fTb" }, { SYS_pread64, "fbno" }, { SYS_pwrite64, "fbno" }, { SYS_readv, "fvw" }, { SYS_writev, "fvw" },
	{ SYS_access, "pi" }, { SYS_pipe, "b" }, { SYS_select, "n0b0t" }, { SYS_sched_yield, "" }, { SYS_mremap, "aeei?" },
	{ SYS_msync, "aei" }, { SYS_madvise, "aei" }, { SYS_mincore, "aeb" }, { SYS_mlock, "ae" }, { SYS_dup, "f" }, { SYS_dup2, "ff" },
	{ SYS_nanosleep, "tb" }, { SYS_getitimer, "ib" }, { SYS_setitimer, "ibb" }, { SYS_alarm, "i" }, { SYS_sendfile, "ff0n" },
	{ SYS_wait4, "?ibb" }, { SYS_waitid, "i?bib" }, { SYS_uname, "b" }, { SYS_fcntl, "fiI" }, { SYS_fcntl, "fib" }, { SYS_flock, "fi" },
	{ SYS_fsync, "f" }, { SYS_truncate, "po" }, { SYS_ftruncate, "fo" }, { SYS_getdents64, "fbn" }, { SYS_getcwd, "bn" },
	{ SYS_chdir, "p" }, { SYS_fchdir, "f" }, { SYS_rename, "pp" }, { SYS_mkdir, "pm" }, { SYS_rmdir, "p" }, { SYS_creat, "pm" },
	{ SYS_link, "pp" }, { SYS_unlink, "p" }, { SYS_symlink, "pp" }, { SYS_readlink, "pbn" }, { SYS_chmod, "pm" }, { SYS_fchmod, "fm" },
	{ SYS_chown, "pii" }, { SYS_fchown, "fii" }, { SYS_umask, "m" }, { SYS_getrusage, "ib" }, { SYS_setpgid, "00" }, { SYS_setsid, "" },
	{ SYS_getgroups, "ib" }, { SYS_setgroups, "ib" }, { SYS_rt_sigpending, "b8" }, { SYS_rt_sigtimedwait, "bbt8" },
	{ SYS_sigaltstack, "bb" }, { SYS_utimensat, "dpbg" }, { SYS_mknod, "pMi" }, { SYS_statfs, "pb" }, { SYS_fstatfs, "fb" },
	{ SYS_getpriority, "ii" }, { SYS_setpriority, "i0i" }, { SYS_arch_prctl, "?b" }, { SYS_futex, "biitbi" },
	{ SYS_clock_gettime, "ib" }, { SYS_clock_nanosleep, "iitb" }, { SYS_openat, "dpgm" }, { SYS_mkdirat, "dpm" },
	{ SYS_newfstatat, "dpbg" }, { SYS_unlinkat, "dpg" }, { SYS_renameat2, "dpdpi" }, { SYS_linkat, "dpdpg" }, { SYS_symlinkat, "pdp" },
	{ SYS_readlinkat, "dpbn" }, { SYS_fchmodat, "dpm" }, { SYS_faccessat, "dpi" }, { SYS_pselect6, "n0b0t0" }, { SYS_ppoll, "qit08" },
	{ SYS_set_robust_list, "bn" }, { SYS_fallocate, "fioo" }, { SYS_dup3, "ffg" }, { SYS_pipe2, "bg" }, { SYS_preadv, "fvwo" },
	{ SYS_pwritev, "fvwo" }, { SYS_getrandom, "bni" }, { SYS_statx, "dpgib" }, { SYS_rseq, "bnii" }, { SYS_copy_file_range, "f0f0n0" },
	{ SYS_rt_sigreturn, "" }, { SYS_sysinfo, "b" }, { SYS_times, "b" }, { SYS_splice, "f0f0ng" }, { SYS_tee, "ffng" },
	{ SYS_vmsplice, "fvwg" }, { SYS_epoll_create1, "g" }, { SYS_epoll_ctl, "fifb" }, { SYS_epoll_wait, "fbi1" },
	{ SYS_eventfd2, "ig" }, { SYS_timerfd_create, "ig" }, { SYS_timerfd_settime, "fibb" }, { SYS_signalfd4, "fb8g" },
	{ SYS_memfd_create, "pi" }, { SYS_timer_create, "ibb" }, { SYS_timer_settime, "iibb" }, { SYS_timer_delete, "i" },
	{ SYS_inotify_init1, "g" }, { SYS_inotify_add_watch, "fpi" }, { SYS_close_range, "ff0" }, { SYS_sched_setaffinity, "0nb" },
	{ SYS_getresuid, "bbb" }, { SYS_setresuid, "iii" }, { SYS_sethostname, "bn" }, { SYS_personality, "i" }, { SYS_readahead, "fon" },
};

static long good(char kind)
{
	static const unsigned ioctls[] = { 0x5401, 0x5402, 0x5403, 0x5404, 0x5405, 0x540b, 0x540e, 0x540f, 0x5410, 0x5411, 0x5412,
					   0x5413, 0x5414, 0x541b, 0x5421, 0x5422, 0x5429, 0x5450, 0x5451, 0x80045430, 0x40045431 };
	switch (kind) {
	case 'f':
		return 3 + rnd() % 24;
	case 'd':
		return rnd() % 2 ? AT_FDCWD : (long)(3 + rnd() % 24);
	case 'p':
		return (long)(uintptr_t)paths[rnd() % (sizeof paths / sizeof paths[0])];
	case 'b':
		return (long)(area + rnd() % (AREA / 2) / 16 * 16);
	case 'n':
		return rnd() % 4 ? rnd() % 512 : rnd() % (AREA / 2);
	case 'o':
		return rnd() % 3 ? (long)(rnd() % 10000) : (long)(rnd() % (1l << 34));
	case 'e':
		return (1 + rnd() % 40) * 4096;
	case 'a':
		return (long)(area + rnd() % (AREA / 4096) * 4096);
	case 'g':
		return (1l << rnd() % 20) | (rnd() % 3) | (rnd() % 2 ? 0100 : 0);
	case 'm':
		return rnd() % 010000;
	case 'M':
		return (rnd() % 16) << 12 | 0666;
	case 's':
		return 1 + rnd() % 64;
	case 'i':
		return rnd() % 20;
	case 'I':
		return rnd() % 2 ? 1l << rnd() % 20 : (long)(rnd() % 64);
	case 'T':
		return ioctls[rnd() % (sizeof ioctls / sizeof ioctls[0])];
	case 't': {
		struct timespec *t = (struct timespec *)(area + AREA / 2);
		t->tv_sec = 0;
		t->tv_nsec = rnd() % 2000000;
		return (long)t;
	}
	case 'v': {
		struct iovec *v = (struct iovec *)(area + AREA / 2 + 4096);
		for (int k = 0; k < 8; k++) {
			v[k].iov_base = rnd() % 10 ? area + rnd() % (AREA / 2) : (char *)some_pointer();
			v[k].iov_len = rnd() % 10 ? rnd() % 3000 : (size_t)some_number();
		}
		return (long)v;
	}
	case 'w':
		return rnd() % 9;
	case 'q': {
		struct pollfd *q = (struct pollfd *)(area + AREA / 2 + 8192);
		for (int k = 0; k < 20; k++)
			q[k] = (struct pollfd){ 3 + rnd() % 24, rnd(), 0 };
		return (long)q;
	}
	case '8':
		return 8;
	case '1':
		return 1;
	case '0':
		return 0;
	default:
		return argument();
	}
}

/* Chooses a call and its arguments. */
static long some_call(long a[6])
{
	for (;;) {
		const char *kinds = "";
		long number = some_number();
		long how = rnd() % 500;
		if (how < 160) {
			number = rnd() % MAX_NUMBER;
		} else if (how < 499) {
			int k = rnd() % (sizeof favourites / sizeof favourites[0]);
			number = favourites[k].number;
			if (how > 250)
				kinds = favourites[k].kinds;
		}
		if (forbidden(number))
			continue;
		for (int i = 0; i < 6; i++) {
			a[i] = *kinds != 0 && rnd() % 12 ? good(*kinds) : argument();
			kinds += *kinds != 0;
		}
		return number;
	}
}

static void on_signal(int sig)
{
	(void)sig;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)ftw;
	(void)type;
	remove(path);
	return 0;
}

/* Gives a process files, folders and memory that calls can meet. */
static void furnish(int index, int as_root)
{
	char folder[64];
	int fds[2];
	snprintf(folder, sizeof folder, "/tmp/fuzz/%d", index);
	nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	mkdir("/tmp/fuzz", 0777);
	mkdir(folder, 0777);
	chmod(folder, 0777);
	if (chdir(folder) < 0)
		_exit(90);
	int null = open("/dev/null", O_RDWR);
	for (int fd = 0; fd < 3; fd++)
		dup2(null, fd);
	if (as_root) {
		/* Root would be right to remove /bin/sh, so it gets a world of its own. */
		if (chroot(".") < 0 || mkdir("dev", 0777) < 0 || mkdir("tmp", 0777) < 0 || mkdir("bin", 0777) < 0)
			_exit(94);
		mknod("dev/null", S_IFCHR | 0666, makedev(1, 3));
		mknod("dev/zero", S_IFCHR | 0666, makedev(1, 5));
		mknod("dev/full", S_IFCHR | 0666, makedev(1, 7));
		mknod("dev/tty", S_IFCHR | 0666, makedev(5, 0));
		mknod("dev/ptmx", S_IFCHR | 0666, makedev(5, 2));
	} else if (setgroups(0, NULL) < 0 || setresgid(65534, 65534, 65534) < 0 || setresuid(65534, 65534, 65534) < 0) {
		_exit(95);
	}
	area = mmap(NULL, AREA + 4 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (area == MAP_FAILED)
		_exit(91);
	munmap(area + AREA, 4096);
	mprotect(area + AREA + 4096, 4096, PROT_NONE);
	mprotect(area + AREA + 8192, 4096, PROT_READ);
	int f = open("f", O_RDWR | O_CREAT, 0666);
	(void)!write(f, area, 5000);
	mkdir("d", 0777);
	(void)!symlink("f", "l");
	(void)!symlink("loop", "loop");
	mkfifo("fifo", 0666);
	open("d", O_RDONLY | O_DIRECTORY);
	open("/dev/null", O_RDWR);
	open("/dev/zero", O_RDWR);
	open("/proc/self/stat", O_RDONLY);
	open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK);
	if (pipe2(fds, O_NONBLOCK) == 0)
		dup(fds[0]);
	if (pipe(fds) == 0)
		(void)!write(fds[1], "abcdef", 6);
	struct sigaction sa;
	memset(&sa, 0, sizeof sa);
	sa.sa_handler = on_signal;
	for (int sig = 1; sig < 32; sig++)
		if (sig != SIGSEGV && sig != SIGBUS && sig != SIGILL && sig != SIGFPE && sig != SIGTRAP && sig != SIGABRT)
			sigaction(sig, &sa, NULL);
}

static void children(void)
{
	long what = rnd() % 4;
	uint64_t seed = rnd();
	pid_t pid = what == 0 ? vfork() : fork();
	if (pid == 0) {
		if (what == 1) {
			state = seed;
			char *argv[] = { "x", some_path(), NULL };
			alarm(1);
			syscall(SYS_execve, some_path(), rnd() % 2 ? (long)argv : some_pointer(), some_pointer());
		} else if (what == 2) {
			/* A wild jump, or a wild stack. */
			if (seed % 2)
				((void (*)(void))seed)();
			__asm__ volatile("mov %0, %%rsp; push %%rax; mov $39, %%eax; syscall" : : "r"(seed) : "memory");
		}
		_exit(seed);
	}
	if (pid > 0)
		waitpid(pid, NULL, rnd() % 8 ? 0 : WNOHANG);
}

static void calls(int index, uint64_t seed, long goal)
{
	state = seed;
	furnish(index, seed % 4 == 0);
	while (shared->made < goal) {
		if (rnd() % 256 == 0) {
			children();
			continue;
		}
		if (rnd() % 64 == 0) {
			kill(getpid(), rnd() % 3 ? SIGUSR1 : SIGWINCH);
			continue;
		}
		long a[6], number = some_call(a);
		/* Writing to a random address of the program is fine; unmapping all of it is dull. */
		if ((number == SYS_munmap || number == SYS_mmap || number == SYS_mprotect || number == SYS_mremap ||
		     number == SYS_madvise) &&
		    (unsigned long)a[1] > 1ul << 30)
			a[1] = (unsigned long)a[1] >> 20;
		shared->last_call[index] = number;
		long result = syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
		int err = result == -1 ? errno : 0;
		__sync_fetch_and_add(&shared->made, 1);
		__sync_fetch_and_add(&shared->per_process[index], 1);
		if (err == 0)
			__sync_fetch_and_add(&shared->succeeded, 1);
		else
			__sync_fetch_and_add(&shared->errnos[err < 134 ? err : 0], 1);
		if (number == SYS_setitimer || number == SYS_alarm)
			alarm(0);
	}
	_exit(0);
}

static long now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int main(int argc, char **argv)
{
	if (argc < 3) {
		fprintf(stderr, "usage: fuzz SEED CALLS [PROCESSES]\n");
		return 2;
	}
	uint64_t seed = strtoull(argv[1], NULL, 0);
	long goal = strtol(argv[2], NULL, 0);
	int processes = argc > 3 ? atoi(argv[3]) : 8;
	if (goal <= 0 || processes < 1 || processes > MAX_PROCESSES) {
		fprintf(stderr, "fuzz: bad count\n");
		return 2;
	}
	shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED) {
		perror("fuzz: mmap");
		return 1;
	}
	pid_t pids[MAX_PROCESSES] = { 0 };
	long last_count[MAX_PROCESSES] = { 0 }, last_time[MAX_PROCESSES] = { 0 };
	long deaths = 0, stuck = 0, generation = 0, start = now_ms(), quiet_since = start, quiet_made = 0;
	while (shared->made < goal) {
		for (int i = 0; i < processes; i++) {
			if (pids[i] != 0)
				continue;
			uint64_t mine = seed * 1000004 + generation++;
			fflush(stdout);
			pids[i] = fork();
			if (pids[i] == 0) {
				setpgid(0, 0);
				prctl(PR_SET_PDEATHSIG, SIGKILL);
				calls(i, mine, goal);
			}
			if (pids[i] < 0) {
				pids[i] = 0;
				break;
			}
			last_time[i] = now_ms();
			last_count[i] = shared->per_process[i];
		}
		struct timespec tick = { 0, 20000000 };
		nanosleep(&tick, NULL);
		int status;
		for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0;)
			for (int i = 0; i < processes; i++)
				if (pids[i] == pid) {
					if (WIFSTOPPED(status)) {
						kill(pid, SIGKILL);
					} else {
						kill(-pid, SIGKILL);
						pids[i] = 0;
						deaths++;
					}
				}
		long now = now_ms();
		for (int i = 0; i < processes; i++) {
			if (pids[i] == 0)
				continue;
			if (shared->per_process[i] != last_count[i]) {
				last_count[i] = shared->per_process[i];
				last_time[i] = now;
			} else if (now - last_time[i] > STUCK_MS) {
				/* Blocked, as a read of an empty pipe does. */
				kill(-pids[i], SIGKILL);
				kill(pids[i], SIGKILL);
				last_time[i] = now;
				stuck++;
			}
		}
		if (shared->made != quiet_made) {
			quiet_made = shared->made;
			quiet_since = now;
		} else if (now - quiet_since > 20000) {
			printf("fuzz: no progress after %ld calls; last calls", shared->made);
			for (int i = 0; i < processes; i++)
				printf(" %d", shared->last_call[i]);
			printf("\n");
			return 1;
		}
	}
	for (int i = 0; i < processes; i++)
		if (pids[i] > 0) {
			kill(-pids[i], SIGKILL);
			kill(pids[i], SIGKILL);
		}
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	printf("fuzz: seed %llu, %ld calls, %ld succeeded, %ld deaths, %ld blocked, %ld ms; ENOSYS %ld EFAULT %ld EINVAL %ld EBADF %ld\n",
	       (unsigned long long)seed, shared->made, shared->succeeded, deaths, stuck, now_ms() - start,
	       shared->errnos[ENOSYS], shared->errnos[EFAULT], shared->errnos[EINVAL], shared->errnos[EBADF]);
	return 0;
}
