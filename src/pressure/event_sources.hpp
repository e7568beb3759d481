// SPDX-License-Identifier: MIT
// What tells of pressure at once, where looks come once a second: which files are awaited for it,
// and what it means that one has something to tell. os/pressure_events.hpp opens them.
#pragma once

#include "os/cgroup.hpp"
#include "os/pressure_events.hpp"
#include "os/worker_thread.hpp"
#include "pressure/levels.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace luna {

// What the environment of a service says: the variables MEMORY_PRESSURE_WATCH and
// MEMORY_PRESSURE_WRITE. Copied, for programs write over their environment.
class ServiceWatch {
 public:
  // Without a path, or with one that there is no room for, nothing is set. What is to be written
  // is in base 64; where that makes no sense nothing is awaited.
  void set(std::string_view path, std::string_view base64) noexcept;

  // Then nothing else is awaited.
  [[nodiscard]] bool is_set() const noexcept { return length_ != 0; }
  [[nodiscard]] bool is_off() const noexcept;
  [[nodiscard]] os::WatchedPath path() const noexcept {
    return {{path_.data(), length_}, {bytes_.data(), count_}};
  }

 private:
  std::size_t length_ = 0;
  std::size_t count_ = 0;
  bool is_broken_ = false;  // what is to be written is no base 64
  std::array<char, 240> path_{};
  std::array<char, 64> bytes_{};
};

// Threads: that which sleeps with the files, or an os::FileThread for it, then all of the time;
// but the counts any may read.
class EventSources {
 public:
  // What is told more often is looked at so often, and the files are opened anew so often: limits
  // change, processes are moved, programs close all descriptors.
  static constexpr std::uint64_t kLeastMs = 100;
  static constexpr std::uint64_t kReviewMs = 10'000;
  static constexpr std::uint64_t kLostMs = 1000;  // after one was lost

  constexpr EventSources() noexcept = default;
  EventSources(const EventSources&) = delete;
  EventSources& operator=(const EventSources&) = delete;

  // Before the thread starts.
  void set_watch(std::string_view path, std::string_view base64) noexcept {
    watch_.set(path, base64);
  }

  // Opens what is to be open, if it is time for it. Files are read below `root`.
  void review(std::string_view root, const PressureThresholds& thresholds,
              std::uint64_t now_ms) noexcept;
  // The next review comes at once: thresholds have changed.
  void review_soon() noexcept { review_now_.store(true, std::memory_order_relaxed); }

  // Sleeps; true: the thread was woken. Afterwards take() has what was told meanwhile. `apart`: the
  // caller is an os::FileThread.
  [[nodiscard]] bool sleep(os::WorkerThread& thread, std::uint64_t milliseconds,
                           std::uint64_t now_ms, bool apart = false) noexcept;
  [[nodiscard]] PressureSign take(std::uint64_t now_ms) noexcept;

  // Closes all that still is ours; also in the child of a fork, where a review opens it anew.
  void close() noexcept;
  // For such a child, where an os::FileThread had it open.
  void forget() noexcept;

  [[nodiscard]] std::uint64_t open_files() const noexcept {
    return open_files_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t events() const noexcept {
    return events_.load(std::memory_order_relaxed);
  }

 private:
  enum Kind : std::uint8_t {
    kWatch,     // of the service
    kSome,      // some tasks wait for memory
    kFull,      // all do
    kCounts,    // memory.events of version 2
    kUsage,     // of version 1: a threshold was crossed, or the kernel reclaims
    kMedium,    // of version 1: reclaiming is hard
    kCritical,  // and hardly succeeds
    kKinds
  };
  static_assert(kKinds <= os::WorkerThread::kMostFiles);

  // Where the cgroup with the tightest limit is, and its limit.
  struct Place {
    os::CgroupPlace own;
    std::string_view tightest;
    std::uint64_t limit = 0;
  };

  // Zeros, for what os::OwnFile says.
  [[nodiscard]] static constexpr std::array<os::AwaitedFile, kKinds> with_no_numbers() noexcept {
    std::array<os::AwaitedFile, kKinds> files;
    for (os::AwaitedFile& file : files) file.number = 0;
    return files;
  }

  void open_watch() noexcept;
  void open_of_version_2(std::string_view root, const Place& place) noexcept;
  void open_of_version_1(std::string_view root, const Place& place,
                         const PressureThresholds& thresholds) noexcept;
  void open_of_machine(std::string_view root) noexcept;
  void open_level(std::string_view root, const Place& place, Kind kind,
                  std::string_view level) noexcept;
  [[nodiscard]] bool read(Kind kind, PressureSign& sign) noexcept;
  [[nodiscard]] bool note_counts(PressureSign& sign) noexcept;
  void lose(Kind kind, std::uint64_t now_ms) noexcept;
  void lose_all_closed(std::uint64_t now_ms) noexcept;
  void close_all() noexcept;
  void count_open() noexcept;

  ServiceWatch watch_;
  std::array<os::OwnFile, kKinds> files_;
  std::array<os::AwaitedFile, kKinds> awaited_ = with_no_numbers();  // they have one in a sleep
  std::uint64_t next_review_ms_ = 0;
  std::uint64_t quiet_until_ms_ = 0;  // after an event
  std::uint64_t armed_for_ = 0;       // a hash of place, limit and thresholds
  std::uint64_t counted_ = 0;         // of memory.events: what asks for a look
  std::uint64_t counted_oom_ = 0;
  std::atomic<bool> review_now_{false};
  std::atomic<std::uint64_t> open_files_{0};
  std::atomic<std::uint64_t> events_{0};
};

}  // namespace luna
