// SPDX-License-Identifier: MIT
// A set of ranges of addresses.
#pragma once

#include <cstddef>
#include <cstdint>

namespace luna {

// From `begin` to before `end`.
struct AddressRange {
  std::uintptr_t begin = 0;
  std::uintptr_t end = 0;
};

// Owns its memory, which the kernel backs as it is needed.
class AddressRanges {
 public:
  AddressRanges() noexcept = default;
  ~AddressRanges();

  AddressRanges(const AddressRanges&) = delete;
  AddressRanges& operator=(const AddressRanges&) = delete;

  // False: no memory.
  [[nodiscard]] bool begin() noexcept;

  void add(std::uintptr_t begin, std::size_t bytes) noexcept;

  // To be called after the last add(), and before what follows.
  void sort() noexcept;

  // Whether there was no room for one that was added.
  [[nodiscard]] bool overflowed() const noexcept { return overflowed_; }
  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }

  // Whether one of them and this one overlap.
  [[nodiscard]] bool overlap(const AddressRange& range) const noexcept;

  // The first part of a range that lies in none of them, and takes it and what lies before
  // it away from the range. Empty: there is none left.
  [[nodiscard]] AddressRange take_outside(AddressRange& range) const noexcept;

  [[nodiscard]] const void* memory() const noexcept { return ranges_; }
  [[nodiscard]] static constexpr std::size_t bytes() noexcept {
    return kCapacity * sizeof(AddressRange);
  }

 private:
  static constexpr std::size_t kCapacity = std::size_t{1} << 18;

  [[nodiscard]] std::size_t first_ending_behind(std::uintptr_t address) const noexcept;

  AddressRange* ranges_ = nullptr;
  std::size_t count_ = 0;
  bool overflowed_ = false;
};

}  // namespace luna
