// SPDX-License-Identifier: MIT
// The functions of jemalloc(3) with flags: alignment and zeroing are heeded; arenas and thread
// caches are numbers of what is not here.
#include "base/align.hpp"
#include "preload/entry.hpp"
#include "preload/jemalloc/resize_in_place.hpp"

#include <cstring>

#define LUNA_EXPORT extern "C" [[gnu::visibility("default")]]

namespace luna::jemalloc {

namespace {

constexpr int kAlignmentBits = 0x3f;  // of the flags: the logarithm of the alignment
constexpr int kZero = 0x40;

struct Flags {
  explicit Flags(int flags) noexcept
      : alignment(std::size_t{1} << (flags & kAlignmentBits)), zero((flags & kZero) != 0) {}

  [[nodiscard]] bool are_plain() const noexcept { return alignment <= kMinBlockBytes; }

  std::size_t alignment;
  bool zero;
};

[[nodiscard]] std::byte* byte_of(void* block, std::size_t offset) noexcept {
  return static_cast<std::byte*>(block) + offset;
}

[[nodiscard]] bool is_aligned(const void* block, std::size_t alignment) noexcept {
  return address_of(block) % alignment == 0;
}

// Whoever asks for zeros may grow the block later, and counts on all that was beyond what
// he asked for to be zero too.
void clear_from(void* block, std::size_t from) noexcept {
  const std::size_t bytes = process.usable_bytes(block);
  if (bytes > from) std::memset(byte_of(block, from), 0, bytes - from);
}

// What such a block has at least; 0: there can be none. Guarded blocks end where it was asked for.
[[nodiscard]] std::size_t bytes_of(std::size_t bytes, Flags flags) noexcept {
  if (bytes > kMaxBlockBytes || flags.alignment > kMaxBlockBytes) return 0;
  if (!process.enabled() || process.options().guard_samples != 0) return bytes;
  std::size_t least = bytes != 0 ? bytes : 1;
  if (flags.alignment <= kPageBytes) least = round_up(least, flags.alignment);
  const std::size_t size_class = aligned_size_class(least, flags.alignment);
  if (size_class != kSizeClasses) return block_bytes(static_cast<SizeClass>(size_class));
  return pages_for(least) * kPageBytes;
}

[[nodiscard]] void* allocate(std::size_t bytes, Flags flags) noexcept {
  if (flags.are_plain() && !flags.zero) return entry::malloc(bytes);
  void* block =
      flags.are_plain() ? entry::calloc(1, bytes) : entry::memalign(flags.alignment, bytes);
  if (block != nullptr && flags.zero) clear_from(block, flags.are_plain() ? bytes : 0);
  return block;
}

// Whether realloc gives what is aligned enough: blocks of whole pages do not begin within one.
[[nodiscard]] bool may_reallocate(const void* pointer, std::size_t bytes, Flags flags) noexcept {
  if (flags.are_plain()) return true;
  const bool ours = process.enabled() && process.allocator().usable_bytes(pointer) != 0;
  return ours && flags.alignment <= kPageBytes && bytes > kMaxSmallBytes;
}

[[nodiscard]] void* move_aligned(void* pointer, std::size_t bytes, Flags flags) noexcept {
  const std::size_t old_bytes = process.usable_bytes(pointer);
  if (is_aligned(pointer, flags.alignment) && process.allocator().fits(pointer, bytes))
    return pointer;
  void* block = allocate(bytes, flags);
  if (block == nullptr) return nullptr;
  std::memcpy(block, pointer, bytes < old_bytes ? bytes : old_bytes);
  entry::free(pointer);
  return block;
}

[[nodiscard]] void* reallocate(void* pointer, std::size_t bytes, Flags flags) noexcept {
  if (bytes == 0) bytes = 1;  // realloc would free it
  return may_reallocate(pointer, bytes, flags) ? entry::realloc(pointer, bytes)
                                               : move_aligned(pointer, bytes, flags);
}

// What the block had stays, up to the whole of the new one, and what it gains is zero.
[[nodiscard]] void* reallocate_zeroed(void* pointer, std::size_t bytes, Flags flags) noexcept {
  const std::size_t old_bytes = process.usable_bytes(pointer);
  const std::size_t rounded = bytes_of(bytes, flags);
  if (rounded > bytes) bytes = rounded;
  void* block = reallocate(pointer, bytes, flags);
  if (block == nullptr) return nullptr;
  clear_from(block, block == pointer || old_bytes < bytes ? old_bytes : bytes);
  return block;
}

}  // namespace

}  // namespace luna::jemalloc

using luna::jemalloc::Flags;

LUNA_EXPORT void* mallocx(size_t bytes, int flags) {
  return luna::jemalloc::allocate(bytes, Flags(flags));
}

LUNA_EXPORT void* rallocx(void* pointer, size_t bytes, int flags) {
  const Flags wanted(flags);
  return wanted.zero ? luna::jemalloc::reallocate_zeroed(pointer, bytes, wanted)
                     : luna::jemalloc::reallocate(pointer, bytes, wanted);
}

// Nothing moves. Returns what the block has then, which may be less than was asked for.
LUNA_EXPORT size_t xallocx(void* pointer, size_t bytes, size_t extra, int flags) {
  const std::size_t old_bytes = luna::process.usable_bytes(pointer);
  luna::jemalloc::resize_in_place(pointer, bytes, extra);
  const std::size_t now_bytes = luna::process.usable_bytes(pointer);
  if (Flags(flags).zero && now_bytes > old_bytes) luna::jemalloc::clear_from(pointer, old_bytes);
  return now_bytes;
}

LUNA_EXPORT size_t sallocx(const void* pointer, int) { return luna::process.usable_bytes(pointer); }
LUNA_EXPORT void dallocx(void* pointer, int) { luna::entry::free(pointer); }
LUNA_EXPORT void sdallocx(void* pointer, size_t, int) { luna::entry::free(pointer); }

LUNA_EXPORT size_t nallocx(size_t bytes, int flags) {
  return luna::jemalloc::bytes_of(bytes, Flags(flags));
}
