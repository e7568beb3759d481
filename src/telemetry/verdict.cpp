// SPDX-License-Identifier: MIT
#include "telemetry/verdict.hpp"

#include "base/inline_text.hpp"
#include "base/math.hpp"
#include "telemetry/amounts.hpp"

#include <array>
#include <bit>

namespace luna {

namespace {

constexpr std::size_t kMinSlots = 8;
constexpr double kMost = 0.99;      // nothing is sure
constexpr double kPossible = 0.5;   // lost, unless a register knows better
constexpr double kSure = 0.5;       // of growth, to say that it is there
constexpr double kHardlyAny = 0.1;  // of what was allocated is freed
constexpr double kNearlyAll = 0.9;  // of the growth
constexpr std::uint64_t kMinSamplesForAges = 8;

// What a history says, in bytes. "Late" is its last half.
struct Rise {
  double total = 0;
  double late = 0;
  double least_late = 0;  // in the worse of the two late quarters
};

[[nodiscard]] constexpr double at_most_one(double value) noexcept { return value < 1 ? value : 1; }

// 1 - e^(-z^2 / 8), where z is growth over its standard deviation.
[[nodiscard]] double significance(double growth, double variance) noexcept {
  if (growth <= 0) return 0;
  if (variance <= 0) return 1;
  return one_minus_exp(growth * growth / (8 * variance));
}

[[nodiscard]] Rise growth_of(const SiteHistory& history) noexcept {
  const std::size_t count = history.count();
  const std::size_t quarter = count / 4;
  const double last = history[count - 1].low;
  const double middle = history[count - 1 - quarter].low;
  const double before = history[count - 1 - 2 * quarter].low;
  const double one = middle - before;
  const double other = last - middle;
  return {last - history[0].low, last - before, one < other ? one : other};
}

// How much of the variance of an estimate a byte of it stands for: each sample of b bytes
// that stands for w objects adds b^2 w (w - 1).
[[nodiscard]] double variance_of_a_byte(const Amount& live) noexcept {
  if (live.samples == 0 || live.objects <= 0) return 0;
  const auto samples = static_cast<double>(live.samples);
  const double weight = live.objects / samples;
  return weight > 1 ? live.bytes / samples * (1 - 1 / weight) : 0;
}

// What came is `alive` bytes, of which `gained` are more than there were: the rest stands for
// as much that went. Each of both was a sample or not, independently.
[[nodiscard]] double variance_of(double gained, double alive, double of_a_byte) noexcept {
  const double came = alive > gained ? alive : gained;
  return of_a_byte * (2 * came - gained);
}

[[nodiscard]] std::size_t count_rises(const SiteHistory& history) noexcept {
  std::size_t rises = 0;
  for (std::size_t i = 1; i < history.count(); ++i)
    if (history[i].low > history[i - 1].low * 1.000001F) ++rises;
  return rises;
}

[[nodiscard]] std::size_t find_reached(const SiteHistory& history, double gained) noexcept {
  const double level = history[0].low + kNearlyAll * gained;
  std::size_t slot = 0;
  while (slot + 1 < history.count() && history[slot].low < level) ++slot;
  return slot;
}

// 1 if growth goes on at half of its mean speed or more, 0 if at a tenth or less.
[[nodiscard]] double goes_on(const Rise& growth) noexcept {
  const double share = growth.total > 0 ? 4 * growth.least_late / growth.total : 0;
  if (share <= 0.1) return 0;
  return at_most_one((share - 0.1) / 0.4);
}

// A site that began lately, in the life of the process, may still be about to level off.
[[nodiscard]] double age_share(const LeakRow& row, const Moment& began,
                               const Moment& now) noexcept {
  const double life = static_cast<double>(now.tick - began.tick) + 1;
  const double age = static_cast<double>(now.tick - row.history.first_tick()) + 1;
  return at_most_one(age / life);
}

// Where much is freed: of a cache that replaces what is in it only the youngest live; of a
// leak some live of each time.
[[nodiscard]] double spread_of_ages(const LeakRow& row) noexcept {
  if (row.live.samples < kMinSamplesForAges) return 1;
  const int allocated = std::popcount(row.history.allocated_in());
  const int alive = std::popcount(row.ages.born_in);
  return allocated == 0 ? 1 : at_most_one(1.5 * alive / allocated);
}

[[nodiscard]] double confidence_of_growth(const LeakRow& row, const LeakVerdict& verdict,
                                          const Rise& growth, double age) noexcept {
  const double of_a_byte = variance_of_a_byte(row.live);
  const double was_late = variance_of(growth.late, row.ages.late_bytes, of_a_byte);
  const double is_trend =
      verdict.rises > 1 ? one_minus_exp(static_cast<double>(verdict.rises - 1) / 2) : 0;
  double confidence = significance(growth.late, was_late) * is_trend * goes_on(growth);
  if (verdict.freed_share > kHardlyAny) confidence *= spread_of_ages(row);
  return confidence * at_most_one(2 * age);
}

[[nodiscard]] LeakClass class_without_growth(const LeakVerdict& verdict) noexcept {
  const bool was_early = verdict.reached <= (verdict.slots - 1) / 4 + 1;
  return was_early && verdict.freed_share <= kHardlyAny ? LeakClass::kBurst : LeakClass::kPlateau;
}

// `grew`: how sure it is that it did, `goes_on` and `grows` that it still does.
void classify(LeakVerdict& verdict, double grew, double goes_on, double grows) noexcept {
  if (grew * grows >= kSure) {
    const bool leaks = verdict.freed_share <= kHardlyAny;
    verdict.leak_class = leaks ? LeakClass::kLeak : LeakClass::kGrows;
    verdict.confidence = grew * grows;
  } else if (grew >= kSure && goes_on < kSure) {
    verdict.leak_class = class_without_growth(verdict);
    verdict.confidence = grew * (1 - grows);
  } else {
    verdict.leak_class = LeakClass::kSteady;
    verdict.is_open = grew >= kSure;
    verdict.confidence = verdict.is_open ? 1 - grew * grows : 1 - grew;
  }
}

}  // namespace

std::string_view name_of(LeakClass leak_class) noexcept {
  static constexpr std::array<InlineText<8>, kLeakClasses> kNames = {"lost",    "leak",  "grows",
                                                                     "plateau", "burst", "steady"};
  return kNames[static_cast<std::size_t>(leak_class)];
}

namespace {

[[nodiscard]] LeakVerdict judge_history(const LeakRow& row, const Moment& began,
                                        const Moment& now) noexcept {
  LeakVerdict verdict;
  const SiteHistory& history = row.history;
  verdict.slots = history.count();
  if (verdict.slots == 0) return verdict;
  verdict.age_ms = now.ms - history.first_ms();
  if (row.ages.oldest_ms != 0) verdict.oldest_ms = now.ms - row.ages.oldest_ms;
  verdict.from_bytes = history[0].low;
  verdict.to_bytes = history[verdict.slots - 1].low;
  if (row.allocated.bytes > row.live.bytes)
    verdict.freed_share = 1 - row.live.bytes / row.allocated.bytes;
  verdict.rises = count_rises(history);
  if (verdict.slots < kMinSlots) return verdict;

  const Rise growth = growth_of(history);
  verdict.reached = find_reached(history, growth.total);
  const double variance = variance_of(growth.total, row.live.bytes, variance_of_a_byte(row.live));
  const double grew = significance(growth.total, variance);
  const double age = age_share(row, began, now);
  classify(verdict, grew, goes_on(growth), confidence_of_growth(row, verdict, growth, age));
  if (verdict.confidence > kMost) verdict.confidence = kMost;
  const bool suspect = is_suspect(verdict.leak_class);
  verdict.score = suspect ? verdict.confidence * growth.total * age : row.live.bytes;
  return verdict;
}

}  // namespace

// What nothing points to is lost, however it came to be.
LeakVerdict judge(const LeakRow& row, const Moment& began, const Moment& now) noexcept {
  LeakVerdict verdict = judge_history(row, began, now);
  verdict.lost = row.lost;
  if (row.lost.bytes == 0) return verdict;
  verdict.leak_class = LeakClass::kLost;
  verdict.confidence = row.lost.is_definite ? kMost : kPossible;
  verdict.score = row.lost.bytes;
  return verdict;
}

void add_duration(Text& text, std::uint64_t milliseconds) noexcept {
  struct Unit {
    std::uint64_t milliseconds;
    InlineText<5> name;
  };
  static constexpr std::array<Unit, 4> kUnits = {Unit{86'400'000, " d"}, Unit{3'600'000, " h"},
                                                 Unit{60'000, " min"}, Unit{1000, " s"}};
  for (const Unit& unit : kUnits) {
    if (milliseconds < 2 * unit.milliseconds) continue;
    text.add_decimal(milliseconds / unit.milliseconds).add(unit.name);
    return;
  }
  text.add_decimal(milliseconds).add(" ms");
}

namespace {

void add_growth(Text& text, const LeakVerdict& verdict) noexcept {
  text.add("grew from ").add_bytes(rounded(verdict.from_bytes));
  text.add(" to ").add_bytes(rounded(verdict.to_bytes)).add(" in ");
}

void add_freed(Text& text, const LeakVerdict& verdict) noexcept {
  text.add_percent(rounded(verdict.freed_share * 1000), 1000)
      .add(" of what it allocated was freed");
}

void add_loss(Text& text, const LostAmount& lost) noexcept {
  text.add("nothing points to ").add_bytes(rounded(lost.bytes)).add(" of it in ");
  text.add_decimal(rounded(lost.objects)).add(rounded(lost.objects) == 1 ? " object" : " objects");
  if (lost.indirect_bytes != 0)
    text.add(", but for ")
        .add_bytes(rounded(lost.indirect_bytes))
        .add(" that others of them lead to");
  if (!lost.is_definite) text.add("; a register of a thread may know better");
}

void add_intervals(Text& text, std::size_t part, std::size_t whole) noexcept {
  text.add_decimal(part).add(" of ").add_decimal(whole).add(" intervals");
}

}  // namespace

void add_reason(Text& text, const LeakVerdict& verdict) noexcept {
  switch (verdict.leak_class) {
    case LeakClass::kLost:
      add_loss(text, verdict.lost);
      return;
    case LeakClass::kLeak:
    case LeakClass::kGrows:
      add_growth(text, verdict);
      add_duration(text, verdict.age_ms);
      add_intervals(text.add(", in "), verdict.rises, verdict.slots - 1);
      add_freed(text.add(", and "), verdict);
      add_duration(text.add("; the oldest of it is "), verdict.oldest_ms);
      text.add(" old");
      return;
    case LeakClass::kPlateau:
    case LeakClass::kBurst:
      add_growth(text, verdict);
      if (verdict.reached + 1 < verdict.slots) {
        add_intervals(text.add("the first "), verdict.reached, verdict.slots - 1);
        text.add(" and has not gone on to grow; ");
      } else {
        text.add_decimal(verdict.slots - 1)
            .add(" intervals, of late by no more than chance explains; ");
      }
      add_freed(text, verdict);
      return;
    case LeakClass::kSteady:
      if (verdict.slots < kMinSlots) {
        text.add("too young to tell");
      } else if (verdict.is_open) {
        text.add("grew, but for too short a time or in too few samples to tell");
      } else {
        text.add("does not grow, or by no more than chance explains");
      }
      return;
  }
}

}  // namespace luna
