// SPDX-License-Identifier: MIT
// The chunks of a pool: which of their blocks are in use, and which chunk an address lies in.
// All of it lies apart from the blocks. How many blocks there are and may be: pool.hpp.
#pragma once

#include "base/align.hpp"
#include "pages/page_heap.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace luna {

class NamedHeap;

// A run or span cut into blocks. It begins with a lead that is never handed out, so that free()
// sees each block as an interior pointer.
//
// Threads: any may take and free blocks; the rest changes under the lock of the pool, and only
// while its words are closed.
struct alignas(64) PoolChunk {
  static constexpr std::size_t kBlocksPerWord = 63;
  static constexpr std::size_t kWords = 64;
  static constexpr std::size_t kMaxBlocks = kBlocksPerWord * kWords;
  static constexpr std::uint64_t kClosed = std::uint64_t{1} << 63;  // of a word: nothing is taken

  [[nodiscard]] std::size_t words_in_use() const noexcept {
    return (blocks.load() + kBlocksPerWord - 1) / kBlocksPerWord;
  }

  // A bit for each of them.
  [[nodiscard]] std::uint64_t all_words() const noexcept {
    return ~std::uint64_t{0} >> (kWords - words_in_use());
  }

  // What a word holds when none of its blocks is in use: bits of blocks that there are not.
  [[nodiscard]] std::uint64_t empty_word(std::size_t word) const noexcept {
    const std::size_t left = blocks.load() - word * kBlocksPerWord;
    return left >= kBlocksPerWord ? 0 : ~kClosed & ~((std::uint64_t{1} << left) - 1);
  }

  [[nodiscard]] bool is_empty() const noexcept;

  std::atomic<std::byte*> memory{nullptr};  // nullptr: it is none at present
  std::atomic<PoolChunk*> next{nullptr};    // in its bucket, or among those that are none
  std::atomic<std::uint64_t> open{0};       // words with a free block; a hint
  std::atomic<std::uint64_t>* level_open = nullptr;
  std::uint64_t level_bit = 0;  // its own in it
  std::atomic<std::uint32_t> blocks{0};
  alignas(64) std::array<std::atomic<std::uint64_t>, kWords> words{};  // bit set: in use
};

// Records of chunks in levels, each twice as large as all before it, and a hash table of the
// chunks by their addresses. They stay where they are until the end, so that whoever reads them
// without a lock reads nothing else; what is read too late is told by the words alone.
//
// Threads: take_block(), mark_free() and find() any; the rest under the lock of the pool.
class PoolChunks {
 public:
  struct Shape {
    std::size_t block_bytes = 0;  // from one block to the next
    std::size_t lead_bytes = 0;
    std::size_t chunk_blocks = 0;  // at most
  };

  // Records and table are runs and spans of `pages`; chunks are too, unless they are of a named
  // heap, whose end and protection do not reach the records then.
  PoolChunks(PageHeap& pages, const Shape& shape, NamedHeap* heap = nullptr) noexcept;
  ~PoolChunks();

  PoolChunks(const PoolChunks&) = delete;
  PoolChunks& operator=(const PoolChunks&) = delete;

  [[nodiscard]] const Shape& shape() const noexcept { return shape_; }

  // A free block. Requires: more are free than other threads search for, and it stays so.
  [[nodiscard]] void* take_block() noexcept;

  // The chunk an address lies in, or nullptr.
  [[nodiscard]] PoolChunk* find(const void* pointer) const noexcept;

  // The same under the lock: does not look twice.
  [[nodiscard]] PoolChunk* find_locked(const void* pointer) const noexcept {
    return find_hashed(pointer);
  }

  // The number of the block of a chunk that starts at an address; SIZE_MAX: none does.
  [[nodiscard]] std::size_t block_at(const PoolChunk& chunk, const void* pointer) const noexcept;

  [[nodiscard]] static bool is_in_use(const PoolChunk& chunk, std::size_t block) noexcept;

  // Makes a block free for others to take. False: it is free already.
  [[nodiscard]] static bool mark_free(PoolChunk& chunk, std::size_t block) noexcept;

  // Adds a chunk of so many blocks. False: the kernel refuses, or the heap does.
  [[nodiscard]] bool add(std::uint32_t blocks) noexcept;

  // Closes all words of a chunk. False: a block is in use, and nothing has changed.
  [[nodiscard]] static bool close(PoolChunk& chunk) noexcept;

  // Takes a closed chunk out, and gives its memory back.
  void remove(PoolChunk& chunk) noexcept;

  // Forgets all chunks, whose memory is gone or about to go. Who has found one, to free a block,
  // finds it free.
  void forget() noexcept;

  [[nodiscard]] std::size_t bytes_of(const PoolChunk& chunk) const noexcept {
    return pages_of(chunk.blocks.load()) * kPageBytes;
  }

  // Calls visit(PoolChunk&) for each chunk.
  template <typename Visit>
  void for_each(Visit visit) const noexcept {
    for (const auto& place : levels_) {
      const Level* level = place.load(std::memory_order_acquire);  // pairs with add_level()
      if (level == nullptr) return;
      for (std::size_t i = 0; i < level->chunk_count; ++i)
        if (PoolChunk& chunk = level->chunks[i]; chunk.memory.load() != nullptr) visit(chunk);
    }
  }

 private:
  static constexpr std::size_t kFirstLevelChunks = 4;
  static constexpr std::size_t kMaxLevels = 31;

  // Followed by its three arrays, in the same run or span.
  struct alignas(64) Level {
    std::size_t chunk_count;
    std::size_t open_words;
    std::size_t bucket_mask;  // of the table for the chunks of this level and of those before it
    PoolChunk* chunks;
    std::atomic<std::uint64_t>* open;  // chunks with a free block; a hint
    std::atomic<PoolChunk*>* buckets;
  };

  [[nodiscard]] std::size_t pages_of(std::size_t blocks) const noexcept {
    return pages_for(shape_.lead_bytes + blocks * shape_.block_bytes);
  }
  // Chunks start at multiples of a unit that is as large as the largest: each has a unit of its
  // own.
  [[nodiscard]] std::uintptr_t unit_of(const void* pointer) const noexcept {
    return address_of(pointer) >> unit_shift_;
  }
  [[nodiscard]] bool lies_in(const PoolChunk& chunk, const void* pointer) const noexcept {
    const std::byte* memory = chunk.memory.load(std::memory_order_relaxed);  // a hit is looked into
    return memory != nullptr && address_of(pointer) - address_of(memory) < bytes_of(chunk);
  }

  [[nodiscard]] void* take_hinted() noexcept;
  [[nodiscard]] void* take_any() noexcept;
  [[nodiscard]] void* take_of(PoolChunk& chunk, std::uint64_t words) noexcept;
  [[nodiscard]] void* take_in(PoolChunk& chunk, std::size_t word) noexcept;
  [[nodiscard]] PoolChunk* find_hashed(const void* pointer) const noexcept;
  [[nodiscard]] bool add_level() noexcept;
  [[nodiscard]] std::byte* take_memory(std::size_t pages) noexcept;
  void put_memory(std::byte* memory, std::size_t pages) noexcept;
  void link(PoolChunk& chunk) noexcept;
  [[nodiscard]] static std::size_t bucket_of(const Level& level, std::uintptr_t unit) noexcept {
    return static_cast<std::size_t>(unit * 0x9e3779b97f4a7c15 >> 32) & level.bucket_mask;
  }

  PageHeap& pages_;
  NamedHeap* const heap_;
  const Shape shape_;
  const unsigned unit_shift_;
  const std::uint64_t inverse_;  // of the block's size, for block_at()
  std::array<std::atomic<Level*>, kMaxLevels> levels_{};
  std::atomic<const Level*> newest_{nullptr};  // whose table holds all chunks
  PoolChunk* unused_ = nullptr;
};

}  // namespace luna
