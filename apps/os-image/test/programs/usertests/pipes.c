/* Pipes and FIFOs: blocking, ends, atomicity, descriptors and their flags. */
#include "ut.h"

#include <limits.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

TEST(pipe_end_of_file)
{
	int fds[2];
	char buf[16];
	CHECK_EQ(pipe(fds), 0);
	CHECK_EQ(write(fds[1], "hello", 5), 5);
	close(fds[1]);
	CHECK_EQ(read(fds[0], buf, 3), 3);
	CHECK_EQ(read(fds[0], buf, sizeof buf), 2);
	CHECK_EQ(read(fds[0], buf, sizeof buf), 0);
	CHECK_EQ(read(fds[0], buf, sizeof buf), 0);
}

TEST(pipe_broken)
{
	int fds[2];
	ut_wait_signal(FORK(CHECK_EQ(pipe(fds), 0); close(fds[0]); write(fds[1], "x", 1) < 0 ? _exit(1) : _exit(2)), SIGPIPE);
	ut_handler(SIGPIPE, SIG_IGN, 0);
	CHECK_EQ(pipe(fds), 0);
	close(fds[0]);
	CHECK_ERR(write(fds[1], "x", 1), EPIPE);
}

TEST(pipe_writer_blocked_then_broken)
{
	int fds[2];
	static char big[1 << 20];
	ut_handler(SIGPIPE, SIG_IGN, 0);
	CHECK_EQ(pipe(fds), 0);
	pid_t pid = FORK({
		close(fds[0]);
		ssize_t n = write(fds[1], big, sizeof big);
		/* What went through before the reader left is a partial count; then EPIPE. */
		CHECK(n > 0 && n < (ssize_t)sizeof big);
		CHECK_ERR(write(fds[1], big, 1), EPIPE);
	});
	ut_msleep(100);
	close(fds[0]);
	ut_wait_exit(pid, 0);
}

TEST(pipe_wrong_direction)
{
	int fds[2];
	char c;
	CHECK_EQ(pipe(fds), 0);
	CHECK_ERR(write(fds[0], "x", 1), EBADF);
	CHECK_ERR(read(fds[1], &c, 1), EBADF);
	CHECK_ERR(lseek(fds[0], 0, SEEK_CUR), ESPIPE);
	CHECK_ERR(pread(fds[0], &c, 1, 0), ESPIPE);
	CHECK_ERR(ftruncate(fds[1], 0), EINVAL);
}

TEST(pipe_nonblocking)
{
	int fds[2];
	char c, page[4096];
	long total = 0;
	CHECK_EQ(pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
	CHECK_EQ(fcntl(fds[0], F_GETFD), FD_CLOEXEC);
	CHECK(fcntl(fds[0], F_GETFL) & O_NONBLOCK);
	CHECK_ERR(read(fds[0], &c, 1), EAGAIN);
	memset(page, 'x', sizeof page);
	ssize_t n;
	while ((n = write(fds[1], page, sizeof page)) > 0)
		total += n;
	CHECK_EQ(errno, EAGAIN);
	CHECK_EQ(total, 65536);
	CHECK_EQ(read(fds[0], page, 4096), 4096);
	CHECK_EQ(write(fds[1], page, 4096), 4096);
	/* An atomic write that does not fit writes nothing. */
	CHECK_EQ(read(fds[0], page, 100), 100);
	CHECK_ERR(write(fds[1], page, 4096), EAGAIN);
	close(fds[1]);
	long got = 0;
	while ((n = read(fds[0], page, sizeof page)) > 0)
		got += n;
	CHECK_EQ(got, 65536 - 100);
}

TEST(pipe_atomic_writes_do_not_mix)
{
	enum { WRITERS = 4, ROUNDS = 50 };
	int fds[2];
	CHECK_EQ(pipe(fds), 0);
	for (int w = 0; w < WRITERS; w++)
		FORK({
			char block[PIPE_BUF];
			close(fds[0]);
			memset(block, 'a' + w, sizeof block);
			for (int i = 0; i < ROUNDS; i++)
				CHECK_EQ(write(fds[1], block, sizeof block), sizeof block);
		});
	close(fds[1]);
	int blocks = 0;
	for (;;) {
		char block[PIPE_BUF];
		size_t have = 0;
		ssize_t n;
		while (have < sizeof block && (n = read(fds[0], block + have, sizeof block - have)) > 0)
			have += n;
		if (have == 0)
			break;
		CHECK_EQ(have, sizeof block);
		for (size_t i = 1; i < sizeof block; i++)
			CHECK_EQ(block[i], block[0]);
		blocks++;
	}
	CHECK_EQ(blocks, WRITERS * ROUNDS);
	for (int w = 0; w < WRITERS; w++)
		CHECK(wait(NULL) > 0);
}

TEST(pipe_large_transfer_keeps_order)
{
	enum { TOTAL = 3 << 20 };
	int fds[2];
	CHECK_EQ(pipe(fds), 0);
	pid_t pid = FORK({
		static unsigned char out[100003];
		close(fds[0]);
		for (long at = 0; at < TOTAL;) {
			long n = TOTAL - at < (long)sizeof out ? TOTAL - at : (long)sizeof out;
			for (long i = 0; i < n; i++)
				out[i] = ((at + i) * 2654435761u) >> 24;
			CHECK_EQ(write(fds[1], out, n), n);
			at += n;
		}
	});
	close(fds[1]);
	static unsigned char in[7001];
	long at = 0;
	for (ssize_t n; (n = read(fds[0], in, sizeof in)) > 0; at += n)
		for (long i = 0; i < n; i++)
			CHECK_EQ(in[i], (((at + i) * 2654435761u) >> 24) & 0xff);
	CHECK_EQ(at, TOTAL);
	ut_wait_exit(pid, 0);
}

TEST(pipe_bytes_waiting)
{
	int fds[2], n = -1;
	CHECK_EQ(pipe(fds), 0);
	CHECK_EQ(ioctl(fds[0], FIONREAD, &n), 0);
	CHECK_EQ(n, 0);
	CHECK_EQ(write(fds[1], "abc", 3), 3);
	CHECK_EQ(ioctl(fds[0], FIONREAD, &n), 0);
	CHECK_EQ(n, 3);
}

TEST(pipe_bad_memory)
{
	int fds[2];
	CHECK_EQ(pipe(fds), 0);
	CHECK_ERR(write(fds[1], ut_wild, 10), EFAULT);
	CHECK_EQ(write(fds[1], "abc", 3), 3);
	CHECK_ERR(read(fds[0], ut_wild, 3), EFAULT);
	CHECK_ERR(pipe((int *)ut_wild), EFAULT);
	/* A buffer that ends in the middle of nowhere. */
	char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK_EQ(munmap(p + 4096, 4096), 0);
	ssize_t n = write(fds[1], p + 4090, 100);
	CHECK(n == 6 || (n == -1 && errno == EFAULT));
}

TEST(pipe_vectors)
{
	int fds[2];
	char a[4] = "", b[8] = "";
	CHECK_EQ(pipe(fds), 0);
	struct iovec out[3] = { { "ab", 2 }, { NULL, 0 }, { "cdef", 4 } };
	CHECK_EQ(writev(fds[1], out, 3), 6);
	struct iovec in[2] = { { a, 3 }, { b, 7 } };
	CHECK_EQ(readv(fds[0], in, 2), 6);
	CHECK_STR(a, "abc");
	CHECK_STR(b, "def");
	CHECK_ERR(writev(fds[1], out, -1), EINVAL);
	CHECK_ERR(writev(fds[1], out, 1025), EINVAL);
	struct iovec huge[2] = { { a, SSIZE_MAX }, { b, SSIZE_MAX } };
	CHECK_EQ(readv(fds[0], huge, 2), -1);
	CHECK_EQ(writev(fds[1], out, 0), 0);
}

TEST(fifo_opens_meet)
{
	CHECK_EQ(mkfifo("fifo", 0644), 0);
	CHECK_ERR(open("fifo", O_WRONLY | O_NONBLOCK), ENXIO);
	pid_t pid = FORK({
		ut_msleep(50);
		int w = open("fifo", O_WRONLY);
		CHECK(w >= 0);
		CHECK_EQ(write(w, "through", 7), 7);
	});
	int r = open("fifo", O_RDONLY);
	CHECK(r >= 0);
	char buf[16] = "";
	CHECK_EQ(read(r, buf, sizeof buf), 7);
	CHECK_STR(buf, "through");
	CHECK_EQ(read(r, buf, sizeof buf), 0);
	ut_wait_exit(pid, 0);
	close(r);
	r = open("fifo", O_RDONLY | O_NONBLOCK);
	CHECK(r >= 0);
	CHECK_EQ(read(r, buf, 1), 0);
	int w = open("fifo", O_WRONLY | O_NONBLOCK);
	CHECK(w >= 0);
	CHECK_ERR(read(r, buf, 1), EAGAIN);
	struct stat st;
	CHECK_EQ(fstat(w, &st), 0);
	CHECK(S_ISFIFO(st.st_mode));
}

TEST(fifo_interrupted_open)
{
	CHECK_EQ(mkfifo("fifo", 0644), 0);
	pid_t pid = FORK(open("fifo", O_RDONLY));
	ut_msleep(50);
	kill(pid, SIGTERM);
	ut_wait_signal(pid, SIGTERM);
}

TEST(dup_shares_the_offset)
{
	ut_write_file("f", "0123456789");
	int a = open("f", O_RDONLY), b = dup(a);
	char c;
	CHECK_EQ(lseek(a, 5, SEEK_SET), 5);
	CHECK_EQ(read(b, &c, 1), 1);
	CHECK_EQ(c, '5');
	CHECK_EQ(dup2(a, 40), 40);
	CHECK_EQ(read(40, &c, 1), 1);
	CHECK_EQ(c, '6');
	CHECK_EQ(dup2(a, a), a);
	CHECK_ERR(dup2(99, 100), EBADF);
	CHECK_ERR(dup2(a, -1), EBADF);
	CHECK_ERR(dup3(a, a, 0), EINVAL);
	CHECK_ERR(dup(-1), EBADF);
	CHECK_EQ(fcntl(a, F_DUPFD, 50), 50);
	CHECK_EQ(fcntl(a, F_DUPFD_CLOEXEC, 50), 51);
	CHECK_EQ(fcntl(51, F_GETFD), FD_CLOEXEC);
	CHECK_ERR(fcntl(a, F_DUPFD, -1), EINVAL);
	CHECK_EQ(dup3(a, 60, O_CLOEXEC), 60);
	CHECK_EQ(fcntl(60, F_GETFD), FD_CLOEXEC);
}

TEST(lowest_descriptor_is_used)
{
	int a = open("/dev/null", O_RDONLY), b = open("/dev/null", O_RDONLY), c = open("/dev/null", O_RDONLY);
	CHECK_EQ(b, a + 1);
	CHECK_EQ(c, a + 2);
	close(b);
	CHECK_EQ(open("/dev/null", O_RDONLY), b);
	close(a);
	close(c);
	CHECK_EQ(open("/dev/null", O_RDONLY), a);
	CHECK_ERR(close(c), EBADF);
	CHECK_ERR(close(-1), EBADF);
	CHECK_ERR(close(1 << 30), EBADF);
}

TEST(status_flags)
{
	int fd = open("f", O_RDWR | O_CREAT | O_APPEND, 0600), twin = dup(fd);
	CHECK_EQ(fcntl(fd, F_GETFL) & (O_ACCMODE | O_APPEND | O_NONBLOCK), O_RDWR | O_APPEND);
	CHECK_EQ(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	CHECK_EQ(fcntl(twin, F_GETFL) & (O_ACCMODE | O_APPEND | O_NONBLOCK), O_RDWR | O_NONBLOCK);
	CHECK_EQ(fcntl(fd, F_SETFD, FD_CLOEXEC), 0);
	CHECK_EQ(fcntl(twin, F_GETFD), 0);
	CHECK_ERR(fcntl(fd, 12345), EINVAL);
	CHECK_ERR(fcntl(77, F_GETFL), EBADF);
}

TEST(pipeline_of_five)
{
	int out[2];
	char text[64] = "";
	CHECK_EQ(pipe(out), 0);
	pid_t pid = FORK({
		dup2(out[1], 1);
		close(out[0]);
		close(out[1]);
		execl("/bin/busybox", "sh", "-c", "seq 1 2000 | grep 7 | sort -rn | head -n 3 | tr '\\n' ,", (char *)NULL);
	});
	ut_wait_exit(pid, 0);
	CHECK_EQ(read(out[0], text, sizeof text), 15);
	CHECK_STR(text, "1997,1987,1979,");
}
