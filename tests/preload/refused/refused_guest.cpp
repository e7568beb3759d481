// SPDX-License-Identifier: MIT
// A mixed workload in which the n-th system call of a kind is refused, or all from the n-th on, for
// each n: malloc succeeds or returns NULL with ENOMEM, contents stay, nothing crashes, and
// when the kernel gives again everything works and nothing has leaked.
//
// Usage: refused_guest CALL, a name in kKinds
#include "expect.hpp"
#include "find_function.hpp"
#include "measure.hpp"
#include "refuser.hpp"

#include <dlfcn.h>
#include <lunalloc/lunalloc.h>
#include <lunalloc/pressure.h>
#include <malloc.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <cstdio>
#include <cstdlib>

namespace {

constexpr std::size_t kMiB = 1 << 20;

struct Kind {
  const char* name;
  unsigned call;
  unsigned error;
};

constexpr Kind kKinds[] = {
    {"mmap", SYS_mmap, ENOMEM},
    {"munmap", SYS_munmap, ENOMEM},
    {"mprotect", SYS_mprotect, ENOMEM},
    {"madvise", SYS_madvise, ENOMEM},
    {"mremap", SYS_mremap, ENOMEM},
    {"openat", SYS_openat, EMFILE},
    {"read", SYS_read, EIO},
    {"clone3", SYS_clone3, EAGAIN},
    {"clone", SYS_clone, EAGAIN},
    {"mincore", SYS_mincore, EAGAIN},

    {"prlimit64", SYS_prlimit64, EPERM},
    {"prctl", SYS_prctl, EINVAL},
    {"rt_sigprocmask", SYS_rt_sigprocmask, EINVAL},
};

// What a child tells its parent.
struct Shared {
  long seen;
  long refused;
};
Shared* shared = nullptr;
Refuser refuser;

[[nodiscard]] std::size_t live_bytes() {
  static auto* const read = find<decltype(luna_stats_read)>("luna_stats_read");
  luna_stats stats{};
  stats.struct_size = sizeof stats;
  EXPECT(read(&stats) == 0);
  return stats.live_bytes;
}

// A block whose first and last bytes tell what they should be.
struct Block {
  void fill() {
    memory[0] = mark;
    memory[bytes / 2] = mark;
    memory[bytes - 1] = mark;
  }
  [[nodiscard]] bool is_intact(std::size_t upto) const {
    if (memory[0] != mark) return false;
    if (upto > bytes / 2 && memory[bytes / 2] != mark) return false;
    return upto < bytes || memory[bytes - 1] == mark;
  }

  unsigned char* memory = nullptr;
  std::size_t bytes = 0;
  unsigned char mark = 0;
};

constexpr std::size_t kSizes[] = {24,      200,  3000,     20'000,        70'000,
                                  300'000, kMiB, 3 * kMiB, 5 * kMiB + 100};
constexpr std::size_t kSizeCount = sizeof kSizes / sizeof kSizes[0];

[[nodiscard]] void* take(std::size_t turn, std::size_t bytes) {
  if (turn % 3 == 0) return calloc(1, bytes);
  if (turn % 3 == 1) return malloc(bytes);
  void* block = nullptr;
  const int error = posix_memalign(&block, turn % 2 == 0 ? 64 : 8192, bytes);
  EXPECT(error == 0 || error == ENOMEM);
  errno = error;
  return error == 0 ? block : nullptr;
}

// With its own blocks alone, so that many may be at it.
void work(unsigned seed) {
  constexpr std::size_t kBlocks = 90;
  Block blocks[kBlocks];
  for (std::size_t i = 0; i < kBlocks; ++i) {
    Block& block = blocks[i];
    block.bytes = kSizes[(i + seed) % kSizeCount] + i;
    block.mark = static_cast<unsigned char>(i + seed + 1);
    errno = 0;
    block.memory = static_cast<unsigned char*>(expect::opaque(take(i, block.bytes)));
    EXPECT_FOR(block.bytes, block.memory != nullptr || errno == ENOMEM);
    if (block.memory == nullptr) continue;
    if (i % 3 == 0)
      for (std::size_t at = 0; at < block.bytes; at += 512) EXPECT(block.memory[at] == 0);
    block.fill();
  }
  for (std::size_t i = 0; i < kBlocks; i += 2) {
    Block& block = blocks[i];
    if (block.memory == nullptr) continue;
    const std::size_t bytes = i % 4 == 0 ? block.bytes * 2 : block.bytes / 3 + 1;
    errno = 0;
    void* const moved = realloc(block.memory, bytes);
    EXPECT_FOR(bytes, moved != nullptr || errno == ENOMEM);
    if (moved == nullptr) continue;
    block.memory = static_cast<unsigned char*>(moved);
    EXPECT_FOR(bytes, block.is_intact(bytes));
    block.bytes = bytes;
    block.fill();
    if (i % 10 == 0) malloc_trim(0);
  }
  for (Block& block : blocks) {
    if (block.memory == nullptr) continue;
    EXPECT_FOR(block.bytes, block.is_intact(block.bytes));
    errno = 4321;
    free(block.memory);
    EXPECT(errno == 4321);
  }
}

void* work_in_thread(void* seed) {
  work(static_cast<unsigned>(reinterpret_cast<std::uintptr_t>(seed)));
  return nullptr;
}

void in_threads() {
  constexpr std::size_t kThreads = 2;
  pthread_t threads[kThreads];
  bool runs[kThreads] = {};
  for (std::size_t i = 0; i < kThreads; ++i)
    runs[i] =
        pthread_create(&threads[i], nullptr, work_in_thread, reinterpret_cast<void*>(i + 1)) == 0;
  work(0);
  for (std::size_t i = 0; i < kThreads; ++i)
    if (runs[i]) EXPECT(pthread_join(threads[i], nullptr) == 0);
}

void in_child() {
  const pid_t child = fork();
  if (child < 0) return;  // refused, which is right
  if (child == 0) {
    work(5);
    _exit(0);
  }
  int status = 1;
  EXPECT(waitpid(child, &status, 0) == child);
  EXPECT_FOR(status, status == 0);
}

// The calls that read files of the kernel, and start a thread of the library's.
void other_calls() {
  luna_pressure_event event{};
  event.struct_size = sizeof event;
  EXPECT(find<decltype(luna_pressure_read)>("luna_pressure_read")(&event) == 0);
  luna_subscription number = 0;
  const auto stay = [](const luna_pressure_event*, void*) {};
  const int error = find<decltype(luna_pressure_subscribe)>("luna_pressure_subscribe")(
      LUNA_PRESSURE_CRITICAL, 0, stay, nullptr, &number);
  EXPECT_FOR(error, error == 0 || error == EAGAIN);
  if (error == 0)
    EXPECT(find<decltype(luna_pressure_unsubscribe)>("luna_pressure_unsubscribe")(number) == 0);
}

// More than any arena holds, which is a mapping of its own.
void huge_block() {
  constexpr std::size_t kBytes = std::size_t{3} << 30;
  auto* const block = static_cast<unsigned char*>(expect::opaque(malloc(kBytes)));
  EXPECT(block != nullptr || errno == ENOMEM);
  if (block == nullptr) return;
  block[kBytes - 1] = 1;
  free(block);
}

void all() {
  other_calls();
  huge_block();
  in_threads();
  in_child();
  work(7);
}

void settle() {
  malloc_trim(0);
  malloc_trim(0);
}

// In a process of its own. `plan.first` 0: only count.
void trial(const Refuser::Plan& plan) {
  alarm(120);
  refuser.begin(plan);
  const std::size_t live_before = live_bytes();
  all();
  refuser.end();
  const long seen = refuser.seen();
  const long refused = refuser.refused();
  // What is there once everything has been used without a refusal.
  all();
  for (const std::size_t bytes : kSizes) {
    void* const block = expect::opaque(malloc(bytes));
    EXPECT_FOR(bytes, block != nullptr);
    free(block);
  }
  settle();
  const std::size_t live_after = live_bytes();
  shared->seen = seen;
  shared->refused = refused;
  // The C library keeps stacks of threads, and with them blocks of some KiB.
  if (live_after > live_before + 64 * 1024)
    expect::print(2, "%zu live\n", live_after - live_before);
  EXPECT(live_after <= live_before + 64 * 1024);
  if (measure::resident_bytes() >= 24 * kMiB)
    expect::print(2, "%zu resident\n", measure::resident_bytes());
  EXPECT(measure::resident_bytes() < 24 * kMiB);
}

void run(const Refuser::Plan& plan) {
  const pid_t child = fork();
  EXPECT(child >= 0);
  if (child == 0) {
    trial(plan);
    _exit(0);
  }
  int status = 1;
  EXPECT(waitpid(child, &status, 0) == child);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 77) _exit(77);
  if (status != 0)
    expect::print(2, "failed: calls %ld to %ld: status %d\n", plan.first, plan.last, status);
  EXPECT(status == 0);
}

// Not each of thousands: all of the first, and then ever fewer.
[[nodiscard]] long after(long n) { return n < 8 ? n + 1 : n + n / 3; }

}  // namespace

int main(int count, char** arguments) {
  EXPECT(count == 2);
  expect::on_lunalloc();
  shared = static_cast<Shared*>(
      mmap(nullptr, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  EXPECT(shared != MAP_FAILED);
  for (const Kind& kind : kKinds) {
    if (strcmp(kind.name, arguments[1]) != 0) continue;
    run({kind.call, kind.error, 0, -1});
    const long most = shared->seen;
    EXPECT(most > 0);
    for (long n = 1; n <= most; n = after(n)) {
      run({kind.call, kind.error, n, n});
      run({kind.call, kind.error, n, 1'000'000'000});
    }
    printf("%ld calls of %s\n", most, kind.name);
    return 0;
  }
  return 2;
}
