/*
 * Checks of what POSIX and Linux promise to programs, after the manner of xv6's usertests: each test runs in a process
 * group of its own, in an empty folder of its own, and can be run by name.
 *
 * A test is a function TEST(name) { ... } anywhere in this folder. It passes if it returns; a failed CHECK ends it.
 */
#ifndef UT_H
#define UT_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct test {
	const char *name;
	void (*run)(void);
	struct test *next;
};

/* An address that is never mapped; volatile, so that the compiler does not reason about it. */
extern char *volatile ut_wild;

void ut_register(struct test *test);
void ut_fail(const char *file, int line, const char *format, ...) __attribute__((noreturn, format(printf, 3, 4)));

#define TEST(ident)                                                                                                    \
	static void test_##ident(void);                                                                                \
	__attribute__((constructor)) static void register_##ident(void)                                                \
	{                                                                                                              \
		static struct test test = { #ident, test_##ident, NULL };                                              \
		ut_register(&test);                                                                                    \
	}                                                                                                              \
	static void test_##ident(void)

/* The condition holds. */
#define CHECK(cond)                                                                                                    \
	do {                                                                                                           \
		if (!(cond))                                                                                           \
			ut_fail(__FILE__, __LINE__, "%s (errno %d)", #cond, errno);                                    \
	} while (0)

/* Two integers are equal. */
#define CHECK_EQ(got, want)                                                                                            \
	do {                                                                                                           \
		long long got_ = (long long)(got), want_ = (long long)(want);                                          \
		if (got_ != want_)                                                                                     \
			ut_fail(__FILE__, __LINE__, "%s is %lld, not %lld (errno %d)", #got, got_, want_, errno);      \
	} while (0)

/* The call fails with exactly this errno. */
#define CHECK_ERR(call, want)                                                                                          \
	do {                                                                                                           \
		errno = 0;                                                                                             \
		long long got_ = (long long)(call);                                                                    \
		int err_ = errno;                                                                                      \
		if (got_ != -1 || err_ != (want))                                                                      \
			ut_fail(__FILE__, __LINE__, "%s gives %lld, errno %d (%s), not -1, errno %d (%s)", #call,       \
				got_, err_, strerror(err_), (want), strerror(want));                                   \
	} while (0)

#define CHECK_STR(got, want)                                                                                           \
	do {                                                                                                           \
		const char *got_ = (got), *want_ = (want);                                                             \
		if (strcmp(got_, want_) != 0)                                                                          \
			ut_fail(__FILE__, __LINE__, "%s is \"%s\", not \"%s\"", #got, got_, want_);                    \
	} while (0)

/* Forks; the child runs `body` (a statement) and exits 0. Gives the child's pid. */
#define FORK(...)                                                                                                      \
	({                                                                                                             \
		pid_t pid_ = fork();                                                                                   \
		CHECK(pid_ >= 0);                                                                                      \
		if (pid_ == 0) {                                                                                       \
			__VA_ARGS__;                                                                                          \
			_exit(0);                                                                                      \
		}                                                                                                      \
		pid_;                                                                                                  \
	})

/* Waits for the child and gives its wait status. */
int ut_wait(pid_t pid);
/* Waits for the child, which must exit with `code`; a failed CHECK in it fails here too. */
void ut_wait_exit(pid_t pid, int code);
/* Waits for the child, which must die by `sig`. */
void ut_wait_signal(pid_t pid, int sig);
void ut_msleep(long ms);
long ut_now_ms(void);
/* Installs a handler with the given flags. */
void ut_handler(int sig, void (*handler)(int), int flags);
/* Writes a file with this text; reads a whole file (static buffer). */
void ut_write_file(const char *path, const char *text);
const char *ut_read_file(const char *path);
/* Becomes the user nobody, for tests of permissions. */
void ut_drop_root(void);

#endif
