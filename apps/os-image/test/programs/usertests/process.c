/* fork, exec, exit, wait, sessions, process groups. */
#include "ut.h"

#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>

TEST(fork_returns_twice)
{
	pid_t parent = getpid();
	pid_t pid = FORK(CHECK_EQ(getppid(), parent); CHECK(getpid() != parent));
	CHECK(pid != parent);
	ut_wait_exit(pid, 0);
}

TEST(exit_status_is_eight_bits)
{
	for (int code = 0; code < 256; code += 51)
		ut_wait_exit(FORK(_exit(code)), code);
	ut_wait_exit(FORK(_exit(0x1234)), 0x34);
	ut_wait_exit(FORK(_exit(-1)), 255);
}

TEST(wait_without_children)
{
	CHECK_ERR(wait(NULL), ECHILD);
	CHECK_ERR(waitpid(getpid(), NULL, 0), ECHILD);
	CHECK_ERR(waitpid(-12345, NULL, 0), ECHILD);
	CHECK_ERR(waitpid(-1, NULL, 0x7000), EINVAL);
}

TEST(wait_any_of_many)
{
	enum { N = 20 };
	pid_t pids[N];
	int seen = 0;
	for (int i = 0; i < N; i++)
		pids[i] = FORK(_exit(i));
	for (int i = 0; i < N; i++) {
		int status;
		pid_t pid = wait(&status);
		int k = 0;
		while (k < N && pids[k] != pid)
			k++;
		CHECK(k < N);
		CHECK(WIFEXITED(status));
		CHECK_EQ(WEXITSTATUS(status), k);
		pids[k] = -1;
		seen++;
	}
	CHECK_EQ(seen, N);
	CHECK_ERR(wait(NULL), ECHILD);
}

TEST(wait_nohang)
{
	int gate[2];
	char c;
	CHECK_EQ(pipe(gate), 0);
	pid_t pid = FORK(close(gate[1]); CHECK_EQ(read(gate[0], &c, 1), 0); _exit(7));
	CHECK_EQ(waitpid(pid, NULL, WNOHANG), 0);
	close(gate[1]);
	ut_wait_exit(pid, 7);
}

TEST(wait_stopped_and_continued)
{
	int status;
	pid_t pid = FORK(for (;;) pause());
	CHECK_EQ(kill(pid, SIGSTOP), 0);
	CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
	CHECK(WIFSTOPPED(status));
	CHECK_EQ(WSTOPSIG(status), SIGSTOP);
	CHECK_EQ(waitpid(pid, &status, WUNTRACED | WNOHANG), 0);
	CHECK_EQ(kill(pid, SIGCONT), 0);
	CHECK_EQ(waitpid(pid, &status, WCONTINUED), pid);
	CHECK(WIFCONTINUED(status));
	CHECK_EQ(kill(pid, SIGTERM), 0);
	ut_wait_signal(pid, SIGTERM);
}

TEST(waitid_fields_and_nowait)
{
	siginfo_t info;
	pid_t pid = FORK(_exit(42));
	memset(&info, 0, sizeof info);
	CHECK_EQ(waitid(P_PID, pid, &info, WEXITED | WNOWAIT), 0);
	CHECK_EQ(info.si_pid, pid);
	CHECK_EQ(info.si_signo, SIGCHLD);
	CHECK_EQ(info.si_code, CLD_EXITED);
	CHECK_EQ(info.si_status, 42);
	/* WNOWAIT left it there. */
	ut_wait_exit(pid, 42);
	pid = FORK(raise(SIGKILL));
	CHECK_EQ(waitid(P_PID, pid, &info, WEXITED), 0);
	CHECK_EQ(info.si_code, CLD_KILLED);
	CHECK_EQ(info.si_status, SIGKILL);
}

TEST(wait4_gives_usage)
{
	struct rusage usage;
	int status;
	memset(&usage, 0xff, sizeof usage);
	pid_t pid = FORK(long end = ut_now_ms() + 200; while (ut_now_ms() < end));
	CHECK_EQ(wait4(pid, &status, 0, &usage), pid);
	long ms = usage.ru_utime.tv_sec * 1000 + usage.ru_utime.tv_usec / 1000 + usage.ru_stime.tv_sec * 1000 +
		  usage.ru_stime.tv_usec / 1000;
	CHECK(ms >= 50 && ms < 20000);
}

TEST(wait_by_process_group)
{
	pid_t a = FORK(setpgid(0, 0); _exit(1));
	setpgid(a, a);
	pid_t b = FORK(_exit(2));
	int status;
	CHECK_EQ(waitpid(-a, &status, 0), a);
	CHECK_EQ(waitpid(0, &status, 0), b);
	CHECK_ERR(waitpid(-a, &status, 0), ECHILD);
}

TEST(orphans_go_to_init)
{
	int report[2];
	CHECK_EQ(pipe(report), 0);
	pid_t pid = FORK({
		if (fork() == 0) {
			pid_t parent;
			for (int i = 0; i < 500 && (parent = getppid()) != 1; i++)
				ut_msleep(10);
			CHECK_EQ(write(report[1], &parent, sizeof parent), sizeof parent);
		}
	});
	ut_wait_exit(pid, 0);
	pid_t parent = 0;
	CHECK_EQ(read(report[0], &parent, sizeof parent), sizeof parent);
	CHECK_EQ(parent, 1);
}

TEST(fork_copies_memory_and_descriptors)
{
	int value = 1, fd = open("f", O_RDWR | O_CREAT, 0600);
	CHECK(fd >= 0);
	pid_t pid = FORK(value = 2; CHECK_EQ(write(fd, "abc", 3), 3); close(fd));
	ut_wait_exit(pid, 0);
	CHECK_EQ(value, 1);
	/* The offset is shared. */
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 3);
}

TEST(vfork_shares_memory)
{
	static volatile int value;
	value = 1;
	pid_t pid = vfork();
	CHECK(pid >= 0);
	if (pid == 0) {
		value = 2;
		_exit(3);
	}
	CHECK_EQ(value, 2);
	ut_wait_exit(pid, 3);
}

TEST(vfork_waits_for_exec)
{
	long start = ut_now_ms();
	pid_t pid = vfork();
	CHECK(pid >= 0);
	if (pid == 0) {
		struct timespec t = { 0, 200000000 };
		nanosleep(&t, NULL);
		execl("/bin/busybox", "true", (char *)NULL);
		_exit(127);
	}
	CHECK(ut_now_ms() - start >= 190);
	ut_wait_exit(pid, 0);
}

TEST(exec_errors)
{
	char *argv[] = { "x", NULL };
	CHECK_ERR(execv("missing", argv), ENOENT);
	CHECK_ERR(execv("", argv), ENOENT);
	CHECK_ERR(execv(".", argv), EACCES);
	ut_write_file("plain", "text");
	CHECK_ERR(execv("plain", argv), EACCES);
	CHECK_EQ(chmod("plain", 0755), 0);
	CHECK_ERR(execv("plain", argv), ENOEXEC);
	ut_write_file("empty", "");
	CHECK_EQ(chmod("empty", 0755), 0);
	CHECK_ERR(execv("empty", argv), ENOEXEC);
	CHECK_ERR(execv("plain/x", argv), ENOTDIR);
	ut_write_file("script", "#!/missing/interpreter\n");
	CHECK_EQ(chmod("script", 0755), 0);
	CHECK_ERR(execv("script", argv), ENOENT);
	ut_write_file("elf", "\177ELF\002\001\001 but not really an executable, only long enough to be read as a header");
	CHECK_EQ(chmod("elf", 0755), 0);
	CHECK_ERR(execv("elf", argv), ENOEXEC);
	CHECK_ERR(execve("/bin/busybox", (char **)ut_wild, NULL), EFAULT);
	CHECK_ERR(execve(ut_wild, argv, NULL), EFAULT);
}

TEST(exec_too_many_arguments)
{
	size_t n = 3 << 20;
	char *big = malloc(n + 1);
	CHECK(big != NULL);
	memset(big, 'a', n);
	big[n] = 0;
	char *argv[] = { "true", big, NULL };
	CHECK_ERR(execv("/bin/busybox", argv), E2BIG);
}

TEST(exec_arguments_and_environment)
{
	int out[2];
	char text[256];
	CHECK_EQ(pipe(out), 0);
	pid_t pid = FORK({
		char *argv[] = { "sh", "-c", "echo \"$#:$1:$2:$X:$Y\"", "sh", "a b", "", NULL };
		char *envp[] = { "X=1 2", "Y=", NULL };
		dup2(out[1], 1);
		execve("/bin/busybox", argv, envp);
	});
	ut_wait_exit(pid, 0);
	ssize_t n = read(out[0], text, sizeof text - 1);
	CHECK(n > 0);
	text[n] = 0;
	CHECK_STR(text, "2:a b::1 2:\n");
}

TEST(exec_script_interpreter)
{
	int out[2];
	char text[256];
	CHECK_EQ(pipe(out), 0);
	ut_write_file("script", "#!/bin/echo   two  words \nnot read\n");
	CHECK_EQ(chmod("script", 0755), 0);
	pid_t pid = FORK(dup2(out[1], 1); execl("./script", "zero", "one", (char *)NULL));
	ut_wait_exit(pid, 0);
	ssize_t n = read(out[0], text, sizeof text - 1);
	CHECK(n > 0);
	text[n] = 0;
	/* The rest of the line is one argument, without the blanks at its ends; argv[0] of the caller is lost. */
	CHECK_STR(text, "two  words ./script one\n");
}

TEST(exec_script_arguments)
{
	int out[2];
	char text[256];
	CHECK_EQ(pipe(out), 0);
	ut_write_file("script", "#!/bin/sh\necho \"$0:$1:$2\"\n");
	CHECK_EQ(chmod("script", 0755), 0);
	pid_t pid = FORK(dup2(out[1], 1); execl("./script", "ignored", "a b", "c", (char *)NULL));
	ut_wait_exit(pid, 0);
	ssize_t n = read(out[0], text, sizeof text - 1);
	CHECK(n > 0);
	text[n] = 0;
	CHECK_STR(text, "./script:a b:c\n");
}

TEST(exec_keeps_and_closes_descriptors)
{
	int keep = open("keep", O_RDWR | O_CREAT, 0600), gone = open("gone", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	CHECK(keep >= 0 && gone >= 0);
	CHECK_EQ(fcntl(keep, F_GETFD), 0);
	CHECK_EQ(fcntl(gone, F_GETFD), FD_CLOEXEC);
	char script[128];
	snprintf(script, sizeof script, "echo x >&%d || exit 1; echo x 2>/dev/null >&%d && exit 2; exit 0", keep, gone);
	ut_wait_exit(FORK(execl("/bin/busybox", "sh", "-c", script, (char *)NULL)), 0);
	CHECK_STR(ut_read_file("keep"), "x\n");
}

static void nothing(int sig)
{
	(void)sig;
}

TEST(exec_resets_handlers_keeps_ignored)
{
	pid_t pid = FORK({
		ut_handler(SIGUSR1, nothing, 0);
		ut_handler(SIGUSR2, SIG_IGN, 0);
		execl("/bin/busybox", "sh", "-c", "kill -USR2 $$; kill -USR1 $$; exit 5", (char *)NULL);
	});
	ut_wait_signal(pid, SIGUSR1);
}

TEST(exec_keeps_pid_and_mask)
{
	pid_t pid = FORK({
		sigset_t set;
		sigemptyset(&set);
		sigaddset(&set, SIGTERM);
		sigprocmask(SIG_BLOCK, &set, NULL);
		raise(SIGTERM);
		char script[64];
		snprintf(script, sizeof script, "[ $$ = %d ] && exit 9", getpid());
		execl("/bin/busybox", "sh", "-c", script, (char *)NULL);
	});
	ut_wait_exit(pid, 9);
}

TEST(text_file_busy_is_not_writable)
{
	/* A running program's file cannot be opened for writing. */
	int fd = open("/proc/self/exe", O_RDONLY);
	CHECK(fd >= 0);
	int copy = open("prog", O_WRONLY | O_CREAT, 0755);
	char buf[65536];
	for (ssize_t n; (n = read(fd, buf, sizeof buf)) > 0;)
		CHECK_EQ(write(copy, buf, n), n);
	char *argv[] = { "prog", "--list", NULL };
	CHECK_ERR(execv("./prog", argv), ETXTBSY);
	close(copy);
	ut_wait_exit(FORK(int null = open("/dev/null", O_WRONLY); dup2(null, 1); execv("./prog", argv)), 0);
}

TEST(process_groups)
{
	CHECK_EQ(getpgrp(), getpid());
	CHECK_EQ(getpgid(0), getpid());
	pid_t pid = FORK(for (;;) pause());
	CHECK_EQ(getpgid(pid), getpid());
	CHECK_EQ(setpgid(pid, pid), 0);
	CHECK_EQ(getpgid(pid), pid);
	CHECK_ERR(setpgid(pid, -1), EINVAL);
	CHECK_ERR(setpgid(pid, 99999), EPERM);
	CHECK_ERR(setpgid(1, 1), ESRCH);
	CHECK_ERR(getpgid(99999), ESRCH);
	CHECK_EQ(kill(-pid, SIGTERM), 0);
	ut_wait_signal(pid, SIGTERM);
	CHECK_ERR(kill(-pid, SIGTERM), ESRCH);
}

TEST(sessions)
{
	/* A group leader cannot make a session. */
	CHECK_ERR(setsid(), EPERM);
	pid_t pid = FORK({
		CHECK_EQ(setsid(), getpid());
		CHECK_EQ(getsid(0), getpid());
		CHECK_EQ(getpgrp(), getpid());
		CHECK_ERR(setpgid(0, 0), EPERM);
		CHECK_ERR(open("/dev/tty", O_RDWR), ENXIO);
	});
	ut_wait_exit(pid, 0);
}

TEST(zombie_keeps_its_pid)
{
	pid_t pid = FORK(_exit(0));
	siginfo_t info;
	CHECK_EQ(waitid(P_PID, pid, &info, WEXITED | WNOWAIT), 0);
	CHECK_EQ(kill(pid, 0), 0);
	ut_wait_exit(pid, 0);
	CHECK_ERR(kill(pid, 0), ESRCH);
}

TEST(many_short_processes)
{
	for (int i = 0; i < 500; i++)
		ut_wait_exit(FORK(_exit(i % 90)), i % 90);
}

TEST(fork_to_the_limit)
{
	ut_wait_exit(FORK({
		struct rlimit limit = { 20, 20 };
		ut_drop_root();
		CHECK_EQ(setrlimit(RLIMIT_NPROC, &limit), 0);
		int n = 0;
		pid_t pid;
		while ((pid = fork()) > 0 && n < 100)
			n++;
		if (pid == 0)
			for (;;)
				pause();
		CHECK_EQ(errno, EAGAIN);
		CHECK(n > 0 && n <= 20);
		signal(SIGTERM, SIG_IGN);
		kill(0, SIGTERM);
		while (wait(NULL) > 0)
			;
	}), 0);
}

static int thread_main(void *arg)
{
	*(volatile int *)arg = 1;
	return 17;
}

TEST(clone_with_shared_memory)
{
	static char stack[65536] __attribute__((aligned(16)));
	volatile int flag = 0;
	pid_t pid = clone(thread_main, stack + sizeof stack, CLONE_VM | CLONE_FS | CLONE_FILES | SIGCHLD, (void *)&flag);
	CHECK(pid > 0);
	ut_wait_exit(pid, 17);
	CHECK_EQ(flag, 1);
}

TEST(ids)
{
	CHECK_EQ(getuid(), 0);
	CHECK_EQ(geteuid(), 0);
	ut_wait_exit(FORK({
		ut_drop_root();
		uid_t r, e, s;
		CHECK_EQ(getresuid(&r, &e, &s), 0);
		CHECK(r == 65534 && e == 65534 && s == 65534);
		CHECK_ERR(setuid(0), EPERM);
		CHECK_ERR(setgid(0), EPERM);
		CHECK_ERR(kill(1, SIGTERM), EPERM);
		CHECK_ERR(setpriority(PRIO_PROCESS, 0, -5), EACCES);
	}), 0);
	ut_wait_exit(FORK({
		CHECK_EQ(setresuid(1, 2, 3), 0);
		CHECK_EQ(getuid(), 1);
		CHECK_EQ(geteuid(), 2);
		CHECK_EQ(seteuid(3), 0);
		CHECK_EQ(geteuid(), 3);
		CHECK_ERR(seteuid(0), EPERM);
	}), 0);
}

TEST(tid_equals_pid)
{
	CHECK_EQ(syscall(SYS_gettid), getpid());
	CHECK_EQ(syscall(SYS_tkill, getpid(), 0), 0);
	CHECK_EQ(syscall(SYS_tgkill, getpid(), getpid(), 0), 0);
	CHECK_ERR(syscall(SYS_tgkill, getpid() + 1, getpid(), 0), ESRCH);
}

TEST(unknown_system_call)
{
	CHECK_ERR(syscall(5000), ENOSYS);
	CHECK_ERR(syscall(-7), ENOSYS);
	CHECK_ERR(syscall(0x7fffffff), ENOSYS);
}
