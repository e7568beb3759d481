// SPDX-License-Identifier: MIT
// The kernel allows a process 65,530 mappings. Large live blocks, scattered frees, threads and
// trims must not cut the address space into thousands of pieces.
#include "blocks.hpp"
#include "expect.hpp"
#include "measure.hpp"

#include <malloc.h>

#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

namespace {

constexpr std::size_t kMost = 2000;

// Every third block of a mixed working set is freed and its memory given back.
void scatter(std::uint64_t seed) {
  blocks::Random random(seed);
  std::vector<void*> given;
  for (std::size_t taken = 0; taken < 256 * blocks::kMiB;) {
    const std::size_t size = 1 + random.below(random.below(50) == 0 ? 3000000 : 40000);
    given.push_back(malloc(size));
    static_cast<char*>(given.back())[0] = 1;
    taken += size;
  }
  for (std::size_t i = 0; i < given.size(); i += 3) {
    free(given[i]);
    given[i] = nullptr;
  }
  malloc_trim(0);
  EXPECT(measure::mapping_count() < kMost);
  for (void* block : given) free(block);
}

// 44 GiB of addresses in blocks that are hardly touched.
void many_large_blocks() {
  std::vector<void*> given;
  for (int i = 0; i < 20000; ++i) {
    void* const block = malloc(2200000);
    if (block == nullptr) break;
    static_cast<char*>(block)[0] = 1;
    given.push_back(block);
  }
  expect::print(STDOUT_FILENO, "%zu large blocks in %zu mappings\n", given.size(),
                measure::mapping_count());
  EXPECT(given.size() == 20000);
  EXPECT(measure::mapping_count() < kMost);
  for (std::size_t i = 0; i < given.size(); i += 2) free(given[i]);
  EXPECT(measure::mapping_count() < 20 * kMost);
  for (std::size_t i = 1; i < given.size(); i += 2) free(given[i]);
}

}  // namespace

int main() {
  expect::on_lunalloc();
  scatter(1);
  std::thread one(scatter, 2);
  std::thread other(scatter, 3);
  one.join();
  other.join();
  many_large_blocks();
  EXPECT(measure::mapping_count() < kMost);
  return 0;
}
