// SPDX-License-Identifier: MIT
// Bytes that become as many as need be, in a mapping of their own that no fork copies.
#pragma once

#include "base/output.hpp"

#include <cstddef>
#include <string_view>

namespace luna::os {

// Owns the mapping until release(). Threads: one at a time.
class GrowingMemory {
 public:
  constexpr GrowingMemory() noexcept = default;
  ~GrowingMemory() { release(); }
  GrowingMemory(const GrowingMemory&) = delete;
  GrowingMemory& operator=(const GrowingMemory&) = delete;

  // Adds at the end, and fails when the kernel refuses memory. Good as long as this lives.
  [[nodiscard]] Output output() noexcept { return {&GrowingMemory::write, this}; }

  [[nodiscard]] std::string_view view() const noexcept { return {bytes_, length_}; }

  // Takes back all that was added; the mapping stays.
  void clear() noexcept { length_ = 0; }
  void release() noexcept;

  // In the child of a fork there is no such mapping.
  void forget() noexcept;

 private:
  static bool write(void* self, std::string_view bytes) noexcept;
  [[nodiscard]] bool grow(std::size_t least) noexcept;

  char* bytes_ = nullptr;
  std::size_t length_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace luna::os
