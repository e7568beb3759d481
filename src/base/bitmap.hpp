// SPDX-License-Identifier: MIT
// A fixed set of bits with operations on ranges: which pages of a region or
// which regions of an arena are free, touched, committed.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace luna {

// Threads: none of its own; its owner's lock guards it.
template <std::size_t Bits>
class Bitmap {
  static_assert(Bits % 64 == 0);

 public:
  static constexpr std::size_t kWords = Bits / 64;
  static constexpr std::size_t kNone = Bits;

  [[nodiscard]] bool test(std::size_t bit) const noexcept {
    return (words_[bit / 64] >> (bit % 64) & 1) != 0;
  }

  void set(std::size_t bit) noexcept { words_[bit / 64] |= std::uint64_t{1} << (bit % 64); }
  void clear(std::size_t bit) noexcept { words_[bit / 64] &= ~(std::uint64_t{1} << (bit % 64)); }

  void set_range(std::size_t first, std::size_t count) noexcept {
    for_each_word(first, count,
                  [this](std::size_t word, std::uint64_t mask) { words_[word] |= mask; });
  }

  void clear_range(std::size_t first, std::size_t count) noexcept {
    for_each_word(first, count,
                  [this](std::size_t word, std::uint64_t mask) { words_[word] &= ~mask; });
  }

  // True if every bit of the range is set.
  [[nodiscard]] bool all(std::size_t first, std::size_t count) const noexcept {
    bool result = true;
    for_each_word(first, count, [&](std::size_t word, std::uint64_t mask) {
      result = result && (words_[word] & mask) == mask;
    });
    return result;
  }

  // True if some bit of the range is set.
  [[nodiscard]] bool any(std::size_t first, std::size_t count) const noexcept {
    bool result = false;
    for_each_word(first, count, [&](std::size_t word, std::uint64_t mask) {
      result = result || (words_[word] & mask) != 0;
    });
    return result;
  }

  [[nodiscard]] bool none() const noexcept {
    std::uint64_t merged = 0;
    for (const std::uint64_t word : words_) merged |= word;
    return merged == 0;
  }

  [[nodiscard]] std::size_t count() const noexcept {
    std::size_t total = 0;
    for (const std::uint64_t word : words_) total += count_bits(word);
    return total;
  }

  // Bits set in a range.
  [[nodiscard]] std::size_t count(std::size_t first, std::size_t count) const noexcept {
    std::size_t total = 0;
    for_each_word(first, count, [&](std::size_t word, std::uint64_t mask) {
      total += count_bits(words_[word] & mask);
    });
    return total;
  }

  // Position of the first set bit at or after `from`, or kNone.
  [[nodiscard]] std::size_t find_set(std::size_t from) const noexcept { return find(from, 0); }

  // Position of the first clear bit at or after `from`, or kNone.
  [[nodiscard]] std::size_t find_clear(std::size_t from) const noexcept {
    return find(from, ~std::uint64_t{0});
  }

  // Length of the run of set bits around `bit`, which is set.
  [[nodiscard]] std::size_t run_around(std::size_t bit) const noexcept {
    std::size_t index = bit / 64;
    std::uint64_t clear = ~words_[index] & ((std::uint64_t{1} << bit % 64) - 1);
    while (clear == 0 && index != 0) clear = ~words_[--index];
    const std::size_t start =
        clear == 0 ? 0 : index * 64 + 64 - static_cast<std::size_t>(std::countl_zero(clear));
    return find_clear(bit) - start;
  }

  // Start of the first run of `count` set bits, at or after `from`, whose start is a
  // multiple of `alignment`, or kNone.
  [[nodiscard]] std::size_t find_run(std::size_t count, std::size_t alignment = 1,
                                     std::size_t from = 0) const noexcept {
    std::size_t start = find_set(from);
    while (start < Bits) {
      const std::size_t end = find_clear(start);
      const std::size_t aligned = (start + alignment - 1) / alignment * alignment;
      if (aligned + count <= end) return aligned;
      start = find_set(end);
    }
    return kNone;
  }

  [[nodiscard]] std::size_t longest_run() const noexcept {
    std::size_t longest = 0;
    std::size_t start = find_set(0);
    while (start < Bits) {
      const std::size_t end = find_clear(start);
      if (end - start > longest) longest = end - start;
      start = find_set(end);
    }
    return longest;
  }

  [[nodiscard]] Bitmap operator&(const Bitmap& other) const noexcept {
    Bitmap result;
    for (std::size_t i = 0; i < kWords; ++i) result.words_[i] = words_[i] & other.words_[i];
    return result;
  }

  void remove(const Bitmap& other) noexcept {
    for (std::size_t i = 0; i < kWords; ++i) words_[i] &= ~other.words_[i];
  }

  void add(const Bitmap& other) noexcept {
    for (std::size_t i = 0; i < kWords; ++i) words_[i] |= other.words_[i];
  }

  [[nodiscard]] std::uint64_t word(std::size_t index) const noexcept { return words_[index]; }

 private:
  // Not std::popcount(), which is a function call without the instruction.
  [[nodiscard]] static std::size_t count_bits(std::uint64_t word) noexcept {
    word -= word >> 1 & 0x5555555555555555;
    word = (word & 0x3333333333333333) + (word >> 2 & 0x3333333333333333);
    word = (word + (word >> 4)) & 0x0f0f0f0f0f0f0f0f;
    return word * 0x0101010101010101 >> 56;
  }

  template <typename Visit>
  static void for_each_word(std::size_t first, std::size_t count, Visit visit) noexcept {
    const std::size_t end = first + count;
    while (first < end) {
      const std::size_t offset = first % 64;
      const std::size_t length = end - first < 64 - offset ? end - first : 64 - offset;
      const std::uint64_t ones =
          length == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << length) - 1;
      visit(first / 64, ones << offset);
      first += length;
    }
  }

  [[nodiscard]] std::size_t find(std::size_t from, std::uint64_t flip) const noexcept {
    if (from >= Bits) return kNone;
    std::size_t index = from / 64;
    std::uint64_t word = (words_[index] ^ flip) & (~std::uint64_t{0} << (from % 64));
    while (word == 0) {
      if (++index == kWords) return kNone;
      word = words_[index] ^ flip;
    }
    return index * 64 + static_cast<std::size_t>(std::countr_zero(word));
  }

  std::array<std::uint64_t, kWords> words_{};
};

}  // namespace luna
