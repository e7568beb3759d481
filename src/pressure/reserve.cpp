// SPDX-License-Identifier: MIT
#include "pressure/reserve.hpp"

#include "base/align.hpp"

namespace luna {

void Reserve::set_size(std::size_t bytes) noexcept {
  const std::size_t rounded = round_up(bytes, kPageBytes);
  if (bytes_.exchange(rounded, std::memory_order_relaxed) != rounded) give_up();
}

bool Reserve::fill() noexcept {
  const std::size_t bytes = size();
  if (bytes == 0 || memory_.load(std::memory_order_relaxed) != nullptr) return true;
  void* memory = allocator_.pages().take(bytes / kPageBytes, 1, false);
  if (memory == nullptr) return false;
  auto* at = static_cast<volatile std::byte*>(memory);
  for (std::size_t offset = 0; offset < bytes; offset += kPageBytes) at[offset] = std::byte{1};
  void* none = nullptr;
  // Another thread was faster, or the size has changed meanwhile. Pairs with the exchange in
  // give_up(): it has our memory, or we see the size that came before it.
  if (!memory_.compare_exchange_strong(none, memory, std::memory_order_acq_rel)) {
    allocator_.pages().put(memory);
  } else if (size() != bytes) {
    give_up();
  }
  return true;
}

bool Reserve::give_up() noexcept {
  // pairs with the exchange in fill()
  void* memory = memory_.exchange(nullptr, std::memory_order_acq_rel);
  if (memory != nullptr) allocator_.pages().put(memory);
  return memory != nullptr;
}

}  // namespace luna
