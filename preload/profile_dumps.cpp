// SPDX-License-Identifier: MIT
#include "preload/profile_dumps.hpp"

#include "os/clock.hpp"
#include "os/request_signal.hpp"
#include "preload/black_box.hpp"
#include "preload/process.hpp"
#include "preload/profile.hpp"
#include "preload/profile_file.hpp"

#include <errno.h>
#include <string.h>

namespace luna {

namespace {

constexpr std::uint64_t kMostMebibytes = std::uint64_t{1} << 40;

[[nodiscard]] std::uint64_t mebibytes(std::uint64_t count) noexcept {
  return (count < kMostMebibytes ? count : kMostMebibytes) << 20;
}

// Nothing but this is safe here.
void on_request(int) noexcept { process.profiler().triggers().request(); }

void begin_signal(std::uint64_t signal) noexcept {
  switch (os::handle_request(signal, on_request)) {
    case os::RequestSignal::kUnfit:
      return complain("option \"profile_signal\"",
                      "wants a signal such as 10 or 12; it is ignored");
    case os::RequestSignal::kTaken:
      return complain("option \"profile_signal\"",
                      "the signal has a handler already; it is ignored");
    case os::RequestSignal::kDone:
      return;
  }
}

}  // namespace

void begin_profile_dumps() noexcept {
  const Options& options = process.options();
  if (!options.enabled) return;
  apply_dump_limits();
  if (options.profile_signal != 0) begin_signal(options.profile_signal);
}

void apply_dump_limits() noexcept {
  const Options& options = process.options();
  process.profile_quota().set(options.profile_max_files, mebibytes(options.profile_max_mib));
  process.profiler().triggers().set(
      {mebibytes(options.profile_growth_mib), options.profile_peak_percent});
  process.limit_watch().set(options.profile_near_limit_percent);
}

void write_due_profile() noexcept {
  DumpTriggers& triggers = process.profiler().triggers();
  if (!triggers.begin_dump()) return;
  const Options& options = process.options();
  const DumpReason reason =
      triggers.take_near_limit() ? DumpReason::kNearLimit : DumpReason::kAsked;
  const int error = dump_named_profile(reason, options.profile_kind, options.profile_format);
  // Of a wrong name and of the quota stderr knows already.
  if (error != 0 && error != EDQUOT && error != EINVAL)
    complain("no profile was written", strerrordesc_np(error));
  triggers.end_dump();
}

void watch_memory_limit() noexcept {
  LimitWatch& watch = process.limit_watch();
  const std::uint64_t now_ms = os::coarse_milliseconds();
  if (!watch.is_due(now_ms) || !process.profiler().begun()) return;
  if (!watch.review({}, now_ms)) return;
  process.profiler().triggers().request_near_limit();
  note_near_limit();
}

bool may_write_profile() noexcept {
  FileQuota& quota = process.profile_quota();
  if (quota.take()) return true;
  if (quota.tells())
    complain("no more profiles are written", "profile_max_files or profile_max_mib is reached");
  return false;
}

}  // namespace luna
