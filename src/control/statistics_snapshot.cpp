// SPDX-License-Identifier: MIT
#include "control/statistics_snapshot.hpp"

#include "control/residency.hpp"
#include "control/statistics_fields.hpp"
#include "heap/named_heaps.hpp"
#include "os/memory.hpp"

#include <string.h>

namespace luna {

namespace {

// Fewer samples tell nothing of the average.
constexpr std::size_t kSamplesWorthAnEstimate = 100;

// What is read at different moments may not fit together.
[[nodiscard]] constexpr std::size_t less(std::size_t whole, std::size_t part) noexcept {
  return part < whole ? whole - part : 0;
}

// Calls visit(list, count) for each list with blocks that were freed to it. What is handed out
// apart while samples are taken has no count.
template <typename Visit>
void for_each_cached(const ThreadHeap& heap, Visit visit) noexcept {
  heap.for_each_list(
      [&](std::size_t list, const Block*, std::uint32_t count, const Block*) noexcept {
        if (count != 0 && count < UINT32_MAX / 2) visit(list, std::size_t{count});
      });
}

[[nodiscard]] std::size_t kept_blocks(const PageHeap& pages) noexcept {
  std::size_t count = 0;
  for (std::size_t i = 0; i < PageHeap::kRecentPlaces; ++i)
    if (pages.recent(i) != nullptr) ++count;
  return count;
}

}  // namespace

ThreadRows::~ThreadRows() {
  if (rows_ != nullptr) os::release(rows_, capacity_ * sizeof(Row));
}

bool ThreadRows::begin(std::size_t count) noexcept {
  capacity_ = count + 1;
  rows_ = static_cast<Row*>(os::map(capacity_ * sizeof(Row)));
  return rows_ != nullptr;
}

void ThreadRows::add(const ThreadHeap& heap) noexcept {
  if (count_ == capacity_) return;
  Row& row = rows_[count_++];
  row.heap = &heap;
  const std::uint64_t thread = heap.thread();
  row.stats.thread = thread != 0 ? thread : LUNA_STATS_UNKNOWN;
  row.stats.refills = heap.refills();
  row.stats.refilled_blocks = heap.refilled_blocks();
  for_each_cached(heap, [&](std::size_t list, std::size_t count) noexcept {
    row.stats.cached_blocks += count;
    row.stats.cached_bytes += count * listed_bytes(list);
  });
}

void ThreadRows::note_slab(const ThreadHeap* heap, std::size_t used_bytes) noexcept {
  if (last_ >= count_ || rows_[last_].heap != heap)
    for (last_ = 0; last_ < count_ && rows_[last_].heap != heap;) ++last_;
  if (last_ == count_) return;
  ++rows_[last_].stats.slabs;
  rows_[last_].stats.used_bytes += used_bytes;
}

StatisticsSnapshot::StatisticsSnapshot() noexcept {
  detail_.struct_size = sizeof detail_;
  for (const StatisticField& field : kStatisticFields) detail_.*field.value = LUNA_STATS_UNKNOWN;
}

bool StatisticsSnapshot::take(Allocator& allocator, Profiler& profiler, unsigned what) noexcept {
  what_ = (what & LUNA_STATS_MAPPINGS) != 0 ? what | LUNA_STATS_RESIDENT : what;
  if (!kernel_tells_residency()) what_ &= ~LUNA_STATS_RESIDENT;
  own_.collect(allocator, profiler);
  if (!make_rows(allocator)) return false;
  if (NamedHeaps* heaps = allocator.named(); heaps != nullptr && (what_ & LUNA_STATS_HEAPS) != 0)
    if (!heaps_.collect(*heaps)) return false;
  detail_.thread_heaps = detail_.attached_threads = 0;
  detail_.refills = detail_.refilled_blocks = 0;
  detail_.purges = detail_.purged_bytes = 0;
  for_each_allocator(allocator, [this](Allocator& each) noexcept {
    count_heaps(each);
    count_regions(each);
    kept_blocks_ += kept_blocks(each.pages());
    detail_.purges += each.pages().purges();
    detail_.purged_bytes += each.pages().purged_pages() * kPageBytes;
  });
  count_huge();
  fill_blocks();
  fill_pages();
  fill_requested(profiler);
  if ((what_ & LUNA_STATS_RESIDENT) != 0) fill_resident();
  if ((what_ & LUNA_STATS_MAPPINGS) != 0) read_mappings();
  return true;
}

bool StatisticsSnapshot::make_rows(Allocator& allocator) noexcept {
  if ((what_ & LUNA_STATS_THREADS) == 0) return true;
  std::size_t count = 0;
  for_each_allocator(allocator, [&](Allocator& each) noexcept {
    count += each.heaps().count() + 1;  // with that of samples
  });
  return threads_.begin(count);
}

void StatisticsSnapshot::count_heaps(Allocator& allocator) noexcept {
  os::ScopedLock guard(allocator.heaps().lock());
  allocator.heaps().for_each([this](const ThreadHeap& heap) noexcept { count_heap(heap); });
  const ThreadHeap* samples = allocator.samples().thread_heap();
  if (samples != nullptr) count_heap(*samples);
}

void StatisticsSnapshot::count_heap(const ThreadHeap& heap) noexcept {
  if ((what_ & LUNA_STATS_THREADS) != 0) threads_.add(heap);
  ++detail_.thread_heaps;
  if (heap.thread() != 0) ++detail_.attached_threads;
  detail_.refills += heap.refills();
  detail_.refilled_blocks += heap.refilled_blocks();
  for_each_cached(heap, [this](std::size_t list, std::size_t count) noexcept {
    const bool small = list < kSizeClasses;
    (small ? cached_small_blocks_ : cached_runs_) += count;
    (small ? cached_small_bytes_ : cached_run_bytes_) += count * listed_bytes(list);
  });
}

void StatisticsSnapshot::count_regions(Allocator& allocator) noexcept {
  SlabTally tally;
  if ((what_ & LUNA_STATS_THREADS) != 0)
    tally = {&threads_, [](void* rows, const ThreadHeap* heap, std::size_t bytes) noexcept {
               static_cast<ThreadRows*>(rows)->note_slab(heap, bytes);
             }};
  RegionCensus census(allocator, sums_, tally);
  PageSet resident;
  allocator.pages().for_each_region_in_turn(
      [&](const std::byte* memory) noexcept {
        if ((what_ & LUNA_STATS_RESIDENT) != 0) resident = resident_pages(memory);
      },
      [&](const Region& region) noexcept { census.count(region, resident); });
}

void StatisticsSnapshot::count_huge() noexcept {
  for (const OwnRange& range : own_.ranges()) {
    if (range.kind != OwnKind::kHuge) continue;
    ++huge_blocks_;
    huge_bytes_ += range.bytes();
    if ((what_ & LUNA_STATS_RESIDENT) == 0) continue;
    const std::size_t pages =
        os::resident_bytes(reinterpret_cast<const void*>(range.begin), range.bytes()) / kPageBytes;
    sums_.large.resident += pages;
    sums_.large.expected += pages;
  }
}

void StatisticsSnapshot::fill_blocks() noexcept {
  luna_stats_detail& d = detail_;
  std::size_t used = 0;
  std::size_t used_bytes = 0;
  std::size_t free_bytes = 0;
  d.slabs = 0;
  for (const luna_class_stats& size_class : sums_.classes) {
    d.slabs += size_class.slabs;
    used += size_class.used_blocks;
    used_bytes += size_class.used_blocks * size_class.block_bytes;
    free_bytes += size_class.free_blocks * size_class.block_bytes;
  }
  d.slab_bytes = sums_.slabs.pages * kPageBytes;
  d.slab_free_bytes = free_bytes;
  d.slab_uncut_bytes = less(d.slab_bytes, used_bytes + free_bytes);
  d.small_blocks = less(used, cached_small_blocks_);
  d.small_bytes = less(used_bytes, cached_small_bytes_);
  d.large_blocks = less(sums_.large_blocks + huge_blocks_, cached_runs_ + kept_blocks_);
  d.large_bytes = less(sums_.large.pages * kPageBytes + huge_bytes_, cached_run_bytes_);
  d.live_blocks = d.small_blocks + d.large_blocks;
  d.live_bytes = d.small_bytes + d.large_bytes;
  d.thread_cache_blocks = cached_small_blocks_ + cached_runs_;
  d.thread_cache_bytes = cached_small_bytes_ + cached_run_bytes_;
  d.spare_slab_bytes = sums_.spare.pages * kPageBytes;
}

void StatisticsSnapshot::fill_pages() noexcept {
  luna_stats_detail& d = detail_;
  d.kept_bytes = sums_.kept.pages * kPageBytes;
  d.dirty_bytes = sums_.dirty.pages * kPageBytes;
  d.retained_bytes = sums_.retained.pages * kPageBytes;
  d.committed_bytes = sums_.regions * kRegionBytes + huge_bytes_;
  d.reserved_bytes = own_.bytes(OwnKind::kArena) + own_.bytes(OwnKind::kHuge);
  d.metadata_bytes = own_.bytes(OwnKind::kMetadata);
  d.telemetry_bytes = own_.bytes(OwnKind::kTelemetry) + own_.bytes(OwnKind::kGuarded);
  d.largest_free_bytes = sums_.longest_free_pages * kPageBytes;
  os::PageFaults faults;
  if (!os::count_page_faults(faults)) return;
  d.minor_faults = faults.minor;
  d.major_faults = faults.major;
}

// Nobody notes how much was asked for, but for samples.
void StatisticsSnapshot::fill_requested(Profiler& profiler) noexcept {
  const LiveBytes sampled = profiler.live_bytes();
  if (sampled.samples < kSamplesWorthAnEstimate || !(sampled.blocks > 0)) return;
  const double share = sampled.requested / sampled.blocks;
  const auto requested =
      static_cast<std::uint64_t>(static_cast<double>(detail_.live_bytes) * share);
  detail_.requested_bytes = requested < detail_.live_bytes ? requested : detail_.live_bytes;
  detail_.class_slack_bytes = detail_.live_bytes - detail_.requested_bytes;
}

void StatisticsSnapshot::fill_resident() noexcept {
  luna_stats_detail& d = detail_;
  d.resident_metadata_bytes = d.resident_telemetry_bytes = d.resident_guarded_bytes = 0;
  for (const OwnRange& range : own_.ranges()) {
    if (range.kind == OwnKind::kArena || range.kind == OwnKind::kHuge) continue;
    const std::size_t backed =
        os::resident_bytes(reinterpret_cast<const void*>(range.begin), range.bytes());
    if (range.kind == OwnKind::kMetadata) d.resident_metadata_bytes += backed;
    if (range.kind == OwnKind::kTelemetry) d.resident_telemetry_bytes += backed;
    if (range.kind == OwnKind::kGuarded) d.resident_guarded_bytes += backed;
  }
  const std::uint64_t tables =
      d.resident_metadata_bytes + d.resident_telemetry_bytes + d.resident_guarded_bytes;
  d.resident_slab_bytes = sums_.slabs.resident * kPageBytes;
  d.resident_spare_bytes = sums_.spare.resident * kPageBytes;
  d.resident_large_bytes = sums_.large.resident * kPageBytes;
  d.resident_kept_bytes = sums_.kept.resident * kPageBytes;
  d.resident_dirty_bytes = sums_.dirty.resident * kPageBytes;
  d.resident_retained_bytes = sums_.retained.resident * kPageBytes;
  d.resident_bytes = tables + d.resident_slab_bytes + d.resident_spare_bytes +
                     d.resident_large_bytes + d.resident_kept_bytes + d.resident_dirty_bytes +
                     d.resident_retained_bytes;
  const std::size_t expected = sums_.slabs.expected + sums_.spare.expected + sums_.large.expected +
                               sums_.kept.expected + sums_.dirty.expected;
  d.accounted_bytes = tables + expected * kPageBytes;
  d.sure_bytes = sums_.sure_pages * kPageBytes;
}

void StatisticsSnapshot::read_mappings() noexcept {
  if (!mappings_.read(own_)) return;
  detail_.process_resident_bytes = mappings_.resident_bytes();
  if (!own_.complete()) return;
  detail_.not_ours_bytes = mappings_.foreign_bytes();
  detail_.huge_page_bytes = mappings_.own_huge_bytes();
}

void StatisticsSnapshot::read_hardware(const os::PerfCounters& counters) noexcept {
  if (!counters.began()) return;
  if (counters.error() != 0) {
    const char* reason = strerrordesc_np(counters.error());
    hardware_reason_ = reason != nullptr ? reason : "the kernel refuses";
    return;
  }
  luna_stats_detail& d = detail_;
  const bool read = counters.read(os::PerfEvent::kCacheMisses, d.cache_misses) &&
                    counters.read(os::PerfEvent::kCacheReferences, d.cache_references) &&
                    counters.read(os::PerfEvent::kTlbMisses, d.tlb_misses) &&
                    counters.read(os::PerfEvent::kTlbLoads, d.tlb_loads);
  hardware_reason_ = read ? "" : "the counters cannot be read, or counted nothing yet";
}

}  // namespace luna
