// SPDX-License-Identifier: MIT
// Memory that comes and goes in waves. Waves that follow each other at once fault each page
// in about once; what rare high waves took is given back under ordinary activity, down to what
// the program still holds. Counts only: how long it takes depends on the machine.
#include "blocks.hpp"
#include "expect.hpp"
#include "measure.hpp"

#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <iterator>

namespace {

constexpr std::size_t kPageBytes = 4096;
constexpr std::size_t kShortRounds = 200;
constexpr std::size_t kShortBlocks = 4000;
constexpr std::size_t kShortSize = 3000;
constexpr std::size_t kShortPages = kShortBlocks * kShortSize / kPageBytes;
constexpr std::size_t kMostFaults = 2 * kShortPages;

constexpr std::size_t kHeldBytes = 64 * blocks::kMiB;
constexpr std::size_t kHighWaves = 4;
constexpr std::size_t kHighBytes = 100'000'000;
constexpr int kBetweenMs = 300;
constexpr int kAtEndMs = 5000;

// What the program holds all the time, and what it asks for between its busy times, are
// blocks of a link to so many bytes. An allocator that looks at the clock in slow calls only
// hardly gets one from a few sizes that come back each time.
struct Case {
  std::size_t held;
  std::size_t activity;
};
constexpr Case kCases[] = {
    {256 * blocks::kKiB, blocks::kKiB},
    {256 * blocks::kKiB, 128},
    {blocks::kKiB, blocks::kKiB},
    {blocks::kKiB, 128},
};
constexpr std::size_t kCaseCount = std::size(kCases);

struct Link {
  Link* next;
};

std::size_t minor_faults() {
  rusage usage{};
  EXPECT(getrusage(RUSAGE_SELF, &usage) == 0);
  return static_cast<std::size_t>(usage.ru_minflt);
}

// 1 KiB to 256 KiB, as many blocks in each doubling as in the next.
std::size_t high_size(blocks::Random& random) {
  const std::size_t low = blocks::kKiB << random.below(8);
  return low + random.below(low);
}

// Puts a new block in front of the chain, all of it written.
void prepend(Link*& first, std::size_t bytes) {
  auto* const link = static_cast<Link*>(malloc(bytes));
  EXPECT_FOR(bytes, link != nullptr);
  std::memset(link, 1, bytes);
  link->next = first;
  first = link;
}

void free_chain(Link* first) {
  while (first != nullptr) {
    Link* const next = first->next;
    free(first);
    first = next;
  }
}

// Returns how many pages the kernel had to bring.
std::size_t faults_of_short_waves() {
  const std::size_t before = minor_faults();
  for (std::size_t round = 0; round < kShortRounds; ++round) {
    Link* first = nullptr;
    for (std::size_t i = 0; i < kShortBlocks; ++i) prepend(first, kShortSize);
    free_chain(first);
  }
  return minor_faults() - before;
}

// What a program does between its busy times: a few small blocks every 10 ms.
void ordinary_activity(std::size_t most, int milliseconds) {
  blocks::Random random(2);
  const timespec pause = {0, 10'000'000};
  for (int waited = 0; waited < milliseconds; waited += 10) {
    Link* few = nullptr;
    for (int i = 0; i < 8; ++i) prepend(few, sizeof(Link) + random.below(most - sizeof(Link)));
    free_chain(few);
    nanosleep(&pause, nullptr);
  }
}

void high_waves(std::size_t activity) {
  blocks::Random random(3);
  for (std::size_t wave = 0; wave < kHighWaves; ++wave) {
    Link* first = nullptr;
    for (std::size_t taken = 0; taken < kHighBytes;) {
      const std::size_t bytes = high_size(random);
      prepend(first, bytes);
      taken += bytes;
    }
    free_chain(first);
    ordinary_activity(activity, wave + 1 < kHighWaves ? kBetweenMs : kAtEndMs);
  }
}

// Returns whether all but what the program holds went back.
bool high_waves_go_back(const Case& which) {
  blocks::Random random(1);
  Link* held = nullptr;
  std::size_t live = 0;
  // Taken before the waves, so that it keeps none of their memory from going back.
  while (live < kHeldBytes) {
    const std::size_t bytes = which.held > blocks::kKiB
                                  ? high_size(random)
                                  : sizeof(Link) + random.below(which.held - sizeof(Link));
    prepend(held, bytes);
    live += bytes;
  }
  const std::size_t before = measure::resident_bytes();
  high_waves(which.activity);
  const std::size_t after = measure::resident_bytes();
  const std::size_t allowed = live + live / 10 + 4 * blocks::kMiB;
  expect::print(STDOUT_FILENO,
                "holds blocks up to %zu, asks for up to %zu: %zu KiB live, resident %zu KiB before "
                "the waves, %zu KiB after, at most %zu KiB allowed\n",
                which.held, which.activity, live / blocks::kKiB, before / blocks::kKiB,
                after / blocks::kKiB, allowed / blocks::kKiB);
  free_chain(held);
  return after <= allowed;
}

// All at once, in a process each: they sleep most of the time.
void all_cases() {
  pid_t children[kCaseCount];
  for (std::size_t i = 0; i < kCaseCount; ++i) {
    children[i] = fork();
    EXPECT(children[i] >= 0);
    if (children[i] == 0) _exit(high_waves_go_back(kCases[i]) ? 0 : 1);
  }
  int statuses[kCaseCount] = {};
  for (std::size_t i = 0; i < kCaseCount; ++i)
    EXPECT(waitpid(children[i], &statuses[i], 0) == children[i]);
  for (std::size_t i = 0; i < kCaseCount; ++i) EXPECT_FOR(i, statuses[i] == 0);
}

}  // namespace

int main() {
  expect::on_lunalloc();
  const std::size_t faults = faults_of_short_waves();
  expect::print(STDOUT_FILENO, "%zu page faults in %zu waves of %zu pages, at most %zu allowed\n",
                faults, kShortRounds, kShortPages, kMostFaults);
  EXPECT(faults <= kMostFaults);
  // After the short waves, not before: what they taught the allocator must not keep it from
  // seeing that a high one is over.
  all_cases();
  return 0;
}
