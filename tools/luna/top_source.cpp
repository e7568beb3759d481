// SPDX-License-Identifier: MIT
#include "top_source.hpp"

#include "doctor.hpp"
#include "process_files.hpp"
#include "process_symbolizer.hpp"
#include "profile_reader.hpp"
#include "verb.hpp"

#include <nlohmann/json.hpp>

#include <cstdio>
#include <sstream>
#include <utility>

namespace luna::tool {

namespace {

using nlohmann::json;

constexpr double kMiB = 1024 * 1024;

[[nodiscard]] std::string name_of(pid_t process) {
  const auto status = read_status(process);
  return ascii(status ? status->name : "process") + " (" + std::to_string(process) + ")";
}

// The values of /control by their names; what is no such list has none.
[[nodiscard]] json values_of(const std::string& list) {
  json values = json::object();
  const json controls = parse_answer(list);
  if (!controls.is_array()) return values;
  for (const json& control : controls)
    if (control.is_object() && control.contains("name") && control["name"].is_string() &&
        control.contains("value"))
      values[control["name"].get<std::string>()] = control["value"];
  return values;
}

[[nodiscard]] double number_in(const json& values, const char* name) {
  const auto found = values.find(name);
  return found != values.end() && found->is_number() ? found->get<double>() : 0;
}

// Of lines "some avg10=1.23 ..." and "full avg10=...".
void add_stalls(const MachineFiles& files, TopLook& look) {
  const std::string text = files.text("/proc/pressure/memory").value_or("");
  double percent = 0;
  const std::size_t full = text.find("full ");
  if (std::sscanf(text.c_str(), "some avg10=%lf", &percent) == 1) look.some_percent = percent;
  if (full != text.npos && std::sscanf(&text[full], "full avg10=%lf", &percent) == 1)
    look.full_percent = percent;
}

void add_cgroup(const MachineFiles& files, pid_t process, TopLook& look) {
  const std::string path = "/proc/" + std::to_string(process) + "/cgroup";
  const auto limit = find_cgroup_limit(files, files.text(path).value_or(""));
  if (limit)
    look.limits.push_back({"cgroup " + limit->folder, limit->limit_bytes, limit->used_bytes});
}

void add_own_limit(const json& values, const char* name, const char* words, TopLook& look) {
  const double bytes = number_in(values, name) * kMiB;
  const Statistics& statistics = look.statistics;
  const double used = statistics.figure("committed_bytes") - statistics.figure("retained_bytes");
  constexpr double kMost = 1e19;
  if (bytes > 0 && bytes < kMost && used >= 0 && used < kMost)
    look.limits.push_back(
        {words, static_cast<std::uint64_t>(bytes), static_cast<std::uint64_t>(used)});
}

}  // namespace

TopSource::TopSource(const ReachedProcess& process)
    : process_(process),
      watch_(process.number()),
      sampling_(process),
      symbolizer_(symbolizer_for(process.number(), {})),
      name_(name_of(process.number())) {}

TopPicture TopSource::look(bool turns_sampling) {
  constexpr std::chrono::milliseconds kForEnd{500};
  TopLook now;
  try {
    if (turns_sampling) sampling_.has_begun() ? sampling_.end() : sampling_.begin();
    now = take_look();
  } catch (const AttachError&) {
    if (watch_.has_ended(kForEnd)) throw ProcessEnded();
    throw;
  }
  TopPicture picture = make_picture(now, before_ ? &*before_ : nullptr);
  before_ = std::move(now);
  return picture;
}

TopLook TopSource::take_look() {
  TopLook look;
  if (watch_.is_stopped())
    throw AttachError(AttachError::kNoAnswer, "the process is stopped; `kill -CONT " +
                                                  std::to_string(process_.number()) +
                                                  "` lets it go on");
  look.statistics = parse_statistics(process_.get("/stats.json"));
  look.at = std::chrono::steady_clock::now();
  add_controls(look);
  add_profile(look);
  return look;
}

void TopSource::add_controls(TopLook& look) const {
  const json values = values_of(process_.get("/control"));
  look.is_sampling = values.value("profile.active", json(false)) == true;
  look.low_percent = number_in(values, "pressure.low_percent");
  look.moderate_percent = number_in(values, "pressure.moderate_percent");
  look.critical_percent = number_in(values, "pressure.critical_percent");
  look.events = number_in(values, "pressure.events");
  add_own_limit(values, "limit.soft_mib", "the heap's own (limit.soft_mib)", look);
  add_own_limit(values, "limit.hard_mib", "the heap's own (limit.hard_mib)", look);
  const MachineFiles files("/");
  add_cgroup(files, process_.number(), look);
  add_stalls(files, look);
}

void TopSource::add_profile(TopLook& look) {
  HttpAnswer answer = process_.ask({"GET", "/debug/pprof/heap?format=json"});
  constexpr int kConflict = 409;
  if (answer.status == kConflict) return;  // none were ever taken
  std::istringstream text(ReachedProcess::body_of(std::move(answer)));
  look.profile = read_profile(text);
  symbolizer_.name_frames(*look.profile);
}

}  // namespace luna::tool
