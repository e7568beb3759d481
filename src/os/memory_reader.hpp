// SPDX-License-Identifier: MIT
// Reads memory of the process that may not be there, without a fault, and passes over
// what was never written to. For a copy of the process: see snapshot.hpp.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace luna::os {

// Pages that are read.
enum class PagesRead : std::uint8_t {
  kAll,
  kResident,  // in memory, also of others: reading more of a file may take memory for good
  kBacked,    // in memory or swapped out: else they are zeros, or as in their file
  kWritten,   // of these, not those that are as in their file
};

using Words = std::span<const std::uintptr_t>;

// Large: to be made in mapped memory. Threads: one, and nobody may unmap anything
// meanwhile that shall be read.
class MemoryReader {
 public:
  MemoryReader() noexcept;
  ~MemoryReader();

  MemoryReader(const MemoryReader&) = delete;
  MemoryReader& operator=(const MemoryReader&) = delete;

  // Calls visit(Words) for what can be read from `begin`, a multiple of 8, to before `end`.
  template <typename Visit>
  void read(std::uintptr_t begin, std::uintptr_t end, PagesRead pages, Visit visit) noexcept {
    while (begin < end) {
      const Words words = next(begin, end, pages);
      if (!words.empty()) visit(words);
    }
  }

  // Whether anything can be read at all.
  [[nodiscard]] bool works() noexcept;

  // Whether something could not be that is in memory.
  [[nodiscard]] bool failed() const noexcept { return failed_; }

 private:
  static constexpr std::size_t kWords = 8192;
  static constexpr std::size_t kPages = 4096;

  [[nodiscard]] Words next(std::uintptr_t& begin, std::uintptr_t end, PagesRead pages) noexcept;
  [[nodiscard]] bool is_known_in_memory(std::uintptr_t address) const noexcept;
  [[nodiscard]] bool is_resident(std::uintptr_t address) noexcept;
  [[nodiscard]] bool wants(std::uintptr_t address, PagesRead pages) noexcept;
  [[nodiscard]] std::uintptr_t end_of_wanted(std::uintptr_t begin, std::uintptr_t end,
                                             PagesRead pages) noexcept;
  [[nodiscard]] std::size_t copy(std::uintptr_t from, std::size_t bytes) noexcept;

  std::size_t page_bytes_;
  long process_;
  long memory_ = -1;   // /proc/self/mem, once it is needed
  long page_map_ = 0;  // /proc/self/pagemap; below 0: it cannot be read
  bool failed_ = false;
  std::uintptr_t first_page_ = 0;
  std::size_t known_pages_ = 0;  // from the first on
  std::array<std::uint64_t, kPages> page_words_;
  std::uintptr_t end_ = 0;  // of what is being read
  std::uintptr_t first_resident_ = 0;
  std::size_t known_resident_ = 0;  // from the first on
  std::array<unsigned char, kPages> resident_;
  std::array<std::uintptr_t, kWords> words_;
};

}  // namespace luna::os
