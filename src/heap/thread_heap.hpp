// SPDX-License-Identifier: MIT
// The slow path of a thread: where its lists are refilled from, and where its
// slabs go. The fast path is heap/thread_cache.hpp.
#pragma once

#include "base/bitmap.hpp"
#include "base/list.hpp"
#include "heap/granule_cache.hpp"
#include "heap/list_limits.hpp"
#include "heap/remote.hpp"
#include "heap/size_class.hpp"
#include "heap/slab.hpp"
#include "heap/thread_cache.hpp"
#include "os/environment.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace luna {

class Allocator;
class ThreadParts;

// The slabs of one thread. A heap outlives its thread: it is parked and adopted
// by a later one, whole, unless other threads took its slabs over before, one by
// one. It is never unmapped, so that other threads may name it.
//
// Invariants, tested by verify():
//   1. each slab of a class's `current` and `partial` names this heap as owner
//   2. so does the slab of each block in the thread's lists
//   3. a slab's target is its own list, or that of its class
//
// Threads: the one it is attached to; while parked, the holder of the lock of
// the heap list. `returned` any thread.
class alignas(64) ThreadHeap : public ThreadCache {
 public:
  explicit ThreadHeap(Allocator& allocator) noexcept;

  ThreadHeap(const ThreadHeap&) = delete;
  ThreadHeap& operator=(const ThreadHeap&) = delete;

  // A block of the class when the thread's list is empty; nullptr: the kernel refuses.
  [[nodiscard]] void* refill(SizeClass size_class) noexcept;

  // The class to take a block from: a somewhat larger one that has some at hand, for a class
  // that the thread has hardly used yet, so that its first blocks need no slab of their own.
  // They are aligned to 16 and no more.
  [[nodiscard]] SizeClass lender(SizeClass size_class) noexcept;

  // Frees a block of this heap that the fast path would not. Requires: the
  // pointer starts a block of `slab`, which is owned by this heap.
  void deallocate_noticed(Slab& slab, Block* block) noexcept;

  // Reports a link of a block that was just taken, and now begins the list of its class, which a
  // write after free has changed. For who has the time.
  void check_next(SizeClass size_class, const Block* taken) const noexcept;

  // The next block of a list, if there is one without asking anybody.
  [[nodiscard]] void* take_listed(std::size_t list) noexcept {
    look_for_interrupt();
    FreeList& source = supply()[list];
    void* block = pop(source);
    return block != nullptr ? block : take_counted(source);
  }
  [[nodiscard]] void* take_or_refill(SizeClass size_class) noexcept {
    void* block = take_listed(size_class);
    return block != nullptr ? block : refill(size_class);
  }

  // The same of the slab at hand, with no lock and no system call; nullptr: it has none.
  [[nodiscard]] void* take_at_hand(SizeClass size_class) noexcept;

  // A run when the thread's list is empty. Requires: is_listed(pages).
  [[nodiscard]] void* refill_run(std::size_t pages, bool zero) noexcept;

  // Takes a run that is freed into the thread's list, whoever owned it. False: the
  // list is full. Requires: it starts in the granule of the slot; is_listed(pages).
  [[nodiscard]] bool keep_run(Slab& slot, void* memory, std::size_t pages) noexcept;

  // Frees a block of another heap's slab.
  void deallocate_remote(Slab& slab, const void* block, std::size_t index) noexcept {
    RemoteCache::Entry& entry = remote_.entry_for(&slab, index / 64);
    if (entry.slab != &slab || entry.word != index / 64) [[unlikely]]
      return begin_remote_word(slab, index);
    const std::uint64_t bit = std::uint64_t{1} << index % 64;
    if ((entry.bits & bit) != 0) [[unlikely]]
      report::double_free(block);
    entry.bits |= bit;
    if (remote_.hold(slab.info().block_bytes)) [[unlikely]]
      publish_remote();
  }

  [[nodiscard]] bool takes_samples() noexcept {
    look_for_interrupt();
    return meter.on();
  }

  // Whether the next block of a list, which is empty, shall be a sample; it is counted as
  // one then. Not while an observer is told of one.
  [[nodiscard]] bool sample_is_due(std::size_t list) noexcept {
    if (!meter.on() || observed_ || before_sample(list) != 0) return false;
    redraw(list);
    return true;
  }
  // The same for a block that is in no list.
  [[nodiscard]] bool samples(std::size_t bytes) noexcept {
    look_for_interrupt();
    return meter.on() && !observed_ && meter.takes(bytes);
  }
  [[nodiscard]] std::uint64_t sampling_interval() const noexcept { return meter.interval(); }

  // Calls what may allocate, none of which is sampled.
  template <typename Call>
  auto observe(Call call) noexcept {
    const bool outer = observed_;
    observed_ = true;
    const auto result = call();
    observed_ = outer;
    return result;
  }

  // To be called for each allocation, and each free, on the slow path.
  void note_slow_allocation() noexcept;
  void note_slow_free() noexcept;

  // Work that is due from time to time; called on slow paths.
  void beat() noexcept {
    if (trims_.load(std::memory_order_relaxed) != trims_seen_ || calls_to_beat_-- == 0) [[unlikely]]
      beat_now();
  }

  // Gives to the page heap what the thread does not need: empty slabs, runs and
  // blocks in lists; with `purge`, free pages inside slabs go to the
  // kernel. Returns the pages purged. Slow.
  std::size_t trim(bool purge) noexcept;

  // Publishes what was freed to other heaps and is still held back.
  void publish_remote() noexcept;

  // Takes blocks in that other threads freed.
  void drain() noexcept;

  // Gives the heap to a thread, or takes it from its thread, whose lists are given
  // back. Requires of detach(): it follows nobody.
  void attach() noexcept;
  void detach() noexcept;
  [[nodiscard]] bool attached() const noexcept { return attached_; }

  // Has its slabs bear the name of another heap of the thread from now on, so that the fast path
  // of that one frees their blocks too; of itself: its own again. Slow: looks at each slab. What
  // is a run of pages keeps its owner, for nobody knows where all of them are.
  void follow(ThreadHeap& heap) noexcept;
  [[nodiscard]] bool follows() const noexcept { return followed_ != this; }
  [[nodiscard]] std::uintptr_t owner_word() const noexcept { return address_of(followed_); }
  [[nodiscard]] bool owns(const Slab& slab) const noexcept {
    return slab.owner.load(std::memory_order_relaxed) == owner_word();
  }

  // Those of the thread's heaps that follow this one. Any thread may ask.
  [[nodiscard]] const ThreadParts* parts() const noexcept {
    return parts_.load(std::memory_order_acquire);  // pairs with the release in set_parts()
  }
  void set_parts(const ThreadParts* parts) noexcept {
    parts_.store(parts, std::memory_order_release);
  }

  // Has the thread come by for each allocation, since it takes its blocks from elsewhere.
  void send_elsewhere(bool elsewhere) noexcept {
    if (elsewhere_ == elsewhere) return;
    elsewhere_ = elsewhere;
    elsewhere ? interrupt() : aim();
  }

  // Brings the part of the window that the fast path sees up to date.
  void look_at_window() noexcept { window = window_.view(); }

  [[nodiscard]] Allocator& allocator() const noexcept { return allocator_; }

  // Whether it has no thread and is in the list of parked heaps. Any thread may
  // ask; only the holder of the lock of the heap list gets a lasting answer.
  [[nodiscard]] bool parked() const noexcept { return parked_.load(std::memory_order_relaxed); }
  void set_parked(bool parked) noexcept { parked_.store(parked, std::memory_order_relaxed); }

  // Takes a slab over from a parked heap. Requires: the lock of the heap list.
  void adopt(ThreadHeap& parked, Slab& slab) noexcept;

  // A slab of the class to allocate from, or nullptr; and the classes that have
  // one, a bit each. Requires: the heap is parked, and the lock of the heap list.
  [[nodiscard]] Slab* slab_with_room(SizeClass size_class) noexcept;
  [[nodiscard]] std::uint64_t classes_with_room() noexcept;

  // In the child of a fork: the owner is gone and was doing who knows what.
  // Forgets all lists; the slabs come back by adopt_after_fork().
  void forget_after_fork() noexcept;
  void adopt_after_fork(Slab& slab) noexcept;

  // Aborts if an invariant does not hold. Slow: tests only.
  void verify() const noexcept;

  // For statistics, which any thread may ask for: the kernel's number of its thread (0: it has
  // none), and how often a list of a size class was empty and got blocks, and how many.
  [[nodiscard]] std::uint64_t thread() const noexcept {
    return thread_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t refills() const noexcept {
    return refills_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t refilled_blocks() const noexcept {
    return refilled_blocks_.load(std::memory_order_relaxed);
  }
  // The calling thread is that of the heap.
  void note_thread() noexcept { thread_.store(os::thread_id(), std::memory_order_relaxed); }

  [[nodiscard]] RemoteStack& returned() noexcept { return returned_; }
  [[nodiscard]] std::size_t listed_blocks(SizeClass size_class) const noexcept;

  // Calls visit(list, freed, count, supply) for each list: the first free block of it, how
  // many there are by the heap's count, and the first of what is handed out apart.
  // Requires: the heap does not change meanwhile; it may have been about to.
  template <typename Visit>
  void for_each_list(Visit visit) const noexcept {
    for (std::size_t i = 0; i < kLists; ++i) {
      const Block* freed = lists[i].first;
      visit(i, freed, listed(i), lists[kLists + i].first);
    }
  }

  // Links of the heap list, under its lock.
  ThreadHeap* next_heap = nullptr;
  ThreadHeap* next_parked = nullptr;
  bool lost_after_fork = false;  // its thread is gone, its lists are forgotten
  bool left = false;             // its thread is gone, and it could not be parked
  std::uint64_t gone_since_ms = 0;

 private:
  // So many frees on the slow path with no refill between are taken for the end of
  // what the thread was doing; more once that was wrong.
  static constexpr std::uint32_t kSlowFreesOfAnEnd = 16;

  // So many blocks of a list a thread takes that is watched, and then comes by; few if it does
  // not look at the clock so often before that goes on.
  static constexpr std::uint32_t kBlocksPerLook = 64;
  static constexpr std::uint32_t kFewBlocksPerLook = 4;
  static constexpr std::uint32_t kLooksOfWhoComesOften = 16;

  struct ClassSlabs {
    Slab* current = nullptr;
    std::uint32_t used_at = 0;   // the heap's age when blocks were last handed out
    std::uint32_t borrowed = 0;  // blocks of larger classes that it was lent so far
    List<Slab> partial;
    List<Slab> asleep;
  };

  // refill.cpp
  [[nodiscard]] Slab* find_slab(SizeClass size_class) noexcept;
  [[nodiscard]] Slab* best_partial(ClassSlabs& slabs) noexcept;
  [[nodiscard]] Slab* wake_one(ClassSlabs& slabs) noexcept;
  [[nodiscard]] GranuleCache::Granule take_granule() noexcept;
  [[nodiscard]] Slab* new_slab(SizeClass size_class) noexcept;
  void make_current(ClassSlabs& slabs, Slab* slab) noexcept;
  [[nodiscard]] void* hand_out(SizeClass size_class, Slab& slab, bool again) noexcept;

  // thread_lists.cpp
  void note_recurrence() noexcept;
  void list_was_filled(std::size_t list, std::uint32_t count) noexcept;
  void list_was_wanted(std::size_t list) noexcept;
  void reset_room(std::size_t list) noexcept;
  [[nodiscard]] void* take_freed(std::size_t list) noexcept;
  void watch(bool on) noexcept;
  [[nodiscard]] std::uint32_t blocks_per_look() const noexcept {
    return looks_in_a_row_ < kLooksOfWhoComesOften ? kFewBlocksPerLook : kBlocksPerLook;
  }
  void set_apart(bool apart) noexcept;
  // Where blocks come from: what interrupt() does not change.
  [[nodiscard]] FreeList* supply() noexcept { return apart_ ? &apart(0) : lists.data(); }
  // What is handed out of a list while that is so.
  [[nodiscard]] FreeList& apart(std::size_t list) noexcept { return lists[kLists + list]; }
  [[nodiscard]] bool has_listed(std::size_t list) noexcept {
    return lists[list].first != nullptr || apart(list).first != nullptr;
  }
  [[nodiscard]] std::uint32_t listed(std::size_t list) const noexcept {
    return std::uint32_t{capacities_[list]} - lists[list].room;
  }
  std::size_t return_blocks(SizeClass size_class, Block* first) noexcept;
  void check_length(std::size_t list) const noexcept;
  [[nodiscard]] Slab* slab_of_listed(SizeClass size_class, const Block* block,
                                     const Block* holder = nullptr) const noexcept;
  std::size_t return_list(std::size_t list) noexcept;
  void return_idle_lists() noexcept;
  std::size_t return_all_lists() noexcept;

  // sampling.cpp
  void look_for_interrupt() noexcept {
    if (!takes_from(supply())) [[unlikely]]
      notice_interrupt();
  }
  void notice_interrupt() noexcept;
  // How many blocks of a list go before the one that is sampled. Requires: meter.on().
  [[nodiscard]] std::uint32_t before_sample(std::size_t list) noexcept {
    const std::uint32_t& until = apart(list).beyond;
    if (until == 0 || (until == 1 && looks_.test(list))) draw(list);
    return until - 1;
  }
  void draw(std::size_t list) noexcept;
  void redraw(std::size_t list) noexcept { apart(list).beyond = 0; }
  void redraw_all() noexcept {
    for (std::size_t i = 0; i < kLists; ++i) redraw(i);
  }
  void aim() noexcept;
  void look_at_samples() noexcept;
  [[nodiscard]] std::uint32_t allowance(std::size_t list, std::uint32_t blocks) noexcept;
  [[nodiscard]] Block* cut(Block* first, std::uint32_t count) const noexcept;

  // idle_classes.cpp
  void purge_idle_classes(std::size_t slabs) noexcept;

  // runs.cpp
  void own_run(Slab& slot, std::size_t pages) noexcept;
  std::size_t return_runs(Block* first) noexcept;

  // thread_heap.cpp
  void beat_now() noexcept;
  void became_free(Slab& slab) noexcept;
  std::size_t purge_slab(Slab& slab) noexcept;
  std::size_t purge_slabs(ClassSlabs& slabs) noexcept;
  void put_to_sleep(ClassSlabs& slabs, Slab& slab) noexcept;
  void wake(ClassSlabs& slabs, Slab& slab) noexcept;
  void became_empty(Slab& slab) noexcept;
  void release(Slab& slab) noexcept;
  void put_granules() noexcept;
  void begin_remote_word(Slab& slab, std::size_t index) noexcept;
  void publish(RemoteCache::Entry& entry) noexcept;
  void glance_at_list(const Slab& slab, const RemoteArea& area) const noexcept;
  void verify_list(SizeClass size_class) const noexcept;
  void verify_slab(const Slab& slab, SizeClass size_class, SlabState state) const noexcept;
  [[nodiscard]] bool may_keep(std::size_t bytes) const noexcept;
  [[nodiscard]] std::byte* memory_of(const Slab& slab) const noexcept {
    return window_.memory_of(reinterpret_cast<const Slot*>(&slab));
  }

  // Read by threads that free blocks of this heap, so apart from what its own
  // thread writes.
  alignas(64) std::atomic<bool> parked_{false};
  std::atomic<const ThreadParts*> parts_{nullptr};
  Allocator& allocator_;
  const Window& window_;
  const std::atomic<std::uint32_t>& trims_;  // how often the allocator was trimmed

  alignas(64) bool attached_ = false;
  ThreadHeap* followed_ = this;  // whose name its slabs bear
  std::array<ClassSlabs, kSizeClasses> classes_{};

  // Written by its thread alone, so without a read-modify-write.
  void count_refill(std::uint32_t blocks) noexcept {
    refills_.store(refills() + 1, std::memory_order_relaxed);
    refilled_blocks_.store(refilled_blocks() + blocks, std::memory_order_relaxed);
  }
  std::atomic<std::uint64_t> refills_{0};
  std::atomic<std::uint64_t> refilled_blocks_{0};
  std::atomic<std::uint64_t> thread_{0};

  Bitmap<128> used_since_beat_;  // lists that were wanted on the slow path
  std::uint64_t last_beat_ms_ = 0;
  std::uint64_t looked_ms_ = 0;  // at the clock
  std::uint32_t calls_to_beat_ = 0;
  std::uint32_t looks_in_a_row_ = 0;  // that the clock did not go on
  std::uint32_t trims_seen_ = 0;
  std::uint32_t sampling_epoch_ = 0;
  std::uint32_t releases_ = 0;
  std::uint32_t granules_taken_ = 0;       // of the page heap, lately
  std::uint32_t age_ = 0;                  // goes on with granules taken, and with time
  std::size_t purged_class_ = 0;           // whose slabs lose their free pages next
  std::uint32_t slow_frees_in_a_row_ = 0;  // without a refill between
  std::uint32_t slow_frees_of_an_end_ = kSlowFreesOfAnEnd;
  bool returned_all_ = false;
  bool recurred_ = false;                 // since the last beat, what was taken for an end was none
  std::size_t slow_frees_to_an_end_ = 0;  // until lists may be given back again
  std::size_t kept_bytes_ = 0;            // touched bytes of empty slabs that are kept
  ListLimits limits_;
  Bitmap<128> overflowed_;  // lists that were full
  Bitmap<128> looks_;       // lists whose count ends without a sample
  bool watching_ = false;
  bool observed_ = false;
  bool elsewhere_ = false;                          // the thread allocates somewhere else
  bool apart_ = false;                              // freed blocks are not handed out at once
  std::array<std::uint16_t, kLists> capacities_{};  // of lists: what is in them, and room
  GranuleCache granules_;
  RemoteCache remote_;

  alignas(64) RemoteStack returned_;
};

// The thread's own heap, of which `cache` is part or which that follows, or nullptr.
[[nodiscard]] inline ThreadHeap* heap_of(const ThreadCache* cache) noexcept {
  return static_cast<ThreadHeap*>(cache->identity);
}

}  // namespace luna
