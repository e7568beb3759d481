// SPDX-License-Identifier: MIT
// A heap of the program's own: an allocator with its own address space, a name and a limit.
#pragma once

#include "heap/allocator.hpp"
#include "heap/thread_parts.hpp"
#include "os/protection_keys.hpp"
#include "pages/quota.hpp"

#include <lunalloc/heap.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

namespace luna {

// Its memory is never unmapped, so that a thread that frees a block of it may look at it at any
// time; in its place comes another heap, or the same, emptied.
//
// Threads: any, but for who begins or empties it: nobody else may be at it then.
class NamedHeap {
 public:
  NamedHeap(std::size_t number, Allocator& first, ArenaStore& store,
            os::ProtectionKeys& keys) noexcept
      : number_(number),
        store_(store),
        keys_(keys),
        guarded_(first.guarded()),
        allocator_(first, store, &quota_, number) {}
  NamedHeap(const NamedHeap&) = delete;
  NamedHeap& operator=(const NamedHeap&) = delete;

  // Makes it the heap that the options describe. Requires: they are valid, and it is empty.
  void begin(const luna_heap_options& options) noexcept;

  // Frees all that is in it at once. `part` is the calling thread's, or nullptr.
  void empty(ThreadHeap* part) noexcept;

  // It is gone: its key is another one's. Requires: it is empty.
  void end() noexcept;

  // A block; nullptr: a limit, the kernel or the protection does not permit it. `part` is the
  // calling thread's.
  [[nodiscard]] void* allocate(ThreadHeap& part, std::size_t bytes) noexcept;
  [[nodiscard]] void* allocate_zeroed(ThreadHeap& part, std::size_t bytes) noexcept;
  [[nodiscard]] void* allocate_aligned(ThreadHeap& part, std::size_t alignment,
                                       std::size_t bytes) noexcept;

  // Of what is at hand, without a system call and without a lock.
  [[nodiscard]] void* try_allocate(ThreadHeap& part, std::size_t bytes) noexcept;

  // Frees a block in one of the heap's regions. `part` may be nullptr.
  void deallocate(ThreadHeap* part, void* pointer) noexcept;

  // See Allocator::resize().
  [[nodiscard]] void* resize(ThreadHeap* part, void* pointer, std::size_t bytes) noexcept;

  // Moves a large block, with its pages, here from another allocator. nullptr: it must be copied,
  // or a limit, the kernel or the protection does not permit it; it is as it was.
  [[nodiscard]] void* take_over(void* pointer, Allocator& from) noexcept;

  // The same to another heap, or the first allocator if that is nullptr.
  [[nodiscard]] void* hand_over(void* pointer, NamedHeap* to, Allocator& first) noexcept;

  // A run or span for the blocks of a pool, as PageHeap::take() says, and its end. nullptr: as
  // allocate().
  [[nodiscard]] void* take_chunk(std::size_t pages, std::size_t alignment_pages) noexcept;
  void put_chunk(void* memory, std::size_t pages) noexcept;

  // When an allocation was not permitted: takes back what threads keep free. Then deny(), if that
  // did not help, which lets those that come next have the reserve.
  void make_room(ThreadHeap& part) noexcept;
  void deny() noexcept;

  // True once when more is used than the soft limit, after it was less.
  [[nodiscard]] bool has_become_large() noexcept;

  std::size_t trim(ThreadHeap* part) noexcept;
  // As far as can be told while others go on. `part` is the calling thread's, or nullptr.
  [[nodiscard]] luna_heap_stats statistics(ThreadHeap* part) noexcept;

  // Adds its slabs to the rows of their classes.
  void count_classes(std::span<luna_class_stats, kSizeClasses> classes) noexcept;

  // 0 or an errno value.
  [[nodiscard]] int protect(luna_heap_access access) noexcept;
  [[nodiscard]] bool is_open() const noexcept {
    return access_.load(std::memory_order_relaxed) == LUNA_HEAP_READ_WRITE;
  }

  // Whether blocks are cleared when they are freed.
  [[nodiscard]] bool wipes() const noexcept { return has(LUNA_HEAP_WIPES); }

  // Whether it shall have a key, which it has if the machine does.
  [[nodiscard]] bool wants_key() const noexcept { return has(LUNA_HEAP_KEY); }

  // That its memory carries, and threads have rights to; ProtectionKeys::kNoKey: none.
  [[nodiscard]] int key() const noexcept { return key_; }

  // For the calling thread, of whom the heap may ask more than of all.
  [[nodiscard]] bool is_open_here() const noexcept {
    if (key_ == os::ProtectionKeys::kNoKey) return is_open();
    return is_open() && keys_.rights(key_) == os::KeyRights::kReadWrite;
  }

  [[nodiscard]] bool is_readable_here() const noexcept {
    if (access_.load(std::memory_order_relaxed) == LUNA_HEAP_NO_ACCESS) return false;
    return key_ == os::ProtectionKeys::kNoKey || keys_.rights(key_) != os::KeyRights::kNone;
  }

  // Fills a block with zeros, also where the calling thread might not write.
  void clear(void* pointer, std::size_t bytes) noexcept;

  void set_limit(std::uint64_t bytes) noexcept;
  [[nodiscard]] std::uint64_t limit() const noexcept {
    return limit_.load(std::memory_order_relaxed);
  }

  // Whether it holds a block that was handed out: what is freed after its end is ignored. The
  // order: see ThreadParts::begin().
  [[nodiscard]] bool is_alive() const noexcept { return alive_.load(std::memory_order_seq_cst); }
  void set_alive(bool alive) noexcept { alive_.store(alive, std::memory_order_seq_cst); }

  // Whether fast paths hand its blocks out, where nobody has to charge, guard or look who may; and
  // whether they free them, where nobody has to wipe either.
  [[nodiscard]] bool allocates_fast() const noexcept {
    return is_open() && !has(LUNA_HEAP_EXACT | LUNA_HEAP_GUARDS) &&
           key_ == os::ProtectionKeys::kNoKey;
  }
  [[nodiscard]] bool frees_fast() const noexcept {
    return allocates_fast() && !has(LUNA_HEAP_WIPES);
  }

  // Where fast paths find a thread's part of it; ThreadParts::kNowhere: they shall not.
  [[nodiscard]] std::size_t place() const noexcept {
    return place_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] std::size_t number() const noexcept { return number_; }
  [[nodiscard]] const char* name() const noexcept { return name_.data(); }
  [[nodiscard]] const luna_heap_options& options() const noexcept { return options_; }
  [[nodiscard]] NamedHeap* parent() const noexcept {
    return reinterpret_cast<NamedHeap*>(options_.parent);
  }
  [[nodiscard]] const Quota& quota() const noexcept { return quota_; }
  [[nodiscard]] std::uint64_t denied() const noexcept {
    return denied_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] Allocator& allocator() noexcept { return allocator_; }

  // Of NamedHeaps, under its lock.
  NamedHeap* next = nullptr;
  std::size_t children = 0;

 private:
  [[nodiscard]] bool has(std::uint64_t flag) const noexcept { return (options_.flags & flag) != 0; }
  [[nodiscard]] void* charged(void* block, std::size_t asked_bytes) noexcept;
  void note_allocation(std::size_t asked_bytes) noexcept;
  [[nodiscard]] std::uint64_t refilled_blocks() noexcept;
  void note_served() noexcept;
  void close_reserve() noexcept;
  void apply_limit() noexcept;
  [[nodiscard]] std::uint64_t limit_without_reserve() const noexcept;
  void find_place() noexcept;
  void set_access(luna_heap_access access) noexcept;
  [[nodiscard]] void* keyed(void* block) noexcept;
  [[nodiscard]] bool tag(void* block) noexcept;
  void untag() noexcept;

  // named_guarding.cpp
  [[nodiscard]] void* take_guarded(std::size_t bytes, std::size_t alignment) noexcept;
  [[nodiscard]] bool deallocate_guarded(void* pointer) noexcept;
  void put_guarded(GuardedBlock& block) noexcept;
  void end_guarded() noexcept;
  [[nodiscard]] int protect_guarded(luna_heap_access access) noexcept;

  std::atomic<bool> alive_{false};
  std::atomic<luna_heap_access> access_{LUNA_HEAP_READ_WRITE};
  std::atomic<std::size_t> place_{ThreadParts::kNowhere};
  std::atomic<bool> reserve_is_open_{false};
  std::atomic<bool> is_large_{false};
  std::atomic<std::uint64_t> limit_{0};
  std::atomic<std::uint64_t> denied_{0};
  std::atomic<std::uint64_t> allocations_{0};  // but for refilled_blocks()
  std::atomic<std::size_t> exact_bytes_{0};    // charged for blocks
  std::atomic<std::size_t> guarded_blocks_{0};
  std::atomic<std::size_t> guarded_bytes_{0};  // that they were asked for
  const std::size_t number_;
  luna_heap_options options_{};
  std::array<char, LUNA_HEAP_NAME_BYTES> name_{};
  ArenaStore& store_;
  os::ProtectionKeys& keys_;
  GuardedBlocks& guarded_;  // of the process
  int key_ = os::ProtectionKeys::kNoKey;
  Quota quota_;
  Allocator allocator_;
};

}  // namespace luna
