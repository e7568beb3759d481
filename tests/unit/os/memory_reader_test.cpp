// SPDX-License-Identifier: MIT
#include "os/memory_reader.hpp"

#include "base/align.hpp"
#include "os/memory.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <memory>

namespace luna::os {
namespace {

// So many pages, of which some are written to; and what a reader sees of them.
class Pages {
 public:
  explicit Pages(std::size_t count, int sharing = MAP_PRIVATE) : count_(count) {
    memory_ = static_cast<std::byte*>(::mmap(nullptr, count * page_bytes(), PROT_READ | PROT_WRITE,
                                             sharing | MAP_ANONYMOUS, -1, 0));
    forbid_huge_pages(memory_, count * page_bytes());
  }
  ~Pages() { ::munmap(memory_, count_ * page_bytes()); }
  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;

  void write(std::size_t page, std::uintptr_t word) {
    *reinterpret_cast<std::uintptr_t*>(at(page) + 64) = word;
  }
  void protect(std::size_t page, int protection) {
    EXPECT_EQ(::mprotect(at(page), page_bytes(), protection), 0);
  }
  void unmap(std::size_t page) { EXPECT_EQ(::munmap(at(page), page_bytes()), 0); }

  // The sum of all words that are read, and how many there are, in pages.
  struct Seen {
    std::uintptr_t sum = 0;
    std::size_t pages = 0;
  };
  [[nodiscard]] Seen read(PagesRead pages) {
    const auto reader = std::make_unique<MemoryReader>();
    Seen seen;
    std::size_t words_seen = 0;
    reader->read(address_of(memory_), address_of(at(count_)), pages, [&](Words words) {
      for (const std::uintptr_t word : words) seen.sum += word;
      words_seen += words.size();
    });
    seen.pages = words_seen * sizeof(std::uintptr_t) / page_bytes();
    return seen;
  }

 private:
  [[nodiscard]] std::byte* at(std::size_t page) { return memory_ + page * page_bytes(); }

  std::byte* memory_;
  std::size_t count_;
};

// What is shared would stay in memory once it was read, for as long as anybody has it.
TEST(MemoryReader, SparseSharedMemoryStaysSparse) {
  Pages pages(10'000, MAP_SHARED);
  pages.write(1, 1000);
  pages.write(9'999, 1000);

  for (int i = 0; i < 2; ++i) {
    const Pages::Seen seen = pages.read(PagesRead::kResident);
    EXPECT_EQ(seen.sum, 2000U);
    EXPECT_EQ(seen.pages, 2U);
  }
}

// A pointer that a reader of nothing would miss.
TEST(MemoryReader, SaysWhetherItCanRead) {
  const auto reader = std::make_unique<MemoryReader>();
  EXPECT_TRUE(reader->works());
  EXPECT_FALSE(reader->failed());
}

TEST(MemoryReader, ReadsAllOrWhatIsBacked) {
  Pages pages(100);
  for (const std::size_t page : {0U, 3U, 4U, 50U, 99U}) pages.write(page, 1000);
  EXPECT_EQ(pages.read(PagesRead::kAll).sum, 5000U);
  EXPECT_EQ(pages.read(PagesRead::kAll).pages, 100U);

  Pages others(100);
  for (const std::size_t page : {0U, 3U, 4U, 50U, 99U}) others.write(page, 1000);
  const Pages::Seen seen = others.read(PagesRead::kBacked);
  EXPECT_EQ(seen.sum, 5000U);
  EXPECT_EQ(seen.pages, 5U);
}

TEST(MemoryReader, PassesOverHoles) {
  Pages pages(40);
  for (std::size_t page = 0; page < 40; ++page) pages.write(page, 1);
  pages.unmap(0);
  pages.unmap(17);
  pages.unmap(18);
  pages.unmap(39);
  EXPECT_EQ(pages.read(PagesRead::kAll).sum, 36U);
  EXPECT_EQ(pages.read(PagesRead::kBacked).sum, 36U);
}

TEST(MemoryReader, SeesWhatIsForbidden) {
  Pages pages(4);
  for (std::size_t page = 0; page < 4; ++page) pages.write(page, 1);
  pages.protect(2, PROT_NONE);
  EXPECT_EQ(pages.read(PagesRead::kBacked).sum, 4U);
}

}  // namespace
}  // namespace luna::os
