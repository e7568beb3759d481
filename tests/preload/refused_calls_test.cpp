// SPDX-License-Identifier: MIT
// A kernel that refuses madvise, mremap, mprotect or mmap, through a seccomp filter: programs
// see correct memory or NULL with ENOMEM, never a crash, and calloc still gives zeroes.
#include "blocks.hpp"
#include "expect.hpp"
#include "handover.hpp"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
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

void refuse(const Refusal& refusal) {
  sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, refusal.call, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | refusal.error),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program = {sizeof code / sizeof code[0], code};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
    expect::skip("seccomp filters are not allowed here");
  }
}

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

void work() {
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
    refuse(refusal);
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
