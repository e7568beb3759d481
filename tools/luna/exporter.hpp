// SPDX-License-Identifier: MIT
// The metrics of all processes on lunalloc, asked at the same time, as one page. docs/luna.md.
#pragma once

#include "process_list.hpp"
#include "reach.hpp"

#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <semaphore>
#include <string>
#include <thread>
#include <vector>

namespace luna::tool {

struct ExporterChoice {
  std::chrono::milliseconds patience;  // with each process
  bool attaches = false;               // switches sockets on where there are none
  std::vector<std::string> names;      // of the processes; empty: all
};

// Threads: any. Signals that SignalWatch waits for must be blocked in all of them.
class Exporter {
 public:
  explicit Exporter(ExporterChoice choice);
  // Switches off what it has switched on.
  ~Exporter();
  Exporter(const Exporter&) = delete;
  Exporter& operator=(const Exporter&) = delete;

  // As OpenMetrics, or for Prometheus.
  [[nodiscard]] std::string metrics(bool is_open);

  // The processes and their states, for people.
  [[nodiscard]] std::string list() const;

 private:
  using Clock = std::chrono::steady_clock;
  using Reached = std::shared_ptr<const ReachedProcess>;
  struct Asked;

  [[nodiscard]] std::vector<LunaProcess> processes() const;
  void ask_all(std::vector<Asked>& all, const std::string& type);
  void ask(Asked& asked, const std::string& type);
  [[nodiscard]] std::string read_metrics(pid_t process, const std::string& type);
  [[nodiscard]] Reached known(pid_t process);
  [[nodiscard]] Reached remember(pid_t process, Reached reached);
  void forget(pid_t process, const Reached& reached);
  void forget_ended(const std::vector<LunaProcess>& processes);
  void keep(const std::stop_token& stop);
  void drop();
  void attach_all(const std::stop_token& stop);
  void attach(pid_t process);

  const ExporterChoice choice_;
  std::counting_semaphore<> pages_;
  std::mutex lock_;
  std::condition_variable_any changed_;
  std::map<pid_t, Reached> reached_;
  std::vector<Reached> dropped_;                 // whose end may take seconds
  std::map<pid_t, Clock::time_point> try_next_;  // of the keeper alone
  std::jthread keeper_;
};

}  // namespace luna::tool
