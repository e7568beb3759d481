// SPDX-License-Identifier: MIT
// What does it cost to hand a block over from one heap to another?
//
// Usage: transfer_bench BYTES ROUNDS, with lunalloc preloaded.
// Prints a line of JSON with medians of CPU time, in microseconds: of a first transfer between two
// new heaps; of one there and back; and of a block that is allocated, written to, handed over and
// freed there, as in a queue, with the writing alone beside it.
#include <dlfcn.h>
#include <lunalloc/heap.h>
#include <time.h>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace {

template <typename Function>
[[nodiscard]] Function* find(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_DEFAULT, name));
}
const auto create = find<decltype(luna_heap_create)>("luna_heap_create");
const auto allocate = find<decltype(luna_heap_malloc)>("luna_heap_malloc");
const auto destroy = find<decltype(luna_heap_destroy)>("luna_heap_destroy");
const auto transfer = find<decltype(luna_block_transfer)>("luna_block_transfer");

void require(bool right, const char* what) {
  if (right) return;
  std::fprintf(stderr, "transfer_bench: %s\n", what);
  std::exit(1);
}

[[nodiscard]] double microseconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

[[nodiscard]] luna_heap* created() {
  luna_heap_options options{};
  options.struct_size = sizeof options;
  options.name = "bench";
  luna_heap* heap = create(&options);
  require(heap != nullptr, "luna_heap_create fails");
  return heap;
}

[[nodiscard]] void* written(luna_heap* heap, std::size_t bytes) {
  void* block = allocate(heap, bytes);
  require(block != nullptr, "luna_heap_malloc fails");
  return std::memset(block, 1, bytes);
}

[[nodiscard]] luna_transfer hand_over(void*& block, luna_heap* to) {
  luna_transfer how = LUNA_TRANSFER_NONE;
  require(transfer(&block, to, &how) == 0, "luna_block_transfer fails");
  return how;
}

// The median of what round() takes.
template <typename Round>
[[nodiscard]] double median_of(std::size_t rounds, Round round) {
  std::vector<double> times;
  for (std::size_t i = 0; i < rounds; ++i) times.push_back(round());
  std::nth_element(times.begin(), times.begin() + static_cast<std::ptrdiff_t>(rounds / 2),
                   times.end());
  return times[rounds / 2];
}

}  // namespace

int main(int count, char** arguments) {
  require(count == 3, "usage: transfer_bench BYTES ROUNDS");
  require(transfer != nullptr, "lunalloc is not preloaded");
  const std::size_t bytes = std::strtoull(arguments[1], nullptr, 10);
  const std::size_t rounds = std::max<std::size_t>(std::strtoull(arguments[2], nullptr, 10), 1);
  luna_transfer how = LUNA_TRANSFER_NONE;
  const double first = median_of(rounds, [&] {
    luna_heap* const heaps[] = {created(), created()};
    void* block = written(heaps[0], bytes);
    const double start = microseconds();
    how = hand_over(block, heaps[1]);
    const double time = microseconds() - start;
    for (luna_heap* heap : heaps) require(destroy(heap) == 0, "luna_heap_destroy fails");
    return time;
  });
  luna_heap* one = created();
  luna_heap* two = created();
  void* block = written(one, bytes);
  const double there_and_back = median_of(rounds, [&] {
    std::memset(block, 2, bytes);
    const double start = microseconds();
    static_cast<void>(hand_over(block, two));
    static_cast<void>(hand_over(block, one));
    return microseconds() - start;
  });
  const double write = median_of(rounds, [&] {
    const double start = microseconds();
    std::memset(block, 3, bytes);
    return microseconds() - start;
  });
  const double queue = median_of(rounds, [&] {
    const double start = microseconds();
    void* handed = written(one, bytes);
    static_cast<void>(hand_over(handed, two));
    std::free(handed);
    return microseconds() - start;
  });
  std::printf(
      "{\"bytes\": %zu, \"how\": \"%s\", \"first_us\": %.1f, \"there_and_back_us\": %.1f, "
      "\"queue_us\": %.1f, \"write_us\": %.1f}\n",
      bytes, how == LUNA_TRANSFER_MOVED ? "moved" : "copied", first, there_and_back, queue, write);
}
