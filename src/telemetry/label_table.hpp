// SPDX-License-Identifier: MIT
// Sets of labels, each kept once and for good, so that a thread remembers its own by a number.
#pragma once

#include "os/lock.hpp"
#include "telemetry/labels.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace luna {

// Memory is mapped when the first label is set, and touched as it is needed: bounded from
// the start. A set is never removed, so one that is in there is read without the lock.
//
// Threads: any; one lock inside.
class LabelTable {
 public:
  // Names of sets: that without a label, and that of a thread whose labels found no room.
  static constexpr std::uint32_t kNone = 0;
  static constexpr std::uint32_t kLost = UINT32_MAX;

  static constexpr std::size_t kDefaultBytes = std::size_t{256} << 10;

  constexpr LabelTable() noexcept = default;
  LabelTable(const LabelTable&) = delete;
  LabelTable& operator=(const LabelTable&) = delete;

  // What it may take; before the first label.
  void set_limit(std::size_t bytes) noexcept { limit_ = bytes; }

  // The set with one label more, or with another value of it; kLost: there is no room for it.
  // What was lost begins anew. Requires: no more than kMostLabels + 1 labels, whose texts
  // have no more than kMostKeyBytes and kMostValueBytes.
  [[nodiscard]] std::uint32_t with(std::uint32_t set, const Label& label) noexcept;

  // The set without it. What was lost stays so.
  [[nodiscard]] std::uint32_t without(std::uint32_t set, std::string_view key) noexcept;

  // The labels of a set that this thread got, or was handed by who did; none of kLost.
  [[nodiscard]] Labels at(std::uint32_t set) const noexcept;

  [[nodiscard]] std::uint32_t count() const noexcept { return count_; }

  // Its memory, and how much that is; nullptr: there is none yet.
  [[nodiscard]] const void* memory() const noexcept { return slots_; }
  [[nodiscard]] std::size_t bytes() const noexcept { return slots_ != nullptr ? limit_ : 0; }

  // fork(): hold what must not change, let go, or start anew in the child.
  void prepare_fork() noexcept { lock_.lock(); }
  void resume_parent() noexcept { lock_.unlock(); }
  void resume_child() noexcept { lock_.reset_in_child(); }

 private:
  [[nodiscard]] bool begin() noexcept;
  [[nodiscard]] std::uint32_t find_or_add(std::string_view packed) noexcept;
  [[nodiscard]] std::uint32_t add(std::string_view packed) noexcept;

  os::Lock lock_;
  std::size_t limit_ = kDefaultBytes;
  std::uint32_t* slots_ = nullptr;  // names of sets; 0: free
  std::uint32_t slot_mask_ = 0;
  std::uint32_t count_ = 0;
  char* texts_ = nullptr;  // by name: two bytes with the length of a set, the set
  std::size_t used_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace luna
