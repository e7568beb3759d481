// SPDX-License-Identifier: MIT
// mlockall(MCL_FUTURE) makes every new mapping resident at once: reservations must not become
// memory, and allocation goes on.
#include "blocks.hpp"
#include "expect.hpp"
#include "handover.hpp"
#include "measure.hpp"

#include <sys/mman.h>
#include <sys/resource.h>

#include <cstdlib>
#include <cstring>
#include <thread>

namespace {

constexpr std::size_t kAllowed = 160 * blocks::kMiB;

void work() {
  blocks::Random random(1);
  for (int i = 0; i < 5000; ++i) handover::check_and_free(handover::make(random.size(), 1));
  for (std::size_t size = blocks::kMiB; size <= 16 * blocks::kMiB; size *= 2) {
    void* const zeroed = calloc(1, size);
    EXPECT(zeroed != nullptr && blocks::all_zero(zeroed, size));
    std::memset(zeroed, 0xff, size);
    free(zeroed);
  }
}

// With less than the work needs: what cannot be locked is refused, and small blocks are not.
void within_a_small_limit() {
  for (std::size_t size = 16; size <= 200 * blocks::kKiB; size *= 2) {
    handover::check_and_free(handover::make(size, 1));
  }
  for (int i = 0; i < 20; ++i) {
    errno = 0;
    void* const block = malloc(4 * blocks::kMiB);
    EXPECT(block != nullptr || errno == ENOMEM);
  }
}

}  // namespace

int main() {
  expect::on_lunalloc();
  const rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
  setrlimit(RLIMIT_MEMLOCK, &unlimited);  // not needed by a privileged user
  if (mlockall(MCL_CURRENT | MCL_FUTURE) != 0) {
    if (mlockall(MCL_FUTURE) != 0) expect::skip("mlockall is refused");
    within_a_small_limit();
    return 0;
  }

  const std::size_t before = measure::resident_bytes();
  work();
  std::thread(work).join();
  expect::print(STDOUT_FILENO, "%zu MiB before, %zu MiB after\n", before / blocks::kMiB,
                measure::resident_bytes() / blocks::kMiB);
  EXPECT(before < kAllowed);
  EXPECT(measure::resident_bytes() < before + kAllowed);
  return 0;
}
