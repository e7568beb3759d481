// SPDX-License-Identifier: MIT
// Eight threads allocate, resize and free in every way, blocks of each other too, while all
// that can be guarded is: no block loses what was written to it, and nothing is reported.
#include "blocks.hpp"
#include "expect.hpp"

#include <malloc.h>
#include <pthread.h>
#include <time.h>

#include <array>
#include <atomic>

namespace {

constexpr std::size_t kThreads = 8;
constexpr std::size_t kShared = 40;  // some slots are in use, some in the quarantine
constexpr std::size_t kRounds = 12'000;

struct Owned {
  void* block = nullptr;
  std::size_t bytes = 0;
  std::size_t seed = 0;
};

// Whoever takes one out owns it.
std::array<std::atomic<Owned*>, kShared> shared;

[[nodiscard]] std::size_t size(blocks::Random& random) {
  const std::size_t kind = random.below(20);
  if (kind == 0) return random.below(3);
  return kind < 15 ? random.below(200) : random.below(6000);
}

[[nodiscard]] void* allocate(blocks::Random& random, std::size_t bytes) {
  const std::size_t alignment = std::size_t{16} << random.below(9);
  void* block = nullptr;
  switch (random.below(5)) {
    case 0:
      block = calloc(1, bytes);
      EXPECT(block == nullptr || blocks::all_zero(block, bytes));
      return block;
    case 1:
      block = aligned_alloc(alignment, bytes);
      EXPECT_FOR(alignment, blocks::aligned(block, alignment));
      return block;
    case 2:
      EXPECT(posix_memalign(&block, alignment, bytes) == 0);
      EXPECT_FOR(alignment, blocks::aligned(block, alignment));
      return block;
    default:
      return malloc(bytes);
  }
}

void check(const Owned& owned) {
  EXPECT(blocks::aligned(owned.block, 16));
  EXPECT(malloc_usable_size(owned.block) >= owned.bytes);
  EXPECT_FOR(owned.bytes, blocks::holds(owned.block, owned.bytes, owned.seed));
}

void resize(blocks::Random& random, Owned& owned) {
  const std::size_t bytes = 1 + size(random);
  void* block = realloc(owned.block, bytes);
  EXPECT(block != nullptr);
  EXPECT_FOR(bytes, blocks::holds(block, bytes < owned.bytes ? bytes : owned.bytes, owned.seed));
  owned.block = block;
  owned.bytes = bytes;
  blocks::fill(block, bytes, owned.seed);
}

void step(blocks::Random& random) {
  const std::size_t bytes = size(random);
  auto* fresh = static_cast<Owned*>(malloc(sizeof(Owned)));
  *fresh = {allocate(random, bytes), bytes, random.below(1000)};
  EXPECT(fresh->block != nullptr);
  blocks::fill(fresh->block, fresh->bytes, fresh->seed);
  Owned* other = shared[random.below(kShared)].exchange(fresh);
  if (other == nullptr) return;
  check(*other);
  if (random.below(3) == 0) resize(random, *other);
  check(*other);
  free(other->block);
  free(other);
}

void* work(void* seed) {
  blocks::Random random(reinterpret_cast<std::uintptr_t>(seed));
  const char* seconds = getenv("LUNA_STRESS_SECONDS");
  const time_t end = seconds != nullptr ? time(nullptr) + atoll(seconds) : 0;
  for (std::size_t i = 0; end != 0 ? time(nullptr) < end : i < kRounds; ++i) step(random);
  return nullptr;
}

}  // namespace

int main() {
  expect::on_lunalloc();
  std::array<pthread_t, kThreads> threads;
  for (std::size_t i = 0; i < kThreads; ++i)
    EXPECT(pthread_create(&threads[i], nullptr, work, reinterpret_cast<void*>(i + 1)) == 0);
  for (const pthread_t thread : threads) pthread_join(thread, nullptr);
  for (auto& slot : shared) {
    Owned* owned = slot.load();
    if (owned == nullptr) continue;
    check(*owned);
    free(owned->block);
    free(owned);
  }
  expect::print(STDOUT_FILENO, "done\n");
  return 0;
}
