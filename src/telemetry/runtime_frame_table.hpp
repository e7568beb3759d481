// SPDX-License-Identifier: MIT
// Names of functions that a runtime gave, each kept once and for good, so that a stack holds
// them as numbers.
#pragma once

#include "os/lock.hpp"
#include "telemetry/runtime_frame.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace luna {

// Memory is mapped when the first name comes, and touched as it is needed: bounded from the
// start. Names are never removed.
//
// Threads: any; one lock inside, which holds() does not take.
class RuntimeFrameTable {
 public:
  // Longer ones are cut.
  static constexpr std::size_t kMostFunctionBytes = 255;
  static constexpr std::size_t kMostFileBytes = 255;

  static constexpr std::size_t kDefaultBytes = std::size_t{512} << 10;

  constexpr RuntimeFrameTable() noexcept = default;
  RuntimeFrameTable(const RuntimeFrameTable&) = delete;
  RuntimeFrameTable& operator=(const RuntimeFrameTable&) = delete;

  // What it may take; before the first name.
  void set_limit(std::size_t bytes) noexcept { limit_ = bytes; }

  // The number of the name, whose texts are copied; 0: there is no room for it.
  [[nodiscard]] std::uintptr_t find_or_add(const RuntimeFrame& name) noexcept;

  // Whether this is a number that find_or_add() returned.
  [[nodiscard]] bool holds(std::uintptr_t frame) const noexcept;

  [[nodiscard]] std::size_t count() const noexcept {
    return count_.load(std::memory_order_acquire);  // pairs with the release in add()
  }

  // How often there was no room.
  [[nodiscard]] std::uint64_t refused() const noexcept {
    return refused_.load(std::memory_order_relaxed);
  }

  // fork(): hold what must not change, let go, or start anew in the child.
  void prepare_fork() noexcept { lock_.lock(); }
  void resume_parent() noexcept { lock_.unlock(); }
  void resume_child() noexcept { lock_.reset_in_child(); }

 private:
  [[nodiscard]] bool begin() noexcept;
  [[nodiscard]] std::uint32_t* slot_of(const RuntimeFrame& name) const noexcept;
  [[nodiscard]] RuntimeFrame* add(const RuntimeFrame& name) noexcept;
  [[nodiscard]] std::string_view keep(std::string_view text) noexcept;

  os::Lock lock_;
  std::size_t limit_ = kDefaultBytes;
  std::uint32_t* slots_ = nullptr;  // each a number of a name from 1; 0: free
  std::size_t slot_mask_ = 0;
  RuntimeFrame* names_ = nullptr;  // behind the slots, half as many
  char* texts_ = nullptr;          // behind the names
  std::size_t used_ = 0;
  std::size_t capacity_ = 0;
  std::string_view last_file_;  // that was kept: names of one file come one after another
  std::atomic<std::size_t> count_{0};
  std::atomic<std::uint64_t> refused_{0};
};

}  // namespace luna
