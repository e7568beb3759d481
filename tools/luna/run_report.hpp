// SPDX-License-Identifier: MIT
// What `luna run --report` asks of the program while it runs, and makes of what it left.
#pragma once

#include "report/report_data.hpp"

#include <sys/types.h>

#include <atomic>
#include <filesystem>
#include <string>
#include <thread>

namespace luna::tool {

// For LUNALLOC_CONF: what a report wants beside a profile, in files of that folder.
[[nodiscard]] std::string report_options(const std::filesystem::path& folder);

// Asks the process at its socket in that folder for statistics and the map of its pages, in a
// thread, until it is told to end. A process that does not serve has none.
class RunWatch {
 public:
  explicit RunWatch(std::filesystem::path folder) : folder_(std::move(folder)) {}
  ~RunWatch() { end(); }
  RunWatch(const RunWatch&) = delete;
  RunWatch& operator=(const RunWatch&) = delete;

  // Once. Signals that the caller has blocked do not reach the thread.
  void begin(pid_t process);

  // Writes what was told into the folder: PID.timeline.json and PID.map.json.
  void end();

 private:
  void watch(const std::string& process);

  std::filesystem::path folder_;
  std::atomic<bool> ends_ = false;
  std::thread thread_;
};

// Copies that into another folder, under the name of the profile: app.4711.box and its like.
void keep_run(const std::filesystem::path& folder, pid_t process,
              const std::filesystem::path& profile, const std::filesystem::path& to);

// What the process left in the folder for itself, and its profile.
[[nodiscard]] ReportData read_run(const std::filesystem::path& folder, pid_t process,
                                  const std::filesystem::path& profile);

}  // namespace luna::tool
