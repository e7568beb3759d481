// SPDX-License-Identifier: MIT
// What the window says of any pointer a program may come with.
#include "pages/window.hpp"

#include "support/test_pages.hpp"

#include <gtest/gtest.h>

namespace luna {
namespace {

using test::TestPages;

[[nodiscard]] const void* pointer_to(std::uintptr_t address) {
  return reinterpret_cast<const void*>(address);
}

// True if every look-up turns the pointer away.
[[nodiscard]] bool is_foreign(const Window& window, const void* pointer) {
  return !window.view().holds(window.view().unit_of(pointer)) &&
         window.slot_of(pointer) == nullptr && window.region_of(pointer) == nullptr;
}

// A heap with one granule in use.
struct OneGranule : TestPages {
  std::byte* granule = take_granule();
};

TEST(Window, BeforeItsFirstUseEverythingIsForeign) {
  const Window window;
  const int on_the_stack = 0;

  EXPECT_TRUE(is_foreign(window, nullptr));
  EXPECT_TRUE(is_foreign(window, &on_the_stack));
  EXPECT_TRUE(is_foreign(window, pointer_to(~std::uintptr_t{15})));
}

TEST(Window, NullIsForeign) { EXPECT_TRUE(is_foreign(OneGranule().window, nullptr)); }

TEST(Window, StackAndCodeAreForeign) {
  const OneGranule fixture;
  const int on_the_stack = 0;

  EXPECT_TRUE(is_foreign(fixture.window, &on_the_stack));
  EXPECT_TRUE(is_foreign(fixture.window, reinterpret_cast<const void*>(&is_foreign)));
}

TEST(Window, AddressesTheProcessorCannotHaveAreForeign) {
  const OneGranule fixture;

  EXPECT_TRUE(is_foreign(fixture.window, pointer_to(0x0000'8000'0000'0000)));
  EXPECT_TRUE(is_foreign(fixture.window, pointer_to(0x8000'0000'0000'0000)));
  EXPECT_TRUE(is_foreign(fixture.window, pointer_to(0xffff'ffff'ffff'fff0)));
  EXPECT_TRUE(is_foreign(fixture.window, pointer_to(0xffff'ffff'ffff'ffff)));
}

TEST(Window, TaggedPointersToOurMemoryAreForeign) {
  const OneGranule fixture;

  for (unsigned bit = 48; bit < 64; ++bit) {
    const std::uintptr_t tagged = address_of(fixture.granule) | std::uintptr_t{1} << bit;
    EXPECT_TRUE(is_foreign(fixture.window, pointer_to(tagged))) << "bit " << bit;
  }
}

TEST(Window, MisalignedPointerIsHeldByNoUnitButHasItsSlot) {
  const OneGranule fixture;
  const Slot* slot = fixture.window.slot_of(fixture.granule);

  for (std::size_t offset = 1; offset < 16; ++offset) {
    const std::byte* pointer = fixture.granule + offset;
    EXPECT_FALSE(fixture.window.view().holds(fixture.window.view().unit_of(pointer)));
    EXPECT_EQ(fixture.window.slot_of(pointer), slot);
  }
}

TEST(Window, EveryUnitOfAGranuleHasTheSameSlot) {
  const OneGranule fixture;
  const Slot* slot = fixture.window.slot_of(fixture.granule);

  for (std::size_t offset = 0; offset < kGranuleBytes; offset += 16) {
    const WindowView view = fixture.window.view();
    const std::size_t unit = view.unit_of(fixture.granule + offset);
    ASSERT_TRUE(view.holds(unit));
    ASSERT_EQ(view.slot_at(unit), slot);
  }
  EXPECT_EQ(fixture.window.slot_of(fixture.granule + kGranuleBytes), slot + 1);
}

TEST(Window, SlotLeadsBackToItsMemory) {
  const OneGranule fixture;
  const Slot* slot = fixture.window.slot_of(fixture.granule + 12'345);

  EXPECT_EQ(fixture.window.memory_of(slot), fixture.granule);
}

TEST(Window, AnnexIsThatOfTheGranulesRegion) {
  const OneGranule fixture;
  Region* region = fixture.window.region_of(fixture.granule);
  const auto number = static_cast<std::size_t>(fixture.granule - region->memory) / kGranuleBytes;

  EXPECT_EQ(fixture.window.annex_of(fixture.window.slot_of(fixture.granule)),
            &region->annexes[number]);
}

TEST(Window, RegionHoldsItsFirstAndItsLastByte) {
  const OneGranule fixture;
  Region* region = fixture.window.region_of(fixture.granule);

  EXPECT_EQ(address_of(region->memory) % kRegionBytes, 0U);
  EXPECT_EQ(fixture.window.region_of(region->memory), region);
  EXPECT_EQ(fixture.window.region_of(region->memory + kRegionBytes - 1), region);
  EXPECT_NE(fixture.window.region_of(region->memory + kRegionBytes), region);
}

TEST(Window, JustBelowTheFirstRegionIsForeign) {
  OneGranule fixture;
  std::byte* lowest = nullptr;
  fixture.heap.for_each_region([&](Region* region) {
    if (lowest == nullptr) lowest = region->arena->memory;
  });

  EXPECT_TRUE(is_foreign(fixture.window, lowest - 16));
}

TEST(Window, NeverUsedSlotReadsAsZeros) {
  const OneGranule fixture;
  const Slot* slot = fixture.window.slot_of(fixture.granule) + 5;

  for (const std::byte byte : slot->storage) EXPECT_EQ(byte, std::byte{0});
}

TEST(Window, PassesOverAMappingThatLiesInTheWay) {
  // Two heaps choose the same hole: what one reserves, the other must avoid.
  OneGranule first;
  OneGranule second;
  const Region* of_first = first.window.region_of(first.granule);

  EXPECT_NE(first.granule, second.granule);
  EXPECT_NE(second.window.region_of(second.granule), of_first);
  EXPECT_TRUE(first.window.region_of(second.granule) == nullptr ||
              first.window.region_of(second.granule)->memory != second.granule);
}

}  // namespace
}  // namespace luna
