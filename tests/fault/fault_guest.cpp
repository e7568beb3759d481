// SPDX-License-Identifier: MIT
// A program whose library has system calls fail, by seed: nothing crashes or hangs, what is refused
// is refused cleanly, and when the kernel gives again everything works and nothing was lost: no
// blocks, memory, descriptors, threads or mappings.
//
// Usage: fault_guest FIRST COUNT, seeds; LUNA_FAULT_SEEDS in the environment replaces COUNT.
// Of every eighth seed calls fail from the start of a program on.
#include "expect.hpp"
#include "measure.hpp"
#include "plan.hpp"
#include "work.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <lunalloc/lunalloc.h>
#include <malloc.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <bit>
#include <cstring>
#include <filesystem>
#include <string>

namespace {

constexpr const char* kSeedVariable = "LUNA_FAULT_SEED";
constexpr std::uint64_t kSeedsPerStart = 8;

struct Figures {
  std::size_t live;
  std::size_t resident;
  std::size_t mappings;
  std::size_t descriptors;
  std::size_t threads;
};

struct Shared {
  Figures reference;
  std::uint64_t refused;
  std::uint64_t kinds;
};
std::uint64_t failures = 0;
Shared* shared = nullptr;

[[nodiscard]] std::size_t entries_of(const char* path) {
  DIR* folder = opendir(path);
  EXPECT(folder != nullptr);
  std::size_t count = 0;
  while (readdir(folder) != nullptr) ++count;
  closedir(folder);
  return count;
}

[[nodiscard]] Figures figures() {
  luna_stats stats{};
  stats.struct_size = sizeof stats;
  EXPECT(luna_stats_read(&stats) == 0);
  return {stats.live_bytes, measure::resident_bytes(), measure::mapping_count(),
          entries_of("/proc/self/fd"), entries_of("/proc/self/task")};
}

// What waits in quarantines of the secure library, which alone tells the size that was asked for.
[[nodiscard]] std::size_t held_back() {
  void* block = malloc(100);
  const bool is_secure = malloc_usable_size(block) == 100;
  free(block);
  return is_secure ? 2 * blocks::kMiB : 0;
}

// What each is, for who reads of too many.
void print_descriptors() {
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    const std::filesystem::path what = std::filesystem::read_symlink(entry, gone);
    expect::print(STDERR_FILENO, "%s -> %s\n", entry.path().c_str(), what.c_str());
  }
}

// The C library keeps stacks of threads, and with them blocks of some KiB. Each page among those
// with guards is a mapping of its own once the kernel has refused to join it with the next.
void expect_close(const Figures& now, const Figures& reference) {
  EXPECT_FOR(now.live, now.live <= reference.live + 64 * blocks::kKiB + held_back());
  EXPECT_FOR(now.resident, now.resident <= reference.resident + 16 * blocks::kMiB);
  EXPECT_FOR(now.mappings, now.mappings <= reference.mappings + 400);
  if (now.descriptors > reference.descriptors) print_descriptors();
  EXPECT_FOR(now.descriptors, now.descriptors <= reference.descriptors);
  EXPECT_FOR(now.threads, now.threads <= reference.threads);
}

// Once everything was used, and nothing failed. Threads of the library end, and close what they
// have, a moment after they are told.
void use_all(const char* folder) {
  blocks::Random random(1);
  fault::work_through(random, folder);
  malloc_trim(0);
  malloc_trim(0);
}
void await_end_of_threads(const Figures& before) {
  for (int i = 0; i < 2000; ++i) {
    const Figures now = figures();
    if (now.threads <= before.threads && now.descriptors <= before.descriptors) return;
    usleep(1000);
  }
}

void trial(std::uint64_t seed, const char* folder) {
  blocks::Random random(seed);
  fault::begin(seed);
  fault::work(random, folder);
  fault::end();
  shared->refused += fault::refused();
  shared->kinds |= fault::refused_kinds();
  use_all(folder);
  await_end_of_threads(shared->reference);
  expect_close(figures(), shared->reference);
}

// In a process of its own; what that writes to stderr is shown if it fails.
template <typename Body>
void in_process(std::uint64_t seed, Body body) {
  const int messages = memfd_create("messages", MFD_CLOEXEC);
  EXPECT(messages >= 0);
  const pid_t child = fork();
  EXPECT(child >= 0);
  if (child == 0) {
    alarm(120);
    dup2(messages, STDERR_FILENO);
    body();
    _exit(0);
  }
  int status = 1;
  EXPECT(waitpid(child, &status, 0) == child);
  if (status != 0) {
    char text[4096];
    const ssize_t bytes = pread(messages, text, sizeof text, 0);
    expect::print(STDERR_FILENO, "seed %llu: status %d\n", static_cast<unsigned long long>(seed),
                  status);
    if (bytes > 0 && write(STDERR_FILENO, text, static_cast<std::size_t>(bytes)) < 0) _exit(1);
  }
  failures += status != 0 ? 1 : 0;
  close(messages);
}

// Before main(), as the library may be: here it is first asked.
[[gnu::constructor(101)]] void begin_at_start() {
  if (const char* seed = getenv(kSeedVariable)) fault::begin(strtoull(seed, nullptr, 10));
}

void start_again(std::uint64_t seed, const char* folder) {
  const std::string text = std::to_string(seed);
  setenv(kSeedVariable, text.c_str(), 1);
  setenv("LUNALLOC_CONF",
         "profile:true,blackbox:/dev/shm/%p.box,background:true,stats_file:/dev/null", 1);
  execl("/proc/self/exe", "fault_guest", "started", folder, nullptr);
  _exit(127);
}

int run_started(const char* folder) {
  const std::uint64_t seed = strtoull(getenv(kSeedVariable), nullptr, 10);
  alarm(120);
  blocks::Random random(seed);
  fault::work(random, folder);
  fault::end();
  fault::work_through(random, folder);
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  if (count == 3 && strcmp(arguments[1], "started") == 0) return run_started(arguments[2]);
  EXPECT(count == 3);
  expect::on_lunalloc();
  const std::uint64_t first = strtoull(arguments[1], nullptr, 10);
  const char* wanted = getenv("LUNA_FAULT_SEEDS");
  const std::uint64_t seeds = strtoull(wanted != nullptr ? wanted : arguments[2], nullptr, 10);
  char folder[] = "/tmp/lunalloc-fault.XXXXXX";
  EXPECT(first > 0 && seeds > 0 && mkdtemp(folder) != nullptr);
  shared = static_cast<Shared*>(
      mmap(nullptr, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  EXPECT(shared != MAP_FAILED);
  in_process(0, [&] {
    const Figures before = figures();
    use_all(folder);
    await_end_of_threads(before);
    shared->reference = figures();
  });
  EXPECT(failures == 0);
  for (std::uint64_t seed = first; seed < first + seeds; ++seed) {
    if (seed % kSeedsPerStart == 0)
      in_process(seed, [&] { start_again(seed, folder); });
    else
      in_process(seed, [&] { trial(seed, folder); });
    if (seed % 100 == 0) printf("seed %llu\n", static_cast<unsigned long long>(seed));
  }
  EXPECT(shared->refused > seeds);
  printf("%llu seeds, %llu calls failed, of %d kinds of %zu\n",
         static_cast<unsigned long long>(seeds), static_cast<unsigned long long>(shared->refused),
         std::popcount(shared->kinds), fault::kinds());
  EXPECT(failures == 0);
  std::filesystem::remove_all(folder);  // what could not be removed while that was refused
}
