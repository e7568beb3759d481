// SPDX-License-Identifier: MIT
// Forks by one thread while four others allocate and free across threads. A child allocates, frees
// blocks of its parent, forks again and ends by exit or _exit; the parent keeps nothing of it all.
//
// Usage: fork_guest FORKS
#include "churn.hpp"
#include "process_state.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

namespace {

constexpr std::size_t kThreads = 4;
constexpr unsigned kChildSeconds = 30;
constexpr std::size_t kMoreMappings = 24;
constexpr std::size_t kMoreBytes = 16 * blocks::kMiB;

void expect_good_end(pid_t child, int number) {
  int status = 0;
  EXPECT(waitpid(child, &status, 0) == child);
  EXPECT_FOR(number, !WIFSIGNALED(status));
  EXPECT_FOR(number, WEXITSTATUS(status) == 0);
}

void allocate(std::uint64_t seed, churn::Slots& slots) {
  blocks::Random random(seed);
  for (int i = 0; i < 50; ++i) slots.exchange(random);
}

// Its other threads are gone, so that nobody but itself takes from the slots.
[[noreturn]] void be_a_child(int number, churn::Slots& slots) {
  alarm(kChildSeconds);  // ends it where it hangs
  allocate(static_cast<std::uint64_t>(number), slots);
  slots.clear();
  std::thread([&] { allocate(7, slots); }).join();
  const pid_t grandchild = fork();
  EXPECT(grandchild >= 0);
  if (grandchild == 0) {
    alarm(kChildSeconds);
    allocate(8, slots);
    slots.clear();
    if (number % 4 == 0) exit(0);
    _exit(0);
  }
  expect_good_end(grandchild, number);
  if (number % 2 == 0) exit(0);
  _exit(0);
}

void fork_often(int forks, churn::Slots& slots) {
  for (int i = 0; i < forks; ++i) {
    const pid_t child = fork();
    EXPECT_FOR(i, child >= 0);
    if (child == 0) be_a_child(i, slots);
    expect_good_end(child, i);
  }
}

[[nodiscard]] process_state::State state_of(churn::Threads& threads) {
  threads.pause();
  threads.slots().clear();
  const process_state::State state = process_state::take();
  threads.go_on();
  return state;
}

}  // namespace

int main(int count, char** arguments) {
  EXPECT(count == 2);
  expect::on_lunalloc();
  const int forks = atoi(arguments[1]);
  churn::Threads threads(kThreads);
  const auto fork_in_a_thread = [&threads](int times) {
    std::thread([&threads, times] { fork_often(times, threads.slots()); }).join();
  };
  fork_in_a_thread(forks / 5);
  const process_state::State before = state_of(threads);
  fork_in_a_thread(forks - forks / 5);
  process_state::expect_no_drift(before, state_of(threads), kMoreMappings, kMoreBytes);
  expect::print(STDOUT_FILENO, "done\n");
  return 0;
}
