/* Files: opening, offsets, links, renaming, permissions, times. */
#include "ut.h"

#include <limits.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <utime.h>

TEST(open_flags)
{
	CHECK_ERR(open("f", O_RDONLY), ENOENT);
	int fd = open("f", O_WRONLY | O_CREAT | O_EXCL, 0640);
	CHECK(fd >= 0);
	CHECK_EQ(write(fd, "hello", 5), 5);
	char c;
	CHECK_ERR(read(fd, &c, 1), EBADF);
	CHECK_ERR(open("f", O_WRONLY | O_CREAT | O_EXCL, 0600), EEXIST);
	struct stat st;
	CHECK_EQ(stat("f", &st), 0);
	CHECK_EQ(st.st_mode, S_IFREG | 0640);
	CHECK_EQ(st.st_size, 5);
	CHECK_EQ(st.st_nlink, 1);
	fd = open("f", O_RDONLY);
	CHECK_ERR(write(fd, "x", 1), EBADF);
	CHECK(open("f", O_WRONLY | O_TRUNC) >= 0);
	CHECK_EQ(fstat(fd, &st), 0);
	CHECK_EQ(st.st_size, 0);
	CHECK_ERR(open(".", O_WRONLY), EISDIR);
	CHECK_ERR(open(".", O_RDWR | O_CREAT, 0600), EISDIR);
	CHECK_ERR(open("f", O_RDONLY | O_DIRECTORY), ENOTDIR);
	CHECK_ERR(open("f/", O_RDONLY), ENOTDIR);
	CHECK_ERR(open("f/x", O_RDONLY), ENOTDIR);
	CHECK_ERR(open("missing/x", O_RDWR | O_CREAT, 0600), ENOENT);
	CHECK_ERR(open("", O_RDONLY), ENOENT);
	CHECK_ERR(open(ut_wild, O_RDONLY), EFAULT);
}

TEST(long_names)
{
	char name[NAME_MAX + 2], path[PATH_MAX + 10];
	memset(name, 'n', sizeof name);
	name[NAME_MAX] = 0;
	ut_write_file(name, "x");
	CHECK_STR(ut_read_file(name), "x");
	name[NAME_MAX] = 'n';
	name[NAME_MAX + 1] = 0;
	CHECK_ERR(open(name, O_RDONLY), ENAMETOOLONG);
	CHECK_ERR(mkdir(name, 0755), ENAMETOOLONG);
	memset(path, '/', sizeof path);
	path[PATH_MAX] = 0;
	CHECK_ERR(open(path, O_RDONLY), ENAMETOOLONG);
	path[PATH_MAX - 1] = 0;
	CHECK(open(path, O_RDONLY) >= 0);
}

TEST(umask_applies)
{
	struct stat st;
	CHECK_EQ(umask(027), 022);
	close(open("f", O_WRONLY | O_CREAT, 0777));
	CHECK_EQ(mkdir("d", 0777), 0);
	CHECK_EQ(stat("f", &st), 0);
	CHECK_EQ(st.st_mode & 07777, 0750);
	CHECK_EQ(stat("d", &st), 0);
	CHECK_EQ(st.st_mode & 07777, 0750);
	CHECK_EQ(umask(0777), 027);
}

TEST(append_goes_to_the_end)
{
	int a = open("f", O_WRONLY | O_CREAT | O_APPEND, 0600), b = open("f", O_WRONLY | O_APPEND);
	CHECK_EQ(write(a, "one", 3), 3);
	CHECK_EQ(write(b, "two", 3), 3);
	CHECK_EQ(lseek(a, 0, SEEK_SET), 0);
	CHECK_EQ(write(a, "three", 5), 5);
	CHECK_STR(ut_read_file("f"), "onetwothree");
}

TEST(seek)
{
	ut_write_file("f", "0123456789");
	int fd = open("f", O_RDWR);
	char c;
	CHECK_EQ(lseek(fd, -1, SEEK_END), 9);
	CHECK_EQ(read(fd, &c, 1), 1);
	CHECK_EQ(c, '9');
	CHECK_EQ(read(fd, &c, 1), 0);
	CHECK_EQ(lseek(fd, -5, SEEK_CUR), 5);
	CHECK_ERR(lseek(fd, -1, SEEK_SET), EINVAL);
	CHECK_ERR(lseek(fd, 0, 77), EINVAL);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 5);
	CHECK_EQ(pread(fd, &c, 1, 2), 1);
	CHECK_EQ(c, '2');
	CHECK_EQ(pwrite(fd, "X", 1, 3), 1);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 5);
	CHECK_ERR(pread(fd, &c, 1, -1), EINVAL);
	CHECK_EQ(lseek(fd, 100, SEEK_SET), 100);
	CHECK_EQ(read(fd, &c, 1), 0);
	struct stat st;
	CHECK_EQ(fstat(fd, &st), 0);
	CHECK_EQ(st.st_size, 10);
}

TEST(sparse_files)
{
	int fd = open("f", O_RDWR | O_CREAT, 0600);
	struct stat st;
	char buf[100];
	CHECK_EQ(lseek(fd, (off_t)1 << 32, SEEK_SET), (off_t)1 << 32);
	CHECK_EQ(write(fd, "end", 3), 3);
	CHECK_EQ(fstat(fd, &st), 0);
	CHECK_EQ(st.st_size, ((off_t)1 << 32) + 3);
	CHECK(st.st_blocks < 100);
	memset(buf, 1, sizeof buf);
	CHECK_EQ(pread(fd, buf, sizeof buf, 1 << 20), sizeof buf);
	for (int i = 0; i < 100; i++)
		CHECK_EQ(buf[i], 0);
	CHECK_EQ(pread(fd, buf, sizeof buf, (off_t)1 << 32), 3);
}

TEST(truncate_both_ways)
{
	char buf[32];
	ut_write_file("f", "0123456789");
	CHECK_EQ(truncate("f", 4), 0);
	CHECK_STR(ut_read_file("f"), "0123");
	CHECK_EQ(truncate("f", 8), 0);
	int fd = open("f", O_RDWR);
	CHECK_EQ(read(fd, buf, sizeof buf), 8);
	CHECK_EQ(memcmp(buf, "0123\0\0\0\0", 8), 0);
	CHECK_EQ(ftruncate(fd, 0), 0);
	CHECK_EQ(write(fd, "x", 1), 1);
	CHECK_EQ(lseek(fd, 0, SEEK_END), 9);
	CHECK_ERR(ftruncate(fd, -1), EINVAL);
	CHECK_ERR(truncate("missing", 1), ENOENT);
	CHECK_ERR(truncate(".", 1), EISDIR);
	CHECK_ERR(ftruncate(open("f", O_RDONLY), 1), EINVAL);
}

TEST(large_and_unaligned_writes)
{
	static char out[70000], in[70000];
	for (unsigned i = 0; i < sizeof out; i++)
		out[i] = i * 31 >> 3;
	int fd = open("f", O_RDWR | O_CREAT, 0600);
	CHECK_EQ(pwrite(fd, out, sizeof out, 4095), sizeof out);
	CHECK_EQ(pread(fd, in, sizeof in, 4095), sizeof in);
	CHECK_EQ(memcmp(in, out, sizeof in), 0);
	for (unsigned at = 0; at < sizeof out; at += 4093)
		CHECK_EQ(pread(fd, in, 1, 4095 + at) == 1 && in[0] == out[at], 1);
	CHECK_EQ(pread(fd, in, 4096, 0), 4096);
	CHECK_EQ(in[4094], 0);
	CHECK_EQ(in[4095], out[0]);
}

TEST(unlink_while_open)
{
	struct stat st;
	int fd = open("f", O_RDWR | O_CREAT, 0600);
	CHECK_EQ(write(fd, "still here", 10), 10);
	CHECK_EQ(unlink("f"), 0);
	CHECK_ERR(open("f", O_RDONLY), ENOENT);
	CHECK_EQ(fstat(fd, &st), 0);
	CHECK_EQ(st.st_nlink, 0);
	char buf[16] = "";
	CHECK_EQ(pread(fd, buf, sizeof buf, 0), 10);
	CHECK_STR(buf, "still here");
	int other = open("f", O_RDWR | O_CREAT, 0600);
	CHECK_EQ(read(other, buf, 1), 0);
	CHECK_ERR(unlink("missing"), ENOENT);
	CHECK_ERR(unlink("."), EISDIR);
}

TEST(hard_links)
{
	struct stat a, b;
	ut_write_file("a", "shared");
	CHECK_EQ(link("a", "b"), 0);
	CHECK_EQ(stat("a", &a), 0);
	CHECK_EQ(stat("b", &b), 0);
	CHECK_EQ(a.st_ino, b.st_ino);
	CHECK_EQ(a.st_dev, b.st_dev);
	CHECK_EQ(a.st_nlink, 2);
	ut_write_file("b", "changed");
	CHECK_STR(ut_read_file("a"), "changed");
	CHECK_EQ(unlink("a"), 0);
	CHECK_STR(ut_read_file("b"), "changed");
	CHECK_EQ(stat("b", &b), 0);
	CHECK_EQ(b.st_nlink, 1);
	CHECK_ERR(link("missing", "c"), ENOENT);
	ut_write_file("c", "");
	CHECK_ERR(link("b", "c"), EEXIST);
	CHECK_EQ(mkdir("d", 0755), 0);
	CHECK_ERR(link("d", "e"), EPERM);
	CHECK_ERR(link("b", "/ut-link"), EXDEV);
}

TEST(symbolic_links)
{
	struct stat st;
	char buf[64];
	ut_write_file("target", "content");
	CHECK_EQ(symlink("target", "l"), 0);
	CHECK_STR(ut_read_file("l"), "content");
	CHECK_EQ(lstat("l", &st), 0);
	CHECK(S_ISLNK(st.st_mode));
	CHECK_EQ(st.st_size, 6);
	CHECK_EQ(readlink("l", buf, sizeof buf), 6);
	CHECK_EQ(memcmp(buf, "target", 6), 0);
	CHECK_EQ(readlink("l", buf, 3), 3);
	CHECK_ERR(readlink("target", buf, sizeof buf), EINVAL);
	CHECK_ERR(readlink("l", buf, 0), EINVAL);
	CHECK_ERR(symlink("x", "l"), EEXIST);
	CHECK_ERR(symlink("", "m"), ENOENT);
	CHECK_ERR(open("l", O_RDONLY | O_NOFOLLOW), ELOOP);
	CHECK_EQ(symlink("missing", "dangling"), 0);
	CHECK_ERR(open("dangling", O_RDONLY), ENOENT);
	CHECK_ERR(open("dangling", O_WRONLY | O_CREAT | O_EXCL, 0600), EEXIST);
	int fd = open("dangling", O_WRONLY | O_CREAT, 0600);
	CHECK(fd >= 0);
	CHECK_EQ(stat("missing", &st), 0);
	CHECK_EQ(unlink("l"), 0);
	CHECK_STR(ut_read_file("target"), "content");
}

TEST(symbolic_link_loops)
{
	char name[16], to[16];
	CHECK_EQ(symlink("b", "a"), 0);
	CHECK_EQ(symlink("a", "b"), 0);
	CHECK_ERR(open("a", O_RDONLY), ELOOP);
	CHECK_EQ(symlink("self/x", "self"), 0);
	CHECK_ERR(open("self", O_RDONLY), ELOOP);
	ut_write_file("l0", "end");
	for (int i = 1; i <= 41; i++) {
		snprintf(name, sizeof name, "l%d", i);
		snprintf(to, sizeof to, "l%d", i - 1);
		CHECK_EQ(symlink(to, name), 0);
	}
	CHECK_STR(ut_read_file("l40"), "end");
	CHECK_ERR(open("l41", O_RDONLY), ELOOP);
}

TEST(symbolic_links_to_folders)
{
	struct stat st;
	CHECK_EQ(mkdir("d", 0755), 0);
	ut_write_file("d/f", "inside");
	CHECK_EQ(symlink("d", "l"), 0);
	CHECK_STR(ut_read_file("l/f"), "inside");
	CHECK_STR(ut_read_file("l/../d/f"), "inside");
	CHECK_EQ(lstat("l/", &st), 0);
	CHECK(S_ISDIR(st.st_mode));
	CHECK_ERR(rmdir("l"), ENOTDIR);
	CHECK_EQ(chdir("l"), 0);
	char buf[128];
	CHECK(getcwd(buf, sizeof buf) != NULL);
	CHECK_STR(buf + strlen(buf) - 2, "/d");
}

TEST(rename_files)
{
	struct stat before, after;
	ut_write_file("a", "A");
	ut_write_file("b", "B");
	CHECK_EQ(stat("a", &before), 0);
	int old = open("b", O_RDONLY);
	CHECK_EQ(rename("a", "b"), 0);
	CHECK_ERR(open("a", O_RDONLY), ENOENT);
	CHECK_STR(ut_read_file("b"), "A");
	CHECK_EQ(stat("b", &after), 0);
	CHECK_EQ(before.st_ino, after.st_ino);
	char c;
	CHECK_EQ(read(old, &c, 1), 1);
	CHECK_EQ(c, 'B');
	CHECK_EQ(fstat(old, &after), 0);
	CHECK_EQ(after.st_nlink, 0);
	CHECK_EQ(rename("b", "b"), 0);
	CHECK_EQ(link("b", "c"), 0);
	/* Two names of one file: nothing happens. */
	CHECK_EQ(rename("b", "c"), 0);
	CHECK_STR(ut_read_file("b"), "A");
	CHECK_ERR(rename("missing", "x"), ENOENT);
	CHECK_ERR(rename("b", "missing/x"), ENOENT);
	CHECK_ERR(rename("b", "/ut-link"), EXDEV);
}

TEST(rename_folders)
{
	CHECK_EQ(mkdir("d", 0755), 0);
	CHECK_EQ(mkdir("d/sub", 0755), 0);
	ut_write_file("d/sub/f", "deep");
	CHECK_EQ(mkdir("empty", 0755), 0);
	CHECK_EQ(mkdir("full", 0755), 0);
	ut_write_file("full/f", "");
	ut_write_file("f", "");
	CHECK_ERR(rename("d", "d/sub/x"), EINVAL);
	CHECK_ERR(rename("d", "full"), ENOTEMPTY);
	CHECK_ERR(rename("d", "f"), ENOTDIR);
	CHECK_ERR(rename("f", "empty"), EISDIR);
	CHECK_EQ(rename("d", "empty"), 0);
	CHECK_STR(ut_read_file("empty/sub/f"), "deep");
	CHECK_EQ(rename("empty/sub", "full/sub"), 0);
	CHECK_STR(ut_read_file("full/sub/f"), "deep");
	struct stat up, full;
	CHECK_EQ(stat("full/sub/..", &up), 0);
	CHECK_EQ(stat("full", &full), 0);
	CHECK_EQ(up.st_ino, full.st_ino);
	CHECK_EQ(full.st_nlink, 3);
	CHECK_ERR(rename(".", "x"), EBUSY);
}

TEST(access_and_permissions)
{
	ut_write_file("private", "x");
	CHECK_EQ(chmod("private", 0600), 0);
	CHECK_EQ(mkdir("locked", 0700), 0);
	ut_write_file("locked/f", "x");
	CHECK_EQ(mkdir("readonly", 0755), 0);
	ut_write_file("readonly/f", "x");
	ut_write_file("exec", "x");
	CHECK_EQ(chmod("exec", 0711), 0);
	CHECK_EQ(access("private", R_OK | W_OK), 0);
	CHECK_ERR(access("private", X_OK), EACCES);
	CHECK_ERR(access("private", 99), EINVAL);
	ut_wait_exit(FORK({
		ut_drop_root();
		CHECK_ERR(open("private", O_RDONLY), EACCES);
		CHECK_ERR(access("private", R_OK), EACCES);
		CHECK_ERR(open("locked/f", O_RDONLY), EACCES);
		CHECK_ERR(open("readonly/new", O_RDWR | O_CREAT, 0600), EACCES);
		CHECK_ERR(unlink("readonly/f"), EACCES);
		CHECK_ERR(mkdir("readonly/d", 0755), EACCES);
		CHECK_ERR(chdir("locked"), EACCES);
		CHECK(open("readonly/f", O_RDONLY) >= 0);
		CHECK_ERR(open("readonly/f", O_WRONLY), EACCES);
		CHECK_ERR(chmod("readonly/f", 0777), EPERM);
		CHECK_ERR(chown("readonly/f", 65534, 65534), EPERM);
		CHECK_ERR(open("exec", O_RDONLY), EACCES);
		CHECK_EQ(access("exec", X_OK), 0);
		CHECK_ERR(truncate("readonly/f", 0), EACCES);
		ut_write_file("mine", "x");
		CHECK_EQ(chmod("mine", 0), 0);
		CHECK_ERR(open("mine", O_RDONLY), EACCES);
	}), 0);
	CHECK_STR(ut_read_file("mine"), "x");
}

TEST(group_permissions)
{
	struct stat st;
	ut_write_file("f", "x");
	CHECK_EQ(chown("f", 1000, 2000), 0);
	CHECK_EQ(chmod("f", 0640), 0);
	CHECK_EQ(stat("f", &st), 0);
	CHECK(st.st_uid == 1000 && st.st_gid == 2000);
	CHECK_EQ(chown("f", -1, 2001), 0);
	CHECK_EQ(stat("f", &st), 0);
	CHECK(st.st_uid == 1000 && st.st_gid == 2001);
	CHECK_EQ(chmod(".", 0777), 0);
	ut_wait_exit(FORK({
		CHECK_EQ(setresgid(2001, 2001, 2001), 0);
		CHECK_EQ(setresuid(7, 7, 7), 0);
		CHECK(open("f", O_RDONLY) >= 0);
		CHECK_ERR(open("f", O_WRONLY), EACCES);
	}), 0);
}

TEST(sticky_folder)
{
	CHECK_EQ(mkdir("t", 0777), 0);
	CHECK_EQ(chmod("t", 01777), 0);
	ut_write_file("t/root", "x");
	CHECK_EQ(chmod("t/root", 0666), 0);
	ut_wait_exit(FORK({
		ut_drop_root();
		CHECK_ERR(unlink("t/root"), EPERM);
		CHECK_ERR(rename("t/root", "t/other"), EPERM);
		ut_write_file("t/mine", "y");
		CHECK_ERR(rename("t/mine", "t/root"), EPERM);
		CHECK_EQ(unlink("t/mine"), 0);
	}), 0);
}

TEST(setuid_bits_are_cleared)
{
	struct stat st;
	ut_write_file("f", "x");
	CHECK_EQ(chmod(".", 0777), 0);
	CHECK_EQ(chown("f", 65534, 65534), 0);
	CHECK_EQ(chmod("f", 06777), 0);
	ut_wait_exit(FORK(ut_drop_root(); ut_write_file("f", "y")), 0);
	CHECK_EQ(stat("f", &st), 0);
	CHECK_EQ(st.st_mode & 07777, 0777);
}

TEST(times_of_files)
{
	struct stat a, b;
	ut_write_file("f", "x");
	CHECK_EQ(stat("f", &a), 0);
	CHECK(time(NULL) - a.st_mtime < 60);
	ut_msleep(30);
	ut_write_file("f", "yy");
	CHECK_EQ(stat("f", &b), 0);
	CHECK(b.st_mtim.tv_sec > a.st_mtim.tv_sec || b.st_mtim.tv_nsec > a.st_mtim.tv_nsec);
	struct timespec set[2] = { { 1000000000, 123456789 }, { 1100000000, 987654321 } };
	CHECK_EQ(utimensat(AT_FDCWD, "f", set, 0), 0);
	CHECK_EQ(stat("f", &a), 0);
	CHECK(a.st_atim.tv_sec == 1000000000 && a.st_atim.tv_nsec == 123456789);
	CHECK(a.st_mtim.tv_sec == 1100000000 && a.st_mtim.tv_nsec == 987654321);
	struct timespec omit[2] = { { 0, UTIME_OMIT }, { 0, UTIME_NOW } };
	CHECK_EQ(utimensat(AT_FDCWD, "f", omit, 0), 0);
	CHECK_EQ(stat("f", &a), 0);
	CHECK_EQ(a.st_atim.tv_sec, 1000000000);
	CHECK(time(NULL) - a.st_mtime < 60);
	struct timespec bad[2] = { { 0, 2000000000 }, { 0, 0 } };
	CHECK_ERR(utimensat(AT_FDCWD, "f", bad, 0), EINVAL);
	CHECK_EQ(chmod("f", 0600), 0);
	CHECK_EQ(stat("f", &b), 0);
	CHECK(b.st_ctim.tv_sec >= a.st_ctim.tv_sec);
}

TEST(folder_times_change)
{
	struct stat a, b;
	CHECK_EQ(mkdir("d", 0755), 0);
	CHECK_EQ(stat("d", &a), 0);
	ut_msleep(30);
	ut_write_file("d/f", "");
	CHECK_EQ(stat("d", &b), 0);
	CHECK(b.st_mtim.tv_sec > a.st_mtim.tv_sec || b.st_mtim.tv_nsec > a.st_mtim.tv_nsec);
}

TEST(device_files)
{
	char buf[100];
	struct stat st;
	int zero = open("/dev/zero", O_RDWR), null = open("/dev/null", O_RDWR), full = open("/dev/full", O_RDWR);
	CHECK(zero >= 0 && null >= 0 && full >= 0);
	memset(buf, 1, sizeof buf);
	CHECK_EQ(read(zero, buf, sizeof buf), sizeof buf);
	CHECK_EQ(buf[99], 0);
	CHECK_EQ(read(null, buf, sizeof buf), 0);
	CHECK_EQ(write(null, buf, sizeof buf), sizeof buf);
	CHECK_ERR(write(full, buf, 1), ENOSPC);
	CHECK_EQ(fstat(null, &st), 0);
	CHECK(S_ISCHR(st.st_mode) && major(st.st_rdev) == 1 && minor(st.st_rdev) == 3);
	int random = open("/dev/urandom", O_RDONLY);
	char other[100];
	CHECK_EQ(read(random, buf, sizeof buf), sizeof buf);
	CHECK_EQ(read(random, other, sizeof other), sizeof other);
	CHECK(memcmp(buf, other, sizeof buf) != 0);
	char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, zero, 0);
	CHECK(p != MAP_FAILED && p[77] == 0);
}

TEST(device_nodes)
{
	struct stat st;
	CHECK_EQ(mknod("null", S_IFCHR | 0666, makedev(1, 3)), 0);
	CHECK_EQ(stat("null", &st), 0);
	CHECK(S_ISCHR(st.st_mode));
	CHECK_EQ(st.st_rdev, makedev(1, 3));
	CHECK_EQ(mknod("regular", S_IFREG | 0600, 0), 0);
	CHECK_EQ(stat("regular", &st), 0);
	CHECK(S_ISREG(st.st_mode));
}

TEST(advisory_locks)
{
	int a = open("f", O_RDWR | O_CREAT, 0600), b = open("f", O_RDWR);
	CHECK_EQ(flock(a, LOCK_EX), 0);
	CHECK_ERR(flock(b, LOCK_EX | LOCK_NB), EWOULDBLOCK);
	CHECK_EQ(flock(a, LOCK_UN), 0);
	CHECK_EQ(flock(b, LOCK_SH | LOCK_NB), 0);
	CHECK_EQ(flock(a, LOCK_SH | LOCK_NB), 0);
	close(a);
	close(b);
}

TEST(record_locks)
{
	int fd = open("f", O_RDWR | O_CREAT, 0600);
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 10, .l_len = 10 };
	CHECK_EQ(fcntl(fd, F_SETLK, &lock), 0);
	ut_wait_exit(FORK({
		struct flock other = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 15, .l_len = 1 };
		CHECK(fcntl(fd, F_SETLK, &other) == -1 && (errno == EAGAIN || errno == EACCES));
		CHECK_EQ(fcntl(fd, F_GETLK, &other), 0);
		CHECK_EQ(other.l_type, F_WRLCK);
		CHECK_EQ(other.l_pid, getppid());
		other.l_type = F_WRLCK;
		other.l_start = 30;
		CHECK_EQ(fcntl(fd, F_SETLK, &other), 0);
	}), 0);
}

TEST(file_size_limit)
{
	ut_wait_signal(FORK({
		struct rlimit limit = { 1000, 1000 };
		static char big[2000];
		CHECK_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
		int fd = open("f", O_WRONLY | O_CREAT, 0600);
		CHECK_EQ(write(fd, big, sizeof big), 1000);
		CHECK(write(fd, big, 1) < 0);
	}), SIGXFSZ);
}

TEST(statfs_answers)
{
	struct statfs fs;
	CHECK_EQ(statfs(".", &fs), 0);
	CHECK(fs.f_bsize == 4096 && fs.f_blocks > 0 && fs.f_bfree <= fs.f_blocks);
	CHECK_EQ(fs.f_namelen, 255);
	CHECK_EQ(statfs("/proc", &fs), 0);
	CHECK_EQ(fs.f_type, 0x9fa0);
}

TEST(relative_to_a_folder)
{
	struct stat st;
	CHECK_EQ(mkdir("d", 0755), 0);
	int d = open("d", O_RDONLY | O_DIRECTORY);
	CHECK(d >= 0);
	int fd = openat(d, "f", O_RDWR | O_CREAT, 0600);
	CHECK(fd >= 0);
	CHECK_EQ(fstatat(d, "f", &st, 0), 0);
	CHECK_EQ(mkdirat(d, "sub", 0755), 0);
	CHECK_EQ(symlinkat("f", d, "l"), 0);
	CHECK_EQ(fstatat(d, "l", &st, AT_SYMLINK_NOFOLLOW), 0);
	CHECK(S_ISLNK(st.st_mode));
	CHECK_EQ(renameat(d, "f", AT_FDCWD, "g"), 0);
	CHECK_EQ(unlinkat(d, "sub", AT_REMOVEDIR), 0);
	CHECK_ERR(openat(fd, "x", O_RDONLY), ENOTDIR);
	CHECK_ERR(openat(99, "x", O_RDONLY), EBADF);
	CHECK(openat(99, "/dev/null", O_RDONLY) >= 0);
	CHECK_EQ(fchdir(d), 0);
	CHECK_ERR(fchdir(fd), ENOTDIR);
	CHECK_EQ(fstatat(fd, "", &st, AT_EMPTY_PATH), 0);
	CHECK(S_ISREG(st.st_mode));
	CHECK_EQ(faccessat(d, "l", F_OK, AT_SYMLINK_NOFOLLOW), 0);
}

TEST(truncated_descriptor_table)
{
	ut_wait_exit(FORK({
		struct rlimit limit = { 30, 30 };
		CHECK_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
		int fd;
		int n = 0;
		while ((fd = open("/dev/null", O_RDONLY)) >= 0) {
			CHECK(fd < 30);
			n++;
		}
		CHECK_EQ(errno, EMFILE);
		CHECK(n >= 20);
		CHECK_ERR(dup(0), EMFILE);
		int fds[2];
		CHECK_ERR(pipe(fds), EMFILE);
		CHECK_ERR(dup2(0, 30), EBADF);
	}), 0);
}
