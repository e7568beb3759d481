// SPDX-License-Identifier: MIT
// include/lunalloc/pressure.h, and the thread behind it.
#include "preload/pressure.hpp"

#include "os/clock.hpp"
#include "os/environment.hpp"
#include "os/memory.hpp"
#include "preload/attach.hpp"
#include "preload/black_box.hpp"
#include "preload/heaps.hpp"
#include "preload/process.hpp"
#include "preload/profile_file.hpp"
#include "preload/refusal.hpp"
#include "preload/slow_path.hpp"

#include <errno.h>
#include <lunalloc/pressure.h>

#define LUNA_EXPORT extern "C" [[gnu::visibility("default")]]

namespace luna {

namespace {

// What is free is looked at twice a second, limits half as often. While there is much to give
// back, which is done in steps, the thread comes by as often as a step is due.
constexpr std::uint64_t kLookMs = 1000;
constexpr std::uint64_t kMostNapMs = 500;
constexpr std::uint64_t kNapMs = 100;
constexpr std::uint64_t kLeastNapMs = 10;
constexpr std::uint64_t kLeastLookMs = 20;     // between two looks, however often it is woken
constexpr std::uint64_t kAskedRestMs = 1'000;  // not wanted, but somebody may ask from outside
constexpr std::size_t kMuchBytes = std::size_t{8} << 20;

[[nodiscard]] std::uint64_t nap_ms(std::uint64_t now_ms) noexcept {
  PageHeap& pages = process.allocator().pages();
  const std::size_t dirty = whole_totals(process.allocator()).dirty;
  const std::uint64_t least = dirty > kMuchBytes ? kLeastNapMs : kNapMs;
  const std::uint64_t due_ms = pages.next_tick_ms();
  const std::uint64_t nap = due_ms > now_ms ? due_ms - now_ms : 0;
  if (pages.totals().dirty != dirty) return least;  // of named heaps, whose ticks nobody asks for
  if (dirty == 0 || nap > kMostNapMs) return kMostNapMs;
  return nap > least ? nap : least;
}

[[nodiscard]] bool is_wanted() noexcept {
  return process.options().background || process.pressure().subscriptions().count() != 0;
}

// False: a callback is being called, or a handler has interrupted the allocator.
[[nodiscard]] bool check(std::uint64_t now_ms) noexcept {
  Pressure& pressure = process.pressure();
  const std::uint32_t refusals = pressure.requests().count();
  luna_pressure_event event;
  {
    const SlowPath path;
    if (!path.entered()) return false;
    event = pressure.ease({}, path.heap(), now_ms, read_files);
    restore_reserve();
  }
  if (pressure.rises_or_falls(event)) note_pressure(event);
  const std::uint64_t calls = pressure.subscriptions().calls();
  if (!pressure.tell(event, now_ms, refusals)) return false;
  // What callbacks have freed is in the lists of this thread, and still backed.
  const bool called = pressure.subscriptions().calls() != calls;
  if (called && event.level == LUNA_PRESSURE_CRITICAL) process.trim(0);
  pressure.requests().answer(refusals);
  return true;
}

// With the files that tell of pressure, and what they told.
struct Sleep {
  std::uint64_t now_ms;
  std::uint64_t nap_ms;
  bool woken = false;  // by somebody
  PressureSign sign;
};

void sleep_with_files(void* context) noexcept {
  Sleep& sleep = *static_cast<Sleep*>(context);
  EventSources& sources = process.event_sources();
  const bool apart = process.file_thread().is_running();
  sources.review({}, process.pressure().thresholds(), sleep.now_ms);
  sleep.woken = sources.sleep(process.worker(), sleep.nap_ms, sleep.now_ms, apart);
  sleep.sign = sources.take(os::coarse_milliseconds());
}

// Who wants nothing finds nothing of ours open, and one thread at most.
void end_files() noexcept {
  process.file_thread().run(
      [](void*) noexcept {
        process.event_sources().close();
        process.worker().forget_files();
      },
      nullptr);
  process.file_thread().end();
}

// Somebody wants something of the thread, or may soon ask from outside.
[[nodiscard]] bool is_needed() noexcept { return is_wanted() || was_asked() || is_asked(); }

// One round after the other. A look costs some 100 us, so that no storm of wakes makes more of
// them.
class Rounds {
 public:
  // False: the thread must end.
  [[nodiscard]] bool go_on() noexcept {
    answer_asked();
    now_ms_ = os::coarse_milliseconds();
    const bool wanted = is_wanted();
    Allocator& allocator = process.allocator();
    if (wanted) {
      begin_files();
      allocator.pages().tick(now_ms_, allocator.config().decay_ms);
      named_heaps.tick(now_ms_);
    }
    process.pressure().note_sign(sign_, now_ms_);
    if (sign_.is_told) is_pressing_ = true;
    sign_ = {};
    if (wanted && is_time()) {
      looked_ms_ = now_ms_;
      is_pressing_ = false;
      static_cast<void>(check(now_ms_));
    }
    tick_black_box();
    if (process.worker().is_stopped()) {
      end_files();
      return false;
    }
    return is_needed() || !ends();
  }

  void sleep() noexcept {
    if (is_pressing_) return os::sleep_milliseconds(kLeastLookMs);
    if (is_wanted()) return sleep_wanted();
    end_files();
    has_begun_files_ = false;
    if (process.worker().sleep(kAskedRestMs)) is_pressing_ = true;
  }

 private:
  [[nodiscard]] bool is_time() const noexcept {
    return now_ms_ - looked_ms_ >= (is_pressing_ ? kLeastLookMs : kLookMs);
  }

  [[nodiscard]] bool ends() noexcept {
    end_files();
    has_begun_files_ = false;
    return process.worker().ends(is_needed);
  }

  // Once, for what is open does not move from one thread to the other; and here, where no lock is
  // held, for the C library allocates.
  void begin_files() noexcept {
    if (has_begun_files_) return;
    has_begun_files_ = true;
    const OutOfHeaps out;
    process.file_thread().start();
  }

  // It may be wanted only since the round was begun.
  void sleep_wanted() noexcept {
    begin_files();
    Sleep sleep = {.now_ms = now_ms_, .nap_ms = nap_ms(now_ms_), .sign = {}};
    process.file_thread().run(sleep_with_files, &sleep);
    sign_ = sleep.sign;
    if (sleep.woken) is_pressing_ = true;
  }

  std::uint64_t now_ms_ = 0;
  std::uint64_t looked_ms_ = 0;
  bool is_pressing_ = false;
  bool has_begun_files_ = false;
  PressureSign sign_;  // what was told in the last sleep
};

// Its signals are blocked, so that nothing interrupts what it does outside of a SlowPath. Who only
// asks something from outside does not want it to give anything back.
void work(void*) noexcept {
  for (Rounds rounds; rounds.go_on();) rounds.sleep();
}

[[nodiscard]] bool is_sound(const Options& options) noexcept {
  constexpr std::uint64_t kMostPercent = 100;
  return options.pressure_low_percent >= 1 &&
         options.pressure_low_percent <= options.pressure_moderate_percent &&
         options.pressure_moderate_percent <= options.pressure_critical_percent &&
         options.pressure_critical_percent <= kMostPercent;
}

// What the process may have of all, whatever it frees.
[[nodiscard]] std::uint64_t most_memory() noexcept {
  std::uint64_t most = os::physical_memory();
  const std::size_t hard_limit = process.allocator().pages().hard_limit();
  if (hard_limit < most) most = hard_limit;
  const std::uint64_t limit =
      process.pressure().look({}, os::coarse_milliseconds(), read_files).limit_bytes;
  return limit != 0 && limit < most ? limit : most;
}

// In which there may be room for the reserve now.
void fill_reserve() noexcept {
  const SlowPath path;
  if (path.entered()) process.pressure().reserve().fill();
}

// SIZE_MAX: none.
[[nodiscard]] std::size_t limit_bytes(std::uint64_t mebibytes) noexcept {
  return mebibytes == 0 ? SIZE_MAX : static_cast<std::size_t>(mebibytes) << 20;
}

// A handler that interrupts these is behind the slow path too, and waits for none of their locks.
[[nodiscard]] bool take_away(luna_subscription subscription) noexcept {
  const SlowPath path;
  return path.entered() && process.pressure().subscriptions().take_away(subscription);
}

[[nodiscard]] bool is_called_by_another(luna_subscription subscription) noexcept {
  const SlowPath path;
  return path.entered() && process.pressure().subscriptions().is_called_by_another(subscription);
}

// Whoever made a subscription before a fork still wants to be called.
void revive_worker() noexcept {
  if (is_wanted()) static_cast<void>(start_worker());
}

}  // namespace

namespace {

void put_in_force(const PressureThresholds& thresholds) noexcept {
  const Options& options = process.options();
  PressureSettings settings;
  settings.thresholds = thresholds;
  const std::size_t hard_limit = limit_bytes(options.hard_limit_mib);
  process.allocator().pages().set_hard_limit(hard_limit);
  named_heaps.follow();
  settings.own_limit = limit_bytes(options.soft_limit_mib);
  if (hard_limit < settings.own_limit) settings.own_limit = hard_limit;
  settings.releases = options.pressure_release;
  process.pressure().set(settings);
  fill_reserve();
  if (!process.worker().is_running()) return;  // it begins with a review
  process.event_sources().review_soon();
  process.worker().wake();
}

void begin_reserve() noexcept {
  if (apply_reserve() != 0)
    complain("option \"reserve_kib\"",
             "wants less than all memory that the process may have; it is ignored");
  else if (process.pressure().reserve().is_missing())
    complain("option \"reserve_kib\"",
             "so much is refused now; it is kept as soon as there is room");
}

}  // namespace

int apply_pressure() noexcept {
  const Options& options = process.options();
  if (!is_sound(options)) return EINVAL;
  put_in_force({static_cast<double>(options.pressure_low_percent),
                static_cast<double>(options.pressure_moderate_percent),
                static_cast<double>(options.pressure_critical_percent)});
  return 0;
}

int apply_reserve() noexcept {
  const std::uint64_t kib = process.options().reserve_kib;
  const SlowPath path;
  if (!path.entered()) return EBUSY;
  if (kib != 0 && kib >= most_memory() >> 10) return EINVAL;
  process.pressure().reserve().set_size(static_cast<std::size_t>(kib) << 10);
  process.pressure().reserve().fill();
  return 0;
}

int apply_background() noexcept {
  process.worker().wake();
  if (!process.options().background || !process.enabled()) return 0;
  return start_worker() ? 0 : EAGAIN;
}

void begin_pressure() noexcept {
  const Options& options = process.options();
  if (!options.enabled) return;
  if (!os::runs_with_privileges())
    process.event_sources().set_watch(os::environment_value("MEMORY_PRESSURE_WATCH"),
                                      os::environment_value("MEMORY_PRESSURE_WRITE"));
  if (apply_pressure() != 0) {
    complain("options \"pressure_..._percent\"",
             "want 1 <= low <= moderate <= critical <= 100; they are ignored");
    put_in_force({});
  }
  if (options.reserve_kib != 0) begin_reserve();
  if (options.background && !start_worker())
    complain("option \"background\"", "no thread can be started; it is ignored");
}

void read_files(void (*read)(void* context), void* context) noexcept {
  if (process.worker().is_current()) return process.file_thread().run(read, context);
  read(context);
}

bool start_worker() noexcept {
  const OutOfHeaps out;
  return process.worker().start(work, nullptr);
}

void watch_growth(ThreadHeap* heap) noexcept {
  const luna_pressure_level level =
      process.pressure().release_if_near({}, heap, os::coarse_milliseconds());
  if (level != LUNA_PRESSURE_NONE) process.worker().wake();
  restore_reserve();
}

// By itself only where the options ask for it, for most children of a fork soon become another
// program.
void resume_worker_in_child() noexcept {
  if (process.file_thread().is_running())
    process.event_sources().forget();
  else
    process.event_sources().close();
  process.file_thread().resume_child();
  process.worker().resume_child();
  if (process.options().background && process.enabled()) static_cast<void>(start_worker());
}

}  // namespace luna

using luna::process;

LUNA_EXPORT int luna_pressure_subscribe(luna_pressure_level level, uint64_t min_interval_ms,
                                        luna_pressure_callback callback, void* context,
                                        luna_subscription* subscription) {
  if (level < LUNA_PRESSURE_LOW || level > LUNA_PRESSURE_CRITICAL) return EINVAL;
  if (callback == nullptr || subscription == nullptr) return EINVAL;
  if (!process.enabled()) return ENOTSUP;
  luna::Subscriptions& subscriptions = process.pressure().subscriptions();
  luna_subscription number = 0;
  {
    const luna::SlowPath path;
    if (!path.entered()) return EBUSY;
    if (!subscriptions.add({level, min_interval_ms, callback, context}, number)) return ENOSPC;
  }
  if (!luna::start_worker()) {
    static_cast<void>(luna::take_away(number));
    return EAGAIN;
  }
  *subscription = number;
  process.worker().wake();
  return 0;
}

LUNA_EXPORT int luna_pressure_unsubscribe(luna_subscription subscription) {
  const bool found = luna::take_away(subscription);
  // Seldom, and for as long as the program's callback takes: not worth a queue.
  while (luna::is_called_by_another(subscription)) luna::os::sleep_milliseconds(1);
  return found ? 0 : ENOENT;
}

LUNA_EXPORT int luna_pressure_read(luna_pressure_event* event) {
  if (event->struct_size != sizeof(luna_pressure_event)) return EINVAL;
  if (!process.enabled()) return ENOTSUP;
  luna::revive_worker();
  const luna::SlowPath path;
  if (!path.entered()) return EBUSY;
  *event = process.pressure().look({}, luna::os::coarse_milliseconds(), luna::read_files);
  return 0;
}

LUNA_EXPORT int luna_pressure_check(void) {
  if (!process.enabled()) return ENOTSUP;
  luna::revive_worker();
  return luna::check(luna::os::coarse_milliseconds()) ? 0 : EBUSY;
}
