// SPDX-License-Identifier: MIT
// Under `ulimit -v` of 512 MiB: the process starts, most of the limit can be used in every range
// of sizes, what goes beyond is NULL with ENOMEM, and after a free all goes on.
#include "blocks.hpp"
#include "expect.hpp"
#include "handover.hpp"

#include <malloc.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <thread>
#include <vector>

namespace {

constexpr std::size_t kLimit = 512 * blocks::kMiB;
constexpr std::size_t kAtLeast = 300 * blocks::kMiB;

struct Link {
  Link* next;
  std::size_t mark;
};

// Until the limit; the blocks are chained through themselves, since nothing else can be had.
Link* take_all(std::size_t size, std::size_t* taken) {
  Link* first = nullptr;
  *taken = 0;
  for (;;) {
    errno = 0;
    auto* const link = static_cast<Link*>(malloc(size));
    if (link == nullptr) break;
    *link = {first, size};
    first = link;
    *taken += size;
  }
  EXPECT_FOR(size, errno == ENOMEM);
  return first;
}

void give_all_back(Link* first, std::size_t size) {
  while (first != nullptr) {
    EXPECT_FOR(size, first->mark == size);
    Link* const next = first->next;
    free(first);
    first = next;
  }
}

// What existed before the limit was met stays as it is.
void other_calls_are_refused(void* kept) {
  for (const std::size_t size : {64 * blocks::kMiB, 600 * blocks::kMiB}) {
    errno = 0;
    EXPECT(calloc(1, size) == nullptr && errno == ENOMEM);
    errno = 0;
    EXPECT(realloc(kept, size) == nullptr && errno == ENOMEM);
    handover::check(kept);
    errno = 0;
    EXPECT(aligned_alloc(4096, size) == nullptr && errno == ENOMEM);
    void* stored = kept;
    EXPECT(posix_memalign(&stored, 64, size) == ENOMEM && stored == kept);
  }
}

void exhaust(std::size_t size) {
  void* const kept = handover::make(100000, 1);
  std::size_t first_time = 0;
  for (int round = 0; round < 3; ++round) {
    std::size_t taken = 0;
    Link* const chain = take_all(size, &taken);
    if (round == 0) first_time = taken;
    expect::print(STDOUT_FILENO, "blocks of %zu: %zu MiB\n", size, taken / blocks::kMiB);
    EXPECT_FOR(size, taken >= kAtLeast);
    EXPECT_FOR(size, taken >= first_time / 10 * 9);
    other_calls_are_refused(kept);
    give_all_back(chain, size);
  }
  handover::check_and_free(kept);
}

void ordinary_work() {
  blocks::Random random(1);
  for (int i = 0; i < 20000; ++i) handover::check_and_free(handover::make(random.size(), 1));
}

void with_threads() {
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) threads.emplace_back(ordinary_work);
  for (std::thread& thread : threads) thread.join();
}

// Starts this program again under the limit, to do the work that `part` names.
void run_limited(const char* part) {
  const pid_t child = fork();
  EXPECT(child >= 0);
  if (child == 0) {
    const rlimit limit = {kLimit, kLimit};
    EXPECT(setrlimit(RLIMIT_AS, &limit) == 0);
    execl("/proc/self/exe", "address_limit_test", part, nullptr);
    _exit(1);
  }
  int status = 0;
  EXPECT(waitpid(child, &status, 0) == child);
  EXPECT(status == 0);
}

}  // namespace

int main(int count, char** arguments) {
  expect::on_lunalloc();
  if (count == 1) {
    run_limited("alone");
    run_limited("threads");
    return 0;
  }
  if (strcmp(arguments[1], "threads") == 0) {
    with_threads();
    return 0;
  }

  ordinary_work();
  for (const std::size_t size : {48UL, 1000UL, 20000UL, 200000UL, 3000000UL}) exhaust(size);
  exhaust(48);
  ordinary_work();
  return 0;
}
