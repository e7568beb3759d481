// SPDX-License-Identifier: MIT
// Samples that each have a page of their own between pages without access, so that the
// processor notices who goes beyond them or uses them after they were freed. The idea is that
// of Electric Fence (Perens), and of sampling it that of tcmalloc's guarded page allocator and
// of GWP-ASan (Serebryany et al., 2023). Blocks of named heaps that want it lie here too,
// unsampled.
#pragma once

#include "base/function_pointer.hpp"
#include "os/lock.hpp"

#include <lunalloc/heap.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace luna {

class NamedHeap;

enum class GuardState : std::uint8_t { kUnused, kPrepared, kLive, kEnding, kFreed };

// Who allocated a block, or freed it.
struct GuardStack {
  static constexpr std::size_t kMaxDepth = 32;

  std::array<std::uintptr_t, kMaxDepth> frames{};
  std::size_t depth = 0;
  std::uint64_t thread = 0;
};

// A slot, and the block that lies in it or lay there last. Read without a lock by whoever
// reports a mistake: it changes only as far as its state says.
struct GuardedBlock {
  [[nodiscard]] bool is_freed() const noexcept {
    const GuardState now = state.load(std::memory_order_acquire);  // pairs with put()
    return now == GuardState::kEnding || now == GuardState::kFreed;
  }

  std::byte* memory = nullptr;
  std::size_t bytes = 0;        // that the program asked for; it may use no more
  std::size_t class_bytes = 0;  // that it would have had elsewhere, and was sampled by
  std::atomic<GuardState> state{GuardState::kUnused};
  mutable std::atomic<bool> reported{false};  // in this life: once is enough
  GuardStack allocated;
  GuardStack freed;
  std::uint32_t next = 0;  // in the quarantine

  // Whose block it is, and what its reports say after the end of the heap too. No heap: a sample;
  // ended_heap(): its heap is gone, and who frees it now comes too late.
  std::atomic<NamedHeap*> heap{nullptr};
  std::array<char, LUNA_HEAP_NAME_BYTES> heap_name{};
  [[nodiscard]] static NamedHeap* ended_heap() noexcept { return reinterpret_cast<NamedHeap*>(1); }
};

enum class MistakeKind : std::uint8_t {
  kBeyond,         // an access behind the block
  kBefore,         // one before it
  kUseAfterFree,   // one to a block that was freed
  kWrittenBeyond,  // found when it was freed: somebody had written behind it
  kWrittenBefore,
  kDoubleFree,
  kInteriorFree,  // the pointer is not that of the block
  kResizeOfFreed,
  kInteriorResize,
};

struct GuardMistake {
  MistakeKind kind;
  const GuardedBlock* block;
  std::uintptr_t address;
};

// Who knows stacks and is told of mistakes. Called with no lock held; must not allocate.
struct GuardObserver {
  void* context;
  // Writes the stack of the calling thread; returns its depth.
  FunctionPointer<std::size_t (*)(void* context, std::uintptr_t* frames,
                                  std::size_t depth) noexcept>
      walk;
  // Returns if the program shall go on.
  FunctionPointer<void (*)(void* context, const GuardMistake& mistake) noexcept> misused;
};

// The slots: a reservation in which each page for data lies between two without access. A
// block lies at the end of its page, every other one at the start; the rest of the page is
// filled with a pattern that is looked at when it is freed. A freed block stays without
// access until all other free slots were used.
//
// Invariants, tested by verify():
//   1. each slot that is freed, or failed to be used, is in the quarantine once
//   2. a live block lies within the page of its slot
//
// Threads: any; one lock inside, under which the quarantine changes and no system call is made.
// Owns 2 n + 1 pages of address space for n slots, as many mappings at most, and n pages of memory.
class GuardedBlocks {
 public:
  static constexpr std::size_t kMaxSlots = 4096;
  static constexpr std::byte kSlack{0xB7};

  constexpr GuardedBlocks() noexcept = default;
  GuardedBlocks(const GuardedBlocks&) = delete;
  GuardedBlocks& operator=(const GuardedBlocks&) = delete;

  // From now on one in so many samples is due, or none if it is 0. Once only: later calls change
  // nothing. False: the kernel refuses. Requires: 0 < slots <= kMaxSlots.
  [[nodiscard]] bool begin(std::size_t slots, std::uint64_t one_in,
                           const GuardObserver& observer) noexcept;

  // From now on one in so many samples is due, or none if it is 0. False: begin() was never
  // called, or in vain.
  [[nodiscard]] bool set_one_in(std::uint64_t one_in) noexcept;

  // Whether the sample that is about to be taken shall be guarded. Not those of no bytes,
  // which have none to look after, and not those that need more than a page.
  [[nodiscard]] bool is_due(std::size_t bytes, std::size_t alignment) noexcept {
    // pairs with the release in begin()
    const std::uint64_t one_in = one_in_.load(std::memory_order_acquire);
    if (one_in == 0 || bytes == 0 || !fits(bytes) || !fits(alignment)) return false;
    return samples_.fetch_add(1, std::memory_order_relaxed) % one_in == 0;
  }

  [[nodiscard]] bool fits(std::size_t bytes) const noexcept { return bytes <= page_bytes_; }

  // Whether it lies among the slots, whosever pointer it is. Costs two loads.
  [[nodiscard]] bool own(const void* pointer) const noexcept {
    // pairs with the release in begin(): whoever sees an end sees the base and the records
    const std::uintptr_t end = end_.load(std::memory_order_acquire);
    const auto address = reinterpret_cast<std::uintptr_t>(pointer);
    return address < end && address >= base_.load(std::memory_order_relaxed);
  }

  // A slot, with access, for a block that is the caller's to hand out after publish() or to
  // give back by discard(). nullptr: all hold live blocks, or the kernel refuses.
  // Requires: 0 < bytes, both fit. Slow: a system call.
  [[nodiscard]] GuardedBlock* take(std::size_t bytes, std::size_t alignment) noexcept;

  // Keeps the stack of the caller as that of the allocation.
  void publish(GuardedBlock& block) noexcept;
  void discard(GuardedBlock& block) noexcept;

  // The block that lies or lay nearest to a pointer; nullptr: there was none. Requires: own().
  [[nodiscard]] GuardedBlock* find(const void* pointer) const noexcept;

  // Makes the block the caller's to put(). False: it is not live, or starts elsewhere.
  [[nodiscard]] bool claim(GuardedBlock& block, const void* pointer) const noexcept;

  // Undoes claim().
  void unclaim(GuardedBlock& block) const noexcept {
    block.state.store(GuardState::kLive, std::memory_order_release);  // pairs with claim()
  }

  // Takes access to the block away and keeps the stack of the caller. Slow: a system call.
  void put(GuardedBlock& block) noexcept;

  // What an access that failed was. Its block is nullptr if it is no mistake that is known here.
  [[nodiscard]] GuardMistake explain(std::uintptr_t address) const noexcept;

  // Tells the observer, unless something was told of this block before.
  void report(const GuardMistake& mistake) const noexcept;

  // The same for a block that cannot be freed by this pointer.
  void report_free(const GuardedBlock& block, const void* pointer) const noexcept {
    const bool is_start = block.memory == pointer;
    report({is_start ? MistakeKind::kDoubleFree : MistakeKind::kInteriorFree, &block,
            reinterpret_cast<std::uintptr_t>(pointer)});
  }

  // Gives access to the page at an address, until the block near it is taken or put again.
  void open(std::uintptr_t address) const noexcept;

  // Calls visit(GuardedBlock&) for each slot that was ever used, under no lock.
  template <typename Visit>
  void for_each(Visit visit) noexcept {
    std::uint32_t used;
    {
      os::ScopedLock guard(lock_);
      used = used_;
    }
    for (std::uint32_t i = 0; i < used; ++i) visit(blocks_[i]);
  }

  // Calls visit(const void* memory, std::size_t bytes) for the slots, and for their records.
  template <typename Visit>
  void for_each_table(Visit visit) noexcept {
    os::ScopedLock guard(lock_);
    if (blocks_ == nullptr) return;
    const std::uintptr_t base = base_.load(std::memory_order_relaxed);
    visit(reinterpret_cast<const void*>(base), end_.load(std::memory_order_relaxed) - base);
    visit(static_cast<const void*>(blocks_), count_ * sizeof(GuardedBlock));
  }

  void verify() noexcept;
  [[nodiscard]] os::Lock& lock() noexcept { return lock_; }

 private:
  [[nodiscard]] std::byte* page_of(const GuardedBlock& block) const noexcept;
  void place(GuardedBlock& block, std::size_t bytes, std::size_t alignment) noexcept;
  void look_at_slack(const GuardedBlock& block) const noexcept;
  void close(GuardedBlock& block) const noexcept;
  void keep_stack(GuardStack& stack) const noexcept;
  [[nodiscard]] GuardedBlock* next_free() noexcept;
  void quarantine(GuardedBlock& block) noexcept;

  static constexpr std::uint32_t kNone = UINT32_MAX;

  os::Lock lock_;
  std::atomic<std::uint64_t> one_in_{0};
  std::atomic<std::uint64_t> samples_{0};
  std::atomic<std::uintptr_t> base_{0};
  std::atomic<std::uintptr_t> end_{0};
  std::size_t page_bytes_ = 0;
  GuardObserver observer_{};
  GuardedBlock* blocks_ = nullptr;
  std::uint32_t count_ = 0;
  std::uint32_t used_ = 0;       // slots that were taken at least once: the first ones
  std::uint32_t first_ = kNone;  // of the quarantine: freed longest ago
  std::uint32_t last_ = kNone;
  std::atomic<std::uint32_t> placed_{0};
};

}  // namespace luna
