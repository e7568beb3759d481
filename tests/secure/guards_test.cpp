// SPDX-License-Identifier: MIT
// Behind a block of more than 256 KiB lies a page that cannot be touched, however the block came
// about; and all memory that was behind such a page can be used in other blocks.
#include "blocks.hpp"
#include "expect.hpp"
#include "refused_calls.hpp"

#include <dlfcn.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>

namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kGrowth = 8;  // a block that grew where it lies has up to 1/8 more room

[[nodiscard]] bool can_be_read(const char* address) {
  static int ends[2] = {-1, -1};
  if (ends[0] == -1) EXPECT(pipe(ends) == 0);
  if (write(ends[1], address, 1) != 1) return false;
  char byte;
  EXPECT(read(ends[0], &byte, 1) == 1);
  return true;
}

// All that was asked for can be used, and what lies no more than `room` behind it not.
void expect_guarded(char* block, std::size_t bytes, std::size_t room = 2 * kPage) {
  EXPECT_FOR(bytes, block != nullptr);
  block[0] = block[bytes - 1] = 'x';
  auto address = reinterpret_cast<std::uintptr_t>(block) + bytes;
  const std::uintptr_t most = address + room;
  address = (address + kPage - 1) / kPage * kPage;
  while (address <= most && can_be_read(reinterpret_cast<const char*>(address))) address += kPage;
  EXPECT_FOR(bytes, address <= most);
}

void expect_guarded_anyhow(std::size_t bytes) {
  auto* block = static_cast<char*>(malloc(bytes));
  expect_guarded(block, bytes);
  block = static_cast<char*>(realloc(block, bytes * 3));
  expect_guarded(block, bytes * 3, bytes * 3 / kGrowth + 2 * kPage);
  memset(block, 'y', bytes * 3);
  block = static_cast<char*>(realloc(block, bytes));
  expect_guarded(block, bytes);
  free(block);
  block = static_cast<char*>(calloc(1, bytes));
  expect_guarded(block, bytes);
  free(block);
  block = static_cast<char*>(aligned_alloc(1 << 21, bytes));
  expect_guarded(block, bytes);
  free(block);
}

// Of all lengths by turns, so that what was a guard comes to lie in the middle of others. Returns
// for how many there was no memory.
int use_what_was_a_guard(std::uint32_t random) {
  int refused = 0;
  constexpr int kBlocks = 40;
  char* blocks[kBlocks] = {};
  for (int turn = 0; turn < 4000; ++turn) {
    random = random * 1664525 + 1013904223;
    char*& block = blocks[(random >> 8) % kBlocks];
    free(block);
    const std::size_t bytes = std::size_t{1} << (5 + (random >> 16) % 18);
    block = static_cast<char*>(malloc(bytes + (random >> 4) % bytes));
    EXPECT_FOR(bytes, block != nullptr || errno == ENOMEM);
    if (block != nullptr) memset(block, 'z', bytes);
    refused += block == nullptr ? 1 : 0;
  }
  for (char* block : blocks) free(block);
  return refused;
}

// What the kernel keeps as a guard is not handed out.
void expect_guards_are_kept(bool without_marks) {
  EXPECT(use_what_was_a_guard(1) == 0);
  EXPECT(without_marks ? test::refuse_call(SYS_mprotect, ENOMEM)
                       : test::refuse_advice(test::kUnmarkGuard, test::kUnmarkGuard, ENOMEM));
  EXPECT(use_what_was_a_guard(2) > 0);
}

// The chunk of a pool takes the place of a block that was freed, and all of it is the pool's.
void use_in_a_pool_what_was_a_guard() {
  constexpr std::size_t kBytes = 98 * kPage;
  const auto create = reinterpret_cast<int (*)(const char*, std::size_t, const void*, void**)>(
      dlsym(RTLD_DEFAULT, "luna_pool_create"));
  const auto allocate =
      reinterpret_cast<void* (*)(void*)>(dlsym(RTLD_DEFAULT, "luna_pool_allocate"));
  EXPECT(create != nullptr && allocate != nullptr);
  int taken_over = 0;
  for (int i = 0; i < 4; ++i) {  // the first ones let something else grow
    // With its guard as long as a chunk of one block, which begins with a few bytes of the pool's.
    auto* const block = static_cast<char*>(aligned_alloc(1 << 21, kBytes - 8));
    expect_guarded(block, kBytes - 8);
    free(block);
    void* pool = nullptr;
    EXPECT(create("guards", kBytes, nullptr, &pool) == 0);
    auto* const taken = static_cast<char*>(allocate(pool));
    EXPECT(taken != nullptr);
    memset(taken, 'p', kBytes);
    taken_over += taken >= block && taken < block + kPage ? 1 : 0;
  }
  EXPECT(taken_over > 0);
}

}  // namespace

// usage: guards_test [without_marks | kept | kept_without_marks]
int main(int count, char** words) {
  expect::on_lunalloc();
  const char* const way = count > 1 ? words[1] : "";
  const bool without_marks = strstr(way, "without_marks") != nullptr;
  if (without_marks && !test::refuse_guard_marks()) expect::skip("no filters are allowed here");
  if (strncmp(way, "kept", 4) == 0) {
    expect_guards_are_kept(without_marks);
    return 0;
  }
  use_in_a_pool_what_was_a_guard();
  for (std::size_t bytes = 300'000; bytes < 40'000'000; bytes = bytes * 3 / 2)
    expect_guarded_anyhow(bytes);
  expect_guarded_anyhow(std::size_t{1} << 21);
  constexpr std::size_t kHuge = std::size_t{1100} << 20;  // a mapping by itself
  auto* const huge = static_cast<char*>(malloc(kHuge));
  expect_guarded(huge, kHuge);
  free(huge);
  EXPECT(use_what_was_a_guard(1) == 0);
  return 0;
}
