// SPDX-License-Identifier: MIT
#include "heap/pool.hpp"

#include "base/align.hpp"
#include "base/check.hpp"
#include "heap/named_heap.hpp"
#include "os/clock.hpp"
#include "os/memory.hpp"

#include <cstring>

namespace luna {

namespace {

// A compromise: what a pool of few blocks takes at once, and how many chunks a large one has.
constexpr std::size_t kChunkBytes = std::size_t{256} * 1024;

// The lead of a chunk is as long as the alignment, and should be a small part of it.
constexpr std::size_t kMinLeadBytes = 16;
constexpr std::size_t kLeadsPerChunk = 8;

[[nodiscard]] PoolChunks::Shape shape_of(const PoolOptions& options) noexcept {
  PoolChunks::Shape shape;
  shape.block_bytes = round_up(options.block_bytes, options.alignment);
  shape.lead_bytes = options.alignment > kMinLeadBytes ? options.alignment : kMinLeadBytes;
  const std::size_t leads = kLeadsPerChunk * shape.lead_bytes;
  const std::size_t bytes = leads > kChunkBytes ? leads : kChunkBytes;
  std::size_t blocks = bytes > shape.lead_bytes + shape.block_bytes
                           ? (bytes - shape.lead_bytes) / shape.block_bytes
                           : 1;
  if (blocks > PoolChunk::kMaxBlocks) blocks = PoolChunk::kMaxBlocks;
  shape.chunk_blocks = blocks < options.max_blocks ? blocks : options.max_blocks;
  return shape;
}

[[nodiscard]] std::size_t count_bits(std::uint64_t word) noexcept {
  std::size_t count = 0;
  for (; word != 0; word &= word - 1) ++count;
  return count;
}

[[nodiscard]] std::size_t used_blocks(const PoolChunk& chunk) noexcept {
  std::size_t used = 0;
  for (std::size_t i = 0; i < chunk.words_in_use(); ++i)
    used += count_bits(chunk.words[i].load() & ~chunk.empty_word(i) & ~PoolChunk::kClosed);
  return used;
}

}  // namespace

bool PoolOptions::are_sound() const noexcept {
  if (block_bytes == 0 || block_bytes > kMaxBlockBytes) return false;
  if (max_blocks == 0 || max_blocks > kMaxBlocks) return false;
  if (!is_power_of_two(alignment) || alignment < kMinAlignment) return false;
  return alignment <= kMaxAlignment && (auto_expand || (!reclaim_on_free && !reclaim_on_purge));
}

Pool::Pool(PageHeap& pages, std::string_view name, const PoolOptions& options) noexcept
    : options_(options), chunks_(pages, shape_of(options), options.heap) {
  std::memcpy(name_.data(), name.data(), name.size() < kMaxNameBytes ? name.size() : kMaxNameBytes);
}

Pool::~Pool() = default;

bool Pool::begin() noexcept {
  if (options_.auto_expand) return true;
  os::ScopedLock guard(lock_);
  while (Count(count_.load()).capacity < options_.max_blocks)
    if (!add_chunk()) return false;
  return true;
}

// Whether to deny is read off one look at the count: a chunk that is about to be put back, and then
// is not, would be missing in one and there in the next.
void* Pool::take(std::uint64_t& count) noexcept {
  if (options_.heap != nullptr && !options_.heap->is_open()) [[unlikely]]
    return nullptr;
  count = count_.load();
  return take_place(count) ? chunks_.take_block() : nullptr;
}

PoolFree Pool::deallocate(void* pointer, bool may_lock) noexcept {
  const PoolFree verdict = free_block(pointer, may_lock);
  if (verdict == PoolFree::kDone || options_.heap == nullptr) [[likely]]
    return verdict;
  // Who ends it just now holds the lock until all is said.
  if (may_lock) const os::ScopedLock wait(lock_);
  return is_gone() ? PoolFree::kDone : verdict;
}

PoolFree Pool::free_block(void* pointer, bool may_lock) noexcept {
  PoolChunk* chunk = chunks_.find(pointer);
  if (chunk == nullptr) return PoolFree::kForeign;
  const std::size_t block = chunks_.block_at(*chunk, pointer);
  if (block == SIZE_MAX) return PoolFree::kInterior;
  if (options_.heap != nullptr && options_.heap->wipes()) [[unlikely]]
    wipe(*chunk, block, pointer);
  if (!PoolChunks::mark_free(*chunk, block)) return PoolFree::kNotInUse;
  count_.fetch_sub(1);
  if (options_.reclaim_on_free && may_lock && chunk->is_empty()) {
    os::ScopedLock guard(lock_);
    retire_if_empty(*chunk);
  }
  return PoolFree::kDone;
}

// Who ends the pool waits for us, or we see that it is gone.
void Pool::wipe(const PoolChunk& chunk, std::size_t block, void* pointer) noexcept {
  wiping_.fetch_add(1);
  if (!is_gone() && PoolChunks::is_in_use(chunk, block))
    options_.heap->clear(pointer, chunks_.shape().block_bytes);
  wiping_.fetch_sub(1);
}

// Places go first, as in retire_if_empty(); `used` stays, for who frees at this moment counts down.
void Pool::end() noexcept {
  os::ScopedLock guard(lock_);
  gone_.store(true);
  count_.fetch_and(UINT32_MAX);
  chunks_.forget();
  while (wiping_.load() != 0) os::sleep_nanoseconds(1000);
}

// False: all blocks that there are were given away when `count` was read.
bool Pool::take_place(std::uint64_t& count) noexcept {
  do {
    if (Count(count).used >= Count(count).capacity) return false;  // more: of one that is gone
  } while (!count_.compare_exchange_weak(count, count + 1));
  note_peak(Count(count).used + 1);
  return true;
}

void Pool::note_peak(std::uint32_t used) noexcept {
  // A maximum, which depends on nothing else: relaxed, with no partner.
  std::uint32_t peak = peak_.load(std::memory_order_relaxed);
  while (used > peak && !peak_.compare_exchange_weak(peak, used, std::memory_order_relaxed))
    continue;
}

// False: it is gone, or the kernel or the heap refuses. Else it is worth another try: here or by
// another thread it has grown, or all that may be there is there.
bool Pool::grow() noexcept {
  os::ScopedLock guard(lock_);
  const Count count(count_.load());
  if (!may_change_chunks()) return false;
  return count.used < count.capacity || count.capacity == options_.max_blocks || add_chunk();
}

bool Pool::may_change_chunks() const noexcept {
  return options_.heap == nullptr || (!is_gone() && options_.heap->is_open());
}

std::size_t Pool::chunk_bytes(const PoolOptions& options) noexcept {
  const PoolChunks::Shape shape = shape_of(options);
  return pages_for(shape.lead_bytes + shape.chunk_blocks * shape.block_bytes) * kPageBytes;
}

bool Pool::add_chunk() noexcept {
  const std::size_t left = options_.max_blocks - Count(count_.load()).capacity;
  const std::size_t most = chunks_.shape().chunk_blocks;
  const auto blocks = static_cast<std::uint32_t>(left < most ? left : most);
  if (!chunks_.add(blocks)) return false;
  add_places(blocks);
  return true;
}

// False: those who have a place need what would be left, and perhaps more.
bool Pool::give_up_places(std::uint32_t blocks) noexcept {
  const std::uint64_t places = std::uint64_t{blocks} << Count::kCapacityShift;
  std::uint64_t count = count_.load();
  do {
    if (Count(count).capacity - Count(count).used < blocks) return false;
  } while (!count_.compare_exchange_weak(count, count - places));
  return true;
}

// Places go first, so that nobody who has one searches for what is being closed. Returns the bytes
// given back.
std::size_t Pool::retire_if_empty(PoolChunk& chunk) noexcept {
  const std::uint32_t blocks = chunk.blocks.load();
  if (chunk.memory.load() == nullptr || !may_change_chunks()) return 0;
  if (!chunk.is_empty() || !give_up_places(blocks)) return 0;
  if (!PoolChunks::close(chunk)) {
    add_places(blocks);
    return 0;
  }
  const std::size_t bytes = chunks_.bytes_of(chunk);
  chunks_.remove(chunk);
  return bytes;
}

bool Pool::owns(const void* pointer) noexcept {
  os::ScopedLock guard(lock_);
  return chunks_.find_locked(pointer) != nullptr;
}

std::size_t Pool::trim() noexcept {
  if (!options_.auto_expand) return 0;
  os::ScopedLock guard(lock_);
  std::size_t bytes = 0;
  chunks_.for_each([&](PoolChunk& chunk) noexcept { bytes += retire_if_empty(chunk); });
  return bytes;
}

PoolUsage Pool::usage() noexcept {
  PoolUsage usage;
  os::ScopedLock guard(lock_);
  const Count count(count_.load());
  usage.used = count.used;
  usage.capacity = count.capacity;
  // Counters: relaxed, with no partner.
  usage.peak = peak_.load(std::memory_order_relaxed);
  usage.denied = denied_.load(std::memory_order_relaxed);
  chunks_.for_each([&](const PoolChunk& chunk) noexcept {
    const std::size_t bytes = chunks_.bytes_of(chunk);
    usage.chunk_bytes += bytes;
    usage.resident_bytes += os::resident_bytes(chunk.memory.load(), bytes);
  });
  return usage;
}

// Other threads may have had a place and no block yet, or no block and still the place.
void Pool::resume_child() noexcept {
  std::size_t used = 0;
  chunks_.for_each([&](const PoolChunk& chunk) noexcept { used += used_blocks(chunk); });
  wiping_.store(0);
  count_.store(used | Count(count_.load()).capacity << Count::kCapacityShift);
  lock_.reset_in_child();
}

void Pool::verify() noexcept {
  os::ScopedLock guard(lock_);
  const Count count(count_.load());
  std::size_t used = 0;
  std::size_t capacity = 0;
  chunks_.for_each([&](PoolChunk& chunk) noexcept {
    used += used_blocks(chunk);
    capacity += chunk.blocks.load();
    const std::byte* memory = chunk.memory.load();
    LUNA_CHECK(chunks_.find_locked(memory) == &chunk);                                // 3
    LUNA_CHECK(chunks_.find_locked(memory + chunks_.bytes_of(chunk) - 1) == &chunk);  // 3
  });
  LUNA_CHECK(used == count.used);                                             // 1
  LUNA_CHECK(capacity == count.capacity && capacity <= options_.max_blocks);  // 2
}

}  // namespace luna
