// SPDX-License-Identifier: MIT
// What names of mallctl(3) do: one function each, for the table in table.cpp. Those of the same
// kind are templates here, the others are in actions.cpp, decay.cpp and profiles.cpp.
#pragma once

#include "preload/jemalloc/figures.hpp"
#include "preload/jemalloc/request.hpp"
#include "preload/process.hpp"

#include <lunalloc/stats.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>

namespace luna::jemalloc {

// Here and below `number` is that of the arena, or of the size class.

// A value that cannot be set, which `get(number, value)` finds; it returns 0 or an errno value.
template <typename Value, auto kGet>
[[nodiscard]] int read_only(const Request& request, std::size_t number) noexcept {
  if (request.writes()) return EPERM;
  Value value{};
  const int error = kGet(number, value);
  return error == 0 ? request.give(value) : error;
}

// One that is always the same.
template <auto kValue>
[[nodiscard]] int constant(const Request& request, std::size_t) noexcept {
  return request.writes() ? EPERM : request.give(kValue);
}
template <const auto& kText>
[[nodiscard]] int text(const Request& request, std::size_t) noexcept {
  return request.writes() ? EPERM : request.give(static_cast<const char*>(kText));
}

template <auto kMember>
[[nodiscard]] int flag_option(const Request& request, std::size_t) noexcept {
  return request.writes() ? EPERM : request.give(bool{process.options().*kMember});
}

// A figure of the last look, of which `kUnit` bytes are one.
template <typename Value, Figure kFigure, std::uint64_t kUnit = 1>
[[nodiscard]] int figure(const Request& request, std::size_t) noexcept {
  if (request.writes()) return EPERM;
  if (const int error = figures.begin(); error != 0) return error;
  const std::uint64_t value = figures.value(kFigure);
  return value != LUNA_STATS_UNKNOWN ? request.give(static_cast<Value>(value / kUnit)) : ENOENT;
}

// Something that is done.
template <auto kAct>
[[nodiscard]] int action(const Request& request, std::size_t) noexcept {
  return request.reads() || request.writes() ? EPERM : kAct();
}

// A value that is read before another is put in its place. Both functions return 0 or an errno
// value; nothing is set if the old value does not fit.
template <typename Value, auto kGet, auto kSet>
[[nodiscard]] int setting(const Request& request, std::size_t number) noexcept {
  Value value{};
  if (const int error = kGet(number, value); error != 0) return error;
  if (const int error = request.give(value); error != 0) return error;
  if (request.next == nullptr) return 0;
  if (const int error = request.take(value); error != 0) return error;
  return kSet(number, value);
}

// actions.cpp
[[nodiscard]] int epoch(const Request& request, std::size_t number) noexcept;
[[nodiscard]] int get_background(std::size_t, bool& on) noexcept;
[[nodiscard]] int set_background(std::size_t, bool on) noexcept;
[[nodiscard]] int get_arena_of_thread(std::size_t, unsigned& arena) noexcept;
[[nodiscard]] int set_arena_of_thread(std::size_t, unsigned arena) noexcept;
[[nodiscard]] int get_thread_cache(std::size_t, bool& on) noexcept;
[[nodiscard]] int set_thread_cache(std::size_t, bool on) noexcept;
[[nodiscard]] int flush_thread_cache() noexcept;
[[nodiscard]] int purge() noexcept;
[[nodiscard]] int class_bytes(std::size_t size_class, std::size_t& bytes) noexcept;
[[nodiscard]] int class_blocks(std::size_t size_class, std::uint32_t& blocks) noexcept;

// decay.cpp
[[nodiscard]] int decay() noexcept;
[[nodiscard]] int get_decay(std::size_t, std::int64_t& milliseconds) noexcept;
[[nodiscard]] int set_decay(std::size_t, std::int64_t milliseconds) noexcept;
[[nodiscard]] int get_arena_decay(std::size_t arena, std::int64_t& milliseconds) noexcept;
[[nodiscard]] int set_arena_decay(std::size_t arena, std::int64_t milliseconds) noexcept;
[[nodiscard]] int get_muzzy_decay(std::size_t, std::int64_t& milliseconds) noexcept;
[[nodiscard]] int set_muzzy_decay(std::size_t, std::int64_t milliseconds) noexcept;
[[nodiscard]] int get_arena_muzzy_decay(std::size_t arena, std::int64_t& milliseconds) noexcept;
[[nodiscard]] int set_arena_muzzy_decay(std::size_t arena, std::int64_t milliseconds) noexcept;

// profiles.cpp
[[nodiscard]] int can_profile(std::size_t, bool& can) noexcept;
[[nodiscard]] int get_active(std::size_t, bool& active) noexcept;
[[nodiscard]] int set_active(std::size_t, bool active) noexcept;
[[nodiscard]] int sample_logarithm(std::size_t, std::size_t& logarithm) noexcept;
[[nodiscard]] int dump(const Request& request, std::size_t number) noexcept;

}  // namespace luna::jemalloc
