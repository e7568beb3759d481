// SPDX-License-Identifier: MIT
// Signal handlers that allocate, resize, free and jump out, by timers each millisecond; and signals
// that are waited for. What interrupts malloc itself is looked at in
// tests/preload/profile/handlers_within.cpp.
//
// Usage: signal_guest PART
#include "churn.hpp"
#include "parts.hpp"

#include <poll.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csetjmp>
#include <csignal>
#include <cstdlib>
#include <memory>

namespace {

constexpr int kHandled = 150;

std::atomic<int> handled{0};

// Grows, shrinks, and is gone again.
void use(std::size_t bytes) {
  void* block = handover::make(bytes, 1);
  handover::check(block);
  block = expect::opaque(realloc(block, 4 * bytes));
  EXPECT(block != nullptr);
  handover::check(block);
  handover::check_and_free(block);
  free(calloc(3, bytes));
}

// Once, a millisecond of its time from now: a handler that takes longer than that under a busy
// machine would leave no time to what it interrupts.
void set_timer(__itimer_which which) {
  const itimerval timer{{0, 0}, {0, 1000}};
  EXPECT(setitimer(which, &timer, nullptr) == 0);
}

void allocate_in_handler(int signal) {
  const int error = errno;
  for (const std::size_t bytes : {20UL, 3000UL, 40'000UL, 300'000UL}) use(bytes);
  if (++handled < kHandled) set_timer(signal == SIGPROF ? ITIMER_PROF : ITIMER_REAL);
  errno = error;
}

void on_signal(int signal, void (*handler)(int), int flags = SA_RESTART) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = flags;
  EXPECT(sigaction(signal, &action, nullptr) == 0);
}

// In whichever thread they come, each of which allocates without pause.
void timers() {
  on_signal(SIGALRM, allocate_in_handler);
  on_signal(SIGPROF, allocate_in_handler);
  {
    churn::Threads threads(3);
    set_timer(ITIMER_REAL);
    set_timer(ITIMER_PROF);
    while (handled < kHandled) usleep(1000);
    threads.pause();
    threads.slots().clear();
  }
  use(1000);
}

// Left by a jump where it has interrupted the program's own loop, not the library.
sigjmp_buf before_loop;
volatile std::sig_atomic_t computes = 0;
void* of_handler = nullptr;

void jump_out(int) {
  set_timer(ITIMER_REAL);
  if (computes == 0) return;
  for (const std::size_t bytes : {20UL, 3000UL, 40'000UL, 300'000UL}) use(bytes);
  of_handler = handover::make(500, 3);
  ++handled;
  computes = 0;
  siglongjmp(before_loop, 1);
}

void jumps() {
  on_signal(SIGALRM, jump_out);
  set_timer(ITIMER_REAL);
  while (handled < kHandled) {
    if (sigsetjmp(before_loop, 1) == 0) {
      computes = 1;
      for (;;) std::atomic_signal_fence(std::memory_order_seq_cst);
    }
    handover::check_and_free(of_handler);
    use(2000);
  }
  signal(SIGALRM, SIG_IGN);
}

// A stack of `bytes` with a page without access below, filled so that its use can be seen.
class MeasuredStack {
 public:
  explicit MeasuredStack(std::size_t bytes) : bytes_(bytes) {
    void* const memory =
        mmap(nullptr, kGuard + bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    EXPECT(memory != MAP_FAILED);
    EXPECT(mprotect(memory, kGuard, PROT_NONE) == 0);
    first_ = static_cast<unsigned char*>(memory) + kGuard;
    std::fill_n(first_, bytes, kMark);
    stack_t stack{};
    stack.ss_sp = first_;
    stack.ss_size = bytes;
    EXPECT(sigaltstack(&stack, nullptr) == 0);
  }

  [[nodiscard]] std::size_t used() const {
    const unsigned char* const last = first_ + bytes_;
    return static_cast<std::size_t>(
        last - std::find_if(first_, first_ + bytes_, [](unsigned char at) { return at != kMark; }));
  }

 private:
  static constexpr std::size_t kGuard = 64 * blocks::kKiB;
  static constexpr unsigned char kMark = 0xa5;
  unsigned char* first_;
  std::size_t bytes_;
};

void count_in_handler(int) {
  ++handled;
  set_timer(ITIMER_REAL);
}

// The kernel's frame has all room that there is: the handler may count, and no more.
void least_stack() {
  const auto least = static_cast<std::size_t>(sysconf(_SC_MINSIGSTKSZ));
  const MeasuredStack stack(least);
  on_signal(SIGALRM, count_in_handler, SA_ONSTACK | SA_RESTART);
  set_timer(ITIMER_REAL);
  blocks::Random random(1);
  while (handled < kHandled) handover::check_and_free(handover::make(random.size(), 1));
  expect::print(STDOUT_FILENO, "%zu of %zu bytes\n", stack.used(), least);
  EXPECT(stack.used() <= least);
}

// What the C library advises is enough for malloc.
void usual_stack() {
  const auto usual = static_cast<std::size_t>(sysconf(_SC_SIGSTKSZ));
  use(1000);  // binds the functions
  const MeasuredStack stack(usual);
  on_signal(SIGALRM, allocate_in_handler, SA_ONSTACK | SA_RESTART);
  set_timer(ITIMER_REAL);
  blocks::Random random(1);
  while (handled < kHandled) handover::check_and_free(handover::make(random.size(), 1));
  expect::print(STDOUT_FILENO, "%zu of %zu bytes\n", stack.used(), usual);
  EXPECT(stack.used() < usual);
}

// A signal that is blocked, and waited for by a descriptor, as PostgreSQL's processes wake each
// other: whoever else is in the process leaves it to who waits. Between two of them the memory of
// the process changes, which its other threads have something to do for.
void latch() {
  constexpr int kTimes = 2000;
  constexpr int kLongMs = 20'000;
  for (const int signal : {SIGURG, SIGUSR1}) {
    sigset_t awaited;
    sigemptyset(&awaited);
    sigaddset(&awaited, signal);
    EXPECT(sigprocmask(SIG_BLOCK, &awaited, nullptr) == 0);
    pollfd file{signalfd(-1, &awaited, SFD_CLOEXEC | SFD_NONBLOCK), POLLIN, 0};
    EXPECT(file.fd >= 0);
    int wakings[2];
    EXPECT(pipe(wakings) == 0);
    const pid_t process = getpid();
    const pid_t child = fork();
    if (child == 0) {
      close(wakings[1]);
      char byte;
      for (int i = 0; i < kTimes && read(wakings[0], &byte, 1) == 1; ++i) kill(process, signal);
      _exit(0);
    }
    for (int i = 0; i < kTimes; ++i) {
      use(i % 50 == 0 ? 3'000'000 : 3000);
      EXPECT(write(wakings[1], "", 1) == 1);
      signalfd_siginfo told;
      EXPECT_FOR(i, poll(&file, 1, kLongMs) == 1);
      EXPECT_FOR(i, read(file.fd, &told, sizeof told) == sizeof told);
      EXPECT_FOR(i, told.ssi_pid == static_cast<unsigned>(child));
    }
    EXPECT(waitpid(child, nullptr, 0) == child);
    for (const int end : {wakings[0], wakings[1], file.fd}) close(end);
    handled = handled + kTimes;
  }
}

constexpr Part kParts[] = {
    {"timers", timers},           {"jumps", jumps}, {"latch", latch}, {"least_stack", least_stack},
    {"usual_stack", usual_stack},
};

}  // namespace

int main(int count, char** arguments) {
  const int status = run_guest(kParts, count, arguments);
  EXPECT(handled >= kHandled);
  return status;
}
