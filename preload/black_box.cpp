// SPDX-License-Identifier: MIT
#include "preload/black_box.hpp"

#include "base/check.hpp"
#include "base/format.hpp"
#include "os/clock.hpp"
#include "os/environment.hpp"
#include "preload/pressure.hpp"
#include "preload/process.hpp"
#include "preload/profile_file.hpp"

#include <errno.h>
#include <string.h>

#include <array>

namespace luna {

namespace {

// Whether the names that a pattern stands for are different in each process.
[[nodiscard]] bool names_each_process(std::string_view pattern) noexcept {
  for (std::size_t i = 0; i + 1 < pattern.size(); ++i) {
    if (pattern[i] != '%') continue;
    ++i;
    if (pattern[i] == 'p' || pattern[i] == 'n') return true;
  }
  return false;
}

[[nodiscard]] std::string_view name_of(luna_pressure_source source) noexcept {
  switch (source) {
    case LUNA_PRESSURE_FROM_CGROUP:
      return "cgroup";
    case LUNA_PRESSURE_FROM_PROCESS_LIMIT:
      return "limit of the process";
    case LUNA_PRESSURE_FROM_OWN_LIMIT:
      return "limit of the options";
    case LUNA_PRESSURE_FROM_STALL:
      return "stall";
    case LUNA_PRESSURE_FROM_REFUSAL:
      return "refusal";
    case LUNA_PRESSURE_FROM_SYSTEMD:
      return "systemd";
    case LUNA_PRESSURE_FROM_KERNEL_EVENT:
      return "event of the kernel";
    default:
      return "pressure";
  }
}

void complain_of(std::string_view path, int error) noexcept {
  std::array<char, 128> buffer;
  Text text(buffer.data(), buffer.size());
  text.add(strerrordesc_np(error)).add("; there is no black box");
  complain(path, text.view());
}

[[nodiscard]] int begin_at(std::string_view path, std::size_t bytes) noexcept {
  std::array<char, 65> host;
  std::array<char, 256> program;
  return process.black_box().begin(
      path, bytes,
      {os::host_name(host.data(), host.size()), os::program_name(program.data(), program.size()),
       LUNA_VERSION});
}

// Whose thread may have little stack.
void make_black_box() noexcept {
  const Options& options = process.options();
  MappedOutput mapped;
  if (mapped.path == nullptr) return complain_of("option \"blackbox\"", ENOMEM);
  const std::string_view path = expand_path(options.blackbox.view(), "blackbox", *mapped.path);
  if (path.empty()) return;
  const int error = begin_at(path, options.blackbox_kib << 10);
  if (error != 0) complain_of(path, error);
}

}  // namespace

void begin_black_box() noexcept {
  const Options& options = process.options();
  if (options.blackbox.view().empty() || !options.enabled) return;
  make_black_box();
}

void watch_black_box(const void* block) noexcept {
  if (block == nullptr) process.black_box().note_refused();
  tick_black_box();
}

void tick_black_box() noexcept {
  BlackBox& box = process.black_box();
  const std::uint64_t now_ms = os::coarse_milliseconds();
  if (!box.on() || !box.is_due(now_ms)) return;
  if (box.take_wish()) make_black_box();
  box.tick(now_ms, process.allocator(), process.profiler(), read_files);
}

void note_near_limit() noexcept {
  std::array<char, 96> buffer;
  Text text(buffer.data(), buffer.size());
  text.add("a limit of memory is used to ");
  text.add_decimal(process.options().profile_near_limit_percent).add(" percent or more");
  process.black_box().note({.kind = LUNA_BLACKBOX_NEAR_LIMIT,
                            .level = LUNA_BLACKBOX_MODERATE,
                            .source = "profile_near_limit",
                            .text = text.view()});
}

void note_pressure(const luna_pressure_event& event) noexcept {
  static_assert(static_cast<int>(LUNA_PRESSURE_CRITICAL) == LUNA_BLACKBOX_CRITICAL);
  std::array<char, 96> buffer;
  Text text(buffer.data(), buffer.size());
  if (event.level == LUNA_PRESSURE_NONE) {
    text.add("memory is not scarce any more");
  } else {
    text.add("memory is scarce; given back: ").add_bytes(event.released_bytes);
  }
  const bool is_limited = event.limit_bytes != 0;
  process.black_box().note({.kind = LUNA_BLACKBOX_PRESSURE,
                            .level = static_cast<luna_blackbox_level>(event.level),
                            .source = name_of(static_cast<luna_pressure_source>(event.source)),
                            .used_bytes = is_limited ? event.used_bytes : LUNA_BLACKBOX_UNKNOWN,
                            .limit_bytes = is_limited ? event.limit_bytes : LUNA_BLACKBOX_UNLIMITED,
                            .text = text.view()});
}

void note_guard_report(std::string_view mistake) noexcept {
  std::array<char, 128> buffer;
  Text text(buffer.data(), buffer.size());
  text.add(mistake).add(" a guarded block; stderr has the report");
  process.black_box().note({.kind = LUNA_BLACKBOX_MISTAKE,
                            .level = LUNA_BLACKBOX_CRITICAL,
                            .source = "guard",
                            .text = text.view()});
}

// Instead of that in base/check.cpp, which does nothing.
void note_last_words(std::string_view line) noexcept {
  if (line.ends_with('\n')) line.remove_suffix(1);
  process.black_box().note({.kind = LUNA_BLACKBOX_MISTAKE,
                            .level = LUNA_BLACKBOX_CRITICAL,
                            .source = "abort",
                            .text = line});
}

void resume_black_box_in_child() noexcept {
  const bool begins_own = names_each_process(process.options().blackbox.view());
  process.black_box().resume_child(begins_own);
}

}  // namespace luna
