// SPDX-License-Identifier: MIT
// Each operation against the same done bit by bit on a plain array.
#include "base/bitmap.hpp"

#include "support/random.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace luna {
namespace {

constexpr std::size_t kBits = 192;
using Bits = Bitmap<kBits>;
using Model = std::vector<bool>;

[[nodiscard]] Bits bitmap_of(const Model& model) {
  Bits bits;
  for (std::size_t i = 0; i < kBits; ++i)
    if (model[i]) bits.set(i);
  return bits;
}

[[nodiscard]] bool same(const Bits& bits, const Model& model) {
  for (std::size_t i = 0; i < kBits; ++i)
    if (bits.test(i) != model[i]) return false;
  return true;
}

// Runs of random lengths, so that ends of words are hit often.
[[nodiscard]] Model random_model(test::Random& random) {
  Model model(kBits);
  bool set = random.one_in(2);
  for (std::size_t i = 0; i < kBits; set = !set)
    for (std::size_t end = i + random.between(1, 70); i < end && i < kBits; ++i) model[i] = set;
  return model;
}

[[nodiscard]] bool all_set(const Model& model, std::size_t first, std::size_t count) {
  for (std::size_t i = first; i < first + count; ++i)
    if (!model[i]) return false;
  return true;
}

[[nodiscard]] bool any_set(const Model& model, std::size_t first, std::size_t count) {
  for (std::size_t i = first; i < first + count; ++i)
    if (model[i]) return true;
  return false;
}

[[nodiscard]] std::size_t naive_run(const Model& model, std::size_t count, std::size_t alignment) {
  for (std::size_t i = 0; i + count <= kBits; i += alignment)
    if (all_set(model, i, count)) return i;
  return Bits::kNone;
}

[[nodiscard]] std::size_t naive_longest(const Model& model) {
  std::size_t longest = 0;
  std::size_t length = 0;
  for (const bool bit : model) {
    length = bit ? length + 1 : 0;
    if (length > longest) longest = length;
  }
  return longest;
}

TEST(Bitmap, BeginsEmpty) {
  const Bits bits;

  EXPECT_TRUE(bits.none());
  EXPECT_EQ(bits.count(), 0U);
  EXPECT_EQ(bits.find_set(0), Bits::kNone);
  EXPECT_EQ(bits.find_clear(0), 0U);
  EXPECT_EQ(bits.longest_run(), 0U);
}

TEST(Bitmap, SetBitIsFoundAndCleared) {
  Bits bits;
  bits.set(64);

  EXPECT_TRUE(bits.test(64));
  EXPECT_EQ(bits.find_set(0), 64U);
  EXPECT_EQ(bits.find_set(65), Bits::kNone);
  bits.clear(64);
  EXPECT_TRUE(bits.none());
}

TEST(Bitmap, EveryRangeIsSetBitForBit) {
  for (std::size_t first = 0; first < kBits; first += 7) {
    for (std::size_t count = 0; first + count <= kBits; ++count) {
      Bits bits;
      bits.set_range(first, count);
      ASSERT_EQ(bits.count(), count);
      ASSERT_TRUE(bits.all(first, count));
      ASSERT_EQ(bits.longest_run(), count);
      bits.clear_range(first, count);
      ASSERT_TRUE(bits.none());
    }
  }
}

TEST(Bitmap, WholeWidthIsARange) {
  Bits bits;
  bits.set_range(0, kBits);

  EXPECT_EQ(bits.count(), kBits);
  EXPECT_EQ(bits.longest_run(), kBits);
  EXPECT_EQ(bits.find_clear(0), Bits::kNone);
  EXPECT_EQ(bits.find_run(kBits), 0U);
}

TEST(Bitmap, EmptyRangeHasAllBitsAndNone) {
  const Bits bits;

  EXPECT_TRUE(bits.all(5, 0));
  EXPECT_FALSE(bits.any(5, 0));
}

TEST(Bitmap, SearchBehindTheEndFindsNothing) {
  Bits bits;
  bits.set_range(0, kBits);

  EXPECT_EQ(bits.find_set(kBits), Bits::kNone);
  EXPECT_EQ(bits.find_clear(kBits), Bits::kNone);
}

TEST(Bitmap, RunIsFoundAtTheVeryEnd) {
  Bits bits;
  bits.set_range(kBits - 5, 5);

  EXPECT_EQ(bits.find_run(5), kBits - 5);
  EXPECT_EQ(bits.find_run(6), Bits::kNone);
}

TEST(Bitmap, AlignedRunSkipsWhatIsTooShortAfterAligning) {
  Bits bits;
  bits.set_range(1, 20);
  bits.set_range(30, 20);

  EXPECT_EQ(bits.find_run(16, 16), 32U);
  EXPECT_EQ(bits.find_run(19, 16), Bits::kNone);
}

TEST(Bitmap, RangeOperationsAgreeWithSingleBits) {
  test::Random random(1);
  for (int round = 0; round < 2000; ++round) {
    Model model = random_model(random);
    Bits bits = bitmap_of(model);
    const std::size_t first = random.below(kBits);
    const std::size_t count = random.below(kBits - first + 1);
    ASSERT_EQ(bits.all(first, count), all_set(model, first, count));
    ASSERT_EQ(bits.any(first, count), any_set(model, first, count));

    const bool set = random.one_in(2);
    for (std::size_t i = first; i < first + count; ++i) model[i] = set;
    set ? bits.set_range(first, count) : bits.clear_range(first, count);

    ASSERT_TRUE(same(bits, model)) << "round " << round;
  }
}

TEST(Bitmap, RunsAgreeWithTheNaiveSearch) {
  test::Random random(2);
  for (int round = 0; round < 2000; ++round) {
    const Model model = random_model(random);
    const Bits bits = bitmap_of(model);
    const std::size_t count = random.between(1, 80);
    const std::size_t alignment = std::size_t{1} << random.below(7);

    ASSERT_EQ(bits.longest_run(), naive_longest(model));
    ASSERT_EQ(bits.find_run(count, alignment), naive_run(model, count, alignment))
        << "round " << round << " count " << count << " alignment " << alignment;
  }
}

TEST(Bitmap, SetOperationsAgreeWithSingleBits) {
  test::Random random(3);
  for (int round = 0; round < 500; ++round) {
    const Model left = random_model(random);
    const Model right = random_model(random);
    Model both(kBits);
    Model either(kBits);
    Model rest(kBits);
    for (std::size_t i = 0; i < kBits; ++i) {
      both[i] = left[i] && right[i];
      either[i] = left[i] || right[i];
      rest[i] = left[i] && !right[i];
    }
    Bits added = bitmap_of(left);
    added.add(bitmap_of(right));
    Bits removed = bitmap_of(left);
    removed.remove(bitmap_of(right));

    ASSERT_TRUE(same(bitmap_of(left) & bitmap_of(right), both));
    ASSERT_TRUE(same(added, either));
    ASSERT_TRUE(same(removed, rest));
  }
}

}  // namespace
}  // namespace luna
