// SPDX-License-Identifier: MIT
#include "blackbox/box_statistics.hpp"

#include <new>

namespace luna {

namespace {

static_assert(LUNA_BLACKBOX_UNKNOWN == LUNA_STATS_UNKNOWN);
static_assert(LUNA_BLACKBOX_UNKNOWN == os::kUnknown && LUNA_BLACKBOX_UNLIMITED == os::kUnlimited);

// A process may be moved to another, but that is rare, and the list of mounts is long.
constexpr unsigned kReadsOfPlace = 50;

void copy_books(const luna_stats_detail& from, luna_blackbox_statistics& to) noexcept {
  to.live_bytes = from.live_bytes;
  to.live_blocks = from.live_blocks;
  to.large_bytes = from.large_bytes;
  to.requested_bytes = from.requested_bytes;
  to.thread_cache_bytes = from.thread_cache_bytes;
  to.spare_slab_bytes = from.spare_slab_bytes;
  to.slab_free_bytes = from.slab_free_bytes;
  to.slab_uncut_bytes = from.slab_uncut_bytes;
  to.kept_bytes = from.kept_bytes;
  to.dirty_bytes = from.dirty_bytes;
  to.retained_bytes = from.retained_bytes;
  to.committed_bytes = from.committed_bytes;
  to.reserved_bytes = from.reserved_bytes;
  to.metadata_bytes = from.metadata_bytes;
  to.telemetry_bytes = from.telemetry_bytes;
  to.attached_threads = from.attached_threads;
  to.purged_bytes = from.purged_bytes;
  to.minor_faults = from.minor_faults;
  to.major_faults = from.major_faults;
}

void read_process(luna_blackbox_statistics& to) noexcept {
  const std::array<os::NamedNumber, 5> numbers = {{{"VmSize:", &to.virtual_bytes},
                                                   {"VmHWM:", &to.peak_resident_bytes},
                                                   {"VmRSS:", &to.resident_bytes},
                                                   {"RssAnon:", &to.resident_anonymous_bytes},
                                                   {"VmSwap:", &to.swapped_bytes}}};
  os::read_named({{}, "/proc/thread-self/status"}, numbers);
}

}  // namespace

void BoxStatistics::read(Allocator& allocator, Profiler& profiler, os::FileReading reading,
                         luna_blackbox_statistics& to) noexcept {
  read_books(allocator, profiler, to);
  if (to.live_bytes > peak_live_bytes_) peak_live_bytes_ = to.live_bytes;
  to.peak_live_bytes = peak_live_bytes_;
  struct Both {
    BoxStatistics* self;
    luna_blackbox_statistics& to;
  } both = {this, to};
  reading(
      [](void* context) {
        const Both& each = *static_cast<Both*>(context);
        read_process(each.to);
        each.self->read_cgroup(each.to);
      },
      &both);
}

// Without rows of threads and without the kernel's word for each page it maps no memory.
void BoxStatistics::read_books(Allocator& allocator, Profiler& profiler,
                               luna_blackbox_statistics& to) noexcept {
  auto* snapshot = ::new (snapshot_.data()) StatisticsSnapshot;
  static_cast<void>(snapshot->take(allocator, profiler, 0));
  copy_books(snapshot->detail(), to);
  snapshot->~StatisticsSnapshot();
}

void BoxStatistics::read_cgroup(luna_blackbox_statistics& to) noexcept {
  if (reads_left_ == 0) {
    place_ = os::find_cgroup({});
    reads_left_ = kReadsOfPlace;
  }
  --reads_left_;
  to.cgroup_bytes = to.cgroup_limit_bytes = to.cgroup_oom_kills = LUNA_BLACKBOX_UNKNOWN;
  if (place_.version == os::CgroupVersion::kNone) return;
  std::string_view directory = os::tightest_cgroup({}, place_);
  if (directory.empty()) directory = place_.directory();
  to.cgroup_bytes = os::read_cgroup_bytes({}, place_.version, directory);
  to.cgroup_limit_bytes = os::read_cgroup_limits({}, place_.version, directory).least();
  to.cgroup_oom_kills = os::read_cgroup_events({}, place_.version, directory).oom_kill;
}

}  // namespace luna
