// SPDX-License-Identifier: MIT
// Children and threads that the C library knows nothing of: by clone(2) and clone3(2), with the
// memory of their maker or a copy, with a thread pointer of their own or that of their maker.
//
// Usage: clone_guest PART
#include "churn.hpp"
#include "parts.hpp"
#include "process_state.hpp"

#include <linux/sched.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <iterator>

namespace {

constexpr int kCode = 23;
constexpr std::size_t kStackBytes = 256 * blocks::kKiB;
constexpr unsigned kChildSeconds = 30;

void allocate(std::uint64_t seed) {
  blocks::Random random(seed);
  for (int i = 0; i < 200; ++i) {
    handover::check_and_free(handover::make(random.size() % 300'000, 1));
  }
}

void expect_code(pid_t child) {
  int status = 0;
  EXPECT(waitpid(child, &status, __WALL) == child);
  EXPECT_FOR(status, WIFEXITED(status) && WEXITSTATUS(status) == kCode);
}

[[nodiscard]] char* new_stack() {
  void* const memory = mmap(nullptr, kStackBytes, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  EXPECT(memory != MAP_FAILED);
  return static_cast<char*>(memory);
}

// While its maker waits: the memory and the thread pointer are the maker's.
int borrow_thread(void* block) {
  handover::check_and_free(*static_cast<void**>(block));
  allocate(3);
  *static_cast<void**>(block) = handover::make(5000, 2);
  _exit(kCode);
}

int become_another_program(void*) {
  free(malloc(100));
  execl("/bin/sh", "sh", "-c", "exit 23", static_cast<char*>(nullptr));
  _exit(1);
}

void by_clone_that_waits() {
  constexpr int kFlags = CLONE_VM | CLONE_VFORK | SIGCHLD;
  churn::Threads threads(2);
  char* const stack = new_stack();
  void* block = handover::make(3000, 1);
  for (int i = 0; i < 40; ++i) {
    expect_code(clone(borrow_thread, stack + kStackBytes, kFlags, &block));
    expect_code(clone(become_another_program, stack + kStackBytes, kFlags, nullptr));
    allocate(4);
  }
  handover::check_and_free(block);
  threads.slots().clear();
}

// As fork(), of which nobody is told: no handler of pthread_atfork runs.
[[nodiscard]] pid_t fork_unseen() {
  clone_args arguments{};
  arguments.exit_signal = SIGCHLD;
  const long child = syscall(SYS_clone3, &arguments, sizeof arguments);
  EXPECT(child >= 0);
  return static_cast<pid_t>(child);
}

void by_clone_that_copies() {
  void* const of_parent = handover::make(3000, 1);
  for (int i = 0; i < 100; ++i) {
    const pid_t child = i % 2 == 0 ? fork_unseen() : _Fork();
    EXPECT(child >= 0);
    if (child == 0) {
      alarm(kChildSeconds);
      allocate(static_cast<std::uint64_t>(i));
      handover::check_and_free(of_parent);
      _exit(kCode);
    }
    expect_code(child);
    allocate(5);
  }
  handover::check_and_free(of_parent);
}

// Its exit is not that of the parent, whose socket stays.
void by_clone_with_exit() {
  const char* const socket = getenv("LUNA_LIFE_SOCKET");
  EXPECT(socket != nullptr);
  struct stat status {};
  EXPECT(stat(socket, &status) == 0);
  const pid_t child = fork_unseen();
  if (child == 0) {
    alarm(kChildSeconds);
    exit(kCode);
  }
  expect_code(child);
  EXPECT(stat(socket, &status) == 0);
}

// What the C library has for its own threads, and exports to debuggers.
struct ThreadStorage {
  void* (*make)(void*) = nullptr;

  ThreadStorage() {
    make = reinterpret_cast<void* (*)(void*)>(dlsym(RTLD_DEFAULT, "_dl_allocate_tls"));
  }

  [[nodiscard]] void* new_pointer() const {
    void* const storage = make(nullptr);
    EXPECT(storage != nullptr);
#if defined(__x86_64__)
    auto* const head = static_cast<void**>(storage);
    head[0] = storage;  // the two words by which code finds the block from its own address
    head[2] = storage;
#endif
    return storage;
  }
};

int work_in_raw_thread(void* block) {
  handover::check_and_free(*static_cast<void**>(block));
  allocate(6);
  *static_cast<void**>(block) = handover::make(5000, 2);
  syscall(SYS_exit, 0);
  return 0;
}

// A thread that pthread_create did not make. It ends without the C library's hooks, so that its
// heap stays behind with what was in its lists.
void by_raw_threads() {
  constexpr int kFlags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
                         CLONE_SYSVSEM | CLONE_SETTLS | CLONE_CHILD_CLEARTID | CLONE_PARENT_SETTID;
  const ThreadStorage storage;
  if (storage.make == nullptr) expect::skip("the C library does not say how it makes threads");
  void* block = handover::make(3000, 1);
  for (int i = 0; i < 50; ++i) {
    char* const stack = new_stack();
    std::atomic<int> running{1};
    auto* const word = reinterpret_cast<int*>(&running);
    EXPECT(clone(work_in_raw_thread, stack + kStackBytes, kFlags, &block, word,
                 storage.new_pointer(), word) > 0);
    while (running != 0) std::this_thread::yield();
    handover::check(block);
    munmap(stack, kStackBytes);
  }
  handover::check_and_free(block);
  allocate(7);
}

constexpr Part kParts[] = {
    {"waits", by_clone_that_waits},
    {"copies", by_clone_that_copies},
    {"exits", by_clone_with_exit},
    {"raw_threads", by_raw_threads},
};

}  // namespace

int main(int count, char** arguments) {
  alarm(200);
  return run_guest(kParts, count, arguments);
}
