// SPDX-License-Identifier: MIT
// What each control does in this process: the functions that control/controls.def names.
#include "preload/control.hpp"
#include "preload/guard.hpp"
#include "preload/heaps.hpp"
#include "preload/pressure.hpp"
#include "preload/process.hpp"
#include "preload/profile.hpp"
#include "preload/profile_dumps.hpp"
#include "preload/server.hpp"

#include "lunalloc/lunalloc.h"

#include <cerrno>

namespace luna {

namespace {

constexpr NumberRange kAny = {};
[[nodiscard]] constexpr NumberRange between(std::uint64_t least, std::uint64_t most) noexcept {
  return {least, most};
}
[[nodiscard]] constexpr NumberRange up_to(std::uint64_t most) noexcept { return {0, most}; }

constexpr int (*kAtUse)() noexcept = nullptr;

constexpr std::uint64_t kMaxCacheKib = 65536;
constexpr std::uint64_t kMaxLimitMib = std::uint64_t{1} << 40;

// ---- Options that change -------------------------------------------------------------

[[nodiscard]] int apply_decay() noexcept {
  process.allocator().config().decay_ms = process.options().decay_ms;
  process.allocator().pages().look_again();
  named_heaps.follow();
  return 0;
}

[[nodiscard]] int apply_placement() noexcept {
  process.allocator().pages().set_placement(process.options().placement);
  named_heaps.follow();
  return 0;
}

// Threads give up what they have as they come by, and then hold no more than this.
[[nodiscard]] int apply_cache() noexcept {
  process.allocator().config().thread_cache_bytes = thread_cache_bytes(process.options());
  named_heaps.follow();
  process.trim(SIZE_MAX);
  return 0;
}

[[nodiscard]] int apply_huge_pages() noexcept {
  process.allocator().pages().set_huge_threshold(process.options().huge_pages_above);
  return 0;
}

// Samples may have been begun or ended by the program.
void look_at_active(Options& now) noexcept { now.profile = process.profiler().running(); }

[[nodiscard]] int apply_active() noexcept {
  if (process.options().profile) return process.profiler().running() ? 0 : start_profile(0);
  process.profiler().stop();
  return 0;
}

[[nodiscard]] int apply_interval() noexcept {
  return process.profiler().running() ? start_profile(0) : 0;
}

[[nodiscard]] int apply_limits() noexcept {
  if (process.profiler().begun()) process.profiler().change_limits(profile_limits());
  return 0;
}

[[nodiscard]] int check_kind() noexcept {
  const Options& options = process.options();
  return can_say(options.profile_format, options.profile_kind) ? 0 : EINVAL;
}

[[nodiscard]] int apply_dumps() noexcept {
  apply_dump_limits();
  return 0;
}

// There is nothing to guard but samples, as when the process starts with the option.
[[nodiscard]] int apply_guard() noexcept {
  const std::uint64_t one_in = process.options().guard_samples;
  GuardedBlocks& guarded = process.allocator().guarded();
  const bool begun = guarded.set_one_in(one_in);
  if (one_in == 0) return 0;
  const bool was_running = process.profiler().running();
  if (!process.profiler().running()) {
    if (const int error = start_profile(0); error != 0) return error;
  } else if (!begun) {
    begin_guard();
  }
  if (guarded.set_one_in(one_in)) return 0;
  if (!was_running) process.profiler().stop();
  return ENOMEM;
}

// What was wanted may be more than there ever can be.
void look_at_reserve(Options& now) noexcept {
  now.reserve_kib = process.pressure().reserve().size() >> 10;
}

// The pool may have been found empty.
void look_at_hugetlb(Options& now) noexcept { now.hugetlb = process.allocator().pages().hugetlb(); }

// ---- Actions -------------------------------------------------------------------------

[[nodiscard]] int purge(std::uint64_t keep_bytes) noexcept {
  process.trim(keep_bytes);
  return 0;
}

// ---- What can only be read -----------------------------------------------------------

[[nodiscard]] const char* version() noexcept { return luna_version(); }

[[nodiscard]] std::uint64_t interval_in_force(void*) noexcept {
  return process.profiler().interval();
}

[[nodiscard]] std::uint64_t pressure_event_files(void*) noexcept {
  return process.event_sources().open_files();
}

[[nodiscard]] std::uint64_t pressure_events(void*) noexcept {
  return process.event_sources().events();
}

// `reader` keeps them, for whoever asks for many; its fields are 0 until then.
template <auto kField>
[[nodiscard]] std::uint64_t stats(void* reader) noexcept {
  auto& all = *static_cast<luna_stats*>(reader);
  if (all.struct_size == 0) {
    all.struct_size = sizeof all;
    luna_stats_read(&all);
  }
  return all.*kField;
}

// ---- The table -----------------------------------------------------------------------

#define LUNA_LOOKS(field, name_, unit_, range_, apply_, look_) \
  {.name = name_,                                              \
   .unit = unit_,                                              \
   .range = range_,                                            \
   .option = place_of<&Options::field>(#field),                \
   .look = look_,                                              \
   .apply = apply_},
#define LUNA_CHANGES(field, name_, unit_, range_, apply_) \
  LUNA_LOOKS(field, name_, unit_, range_, apply_, nullptr)
#define LUNA_FIXED(field, name_, unit_, range_, why) \
  {.name = name_,                                    \
   .unit = unit_,                                    \
   .note = why,                                      \
   .range = range_,                                  \
   .option = place_of<&Options::field>(#field),      \
   .apply = nullptr},
#define LUNA_FIXED_LOOKS(field, name_, unit_, look_, why) \
  {.name = name_,                                         \
   .unit = unit_,                                         \
   .note = why,                                           \
   .option = place_of<&Options::field>(#field),           \
   .look = look_,                                         \
   .apply = nullptr},
#define LUNA_FIGURE(name_, unit_, figure_, help_) \
  {.name = name_, .unit = unit_, .note = help_, .kind = ControlKind::kFigure, .figure = figure_},
#define LUNA_WORD(name_, word_, help_) \
  {.name = name_, .note = help_, .kind = ControlKind::kWord, .word = word_},
#define LUNA_ACTION(name_, unit_, act_, help_) \
  {.name = name_, .unit = unit_, .note = help_, .kind = ControlKind::kAction, .act = act_},

// Of an option that options.def does not have there is no member.
template <auto kMember>
[[nodiscard]] constexpr std::uint16_t place_of(std::string_view name) noexcept {
  return static_cast<std::uint16_t>(option_index(name));
}

constexpr Control kControls[] = {
#include "control/controls.def"
};

}  // namespace

std::size_t thread_cache_bytes(const Options& options) noexcept {
  return static_cast<std::size_t>(options.cache_thread_kib) << 10;
}

std::span<const Control> control_table() noexcept { return kControls; }

}  // namespace luna
