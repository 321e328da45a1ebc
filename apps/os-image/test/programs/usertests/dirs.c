/* Folders: making, removing, reading, the current and the root folder. */
#include "ut.h"

#include <dirent.h>
#include <sys/syscall.h>

static int entries(const char *path)
{
	DIR *d = opendir(path);
	CHECK(d != NULL);
	int n = 0;
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

TEST(mkdir_and_rmdir)
{
	struct stat st;
	CHECK_EQ(mkdir("d", 0700), 0);
	CHECK_ERR(mkdir("d", 0700), EEXIST);
	CHECK_ERR(mkdir("x/y", 0700), ENOENT);
	CHECK_EQ(stat("d", &st), 0);
	CHECK_EQ(st.st_mode, S_IFDIR | 0700);
	CHECK_EQ(st.st_nlink, 2);
	CHECK_EQ(mkdir("d/sub/", 0700), 0);
	CHECK_EQ(stat("d", &st), 0);
	CHECK_EQ(st.st_nlink, 3);
	CHECK_ERR(rmdir("d"), ENOTEMPTY);
	CHECK_ERR(rmdir("d/."), EINVAL);
	CHECK_ERR(rmdir("d/sub/.."), ENOTEMPTY);
	CHECK_ERR(unlink("d/sub"), EISDIR);
	CHECK_EQ(rmdir("d/sub"), 0);
	CHECK_EQ(rmdir("d"), 0);
	CHECK_ERR(rmdir("d"), ENOENT);
	ut_write_file("f", "");
	CHECK_ERR(rmdir("f"), ENOTDIR);
	CHECK_ERR(mkdir("f/x", 0755), ENOTDIR);
	CHECK_ERR(rmdir("/"), EBUSY);
	CHECK_ERR(mkdir("/", 0755), EEXIST);
}

TEST(dots_in_paths)
{
	struct stat a, b;
	CHECK_EQ(mkdir("d", 0755), 0);
	CHECK_EQ(stat(".", &a), 0);
	CHECK_EQ(stat("d/..", &b), 0);
	CHECK_EQ(a.st_ino, b.st_ino);
	CHECK_EQ(stat("d/././../d//../.", &b), 0);
	CHECK_EQ(a.st_ino, b.st_ino);
	CHECK_EQ(stat("/..", &a), 0);
	CHECK_EQ(stat("/", &b), 0);
	CHECK_EQ(a.st_ino, b.st_ino);
	CHECK_ERR(stat("missing/..", &a), ENOENT);
}

TEST(readdir_lists_everything_once)
{
	enum { N = 300 };
	char name[32];
	char seen[N] = "";
	for (int i = 0; i < N; i++) {
		snprintf(name, sizeof name, "file-%d", i);
		ut_write_file(name, "");
	}
	CHECK_EQ(mkdir("folder", 0755), 0);
	CHECK_EQ(symlink("x", "link"), 0);
	DIR *d = opendir(".");
	struct dirent *e;
	int dots = 0, others = 0;
	while ((e = readdir(d)) != NULL) {
		int i;
		struct stat st;
		CHECK_EQ(lstat(e->d_name, &st), 0);
		if (strcmp(e->d_name, "..") != 0)
			CHECK_EQ(e->d_ino, st.st_ino);
		CHECK(e->d_type == DT_UNKNOWN || e->d_type == IFTODT(st.st_mode));
		if (sscanf(e->d_name, "file-%d", &i) == 1) {
			CHECK(i >= 0 && i < N && !seen[i]);
			seen[i] = 1;
		} else if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) {
			dots++;
		} else {
			others++;
		}
	}
	closedir(d);
	CHECK_EQ(dots, 2);
	CHECK_EQ(others, 2);
	for (int i = 0; i < N; i++)
		CHECK(seen[i]);
}

TEST(readdir_while_deleting)
{
	enum { N = 500 };
	char name[32];
	for (int i = 0; i < N; i++) {
		snprintf(name, sizeof name, "%d", i);
		ut_write_file(name, "");
	}
	DIR *d = opendir(".");
	struct dirent *e;
	int n = 0;
	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		CHECK_EQ(unlink(e->d_name), 0);
		n++;
	}
	closedir(d);
	CHECK_EQ(n, N);
	CHECK_EQ(entries("."), 2);
}

TEST(readdir_rewinds_and_seeks)
{
	ut_write_file("a", "");
	ut_write_file("b", "");
	ut_write_file("c", "");
	DIR *d = opendir(".");
	char third[256];
	readdir(d);
	readdir(d);
	long at = telldir(d);
	strcpy(third, readdir(d)->d_name);
	readdir(d);
	seekdir(d, at);
	CHECK_STR(readdir(d)->d_name, third);
	rewinddir(d);
	ut_write_file("new", "");
	rewinddir(d);
	int n = 0, found = 0;
	for (struct dirent *e; (e = readdir(d)) != NULL; n++)
		found |= strcmp(e->d_name, "new") == 0;
	CHECK_EQ(n, 6);
	CHECK(found);
	closedir(d);
}

TEST(getdents_small_buffers)
{
	char buf[64];
	ut_write_file("a-name-that-is-longer-than-the-others-so-that-it-does-not-fit-in-a-small-buffer", "");
	int fd = open(".", O_RDONLY | O_DIRECTORY);
	CHECK_ERR(syscall(SYS_getdents64, fd, buf, 8), EINVAL);
	long n;
	errno = 0;
	while ((n = syscall(SYS_getdents64, fd, buf, sizeof buf)) > 0)
		;
	CHECK(n == -1 && errno == EINVAL);
	CHECK_ERR(syscall(SYS_getdents64, fd, ut_wild, 1000), EFAULT);
	CHECK_ERR(read(fd, buf, sizeof buf), EISDIR);
	int file = open("/dev/null", O_RDONLY);
	CHECK_ERR(syscall(SYS_getdents64, file, buf, sizeof buf), ENOTDIR);
}

TEST(removed_current_folder)
{
	char buf[256];
	CHECK_EQ(mkdir("d", 0755), 0);
	CHECK_EQ(chdir("d"), 0);
	CHECK_EQ(rmdir("../d"), 0);
	CHECK(getcwd(buf, sizeof buf) == NULL && errno == ENOENT);
	CHECK_ERR(open("f", O_WRONLY | O_CREAT, 0600), ENOENT);
	CHECK_ERR(mkdir("x", 0755), ENOENT);
	struct stat st;
	CHECK_EQ(stat(".", &st), 0);
	CHECK_EQ(st.st_nlink, 0);
	CHECK_EQ(chdir(".."), 0);
}

TEST(getcwd_forms)
{
	char buf[256], here[256];
	CHECK(getcwd(here, sizeof here) != NULL);
	CHECK_EQ(mkdir("a", 0755), 0);
	CHECK_EQ(mkdir("a/b", 0755), 0);
	CHECK_EQ(chdir("a/b"), 0);
	CHECK(getcwd(buf, sizeof buf) != NULL);
	CHECK_EQ(strncmp(buf, here, strlen(here)), 0);
	CHECK_STR(buf + strlen(here), "/a/b");
	CHECK_EQ(rename("../../a", "../../z"), 0);
	CHECK(getcwd(buf, sizeof buf) != NULL);
	CHECK_STR(buf + strlen(here), "/z/b");
	CHECK(syscall(SYS_getcwd, buf, 3) == -1 && errno == ERANGE);
	CHECK_EQ(chdir("/"), 0);
	CHECK(getcwd(buf, sizeof buf) != NULL);
	CHECK_STR(buf, "/");
	CHECK_ERR(chdir("/missing"), ENOENT);
	CHECK_ERR(chdir("/dev/null"), ENOTDIR);
}

TEST(change_root)
{
	CHECK_EQ(mkdir("jail", 0755), 0);
	CHECK_EQ(mkdir("jail/inside", 0755), 0);
	ut_wait_exit(FORK({
		struct stat st;
		CHECK_EQ(chroot("jail"), 0);
		CHECK_EQ(chdir("/"), 0);
		CHECK_EQ(stat("/inside", &st), 0);
		CHECK_ERR(stat("/../proc", &st), ENOENT);
		CHECK_EQ(chdir(".."), 0);
		CHECK_EQ(stat("inside", &st), 0);
		ut_drop_root();
		CHECK_ERR(chroot("/"), EPERM);
	}), 0);
}

TEST(deep_trees)
{
	enum { DEPTH = 200 };
	for (int i = 0; i < DEPTH; i++) {
		CHECK_EQ(mkdir("deeper", 0755), 0);
		CHECK_EQ(chdir("deeper"), 0);
	}
	char buf[4096];
	CHECK(getcwd(buf, sizeof buf) != NULL);
	CHECK(strlen(buf) > DEPTH * 7);
	for (int i = 0; i < DEPTH; i++) {
		CHECK_EQ(chdir(".."), 0);
		CHECK_EQ(rmdir("deeper"), 0);
	}
}

TEST(concurrent_creation)
{
	/* Several processes make and remove the same names; exactly one wins each time. */
	int fds[2];
	CHECK_EQ(pipe(fds), 0);
	for (int p = 0; p < 4; p++)
		FORK({
			char name[16];
			for (int i = 0; i < 100; i++) {
				snprintf(name, sizeof name, "n%d", i);
				int fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0600);
				CHECK(fd >= 0 || errno == EEXIST);
				if (fd >= 0) {
					CHECK_EQ(write(fds[1], "w", 1), 1);
					close(fd);
				}
			}
		});
	close(fds[1]);
	int wins = 0;
	char c;
	while (read(fds[0], &c, 1) == 1)
		wins++;
	CHECK_EQ(wins, 100);
}

TEST(mount_tmpfs_and_look)
{
	struct stat a, b;
	CHECK_EQ(mkdir("m", 0755), 0);
	ut_wait_exit(FORK(execl("/bin/busybox", "mount", "-t", "tmpfs", "none", "m", (char *)NULL)), 0);
	CHECK_EQ(stat(".", &a), 0);
	CHECK_EQ(stat("m", &b), 0);
	CHECK(a.st_dev != b.st_dev);
	CHECK_EQ(stat("m/..", &b), 0);
	CHECK_EQ(a.st_ino, b.st_ino);
	ut_write_file("m/f", "on the mount");
	ut_write_file("g", "x");
	CHECK_ERR(rename("g", "m/g"), EXDEV);
	CHECK_ERR(link("g", "m/g"), EXDEV);
	CHECK_ERR(rmdir("m"), EBUSY);
	CHECK_EQ(chdir("m"), 0);
	char buf[128];
	CHECK(getcwd(buf, sizeof buf) != NULL);
	CHECK_STR(buf + strlen(buf) - 2, "/m");
	CHECK_EQ(chdir(".."), 0);
	CHECK_EQ(stat("f", &b) == -1 && errno == ENOENT, 1);
	int busy = open("m/f", O_RDONLY);
	CHECK(WEXITSTATUS(ut_wait(FORK(int null = open("/dev/null", O_WRONLY); dup2(null, 2); execl("/bin/busybox", "umount", "m", (char *)NULL)))) != 0);
	close(busy);
	ut_wait_exit(FORK(execl("/bin/busybox", "umount", "m", (char *)NULL)), 0);
	CHECK_ERR(open("m/f", O_RDONLY), ENOENT);
}
