// SPDX-License-Identifier: MIT
#include "pressure/pressure.hpp"

#include "heap/named_heaps.hpp"
#include "os/kernel_file.hpp"

namespace luna {

namespace {

// While a level lasts, free memory is given back so often: it costs who wants it again.
constexpr std::uint64_t kModerateMs = 10'000;
constexpr std::uint64_t kCriticalMs = 1000;

// A refusal is pressure for so long.
constexpr std::uint64_t kRefusalMs = 1000;

// What was told is for so long, which is the window that the kernel was asked to measure in.
constexpr std::uint64_t kSignMs = 2000;

// With less than this free, growth makes nobody give back more often than that.
constexpr std::size_t kWorthwhileBytes = std::size_t{1} << 20;
constexpr std::uint64_t kGrowthMs = 100;

[[nodiscard]] std::uint64_t resident_bytes(std::string_view root) noexcept {
  std::uint64_t bytes = os::kUnknown;
  const os::NamedNumber number = {"VmRSS:", &bytes};
  os::read_named({root, "/proc/thread-self/status"}, {&number, 1});
  return bytes;
}

}  // namespace

void Pressure::set(const PressureSettings& settings) noexcept {
  settings_ = settings;
  growth_.set(settings.releases, settings.thresholds);
}

os::LimitUse Pressure::own_use() noexcept {
  if (settings_.own_limit == SIZE_MAX) return {};
  const PageTotals totals = whole_totals(allocator_);
  return {os::LimitKind::kOwn, totals.used + totals.dirty, settings_.own_limit};
}

void Pressure::read_files(void* pointer) noexcept {
  Told& told = *static_cast<Told*>(pointer);
  Pressure& self = *told.self;
  told.limit = self.limits_.read(told.root, self.settings_.thresholds.low - PressureLadder::kFall);
  told.stall = self.limits_.read_stall(told.root);
  told.resident_bytes = resident_bytes(told.root);
}

luna_pressure_event Pressure::look(std::string_view root, std::uint64_t now_ms,
                                   os::FileReading reading_files) noexcept {
  os::ScopedLock guard(lock_);
  Told told = {this, root, {}, {}};
  reading_files(&Pressure::read_files, &told);
  PressureReading reading;
  reading.limit = told.limit;
  reading.stall = told.stall.times;
  reading.is_own_stall = told.stall.is_own;
  const os::LimitUse own = own_use();
  reading.own_bytes = own.used;
  reading.own_limit = own.limit;
  const std::uint64_t refused_ms = refused_ms_.load(std::memory_order_relaxed);
  // It may have come after `now_ms` was read.
  reading.refused = refused_ms != 0 && (refused_ms > now_ms || now_ms - refused_ms < kRefusalMs);
  if (sign_.is_told && now_ms - sign_ms_ < kSignMs) reading.sign = sign_;
  const PressureState state = levels_.note(reading, settings_.thresholds);
  luna_pressure_event event = {};
  event.struct_size = sizeof event;
  event.level = state.level;
  level_.store(state.level, std::memory_order_relaxed);
  event.source = state.source;
  event.used_bytes = state.used;
  event.limit_bytes = state.limit;
  event.resident_bytes = told.resident_bytes;
  return event;
}

// One that says less does not hide one that still holds.
void Pressure::note_sign(const PressureSign& sign, std::uint64_t now_ms) noexcept {
  os::ScopedLock guard(lock_);
  const bool holds = sign_.is_told && now_ms - sign_ms_ < kSignMs;
  if (!sign.is_told || (holds && sign.level < sign_.level)) return;
  sign_ = sign;
  sign_ms_ = now_ms;
}

luna_pressure_event Pressure::ease(std::string_view root, ThreadHeap* heap, std::uint64_t now_ms,
                                   os::FileReading reading) noexcept {
  luna_pressure_event event = look(root, now_ms, reading);
  const auto level = static_cast<luna_pressure_level>(event.level);
  const std::size_t released = give_back(heap, level, now_ms);
  if (released != 0) {
    event = look(root, now_ms, reading);
    event.released_bytes = released;
  }
  return event;
}

// Half of what is free at a moderate level, for the program may soon want it; else all of it.
std::size_t Pressure::give_back(ThreadHeap* heap, luna_pressure_level level,
                                std::uint64_t now_ms) noexcept {
  {
    os::ScopedLock guard(lock_);
    const std::uint64_t interval = level == LUNA_PRESSURE_CRITICAL ? kCriticalMs : kModerateMs;
    const bool rises = level > eased_level_;
    eased_level_ = level;
    if (level < LUNA_PRESSURE_MODERATE || (!rises && now_ms - eased_ms_ < interval)) return 0;
    eased_ms_ = now_ms;
  }
  const bool keeps = level == LUNA_PRESSURE_MODERATE;
  return allocator_.trim(heap, keeps ? allocator_.pages().totals().dirty / 2 : 0);
}

luna_pressure_level Pressure::release_if_near(std::string_view root, ThreadHeap* heap,
                                              std::uint64_t now_ms) noexcept {
  PageHeap& pages = allocator_.pages();
  const os::LimitUse use = growth_.review(root, {pages.grown_bytes(), now_ms, own_use()});
  const double percent = use.percent();
  if (percent < settings_.thresholds.low) return LUNA_PRESSURE_NONE;
  if (percent < settings_.thresholds.critical)
    return percent < settings_.thresholds.moderate ? LUNA_PRESSURE_LOW : LUNA_PRESSURE_MODERATE;
  const std::uint64_t last_ms = released_ms_.load(std::memory_order_relaxed);
  if (whole_totals(allocator_).dirty >= kWorthwhileBytes || now_ms - last_ms >= kGrowthMs) {
    released_ms_.store(now_ms, std::memory_order_relaxed);
    static_cast<void>(allocator_.trim(heap, 0));
  }
  level_.store(LUNA_PRESSURE_CRITICAL, std::memory_order_relaxed);
  return LUNA_PRESSURE_CRITICAL;
}

void Pressure::restore_reserve(std::string_view root, std::uint64_t now_ms,
                               os::FileReading reading) noexcept {
  constexpr std::uint64_t kIntervalMs = 1000;
  std::uint64_t last_ms = restored_ms_.load(std::memory_order_relaxed);
  if (now_ms - last_ms < kIntervalMs) return;
  if (!restored_ms_.compare_exchange_strong(last_ms, now_ms, std::memory_order_relaxed)) return;
  const luna_pressure_event event = look(root, now_ms, reading);
  if (event.level >= LUNA_PRESSURE_MODERATE) return;
  os::LimitUse own = own_use();
  own.used += reserve_.size();
  const os::LimitUse nearest = {os::LimitKind::kCgroup, event.used_bytes + reserve_.size(),
                                event.limit_bytes};
  const double moderate = settings_.thresholds.moderate;
  const bool fits = event.limit_bytes == 0 || nearest.percent() < moderate;
  if (fits && own.percent() < moderate) reserve_.fill();
}

void Pressure::prepare_fork() noexcept {
  lock_.lock();
  subscriptions_.prepare_fork();
}

void Pressure::resume_parent() noexcept {
  subscriptions_.resume_parent();
  lock_.unlock();
}

void Pressure::resume_child() noexcept {
  growth_.resume_child();
  subscriptions_.resume_child();
  lock_.reset_in_child();
}

}  // namespace luna
