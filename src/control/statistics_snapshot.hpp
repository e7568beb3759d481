// SPDX-License-Identifier: MIT
// The statistics of one moment, gathered without stopping anybody; for the writers, see
// statistics_writer.hpp.
#pragma once

#include "control/heap_rows.hpp"
#include "control/own_ranges.hpp"
#include "control/process_mappings.hpp"
#include "control/region_census.hpp"
#include "os/perf_counter.hpp"

#include <lunalloc/stats.h>

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

namespace luna {

// Rows of thread heaps.
class ThreadRows {
 public:
  struct Row {
    const ThreadHeap* heap;
    luna_thread_stats stats;
  };

  ThreadRows() noexcept = default;
  ~ThreadRows();
  ThreadRows(const ThreadRows&) = delete;
  ThreadRows& operator=(const ThreadRows&) = delete;

  // Makes room for so many. False: no memory.
  [[nodiscard]] bool begin(std::size_t count) noexcept;

  void add(const ThreadHeap& heap) noexcept;
  void note_slab(const ThreadHeap* heap, std::size_t used_bytes) noexcept;

  [[nodiscard]] std::span<const Row> rows() const noexcept { return {rows_, count_}; }

 private:
  Row* rows_ = nullptr;
  std::size_t capacity_ = 0;
  std::size_t count_ = 0;
  std::size_t last_ = 0;  // the row that was noted last
};

// Large: to be made in mapped memory. Threads: one. Others go on; each lock is held for a short
// time only: that of the page heap for a region, that of the heap list for all heaps. But who makes
// or ends a named heap, or a thread that used one, waits until all are counted.
class StatisticsSnapshot {
 public:
  StatisticsSnapshot() noexcept;
  StatisticsSnapshot(const StatisticsSnapshot&) = delete;
  StatisticsSnapshot& operator=(const StatisticsSnapshot&) = delete;

  // Before take(): a table that neither of the two has, counted as telemetry.
  void add_table(std::span<const std::byte> table) noexcept {
    own_.add(table.data(), table.size(), OwnKind::kTelemetry);
  }

  // Once. `what` is of LUNA_STATS_CLASSES and so on. False: no memory.
  [[nodiscard]] bool take(Allocator& allocator, Profiler& profiler, unsigned what) noexcept;

  // Adds what the processor counts.
  void read_hardware(const os::PerfCounters& counters) noexcept;

  // Why nothing is known of that; empty: it is.
  [[nodiscard]] std::string_view hardware_reason() const noexcept { return hardware_reason_; }

  [[nodiscard]] unsigned what() const noexcept { return what_; }
  [[nodiscard]] const luna_stats_detail& detail() const noexcept { return detail_; }
  [[nodiscard]] std::span<const luna_class_stats> classes() const noexcept { return sums_.classes; }
  [[nodiscard]] const ThreadRows& threads() const noexcept { return threads_; }
  [[nodiscard]] const HeapRows& heaps() const noexcept { return heaps_; }
  [[nodiscard]] const OwnRanges& own() const noexcept { return own_; }
  [[nodiscard]] const ProcessMappings& mappings() const noexcept { return mappings_; }

 private:
  [[nodiscard]] bool make_rows(Allocator& allocator) noexcept;
  void count_heaps(Allocator& allocator) noexcept;
  void count_heap(const ThreadHeap& heap) noexcept;
  void count_regions(Allocator& allocator) noexcept;
  void count_huge() noexcept;
  void fill_blocks() noexcept;
  void fill_pages() noexcept;
  void fill_requested(Profiler& profiler) noexcept;
  void fill_resident() noexcept;
  void read_mappings() noexcept;

  unsigned what_ = 0;
  std::string_view hardware_reason_ = "the option stats_hardware is off";
  luna_stats_detail detail_;
  RegionSums sums_;
  std::size_t cached_small_bytes_ = 0;
  std::size_t cached_small_blocks_ = 0;
  std::size_t cached_run_bytes_ = 0;
  std::size_t cached_runs_ = 0;
  std::size_t kept_blocks_ = 0;
  std::size_t huge_bytes_ = 0;
  std::size_t huge_blocks_ = 0;
  ThreadRows threads_;
  HeapRows heaps_;
  OwnRanges own_;
  ProcessMappings mappings_;
};

}  // namespace luna
