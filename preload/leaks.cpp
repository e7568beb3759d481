// SPDX-License-Identifier: MIT
#include "preload/leaks.hpp"

#include "base/format.hpp"
#include "os/environment.hpp"
#include "os/memory.hpp"
#include "preload/process.hpp"
#include "preload/profile_dumps.hpp"
#include "preload/profile_file.hpp"
#include "preload/slow_path.hpp"
#include "telemetry/leak_json.hpp"
#include "telemetry/leak_text.hpp"
#include "telemetry/reachability.hpp"

#include <errno.h>
#include <lunalloc/profile.h>
#include <string.h>

namespace luna {

namespace {

void complain_of(const SuppressionError& error) noexcept {
  std::array<char, 320> buffer;
  Text where(buffer.data(), buffer.size());
  const Words option = process.words(process.options().leak_suppressions);
  where.add(option.view()).add(":").add_decimal(error.line);
  std::array<char, 80> why_buffer;
  Text why(why_buffer.data(), why_buffer.size());
  complain(where.view(), why.add(error.what).add("; it is ignored").view());
}

// Without them where there is no file, which is said.
[[nodiscard]] bool read_suppressions(Suppressions& suppressions) noexcept {
  const Words words = process.words(process.options().leak_suppressions);
  const std::string_view option = words.view();
  if (option.empty()) return true;
  std::array<char, sizeof(Words::text) + 1> path;
  Text(path.data(), path.size()).add(option).add({"\0", 1});
  constexpr std::size_t kBytes = Suppressions::kMaxBytes;
  auto* buffer = static_cast<char*>(os::map(kBytes));
  if (buffer == nullptr) return false;
  const std::string_view text = os::read_file(path.data(), buffer, kBytes);
  if (text.empty()) complain(option, "cannot be read, or is empty; no leak is suppressed");
  if (text.size() == kBytes) complain(option, "is longer than 1 MiB; the rest is ignored");
  const bool kept = suppressions.parse(text, complain_of);
  os::release(buffer, kBytes);
  return kept;
}

[[nodiscard]] bool write_report(const LeakProfile& profile, ProfileFormat format,
                                Output& out) noexcept {
  ModuleTable table;
  Suppressions suppressions;
  if (!table.load() || !read_suppressions(suppressions)) return false;
  LeakReport report(profile, table.modules());
  if (!report.make(suppressions)) return false;
  return format == ProfileFormat::kJson ? write_leak_json(report, suppressions, out)
                                        : write_leak_text(report, suppressions, out);
}

[[nodiscard]] bool write_report_now(const Reachability* proved, ProfileFormat format,
                                    Output& out) noexcept {
  bool written = false;
  const auto write = [&](const LeakProfile& profile) noexcept {
    written = write_report(profile, format, out);
  };
  return process.profiler().with_leaks(write, proved) && written;
}

// What nothing points to, if the options want it. False: it could not be found, which is said.
[[nodiscard]] bool prove(Reachability& proof) noexcept {
  if (!process.options().leak_proof) return false;
  const int error = process.profiler().prove(proof);
  if (error != 0) complain("no proof of leaks", strerrordesc_np(error));
  return error == 0;
}

[[nodiscard]] int write_file(std::string_view path, ProfileFormat format) noexcept {
  MappedOutput mapped;
  if (mapped.file == nullptr) return ENOMEM;
  os::FileOutput& file = *mapped.file;
  if (!file.create(path)) return file.error();
  Reachability proof;
  const Reachability* proved = prove(proof) ? &proof : nullptr;
  Output out = file.output();
  const bool written = write_report_now(proved, format, out);
  if (written && file.finish()) {
    process.profile_quota().note_bytes(file.written_bytes());
    return 0;
  }
  return file.error() != 0 ? file.error() : ENOMEM;
}

void report_in_form(std::string_view ending, ProfileFormat format) noexcept {
  ProfilePath path;
  const std::string_view name = expand_profile_path(ending, path);
  if (name.empty()) return;
  const int error = write_file(name, format);
  if (error != 0) complain(name, strerrordesc_np(error));
}

}  // namespace

int dump_leaks(const char* path, ProfileFormat format) noexcept {
  if (!process.profiler().begun()) return ENOENT;
  const SlowPath slow_path;
  if (!slow_path.entered()) return EBUSY;
  if (path != nullptr) return write_file(path, format);
  if (!may_write_profile()) return EDQUOT;
  ProfilePath expanded;
  const std::string_view name =
      expand_profile_path(format == ProfileFormat::kJson ? ".leaks.json" : ".leaks.txt", expanded);
  return name.empty() ? EINVAL : write_file(name, format);
}

int write_leaks(ProfileFormat format, bool is_proved, Output& out) noexcept {
  const SlowPath slow_path;
  if (!slow_path.entered()) return EBUSY;
  Reachability proof;
  if (is_proved) {
    if (const int error = process.profiler().prove(proof); error != 0) return error;
  }
  return write_report_now(is_proved ? &proof : nullptr, format, out) ? 0 : ENOMEM;
}

void report_leaks_at_exit() noexcept {
  const Options& options = process.options();
  if (!options.leak_report_at_exit || !process.profiler().begun()) return;
  report_in_form(".leaks.txt", ProfileFormat::kText);
  if (options.leak_report_json) report_in_form(".leaks.json", ProfileFormat::kJson);
}

}  // namespace luna

extern "C" [[gnu::visibility("default")]] int luna_leaks_dump(const char* path,
                                                              luna_profile_format format) {
  static_assert(LUNA_PROFILE_JSON == static_cast<int>(luna::ProfileFormat::kJson));
  static_assert(LUNA_PROFILE_TEXT == static_cast<int>(luna::ProfileFormat::kText));
  if (format != LUNA_PROFILE_JSON && format != LUNA_PROFILE_TEXT) return EINVAL;
  return luna::dump_leaks(path, static_cast<luna::ProfileFormat>(format));
}
