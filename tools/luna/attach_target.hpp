// SPDX-License-Identifier: MIT
// A process that can be asked by include/lunalloc/attach.h: found, checked, asked.
#pragma once

#include "remote_memory.hpp"

#include <lunalloc/attach.h>
#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace luna::tool {

class AttachError : public std::runtime_error {
 public:
  // Of the command.
  enum Status { kDone, kMistakes, kUsage, kUnreachable, kNoAnswer };

  AttachError(Status status, const std::string& what) : std::runtime_error(what), status_(status) {}
  [[nodiscard]] Status status() const noexcept { return status_; }

 private:
  Status status_;
};

// Nobody came by who could carry the request out.
struct NobodyCame : AttachError {
  using AttachError::AttachError;
};

struct Answer {
  std::string text;
  std::uint32_t mistakes = 0;
  bool is_cut = false;
  bool replaced = false;  // a request that somebody had left there
};

class AttachTarget {
 public:
  // Finds what the library exports. Throws AttachError, which says why it cannot be reached.
  explicit AttachTarget(pid_t process);

  // Throws AttachError, and Interrupted of signal_watch.hpp.
  [[nodiscard]] Answer ask(std::string_view request, std::chrono::milliseconds patience);

 private:
  using Clock = std::chrono::steady_clock;

  void find();
  [[nodiscard]] static bool is_ours(const luna_attach& header) noexcept;
  [[nodiscard]] bool has_sound_header(std::uint64_t header);
  void write_request(std::string_view request, std::uint64_t number);
  [[nodiscard]] bool wait_for(std::uint64_t number, Clock::time_point end);
  [[nodiscard]] luna_attach read_header();
  [[noreturn]] void throw_why_not(int error) const;
  [[noreturn]] void throw_no_answer() const;

  pid_t process_;
  std::string name_;  // process N
  RemoteMemory memory_;
  std::uint64_t header_ = 0;  // addresses there
  std::uint64_t text_ = 0;
};

}  // namespace luna::tool
