// SPDX-License-Identifier: MIT
// Blocks that are sampled. They lie in slabs, and runs of pages, that are no thread's, so
// that whoever frees one leaves the fast path, and no other free has to ask.
#pragma once

#include "base/function_pointer.hpp"
#include "heap/size_class.hpp"
#include "heap/slab.hpp"
#include "os/lock.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace luna {

class Allocator;

struct SampledBlock {
  void* memory;
  std::size_t bytes;        // that the program asked for
  std::size_t block_bytes;  // that the block has, and was sampled by
  std::uint64_t interval;
};

// Who is told of samples. The functions are called on slow paths, with no lock of the
// allocator held. allocated() may allocate, which is not sampled; the others must not.
struct SampleObserver {
  void* context;
  // False: there is no room to remember it, so it shall be no sample.
  FunctionPointer<bool (*)(void* context, const SampledBlock& block) noexcept> allocated;
  // False: no such block is known, so it was freed before.
  FunctionPointer<bool (*)(void* context, void* memory) noexcept> freed;
  // realloc changed the block, which has so many bytes now. False: it is a sample no more.
  FunctionPointer<bool (*)(void* context, const SampledBlock& block) noexcept> resized;
  // The block is known by another address from now on.
  FunctionPointer<void (*)(void* context, void* from, void* to) noexcept> moved;
};

// Threads: any; one lock inside.
class Samples {
 public:
  constexpr Samples() noexcept = default;
  Samples(const Samples&) = delete;
  Samples& operator=(const Samples&) = delete;

  // From now on there may be samples. False: the kernel refuses memory.
  [[nodiscard]] bool begin(Allocator& allocator, const SampleObserver& observer) noexcept;

  // 1: every block; 0: none. Threads take notice when they are interrupted. What is
  // sampled follows from the seed, in a thread at least.
  void set_interval(std::uint64_t interval, std::uint64_t seed) noexcept {
    seed_.store(seed, std::memory_order_relaxed);
    interval_.store(interval, std::memory_order_relaxed);
    epoch_.fetch_add(1, std::memory_order_release);  // pairs with epoch()
  }
  [[nodiscard]] std::uint64_t interval() const noexcept {
    return interval_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint32_t epoch() const noexcept {
    return epoch_.load(std::memory_order_acquire);  // pairs with set_interval()
  }

  // A seed for one more thread.
  [[nodiscard]] std::uint64_t next_seed() noexcept {
    return seed_.fetch_add(0x632be59bd9b4e019, std::memory_order_relaxed);
  }

  // Requires: begin() was called.
  [[nodiscard]] const SampleObserver& observer() const noexcept { return observer_; }

  // Whether a block of the slab, or the run in the slot, is a sample.
  [[nodiscard]] bool own(const Slab& slot) const noexcept {
    const std::uintptr_t owner = slot.owner.load(std::memory_order_relaxed);
    return owner != 0 && owner == heap_.load(std::memory_order_relaxed);
  }

  // A block of the class; nullptr: the kernel refuses.
  [[nodiscard]] void* take(SizeClass size_class) noexcept;
  void put(Slab& slab, void* block) noexcept;

  // Makes a run or span one of ours; disown_run() undoes it.
  void own_run(Slab& slot) noexcept;

  std::size_t trim(bool purge) noexcept;

  // Forgets its heap, which is gone with all its blocks.
  void abandon() noexcept;

  // In the child of a fork: what was freed has yet to be found by its bits.
  void forget_returned() noexcept;

  // The heap that they lie in; nullptr: there is none yet.
  [[nodiscard]] const ThreadHeap* thread_heap() const noexcept { return heap(); }

  [[nodiscard]] os::Lock& lock() noexcept { return lock_; }

 private:
  [[nodiscard]] ThreadHeap* heap() const noexcept {
    return reinterpret_cast<ThreadHeap*>(heap_.load(std::memory_order_relaxed));
  }

  os::Lock lock_;
  std::atomic<std::uintptr_t> heap_{0};  // a thread heap without a thread
  SampleObserver observer_{};
  std::atomic<std::uint64_t> interval_{0};
  std::atomic<std::uint64_t> seed_{0};
  std::atomic<std::uint32_t> epoch_{0};  // how often the interval was set
};

}  // namespace luna
