// SPDX-License-Identifier: MIT
// Numbers for addresses, from 1 in the order in which they came: an open hash table that
// doubles when half of it is full.
#pragma once

#include <cstddef>
#include <cstdint>

namespace luna {

// Owns its memory, from the kernel: 16 bytes for each address there is room for.
// Invariants, tested by verify():
//   1. at most half of the slots are taken
//   2. each address is found under its number
class AddressTable {
 public:
  AddressTable() noexcept = default;
  ~AddressTable() { release(); }

  AddressTable(const AddressTable&) = delete;
  AddressTable& operator=(const AddressTable&) = delete;

  // Gives the address a number unless it has one. False: no memory.
  [[nodiscard]] bool add(std::uintptr_t address) noexcept;

  // The number of the address; 0: it has none.
  [[nodiscard]] std::uint32_t number_of(std::uintptr_t address) const noexcept;

  [[nodiscard]] std::size_t count() const noexcept { return count_; }

  // Requires: 1 <= number <= count().
  [[nodiscard]] std::uintptr_t address_of_number(std::size_t number) const noexcept {
    return addresses_[number - 1];
  }

  // Aborts if an invariant does not hold. Tests only.
  void verify() const noexcept;

 private:
  [[nodiscard]] bool grow() noexcept;
  [[nodiscard]] std::uint32_t& slot_of(std::uintptr_t address) const noexcept;
  void release() noexcept;

  std::uintptr_t* addresses_ = nullptr;  // by number
  std::uint32_t* slots_ = nullptr;       // twice as many, each a number or 0; behind them
  std::size_t capacity_ = 0;             // addresses, a power of two
  std::size_t count_ = 0;
};

}  // namespace luna
