// SPDX-License-Identifier: MIT
#include "report_gather.hpp"

#include "printable.hpp"
#include "process_files.hpp"
#include "profile_file.hpp"
#include "profile_reader.hpp"
#include "report/timeline_recorder.hpp"
#include "signal_watch.hpp"

#include <algorithm>
#include <chrono>
#include <iostream>
#include <optional>
#include <sstream>
#include <thread>
#include <utility>

namespace luna::tool {

namespace {

using Json = nlohmann::ordered_json;
using Clock = TimelineRecorder::Clock;

constexpr const char* kActive = "profile.active";

[[nodiscard]] std::string trimmed(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

// Has the process take samples, until it ends.
class Sampling {
 public:
  explicit Sampling(const ReachedProcess& process) : process_(process) {
    if (trimmed(process.get(std::string("/control/") + kActive)) == "true") return;
    static_cast<void>(process.set(kActive, "true"));
    begun_ = true;
  }
  ~Sampling() {
    if (!begun_) return;
    try {
      static_cast<void>(process_.set(kActive, "false"));
    } catch (const std::exception& error) {
      std::cerr << "luna: it goes on to take samples: " << printable(error.what()) << '\n';
    }
  }
  Sampling(const Sampling&) = delete;
  Sampling& operator=(const Sampling&) = delete;

 private:
  const ReachedProcess& process_;
  bool begun_ = false;
};

class Gatherer {
 public:
  Gatherer(const ReachedProcess& process, const GatherOptions& options)
      : process_(process), options_(options) {
    const auto status = read_status(process.number());
    name_ = status ? status->name : "process";
    std::replace(name_.begin(), name_.end(), '/', '_');
    name_ += "." + std::to_string(process.number());
  }

  [[nodiscard]] ReportData gather() {
    data_.subject = name_;
    std::optional<Sampling> sampling;
    if (options_.seconds != 0) {
      sampling.emplace(process_);
      watch();
    }
    if (const auto text = page("/stats.json", "statistics", ".stats.json"))
      data_.statistics = parse(*text);
    if (const auto text = page("/debug/pprof/heap?format=json", "heap profile", ".json")) {
      std::istringstream in(*text);
      data_.profile = parse_json_profile(in);
    }
    if (const auto text = page("/debug/leaks?format=json", "report of leaks", ".leaks.json")) {
      std::istringstream in(*text);
      data_.leaks = read_leak_report(in);
    }
    if (const auto text = page("/debug/map", "map of pages", ".map.json")) data_.map = parse(*text);
    if (data_.sources.empty())
      throw AttachError(AttachError::kMistakes, "the process tells nothing for a report");
    return std::move(data_);
  }

 private:
  // Asks for statistics again and again.
  void watch() {
    TimelineRecorder recorder;
    const Clock::time_point end = Clock::now() + std::chrono::seconds(options_.seconds);
    while (Clock::now() < end) {
      SignalWatch::look();
      const Clock::time_point now = Clock::now();
      if (now < recorder.next()) {
        constexpr std::chrono::milliseconds kLook{20};
        std::this_thread::sleep_for(std::min<Clock::duration>(kLook, recorder.next() - now));
        continue;
      }
      recorder.add(parse(process_.get("/stats.json")), Clock::now() - now);
    }
    data_.timeline = recorder.json();
    note("timeline", ".timeline.json", data_.timeline.dump() + "\n");
  }

  [[nodiscard]] std::optional<std::string> page(const std::string& target, const char* what,
                                                const char* ending) {
    constexpr std::chrono::seconds kLong{60};
    HttpAnswer answer = process_.ask({"GET", target}, kLong);
    constexpr int kDone = 200;
    if (answer.status != kDone) {
      std::cerr << "luna: no " << what << ": " << printable(trimmed(answer.body)) << '\n';
      return std::nullopt;
    }
    note(what, ending, answer.body);
    return std::move(answer.body);
  }

  void note(const char* what, const char* ending, const std::string& text) {
    data_.sources.push_back({name_ + ending, what, {}});
    if (options_.folder.empty()) return;
    FileArguments file;
    file.out = options_.folder + "/" + name_ + ending;
    write_output(file, [&](std::ostream& out) { out << text; });
  }

  [[nodiscard]] static Json parse(const std::string& text) {
    Json json = Json::parse(text, nullptr, false);
    return json.is_object() ? std::move(json) : Json(nullptr);
  }

  const ReachedProcess& process_;
  const GatherOptions& options_;
  std::string name_;
  ReportData data_;
};

}  // namespace

ReportData gather_report(const ReachedProcess& process, const GatherOptions& options) {
  return Gatherer(process, options).gather();
}

}  // namespace luna::tool
