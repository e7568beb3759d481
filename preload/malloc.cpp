// SPDX-License-Identifier: MIT
// The C library's malloc family, exported without a version so that every
// reference to it binds here. One line each; what they do is in entry.hpp.
#include "control/statistics.hpp"
#include "os/memory.hpp"
#include "preload/entry.hpp"
#include "preload/print.hpp"

#include <malloc.h>

#include <array>
#include <cstdio>

#define LUNA_EXPORT extern "C" [[gnu::visibility("default")]]

namespace entry = luna::entry;

LUNA_EXPORT void* malloc(size_t bytes) { return entry::malloc(bytes); }
LUNA_EXPORT void free(void* pointer) { entry::free(pointer); }
LUNA_EXPORT void cfree(void* pointer) { entry::free(pointer); }
LUNA_EXPORT void free_sized(void* pointer, size_t bytes) { entry::free_sized(pointer, bytes); }
LUNA_EXPORT void free_aligned_sized(void* pointer, size_t, size_t bytes) {
  entry::free_sized(pointer, bytes);
}
LUNA_EXPORT void* calloc(size_t count, size_t bytes) { return entry::calloc(count, bytes); }
LUNA_EXPORT void* realloc(void* pointer, size_t bytes) { return entry::realloc(pointer, bytes); }
LUNA_EXPORT void* reallocarray(void* pointer, size_t count, size_t bytes) {
  return entry::reallocarray(pointer, count, bytes);
}
LUNA_EXPORT void* memalign(size_t alignment, size_t bytes) {
  return entry::memalign(alignment, bytes);
}
LUNA_EXPORT void* aligned_alloc(size_t alignment, size_t bytes) {
  return entry::memalign(alignment, bytes);
}
LUNA_EXPORT int posix_memalign(void** pointer, size_t alignment, size_t bytes) {
  return entry::posix_memalign(pointer, alignment, bytes);
}
LUNA_EXPORT void* valloc(size_t bytes) { return entry::memalign(luna::os::page_bytes(), bytes); }
LUNA_EXPORT void* pvalloc(size_t bytes) { return entry::pvalloc(bytes); }
LUNA_EXPORT size_t malloc_usable_size(void* pointer) { return entry::usable_bytes(pointer); }

// Names of the same functions that old programs and other libraries call.
LUNA_EXPORT void* __libc_malloc(size_t bytes) { return entry::malloc(bytes); }
LUNA_EXPORT void __libc_free(void* pointer) { entry::free(pointer); }
LUNA_EXPORT void __libc_cfree(void* pointer) { entry::free(pointer); }
LUNA_EXPORT void* __libc_calloc(size_t count, size_t bytes) { return entry::calloc(count, bytes); }
LUNA_EXPORT void* __libc_realloc(void* pointer, size_t bytes) {
  return entry::realloc(pointer, bytes);
}
LUNA_EXPORT void* __libc_memalign(size_t alignment, size_t bytes) {
  return entry::memalign(alignment, bytes);
}
LUNA_EXPORT void* __libc_valloc(size_t bytes) {
  return entry::memalign(luna::os::page_bytes(), bytes);
}
LUNA_EXPORT void* __libc_pvalloc(size_t bytes) { return entry::pvalloc(bytes); }
LUNA_EXPORT int __posix_memalign(void** pointer, size_t alignment, size_t bytes) {
  return entry::posix_memalign(pointer, alignment, bytes);
}

LUNA_EXPORT int malloc_trim(size_t keep_bytes) {
  return luna::process.trim(keep_bytes) != 0 ? 1 : 0;
}

// There is nothing to tune by these numbers; glibc answers 1 to those it knows.
LUNA_EXPORT int mallopt(int, int) { return 1; }

LUNA_EXPORT struct mallinfo2 mallinfo2() {
  luna::HeapUsage usage;
  luna::process.read_usage(usage);
  struct mallinfo2 info = {};
  info.arena = usage.pages.committed;
  info.hblks = usage.pages.large_blocks;
  info.hblkhd = usage.pages.large_bytes;
  info.uordblks = usage.small_bytes + usage.pages.large_bytes;
  info.fordblks = usage.slab_free_bytes + usage.pages.dirty;
  info.keepcost = usage.pages.dirty;
  return info;
}

// The same in fields of 32 bits, which wrap around as they do in glibc.
LUNA_EXPORT struct mallinfo mallinfo() {
  const struct mallinfo2 wide = mallinfo2();
  struct mallinfo info = {};
  info.arena = static_cast<int>(wide.arena);
  info.hblks = static_cast<int>(wide.hblks);
  info.hblkhd = static_cast<int>(wide.hblkhd);
  info.uordblks = static_cast<int>(wide.uordblks);
  info.fordblks = static_cast<int>(wide.fordblks);
  info.keepcost = static_cast<int>(wide.keepcost);
  return info;
}

LUNA_EXPORT void malloc_stats() { luna::print_summary(2); }

LUNA_EXPORT int malloc_info(int options, FILE* file) {
  if (options != 0) return EINVAL;
  std::array<char, 2048> buffer;
  luna::Text text(buffer.data(), buffer.size());
  luna::HeapUsage usage;
  luna::process.read_usage(usage);
  luna::write_malloc_info(usage, text);
  const std::size_t length = text.view().size();
  return std::fwrite(buffer.data(), 1, length, file) == length ? 0 : EIO;
}
