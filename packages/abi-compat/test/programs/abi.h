/* A test is a function that runs in a process of its own; a check that fails ends it. */
#ifndef ABI_H
#define ABI_H
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

void abi_add(const char *name, void (*run)(void));
_Noreturn void abi_fail(const char *file, int line, const char *what, long got, long want);

#define TEST(name)                                                                                          \
  static void test_##name(void);                                                                            \
  __attribute__((constructor)) static void add_##name(void) { abi_add(#name, test_##name); }              \
  static void test_##name(void)

#define CHECK(condition)                                                                                    \
  do {                                                                                                      \
    if (!(condition)) abi_fail(__FILE__, __LINE__, #condition, errno, 0);                                   \
  } while (0)
#define EQUAL(expression, wanted)                                                                           \
  do {                                                                                                      \
    long got_ = (long)(expression), want_ = (long)(wanted);                                                 \
    if (got_ != want_) abi_fail(__FILE__, __LINE__, #expression, got_, want_);                              \
  } while (0)
#define FAILS(expression, error)                                                                            \
  do {                                                                                                      \
    errno = 0;                                                                                              \
    long got_ = (long)(expression);                                                                         \
    if (got_ != -1) abi_fail(__FILE__, __LINE__, #expression, got_, -1);                                    \
    if (errno != (error)) abi_fail(__FILE__, __LINE__, #expression " errno", errno, error);                 \
  } while (0)

/* Runs the block in a child and gives its wait status. */
#define CHILD_STATUS(...)                                                                                   \
  ({                                                                                                        \
    pid_t child_ = fork();                                                                                  \
    if (child_ == 0) {                                                                                      \
      __VA_ARGS__;                                                                                          \
      _exit(0);                                                                                             \
    }                                                                                                       \
    int status_ = -1;                                                                                       \
    waitpid(child_, &status_, 0);                                                                           \
    status_;                                                                                                \
  })
#endif
