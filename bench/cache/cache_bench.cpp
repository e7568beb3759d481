// SPDX-License-Identifier: MIT
// What does a load cost behind a flush or a write-back of its line, and what is gained by copies
// past the caches? Shows that the functions of lunalloc/cache.h do what they say; times are of this
// machine.
#include <lunalloc/cache.h>
#include <stdlib.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace {

constexpr std::size_t kLines = 2048;  // fit into any second-level cache
constexpr std::size_t kStep = 256;    // bytes from one to the next, in an order of chance
constexpr std::size_t kRows = 1000;
constexpr std::size_t kCopied = 64 << 20;

[[nodiscard]] double nanoseconds_now() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double, std::nano>(now).count();
}

// A ring through all lines, so that each load waits for the one before it.
class Ring {
 public:
  Ring() : memory_(kLines * kStep / sizeof(void*)) {
    std::vector<std::size_t> order(kLines);
    for (std::size_t i = 0; i < kLines; ++i) order[i] = i;
    for (std::size_t i = kLines - 1; i > 0; --i)
      std::swap(order[i], order[static_cast<std::size_t>(rand()) % (i + 1)]);
    for (std::size_t i = 0; i < kLines; ++i) *line(order[i]) = line(order[(i + 1) % kLines]);
  }

  // Nanoseconds for each load, once around.
  [[nodiscard]] double walk() {
    luna_fence_full();
    luna_fence_load();
    const double start = nanoseconds_now();
    void* at = line(0);
    for (std::size_t i = 0; i < kLines; ++i) at = *static_cast<void* volatile*>(at);
    return (nanoseconds_now() - start) / kLines;
  }

  // What is written back must have been written to.
  void touch() {
    for (std::size_t i = 0; i < kLines; ++i) line(i)[1] = nullptr;
  }

  [[nodiscard]] const void* begin() const { return memory_.data(); }
  [[nodiscard]] static constexpr std::size_t bytes() { return kLines * kStep; }

 private:
  [[nodiscard]] void** line(std::size_t number) {
    return memory_.data() + number * (kStep / sizeof(void*));
  }

  std::vector<void*> memory_;
};

// The median of many rows.
template <typename Prepare>
[[nodiscard]] double load_after(Ring& ring, std::size_t rows, Prepare prepare) {
  std::vector<double> times(rows);
  for (double& time : times) {
    ring.touch();
    prepare();
    time = ring.walk();
  }
  std::nth_element(times.begin(), times.begin() + static_cast<std::ptrdiff_t>(rows / 2),
                   times.end());
  return times[rows / 2];
}

void time_loads(std::size_t rows) {
  Ring ring;
  const double cached = load_after(ring, rows, [] {});
  const double written_back = load_after(ring, rows, [&] {
    luna_cache_write_back(ring.begin(), Ring::bytes());
    luna_fence_store();
  });
  const double flushed = load_after(ring, rows, [&] {
    luna_cache_flush(ring.begin(), Ring::bytes());
    luna_fence_store();
  });
  std::printf("ns for a load: %.1f after a store, %.1f after write-back, %.1f after flush\n",
              cached, written_back, flushed);
}

template <typename Copy>
[[nodiscard]] double gigabytes_per_second(std::size_t bytes, std::size_t rows, Copy copy) {
  std::vector<char> from(bytes, 'x');
  std::vector<char> to(bytes, 'y');
  double best = 0;
  for (std::size_t i = 0; i < rows; ++i) {
    const double start = nanoseconds_now();
    copy(to.data(), from.data(), bytes);
    luna_fence_store();
    best = std::max(best, static_cast<double>(bytes) / (nanoseconds_now() - start));
  }
  return best;
}

void time_copies(std::size_t bytes, std::size_t rows) {
  const double plain =
      gigabytes_per_second(bytes, rows, [](char* to, const char* from, std::size_t size) {
        for (std::size_t at = 0; at < size; at += 4096) std::memcpy(to + at, from + at, 4096);
      });
  const double past = gigabytes_per_second(bytes, rows, luna_copy_nontemporal);
  std::printf("GB/s of copies of %zu MiB: %.1f through the caches, %.1f past them\n", bytes >> 20,
              plain, past);
}

}  // namespace

int main(int count, char** arguments) {
  const bool smoke = count > 1 && std::strcmp(arguments[1], "--smoke") == 0;
  time_loads(smoke ? 3 : kRows);
  time_copies(smoke ? std::size_t{1} << 20 : kCopied, smoke ? 1 : 10);
  return 0;
}
