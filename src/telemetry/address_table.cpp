// SPDX-License-Identifier: MIT
#include "telemetry/address_table.hpp"

#include "base/check.hpp"
#include "os/memory.hpp"

#include <bit>
#include <cstring>

namespace luna {

namespace {

constexpr std::size_t kFirstCapacity = 1024;
constexpr std::size_t kMaxCapacity = std::size_t{1} << 30;  // slots of 32 bits

[[nodiscard]] constexpr std::size_t bytes_for(std::size_t capacity) noexcept {
  return capacity * (sizeof(std::uintptr_t) + 2 * sizeof(std::uint32_t));
}

}  // namespace

bool AddressTable::add(std::uintptr_t address) noexcept {
  if (number_of(address) != 0) return true;
  if (count_ == capacity_ && !grow()) return false;
  addresses_[count_++] = address;
  slot_of(address) = static_cast<std::uint32_t>(count_);
  return true;
}

std::uint32_t AddressTable::number_of(std::uintptr_t address) const noexcept {
  return capacity_ == 0 ? 0 : slot_of(address);
}

// The slot of the address, or the free one where it belongs.
std::uint32_t& AddressTable::slot_of(std::uintptr_t address) const noexcept {
  const std::size_t mask = 2 * capacity_ - 1;
  // The golden ratio spreads addresses that lie close together; the upper bits are best.
  const std::uint64_t spread = address * 0x9E3779B97F4A7C15U;
  std::size_t slot = spread >> (63 - std::countr_zero(capacity_));
  while (slots_[slot] != 0 && addresses_[slots_[slot] - 1] != address) slot = (slot + 1) & mask;
  return slots_[slot];
}

bool AddressTable::grow() noexcept {
  const std::size_t capacity = capacity_ == 0 ? kFirstCapacity : 2 * capacity_;
  void* memory = capacity > kMaxCapacity ? nullptr : os::map(bytes_for(capacity));
  if (memory == nullptr) return false;
  auto* addresses = static_cast<std::uintptr_t*>(memory);
  if (count_ != 0) std::memcpy(addresses, addresses_, count_ * sizeof *addresses);
  const std::size_t count = count_;
  release();
  addresses_ = addresses;
  slots_ = reinterpret_cast<std::uint32_t*>(addresses + capacity);
  capacity_ = capacity;
  count_ = count;
  for (std::size_t i = 0; i < count; ++i) slot_of(addresses[i]) = static_cast<std::uint32_t>(i + 1);
  return true;
}

void AddressTable::release() noexcept {
  if (capacity_ != 0) os::release(addresses_, bytes_for(capacity_));
  addresses_ = nullptr;
  slots_ = nullptr;
  capacity_ = count_ = 0;
}

void AddressTable::verify() const noexcept {
  std::size_t taken = 0;
  for (std::size_t i = 0; i < 2 * capacity_; ++i) taken += slots_[i] != 0 ? 1 : 0;
  LUNA_CHECK(taken == count_ && count_ <= capacity_);
  for (std::size_t i = 1; i <= count_; ++i) LUNA_CHECK(number_of(address_of_number(i)) == i);
}

}  // namespace luna
