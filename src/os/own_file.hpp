// SPDX-License-Identifier: MIT
// A descriptor of the library's own that stays open, in a program that may close all that it
// finds and use the number for a file of its own.
#pragma once

#include "os/kernel_file.hpp"

#include <atomic>
#include <cstdint>

namespace luna::os {

// What tells it from the file that another may have under its number by now.
struct FileIdentity {
  [[nodiscard]] bool operator==(const FileIdentity&) const noexcept = default;

  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t event = kUnknown;  // of an eventfd, which all have one inode
};

// Threads: one at a time, but for number(), which others may look at.
class OwnFile {
 public:
  // Out of the way of programs that count on the lowest numbers.
  static constexpr int kLowestNumber = 700;

  constexpr OwnFile() noexcept = default;
  OwnFile(const OwnFile&) = delete;
  OwnFile& operator=(const OwnFile&) = delete;

  // Takes over what was just opened, under a high number. False: it is an error, or there are no
  // high numbers; then it is closed. Requires: nothing is open here.
  [[nodiscard]] bool adopt(long opened) noexcept;

  [[nodiscard]] bool is_open() const noexcept { return number() >= 0; }
  [[nodiscard]] int number() const noexcept { return after_.load(std::memory_order_relaxed) - 1; }
  [[nodiscard]] const FileIdentity& identity() const noexcept { return identity_; }

  // Whether the number still is that of what was adopted.
  [[nodiscard]] bool is_ours() const noexcept;

  // Closes it, unless the number is another's by now.
  void close() noexcept;

  // It is not there any more: in the child of a fork, where a thread with a table of descriptors
  // of its own had it.
  void forget() noexcept { after_.store(0, std::memory_order_relaxed); }

 private:
  // Zeros at first, so that it can lie in memory that a process does not have yet.
  std::atomic<int> after_{0};  // its number and 1; 0: nothing is open
  FileIdentity identity_{.event = 0};
};

// Whether the number is that of a socket with this inode, whose number has 32 bits. One system
// call: for use inside malloc.
[[nodiscard]] bool is_socket(int number, std::uint32_t inode) noexcept;

}  // namespace luna::os
