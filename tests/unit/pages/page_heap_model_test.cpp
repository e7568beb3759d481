// SPDX-License-Identifier: MIT
// Random sequences of every operation of the page heap beside a shadow model:
// what is out, its length and its mark. Nothing may overlap, no content may get
// lost, what is asked to be zero must be, and the sums must be right.
#include "support/kernel_pages.hpp"
#include "support/pattern.hpp"
#include "support/random.hpp"
#include "support/test_pages.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <tuple>

namespace luna {
namespace {

struct Run {
  std::size_t pages;
  std::uint64_t mark;
  std::size_t touched_pages;  // of a granule; 0 for runs and spans
};

class Model {
 public:
  // With guards at the ends of regions or without.
  Model(std::uint64_t seed, bool guards) : random_(seed) { pages_.window.set_guards(guards); }

  void step() {
    const std::size_t choice = random_.below(100);
    if (runs_.empty() || (choice < 40 && pages_out_ < 12'000)) return take();
    if (choice < 65) return put(any());
    if (choice < 80) return resize(any());
    if (choice < 88) return move(any());
    if (choice < 96) return tick();
    if (choice < 98) return change_placement();
    check_trim();
  }

  void put_everything() {
    while (!runs_.empty()) put(runs_.begin());
  }

  // Aborts or fails the test unless the heap says what the model knows.
  void check() {
    pages_.heap.verify();
    std::size_t slabs = 0;
    std::size_t large = 0;
    std::size_t blocks = 0;
    for (const auto& [memory, run] : runs_) {
      ASSERT_TRUE(test::has_pattern(memory, written_bytes(run), run.mark));
      if (run.touched_pages != 0) {
        slabs += kGranuleBytes;
      } else {
        large += run.pages * kPageBytes;
        ++blocks;
      }
    }
    const PageUsage usage = pages_.heap.usage();
    ASSERT_EQ(usage.slabs, slabs);
    ASSERT_EQ(usage.large_bytes, large);
    ASSERT_EQ(usage.large_blocks, blocks);
    ASSERT_EQ(usage.used, slabs + large + spare_of_aligned_spans() + closed_ends());
    ASSERT_LE(usage.used + usage.dirty, usage.committed);
  }

 private:
  using Runs = std::map<std::byte*, Run>;

  [[nodiscard]] static std::size_t written_bytes(const Run& run) {
    return (run.touched_pages != 0 ? run.touched_pages : run.pages) * kPageBytes;
  }

  // A span of few pages that was asked to be aligned keeps its region whole.
  [[nodiscard]] std::size_t spare_of_aligned_spans() const {
    std::size_t spare = 0;
    for (const auto& [memory, run] : runs_)
      if (run.pages < kPagesPerRegion &&
          pages_.window.region_of(memory)->state == RegionState::kSpanHead)
        spare += (kPagesPerRegion - run.pages) * kPageBytes;
    return spare;
  }

  // The guards of regions in which something lies: there are no others.
  [[nodiscard]] std::size_t closed_ends() const {
    std::set<const Region*> closed;
    for (const auto& [memory, run] : runs_) {
      const Region* region = pages_.window.region_of(memory);
      if (region->closed) closed.insert(region);
    }
    return closed.size() * kPageBytes;
  }

  [[nodiscard]] std::size_t some_pages() {
    switch (random_.below(8)) {
      case 0:
        return random_.between(1, 3 * kPagesPerRegion);
      case 1:
        return random_.between(1, kPagesPerRegion);
      case 2:
        return kPagesPerRegion * random_.between(1, 3);
      default:
        return random_.between(1, 40);
    }
  }

  [[nodiscard]] Runs::iterator any() {
    auto at = runs_.begin();
    std::advance(at, static_cast<std::ptrdiff_t>(random_.below(runs_.size())));
    return at;
  }

  void add(std::byte* memory, const Run& run) {
    const auto next = runs_.lower_bound(memory);
    if (next != runs_.end()) {
      ASSERT_LE(memory + run.pages * kPageBytes, next->first);
    }
    if (next != runs_.begin()) {
      const auto& [before, length] = *std::prev(next);
      ASSERT_LE(before + length.pages * kPageBytes, memory);
    }
    test::write_pattern(memory, written_bytes(run), run.mark);
    runs_.emplace(memory, run);
    pages_out_ += run.pages;
  }

  void take() {
    if (random_.one_in(3)) {
      std::byte* granule = pages_.take_granule();
      ASSERT_NE(granule, nullptr);
      const std::size_t touched = random_.between(1, kPagesPerGranule);
      return add(granule, {kPagesPerGranule, next_mark_++, touched});
    }
    const std::size_t count = some_pages();
    const std::size_t alignment =
        random_.one_in(4) ? std::size_t{1} << random_.below(11) : std::size_t{1};
    const bool zero = random_.one_in(2);
    auto* memory = static_cast<std::byte*>(pages_.heap.take(count, alignment, zero));
    ASSERT_NE(memory, nullptr);
    ASSERT_EQ(address_of(memory) % (alignment * kPageBytes), 0U);
    if (zero) {
      ASSERT_TRUE(test::is_zero(memory, count * kPageBytes));
    }
    add(memory, {count, next_mark_++, 0});
  }

  void put(Runs::iterator at) {
    const auto [memory, run] = *at;
    ASSERT_TRUE(test::has_pattern(memory, written_bytes(run), run.mark));
    pages_out_ -= run.pages;
    runs_.erase(at);
    if (run.touched_pages != 0) return pages_.heap.put_granule(memory, run.touched_pages);
    pages_.heap.put(memory);
  }

  void resize(Runs::iterator at) {
    const auto [memory, run] = *at;
    if (run.touched_pages != 0) return;
    const std::size_t wanted =
        random_.one_in(2) ? random_.between(1, run.pages) : run.pages + random_.below(600);
    if (wanted == run.pages || !pages_.heap.resize(memory, wanted)) return;
    renamed(at, memory, wanted);
  }

  void move(Runs::iterator at) {
    const auto [memory, run] = *at;
    if (run.touched_pages != 0 || run.pages <= kPagesPerRegion) return;
    const std::size_t wanted = run.pages + random_.below(600);
    auto* moved = static_cast<std::byte*>(pages_.heap.move(memory, wanted, pages_.heap));
    if (moved != nullptr) renamed(at, moved, wanted);
  }

  // The block has a new place or length; what it held must be there.
  void renamed(Runs::iterator at, std::byte* memory, std::size_t wanted) {
    const Run run = at->second;
    const std::size_t kept = run.pages < wanted ? run.pages : wanted;
    ASSERT_TRUE(test::has_pattern_prefix(memory, kept * kPageBytes, written_bytes(run), run.mark));
    pages_out_ -= run.pages;
    runs_.erase(at);
    add(memory, {wanted, next_mark_++, 0});
  }

  void tick() {
    now_ms_ += random_.below(100);
    pages_.heap.tick(now_ms_, 100);
  }

  void change_placement() {
    pages_.heap.set_placement(random_.one_in(2) ? Placement::kLowAddress : Placement::kBestFit);
  }

  void check_trim() {
    const std::size_t keep = random_.one_in(2) ? 0 : random_.below(1000) * kPageBytes;
    pages_.heap.trim(keep);
    // Free pages may share a kernel page with the first or last of a block.
    const std::size_t shared = 2 * runs_.size() * (test::pages_per_kernel_page() - 1);
    ASSERT_LE(pages_.heap.usage().dirty, keep + shared * kPageBytes);
  }

  test::TestPages pages_;
  test::Random random_;
  Runs runs_;
  std::size_t pages_out_ = 0;
  std::uint64_t next_mark_ = 1;
  std::uint64_t now_ms_ = 10'000;
};

class PageHeapModel : public testing::TestWithParam<std::tuple<std::uint64_t, bool>> {};

TEST_P(PageHeapModel, AgreesWithTheHeap) {
  Model model(std::get<0>(GetParam()), std::get<1>(GetParam()));
  for (int i = 0; i < 1500; ++i) {
    model.step();
    if (i % 25 == 0) model.check();
    if (HasFatalFailure()) FAIL() << "in step " << i;
  }

  model.put_everything();

  model.check();
}

INSTANTIATE_TEST_SUITE_P(Seeds, PageHeapModel,
                         testing::Combine(testing::Range<std::uint64_t>(1, 7), testing::Bool()));

}  // namespace
}  // namespace luna
