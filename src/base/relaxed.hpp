// SPDX-License-Identifier: MIT
// A value that one thread may change while others read it, where nothing else depends on it.
#pragma once

#include <atomic>

namespace luna {

// Reads and writes like a plain value; all of them relaxed, with no partner. The copy of a
// struct of them is taken value by value.
template <typename Value>
class Relaxed {
 public:
  constexpr Relaxed() noexcept = default;
  constexpr Relaxed(Value value) noexcept : value_(value) {}
  Relaxed(const Relaxed& other) noexcept : value_(static_cast<Value>(other)) {}
  Relaxed& operator=(const Relaxed& other) noexcept { return *this = static_cast<Value>(other); }
  Relaxed& operator=(Value value) noexcept {
    value_.store(value, std::memory_order_relaxed);
    return *this;
  }
  ~Relaxed() = default;

  operator Value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<Value> value_{};
};

}  // namespace luna
