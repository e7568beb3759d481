// SPDX-License-Identifier: MIT
// The control socket of a process that has none on, at a path of ours, for as long as somebody
// needs it: $XDG_RUNTIME_DIR or /tmp, then lunalloc-UID/PID.socket, in a folder with mode 0700.
#pragma once

#include "process_files.hpp"
#include "signal_watch.hpp"

#include <sys/types.h>

#include <chrono>
#include <string>

namespace luna::tool {

// Opens the socket at `path`, as the process sees it, if it is that process who listens there; or
// returns -1.
[[nodiscard]] int connect_to(pid_t process, const std::string& path);

// The folder that both see.
class PrivateFolder {
 public:
  PrivateFolder(pid_t process, const ProcessStatus& status);
  ~PrivateFolder();
  PrivateFolder(const PrivateFolder&) = delete;
  PrivateFolder& operator=(const PrivateFolder&) = delete;

  // Makes it if it is not there, or not any more. Throws AttachError.
  void open();
  [[nodiscard]] int descriptor() const noexcept { return folder_; }
  // As the process sees it.
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  // If nothing is in it.
  void remove() const;

 private:
  [[nodiscard]] bool is_of_its_user(bool is_new) const;
  void close();

  pid_t process_;
  ProcessStatus status_;
  std::string base_path_;
  int base_ = -1;
  int folder_ = -1;
  std::string name_;
  std::string path_;
};

// Several commands may share the socket: each holds a lock on a file beside it, and who could have
// that lock alone at its end switches the socket off.
class PrivateSocket {
 public:
  // Where it would be, as the process sees it.
  [[nodiscard]] static std::string path_for(pid_t process, const ProcessStatus& status);

  // Switches it on, unless it is. Throws AttachError and Interrupted.
  PrivateSocket(pid_t process, const ProcessStatus& status, std::chrono::milliseconds patience);
  ~PrivateSocket();
  PrivateSocket(const PrivateSocket&) = delete;
  PrivateSocket& operator=(const PrivateSocket&) = delete;

  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  using Clock = std::chrono::steady_clock;

  void begin(Clock::time_point end);
  void open_lock();
  [[nodiscard]] bool has_lock_of_path() const;
  void switch_on(Clock::time_point end);
  void switch_off();
  [[nodiscard]] bool is_switched_off_by_request() noexcept;
  void leave() noexcept;

  SignalWatch watch_;
  pid_t process_;
  PrivateFolder folder_;
  std::string lock_name_;
  std::string socket_name_;
  std::string path_;
  std::string before_ = "off";  // what the control was
  int lock_ = -1;
  enum class State : char { kOff, kAsked, kOn } state_ = State::kOff;
};

}  // namespace luna::tool
