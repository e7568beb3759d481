// SPDX-License-Identifier: MIT
// How far it goes: many threads one after another, 64 GiB of addresses, alignments up to 1 GiB,
// sizes that nobody can have. The kernel's 65,530 mappings of a process are far away in all of it.
//
// Usage: limits_guest PART [COUNT]
#include "blocks.hpp"
#include "expect.hpp"
#include "handover.hpp"
#include "measure.hpp"
#include "process_state.hpp"

#include <malloc.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace {

// docs/process-life.md, "Mappings": what the library may take, whatever the program does.
constexpr std::size_t kMostMappings = 2000;

std::size_t count_of_part = 0;

void expect_few_mappings(const char* when) {
  const std::size_t mappings = measure::mapping_count();
  expect::print(STDOUT_FILENO, "%s: %zu mappings\n", when, mappings);
  EXPECT_FOR(mappings, mappings < kMostMappings);
}

void* live_for_a_moment(void* of_earlier_thread) {
  if (of_earlier_thread != nullptr) handover::check_and_free(of_earlier_thread);
  blocks::Random random(reinterpret_cast<std::uintptr_t>(of_earlier_thread));
  for (int i = 0; i < 8; ++i) {
    handover::check_and_free(handover::make(random.below(20'000), 1));
  }
  return handover::make(300, 2);
}

void run_threads(std::size_t count, std::array<void*, 8>& left) {
  for (std::size_t done = 0; done < count; done += left.size()) {
    std::array<pthread_t, 8> threads;
    for (std::size_t i = 0; i < left.size(); ++i) {
      EXPECT(pthread_create(&threads[i], nullptr, live_for_a_moment, left[i]) == 0);
    }
    for (std::size_t i = 0; i < left.size(); ++i) {
      EXPECT(pthread_join(threads[i], &left[i]) == 0);
    }
  }
}

void many_threads() {
  std::array<void*, 8> left{};
  run_threads(count_of_part / 10, left);
  const process_state::State before = process_state::take();
  run_threads(count_of_part - count_of_part / 10, left);
  process_state::expect_no_drift(before, process_state::take(), 64, 8 * blocks::kMiB);
  expect_few_mappings("threads");
  for (void* block : left) handover::check_and_free(block);
}

// 64 GiB, or half of the range of addresses that the heap has on this machine (docs/design.md, "The
// window").
[[nodiscard]] std::size_t most_addresses() {
  const auto memory = static_cast<std::size_t>(sysconf(_SC_PHYS_PAGES)) *
                      static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return std::min(64 * blocks::kGiB, std::bit_ceil(std::max(4 * memory, 64 * blocks::kGiB)) / 2);
}

// Blocks of COUNT MiB that nobody touches, so that they are addresses alone.
void address_space() {
  const std::size_t bytes = count_of_part * blocks::kMiB;
  const std::size_t all = most_addresses();
  const std::size_t before = measure::resident_bytes();
  std::vector<char*> kept;
  for (std::size_t taken = 0; taken < all; taken += bytes) {
    kept.push_back(static_cast<char*>(expect::opaque(calloc(1, bytes))));
    EXPECT_FOR(bytes, kept.back() != nullptr);
  }
  EXPECT(kept.front()[bytes / 2] == 0 && kept.back()[bytes - 1] == 0);
  EXPECT(measure::virtual_bytes() > all);
  expect_few_mappings("all are there");
  const std::size_t grown = measure::resident_bytes() - before;
  expect::print(STDOUT_FILENO, "%zu blocks of %zu MiB: %zu KiB resident\n", kept.size(),
                count_of_part, grown >> 10);
  EXPECT_FOR(grown, grown < 256 * blocks::kMiB);
  for (std::size_t i = 0; i < kept.size(); i += 2) free(kept[i]);
  expect_few_mappings("every second block is free");
  for (std::size_t i = 1; i < kept.size(); i += 2) free(kept[i]);
  malloc_trim(0);
  expect_few_mappings("all are free");
}

void aligned_blocks() {
  for (std::size_t alignment = 16; alignment <= blocks::kGiB; alignment *= 2) {
    for (const std::size_t bytes : {1UL, 5000UL, 300'000UL, 3'000'000UL}) {
      std::array<char*, 4> row{};
      for (char*& block : row) {
        block = static_cast<char*>(expect::opaque(aligned_alloc(alignment, bytes)));
        EXPECT_FOR(alignment, block != nullptr && blocks::aligned(block, alignment));
        block[0] = 1;
        block[bytes - 1] = 1;
      }
      for (char* block : row) free(block);
    }
  }
  expect_few_mappings("alignments");
}

// From what there is up to what no process can have: given or refused, and nothing in between.
void sizes() {
  for (std::size_t bytes = blocks::kMiB; bytes < PTRDIFF_MAX; bytes += bytes / 2) {
    for (const std::size_t size : {bytes - 1, bytes, bytes + 1}) {
      errno = 0;
      auto* const block = static_cast<char*>(expect::opaque(malloc(size)));
      EXPECT_FOR(size, block != nullptr ? malloc_usable_size(block) >= size : errno == ENOMEM);
      if (block != nullptr) block[size - 1] = 1;
      free(block);
    }
  }
  EXPECT(malloc(expect::opaque(static_cast<std::size_t>(PTRDIFF_MAX))) == nullptr);
  EXPECT(aligned_alloc(blocks::kGiB, expect::opaque(PTRDIFF_MAX - blocks::kGiB)) == nullptr);
  handover::check_and_free(handover::make(100, 1));
  expect_few_mappings("sizes");
}

struct Part {
  const char* name;
  void (*run)();
};
constexpr Part kParts[] = {{"threads", many_threads},
                           {"addresses", address_space},
                           {"alignments", aligned_blocks},
                           {"sizes", sizes}};

}  // namespace

int main(int count, char** arguments) {
  EXPECT(count == 2 || count == 3);
  expect::on_lunalloc();
  if (count == 3) count_of_part = strtoul(arguments[2], nullptr, 10);
  for (const Part& part : kParts) {
    if (strcmp(part.name, arguments[1]) != 0) continue;
    part.run();
    expect::print(STDOUT_FILENO, "done\n");
    return 0;
  }
  return 2;
}
