// SPDX-License-Identifier: MIT
// Memory of another process, read and written by its addresses.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>

namespace luna::tool {

class RemoteMemory {
 public:
  explicit RemoteMemory(pid_t process) noexcept : process_(process) {}

  // All of it or nothing; false: error() says why, EFAULT where nothing is mapped.
  [[nodiscard]] bool read(std::uint64_t address, void* to, std::size_t bytes) const noexcept;
  [[nodiscard]] bool write(std::uint64_t address, const void* from,
                           std::size_t bytes) const noexcept;

  // A value of errno, of what failed last.
  [[nodiscard]] int error() const noexcept { return error_; }

 private:
  pid_t process_;
  mutable int error_ = 0;
};

}  // namespace luna::tool
