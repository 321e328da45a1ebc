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
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_PROCESSES 16
#define MAX_NUMBER 460
#define AREA (64 * 4096)
/* A process that makes no call for this long is stuck in one and is killed. */
#define STUCK_MS 500

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

/* Calls of the heart of the kernel come more often than their share of the numbers. */
static const short favourites[] = {
	SYS_read, SYS_write, SYS_open, SYS_close, SYS_stat, SYS_fstat, SYS_lstat, SYS_poll, SYS_lseek, SYS_mmap, SYS_mprotect,
	SYS_munmap, SYS_brk, SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_ioctl, SYS_pread64, SYS_pwrite64, SYS_readv, SYS_writev,
	SYS_access, SYS_pipe, SYS_select, SYS_sched_yield, SYS_mremap, SYS_msync, SYS_madvise, SYS_dup, SYS_dup2, SYS_nanosleep,
	SYS_getitimer, SYS_setitimer, SYS_alarm, SYS_sendfile, SYS_wait4, SYS_uname, SYS_fcntl, SYS_flock, SYS_fsync,
	SYS_truncate, SYS_ftruncate, SYS_getdents64, SYS_getcwd, SYS_chdir, SYS_fchdir, SYS_rename, SYS_mkdir, SYS_rmdir,
	SYS_creat, SYS_link, SYS_unlink, SYS_symlink, SYS_readlink, SYS_chmod, SYS_fchmod, SYS_chown, SYS_umask, SYS_getrusage,
	SYS_setpgid, SYS_setsid, SYS_getgroups, SYS_rt_sigpending, SYS_rt_sigtimedwait, SYS_sigaltstack, SYS_utime, SYS_mknod,
	SYS_statfs, SYS_getpriority, SYS_setpriority, SYS_arch_prctl, SYS_futex, SYS_set_tid_address, SYS_clock_gettime,
	SYS_clock_nanosleep, SYS_openat, SYS_mkdirat, SYS_newfstatat, SYS_unlinkat, SYS_renameat, SYS_linkat, SYS_symlinkat,
	SYS_readlinkat, SYS_fchmodat, SYS_faccessat, SYS_pselect6, SYS_ppoll, SYS_set_robust_list, SYS_utimensat, SYS_fallocate,
	SYS_dup3, SYS_pipe2, SYS_preadv, SYS_getrandom, SYS_statx, SYS_rseq, SYS_copy_file_range, SYS_rt_sigreturn, SYS_wait4,
	SYS_waitid, SYS_getresuid, SYS_sysinfo, SYS_times, SYS_mincore, SYS_mlock,
};

static long some_call(void)
{
	for (;;) {
		long number = rnd() % 3 ? favourites[rnd() % (sizeof favourites / sizeof favourites[0])]
					: (long)(rnd() % MAX_NUMBER);
		if (rnd() % 500 == 0)
			number = some_number();
		if (!forbidden(number))
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
		long number = some_call(), a[6];
		for (int i = 0; i < 6; i++)
			a[i] = argument();
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
	int processes = argc > 3 ? atoi(argv[3]) : 4;
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
