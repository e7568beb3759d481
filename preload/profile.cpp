// SPDX-License-Identifier: MIT
// include/lunalloc/profile.h, and what the options make of it.
#include "preload/profile.hpp"

#include "base/format.hpp"
#include "os/file_output.hpp"
#include "preload/guard.hpp"
#include "preload/process.hpp"
#include "preload/profile_dumps.hpp"
#include "preload/profile_file.hpp"
#include "preload/slow_path.hpp"
#include "telemetry/profile_writer.hpp"

#include <errno.h>
#include <lunalloc/profile.h>
#include <string.h>

#define LUNA_EXPORT extern "C" [[gnu::visibility("default")]]

namespace luna {

namespace {

constexpr std::uint64_t kMaxInterval = std::uint64_t{1} << 30;

[[nodiscard]] std::string_view named_path(DumpReason reason, ProfileFormat format,
                                          ProfilePath& path) noexcept {
  std::array<char, 32> buffer;
  Text ending(buffer.data(), buffer.size());
  if (reason == DumpReason::kNearLimit) ending.add(".limit");
  return expand_profile_path(ending.add(info_of(format).ending).view(), path);
}

// No path, which an empty one is not: one by the option profile_file.
[[nodiscard]] int write_file(std::string_view path, DumpReason reason, ProfileKind kind,
                             ProfileFormat format) noexcept {
  MappedOutput mapped;
  if (mapped.file == nullptr) return ENOMEM;
  if (path.data() == nullptr) {
    path = named_path(reason, format, *mapped.path);
    if (path.empty()) return EINVAL;
  }
  os::FileOutput& file = *mapped.file;
  if (!file.create(path)) return file.error();
  bool written = false;
  const auto write = [&](const Profile& profile) noexcept {
    Output out = file.output();
    written = write_profile(profile, format, out);
  };
  const bool taken = process.profiler().with_profile(write, kind);
  if (taken && written && file.finish()) {
    process.profile_quota().note_bytes(file.written_bytes());
    return 0;
  }
  return file.error() != 0 ? file.error() : ENOMEM;
}

[[nodiscard]] std::uint64_t temporary_nanoseconds(const Options& options) noexcept {
  constexpr std::uint64_t kMost = UINT64_MAX / 1000;
  const std::uint64_t microseconds = options.profile_temporary_us;
  return (microseconds < kMost ? microseconds : kMost) * 1000;
}

}  // namespace

int start_profile(std::uint64_t interval) noexcept {
  const Options& options = process.options();
  if (interval == 0) interval = options.profile_interval;
  if (interval == 0 || interval > kMaxInterval) return EINVAL;
  if (!options.enabled) return ENOTSUP;
  const SlowPath path;
  if (!path.entered()) return EBUSY;
  begin_guard();
  return process.profiler().start(interval, profile_limits()) ? 0 : ENOMEM;
}

ProfilerLimits profile_limits() noexcept {
  const Options& options = process.options();
  return {options.profile_memory << 20, options.profile_depth, temporary_nanoseconds(options),
          options.profile_cpu_percent};
}

int dump_profile(const char* path, ProfileKind kind, ProfileFormat format) noexcept {
  if (!can_say(format, kind)) return EINVAL;
  if (!process.profiler().begun()) return ENOENT;
  const SlowPath slow_path;
  if (!slow_path.entered()) return EBUSY;
  if (path == nullptr) return dump_named_profile(DumpReason::kAsked, kind, format);
  return write_file(path, DumpReason::kAsked, kind, format);
}

int dump_named_profile(DumpReason reason, ProfileKind kind, ProfileFormat format) noexcept {
  if (!can_say(format, kind)) return EINVAL;
  if (!process.profiler().begun()) return ENOENT;
  if (!may_write_profile()) return EDQUOT;
  return write_file({}, reason, kind, format);
}

int mark_profile() noexcept {
  if (!process.profiler().begun()) return ENOENT;
  const SlowPath path;
  if (!path.entered()) return EBUSY;
  process.profiler().mark();
  return 0;
}

void stop_profile() noexcept {
  const SlowPath path;
  if (path.entered()) process.profiler().stop();
}

void begin_profile() noexcept {
  const Options& options = process.options();
  begin_profile_dumps();
  const bool writes = options.profile_at_exit || options.profile_signal != 0 ||
                      options.profile_growth_mib != 0 || options.profile_peak_percent != 0 ||
                      options.profile_near_limit_percent != 0;
  if (writes && !can_say(options.profile_format, options.profile_kind))
    complain("option \"profile_kind\"", "profile_format knows heap and peak; nothing is written");
  if (!options.profile && options.guard_samples == 0) return;
  const int error = start_profile(0);
  if (error != 0) complain("no profile", strerrordesc_np(error));
}

void end_profile() noexcept {
  const Options& options = process.options();
  if (!options.profile_at_exit || !process.profiler().begun()) return;
  if (!can_say(options.profile_format, options.profile_kind)) return;  // begin_profile() said so
  ProfilePath path;
  const std::string_view name = named_path(DumpReason::kAsked, options.profile_format, path);
  if (name.empty()) return;
  const int error =
      write_file(name, DumpReason::kAsked, options.profile_kind, options.profile_format);
  if (error != 0) complain(name, strerrordesc_np(error));
}

}  // namespace luna

LUNA_EXPORT int luna_profile_start(uint64_t interval) { return luna::start_profile(interval); }
LUNA_EXPORT void luna_profile_stop() { luna::stop_profile(); }
LUNA_EXPORT uint64_t luna_profile_interval() { return luna::process.profiler().interval(); }

LUNA_EXPORT int luna_profile_mark() { return luna::mark_profile(); }

LUNA_EXPORT int luna_profile_dump(const char* path, luna_profile_kind kind,
                                  luna_profile_format format) {
  static_assert(LUNA_PROFILE_TEXT == static_cast<int>(luna::ProfileFormat::kText));
  static_assert(LUNA_PROFILE_TEMPORARY == static_cast<int>(luna::ProfileKind::kTemporary));
  if (static_cast<unsigned>(kind) >= luna::kProfileKinds.size()) return EINVAL;
  if (static_cast<unsigned>(format) >= luna::kProfileFormats.size()) return EINVAL;
  return luna::dump_profile(path, static_cast<luna::ProfileKind>(kind),
                            static_cast<luna::ProfileFormat>(format));
}
