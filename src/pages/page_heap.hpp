// SPDX-License-Identifier: MIT
// Hands out memory in pages: granules for slabs, runs of pages up to 2 MiB,
// spans above, and takes them back. Slabs and runs share regions, so that what
// one leaves free serves the other.
#pragma once

#include "base/list.hpp"
#include "base/relaxed.hpp"
#include "os/lock.hpp"
#include "pages/arena_store.hpp"
#include "pages/demand.hpp"
#include "pages/granules_taken.hpp"
#include "pages/huge_pages.hpp"
#include "pages/layout.hpp"
#include "pages/page_usage.hpp"
#include "pages/placement.hpp"
#include "pages/quota.hpp"
#include "pages/region.hpp"
#include "pages/sparse_zeros.hpp"
#include "pages/window.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace luna {

// Each function that hands out memory returns nullptr when the kernel refuses,
// with its state unchanged.
//
// Threads: any; one lock inside, not held during madvise but of single pages.
class PageHeap {
 public:
  explicit constexpr PageHeap(Window& window) noexcept : window_(window) {}

  // One of several in a window, with arenas of its own, which it takes from the store and leaves
  // there. What it hands out is charged to the quota, if there is one.
  PageHeap(Window& window, ArenaStore& store, Quota* quota) noexcept
      : window_(window), store_(&store) {
    charge_.begin(quota);
  }

  PageHeap(const PageHeap&) = delete;
  PageHeap& operator=(const PageHeap&) = delete;

  // Up to `count` granules for slabs, side by side; their contents are undefined.
  [[nodiscard]] GranulesTaken take_granules(std::size_t count) noexcept;
  [[nodiscard]] void* take_granule() noexcept { return take_granules(1).memory; }

  // Takes a granule back of which the first `touched_pages` were written to.
  void put_granule(void* memory, std::size_t touched_pages) noexcept {
    os::ScopedLock guard(lock_);
    put_granule_locked(memory, touched_pages);
    settle_charge();
  }

  // The same for many: `next()` tells the next one, whose memory is nullptr at the end.
  template <typename Next>
  void put_granules(Next next) noexcept {
    os::ScopedLock guard(lock_);
    for (auto granule = next(); granule.memory != nullptr; granule = next())
      put_granule_locked(granule.memory, granule.touched_pages);
    settle_charge();
  }

  // A run or span of `pages` whole pages, whose start is a multiple of
  // `alignment_pages`; all zeros if `zero`.
  // Requires: `pages` > 0, and the alignment is a power of two.
  [[nodiscard]] void* take(std::size_t pages, std::size_t alignment_pages, bool zero) noexcept;

  // Takes back what take() handed out. Requires: `memory` starts a block in use.
  void put(void* memory) noexcept;

  // The same for a block of `pages` pages; a large one may be kept as it is, for a
  // request of its length.
  void set_aside(void* memory, std::size_t pages) noexcept {
    if (!put_recent(memory, pages)) put(memory);
  }

  // To be called before pages of a granule in use are purged. False: they cannot be.
  [[nodiscard]] bool may_purge(const void* granule) noexcept;

  // True for a block that is kept as it is.
  [[nodiscard]] bool is_recent(const void* memory) const noexcept;

  // Makes a block longer or shorter where it lies. False: there is no room, and
  // nothing has changed. New pages have undefined contents.
  [[nodiscard]] bool resize(void* memory, std::size_t pages) noexcept;

  // That the caller, who frees the block next, has given all its pages back to the kernel. By any
  // thread, without the lock, for the block is its own.
  void note_given_back(const void* memory) noexcept;

  // If the window has guards: nobody can touch the last page of a block in use any more, and what
  // is in it is gone, until the block is resized or moved, or open_end() is true. A block that
  // take() gives again, as it was, may have such an end as yet.
  void guard_end(const void* block, std::size_t pages) noexcept;
  [[nodiscard]] bool open_end(const void* block, std::size_t pages) noexcept;

  // Moves a span's pages without copying to a new span of `pages` pages, here or in another page
  // heap of the window. nullptr: it cannot be done so, and the block is as it was.
  [[nodiscard]] void* move(void* memory, std::size_t pages, PageHeap& to) noexcept;

  // Gives free pages back that have been free for `decay_ms`, or half of it; a
  // bounded piece of work for each call. Cheap while there is nothing to do.
  void tick(std::uint64_t now_ms, std::uint64_t decay_ms) noexcept;

  // A thread seems to have given up what it had: free pages may wait for long now,
  // with nobody to come by, until they have been given back.
  void expect_quiet() noexcept;
  [[nodiscard]] bool is_quiet() const noexcept { return quiet_.load(std::memory_order_relaxed); }

  // To be called when the decay time changed: the next tick is not put off any more. Who plans it
  // later by the old time sees the new one afterwards.
  void look_again() noexcept {
    next_step_ms_.store(0, std::memory_order_release);  // pairs with the acquire in tick()
  }

  // When tick() has something to do next.
  [[nodiscard]] std::uint64_t next_tick_ms() const noexcept {
    return next_step_ms_.load(std::memory_order_relaxed);
  }

  // What is handed out, with what is free and still backed, is kept to so many bytes; who asks
  // for more is refused. What is moved counts twice meanwhile. SIZE_MAX: no limit.
  void set_hard_limit(std::size_t bytes) noexcept { limit_pages_ = bytes / kPageBytes; }
  [[nodiscard]] std::size_t hard_limit() const noexcept { return limit_pages_ * kPageBytes; }

  // Where what is taken from now on comes to lie; what is in use stays.
  void set_placement(Placement placement) noexcept { placement_ = placement; }
  [[nodiscard]] Placement placement() const noexcept { return placement_; }

  // From how many MiB in use on there are huge pages; 0: never.
  void set_huge_threshold(std::size_t mebibytes) noexcept;

  // Takes memory from the kernel's pool of huge pages from now on, as long as there is
  // some; then says so on stderr, and takes plain pages.
  void set_hugetlb(Hugetlb hugetlb) noexcept { huge_.hugetlb = hugetlb; }
  [[nodiscard]] Hugetlb hugetlb() noexcept {
    os::ScopedLock guard(lock_);
    return huge_.hugetlb;
  }

  // From now on arenas come from the store too.
  void share(ArenaStore& store) noexcept;

  // Gives up all it has, in use or not; it ends thereby. Requires: nobody else uses it. Slow.
  void abandon() noexcept;

  // Gives back every free page, but for `keep_bytes`. Returns the bytes given
  // back. Slow: system calls.
  std::size_t trim(std::size_t keep_bytes) noexcept;

  [[nodiscard]] PageUsage usage() noexcept;
  [[nodiscard]] PageTotals totals() noexcept;  // cheap: they are counted as they change

  // What was handed out so far of pages that nothing backed: by so much may the process have
  // grown. Never falls, but may wrap around.
  [[nodiscard]] std::size_t grown_bytes() const noexcept {
    return grown_pages_.load(std::memory_order_relaxed) * kPageBytes;
  }

  // Calls `visit(Region*)` for each region that holds runs or slabs, in the
  // order of their addresses, under the lock.
  template <typename Visit>
  void for_each_region(Visit visit) noexcept {
    os::ScopedLock guard(lock_);
    for (Arena* arena = arenas_; arena != nullptr; arena = arena->next)
      for (std::size_t i = 0; i < arena->regions; ++i)
        if (!arena->free.test(i)) visit(arena->region(i));
  }

  // Calls visit(const Region&) for each committed region of an arena, under the lock, which is
  // taken anew for each: who allocates waits for one at most. Just before, without the lock,
  // it calls prepare(const std::byte* memory).
  template <typename Prepare, typename Visit>
  void for_each_region_in_turn(Prepare prepare, Visit visit) noexcept {
    for (Arena* arena = arena_after(nullptr); arena != nullptr; arena = arena_after(arena)) {
      for (std::size_t i = 0; i < arena->regions; ++i) {
        if (!is_committed(*arena, i)) continue;
        prepare(static_cast<const std::byte*>(arena->memory + i * kRegionBytes));
        os::ScopedLock guard(lock_);
        visit(static_cast<const Region&>(*arena->region(i)));
      }
    }
  }

  // Calls visit(const Arena&) for each arena, and visit(const Region&) for each huge block.
  // Require: the lock is held.
  template <typename Visit>
  void for_each_arena(Visit visit) const noexcept {
    for (const Arena* arena = arenas_; arena != nullptr; arena = arena->next) visit(*arena);
  }
  template <typename Visit>
  void for_each_huge(Visit visit) const noexcept {
    for (const Region* head = used_huge_.first(); head != nullptr; head = head->next) visit(*head);
  }

  // Since the start: how often pages were given back, and how many.
  void note_purge(std::size_t pages) noexcept {
    purges_.fetch_add(1, std::memory_order_relaxed);
    purged_pages_.fetch_add(pages, std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t purges() const noexcept { return purges_; }
  [[nodiscard]] std::uint64_t purged_pages() const noexcept { return purged_pages_; }

  // Calls visit(const void* table, std::size_t bytes) for the metadata of each arena, and of
  // huge blocks that are gone. Requires: the lock is held.
  template <typename Visit>
  void for_each_table(Visit visit) const noexcept {
    for (const Arena* arena = arenas_; arena != nullptr; arena = arena->next)
      visit(arena, arena->metadata_bytes);
    for (const Region* head = freed_huge_; head != nullptr; head = head->next)
      visit(head, sizeof(Region));
  }

  // The large block that waits in a place to be handed out again; nullptr: none does.
  static constexpr std::size_t kRecentPlaces = 4;
  [[nodiscard]] const void* recent(std::size_t place) const noexcept;
  [[nodiscard]] std::size_t recent_pages(std::size_t place) const noexcept;

  // In the child of a fork, under the lock: what another thread was at will not be ended.
  void forget_work_after_fork() noexcept;

  // Aborts if an invariant of a region does not hold. Slow: tests only.
  void verify() noexcept;

  [[nodiscard]] os::Lock& lock() noexcept { return lock_; }

 private:
  static constexpr std::uint8_t kNoList = 0xff;
  static constexpr std::size_t kMinRecentPages = 65;  // shorter runs are kept by threads

  // A place for a run or granule; no region: there is none.
  struct Found {
    Region* region = nullptr;
    std::size_t first = 0;
    bool warm = false;  // its pages are touched
  };

  // page_heap.cpp
  [[nodiscard]] Region* granule_region() noexcept;
  [[nodiscard]] GranuleSet granules_of(const Region& region) const noexcept;
  [[nodiscard]] Region* take_warmer_region(Region* other) noexcept;
  [[nodiscard]] Region* take_fresh_region() noexcept;
  [[nodiscard]] static Found better(const Found& one, const Found& other) noexcept;
  [[nodiscard]] static bool may_start(const Region& region, std::size_t page) noexcept;
  [[nodiscard]] static std::size_t find_in(const Region& region, const PageSet& pages,
                                           std::size_t count, std::size_t alignment) noexcept;
  [[nodiscard]] static Found place_in(Region* region, std::size_t pages,
                                      std::size_t alignment) noexcept;
  static void note_longest(Region* region) noexcept;
  [[nodiscard]] Found find_run(std::size_t pages, std::size_t alignment) noexcept;
  [[nodiscard]] bool use_pages(Region* region, std::size_t first, std::size_t count) noexcept;
  void free_pages(Region* region, std::size_t first, std::size_t count,
                  std::size_t touched) noexcept;
  void recount(Region* region) noexcept;
  void file(Region* region) noexcept;
  void file_range(Region* region, std::size_t first, std::size_t count) noexcept;
  void enlist(Region* region) noexcept;
  [[nodiscard]] static bool is_filed(const Region& region) noexcept;
  void unfile(Region* region) noexcept;
  [[nodiscard]] void* take_run(std::size_t pages, std::size_t alignment, bool zero) noexcept;
  [[nodiscard]] bool resize_run(Region* region, std::size_t first, std::size_t pages) noexcept;

  void put_locked(void* memory, bool touched) noexcept;
  void put_granule_locked(void* memory, std::size_t touched_pages) noexcept;

  // placement.cpp
  template <typename Fits>
  [[nodiscard]] Region* lowest_region(std::size_t pages, Fits fits) noexcept;
  [[nodiscard]] Region* lowest_granule_region() noexcept;
  [[nodiscard]] Found find_lowest_run(std::size_t pages, std::size_t alignment) noexcept;

  // guards.cpp
  [[nodiscard]] bool unguard_end(Region* head, std::size_t pages) noexcept;
  bool close_region(Region* region) noexcept;
  void reopen_region(Region* region) noexcept;

  // recent.cpp
  [[nodiscard]] bool put_recent(const void* memory, std::size_t pages) noexcept;
  [[nodiscard]] void* take_recent(std::size_t pages, std::size_t alignment) noexcept;
  [[nodiscard]] bool has_recent() const noexcept;
  [[nodiscard]] bool gives_up_recent() noexcept;
  void settle_recent() noexcept;
  void give_up_recent(bool old) noexcept;

  // huge_pages.cpp
  void note_huge(Region* region, bool huge) noexcept;
  void forbid_huge_page(Region* region) noexcept;
  [[nodiscard]] bool wants_huge_pages() const noexcept;
  void try_huge_page(Region* region) noexcept;
  void begin_collapse_pass() noexcept;
  void collapse_when_due(std::uint64_t now_ms) noexcept;
  std::uint64_t collapse_step() noexcept;
  [[nodiscard]] std::uint64_t collapse(Region* region) noexcept;
  void note_backed(Region* region) noexcept;

  // span.cpp, move.cpp
  [[nodiscard]] void* take_span(std::size_t pages, std::size_t alignment, bool zero) noexcept;
  [[nodiscard]] std::size_t make_zeros(Region* head, std::size_t pages, std::size_t fresh) noexcept;
  [[nodiscard]] bool settle_span(const Region* head) noexcept;
  [[nodiscard]] bool begin_move(Region* head) noexcept;
  void end_move(Region* head, bool has_others_pages) noexcept;
  [[nodiscard]] void* exchange(const Region* head, PageHeap& to) noexcept;
  void forbid_span(Region* head) noexcept;
  void put_large(Region* head, bool touched) noexcept;
  void put_span(Region* head, bool touched) noexcept;
  [[nodiscard]] bool resize_span(Region* head, std::size_t pages) noexcept;
  [[nodiscard]] bool grow_span(Region* head, std::size_t pages) noexcept;
  void shrink_span(Region* head, std::size_t pages) noexcept;
  void split_tail(Region* head, std::size_t pages) noexcept;
  void drop_tail(Region* tail, std::size_t first, std::size_t end, bool touched) noexcept;
  void fill_region(Region* region, Region* head) noexcept;
  void drop_region(Region* region, bool touched) noexcept;
  [[nodiscard]] void* take_huge(std::size_t pages, std::size_t alignment) noexcept;
  [[nodiscard]] void* map_huge(std::size_t pages, std::size_t alignment) noexcept;
  void put_huge(Region* head) noexcept;

  // arenas.cpp
  [[nodiscard]] Region* take_regions(std::size_t count, std::size_t alignment) noexcept;
  [[nodiscard]] Region* take_free_region(Arena* arena, std::size_t at) noexcept;
  [[nodiscard]] std::size_t find_regions(const Arena& arena, std::size_t count) const noexcept;
  [[nodiscard]] bool has_dirty_region() const noexcept;
  [[nodiscard]] bool commit_regions(Arena* arena, std::size_t first, std::size_t count) noexcept;
  void commit_pool_regions(Arena* arena, std::size_t first, std::size_t count) noexcept;
  void commit_pool_arena(Arena* arena) noexcept;
  void note_empty_pool() noexcept;
  void begin_region(Arena* arena, std::size_t at, bool hugetlb) noexcept;
  void put_regions(Region* first, std::size_t count) noexcept;
  [[nodiscard]] Arena* create_arena(std::size_t regions) noexcept;
  [[nodiscard]] Arena* map_arena(std::size_t regions) noexcept;
  [[nodiscard]] Arena* arena_after(const Arena* arena) noexcept;
  [[nodiscard]] bool is_committed(const Arena& arena, std::size_t at) noexcept;
  [[nodiscard]] bool ready() noexcept;

  // purge.cpp
  void balance(std::size_t fresh_pages) noexcept;
  void note_growth(std::size_t pages) noexcept;
  [[nodiscard]] bool exceeds_limit(std::size_t pages) noexcept;
  void settle_charge() noexcept { charge_.settle(in_use_pages() * kPageBytes); }
  // Handed out. Not so what is being purged, and closed, though it is taken out of what is free.
  [[nodiscard]] std::size_t in_use_pages() const noexcept {
    return used_pages_ + huge_pages_ - purging_pages_ - closed_pages_;
  }
  void keep_to_limit(std::size_t pages) noexcept;
  [[nodiscard]] std::size_t allowed_dirty_pages() const noexcept;
  [[nodiscard]] bool is_expected_back() const noexcept;
  [[nodiscard]] Region* next_dirty(std::uintptr_t from) const noexcept;
  void give_back(std::size_t pages) noexcept;
  [[nodiscard]] bool sweep_step(std::size_t budget_pages) noexcept;
  [[nodiscard]] PageSet dirty_of(Region* region) noexcept;
  std::size_t purge_pages(Region* region, const PageSet& pages) noexcept;
  std::size_t purge_runs(Region* region, PageSet& pages) noexcept;

  Window& window_;
  ArenaStore* store_ = nullptr;
  Charge charge_;
  os::Lock lock_;
  std::array<List<Region>, kRegionLists> lists_;
  Relaxed<Placement> placement_ = Placement::kBestFit;
  Arena* arenas_ = nullptr;  // in the order of their addresses
  std::size_t arena_step_ = 0;
  std::atomic<std::size_t> freed_spans_{0};
  std::atomic<bool> spans_are_sparse_{false};  // so was the last one looked at
  SparseZeros sparse_zeros_;
  std::array<std::atomic<std::uint64_t>, kRecentPlaces> recent_{};
  std::array<std::uint64_t, kRecentPlaces> recent_seen_{};
  std::size_t huge_blocks_ = 0;
  std::size_t huge_pages_ = 0;
  List<Region> used_huge_;
  Region* freed_huge_ = nullptr;  // metadata of huge blocks that are gone

  std::atomic<std::uint64_t> purges_{0};
  std::atomic<std::uint64_t> purged_pages_{0};

  // Pages handed out, and pages free and touched.
  Demand demand_;
  std::size_t used_pages_ = 0;
  std::size_t purging_pages_ = 0;
  std::size_t closed_pages_ = 0;  // ends of regions
  Relaxed<std::size_t> limit_pages_ = SIZE_MAX / kPageBytes;
  std::size_t dirty_pages_ = 0;
  std::atomic<bool> quiet_{false};
  std::uint64_t quiet_since_ms_ = 0;  // 0: since the next tick
  bool balancing_ = false;
  std::size_t fresh_pages_ = 0;  // handed out and not yet paid for
  std::atomic<std::size_t> grown_pages_{0};

  HugePages huge_;

  std::uintptr_t give_back_at_ = 0;  // where it stands
  std::uintptr_t sweep_at_ = 0;      // where the sweep does
  bool sweeping_ = false;
  std::uint64_t sweep_began_ms_ = 0;
  std::atomic<std::uint64_t> next_step_ms_{0};
};

}  // namespace luna
