// SPDX-License-Identifier: MIT
// 1,000 forks from threads that allocate without pause, beside others that do. Each child
// allocates, frees blocks of all threads of its parent, starts a thread and ends.
#include "blocks.hpp"
#include "expect.hpp"
#include "handover.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <thread>
#include <vector>

namespace {

constexpr int kForks = 1000;
constexpr std::size_t kForking = 2;
constexpr std::size_t kAllocating = 3;
constexpr std::size_t kThreads = kForking + kAllocating;
constexpr std::size_t kLeft = 40;
constexpr unsigned kChildSeconds = 30;
constexpr unsigned kAllSeconds = 240;

// Written once by each thread; only children free what is here.
void* left_for_children[kThreads][kLeft];
std::atomic<std::size_t> ready{0};
std::atomic<bool> stop{false};

void churn(blocks::Random& random, int rounds) {
  void* kept[50] = {};
  for (int i = 0; i < rounds; ++i) {
    void*& slot = kept[random.below(50)];
    if (slot != nullptr) handover::check_and_free(slot);
    slot = handover::make(random.size() % 300000, random.below(255));
  }
  for (void* block : kept) {
    if (block != nullptr) handover::check_and_free(block);
  }
}

[[noreturn]] void be_a_child(int number) {
  alarm(kChildSeconds);
  blocks::Random random(static_cast<std::uint64_t>(number));
  churn(random, 50);
  for (auto& of_thread : left_for_children) {
    for (void* block : of_thread) handover::check_and_free(block);
  }
  std::thread([&random] { churn(random, 50); }).join();
  if (number % 50 == 0) {
    const pid_t grandchild = fork();
    if (grandchild == 0) {
      churn(random, 100);
      _exit(0);
    }
    int status = 0;
    EXPECT(waitpid(grandchild, &status, 0) == grandchild && status == 0);
  }
  if (number % 10 == 0) exit(0);
  _exit(0);
}

void leave_blocks(std::size_t self) {
  for (std::size_t i = 0; i < kLeft; ++i) {
    left_for_children[self][i] = handover::make((i * i * i * 7) % 100000 + i, i);
  }
  ++ready;
  while (ready < kThreads) std::this_thread::yield();
}

void fork_between_allocations(std::size_t self) {
  leave_blocks(self);
  blocks::Random random(self);
  for (int i = 0; i < kForks / static_cast<int>(kForking); ++i) {
    churn(random, 30);
    const pid_t child = fork();
    EXPECT(child >= 0);
    if (child == 0) be_a_child(i);
    churn(random, 10);
    int status = 0;
    EXPECT(waitpid(child, &status, 0) == child);
    EXPECT_FOR(i, !WIFSIGNALED(status));
    EXPECT_FOR(i, WEXITSTATUS(status) == 0);
  }
}

void allocate_without_pause(std::size_t self) {
  leave_blocks(self);
  blocks::Random random(self);
  while (!stop) churn(random, 200);
}

}  // namespace

int main() {
  expect::on_lunalloc();
  alarm(kAllSeconds);
  std::vector<std::thread> allocating;
  for (std::size_t i = 0; i < kAllocating; ++i) {
    allocating.emplace_back(allocate_without_pause, kForking + i);
  }
  std::vector<std::thread> forking;
  for (std::size_t i = 0; i < kForking; ++i) forking.emplace_back(fork_between_allocations, i);

  for (std::thread& thread : forking) thread.join();
  stop = true;
  for (std::thread& thread : allocating) thread.join();
  return 0;
}
