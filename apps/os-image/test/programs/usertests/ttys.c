/* Terminals, by way of pseudo terminals: line discipline, signals, job control, sizes. */
#include "ut.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>

static int master, slave;
static char slave_name[64];

static void open_pair(void)
{
	int unlocked = 0, number;
	master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
	CHECK(master >= 0);
	CHECK_EQ(ioctl(master, TIOCSPTLCK, &unlocked), 0);
	CHECK_EQ(ioctl(master, TIOCGPTN, &number), 0);
	snprintf(slave_name, sizeof slave_name, "/dev/pts/%d", number);
	slave = open(slave_name, O_RDWR | O_NOCTTY);
	CHECK(slave >= 0);
}

/* What the master reads within a moment. */
static const char *output(void)
{
	static char text[4096];
	size_t n = 0;
	struct pollfd p = { master, POLLIN, 0 };
	while (poll(&p, 1, 100) == 1 && (p.revents & POLLIN)) {
		ssize_t r = read(master, text + n, sizeof text - 1 - n);
		CHECK(r > 0);
		n += r;
	}
	text[n] = 0;
	return text;
}

static void type(const char *keys)
{
	CHECK_EQ(write(master, keys, strlen(keys)), strlen(keys));
}

static const char *line(void)
{
	static char text[512];
	ssize_t n = read(slave, text, sizeof text - 1);
	CHECK(n >= 0);
	text[n] = 0;
	return text;
}

static void set_flags(tcflag_t local_off, tcflag_t local_on)
{
	struct termios t;
	CHECK_EQ(tcgetattr(slave, &t), 0);
	t.c_lflag = (t.c_lflag & ~local_off) | local_on;
	CHECK_EQ(tcsetattr(slave, TCSANOW, &t), 0);
}

TEST(tty_canonical_lines)
{
	open_pair();
	CHECK(isatty(slave));
	type("first\nsecond\n");
	CHECK_STR(line(), "first\n");
	CHECK_STR(line(), "second\n");
	CHECK_STR(output(), "first\r\nsecond\r\n");
}

TEST(tty_erase_and_kill)
{
	open_pair();
	type("abX\177c\n");
	CHECK_STR(line(), "abc\n");
	type("gone\025kept\n");
	CHECK_STR(line(), "kept\n");
	type("two words\027\n");
	CHECK_STR(line(), "two \n");
	type("\177\177x\n");
	CHECK_STR(line(), "x\n");
	/* ^V quotes the next character. */
	type("a\026\003b\n");
	CHECK_STR(line(), "a\003b\n");
}

TEST(tty_end_of_file)
{
	open_pair();
	type("part\004");
	CHECK_STR(line(), "part");
	type("\004");
	CHECK_STR(line(), "");
	type("more\n");
	CHECK_STR(line(), "more\n");
}

TEST(tty_partial_reads_of_a_line)
{
	char buf[4] = "";
	open_pair();
	type("abcdef\n");
	CHECK_EQ(read(slave, buf, 3), 3);
	CHECK_STR(buf, "abc");
	CHECK_STR(line(), "def\n");
}

TEST(tty_echo_control_characters)
{
	open_pair();
	type("\001\n");
	CHECK_STR(line(), "\001\n");
	CHECK_STR(output(), "^A\r\n");
	set_flags(ECHO, 0);
	type("quiet\n");
	CHECK_STR(line(), "quiet\n");
	CHECK_STR(output(), "");
}

TEST(tty_output_processing)
{
	struct termios t;
	open_pair();
	CHECK_EQ(write(slave, "a\nb", 3), 3);
	CHECK_STR(output(), "a\r\nb");
	CHECK_EQ(tcgetattr(slave, &t), 0);
	t.c_oflag &= ~OPOST;
	CHECK_EQ(tcsetattr(slave, TCSADRAIN, &t), 0);
	CHECK_EQ(write(slave, "a\nb", 3), 3);
	CHECK_STR(output(), "a\nb");
}

TEST(tty_raw_min_and_time)
{
	struct termios t;
	char buf[16] = "";
	open_pair();
	CHECK_EQ(tcgetattr(slave, &t), 0);
	cfmakeraw(&t);
	CHECK_EQ(tcsetattr(slave, TCSANOW, &t), 0);
	type("\003\004x");
	CHECK_EQ(read(slave, buf, sizeof buf), 3);
	CHECK_EQ(memcmp(buf, "\003\004x", 3), 0);
	CHECK_STR(output(), "");
	t.c_cc[VMIN] = 0;
	t.c_cc[VTIME] = 0;
	CHECK_EQ(tcsetattr(slave, TCSANOW, &t), 0);
	CHECK_EQ(read(slave, buf, sizeof buf), 0);
	t.c_cc[VTIME] = 2;
	CHECK_EQ(tcsetattr(slave, TCSANOW, &t), 0);
	long start = ut_now_ms();
	CHECK_EQ(read(slave, buf, sizeof buf), 0);
	CHECK(ut_now_ms() - start >= 190);
	t.c_cc[VMIN] = 5;
	t.c_cc[VTIME] = 0;
	CHECK_EQ(tcsetattr(slave, TCSANOW, &t), 0);
	FORK(type("ab"); ut_msleep(100); type("cde"));
	CHECK_EQ(read(slave, buf, sizeof buf), 5);
	CHECK(wait(NULL) > 0);
}

TEST(tty_nonblocking)
{
	char c;
	open_pair();
	CHECK_EQ(fcntl(slave, F_SETFL, O_NONBLOCK), 0);
	CHECK_ERR(read(slave, &c, 1), EAGAIN);
	type("x");
	/* No line yet. */
	CHECK_ERR(read(slave, &c, 1), EAGAIN);
	struct pollfd p = { slave, POLLIN, 0 };
	CHECK_EQ(poll(&p, 1, 0), 0);
	type("\n");
	CHECK_EQ(poll(&p, 1, 1000), 1);
	CHECK_EQ(read(slave, &c, 1), 1);
}

/* A child with a session of its own on the slave. */
static pid_t on_terminal(void (*run)(void))
{
	return FORK({
		CHECK_EQ(setsid(), getpid());
		close(slave);
		close(master);
		/* The first terminal that a session leader opens becomes its controlling terminal. */
		slave = open(slave_name, O_RDWR);
		CHECK(slave >= 0);
		run();
	});
}

static void wait_forever(void)
{
	CHECK_EQ(tcgetpgrp(slave), getpid());
	CHECK_EQ(tcgetsid(slave), getpid());
	CHECK_EQ(write(slave, "ready", 5), 5);
	for (;;)
		pause();
}

TEST(tty_signals)
{
	static const struct {
		const char *key;
		int sig;
	} keys[] = { { "\003", SIGINT }, { "\034", SIGQUIT } };
	for (int i = 0; i < 2; i++) {
		open_pair();
		pid_t pid = on_terminal(wait_forever);
		CHECK_STR(output(), "ready");
		type(keys[i].key);
		ut_wait_signal(pid, keys[i].sig);
		close(slave);
		close(master);
	}
}

TEST(tty_stop_key)
{
	int status;
	open_pair();
	pid_t pid = on_terminal(wait_forever);
	CHECK_STR(output(), "ready");
	/* The group of a session leader without a parent in the session is orphaned: SIGTSTP does not stop it. */
	type("\032");
	ut_msleep(100);
	CHECK_EQ(waitpid(pid, &status, WUNTRACED | WNOHANG), 0);
	type("\003");
	ut_wait_signal(pid, SIGINT);
}

static void job_control(void)
{
	int status;
	signal(SIGTTOU, SIG_IGN);
	pid_t job = FORK({
		setpgid(0, 0);
		CHECK_EQ(tcsetpgrp(slave, getpid()), 0);
		signal(SIGTTOU, SIG_DFL);
		for (;;)
			pause();
	});
	while (tcgetpgrp(slave) != job)
		ut_msleep(5);
	CHECK_EQ(write(slave, "1", 1), 1);
	CHECK_EQ(waitpid(job, &status, WUNTRACED), job);
	CHECK(WIFSTOPPED(status));
	CHECK_EQ(WSTOPSIG(status), SIGTSTP);
	/* Back to the shell; the job goes on in the background. */
	CHECK_EQ(tcsetpgrp(slave, getpid()), 0);
	kill(-job, SIGCONT);
	CHECK_EQ(waitpid(job, &status, WCONTINUED), job);
	CHECK_EQ(kill(-job, SIGKILL), 0);
	ut_wait_signal(job, SIGKILL);
	/* A background job that reads is stopped. */
	job = FORK({
		char c;
		setpgid(0, 0);
		while (tcgetpgrp(slave) == getpid())
			ut_msleep(5);
		CHECK(read(slave, &c, 1) < 0);
	});
	CHECK_EQ(waitpid(job, &status, WUNTRACED), job);
	CHECK(WIFSTOPPED(status));
	CHECK_EQ(WSTOPSIG(status), SIGTTIN);
	kill(-job, SIGKILL);
	ut_wait_signal(job, SIGKILL);
	/* With TOSTOP, one that writes too. */
	set_flags(0, TOSTOP);
	job = FORK(setpgid(0, 0); signal(SIGTTOU, SIG_DFL); CHECK(write(slave, "x", 1) < 0));
	CHECK_EQ(waitpid(job, &status, WUNTRACED), job);
	CHECK_EQ(WSTOPSIG(status), SIGTTOU);
	kill(-job, SIGKILL);
	ut_wait_signal(job, SIGKILL);
	CHECK_EQ(write(slave, "2", 1), 1);
}

TEST(tty_job_control)
{
	open_pair();
	pid_t pid = on_terminal(job_control);
	char c = 0;
	while (c != '1')
		CHECK_EQ(read(master, &c, 1), 1);
	type("\032");
	while (c != '2')
		CHECK_EQ(read(master, &c, 1), 1);
	ut_wait_exit(pid, 0);
}

static void wait_for_winch(void);
static volatile sig_atomic_t winches;

static void on_winch(int sig)
{
	(void)sig;
	winches++;
}

static void wait_for_winch(void)
{
	struct winsize size;
	ut_handler(SIGWINCH, on_winch, 0);
	CHECK_EQ(write(slave, "ready", 5), 5);
	while (winches == 0)
		pause();
	CHECK_EQ(ioctl(slave, TIOCGWINSZ, &size), 0);
	CHECK(size.ws_row == 50 && size.ws_col == 132);
}

TEST(tty_window_size)
{
	struct winsize size = { 50, 132, 0, 0 };
	open_pair();
	pid_t pid = on_terminal(wait_for_winch);
	CHECK_STR(output(), "ready");
	ut_msleep(50);
	CHECK_EQ(ioctl(master, TIOCSWINSZ, &size), 0);
	ut_wait_exit(pid, 0);
}

static void hold_the_terminal(void)
{
	CHECK_EQ(write(slave, "ready", 5), 5);
	for (;;)
		pause();
}

TEST(tty_hangup)
{
	open_pair();
	pid_t pid = on_terminal(hold_the_terminal);
	CHECK_STR(output(), "ready");
	close(master);
	ut_wait_signal(pid, SIGHUP);
	char c;
	CHECK_EQ(read(slave, &c, 1), 0);
	CHECK_ERR(write(slave, &c, 1), EIO);
}

TEST(tty_master_sees_the_end)
{
	char c;
	open_pair();
	CHECK_EQ(write(slave, "z", 1), 1);
	close(slave);
	CHECK_EQ(read(master, &c, 1), 1);
	CHECK_ERR(read(master, &c, 1), EIO);
}

TEST(tty_flush)
{
	open_pair();
	type("dropped\n");
	CHECK_EQ(tcflush(slave, TCIFLUSH), 0);
	type("kept\n");
	CHECK_STR(line(), "kept\n");
}

TEST(tty_not_a_terminal)
{
	struct termios t;
	int fds[2];
	CHECK_EQ(pipe(fds), 0);
	CHECK_ERR(tcgetattr(fds[0], &t), ENOTTY);
	CHECK_ERR(tcgetattr(open("f", O_RDWR | O_CREAT, 0600), &t), ENOTTY);
	CHECK(!isatty(open("/dev/null", O_RDWR)));
	CHECK_ERR(ioctl(99, TCGETS, &t), EBADF);
	open_pair();
	CHECK_ERR(ioctl(slave, TCGETS, ut_wild), EFAULT);
	CHECK_ERR(ioctl(slave, 0x5aff, &t), ENOTTY);
}
