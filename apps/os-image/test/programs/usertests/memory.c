/* Memory: mmap and friends, faults, copy-on-write, brk, the stack. */
#include "ut.h"

#include <setjmp.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#define PAGE 4096

static sigjmp_buf escape;
static volatile int fault_signal;

static void on_fault(int sig)
{
	fault_signal = sig;
	siglongjmp(escape, 1);
}

/* The signal that reading (or writing) a byte gives, 0 if none. */
static int probe(volatile char *p, int write)
{
	ut_handler(SIGSEGV, on_fault, 0);
	ut_handler(SIGBUS, on_fault, 0);
	fault_signal = 0;
	if (sigsetjmp(escape, 1) == 0) {
		char c = *p;
		if (write)
			*p = c;
	}
	return fault_signal;
}

static char *anon(size_t size, int prot)
{
	char *p = mmap(NULL, size, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(p != MAP_FAILED);
	return p;
}

#define RW (PROT_READ | PROT_WRITE)

TEST(anonymous_memory_is_zero)
{
	char *p = anon(64 * PAGE, RW);
	for (int i = 0; i < 64 * PAGE; i++)
		CHECK_EQ(p[i], 0);
	memset(p, 1, 64 * PAGE);
	CHECK_EQ(munmap(p, 64 * PAGE), 0);
	p = anon(64 * PAGE, RW);
	for (int i = 0; i < 64 * PAGE; i++)
		CHECK_EQ(p[i], 0);
}

TEST(mmap_bad_arguments)
{
	int fd = open("f", O_RDWR | O_CREAT, 0600), ro = open("f", O_RDONLY), wo = open("f", O_WRONLY);
	CHECK((long)mmap(NULL, 0, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == -1 && errno == EINVAL);
	CHECK((long)mmap(NULL, PAGE, RW, MAP_ANONYMOUS, -1, 0) == -1 && errno == EINVAL);
	CHECK((long)mmap(NULL, PAGE, RW, MAP_PRIVATE, -1, 0) == -1 && errno == EBADF);
	CHECK(syscall(SYS_mmap, NULL, PAGE, RW, MAP_PRIVATE, fd, 123) == -1 && errno == EINVAL);
	CHECK((long)mmap((void *)0x1001, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == -1 && errno == EINVAL);
	CHECK((long)mmap(NULL, (size_t)1 << 62, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == -1 && errno == ENOMEM);
	CHECK((long)mmap((void *)0xffffffff80000000, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == -1);
	CHECK((long)mmap(NULL, PAGE, RW, MAP_SHARED, ro, 0) == -1 && errno == EACCES);
	CHECK((long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, wo, 0) == -1 && errno == EACCES);
	CHECK(mmap(NULL, PAGE, RW, MAP_PRIVATE, ro, 0) != MAP_FAILED);
	int fds[2];
	CHECK_EQ(pipe(fds), 0);
	CHECK((long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fds[0], 0) == -1 && errno == ENODEV);
	CHECK_ERR(munmap((void *)1, PAGE), EINVAL);
	CHECK_ERR(munmap((void *)PAGE, 0), EINVAL);
	CHECK_EQ(munmap((void *)0x10000, PAGE), 0);
}

TEST(unmapped_memory_faults)
{
	char *p = anon(3 * PAGE, RW);
	p[0] = p[PAGE] = p[2 * PAGE] = 1;
	CHECK_EQ(munmap(p + PAGE, PAGE), 0);
	CHECK_EQ(probe(p, 1), 0);
	CHECK_EQ(probe(p + PAGE, 0), SIGSEGV);
	CHECK_EQ(probe(p + 2 * PAGE, 1), 0);
	CHECK_EQ(p[2 * PAGE], 1);
}

TEST(protections)
{
	char *p = anon(PAGE, PROT_NONE);
	CHECK_EQ(probe(p, 0), SIGSEGV);
	CHECK_EQ(mprotect(p, PAGE, PROT_READ), 0);
	CHECK_EQ(probe(p, 0), 0);
	CHECK_EQ(probe(p, 1), SIGSEGV);
	CHECK_EQ(mprotect(p, PAGE, RW), 0);
	p[5] = 7;
	CHECK_EQ(mprotect(p, PAGE, PROT_READ), 0);
	CHECK_EQ(p[5], 7);
	CHECK_EQ(probe(p, 1), SIGSEGV);
	CHECK_EQ(mprotect(p, PAGE, PROT_NONE), 0);
	CHECK_EQ(probe(p, 0), SIGSEGV);
	CHECK_EQ(mprotect(p, PAGE, RW), 0);
	CHECK_EQ(p[5], 7);
	CHECK_ERR(mprotect(p + 1, PAGE, RW), EINVAL);
	CHECK_EQ(munmap(p, PAGE), 0);
	CHECK_ERR(mprotect(p, PAGE, RW), ENOMEM);
}

TEST(protect_the_middle)
{
	char *p = anon(5 * PAGE, RW);
	memset(p, 3, 5 * PAGE);
	CHECK_EQ(mprotect(p + 2 * PAGE, PAGE, PROT_READ), 0);
	for (int i = 0; i < 5; i++) {
		CHECK_EQ(probe(p + i * PAGE, 1), i == 2 ? SIGSEGV : 0);
		CHECK_EQ(p[i * PAGE], 3);
	}
	CHECK_EQ(mprotect(p, 5 * PAGE, RW), 0);
	CHECK_EQ(probe(p + 2 * PAGE, 1), 0);
}

TEST(system_calls_see_protections)
{
	char *p = anon(2 * PAGE, RW);
	CHECK_EQ(mprotect(p + PAGE, PAGE, PROT_READ), 0);
	int zero = open("/dev/zero", O_RDONLY), null = open("f", O_WRONLY | O_CREAT, 0600);
	CHECK_EQ(read(zero, p, PAGE), PAGE);
	CHECK_ERR(read(zero, p + PAGE, PAGE), EFAULT);
	CHECK_EQ(write(null, p + PAGE, PAGE), PAGE);
	CHECK_EQ(mprotect(p, PAGE, PROT_NONE), 0);
	CHECK_ERR(write(null, p, 10), EFAULT);
	CHECK_ERR(open(p, O_RDONLY), EFAULT);
}

TEST(no_execute)
{
	/* ret */
	unsigned char *p = (unsigned char *)anon(PAGE, RW);
	p[0] = 0xc3;
	ut_wait_signal(FORK(((void (*)(void))p)()), SIGSEGV);
	CHECK_EQ(mprotect(p, PAGE, PROT_READ | PROT_EXEC), 0);
	ut_wait_exit(FORK(((void (*)(void))p)()), 0);
	/* The stack, data and heap are not executable either. */
	ut_wait_signal(FORK(volatile unsigned char code[16] = { 0xc3 }; ((void (*)(void))(uintptr_t)code)()), SIGSEGV);
	static unsigned char data[16] = { 0xc3 };
	ut_wait_signal(FORK(((void (*)(void))data)()), SIGSEGV);
}

TEST(text_is_not_writable)
{
	ut_wait_signal(FORK(*(volatile char *)(uintptr_t)ut_now_ms = 0), SIGSEGV);
	CHECK_EQ(probe((char *)"constant", 1), SIGSEGV);
}

TEST(null_page_is_never_mapped)
{
	CHECK_EQ(probe((char *)ut_wild, 0), SIGSEGV);
}

TEST(copy_on_write)
{
	char *p = anon(100 * PAGE, RW);
	for (int i = 0; i < 100; i++)
		p[i * PAGE] = i;
	pid_t pid = FORK({
		for (int i = 0; i < 100; i++) {
			CHECK_EQ(p[i * PAGE], i);
			p[i * PAGE] = i + 1;
		}
		for (int i = 0; i < 100; i++)
			CHECK_EQ(p[i * PAGE], i + 1);
	});
	ut_wait_exit(pid, 0);
	for (int i = 0; i < 100; i++)
		CHECK_EQ(p[i * PAGE], i);
	pid = FORK(ut_msleep(50); for (int i = 0; i < 100; i++) CHECK_EQ(p[i * PAGE], i));
	for (int i = 0; i < 100; i++)
		p[i * PAGE] = 55;
	ut_wait_exit(pid, 0);
}

TEST(copy_on_write_by_the_kernel)
{
	/* A system call that writes into a shared page must copy it first. */
	int fds[2];
	char *p = anon(PAGE, RW);
	memset(p, 'p', PAGE);
	CHECK_EQ(pipe(fds), 0);
	CHECK_EQ(write(fds[1], "ccc", 3), 3);
	pid_t pid = FORK(CHECK_EQ(read(fds[0], p, 3), 3); CHECK_EQ(memcmp(p, "cccp", 4), 0));
	ut_wait_exit(pid, 0);
	CHECK_EQ(memcmp(p, "pppp", 4), 0);
}

TEST(copy_on_write_generations)
{
	volatile int *p = (int *)anon(PAGE, RW);
	*p = 0;
	pid_t pid = FORK({
		*p = 1;
		ut_wait_exit(FORK({
			*p = 2;
			ut_wait_exit(FORK(*p = 3), 0);
			CHECK_EQ(*p, 2);
		}), 0);
		CHECK_EQ(*p, 1);
	});
	ut_wait_exit(pid, 0);
	CHECK_EQ(*p, 0);
}

TEST(shared_anonymous_memory)
{
	volatile int *p = mmap(NULL, 4 * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(p != MAP_FAILED);
	pid_t pid = FORK(p[0] = 5; p[3000] = 6);
	ut_wait_exit(pid, 0);
	CHECK_EQ(p[0], 5);
	CHECK_EQ(p[3000], 6);
	CHECK_EQ(p[2000], 0);
}

TEST(file_mapping_shared)
{
	int fd = open("f", O_RDWR | O_CREAT, 0600);
	CHECK_EQ(ftruncate(fd, 3 * PAGE), 0);
	char *p = mmap(NULL, 3 * PAGE, RW, MAP_SHARED, fd, 0), *q = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, PAGE);
	CHECK(p != MAP_FAILED && q != MAP_FAILED);
	strcpy(p + PAGE, "through the map");
	CHECK_STR(q, "through the map");
	char buf[32] = "";
	CHECK_EQ(pread(fd, buf, 15, PAGE), 15);
	CHECK_STR(buf, "through the map");
	CHECK_EQ(pwrite(fd, "FILE", 4, PAGE), 4);
	CHECK_STR(p + PAGE, "FILEugh the map");
	CHECK_EQ(msync(p, 3 * PAGE, MS_SYNC), 0);
	close(fd);
	CHECK_EQ(unlink("f"), 0);
	CHECK_STR(q, "FILEugh the map");
	pid_t pid = FORK(strcpy(p + PAGE, "child"));
	ut_wait_exit(pid, 0);
	CHECK_STR(q, "child");
}

TEST(file_mapping_private)
{
	ut_write_file("f", "original contents");
	int fd = open("f", O_RDONLY);
	char *p = mmap(NULL, PAGE, RW, MAP_PRIVATE, fd, 0);
	CHECK(p != MAP_FAILED);
	CHECK_EQ(memcmp(p, "original", 8), 0);
	memcpy(p, "CHANGED!", 8);
	CHECK_STR(ut_read_file("f"), "original contents");
	CHECK_EQ(memcmp(p, "CHANGED! contents", 17), 0);
	/* The rest of the last page is zero. */
	for (int i = 17; i < PAGE; i++)
		CHECK_EQ(p[i], 0);
	pid_t pid = FORK(CHECK_EQ(memcmp(p, "CHANGED!", 8), 0); p[0] = 'x');
	ut_wait_exit(pid, 0);
	CHECK_EQ(p[0], 'C');
}

TEST(file_mapping_past_the_end)
{
	int fd = open("f", O_RDWR | O_CREAT, 0600);
	CHECK_EQ(write(fd, "x", 1), 1);
	char *p = mmap(NULL, 3 * PAGE, RW, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED);
	CHECK_EQ(probe(p + 100, 1), 0);
	CHECK_EQ(probe(p + PAGE, 0), SIGBUS);
	CHECK_EQ(ftruncate(fd, 2 * PAGE), 0);
	CHECK_EQ(probe(p + PAGE, 1), 0);
	p[PAGE] = 'y';
	/* Truncation takes pages out of maps. */
	CHECK_EQ(ftruncate(fd, PAGE), 0);
	CHECK_EQ(probe(p + PAGE, 0), SIGBUS);
	CHECK_EQ(ftruncate(fd, 2 * PAGE), 0);
	CHECK_EQ(p[PAGE], 0);
	/* A system call with such memory gets an error. */
	CHECK_ERR(write(fd, p + 2 * PAGE, 10), EFAULT);
}

TEST(fixed_replaces)
{
	char *p = anon(4 * PAGE, RW);
	memset(p, 1, 4 * PAGE);
	char *q = mmap(p + PAGE, 2 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	CHECK(q == p + PAGE);
	CHECK(p[0] == 1 && p[PAGE] == 0 && p[2 * PAGE] == 0 && p[3 * PAGE] == 1);
	CHECK((long)mmap(p, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == -1 && errno == EEXIST);
	/* A hint that is taken is only a hint. */
	q = mmap(p, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(q != MAP_FAILED && (q < p || q >= p + 4 * PAGE));
	CHECK_EQ(p[0], 1);
}

TEST(remap_grows_and_moves)
{
	char *p = anon(2 * PAGE, RW);
	strcpy(p + PAGE, "kept");
	char *q = mremap(p, 2 * PAGE, 64 * PAGE, MREMAP_MAYMOVE);
	CHECK(q != MAP_FAILED);
	CHECK_STR(q + PAGE, "kept");
	CHECK_EQ(probe(q + 63 * PAGE, 1), 0);
	CHECK_EQ(q[63 * PAGE], 0);
	q = mremap(q, 64 * PAGE, PAGE * 2, 0);
	CHECK(q != MAP_FAILED);
	CHECK_EQ(probe(q + 3 * PAGE, 0), SIGSEGV);
	CHECK_STR(q + PAGE, "kept");
}

TEST(dontneed_zeroes)
{
	char *p = anon(4 * PAGE, RW);
	memset(p, 9, 4 * PAGE);
	CHECK_EQ(madvise(p + PAGE, PAGE, MADV_DONTNEED), 0);
	CHECK(p[0] == 9 && p[PAGE] == 0 && p[2 * PAGE] == 9);
	CHECK_ERR(madvise(p + 1, PAGE, MADV_DONTNEED), EINVAL);
	CHECK_ERR(madvise(p, PAGE, 12345), EINVAL);
}

TEST(brk_grows_and_shrinks)
{
	char *start = sbrk(0);
	CHECK(sbrk(10 * PAGE) == start);
	memset(start, 1, 10 * PAGE);
	CHECK(sbrk(-10 * PAGE) == start + 10 * PAGE);
	CHECK(sbrk(10 * PAGE) == start);
	for (int i = 0; i < 10 * PAGE; i++)
		CHECK_EQ(start[i], 0);
	/* A request that cannot be met leaves the break where it is. */
	CHECK_EQ(syscall(SYS_brk, (long)1 << 46), (long)start + 10 * PAGE);
	CHECK_EQ(syscall(SYS_brk, 0), (long)start + 10 * PAGE);
}

static int deep(int n)
{
	volatile char space[1024];
	space[0] = n;
	return n == 0 ? 0 : deep(n - 1) + space[0] - space[0];
}

TEST(stack_grows)
{
	CHECK_EQ(deep(4000), 0);
}

TEST(stack_limit)
{
	struct rlimit limit;
	CHECK_EQ(getrlimit(RLIMIT_STACK, &limit), 0);
	CHECK(limit.rlim_cur == 8 << 20 || limit.rlim_cur == RLIM_INFINITY);
}

TEST(address_space_limit)
{
	ut_wait_exit(FORK({
		struct rlimit limit = { 64 << 20, 64 << 20 };
		CHECK_EQ(setrlimit(RLIMIT_AS, &limit), 0);
		CHECK((long)mmap(NULL, 128 << 20, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == -1 && errno == ENOMEM);
	}), 0);
}

TEST(many_mappings)
{
	enum { N = 500 };
	char *p[N];
	/* Alternating protections keep neighbours apart. */
	for (int i = 0; i < N; i++) {
		p[i] = anon(PAGE, i & 1 ? RW : PROT_READ);
		if (i & 1)
			*p[i] = i;
	}
	for (int i = 1; i < N; i += 2)
		CHECK_EQ(*p[i], (char)i);
	for (int i = 0; i < N; i++)
		CHECK_EQ(munmap(p[(i * 7) % N], PAGE), 0);
}

TEST(large_reservation)
{
	char *p = mmap(NULL, (size_t)1 << 36, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	CHECK(p != MAP_FAILED);
	for (long i = 0; i < 64; i++)
		p[i << 30] = i;
	for (long i = 0; i < 64; i++)
		CHECK_EQ(p[i << 30], i);
	CHECK_EQ(munmap(p, (size_t)1 << 36), 0);
}

TEST(memory_comes_back)
{
	/* Touches far more memory than there is, a piece at a time. */
	for (int i = 0; i < 60; i++) {
		char *p = anon(16 << 20, RW);
		for (long at = 0; at < 16 << 20; at += PAGE)
			p[at] = 1;
		CHECK_EQ(munmap(p, 16 << 20), 0);
	}
}

TEST(map_counts_in_proc)
{
	char *p = anon(PAGE, RW);
	char want[64];
	snprintf(want, sizeof want, "%lx-", (unsigned long)p);
	FILE *maps = fopen("/proc/self/maps", "r");
	CHECK(maps != NULL);
	char line[512];
	int found = 0, stack = 0;
	while (fgets(line, sizeof line, maps) != NULL) {
		unsigned long from, to;
		CHECK_EQ(sscanf(line, "%lx-%lx", &from, &to), 2);
		found |= from <= (unsigned long)p && (unsigned long)p < to;
		stack |= from <= (unsigned long)line && (unsigned long)line < to;
	}
	CHECK(found && stack);
}
