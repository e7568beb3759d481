// SPDX-License-Identifier: MIT
// A kernel that promises no more than it has, as with overcommit mode 2. RLIMIT_DATA stands in
// for it: it too counts what is private and writable, whether touched or not, when it is mapped
// or made writable. Address space alone is free. The program gets most of what the limit allows,
// is refused with ENOMEM beyond, and goes on when memory is free again.
#include "blocks.hpp"
#include "expect.hpp"

#include <malloc.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <thread>

namespace {

constexpr std::size_t kLimit = 96 * blocks::kMiB;
constexpr std::size_t kSizes[] = {48, 1000, 12000, 100000, 3 * blocks::kMiB};
// What the program itself has, its stacks, and what is lost to rounding.
constexpr std::size_t kLeast = 56 * blocks::kMiB;

struct Link {
  Link* next;
};

struct Chain {
  Link* first = nullptr;
  std::size_t bytes = 0;
};

// Until the kernel refuses, and it must.
[[nodiscard]] Chain take_all(std::size_t size) {
  Chain chain;
  while (chain.bytes < 2 * kLimit) {
    errno = 0;
    auto* const link = static_cast<Link*>(malloc(size));
    if (link == nullptr) {
      EXPECT_FOR(size, errno == ENOMEM);
      return chain;
    }
    std::memset(static_cast<void*>(link), 0x5a, size);
    link->next = chain.first;
    chain.first = link;
    chain.bytes += size;
  }
  EXPECT_FOR(size, false && "more than the limit was given");
  return chain;
}

void give_back(Chain chain) {
  while (chain.first != nullptr) {
    Link* const next = chain.first->next;
    free(chain.first);
    chain.first = next;
  }
}

// Each size gets the memory that the one before had.
void work() {
  for (const std::size_t size : kSizes) {
    const Chain chain = take_all(size);
    EXPECT_FOR(size, chain.bytes >= kLeast);
    void* const survivor = realloc(nullptr, 10 * kLimit);
    EXPECT_FOR(size, survivor == nullptr && errno == ENOMEM);
    give_back(chain);
    malloc_trim(0);
  }
  void* const zeroed = calloc(1, kLimit / 2);
  EXPECT(zeroed != nullptr && blocks::all_zero(zeroed, kLimit / 2));
  free(zeroed);
}

}  // namespace

int main(int count, char** arguments) {
  expect::on_lunalloc();
  if (count > 1) {
    std::thread(work).join();
    work();
    return 0;
  }
  const pid_t child = fork();
  EXPECT(child >= 0);
  if (child == 0) {
    const rlimit limit = {kLimit, kLimit};
    EXPECT(setrlimit(RLIMIT_DATA, &limit) == 0);
    execl("/proc/self/exe", arguments[0], "work", nullptr);
    _exit(1);
  }
  int status = 0;
  EXPECT(waitpid(child, &status, 0) == child);
  EXPECT(!WIFSIGNALED(status));
  return WEXITSTATUS(status);
}
