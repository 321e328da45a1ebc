/* Threads: futexes and what the C library builds on them. */
#include "abi.h"
#include <linux/futex.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static volatile int counter;

static void *add(void *arg) {
  for (int i = 0; i < 20000; i++) {
    pthread_mutex_lock(&mutex);
    counter++;
    pthread_mutex_unlock(&mutex);
  }
  return arg;
}

TEST(mutexes_exclude) {
  pthread_t t[6];
  for (long i = 0; i < 6; i++) EQUAL(pthread_create(&t[i], NULL, add, (void *)i), 0);
  for (long i = 0; i < 6; i++) {
    void *r;
    EQUAL(pthread_join(t[i], &r), 0);
    EQUAL(r, i);
  }
  EQUAL(counter, 120000);
}

static void *ping(void *arg) {
  long me = (long)arg;
  for (int i = 0; i < 500; i++) {
    pthread_mutex_lock(&mutex);
    while ((counter & 1) != me) pthread_cond_wait(&condition, &mutex);
    counter++;
    pthread_cond_broadcast(&condition);
    pthread_mutex_unlock(&mutex);
  }
  return NULL;
}

TEST(conditions_hand_over) {
  pthread_t a, b;
  pthread_create(&a, NULL, ping, (void *)0);
  pthread_create(&b, NULL, ping, (void *)1);
  pthread_join(a, NULL);
  pthread_join(b, NULL);
  EQUAL(counter, 1000);
}

TEST(barriers_and_read_write_locks) {
  pthread_barrier_t barrier;
  pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
  EQUAL(pthread_barrier_init(&barrier, NULL, 1), 0);
  EQUAL(pthread_barrier_wait(&barrier), PTHREAD_BARRIER_SERIAL_THREAD);
  EQUAL(pthread_rwlock_rdlock(&lock), 0);
  EQUAL(pthread_rwlock_rdlock(&lock), 0);
  EQUAL(pthread_rwlock_trywrlock(&lock), EBUSY);
}

TEST(waits_with_a_time_limit) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  t.tv_nsec += 20000000;
  if (t.tv_nsec >= 1000000000) t.tv_sec++, t.tv_nsec -= 1000000000;
  pthread_mutex_lock(&mutex);
  EQUAL(pthread_cond_timedwait(&condition, &mutex, &t), ETIMEDOUT);
  sem_t sem;
  sem_init(&sem, 0, 0);
  FAILS(sem_timedwait(&sem, &t), ETIMEDOUT);
  int word = 5;
  struct timespec span = {0, 5000000};
  FAILS(syscall(SYS_futex, &word, FUTEX_WAIT, 5, &span, NULL, 0), ETIMEDOUT);
  FAILS(syscall(SYS_futex, &word, FUTEX_WAIT, 6, &span, NULL, 0), EAGAIN);
  FAILS(syscall(SYS_futex, (char *)&word + 1, FUTEX_WAIT, 5, &span, NULL, 0), EINVAL);
  FAILS(syscall(SYS_futex, 8, FUTEX_WAIT, 5, &span, NULL, 0), EFAULT);
  FAILS(syscall(SYS_futex, &word, FUTEX_WAIT, 5, 8, NULL, 0), EFAULT);
  FAILS(syscall(SYS_futex, &word, 77, 5, NULL, NULL, 0), ENOSYS);
  EQUAL(syscall(SYS_futex, &word, FUTEX_WAKE, 100, NULL, NULL, 0), 0);
}

TEST(futexes_between_processes) {
  int *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (fork() == 0) {
    usleep(20000);
    *shared = 1;
    syscall(SYS_futex, shared, FUTEX_WAKE, 1, NULL, NULL, 0);
    _exit(0);
  }
  while (*shared == 0) syscall(SYS_futex, shared, FUTEX_WAIT, 0, NULL, NULL, 0);
  EQUAL(*shared, 1);
  wait(NULL);
}

static pthread_mutex_t robust;
static void *die_with_it(void *arg) {
  pthread_mutex_lock(&robust);
  return arg;
}

TEST(robust_mutexes_tell_of_dead_owners) {
  pthread_mutexattr_t a;
  pthread_t t;
  pthread_mutexattr_init(&a);
  pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
  pthread_mutex_init(&robust, &a);
  pthread_create(&t, NULL, die_with_it, NULL);
  pthread_join(t, NULL);
  EQUAL(pthread_mutex_lock(&robust), EOWNERDEAD);
  EQUAL(pthread_mutex_consistent(&robust), 0);
  EQUAL(pthread_mutex_unlock(&robust), 0);
}

static __thread long mine = 3;
static void *own(void *arg) {
  mine += (long)arg;
  usleep(1000);
  return (void *)mine;
}

TEST(thread_local_storage) {
  pthread_t t[4];
  for (long i = 0; i < 4; i++) pthread_create(&t[i], NULL, own, (void *)(i * 10));
  for (long i = 0; i < 4; i++) {
    void *r;
    pthread_join(t[i], &r);
    EQUAL(r, 3 + i * 10);
  }
  EQUAL(mine, 3);
}

static volatile pid_t handled_by;
static void note(int sig) {
  (void)sig;
  handled_by = (pid_t)syscall(SYS_gettid);
}
static void *wait_for_signal(void *arg) {
  *(pid_t *)arg = (pid_t)syscall(SYS_gettid);
  while (handled_by == 0) usleep(1000);
  return NULL;
}

TEST(signals_go_to_one_thread) {
  pthread_t t;
  static volatile pid_t tid;
  signal(SIGUSR1, note);
  pthread_create(&t, NULL, wait_for_signal, (void *)&tid);
  while (tid == 0) usleep(1000);
  EQUAL(pthread_kill(t, SIGUSR1), 0);
  pthread_join(t, NULL);
  EQUAL(handled_by, tid);
}

static void *forever(void *arg) {
  for (;;) pause();
  return arg;
}

TEST(exit_ends_all_threads) {
  int status = CHILD_STATUS({
    pthread_t t;
    for (int i = 0; i < 5; i++) pthread_create(&t, NULL, forever, NULL);
    exit(12);
  });
  EQUAL(WEXITSTATUS(status), 12);
}

static void *leave(void *arg) {
  execl("/bin/sh", "sh", "-c", "exit 13", NULL);
  return arg;
}

TEST(exec_by_a_thread_replaces_the_process) {
  int status = CHILD_STATUS({
    pthread_t t;
    pthread_create(&t, NULL, forever, NULL);
    pthread_create(&t, NULL, leave, NULL);
    for (;;) pause();
  });
  EQUAL(WEXITSTATUS(status), 13);
}

static void *cancelled(void *arg) {
  sleep(100);
  return arg;
}

TEST(cancellation) {
  pthread_t t;
  void *r;
  pthread_create(&t, NULL, cancelled, NULL);
  usleep(5000);
  EQUAL(pthread_cancel(t), 0);
  EQUAL(pthread_join(t, &r), 0);
  EQUAL(r, PTHREAD_CANCELED);
}

TEST(setuid_reaches_all_threads) {
  if (geteuid() != 0) return;
  pthread_t t;
  pthread_create(&t, NULL, forever, NULL);
  usleep(2000);
  EQUAL(setuid(1), 0);
  EQUAL(getuid(), 1);
}
