// SPDX-License-Identifier: MIT
// How many files, and how many bytes, a process may write without being told where to.
#pragma once

#include "base/relaxed.hpp"

#include <atomic>
#include <cstdint>

namespace luna {

// Threads: any.
class FileQuota {
 public:
  constexpr FileQuota() noexcept = default;
  FileQuota(const FileQuota&) = delete;
  FileQuota& operator=(const FileQuota&) = delete;

  void set(std::uint64_t files, std::uint64_t bytes) noexcept {
    max_files_ = files;
    max_bytes_ = bytes;
    told_.store(false, std::memory_order_relaxed);
  }

  // Takes one file of it, whether or not it can be written. False: nothing is left.
  [[nodiscard]] bool take() noexcept {
    if (bytes_.load(std::memory_order_relaxed) >= max_bytes_) return false;
    std::uint64_t files = files_.load(std::memory_order_relaxed);
    do {
      if (files >= max_files_) return false;
    } while (!files_.compare_exchange_weak(files, files + 1, std::memory_order_relaxed));
    return true;
  }

  // The file came to have so many.
  void note_bytes(std::uint64_t bytes) noexcept {
    bytes_.fetch_add(bytes, std::memory_order_relaxed);
  }

  // Whether it is to be told that nothing is left: once.
  [[nodiscard]] bool tells() noexcept { return !told_.exchange(true, std::memory_order_relaxed); }

  // The child of a fork has one of its own.
  void resume_child() noexcept {
    files_.store(0, std::memory_order_relaxed);
    bytes_.store(0, std::memory_order_relaxed);
    told_.store(false, std::memory_order_relaxed);
  }

 private:
  Relaxed<std::uint64_t> max_files_ = UINT64_MAX;
  Relaxed<std::uint64_t> max_bytes_ = UINT64_MAX;
  std::atomic<std::uint64_t> files_{0};
  std::atomic<std::uint64_t> bytes_{0};
  std::atomic<bool> told_{false};
};

}  // namespace luna
