/* Signal frames: what a handler finds, what it may change, and what survives it. */
#include "abi.h"
#include <poll.h>
#include <setjmp.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/ucontext.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>

static volatile sig_atomic_t hits;
static volatile siginfo_t seen;
static volatile greg_t seen_regs[NGREG];
static sigjmp_buf back;

static void on(int sig, void (*handler)(int, siginfo_t *, void *), int flags) {
  struct sigaction a = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags};
  EQUAL(sigaction(sig, &a, NULL), 0);
}

static void keep(int sig, siginfo_t *info, void *uc) {
  (void)sig;
  hits++;
  seen = *info;
  memcpy((void *)seen_regs, ((ucontext_t *)uc)->uc_mcontext.gregs, sizeof seen_regs);
}

static void keep_and_jump(int sig, siginfo_t *info, void *uc) {
  keep(sig, info, uc);
  siglongjmp(back, 1);
}

TEST(info_of_kill) {
  on(SIGUSR1, keep, 0);
  EQUAL(kill(getpid(), SIGUSR1), 0);
  EQUAL(hits, 1);
  EQUAL(seen.si_signo, SIGUSR1);
  EQUAL(seen.si_code, SI_USER);
  EQUAL(seen.si_pid, getpid());
  EQUAL(seen.si_uid, getuid());
  EQUAL(raise(SIGUSR1), 0);
  EQUAL(seen.si_code, SI_TKILL);
}

TEST(info_of_sigqueue_and_order) {
  sigset_t all;
  sigfillset(&all);
  on(SIGRTMIN + 1, keep, 0);
  on(SIGRTMIN, keep, 0);
  sigprocmask(SIG_BLOCK, &all, NULL);
  for (int i = 1; i <= 3; i++) EQUAL(sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = i}), 0);
  EQUAL(sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_ptr = (void *)0x123456789abc}), 0);
  siginfo_t info;
  sigset_t rt;
  sigemptyset(&rt);
  sigaddset(&rt, SIGRTMIN);
  sigaddset(&rt, SIGRTMIN + 1);
  struct timespec now = {0, 0};
  EQUAL(sigtimedwait(&rt, &info, &now), SIGRTMIN);
  EQUAL(info.si_value.sival_ptr, 0x123456789abc);
  EQUAL(info.si_code, SI_QUEUE);
  for (int i = 1; i <= 3; i++) {
    EQUAL(sigwaitinfo(&rt, &info), SIGRTMIN + 1);
    EQUAL(info.si_value.sival_int, i);
  }
  FAILS(sigtimedwait(&rt, &info, &now), EAGAIN);
}

TEST(info_of_child) {
  on(SIGCHLD, keep, 0);
  pid_t pid = fork();
  if (pid == 0) _exit(7);
  while (hits == 0) pause();
  EQUAL(seen.si_code, CLD_EXITED);
  EQUAL(seen.si_pid, pid);
  EQUAL(seen.si_status, 7);
}

TEST(fault_addresses_and_codes) {
  on(SIGSEGV, keep_and_jump, 0);
  on(SIGBUS, keep_and_jump, 0);
  volatile char *p = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (!sigsetjmp(back, 1)) p[5] = 1;
  EQUAL(seen.si_signo, SIGSEGV);
  EQUAL(seen.si_code, SEGV_ACCERR);
  EQUAL(seen.si_addr, p + 5);
  EQUAL(seen_regs[REG_TRAPNO], 14);
  EQUAL(seen_regs[REG_CR2], p + 5);
  munmap((void *)p, 8192);
  if (!sigsetjmp(back, 1)) (void)p[4097];
  EQUAL(seen.si_code, SEGV_MAPERR);
  EQUAL(seen.si_addr, p + 4097);
  if (!sigsetjmp(back, 1)) *(volatile char *)0xdead00000000dead = 0;
  EQUAL(seen.si_signo, SIGSEGV);
  EQUAL(seen.si_addr, 0);
  EQUAL(hits, 3);
}

TEST(other_faults) {
  on(SIGFPE, keep_and_jump, 0);
  on(SIGILL, keep_and_jump, 0);
  on(SIGTRAP, keep, 0);
  on(SIGSEGV, keep_and_jump, 0);
  volatile int zero = 0;
  if (!sigsetjmp(back, 1)) zero = 5 / zero;
  EQUAL(seen.si_signo, SIGFPE);
  EQUAL(seen.si_code, FPE_INTDIV);
  if (!sigsetjmp(back, 1)) __asm__ volatile("ud2");
  EQUAL(seen.si_signo, SIGILL);
  EQUAL(hits, 2);
  __asm__ volatile("int3");
  EQUAL(hits, 3);
  EQUAL(seen.si_signo, SIGTRAP);
  if (!sigsetjmp(back, 1)) __asm__ volatile("hlt");
  EQUAL(seen.si_signo, SIGSEGV);
}

static void skip(int sig, siginfo_t *info, void *uc) {
  (void)sig, (void)info;
  hits++;
  ((ucontext_t *)uc)->uc_mcontext.gregs[REG_RIP] += 2;
  ((ucontext_t *)uc)->uc_mcontext.gregs[REG_RBX] = 0x1122334455667788;
}

TEST(handler_changes_registers) {
  on(SIGILL, skip, 0);
  uint64_t rbx;
  __asm__ volatile("mov $1, %%rbx; ud2; mov %%rbx, %0" : "=r"(rbx) : : "rbx");
  EQUAL(hits, 1);
  EQUAL(rbx, 0x1122334455667788);
}

/* All general registers and flags live across a signal that comes at an arbitrary place. */
static void spoil(int sig) {
  (void)sig;
  hits++;
  __asm__ volatile("mov $-1, %%rax; mov %%rax, %%rcx; mov %%rax, %%rdx; mov %%rax, %%rsi; mov %%rax, %%rdi; mov %%rax, %%r8;"
                   "mov %%rax, %%r9; mov %%rax, %%r10; mov %%rax, %%r11; pxor %%xmm0, %%xmm0; pxor %%xmm15, %%xmm15; fninit; std; cld"
                   :
                   :
                   : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "xmm0", "xmm15", "memory", "cc");
}

TEST(registers_survive_a_handler) {
  signal(SIGALRM, spoil);
  struct itimerspec t = {{0, 2000000}, {0, 2000000}};
  timer_t timer;
  EQUAL(timer_create(CLOCK_MONOTONIC, &(struct sigevent){.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM}, &timer), 0);
  EQUAL(timer_settime(timer, 0, &t, NULL), 0);
  while (hits < 20) {
    uint64_t bad;
    __asm__ volatile("mov $0x5a5a5a5a12345678, %%rax\n mov %%rax, %%rcx\n mov %%rax, %%rdx\n mov %%rax, %%rsi\n mov %%rax, %%rdi\n"
                     "mov %%rax, %%r8\n mov %%rax, %%r9\n mov %%rax, %%r10\n mov %%rax, %%r11\n movq %%rax, %%xmm0\n movq %%rax, %%xmm15\n"
                     "mov %%rax, -8(%%rsp)\n mov %%rax, -128(%%rsp)\n"
                     "mov $200000, %%rbx\n 1: dec %%rbx\n jnz 1b\n"
                     "xor %%rbx, %%rbx\n"
                     "cmp %%rax, %%rcx\n jne 2f\n cmp %%rax, %%rdx\n jne 2f\n cmp %%rax, %%rsi\n jne 2f\n cmp %%rax, %%rdi\n jne 2f\n"
                     "cmp %%rax, %%r8\n jne 2f\n cmp %%rax, %%r9\n jne 2f\n cmp %%rax, %%r10\n jne 2f\n cmp %%rax, %%r11\n jne 2f\n"
                     "movq %%xmm0, %%rcx\n cmp %%rax, %%rcx\n jne 2f\n movq %%xmm15, %%rcx\n cmp %%rax, %%rcx\n jne 2f\n"
                     "cmp %%rax, -8(%%rsp)\n jne 2f\n cmp %%rax, -128(%%rsp)\n jne 2f\n jmp 3f\n 2: mov $1, %%rbx\n 3: mov %%rbx, %0"
                     : "=r"(bad)
                     :
                     : "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "xmm0", "xmm15", "cc", "memory");
    EQUAL(bad, 0);
  }
}

static void fpu_in_frame(int sig, siginfo_t *info, void *uc) {
  (void)sig, (void)info;
  hits++;
  struct _libc_fpstate *fp = ((ucontext_t *)uc)->uc_mcontext.fpregs;
  if (fp == NULL) return;
  memcpy((void *)seen_regs, &fp->_xmm[3], 16);
  fp->_xmm[3].element[0] = 0x77;
}

static void reserved_mxcsr(int sig, siginfo_t *info, void *uc) {
  (void)sig, (void)info;
  ((ucontext_t *)uc)->uc_mcontext.fpregs->mxcsr |= 0xffff0000;
}

TEST(bits_of_mxcsr_that_do_not_exist_are_death) {
  int status = CHILD_STATUS({
    on(SIGUSR1, reserved_mxcsr, 0);
    raise(SIGUSR1);
  });
  EQUAL(status & 0x7f, SIGSEGV);
}

TEST(handler_sees_and_changes_fpu_state) {
  on(SIGUSR1, fpu_in_frame, 0);
  uint64_t v;
  __asm__ volatile("mov $0x4455, %%rax; movq %%rax, %%xmm3; mov $39, %%eax; syscall; mov %%rax, %%rdi; mov $10, %%esi; mov $62, %%eax; syscall;"
                   "movq %%xmm3, %0"
                   : "=r"(v)
                   :
                   : "rax", "rdi", "rsi", "rcx", "r11", "xmm3", "memory");
  EQUAL(hits, 1);
  EQUAL((uint32_t)seen_regs[0], 0x4455);
  EQUAL((uint32_t)v, 0x77);
}

TEST(avx_state_survives_switches_and_handlers) {
  if (!__builtin_cpu_supports("avx")) return;
  signal(SIGALRM, spoil);
  timer_t timer;
  struct itimerspec t = {{0, 1000000}, {0, 1000000}};
  for (int i = 0; i < 3; i++) {
    if (fork() != 0) continue;
    for (;;) __asm__ volatile("vpcmpeqd %%xmm7, %%xmm7, %%xmm7" : : : "xmm7");
  }
  EQUAL(timer_create(CLOCK_MONOTONIC, &(struct sigevent){.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM}, &timer), 0);
  EQUAL(timer_settime(timer, 0, &t, NULL), 0);
  uint64_t in[4] = {1, 2, 3, 0x123456789abcdef0}, out[4];
  for (int i = 0; i < 20; i++) {
    __asm__ volatile("vmovups %1, %%ymm7\n mov $3000000, %%rbx\n 1: dec %%rbx\n jnz 1b\n vmovups %%ymm7, %0\n vzeroupper"
                     : "=m"(out)
                     : "m"(in)
                     : "rbx", "xmm7", "cc");
    EQUAL(memcmp(in, out, sizeof in), 0);
  }
  CHECK(hits > 0);
}

static void look_at_start(int sig) {
  uint64_t flags;
  (void)sig;
  __asm__ volatile("pushf; pop %0" : "=r"(flags));
  /* The frame pointer of a function called with an aligned stack is a multiple of 16. */
  if ((flags & 0x400) == 0 && ((uintptr_t)__builtin_frame_address(0) & 15) == 0) hits++;
}

TEST(handler_starts_with_clean_flags_and_stack) {
  struct sigaction a = {.sa_handler = look_at_start};
  EQUAL(sigaction(SIGUSR1, &a, NULL), 0);
  __asm__ volatile("std");
  syscall(SYS_kill, getpid(), SIGUSR1);
  __asm__ volatile("cld");
  EQUAL(hits, 1);
}

static char alt[65536];
static volatile int on_alt, nested_ok;

static void on_alternate(int sig, siginfo_t *info, void *uc) {
  (void)info;
  char here;
  stack_t now;
  if (&here >= alt && &here < alt + sizeof alt) on_alt++;
  sigaltstack(NULL, &now);
  if (now.ss_flags & SS_ONSTACK) nested_ok++;
  if (((ucontext_t *)uc)->uc_stack.ss_sp == alt && ((ucontext_t *)uc)->uc_stack.ss_size == sizeof alt) nested_ok++;
  if (sig == SIGUSR1) raise(SIGUSR2);
}

TEST(alternate_stack) {
  stack_t st = {.ss_sp = alt, .ss_size = sizeof alt}, old;
  EQUAL(sigaltstack(&st, NULL), 0);
  on(SIGUSR1, on_alternate, SA_ONSTACK);
  on(SIGUSR2, on_alternate, SA_ONSTACK);
  raise(SIGUSR1);
  EQUAL(on_alt, 2);
  EQUAL(nested_ok, 4);
  EQUAL(sigaltstack(NULL, &old), 0);
  EQUAL(old.ss_flags, 0);
  EQUAL(old.ss_sp, alt);
  st.ss_size = 100;
  FAILS(sigaltstack(&st, NULL), ENOMEM);
  st.ss_flags = SS_DISABLE;
  EQUAL(sigaltstack(&st, NULL), 0);
  EQUAL(sigaltstack(NULL, &old), 0);
  EQUAL(old.ss_flags, SS_DISABLE);
  FAILS(sigaltstack((stack_t *)8, NULL), EFAULT);
}

static int deep(int n) {
  volatile char fill[4096];
  fill[0] = (char)n;
  return deep(n + 1) + fill[0];
}

TEST(stack_overflow_is_caught_on_the_alternate_stack) {
  stack_t st = {.ss_sp = alt, .ss_size = sizeof alt};
  EQUAL(sigaltstack(&st, NULL), 0);
  on(SIGSEGV, keep_and_jump, SA_ONSTACK);
  if (!sigsetjmp(back, 1)) deep(0);
  EQUAL(hits, 1);
  EQUAL(seen.si_signo, SIGSEGV);
}

TEST(stack_overflow_without_one_kills) {
  signal(SIGSEGV, spoil);
  int status = CHILD_STATUS(deep(0));
  EQUAL(status & 0x7f, SIGSEGV);
}

TEST(hostile_sigreturn) {
  /* No frame at all, and frames of garbage: death by SIGSEGV, or a jump to nowhere that ends the same way. */
  for (int i = 0; i < 64; i++) {
    unsigned seed = (unsigned)i * 2654435761u + 1;
    int status = CHILD_STATUS({
      static uint64_t junk[4096] __attribute__((aligned(64)));
      for (unsigned k = 0; k < 4096; k++) junk[k] = ((uint64_t)rand_r(&seed) << 32) ^ rand_r(&seed);
      uint64_t *frame = junk + 512;
      if (i & 1) frame[5 + 23] = (uint64_t)(junk + 1024); /* fpstate points to garbage */
      if (i & 2) {
        uint32_t *sw = (uint32_t *)((char *)(junk + 1024) + 464);
        sw[0] = 0x46505853;
        sw[1] = 832 + 4;
        sw[2] = sw[3] = 0xffffffff;
        sw[4] = 832;
        *(uint32_t *)((char *)(junk + 1024) + 832) = 0x46505845;
      }
      __asm__ volatile("mov %0, %%rsp; mov $15, %%eax; syscall; hlt" : : "r"(frame) : "memory");
    });
    CHECK((status & 0x7f) != 0);
  }
}

static int pipe_of[2];
static void write_one(int sig) {
  (void)sig;
  hits++;
  (void)!write(pipe_of[1], "x", 1);
}

TEST(calls_are_restarted_or_not) {
  char c;
  struct sigaction a = {.sa_handler = write_one, .sa_flags = SA_RESTART};
  EQUAL(pipe(pipe_of), 0);
  EQUAL(sigaction(SIGALRM, &a, NULL), 0);
  ualarm(20000, 0);
  EQUAL(read(pipe_of[0], &c, 1), 1);
  EQUAL(hits, 1);
  a.sa_flags = 0;
  EQUAL(sigaction(SIGALRM, &a, NULL), 0);
  ualarm(20000, 0);
  FAILS(read(pipe_of[0], &c, 1), EINTR);
  EQUAL(read(pipe_of[0], &c, 1), 1);
  a.sa_flags = SA_RESTART;
  EQUAL(sigaction(SIGALRM, &a, NULL), 0);
  struct pollfd p = {pipe_of[0], POLLPRI, 0};
  ualarm(20000, 0);
  FAILS(poll(&p, 1, 5000), EINTR);
}

TEST(interrupted_sleep_tells_the_rest) {
  signal(SIGALRM, spoil);
  struct timespec want = {5, 0}, left = {0, 0};
  ualarm(50000, 0);
  FAILS(nanosleep(&want, &left), EINTR);
  CHECK(left.tv_sec == 4 && left.tv_nsec > 500000000);
}

static ucontext_t main_context, other_context;
static int order[8], steps;

static void other(void) {
  order[steps++] = 2;
  swapcontext(&other_context, &main_context);
  order[steps++] = 4;
}

TEST(user_contexts) {
  static char stack[65536];
  getcontext(&other_context);
  other_context.uc_stack.ss_sp = stack;
  other_context.uc_stack.ss_size = sizeof stack;
  other_context.uc_link = &main_context;
  makecontext(&other_context, other, 0);
  order[steps++] = 1;
  swapcontext(&main_context, &other_context);
  order[steps++] = 3;
  swapcontext(&main_context, &other_context);
  EQUAL(steps, 4);
  for (int i = 0; i < 4; i++) EQUAL(order[i], i + 1);
}

TEST(without_restorer_is_death) {
  int status = CHILD_STATUS({
    struct {
      void (*handler)(int);
      unsigned long flags;
      void *restorer;
      unsigned long mask;
    } k = {spoil, 0, NULL, 0};
    syscall(SYS_rt_sigaction, SIGUSR1, &k, NULL, 8);
    raise(SIGUSR1);
  });
  EQUAL(status & 0x7f, SIGSEGV);
}

TEST(sizes_and_pointers_of_signal_calls) {
  sigset_t set;
  FAILS(syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &set, 16), EINVAL);
  FAILS(syscall(SYS_rt_sigprocmask, 9, &set, NULL, 8), EINVAL);
  FAILS(syscall(SYS_rt_sigprocmask, SIG_BLOCK, 8, NULL, 8), EFAULT);
  FAILS(syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, 8, 8), EFAULT);
  FAILS(syscall(SYS_rt_sigaction, SIGKILL, &(char[32]){0}, NULL, 8), EINVAL);
  FAILS(syscall(SYS_rt_sigaction, 65, NULL, NULL, 8), EINVAL);
  FAILS(syscall(SYS_rt_sigaction, SIGUSR1, 8, NULL, 8), EFAULT);
  FAILS(syscall(SYS_rt_sigsuspend, 8, 8), EFAULT);
  FAILS(syscall(SYS_tgkill, getpid(), -1, 0), EINVAL);
  FAILS(syscall(SYS_tkill, 0, 0), EINVAL);
  FAILS(syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, 8), EFAULT);
}
