// SPDX-License-Identifier: MIT
#include "os/nontemporal.hpp"

#include "base/align.hpp"

#include <cstring>

namespace luna::os {

namespace {

// A range that is to be written to, cut where lines begin and end.
struct Cut {
  std::size_t head;
  std::size_t body;  // whole lines
  std::size_t tail;
};

[[nodiscard]] Cut cut(const void* to, std::size_t bytes) noexcept {
  const std::uintptr_t begin = address_of(to);
  const std::size_t before = round_up(begin, kStreamedBytes) - begin;
  const std::size_t head = before < bytes ? before : bytes;
  const std::size_t tail = (bytes - head) % kStreamedBytes;
  return {head, bytes - head - tail, tail};
}

}  // namespace

void copy_nontemporal(void* to, const void* from, std::size_t bytes) noexcept {
  if (bytes == 0) return;
  const Cut part = cut(to, bytes);
  auto* target = static_cast<std::byte*>(to);
  const auto* source = static_cast<const std::byte*>(from);
  std::memcpy(target, source, part.head);
  stream(target + part.head, source + part.head, part.body);
  std::memcpy(target + bytes - part.tail, source + bytes - part.tail, part.tail);
}

void zero_nontemporal(void* to, std::size_t bytes) noexcept {
  if (bytes == 0) return;
  const Cut part = cut(to, bytes);
  auto* target = static_cast<std::byte*>(to);
  std::memset(target, 0, part.head);
  stream_zeros(target + part.head, part.body);
  std::memset(target + bytes - part.tail, 0, part.tail);
}

}  // namespace luna::os
