// SPDX-License-Identifier: MIT
// The file in which a run-time compiler names the code that it makes, in the form that perf
// reads: /tmp/perf-PID.map.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace luna::os {

struct PerfMapLine {
  std::uintptr_t begin = 0;
  std::uintptr_t bytes = 0;
  std::string_view name;
};

// A line is: begin bytes name, the numbers in hexadecimal digits. False: this is none.
[[nodiscard]] bool parse_perf_map_line(std::string_view text, PerfMapLine& line) noexcept;

// Goes through the lines of this process's file, and leaves out what is none. What others than
// the process's own user wrote is not read, nor is more than the last kMostBytes: they are the
// newest. Owns the open file. Slow: system calls.
class PerfMapReader {
 public:
  static constexpr std::size_t kMostBytes = std::size_t{64} << 20;

  // Longer lines are cut, if they have room for the numbers. Requires: 128 bytes or more.
  PerfMapReader(char* buffer, std::size_t capacity) noexcept;
  ~PerfMapReader();

  PerfMapReader(const PerfMapReader&) = delete;
  PerfMapReader& operator=(const PerfMapReader&) = delete;

  [[nodiscard]] bool is_open() const noexcept { return file_ >= 0; }

  // False after the last one. The name is good until the next call.
  [[nodiscard]] bool next(PerfMapLine& line) noexcept;

 private:
  void open() noexcept;
  [[nodiscard]] bool take_line(std::string_view& line) noexcept;
  [[nodiscard]] bool read_more() noexcept;

  long file_ = -1;
  char* buffer_;
  std::size_t capacity_;
  std::size_t taken_ = 0;   // bytes of the buffer that are done with
  std::size_t length_ = 0;  // bytes in the buffer
  std::size_t left_ = 0;    // bytes of the file that may still be read
  bool is_rest_ = false;    // what follows is the rest of a line that was cut
};

}  // namespace luna::os
