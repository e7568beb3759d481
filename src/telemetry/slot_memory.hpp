// SPDX-License-Identifier: MIT
// Memory of a table that never gives anything up: slots of 32 bits, and behind them room for what
// they lead to.
#pragma once

#include "os/memory.hpp"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace luna {

// FNV-1a; a text may go on where another ended.
inline constexpr std::uint64_t kHashBegin = 0xcbf29ce484222325;
inline constexpr std::uint64_t kHashFactor = 0x100000001b3;
[[nodiscard]] constexpr std::uint64_t hash_text(std::string_view text,
                                                std::uint64_t hash = kHashBegin) noexcept {
  for (const char byte : text) hash = (hash ^ static_cast<unsigned char>(byte)) * kHashFactor;
  return hash;
}

struct SlotMemory {
  // Half of the slots are taken at most; an eighth of the memory is enough for texts of some
  // tens of bytes each.
  static constexpr std::size_t kSlotsPart = 8;
  static constexpr std::size_t kMinSlots = 16;

  std::uint32_t* slots = nullptr;  // nullptr: there is no memory, or too little is allowed
  std::size_t count = 0;           // a power of two
  char* rest = nullptr;
  std::size_t rest_bytes = 0;
};

// So many bytes, all zero.
[[nodiscard]] inline SlotMemory map_slots(std::size_t bytes) noexcept {
  const std::size_t count = std::bit_floor(bytes / SlotMemory::kSlotsPart / sizeof(std::uint32_t));
  if (count < SlotMemory::kMinSlots || bytes > UINT32_MAX) return {};
  auto* memory = static_cast<char*>(os::map(bytes));
  if (memory == nullptr) return {};
  const std::size_t slots_bytes = count * sizeof(std::uint32_t);
  return {reinterpret_cast<std::uint32_t*>(memory), count, memory + slots_bytes,
          bytes - slots_bytes};
}

}  // namespace luna
