// SPDX-License-Identifier: MIT
#include "preload/jemalloc/figures.hpp"

#include "base/align.hpp"
#include "os/clock.hpp"
#include "pages/layout.hpp"

#include <lunalloc/stats.h>
#include <time.h>

#include <cerrno>

namespace luna::jemalloc {

constinit Figures figures;

namespace {

// There are servers that ask ten times a second. Where a look at the heap takes longer than this
// it may take a hundredth of the time.
constexpr std::uint64_t kFreeNanoseconds = 1'000'000;
constexpr std::uint64_t kShare = 100;

// Of the thread, so that a busy machine makes nothing look expensive.
[[nodiscard]] std::uint64_t cpu_nanoseconds() noexcept {
  timespec now = {};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec);
}

[[nodiscard]] constexpr bool is_known(std::uint64_t value) noexcept {
  return value != LUNA_STATS_UNKNOWN;
}

// What is read at different moments may not fit together.
[[nodiscard]] constexpr std::uint64_t less(std::uint64_t whole, std::uint64_t part) noexcept {
  return part < whole ? whole - part : 0;
}

// Free pages, wherever they wait.
[[nodiscard]] std::uint64_t dirty_bytes(const luna_stats_detail& detail) noexcept {
  return detail.dirty_bytes + detail.kept_bytes + detail.spare_slab_bytes;
}

// Of slabs, pages that are backed, which may be fewer than blocks in use have, for nobody has
// touched all of a block; and large blocks, also those that wait in lists of threads.
[[nodiscard]] std::uint64_t active_bytes(const luna_stats_detail& detail) noexcept {
  const std::uint64_t free_bytes = dirty_bytes(detail) + detail.retained_bytes;
  const std::uint64_t large = less(detail.committed_bytes, free_bytes + detail.slab_bytes);
  const std::uint64_t least = round_up(detail.small_bytes, kPageBytes);
  const std::uint64_t backed = detail.resident_slab_bytes;
  if (!is_known(backed)) return large + detail.slab_bytes;
  return large + (backed > least ? backed : least);
}

}  // namespace

int Figures::refresh() noexcept {
  const std::uint64_t now = os::nanoseconds();
  if (now < not_before_.load(std::memory_order_relaxed)) return 0;
  const std::uint64_t began = cpu_nanoseconds();
  luna_stats_detail detail = {};
  detail.struct_size = sizeof detail;
  if (luna_stats_detail_read(&detail, LUNA_STATS_RESIDENT) != 0) return EAGAIN;
  const std::uint64_t cost = cpu_nanoseconds() - began;
  if (cost > kFreeNanoseconds) not_before_.store(now + cost * kShare, std::memory_order_relaxed);

  const std::uint64_t active = active_bytes(detail);
  set(Figure::kActive, active);
  note_backed(detail, active);
  set(Figure::kAllocated, detail.live_bytes);
  set(Figure::kSmall, detail.small_bytes);
  set(Figure::kLarge, detail.large_bytes);
  set(Figure::kThreadCaches, detail.thread_cache_bytes);
  set(Figure::kDirty, dirty_bytes(detail));
  set(Figure::kRetained, less(detail.reserved_bytes, active + dirty_bytes(detail)));
  set(Figure::kPurges, detail.purges);
  set(Figure::kPurged, detail.purged_bytes);
  set(Figure::kThreads, detail.attached_threads);
  epoch_.fetch_add(1, std::memory_order_relaxed);
  return 0;
}

// As in jemalloc, blocks in use count as resident whether or not anybody has touched them.
void Figures::note_backed(const luna_stats_detail& detail, std::uint64_t active) noexcept {
  const bool known = is_known(detail.resident_bytes);
  const std::uint64_t metadata = detail.resident_metadata_bytes + detail.resident_telemetry_bytes +
                                 detail.resident_guarded_bytes;
  const std::uint64_t free_bytes = detail.resident_dirty_bytes + detail.resident_kept_bytes +
                                   detail.resident_spare_bytes + detail.resident_retained_bytes;
  set(Figure::kMetadata, known ? metadata : LUNA_STATS_UNKNOWN);
  set(Figure::kMapped, known ? active + metadata : LUNA_STATS_UNKNOWN);
  set(Figure::kResident, known ? active + free_bytes + metadata : LUNA_STATS_UNKNOWN);
}

}  // namespace luna::jemalloc
