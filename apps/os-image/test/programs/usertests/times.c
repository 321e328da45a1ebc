/* Clocks, sleeping, priorities, limits, and what the system says about itself. */
#include "ut.h"

#include <sched.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/utsname.h>

TEST(clocks_agree_and_advance)
{
	struct timespec real, mono, before;
	struct timeval tv;
	CHECK_EQ(clock_gettime(CLOCK_REALTIME, &real), 0);
	CHECK_EQ(gettimeofday(&tv, NULL), 0);
	CHECK(tv.tv_sec - real.tv_sec <= 1);
	CHECK(labs(time(NULL) - real.tv_sec) <= 1);
	/* After 2020: the clock of the machine was read. */
	CHECK(real.tv_sec > 1577836800);
	CHECK_EQ(clock_gettime(CLOCK_MONOTONIC, &before), 0);
	for (int i = 0; i < 10000; i++) {
		CHECK_EQ(clock_gettime(CLOCK_MONOTONIC, &mono), 0);
		CHECK(mono.tv_nsec >= 0 && mono.tv_nsec < 1000000000);
		CHECK(mono.tv_sec > before.tv_sec || (mono.tv_sec == before.tv_sec && mono.tv_nsec >= before.tv_nsec));
		before = mono;
	}
	CHECK_ERR(clock_gettime(77, &real), EINVAL);
	CHECK_EQ(clock_getres(CLOCK_MONOTONIC, &real), 0);
	CHECK(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, ut_wild) == -1 && errno == EFAULT);
}

TEST(sleep_lasts)
{
	struct timespec t = { 0, 150000000 }, bad = { 0, 1000000000 };
	long start = ut_now_ms();
	CHECK_EQ(nanosleep(&t, NULL), 0);
	long took = ut_now_ms() - start;
	CHECK(took >= 150 && took < 3000);
	CHECK_ERR(nanosleep(&bad, NULL), EINVAL);
	bad.tv_sec = -1;
	bad.tv_nsec = 0;
	CHECK_ERR(nanosleep(&bad, NULL), EINVAL);
}

TEST(absolute_sleep)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	long start = t.tv_sec * 1000 + t.tv_nsec / 1000000;
	t.tv_nsec += 100000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_sec++;
		t.tv_nsec -= 1000000000;
	}
	CHECK_EQ(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL), 0);
	CHECK(ut_now_ms() - start >= 99);
	t.tv_sec = 1;
	CHECK_EQ(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL), 0);
}

TEST(sleepers_wake_in_order)
{
	int fds[2];
	CHECK_EQ(pipe(fds), 0);
	for (int i = 0; i < 5; i++)
		FORK(char c = 'a' + i; ut_msleep((5 - i) * 60); CHECK_EQ(write(fds[1], &c, 1), 1));
	close(fds[1]);
	char got[6] = "";
	for (int i = 0; i < 5; i++)
		CHECK_EQ(read(fds[0], got + i, 1), 1);
	CHECK_STR(got, "edcba");
}

TEST(cpu_time_is_counted)
{
	struct tms t;
	struct rusage u;
	clock_t c = clock();
	long end = ut_now_ms() + 300;
	while (ut_now_ms() < end)
		;
	CHECK(clock() - c > CLOCKS_PER_SEC / 20);
	CHECK(times(&t) != (clock_t)-1);
	CHECK(t.tms_utime + t.tms_stime >= 5);
	CHECK_EQ(getrusage(RUSAGE_SELF, &u), 0);
	CHECK(u.ru_utime.tv_sec * 1000000 + u.ru_utime.tv_usec + u.ru_stime.tv_sec * 1000000 + u.ru_stime.tv_usec > 50000);
	struct timespec cpu;
	CHECK_EQ(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu), 0);
	CHECK(cpu.tv_sec * 1000 + cpu.tv_nsec / 1000000 >= 50);
}

TEST(sleeping_costs_no_cpu)
{
	struct timespec a, b;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
	ut_msleep(300);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
	CHECK((b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000 < 100);
}

TEST(cpu_is_shared)
{
	/* Two busy processes get about the same; a third that sleeps is not starved. */
	volatile long *counts = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pids[2];
	for (int i = 0; i < 2; i++)
		pids[i] = FORK(for (;;) counts[i]++);
	long worst = 0;
	for (int i = 0; i < 30; i++) {
		long start = ut_now_ms();
		ut_msleep(50);
		long late = ut_now_ms() - start - 50;
		worst = late > worst ? late : worst;
	}
	for (int i = 0; i < 2; i++) {
		kill(pids[i], SIGKILL);
		ut_wait_signal(pids[i], SIGKILL);
	}
	CHECK(counts[0] > 0 && counts[1] > 0);
	CHECK(counts[0] < counts[1] * 4 && counts[1] < counts[0] * 4);
	CHECK(worst < 1000);
}

TEST(nice_matters)
{
	volatile long *counts = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pids[2];
	for (int i = 0; i < 2; i++)
		pids[i] = FORK(if (i == 1) CHECK_EQ(nice(15), 15); for (;;) counts[i]++);
	ut_msleep(1500);
	for (int i = 0; i < 2; i++) {
		kill(pids[i], SIGKILL);
		ut_wait_signal(pids[i], SIGKILL);
	}
	CHECK(counts[0] > counts[1] * 2);
}

TEST(priorities)
{
	errno = 0;
	CHECK_EQ(getpriority(PRIO_PROCESS, 0), 0);
	CHECK_EQ(setpriority(PRIO_PROCESS, 0, 7), 0);
	CHECK_EQ(getpriority(PRIO_PROCESS, getpid()), 7);
	CHECK_EQ(setpriority(PRIO_PROCESS, 0, 100), 0);
	CHECK_EQ(getpriority(PRIO_PROCESS, 0), 19);
	CHECK_EQ(setpriority(PRIO_PROCESS, 0, -100), 0);
	CHECK_EQ(getpriority(PRIO_PROCESS, 0), -20);
	CHECK_ERR(setpriority(PRIO_PROCESS, 99999, 0), ESRCH);
	CHECK_ERR(setpriority(99, 0, 0), EINVAL);
	ut_wait_exit(FORK(CHECK_EQ(getpriority(PRIO_PROCESS, 0), -20)), 0);
}

TEST(limits)
{
	struct rlimit limit;
	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
	CHECK(limit.rlim_cur >= 256 && limit.rlim_cur <= limit.rlim_max);
	ut_wait_exit(FORK({
		struct rlimit l = { 50, 60 };
		CHECK_EQ(setrlimit(RLIMIT_NOFILE, &l), 0);
		ut_drop_root();
		l.rlim_cur = 60;
		CHECK_EQ(setrlimit(RLIMIT_NOFILE, &l), 0);
		l.rlim_max = 61;
		CHECK_ERR(setrlimit(RLIMIT_NOFILE, &l), EPERM);
		l.rlim_cur = 100;
		l.rlim_max = 60;
		CHECK_ERR(setrlimit(RLIMIT_NOFILE, &l), EINVAL);
	}), 0);
	CHECK_ERR(getrlimit(99, &limit), EINVAL);
}

TEST(cpu_time_limit)
{
	ut_wait_signal(FORK({
		struct rlimit limit = { 1, 5 };
		CHECK_EQ(setrlimit(RLIMIT_CPU, &limit), 0);
		for (;;)
			;
	}), SIGXCPU);
}

TEST(virtual_timer)
{
	ut_wait_signal(FORK({
		struct itimerval timer = { { 0, 0 }, { 0, 100000 } };
		CHECK_EQ(setitimer(ITIMER_VIRTUAL, &timer, NULL), 0);
		for (;;)
			;
	}), SIGVTALRM);
}

TEST(system_identity)
{
	struct utsname name;
	struct sysinfo info;
	CHECK_EQ(uname(&name), 0);
	CHECK_STR(name.machine, "x86_64");
	CHECK(name.sysname[0] != 0 && name.release[0] != 0 && name.nodename[0] != 0);
	CHECK_EQ(sysinfo(&info), 0);
	CHECK(info.totalram * info.mem_unit > 16 << 20 && info.freeram <= info.totalram);
	CHECK(info.procs >= 1 && info.uptime >= 0);
	CHECK(sysconf(_SC_NPROCESSORS_ONLN) >= 1);
	CHECK_EQ(sysconf(_SC_PAGESIZE), 4096);
	ut_wait_exit(FORK({
		CHECK_EQ(sethostname("renamed", 7), 0);
		CHECK_EQ(uname(&name), 0);
		CHECK_STR(name.nodename, "renamed");
		CHECK_EQ(sethostname("anax", 4), 0);
		ut_drop_root();
		CHECK_ERR(sethostname("x", 1), EPERM);
	}), 0);
}

TEST(random_bytes)
{
	unsigned char a[64] = { 0 }, b[64] = { 0 };
	CHECK_EQ(syscall(SYS_getrandom, a, sizeof a, 0), sizeof a);
	CHECK_EQ(syscall(SYS_getrandom, b, sizeof b, 0), sizeof b);
	CHECK(memcmp(a, b, sizeof a) != 0);
	CHECK_ERR(syscall(SYS_getrandom, a, sizeof a, 0x100), EINVAL);
	CHECK_ERR(syscall(SYS_getrandom, ut_wild, 8, 0), EFAULT);
}

TEST(proc_of_a_process)
{
	char path[64], text[256];
	pid_t pid = FORK(for (;;) pause());
	snprintf(path, sizeof path, "/proc/%d/stat", pid);
	const char *stat = ut_read_file(path);
	int p, parent, group, session;
	char state, name[64];
	CHECK_EQ(sscanf(stat, "%d (%63[^)]) %c %d %d %d", &p, name, &state, &parent, &group, &session), 6);
	CHECK_EQ(p, pid);
	CHECK_EQ(parent, getpid());
	CHECK_EQ(group, getpgrp());
	CHECK_EQ(session, getsid(0));
	CHECK(state == 'S' || state == 'R');
	kill(pid, SIGSTOP);
	CHECK_EQ(waitpid(pid, NULL, WUNTRACED), pid);
	CHECK(strstr(ut_read_file(path), ") T ") != NULL);
	snprintf(path, sizeof path, "/proc/%d/exe", pid);
	ssize_t n = readlink(path, text, sizeof text - 1);
	CHECK(n > 0);
	text[n] = 0;
	char own[256];
	n = readlink("/proc/self/exe", own, sizeof own - 1);
	CHECK(n > 0);
	own[n] = 0;
	CHECK_STR(text, own);
	kill(pid, SIGKILL);
	snprintf(path, sizeof path, "/proc/%d/stat", pid);
	siginfo_t info;
	CHECK_EQ(waitid(P_PID, pid, &info, WEXITED | WNOWAIT), 0);
	CHECK(strstr(ut_read_file(path), ") Z ") != NULL);
	ut_wait_signal(pid, SIGKILL);
	CHECK_ERR(open(path, O_RDONLY), ENOENT);
}

TEST(proc_of_the_system)
{
	unsigned long total, available;
	double up, idle;
	const char *text = ut_read_file("/proc/meminfo");
	CHECK_EQ(sscanf(text, "MemTotal: %lu kB", &total), 1);
	text = strstr(text, "MemFree:");
	CHECK(text != NULL);
	CHECK_EQ(sscanf(text, "MemFree: %lu kB", &available), 1);
	CHECK(available < total);
	CHECK_EQ(sscanf(ut_read_file("/proc/uptime"), "%lf %lf", &up, &idle), 2);
	CHECK(up > 0);
	CHECK(strstr(ut_read_file("/proc/mounts"), " /proc proc ") != NULL);
	CHECK(strstr(ut_read_file("/proc/stat"), "cpu ") != NULL);
	CHECK(strstr(ut_read_file("/proc/loadavg"), "/") != NULL);
	CHECK(strlen(ut_read_file("/proc/version")) > 5);
	CHECK(strlen(ut_read_file("/proc/cmdline")) > 5);
	char text2[64];
	snprintf(text2, sizeof text2, "/proc/%d", getpid());
	char link[64];
	ssize_t n = readlink("/proc/self", link, sizeof link - 1);
	CHECK(n > 0);
	link[n] = 0;
	CHECK_STR(link, text2 + 6);
}

TEST(proc_descriptors)
{
	char link[256], here[256];
	int fd = open("f", O_RDWR | O_CREAT, 0600);
	CHECK(getcwd(here, sizeof here) != NULL);
	strcat(here, "/f");
	char path[64];
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	ssize_t n = readlink(path, link, sizeof link - 1);
	CHECK(n > 0);
	link[n] = 0;
	CHECK_STR(link, here);
	CHECK_EQ(write(fd, "text", 4), 4);
	CHECK_STR(ut_read_file(path), "text");
}
