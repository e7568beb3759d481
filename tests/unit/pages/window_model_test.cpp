// SPDX-License-Identifier: MIT
// A model of the window: its tables are mapped and regions published (Window::map_slots(),
// publish()) while others look addresses up that may be anybody's (slot_of(), region_of(), view()).
// Then a region goes (publish_all() with the one that stands for all that are gone) and another
// comes. What must hold: who finds a slot or a region may read all that was there before.
#include "support/interleaver.hpp"
#include "support/model_test.hpp"

#include <gtest/gtest.h>

namespace luna {
namespace {

using test::ModelThread;
using test::Protocol;

constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr auto kAcquire = std::memory_order_acquire;
constexpr auto kRelease = std::memory_order_release;

enum class Variant : std::uint8_t {
  kSound,
  kRegionIsRelaxed,      // region_of() reads the table without acquiring
  kPublishRelaxed,       // publish() stores to the table without releasing
  kPartInUseIsRelaxed,   // slot_of() reads how much is in use without acquiring
  kPartInUseComesFirst,  // publish() tells of it before the slots are mapped
  kGoneRelaxed,          // publish_all()
};

// `tables`: base_, slots_ and regions_, which the first one to come sets.
enum Place : std::size_t { kTables, kSlots, kRegions, kInUse, kRegion, kGone, kNewRegion };

// What the table leads to: the place of what is known of a region.
constexpr std::uint8_t kNone = 0;

class Window {
 public:
  explicit Window(Variant variant) : variant_(variant) {}

  void grow(ModelThread& self) const {
    self.write(kTables, 1);
    const bool early = variant_ == Variant::kPartInUseComesFirst;
    if (early) self.store(kInUse, 1, kRelease);
    self.write(kSlots, 1);
    publish(self, kRegion);
    if (!early) self.store(kInUse, 1, kRelease);
  }

  // By who ends the heap that the region was of; then there is another one in its place.
  void replace(ModelThread& self) const {
    self.await(kRegions, kRegion, kAcquire);
    self.write(kGone, 1);
    self.store(kRegions, kGone, variant_ == Variant::kGoneRelaxed ? kRelaxed : kRelease);
    publish(self, kNewRegion);
  }

  void look_up_slot(ModelThread& self) const {
    if (!is_in_use(self)) return;
    self.look(kTables);
    self.look(kSlots);
  }

  void look_up_region(ModelThread& self) const {
    if (!is_in_use(self)) return;
    self.look(kTables);
    const std::uint8_t region =
        self.load(kRegions, variant_ == Variant::kRegionIsRelaxed ? kRelaxed : kAcquire);
    if (region != kNone) self.look(region);
  }

 private:
  void publish(ModelThread& self, Place region) const {
    self.write(region, 1);
    self.store(kRegions, static_cast<std::uint8_t>(region),
               variant_ == Variant::kPublishRelaxed ? kRelaxed : kRelease);
  }
  [[nodiscard]] bool is_in_use(ModelThread& self) const {
    const bool relaxed = variant_ == Variant::kPartInUseIsRelaxed;
    return self.load(kInUse, relaxed ? kRelaxed : kAcquire) == 1;
  }

  Variant variant_;
};

[[nodiscard]] test::Explored explore(Variant variant) {
  const Window window(variant);
  return Protocol({"tables", "slots", "regions", "part in use", "region", "gone", "new region"})
      .thread("grows", [=](ModelThread& self) { window.grow(self); })
      .thread("replaces", [=](ModelThread& self) { window.replace(self); })
      .thread("slot_of", [=](ModelThread& self) { window.look_up_slot(self); })
      .thread("region_of", [=](ModelThread& self) { window.look_up_region(self); })
      .explore();
}

TEST(WindowModel, HoldsInEveryInterleaving) {
  EXPECT_TRUE(test::holds(explore(Variant::kSound), 200));
}

TEST(WindowModel, IsCaughtWhereItIsBroken) {
  EXPECT_TRUE(test::catches(&explore, {{Variant::kRegionIsRelaxed, "a data race"},
                                       {Variant::kPublishRelaxed, "a data race"},
                                       {Variant::kPartInUseIsRelaxed, "a data race"},
                                       {Variant::kPartInUseComesFirst, "a data race"},
                                       {Variant::kGoneRelaxed, "a data race"}}));
}

}  // namespace
}  // namespace luna
