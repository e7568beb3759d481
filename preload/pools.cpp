// SPDX-License-Identifier: MIT
// lunalloc/pool.h.
#include "base/check.hpp"
#include "base/format.hpp"
#include "heap/pool_list.hpp"
#include "os/error.hpp"
#include "preload/heap_denial.hpp"
#include "preload/heaps.hpp"
#include "preload/pressure.hpp"
#include "preload/process.hpp"
#include "preload/refusal.hpp"
#include "preload/slow_path.hpp"

#include <lunalloc/pool.h>

#include <array>
#include <cerrno>
#include <cstring>

#define LUNA_EXPORT extern "C" [[gnu::visibility("default")]]

namespace luna {
namespace {

static_assert(LUNA_POOL_NAME_BYTES == Pool::kMaxNameBytes + 1);

[[nodiscard]] Pool& from_handle(luna_pool* pool) noexcept { return *reinterpret_cast<Pool*>(pool); }
[[nodiscard]] luna_pool* to_handle(Pool* pool) noexcept {
  return reinterpret_cast<luna_pool*>(pool);
}

// False: there is no such heap.
[[nodiscard]] bool is_heap(const luna_heap* named) noexcept {
  bool found = false;
  named_heaps.for_each([&](const NamedHeap& heap) noexcept {
    if (reinterpret_cast<const luna_heap*>(&heap) == named) found = true;
  });
  return found;
}

// False: they are not sound.
[[nodiscard]] bool read_options(const luna_pool_options* from, PoolOptions& options) noexcept {
  if (from == nullptr) return options.are_sound();
  if (from->struct_size != sizeof(luna_pool_options)) return false;
  if (from->max_blocks != 0) options.max_blocks = from->max_blocks;
  if (from->alignment != 0) options.alignment = from->alignment;
  options.auto_expand = from->auto_expand != 0;
  options.reclaim_on_free = from->reclaim_on_free != 0;
  options.reclaim_on_purge = from->reclaim_on_purge != 0;
  options.heap = reinterpret_cast<NamedHeap*>(from->heap);
  return options.are_sound() && (options.auto_expand || from->max_blocks != 0);
}

[[nodiscard]] std::string_view mistake_of(PoolFree verdict) noexcept {
  switch (verdict) {
    case PoolFree::kForeign:
      return "not a block of it";
    case PoolFree::kInterior:
      return "not the start of a block";
    default:
      return "a block that is free already";
  }
}

// The program goes on: a line of text, docs/pools.md, "Mistakes".
[[gnu::cold, gnu::noinline]] void report_free(const Pool& pool, const void* pointer,
                                              PoolFree verdict, const SlowPath& path) noexcept {
  std::array<char, 320> buffer;
  Text text(buffer.data(), buffer.size());
  text.add("lunalloc: pool \"").add(pool.name()).add("\": luna_pool_free() of ");
  text.add_hex(reinterpret_cast<std::uintptr_t>(pointer)).add(", ").add(mistake_of(verdict));
  if (verdict == PoolFree::kForeign && path.entered())
    if (const Pool* other = process.pools().find(pointer); other != nullptr)
      text.add(", but in pool \"").add(other->name()).add("\"");
  text.add("; ignored\n");
  write_error(text.view());
}

// What is done when a chunk was refused: what its heap says, and where there is none what malloc
// does.
class ChunkRefusal {
 public:
  // `own` is the heap of the thread, or nullptr.
  ChunkRefusal(const PoolOptions& options, ThreadHeap* own) noexcept
      : options_(options), own_(own), refusal_(Pool::chunk_bytes(options)) {}

  // True: try again. Requires: as for Refusal and ChunkDenial.
  [[nodiscard]] bool eases() noexcept {
    NamedHeap* heap = options_.heap;
    if (heap != nullptr ? denial_.eases(*heap, Pool::chunk_bytes(options_)) : refusal_.eases(own_))
      return true;
    error_ = heap == nullptr || heap->is_open() ? ENOMEM : EACCES;
    return false;
  }

  // 0: there was no need for it, or it eased.
  [[nodiscard]] int error() const noexcept { return error_; }

 private:
  const PoolOptions& options_;
  ThreadHeap* own_;
  Refusal refusal_;
  ChunkDenial denial_;
  int error_ = 0;
};

// Where a chunk is wanted, or there may be none.
[[gnu::noinline]] void* allocate_slow(Pool& pool) noexcept {
  void* block = nullptr;
  {
    const SlowPath path;
    ChunkRefusal refusal(pool.options(), path.heap());
    block = pool.allocate(path.entered(),
                          [&]() noexcept { return !pool.is_gone() && refusal.eases(); });
    if (!path.entered()) return block;
    if (process.pressure().has_grown()) watch_growth(path.heap());
    if (refusal.error() != 0) errno = refusal.error();
  }
  if (pool.heap() != nullptr) tell_if_large(*pool.heap());
  return block;
}

}  // namespace
}  // namespace luna

using luna::process;

LUNA_EXPORT int luna_pool_create(const char* name, size_t block_bytes,
                                 const luna_pool_options* options, luna_pool** pool) {
  if (name == nullptr || pool == nullptr) return luna::os::kInvalid;
  const std::size_t length = strnlen(name, LUNA_POOL_NAME_BYTES);
  luna::PoolOptions wanted;
  wanted.block_bytes = block_bytes;
  if (length == LUNA_POOL_NAME_BYTES || !luna::read_options(options, wanted))
    return luna::os::kInvalid;
  if (!process.enabled()) return luna::os::kNotSupported;
  luna::Pool* made = nullptr;
  int error = 0;
  {
    const luna::SlowPath path;
    if (!path.entered()) return luna::os::kBusy;
    if (wanted.heap != nullptr) {
      if (!luna::is_heap(options->heap)) return luna::os::kInvalid;
      if (wanted.heap->wants_key()) return luna::os::kNotSupported;  // pools ask no thread's rights
    }
    process.allocator().set_pools(&process.pools());
    luna::ChunkRefusal refusal(wanted, path.heap());
    made = process.pools().create(process.allocator().pages(), {name, length}, wanted,
                                  [&]() noexcept { return refusal.eases(); });
    if (process.pressure().has_grown()) luna::watch_growth(path.heap());
    error = refusal.error();
  }
  if (wanted.heap != nullptr) luna::tell_if_large(*wanted.heap);
  if (made == nullptr) return error;
  *pool = luna::to_handle(made);
  return 0;
}

LUNA_EXPORT void* luna_pool_allocate(luna_pool* pool) {
  {
    const luna::SlowPath path;
    if (void* block = luna::from_handle(pool).take(); block != nullptr) [[likely]]
      return block;
  }
  return luna::allocate_slow(luna::from_handle(pool));
}

LUNA_EXPORT int luna_pool_free(luna_pool* pool, void* pointer) {
  if (pointer == nullptr) return 0;
  const luna::SlowPath path;
  const luna::PoolFree verdict = luna::from_handle(pool).deallocate(pointer, path.entered());
  if (verdict == luna::PoolFree::kDone) [[likely]]
    return 0;
  luna::report_free(luna::from_handle(pool), pointer, verdict, path);
  return luna::os::kInvalid;
}

LUNA_EXPORT int luna_pool_stats(luna_pool* pool, luna_pool_usage* usage) {
  if (usage->struct_size != sizeof(luna_pool_usage)) return luna::os::kInvalid;
  const luna::SlowPath path;
  if (!path.entered()) return luna::os::kBusy;
  const luna::PoolUsage now = luna::from_handle(pool).usage();
  usage->block_bytes = luna::from_handle(pool).block_bytes();
  usage->used_blocks = now.used;
  usage->peak_blocks = now.peak;
  usage->capacity = now.capacity;
  usage->denied = now.denied;
  usage->chunk_bytes = now.chunk_bytes;
  usage->resident_bytes = now.resident_bytes;
  return 0;
}

LUNA_EXPORT size_t luna_pool_trim(luna_pool* pool) {
  const luna::SlowPath path;
  return path.entered() ? luna::from_handle(pool).trim() : 0;
}

LUNA_EXPORT int luna_pool_destroy(luna_pool* pool) {
  const luna::SlowPath path;
  if (!path.entered()) return luna::os::kBusy;
  process.pools().destroy(process.allocator().pages(), luna::from_handle(pool));
  return 0;
}

LUNA_EXPORT luna_pool* luna_pool_of(const void* pointer) {
  const luna::SlowPath path;
  return path.entered() ? luna::to_handle(process.pools().find(pointer)) : nullptr;
}

LUNA_EXPORT const char* luna_pool_name(const luna_pool* pool) {
  return reinterpret_cast<const luna::Pool*>(pool)->name();
}

LUNA_EXPORT int luna_pool_list(luna_pool** pools, size_t* count) {
  const luna::SlowPath path;
  if (!path.entered()) return luna::os::kBusy;
  std::size_t number = 0;
  process.pools().for_each([&](luna::Pool& pool) noexcept {
    if (number < *count) pools[number] = luna::to_handle(&pool);
    ++number;
  });
  *count = number;
  return 0;
}
