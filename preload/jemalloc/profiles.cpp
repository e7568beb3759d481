// SPDX-License-Identifier: MIT
// prof.* of mallctl(3): samples can be begun at any time, as with jemalloc's prof:true and
// prof_active:false.
#include "preload/jemalloc/answers.hpp"

#include <lunalloc/control.h>
#include <lunalloc/profile.h>

#include <bit>

namespace luna::jemalloc {

int can_profile(std::size_t, bool& can) noexcept {
  can = process.enabled();
  return 0;
}

int get_active(std::size_t, bool& active) noexcept {
  active = luna_profile_interval() != 0;
  return 0;
}

int set_active(std::size_t, bool active) noexcept {
  if (!process.enabled()) return active ? ENOENT : 0;
  const int error = luna_control_set_number("profile.active", active ? 1 : 0);
  if (error == 0) return 0;
  return error == ENOMEM ? EAGAIN : EFAULT;
}

// Rounded down; of the interval that is in force, or that there will be.
int sample_logarithm(std::size_t, std::size_t& logarithm) noexcept {
  std::uint64_t interval = luna_profile_interval();
  if (interval == 0) interval = process.options().profile_interval;
  if (interval == 0) return ENOENT;
  logarithm = static_cast<std::size_t>(std::bit_width(interval) - 1);
  return 0;
}

int dump(const Request& request, std::size_t) noexcept {
  if (!process.enabled()) return ENOENT;
  if (request.reads()) return EPERM;
  const char* path = nullptr;
  if (const int error = request.take(path); error != 0) return error;
  return luna_profile_dump(path, LUNA_PROFILE_HEAP, LUNA_PROFILE_HEAP_V2) == 0 ? 0 : EFAULT;
}

}  // namespace luna::jemalloc
