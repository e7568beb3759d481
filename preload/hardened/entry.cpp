// SPDX-License-Identifier: MIT
#include "preload/entry.hpp"

#include "base/report.hpp"
#include "base/wipe.hpp"
#include "hardened/block_end.hpp"
#include "hardened/quarantine.hpp"
#include "heap/block_lookup.hpp"
#include "os/memory.hpp"
#include "preload/heaps.hpp"
#include "preload/slow_path.hpp"

#include <cstring>

namespace luna::entry {

namespace {

using hardened::Extent;
using hardened::Quarantine;

constinit hardened::Quarantines quarantines;
constinit thread_local Quarantine* quarantine = nullptr;

[[nodiscard]] Extent extent_in_slab(const Slab& slab, void* pointer) noexcept {
  return {static_cast<std::byte*>(pointer), slab.info().block_bytes, true};
}

// Of a pointer that the program hands in; reports one to no block. None: it is not protected.
[[nodiscard]] Extent extent_of(const void* handed_in, Request request) noexcept {
  auto* pointer = const_cast<void*>(handed_in);
  Allocator& allocator = process.allocator();
  const Window& window = allocator.window();
  const Slot* slot = window.slot_of(pointer);
  if (slot == nullptr) return {};
  const auto& slab = *reinterpret_cast<const Slab*>(slot);
  if (slab.is_slab()) {
    if (slab.named) return {};
    static_cast<void>(index_of_block(slab, window.memory_of(slot), pointer));
    return extent_in_slab(slab, pointer);
  }
  const Region* region = window.region_of(pointer);
  if (region == nullptr) return {};
  if (region->pages != &allocator.pages() && region->state != RegionState::kReserved) return {};
  return hardened::extent_of_pages(pointer, pages_of_block(*region, pointer, request));
}

// To the allocator, behind its fast path. A handler may have interrupted us where that is about to
// be put aside, or has just come back: then it is freed later, as one in use.
[[gnu::noinline]] void release_slow(void* pointer) noexcept {
  if (thread_state.aside != nullptr) {
    const Extent block = extent_of(pointer, Request::kFree);
    if (block.bytes != 0) begin_use(block, room_of(block));
  }
  process.deallocate(pointer);
}

// To the allocator, with no more looks at it. Requires: its use has ended, or it has no end.
void release(void* pointer) noexcept {
  if (!thread_state.cache->try_deallocate(pointer)) release_slow(pointer);
}

// nullptr: the thread has no heap, whose end would be the end of this; or there is no memory.
[[nodiscard]] Quarantine* own_quarantine() noexcept {
  if (quarantine != nullptr) return quarantine;
  const SlowPath path;
  if (path.entered() && path.heap() != nullptr && !thread_state.ended)
    quarantine = quarantines.attach();
  return quarantine;
}

// Requires: the block is cleared, and the caller's.
void delay(const Extent& block) noexcept {
  Quarantine* own = own_quarantine();
  void* leaves = own != nullptr ? own->exchange(block.memory, block.bytes) : block.memory;
  if (leaves != nullptr) release(leaves);
}

// Behind the fast path: of pages, or what the thread's cache does not see.
[[gnu::noinline]] void free_slow(void* pointer) noexcept {
  if (pointer == nullptr) return;
  // A handler has interrupted us: begin_deferred_free() comes by later.
  if (thread_state.aside != nullptr) return process.deallocate(pointer);
  const Extent block = extent_of(pointer, Request::kFree);
  if (block.bytes == 0) return release(pointer);
  end_use(block);
  if (clear(block)) process.allocator().pages().note_given_back(pointer);
  // Those who watch samples want to know at once.
  const auto& slot = *reinterpret_cast<const Slab*>(process.allocator().window().slot_of(pointer));
  process.allocator().samples().own(slot) ? release(pointer) : delay(block);
}

// In a handler that has interrupted the allocator there is none.
void guard_end(const Extent& block) noexcept {
  const SlowPath path;
  if (path.entered())
    process.allocator().pages().guard_end(block.memory, block.bytes / kPageBytes + 1);
}

// A block that the allocator made, with room for `asked` bytes and an end. False: it is not
// protected, and as it was.
bool begin_block(void* pointer, std::size_t asked) noexcept {
  const Extent block = extent_of(pointer, Request::kFree);
  if (block.is_small) {
    begin_small(block, asked);
  } else if (block.bytes != 0) {
    if (block.has_guard) guard_end(block);
    begin_pages(block, asked);
  }
  return block.bytes != 0;
}

[[gnu::noinline]] void* malloc_slow(std::size_t bytes) noexcept {
  const std::size_t total = hardened::with_end(bytes);
  void* block = total != 0 ? process.allocate(total) : nullptr;
  if (block != nullptr) begin_block(block, bytes);
  return or_enomem(block);
}

void check_told_size(void* pointer, std::size_t told, bool of_pages) noexcept {
  const Extent block = extent_of(pointer, Request::kFree);
  if (block.bytes == 0) return;
  const std::uint64_t end = end_of(block).load(std::memory_order_relaxed);
  const std::size_t asked = asked_for(block, end, false);
  const bool fits = told == asked || (of_pages && round_up(told, os::page_bytes()) == asked);
  if (!fits) [[unlikely]]
    report::delete_of_exact_size(pointer, told, asked);
}

}  // namespace

namespace {

// Of any small size, also what the list for it has none of, and while samples are taken.
[[nodiscard, gnu::noinline]] void* allocate_counted(std::size_t bytes) noexcept {
  const std::size_t total = hardened::with_end(bytes);
  if (total - 1 >= kMaxSmallBytes || thread_state.entered != nullptr) [[unlikely]]
    return nullptr;
  ThreadCache& cache = *thread_state.cache;
  FreeList& source = cache.source(total);
  void* block = ThreadCache::pop(source);
  if (block == nullptr) [[unlikely]]
    block = cache.take_counted(source);
  if (block == nullptr) [[unlikely]]
    return nullptr;
  hardened::begin_small({static_cast<std::byte*>(block), block_bytes(size_class_of(total)), true},
                        bytes);
  return block;
}

// Of sizes that have a list at hand. `other(bytes)` does it for all others, and where that is
// empty.
template <void* (*other)(std::size_t)>
[[nodiscard, gnu::noinline]] void* allocate_longer(std::size_t bytes) noexcept {
  if (bytes > ThreadCache::kMaxDirectBytes - hardened::kEndBytes || thread_state.entered != nullptr)
      [[unlikely]]
    return other(bytes);
  const std::size_t total = bytes + hardened::kEndBytes;
  void* block = ThreadCache::pop(thread_state.cache->direct_source(total));
  if (block == nullptr) [[unlikely]]
    return other(bytes);
  hardened::begin_small({static_cast<std::byte*>(block), block_bytes(size_class_of(total)), true},
                        bytes);
  return block;
}

// What most programs ask for. Nothing is called but at the end, so that it needs no frame.
template <void* (*other)(std::size_t)>
[[nodiscard, gnu::always_inline]] inline void* allocate_quick(std::size_t bytes) noexcept {
  constexpr std::size_t kMost = hardened::kMaxUnrolledBytes;
  if (bytes > kMost - hardened::kEndBytes) return allocate_longer<other>(bytes);
  if (thread_state.entered != nullptr) [[unlikely]]
    return other(bytes);
  const std::size_t total = round_up(hardened::with_end(bytes), std::size_t{16});
  void* block = ThreadCache::pop(thread_state.cache->direct_source(total));
  if (block == nullptr) [[unlikely]]
    return other(bytes);
  hardened::begin_small({static_cast<std::byte*>(block), total, true}, bytes);
  return block;
}

[[nodiscard, gnu::noinline]] void* malloc_other(std::size_t bytes) noexcept {
  void* block = allocate_counted(bytes);
  return block != nullptr ? block : malloc_slow(bytes);
}

}  // namespace

void* allocate_listed(std::size_t bytes) noexcept {
  return allocate_quick<allocate_counted>(bytes);
}

void* malloc(std::size_t bytes) noexcept { return allocate_quick<malloc_other>(bytes); }

namespace {

// What lies at the end of a block says whether one starts at the pointer: no other place has that
// canary.
[[gnu::always_inline]] inline void free_in_slab(const ThreadCache& cache,
                                                const Extent& block) noexcept {
  if (!hardened::try_end_small_use(block)) [[unlikely]]
    return free_slow(block.memory);
  void* leaves = block.bytes <= Quarantine::kSmallBytes
                     ? quarantine->exchange_small(block.memory)
                     : quarantine->exchange(block.memory, block.bytes);
  if (leaves == nullptr) return;
  if (!cache.try_deallocate_at(cache.window.unit_of(leaves), leaves)) [[unlikely]]
    release_slow(leaves);
}

[[gnu::noinline]] void free_longer(const Slab& slab, void* pointer) noexcept {
  if (slab.size_class == Slab::kRunClass) return free_slow(pointer);
  free_in_slab(*thread_state.cache, extent_in_slab(slab, pointer));
}

// As allocate_quick(). Of a slab that is in no named heap, or of a run.
[[gnu::always_inline]] inline void free_quick(const ThreadCache& cache, const Slab& slab,
                                              void* pointer) noexcept {
  const std::size_t bytes = 16 * (slab.size_class + std::size_t{1});
  if (bytes > hardened::kMaxUnrolledBytes) return free_longer(slab, pointer);
  free_in_slab(cache, {static_cast<std::byte*>(pointer), bytes, true});
}

// Of no slab of the thread's own, or of a named heap.
[[gnu::noinline]] void free_of_others(const Slab& slab, void* pointer) noexcept {
  if (!slab.is_slab() || slab.named || process.allocator().samples().own(slab))
    return free_slow(pointer);
  free_quick(*thread_state.cache, slab, pointer);
}

}  // namespace

void free(void* pointer) noexcept {
  const ThreadCache& cache = *thread_state.cache;
  const std::size_t unit = cache.window.unit_of(pointer);
  if (!cache.window.holds(unit) || quarantine == nullptr) [[unlikely]]
    return free_slow(pointer);
  const auto& slab = *reinterpret_cast<const Slab*>(cache.window.slot_at(unit));
  const bool is_own = slab.owner.load(std::memory_order_relaxed) == address_of(cache.identity);
  if (!is_own || slab.named) [[unlikely]]
    return free_of_others(slab, pointer);
  free_quick(cache, slab, pointer);
}

void delete_sized(void* pointer, std::size_t bytes) noexcept {
  check_told_size(pointer, bytes, false);
  free(pointer);
}
void delete_sized(void* pointer, std::size_t bytes, std::size_t) noexcept {
  delete_sized(pointer, bytes);
}

// What pvalloc() made has whole pages.
void free_sized(void* pointer, std::size_t bytes) noexcept {
  check_told_size(pointer, bytes, true);
  free(pointer);
}

std::size_t usable_bytes(const void* pointer) noexcept {
  const Extent block = extent_of(pointer, Request::kResize);
  return block.bytes != 0 ? asked_for(block) : process.usable_bytes(pointer);
}

// What is protected is wiped by free().
void free_wiped(void* pointer) noexcept {
  if (pointer != nullptr && extent_of(pointer, Request::kFree).bytes == 0)
    wipe(pointer, process.usable_bytes(pointer));
  free(pointer);
}

void* allocate_of_all(std::size_t bytes) noexcept {
  NamedHeap* entered = thread_state.entered;
  thread_state.entered = nullptr;
  const std::size_t total = hardened::with_end(bytes);
  void* block = total != 0 ? process.allocate(total) : nullptr;
  thread_state.entered = entered;
  if (block != nullptr) begin_block(block, bytes);
  return block;
}

void* allocate_aligned(std::size_t alignment, std::size_t bytes) noexcept {
  const std::size_t total = hardened::with_end(bytes);
  void* block = total != 0 ? process.allocate_aligned(alignment, total) : nullptr;
  if (block != nullptr) begin_block(block, bytes);
  return block;
}

// A small block is zeros already.
void* calloc(std::size_t count, std::size_t bytes) noexcept {
  std::size_t asked;
  if (__builtin_mul_overflow(count, bytes, &asked)) return or_enomem(nullptr);
  if (void* block = allocate_listed(asked); block != nullptr) return block;
  const std::size_t total = hardened::with_end(asked);
  if (total == 0) return or_enomem(nullptr);
  const bool is_small = total <= kMaxSmallBytes;
  void* block = is_small ? process.allocate(total) : process.allocate_zeroed(total);
  if (block == nullptr) return or_enomem(nullptr);
  if (!begin_block(block, asked) && is_small) std::memset(block, 0, asked);
  return block;
}

namespace {

// nullptr: it must be copied, of which the first `bytes` are as they were.
[[nodiscard]] void* resize_pages(const Extent& block, std::size_t bytes) noexcept {
  const std::size_t total = hardened::with_end(bytes);
  if (total <= kMaxSmallBytes) return nullptr;
  std::size_t asked = 0;
  void* resized = nullptr;
  {
    const SlowPath path;
    if (!path.entered()) return nullptr;
    asked = end_use(block);
    const std::size_t kept = round_up(total, kPageBytes);
    if (kept < block.bytes) hardened::clear_pages(block.memory + kept, block.bytes - kept);
    resized = process.allocator().resize(path.heap(), block.memory, total);
  }
  resized != nullptr ? begin_block(resized, bytes) : begin_block(block.memory, asked);
  return resized;
}

// As Allocator::fits().
[[nodiscard]] bool fits(const Extent& block, std::size_t bytes) noexcept {
  const std::size_t room = room_of(block);
  if (bytes > room) return false;
  if (block.is_small) return bytes > room / 2 || block.bytes <= 64;
  return bytes > kMaxSmallBytes && bytes >= room - room / 16;
}

[[nodiscard]] void* copy_to_new(void* pointer, std::size_t old_bytes, std::size_t bytes) noexcept {
  void* block = malloc(bytes);
  if (block == nullptr) return nullptr;
  std::memcpy(block, pointer, bytes < old_bytes ? bytes : old_bytes);
  free(pointer);
  return block;
}

}  // namespace

void* realloc(void* pointer, std::size_t bytes) noexcept {
  if (pointer == nullptr) return malloc(bytes);
  if (bytes == 0) {
    free(pointer);
    return nullptr;
  }
  const Extent block = extent_of(pointer, Request::kResize);
  if (block.bytes != 0) {
    const std::size_t asked = asked_for(block);
    if (fits(block, bytes)) {
      change_use(block, asked, bytes);
      return pointer;
    }
    void* resized = block.is_small ? nullptr : resize_pages(block, bytes);
    if (resized == nullptr) resized = copy_to_new(pointer, asked, bytes);
    if (resized != nullptr || bytes > asked) return resized;
    change_use(block, asked, bytes);  // there is no memory for a smaller one
    return pointer;
  }
  // Of a named heap it stays there; the C library's is its own to resize.
  const std::size_t room = process.usable_bytes(pointer);
  if (named_heaps.of(pointer) != nullptr) return or_enomem(process.reallocate(pointer, bytes));
  return copy_to_new(pointer, room, bytes);
}

void begin() noexcept {
  Window& window = process.allocator().window();
  const bool known = window.initialize();
  window.set_guards(os::page_bytes() == kPageBytes);
  hardened::begin_secret(window.base(), known ? window.capacity_bytes() : 0);
}

void end_thread() noexcept {
  if (quarantine == nullptr) return;
  quarantines.park(*quarantine);
  quarantine = nullptr;
}

void resume_child() noexcept { quarantines.resume_child(quarantine); }

void begin_deferred_free(void* pointer) noexcept {
  const Extent block = extent_of(pointer, Request::kFree);
  if (block.bytes == 0) return;
  end_use(block);
  static_cast<void>(clear(block));
}

}  // namespace luna::entry
