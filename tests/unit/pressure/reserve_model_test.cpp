// SPDX-License-Identifier: MIT
// A model of the reserve for errors that is filled while its size changes: Reserve::fill(),
// set_size() and give_up(). What must hold: what is kept is of the size that was set last, and who
// gives it up sees all of it.
#include "support/interleaver.hpp"
#include "support/model_test.hpp"

#include <gtest/gtest.h>

namespace luna {
namespace {

using test::ModelEnd;
using test::ModelThread;
using test::Protocol;

constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr auto kBoth = std::memory_order_acq_rel;

enum class Variant : std::uint8_t {
  kSound,
  kNoSecondLook,   // fill() does not ask again how much it shall be
  kGiveUpRelaxed,  // give_up() takes nothing and tells nothing
  kFillRelaxed,    // fill() stores what it filled without releasing
};

enum Place : std::size_t { kBytes, kMemory, kPages };

class Reserve {
 public:
  explicit Reserve(Variant variant) : variant_(variant) {}

  void fill(ModelThread& self) const {
    const std::uint8_t bytes = self.load(kBytes, kRelaxed);
    if (self.load(kMemory, kRelaxed) != 0) return;
    self.write(kPages, bytes);
    const bool relaxed = variant_ == Variant::kFillRelaxed;
    if (!self.compare_exchange(kMemory, 0, bytes, relaxed ? kRelaxed : kBoth)) return;
    if (variant_ != Variant::kNoSecondLook && self.load(kBytes, kRelaxed) != bytes) give_up(self);
  }

  void set_size(ModelThread& self, std::uint8_t bytes) const {
    self.exchange(kBytes, bytes, kRelaxed);
    give_up(self);
  }

 private:
  void give_up(ModelThread& self) const {
    const bool relaxed = variant_ == Variant::kGiveUpRelaxed;
    if (self.exchange(kMemory, 0, relaxed ? kRelaxed : kBoth) != 0) self.look(kPages);
  }

  Variant variant_;
};

[[nodiscard]] const char* what_is_wrong(const ModelEnd& end) {
  const std::uint8_t kept = end.value(kMemory);
  return kept != 0 && kept != end.value(kBytes) ? "it is of another size" : nullptr;
}

[[nodiscard]] test::Explored explore(Variant variant) {
  const Reserve reserve(variant);
  return Protocol({"bytes", "memory", "pages"})
      .begin(kBytes, 1)
      .thread("fills", [=](ModelThread& self) { reserve.fill(self); })
      .thread("sets", [=](ModelThread& self) { reserve.set_size(self, 2); })
      .thread("gives up", [=](ModelThread& self) { reserve.set_size(self, 3); })
      .at_end(what_is_wrong)
      .explore();
}

TEST(ReserveModel, HoldsInEveryInterleaving) {
  EXPECT_TRUE(test::holds(explore(Variant::kSound), 100));
}

TEST(ReserveModel, IsCaughtWhereItIsBroken) {
  EXPECT_TRUE(test::catches(&explore, {{Variant::kNoSecondLook, "it is of another size"},
                                       {Variant::kGiveUpRelaxed, "a data race"},
                                       {Variant::kFillRelaxed, "a data race"}}));
}

}  // namespace
}  // namespace luna
