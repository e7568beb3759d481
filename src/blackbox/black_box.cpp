// SPDX-License-Identifier: MIT
#include "blackbox/black_box.hpp"

#include "base/check.hpp"
#include "base/format.hpp"
#include "blackbox/box_sites.hpp"
#include "blackbox/box_statistics.hpp"
#include "os/clock.hpp"
#include "os/environment.hpp"
#include "os/error.hpp"
#include "os/memory.hpp"

#include <cstring>
#include <new>

namespace luna {

// Mapped once, so that nothing is when memory is scarce.
struct BoxWorkspace {
  BoxStatistics statistics;
  LiveSites sites;
  BoxFile::SmallRecord statistics_record;
  BoxFile::SitesRecord sites_record;
};

namespace {

static_assert(BoxFile::SitesRecord::kMostPayload >= kLeastSitesBytes);
static_assert(BoxFile::SmallRecord::kMostPayload >= sizeof(luna_blackbox_statistics));

// What a record took is at most a hundredth of the time until the next.
constexpr std::uint64_t kRest = 100;

[[nodiscard]] std::uint64_t pause_ms(std::uint64_t cost_ns, std::uint64_t least) noexcept {
  const std::uint64_t pause = os::to_milliseconds(cost_ns * kRest);
  return pause > least ? pause : least;
}

}  // namespace

int BlackBox::begin(std::string_view path, std::size_t bytes, const BoxOwner& owner) noexcept {
  if (workspace_ == nullptr) {
    void* memory = os::map(sizeof(BoxWorkspace));
    if (memory == nullptr) return os::kNoMemory;
    workspace_ = ::new (memory) BoxWorkspace;
  }
  if (const int error = file_.create(path, bytes, owner); error != 0) return error;
  process_ = os::process_id();
  const std::uint64_t now_ms = os::coarse_milliseconds();
  due_ms_.store(now_ms, std::memory_order_relaxed);
  sites_due_ms_ = now_ms + kIntervalMs;                 // nobody has much at the start
  state_.store(State::kOn, std::memory_order_release);  // pairs with the acquire in is_mine()
  return 0;
}

std::span<const std::byte> BlackBox::table() const noexcept {
  return std::as_bytes(std::span<const BoxWorkspace>(workspace_, workspace_ != nullptr ? 1 : 0));
}

// Its number tells a copy from the process, which need not have run the handlers of a fork: in a
// copy the file may be mapped no more, or the parent may use it.
bool BlackBox::is_mine() const noexcept {
  // pairs with the release in begin()
  return state_.load(std::memory_order_acquire) == State::kOn && process_ == os::process_id();
}

// Not waited for, so that it can be no part of a deadlock.
bool BlackBox::try_enter() noexcept {
  return !busy_.exchange(true, std::memory_order_acquire);  // pairs with the release below
}

void BlackBox::leave() noexcept {
  busy_.store(false, std::memory_order_release);  // pairs with the acquire above
}

void BlackBox::tick(std::uint64_t now_ms, Allocator& allocator, Profiler& profiler,
                    os::FileReading reading) noexcept {
  if (!is_due(now_ms) || !is_mine() || !try_enter()) return;
  if (is_due(now_ms)) {
    const std::uint64_t cost_ns = record_statistics(allocator, profiler, reading);
    if (now_ms >= sites_due_ms_)
      sites_due_ms_ = now_ms + pause_ms(record_sites(profiler), kSitesIntervalMs);
    due_ms_.store(now_ms + pause_ms(cost_ns, kIntervalMs), std::memory_order_relaxed);
  }
  leave();
}

// Returns what it took.
std::uint64_t BlackBox::record_statistics(Allocator& allocator, Profiler& profiler,
                                          os::FileReading reading) noexcept {
  const std::uint64_t started = os::nanoseconds();
  luna_blackbox_statistics statistics = {};
  workspace_->statistics.read(allocator, profiler, reading, statistics);
  statistics.refused_allocations = refused_.load(std::memory_order_relaxed);
  statistics.cost_ns = os::nanoseconds() - started;
  auto& record = workspace_->statistics_record;
  std::memcpy(record.payload(), &statistics, sizeof statistics);
  if (!file_.append(LUNA_BLACKBOX_STATISTICS_KIND, record, sizeof statistics)) give_up();
  return statistics.cost_ns;
}

std::uint64_t BlackBox::record_sites(Profiler& profiler) noexcept {
  if (!profiler.begun()) return 0;
  const std::uint64_t started = os::nanoseconds();
  profiler.find_live_sites(workspace_->sites);
  ModuleTable modules;
  static_cast<void>(modules.load());  // else frames are plain addresses
  auto& record = workspace_->sites_record;
  const std::size_t bytes = encode_sites(workspace_->sites, modules.modules(), record.payload(),
                                         BoxFile::SitesRecord::kMostPayload);
  if (!file_.append(LUNA_BLACKBOX_SITES_KIND, record, bytes)) give_up();
  return os::nanoseconds() - started;
}

void BlackBox::note(const BoxEvent& event) noexcept {
  if (!is_mine()) return;
  const std::string_view text = part_of(event.text, 0, kMostText);
  luna_blackbox_event head = {};
  head.kind = event.kind;
  head.level = event.level;
  head.used_bytes = event.used_bytes;
  head.limit_bytes = event.limit_bytes;
  head.thread = os::thread_id();
  event.source.copy(head.source, sizeof head.source - 1);
  head.text_bytes = static_cast<std::uint32_t>(text.size());
  BoxFile::SmallRecord record;
  std::memcpy(record.payload(), &head, sizeof head);
  if (!text.empty()) std::memcpy(record.payload() + sizeof head, text.data(), text.size());
  if (!file_.append(LUNA_BLACKBOX_EVENT_KIND, record, sizeof head + text.size())) give_up();
}

void BlackBox::note_refused() noexcept {
  refused_.fetch_add(1, std::memory_order_relaxed);
  const std::uint64_t now_ms = os::coarse_milliseconds();
  std::uint64_t due_ms = refused_due_ms_.load(std::memory_order_relaxed);
  if (now_ms < due_ms) return;
  if (!refused_due_ms_.compare_exchange_strong(due_ms, now_ms + kRefusedIntervalMs,
                                               std::memory_order_relaxed))
    return;
  note({.kind = LUNA_BLACKBOX_REFUSED,
        .level = LUNA_BLACKBOX_CRITICAL,
        .source = "malloc",
        .text = "an allocation got no memory"});
}

void BlackBox::end(Allocator& allocator, Profiler& profiler) noexcept {
  if (is_mine() && try_enter()) {
    static_cast<void>(record_statistics(allocator, profiler, os::read_here));
    leave();
  }
  end_without_statistics("exit() was called, or main() returned");
}

// Records of what happens after it may follow.
void BlackBox::end_without_statistics(std::string_view text) noexcept {
  note({.kind = LUNA_BLACKBOX_EXIT, .source = "exit", .text = text});
}

void BlackBox::give_up() noexcept {
  if (state_.exchange(State::kOff) == State::kOff) return;
  write_error(
      "lunalloc: the file of the option \"blackbox\" was cut short, or its disk has failed;"
      " nothing more is recorded\n");
}

// The file is the parent's. The memory to work with serves the next one.
void BlackBox::resume_child(bool begins_own) noexcept {
  if (workspace_ == nullptr) return;
  const bool wanted = begins_own && on();
  state_.store(wanted ? State::kWanted : State::kOff, std::memory_order_relaxed);
  if (wanted) due_ms_.store(os::coarse_milliseconds() + kIntervalMs, std::memory_order_relaxed);
  busy_.store(false, std::memory_order_relaxed);
  refused_.store(0, std::memory_order_relaxed);
  refused_due_ms_.store(0, std::memory_order_relaxed);
  ::new (workspace_) BoxWorkspace;
  file_.release();
}

bool BlackBox::take_wish() noexcept {
  State wanted = State::kWanted;
  return state_.compare_exchange_strong(wanted, State::kOff, std::memory_order_relaxed);
}

}  // namespace luna
