// SPDX-License-Identifier: MIT
// Decay times of mallctl(3): milliseconds, or -1 for never. There is one for the whole process.
#include "preload/jemalloc/decay.hpp"

#include "os/clock.hpp"
#include "preload/jemalloc/answers.hpp"
#include "preload/jemalloc/nodes.hpp"
#include "preload/slow_path.hpp"

#include <lunalloc/control.h>

namespace luna::jemalloc {

namespace {

constexpr const char* kControl = "decay.ms";

constexpr std::int64_t kNever = -1;

[[nodiscard]] bool is_time(std::int64_t milliseconds) noexcept {
  return milliseconds >= kNever && milliseconds <= kLongestDecayMs;
}

}  // namespace

int get_decay(std::size_t, std::int64_t& milliseconds) noexcept {
  std::uint64_t now = 0;
  if (luna_control_get_number(kControl, &now) != 0) return ENOENT;
  milliseconds = now <= kLongestDecayMs ? static_cast<std::int64_t>(now) : kNever;
  return 0;
}

int set_decay(std::size_t, std::int64_t milliseconds) noexcept {
  if (!is_time(milliseconds)) return EFAULT;
  const std::uint64_t number =
      milliseconds == kNever ? kNeverMs : static_cast<std::uint64_t>(milliseconds);
  return luna_control_set_number(kControl, number) == 0 ? 0 : EFAULT;
}

// As in jemalloc, that of all arenas has none.
int get_arena_decay(std::size_t arena, std::int64_t& milliseconds) noexcept {
  return arena < kArenas ? get_decay(arena, milliseconds) : EFAULT;
}

int set_arena_decay(std::size_t arena, std::int64_t milliseconds) noexcept {
  return set_decay(arena, milliseconds);
}

// No page is ever muzzy, so that this is true whatever was asked for.
int get_muzzy_decay(std::size_t, std::int64_t& milliseconds) noexcept {
  milliseconds = 0;
  return 0;
}

int set_muzzy_decay(std::size_t, std::int64_t milliseconds) noexcept {
  return is_time(milliseconds) ? 0 : EFAULT;
}

int get_arena_muzzy_decay(std::size_t arena, std::int64_t& milliseconds) noexcept {
  return arena < kArenas ? get_muzzy_decay(arena, milliseconds) : EFAULT;
}

int set_arena_muzzy_decay(std::size_t arena, std::int64_t milliseconds) noexcept {
  return set_muzzy_decay(arena, milliseconds);
}

int decay() noexcept {
  const SlowPath path;
  if (!path.entered()) return EAGAIN;
  PageHeap& pages = process.allocator().pages();
  pages.look_again();
  pages.tick(os::coarse_milliseconds(), process.allocator().config().decay_ms);
  return 0;
}

}  // namespace luna::jemalloc
