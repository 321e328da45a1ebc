/*
 * The harness: usertests [--list] [NAME...]
 *
 * Prints "ok NAME" or "FAIL NAME: why" for each test and a last line "N passed, M failed". Exit status 0 if all passed.
 */
#include "ut.h"

#include <ftw.h>
#include <grp.h>
#include <stdarg.h>

#define TIMEOUT_S 30
#define FAILED 99

char *volatile ut_wild = (char *)8;

static struct test *first, **last = &first;
static pid_t running;
static volatile sig_atomic_t timed_out;

void ut_register(struct test *test)
{
	*last = test;
	last = &test->next;
}

void ut_fail(const char *file, int line, const char *format, ...)
{
	char text[1024];
	const char *base = strrchr(file, '/');
	int n = snprintf(text, sizeof text, "  %s:%d: ", base != NULL ? base + 1 : file, line);
	va_list args;
	va_start(args, format);
	n += vsnprintf(text + n, sizeof text - n, format, args);
	va_end(args);
	if (n > (int)sizeof text - 2)
		n = sizeof text - 2;
	text[n++] = '\n';
	if (write(2, text, n) < 0)
		_exit(FAILED);
	_exit(FAILED);
}

int ut_wait(pid_t pid)
{
	int status;
	pid_t got;
	do
		got = waitpid(pid, &status, 0);
	while (got < 0 && errno == EINTR);
	CHECK_EQ(got, pid);
	return status;
}

void ut_wait_exit(pid_t pid, int code)
{
	int status = ut_wait(pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == FAILED)
		_exit(FAILED);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != code)
		ut_fail(__FILE__, __LINE__, "a child ended with wait status 0x%x, not exit code %d", status, code);
}

void ut_wait_signal(pid_t pid, int sig)
{
	int status = ut_wait(pid);
	if (!WIFSIGNALED(status) || WTERMSIG(status) != sig)
		ut_fail(__FILE__, __LINE__, "a child ended with wait status 0x%x, not by signal %d", status, sig);
}

void ut_msleep(long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };
	while (nanosleep(&t, &t) < 0 && errno == EINTR)
		;
}

long ut_now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void ut_handler(int sig, void (*handler)(int), int flags)
{
	struct sigaction sa;
	memset(&sa, 0, sizeof sa);
	sa.sa_handler = handler;
	sa.sa_flags = flags;
	CHECK_EQ(sigaction(sig, &sa, NULL), 0);
}

void ut_write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	CHECK(fd >= 0);
	CHECK_EQ(write(fd, text, strlen(text)), strlen(text));
	CHECK_EQ(close(fd), 0);
}

const char *ut_read_file(const char *path)
{
	static char text[65536];
	int fd = open(path, O_RDONLY);
	CHECK(fd >= 0);
	size_t n = 0;
	for (ssize_t r; (r = read(fd, text + n, sizeof text - 1 - n)) > 0;)
		n += r;
	text[n] = 0;
	close(fd);
	return text;
}

void ut_drop_root(void)
{
	CHECK_EQ(chmod(".", 0777), 0);
	CHECK_EQ(setgroups(0, NULL), 0);
	CHECK_EQ(setresgid(65534, 65534, 65534), 0);
	CHECK_EQ(setresuid(65534, 65534, 65534), 0);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)ftw;
	return type == FTW_DP ? rmdir(path) : unlink(path);
}

static void on_alarm(int sig)
{
	(void)sig;
	timed_out = 1;
	kill(-running, SIGKILL);
	kill(running, SIGKILL);
}

static int run_one(const struct test *test)
{
	char folder[64];
	int status;
	snprintf(folder, sizeof folder, "/tmp/ut-%s", test->name);
	if (mkdir(folder, 0755) < 0) {
		printf("FAIL %s: mkdir %s: %s\n", test->name, folder, strerror(errno));
		return 0;
	}
	timed_out = 0;
	running = fork();
	if (running == 0) {
		setpgid(0, 0);
		signal(SIGALRM, SIG_DFL);
		if (chdir(folder) < 0)
			_exit(FAILED);
		umask(022);
		test->run();
		_exit(0);
	}
	if (running < 0) {
		printf("FAIL %s: fork: %s\n", test->name, strerror(errno));
		return 0;
	}
	alarm(TIMEOUT_S);
	while (waitpid(running, &status, 0) < 0 && errno == EINTR)
		;
	alarm(0);
	/* Whatever the test left behind. */
	kill(-running, SIGKILL);
	nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	if (timed_out)
		printf("FAIL %s: time-out\n", test->name);
	else if (WIFSIGNALED(status))
		printf("FAIL %s: killed by signal %d\n", test->name, WTERMSIG(status));
	else if (WEXITSTATUS(status) != 0)
		printf("FAIL %s\n", test->name);
	else
		printf("ok %s\n", test->name);
	return !timed_out && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int main(int argc, char **argv)
{
	int passed = 0, failed = 0;
	if (argc > 1 && strcmp(argv[1], "--list") == 0) {
		for (struct test *t = first; t != NULL; t = t->next)
			puts(t->name);
		return 0;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	/* Shells start programs with some signals ignored. */
	for (int sig = 1; sig < 32; sig++)
		signal(sig, SIG_DFL);
	struct sigaction sa;
	memset(&sa, 0, sizeof sa);
	sa.sa_handler = on_alarm;
	sigaction(SIGALRM, &sa, NULL);
	for (struct test *t = first; t != NULL; t = t->next) {
		int wanted = argc == 1;
		for (int i = 1; i < argc; i++)
			wanted |= strcmp(argv[i], t->name) == 0;
		if (!wanted)
			continue;
		if (run_one(t))
			passed++;
		else
			failed++;
	}
	printf("%d passed, %d failed\n", passed, failed);
	return failed != 0 || passed == 0;
}
