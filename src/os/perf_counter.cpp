// SPDX-License-Identifier: MIT
#include "os/perf_counter.hpp"

#include "os/system_call.hpp"

#include <fcntl.h>
#include <linux/perf_event.h>

namespace luna::os {

namespace {

// Out of the way of programs that count on the lowest numbers; ulimit -n is at least 1024 nearly
// everywhere.
constexpr int kLowestFile = 700;

struct Kind {
  std::uint32_t type;
  std::uint64_t config;
};

[[nodiscard]] constexpr Kind of_tlb(std::uint64_t result) noexcept {
  return {PERF_TYPE_HW_CACHE,
          PERF_COUNT_HW_CACHE_DTLB | PERF_COUNT_HW_CACHE_OP_READ << 8 | result << 16};
}

[[nodiscard]] Kind kind_of(PerfEvent event) noexcept {
  switch (event) {
    case PerfEvent::kCacheMisses:
      return {PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_MISSES};
    case PerfEvent::kCacheReferences:
      return {PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_REFERENCES};
    case PerfEvent::kTlbMisses:
      return of_tlb(PERF_COUNT_HW_CACHE_RESULT_MISS);
    case PerfEvent::kTlbLoads:
      return of_tlb(PERF_COUNT_HW_CACHE_RESULT_ACCESS);
    case PerfEvent::kPageFaults:
      break;
  }
  return {PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS};
}

// As the kernel writes it, by the read_format below.
struct Reading {
  std::uint64_t value = 0;
  std::uint64_t enabled_ns = 0;
  std::uint64_t running_ns = 0;
};

}  // namespace

int PerfCounter::open(PerfEvent event) noexcept {
  perf_event_attr attributes{};
  attributes.size = sizeof attributes;
  const Kind kind = kind_of(event);
  attributes.type = kind.type;
  attributes.config = kind.config;
  attributes.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
  attributes.inherit = 1;
  attributes.inherit_thread = 1;  // a thread, but no process
  attributes.exclude_kernel = 1;  // which needs no more rights than the program has
  attributes.exclude_hv = 1;
  constexpr int kThisThread = 0;
  constexpr int kAnyProcessor = -1;
  constexpr int kNoGroup = -1;
  const long file = system_call(SYS_perf_event_open, &attributes, kThisThread, kAnyProcessor,
                                kNoGroup, PERF_FLAG_FD_CLOEXEC);
  if (file < 0) return static_cast<int>(-file);
  const long moved = system_call(SYS_fcntl, file, F_DUPFD_CLOEXEC, kLowestFile);
  if (moved >= 0) system_call(SYS_close, file);
  file_ = static_cast<int>(moved >= 0 ? moved : file);
  const long result = system_call(SYS_ioctl, file_, PERF_EVENT_IOC_ID, &id_);
  if (result >= 0) return 0;
  system_call(SYS_close, file_);
  id_ = 0;
  return static_cast<int>(-result);
}

// The program may have closed it, and the number may be that of a file of its own by now.
bool PerfCounter::is_ours() const noexcept {
  std::uint64_t id = 0;
  return id_ != 0 && system_call(SYS_ioctl, file_, PERF_EVENT_IOC_ID, &id) >= 0 && id == id_;
}

bool PerfCounter::read(std::uint64_t& count) const noexcept {
  Reading reading;
  if (!is_ours()) return false;
  if (system_call(SYS_read, file_, &reading, sizeof reading) != sizeof reading) return false;
  if (reading.running_ns == 0) return false;
  const double share =
      static_cast<double>(reading.enabled_ns) / static_cast<double>(reading.running_ns);
  count = reading.enabled_ns == reading.running_ns
              ? reading.value
              : static_cast<std::uint64_t>(static_cast<double>(reading.value) * share);
  return true;
}

void PerfCounter::close() noexcept {
  if (is_ours()) system_call(SYS_close, file_);
  id_ = 0;
}

void PerfCounters::begin() noexcept {
  began_ = true;
  error_ = 0;
  for (std::size_t i = 0; i < kEvents; ++i) {
    counters_[i].close();
    if (error_ == 0) error_ = counters_[i].open(static_cast<PerfEvent>(i));
  }
  if (error_ == 0) return;
  for (PerfCounter& counter : counters_) counter.close();
}

}  // namespace luna::os
