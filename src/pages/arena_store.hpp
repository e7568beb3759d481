// SPDX-License-Identifier: MIT
// Arenas of page heaps that are gone, for others that come later. Their memory is given back;
// their addresses are not handed out again for a while, in which what is still freed there is
// known to be of nobody.
#pragma once

#include "os/lock.hpp"
#include "pages/region.hpp"
#include "pages/window.hpp"

#include <cstddef>
#include <cstdint>

namespace luna {

// Threads: any; one lock inside, under which that of the window is taken.
class ArenaStore {
 public:
  // By then nobody is in the middle of a free that began before.
  static constexpr std::uint64_t kRestMs = 1000;

  // What is kept (1 GiB); and what may rest at most (16 GiB), lest addresses run out.
  static constexpr std::size_t kStockRegions = 512;
  static constexpr std::size_t kMostRegions = 8192;

  constexpr ArenaStore() noexcept = default;
  ArenaStore(const ArenaStore&) = delete;
  ArenaStore& operator=(const ArenaStore&) = delete;

  // To be called before put(), with the window that the arenas are in. False: no memory.
  [[nodiscard]] bool begin(Window& window) noexcept;

  // Takes an arena with all that is in it. Slow: system calls.
  void put(Arena* arena) noexcept;

  // The same for a huge block, whose addresses come back when they have rested.
  void put_huge(Region* head) noexcept;

  // One of at least so many regions, as new, that has rested; nullptr: there is none.
  [[nodiscard]] Arena* take(std::size_t regions, std::uint64_t now_ms) noexcept;

  // Gives all addresses back, for there are none else. False: it has none.
  [[nodiscard]] bool give_up() noexcept;

  // Calls visit(const Arena&) for each.
  template <typename Visit>
  void for_each(Visit visit) noexcept {
    os::ScopedLock guard(lock_);
    for (const Arena* arena = first_; arena != nullptr; arena = arena->next) visit(*arena);
  }

  [[nodiscard]] os::Lock& lock() noexcept { return lock_; }

 private:
  struct Huge {
    Huge* next;
    std::byte* memory;
    std::size_t regions;
    std::uint64_t gone_since_ms;
  };
  static_assert(sizeof(Huge) <= sizeof(Region));

  [[nodiscard]] Arena* remove(Arena** at) noexcept;
  void renew_rested(std::uint64_t now_ms) noexcept;
  void bound_stock(std::uint64_t now_ms) noexcept;
  void release_first() noexcept;
  void release_first_huge() noexcept;
  void release_rested_huge(std::uint64_t now_ms) noexcept;

  Window* window_ = nullptr;
  os::Lock lock_;
  Arena* first_ = nullptr;  // the one that rests longest
  Arena** last_ = &first_;  // where the next one is hung on
  std::size_t regions_ = 0;
  Huge* first_huge_ = nullptr;
  Huge** last_huge_ = &first_huge_;
  Region* gone_ = nullptr;  // stands for all regions in here
};

}  // namespace luna
