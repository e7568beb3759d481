// SPDX-License-Identifier: MIT
// realloc_growth: what do buffers cost that grow by realloc: string builders, arrays
// that double, logs that add a fixed piece? Growing in place, or by moving pages
// instead of bytes, pays here.
#include "arguments.hpp"
#include "block.hpp"
#include "random.hpp"

#include <vector>

namespace {

constexpr std::size_t kSmallBuilders = 900'000;
constexpr std::size_t kMediumBuffers = 6'000;
constexpr std::size_t kBigBuffers = 14;
constexpr std::size_t kMegabyte = std::size_t{1} << 20;

// So many buffers are alive at a time, or fewer where they are big.
constexpr std::size_t kLive = 200;
constexpr std::size_t kLiveBytes = 128 * kMegabyte;

struct Buffer {
  unsigned char* start = nullptr;
  std::size_t bytes = 0;
};

// Grows the buffer and fills what is new, as an append does.
void grow(Buffer& buffer, std::size_t bytes) {
  auto* moved = static_cast<unsigned char*>(std::realloc(buffer.start, bytes));
  if (moved == nullptr) bench::fail("realloc returned null");
  std::memset(moved + buffer.bytes, static_cast<int>(bytes & 0xFF), bytes - buffer.bytes);
  buffer = {moved, bytes};
}

std::uint64_t drop(Buffer& buffer) {
  if (buffer.start == nullptr) return 0;
  const std::uint64_t sum = buffer.start[0] + buffer.bytes;
  std::free(buffer.start);
  buffer = {};
  return sum;
}

enum class Growth { kDouble, kHalfMore, kFixedStep };

// Returns the next size of a buffer that grows in the given manner.
std::size_t next_size(Growth growth, std::size_t bytes, std::size_t step) {
  switch (growth) {
    case Growth::kDouble:
      return 2 * bytes;
    case Growth::kHalfMore:
      return bytes + bytes / 2;
    case Growth::kFixedStep:
      break;
  }
  return bytes + step;
}

// Grows a buffer from `first` bytes to its final size; a final shrink gives back
// what was too much, as programs do that know the size at last.
void build(Buffer& buffer, Growth growth, std::size_t first, std::size_t last) {
  const std::size_t step = std::max<std::size_t>(last / 24, 16);
  grow(buffer, first);
  while (buffer.bytes < last) grow(buffer, next_size(growth, buffer.bytes, step));
  auto* exact = static_cast<unsigned char*>(std::realloc(buffer.start, last));
  if (exact == nullptr) bench::fail("realloc returned null");
  buffer = {exact, last};
}

Growth draw_growth(bench::Random& random) { return static_cast<Growth>(random.below(3)); }

// Builds `count` buffers of low…high bytes while kLive (or fewer) others stay alive.
std::uint64_t build_many(bench::Random& random, std::size_t count, std::size_t low,
                         std::size_t high) {
  std::vector<Buffer> live(std::min(kLive, kLiveBytes / high + 1));
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < count; ++i) {
    Buffer& buffer = live[random.below(live.size())];
    sum += drop(buffer);
    const Growth growth = draw_growth(random);
    build(buffer, growth, std::max<std::size_t>(low / 8, 16), random.between(low, high));
  }
  for (Buffer& buffer : live) sum += drop(buffer);
  return sum;
}

}  // namespace

int main(int argc, char** argv) {
  const bench::Arguments arguments = bench::parse_arguments(argc, argv);
  bench::Random random(43);
  std::uint64_t checksum = build_many(random, arguments.scaled(kSmallBuilders), 64, 2048);
  checksum += build_many(random, arguments.scaled(kMediumBuffers), 8 * 1024, 256 * 1024);
  checksum += build_many(random, arguments.scaled(kBigBuffers, 14), kMegabyte, 64 * kMegabyte);
  return bench::print_result("realloc_growth", checksum);
}
