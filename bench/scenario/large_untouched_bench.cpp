// SPDX-License-Identifier: MIT
// large_untouched: what does it cost to allocate and free buffers of 5 to 25 MiB of
// which the program writes only a little at both ends? For filled ones see
// large_touched_bench.cpp.
#include "arguments.hpp"
#include "block.hpp"
#include "random.hpp"

#include <vector>

namespace {

constexpr std::size_t kBuffers = 150'000;
constexpr std::size_t kLive = 20;
constexpr std::size_t kMegabyte = std::size_t{1} << 20;

}  // namespace

int main(int argc, char** argv) {
  const bench::Arguments arguments = bench::parse_arguments(argc, argv);
  bench::Random random(29);
  std::vector<unsigned char*> live(kLive);
  std::uint64_t checksum = 0;
  for (std::size_t i = 0; i < arguments.scaled(kBuffers); ++i) {
    const std::size_t bytes = random.between(5 * kMegabyte, 25 * kMegabyte);
    unsigned char*& buffer = live[random.below(kLive)];
    if (buffer != nullptr) checksum += buffer[0];
    std::free(buffer);
    buffer = static_cast<unsigned char*>(std::malloc(bytes));
    if (buffer == nullptr) bench::fail("malloc returned null");
    buffer[0] = static_cast<unsigned char>(i);
    buffer[bytes - 1] = 1;
  }
  for (unsigned char* buffer : live) {
    if (buffer != nullptr) checksum += buffer[0];
    std::free(buffer);
  }
  return bench::print_result("large_untouched", checksum);
}
