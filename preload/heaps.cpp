// SPDX-License-Identifier: MIT
// heap.h, but for what protects heaps: heap_access.cpp. Callbacks of the program are called with
// no lock held and out of the slow path, for they may allocate.
#include "preload/heaps.hpp"

#include "os/error.hpp"
#include "preload/entry.hpp"
#include "preload/guard.hpp"
#include "preload/heap_denial.hpp"
#include "preload/slow_path.hpp"

#include <lunalloc/heap.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace luna {

constinit os::ProtectionKeys protection_keys;
constinit NamedHeaps named_heaps{process.allocator(), protection_keys};

namespace {

[[nodiscard]] NamedHeap& named(luna_heap* heap) noexcept {
  return *reinterpret_cast<NamedHeap*>(heap);
}

// Those of the calling thread; no_parts: no memory.
[[nodiscard]] ThreadParts& own_parts() noexcept {
  if (thread_state.parts != &no_parts) return *thread_state.parts;
  process.ensure_heap();  // whose end is the end of these
  ThreadParts* parts = named_heaps.attach(thread_state.heap());
  if (parts != nullptr) thread_state.parts = parts;
  return *thread_state.parts;
}

[[nodiscard]] ThreadHeap* own_part(NamedHeap& heap) noexcept {
  ThreadParts& parts = own_parts();
  return &parts != &no_parts ? named_heaps.part_of(parts, heap) : nullptr;
}

// While it lives nobody ends the heap. Requires: the thread is in a SlowPath, and in no other of
// these.
class AtHeap {
 public:
  explicit AtHeap(NamedHeap& heap) noexcept : parts_(parts_for_frees()) {
    if (&parts_ == &no_parts) return;
    parts_.begin(heap);
    is_there_ = heap.is_alive();
  }
  ~AtHeap() {
    if (&parts_ != &no_parts) parts_.end();
  }

  AtHeap(const AtHeap&) = delete;
  AtHeap& operator=(const AtHeap&) = delete;

  // False: it ends just now, or there is no memory to tell who ends it.
  [[nodiscard]] bool is_there() const noexcept { return is_there_; }

  [[nodiscard]] ThreadHeap* part_of(const NamedHeap& heap) const noexcept {
    return parts_.at(heap.number());
  }

 private:
  ThreadParts& parts_;
  bool is_there_ = false;
};

// From now on the thread allocates there, or from the heap of all: on the fast path of its part, if
// that can free all that the thread's own heap can. Requires: it is in a SlowPath.
void allocate_in(NamedHeap* heap) noexcept {
  thread_state.entered = heap;
  ThreadHeap* own = thread_state.heap();
  if (own == nullptr) return;
  ThreadHeap* part = heap != nullptr ? own_part(*heap) : nullptr;
  const bool fast = part != nullptr && part->follows();
  thread_state.aside = fast ? part : own;
  own->send_elsewhere(heap != nullptr && !fast);
}

// 0 or an errno value. Requires: the options are valid, and the thread is in a SlowPath.
[[nodiscard]] int create_valid(const luna_heap_options& options, NamedHeap*& heap) noexcept {
  if ((options.flags & LUNA_HEAP_GUARDS) != 0 && !begin_heap_guards()) return ENOMEM;
  return named_heaps.create(options, heap);
}

// One try, and one more with what threads keep free. `allocate` takes the thread's part.
template <typename Allocate>
[[nodiscard]] void* try_with_part(NamedHeap& heap, Allocate allocate) noexcept {
  const SlowPath path;
  if (!path.entered()) return nullptr;
  ThreadHeap* part = own_part(heap);
  if (part == nullptr) return nullptr;
  thread_state.at = &heap;
  void* block = allocate(*part);
  if (block == nullptr && heap.is_open()) {
    process.pools().trim_those_of(heap);
    heap.make_room(*part);
    block = allocate(*part);
    if (block == nullptr) heap.deny();
  }
  thread_state.at = nullptr;
  if (thread_state.ended) leave_named_heaps();
  return block;
}

template <typename Allocate>
[[nodiscard]] void* allocate_from(NamedHeap& heap, std::size_t bytes, Allocate allocate) noexcept {
  if (!heap.is_open_here() || thread_state.aside != nullptr) return nullptr;
  void* block = try_with_part(heap, allocate);
  while (block == nullptr && heap.is_open() && asks_again(heap, bytes))
    block = try_with_part(heap, allocate);
  tell_if_large(heap);
  return block;
}

[[nodiscard]] void* allocate_plain(NamedHeap& heap, std::size_t bytes) noexcept {
  return allocate_from(heap, bytes,
                       [&](ThreadHeap& part) noexcept { return heap.allocate(part, bytes); });
}

[[nodiscard]] void* allocate_zeroed(NamedHeap& heap, std::size_t bytes) noexcept {
  return allocate_from(
      heap, bytes, [&](ThreadHeap& part) noexcept { return heap.allocate_zeroed(part, bytes); });
}

[[nodiscard]] void* allocate_aligned(NamedHeap& heap, std::size_t alignment,
                                     std::size_t bytes) noexcept {
  return allocate_from(heap, bytes, [&](ThreadHeap& part) noexcept {
    return heap.allocate_aligned(part, alignment, bytes);
  });
}

[[nodiscard]] void* or_errno(const NamedHeap& heap, void* block) noexcept {
  if (block == nullptr) errno = heap.is_open_here() ? ENOMEM : EACCES;
  return block;
}

}  // namespace

void* allocate_entered(std::size_t bytes) noexcept {
  return allocate_plain(*thread_state.entered, bytes);
}
void* allocate_zeroed_entered(std::size_t bytes) noexcept {
  return allocate_zeroed(*thread_state.entered, bytes);
}
void* allocate_aligned_entered(std::size_t alignment, std::size_t bytes) noexcept {
  return allocate_aligned(*thread_state.entered, alignment, bytes);
}

// What comes after the end of the thread must not hold parts.
ThreadParts& parts_for_frees() noexcept {
  return thread_state.ended ? *thread_state.parts : own_parts();
}

void deallocate_named(void* pointer) noexcept {
  ThreadParts& parts = parts_for_frees();
  if (&parts != &no_parts) return named_heaps.deallocate(parts, pointer);
  named_heaps.deallocate_without_parts(pointer);
}

void* reallocate_named(NamedHeap& heap, void* pointer, std::size_t bytes) noexcept {
  const std::size_t old_bytes = process.allocator().usable_bytes(pointer);
  const bool shrinks = bytes <= old_bytes;
  if (!heap.is_open_here()) return shrinks ? pointer : nullptr;
  void* block = nullptr;
  {
    const SlowPath path;
    if (path.entered()) {
      ThreadHeap* part = own_part(heap);
      block = heap.resize(part, pointer, bytes);
      if (block != nullptr) return block;
      if (shrinks && part != nullptr) block = heap.allocate(*part, bytes);
    }
  }
  // What shrinks can always stay: nobody is asked, and nothing is denied.
  if (block == nullptr && shrinks) return pointer;
  if (block == nullptr) block = allocate_plain(heap, bytes);
  if (block == nullptr) return nullptr;
  std::memcpy(block, pointer, shrinks ? bytes : old_bytes);
  entry::free(pointer);
  return block;
}

Place place_in(NamedHeap& heap, void* pointer, std::size_t bytes) noexcept {
  Place place;
  place.memory = allocate_from(heap, bytes, [&](ThreadHeap& part) noexcept {
    void* moved =
        pointer != nullptr ? named_heaps.move(*thread_state.parts, pointer, &heap) : nullptr;
    place.has_pages = moved != nullptr;
    return moved != nullptr ? moved : heap.allocate(part, bytes);
  });
  return place;
}

void leave_named_heaps() noexcept {
  if (thread_state.parts == &no_parts) return;
  allocate_in(nullptr);
  named_heaps.detach(*thread_state.parts);
  thread_state.parts = &no_parts;
}

std::size_t trim_named_heaps() noexcept {
  const ThreadParts& parts = *thread_state.parts;
  std::size_t bytes = 0;
  named_heaps.for_each(
      [&](NamedHeap& heap) noexcept { bytes += heap.trim(parts.at(heap.number())); });
  return bytes;
}

}  // namespace luna

using luna::named_heaps;
using luna::NamedHeap;
using luna::thread_state;

#define LUNA_EXPORT extern "C" [[gnu::visibility("default")]]

LUNA_EXPORT luna_heap* luna_heap_create(const luna_heap_options* options) {
  NamedHeap* heap = nullptr;
  int error = EINVAL;
  if (!luna::process.enabled()) {
    error = ENOTSUP;
  } else if (options != nullptr && luna::is_valid(*options)) {
    const luna::SlowPath path;
    error = path.entered() ? luna::create_valid(*options, heap) : EBUSY;
  }
  if (error != 0) errno = error;
  if (heap != nullptr) luna::begin_key(*heap);
  return luna::public_name(heap);
}

// Behind the fast path, in a function of its own so that that needs no frame.
namespace {
[[gnu::noinline]] void* heap_malloc_slow(luna_heap* heap, size_t bytes) {
  return luna::or_errno(luna::named(heap), luna::allocate_plain(luna::named(heap), bytes));
}
}  // namespace

LUNA_EXPORT void* luna_heap_malloc(luna_heap* heap, size_t bytes) {
  luna::ThreadHeap* part = thread_state.parts->at(luna::named(heap).place());
  if (part == nullptr || bytes > luna::ThreadCache::kMaxDirectBytes ||
      thread_state.aside != nullptr) [[unlikely]]
    return heap_malloc_slow(heap, bytes);
  luna::FreeList& source = part->direct_source(bytes);
  if (void* block = luna::ThreadCache::pop(source); block != nullptr) [[likely]]
    return block;
  return heap_malloc_slow(heap, bytes);
}

LUNA_EXPORT void* luna_heap_calloc(luna_heap* heap, size_t count, size_t bytes) {
  size_t total;
  if (__builtin_mul_overflow(count, bytes, &total)) return luna::entry::or_enomem(nullptr);
  return luna::or_errno(luna::named(heap), luna::allocate_zeroed(luna::named(heap), total));
}

LUNA_EXPORT void* luna_heap_aligned_alloc(luna_heap* heap, size_t alignment, size_t bytes) {
  if (!luna::is_power_of_two(alignment)) {
    errno = EINVAL;
    return nullptr;
  }
  if (alignment < luna::kMinBlockBytes) alignment = luna::kMinBlockBytes;
  return luna::or_errno(luna::named(heap),
                        luna::allocate_aligned(luna::named(heap), alignment, bytes));
}

LUNA_EXPORT void* luna_heap_realloc(luna_heap* heap, void* pointer, size_t bytes) {
  if (pointer == nullptr) return luna_heap_malloc(heap, bytes);
  if (named_heaps.of(pointer) != &luna::named(heap)) {
    errno = EINVAL;
    return nullptr;
  }
  if (bytes == 0) {
    luna::entry::free(pointer);
    return nullptr;
  }
  if (luna::process.allocator().fits(pointer, bytes)) return pointer;
  return luna::or_errno(luna::named(heap),
                        luna::reallocate_named(luna::named(heap), pointer, bytes));
}

LUNA_EXPORT void luna_heap_free(luna_heap*, void* pointer) { luna::entry::free(pointer); }

LUNA_EXPORT void* luna_heap_try_malloc(luna_heap* heap, size_t bytes) {
  void* block = nullptr;
  {
    const luna::SlowPath path;
    NamedHeap& from = luna::named(heap);
    luna::ThreadHeap* part = path.entered() ? thread_state.parts->at(from.number()) : nullptr;
    if (part != nullptr) block = from.try_allocate(*part, bytes);
  }
  if (block == nullptr) errno = EAGAIN;
  return block;
}

LUNA_EXPORT luna_heap* luna_heap_of(const void* pointer) {
  return luna::public_name(named_heaps.of(pointer));
}

LUNA_EXPORT const char* luna_heap_name(const luna_heap* heap) {
  return reinterpret_cast<const NamedHeap*>(heap)->name();
}

LUNA_EXPORT int luna_heap_stats_read(luna_heap* heap, luna_heap_stats* stats) {
  if (stats == nullptr || stats->struct_size != sizeof *stats) return EINVAL;
  NamedHeap& of = luna::named(heap);
  const luna::SlowPath path;
  if (!path.entered()) return EBUSY;
  const luna::AtHeap at(of);
  if (!at.is_there()) return EBUSY;
  *stats = of.statistics(at.part_of(of));
  return 0;
}

LUNA_EXPORT size_t luna_heap_classes(luna_heap* heap, luna_class_stats* rows, size_t count) {
  const luna::SlowPath path;
  if (!path.entered()) return 0;
  const luna::AtHeap at(luna::named(heap));
  if (!at.is_there()) return 0;
  std::array<luna_class_stats, luna::kSizeClasses> classes{};
  luna::named(heap).count_classes(classes);
  size_t found = 0;
  for (const luna_class_stats& row : classes) {
    if (row.slabs == 0) continue;
    if (found < count) rows[found] = row;
    ++found;
  }
  return found;
}

LUNA_EXPORT size_t luna_heap_list(luna_heap** heaps, size_t count) {
  const luna::SlowPath path;
  if (!path.entered()) return 0;
  return named_heaps.for_each_numbered([&](NamedHeap& heap, size_t number) noexcept {
    if (number < count) heaps[number] = luna::public_name(&heap);
  });
}

LUNA_EXPORT void luna_heap_set_limit(luna_heap* heap, uint64_t limit_bytes) {
  luna::named(heap).set_limit(limit_bytes);
}

LUNA_EXPORT size_t luna_heap_trim(luna_heap* heap) {
  const luna::SlowPath path;
  if (!path.entered()) return 0;
  NamedHeap& of = luna::named(heap);
  const luna::AtHeap at(of);
  if (!at.is_there()) return 0;
  luna::process.pools().trim_those_of(of);
  return of.trim(at.part_of(of));
}

LUNA_EXPORT int luna_heap_reset(luna_heap* heap) {
  const luna::SlowPath path;
  return path.entered() ? named_heaps.reset(luna::named(heap), *thread_state.parts) : EBUSY;
}

LUNA_EXPORT int luna_heap_destroy(luna_heap* heap) {
  const luna::SlowPath path;
  return path.entered() ? named_heaps.destroy(luna::named(heap), *thread_state.parts) : EBUSY;
}

namespace {

void go_to(NamedHeap* heap) {
  const luna::SlowPath path;
  if (path.entered()) luna::allocate_in(heap);
}

// Where who ends the heap looks. False: there is no memory for it, or the thread is at its end.
[[nodiscard]] bool note_entry(const NamedHeap& heap) {
  const luna::SlowPath path;
  if (!path.entered() || thread_state.ended) return false;
  luna::ThreadParts& parts = luna::own_parts();
  if (&parts == &luna::no_parts) return false;
  parts.set_times_entered(heap.number(), parts.times_entered(heap.number()) + 1);
  return true;
}

}  // namespace

LUNA_EXPORT luna_heap* luna_heap_enter(luna_heap* heap) {
  NamedHeap* before = thread_state.entered;
  if (heap == nullptr || note_entry(luna::named(heap))) go_to(reinterpret_cast<NamedHeap*>(heap));
  return luna::public_name(before);
}

LUNA_EXPORT void luna_heap_leave(luna_heap* before) {
  const NamedHeap* left = thread_state.entered;
  go_to(reinterpret_cast<NamedHeap*>(before));
  if (left == nullptr) return;
  luna::ThreadParts& parts = *thread_state.parts;
  parts.set_times_entered(left->number(), parts.times_entered(left->number()) - 1);
}
