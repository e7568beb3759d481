// SPDX-License-Identifier: MIT
#include "exporter.hpp"

#include "metric_page.hpp"
#include "printable.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <functional>
#include <iomanip>
#include <sstream>
#include <system_error>
#include <utility>

namespace luna::tool {

namespace {

constexpr std::size_t kMostAtOnce = 32;  // processes of a page
constexpr std::ptrdiff_t kMostPages = 4;
constexpr std::size_t kMostBytes = std::size_t{8} << 20;  // of one process
constexpr std::chrono::seconds kLook{3};                  // a look is at all processes
constexpr std::chrono::seconds kTryAgain{30};

// Calls it for 0 to count - 1, at the same time as far as there can be threads, and waits for all.
void at_once(std::size_t count, const std::function<void(std::size_t)>& work) {
  std::atomic<std::size_t> next = 0;
  const auto work_on = [&] {
    for (std::size_t place = next++; place < count; place = next++) work(place);
  };
  std::vector<std::jthread> threads;
  try {
    for (std::size_t i = 1; i < std::min(count, kMostAtOnce); ++i) threads.emplace_back(work_on);
  } catch (const std::system_error&) {
    // Those that there are do it.
  }
  work_on();
}

// One of the pages that are made at the same time.
class Turn {
 public:
  explicit Turn(std::counting_semaphore<>& pages) : pages_(pages) { pages_.acquire(); }
  ~Turn() { pages_.release(); }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

 private:
  std::counting_semaphore<>& pages_;
};

[[nodiscard]] bool is_stopped(const ProcessStatus& status) {
  return status.state == 'T' || status.state == 't';
}

[[nodiscard]] const char* reason_of(const AttachError& error) {
  if (dynamic_cast<const ServesNot*>(&error) != nullptr) return "no_socket";
  if (error.status() == AttachError::kNoAnswer) return "no_answer";
  return error.status() == AttachError::kMistakes ? "refused" : "unreachable";
}

[[nodiscard]] std::string labels_of(const LunaProcess& process) {
  return "pid=\"" + std::to_string(process.number) + "\",comm=\"" +
         label_value(process.status.name) + "\"";
}

[[nodiscard]] std::string head_of(const std::string& name, const std::string& help) {
  return "# HELP " + name + " " + help + "\n# TYPE " + name + " gauge\n";
}

}  // namespace

struct Exporter::Asked {
  LunaProcess process;
  std::string labels;
  std::string answer;
  std::string reason;  // empty: it has answered
};

Exporter::Exporter(ExporterChoice choice)
    : choice_(std::move(choice)),
      pages_(kMostPages),
      keeper_([this](const std::stop_token& stop) { keep(stop); }) {}

Exporter::~Exporter() {
  keeper_.request_stop();
  keeper_.join();
  for (auto& [process, reached] : reached_) dropped_.push_back(std::move(reached));
  reached_.clear();
  drop();
}

std::vector<LunaProcess> Exporter::processes() const {
  std::vector<LunaProcess> all = processes_on_lunalloc();
  const auto& names = choice_.names;
  if (!names.empty())
    std::erase_if(all, [&](const LunaProcess& process) {
      return std::find(names.begin(), names.end(), process.status.name) == names.end();
    });
  return all;
}

std::string Exporter::metrics(bool is_open) {
  const Clock::time_point begin = Clock::now();
  const Turn turn(pages_);
  std::vector<Asked> all;
  for (LunaProcess& process : processes()) all.push_back({process, labels_of(process), {}, {}});
  ask_all(all, is_open ? "application/openmetrics-text" : "text/plain");
  MetricPage page;
  std::string up = head_of("luna_up", "Whether the process has answered");
  std::string why = head_of("luna_not_reached", "1 for each process that has not answered");
  for (Asked& asked : all) {
    if (asked.reason.empty() && !page.add(asked.answer, asked.labels)) asked.reason = "malformed";
    const bool is_up = asked.reason.empty();
    up += "luna_up{" + asked.labels + "} " + (is_up ? "1\n" : "0\n");
    if (!is_up) why += "luna_not_reached{" + asked.labels + ",reason=\"" + asked.reason + "\"} 1\n";
  }
  const std::chrono::duration<double> took = Clock::now() - begin;
  return page.text() + up + why +
         head_of("luna_scrape_duration_seconds", "How long this page took") +
         "luna_scrape_duration_seconds " + std::to_string(took.count()) + "\n" +
         (is_open ? "# EOF\n" : "");
}

void Exporter::ask_all(std::vector<Asked>& all, const std::string& type) {
  std::vector<LunaProcess> processes;
  for (const Asked& asked : all) processes.push_back(asked.process);
  forget_ended(processes);
  at_once(all.size(), [&](std::size_t place) { ask(all[place], type); });
}

void Exporter::ask(Asked& asked, const std::string& type) {
  const LunaProcess& process = asked.process;
  if (is_stopped(process.status)) {
    asked.reason = "stopped";
  } else if (!process.serves) {
    asked.reason = process.unreachable.empty() ? "no_socket" : "unreachable";
  } else {
    try {
      asked.answer = read_metrics(process.number, type);
    } catch (const AttachError& error) {
      asked.reason = reason_of(error);
    } catch (const std::exception&) {
      asked.reason = "unreachable";
    }
  }
}

// What was reached may have moved its socket, so that it is looked for once more.
std::string Exporter::read_metrics(pid_t process, const std::string& type) {
  const HttpQuestion question = {"GET", "/metrics", {}, type, kMostBytes};
  if (const Reached reached = known(process)) try {
      return ReachedProcess::body_of(reached->ask(question));
    } catch (const AttachError& error) {
      if (error.status() != AttachError::kUnreachable) throw;
      forget(process, reached);
    }
  const Reached reached =
      remember(process, std::make_shared<const ReachedProcess>(process, choice_.patience,
                                                               ReachedProcess::Means::kAsItIs));
  return ReachedProcess::body_of(reached->ask(question));
}

Exporter::Reached Exporter::known(pid_t process) {
  const std::scoped_lock held(lock_);
  const auto place = reached_.find(process);
  return place == reached_.end() ? nullptr : place->second;
}

// Whoever was first stays.
Exporter::Reached Exporter::remember(pid_t process, Reached reached) {
  const std::scoped_lock held(lock_);
  return reached_.emplace(process, std::move(reached)).first->second;
}

void Exporter::forget(pid_t process, const Reached& reached) {
  const std::scoped_lock held(lock_);
  const auto place = reached_.find(process);
  if (place == reached_.end() || place->second != reached) return;
  dropped_.push_back(std::move(place->second));
  reached_.erase(place);
}

void Exporter::forget_ended(const std::vector<LunaProcess>& processes) {
  const std::scoped_lock held(lock_);
  for (auto place = reached_.begin(); place != reached_.end();) {
    const bool is_there =
        std::any_of(processes.begin(), processes.end(),
                    [&](const LunaProcess& process) { return process.number == place->first; });
    if (is_there) {
      ++place;
      continue;
    }
    dropped_.push_back(std::move(place->second));
    place = reached_.erase(place);
  }
}

// Away from those who wait for a page.
void Exporter::keep(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    drop();
    if (choice_.attaches) attach_all(stop);
    std::unique_lock held(lock_);
    changed_.wait_for(held, stop, kLook, [] { return false; });
  }
}

void Exporter::drop() {
  std::vector<Reached> dropped;
  {
    const std::scoped_lock held(lock_);
    dropped.swap(dropped_);
  }
  at_once(dropped.size(), [&](std::size_t place) { dropped[place].reset(); });
}

void Exporter::attach_all(const std::stop_token& stop) {
  const Clock::time_point now = Clock::now();
  std::erase_if(try_next_, [now](const auto& entry) { return entry.second <= now; });
  std::vector<pid_t> due;
  for (const LunaProcess& process : processes())
    if (process.unreachable.empty() && !is_stopped(process.status) &&
        !try_next_.contains(process.number) && !known(process.number))
      due.push_back(process.number);
  for (const pid_t process : due) try_next_[process] = now + kTryAgain;
  at_once(due.size(), [&](std::size_t place) {
    if (!stop.stop_requested()) attach(due[place]);
  });
}

// What does not answer now is asked again later.
void Exporter::attach(pid_t process) {
  try {
    static_cast<void>(
        remember(process, std::make_shared<const ReachedProcess>(process, choice_.patience)));
  } catch (const std::exception&) {
    return;
  }
}

std::string Exporter::list() const {
  std::ostringstream text;
  text << "luna serve\n\n"
          "GET /metrics  of all processes below, for Prometheus, also as OpenMetrics\n"
          "GET /healthz  whether this server answers\n\n"
          "    PID STATE   NAME\n";
  for (const LunaProcess& process : processes()) {
    const char* state = process.unreachable.empty() ? "ready" : "closed";
    if (process.serves) state = "socket";
    if (is_stopped(process.status)) state = "stopped";
    text << std::setw(7) << process.number << ' ' << std::left << std::setw(8) << state
         << std::right << printable(process.status.name) << '\n';
  }
  return text.str();
}

}  // namespace luna::tool
