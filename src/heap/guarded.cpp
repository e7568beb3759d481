// SPDX-License-Identifier: MIT
#include "heap/guarded.hpp"

#include "base/align.hpp"
#include "base/check.hpp"
#include "os/environment.hpp"
#include "os/memory.hpp"

#include <cstring>
#include <new>

namespace luna {

namespace {

// What malloc promises to every caller.
constexpr std::size_t kMinAlignment = 16;

[[nodiscard]] bool is_all_slack(const std::byte* memory, std::size_t bytes) noexcept {
  if (bytes == 0) return true;
  return *memory == GuardedBlocks::kSlack && std::memcmp(memory, memory + 1, bytes - 1) == 0;
}

// How far an address is from a block; 0: in it.
[[nodiscard]] std::size_t distance(const GuardedBlock& block, std::uintptr_t address) noexcept {
  const std::uintptr_t begin = address_of(block.memory);
  if (address < begin) return begin - address;
  return address < begin + block.bytes ? 0 : address - (begin + block.bytes) + 1;
}

}  // namespace

bool GuardedBlocks::begin(std::size_t slots, std::uint64_t one_in,
                          const GuardObserver& observer) noexcept {
  os::ScopedLock guard(lock_);
  if (blocks_ != nullptr) return true;
  const std::size_t page_bytes = os::page_bytes();
  const std::size_t bytes = (2 * slots + 1) * page_bytes;
  const std::size_t record_bytes = round_up(slots * sizeof(GuardedBlock), page_bytes);
  void* records = os::map(record_bytes);
  if (records == nullptr) return false;
  void* pages = os::reserve(bytes);
  if (pages == nullptr) {
    os::release(records, record_bytes);
    return false;
  }
  blocks_ = static_cast<GuardedBlock*>(records);
  for (std::size_t i = 0; i < slots; ++i) ::new (blocks_ + i) GuardedBlock;
  count_ = static_cast<std::uint32_t>(slots);
  page_bytes_ = page_bytes;
  observer_ = observer;
  base_.store(address_of(pages), std::memory_order_relaxed);
  end_.store(address_of(pages) + bytes, std::memory_order_release);  // pairs with own()
  one_in_.store(one_in, std::memory_order_release);                  // pairs with is_due()
  return true;
}

bool GuardedBlocks::set_one_in(std::uint64_t one_in) noexcept {
  os::ScopedLock guard(lock_);
  if (blocks_ == nullptr) return false;
  one_in_.store(one_in, std::memory_order_release);  // pairs with is_due()
  return true;
}

GuardedBlock* GuardedBlocks::take(std::size_t bytes, std::size_t alignment) noexcept {
  GuardedBlock* block = next_free();
  if (block == nullptr) return nullptr;
  close(*block);
  if (!os::commit(page_of(*block), page_bytes_)) {
    quarantine(*block);
    return nullptr;
  }
  place(*block, bytes, alignment < kMinAlignment ? kMinAlignment : alignment);
  return block;
}

// Requires: the block fits into the page.
void GuardedBlocks::place(GuardedBlock& block, std::size_t bytes, std::size_t alignment) noexcept {
  std::byte* page = page_of(block);
  const bool at_start = placed_.fetch_add(1, std::memory_order_relaxed) % 2 == 1;
  const std::size_t offset = at_start ? 0 : round_down(page_bytes_ - bytes, alignment);
  block.memory = page + offset;
  block.bytes = bytes;
  block.freed.depth = 0;
  block.reported.store(false, std::memory_order_relaxed);
  block.heap.store(nullptr, std::memory_order_relaxed);
  block.heap_name[0] = '\0';
  std::memset(page, static_cast<int>(kSlack), offset);
  std::memset(block.memory + bytes, static_cast<int>(kSlack), page_bytes_ - offset - bytes);
}

void GuardedBlocks::publish(GuardedBlock& block) noexcept {
  keep_stack(block.allocated);
  block.state.store(GuardState::kLive, std::memory_order_release);  // pairs with claim()
}

void GuardedBlocks::discard(GuardedBlock& block) noexcept {
  static_cast<void>(os::protect(page_of(block), page_bytes_));
  block.memory = nullptr;  // nobody ever had it
  quarantine(block);
}

GuardedBlock* GuardedBlocks::find(const void* pointer) const noexcept {
  const std::size_t page =
      (address_of(pointer) - base_.load(std::memory_order_relaxed)) / page_bytes_;
  const auto known = [&](std::size_t index) noexcept -> GuardedBlock* {
    if (index >= count_ || blocks_[index].memory == nullptr) return nullptr;
    return blocks_ + index;
  };
  GuardedBlock* right = known(page / 2);
  if (page % 2 == 1) return right;
  GuardedBlock* left = page == 0 ? nullptr : known(page / 2 - 1);
  if (left == nullptr || right == nullptr) return left != nullptr ? left : right;
  const std::uintptr_t address = address_of(pointer);
  return distance(*left, address) <= distance(*right, address) ? left : right;
}

bool GuardedBlocks::claim(GuardedBlock& block, const void* pointer) const noexcept {
  GuardState live = GuardState::kLive;
  // pairs with the release in publish(); what is known of the block is needed at the latest now
  return block.memory == pointer &&
         block.state.compare_exchange_strong(live, GuardState::kEnding, std::memory_order_acquire,
                                             std::memory_order_relaxed);
}

void GuardedBlocks::put(GuardedBlock& block) noexcept {
  keep_stack(block.freed);
  look_at_slack(block);
  close(block);
  static_cast<void>(os::protect(page_of(block), page_bytes_));
  quarantine(block);
}

// The nearest byte is named, for it is what a loop that goes too far writes first.
void GuardedBlocks::look_at_slack(const GuardedBlock& block) const noexcept {
  const std::byte* page = page_of(block);
  const std::byte* end = block.memory + block.bytes;
  const auto before = static_cast<std::size_t>(block.memory - page);
  const auto beyond = static_cast<std::size_t>(page + page_bytes_ - end);
  if (!is_all_slack(end, beyond)) {
    while (*end == kSlack) ++end;
    report({MistakeKind::kWrittenBeyond, &block, address_of(end)});
  }
  if (!is_all_slack(page, before)) {
    const std::byte* at = block.memory - 1;
    while (*at == kSlack) --at;
    report({MistakeKind::kWrittenBefore, &block, address_of(at)});
  }
}

// A wild access does not tell which of two neighbours it was meant for, nor whether one of
// them is changing at this moment: the nearer one is taken, as it is.
GuardMistake GuardedBlocks::explain(std::uintptr_t address) const noexcept {
  const auto* pointer = reinterpret_cast<const void*>(address);
  const GuardedBlock* block = own(pointer) ? find(pointer) : nullptr;
  if (block == nullptr) return {MistakeKind::kBeyond, nullptr, address};
  if (block->is_freed()) return {MistakeKind::kUseAfterFree, block, address};
  const std::byte* page = page_of(*block);
  const bool is_in_page = address - address_of(page) < page_bytes_;
  // A live block can be accessed: whoever forbade that knows more of it.
  if (is_in_page) return {MistakeKind::kBeyond, nullptr, address};
  const bool is_before = address < address_of(page);
  return {is_before ? MistakeKind::kBefore : MistakeKind::kBeyond, block, address};
}

void GuardedBlocks::report(const GuardMistake& mistake) const noexcept {
  if (!mistake.block->reported.exchange(true, std::memory_order_relaxed))
    observer_.misused(observer_.context, mistake);
}

void GuardedBlocks::open(std::uintptr_t address) const noexcept {
  void* page = reinterpret_cast<void*>(round_down(address, page_bytes_));
  static_cast<void>(os::commit(page, page_bytes_));
}

// Undoes open().
void GuardedBlocks::close(GuardedBlock& block) const noexcept {
  if (!block.reported.load(std::memory_order_relaxed)) return;
  std::byte* page = page_of(block);
  static_cast<void>(os::protect(page - page_bytes_, page_bytes_));
  static_cast<void>(os::protect(page + page_bytes_, page_bytes_));
}

void GuardedBlocks::keep_stack(GuardStack& stack) const noexcept {
  stack.depth = observer_.walk(observer_.context, stack.frames.data(), stack.frames.size());
  stack.thread = os::thread_id();
}

std::byte* GuardedBlocks::page_of(const GuardedBlock& block) const noexcept {
  const auto index = static_cast<std::size_t>(&block - blocks_);
  auto* base = reinterpret_cast<std::byte*>(base_.load(std::memory_order_relaxed));
  return base + (2 * index + 1) * page_bytes_;
}

// Slots that were never used come first: so what was freed is kept as long as can be.
GuardedBlock* GuardedBlocks::next_free() noexcept {
  os::ScopedLock guard(lock_);
  std::uint32_t index = first_;
  if (used_ < count_) {
    index = used_++;
  } else if (index == kNone) {
    return nullptr;
  } else {
    first_ = blocks_[index].next;
    if (first_ == kNone) last_ = kNone;
  }
  blocks_[index].state.store(GuardState::kPrepared, std::memory_order_relaxed);
  return blocks_ + index;
}

void GuardedBlocks::quarantine(GuardedBlock& block) noexcept {
  const auto index = static_cast<std::uint32_t>(&block - blocks_);
  block.next = kNone;
  block.state.store(GuardState::kFreed, std::memory_order_release);  // pairs with is_freed()
  os::ScopedLock guard(lock_);
  if (last_ == kNone) {
    first_ = index;
  } else {
    blocks_[last_].next = index;
  }
  last_ = index;
}

void GuardedBlocks::verify() noexcept {
  os::ScopedLock guard(lock_);
  std::size_t quarantined = 0;
  for (std::uint32_t index = first_; index != kNone; index = blocks_[index].next) {
    LUNA_CHECK(blocks_[index].state.load(std::memory_order_relaxed) == GuardState::kFreed);
    LUNA_CHECK(++quarantined <= count_);
  }
  std::size_t freed = 0;
  for (std::uint32_t index = 0; index < used_; ++index) {
    const GuardedBlock& block = blocks_[index];
    const GuardState state = block.state.load(std::memory_order_relaxed);
    if (state == GuardState::kFreed) ++freed;
    if (state != GuardState::kLive) continue;
    const auto offset = static_cast<std::size_t>(block.memory - page_of(block));
    LUNA_CHECK(offset + block.bytes <= page_bytes_);
  }
  LUNA_CHECK(freed == quarantined);
}

}  // namespace luna
