// SPDX-License-Identifier: MIT
// Blocks of one size with a bound that holds exactly. lunalloc/pool.h says what is promised; all
// pools of a process are in pool_list.hpp, and what a pool knows of its chunks in pool_chunks.hpp.
#pragma once

#include "heap/pool_chunks.hpp"
#include "os/lock.hpp"
#include "pages/page_heap.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace luna {

struct PoolOptions {
  static constexpr std::size_t kMaxBlocks = UINT32_MAX;
  static constexpr std::size_t kMinAlignment = 8;
  static constexpr std::size_t kMaxAlignment = kRegionBytes;
  static constexpr std::size_t kMaxBlockBytes = PTRDIFF_MAX / 4;  // no sum of ours overflows

  // Whether a pool can be made so.
  [[nodiscard]] bool are_sound() const noexcept;

  std::size_t block_bytes = 0;
  std::size_t max_blocks = kMaxBlocks;
  std::size_t alignment = 16;
  bool auto_expand = true;        // false: all is taken at the start
  bool reclaim_on_free = false;   // chunks go back as they get empty
  bool reclaim_on_purge = false;  // empty chunks go back when memory is wanted elsewhere
  NamedHeap* heap = nullptr;      // that chunks are of; nullptr: none
};

// Says, when a chunk was refused, that there is no use in another try.
struct NoEasing {
  bool operator()() const noexcept { return false; }
};

struct PoolUsage {
  std::size_t used = 0;  // blocks, as the next two
  std::size_t peak = 0;
  std::size_t capacity = 0;  // in chunks
  std::uint64_t denied = 0;
  std::size_t chunk_bytes = 0;  // address space of the chunks
  std::size_t resident_bytes = 0;
};

// What a pointer handed in to be freed turned out to be.
enum class PoolFree : std::uint8_t {
  kDone,
  kForeign,   // it lies in no chunk of this pool
  kInterior,  // it does, but no block starts there
  kNotInUse,  // the block is free
};

// Who allocates first takes a place among those in use, by one step on a word that holds both the
// places and the blocks there are, and then searches for a block: there is one, wherever others
// look meanwhile. Who frees does it in the other order. So a block is denied only while exactly
// `max_blocks` are in use. Neither takes a lock, but for adding and putting back chunks.
//
// Invariants, tested by verify() while nobody uses the pool:
//   1. as many blocks are marked in the chunks as there are places taken
//   2. the chunks have room for `capacity` blocks, which are at most `max_blocks`
//   3. each chunk is found by any address in it
//
// When the heap that its chunks are of ends, the pool is gone too: it stays to say so for a while,
// and has no blocks any more.
//
// Threads: any, but for the destructor and fork. Owns its chunks and tables, which are runs and
// spans of the page heap, or of the named heap and the page heap.
class Pool {
 public:
  static constexpr std::size_t kMaxNameBytes = 63;

  // A longer name is cut. Requires: the options are sound.
  Pool(PageHeap& pages, std::string_view name, const PoolOptions& options) noexcept;
  ~Pool();

  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  // To be called before it is used. False: a chunk is refused, and it may be called again.
  [[nodiscard]] bool begin() noexcept;

  // A block of the chunks there are. nullptr: none is free, or the heap is protected.
  [[nodiscard]] void* take() noexcept {
    std::uint64_t count = 0;
    return take(count);
  }

  // The same, and adds chunks. nullptr: all that there may be are in use, or it would take a lock
  // to add a chunk and the caller may not, or a chunk is refused and so says eases(), which is
  // called without a lock; true: it may be worth another try.
  template <typename Eases = NoEasing>
  [[nodiscard]] void* allocate(bool may_lock, Eases eases = {}) noexcept {
    while (true) {
      std::uint64_t count = 0;
      if (void* block = take(count); block != nullptr) return block;
      if (Count(count).capacity == options_.max_blocks || !may_lock) break;
      if (!grow() && !eases()) break;
    }
    denied_.fetch_add(1, std::memory_order_relaxed);  // a counter, with no partner
    return nullptr;
  }

  // Changes nothing unless it returns kDone. A chunk that gets empty stays if no lock may be taken.
  // Of a pool that is gone every block is done with.
  [[nodiscard]] PoolFree deallocate(void* pointer, bool may_lock) noexcept;

  // The heap is about to end, and with it all blocks. Waits for those who clear one.
  void end() noexcept;
  [[nodiscard]] bool is_gone() const noexcept { return gone_.load(); }

  // Whether the pointer lies in a chunk. Slow: takes the lock.
  [[nodiscard]] bool owns(const void* pointer) noexcept;

  // Gives empty chunks back; returns their bytes.
  std::size_t trim() noexcept;

  // Slow: asks the kernel what is resident, under the lock.
  [[nodiscard]] PoolUsage usage() noexcept;

  [[nodiscard]] const char* name() const noexcept { return name_.data(); }
  [[nodiscard]] std::size_t block_bytes() const noexcept { return options_.block_bytes; }
  [[nodiscard]] NamedHeap* heap() const noexcept { return options_.heap; }
  [[nodiscard]] const PoolOptions& options() const noexcept { return options_; }

  // Of each chunk of such a pool, but for the last one.
  [[nodiscard]] static std::size_t chunk_bytes(const PoolOptions& options) noexcept;

  // fork(): in the child nobody goes on with what other threads were at.
  void prepare_fork() noexcept { lock_.lock(); }
  void resume_parent() noexcept { lock_.unlock(); }
  void resume_child() noexcept;

  // Aborts if an invariant does not hold.
  void verify() noexcept;

  Pool* previous = nullptr;  // in a list of pools
  Pool* next = nullptr;
  std::uint64_t gone_ms = 0;  // when it went, by the clock of the list

 private:
  // Both in one word, so that they are compared and changed in one step.
  struct Count {
    static constexpr unsigned kCapacityShift = 32;

    explicit constexpr Count(std::uint64_t both) noexcept
        : used(static_cast<std::uint32_t>(both)), capacity(both >> kCapacityShift) {}

    std::uint32_t used;
    std::uint64_t capacity;
  };

  [[nodiscard]] void* take(std::uint64_t& count) noexcept;
  [[nodiscard]] PoolFree free_block(void* pointer, bool may_lock) noexcept;
  void wipe(const PoolChunk& chunk, std::size_t block, void* pointer) noexcept;
  [[nodiscard]] bool may_change_chunks() const noexcept;
  [[nodiscard]] bool take_place(std::uint64_t& count) noexcept;
  [[nodiscard]] bool grow() noexcept;
  [[nodiscard]] bool add_chunk() noexcept;
  [[nodiscard]] bool give_up_places(std::uint32_t blocks) noexcept;
  void add_places(std::uint32_t blocks) noexcept {
    count_.fetch_add(std::uint64_t{blocks} << Count::kCapacityShift);
  }
  void note_peak(std::uint32_t used) noexcept;
  std::size_t retire_if_empty(PoolChunk& chunk) noexcept;

  const PoolOptions options_;
  std::array<char, kMaxNameBytes + 1> name_{};
  PoolChunks chunks_;
  os::Lock lock_;  // under which chunks come and go

  alignas(64) std::atomic<std::uint64_t> count_{0};  // a Count
  std::atomic<std::uint32_t> peak_{0};
  std::atomic<std::uint64_t> denied_{0};
  std::atomic<std::uint32_t> wiping_{0};  // threads that write to a block
  std::atomic<bool> gone_{false};
};

}  // namespace luna
