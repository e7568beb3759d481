// SPDX-License-Identifier: MIT
// aligned_ALIGNMENT_BYTES: what does an alignment cost beyond a plain malloc?
// usable_size_64: how long does it take to ask a block for its size?
#include "keep.hpp"
#include "line.hpp"

#include <malloc.h>

#include <cstdint>

namespace {

using bench::Line;
using bench::Sample;

void* allocate(const Line& line) {
  void* block = nullptr;
  const int error = posix_memalign(&block, line.alignment, line.bytes);
  return error == 0 ? bench::keep(block) : nullptr;
}

Sample aligned(const Line& line, std::size_t rounds) {
  void* block = allocate(line);
  bench::demand(block != nullptr, line, "posix_memalign gave nothing");
  bench::demand(reinterpret_cast<std::uintptr_t>(block) % line.alignment == 0, line,
                "posix_memalign gave a block that is not aligned");
  bench::deallocate(block);
  return bench::timed(rounds, [&] {
    for (std::size_t i = 0; i < rounds; ++i) bench::deallocate(allocate(line));
  });
}

// A library that leaves this call to libc gets an answer about a block that libc never saw.
Sample usable_size(const Line& line, std::size_t rounds) {
  void* block = bench::allocate(line.bytes);
  const std::size_t usable = malloc_usable_size(block);
  bench::demand(usable >= line.bytes && usable < 64 * line.bytes, line,
                "malloc_usable_size tells no plausible size");
  const Sample sample = bench::timed(rounds, [&] {
    std::size_t sum = 0;
    for (std::size_t i = 0; i < rounds; ++i) sum += malloc_usable_size(bench::keep(block));
    asm volatile("" : : "r"(sum));
  });
  bench::deallocate(block);
  return sample;
}

constexpr Line kLines[] = {
    {"aligned_64_64", aligned, 64, 64},
    {"aligned_64_256", aligned, 256, 64},
    {"aligned_256_1000", aligned, 1000, 256},
    {"aligned_4096_4096", aligned, 4096, 4096},
    {"aligned_4096_65536", aligned, 65536, 4096},
    {"aligned_2097152_2097152", aligned, 2097152, 2097152},
    {"usable_size_64", usable_size, 64},
};

}  // namespace

std::span<const Line> bench::aligned_lines() { return kLines; }
