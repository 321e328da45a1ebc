/* Signals: delivery, masks, handlers, restarts, stacks. */
#include "ut.h"

#include <setjmp.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <ucontext.h>

static volatile sig_atomic_t hits, last_signal;

static void count(int sig)
{
	hits++;
	last_signal = sig;
}

TEST(handler_runs)
{
	ut_handler(SIGUSR1, count, 0);
	CHECK_EQ(raise(SIGUSR1), 0);
	CHECK_EQ(hits, 1);
	CHECK_EQ(last_signal, SIGUSR1);
	CHECK_EQ(kill(getpid(), SIGUSR1), 0);
	CHECK_EQ(hits, 2);
}

TEST(default_actions)
{
	static const int deadly[] = { SIGHUP, SIGINT, SIGQUIT, SIGILL, SIGABRT, SIGKILL, SIGSEGV, SIGPIPE, SIGALRM, SIGTERM, SIGUSR1, SIGBUS, SIGFPE };
	for (unsigned i = 0; i < sizeof deadly / sizeof deadly[0]; i++)
		ut_wait_signal(FORK(kill(getpid(), deadly[i]); _exit(1)), deadly[i]);
	static const int harmless[] = { SIGCHLD, SIGURG, SIGWINCH, SIGCONT };
	for (unsigned i = 0; i < sizeof harmless / sizeof harmless[0]; i++)
		ut_wait_exit(FORK(kill(getpid(), harmless[i])), 0);
}

TEST(bad_signal_numbers)
{
	struct sigaction sa;
	memset(&sa, 0, sizeof sa);
	CHECK_ERR(kill(getpid(), 65), EINVAL);
	CHECK_ERR(kill(getpid(), -1), EINVAL);
	CHECK_ERR(sigaction(SIGKILL, &sa, NULL), EINVAL);
	CHECK_ERR(sigaction(SIGSTOP, &sa, NULL), EINVAL);
	CHECK_ERR(sigaction(65, &sa, NULL), EINVAL);
	CHECK_ERR(kill(99999, 0), ESRCH);
}

TEST(blocked_signal_waits)
{
	sigset_t set, old, pending;
	ut_handler(SIGUSR1, count, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &set, &old), 0);
	CHECK(!sigismember(&old, SIGUSR1));
	raise(SIGUSR1);
	raise(SIGUSR1);
	CHECK_EQ(hits, 0);
	CHECK_EQ(sigpending(&pending), 0);
	CHECK(sigismember(&pending, SIGUSR1));
	CHECK_EQ(sigprocmask(SIG_UNBLOCK, &set, NULL), 0);
	/* Standard signals do not queue. */
	CHECK_EQ(hits, 1);
	CHECK_EQ(sigpending(&pending), 0);
	CHECK(!sigismember(&pending, SIGUSR1));
}

TEST(kill_and_stop_cannot_be_blocked)
{
	sigset_t set, now;
	sigfillset(&set);
	CHECK_EQ(sigprocmask(SIG_SETMASK, &set, NULL), 0);
	CHECK_EQ(sigprocmask(SIG_SETMASK, NULL, &now), 0);
	CHECK(!sigismember(&now, SIGKILL) && !sigismember(&now, SIGSTOP) && sigismember(&now, SIGTERM));
}

TEST(ignoring_discards_pending)
{
	sigset_t set, pending;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(SIGUSR1);
	ut_handler(SIGUSR1, SIG_IGN, 0);
	CHECK_EQ(sigpending(&pending), 0);
	CHECK(!sigismember(&pending, SIGUSR1));
}

static volatile sig_atomic_t nested, depth_seen;

static void recurse(int sig)
{
	depth_seen = ++nested > depth_seen ? nested : depth_seen;
	if (hits++ == 0)
		raise(sig);
	nested--;
}

TEST(handler_blocks_its_own_signal)
{
	ut_handler(SIGUSR1, recurse, 0);
	raise(SIGUSR1);
	CHECK_EQ(hits, 2);
	CHECK_EQ(depth_seen, 1);
}

TEST(nodefer_lets_it_nest)
{
	ut_handler(SIGUSR1, recurse, SA_NODEFER);
	raise(SIGUSR1);
	CHECK_EQ(hits, 2);
	CHECK_EQ(depth_seen, 2);
}

TEST(resethand)
{
	struct sigaction now;
	ut_handler(SIGUSR1, count, SA_RESETHAND);
	raise(SIGUSR1);
	CHECK_EQ(hits, 1);
	CHECK_EQ(sigaction(SIGUSR1, NULL, &now), 0);
	CHECK(now.sa_handler == SIG_DFL);
}

static siginfo_t seen_info;
static volatile sig_atomic_t mask_in_handler;

static void keep_info(int sig, siginfo_t *info, void *context)
{
	sigset_t set;
	(void)sig;
	CHECK(context != NULL);
	seen_info = *info;
	sigprocmask(SIG_SETMASK, NULL, &set);
	mask_in_handler = sigismember(&set, SIGUSR2);
	hits++;
}

static void info_handler(int sig, int flags)
{
	struct sigaction sa;
	memset(&sa, 0, sizeof sa);
	sa.sa_sigaction = keep_info;
	sa.sa_flags = SA_SIGINFO | flags;
	sigaddset(&sa.sa_mask, SIGUSR2);
	CHECK_EQ(sigaction(sig, &sa, NULL), 0);
}

TEST(siginfo_of_kill)
{
	sigset_t now;
	info_handler(SIGUSR1, 0);
	kill(getpid(), SIGUSR1);
	CHECK_EQ(seen_info.si_signo, SIGUSR1);
	CHECK_EQ(seen_info.si_code, SI_USER);
	CHECK_EQ(seen_info.si_pid, getpid());
	CHECK_EQ(seen_info.si_uid, 0);
	CHECK(mask_in_handler);
	sigprocmask(SIG_SETMASK, NULL, &now);
	CHECK(!sigismember(&now, SIGUSR2) && !sigismember(&now, SIGUSR1));
}

TEST(siginfo_of_a_child)
{
	info_handler(SIGCHLD, 0);
	pid_t pid = FORK(_exit(33));
	while (hits == 0)
		usleep(1000);
	CHECK_EQ(seen_info.si_code, CLD_EXITED);
	CHECK_EQ(seen_info.si_pid, pid);
	CHECK_EQ(seen_info.si_status, 33);
	ut_wait_exit(pid, 33);
}

TEST(queued_value)
{
	union sigval value = { .sival_int = 12345 };
	info_handler(SIGUSR1, 0);
	CHECK_EQ(sigqueue(getpid(), SIGUSR1, value), 0);
	CHECK_EQ(seen_info.si_code, SI_QUEUE);
	CHECK_EQ(seen_info.si_value.sival_int, 12345);
}

static int order[16], ordered;

static void keep_order(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	order[ordered++] = info->si_value.sival_int;
}

TEST(realtime_signals_queue_in_order)
{
	struct sigaction sa;
	sigset_t set;
	memset(&sa, 0, sizeof sa);
	sa.sa_sigaction = keep_order;
	sa.sa_flags = SA_SIGINFO;
	sigaction(SIGRTMIN, &sa, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (int i = 0; i < 5; i++)
		CHECK_EQ(sigqueue(getpid(), SIGRTMIN, (union sigval){ .sival_int = i }), 0);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	CHECK_EQ(ordered, 5);
	for (int i = 0; i < 5; i++)
		CHECK_EQ(order[i], i);
}

static void kick_after(long ms, int sig)
{
	pid_t target = getpid();
	FORK(ut_msleep(ms); kill(target, sig));
}

TEST(read_is_interrupted)
{
	int fds[2];
	char c;
	CHECK_EQ(pipe(fds), 0);
	ut_handler(SIGUSR1, count, 0);
	kick_after(100, SIGUSR1);
	CHECK_ERR(read(fds[0], &c, 1), EINTR);
	CHECK_EQ(hits, 1);
}

TEST(read_restarts_with_sa_restart)
{
	int fds[2];
	char c = 0;
	CHECK_EQ(pipe(fds), 0);
	ut_handler(SIGUSR1, count, SA_RESTART);
	pid_t target = getpid();
	FORK(ut_msleep(100); kill(target, SIGUSR1); ut_msleep(100); CHECK_EQ(write(fds[1], "x", 1), 1));
	CHECK_EQ(read(fds[0], &c, 1), 1);
	CHECK_EQ(c, 'x');
	CHECK_EQ(hits, 1);
}

TEST(wait_restarts_with_sa_restart)
{
	ut_handler(SIGUSR1, count, SA_RESTART);
	kick_after(100, SIGUSR1);
	pid_t slow = FORK(ut_msleep(400); _exit(4));
	int status;
	CHECK_EQ(waitpid(slow, &status, 0), slow);
	CHECK_EQ(hits, 1);
}

TEST(ignored_signal_does_not_interrupt)
{
	int fds[2];
	char c;
	CHECK_EQ(pipe(fds), 0);
	ut_handler(SIGUSR1, SIG_IGN, 0);
	pid_t target = getpid();
	FORK(ut_msleep(100); kill(target, SIGUSR1); ut_msleep(100); CHECK_EQ(write(fds[1], "x", 1), 1));
	CHECK_EQ(read(fds[0], &c, 1), 1);
}

TEST(stop_and_continue_do_not_interrupt_read)
{
	int fds[2], status;
	CHECK_EQ(pipe(fds), 0);
	pid_t pid = FORK(char c; close(fds[1]); CHECK_EQ(read(fds[0], &c, 1), 1); _exit(c));
	ut_msleep(50);
	kill(pid, SIGSTOP);
	CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
	kill(pid, SIGCONT);
	ut_msleep(50);
	CHECK_EQ(write(fds[1], "\007", 1), 1);
	ut_wait_exit(pid, 7);
}

TEST(nanosleep_gives_the_rest)
{
	struct timespec t = { 10, 0 }, rest = { 0, 0 };
	ut_handler(SIGUSR1, count, SA_RESTART);
	kick_after(100, SIGUSR1);
	CHECK_ERR(nanosleep(&t, &rest), EINTR);
	CHECK(rest.tv_sec >= 8 && rest.tv_sec <= 9);
}

TEST(pause_and_alarm)
{
	ut_handler(SIGALRM, count, SA_RESTART);
	long start = ut_now_ms();
	CHECK_EQ(alarm(1), 0);
	CHECK_ERR(pause(), EINTR);
	long took = ut_now_ms() - start;
	CHECK(took >= 900 && took < 5000);
	CHECK_EQ(alarm(100), 0);
	long left = alarm(0);
	CHECK(left == 100 || left == 99);
}

TEST(interval_timer)
{
	struct itimerval timer = { { 0, 20000 }, { 0, 20000 } }, now;
	ut_handler(SIGALRM, count, 0);
	CHECK_EQ(setitimer(ITIMER_REAL, &timer, NULL), 0);
	while (hits < 5)
		pause();
	CHECK_EQ(getitimer(ITIMER_REAL, &now), 0);
	CHECK_EQ(now.it_interval.tv_usec, 20000);
	memset(&timer, 0, sizeof timer);
	CHECK_EQ(setitimer(ITIMER_REAL, &timer, &now), 0);
	hits = 0;
	ut_msleep(60);
	CHECK_EQ(hits, 0);
	timer.it_value.tv_usec = 1000000;
	CHECK_ERR(setitimer(ITIMER_REAL, &timer, NULL), EINVAL);
}

TEST(sigsuspend_swaps_the_mask)
{
	sigset_t block, empty, now;
	ut_handler(SIGUSR1, count, SA_RESTART);
	sigemptyset(&block);
	sigaddset(&block, SIGUSR1);
	sigprocmask(SIG_BLOCK, &block, NULL);
	raise(SIGUSR1);
	CHECK_EQ(hits, 0);
	sigemptyset(&empty);
	CHECK_ERR(sigsuspend(&empty), EINTR);
	CHECK_EQ(hits, 1);
	sigprocmask(SIG_SETMASK, NULL, &now);
	CHECK(sigismember(&now, SIGUSR1));
}

TEST(sigtimedwait_takes_and_times_out)
{
	sigset_t set;
	siginfo_t info;
	struct timespec t = { 0, 50000000 };
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	CHECK_ERR(sigtimedwait(&set, &info, &t), EAGAIN);
	raise(SIGUSR1);
	CHECK_EQ(sigtimedwait(&set, &info, &t), SIGUSR1);
	CHECK_EQ(info.si_signo, SIGUSR1);
	kick_after(50, SIGUSR1);
	CHECK_EQ(sigwaitinfo(&set, &info), SIGUSR1);
}

static volatile uintptr_t stack_in_handler;

static void note_stack(int sig)
{
	int local;
	(void)sig;
	stack_in_handler = (uintptr_t)&local;
	hits++;
}

TEST(alternate_stack)
{
	static char area[65536];
	stack_t stack = { .ss_sp = area, .ss_size = sizeof area, .ss_flags = 0 }, old;
	CHECK_EQ(sigaltstack(&stack, NULL), 0);
	ut_handler(SIGUSR1, note_stack, SA_ONSTACK);
	raise(SIGUSR1);
	CHECK(stack_in_handler >= (uintptr_t)area && stack_in_handler < (uintptr_t)area + sizeof area);
	ut_handler(SIGUSR1, note_stack, 0);
	raise(SIGUSR1);
	CHECK(stack_in_handler < (uintptr_t)area || stack_in_handler >= (uintptr_t)area + sizeof area);
	CHECK_EQ(sigaltstack(NULL, &old), 0);
	CHECK(old.ss_sp == area && old.ss_size == sizeof area && old.ss_flags == 0);
	stack.ss_size = 100;
	CHECK_ERR(sigaltstack(&stack, NULL), ENOMEM);
	stack.ss_flags = SS_DISABLE;
	CHECK_EQ(sigaltstack(&stack, NULL), 0);
}

static sigjmp_buf escape;
static volatile uintptr_t fault_address;
static volatile int fault_code;

static void jump_out(int sig, siginfo_t *info, void *context)
{
	(void)context;
	last_signal = sig;
	fault_address = (uintptr_t)info->si_addr;
	fault_code = info->si_code;
	siglongjmp(escape, 1);
}

static void fault_handler(int sig, int flags)
{
	struct sigaction sa;
	memset(&sa, 0, sizeof sa);
	sa.sa_sigaction = jump_out;
	sa.sa_flags = SA_SIGINFO | flags;
	CHECK_EQ(sigaction(sig, &sa, NULL), 0);
}

TEST(segv_has_address_and_code)
{
	fault_handler(SIGSEGV, 0);
	if (sigsetjmp(escape, 1) == 0)
		*(volatile char *)0x1234 = 1;
	CHECK_EQ(last_signal, SIGSEGV);
	CHECK_EQ(fault_address, 0x1234);
	CHECK_EQ(fault_code, SEGV_MAPERR);
	char *p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(p != MAP_FAILED);
	if (sigsetjmp(escape, 1) == 0)
		*(volatile char *)(p + 10) = 1;
	CHECK_EQ(fault_address, (uintptr_t)p + 10);
	CHECK_EQ(fault_code, SEGV_ACCERR);
}

TEST(kernel_address_is_segv)
{
	fault_handler(SIGSEGV, 0);
	fault_handler(SIGBUS, 0);
	if (sigsetjmp(escape, 1) == 0)
		*(volatile char *)0xffffffff80000000ul = 1;
	CHECK_EQ(last_signal, SIGSEGV);
	/* Not canonical: a general protection fault. */
	if (sigsetjmp(escape, 1) == 0)
		*(volatile char *)0x8000000000000000ul = 1;
	CHECK_EQ(last_signal, SIGSEGV);
}

TEST(arithmetic_faults)
{
	fault_handler(SIGFPE, 0);
	volatile int zero = 0, one = 1;
	if (sigsetjmp(escape, 1) == 0)
		one = one / zero;
	CHECK_EQ(last_signal, SIGFPE);
	CHECK_EQ(fault_code, FPE_INTDIV);
}

TEST(illegal_instructions)
{
	fault_handler(SIGILL, 0);
	if (sigsetjmp(escape, 1) == 0)
		__asm__ volatile("ud2");
	CHECK_EQ(last_signal, SIGILL);
	fault_handler(SIGSEGV, 0);
	if (sigsetjmp(escape, 1) == 0)
		__asm__ volatile("hlt");
	CHECK_EQ(last_signal, SIGSEGV);
	if (sigsetjmp(escape, 1) == 0)
		__asm__ volatile("cli");
	CHECK_EQ(last_signal, SIGSEGV);
	last_signal = 0;
	if (sigsetjmp(escape, 1) == 0)
		__asm__ volatile("outb %%al, $0x80" : : "a"(0));
	CHECK_EQ(last_signal, SIGSEGV);
}

TEST(breakpoint_is_sigtrap)
{
	fault_handler(SIGTRAP, 0);
	if (sigsetjmp(escape, 1) == 0)
		__asm__ volatile("int3");
	CHECK_EQ(last_signal, SIGTRAP);
}

static volatile int forever = 1;

static void overflow(int n)
{
	volatile char space[4096];
	space[0] = n;
	if (forever)
		overflow(n + 1);
	space[1] = space[0];
}

TEST(stack_overflow_reaches_the_alternate_stack)
{
	static char area[65536];
	stack_t stack = { .ss_sp = area, .ss_size = sizeof area, .ss_flags = 0 };
	CHECK_EQ(sigaltstack(&stack, NULL), 0);
	fault_handler(SIGSEGV, SA_ONSTACK);
	if (sigsetjmp(escape, 1) == 0)
		overflow(0);
	CHECK_EQ(last_signal, SIGSEGV);
}

TEST(stack_overflow_without_a_handler)
{
	ut_wait_signal(FORK(overflow(0)), SIGSEGV);
	/* A handler that has no stack to run on cannot run. */
	ut_wait_signal(FORK(fault_handler(SIGSEGV, 0); overflow(0)), SIGSEGV);
}

TEST(blocked_fault_kills)
{
	ut_wait_signal(FORK({
		sigset_t set;
		fault_handler(SIGSEGV, 0);
		sigfillset(&set);
		sigprocmask(SIG_SETMASK, &set, NULL);
		*ut_wild = 1;
	}), SIGSEGV);
}

TEST(sigchld_ignored_reaps)
{
	ut_handler(SIGCHLD, SIG_IGN, 0);
	FORK(_exit(1));
	CHECK_ERR(wait(NULL), ECHILD);
	ut_handler(SIGCHLD, SIG_DFL, SA_NOCLDWAIT);
	FORK(_exit(1));
	CHECK_ERR(wait(NULL), ECHILD);
}

TEST(sigchld_for_stop)
{
	int status;
	ut_handler(SIGCHLD, count, SA_RESTART);
	pid_t pid = FORK(for (;;) pause());
	kill(pid, SIGSTOP);
	CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
	CHECK_EQ(hits, 1);
	kill(pid, SIGKILL);
	ut_wait_signal(pid, SIGKILL);
	ut_handler(SIGCHLD, count, SA_RESTART | SA_NOCLDSTOP);
	hits = 0;
	pid = FORK(for (;;) pause());
	kill(pid, SIGSTOP);
	CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
	CHECK_EQ(hits, 0);
	kill(pid, SIGKILL);
	ut_wait_signal(pid, SIGKILL);
}

TEST(kill_wakes_a_stopped_process)
{
	int status;
	pid_t pid = FORK(for (;;) pause());
	kill(pid, SIGSTOP);
	CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
	kill(pid, SIGKILL);
	ut_wait_signal(pid, SIGKILL);
}

TEST(registers_survive_a_handler)
{
	struct itimerval timer = { { 0, 1000 }, { 0, 1000 } };
	ut_handler(SIGALRM, count, SA_RESTART);
	setitimer(ITIMER_REAL, &timer, NULL);
	double x = 1.0;
	uint64_t sum = 0;
	long end = ut_now_ms() + 300;
	for (uint64_t i = 0; ut_now_ms() < end; i++) {
		x = x * 1.0000001 + 0.5 - 0.5;
		sum += i;
		CHECK_EQ(sum, i * (i + 1) / 2);
	}
	CHECK(hits > 20 && x > 1.0);
}

static volatile double scribble;

static void use_fpu(int sig)
{
	(void)sig;
	double y = 3.25;
	for (int i = 0; i < 10; i++)
		y = y * 1.5 + i;
	scribble = y;
	hits++;
}

TEST(fpu_state_survives)
{
	struct itimerval timer = { { 0, 1000 }, { 0, 1000 } };
	ut_handler(SIGALRM, use_fpu, SA_RESTART);
	setitimer(ITIMER_REAL, &timer, NULL);
	pid_t other = FORK(double z = 1; for (;;) { z = z * 1.01; if (z > 1e100) z = 1; scribble = z; });
	for (int round = 0; hits < 50; round++) {
		double a = 1.5, b = 2.5, c = 0;
		for (int i = 0; i < 1000; i++)
			c += a * b;
		CHECK(c == 3750.0);
	}
	kill(other, SIGKILL);
	ut_wait_signal(other, SIGKILL);
}

static void change_context(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)info;
	/* Skips the two bytes of ud2, and changes a register. */
	((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP] += 2;
	((ucontext_t *)context)->uc_mcontext.gregs[REG_RAX] = 77;
}

TEST(handler_may_change_the_context)
{
	struct sigaction sa;
	memset(&sa, 0, sizeof sa);
	sa.sa_sigaction = change_context;
	sa.sa_flags = SA_SIGINFO;
	sigaction(SIGILL, &sa, NULL);
	long value = 1;
	__asm__ volatile("ud2" : "+a"(value));
	CHECK_EQ(value, 77);
}

static void wild_context(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)info;
	ucontext_t *uc = context;
	uc->uc_mcontext.gregs[REG_RIP] = (long)0xffff800000000000ul;
	uc->uc_mcontext.gregs[REG_CSGSFS] = 0;
	uc->uc_mcontext.gregs[REG_EFL] = 0x3000;
}

TEST(wild_sigreturn_is_a_signal)
{
	pid_t pid = FORK({
		struct sigaction sa;
		memset(&sa, 0, sizeof sa);
		sa.sa_sigaction = wild_context;
		sa.sa_flags = SA_SIGINFO;
		sigaction(SIGUSR1, &sa, NULL);
		raise(SIGUSR1);
		_exit(1);
	});
	ut_wait_signal(pid, SIGSEGV);
	/* sigreturn without a frame. */
	pid = FORK(syscall(SYS_rt_sigreturn); _exit(1));
	int status = ut_wait(pid);
	CHECK(WIFSIGNALED(status));
}
