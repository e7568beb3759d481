// SPDX-License-Identifier: MIT
// Memory pressure as one object: looks, lets the heap give back, tells subscribers. Levels are
// in levels.hpp, the table of subscribers in subscriptions.hpp.
#pragma once

#include "heap/allocator.hpp"
#include "os/kernel_file.hpp"
#include "os/lock.hpp"
#include "pressure/growth_watch.hpp"
#include "pressure/levels.hpp"
#include "pressure/limit_reader.hpp"
#include "pressure/requests.hpp"
#include "pressure/reserve.hpp"
#include "pressure/subscriptions.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace luna {

struct PressureSettings {
  PressureThresholds thresholds;
  Relaxed<std::size_t> own_limit =
      SIZE_MAX;                   // bytes of the heap's own, soft or hard; SIZE_MAX: none
  Relaxed<bool> releases = true;  // also without a thread: while the heap grows
};

// `heap` is that of the calling thread, nullptr if it has none. Files are read below `root`.
//
// Threads: any, but for the functions for fork().
class Pressure {
 public:
  explicit constexpr Pressure(Allocator& allocator) noexcept
      : allocator_(allocator), reserve_(allocator) {}

  Pressure(const Pressure&) = delete;
  Pressure& operator=(const Pressure&) = delete;

  void set(const PressureSettings& settings) noexcept;

  [[nodiscard]] Subscriptions& subscriptions() noexcept { return subscriptions_; }

  // What is the case now; gives nothing back. struct_size and released_bytes are set. `reading` has
  // the files read, here and below; it is not kept, for who can write to memory could change it.
  [[nodiscard]] luna_pressure_event look(std::string_view root, std::uint64_t now_ms,
                                         os::FileReading reading = os::read_here) noexcept;

  // Looks, and gives back what is free as the level asks. What is the case then.
  [[nodiscard]] luna_pressure_event ease(std::string_view root, ThreadHeap* heap,
                                         std::uint64_t now_ms,
                                         os::FileReading reading = os::read_here) noexcept;

  // Calls the subscribers; `refusals` is requests().count() from before the look. False: it could
  // not, since somebody is at it. To be called where no lock is held, and not in a slow path.
  [[nodiscard]] bool tell(const luna_pressure_event& event, std::uint64_t now_ms,
                          std::uint32_t refusals = 0) noexcept {
    return !ended_.load(std::memory_order_relaxed) && subscriptions_.tell(event, now_ms, refusals);
  }

  // Of threads that were refused and wait for tell().
  [[nodiscard]] PressureRequests& requests() noexcept { return requests_; }

  // When calling the subscribers last gained nothing for who was refused; 0: never.
  [[nodiscard]] std::uint64_t hopeless_ms() const noexcept {
    return hopeless_ms_.load(std::memory_order_relaxed);
  }
  void note_hopeless(std::uint64_t now_ms) noexcept {
    hopeless_ms_.store(now_ms, std::memory_order_relaxed);
  }

  [[nodiscard]] Reserve& reserve() noexcept { return reserve_; }

  // Fills it anew once the pressure is below moderate, and would be so afterwards. At most once a
  // second: looks.
  void restore_reserve(std::string_view root, std::uint64_t now_ms,
                       os::FileReading reading = os::read_here) noexcept;

  // Whether the level is another than at the last call.
  [[nodiscard]] bool rises_or_falls(const luna_pressure_event& event) noexcept {
    return last_level_.exchange(event.level, std::memory_order_relaxed) != event.level;
  }

  // At the exit of the process, whose objects go: nobody is called any more.
  void end() noexcept { ended_.store(true, std::memory_order_relaxed); }

  // Whether release_if_near() is to be called.
  [[nodiscard]] bool has_grown() const noexcept {
    return growth_.is_due(allocator_.pages().grown_bytes());
  }

  // As the last look found it, which may be long ago where nobody looks.
  [[nodiscard]] luna_pressure_level level() const noexcept {
    return level_.load(std::memory_order_relaxed);
  }

  // Gives back what is free if the process is about to reach a limit. The level there is; calls
  // nobody. To be called where no lock is held.
  luna_pressure_level release_if_near(std::string_view root, ThreadHeap* heap,
                                      std::uint64_t now_ms) noexcept;

  // An allocation failed, which looks tell of for a while.
  void note_refusal(std::uint64_t now_ms) noexcept {
    refused_ms_.store(now_ms, std::memory_order_relaxed);
  }

  // Somebody told of pressure, which looks tell of for a while.
  void note_sign(const PressureSign& sign, std::uint64_t now_ms) noexcept;

  [[nodiscard]] const PressureThresholds& thresholds() const noexcept {
    return settings_.thresholds;
  }

  void prepare_fork() noexcept;
  void resume_parent() noexcept;
  void resume_child() noexcept;

 private:
  // What files tell, read in one go.
  struct Told {
    Pressure* self;
    std::string_view root;
    os::LimitUse limit;
    LimitReader::Stall stall;
    std::uint64_t resident_bytes = 0;
  };
  static void read_files(void* told) noexcept;

  [[nodiscard]] std::size_t give_back(ThreadHeap* heap, luna_pressure_level level,
                                      std::uint64_t now_ms) noexcept;
  [[nodiscard]] os::LimitUse own_use() noexcept;

  Allocator& allocator_;
  PressureSettings settings_;
  GrowthWatch growth_;
  Subscriptions subscriptions_;
  std::atomic<std::uint64_t> refused_ms_{0};  // when the last one was; 0: never
  std::atomic<bool> ended_{false};
  std::atomic<std::uint64_t> last_level_{LUNA_PRESSURE_NONE};
  std::atomic<luna_pressure_level> level_{LUNA_PRESSURE_NONE};
  PressureRequests requests_;
  Reserve reserve_;
  std::atomic<std::uint64_t> hopeless_ms_{0};
  std::atomic<std::uint64_t> restored_ms_{0};  // when that was last tried
  std::atomic<std::uint64_t> released_ms_{0};  // when growth last made it give back

  os::Lock lock_;  // of what follows
  LimitReader limits_;
  PressureLevels levels_;
  luna_pressure_level eased_level_ = LUNA_PRESSURE_NONE;  // at the last give_back()
  std::uint64_t eased_ms_ = 0;
  PressureSign sign_;  // the last, and when it came
  std::uint64_t sign_ms_ = 0;
};

}  // namespace luna
