// SPDX-License-Identifier: MIT
#include "pressure/event_sources.hpp"

#include "base/format.hpp"

#include <cstring>

namespace luna {

namespace {

// Waits of 200 ms within 2 s, which is 10 %, as in levels.cpp; and the shortest window that the
// kernel grants to who has no rights. The kernel overwrites the last character.
constexpr std::string_view kSomeTrigger = {"some 200000 2000000", 20};
constexpr std::string_view kFullTrigger = {"full 200000 2000000", 20};

// What each kind of EventSources is a sign of, by the table in docs/pressure.md.
constexpr luna_pressure_level kLevels[] = {
    LUNA_PRESSURE_MODERATE, LUNA_PRESSURE_LOW,      LUNA_PRESSURE_MODERATE, LUNA_PRESSURE_NONE,
    LUNA_PRESSURE_NONE,     LUNA_PRESSURE_MODERATE, LUNA_PRESSURE_CRITICAL};

[[nodiscard]] std::uint64_t mix(std::uint64_t hash, std::uint64_t value) noexcept {
  constexpr std::uint64_t kPrime = 0x0000'0100'0000'01b3;
  return (hash ^ value) * kPrime;
}

[[nodiscard]] std::uint64_t mix(std::uint64_t hash, std::string_view text) noexcept {
  for (const char character : text) hash = mix(hash, static_cast<std::uint8_t>(character));
  return mix(hash, text.size());
}

[[nodiscard]] std::uint64_t bytes_at(std::uint64_t limit, double percent) noexcept {
  return static_cast<std::uint64_t>(static_cast<double>(limit) * percent / 100);
}

[[nodiscard]] std::uint64_t known(std::uint64_t count) noexcept {
  return count == os::kUnknown ? 0 : count;
}

}  // namespace

void ServiceWatch::set(std::string_view path, std::string_view base64) noexcept {
  if (is_set()) length_ = count_ = 0;  // else nothing is written: see os::OwnFile
  if (!path.starts_with('/') || path.size() >= path_.size()) return;
  std::memcpy(path_.data(), path.data(), path.size());
  path_[path.size()] = '\0';
  length_ = path.size();
  is_broken_ = !os::decode_base64(base64, bytes_, count_);
}

bool ServiceWatch::is_off() const noexcept { return is_broken_ || path().path == "/dev/null"; }

void EventSources::review(std::string_view root, const PressureThresholds& thresholds,
                          std::uint64_t now_ms) noexcept {
  if (!review_now_.exchange(false, std::memory_order_relaxed) && now_ms < next_review_ms_) return;
  next_review_ms_ = now_ms + kReviewMs;
  for (os::OwnFile& file : files_)
    if (file.is_open() && !file.is_ours()) file.close();
  if (watch_.is_set()) {
    if (!watch_.is_off()) open_watch();
    return count_open();
  }
  Place place = {os::find_cgroup(root), {}, os::kUnlimited};
  place.tightest = os::tightest_cgroup(root, place.own);
  if (!place.tightest.empty())
    place.limit = os::read_cgroup_limits(root, place.own.version, place.tightest).least();
  std::uint64_t arming = mix(mix(mix(1, place.own.directory()), place.tightest), place.limit);
  for (const double percent :
       {double{thresholds.low}, double{thresholds.moderate}, double{thresholds.critical}})
    arming = mix(arming, static_cast<std::uint64_t>(percent * 100));
  if (arming != armed_for_) close_all();
  armed_for_ = arming;
  if (place.own.version == os::CgroupVersion::kV2) open_of_version_2(root, place);
  if (place.own.version == os::CgroupVersion::kV1) open_of_version_1(root, place, thresholds);
  open_of_machine(root);
  count_open();
}

void EventSources::open_watch() noexcept {
  if (files_[kWatch].is_open()) return;
  const os::WatchKind kind = os::open_watch(watch_.path(), files_[kWatch]);
  awaited_[kWatch].urgent = kind == os::WatchKind::kUrgent;
}

// A limit above is met by all below it together: there the kernel counts that it was. The waits
// are those of this cgroup's own tasks.
void EventSources::open_of_version_2(std::string_view root, const Place& place) noexcept {
  const std::string_view own = place.own.directory();
  if (!files_[kSome].is_open())
    static_cast<void>(
        os::open_stall_trigger({root, own, "memory.pressure"}, kSomeTrigger, files_[kSome]));
  if (!files_[kFull].is_open())
    static_cast<void>(
        os::open_stall_trigger({root, own, "memory.pressure"}, kFullTrigger, files_[kFull]));
  if (files_[kCounts].is_open()) return;
  const std::string_view counting = place.tightest.empty() ? own : place.tightest;
  awaited_[kCounts].urgent = os::open_counts({root, counting, "memory.events"}, files_[kCounts]);
  PressureSign since_the_start;
  if (files_[kCounts].is_open()) static_cast<void>(note_counts(since_the_start));
}

// The kernel takes notices back when the descriptor is closed.
void EventSources::open_of_version_1(std::string_view root, const Place& place,
                                     const PressureThresholds& thresholds) noexcept {
  const std::string_view folder = place.tightest.empty() ? place.own.directory() : place.tightest;
  os::OwnFile& usage = files_[kUsage];
  if (!usage.is_open() && os::open_event(usage)) {
    bool told = os::add_notice(usage, root, folder, "memory.pressure_level", "low");
    for (const double percent :
         {double{thresholds.low}, double{thresholds.moderate}, double{thresholds.critical}}) {
      if (place.tightest.empty()) break;
      std::array<char, 24> buffer;
      Text bytes(buffer.data(), buffer.size());
      bytes.add_decimal(bytes_at(place.limit, percent));
      if (os::add_notice(usage, root, folder, "memory.usage_in_bytes", bytes.view())) told = true;
    }
    if (!told) usage.close();
  }
  open_level(root, place, kMedium, "medium");
  open_level(root, place, kCritical, "critical");
}

void EventSources::open_level(std::string_view root, const Place& place, Kind kind,
                              std::string_view level) noexcept {
  const std::string_view folder = place.tightest.empty() ? place.own.directory() : place.tightest;
  if (files_[kind].is_open() || !os::open_event(files_[kind])) return;
  if (!os::add_notice(files_[kind], root, folder, "memory.pressure_level", level))
    files_[kind].close();
}

void EventSources::open_of_machine(std::string_view root) noexcept {
  os::KernelFile machine = os::kMachinePressure;
  machine.root = root;
  if (!files_[kSome].is_open())
    static_cast<void>(os::open_stall_trigger(machine, kSomeTrigger, files_[kSome]));
  if (!files_[kFull].is_open())
    static_cast<void>(os::open_stall_trigger(machine, kFullTrigger, files_[kFull]));
  awaited_[kSome].urgent = awaited_[kFull].urgent = true;
}

bool EventSources::sleep(os::WorkerThread& thread, std::uint64_t milliseconds, std::uint64_t now_ms,
                         bool apart) noexcept {
  for (os::AwaitedFile& file : awaited_) file.ready = file.broken = false;
  if (now_ms < quiet_until_ms_) {
    const std::uint64_t quiet_ms = quiet_until_ms_ - now_ms;
    return thread.sleep(quiet_ms < milliseconds ? quiet_ms : milliseconds);
  }
  if (thread.has_lost_files()) lose_all_closed(now_ms);
  if (open_files() == 0) {
    thread.forget_files();
    return thread.sleep(milliseconds);
  }
  for (std::size_t i = 0; i < kKinds; ++i) awaited_[i].number = files_[i].number();
  return apart ? thread.sleep_apart(milliseconds, awaited_) : thread.sleep(milliseconds, awaited_);
}

PressureSign EventSources::take(std::uint64_t now_ms) noexcept {
  PressureSign sign;
  for (std::size_t i = 0; i < kKinds; ++i) {
    if (!awaited_[i].ready && !awaited_[i].broken) continue;
    const auto kind = static_cast<Kind>(i);
    PressureSign one;
    // A file that the program has there by now is not touched.
    if (!files_[i].is_ours() || !read(kind, one)) lose(kind, now_ms);
    if (one.is_told && (!sign.is_told || one.level > sign.level)) sign = one;
    awaited_[i].ready = awaited_[i].broken = false;
  }
  if (!sign.is_told) return sign;
  quiet_until_ms_ = now_ms + kLeastMs;
  events_.fetch_add(1, std::memory_order_relaxed);
  return sign;
}

// False: it is of no use any more. Requires: it is ours.
bool EventSources::read(Kind kind, PressureSign& sign) noexcept {
  if (kind == kCounts) return note_counts(sign);
  const os::AwaitedFile& awaited = awaited_[kind];
  if (awaited.urgent && awaited.broken) return false;  // the cgroup or its trigger is gone
  if (!awaited.urgent) {
    const os::Drained drained = os::drain(files_[kind]);
    if (drained != os::Drained::kData) return drained == os::Drained::kNothing;
  }
  sign = {true, kLevels[kind],
          kind == kWatch ? LUNA_PRESSURE_FROM_SYSTEMD : LUNA_PRESSURE_FROM_KERNEL_EVENT};
  return true;
}

// An allocation that the kernel would kill for is critical. To be held up by a limit may be the
// lot of a program that reads files, and only asks for a look.
bool EventSources::note_counts(PressureSign& sign) noexcept {
  std::array<char, 512> buffer;
  const std::string_view text = os::read_again(files_[kCounts], buffer.data(), buffer.size());
  const os::CgroupEvents events = os::parse_cgroup_events(text);
  const std::uint64_t count = known(events.high) + known(events.max);
  const std::uint64_t oom = known(events.oom);
  sign.is_told = count != counted_ || oom != counted_oom_;
  sign.level = oom != counted_oom_ ? LUNA_PRESSURE_CRITICAL : LUNA_PRESSURE_NONE;
  sign.source = LUNA_PRESSURE_FROM_KERNEL_EVENT;
  counted_ = count;
  counted_oom_ = oom;
  return !text.empty();
}

void EventSources::lose(Kind kind, std::uint64_t now_ms) noexcept {
  files_[kind].close();
  if (next_review_ms_ > now_ms + kLostMs) next_review_ms_ = now_ms + kLostMs;
  count_open();
}

void EventSources::lose_all_closed(std::uint64_t now_ms) noexcept {
  for (std::size_t i = 0; i < kKinds; ++i)
    if (files_[i].is_open() && !files_[i].is_ours()) lose(static_cast<Kind>(i), now_ms);
}

void EventSources::close_all() noexcept {
  for (os::OwnFile& file : files_) file.close();
}

void EventSources::forget() noexcept {
  for (os::OwnFile& file : files_) file.forget();
  close();
}

void EventSources::close() noexcept {
  close_all();
  next_review_ms_ = 0;
  count_open();
}

void EventSources::count_open() noexcept {
  std::uint64_t count = 0;
  for (const os::OwnFile& file : files_) count += file.is_open() ? 1 : 0;
  open_files_.store(count, std::memory_order_relaxed);
}

}  // namespace luna
