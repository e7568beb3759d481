// SPDX-License-Identifier: MIT
// The whole allocator as one object. It composes; what it composes is elsewhere:
// address space in pages/, blocks of one thread in thread_heap.hpp.
#pragma once

#include "heap/asked.hpp"
#include "heap/config.hpp"
#include "heap/guarded.hpp"
#include "heap/heap_list.hpp"
#include "heap/samples.hpp"
#include "heap/thread_cache.hpp"
#include "heap/thread_heap.hpp"
#include "pages/page_heap.hpp"
#include "pages/window.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace luna {

class NamedHeaps;
class PoolList;

// Differences of pointers into a block must fit ptrdiff_t.
inline constexpr std::size_t kMaxBlockBytes = PTRDIFF_MAX;

// What a pointer handed in by the program turned out to be.
enum class Verdict : std::uint8_t {
  kDone,     // one of ours, and done
  kForeign,  // not in any memory of ours
  kOther,    // of another allocator in the same window
};

// A block of whole pages that grows where it lies may get a sixteenth more than was asked for.
inline constexpr std::size_t kSlackPart = 16;

struct SizeRange {
  std::size_t least = 0;
  std::size_t most = SIZE_MAX;
};

// Bytes of live blocks and what stands around them; see Allocator::usage().
struct HeapUsage {
  PageUsage pages;
  std::size_t small_blocks = 0;     // of slabs, in use or in a thread's list
  std::size_t small_bytes = 0;      // of them, rounded up to their class
  std::size_t slab_free_bytes = 0;  // free blocks and blocks not yet carved
  std::size_t thread_heaps = 0;

  HeapUsage& operator+=(const HeapUsage& other) noexcept {
    pages += other.pages;
    small_blocks += other.small_blocks;
    small_bytes += other.small_bytes;
    slab_free_bytes += other.slab_free_bytes;
    thread_heaps += other.thread_heaps;
    return *this;
  }
};

// Threads: any, each with a cache of its own, attached before it allocates.
// Failure to get memory is nullptr with nothing changed; errno is not touched.
// Mistakes of the program are reported and abort.
class Allocator {
 public:
  constexpr Allocator() noexcept = default;

  // One of several in the window of another one, which goes on as long.
  Allocator(Allocator& first, ArenaStore& store, Quota* quota, std::size_t number) noexcept
      : window_(first.window_), number_(number), pages_(window_, store, quota) {}

  Allocator(const Allocator&) = delete;
  Allocator& operator=(const Allocator&) = delete;

  // A heap for the calling thread. nullptr: no memory.
  [[nodiscard]] ThreadHeap* attach() noexcept { return heaps_.attach(*this); }

  // Parks the heap of the calling thread.
  void park(ThreadHeap& heap) noexcept { heaps_.park(heap); }

  // Behind ThreadCache::try_allocate().
  [[nodiscard]] void* allocate(ThreadHeap& heap, std::size_t bytes) noexcept;

  // All bytes zero.
  [[nodiscard]] void* allocate_zeroed(ThreadHeap& heap, std::size_t bytes) noexcept;

  // Requires: `alignment` is a power of two.
  [[nodiscard]] void* allocate_aligned(ThreadHeap& heap, std::size_t alignment,
                                       std::size_t bytes) noexcept;

  // Requires: ThreadCache::try_deallocate() just said no, for it may have counted
  // the block already. `heap` is nullptr if the thread has none.
  [[nodiscard]] Verdict deallocate(ThreadHeap* heap, void* pointer) noexcept;

  // Sizes by which the program may have asked for the block that starts at the pointer, or did
  // before it was freed. Any, if none starts there.
  [[nodiscard]] SizeRange sizes_of(const void* pointer) const noexcept;

  // Whether the block is a sample, and no guarded one.
  [[nodiscard]] bool is_sample(const void* pointer) const noexcept;

  // Bytes the program may use of a block; 0 if it is not ours.
  [[nodiscard]] std::size_t usable_bytes(const void* pointer) const noexcept {
    const std::size_t bytes = usable_bytes_of_small(pointer);
    return bytes != 0 ? bytes : usable_bytes_of_pages(pointer);
  }

  // The same for a small block; 0 if it is none.
  [[nodiscard]] std::size_t usable_bytes_of_small(const void* pointer) const noexcept {
    const auto* slab = reinterpret_cast<const Slab*>(window_.slot_of(pointer));
    return slab != nullptr && slab->is_slab() ? slab->info().block_bytes : 0;
  }

  // True for a block that a realloc to `bytes` leaves as it is, with nobody to be told: a
  // small one unless more than half of it would lie idle, a large one unless a sixteenth would.
  [[nodiscard]] bool fits(const void* pointer, std::size_t bytes) const noexcept {
    const auto* slab = reinterpret_cast<const Slab*>(window_.slot_of(pointer));
    return slab != nullptr && !samples_.own(*slab) && fits_block(*slab, pointer, bytes);
  }

  // Tries to make a block as large as `bytes` without copying: where it lies, or
  // by moving its pages. nullptr: it must be copied, or is not ours. `heap` is nullptr
  // if the thread has none. Requires: `bytes` > 0, and it does not fit.
  [[nodiscard]] void* resize(ThreadHeap* heap, void* pointer, std::size_t bytes) noexcept;

  // Moves a large block, with its pages, to another allocator in the window. nullptr: it must be
  // copied, or cannot be there; it is as it was.
  [[nodiscard]] void* hand_over(void* pointer, Allocator& to) noexcept;

  // Gives free memory back to the kernel, but for `keep_bytes` of free pages:
  // the calling thread's, that of ended threads, that of pools, and what is shared. Other
  // threads give theirs back when they next come to a slow path. Returns the
  // bytes given back. Slow.
  std::size_t trim(ThreadHeap* heap, std::size_t keep_bytes) noexcept;

  [[nodiscard]] HeapUsage usage() noexcept;

  // Has `observer` told of samples, as soon as there is an interval. False: no memory.
  [[nodiscard]] bool begin_sampling(const SampleObserver& observer) noexcept;

  // One sample for so many bytes on the average; 1: every block; 0: none. All threads
  // take notice at their next allocation. Requires: begin_sampling() was called.
  void set_sampling_interval(std::uint64_t interval, std::uint64_t seed) noexcept;

  // Has the observer forget all samples, which are about to end. Takes the lock of the pages.
  void forget_samples() noexcept;

  // From now on blocks cannot be written to, or can again: what is freed is noted beside them.
  void set_closed(bool closed) noexcept { closed_ = closed; }
  [[nodiscard]] bool is_closed() const noexcept { return closed_; }

  // Ends all its blocks and begins anew. Its thread heaps stay mapped, and serve it again.
  // `own` is the calling thread's, or nullptr. Requires: nobody else uses it, but for threads that
  // free on their fast paths. Slow.
  void abandon(ArenaStore& store, Quota* quota, ThreadHeap* own) noexcept;

  // fork(): hold everything, let go, or start anew in the child.
  void prepare_fork() noexcept;
  void resume_parent() noexcept;
  void resume_child(const ThreadHeap* survivor) noexcept;

  // The parts of these, for several allocators: between os::Lock::begin_fork() and end_fork() a
  // thread passes through all locks, so these come once for all.
  void lock_all() noexcept;
  void unlock_all() noexcept;
  void repair_child(const ThreadHeap* survivor) noexcept;
  void reset_locks() noexcept;

  // The heaps that share its window; nullptr: there are none.
  [[nodiscard]] NamedHeaps* named() const noexcept {
    return named_.load(std::memory_order_acquire);  // pairs with the release in set_named()
  }
  void set_named(NamedHeaps* named) noexcept { named_.store(named, std::memory_order_release); }

  // The pools that take memory from it, or from those heaps; nullptr: there are none.
  [[nodiscard]] PoolList* pools() const noexcept {
    return pools_.load(std::memory_order_acquire);  // pairs with the release in set_pools()
  }
  void set_pools(PoolList* pools) noexcept { pools_.store(pools, std::memory_order_release); }

  // For the parts it composes.
  [[nodiscard]] constexpr Window& window() noexcept { return window_; }
  [[nodiscard]] const Window& window() const noexcept { return window_; }
  [[nodiscard]] PageHeap& pages() noexcept { return pages_; }
  [[nodiscard]] HeapList& heaps() noexcept { return heaps_; }
  [[nodiscard]] Samples& samples() noexcept { return samples_; }
  [[nodiscard]] GuardedBlocks& guarded() noexcept { return guarded_; }
  [[nodiscard]] Config& config() noexcept { return config_; }
  [[nodiscard]] const std::atomic<std::uint32_t>& trims() const noexcept { return trims_; }

  // Whether it is one of several that share a window, but the first.
  [[nodiscard]] bool is_named() const noexcept { return number_ != kFirst; }

  // The thread heap that has a slab of this allocator; nullptr: it is given back. It may be
  // another one's a moment later, which push_to_owner() and drain() bear.
  [[nodiscard]] ThreadHeap* owner_of(const Slab& slab) const noexcept {
    ThreadHeap* owner = slab.owner_heap();
    return owner == nullptr || !is_named() ? owner : owner_of_named(slab);
  }
  void publish_freed_blocks(Slab& slab, std::size_t word, std::uint64_t bits) noexcept;
  void push_to_owner(Slab& slab) noexcept;

  // Calls `visit(Slab&)` for each slab, under the lock of the page heap unless
  // the caller is alone.
  template <typename Visit>
  void for_each_slab(Visit visit) noexcept {
    pages_.for_each_region([&](Region* region) noexcept { for_each_slab_of(*region, visit); });
  }

  // The same for those of a region. Requires: the lock of the page heap, or being alone.
  template <typename Visit>
  void for_each_slab_of(const Region& region, Visit& visit) noexcept {
    if (region.state != RegionState::kShared) return;
    for (std::size_t i = 0; i < kGranulesPerRegion; ++i) {
      if ((region.run[i * kPagesPerGranule] & kGranuleRun) == 0) continue;
      auto* slab = reinterpret_cast<Slab*>(window_.slot_of(region.memory + i * kGranuleBytes));
      if (slab->owner_heap() != nullptr) visit(*slab);
    }
  }

 private:
  [[nodiscard]] void* allocate_pages(ThreadHeap& heap, std::size_t bytes, std::size_t alignment,
                                     bool zero) noexcept;
  [[nodiscard]] ThreadHeap* owner_of_named(const Slab& slab) const noexcept;
  [[nodiscard]] bool is_of_other(const void* pointer) const noexcept;
  void deallocate_small(ThreadHeap* heap, Slab& slab, void* pointer, std::size_t index) noexcept;
  [[nodiscard]] bool fits_block(const Slab& slab, const void* pointer,
                                std::size_t bytes) const noexcept {
    if (!slab.is_slab()) return fits_pages(slab, pointer, bytes);
    return fits_class(slab.info().block_bytes, bytes);
  }
  [[nodiscard]] static bool fits_class(std::size_t room, std::size_t bytes) noexcept {
    return bytes <= room && (bytes > room / 2 || room <= 64);
  }
  [[nodiscard]] void* resize_pages(void* pointer, std::size_t bytes) noexcept;
  [[nodiscard]] bool fits_pages(const Slab& slot, const void* pointer,
                                std::size_t bytes) const noexcept;
  [[nodiscard]] std::size_t usable_bytes_of_pages(const void* pointer) const noexcept;
  [[nodiscard]] void* allocate_small(ThreadHeap& heap, std::size_t bytes,
                                     SizeClass size_class) noexcept;
  [[nodiscard]] void* allocate_of_class(ThreadHeap& heap, std::size_t bytes, SizeClass size_class,
                                        std::size_t alignment) noexcept;
  [[nodiscard]] void* allocate_run(ThreadHeap& heap, std::size_t bytes, bool zero) noexcept;
  void deallocate_pages(ThreadHeap* heap, Slab& slot, Region& region, void* pointer) noexcept;

  // sampling.cpp
  [[nodiscard]] void* allocate_sample(ThreadHeap& heap, std::size_t bytes, SizeClass size_class,
                                      std::size_t alignment) noexcept;
  void sample_pages(ThreadHeap& heap, void* memory, std::size_t bytes, std::size_t pages) noexcept;
  // Blocks of named heaps are what was asked for.
  [[nodiscard]] std::size_t asked(std::size_t bytes) const noexcept {
    return is_named() ? bytes : asked_of(bytes);
  }
  [[nodiscard]] bool tell(ThreadHeap& heap, const SampledBlock& block) noexcept;
  void deallocate_sample(Slab& slab, void* pointer, std::size_t index) noexcept;
  void forget_sample(void* pointer) noexcept;
  void note_resized_sample(void* memory, std::size_t bytes) noexcept;
  [[nodiscard]] void* resize_sample(void* pointer, std::size_t bytes) noexcept;
  void sample_growth(ThreadHeap& heap, void* memory, std::size_t old_bytes,
                     std::size_t bytes) noexcept;

  // transfer.cpp
  [[nodiscard]] void* hand_over_sample(void* pointer, std::size_t pages, Allocator& to) noexcept;

  // guarding.cpp
  [[nodiscard]] GuardedBlock* take_guarded(std::size_t bytes, SizeClass size_class,
                                           std::size_t alignment) noexcept;
  [[nodiscard]] void* resize_guarded(void* pointer, std::size_t bytes) noexcept;
  [[nodiscard]] Verdict deallocate_guarded(void* pointer) noexcept;
  [[nodiscard]] std::size_t usable_bytes_of_guarded(const void* pointer) const noexcept;

  // stated_size.cpp
  [[nodiscard]] SizeRange sizes_of_guarded(const void* pointer) const noexcept;

  static constexpr std::size_t kFirst = SIZE_MAX;

  Window own_window_;
  Window& window_ = own_window_;
  const std::size_t number_ = kFirst;  // of the named heap: its place in ThreadParts
  PageHeap pages_{window_};
  HeapList heaps_;
  Samples samples_;
  GuardedBlocks guarded_;
  Config config_;
  std::atomic<std::uint32_t> trims_{0};  // how often trim() was called
  std::atomic<NamedHeaps*> named_{nullptr};
  std::atomic<PoolList*> pools_{nullptr};
  Relaxed<bool> closed_ = false;
};

}  // namespace luna
