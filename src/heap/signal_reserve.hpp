// SPDX-License-Identifier: MIT
// Memory for signal handlers that have interrupted the allocator: it can be called at any
// moment, also while it is in use itself, for nothing in it waits. docs/adr/0020 says why.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace luna {

// Small blocks are bits in a pool of fixed size, which is mapped when the first is wanted;
// whatever finds no bit there is a mapping of its own, of which there are so many at most.
//
// Invariant: a bit is set, or an address stands in the table, as long as a block is the program's.
//
// Threads: any, and their signal handlers; a fork at any moment loses a block at most.
// Owns 1,172 KiB of address space from its first use on, and what the mappings take.
class SignalReserve {
 public:
  static constexpr std::size_t kMaxPooledBytes = 4096;
  static constexpr std::size_t kMaxMappings = 512;

  constexpr SignalReserve() noexcept = default;
  SignalReserve(const SignalReserve&) = delete;
  SignalReserve& operator=(const SignalReserve&) = delete;

  // A block of at least `bytes` bytes, not cleared. nullptr: it is full, or the kernel refuses.
  // Requires: `alignment` is a power of two, at least 16.
  [[nodiscard]] void* allocate(std::size_t bytes, std::size_t alignment = 16) noexcept;

  // False: the pointer is none of its blocks. Reports one in the pool that is no block, or freed.
  [[nodiscard]] bool deallocate(void* pointer) noexcept;

  // 0: the pointer is none of its blocks.
  [[nodiscard]] std::size_t usable_bytes(const void* pointer) const noexcept;

 private:
  static constexpr std::size_t kClasses = 9;  // 16 bytes and their doubles up to 4 KiB
  static constexpr std::size_t kAreaBytes = std::size_t{128} << 10;  // for each class
  static constexpr std::size_t kWords = 256;                         // of bits, of all classes

  struct Mapping {
    std::atomic<std::uintptr_t> address{0};  // of the block; 0: unused; 1: somebody is at it
    std::size_t bytes = 0;                   // of the block
    void* memory = nullptr;
    std::size_t mapped_bytes = 0;
  };
  struct alignas(4096) Pool {
    std::array<std::atomic<std::uint64_t>, kWords> used{};
    std::array<Mapping, kMaxMappings> mappings{};
    std::atomic<std::size_t> mapped{0};  // entries that are not 0
  };
  struct Place {
    std::size_t size_class;
    std::size_t offset;  // in the area of the class
  };

  [[nodiscard]] static constexpr std::size_t class_bytes(std::size_t size_class) noexcept {
    return std::size_t{16} << size_class;
  }
  [[nodiscard]] static constexpr std::size_t first_word(std::size_t size_class) noexcept {
    return kWords - (kWords >> size_class);
  }
  [[nodiscard]] static std::byte* area(Pool& pool, std::size_t size_class) noexcept {
    return reinterpret_cast<std::byte*>(&pool + 1) + size_class * kAreaBytes;
  }
  [[nodiscard]] static bool find(const Pool& pool, const void* pointer, Place& place) noexcept;
  [[nodiscard]] static void* take(Pool& pool, std::size_t size_class) noexcept;
  [[nodiscard]] static void* map(Pool& pool, std::size_t bytes, std::size_t alignment) noexcept;
  [[nodiscard]] static bool fill(Mapping& mapping, std::size_t bytes,
                                 std::size_t alignment) noexcept;
  [[nodiscard]] static bool unmap(Pool& pool, void* pointer) noexcept;
  [[nodiscard]] Pool* begun() const noexcept {
    return pool_.load(std::memory_order_acquire);  // pairs with the release in begin()
  }
  [[nodiscard]] Pool* begin() noexcept;

  std::atomic<Pool*> pool_{nullptr};
};

}  // namespace luna
