// SPDX-License-Identifier: MIT
// Small numbers for threads, in the order in which samples of theirs came by, and what those
// of late were called.
#pragma once

#include "os/environment.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace luna {

// As the kernel knew it at its first sample.
struct ThreadLabel {
  std::uint32_t number = 0;  // 0: there is none
  std::uint32_t id = 0;
  os::ThreadName name{};
};

// Threads that live have a place in a hash table. The labels of the last kLabels threads are
// kept, whether they live or not.
//
// An object that is all zeros is one without threads. Threads: guarded by the profiler.
class ThreadNumbers {
 public:
  static constexpr std::size_t kPlaces = 4096;
  static constexpr std::size_t kMaxThreads = kPlaces / 4 * 3;
  static constexpr std::size_t kLabels = 512;
  static constexpr std::uint32_t kNone = 0;

  // That of the calling thread, which may be new. kNone: there are too many.
  [[nodiscard]] std::uint32_t of_caller() noexcept {
    const std::uintptr_t key = os::thread_key();
    const std::uint32_t number = find(key);
    return number != kNone ? number : add_caller(key);
  }

  // kNone: it has none.
  [[nodiscard]] std::uint32_t find(std::uintptr_t key) const noexcept {
    return places_[place_of(key)].number;
  }

  // The next number, for a thread that has none. kNone: there are too many.
  std::uint32_t add(std::uintptr_t key, ThreadLabel label) noexcept;

  // The thread ends: another may have its key soon.
  void forget(std::uintptr_t key) noexcept;

  // In the child of a fork: all others are gone.
  void keep_caller() noexcept;

  // nullptr: so many came after it that it was forgotten.
  [[nodiscard]] const ThreadLabel* label_of(std::uint32_t number) const noexcept {
    const ThreadLabel& label = labels_[number % kLabels];
    return number != kNone && label.number == number ? &label : nullptr;
  }

  [[nodiscard]] std::uint32_t last() const noexcept { return last_; }

 private:
  struct Place {
    std::uintptr_t key;
    std::uint32_t number;
  };

  [[nodiscard]] static std::size_t home_of(std::uintptr_t key) noexcept {
    // Fibonacci hashing: Knuth, The Art of Computer Programming, volume 3, 6.4.
    return static_cast<std::size_t>(std::uint64_t{key} / 64 * 0x9e3779b97f4a7c15 >> 52);
  }
  [[nodiscard]] std::size_t place_of(std::uintptr_t key) const noexcept {
    std::size_t place = home_of(key);
    while (places_[place].key != key && places_[place].key != 0) place = (place + 1) % kPlaces;
    return place;
  }
  std::uint32_t add_caller(std::uintptr_t key) noexcept;

  std::uint32_t last_;
  std::uint32_t count_;
  std::array<Place, kPlaces> places_;
  std::array<ThreadLabel, kLabels> labels_;
};

}  // namespace luna
