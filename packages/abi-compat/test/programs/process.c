/* Starting programs and processes: clone in its forms, exec of good and of bad files, what a program finds at its start. */
#include "abi.h"
#include <elf.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <spawn.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <asm/prctl.h>

extern char **environ;

TEST(auxiliary_vector) {
  EQUAL(getauxval(AT_PAGESZ), 4096);
  EQUAL(getauxval(AT_UID), getuid());
  EQUAL(getauxval(AT_EGID), getegid());
  EQUAL(getauxval(AT_CLKTCK), 100);
  EQUAL(getauxval(AT_SECURE), 0);
  EQUAL(getauxval(AT_PHENT), sizeof(Elf64_Phdr));
  CHECK(getauxval(AT_PHNUM) >= 2);
  CHECK(strcmp((char *)getauxval(AT_PLATFORM), "x86_64") == 0);
  CHECK(strlen((char *)getauxval(AT_EXECFN)) > 0);
  const Elf64_Phdr *ph = (const Elf64_Phdr *)getauxval(AT_PHDR);
  int loads = 0;
  for (unsigned long i = 0; i < getauxval(AT_PHNUM); i++) loads += ph[i].p_type == PT_LOAD;
  CHECK(loads >= 1);
  uint64_t random[2], zero[2] = {0, 0};
  memcpy(random, (void *)getauxval(AT_RANDOM), 16);
  CHECK(memcmp(random, zero, 16) != 0);
  CHECK(getauxval(AT_MINSIGSTKSZ) >= 1024);
}

TEST(fs_base) {
  unsigned long fs = 0, gs = 1;
  EQUAL(syscall(SYS_arch_prctl, ARCH_GET_FS, &fs), 0);
  CHECK(fs != 0);
  EQUAL(syscall(SYS_arch_prctl, ARCH_GET_GS, &gs), 0);
  EQUAL(gs, 0);
  static uint64_t word = 0x1234567812345678;
  EQUAL(syscall(SYS_arch_prctl, ARCH_SET_GS, &word), 0);
  uint64_t v;
  __asm__ volatile("mov %%gs:0, %0" : "=r"(v));
  EQUAL(v, word);
  sched_yield();
  __asm__ volatile("mov %%gs:0, %0" : "=r"(v));
  EQUAL(v, word);
  FAILS(syscall(SYS_arch_prctl, ARCH_SET_FS, 1UL << 63), EPERM);
  FAILS(syscall(SYS_arch_prctl, 0x9999, 0), EINVAL);
  FAILS(syscall(SYS_arch_prctl, ARCH_GET_FS, 8), EFAULT);
}

TEST(vfork_shares_memory_until_exec) {
  volatile int shared = 0;
  pid_t pid = vfork();
  if (pid == 0) {
    shared = 5;
    _exit(3);
  }
  int status;
  EQUAL(shared, 5);
  EQUAL(waitpid(pid, &status, 0), pid);
  EQUAL(WEXITSTATUS(status), 3);
}

TEST(spawn_and_its_errors) {
  pid_t pid;
  char *argv[] = {"sh", "-c", "exit 9", NULL};
  int status;
  EQUAL(posix_spawn(&pid, "/bin/sh", NULL, NULL, argv, environ), 0);
  EQUAL(waitpid(pid, &status, 0), pid);
  EQUAL(WEXITSTATUS(status), 9);
  EQUAL(posix_spawn(&pid, "/no/such/program", NULL, NULL, argv, environ), ENOENT);
}

TEST(clone3_makes_processes) {
  struct clone_args a = {.exit_signal = SIGCHLD};
  pid_t tid = 0;
  a.flags = CLONE_PARENT_SETTID;
  a.parent_tid = (uint64_t)&tid;
  long pid = syscall(SYS_clone3, &a, sizeof a);
  if (pid == 0) _exit(4);
  CHECK(pid > 0);
  EQUAL(tid, pid);
  int status;
  EQUAL(waitpid((pid_t)pid, &status, 0), pid);
  EQUAL(WEXITSTATUS(status), 4);
  FAILS(syscall(SYS_clone3, &a, 8), EINVAL);
  FAILS(syscall(SYS_clone3, 8, sizeof a), EFAULT);
  struct {
    struct clone_args a;
    uint64_t more;
  } big = {{.exit_signal = SIGCHLD}, 1};
  FAILS(syscall(SYS_clone3, &big, sizeof big), E2BIG);
  a.flags = CLONE_SIGHAND;
  FAILS(syscall(SYS_clone3, &a, sizeof a), EINVAL);
  a.flags = 0;
  a.exit_signal = 99;
  FAILS(syscall(SYS_clone3, &a, sizeof a), EINVAL);
}

TEST(clone_flags_that_do_not_go_together) {
  FAILS(syscall(SYS_clone, CLONE_THREAD, 0, 0, 0, 0), EINVAL);
  FAILS(syscall(SYS_clone, CLONE_SIGHAND, 0, 0, 0, 0), EINVAL);
}

static int in_thread(void *arg) {
  *(int *)arg = (int)syscall(SYS_gettid);
  return 0;
}

TEST(child_tid_is_cleared_at_the_end) {
  static char stack[65536];
  static volatile int tid, seen;
  int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID | CLONE_PARENT_SETTID;
  int parent = 0;
  tid = 1;
  int made = clone(in_thread, stack + sizeof stack, flags, (void *)&seen, &parent, NULL, (void *)&tid);
  CHECK(made > 0);
  while (tid != 0) {
    int now = tid;
    if (now != 0) syscall(SYS_futex, &tid, 0, now, NULL);
  }
  EQUAL(seen, made);
  EQUAL(parent, made);
}

static void write_file(const char *name, const void *bytes, size_t size, mode_t mode) {
  int fd = open(name, O_CREAT | O_TRUNC | O_WRONLY, 0700);
  CHECK(fd >= 0);
  EQUAL(write(fd, bytes, size), (long)size);
  EQUAL(fchmod(fd, mode), 0);
  close(fd);
}

/* The smallest program: exit(42). */
struct tiny {
  Elf64_Ehdr eh;
  Elf64_Phdr ph[2];
  unsigned char code[16];
};

static struct tiny tiny(void) {
  struct tiny t = {
      .eh = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
             .e_type = ET_EXEC,
             .e_machine = EM_X86_64,
             .e_version = 1,
             .e_entry = 0x10000000 + offsetof(struct tiny, code),
             .e_phoff = sizeof(Elf64_Ehdr),
             .e_ehsize = sizeof(Elf64_Ehdr),
             .e_phentsize = sizeof(Elf64_Phdr),
             .e_phnum = 1},
      .ph = {{.p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_vaddr = 0x10000000, .p_filesz = sizeof t, .p_memsz = sizeof t, .p_align = 4096}},
      .code = {0xbf, 42, 0, 0, 0, 0xb8, 60, 0, 0, 0, 0x0f, 0x05},
  };
  return t;
}

static int run(const char *name) {
  int status = CHILD_STATUS({
    char *argv[] = {(char *)name, NULL};
    execv(name, argv);
    _exit(100 + (errno & 63));
  });
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

#define ENOEXEC_STATUS (100 + ENOEXEC)

TEST(smallest_program_and_damaged_ones) {
  char dir[] = "/tmp/abi-XXXXXX";
  CHECK(mkdtemp(dir) != NULL);
  EQUAL(chdir(dir), 0);
  struct tiny t = tiny();
  write_file("tiny", &t, sizeof t, 0755);
  EQUAL(run("./tiny"), 42);

  t.ph[0].p_memsz += 100000;
  t.ph[0].p_flags |= PF_W;
  write_file("bss", &t, sizeof t, 0755);
  EQUAL(run("./bss"), 42);

  t = tiny();
  t.eh.e_type = ET_DYN;
  t.eh.e_entry -= 0x10000000;
  t.ph[0].p_vaddr = 0;
  write_file("pie", &t, sizeof t, 0755);
  EQUAL(run("./pie"), 42);

  t = tiny();
  t.eh.e_machine = EM_AARCH64;
  write_file("arm", &t, sizeof t, 0755);
  EQUAL(run("./arm"), ENOEXEC_STATUS);
  t = tiny();
  t.eh.e_phnum = 0;
  write_file("none", &t, sizeof t, 0755);
  EQUAL(run("./none"), ENOEXEC_STATUS);
  t = tiny();
  write_file("short", &t, 40, 0755);
  EQUAL(run("./short"), ENOEXEC_STATUS);
  write_file("text", "not a program", 13, 0755);
  EQUAL(run("./text"), ENOEXEC_STATUS);
  write_file("empty", "", 0, 0755);
  EQUAL(run("./empty"), ENOEXEC_STATUS);
  t = tiny();
  write_file("mode", &t, sizeof t, 0644);
  EQUAL(run("./mode"), 100 + EACCES);
  EQUAL(run("/"), 100 + EACCES);

  /* Whatever the headers say, the old program goes on or the new one dies by a signal. */
  unsigned seed = 7;
  for (int i = 0; i < 300; i++) {
    t = tiny();
    t.eh.e_phnum = 2;
    t.ph[1] = t.ph[0];
    t.ph[1].p_vaddr = 0x20000000;
    for (int k = 0; k < 4; k++) ((unsigned char *)&t)[16 + rand_r(&seed) % (sizeof t - 32)] = (unsigned char)rand_r(&seed);
    write_file("wild", &t, sizeof t, 0755);
    int r = run("./wild");
    CHECK(r < 0 || r < 256);
  }
}

TEST(scripts) {
  char dir[] = "/tmp/abi-XXXXXX";
  CHECK(mkdtemp(dir) != NULL);
  EQUAL(chdir(dir), 0);
  write_file("s", "#!/bin/sh\nexit 5\n", 17, 0755);
  EQUAL(run("./s"), 5);
  write_file("s2", "#! ./s\n", 7, 0755);
  EQUAL(run("./s2"), 5);
  write_file("s3", "#!/no/such\n", 11, 0755);
  EQUAL(run("./s3"), 100 + ENOENT);
  write_file("loop", "#!./loop\n", 9, 0755);
  EQUAL(run("./loop"), 100 + ELOOP);
}

TEST(exec_from_a_descriptor) {
  struct tiny t = tiny();
  int fd = (int)syscall(SYS_memfd_create, "tiny", 0);
  CHECK(fd >= 0);
  EQUAL(write(fd, &t, sizeof t), (long)sizeof t);
  char *argv[] = {"tiny", NULL};
  int status = CHILD_STATUS({
    syscall(SYS_execveat, fd, "", argv, environ, AT_EMPTY_PATH);
    _exit(1);
  });
  EQUAL(WEXITSTATUS(status), 42);
  FAILS(syscall(SYS_execveat, fd, "", argv, environ, AT_EMPTY_PATH | 0x80000), EINVAL);
}

TEST(exec_arguments) {
  char *big = malloc(200000);
  memset(big, 'x', 199999);
  big[199999] = 0;
  char *argv[] = {"true", big, NULL};
  FAILS(execv("/bin/true", argv), E2BIG);
  FAILS(execv("/bin/true", (char **)8), EFAULT);
  FAILS(syscall(SYS_execve, 8, NULL, NULL), EFAULT);
  char *bad[] = {"true", (char *)8, NULL};
  FAILS(execv("/bin/true", bad), EFAULT);
  char *many[2002];
  for (int i = 0; i < 2000; i++) many[i] = "0123456789";
  many[0] = "sh";
  many[1] = "-c";
  many[2] = "exit $(( $# % 256 ))";
  many[2000] = NULL;
  int status = CHILD_STATUS({
    execv("/bin/sh", many);
    _exit(1);
  });
  EQUAL(WEXITSTATUS(status), 1996 % 256);
}

TEST(exec_resets_handlers_and_keeps_ignored_signals) {
  signal(SIGUSR1, SIG_IGN);
  int status = CHILD_STATUS({
    execl("/bin/sh", "sh", "-c", "kill -USR1 $$; exit 6", NULL);
    _exit(1);
  });
  EQUAL(WEXITSTATUS(status), 6);
}

TEST(waitid_forms) {
  siginfo_t info;
  pid_t pid = fork();
  if (pid == 0) _exit(11);
  EQUAL(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
  EQUAL(info.si_pid, pid);
  EQUAL(info.si_status, 11);
  EQUAL(info.si_code, CLD_EXITED);
  EQUAL(info.si_signo, SIGCHLD);
  struct rusage u;
  EQUAL(syscall(SYS_waitid, P_ALL, 0, &info, WEXITED, &u), 0);
  FAILS(waitid(P_ALL, 0, &info, WEXITED), ECHILD);
  pid = fork();
  if (pid == 0) {
    raise(SIGSTOP);
    pause();
  }
  EQUAL(waitid(P_PID, (id_t)pid, &info, WSTOPPED), 0);
  EQUAL(info.si_code, CLD_STOPPED);
  info.si_pid = 5;
  EQUAL(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG), 0);
  EQUAL(info.si_pid, 0);
  kill(pid, SIGCONT);
  EQUAL(waitid(P_PID, (id_t)pid, &info, WCONTINUED), 0);
  EQUAL(info.si_code, CLD_CONTINUED);
  kill(pid, SIGKILL);
  int status;
  EQUAL(wait4(pid, &status, 0, &u), pid);
  EQUAL(WTERMSIG(status), SIGKILL);
  FAILS(waitid(P_ALL, 0, &info, 0), EINVAL);
}

TEST(names_of_threads) {
  char name[16];
  EQUAL(prctl(PR_SET_NAME, "a name that is too long"), 0);
  EQUAL(prctl(PR_GET_NAME, name), 0);
  CHECK(strcmp(name, "a name that is ") == 0);
  FAILS(prctl(PR_SET_NAME, 8), EFAULT);
  FAILS(prctl(12345, 0), EINVAL);
}

TEST(unknown_calls) {
  FAILS(syscall(400), ENOSYS);
  FAILS(syscall(1000), ENOSYS);
  FAILS(syscall(-1), ENOSYS);
  FAILS(syscall(0x7fffffff), ENOSYS);
  FAILS(syscall(180), ENOSYS);
}

TEST(limits) {
  struct rlimit r, old;
  EQUAL(getrlimit(RLIMIT_CORE, &old), 0);
  EQUAL(getrlimit(RLIMIT_AS, &r), 0);
  EQUAL(r.rlim_cur, RLIM_INFINITY);
  r = (struct rlimit){100, 50};
  FAILS(setrlimit(RLIMIT_NOFILE, &r), EINVAL);
  FAILS(getrlimit(99, &r), EINVAL);
  r = (struct rlimit){20, 64};
  EQUAL(prlimit(0, RLIMIT_NOFILE, &r, &old), 0);
  EQUAL(prlimit(getpid(), RLIMIT_NOFILE, NULL, &r), 0);
  EQUAL(r.rlim_cur, 20);
  EQUAL(r.rlim_max, 64);
  FAILS(dup2(1, 30), EBADF);
  FAILS(prlimit(0, RLIMIT_NOFILE, (void *)8, NULL), EFAULT);
  FAILS(prlimit(99999999, RLIMIT_NOFILE, NULL, &r), ESRCH);
}

TEST(memory_of_another_process) {
  static char page[3 * 4096] __attribute__((aligned(4096)));
  int p[2];
  EQUAL(pipe(p), 0);
  memset(page, 'a', sizeof page);
  pid_t pid = fork();
  if (pid == 0) {
    memset(page, 'b', sizeof page);
    (void)!write(p[1], "x", 1);
    while (page[5000] != 'z') usleep(1000);
    _exit(page[4999] == 'b' && page[5001] == 'b' ? 0 : 1);
  }
  char c, in[9000];
  EQUAL(read(p[0], &c, 1), 1);
  struct iovec local[2] = {{in, 10}, {in + 10, 8990}}, remote[2] = {{page + 100, 4000}, {page + 4100, 5000}};
  EQUAL(process_vm_readv(pid, local, 2, remote, 2, 0), 9000);
  for (int i = 0; i < 9000; i++) EQUAL(in[i], 'b');
  EQUAL(page[100], 'a');
  FAILS(process_vm_readv(pid, local, 2, remote, 2, 1), EINVAL);
  FAILS(process_vm_readv(99999999, local, 1, remote, 1, 0), ESRCH);
  remote[0].iov_base = (void *)8;
  FAILS(process_vm_readv(pid, local, 1, remote, 1, 0), EFAULT);
  EQUAL(syscall(SYS_kcmp, getpid(), pid, 0, p[0], p[0]), 0);
  CHECK(syscall(SYS_kcmp, getpid(), pid, 1, 0, 0) > 0);
  EQUAL(syscall(SYS_kcmp, getpid(), getpid(), 2, 0, 0), 0);
  FAILS(syscall(SYS_kcmp, getpid(), pid, 99, 0, 0), EINVAL);
  local[0] = (struct iovec){"z", 1};
  remote[0] = (struct iovec){page + 5000, 1};
  EQUAL(process_vm_writev(pid, local, 1, remote, 1, 0), 1);
  int status;
  EQUAL(waitpid(pid, &status, 0), pid);
  EQUAL(status, 0);
}

static int with_pidfd(unsigned long flags, int *pidfd) {
  return syscall(SYS_clone, flags | CLONE_PIDFD | SIGCHLD, 0, pidfd, 0, 0);
}

TEST(pidfd) {
  int pidfd = -1, status;
  pid_t pid = with_pidfd(0, &pidfd);
  if (pid == 0) {
    for (;;) pause();
  }
  CHECK(pid > 0);
  CHECK(pidfd >= 0);
  EQUAL(fcntl(pidfd, F_GETFD), FD_CLOEXEC);
  struct pollfd ready = {.fd = pidfd, .events = POLLIN};
  EQUAL(poll(&ready, 1, 0), 0);
  EQUAL(syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0), 0);
  FAILS(syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 1), EINVAL);
  FAILS(syscall(SYS_pidfd_send_signal, 0, 0, NULL, 0), EBADF);
  siginfo_t info = {.si_signo = SIGUSR1, .si_code = SI_QUEUE};
  FAILS(syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, &info, 0), EINVAL);
  int second = syscall(SYS_pidfd_open, pid, 0);
  CHECK(second > pidfd);
  FAILS(syscall(SYS_pidfd_open, 99999999, 0), ESRCH);
  FAILS(syscall(SYS_pidfd_open, pid, 1), EINVAL);
  FAILS(with_pidfd(CLONE_PARENT_SETTID, &pidfd), EINVAL);
  int copy = syscall(SYS_pidfd_getfd, second, 1, 0);
  CHECK(copy >= 0);
  struct stat its, ours;
  fstat(copy, &its);
  fstat(1, &ours);
  EQUAL(its.st_ino, ours.st_ino);
  FAILS(syscall(SYS_pidfd_getfd, second, 1000, 0), EBADF);
  FAILS(syscall(SYS_pidfd_getfd, second, 1, 1), EINVAL);
  EQUAL(syscall(SYS_pidfd_send_signal, second, SIGKILL, NULL, 0), 0);
  EQUAL(poll(&ready, 1, 5000), 1);
  EQUAL(ready.revents, POLLIN);
  EQUAL(waitid(P_PIDFD, pidfd, &info, WEXITED), 0);
  EQUAL(info.si_pid, pid);
  EQUAL(info.si_status, SIGKILL);
  FAILS(syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0), ESRCH);
  FAILS(waitpid(pid, &status, 0), ECHILD);
}

TEST(clone3_gives_a_pidfd) {
  int pidfd = -1;
  struct clone_args args = {.flags = CLONE_PIDFD, .pidfd = (uintptr_t)&pidfd, .exit_signal = SIGCHLD};
  pid_t pid = syscall(SYS_clone3, &args, sizeof args);
  if (pid == 0) _exit(7);
  CHECK(pid > 0);
  siginfo_t info;
  EQUAL(waitid(P_PIDFD, pidfd, &info, WEXITED), 0);
  EQUAL(info.si_status, 7);
}
