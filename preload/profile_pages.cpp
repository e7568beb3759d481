// SPDX-License-Identifier: MIT
#include "preload/profile_pages.hpp"

#include "preload/leaks.hpp"
#include "preload/process.hpp"
#include "preload/profile.hpp"
#include "preload/server.hpp"
#include "preload/slow_path.hpp"
#include "telemetry/profile_writer.hpp"

#include <errno.h>
#include <string.h>

namespace luna {

namespace {

// A profile that is being recorded for somebody; the server's thread alone knows of it.
struct Recording {
  bool is_on = false;
  bool has_begun_samples = false;
};
constinit Recording recording;

[[nodiscard]] std::string_view type_of(ProfileFormat format) noexcept {
  if (format == ProfileFormat::kPprof) return "application/octet-stream";
  return format == ProfileFormat::kJson ? kJsonType : kPlainText;
}

void write_profile_of(Exchange& exchange, ProfileKind kind, ProfileFormat format,
                      std::string_view first_column = {}) noexcept {
  exchange.response.type = type_of(format);
  bool written = false;
  const SlowPath path;
  const auto write = [&](const Profile& profile) noexcept {
    Profile shown = profile;
    shown.first_column = first_column;
    written = write_profile(shown, format, exchange.out);
  };
  const bool taken = path.entered() && process.profiler().with_profile(write, kind);
  // What was written of it is dropped with the connection's memory: out is not ok.
  if (!taken || (!written && exchange.out.ok()))
    refuse(exchange, 503).add("there is no memory for the profile\n");
}

// The parameter `name`; what is not there is empty.
class Parameter {
 public:
  Parameter(const Exchange& exchange, std::string_view name) noexcept {
    is_there_ = find_parameter(exchange.request.query, name, buffer_, value_);
  }
  // Or is not there.
  [[nodiscard]] bool is(std::string_view value) const noexcept {
    return !is_there_ || value_ == value;
  }
  [[nodiscard]] bool is_there() const noexcept { return is_there_; }
  [[nodiscard]] std::string_view value() const noexcept { return value_; }

 private:
  std::array<char, HttpRequest::kMaxBodyBytes> buffer_;
  std::string_view value_;
  bool is_there_;
};

// False, and the request is refused: the parameters `format`, or `debug` of pprof, make no sense.
[[nodiscard]] bool read_format(Exchange& exchange, ProfileFormat& format) noexcept {
  const Parameter debug(exchange, "debug");
  const Parameter name(exchange, "format");
  format = debug.is_there() && debug.value() == "1" ? ProfileFormat::kText : ProfileFormat::kPprof;
  if (!debug.is("0") && !debug.is("1")) {
    refuse(exchange, 400).add("debug wants 0 or 1\n");
    return false;
  }
  if (!name.is_there() || find_format(name.value(), format)) return true;
  refuse(exchange, 400).add("format wants pprof, collapsed, heap_v2, gperftools, json or text\n");
  return false;
}

// The same of the parameter `kind`, which the format has to know.
[[nodiscard]] bool read_kind(Exchange& exchange, ProfileFormat format, ProfileKind& kind) noexcept {
  const Parameter name(exchange, "kind");
  Output& out = exchange.out;
  if (name.is_there() && !find_kind(name.value(), kind)) {
    refuse(exchange, 400).add("kind wants heap, peak, growth, lifetimes or temporary\n");
    return false;
  }
  if (can_say(format, kind)) return true;
  refuse(exchange, 400);
  out.add(info_of(format).name).add(" cannot say this kind; it knows heap and peak\n");
  return false;
}

// False, and the request is refused: samples were never taken.
[[nodiscard]] bool has_samples(Exchange& exchange) noexcept {
  if (process.profiler().begun()) return true;
  refuse(exchange, 409)
      .add(
          "no samples were ever taken. Switch them on: PUT true to /control/profile.active, or "
          "start the program with LUNALLOC_CONF=profile:true\n");
  return false;
}

// 0: the request is refused.
[[nodiscard]] std::uint64_t read_seconds(Exchange& exchange) noexcept {
  constexpr std::uint64_t kMost = 600;
  std::array<char, HttpRequest::kMaxBodyBytes> buffer;
  std::string_view text;
  std::uint64_t seconds = 0;
  if (find_parameter(exchange.request.query, "seconds", buffer, text) &&
      read_number(text, seconds) && seconds != 0 && seconds <= kMost)
    return seconds;
  refuse(exchange, 400).add("want seconds=1 to seconds=600\n");
  return 0;
}

}  // namespace

void answer_heap(Exchange& exchange) noexcept {
  ProfileFormat format;
  ProfileKind kind = ProfileKind::kHeap;
  if (read_format(exchange, format) && read_kind(exchange, format, kind) && has_samples(exchange))
    write_profile_of(exchange, kind, format);
}

void answer_leaks(Exchange& exchange) noexcept {
  const Parameter name(exchange, "format");
  const Parameter proof(exchange, "prove");
  if (!(name.is("text") || name.is("json")) || !(proof.is("0") || proof.is("1"))) {
    refuse(exchange, 400).add("format wants text or json, and prove 0 or 1\n");
    return;
  }
  if (!has_samples(exchange)) return;
  const bool is_json = name.is_there() && name.value() == "json";
  const ProfileFormat format = is_json ? ProfileFormat::kJson : ProfileFormat::kText;
  exchange.response.type = type_of(format);
  const bool is_proved = proof.is_there() && proof.value() == "1";
  const int error = write_leaks(format, is_proved, exchange.out);
  if (error != 0 && exchange.out.ok())
    refuse(exchange, 503).add("no report of leaks: ").add(strerrordesc_np(error)).add("\n");
}

void answer_allocs(Exchange& exchange) noexcept {
  ProfileFormat format;
  if (!read_format(exchange, format)) return;
  if (!can_say(format, ProfileKind::kGrowth)) {
    refuse(exchange, 400).add(info_of(format).name).add(" cannot say what grew\n");
    return;
  }
  const std::uint64_t seconds = read_seconds(exchange);
  if (seconds == 0) return;
  if (exchange.is_again) {
    write_profile_of(exchange, ProfileKind::kGrowth, format, "alloc_space");
    return end_recording();
  }
  if (recording.is_on) {
    refuse(exchange, 409).add("somebody else is recording; there is one at a time\n");
    return;
  }
  if (!process.profiler().running()) {
    if (const int error = start_profile(0); error != 0) {
      refuse(exchange, 503).add("no samples: ").add(strerrordesc_np(error)).add("\n");
      return;
    }
    recording.has_begun_samples = true;
  }
  recording.is_on = true;
  static_cast<void>(mark_profile());
  exchange.response.later_ms = seconds * 1000;
}

void end_recording() noexcept {
  if (recording.has_begun_samples && !process.options().profile) stop_profile();
  recording = {};
}

// The caller is in a slow path, where stop_profile() does nothing.
void resume_endpoints_in_child() noexcept {
  if (recording.has_begun_samples && !process.options().profile) process.profiler().stop();
  recording = {};
}

}  // namespace luna
