// SPDX-License-Identifier: MIT
// How many pages the program had in use at once, lately: what was in demand a moment
// ago may be again, and what comes in waves will be. docs/adr/0015 says why so.
#pragma once

#include <cstddef>
#include <cstdint>

namespace luna {

// Threads: guarded by the lock of the page heap. All numbers are of pages.
class Demand {
 public:
  // To be called whenever more are in use than before.
  void note(std::size_t used) noexcept {
    if (used > high_) high_ = used;
  }

  // The most that were in use since the last look; and for who counts pages as used
  // that are not.
  [[nodiscard]] std::size_t high() const noexcept { return high_; }
  void set_high(std::size_t pages) noexcept { high_ = pages; }

  // The most that were in use during this decay time or the one before, or in the
  // waves that go on.
  [[nodiscard]] std::size_t recent_peak() const noexcept;

  // Takes note of the time. Waves are seen only as fine as these calls come.
  void look(std::uint64_t now_ms, std::uint64_t decay_ms, std::size_t used) noexcept;

  // What the next wave will want to have in use; 0: none is expected.
  [[nodiscard]] std::size_t expected() const noexcept { return expected_; }

  // Whether there were waves lately, so that it pays to look more often.
  [[nodiscard]] bool is_waving() const noexcept { return waves_ > 1; }

 private:
  void follow(std::uint64_t now_ms, std::uint64_t decay_ms, std::size_t used) noexcept;
  [[nodiscard]] std::uint64_t patience_ms(std::uint64_t decay_ms) const noexcept;
  void begin_wave(std::uint64_t now_ms, std::size_t fall) noexcept;

  std::size_t high_ = 0;
  std::size_t peak_ = 0;
  std::size_t last_peak_ = 0;
  std::uint64_t peak_began_ms_ = 0;

  bool up_ = false;      // within a wave
  std::size_t low_ = 0;  // the least between the last wave and this one
  std::size_t top_ = 0;  // of this wave, or the last one
  std::size_t last_top_ = 0;
  std::size_t last_fall_ = 0;      // from the top before to the low
  int waves_ = 0;                  // of those that came one after the other, not too far apart
  std::uint64_t rose_ms_ = 0;      // when the last one began
  std::uint64_t interval_ms_ = 0;  // and how long after the one before
  std::uint64_t last_interval_ms_ = 0;
  std::size_t expected_ = 0;
};

}  // namespace luna
