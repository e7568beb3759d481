// SPDX-License-Identifier: MIT
// Pointers to functions that lie where can be written to: whoever writes there, and does not know
// how, must not choose what runs next.
#pragma once

#include <atomic>
#include <cstdint>
#include <type_traits>

namespace luna {

// What a pointer to a function is mixed with that lies at `place`. What base/ has is weak and
// changes nothing; the secure library's depends on the place, and on what only the process knows.
[[nodiscard]] std::uintptr_t function_key(const void* place) noexcept;

// It converts to what it holds, and can be called. Copies are mixed anew, for where they lie.
//
// Threads: as an atomic pointer.
template <typename Function>
class FunctionPointer {
 public:
  constexpr FunctionPointer() noexcept = default;
  template <typename Callable>
  requires std::is_convertible_v<Callable, Function> FunctionPointer(Callable function)
  noexcept { store(function); }
  FunctionPointer(const FunctionPointer& other) noexcept { store(other.load()); }
  FunctionPointer& operator=(const FunctionPointer& other) noexcept {
    store(other.load());
    return *this;
  }

  operator Function() const noexcept { return load(); }

  [[nodiscard]] Function load(std::memory_order order = std::memory_order_relaxed) const noexcept {
    const std::uintptr_t mixed = mixed_.load(order);
    return mixed == 0 ? nullptr : reinterpret_cast<Function>(mixed ^ function_key(this));
  }

  void store(Function function, std::memory_order order = std::memory_order_relaxed) noexcept {
    const auto word = reinterpret_cast<std::uintptr_t>(function);
    mixed_.store(word == 0 ? 0 : word ^ function_key(this), order);
  }

 private:
  std::atomic<std::uintptr_t> mixed_{0};
};

}  // namespace luna
