// SPDX-License-Identifier: MIT
// A kernel that refuses madvise, mremap, mprotect or mmap, through a seccomp filter: programs
// see correct memory or NULL with ENOMEM, never a crash, and calloc still gives zeroes.
#include "refused_calls.hpp"

#include "blocks.hpp"
#include "expect.hpp"
#include "handover.hpp"
#include "measure.hpp"

#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>

namespace {

constexpr std::size_t kEnough = 300 * blocks::kMiB;

struct Refusal {
  unsigned call;
  unsigned error;
  bool from_start;  // also in a program that starts under it
};

constexpr Refusal kRefusals[] = {
    {SYS_madvise, EPERM, true},    {SYS_madvise, ENOSYS, true},  {SYS_madvise, EINVAL, true},
    {SYS_mremap, EPERM, true},     {SYS_mremap, ENOMEM, true},   {SYS_prctl, EPERM, false},
    {SYS_mprotect, ENOMEM, false}, {SYS_mprotect, EPERM, false}, {SYS_mmap, ENOMEM, false},
    {SYS_mmap, EPERM, false},      {SYS_munmap, ENOMEM, false},
};

// Counts what is given; all of it is checked, resized, and freed.
void use_many(std::size_t size) {
  void* given[20] = {};
  for (void*& block : given) {
    errno = 0;
    block = malloc(size);
    EXPECT_FOR(size, block != nullptr || errno == ENOMEM);
    if (block != nullptr) std::memset(block, 0xff, size);
  }
  for (void*& block : given) {
    if (block == nullptr) continue;
    errno = 0;
    void* const moved = realloc(block, size * 2);
    EXPECT_FOR(size, moved != nullptr || errno == ENOMEM);
    if (moved != nullptr) block = moved;
    EXPECT_FOR(size, static_cast<unsigned char*>(block)[size - 1] == 0xff);
  }
  for (void* block : given) {
    errno = 4321;
    free(block);
    EXPECT_FOR(size, errno == 4321);
  }
  void* const zeroed = calloc(1, size);
  EXPECT_FOR(size, zeroed == nullptr || blocks::all_zero(zeroed, size));
  free(zeroed);
}

void take_until_refused() {
  struct Link {
    Link* next;
  };
  Link* chain = nullptr;
  for (std::size_t taken = 0; taken < kEnough; taken += 100000) {
    errno = 0;
    auto* const link = static_cast<Link*>(malloc(100000));
    EXPECT(link != nullptr || errno == ENOMEM);
    if (link == nullptr) break;
    link->next = chain;
    chain = link;
  }
  while (chain != nullptr) {
    Link* const next = chain->next;
    free(chain);
    chain = next;
  }
}

// A mapping by itself goes back to the kernel, by whatever call is left.
void give_back_a_mapping() {
  constexpr std::size_t kTouched = 96 * blocks::kMiB;
  void* const block = malloc(1100 * blocks::kMiB);
  if (block == nullptr) return;
  const std::size_t before = measure::resident_bytes();
  std::memset(block, 0xff, kTouched);
  EXPECT(measure::resident_bytes() > before + kTouched / 2);
  free(block);
  EXPECT(measure::resident_bytes() < before + kTouched / 8);
}

void work() {
  give_back_a_mapping();
  for (int round = 0; round < 2; ++round) {
    for (std::size_t size = 16; size <= 3 * blocks::kMiB; size = size * 3 + 1) use_many(size);
    malloc_trim(0);
  }
  take_until_refused();
  for (std::size_t size = 16; size <= 3 * blocks::kMiB; size = size * 3 + 1) use_many(size);
}

void in_a_child(const Refusal& refusal, bool from_start) {
  const pid_t child = fork();
  EXPECT(child >= 0);
  if (child == 0) {
    alarm(60);
    if (!test::refuse_call(refusal.call, refusal.error)) {
      expect::skip("seccomp filters are not allowed here");
    }
    if (from_start) execl("/proc/self/exe", "refused_calls_test", "work", nullptr);
    work();
    _exit(0);
  }
  int status = 0;
  EXPECT(waitpid(child, &status, 0) == child);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 77) _exit(77);
  EXPECT_FOR(refusal.call, !WIFSIGNALED(status));
  EXPECT_FOR(refusal.call, WEXITSTATUS(status) == 0);
}

}  // namespace

int main(int count, char**) {
  expect::on_lunalloc();
  if (count > 1) {
    work();
    return 0;
  }
  use_many(100);  // the library is at work before the filter comes
  for (const Refusal& refusal : kRefusals) {
    in_a_child(refusal, false);
    if (refusal.from_start) in_a_child(refusal, true);
  }
  return 0;
}
