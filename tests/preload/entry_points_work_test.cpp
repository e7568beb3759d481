// SPDX-License-Identifier: MIT
// Every way to get a block gives one that can be written in full, and every way to give it back
// takes it. All pairs are tried, at several sizes.
#include "blocks.hpp"
#include "expect.hpp"

#include <dlfcn.h>
#include <malloc.h>
#include <unistd.h>

#include <cstdlib>

namespace {

constexpr std::size_t kSizes[] = {1, 24, 100, 1000, 5000, 40000, 300000, 3000000};
constexpr std::size_t kAlignment = 64;

template <typename Function>
Function* find(const char* name) {
  void* const address = dlsym(RTLD_DEFAULT, name);
  if (address == nullptr) expect::print(STDERR_FILENO, "%s is missing\n", name);
  EXPECT(address != nullptr);
  return reinterpret_cast<Function*>(address);
}

using OneArgument = void*(std::size_t);
using TwoSizes = void*(std::size_t, std::size_t);
using Resize = void*(void*, std::size_t);
using ResizeArray = void*(void*, std::size_t, std::size_t);
using StoreAligned = int(void**, std::size_t, std::size_t);
using Release = void(void*);

void* by_malloc(std::size_t size) { return malloc(size); }
void* by_libc_malloc(std::size_t size) { return find<OneArgument>("__libc_malloc")(size); }
void* by_calloc(std::size_t size) { return calloc(size, 1); }
void* by_libc_calloc(std::size_t size) { return find<TwoSizes>("__libc_calloc")(1, size); }
void* by_realloc(std::size_t size) { return realloc(expect::opaque<void*>(nullptr), size); }
void* by_libc_realloc(std::size_t size) {
  return find<Resize>("__libc_realloc")(expect::opaque<void*>(nullptr), size);
}
void* by_reallocarray(std::size_t size) {
  return find<ResizeArray>("reallocarray")(expect::opaque<void*>(nullptr), 1, size);
}
void* by_memalign(std::size_t size) { return memalign(kAlignment, size); }
void* by_libc_memalign(std::size_t size) {
  return find<TwoSizes>("__libc_memalign")(kAlignment, size);
}
void* by_aligned_alloc(std::size_t size) {
  return find<TwoSizes>("aligned_alloc")(kAlignment, size);
}
void* by_posix_memalign(std::size_t size) {
  void* block = nullptr;
  EXPECT(posix_memalign(&block, kAlignment, size) == 0);
  return block;
}
void* by_internal_posix_memalign(std::size_t size) {
  void* block = nullptr;
  EXPECT(find<StoreAligned>("__posix_memalign")(&block, kAlignment, size) == 0);
  return block;
}
void* by_valloc(std::size_t size) { return valloc(size); }
void* by_libc_valloc(std::size_t size) { return find<OneArgument>("__libc_valloc")(size); }
void* by_pvalloc(std::size_t size) { return pvalloc(size); }
void* by_libc_pvalloc(std::size_t size) { return find<OneArgument>("__libc_pvalloc")(size); }

void to_free(void* block, std::size_t) { free(block); }
void to_libc_free(void* block, std::size_t) { find<Release>("__libc_free")(block); }
void to_cfree(void* block, std::size_t) { find<Release>("cfree")(block); }
void to_realloc(void* block, std::size_t) {
  EXPECT(realloc(block, expect::opaque<std::size_t>(0)) == nullptr);
}
void to_free_sized(void* block, std::size_t size) {
  find<void(void*, std::size_t)>("free_sized")(block, size);
}
void to_free_aligned_sized(void* block, std::size_t size) {
  find<void(void*, std::size_t, std::size_t)>("free_aligned_sized")(block, kAlignment, size);
}

struct Source {
  OneArgument* allocate;
  std::size_t alignment;
  bool zeroed;
};

}  // namespace

int main() {
  expect::on_lunalloc();
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const Source sources[] = {
      {by_malloc, 16, false},
      {by_libc_malloc, 16, false},
      {by_calloc, 16, true},
      {by_libc_calloc, 16, true},
      {by_realloc, 16, false},
      {by_libc_realloc, 16, false},
      {by_reallocarray, 16, false},
      {by_memalign, kAlignment, false},
      {by_libc_memalign, kAlignment, false},
      {by_aligned_alloc, kAlignment, false},
      {by_posix_memalign, kAlignment, false},
      {by_internal_posix_memalign, kAlignment, false},
      {by_valloc, page, false},
      {by_libc_valloc, page, false},
      {by_pvalloc, page, false},
      {by_libc_pvalloc, page, false},
  };
  void (*const sinks[])(void*, std::size_t) = {to_free,    to_libc_free,  to_cfree,
                                               to_realloc, to_free_sized, to_free_aligned_sized};

  for (const Source& source : sources) {
    const long long number = &source - sources;
    for (const std::size_t size : kSizes) {
      for (auto* const sink : sinks) {
        void* const block = source.allocate(size);
        EXPECT_FOR(number, block != nullptr);
        EXPECT_FOR(number, blocks::aligned(block, source.alignment));
        EXPECT_FOR(number, malloc_usable_size(block) >= size);
        EXPECT_FOR(number, !source.zeroed || blocks::all_zero(block, size));
        blocks::fill(block, malloc_usable_size(block), size);
        sink(block, size);
      }
    }
  }
  return 0;
}
