// SPDX-License-Identifier: MIT
// jemalloc's functions with flags: alignment, zeros, sizes, and blocks of one family that go to
// the other.
#include "jemalloc_api.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <new>
#include <thread>

namespace {

using expect::opaque;
using jemalloc::kZero;

constexpr std::array<std::size_t, 16> kSizes = {1,      16,      17,      100,    130,   1000,
                                                4096,   5000,    16384,   16385,  40000, 262144,
                                                262145, 1 << 20, 2 << 20, 5 << 20};
constexpr int kLargestAlignment = 20;  // 1 MiB

[[nodiscard]] unsigned char* bytes_of(void* block) { return static_cast<unsigned char*>(block); }

[[nodiscard]] bool is_all(void* block, std::size_t from, std::size_t to, unsigned char value) {
  return std::all_of(bytes_of(block) + from, bytes_of(block) + to,
                     [value](unsigned char byte) { return byte == value; });
}

[[nodiscard]] bool is_aligned(const void* block, int logarithm) {
  return (reinterpret_cast<std::uintptr_t>(block) & ((std::uintptr_t{1} << logarithm) - 1)) == 0;
}

// So that what comes next is not zero by chance.
void leave_dirt(std::size_t bytes, int flags) {
  std::array<void*, 8> blocks;
  const std::size_t count = bytes <= 40000 ? blocks.size() : 1;
  for (std::size_t i = 0; i < count; ++i) {
    blocks[i] = mallocx(bytes, flags);
    std::memset(blocks[i], 0xa5, sallocx(blocks[i], 0));
  }
  for (std::size_t i = 0; i < count; ++i) dallocx(blocks[i], 0);
}

void expect_sizes_and_alignments() {
  for (const std::size_t bytes : kSizes) {
    for (int logarithm = 0; logarithm <= kLargestAlignment; ++logarithm) {
      const int flags = jemalloc::aligned(logarithm) | jemalloc::cache(-1) | jemalloc::arena(7);
      leave_dirt(bytes, flags);
      void* block = mallocx(bytes, flags | kZero);
      EXPECT_FOR(logarithm, block != nullptr && is_aligned(block, logarithm));
      const std::size_t usable = sallocx(block, flags);
      EXPECT_FOR(bytes, usable >= nallocx(bytes, flags) && nallocx(bytes, flags) >= bytes);
      EXPECT_FOR(bytes, is_all(block, 0, usable, 0));
      sdallocx(block, bytes, flags);
    }
  }
}

// A thread that has used a size before gets exactly what was foretold.
void expect_foretold_sizes() {
  for (const std::size_t bytes : kSizes) {
    std::array<void*, 64> blocks;
    for (void*& block : blocks) block = mallocx(bytes, 0);
    EXPECT_FOR(bytes, sallocx(blocks.back(), 0) == nallocx(bytes, 0));
    for (void* block : blocks) dallocx(block, 0);
  }
}

void expect_refusals() {
  EXPECT(mallocx(opaque(SIZE_MAX), 0) == nullptr);
  EXPECT(mallocx(opaque(SIZE_MAX), kZero | jemalloc::aligned(12)) == nullptr);
  EXPECT(mallocx(100, jemalloc::aligned(63)) == nullptr);
  EXPECT(nallocx(opaque(SIZE_MAX), 0) == 0 && nallocx(opaque(SIZE_MAX), 12) == 0);
  EXPECT(nallocx(100, jemalloc::aligned(63)) == 0);
  void* block = mallocx(100, 0);
  std::memset(block, 7, 100);
  EXPECT(rallocx(block, opaque(SIZE_MAX), 0) == nullptr);
  EXPECT(rallocx(block, opaque(SIZE_MAX), kZero) == nullptr);
  EXPECT(rallocx(block, opaque(SIZE_MAX), jemalloc::aligned(6)) == nullptr);
  EXPECT(is_all(block, 0, 100, 7));
  dallocx(block, 0);
}

void expect_families_mix() {
  free(mallocx(100, 0));
  free(mallocx(100, kZero | jemalloc::aligned(12)));
  void* block = nullptr;
  EXPECT(posix_memalign(&block, 1 << 20, 5000) == 0);
  dallocx(block, jemalloc::aligned(20));
  sdallocx(malloc(100), 100, 0);
  dallocx(::operator new(300), 0);
  block = rallocx(malloc(100), 20000, 0);
  block = realloc(block, 50);
  ::operator delete(rallocx(block, 300, 0));
}

// Neither what was used nor what lay behind it has anything left of before.
void expect_zeros_beyond(std::size_t from, std::size_t to, int flags) {
  leave_dirt(from, flags);
  leave_dirt(to, flags);
  void* block = mallocx(from, flags | kZero);
  std::memset(block, 0xff, from);
  block = rallocx(block, to, flags | kZero);
  EXPECT(block != nullptr && is_aligned(block, flags));
  const std::size_t usable = sallocx(block, flags);
  EXPECT_FOR(from, is_all(block, 0, std::min(from, to), 0xff));
  EXPECT_FOR(to, usable >= to && (to < from || is_all(block, from, usable, 0)));
  dallocx(block, flags);
}

void expect_zeroing_growth() {
  for (const std::size_t from : kSizes)
    for (const std::size_t to : kSizes)
      for (const int flags : {0, 6, 12}) expect_zeros_beyond(from, to, jemalloc::aligned(flags));
}

// A block shrinks and grows again and again: all of it stays, as far as it was foretold, and what
// it gains is zero.
void expect_zeros_after_shrinking() {
  void* block = mallocx(100, kZero);
  std::memset(block, 0xee, sallocx(block, 0));
  constexpr std::array<std::size_t, 8> kTurns = {10000,   130,    50000,   70,
                                                 3000000, 200001, 7000000, 20};
  for (const std::size_t bytes : kTurns) {
    const std::size_t before = sallocx(block, 0);
    block = rallocx(block, bytes, kZero);
    const std::size_t usable = sallocx(block, 0);
    EXPECT_FOR(bytes, is_all(block, 0, std::min(before, nallocx(bytes, 0)), 0xee));
    EXPECT_FOR(bytes, usable <= before || is_all(block, before, usable, 0));
    std::memset(block, 0xee, usable);
  }
  dallocx(block, 0);
}

void expect_contents_survive() {
  for (const std::size_t from : kSizes) {
    for (const std::size_t to : kSizes) {
      for (int logarithm = 0; logarithm <= kLargestAlignment; logarithm += 4) {
        void* block = mallocx(from, 0);
        std::memset(block, 0x5b, from);
        block = rallocx(block, to, jemalloc::aligned(logarithm));
        EXPECT_FOR(to, block != nullptr && is_aligned(block, logarithm));
        EXPECT_FOR(to, sallocx(block, 0) >= to && is_all(block, 0, std::min(from, to), 0x5b));
        dallocx(block, 0);
      }
    }
  }
}

// xallocx says what there is, whether or not it could do anything.
void expect_honest(void* block, std::size_t bytes, std::size_t extra, int flags) {
  const std::size_t before = sallocx(block, 0);
  std::memset(block, 0x77, before);
  const std::size_t now = xallocx(block, bytes, extra, flags);
  EXPECT_FOR(bytes, now == sallocx(block, 0) && now != 0);
  EXPECT_FOR(bytes, is_all(block, 0, std::min(before, now), 0x77));
  if ((flags & kZero) != 0 && now > before) EXPECT_FOR(bytes, is_all(block, before, now, 0));
  std::memset(block, 0x78, now);
}

void expect_resizing_in_place() {
  for (const std::size_t bytes : kSizes) {
    void* block = mallocx(bytes, 0);
    for (const std::size_t wanted : kSizes) {
      expect_honest(block, wanted, 0, kZero);
      expect_honest(block, wanted, wanted / 2, kZero);
    }
    expect_honest(block, opaque(SIZE_MAX), 0, 0);
    expect_honest(block, 20000, opaque(SIZE_MAX), 0);
    dallocx(block, 0);
  }
}

// What was cut off is free, so that it can be had back.
void expect_large_blocks_do() {
  constexpr std::size_t kWhole = 1 << 20;
  void* block = mallocx(kWhole, 0);
  EXPECT(xallocx(block, kWhole / 2, 0, 0) == kWhole / 2);
  EXPECT(xallocx(block, kWhole, 0, 0) == kWhole);
  const std::size_t most = xallocx(block, kWhole / 4, kWhole / 4, 0);
  EXPECT(most == kWhole / 2 || most == kWhole / 4);
  dallocx(block, 0);
}

void expect_threads() {
  std::array<void*, 1000> blocks;
  std::thread([&blocks] {
    for (std::size_t i = 0; i < blocks.size(); ++i)
      blocks[i] = mallocx(i * 31 + 1, kZero | jemalloc::aligned(static_cast<int>(i % 13)));
  }).join();
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    EXPECT_FOR(i, is_all(blocks[i], 0, i * 31 + 1, 0));
    sdallocx(blocks[i], i * 31 + 1, jemalloc::aligned(static_cast<int>(i % 13)));
  }
}

}  // namespace

int main(int count, char**) {
  expect::on_lunalloc();
  const bool sampled = count > 1;  // then a block may be longer than foretold, and stays
  expect_sizes_and_alignments();
  expect_refusals();
  expect_families_mix();
  expect_zeroing_growth();
  expect_zeros_after_shrinking();
  expect_contents_survive();
  expect_resizing_in_place();
  expect_threads();
  if (sampled) return 0;
  expect_foretold_sizes();
  expect_large_blocks_do();
  return 0;
}
