// SPDX-License-Identifier: MIT
// large_touched: what do buffers of 5 to 25 MiB cost that the program fills, as
// images, columns and I/O buffers are? Page faults decide, and who reuses memory.
#include "arguments.hpp"
#include "block.hpp"
#include "random.hpp"

#include <vector>

namespace {

constexpr std::size_t kBuffers = 220;
constexpr std::size_t kLive = 6;
constexpr std::size_t kMegabyte = std::size_t{1} << 20;

struct Buffer {
  unsigned char* start = nullptr;
  std::size_t bytes = 0;
};

// Frees the buffer and returns a sum over one byte of each page.
std::uint64_t drop(Buffer buffer) {
  std::uint64_t sum = 0;
  for (std::size_t offset = 0; offset < buffer.bytes; offset += bench::kPageBytes)
    sum += buffer.start[offset];
  std::free(buffer.start);
  return sum;
}

}  // namespace

int main(int argc, char** argv) {
  const bench::Arguments arguments = bench::parse_arguments(argc, argv);
  bench::Random random(31);
  std::vector<Buffer> live(kLive);
  std::uint64_t checksum = 0;
  for (std::size_t i = 0; i < arguments.scaled(kBuffers, 20); ++i) {
    Buffer& buffer = live[random.below(kLive)];
    checksum += drop(buffer);
    buffer.bytes = random.between(5 * kMegabyte, 25 * kMegabyte);
    buffer.start = static_cast<unsigned char*>(std::malloc(buffer.bytes));
    if (buffer.start == nullptr) bench::fail("malloc returned null");
    std::memset(buffer.start, static_cast<int>(i & 0xFF), buffer.bytes);
  }
  for (const Buffer& buffer : live) checksum += drop(buffer);
  return bench::print_result("large_touched", checksum);
}
