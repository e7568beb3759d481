// SPDX-License-Identifier: MIT
// A working set of 1 GiB is freed: within 3 seconds of ordinary activity less than 5 % of it is
// resident, and at once after malloc_trim(0). Small, medium, large and mixed blocks; freed in
// order and with every second block first.
#include "blocks.hpp"
#include "expect.hpp"
#include "measure.hpp"

#include <malloc.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

namespace {

constexpr std::size_t kWorkingSet = blocks::kGiB;
constexpr std::size_t kAllowed = kWorkingSet / 20;
constexpr std::size_t kMixed = 0;
constexpr std::size_t kSizes[] = {48, 1000, 20000, 200000, 5000000, kMixed};
constexpr int kActivityMs = 3000;

struct Link {
  Link* next;
};

// Two chains, so that every second block can be freed before the rest.
struct Chains {
  Link* even = nullptr;
  Link* odd = nullptr;
};

Chains allocate_all(std::size_t size) {
  blocks::Random random(1);
  Chains chains;
  bool even = true;
  for (std::size_t taken = 0; taken < kWorkingSet;) {
    const std::size_t bytes = size == kMixed ? sizeof(Link) + random.size() : size;
    auto* const link = static_cast<Link*>(malloc(bytes));
    EXPECT_FOR(size, link != nullptr);
    std::memset(link, 1, bytes);
    Link*& chain = even ? chains.even : chains.odd;
    *link = {chain};
    chain = link;
    even = !even;
    taken += bytes;
  }
  return chains;
}

void free_chain(Link* first) {
  while (first != nullptr) {
    Link* const next = first->next;
    free(first);
    first = next;
  }
}

void fill_and_empty(std::size_t size) {
  const Chains chains = allocate_all(size);
  EXPECT(measure::resident_bytes() > kWorkingSet);
  free_chain(chains.even);
  free_chain(chains.odd);
}

// What a program does between requests: a few blocks of many sizes, now and then.
void ordinary_activity() {
  blocks::Random random(2);
  const timespec pause = {0, 5000000};
  for (int waited = 0; waited < kActivityMs; waited += 5) {
    for (int i = 0; i < 100; ++i) {
      void* const block = malloc(random.size());
      static_cast<char*>(block)[0] = 1;
      free(block);
    }
    nanosleep(&pause, nullptr);
  }
}

void report(const char* how, std::size_t size) {
  const std::size_t resident = measure::resident_bytes();
  expect::print(STDOUT_FILENO, "%s, blocks of %zu: %zu MiB resident\n", how, size,
                resident / blocks::kMiB);
  EXPECT_FOR(size, resident < kAllowed);
}

void in_a_child(void (*after)(std::size_t), std::size_t size) {
  const pid_t child = fork();
  EXPECT(child >= 0);
  if (child == 0) {
    fill_and_empty(size);
    after(size);
    _exit(0);
  }
  int status = 0;
  EXPECT(waitpid(child, &status, 0) == child);
  EXPECT_FOR(size, status == 0);
}

}  // namespace

int main() {
  expect::on_lunalloc();
  for (const std::size_t size : kSizes) {
    in_a_child(
        [](std::size_t of) {
          malloc_trim(0);
          report("after malloc_trim", of);
        },
        size);
  }
  for (const std::size_t size : kSizes) {
    in_a_child(
        [](std::size_t of) {
          ordinary_activity();
          report("after 3 s", of);
        },
        size);
  }
  return 0;
}
