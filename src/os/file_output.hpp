// SPDX-License-Identifier: MIT
// A file that is written as a whole: under a name of its own until it is complete, so
// that nobody ever sees half of it. Readable by its owner alone.
#pragma once

#include "base/output.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace luna::os {

// Owns the open file until finish() or abandon(). Large, for the buffer is in it: not for
// the stack of a small thread. Threads: one at a time.
class FileOutput {
 public:
  FileOutput() noexcept = default;
  ~FileOutput() { abandon(); }

  FileOutput(const FileOutput&) = delete;
  FileOutput& operator=(const FileOutput&) = delete;

  // Begins the file that is going to have this path; one that has it stays until then. What
  // is no file there, such as /dev/null or a pipe, is never replaced but written to. False: it
  // cannot be created, and error() says why. Requires: none is open.
  [[nodiscard]] bool create(std::string_view path) noexcept;

  // Good as long as the file is.
  [[nodiscard]] Output output() noexcept { return {&FileOutput::write, this}; }

  // Writes the rest and gives the file its name. False: something has failed, now or
  // before; nothing is left behind, and error() says why.
  [[nodiscard]] bool finish() noexcept;

  // That the file has, or had until it was finished.
  [[nodiscard]] std::uint64_t written_bytes() const noexcept { return written_; }

  // Removes what was written so far.
  void abandon() noexcept;

  // What failed first, as a value of errno; 0: nothing.
  [[nodiscard]] int error() const noexcept { return static_cast<int>(-error_); }

 private:
  static bool write(void* file, std::string_view bytes) noexcept;
  [[nodiscard]] long open_directory(std::string_view path) noexcept;
  [[nodiscard]] long open_temporary() noexcept;
  [[nodiscard]] bool is_device(std::string_view path) const noexcept;
  [[nodiscard]] long open_device() noexcept;
  [[nodiscard]] bool flush() noexcept;
  bool fail(long error) noexcept;

  static constexpr std::size_t kBufferBytes = 16384;  // also room for the longest path
  static constexpr std::size_t kNameBytes = 256;      // the longest that a file can have

  long directory_ = -1;
  long file_ = -1;
  long error_ = 0;
  bool has_temporary_ = false;
  std::size_t length_ = 0;
  std::uint64_t written_ = 0;
  std::array<char, kNameBytes> name_;
  std::array<char, 64> temporary_;
  std::array<char, kBufferBytes> buffer_;
};

}  // namespace luna::os
