// SPDX-License-Identifier: MIT
// include/lunalloc/lunalloc.h: the malloc family under names of our own.
#include "control/statistics.hpp"
#include "preload/entry.hpp"
#include "preload/print.hpp"

#include <lunalloc/lunalloc.h>
#include <stddef.h>
#include <unistd.h>

#include <array>

#define LUNA_EXPORT extern "C" [[gnu::visibility("default")]]

namespace entry = luna::entry;

LUNA_EXPORT const char* luna_version() { return LUNA_VERSION; }

LUNA_EXPORT void* luna_malloc(size_t bytes) { return entry::malloc(bytes); }
LUNA_EXPORT void luna_free(void* pointer) { entry::free(pointer); }
LUNA_EXPORT void luna_free_wiped(void* pointer) { entry::free_wiped(pointer); }
LUNA_EXPORT void luna_free_sized(void* pointer, size_t bytes) { entry::free_sized(pointer, bytes); }
LUNA_EXPORT void luna_free_aligned_sized(void* pointer, size_t, size_t bytes) {
  entry::free_sized(pointer, bytes);
}
LUNA_EXPORT void* luna_calloc(size_t count, size_t bytes) { return entry::calloc(count, bytes); }
LUNA_EXPORT void* luna_realloc(void* pointer, size_t bytes) {
  return entry::realloc(pointer, bytes);
}
LUNA_EXPORT void* luna_reallocarray(void* pointer, size_t count, size_t bytes) {
  return entry::reallocarray(pointer, count, bytes);
}
LUNA_EXPORT void* luna_memalign(size_t alignment, size_t bytes) {
  return entry::memalign(alignment, bytes);
}
LUNA_EXPORT void* luna_aligned_alloc(size_t alignment, size_t bytes) {
  return entry::memalign(alignment, bytes);
}
LUNA_EXPORT int luna_posix_memalign(void** pointer, size_t alignment, size_t bytes) {
  return entry::posix_memalign(pointer, alignment, bytes);
}
LUNA_EXPORT size_t luna_malloc_usable_size(const void* pointer) {
  return entry::usable_bytes(pointer);
}

LUNA_EXPORT int luna_stats_read(luna_stats* stats) {
  constexpr size_t kFirstBytes = offsetof(luna_stats, profiler_bytes);
  const size_t bytes = stats->struct_size;
  if (bytes != sizeof(luna_stats) && bytes != kFirstBytes) return EINVAL;
  luna::HeapUsage usage;
  luna::ProfilerUsage profiler;
  if (!luna::process.read_usage(usage, bytes == sizeof(luna_stats) ? &profiler : nullptr))
    return EBUSY;
  stats->live_bytes = usage.small_bytes + usage.pages.large_bytes;
  stats->live_blocks = usage.small_blocks + usage.pages.large_blocks;
  stats->large_bytes = usage.pages.large_bytes;
  stats->large_blocks = usage.pages.large_blocks;
  stats->slab_free_bytes = usage.slab_free_bytes;
  stats->dirty_bytes = usage.pages.dirty;
  stats->committed_bytes = usage.pages.committed;
  stats->reserved_bytes = usage.pages.reserved;
  stats->metadata_bytes = usage.pages.metadata;
  stats->thread_heaps = usage.thread_heaps;
  if (bytes == kFirstBytes) return 0;
  stats->profiler_bytes = profiler.touched_bytes;
  stats->profiler_reserved_bytes = profiler.reserved_bytes;
  stats->profiler_live_samples = profiler.live_samples;
  stats->profiler_dropped_samples = profiler.dropped_samples;
  return 0;
}

LUNA_EXPORT int luna_stats_print(int file) { return luna::print_summary(file); }
LUNA_EXPORT size_t luna_purge(size_t keep_bytes) { return luna::process.trim(keep_bytes); }

int luna::print_summary(int file) noexcept {
  std::array<char, 1280> buffer;
  Text text(buffer.data(), buffer.size());
  HeapUsage heap;
  ProfilerUsage profiler;
  if (!process.read_usage(heap, &profiler)) return EBUSY;
  write_summary(heap, text);
  write_profiler_summary(profiler, text);
  std::string_view rest = text.view();
  while (!rest.empty()) {
    const ssize_t written = ::write(file, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  return 0;
}
