/*
 * Makes as many as it can get of everything that costs the kernel memory.
 *
 *   exhaust [--list] [NAME...]
 *
 * Each resource is taken in a child that is not root until a call fails or LIMIT are held, then given back by the child's end. Prints
 * "NAME COUNT ERROR" each; exit status 0 if every refusal was one that the manual pages allow. What is under test is that
 * the kernel refuses, and lives.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LIMIT 1000000l
#define SECONDS 8

/* Takes number `i`; 0 if it was given, -1 and errno if not. */
typedef int (*take_fn)(long i);

static int take_mappings(long i)
{
	/* Neighbours with other protections do not merge. */
	return mmap(NULL, 4096, i & 1 ? PROT_READ : PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0;
}

static int take_touched_pages(long i)
{
	(void)i;
	char *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return -1;
	for (long at = 0; at < 1 << 20; at += 4096)
		p[at] = 1;
	return 0;
}

static int take_sparse_pages(long i)
{
	/* One page in each 2 MiB wants a page table of its own. */
	static char *base;
	if (base == NULL) {
		base = mmap(NULL, 1l << 40, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (base == MAP_FAILED)
			return -1;
	}
	if (i >= 1l << 19) {
		errno = ENOMEM;
		return -1;
	}
	base[i << 21] = 1;
	return 0;
}

static int take_files(long i)
{
	char name[32];
	snprintf(name, sizeof name, "f%ld", i);
	int fd = open(name, O_WRONLY | O_CREAT, 0600);
	return fd < 0 ? -1 : close(fd);
}

static int take_long_names(long i)
{
	char name[256];
	memset(name, 'n', 255);
	name[255] = 0;
	snprintf(name, 16, "%015ld", i);
	name[15] = 'n';
	return mknod(name, S_IFREG | 0600, 0);
}

static int take_folders(long i)
{
	char name[32];
	snprintf(name, sizeof name, "d%ld", i);
	return mkdir(name, 0700);
}

static int take_depth(long i)
{
	(void)i;
	return mkdir("d", 0700) < 0 ? -1 : chdir("d");
}

static int take_symlinks(long i)
{
	char name[32], to[2000];
	memset(to, 'x', sizeof to - 1);
	to[sizeof to - 1] = 0;
	snprintf(name, sizeof name, "s%ld", i);
	return symlink(to, name);
}

static int take_hard_links(long i)
{
	char name[32];
	if (i == 0)
		return mknod("h", S_IFREG | 0600, 0);
	snprintf(name, sizeof name, "h%ld", i);
	return link("h", name);
}

static int take_missing_names(long i)
{
	/* Names that do not exist cost a negative entry of the name cache. */
	char name[32];
	snprintf(name, sizeof name, "missing%ld", i);
	return access(name, F_OK) < 0 && errno == ENOENT ? 0 : -1;
}

static int take_file_pages(long i)
{
	static char block[1 << 20];
	static int fd = -1;
	(void)i;
	if (fd < 0)
		fd = open("big", O_WRONLY | O_CREAT, 0600);
	errno = ENOSPC;
	return write(fd, block, sizeof block) == sizeof block ? 0 : -1;
}

static int take_sparse_file_pages(long i)
{
	static int fd = -1;
	if (fd < 0)
		fd = open("sparse", O_WRONLY | O_CREAT, 0600);
	return pwrite(fd, "x", 1, (off_t)i << 30) == 1 ? 0 : -1;
}

static int take_descriptors(long i)
{
	(void)i;
	return open("/dev/null", O_RDONLY) < 0 ? -1 : 0;
}

static int take_pipes(long i)
{
	static char page[65536];
	int fds[2];
	(void)i;
	if (pipe2(fds, O_NONBLOCK) < 0)
		return -1;
	return write(fds[1], page, sizeof page) > 0 || errno == EAGAIN ? 0 : -1;
}

static int take_eventfds(long i)
{
	(void)i;
	return eventfd(0, 0) < 0 ? -1 : 0;
}

static int take_timerfds(long i)
{
	struct itimerspec t = { { 1, 0 }, { 1, 0 } };
	(void)i;
	int fd = timerfd_create(CLOCK_MONOTONIC, 0);
	return fd < 0 ? -1 : timerfd_settime(fd, 0, &t, NULL);
}

static int take_epolls(long i)
{
	static int zero = -1;
	struct epoll_event e = { .events = EPOLLIN };
	int fds[2];
	(void)i;
	if (zero < 0)
		zero = epoll_create1(0);
	if (pipe(fds) < 0)
		return -1;
	return epoll_ctl(zero, EPOLL_CTL_ADD, fds[0], &e);
}

static int take_record_locks(long i)
{
	static int fd = -1;
	if (fd < 0)
		fd = open("locks", O_RDWR | O_CREAT, 0600);
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = i * 2, .l_len = 1 };
	return fcntl(fd, F_SETLK, &lock);
}

static int take_posix_timers(long i)
{
	struct sigevent event = { .sigev_notify = SIGEV_NONE };
	timer_t timer;
	(void)i;
	return timer_create(CLOCK_MONOTONIC, &event, &timer);
}

static int take_queued_signals(long i)
{
	sigset_t set;
	if (i == 0) {
		sigemptyset(&set);
		sigaddset(&set, SIGRTMIN);
		sigprocmask(SIG_BLOCK, &set, NULL);
	}
	return sigqueue(getpid(), SIGRTMIN, (union sigval){ .sival_int = i });
}

static int take_processes(long i)
{
	(void)i;
	pid_t pid = fork();
	if (pid == 0)
		for (;;)
			pause();
	return pid < 0 ? -1 : 0;
}

static int take_zombies(long i)
{
	(void)i;
	pid_t pid = vfork();
	if (pid == 0)
		_exit(0);
	return pid < 0 ? -1 : 0;
}

static int take_threads(long i)
{
	static char stacks[1 << 20];
	if (i >= (long)sizeof stacks / 1024) {
		errno = EAGAIN;
		return -1;
	}
	/* A thread that waits for ever in pause(2), made without the library. */
	long flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
	long result;
	register long r10 __asm__("r10") = 0;
	register long r8 __asm__("r8") = 0;
	__asm__ volatile("syscall\n\t"
			 "test %%rax, %%rax\n\t"
			 "jnz 1f\n"
			 "0:\tmov $34, %%eax\n\t"
			 "syscall\n\t"
			 "jmp 0b\n"
			 "1:"
			 : "=a"(result)
			 : "a"(SYS_clone), "D"(flags), "S"(stacks + (i + 1) * 1024), "d"(0), "r"(r10), "r"(r8)
			 : "rcx", "r11", "memory");
	if (result < 0) {
		errno = -result;
		return -1;
	}
	return 0;
}

static int take_arguments(long i)
{
	/* Environments of processes that wait. */
	static char *envp[200], value[60000];
	char *argv[] = { "sleep", "100", NULL };
	(void)i;
	if (envp[0] == NULL) {
		memset(value, 'v', sizeof value - 1);
		for (int k = 0; k < 20; k++)
			envp[k] = value;
	}
	pid_t pid = fork();
	if (pid == 0) {
		execve("/bin/sleep", argv, envp);
		_exit(1);
	}
	return pid < 0 ? -1 : 0;
}

static int take_terminals(long i)
{
	(void)i;
	return open("/dev/ptmx", O_RDWR | O_NOCTTY) < 0 ? -1 : 0;
}

static int take_memfds(long i)
{
	int fd = syscall(SYS_memfd_create, "m", 0);
	(void)i;
	return fd < 0 ? -1 : write(fd, "x", 1) == 1 ? 0 : -1;
}

static int take_segments(long i)
{
	int id = shmget(IPC_PRIVATE, 1 << 20, IPC_CREAT | 0600);
	char *at = id < 0 ? (char *)-1 : shmat(id, NULL, 0);
	(void)i;
	if (at == (char *)-1)
		return -1;
	at[4096] = 1;
	return shmdt(at);
}

static int take_semaphores(long i)
{
	int id = semget(IPC_PRIVATE, 32000, IPC_CREAT | 0600);
	struct sembuf up = { 31999, 1, SEM_UNDO };
	(void)i;
	return id < 0 ? -1 : semop(id, &up, 1);
}

static int take_messages(long i)
{
	static struct { long type; char text[8192]; } m = { 1, "" };
	static int id;
	if (i % 2 == 0 && (id = msgget(IPC_PRIVATE, IPC_CREAT | 0600)) < 0)
		return -1;
	return msgsnd(id, &m, sizeof m.text, IPC_NOWAIT);
}

/* System V objects outlive who made them. */
static void remove_sysv(void)
{
	struct shmid_ds segment;
	struct msqid_ds queue;
	struct semid_ds set;
	for (int i = 0; i < 32768; i++) {
		int id = shmctl(i, SHM_STAT, &segment);
		if (id >= 0)
			shmctl(id, IPC_RMID, NULL);
		if ((id = msgctl(i, MSG_STAT, &queue)) >= 0)
			msgctl(id, IPC_RMID, NULL);
		if ((id = semctl(i, 0, SEM_STAT, &set)) >= 0)
			semctl(id, 0, IPC_RMID);
	}
}

static const struct {
	const char *name;
	take_fn take;
} all[] = {
	{ "mappings", take_mappings },
	{ "touched-pages", take_touched_pages },
	{ "sparse-pages", take_sparse_pages },
	{ "files", take_files },
	{ "long-names", take_long_names },
	{ "folders", take_folders },
	{ "depth", take_depth },
	{ "symlinks", take_symlinks },
	{ "hard-links", take_hard_links },
	{ "missing-names", take_missing_names },
	{ "file-pages", take_file_pages },
	{ "sparse-file-pages", take_sparse_file_pages },
	{ "descriptors", take_descriptors },
	{ "pipes", take_pipes },
	{ "eventfds", take_eventfds },
	{ "timerfds", take_timerfds },
	{ "epolls", take_epolls },
	{ "record-locks", take_record_locks },
	{ "posix-timers", take_posix_timers },
	{ "queued-signals", take_queued_signals },
	{ "processes", take_processes },
	{ "zombies", take_zombies },
	{ "threads", take_threads },
	{ "arguments", take_arguments },
	{ "terminals", take_terminals },
	{ "memfds", take_memfds },
	{ "segments", take_segments },
	{ "semaphores", take_semaphores },
	{ "messages", take_messages },
};
#define COUNT (int)(sizeof all / sizeof all[0])

struct result {
	volatile long count;
	volatile int err;
};

static int allowed(int err)
{
	switch (err) {
	case 0:
	case ENOMEM:
	case EAGAIN:
	case EMFILE:
	case ENFILE:
	case ENOSPC:
	case EDQUOT:
	case EMLINK:
	case ENOLCK:
	case EFBIG:
	case E2BIG:
	case ENAMETOOLONG:
		return 1;
	}
	return 0;
}

static void take_all(int k, struct result *result)
{
	/* Descriptors by the hundred thousand; the soft limit of a shell is 1024. */
	struct rlimit files = { 100000, 100000 };
	setrlimit(RLIMIT_NOFILE, &files);
	if (setgroups(0, NULL) < 0 || setresgid(65534, 65534, 65534) < 0 || setresuid(65534, 65534, 65534) < 0)
		_exit(1);
	struct timespec start, now;
	clock_gettime(CLOCK_MONOTONIC, &start);
	while (result->count < LIMIT) {
		if (all[k].take(result->count) < 0) {
			result->err = errno;
			break;
		}
		result->count++;
		if (result->count % 64 == 0) {
			clock_gettime(CLOCK_MONOTONIC, &now);
			if (now.tv_sec - start.tv_sec >= SECONDS)
				break;
		}
	}
	/* rm(1) does not reach what is deeper than the longest path. */
	if (all[k].take == take_depth)
		while (chdir("..") == 0 && rmdir("d") == 0)
			;
	_exit(0);
}

static void remove_tree(const char *path)
{
	pid_t pid = fork();
	if (pid == 0) {
		execl("/bin/rm", "rm", "-rf", path, (char *)NULL);
		_exit(127);
	}
	waitpid(pid, NULL, 0);
}

static int exhaust(int k)
{
	struct result *result = mmap(NULL, sizeof *result, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	char folder[64];
	int status;
	snprintf(folder, sizeof folder, "/tmp/exhaust-%s", all[k].name);
	if (result == MAP_FAILED || mkdir(folder, 0700) < 0 || chown(folder, 65534, 65534) < 0) {
		printf("%s: %s\n", all[k].name, strerror(errno));
		return 0;
	}
	pid_t pid = fork();
	if (pid == 0) {
		setpgid(0, 0);
		if (chdir(folder) < 0)
			_exit(1);
		take_all(k, result);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid) {
		printf("%s: %s\n", all[k].name, strerror(errno));
		return 0;
	}
	kill(-pid, SIGKILL);
	usleep(100000);
	remove_tree(folder);
	remove_sysv();
	/* A process that wants too much memory may also be killed. */
	int ok = result->count > 0 && allowed(result->err) &&
		 (WIFEXITED(status) || (WIFSIGNALED(status) && (WTERMSIG(status) == SIGKILL || WTERMSIG(status) == SIGBUS)));
	printf("%s %ld %s%s%s\n", all[k].name, result->count, result->err ? strerror(result->err) : "-",
	       WIFSIGNALED(status) ? ", killed" : "", ok ? "" : " WRONG");
	munmap(result, sizeof *result);
	return ok;
}

int main(int argc, char **argv)
{
	int failed = 0;
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (int k = 0; k < COUNT; k++) {
		int wanted = argc == 1;
		for (int i = 1; i < argc; i++)
			wanted |= strcmp(argv[i], all[k].name) == 0;
		if (argc == 2 && strcmp(argv[1], "--list") == 0)
			puts(all[k].name);
		else if (wanted && !exhaust(k))
			failed++;
	}
	return failed != 0;
}
