// SPDX-License-Identifier: MIT
// What one thread has of named heaps: for each of them a thread heap, once it has allocated
// there; and which of them it is freeing a block of.
#pragma once

#include "base/function_pointer.hpp"
#include "heap/thread_heap.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace luna {

class NamedHeap;

// Threads: its own, but for `next`, and for who ends a heap: NamedHeaps.
class ThreadParts {
 public:
  static constexpr std::size_t kMost = 4096;  // heaps at a time
  static constexpr std::size_t kNowhere = kMost;

  // nullptr: the thread has not allocated there yet. `number` may be kNowhere.
  [[nodiscard]] ThreadHeap* at(std::size_t number) const noexcept {
    return parts_[number].load(std::memory_order_relaxed);
  }
  // The same for another thread. Pairs with the release in set(): who finds none finds its slabs
  // as they were left.
  [[nodiscard]] ThreadHeap* at_of_other(std::size_t number) const noexcept {
    return parts_[number].load(std::memory_order_acquire);
  }
  // Requires: these are not no_parts.
  void set(std::size_t number, ThreadHeap* part) noexcept {
    parts_[number].store(part, std::memory_order_release);  // pairs with at_of_other()
  }

  // The thread's own heap, which parts may follow; nullptr: it had none when these began.
  [[nodiscard]] ThreadHeap* own_heap() const noexcept { return own_heap_; }
  void set_own_heap(ThreadHeap* heap) noexcept { own_heap_ = heap; }

  // While a thread is at a heap, nobody ends it. Pairs with the store of who ends it, and his
  // look at busy_with(): either he sees us, or we see that it ends.
  void begin(const NamedHeap& heap) noexcept { heap_.store(&heap, std::memory_order_seq_cst); }
  // Pairs with the acquire in is_busy_with(): what was done there is done.
  void end() noexcept { heap_.store(nullptr, std::memory_order_release); }
  [[nodiscard]] bool is_busy_with(const NamedHeap& heap) const noexcept {
    return heap_.load(std::memory_order_seq_cst) == &heap;
  }

  // How many times the thread has entered a heap and not left it; its own alone changes that.
  [[nodiscard]] std::uint32_t times_entered(std::size_t number) const noexcept {
    return entered_[number].load(std::memory_order_relaxed);
  }
  void set_times_entered(std::size_t number, std::uint32_t times) noexcept {
    entered_[number].store(times, std::memory_order_relaxed);
  }

  void clear() noexcept {
    for (auto& part : parts_) part.store(nullptr, std::memory_order_relaxed);
    for (auto& times : entered_) times.store(0, std::memory_order_relaxed);
    heap_.store(nullptr, std::memory_order_relaxed);
    own_heap_ = nullptr;
  }

  // Of a thread that begins in a heap: what it shall do there. Set before it is created.
  struct Errand {
    NamedHeap* heap = nullptr;
    FunctionPointer<void (*)()> start;  // whatever its type is
    void* argument = nullptr;
  };
  Errand errand;

  // Of NamedHeaps, under its lock.
  ThreadParts* next = nullptr;       // of all
  ThreadParts* next_free = nullptr;  // of those that no thread has
  bool is_free = false;

 private:
  std::atomic<const NamedHeap*> heap_{nullptr};
  ThreadHeap* own_heap_ = nullptr;
  std::array<std::atomic<ThreadHeap*>, kMost + 1> parts_{};  // the last is always nullptr
  std::array<std::atomic<std::uint32_t>, kMost> entered_{};
};

// Those of threads that have none.
extern constinit ThreadParts no_parts;

}  // namespace luna
