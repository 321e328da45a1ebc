/*
 * What basic operations of a kernel cost, seen from a user program.
 *
 *   probe [NAME...]       runs all measurements or those named; one line "NAME UNIT VALUE" each
 *   probe --list          prints their names and units
 *
 * A measurement is calibrated until one repetition lasts REPETITION_NS, repeated REPETITIONS times, and the median is
 * printed. The forms follow lmbench. Files live in the current directory, which should be a memory file system.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define REPETITIONS 5
#define REPETITION_NS 150000000ull
#define PAGE 4096
#define ANON_PAGES 256
#define FILE_PAGES 2048
#define CHUNK 65536

static const char *self;

static void die(const char *what)
{
	fprintf(stderr, "probe: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000ull + t.tv_nsec;
}

static void must(int ok, const char *what)
{
	if (!ok)
		die(what);
}

/* Runs `n` operations and gives the ns they took. */
typedef uint64_t (*measure_fn)(long n);

static uint64_t m_getpid(long n)
{
	uint64_t t = now();
	for (long i = 0; i < n; i++)
		syscall(SYS_getpid);
	return now() - t;
}

static uint64_t m_read_zero(long n)
{
	char c;
	int fd = open("/dev/zero", O_RDONLY);
	must(fd >= 0, "/dev/zero");
	uint64_t t = now();
	for (long i = 0; i < n; i++)
		must(read(fd, &c, 1) == 1, "read");
	t = now() - t;
	close(fd);
	return t;
}

static uint64_t m_write_null(long n)
{
	char c = 0;
	int fd = open("/dev/null", O_WRONLY);
	must(fd >= 0, "/dev/null");
	uint64_t t = now();
	for (long i = 0; i < n; i++)
		must(write(fd, &c, 1) == 1, "write");
	t = now() - t;
	close(fd);
	return t;
}

static uint64_t m_stat(long n)
{
	struct stat st;
	int fd = open("probe.stat", O_RDWR | O_CREAT, 0644);
	must(fd >= 0, "probe.stat");
	close(fd);
	uint64_t t = now();
	for (long i = 0; i < n; i++)
		must(stat("probe.stat", &st) == 0, "stat");
	t = now() - t;
	unlink("probe.stat");
	return t;
}

static uint64_t m_open_close(long n)
{
	int fd = open("probe.open", O_RDWR | O_CREAT, 0644);
	must(fd >= 0, "probe.open");
	close(fd);
	uint64_t t = now();
	for (long i = 0; i < n; i++) {
		fd = open("probe.open", O_RDONLY);
		must(fd >= 0, "open");
		close(fd);
	}
	t = now() - t;
	unlink("probe.open");
	return t;
}

static void reap(pid_t pid)
{
	int status;
	must(waitpid(pid, &status, 0) == pid, "waitpid");
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		fprintf(stderr, "probe: a child ended with status 0x%x\n", status);
		exit(1);
	}
}

static uint64_t m_pipe_pingpong(long n)
{
	int to[2], from[2];
	char c = 0;
	must(pipe(to) == 0 && pipe(from) == 0, "pipe");
	pid_t pid = fork();
	must(pid >= 0, "fork");
	if (pid == 0) {
		close(to[1]);
		close(from[0]);
		while (read(to[0], &c, 1) == 1)
			if (write(from[1], &c, 1) != 1)
				_exit(1);
		_exit(0);
	}
	close(to[0]);
	close(from[1]);
	must(write(to[1], &c, 1) == 1 && read(from[0], &c, 1) == 1, "pipe");
	uint64_t t = now();
	for (long i = 0; i < n; i++)
		must(write(to[1], &c, 1) == 1 && read(from[0], &c, 1) == 1, "pipe");
	t = now() - t;
	close(to[1]);
	close(from[0]);
	reap(pid);
	return t;
}

static uint64_t m_fork_exit_wait(long n)
{
	uint64_t t = now();
	for (long i = 0; i < n; i++) {
		pid_t pid = fork();
		must(pid >= 0, "fork");
		if (pid == 0)
			_exit(0);
		reap(pid);
	}
	return now() - t;
}

static uint64_t m_fork_exec_wait(long n)
{
	uint64_t t = now();
	for (long i = 0; i < n; i++) {
		pid_t pid = fork();
		must(pid >= 0, "fork");
		if (pid == 0) {
			execl(self, "probe", "--exit", (char *)NULL);
			_exit(127);
		}
		reap(pid);
	}
	return now() - t;
}

static uint64_t m_mmap_touch_munmap(long n)
{
	uint64_t t = now();
	for (long done = 0; done < n; done += ANON_PAGES) {
		char *p = mmap(NULL, ANON_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		must(p != MAP_FAILED, "mmap");
		for (long i = 0; i < ANON_PAGES; i++)
			((volatile char *)p)[i * PAGE] = 1;
		munmap(p, ANON_PAGES * PAGE);
	}
	return now() - t;
}

/* A file of FILE_PAGES pages whose contents are all in memory. */
static int cached_file(void)
{
	static char chunk[CHUNK];
	int fd = open("probe.file", O_RDWR | O_CREAT | O_TRUNC, 0644);
	must(fd >= 0, "probe.file");
	unlink("probe.file");
	memset(chunk, 'x', CHUNK);
	for (long i = 0; i < (long)FILE_PAGES * PAGE; i += CHUNK)
		must(write(fd, chunk, CHUNK) == CHUNK, "write probe.file");
	return fd;
}

static uint64_t m_file_fault(long n)
{
	int fd = cached_file();
	volatile char sink = 0;
	uint64_t total = 0;
	for (long done = 0; done < n; done += FILE_PAGES) {
		uint64_t t = now();
		char *p = mmap(NULL, (long)FILE_PAGES * PAGE, PROT_READ, MAP_SHARED, fd, 0);
		must(p != MAP_FAILED, "mmap");
		/* A stride that is prime to FILE_PAGES touches every page once, in no order. */
		for (long i = 0, page = 0; i < FILE_PAGES; i++, page = (page + 769) % FILE_PAGES)
			sink += ((volatile char *)p)[page * PAGE];
		munmap(p, (long)FILE_PAGES * PAGE);
		total += now() - t;
	}
	close(fd);
	return total;
}

static uint64_t m_pipe_bandwidth(long n)
{
	static char chunk[CHUNK];
	int fds[2];
	must(pipe(fds) == 0, "pipe");
	uint64_t t = now();
	pid_t pid = fork();
	must(pid >= 0, "fork");
	if (pid == 0) {
		close(fds[0]);
		for (long left = n; left > 0;) {
			ssize_t w = write(fds[1], chunk, left < CHUNK ? left : CHUNK);
			if (w <= 0)
				_exit(1);
			left -= w;
		}
		_exit(0);
	}
	close(fds[1]);
	long got = 0;
	for (ssize_t r; (r = read(fds[0], chunk, CHUNK)) > 0;)
		got += r;
	must(got == n, "short pipe");
	close(fds[0]);
	reap(pid);
	return now() - t;
}

static uint64_t m_file_read_bandwidth(long n)
{
	static char chunk[CHUNK];
	int fd = cached_file();
	uint64_t t = now();
	for (long done = 0; done < n;) {
		ssize_t r = read(fd, chunk, CHUNK);
		must(r >= 0, "read");
		if (r == 0)
			lseek(fd, 0, SEEK_SET);
		done += r;
	}
	t = now() - t;
	close(fd);
	return t;
}

static uint64_t m_sh_loop(long n)
{
	uint64_t t = now();
	for (long i = 0; i < n; i++) {
		pid_t pid = fork();
		must(pid >= 0, "fork");
		if (pid == 0) {
			execl("/bin/busybox", "sh", "-c", "i=0; while [ $i -lt 1000000 ]; do i=$((i+1)); done", (char *)NULL);
			_exit(127);
		}
		reap(pid);
	}
	return now() - t;
}

struct measurement {
	const char *name;
	const char *unit;	/* ns: per operation; MB/s: per byte; ms: for one, run once */
	measure_fn run;
	long granule;		/* operations come in multiples of this */
};

static const struct measurement all[] = {
	{ "getpid", "ns", m_getpid, 1 },
	{ "read-zero", "ns", m_read_zero, 1 },
	{ "write-null", "ns", m_write_null, 1 },
	{ "stat", "ns", m_stat, 1 },
	{ "open-close", "ns", m_open_close, 1 },
	{ "pipe-pingpong", "ns", m_pipe_pingpong, 1 },
	{ "fork-exit-wait", "ns", m_fork_exit_wait, 1 },
	{ "fork-exec-wait", "ns", m_fork_exec_wait, 1 },
	{ "mmap-touch-munmap", "ns", m_mmap_touch_munmap, ANON_PAGES },
	{ "file-fault", "ns", m_file_fault, FILE_PAGES },
	{ "pipe-bandwidth", "MB/s", m_pipe_bandwidth, CHUNK },
	{ "file-read-bandwidth", "MB/s", m_file_read_bandwidth, CHUNK },
	{ "sh-loop", "ms", m_sh_loop, 1 },
};
#define COUNT (sizeof all / sizeof all[0])

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static void measure(const struct measurement *m)
{
	if (strcmp(m->unit, "ms") == 0) {
		printf("%s %s %.1f\n", m->name, m->unit, m->run(1) / 1e6);
		return;
	}
	int bandwidth = strcmp(m->unit, "MB/s") == 0;
	long n = m->granule;
	for (;;) {
		uint64_t t = m->run(n);
		if (t >= REPETITION_NS / 2)
			break;
		/* Grow towards the goal, at most tenfold at once: short runs say little. */
		double factor = t < REPETITION_NS / 10 ? 10 : (double)REPETITION_NS / t;
		n = ((long)(n * factor) / m->granule + 1) * m->granule;
	}
	double values[REPETITIONS];
	for (int i = 0; i < REPETITIONS; i++) {
		uint64_t t = m->run(n);
		values[i] = bandwidth ? n * 1e3 / t : (double)t / n;
	}
	qsort(values, REPETITIONS, sizeof values[0], by_value);
	printf("%s %s %.1f\n", m->name, m->unit, values[REPETITIONS / 2]);
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "--exit") == 0)
		return 0;
	if (argc > 1 && strcmp(argv[1], "--list") == 0) {
		for (size_t i = 0; i < COUNT; i++)
			printf("%s %s\n", all[i].name, all[i].unit);
		return 0;
	}
	self = argv[0];
	if (strchr(self, '/') == NULL) {
		fprintf(stderr, "probe: start it by its path, it executes itself\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	int missing = 0;
	for (int a = 1; a < argc; a++) {
		size_t i = 0;
		while (i < COUNT && strcmp(argv[a], all[i].name) != 0)
			i++;
		if (i == COUNT) {
			fprintf(stderr, "probe: no measurement %s\n", argv[a]);
			missing = 1;
		}
	}
	if (missing)
		return 2;
	for (size_t i = 0; i < COUNT; i++) {
		int wanted = argc == 1;
		for (int a = 1; a < argc; a++)
			wanted |= strcmp(argv[a], all[i].name) == 0;
		if (wanted)
			measure(&all[i]);
	}
	return 0;
}
