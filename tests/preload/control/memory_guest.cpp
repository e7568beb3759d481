// SPDX-License-Identifier: MIT
// Usage: memory_guest PART
// Changes what becomes of memory, in the running process, and sees that it does.
#include "blocks.hpp"
#include "control_api.hpp"
#include "measure.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <ctime>
#include <thread>
#include <vector>

namespace {

constexpr std::size_t kManyBytes = 64 * blocks::kMiB;
constexpr time_t kPatienceSeconds = 60;

[[nodiscard]] std::size_t huge_bytes() {
  return measure::kilobytes_of("/proc/self/smaps_rollup", "AnonHugePages:");
}

// Asks the kernel itself, for what is then given back.
[[nodiscard]] bool kernel_gives_huge_pages() {
  void* const memory =
      mmap(nullptr, kManyBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  EXPECT(memory != MAP_FAILED);
  madvise(memory, kManyBytes, MADV_HUGEPAGE);
  std::memset(memory, 1, kManyBytes);
  const bool gives = huge_bytes() >= kManyBytes / 2;
  EXPECT(munmap(memory, kManyBytes) == 0);
  return gives;
}

// Built without a table, so that nothing but the blocks is freed.
struct Node {
  Node* next;
  char payload[1000];
};

[[nodiscard]] Node* build(std::size_t bytes) {
  Node* top = nullptr;
  for (std::size_t taken = 0; taken < bytes; taken += sizeof(Node)) {
    auto* const node = static_cast<Node*>(malloc(sizeof(Node)));
    EXPECT(node != nullptr);
    std::memset(node->payload, 1, sizeof node->payload);
    node->next = top;
    top = node;
  }
  return top;
}

void free_all(Node* top) {
  while (top != nullptr) {
    Node* const next = top->next;
    free(top);
    top = next;
  }
}

// What a program does while time passes: every so often it comes by a slow path, for its lists
// cannot hold so much.
void work() {
  static void* several[400];
  for (int i = 0; i < 5; ++i) {
    for (void*& block : several) block = malloc(8000);
    for (void* block : several) free(block);
  }
  const timespec rest = {0, 2'000'000};
  nanosleep(&rest, nullptr);
}

template <typename Holds>
void work_until(Holds holds) {
  const time_t end = time(nullptr) + kPatienceSeconds;
  while (!holds()) {
    EXPECT(time(nullptr) < end);
    work();
  }
}

// Begins with decay_ms:100000000, after which a new time would be heeded in half a day; or
// nearly so, for what was allocated before the options were read went by a decay time of 1 s.
void decay() {
  free_all(build(kManyBytes));
  const time_t begin = time(nullptr);
  while (time(nullptr) < begin + 2) work();
  EXPECT(control::number("stats.dirty_bytes") > kManyBytes / 2);

  control::set("decay.ms", "20");
  work_until([] { return control::number("stats.dirty_bytes") < kManyBytes / 4; });
}

void purge() {
  free_all(build(kManyBytes));
  const std::size_t before = measure::resident_bytes();

  EXPECT(control::control_set_number("memory.purge", 0) == 0);

  EXPECT(measure::resident_bytes() < before - kManyBytes / 2);
  EXPECT(control::number("stats.dirty_bytes") < kManyBytes / 16);
  std::uint64_t value = 0;
  EXPECT(control::control_get_number("memory.purge", &value) == ENOTSUP);
}

// Begins with huge_pages_above:0.
void huge_pages() {
  if (!kernel_gives_huge_pages()) expect::skip("the kernel gives no huge pages");
  Node* const before = build(kManyBytes);
  EXPECT(huge_bytes() == 0);

  control::set("huge_pages.above_mib", "1");
  Node* const after = build(2 * kManyBytes);
  const std::size_t found = huge_bytes();
  EXPECT(found > 0);

  control::set("huge_pages.above_mib", "0");
  Node* const last = build(kManyBytes);
  EXPECT(huge_bytes() <= found + 4 * blocks::kMiB);  // regions that were begun before
  for (Node* const list : {before, after, last}) free_all(list);
}

constexpr std::size_t kRunBytes = 300 * 1024;  // more than threads keep in their lists
constexpr std::size_t kRuns = 600;
constexpr std::size_t kFits = 100 * 1024;

// Holes side by side over 180 MiB, of which the lower half is not backed. Then the mean place of
// blocks that fit into any: 0 the lowest hole, 1 the highest.
[[nodiscard]] double mean_place() {
  std::vector<char*> runs;
  for (std::size_t i = 0; i < kRuns; ++i) runs.push_back(static_cast<char*>(malloc(kRunBytes)));
  std::sort(runs.begin(), runs.end());
  for (char* const run : runs) std::memset(run, 1, kRunBytes);
  for (std::size_t i = 0; i < kRuns / 2; i += 2) free(runs[i]);
  EXPECT(control::control_set_number("memory.purge", 0) == 0);
  for (std::size_t i = kRuns / 2; i < kRuns; i += 2) free(runs[i]);
  std::vector<char*> blocks;
  double sum = 0;
  for (std::size_t i = 0; i < kRuns / 4; ++i) {
    blocks.push_back(static_cast<char*>(malloc(kFits)));
    sum += static_cast<double>(blocks.back() - runs.front()) /
           static_cast<double>(runs.back() - runs.front());
  }
  for (char* const block : blocks) free(block);
  for (std::size_t i = 1; i < kRuns; i += 2) free(runs[i]);
  EXPECT(control::control_set_number("memory.purge", 0) == 0);
  return sum / static_cast<double>(blocks.size());
}

void placement() {
  const double fitting = mean_place();
  control::set("placement", "low_address");
  const double lowest = mean_place();
  control::set("placement", "best_fit");
  const double again = mean_place();
  expect::print(STDOUT_FILENO, "fitting=%.2f\nlowest=%.2f\nagain=%.2f\n", fitting, lowest, again);

  EXPECT(fitting > 0.5 && again > 0.5);
  EXPECT(lowest < 0.4);
}

// Leaves as much in the lists of the thread as they may hold.
void churn() {
  constexpr std::size_t kSizes[] = {512, 640, 768, 1024, 1280, 1536, 2048};
  static void* held[4000];
  for (int round = 0; round < 20; ++round) {
    for (const std::size_t bytes : kSizes) {
      for (void*& block : held) block = malloc(bytes);
      for (void* block : held) free(block);
    }
  }
}

// Blocks that lists hold count as live.
[[nodiscard]] std::size_t churned() {
  const std::uint64_t before = control::number("stats.live_bytes");
  churn();
  const std::uint64_t now = control::number("stats.live_bytes");
  return now > before ? now - before : 0;
}

void cache() {
  control::set("cache.thread_kib", "0");
  const std::size_t none = churned();
  control::set("cache.thread_kib", "1024");
  const std::size_t usual = churned();
  control::set("cache.thread_kib", "8192");
  const std::size_t much = churned() + usual;
  expect::print(STDOUT_FILENO, "none=%zu\nusual=%zu\nmuch=%zu\n", none, usual, much);

  EXPECT(none < 100'000);
  EXPECT(usual > 4 * none && usual < 1'300'000);
  EXPECT(much > 2 * usual);
  control::set("cache.thread_kib", "0");
  const std::uint64_t before = control::number("stats.live_bytes");
  churn();
  EXPECT(control::number("stats.live_bytes") <= before + 100'000);
}

// A thread that runs already heeds them too.
void threads() {
  std::atomic<int> step{0};
  std::thread other([&] {
    churn();
    step = 1;
    while (step != 2) std::this_thread::yield();
    churn();
    step = 3;
    while (step != 4) std::this_thread::yield();
  });
  while (step != 1) std::this_thread::yield();
  const std::uint64_t before = control::number("stats.live_bytes");
  control::set("cache.thread_kib", "0");
  step = 2;
  while (step != 3) std::this_thread::yield();
  EXPECT(control::number("stats.live_bytes") + 100'000 < before);
  step = 4;
  other.join();
}

}  // namespace

int main(int count, char** arguments) {
  expect::on_lunalloc();
  EXPECT(count == 2);
  const std::string_view part = arguments[1];
  if (part == "decay") decay();
  if (part == "purge") purge();
  if (part == "huge_pages") huge_pages();
  if (part == "placement") placement();
  if (part == "cache") cache();
  if (part == "threads") threads();
  expect::print(STDOUT_FILENO, "done=1\n");
  return 0;
}
