// SPDX-License-Identifier: MIT
#include "os/own_file.hpp"

#include "base/format.hpp"
#include "os/system_call.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <array>

namespace luna::os {

namespace {

// Kernels before 5.2 do not tell; there one eventfd is like another.
[[nodiscard]] std::uint64_t event_number(int file) noexcept {
  std::array<char, 48> buffer;
  Text path(buffer.data(), buffer.size());
  path.add("/proc/thread-self/fdinfo/").add_decimal(static_cast<std::uint64_t>(file));
  std::uint64_t event = kUnknown;
  const NamedNumber number = {"eventfd-id:", &event};
  read_named({{}, path.view()}, {&number, 1});
  return event;
}

[[nodiscard]] bool identify(int file, FileIdentity& identity, bool is_event) noexcept {
  struct stat status = {};
  if (system_call(SYS_fstat, file, &status) != 0) return false;
  identity = {status.st_dev, status.st_ino, kUnknown};
  if (is_event) identity.event = event_number(file);
  return true;
}

}  // namespace

bool OwnFile::adopt(long opened) noexcept {
  if (opened < 0) return false;
  const long moved = system_call(SYS_fcntl, opened, F_DUPFD_CLOEXEC, kLowestNumber);
  system_call(SYS_close, opened);
  if (moved < 0) return false;
  const int number = static_cast<int>(moved);
  if (!identify(number, identity_, true)) {
    system_call(SYS_close, number);
    return false;
  }
  after_.store(number + 1, std::memory_order_relaxed);
  return true;
}

bool OwnFile::is_ours() const noexcept {
  FileIdentity now;
  return is_open() && identify(number(), now, identity_.event != kUnknown) && now == identity_;
}

void OwnFile::close() noexcept {
  const int number = this->number();
  const bool ours = is_ours();
  forget();
  if (ours) system_call(SYS_close, number);
}

bool is_socket(int number, std::uint32_t inode) noexcept {
  struct stat status = {};
  return system_call(SYS_fstat, number, &status) == 0 && S_ISSOCK(status.st_mode) &&
         static_cast<std::uint32_t>(status.st_ino) == inode;
}

}  // namespace luna::os
