// SPDX-License-Identifier: MIT
// What would it cost to hand a run of pages over in ways other than by a copy?
//
// Usage: handover_ways BYTES ROUNDS
// Two ranges stand for two heaps, each mapped as a whole, with a place for the run in its middle.
// A round is what a queue does: the run is written, handed over, and free again. Prints a line of
// JSON with medians of CPU time, in microseconds: of the writing alone; with a copy; with the
// pages moved, so that each writing backs new ones; with pages that change places; the last two
// also without the writing. And how many mappings the process has more when a run was moved.
#include <sys/mman.h>
#include <time.h>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace {

constexpr std::size_t kRange = std::size_t{8} << 20;
constexpr int kMoveKeeping = MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP;

void require(bool right, const char* what) {
  if (right) return;
  std::perror(what);
  std::exit(1);
}

[[nodiscard]] double microseconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

[[nodiscard]] std::size_t mappings() {
  std::FILE* file = std::fopen("/proc/self/maps", "r");
  require(file != nullptr, "/proc/self/maps");
  std::size_t lines = 0;
  for (int c = std::fgetc(file); c != EOF; c = std::fgetc(file)) lines += c == '\n' ? 1 : 0;
  std::fclose(file);
  return lines;
}

// Where a run of a heap lies: within a larger mapping, all of it written to.
[[nodiscard]] void* place_of_run() {
  constexpr int kPrivate = MAP_PRIVATE | MAP_ANONYMOUS;
  void* range = mmap(nullptr, kRange, PROT_READ | PROT_WRITE, kPrivate, -1, 0);
  require(range != MAP_FAILED, "mmap");
  require(madvise(range, kRange, MADV_NOHUGEPAGE) == 0, "madvise");
  std::memset(range, 1, kRange);
  return static_cast<std::byte*>(range) + kRange / 4;
}

void move(void* from, void* to, std::size_t bytes) {
  require(mremap(from, bytes, bytes, kMoveKeeping, to) == to, "mremap");
}

void exchange(void* one, void* two, std::size_t bytes) {
  void* aside = mremap(one, bytes, bytes, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, nullptr);
  require(aside != MAP_FAILED, "mremap");
  move(two, one, bytes);
  require(mremap(aside, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, two) == two, "mremap");
}

struct Cost {
  double whole;
  double alone;  // without the writing
  std::size_t mappings;
};

template <typename HandOver>
[[nodiscard]] Cost median_of(std::size_t bytes, std::size_t rounds, HandOver hand_over) {
  void* one = place_of_run();
  void* two = place_of_run();
  const std::size_t mappings_before = mappings();
  std::vector<double> whole;
  std::vector<double> alone;
  for (std::size_t i = 0; i < rounds; ++i) {
    const double start = microseconds();
    std::memset(one, static_cast<int>(i), bytes);
    const double written = microseconds();
    hand_over(one, two);
    const double end = microseconds();
    whole.push_back(end - start);
    alone.push_back(end - written);
  }
  const auto median = [rounds](std::vector<double>& times) {
    const auto middle = times.begin() + static_cast<std::ptrdiff_t>(rounds / 2);
    std::nth_element(times.begin(), middle, times.end());
    return *middle;
  };
  return {median(whole), median(alone), mappings() - mappings_before};
}

}  // namespace

int main(int count, char** arguments) {
  const std::size_t bytes = count == 3 ? std::strtoull(arguments[1], nullptr, 10) : 0;
  const std::size_t rounds = count == 3 ? std::strtoull(arguments[2], nullptr, 10) : 0;
  if (bytes == 0 || bytes % 4096 != 0 || bytes > kRange / 2 || rounds == 0) {
    std::fprintf(stderr, "usage: handover_ways BYTES ROUNDS; whole pages, up to 4 MiB\n");
    return 2;
  }
  const Cost nothing = median_of(bytes, rounds, [](void*, void*) {});
  const Cost copy =
      median_of(bytes, rounds, [bytes](void* one, void* two) { std::memcpy(two, one, bytes); });
  const Cost moved =
      median_of(bytes, rounds, [bytes](void* one, void* two) { move(one, two, bytes); });
  const Cost exchanged =
      median_of(bytes, rounds, [bytes](void* one, void* two) { exchange(one, two, bytes); });
  std::printf(
      "{\"bytes\": %zu, \"write_us\": %.1f, \"copy_us\": %.1f, \"move_us\": %.1f, "
      "\"move_alone_us\": %.1f, \"exchange_us\": %.1f, \"exchange_alone_us\": %.1f, "
      "\"mappings\": %zu}\n",
      bytes, nothing.whole, copy.whole, moved.whole, moved.alone, exchanged.whole, exchanged.alone,
      moved.mappings);
}
