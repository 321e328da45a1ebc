/* System V IPC: shared memory, semaphores, message queues. */
#include "abi.h"
#include <fcntl.h>
#include <stdint.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <time.h>

union semun {
  int val;
  struct semid_ds *buf;
  unsigned short *array;
  struct seminfo *info;
};

static key_t key(void) { return 0x5a000000 | getpid(); }

TEST(shared_memory_is_shared) {
  int id = shmget(IPC_PRIVATE, 10000, IPC_CREAT | 0600);
  CHECK(id >= 0);
  int *a = shmat(id, NULL, 0), *b = shmat(id, NULL, SHM_RDONLY);
  CHECK(a != (void *)-1 && b != (void *)-1 && a != b);
  a[2000] = 77;
  EQUAL(b[2000], 77);
  struct shmid_ds ds;
  EQUAL(shmctl(id, IPC_STAT, &ds), 0);
  EQUAL(ds.shm_segsz, 10000);
  EQUAL(ds.shm_nattch, 2);
  EQUAL(ds.shm_cpid, getpid());
  EQUAL(ds.shm_perm.mode & 0777, 0600);
  int status = CHILD_STATUS({
    EQUAL(a[2000], 77);
    a[2000] = 78;
    struct shmid_ds mine;
    EQUAL(shmctl(id, IPC_STAT, &mine), 0);
    EQUAL(mine.shm_nattch, 4);
  });
  EQUAL(status, 0);
  EQUAL(b[2000], 78);
  EQUAL(shmctl(id, IPC_RMID, NULL), 0);
  EQUAL(shmctl(id, IPC_STAT, &ds), 0);
  CHECK(ds.shm_perm.mode & 01000);
  EQUAL(ds.shm_nattch, 2);
  EQUAL(shmdt(a), 0);
  EQUAL(b[2000], 78);
  FAILS(shmdt(a), EINVAL);
  FAILS(shmdt((char *)b + 1), EINVAL);
  EQUAL(shmdt(b), 0);
  FAILS(shmctl(id, IPC_STAT, &ds), EINVAL);
  FAILS(shmat(id, NULL, 0), EINVAL);
}

TEST(shared_memory_by_key) {
  FAILS(shmget(key(), 4096, 0600), ENOENT);
  FAILS(shmget(key(), 0, IPC_CREAT | 0600), EINVAL);
  int id = shmget(key(), 4096, IPC_CREAT | IPC_EXCL | 0600);
  CHECK(id >= 0);
  EQUAL(shmget(key(), 100, 0600), id);
  FAILS(shmget(key(), 4096, IPC_CREAT | IPC_EXCL | 0600), EEXIST);
  FAILS(shmget(key(), 8192, 0600), EINVAL);
  int status = CHILD_STATUS({
    EQUAL(setuid(12345), 0);
    FAILS(shmget(key() + 0, 4096, 0600), ENOENT);
    FAILS(shmat(id, NULL, 0), EACCES);
    FAILS(shmctl(id, IPC_RMID, NULL), EPERM);
  });
  EQUAL(status, 0);
  char *at = shmat(id, NULL, 0);
  EQUAL(shmdt(at), 0);
  EQUAL(shmat(id, at + 123, SHM_RND), at);
  FAILS(shmat(id, at, 0), EINVAL);
  EQUAL(shmat(id, at, SHM_REMAP), at);
  FAILS(shmat(id, at + 123, 0), EINVAL);
  EQUAL(shmctl(id, IPC_RMID, NULL), 0);
  EQUAL(munmap(at, 4096), 0);
  FAILS(shmctl(id, IPC_RMID, NULL), EINVAL);
}

TEST(semaphores_change_together) {
  int id = semget(IPC_PRIVATE, 3, IPC_CREAT | 0600);
  CHECK(id >= 0);
  union semun arg = {.array = (unsigned short[]){1, 0, 5}};
  EQUAL(semctl(id, 0, SETALL, arg), 0);
  struct sembuf both[2] = {{0, -1, IPC_NOWAIT}, {1, -1, IPC_NOWAIT}};
  FAILS(semop(id, both, 2), EAGAIN);
  EQUAL(semctl(id, 0, GETVAL), 1);
  struct sembuf zero = {1, 0, 0}, far = {3, 1, 0}, big = {2, 32767, 0};
  EQUAL(semop(id, &zero, 1), 0);
  EQUAL(semctl(id, 1, GETPID), getpid());
  FAILS(semop(id, &far, 1), EFBIG);
  FAILS(semop(id, &big, 1), ERANGE);
  FAILS(semop(id, &zero, 0), EINVAL);
  FAILS(semop(id, (void *)8, 1), EFAULT);
  struct timespec soon = {0, 20000000};
  struct sembuf wait1 = {1, -1, 0};
  FAILS(semtimedop(id, &wait1, 1, &soon), EAGAIN);
  struct semid_ds ds;
  arg.buf = &ds;
  EQUAL(semctl(id, 0, IPC_STAT, arg), 0);
  EQUAL(ds.sem_nsems, 3);
  arg.val = 40000;
  FAILS(semctl(id, 0, SETVAL, arg), ERANGE);
  FAILS(semctl(id, 9, GETVAL), EINVAL);
  EQUAL(semctl(id, 0, IPC_RMID), 0);
  FAILS(semctl(id, 0, GETVAL), EINVAL);
}

TEST(semaphores_wake_and_undo) {
  int id = semget(IPC_PRIVATE, 2, IPC_CREAT | 0600);
  pid_t child = fork();
  if (child == 0) {
    struct sembuf take = {0, -2, 0}, give = {1, 1, SEM_UNDO};
    EQUAL(semop(id, &take, 1), 0);
    EQUAL(semop(id, &give, 1), 0);
    EQUAL(semctl(id, 1, GETVAL), 1);
    _exit(7);
  }
  while (semctl(id, 0, GETNCNT) == 0) usleep(1000);
  EQUAL(semctl(id, 0, GETZCNT), 0);
  struct sembuf one = {0, 1, 0};
  EQUAL(semop(id, &one, 1), 0);
  usleep(20000);
  EQUAL(waitpid(child, NULL, WNOHANG), 0);
  EQUAL(semop(id, &one, 1), 0);
  int status;
  EQUAL(waitpid(child, &status, 0), child);
  EQUAL(status, 7 << 8);
  EQUAL(semctl(id, 0, GETVAL), 0);
  EQUAL(semctl(id, 1, GETVAL), 0);
  child = fork();
  if (child == 0) {
    struct sembuf take = {0, -1, 0};
    FAILS(semop(id, &take, 1), EIDRM);
    _exit(0);
  }
  while (semctl(id, 0, GETNCNT) == 0) usleep(1000);
  EQUAL(semctl(id, 0, IPC_RMID), 0);
  EQUAL(waitpid(child, &status, 0), child);
  EQUAL(status, 0);
}

struct message {
  long type;
  char text[100];
};

TEST(message_queues) {
  int id = msgget(IPC_PRIVATE, IPC_CREAT | 0600);
  CHECK(id >= 0);
  struct message m = {3, "three"}, got;
  EQUAL(msgsnd(id, &m, 6, 0), 0);
  m = (struct message){1, "one"};
  EQUAL(msgsnd(id, &m, 4, 0), 0);
  m = (struct message){2, "two"};
  EQUAL(msgsnd(id, &m, 4, 0), 0);
  FAILS(msgsnd(id, &m, 9000, 0), EINVAL);
  m.type = 0;
  FAILS(msgsnd(id, &m, 4, 0), EINVAL);
  struct msqid_ds ds;
  EQUAL(msgctl(id, IPC_STAT, &ds), 0);
  EQUAL(ds.msg_qnum, 3);
  EQUAL(ds.msg_lspid, getpid());
  EQUAL(ds.__msg_cbytes, 14);
  EQUAL(msgrcv(id, &got, 100, 2, 0), 4);
  EQUAL(strcmp(got.text, "two"), 0);
  EQUAL(msgrcv(id, &got, 100, -3, 0), 4);
  EQUAL(got.type, 1);
  FAILS(msgrcv(id, &got, 2, 0, 0), E2BIG);
  FAILS(msgrcv(id, &got, 100, 9, IPC_NOWAIT), ENOMSG);
  FAILS(msgrcv(id, &got, 100, 3, IPC_NOWAIT | MSG_EXCEPT), ENOMSG);
  EQUAL(msgrcv(id, &got, 2, 0, MSG_NOERROR), 2);
  EQUAL(got.type, 3);
  EQUAL(memcmp(got.text, "th", 2), 0);
  pid_t child = fork();
  if (child == 0) {
    EQUAL(msgrcv(id, &got, 100, 0, 0), 6);
    FAILS(msgrcv(id, &got, 100, 0, 0), EIDRM);
    _exit(0);
  }
  usleep(20000);
  m = (struct message){5, "hello"};
  EQUAL(msgsnd(id, &m, 6, 0), 0);
  for (int i = 0; i < 100; i++) {
    EQUAL(msgctl(id, IPC_STAT, &ds), 0);
    if (ds.msg_qnum == 0) break;
    usleep(2000);
  }
  usleep(20000);
  EQUAL(msgctl(id, IPC_RMID, NULL), 0);
  int status;
  EQUAL(waitpid(child, &status, 0), child);
  EQUAL(status, 0);
}

TEST(full_message_queue_waits) {
  int id = msgget(IPC_PRIVATE, IPC_CREAT | 0600);
  static struct {
    long type;
    char text[8192];
  } big = {1, ""};
  EQUAL(msgsnd(id, &big, 8192, 0), 0);
  EQUAL(msgsnd(id, &big, 8192, 0), 0);
  FAILS(msgsnd(id, &big, 1, IPC_NOWAIT), EAGAIN);
  pid_t child = fork();
  if (child == 0) {
    EQUAL(msgsnd(id, &big, 4000, 0), 0);
    _exit(0);
  }
  usleep(20000);
  EQUAL(msgrcv(id, &big, 8192, 0, 0), 8192);
  int status;
  EQUAL(waitpid(child, &status, 0), child);
  EQUAL(status, 0);
  struct msqid_ds ds;
  EQUAL(msgctl(id, IPC_STAT, &ds), 0);
  EQUAL(ds.msg_qnum, 2);
  EQUAL(msgctl(id, IPC_RMID, NULL), 0);
}
