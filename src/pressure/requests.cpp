// SPDX-License-Identifier: MIT
#include "pressure/requests.hpp"

#include "os/clock.hpp"

namespace luna {

void PressureRequests::answer(std::uint32_t number) noexcept {
  std::uint32_t before = answered_.load(std::memory_order_relaxed);
  while (static_cast<std::int32_t>(number - before) > 0 &&
         // pairs with the acquire in is_answered()
         !answered_.compare_exchange_weak(before, number, std::memory_order_release,
                                          std::memory_order_relaxed)) {
  }
}

// Looks again and again: it is seldom, and as long as a callback of the program takes.
bool PressureRequests::wait(std::uint32_t number, std::uint64_t milliseconds) const noexcept {
  constexpr std::uint64_t kNapNanoseconds = 200'000;
  const std::uint64_t end = os::nanoseconds() + milliseconds * 1'000'000;
  while (!is_answered(number)) {
    if (os::nanoseconds() >= end) return false;
    os::sleep_nanoseconds(kNapNanoseconds);
  }
  return true;
}

}  // namespace luna
