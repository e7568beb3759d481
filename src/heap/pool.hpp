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
  bool auto_expand = true;       // false: all is taken at the start
  bool reclaim_on_free = false;  // chunks go back as they get empty
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
// Threads: any, but for the destructor and fork. Owns its chunks and tables, which are runs and
// spans of the page heap.
class Pool {
 public:
  static constexpr std::size_t kMaxNameBytes = 63;

  // A longer name is cut. Requires: the options are sound.
  Pool(PageHeap& pages, std::string_view name, const PoolOptions& options) noexcept;
  ~Pool();

  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  // To be called once, before it is used. False: the kernel refuses memory.
  [[nodiscard]] bool begin() noexcept;

  // nullptr: all that there may be are in use, or the kernel refuses, or it would take a lock to
  // add a chunk and the caller may not.
  [[nodiscard]] void* allocate(bool may_lock) noexcept;

  // Changes nothing unless it returns kDone. A chunk that gets empty stays if no lock may be taken.
  [[nodiscard]] PoolFree deallocate(void* pointer, bool may_lock) noexcept;

  // Whether the pointer lies in a chunk. Slow: takes the lock.
  [[nodiscard]] bool owns(const void* pointer) noexcept;

  // Gives empty chunks back; returns their bytes.
  std::size_t trim() noexcept;

  // Slow: asks the kernel what is resident, under the lock.
  [[nodiscard]] PoolUsage usage() noexcept;

  [[nodiscard]] const char* name() const noexcept { return name_.data(); }
  [[nodiscard]] std::size_t block_bytes() const noexcept { return options_.block_bytes; }

  // fork(): in the child nobody goes on with what other threads were at.
  void prepare_fork() noexcept { lock_.lock(); }
  void resume_parent() noexcept { lock_.unlock(); }
  void resume_child() noexcept;

  // Aborts if an invariant does not hold.
  void verify() noexcept;

  Pool* previous = nullptr;  // in a list of pools
  Pool* next = nullptr;

 private:
  // Both in one word, so that they are compared and changed in one step.
  struct Count {
    static constexpr unsigned kCapacityShift = 32;

    explicit constexpr Count(std::uint64_t both) noexcept
        : used(static_cast<std::uint32_t>(both)), capacity(both >> kCapacityShift) {}

    std::uint32_t used;
    std::uint64_t capacity;
  };

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
  PageHeap& pages_;
  PoolChunks chunks_;
  os::Lock lock_;  // under which chunks come and go

  alignas(64) std::atomic<std::uint64_t> count_{0};  // a Count
  std::atomic<std::uint32_t> peak_{0};
  std::atomic<std::uint64_t> denied_{0};
};

}  // namespace luna
