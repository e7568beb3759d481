// SPDX-License-Identifier: MIT
// The linker has the library call the functions at the end of this file instead of those that they
// call in turn (--wrap).
#include "fuzz/address_space.hpp"

#include "base/align.hpp"
#include "os/memory.hpp"

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>

using luna::os::ReserveResult;

// NOLINTBEGIN(bugprone-reserved-identifier): the names are the linker's.
void* real_map(std::size_t bytes) noexcept asm("__real__ZN4luna2os3mapEm");
bool real_map_at(void* address, std::size_t bytes) noexcept asm("__real__ZN4luna2os6map_atEPvm");
void* real_reserve(std::size_t bytes) noexcept asm("__real__ZN4luna2os7reserveEm");
ReserveResult real_reserve_at(void* address, std::size_t bytes) noexcept
    asm("__real__ZN4luna2os10reserve_atEPvm");
void real_release(void* address, std::size_t bytes) noexcept asm("__real__ZN4luna2os7releaseEPvm");

void* map(std::size_t bytes) noexcept asm("__wrap__ZN4luna2os3mapEm");
bool map_at(void* address, std::size_t bytes) noexcept asm("__wrap__ZN4luna2os6map_atEPvm");
void* reserve(std::size_t bytes) noexcept asm("__wrap__ZN4luna2os7reserveEm");
ReserveResult reserve_at(void* address, std::size_t bytes) noexcept
    asm("__wrap__ZN4luna2os10reserve_atEPvm");
void release(void* address, std::size_t bytes) noexcept asm("__wrap__ZN4luna2os7releaseEPvm");
// NOLINTEND(bugprone-reserved-identifier)

namespace luna::fuzz {

namespace {

// Ranges that are taken, by where they begin; none overlaps another.
class Ranges {
 public:
  void add(const void* memory, std::size_t bytes) {
    if (memory != nullptr) ends_[address_of(memory)] = address_of(memory) + bytes;
  }

  void remove(const void* memory, std::size_t bytes) {
    const std::uintptr_t begin = address_of(memory);
    const std::uintptr_t end = begin + bytes;
    auto range = ends_.upper_bound(begin);
    if (range != ends_.begin() && std::prev(range)->second > begin) --range;
    while (range != ends_.end() && range->first < end) {
      const auto [first, last] = *range;
      range = ends_.erase(range);
      if (first < begin) ends_[first] = begin;
      if (last > end) ends_[end] = last;
    }
  }

  void release() {
    for (const auto& [begin, end] : ends_)
      real_release(reinterpret_cast<void*>(begin), end - begin);
    ends_.clear();
  }

 private:
  std::map<std::uintptr_t, std::uintptr_t> ends_;
};

Ranges& taken() {
  static auto* ranges = new Ranges;  // stays as long as the library
  return *ranges;
}

}  // namespace

void release_all() { taken().release(); }

}  // namespace luna::fuzz

using luna::fuzz::taken;

void* map(std::size_t bytes) noexcept {
  void* memory = real_map(bytes);
  taken().add(memory, bytes);
  return memory;
}

bool map_at(void* address, std::size_t bytes) noexcept {
  const bool done = real_map_at(address, bytes);
  if (done) taken().add(address, bytes);
  return done;
}

void* reserve(std::size_t bytes) noexcept {
  void* memory = real_reserve(bytes);
  taken().add(memory, bytes);
  return memory;
}

ReserveResult reserve_at(void* address, std::size_t bytes) noexcept {
  const ReserveResult result = real_reserve_at(address, bytes);
  if (result == ReserveResult::kDone) taken().add(address, bytes);
  return result;
}

void release(void* address, std::size_t bytes) noexcept {
  taken().remove(address, bytes);
  real_release(address, bytes);
}
