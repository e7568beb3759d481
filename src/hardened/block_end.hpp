// SPDX-License-Identifier: MIT
// The last word of a block, which is the allocator's: a canary while the block is in use, zero once
// it was freed, and a mark as long as it was never handed out. So one look tells who frees a block
// first, whether somebody wrote beyond it, and whether somebody wrote to it afterwards: a block
// that was freed is zeros, but for the link of its list. Between what the program asked for and the
// canary are zeros too, as many as the canary says.
#pragma once

#include "hardened/secret.hpp"
#include "hardened/zeros.hpp"
#include "heap/size_class.hpp"

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace luna::hardened {

inline constexpr std::size_t kEndBytes = sizeof(std::uint64_t);
inline constexpr std::size_t kLinkBytes = sizeof(void*);

// Handlers write two words into a block that they free while malloc is interrupted.
inline constexpr std::size_t kMinProtectedBytes = 32;
inline constexpr std::size_t kMinRequest = 17;  // the least that gets so many
static_assert(block_bytes(size_class_of(kMinRequest)) == kMinProtectedBytes);

// Behind the last word of a block of more bytes is a page that cannot be touched.
inline constexpr std::size_t kMaxUnguardedBytes = kMaxListedBytes;

// Bytes of the block that is to be asked for; 0: there can be none so large.
[[nodiscard]] inline std::size_t with_end(std::size_t bytes) noexcept {
  if (bytes < kMinRequest - kEndBytes) return kMinRequest;
  if (bytes <= kMaxUnguardedBytes - kEndBytes) return bytes + kEndBytes;
  return bytes <= PTRDIFF_MAX - kEndBytes - kPageBytes ? bytes + kEndBytes + kPageBytes : 0;
}

// A block that ends with such a word. None: bytes is 0.
struct Extent {
  std::byte* memory = nullptr;
  std::size_t bytes = 0;
  bool is_small = false;   // of a slab
  bool has_guard = false;  // a page behind it that cannot be touched
};

// Of a block of whole pages, without its guard.
[[nodiscard]] inline Extent extent_of_pages(void* memory, std::size_t pages) noexcept {
  const bool has_guard = pages * kPageBytes > kMaxUnguardedBytes;
  return {static_cast<std::byte*>(memory), (pages - std::size_t{has_guard}) * kPageBytes, false,
          has_guard};
}

using EndWord = std::atomic_ref<std::uint64_t>;

[[nodiscard]] inline EndWord end_of(const Extent& block) noexcept {
  return EndWord(*reinterpret_cast<std::uint64_t*>(block.memory + block.bytes - kEndBytes));
}

// Without the slack: bytes between what was asked for and the word. Its first byte in memory is
// zero, so that a text without an end is read no further; no slack makes it zero as a whole.
[[nodiscard]] inline std::uint64_t canary_of(const Extent& block) noexcept {
  const auto place = reinterpret_cast<std::uintptr_t>(block.memory) + block.bytes;
  return (fold(place ^ secret.canary[0], secret.canary[1]) | 0x1000000) & ~std::uint64_t{0xff};
}
inline constexpr int kSlackShift = 8;

// Of a small block that was never handed out. No canary ends like it, for their first byte is zero.
[[nodiscard]] inline std::uint64_t fresh_mark() noexcept { return secret.canary[0] | 1; }
inline constexpr std::uint64_t kSlackMask = std::uint64_t{0xffff} << kSlackShift;

[[nodiscard]] inline std::size_t room_of(const Extent& block) noexcept {
  return block.bytes - kEndBytes;
}

// Of page blocks no more is looked at, for a realloc may leave them far larger.
[[nodiscard]] inline std::size_t slack_of(const Extent& block, std::size_t asked) noexcept {
  const std::size_t slack = room_of(block) - asked;
  return block.is_small || slack < kPageBytes ? slack : kPageBytes;
}

// The program may use the first `asked` bytes from now on. Requires: the block is the caller's, has
// so much room, and zeros in its slack.
inline void begin_use(const Extent& block, std::size_t asked) noexcept {
  end_of(block).store(canary_of(block) ^ slack_of(block, asked) << kSlackShift,
                      std::memory_order_relaxed);
}

// Reports what is wrong with a block whose last word is no canary, or whose slack is not zeros.
[[noreturn, gnu::cold]] void report_end(Extent block, std::uint64_t end, bool resizes) noexcept;

// Reports a block that is not zeros where it should be: written to, or freed twice and in use
// again.
[[noreturn, gnu::cold]] void report_listed(std::byte* memory, std::size_t bytes) noexcept;

// Bytes that the program may use; reports a block that is not in use, or was written beyond.
[[nodiscard]] inline std::size_t asked_for(const Extent& block, std::uint64_t end,
                                           bool resizes) noexcept {
  const std::uint64_t slack = end ^ canary_of(block);
  const std::size_t asked = room_of(block) - (slack >> kSlackShift);
  if ((slack & ~kSlackMask) != 0 || asked > room_of(block) ||
      !is_zero_in_front(block.memory + room_of(block), slack >> kSlackShift)) [[unlikely]]
    report_end(block, end, resizes);
  return asked;
}
[[nodiscard]] inline std::size_t asked_for(const Extent& block) noexcept {
  return asked_for(block, end_of(block).load(std::memory_order_relaxed), true);
}

// Ends the use of a block, as the first one who does so; reports likewise. Then it is the caller's.
// Returns the bytes that the program might use.
inline std::size_t end_use(const Extent& block) noexcept {
  std::uint64_t end = end_of(block).load(std::memory_order_relaxed);
  const std::size_t asked = asked_for(block, end, false);
  // pairs with who reads what is left of the block: all that was written before is seen
  if (!end_of(block).compare_exchange_strong(end, 0, std::memory_order_acq_rel,
                                             std::memory_order_relaxed)) [[unlikely]]
    report_end(block, end, false);
  return asked;
}

// Whether the process has but one thread, as far as the C library knows; one that does not say
// (older than glibc 2.32, musl) leaves it open.
[[nodiscard]] inline bool is_alone() noexcept { return *secret.alone != 0; }

// Ends the use of a small block that ends as nearly all do, and clears it. False: it is as it was,
// and end_use() knows what to make of it. Where there are no threads to be overtaken by, it needs
// no atomic operation, which would cost a tenth of malloc and free together.
[[nodiscard]] inline bool try_end_small_use(const Extent& block) noexcept {
  std::uint64_t end = end_of(block).load(std::memory_order_relaxed);
  // What is wrong with any other byte of it makes that a large number.
  const std::uint64_t slack = std::rotr(end ^ canary_of(block), kSlackShift);
  const bool is_quick = block.bytes <= kMaxUnrolledBytes;
  if (slack > (is_quick ? 16 : room_of(block))) [[unlikely]]
    return false;
  const std::byte* room_end = block.memory + room_of(block);
  const bool is_clear =
      is_quick ? are_few_zero_in_front(room_end, slack) : is_zero_in_front(room_end, slack);
  if (!is_clear) [[unlikely]]
    return false;
  // pairs as in end_use()
  if (!is_alone() && !end_of(block).compare_exchange_strong(end, 0, std::memory_order_acq_rel,
                                                            std::memory_order_relaxed)) [[unlikely]]
    return false;
  clear_small(block.memory, block.bytes);
  return true;
}

// Of a small block in a list. One of few bytes is in the cache anyway, and is looked at first.
[[nodiscard]] inline bool is_clear_but_link(const Extent& block) noexcept {
  const bool is_quick = block.bytes <= kMaxUnrolledBytes;
  if (is_quick && is_zero_but_first(block.memory, block.bytes)) [[likely]]
    return true;
  if (end_of(block).load(std::memory_order_relaxed) == fresh_mark()) return true;
  return !is_quick && is_zero_but_first(block.memory, block.bytes);
}

// Makes a small block that comes from a list all zeros, but for its canary.
inline void begin_small(const Extent& block, std::size_t asked) noexcept {
  if (!is_clear_but_link(block)) [[unlikely]]
    report_listed(block.memory, block.bytes);
  *reinterpret_cast<std::uint64_t*>(block.memory) = 0;
  begin_use(block, asked);
}

// The same for one of pages, of which only the slack is cleared.
void begin_pages(const Extent& block, std::size_t asked) noexcept;

// Makes a block in use, of `before` bytes, one of fewer or more, where it lies. Requires: it has
// the room.
void change_use(const Extent& block, std::size_t before, std::size_t asked) noexcept;

// Clears whole pages. True: all of them were given back to the kernel.
bool clear_pages(std::byte* memory, std::size_t bytes) noexcept;

// Clears a block whose use has ended. True: all of its pages were given back to the kernel.
[[nodiscard]] bool clear(const Extent& block) noexcept;

}  // namespace luna::hardened
