// SPDX-License-Identifier: MIT
#include "heap/signal_reserve.hpp"

#include "base/align.hpp"
#include "base/report.hpp"
#include "os/memory.hpp"

namespace luna {

namespace {

constexpr std::uintptr_t kUnused = 0;
constexpr std::uintptr_t kClaimed = 1;

}  // namespace

// Two may map it at once, one of them by interrupting the other; the later one gives his back.
SignalReserve::Pool* SignalReserve::begin() noexcept {
  if (Pool* pool = begun(); pool != nullptr) return pool;
  constexpr std::size_t kBytes = sizeof(Pool) + kClasses * kAreaBytes;
  auto* mapped = static_cast<Pool*>(os::map(kBytes));  // zeros are what an empty one is
  if (mapped == nullptr) return nullptr;
  Pool* first = nullptr;
  // pairs with the acquire in begun()
  if (pool_.compare_exchange_strong(first, mapped, std::memory_order_acq_rel)) return mapped;
  os::release(mapped, kBytes);
  return first;
}

void* SignalReserve::allocate(std::size_t bytes, std::size_t alignment) noexcept {
  Pool* pool = begin();
  if (pool == nullptr) return nullptr;
  const std::size_t needed = bytes > alignment ? bytes : alignment;
  if (needed <= kMaxPooledBytes) {
    // Blocks of a power of two in areas of whole pages are aligned to their size.
    std::size_t size_class = static_cast<std::size_t>(std::bit_width((needed - 1) / 16));
    for (; size_class < kClasses; ++size_class)
      if (void* block = take(*pool, size_class); block != nullptr) return block;
  }
  return map(*pool, bytes, alignment);
}

void* SignalReserve::take(Pool& pool, std::size_t size_class) noexcept {
  const std::size_t blocks = kAreaBytes / class_bytes(size_class);
  for (std::size_t first = 0; first < blocks; first += 64) {
    std::atomic<std::uint64_t>& word = pool.used[first_word(size_class) + first / 64];
    std::uint64_t used = word.load(std::memory_order_relaxed);
    while (true) {
      const auto bit = static_cast<std::size_t>(std::countr_one(used));
      if (bit >= 64 || first + bit >= blocks) break;
      // pairs with the release in deallocate(): who had it before is done with it
      if (word.compare_exchange_weak(used, used | std::uint64_t{1} << bit,
                                     std::memory_order_acquire, std::memory_order_relaxed))
        return area(pool, size_class) + (first + bit) * class_bytes(size_class);
    }
  }
  return nullptr;
}

bool SignalReserve::find(const Pool& pool, const void* pointer, Place& place) noexcept {
  const std::size_t offset = address_of(pointer) - address_of(&pool + 1);
  if (offset >= kClasses * kAreaBytes) return false;
  place = {offset / kAreaBytes, offset % kAreaBytes};
  return true;
}

bool SignalReserve::deallocate(void* pointer) noexcept {
  Pool* pool = begun();
  if (pool == nullptr) return false;
  Place place;
  if (!find(*pool, pointer, place)) return unmap(*pool, pointer);
  const std::size_t bytes = class_bytes(place.size_class);
  if (place.offset % 16 != 0) report::misaligned_pointer(pointer);
  if (place.offset % bytes != 0) report::interior_pointer(pointer, place.offset % bytes);
  const std::size_t index = place.offset / bytes;
  const std::uint64_t bit = std::uint64_t{1} << index % 64;
  // pairs with the acquire in take()
  const std::uint64_t before = pool->used[first_word(place.size_class) + index / 64].fetch_and(
      ~bit, std::memory_order_release);
  if ((before & bit) == 0) report::double_free(pointer);
  return true;
}

std::size_t SignalReserve::usable_bytes(const void* pointer) const noexcept {
  const Pool* pool = begun();
  if (pool == nullptr) return 0;
  Place place;
  if (find(*pool, pointer, place)) {
    const std::size_t bytes = class_bytes(place.size_class);
    return bytes - place.offset % bytes;
  }
  if (pool->mapped.load(std::memory_order_relaxed) == 0) return 0;
  for (const Mapping& mapping : pool->mappings)
    // pairs with the release in map()
    if (mapping.address.load(std::memory_order_acquire) == address_of(pointer))
      return mapping.bytes;
  return 0;
}

void* SignalReserve::map(Pool& pool, std::size_t bytes, std::size_t alignment) noexcept {
  for (Mapping& mapping : pool.mappings) {
    std::uintptr_t now = kUnused;
    if (mapping.address.load(std::memory_order_relaxed) != kUnused ||
        !mapping.address.compare_exchange_strong(now, kClaimed, std::memory_order_acquire))
      continue;  // the acquire pairs with the release in unmap()
    if (!fill(mapping, bytes, alignment)) {
      mapping.address.store(kUnused, std::memory_order_release);
      return nullptr;
    }
    pool.mapped.fetch_add(1, std::memory_order_relaxed);
    const std::uintptr_t address = round_up(address_of(mapping.memory), alignment);
    mapping.address.store(address, std::memory_order_release);  // pairs with usable_bytes()
    return reinterpret_cast<void*>(address);
  }
  return nullptr;
}

// Requires: the entry is claimed. False: the kernel refuses.
bool SignalReserve::fill(Mapping& mapping, std::size_t bytes, std::size_t alignment) noexcept {
  constexpr std::size_t kMost = PTRDIFF_MAX / 4;
  if (bytes > kMost || alignment > kMost) return false;
  const std::size_t page = os::page_bytes();
  mapping.bytes = round_up(bytes != 0 ? bytes : 1, page);
  mapping.mapped_bytes = mapping.bytes + (alignment > page ? alignment - page : 0);
  mapping.memory = os::map(mapping.mapped_bytes);
  return mapping.memory != nullptr;
}

bool SignalReserve::unmap(Pool& pool, void* pointer) noexcept {
  if (address_of(pointer) <= kClaimed || pool.mapped.load(std::memory_order_relaxed) == 0)
    return false;
  for (Mapping& mapping : pool.mappings) {
    std::uintptr_t address = address_of(pointer);
    // pairs with the release in map()
    if (!mapping.address.compare_exchange_strong(address, kClaimed, std::memory_order_acquire))
      continue;
    os::release(mapping.memory, mapping.mapped_bytes);
    pool.mapped.fetch_sub(1, std::memory_order_relaxed);
    mapping.address.store(kUnused, std::memory_order_release);  // pairs with map()
    return true;
  }
  return false;
}

}  // namespace luna
