// SPDX-License-Identifier: MIT
// A fork while slabs wait for their owner: another thread has freed every block of them, and the
// owner sleeps, so has not collected them. The child takes them over and must not hang.
#include "expect.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <future>
#include <thread>
#include <vector>

namespace {

constexpr std::size_t kBlocks = 20000;
constexpr std::size_t kSizes[] = {16, 1000, 5000, 14000};
constexpr int kForks = 10;
constexpr int kChildMilliseconds = 10000;

std::vector<void*> blocks(kBlocks);

// Has blocks of one size, gives all of them away, and sleeps until told to end.
class Owner {
 public:
  explicit Owner(std::size_t bytes) : thread_([this, bytes] { own(bytes); }) {
    allocated_.get_future().wait();
  }
  ~Owner() {
    may_end_.set_value();
    thread_.join();
  }
  Owner(const Owner&) = delete;
  Owner& operator=(const Owner&) = delete;

 private:
  void own(std::size_t bytes) {
    for (void*& block : blocks) block = malloc(bytes);
    allocated_.set_value();
    may_end_.get_future().wait();
    free(malloc(bytes));
  }

  std::promise<void> allocated_;
  std::promise<void> may_end_;
  std::thread thread_;  // last, for it uses the others
};

void free_all() {
  for (void* block : blocks) free(block);
}

// Alarms are not inherited, so the parent itself ends a child that hangs in the fork handlers.
[[nodiscard]] int wait_for(pid_t child) {
  int status = 0;
  for (int i = 0; i < kChildMilliseconds; ++i) {
    const pid_t ended = waitpid(child, &status, WNOHANG);
    EXPECT(ended == 0 || ended == child);
    if (ended == child) return status;
    usleep(1000);
  }
  kill(child, SIGKILL);
  EXPECT(waitpid(child, &status, 0) == child);
  return status;
}

void fork_and_use(std::size_t bytes) {
  const pid_t child = fork();
  EXPECT_FOR(bytes, child >= 0);
  if (child == 0) {
    for (int i = 0; i < 1000; ++i) free(malloc(bytes));
    std::thread([bytes] { free(malloc(bytes)); }).join();
    _exit(0);
  }
  const int status = wait_for(child);
  EXPECT_FOR(bytes, !WIFSIGNALED(status));
  EXPECT_FOR(bytes, WEXITSTATUS(status) == 0);
}

}  // namespace

int main() {
  expect::on_lunalloc();
  for (const std::size_t bytes : kSizes) {
    const Owner owner(bytes);
    free_all();
    for (int i = 0; i < kForks; ++i) fork_and_use(bytes);
  }
  return 0;
}
