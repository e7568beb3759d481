// SPDX-License-Identifier: MIT
#include "preload/refusal.hpp"

#include "base/check.hpp"
#include "base/format.hpp"
#include "control/statistics.hpp"
#include "heap/named_heaps.hpp"
#include "os/clock.hpp"
#include "os/memory.hpp"
#include "preload/pressure.hpp"
#include "preload/process.hpp"
#include "preload/slow_path.hpp"

#include <array>
#include <cstdlib>

namespace luna {

namespace {

// So long the subscribers may take at each turn. A callback that waits for a lock which the
// refused thread holds would take for ever.
constexpr std::uint64_t kWaitsMs[] = {5, 25, 125};
constexpr std::size_t kTurns = 1 + std::size(kWaitsMs);

// When they could not help, nobody waits for them again for so long.
constexpr std::uint64_t kHopelessMs = 1000;

[[noreturn]] void die_at_limit(std::size_t bytes) noexcept {
  const std::size_t limit = process.allocator().pages().hard_limit();
  std::array<char, 1536> buffer;
  Text text(buffer.data(), buffer.size());
  text.add("lunalloc: hard_limit_action:abort: ").add_decimal(bytes);
  text.add(" bytes were wanted where the heap would grow beyond hard_limit_mib:");
  text.add_decimal(limit >> 20).add("\n");
  write_summary(whole_usage(process.allocator()), text);
  write_error(text.view());
  std::abort();
}

}  // namespace

bool Refusal::eases(ThreadHeap* heap) noexcept {
  const std::size_t turn = turn_++;
  if (turn == 0) {
    if (!begin()) return false;
    now_ms_ = os::coarse_milliseconds();
  } else if (turn < kTurns && may_wait()) {
    ask(kWaitsMs[turn - 1]);
  } else {
    deny();
    return false;
  }
  process.allocator().trim(heap, 0);
  return true;
}

// False: it is a mistake or a question, or more than can be gathered, unless room is made below a
// limit of ours.
bool Refusal::begin() const noexcept {
  if (bytes_ > os::physical_memory()) return false;
  process.pressure().note_refusal(os::coarse_milliseconds());
  process.worker().wake();
  PageHeap& pages = process.allocator().pages();
  const PageTotals totals = pages.totals();
  const bool is_limited = pages.hard_limit() <= os::physical_memory();
  if (bytes_ <= (is_limited ? pages.hard_limit() : totals.used + totals.dirty)) return true;
  if (exceeds_hard_limit()) heed_limit();
  return false;
}

// Whether subscribers may be called, on another thread, while this one waits. Not if this one is
// in a callback, nor in a signal handler that has interrupted such a wait.
bool Refusal::may_wait() const noexcept {
  if (thread_state.awaits || thread_state.ended || !process.worker().is_running()) return false;
  Subscriptions& subscriptions = process.pressure().subscriptions();
  if (subscriptions.count() == 0 || subscriptions.is_calling()) return false;
  const std::uint64_t hopeless_ms = process.pressure().hopeless_ms();
  // Another thread may have noted it since this request began.
  if (hopeless_ms != 0 && (hopeless_ms > now_ms_ || now_ms_ - hopeless_ms < kHopelessMs))
    return false;
  return process.options().hard_limit_action == LimitAction::kRetry || !exceeds_hard_limit();
}

// At the least a slab wants a granule.
bool Refusal::exceeds_hard_limit() const noexcept {
  PageHeap& pages = process.allocator().pages();
  const std::size_t limit = pages.hard_limit();
  const std::size_t wanted = bytes_ > kGranuleBytes ? bytes_ : kGranuleBytes;
  const std::size_t used = pages.totals().used;
  return wanted > limit || used > limit - wanted;
}

// The thread is out of the slow path meanwhile, as in any code of the program. Those who are
// called may take as long as they like; this thread does not wait longer.
void Refusal::ask(std::uint64_t wait_ms) const noexcept {
  Pressure& pressure = process.pressure();
  pressure.note_refusal(os::coarse_milliseconds());
  const std::uint32_t number = pressure.requests().add();
  process.worker().wake();
  thread_state.awaits = true;
  {
    const OutOfSlowPath out;
    // What they freed so far may do, though they did not return in time.
    static_cast<void>(pressure.requests().wait(number, wait_ms));
  }
  thread_state.awaits = false;
}

void Refusal::deny() const noexcept {
  if (turn_ > kTurns) process.pressure().note_hopeless(os::coarse_milliseconds());
  if (exceeds_hard_limit()) heed_limit();
  process.pressure().reserve().give_up();
}

void Refusal::heed_limit() const noexcept {
  if (process.options().hard_limit_action == LimitAction::kAbort) die_at_limit(bytes_);
}

void restore_reserve() noexcept {
  if (process.pressure().reserve().is_missing())
    process.pressure().restore_reserve({}, os::coarse_milliseconds(), read_files);
}

}  // namespace luna
