// SPDX-License-Identifier: MIT
#include "heap/named_heap.hpp"

#include "base/align.hpp"
#include "base/wipe.hpp"
#include "os/memory.hpp"

#include <cstring>

namespace luna {

namespace {

// Calls visit(memory, bytes) for what is committed of a page heap.
template <typename Visit>
void for_each_range(PageHeap& pages, Visit visit) noexcept {
  os::ScopedLock guard(pages.lock());
  pages.for_each_arena([&](const Arena& arena) noexcept {
    for (std::size_t at = arena.committed.find_set(0); at < arena.regions;) {
      std::size_t end = arena.committed.find_clear(at);
      if (end > arena.regions) end = arena.regions;
      visit(arena.memory + at * kRegionBytes, (end - at) * kRegionBytes);
      at = arena.committed.find_set(end);
    }
  });
  pages.for_each_huge([&](const Region& head) noexcept {
    visit(head.memory, regions_for(head.span_pages) * kRegionBytes);
  });
}

// Calls visit(const ThreadHeap&) for those of threads, and that of samples.
template <typename Visit>
void for_each_heap(Allocator& allocator, Visit visit) noexcept {
  os::ScopedLock guard(allocator.heaps().lock());
  allocator.heaps().for_each(visit);
  if (const ThreadHeap* samples = allocator.samples().thread_heap(); samples != nullptr)
    visit(*samples);
}

}  // namespace

void NamedHeap::begin(const luna_heap_options& options) noexcept {
  options_ = options;
  name_ = {};
  std::memcpy(name_.data(), options.name, strnlen(options.name, name_.size() - 1));
  options_.name = name_.data();
  NamedHeap* above = parent();
  quota_.begin(above != nullptr ? &above->quota_ : nullptr, Quota::kNoLimit);
  reserve_is_open_.store(false, std::memory_order_relaxed);
  is_large_.store(false, std::memory_order_relaxed);
  denied_.store(0, std::memory_order_relaxed);
  allocations_.store(0, std::memory_order_relaxed);
  access_.store(LUNA_HEAP_READ_WRITE, std::memory_order_relaxed);
  set_limit(options.limit_bytes);
  if (has(LUNA_HEAP_KEY)) key_ = keys_.take();
  empty(nullptr);
}

void NamedHeap::end() noexcept {
  if (key_ != os::ProtectionKeys::kNoKey) keys_.put(key_);
  key_ = os::ProtectionKeys::kNoKey;
}

void NamedHeap::empty(ThreadHeap* part) noexcept {
  end_guarded();
  quota_.release(exact_bytes_.exchange(0, std::memory_order_relaxed));
  allocations_.fetch_add(refilled_blocks(), std::memory_order_relaxed);
  untag();
  // Of an exact heap the blocks are charged, and not the pages that they lie in.
  allocator_.abandon(store_, has(LUNA_HEAP_EXACT) ? nullptr : &quota_, part);
  if (has(LUNA_HEAP_HUGE_PAGES)) allocator_.pages().set_huge_threshold(1);
  set_access(LUNA_HEAP_READ_WRITE);
}

void NamedHeap::find_place() noexcept {
  place_.store(allocates_fast() ? number_ : ThreadParts::kNowhere, std::memory_order_relaxed);
}

void* NamedHeap::allocate(ThreadHeap& part, std::size_t bytes) noexcept {
  if (!is_open()) return nullptr;
  if (void* block = take_guarded(bytes, kMinBlockBytes); block != nullptr) return block;
  return keyed(charged(allocator_.allocate(part, bytes), bytes));
}

void* NamedHeap::allocate_zeroed(ThreadHeap& part, std::size_t bytes) noexcept {
  if (!is_open()) return nullptr;
  if (void* block = take_guarded(bytes, kMinBlockBytes); block != nullptr)
    return std::memset(block, 0, bytes);
  return keyed(charged(allocator_.allocate_zeroed(part, bytes), bytes));
}

void* NamedHeap::allocate_aligned(ThreadHeap& part, std::size_t alignment,
                                  std::size_t bytes) noexcept {
  if (!is_open()) return nullptr;
  if (void* block = take_guarded(bytes, alignment); block != nullptr) return block;
  return keyed(charged(allocator_.allocate_aligned(part, alignment, bytes), bytes));
}

void* NamedHeap::try_allocate(ThreadHeap& part, std::size_t bytes) noexcept {
  // What was never handed out may have no key yet, which takes a system call.
  if (!is_open() || key_ != os::ProtectionKeys::kNoKey || bytes > kMaxSmallBytes) return nullptr;
  return charged(part.take_at_hand(part.lender(size_class_of(bytes))), bytes);
}

// What does not carry the heap's key yet does now, or is given back.
void* NamedHeap::keyed(void* block) noexcept {
  if (key_ == os::ProtectionKeys::kNoKey || block == nullptr || tag(block)) return block;
  deallocate(nullptr, block);
  return nullptr;
}

// Memory that nobody was given needs no key. So regions get it when the first block of one is
// handed out, and keep it; what is made of several anew each time.
bool NamedHeap::tag(void* block) noexcept {
  Region& region = *allocator_.window().region_of(block);
  if (region.state == RegionState::kShared) {
    if (!region.keyed) region.keyed = keys_.tag(region.memory, kRegionBytes, key_);
    return region.keyed;
  }
  return keys_.tag(region.memory, regions_for(region.span_pages) * kRegionBytes, key_);
}

// Those that it leaves serve others.
void NamedHeap::untag() noexcept {
  if (key_ == os::ProtectionKeys::kNoKey) return;
  for_each_range(allocator_.pages(), [&](std::byte* memory, std::size_t bytes) noexcept {
    static_cast<void>(keys_.tag(memory, bytes, os::ProtectionKeys::kNoKey));
  });
}

// What was not yet charged is now, or given back.
void* NamedHeap::charged(void* block, std::size_t asked_bytes) noexcept {
  if (block == nullptr) return nullptr;
  note_served();
  if (!has(LUNA_HEAP_EXACT)) {
    note_allocation(asked_bytes);
    return block;
  }
  const std::size_t bytes = allocator_.usable_bytes(block);
  if (quota_.claim(bytes)) {
    note_allocation(asked_bytes);
    exact_bytes_.fetch_add(bytes, std::memory_order_relaxed);
    return block;
  }
  static_cast<void>(allocator_.deallocate(nullptr, block));
  return nullptr;
}

void NamedHeap::deallocate(ThreadHeap* part, void* pointer) noexcept {
  if (deallocate_guarded(pointer)) return;
  if (!is_open()) part = nullptr;  // what is freed is noted beside the blocks then
  const bool asks = has(LUNA_HEAP_EXACT | LUNA_HEAP_WIPES);
  const std::size_t bytes = asks ? allocator_.usable_bytes(pointer) : 0;
  if (has(LUNA_HEAP_WIPES)) clear(pointer, bytes);
  // The fast path counts what it leaves alone: it is not asked twice.
  const bool asked = part == nullptr || part->follows();
  if (asked || !part->try_deallocate(pointer))
    static_cast<void>(allocator_.deallocate(part, pointer));
  if (!has(LUNA_HEAP_EXACT)) return;
  exact_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
  quota_.release(bytes);
}

// Of a closed heap the pages are opened for as long as it takes. Others may free in the same pages:
// hence the lock.
void NamedHeap::clear(void* pointer, std::size_t bytes) noexcept {
  const luna_heap_access access = access_.load(std::memory_order_relaxed);
  if (access == LUNA_HEAP_READ_WRITE) {
    wipe(pointer, bytes);
    return;
  }
  const std::uintptr_t begin = round_down(address_of(pointer), os::page_bytes());
  const std::size_t size = round_up(address_of(pointer) + bytes - begin, os::page_bytes());
  auto* memory = reinterpret_cast<void*>(begin);
  os::ScopedLock guard(allocator_.pages().lock());
  if (os::set_access(memory, size, true, true) != 0) return;  // the kernel has no memory for it
  wipe(pointer, bytes);
  static_cast<void>(os::set_access(memory, size, access != LUNA_HEAP_NO_ACCESS, false));
}

// What is charged, wiped or guarded block by block is copied instead; and where there is a key,
// which pages that move would leave behind.
void* NamedHeap::resize(ThreadHeap* part, void* pointer, std::size_t bytes) noexcept {
  if (!is_open() || has(LUNA_HEAP_EXACT | LUNA_HEAP_WIPES | LUNA_HEAP_GUARDS)) return nullptr;
  if (key_ != os::ProtectionKeys::kNoKey) return nullptr;
  return allocator_.resize(part, pointer, bytes);
}

void NamedHeap::make_room(ThreadHeap& part) noexcept {
  if (is_open()) allocator_.trim(&part, SIZE_MAX);
}

void NamedHeap::deny() noexcept {
  denied_.fetch_add(1, std::memory_order_relaxed);
  if (options_.reserve_bytes == 0 || reserve_is_open_.exchange(true, std::memory_order_relaxed))
    return;
  apply_limit();
}

// Of an exact heap a chunk is charged as a block is.
void* NamedHeap::take_chunk(std::size_t pages, std::size_t alignment_pages) noexcept {
  if (!is_open()) return nullptr;
  const std::size_t exact_bytes = has(LUNA_HEAP_EXACT) ? pages * kPageBytes : 0;
  if (exact_bytes != 0 && !quota_.claim(exact_bytes)) return nullptr;
  void* memory = allocator_.pages().take(pages, alignment_pages, false);
  if (memory == nullptr) {
    quota_.release(exact_bytes);
    return nullptr;
  }
  exact_bytes_.fetch_add(exact_bytes, std::memory_order_relaxed);
  note_allocation(pages * kPageBytes);
  note_served();
  return memory;
}

void NamedHeap::put_chunk(void* memory, std::size_t pages) noexcept {
  allocator_.pages().put(memory);
  if (!has(LUNA_HEAP_EXACT)) return;
  exact_bytes_.fetch_sub(pages * kPageBytes, std::memory_order_relaxed);
  quota_.release(pages * kPageBytes);
}

// Small ones are counted when lists are refilled, but where each comes by here.
void NamedHeap::note_allocation(std::size_t asked_bytes) noexcept {
  if (asked_bytes > kMaxSmallBytes || has(LUNA_HEAP_EXACT))
    allocations_.fetch_add(1, std::memory_order_relaxed);
}

std::uint64_t NamedHeap::refilled_blocks() noexcept {
  if (has(LUNA_HEAP_EXACT)) return 0;
  std::uint64_t blocks = 0;
  for_each_heap(allocator_,
                [&](const ThreadHeap& heap) noexcept { blocks += heap.refilled_blocks(); });
  return blocks;
}

void NamedHeap::note_served() noexcept {
  if (reserve_is_open_.load(std::memory_order_relaxed)) [[unlikely]]
    close_reserve();
}

// Not before there is room again: what an error path asks for next may be more than what it
// got first.
void NamedHeap::close_reserve() noexcept {
  const std::uint64_t most = limit_without_reserve();
  const std::uint64_t reserve = options_.reserve_bytes;
  if (quota_.used() > most - (reserve < most ? reserve : most) / 2) return;
  if (reserve_is_open_.exchange(false, std::memory_order_relaxed)) apply_limit();
}

// Of a limit that was lowered to the reserve, or below, nothing is kept back.
std::uint64_t NamedHeap::limit_without_reserve() const noexcept {
  const std::uint64_t all = limit();
  return all > options_.reserve_bytes ? all - options_.reserve_bytes : all;
}

void NamedHeap::set_limit(std::uint64_t bytes) noexcept {
  limit_.store(bytes, std::memory_order_relaxed);
  apply_limit();
}

void NamedHeap::apply_limit() noexcept {
  const bool open = reserve_is_open_.load(std::memory_order_relaxed);
  const std::uint64_t bytes = open ? limit() : limit_without_reserve();
  quota_.set_limit(bytes != 0 ? bytes : Quota::kNoLimit);
}

bool NamedHeap::has_become_large() noexcept {
  if (options_.soft_limit_bytes == 0) return false;
  const bool large = quota_.used() > options_.soft_limit_bytes;
  if (large == is_large_.load(std::memory_order_relaxed)) return false;
  return is_large_.exchange(large, std::memory_order_relaxed) != large && large;
}

std::size_t NamedHeap::trim(ThreadHeap* part) noexcept {
  return is_open() ? allocator_.trim(part, 0) : 0;
}

luna_heap_stats NamedHeap::statistics(ThreadHeap* part) noexcept {
  if (is_open()) {
    if (part != nullptr) part->drain();
    allocator_.heaps().trim_parked(false);
  }
  const HeapUsage all = allocator_.usage();
  luna_heap_stats result{};
  result.struct_size = sizeof result;
  result.used_bytes = quota_.used();
  result.peak_bytes = quota_.peak();
  result.limit_bytes = limit();
  result.denied = denied();
  result.children = children;
  result.allocations = allocations_.load(std::memory_order_relaxed) + refilled_blocks();
  std::size_t cached_blocks = 0;
  for_each_heap(allocator_, [&](const ThreadHeap& heap) noexcept {
    heap.for_each_list(
        [&](std::size_t list, const Block*, std::uint32_t count, const Block*) noexcept {
          // What is read at different moments may not fit together.
          if (count > UINT32_MAX / 2) return;
          cached_blocks += count;
          result.cached_bytes += count * listed_bytes(list);
        });
  });
  const std::size_t bytes = all.small_bytes + all.pages.large_bytes;
  const std::size_t blocks = all.small_blocks + all.pages.large_blocks;
  result.live_bytes = bytes > result.cached_bytes ? bytes - result.cached_bytes : 0;
  result.live_blocks = blocks > cached_blocks ? blocks - cached_blocks : 0;
  const std::size_t guarded = guarded_blocks_.load(std::memory_order_relaxed);
  result.live_blocks += guarded;
  result.live_bytes += guarded_bytes_.load(std::memory_order_relaxed);
  result.resident_bytes = guarded * os::page_bytes();
  for_each_range(allocator_.pages(), [&](const std::byte* memory, std::size_t size) noexcept {
    result.resident_bytes += os::resident_bytes(memory, size);
  });
  return result;
}

// Read while others go on: it may be off by what happens.
void NamedHeap::count_classes(std::span<luna_class_stats, kSizeClasses> classes) noexcept {
  allocator_.for_each_slab([&](const Slab& slab) noexcept {
    luna_class_stats& row = classes[slab.size_class];
    const std::size_t capacity = slab.info().capacity;
    const std::size_t carved = slab.carved < capacity ? slab.carved : capacity;
    const std::size_t used = slab.used() < carved ? slab.used() : carved;
    row.block_bytes = slab.info().block_bytes;
    ++row.slabs;
    row.used_blocks += used;
    row.free_blocks += carved - used;
    row.uncut_blocks += capacity - carved;
  });
}

int NamedHeap::protect(luna_heap_access access) noexcept {
  const bool opens = access == LUNA_HEAP_READ_WRITE;
  if (!opens) {
    set_access(access);
    allocator_.heaps().end_following();
  }
  int error = protect_guarded(access);
  for_each_range(allocator_.pages(), [&](std::byte* memory, std::size_t size) noexcept {
    const int refused =
        os::set_access(memory, size, access != LUNA_HEAP_NO_ACCESS, access == LUNA_HEAP_READ_WRITE);
    if (refused != 0) error = refused;
  });
  if (!opens || error != 0) return error;
  set_access(access);
  allocator_.heaps().park_left();
  static_cast<void>(allocator_.samples().trim(false));  // takes back those that were freed
  return 0;
}

void NamedHeap::set_access(luna_heap_access access) noexcept {
  access_.store(access, std::memory_order_relaxed);
  allocator_.set_closed(!is_open());
  find_place();
}

}  // namespace luna
