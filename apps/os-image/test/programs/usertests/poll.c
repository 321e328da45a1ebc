/* poll and select. */
#include "ut.h"

#include <poll.h>
#include <sys/select.h>

TEST(poll_pipe_states)
{
	int fds[2];
	CHECK_EQ(pipe(fds), 0);
	struct pollfd p[2] = { { fds[0], POLLIN, 0 }, { fds[1], POLLOUT, 0 } };
	CHECK_EQ(poll(p, 2, 0), 1);
	CHECK_EQ(p[0].revents, 0);
	CHECK_EQ(p[1].revents, POLLOUT);
	CHECK_EQ(write(fds[1], "x", 1), 1);
	CHECK_EQ(poll(p, 1, -1), 1);
	CHECK_EQ(p[0].revents, POLLIN);
	close(fds[1]);
	CHECK_EQ(poll(p, 1, -1), 1);
	CHECK_EQ(p[0].revents, POLLIN | POLLHUP);
	char c;
	CHECK_EQ(read(fds[0], &c, 1), 1);
	CHECK_EQ(poll(p, 1, -1), 1);
	CHECK_EQ(p[0].revents, POLLHUP);
}

TEST(poll_broken_writer)
{
	int fds[2];
	CHECK_EQ(pipe(fds), 0);
	close(fds[0]);
	struct pollfd p = { fds[1], POLLOUT, 0 };
	CHECK_EQ(poll(&p, 1, 0), 1);
	CHECK(p.revents & POLLERR);
}

TEST(poll_times_out)
{
	int fds[2];
	CHECK_EQ(pipe(fds), 0);
	struct pollfd p = { fds[0], POLLIN, 0 };
	long start = ut_now_ms();
	CHECK_EQ(poll(&p, 1, 120), 0);
	long took = ut_now_ms() - start;
	CHECK(took >= 119 && took < 3000);
	CHECK_EQ(poll(NULL, 0, 10), 0);
}

TEST(poll_bad_descriptors)
{
	struct pollfd p[3] = { { -1, POLLIN, 7 }, { 200, POLLIN, 0 }, { 0, 0, 0 } };
	CHECK_EQ(poll(p, 2, -1), 1);
	CHECK_EQ(p[0].revents, 0);
	CHECK_EQ(p[1].revents, POLLNVAL);
	CHECK_ERR(poll((struct pollfd *)ut_wild, 1, 0), EFAULT);
	CHECK_ERR(poll(p, 1 << 30, 0), EINVAL);
}

TEST(poll_wakes)
{
	int fds[2];
	CHECK_EQ(pipe(fds), 0);
	FORK(ut_msleep(100); CHECK_EQ(write(fds[1], "x", 1), 1));
	struct pollfd p = { fds[0], POLLIN, 0 };
	CHECK_EQ(poll(&p, 1, 10000), 1);
	CHECK_EQ(p.revents, POLLIN);
}

static volatile sig_atomic_t hits;

static void count(int sig)
{
	(void)sig;
	hits++;
}

TEST(poll_is_interrupted_even_with_restart)
{
	pid_t target = getpid();
	ut_handler(SIGUSR1, count, SA_RESTART);
	FORK(ut_msleep(100); kill(target, SIGUSR1));
	CHECK_ERR(poll(NULL, 0, 10000), EINTR);
	CHECK_EQ(hits, 1);
}

TEST(poll_files_are_ready)
{
	int fd = open("f", O_RDWR | O_CREAT, 0600);
	struct pollfd p = { fd, POLLIN | POLLOUT, 0 };
	CHECK_EQ(poll(&p, 1, -1), 1);
	CHECK_EQ(p.revents, POLLIN | POLLOUT);
	p.fd = open("/dev/null", O_RDWR);
	CHECK_EQ(poll(&p, 1, -1), 1);
	CHECK_EQ(p.revents, POLLIN | POLLOUT);
}

TEST(select_basics)
{
	int fds[2];
	fd_set in, out;
	struct timeval t = { 0, 50000 };
	CHECK_EQ(pipe(fds), 0);
	FD_ZERO(&in);
	FD_SET(fds[0], &in);
	CHECK_EQ(select(fds[0] + 1, &in, NULL, NULL, &t), 0);
	CHECK(!FD_ISSET(fds[0], &in));
	/* Linux gives the time that is left. */
	CHECK_EQ(t.tv_sec, 0);
	CHECK_EQ(t.tv_usec, 0);
	CHECK_EQ(write(fds[1], "x", 1), 1);
	FD_ZERO(&in);
	FD_ZERO(&out);
	FD_SET(fds[0], &in);
	FD_SET(fds[1], &out);
	CHECK_EQ(select(fds[1] + 1, &in, &out, NULL, NULL), 2);
	CHECK(FD_ISSET(fds[0], &in) && FD_ISSET(fds[1], &out));
	FD_ZERO(&in);
	FD_SET(40, &in);
	t.tv_usec = 0;
	CHECK_ERR(select(41, &in, NULL, NULL, &t), EBADF);
	CHECK_ERR(select(-1, NULL, NULL, NULL, &t), EINVAL);
	t.tv_sec = -1;
	CHECK_ERR(select(0, NULL, NULL, NULL, &t), EINVAL);
}

TEST(select_end_of_file_is_readable)
{
	int fds[2];
	fd_set in;
	CHECK_EQ(pipe(fds), 0);
	close(fds[1]);
	FD_ZERO(&in);
	FD_SET(fds[0], &in);
	CHECK_EQ(select(fds[0] + 1, &in, NULL, NULL, NULL), 1);
}

TEST(pselect_swaps_the_mask)
{
	sigset_t block, empty;
	struct timespec t = { 10, 0 };
	ut_handler(SIGUSR1, count, 0);
	sigemptyset(&block);
	sigaddset(&block, SIGUSR1);
	sigprocmask(SIG_BLOCK, &block, NULL);
	raise(SIGUSR1);
	CHECK_EQ(hits, 0);
	sigemptyset(&empty);
	CHECK_ERR(pselect(0, NULL, NULL, NULL, &t, &empty), EINTR);
	CHECK_EQ(hits, 1);
	raise(SIGUSR1);
	CHECK_ERR(ppoll(NULL, 0, &t, &empty), EINTR);
	CHECK_EQ(hits, 2);
}
