/* Runs all tests, or those named; one line for each, then a summary. Exit status 0 when all passed. */
#include "abi.h"
#include <sys/wait.h>

static struct {
  const char *name;
  void (*run)(void);
} tests[256];
static int count;

void abi_add(const char *name, void (*run)(void)) {
  tests[count].name = name;
  tests[count++].run = run;
}

void abi_fail(const char *file, int line, const char *what, long got, long want) {
  printf("  %s:%d: %s is %ld, not %ld\n", strrchr(file, '/') ? strrchr(file, '/') + 1 : file, line, what, got, want);
  fflush(stdout);
  _exit(99);
}

static int selected(const char *name, int argc, char **argv) {
  for (int i = 1; i < argc; i++)
    if (strcmp(argv[i], name) == 0) return 1;
  return argc == 1;
}

int main(int argc, char **argv) {
  int passed = 0, failed = 0;
  setvbuf(stdout, NULL, _IOLBF, 0);
  for (int i = 0; i < count; i++) {
    if (!selected(tests[i].name, argc, argv)) continue;
    pid_t pid = fork();
    if (pid == 0) {
      setpgid(0, 0);
      alarm(20);
      tests[i].run();
      _exit(0);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    kill(-pid, SIGKILL);
    while (waitpid(-1, NULL, WNOHANG) > 0) continue;
    if (status == 0) {
      printf("ok %s\n", tests[i].name);
      passed++;
    } else {
      printf("FAIL %s (status %#x)\n", tests[i].name, status);
      failed++;
    }
  }
  printf("%d passed, %d failed\n", passed, failed);
  return failed != 0;
}
