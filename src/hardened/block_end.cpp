// SPDX-License-Identifier: MIT
#include "hardened/block_end.hpp"

#include "base/report.hpp"
#include "base/wipe.hpp"
#include "heap/size_class.hpp"
#include "os/memory.hpp"

#include <array>
#include <cstring>

namespace luna::hardened {

namespace {

// A block of more is given back to the kernel, which then clears what is touched again.
constexpr std::size_t kMaxWipedBytes = std::size_t{64} << 20;

// So many pages are cleared where they lie, however few of a part they are: to give back and touch
// again costs more.
constexpr std::size_t kFewPages = 8;

// A part of a block, of which the kernel says at once which pages it backs.
constexpr std::size_t kPartPages = 256;

class BackedPages {
 public:
  BackedPages(const std::byte* memory, std::size_t pages) noexcept : pages_(pages) {
    // If it does not say, it may back them all.
    if (!os::find_resident(memory, pages * kPageBytes, backed_.data()))
      std::memset(backed_.data(), kBacked, pages);
  }

  [[nodiscard]] std::size_t count() const noexcept {
    std::size_t count = 0;
    for (std::size_t i = 0; i < pages_; ++i) count += backed_[i];
    return count;
  }

  // Of `memory`, whose pages they are. What nothing backs is zeros, and stays so.
  void wipe_all(std::byte* memory) const noexcept {
    std::size_t first = 0;
    while (const void* found = std::memchr(&backed_[first], kBacked, pages_ - first)) {
      first = static_cast<std::size_t>(static_cast<const unsigned char*>(found) - backed_.data());
      std::size_t end = first;
      while (end < pages_ && backed_[end] == kBacked) ++end;
      wipe(memory + first * kPageBytes, (end - first) * kPageBytes);
      if (end == pages_) return;
      first = end;
    }
  }

 private:
  static constexpr unsigned char kBacked = 1;

  std::size_t pages_;
  std::array<unsigned char, kPartPages> backed_;
};

// Whether the kernel seems to back a block of many parts: its middle, and what lies halfway from
// there to its ends. To ask for all costs more than to give back a block of which hardly anything
// was touched.
[[nodiscard]] bool is_touched(const std::byte* memory, std::size_t pages) noexcept {
  for (const std::size_t quarters : {2U, 1U, 3U})
    if (BackedPages(memory + pages * quarters / 4 * kPageBytes, 1).count() == 0) return false;
  return true;
}

// Gives back what was touched in part.
void clear_part(std::byte* memory, std::size_t pages) noexcept {
  const BackedPages backed(memory, pages);
  const std::size_t count = backed.count();
  const bool stays = count <= kFewPages || count * 4 >= pages * 3;
  if (stays || !os::purge(memory, pages * kPageBytes)) backed.wipe_all(memory);
}

}  // namespace

void report_end(Extent block, std::uint64_t end, bool resizes) noexcept {
  if (end == fresh_mark()) end = 0;
  if (end != 0) report::overflow(block.memory);
  if (resizes) report::realloc_of_freed(block.memory);
  report::double_free(block.memory);
}

void report_listed(std::byte* memory, std::size_t bytes) noexcept {
  const Extent block{memory, bytes, true};
  const std::uint64_t end = end_of(block).load(std::memory_order_relaxed);
  if (((end ^ canary_of(block)) & ~kSlackMask) == 0) report::double_free(memory);
  report::write_after_free(memory);
}

void begin_pages(const Extent& block, std::size_t asked) noexcept {
  const std::size_t slack = slack_of(block, asked);
  std::memset(block.memory + room_of(block) - slack, 0, slack);
  begin_use(block, asked);
}

void change_use(const Extent& block, std::size_t before, std::size_t asked) noexcept {
  if (asked < before) wipe(block.memory + asked, before - asked);
  begin_use(block, asked);
}

bool clear_pages(std::byte* memory, std::size_t bytes) noexcept {
  if (os::page_bytes() != kPageBytes) {  // it ends within one of theirs
    wipe(memory, bytes);
    return false;
  }
  const std::size_t pages = bytes / kPageBytes;
  const bool stays = bytes <= kMaxWipedBytes && (pages <= kPartPages || is_touched(memory, pages));
  if (!stays && os::purge(memory, bytes)) return true;
  for (std::size_t done = 0; done < pages; done += kPartPages)
    clear_part(memory + done * kPageBytes, pages - done < kPartPages ? pages - done : kPartPages);
  return false;
}

bool clear(const Extent& block) noexcept {
  if (block.bytes > kMaxListedBytes) return clear_pages(block.memory, block.bytes);
  wipe(block.memory, block.bytes - kEndBytes);
  return false;
}

}  // namespace luna::hardened
