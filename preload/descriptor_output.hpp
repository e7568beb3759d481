// SPDX-License-Identifier: MIT
// What is written to a file descriptor of the program's, a few lines at a time. errno stays as it
// was.
#pragma once

#include "base/output.hpp"
#include "os/system_call.hpp"

#include <errno.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <string_view>

namespace luna {

class DescriptorOutput {
 public:
  explicit DescriptorOutput(int file) noexcept : file_(file) {}

  [[nodiscard]] Output output() noexcept { return {&DescriptorOutput::write, this}; }

  // Writes the rest. Returns 0, or what failed first.
  [[nodiscard]] int finish() noexcept {
    flush();
    return error_;
  }

 private:
  static bool write(void* self, std::string_view bytes) noexcept {
    auto& out = *static_cast<DescriptorOutput*>(self);
    while (!bytes.empty() && out.error_ == 0) {
      const std::size_t length = bytes.copy(&out.buffer_[out.length_], kBytes - out.length_);
      out.length_ += length;
      bytes.remove_prefix(length);
      if (out.length_ == kBytes) out.flush();
    }
    return out.error_ == 0;
  }

  void flush() noexcept {
    for (std::size_t done = 0; done < length_ && error_ == 0;) {
      // Not write(2) of the C library, where a thread may be cancelled.
      const long written = os::system_call(SYS_write, file_, &buffer_[done], length_ - done);
      if (written > 0)
        done += static_cast<std::size_t>(written);
      else if (written != -EINTR)
        error_ = written == 0 ? EIO : static_cast<int>(-written);
    }
    length_ = 0;
  }

  static constexpr std::size_t kBytes = 2048;

  int file_;
  int error_ = 0;
  std::size_t length_ = 0;
  std::array<char, kBytes> buffer_;
};

}  // namespace luna
