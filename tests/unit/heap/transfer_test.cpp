// SPDX-License-Identifier: MIT
// Large blocks that go from heap to heap with their pages, and what else goes with them.
#include "heap/named_heaps.hpp"
#include "support/kernel_pages.hpp"
#include "support/pattern.hpp"
#include "support/test_thread.hpp"

#include <gtest/gtest.h>

#include <map>

namespace luna {
namespace {

constexpr std::size_t kLarge = 2 * kRegionBytes + 3 * kPageBytes;

// Samples that it was told of, by their addresses.
struct Recorder {
  static bool allocated(void* self, const SampledBlock& block) noexcept {
    static_cast<Recorder*>(self)->live[block.memory] = block.bytes;
    return true;
  }
  static bool freed(void* self, void* memory) noexcept {
    return static_cast<Recorder*>(self)->live.erase(memory) != 0;
  }
  static bool resized(void* self, const SampledBlock& block) noexcept {
    static_cast<Recorder*>(self)->live.at(block.memory) = block.bytes;
    return true;
  }
  static void moved(void* self, void* from, void* to) noexcept {
    auto& live = static_cast<Recorder*>(self)->live;
    live[to] = live.at(from);
    live.erase(from);
  }

  std::map<void*, std::size_t> live;
};

struct TransferTest : testing::Test {
  TransferTest() { EXPECT_NE(parts, nullptr); }
  ~TransferTest() override { heaps.detach(*parts); }

  [[nodiscard]] NamedHeap& create(std::uint64_t flags = 0, std::uint64_t limit = 0) {
    luna_heap_options options{};
    options.struct_size = sizeof options;
    options.name = "one";
    options.flags = flags;
    options.limit_bytes = limit;
    NamedHeap* heap = nullptr;
    EXPECT_EQ(heaps.create(options, heap), 0);
    return *heap;
  }
  [[nodiscard]] void* filled(NamedHeap& heap) {
    void* block = heap.allocate(*heaps.part_of(*parts, heap), kLarge);
    EXPECT_NE(block, nullptr);
    test::write_pattern(block, kLarge, 1);
    return block;
  }

  // nullptr, as it has to be, where the kernel's pages are larger than ours.
  [[nodiscard]] void* moved(void* block, NamedHeap& to) {
    void* there = heaps.move(*parts, block, &to);
    EXPECT_EQ(there != nullptr, test::kernel_pages_are_ours());
    return there;
  }
  // From now on all are.
  void begin_samples() {
    ASSERT_TRUE(first.begin_sampling(
        {&recorder, Recorder::allocated, Recorder::freed, Recorder::resized, Recorder::moved}));
    first.set_sampling_interval(1, 1);
  }

  Recorder recorder;
  test::TestAllocator first;
  os::ProtectionKeys keys;
  NamedHeaps heaps{first, keys};
  ThreadParts* parts = heaps.attach(nullptr);
};

TEST_F(TransferTest, ChargeGoesAlongWhateverIsCharged) {
  NamedHeap& plain = create();
  NamedHeap& exact = create(LUNA_HEAP_EXACT);
  void* block = filled(plain);

  void* there = moved(block, exact);
  if (there == nullptr) return;
  EXPECT_EQ(heaps.of(there), &exact);
  EXPECT_TRUE(test::has_pattern(there, kLarge, 1));
  EXPECT_EQ(plain.quota().used(), 0U);
  EXPECT_EQ(exact.quota().used(), kLarge);

  void* back = heaps.move(*parts, there, &plain);

  ASSERT_NE(back, nullptr);
  EXPECT_EQ(plain.quota().used(), kLarge);
  EXPECT_EQ(exact.quota().used(), 0U);
  void* of_all = heaps.move(*parts, back, nullptr);
  ASSERT_NE(of_all, nullptr);
  EXPECT_EQ(heaps.of(of_all), nullptr);
  EXPECT_EQ(plain.quota().used(), 0U);
}

TEST_F(TransferTest, LimitOfAnExactHeapHolds) {
  NamedHeap& plain = create();
  NamedHeap& exact = create(LUNA_HEAP_EXACT, kLarge - 1);
  void* block = filled(plain);

  EXPECT_EQ(heaps.move(*parts, block, &exact), nullptr);

  EXPECT_EQ(exact.quota().used(), 0U);
  EXPECT_EQ(plain.quota().used(), kLarge);
  EXPECT_TRUE(test::has_pattern(block, kLarge, 1));
}

TEST_F(TransferTest, BlockOfAProtectedHeapIsCopiedAndOneThatIsGoneIsNot) {
  NamedHeap& from = create();
  NamedHeap& to = create();
  void* block = filled(from);
  ASSERT_EQ(from.protect(LUNA_HEAP_READ), 0);
  EXPECT_EQ(heaps.move(*parts, block, &to), nullptr);
  ASSERT_EQ(from.protect(LUNA_HEAP_READ_WRITE), 0);
  ASSERT_EQ(to.protect(LUNA_HEAP_NO_ACCESS), 0);
  EXPECT_EQ(heaps.move(*parts, block, &to), nullptr);
  ASSERT_EQ(to.protect(LUNA_HEAP_READ_WRITE), 0);
  EXPECT_TRUE(test::has_pattern(block, kLarge, 1));

  ASSERT_EQ(heaps.destroy(from, *parts), 0);

  EXPECT_EQ(heaps.move(*parts, block, &to), nullptr);
  EXPECT_FALSE(parts->is_busy_with(from));
}

TEST_F(TransferTest, SampleIsFollowed) {
  begin_samples();
  NamedHeap& from = create();
  NamedHeap& to = create();
  void* block = filled(from);
  ASSERT_EQ(recorder.live.count(block), 1U);

  void* there = moved(block, to);
  if (there == nullptr) return;
  EXPECT_EQ(recorder.live.size(), 1U);
  EXPECT_EQ(recorder.live.count(there), 1U);
  // Its old slot is nobody's sample: a block there is freed with nobody being told.
  first.set_sampling_interval(0, 1);
  void* next = filled(from);
  EXPECT_EQ(next, block);
  heaps.deallocate(*parts, next);
  EXPECT_EQ(recorder.live.size(), 1U);
  heaps.deallocate(*parts, there);
  EXPECT_TRUE(recorder.live.empty());
}

TEST_F(TransferTest, SampleGoesWithTheHeapThatItIsIn) {
  begin_samples();
  NamedHeap& from = create();
  NamedHeap& to = create();
  void* there = moved(filled(from), to);
  if (there == nullptr) return;

  ASSERT_EQ(heaps.destroy(from, *parts), 0);
  EXPECT_EQ(recorder.live.count(there), 1U);
  ASSERT_EQ(heaps.destroy(to, *parts), 0);

  EXPECT_TRUE(recorder.live.empty());
}

}  // namespace
}  // namespace luna
