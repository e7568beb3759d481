// SPDX-License-Identifier: MIT
// A process ends while its threads still allocate: through exit, quick_exit and a return from
// main. Each end is tried many times; none may crash or hang.
#include "blocks.hpp"
#include "expect.hpp"
#include "handover.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr int kRounds = 60;
constexpr int kThreads = 3;
constexpr int kCode = 17;

struct StaticObject {
  std::vector<std::string> names;
  ~StaticObject() {
    for (int i = 0; i < 1000; ++i) names.emplace_back(1000, 'n');
    names.clear();
  }
};

StaticObject static_object;
std::atomic<int> running{0};

[[noreturn]] void allocate_forever(std::uint64_t seed) {
  blocks::Random random(seed);
  void* kept[100] = {};
  for (;;) {
    void*& slot = kept[random.below(100)];
    if (slot != nullptr) handover::check_and_free(slot);
    slot = handover::make(random.size(), 1);
    if (running < kThreads) ++running;
  }
}

[[noreturn]] void end_while_threads_run(int way) {
  alarm(30);
  for (int i = 0; i < kThreads; ++i) {
    std::thread(allocate_forever, static_cast<std::uint64_t>(i)).detach();
  }
  while (running < kThreads) std::this_thread::yield();
  atexit([] { free(malloc(5000)); });
  at_quick_exit([] { free(malloc(5000)); });
  if (way == 0) exit(kCode);
  if (way == 1) quick_exit(kCode);
  std::thread([] { exit(kCode); }).join();
  _exit(1);
}

}  // namespace

int main() {
  expect::on_lunalloc();
  for (int round = 0; round < kRounds; ++round) {
    const pid_t child = fork();
    EXPECT(child >= 0);
    if (child == 0) end_while_threads_run(round % 3);

    int status = 0;
    EXPECT(waitpid(child, &status, 0) == child);
    EXPECT_FOR(round, !WIFSIGNALED(status));
    EXPECT_FOR(round, WEXITSTATUS(status) == kCode);
  }
  return 0;
}
