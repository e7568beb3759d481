// SPDX-License-Identifier: MIT
// include/lunalloc/pressure.h, and the thread behind it.
#include "preload/pressure.hpp"

#include "os/clock.hpp"
#include "os/environment.hpp"
#include "preload/attach.hpp"
#include "preload/black_box.hpp"
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
constexpr std::uint64_t kRestMs = 3'600'000;   // while nobody wants it, unless it is woken
constexpr std::uint64_t kAskedRestMs = 1'000;  // the same, when somebody may ask from outside
constexpr std::size_t kMuchBytes = std::size_t{8} << 20;

[[nodiscard]] std::uint64_t nap_ms(std::uint64_t now_ms) noexcept {
  PageHeap& pages = process.allocator().pages();
  const std::size_t dirty = pages.totals().dirty;
  const std::uint64_t least = dirty > kMuchBytes ? kLeastNapMs : kNapMs;
  const std::uint64_t due_ms = pages.next_tick_ms();
  const std::uint64_t nap = due_ms > now_ms ? due_ms - now_ms : 0;
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
    event = pressure.ease({}, path.heap(), now_ms);
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

[[nodiscard]] std::uint64_t rest_ms() noexcept { return was_asked() ? kAskedRestMs : kRestMs; }

// True: one of the files told of pressure while the thread slept.
[[nodiscard]] bool note_events(std::uint64_t now_ms) noexcept {
  const PressureSign sign = process.event_sources().take(now_ms);
  process.pressure().note_sign(sign, now_ms);
  return sign.is_told;
}

// Who wants nothing finds nothing of ours open. True: somebody has woken the thread.
[[nodiscard]] bool sleep(std::uint64_t now_ms) noexcept {
  EventSources& sources = process.event_sources();
  if (!is_wanted()) {
    sources.close();
    process.worker().forget_files();
    return process.worker().sleep(rest_ms());
  }
  sources.review({}, process.pressure().thresholds(), now_ms);
  return sources.sleep(process.worker(), nap_ms(now_ms), now_ms);
}

// Its signals are blocked, so that nothing interrupts what it does outside of a SlowPath. Who only
// asks something from outside does not want it to give anything back.
void work(void*) noexcept {
  Allocator& allocator = process.allocator();
  std::uint64_t looked_ms = 0;
  for (bool woken = false;;) {
    answer_asked();
    const std::uint64_t now_ms = os::coarse_milliseconds();
    const bool wanted = is_wanted();
    if (wanted) allocator.pages().tick(now_ms, allocator.config().decay_ms);
    const bool told = note_events(now_ms);
    if (wanted && (woken || told || now_ms - looked_ms >= kLookMs)) {
      looked_ms = now_ms;
      static_cast<void>(check(now_ms));
    }
    tick_black_box();
    woken = sleep(now_ms);
  }
}

[[nodiscard]] bool is_sound(const Options& options) noexcept {
  constexpr std::uint64_t kMostPercent = 100;
  return options.pressure_low_percent <= options.pressure_moderate_percent &&
         options.pressure_moderate_percent <= options.pressure_critical_percent &&
         options.pressure_critical_percent <= kMostPercent;
}

void apply_reserve() noexcept {
  constexpr std::uint64_t kMostKib = std::uint64_t{1} << 40;
  const std::uint64_t kib = process.options().reserve_kib;
  const SlowPath path;
  if (!path.entered()) return;
  process.pressure().reserve().set_size(kib < kMostKib ? static_cast<std::size_t>(kib) << 10 : 0);
  process.pressure().reserve().fill();
}

// SIZE_MAX: none.
[[nodiscard]] std::size_t limit_bytes(std::uint64_t mebibytes) noexcept {
  constexpr std::uint64_t kMost = std::uint64_t{1} << 40;
  return mebibytes == 0 || mebibytes > kMost ? SIZE_MAX : static_cast<std::size_t>(mebibytes) << 20;
}

// Whoever made a subscription before a fork still wants to be called.
void revive_worker() noexcept {
  if (is_wanted()) static_cast<void>(start_worker());
}

}  // namespace

int apply_pressure() noexcept {
  const Options& options = process.options();
  PressureSettings settings;
  const std::size_t hard_limit = limit_bytes(options.hard_limit_mib);
  process.allocator().pages().set_hard_limit(hard_limit);
  settings.own_limit = limit_bytes(options.soft_limit_mib);
  if (hard_limit < settings.own_limit) settings.own_limit = hard_limit;
  settings.releases = options.pressure_release;
  const bool sound = is_sound(options);
  if (sound)
    settings.thresholds = {static_cast<double>(options.pressure_low_percent),
                           static_cast<double>(options.pressure_moderate_percent),
                           static_cast<double>(options.pressure_critical_percent)};
  process.pressure().set(settings);
  apply_reserve();
  process.event_sources().review_soon();
  process.worker().wake();
  return sound ? 0 : EINVAL;
}

// Rests when it is not wanted any more: one that ends could miss who wants it meanwhile.
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
  if (apply_pressure() != 0)
    complain("options \"pressure_..._percent\"",
             "want low <= moderate <= critical <= 100; they are ignored");
  if (options.background && !start_worker())
    complain("option \"background\"", "no thread can be started; it is ignored");
}

bool start_worker() noexcept { return process.worker().start(work, nullptr); }

void watch_growth(ThreadHeap* heap) noexcept {
  const luna_pressure_level level =
      process.pressure().release_if_near({}, heap, os::coarse_milliseconds());
  if (level != LUNA_PRESSURE_NONE) process.worker().wake();
  restore_reserve();
}

// By itself only where the options ask for it, for most children of a fork soon become another
// program.
void resume_worker_in_child() noexcept {
  process.event_sources().close();
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
  if (!luna::start_worker()) return EAGAIN;
  if (!subscriptions.add({level, min_interval_ms, callback, context}, *subscription)) return ENOSPC;
  process.worker().wake();
  return 0;
}

LUNA_EXPORT int luna_pressure_unsubscribe(luna_subscription subscription) {
  return process.pressure().subscriptions().remove(subscription) ? 0 : ENOENT;
}

LUNA_EXPORT int luna_pressure_read(luna_pressure_event* event) {
  if (event->struct_size != sizeof(luna_pressure_event)) return EINVAL;
  if (!process.enabled()) return ENOTSUP;
  luna::revive_worker();
  *event = process.pressure().look({}, luna::os::coarse_milliseconds());
  return 0;
}

LUNA_EXPORT int luna_pressure_check(void) {
  if (!process.enabled()) return ENOTSUP;
  luna::revive_worker();
  return luna::check(luna::os::coarse_milliseconds()) ? 0 : EBUSY;
}
