// SPDX-License-Identifier: MIT
#include "os/clock.hpp"

#include "os/system_call.hpp"

#include <time.h>

namespace luna::os {

std::uint64_t coarse_milliseconds() noexcept {
  struct timespec now = {};
  ::clock_gettime(CLOCK_MONOTONIC_COARSE, &now);  // the vDSO: no system call
  return static_cast<std::uint64_t>(now.tv_sec) * 1000 +
         static_cast<std::uint64_t>(now.tv_nsec) / 1'000'000;
}

std::uint64_t nanoseconds() noexcept {
  struct timespec now = {};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec);
}

std::uint64_t epoch_nanoseconds() noexcept {
  struct timespec now = {};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec);
}

std::uint64_t process_cpu_nanoseconds() noexcept {
  struct timespec now = {};
  system_call(SYS_clock_gettime, CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec);
}

void sleep_milliseconds(std::uint64_t milliseconds) noexcept {
  sleep_nanoseconds(milliseconds * 1'000'000);
}

void sleep_nanoseconds(std::uint64_t nanoseconds) noexcept {
  const struct timespec time = {static_cast<time_t>(nanoseconds / 1'000'000'000),
                                static_cast<long>(nanoseconds % 1'000'000'000)};
  system_call(SYS_nanosleep, &time, nullptr);
}

}  // namespace luna::os
