/* Decoding: structures, flags, sizes and wrong pointers of calls that take them. */
#include "abi.h"
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysinfo.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/times.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <utime.h>

#define BAD ((void *)8)

static int temporary(void) {
  char dir[] = "/tmp/abi-XXXXXX";
  CHECK(mkdtemp(dir) != NULL);
  EQUAL(chdir(dir), 0);
  int fd = open("f", O_CREAT | O_RDWR, 0640);
  CHECK(fd >= 0);
  EQUAL(write(fd, "0123456789", 10), 10);
  return fd;
}

/* The last page before one that is not mapped, to put things at its very end. */
static char *edge(size_t size) {
  char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  munmap(p + 4096, 4096);
  return p + 4096 - size;
}

TEST(stat_forms_agree) {
  int fd = temporary();
  struct stat a, b, c;
  struct statx x;
  EQUAL(stat("f", &a), 0);
  EQUAL(fstat(fd, &b), 0);
  EQUAL(memcmp(&a, &b, sizeof a), 0);
  EQUAL(fstatat(fd, "", &c, AT_EMPTY_PATH), 0);
  EQUAL(memcmp(&a, &c, sizeof a), 0);
  EQUAL(syscall(SYS_statx, AT_FDCWD, "f", 0, STATX_BASIC_STATS, &x), 0);
  EQUAL(x.stx_ino, a.st_ino);
  EQUAL(x.stx_size, 10);
  EQUAL(x.stx_mode, a.st_mode);
  EQUAL(x.stx_nlink, a.st_nlink);
  EQUAL(x.stx_mtime.tv_sec, a.st_mtim.tv_sec);
  EQUAL(x.stx_mtime.tv_nsec, a.st_mtim.tv_nsec);
  EQUAL(makedev(x.stx_dev_major, x.stx_dev_minor), a.st_dev);
  EQUAL(a.st_mode, S_IFREG | 0640);
  EQUAL(stat("f", (struct stat *)edge(sizeof a)), 0);
  FAILS(stat("f", (struct stat *)(edge(sizeof a) + 1)), EFAULT);
  FAILS(stat("f", BAD), EFAULT);
  FAILS(stat(BAD, &a), EFAULT);
  FAILS(stat("", &a), ENOENT);
  FAILS(syscall(SYS_newfstatat, AT_FDCWD, "f", &a, 0x40000000), EINVAL);
  FAILS(syscall(SYS_statx, AT_FDCWD, "f", 0, 0x80000000, &x), EINVAL);
  struct statfs s;
  EQUAL(statfs(".", &s), 0);
  EQUAL(s.f_namelen, 255);
  FAILS(statfs(".", BAD), EFAULT);
}

TEST(strings_at_the_edge_of_memory) {
  temporary();
  struct stat st;
  char *end = edge(2);
  memcpy(end, "f", 2);
  EQUAL(stat(end, &st), 0);
  end[1] = 'f';
  FAILS(stat(end, &st), EFAULT);
  char *longest = malloc(5000);
  memset(longest, 'a', 4999);
  longest[4999] = 0;
  FAILS(stat(longest, &st), ENAMETOOLONG);
  longest[256] = 0;
  FAILS(stat(longest, &st), ENAMETOOLONG);
}

TEST(vectors) {
  int fd = temporary();
  char a[4] = "", b[8] = "";
  struct iovec v[2] = {{a, 3}, {b, 7}};
  EQUAL(preadv(fd, v, 2, 0), 10);
  EQUAL(memcmp(a, "012", 3), 0);
  EQUAL(memcmp(b, "3456789", 7), 0);
  EQUAL(preadv2(fd, v, 2, 8, 0), 2);
  FAILS(preadv2(fd, v, 2, 0, 0x100000), EOPNOTSUPP);
  FAILS(readv(fd, v, -1), EINVAL);
  FAILS(readv(fd, v, 1025), EINVAL);
  FAILS(readv(fd, BAD, 1), EFAULT);
  v[0].iov_len = (size_t)-1;
  FAILS(readv(fd, v, 2), EINVAL);
  FAILS(pread(fd, a, 1, -1), EINVAL);
  FAILS(preadv(fd, v, 1, -5), EINVAL);
  EQUAL(lseek(fd, 0, SEEK_SET), 0);
  char *end = edge(4);
  long n = read(fd, end, 10);
  CHECK(n == 4 || (n == -1 && errno == EFAULT));
  FAILS(read(fd, BAD, 1), EFAULT);
  FAILS(write(fd, BAD, 1), EFAULT);
  EQUAL(read(fd, BAD, 0), 0);
}

TEST(directory_records) {
  temporary();
  EQUAL(mkdir("d", 0755), 0);
  EQUAL(symlink("f", "l"), 0);
  int fd = open(".", O_RDONLY | O_DIRECTORY);
  char buf[1024];
  long n = syscall(SYS_getdents64, fd, buf, sizeof buf);
  CHECK(n > 0);
  int found = 0;
  for (long at = 0; at < n;) {
    struct dirent64 *d = (struct dirent64 *)(buf + at);
    EQUAL(d->d_reclen % 8, 0);
    if (strcmp(d->d_name, "f") == 0) found += d->d_type == DT_REG;
    if (strcmp(d->d_name, "d") == 0) found += d->d_type == DT_DIR;
    if (strcmp(d->d_name, "l") == 0) found += d->d_type == DT_LNK;
    if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0) found += d->d_type == DT_DIR;
    at += d->d_reclen;
  }
  EQUAL(found, 5);
  EQUAL(syscall(SYS_getdents64, fd, buf, sizeof buf), 0);
  EQUAL(lseek(fd, 0, SEEK_SET), 0);
  FAILS(syscall(SYS_getdents64, fd, buf, 10), EINVAL);
  FAILS(syscall(SYS_getdents64, fd, BAD, sizeof buf), EFAULT);
  int seen = 0;
  while ((n = syscall(SYS_getdents64, fd, buf, 32)) > 0) seen++;
  EQUAL(seen, 5);
  EQUAL(lseek(fd, 0, SEEK_SET), 0);
  n = syscall(SYS_getdents, fd, buf, sizeof buf);
  CHECK(n > 0);
  for (long at = 0; at < n;) {
    unsigned short len = *(unsigned short *)(buf + at + 16);
    if (strcmp(buf + at + 18, "d") == 0) EQUAL(buf[at + len - 1], DT_DIR);
    at += len;
  }
  FAILS(syscall(SYS_getdents64, open("f", O_RDONLY), buf, sizeof buf), ENOTDIR);
}

TEST(time_stamps) {
  int fd = temporary();
  struct stat st;
  struct timespec t[2] = {{1000, 5}, {2000, 999999999}};
  EQUAL(futimens(fd, t), 0);
  EQUAL(fstat(fd, &st), 0);
  EQUAL(st.st_atim.tv_sec, 1000);
  EQUAL(st.st_atim.tv_nsec, 5);
  EQUAL(st.st_mtim.tv_nsec, 999999999);
  t[0].tv_nsec = UTIME_OMIT;
  t[1].tv_nsec = UTIME_NOW;
  EQUAL(utimensat(AT_FDCWD, "f", t, 0), 0);
  EQUAL(stat("f", &st), 0);
  EQUAL(st.st_atim.tv_sec, 1000);
  CHECK(st.st_mtim.tv_sec > 1000000);
  t[1].tv_nsec = 1000000000;
  FAILS(utimensat(AT_FDCWD, "f", t, 0), EINVAL);
  FAILS(syscall(SYS_utimensat, AT_FDCWD, "f", BAD, 0), EFAULT);
  EQUAL(utime("f", &(struct utimbuf){7, 8}), 0);
  EQUAL(stat("f", &st), 0);
  EQUAL(st.st_mtim.tv_sec, 8);
  struct timeval v[2] = {{3, 4}, {5, 6}};
  EQUAL(utimes("f", v), 0);
  EQUAL(stat("f", &st), 0);
  EQUAL(st.st_mtim.tv_nsec, 6000);
  v[0].tv_usec = 1000000;
  FAILS(utimes("f", v), EINVAL);
}

TEST(clocks) {
  struct timespec t;
  struct timeval v;
  for (int i = 0; i < 8; i++) {
    EQUAL(syscall(SYS_clock_gettime, i, &t), 0);
    CHECK(t.tv_nsec >= 0 && t.tv_nsec < 1000000000);
    EQUAL(syscall(SYS_clock_getres, i, &t), 0);
    EQUAL(t.tv_sec, 0);
  }
  FAILS(syscall(SYS_clock_gettime, 77, &t), EINVAL);
  FAILS(syscall(SYS_clock_gettime, 0, BAD), EFAULT);
  EQUAL(syscall(SYS_clock_getres, 0, NULL), 0);
  EQUAL(syscall(SYS_gettimeofday, &v, NULL), 0);
  EQUAL(syscall(SYS_clock_gettime, CLOCK_REALTIME, &t), 0);
  CHECK(t.tv_sec - v.tv_sec <= 1);
  CHECK(syscall(SYS_time, NULL) - v.tv_sec <= 1);
  t = (struct timespec){0, 1000000000};
  FAILS(syscall(SYS_nanosleep, &t, NULL), EINVAL);
  t = (struct timespec){-1, 0};
  FAILS(syscall(SYS_nanosleep, &t, NULL), EINVAL);
  FAILS(syscall(SYS_nanosleep, BAD, NULL), EFAULT);
  t = (struct timespec){0, 1};
  EQUAL(syscall(SYS_clock_nanosleep, CLOCK_REALTIME, TIMER_ABSTIME, &t, NULL), 0);
  struct tms tms;
  CHECK(times(&tms) > 0);
  struct rusage u;
  EQUAL(getrusage(RUSAGE_SELF, &u), 0);
  CHECK(u.ru_maxrss > 0);
  FAILS(syscall(SYS_getrusage, 5, &u), EINVAL);
}

static volatile int ticks;
static volatile int last_value;
static void tick(int sig, siginfo_t *info, void *uc) {
  (void)sig, (void)uc;
  ticks++;
  last_value = info->si_value.sival_int;
}

TEST(timers) {
  struct sigaction a = {.sa_sigaction = tick, .sa_flags = SA_SIGINFO};
  sigaction(SIGRTMIN, &a, NULL);
  sigaction(SIGALRM, &a, NULL);
  timer_t id;
  struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN, .sigev_value.sival_int = 77};
  EQUAL(timer_create(CLOCK_MONOTONIC, &ev, &id), 0);
  struct itimerspec its = {{0, 5000000}, {0, 5000000}}, now;
  EQUAL(timer_settime(id, 0, &its, NULL), 0);
  while (ticks < 3) pause();
  EQUAL(last_value, 77);
  EQUAL(timer_gettime(id, &now), 0);
  EQUAL(now.it_interval.tv_nsec, 5000000);
  CHECK(timer_getoverrun(id) >= 0);
  EQUAL(timer_delete(id), 0);
  int kid = -1;
  FAILS(syscall(SYS_timer_create, 99, NULL, &kid), EINVAL);
  FAILS(syscall(SYS_timer_create, CLOCK_REALTIME, NULL, BAD), EFAULT);
  FAILS(syscall(SYS_timer_delete, 12345), EINVAL);
  struct itimerval it = {{0, 0}, {100, 0}}, old;
  EQUAL(setitimer(ITIMER_REAL, &it, NULL), 0);
  EQUAL(getitimer(ITIMER_REAL, &old), 0);
  CHECK(old.it_value.tv_sec >= 98);
  EQUAL(alarm(5), 100);
  EQUAL(alarm(0), 5);
  it.it_value.tv_usec = 1000000;
  FAILS(setitimer(ITIMER_REAL, &it, NULL), EINVAL);
  FAILS(setitimer(9, &it, NULL), EINVAL);
}

TEST(poll_and_select_arguments) {
  int p[2];
  EQUAL(pipe(p), 0);
  struct pollfd f[2] = {{p[0], POLLIN, 0}, {-1, POLLIN, 9}};
  EQUAL(poll(f, 2, 0), 0);
  EQUAL(f[1].revents, 0);
  EQUAL(write(p[1], "x", 1), 1);
  EQUAL(poll(f, 2, -1), 1);
  EQUAL(f[0].revents, POLLIN);
  f[1].fd = 99;
  EQUAL(poll(f, 2, -1), 2);
  EQUAL(f[1].revents, POLLNVAL);
  FAILS(poll(BAD, 1, 0), EFAULT);
  struct timespec t = {0, 2000000};
  EQUAL(read(p[0], f, 1), 1);
  f[0] = (struct pollfd){p[0], POLLIN, 0};
  EQUAL(syscall(SYS_ppoll, f, 1, &t, NULL, 0), 0);
  EQUAL(t.tv_sec, 0);
  EQUAL(t.tv_nsec, 0);
  t.tv_nsec = -1;
  FAILS(syscall(SYS_ppoll, f, 1, &t, NULL, 0), EINVAL);
  FAILS(syscall(SYS_ppoll, f, 1, BAD, NULL, 0), EFAULT);
  FAILS(syscall(SYS_ppoll, f, 1, NULL, BAD, 8), EFAULT);
  FAILS(syscall(SYS_ppoll, f, 1, NULL, &t, 4), EINVAL);
  fd_set in;
  FD_ZERO(&in);
  FD_SET(p[0], &in);
  struct timeval v = {0, 1000};
  EQUAL(select(p[0] + 1, &in, NULL, NULL, &v), 0);
  EQUAL(v.tv_usec, 0);
  FAILS(select(-1, &in, NULL, NULL, &v), EINVAL);
  FAILS(select(1, BAD, NULL, NULL, &v), EFAULT);
  v.tv_sec = -1;
  FAILS(select(0, NULL, NULL, NULL, &v), EINVAL);
}

TEST(event_descriptors) {
  int e = eventfd(3, EFD_NONBLOCK), ep = epoll_create1(EPOLL_CLOEXEC);
  uint64_t v;
  EQUAL(read(e, &v, 8), 8);
  EQUAL(v, 3);
  FAILS(read(e, &v, 8), EAGAIN);
  FAILS(read(e, &v, 4), EINVAL);
  struct epoll_event ev = {EPOLLIN, {.u64 = 0x123456789abcdef0}}, out[4];
  EQUAL(epoll_ctl(ep, EPOLL_CTL_ADD, e, &ev), 0);
  FAILS(epoll_ctl(ep, EPOLL_CTL_ADD, e, &ev), EEXIST);
  FAILS(epoll_ctl(ep, EPOLL_CTL_ADD, ep, &ev), EINVAL);
  EQUAL(epoll_wait(ep, out, 4, 0), 0);
  v = 5;
  EQUAL(write(e, &v, 8), 8);
  EQUAL(epoll_wait(ep, out, 4, -1), 1);
  EQUAL(out[0].data.u64, 0x123456789abcdef0);
  EQUAL(out[0].events, EPOLLIN);
  FAILS(epoll_wait(ep, out, 0, 0), EINVAL);
  FAILS(epoll_wait(ep, BAD, 1, 0), EFAULT);
  FAILS(epoll_wait(e, out, 1, 0), EINVAL);
  EQUAL(epoll_ctl(ep, EPOLL_CTL_DEL, e, NULL), 0);
  FAILS(epoll_create1(5), EINVAL);
  int t = timerfd_create(CLOCK_MONOTONIC, 0);
  struct itimerspec its = {{0, 0}, {0, 3000000}};
  EQUAL(timerfd_settime(t, 0, &its, NULL), 0);
  EQUAL(read(t, &v, 8), 8);
  EQUAL(v, 1);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigprocmask(SIG_BLOCK, &set, NULL);
  int s = signalfd(-1, &set, 0);
  raise(SIGUSR1);
  struct signalfd_siginfo info;
  EQUAL(read(s, &info, sizeof info), sizeof info);
  EQUAL(info.ssi_signo, SIGUSR1);
  EQUAL(info.ssi_pid, getpid());
  FAILS(syscall(SYS_signalfd4, -1, &set, 4, 0), EINVAL);
}

TEST(system_structures) {
  struct utsname u;
  EQUAL(uname(&u), 0);
  CHECK(strcmp(u.sysname, "Linux") == 0);
  CHECK(strcmp(u.machine, "x86_64") == 0);
  CHECK(atoi(u.release) >= 4);
  FAILS(uname(BAD), EFAULT);
  struct sysinfo s;
  EQUAL(sysinfo(&s), 0);
  CHECK(s.totalram > s.freeram && s.freeram > 0 && s.procs > 0);
  EQUAL(s.mem_unit, 1);
  char r[256] = "", r2[256] = "";
  EQUAL(syscall(SYS_getrandom, r, sizeof r, 0), (long)sizeof r);
  EQUAL(syscall(SYS_getrandom, r2, sizeof r2, 1), (long)sizeof r2);
  CHECK(memcmp(r, r2, sizeof r) != 0);
  FAILS(syscall(SYS_getrandom, r, 1, 0x80), EINVAL);
  FAILS(syscall(SYS_getrandom, BAD, 1, 0), EFAULT);
  cpu_set_t set;
  EQUAL(sched_getaffinity(0, sizeof set, &set), 0);
  CHECK(CPU_ISSET(0, &set));
  FAILS(syscall(SYS_sched_getaffinity, 0, 4, &set), EINVAL);
  EQUAL(sched_setaffinity(0, sizeof set, &set), 0);
  unsigned cpu = 9, node = 9;
  EQUAL(syscall(SYS_getcpu, &cpu, &node, NULL), 0);
  CHECK(cpu < 1024);
  struct {
    unsigned version;
    int pid;
  } h = {0x20080522, 0};
  struct {
    unsigned effective, permitted, inheritable;
  } d[2];
  EQUAL(syscall(SYS_capget, &h, d), 0);
  if (geteuid() == 0) CHECK(d[0].effective != 0);
  h.version = 0;
  FAILS(syscall(SYS_capget, &h, d), EINVAL);
  EQUAL(h.version, 0x20080522);
}

TEST(scheduling_calls) {
  struct sched_param p = {0};
  EQUAL(sched_getscheduler(0), SCHED_OTHER);
  EQUAL(sched_get_priority_max(SCHED_FIFO), 99);
  EQUAL(sched_get_priority_min(SCHED_FIFO), 1);
  EQUAL(sched_get_priority_max(SCHED_OTHER), 0);
  FAILS(sched_get_priority_max(77), EINVAL);
  p.sched_priority = 5;
  FAILS(sched_setscheduler(0, SCHED_OTHER, &p), EINVAL);
  FAILS(sched_setscheduler(-1, SCHED_OTHER, &p), EINVAL);
  FAILS(sched_setscheduler(0, SCHED_FIFO, BAD), EFAULT);
  errno = 0;
  EQUAL(getpriority(PRIO_PROCESS, 0), 0);
  EQUAL(setpriority(PRIO_PROCESS, 0, 5), 0);
  EQUAL(getpriority(PRIO_PROCESS, 0), 5);
  EQUAL(nice(100), 19);
  struct timespec t;
  EQUAL(sched_rr_get_interval(0, &t), 0);
  EQUAL(sched_yield(), 0);
}

TEST(extended_attributes_are_none) {
  temporary();
  char b[64];
  long n = listxattr("f", b, sizeof b);
  CHECK(n == 0 || n > 0);
  CHECK(getxattr("f", "user.none", b, sizeof b) == -1 && (errno == ENODATA || errno == EOPNOTSUPP));
  FAILS(getxattr("none", "user.none", b, sizeof b), ENOENT);
}

TEST(memory_calls) {
  char *p = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(p != MAP_FAILED);
  unsigned char v[3];
  p[0] = 1;
  EQUAL(mincore(p, 3 * 4096, v), 0);
  EQUAL(v[0] & 1, 1);
  FAILS(mincore(p + 1, 4096, v), EINVAL);
  FAILS(mincore(p, 4096, BAD), EFAULT);
  FAILS(msync(p, 4096, MS_SYNC | MS_ASYNC), EINVAL);
  EQUAL(msync(p, 4096, MS_SYNC), 0);
  FAILS(mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), EINVAL);
  FAILS(mmap(NULL, 4096, PROT_READ, MAP_ANONYMOUS, -1, 0), EINVAL);
  FAILS(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 99, 0), EBADF);
  FAILS(mmap(NULL, (size_t)-1, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), ENOMEM);
  FAILS(mprotect(p + 1, 4096, PROT_READ), EINVAL);
  FAILS(munmap(p + 1, 4096), EINVAL);
  FAILS(mmap(p, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0), EEXIST);
  EQUAL(mlock(p, 4096), 0);
  EQUAL(munlock(p, 4096), 0);
  EQUAL(madvise(p, 4096, MADV_DONTNEED), 0);
  EQUAL(p[0], 0);
  FAILS(madvise(p, 4096, 9999), EINVAL);
  p[4096] = 7;
  char *q = mremap(p, 3 * 4096, 100 * 4096, MREMAP_MAYMOVE);
  CHECK(q != MAP_FAILED);
  EQUAL(q[4096], 7);
  FAILS(syscall(SYS_mlockall, 0), EINVAL);
}

TEST(credentials_of_root) {
  if (geteuid() != 0) return;
  uid_t r, e, s;
  EQUAL(setresuid(1, 2, 3), 0);
  EQUAL(getresuid(&r, &e, &s), 0);
  EQUAL(r * 100 + e * 10 + s, 123);
  FAILS(setuid(0), EPERM);
  EQUAL(seteuid(3), 0);
  FAILS(syscall(SYS_getresuid, BAD, BAD, BAD), EFAULT);
  gid_t g[4] = {0};
  FAILS(syscall(SYS_setgroups, 1, g), EPERM);
}

TEST(a_file_without_a_name_through_its_descriptor) {
  char path[64], byte = 0;
  int fd = open("/tmp", O_TMPFILE | O_RDWR, 0600);
  CHECK(fd >= 0);
  EQUAL(write(fd, "tree", 4), 4);
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  int again = open(path, O_RDONLY);
  CHECK(again >= 0);
  EQUAL(pread(again, &byte, 1, 2), 1);
  EQUAL(byte, 'e');
  FAILS(write(again, "x", 1), EBADF);
  EQUAL(chmod(path, 0640), 0);
  struct stat st;
  EQUAL(fstat(fd, &st), 0);
  EQUAL(st.st_mode & 07777, 0640);
  EQUAL(close(open(path, O_WRONLY | O_TRUNC)), 0);
  EQUAL(fstat(fd, &st), 0);
  EQUAL(st.st_size, 0);
  EQUAL(st.st_nlink, 0);
  unlink("/tmp/named-later");
  EQUAL(linkat(AT_FDCWD, path, AT_FDCWD, "/tmp/named-later", AT_SYMLINK_FOLLOW), 0);
  EQUAL(fstat(fd, &st), 0);
  EQUAL(st.st_nlink, 1);
  EQUAL(unlink("/tmp/named-later"), 0);

  int mem = syscall(SYS_memfd_create, "m", 0);
  snprintf(path, sizeof path, "/proc/self/fd/%d", mem);
  EQUAL(write(mem, "memory", 6), 6);
  again = open(path, O_RDWR);
  CHECK(again >= 0);
  EQUAL(read(again, &byte, 1), 1);
  EQUAL(byte, 'm');
}

TEST(vmsplice_takes_what_there_is_room_for) {
  static char data[200000] __attribute__((aligned(4096)));
  int p[2];
  EQUAL(pipe(p), 0);
  struct iovec v = {data, sizeof data};
  EQUAL(vmsplice(p[1], &v, 1, 0), 65536);
  FAILS(vmsplice(p[1], &v, 1, SPLICE_F_NONBLOCK), EAGAIN);
  EQUAL(read(p[0], data, 5000), 5000);
  EQUAL(fcntl(p[1], F_GETFL) & O_NONBLOCK, 0);
}

static int maps_has(const char *what) {
  static char text[65536];
  int fd = open("/proc/self/maps", O_RDONLY), n = 0, r;
  while ((r = read(fd, text + n, sizeof text - 1 - n)) > 0) n += r;
  text[n] = 0;
  close(fd);
  return strstr(text, what) != NULL;
}

TEST(maps_name_what_is_mapped) {
  unlink("/tmp/mapped");
  int fd = open("/tmp/mapped", O_RDWR | O_CREAT, 0600);
  EQUAL(ftruncate(fd, 8192), 0);
  char *a = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE, fd, 0), *b = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 4096);
  close(fd);
  CHECK(maps_has("/tmp/mapped\n"));
  EQUAL(rename("/tmp/mapped", "/tmp/mapped2"), 0);
  CHECK(maps_has("/tmp/mapped2\n"));
  EQUAL(munmap(a, 8192), 0);
  CHECK(maps_has("/tmp/mapped2\n"));
  EQUAL(unlink("/tmp/mapped2"), 0);
  CHECK(maps_has("/tmp/mapped2 (deleted)\n"));
  EQUAL(munmap(b, 4096), 0);
  CHECK(!maps_has("/tmp/mapped2"));
  fd = syscall(SYS_memfd_create, "heap of mine", 0);
  EQUAL(ftruncate(fd, 4096), 0);
  a = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
  CHECK(maps_has("/memfd:heap of mine (deleted)\n"));
  CHECK(maps_has("[stack]\n"));
}
