// SPDX-License-Identifier: MIT
// What a call of mallctl(3) asks for, and what jemalloc answers to wrong sizes: values go both
// ways as bytes whose number must be that of their type.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstring>

namespace luna::jemalloc {

struct Request {
  void* old = nullptr;  // where the value that is in force goes
  std::size_t* old_bytes = nullptr;
  const void* next = nullptr;  // the value to set
  std::size_t next_bytes = 0;

  [[nodiscard]] bool reads() const noexcept { return old != nullptr || old_bytes != nullptr; }
  [[nodiscard]] bool writes() const noexcept { return next != nullptr || next_bytes != 0; }

  // Returns 0 or EINVAL; then as much as there is room for has been given.
  template <typename Value>
  [[nodiscard]] int give(const Value& value) const noexcept {
    if (old == nullptr || old_bytes == nullptr) return 0;
    const bool fits = *old_bytes == sizeof value;
    if (*old_bytes > sizeof value) *old_bytes = sizeof value;
    std::memcpy(old, &value, *old_bytes);
    return fits ? 0 : EINVAL;
  }

  // Leaves `value` as it is if none is to be set. Returns 0 or EINVAL.
  template <typename Value>
  [[nodiscard]] int take(Value& value) const noexcept {
    if (next == nullptr) return 0;
    if (next_bytes != sizeof value) return EINVAL;
    std::memcpy(&value, next, sizeof value);
    return 0;
  }
};

}  // namespace luna::jemalloc
