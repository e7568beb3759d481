// SPDX-License-Identifier: MIT
#include "findings.hpp"

#include "amount_text.hpp"
#include "frame_names.hpp"
#include "json_values.hpp"
#include "profile_view.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string_view>

namespace luna::tool {

namespace {

using Json = nlohmann::ordered_json;

// Less is not worth a reader's time.
constexpr double kLeastWeight = 0.05;

[[nodiscard]] double ratio(std::int64_t part, std::int64_t whole) {
  if (whole <= 0) return 0;
  return std::clamp(static_cast<double>(part) / static_cast<double>(whole), 0.0, 1.0);
}

[[nodiscard]] std::string bytes(std::int64_t amount) { return amount_text(amount, "bytes"); }

// Without the parameters of the function, which make a title long.
[[nodiscard]] std::string short_place(const HeapProfile& profile,
                                      const HeapProfile::Sample& sample) {
  std::string place = responsible_place(profile, sample);
  const std::size_t at = std::min(place.rfind(" at "), place.size());
  if (at == 0 || place[at - 1] != ')') return place;
  int depth = 0;
  for (std::size_t i = at; i-- > 1;) {
    if (place[i] == ')') ++depth;
    if (place[i] == '(' && --depth == 0) return place.erase(i, at - i);
  }
  return place;
}

// The sum and the largest site of one type of values.
struct Part {
  std::int64_t sum = 0;
  std::int64_t largest = 0;
  std::int64_t objects = 0;  // of the largest
  std::string place;         // likewise
};

[[nodiscard]] std::optional<Part> part_of(const HeapProfile& profile, const std::string& name) {
  try {
    const ProfileView view = choose_view(profile, name);
    const std::vector<std::uint32_t> samples = samples_by_amount(profile, view.amount);
    Part part{sum_of(profile, view.amount), 0, 0, {}};
    if (samples.empty()) return std::nullopt;
    part.largest = profile.value_of(samples[0], view.amount);
    if (view.objects) part.objects = profile.value_of(samples[0], *view.objects);
    part.place = short_place(profile, profile.samples[samples[0]]);
    return part;
  } catch (const ProfileError&) {
    return std::nullopt;
  }
}

class Finder {
 public:
  explicit Finder(const ReportData& data) : data_(data) {
    if (data.profile) {
      live_ = part_of(*data.profile, "inuse");
      allocated_ = part_of(*data.profile, "alloc");
    }
  }

  [[nodiscard]] std::vector<Finding> find() {
    find_leaks();
    if (data_.profile) {
      find_growth();
      find_concentration();
      find_temporary();
      find_peak();
      find_other_threads();
      find_waves();
      find_changes();
    }
    find_free_memory();
    find_not_ours();
    return std::move(found_);
  }

 private:
  void add(Finding finding) { found_.push_back(std::move(finding)); }
  [[nodiscard]] std::int64_t resident(const char* group, const char* key) const;

  void find_leaks();
  void find_growth();
  void find_concentration();
  void find_temporary();
  void find_peak();
  void find_other_threads();
  void find_waves();
  void find_changes();
  void find_free_memory();
  void find_not_ours();

  const ReportData& data_;
  std::vector<Finding> found_;
  std::optional<Part> live_;
  std::optional<Part> allocated_;
  std::string leaking_;  // the place of the leak that was told
};

[[nodiscard]] bool is_suspect(const Json& site) {
  const std::string verdict = text_in(site, "verdict");
  return !is_true_in(site, "suppressed") &&
         (verdict == "lost" || verdict == "leak" || verdict == "grows");
}

void Finder::find_leaks() {
  if (!data_.leaks) return;
  const LeakFile& leaks = *data_.leaks;
  std::int64_t all = 0;
  for (const Json& site : leaks.sites) all = wrapped_sum(all, number_in(site, "live_bytes"));
  const std::int64_t whole = std::max(all, live_ ? live_->sum : 0);
  for (std::size_t i = 0; i < leaks.sites.size(); ++i) {
    const Json& site = leaks.sites[i];
    if (!is_suspect(site)) continue;
    const std::int64_t live = number_in(site, "live_bytes");
    const double confidence = real_in(site, "confidence");
    leaking_ = short_place(leaks.stacks, leaks.stacks.samples[i]);
    const std::string verdict = text_in(site, "verdict");
    Finding finding;
    // A leak grows, whatever it is today.
    finding.weight = confidence * (0.5 + 0.5 * ratio(live, whole));
    finding.title = leaking_ + (verdict == "grows" ? " grows" : " leaks");
    finding.text = verdict == "grows"
                       ? "It holds more all the time, though it frees too: a queue that is not "
                         "emptied, a buffer that is extended, or one caller of several that leaks."
                       : "What it allocates stays. The one who ought to free it is most often a "
                         "caller, or a container that callers keep.";
    finding.evidence.push_back(
        verdict + ", confidence " + share_text(std::llround(confidence * 1000), 1000) + ": " +
        bytes(live) + " in " + amount_text(number_in(site, "live_objects"), "count"));
    if (const std::string reason = text_in(site, "reason"); !reason.empty())
      finding.evidence.push_back(reason);
    if (const std::int64_t lost = number_in(site, "lost_bytes"); lost != 0)
      finding.evidence.push_back("nothing points to " + bytes(lost) + " of it");
    finding.section = "leaks";
    add(std::move(finding));
    return;
  }
}

void Finder::find_growth() {
  const std::optional<Part> growth = part_of(*data_.profile, "growth");
  if (!growth || growth->largest <= 0 || growth->place == leaking_ || !live_) return;
  // Without a mark all that lives has grown since the begin, which says nothing new.
  if (growth->sum == live_->sum) return;
  add({0.6 * ratio(growth->largest, live_->sum),
       growth->place + " grew most since the mark",
       "Compare with what was done in that time: what stays when the work is done is kept by "
       "somebody.",
       {bytes(growth->largest) + " more in " + amount_text(growth->objects, "count"),
        bytes(growth->sum) + " more in all"},
       "sites"});
}

void Finder::find_concentration() {
  if (!live_ || live_->place == leaking_ || live_->largest <= 0) return;
  const double share = ratio(live_->largest, live_->sum);
  if (share < 0.2) return;
  add({0.5 * share,
       live_->place + " holds most of what lives",
       "To need less memory, begin here: nothing else holds as much.",
       {bytes(live_->largest) + " of " + bytes(live_->sum) + " that live, " +
            share_text(live_->largest, live_->sum),
        "in " + amount_text(live_->objects, "count")},
       "flame"});
}

void Finder::find_temporary() {
  const std::optional<Part> temporary = part_of(*data_.profile, "temporary");
  if (!temporary || !allocated_ || temporary->largest <= 0) return;
  const double share = ratio(temporary->sum, allocated_->sum);
  if (share < 0.3) return;
  add({0.4 * share,
       "Most of what is allocated is freed at once",
       "Such blocks cost time rather than memory. A buffer that is kept and used again, or room "
       "on the stack, saves it; begin with " +
           temporary->place + ".",
       {bytes(temporary->sum) + " of " + bytes(allocated_->sum) + " allocated, " +
            share_text(temporary->sum, allocated_->sum) + ", were freed within a moment",
        "most of it, " + bytes(temporary->largest) + ", by " + temporary->place},
       "flame"});
}

void Finder::find_peak() {
  const std::optional<Part> peak = part_of(*data_.profile, "peak");
  if (!peak || !live_ || peak->sum <= 0) return;
  const std::int64_t more = wrapped_difference(peak->sum, live_->sum);
  const double share = ratio(more, peak->sum);
  if (share < 0.3) return;
  add({0.45 * share * ratio(peak->largest, peak->sum) + 0.1,
       "At the peak much more lived than in the end",
       "The peak is what a limit has to allow for. See the flame graph of the peak for who made "
       "it.",
       {bytes(peak->sum) + " at the peak, " + bytes(live_->sum) + " in the end",
        "most of the peak, " + bytes(peak->largest) + ", is of " + peak->place},
       "flame"});
}

void Finder::find_other_threads() {
  const HeapProfile::Patterns& patterns = data_.profile->patterns;
  const std::int64_t all = wrapped_sum(patterns.freed_by_others, patterns.freed_by_same_thread);
  const double share = ratio(patterns.freed_by_others, all);
  if (share < 0.2) return;
  add({0.3 * share,
       "Threads free what others allocated",
       "Blocks that go from thread to thread cost a little more, and their memory serves the "
       "thread that allocated them. `luna patterns` names the pairs.",
       {bytes(patterns.freed_by_others) + " of " + bytes(all) + " freed, " +
        share_text(patterns.freed_by_others, all)},
       "overview"});
}

void Finder::find_waves() {
  const HeapProfile::Patterns& patterns = data_.profile->patterns;
  if (patterns.wave_period_ns <= 0) return;
  add({0.35 * ratio(patterns.wave_swing_bytes,
                    wrapped_sum(patterns.wave_mean_bytes, patterns.wave_swing_bytes / 2)),
       "What lives goes up and down in waves",
       "Memory that is free at the low is needed at the next high: giving it back in between "
       "costs page faults. The option decay_ms says how soon it is given back.",
       {"one wave in " + amount_text(patterns.wave_period_ns, "nanoseconds"),
        bytes(patterns.wave_swing_bytes) + " from low to high around " +
            bytes(patterns.wave_mean_bytes)},
       "timeline"});
}

void Finder::find_changes() {
  const std::vector<HeapProfile::Patterns::Change>& changes = data_.profile->patterns.changes;
  // What ended, as start-up does, has no rate any more.
  const auto found = std::find_if(changes.begin(), changes.end(),
                                  [](const auto& change) { return change.now != 0; });
  if (found == changes.end()) return;
  const HeapProfile::Patterns::Change& change = *found;
  const std::string unit = change.of.ends_with("_ns") ? "nanoseconds" : "bytes";
  const auto& sample = data_.profile->samples[static_cast<std::size_t>(change.site)];
  const std::string what = change.of == "bytes_per_second"   ? "bytes allocated in a second"
                           : change.of == "mean_lifetime_ns" ? "mean lifetime"
                           : change.of == "mean_size"        ? "mean size"
                                                             : change.of;
  add({0.2,
       short_place(*data_.profile, sample) + " is unlike its past",
       "Something began or changed there.",
       {what + ": " + amount_text(change.now, unit) + " now, " + amount_text(change.before, unit) +
        " before"},
       "sites"});
}

std::int64_t Finder::resident(const char* group, const char* key) const {
  if (!data_.statistics.is_object()) return 0;
  const auto part = data_.statistics.find(group);
  return part != data_.statistics.end() && part->is_object()
             ? std::max<std::int64_t>(number_in(*part, key), 0)
             : 0;
}

void Finder::find_free_memory() {
  const std::int64_t whole = resident("reconciliation", "process_resident_bytes");
  const std::int64_t dirty = wrapped_sum(resident("resident", "resident_dirty_bytes"),
                                         resident("resident", "resident_kept_bytes"));
  if (const double share = ratio(dirty, whole); share >= 0.1)
    add({0.6 * share,
         "Much of what is resident is free memory",
         "It waits for the next request. `luna purge` gives it back at once, and a smaller "
         "decay_ms sooner; either costs page faults when it is needed again.",
         {bytes(dirty) + " of " + bytes(whole) + " resident, " + share_text(dirty, whole)},
         "overview"});
  const std::int64_t slabs = resident("resident", "resident_slab_bytes");
  const std::int64_t used = resident("totals", "small_bytes");
  const double share = ratio(wrapped_difference(slabs, used), whole);
  if (used > slabs || share < 0.1) return;
  add({0.6 * share,
       "Slabs of small blocks are resident but not full",
       "Blocks that live on, spread over many pages, hold those pages. They come from times when "
       "more lived; the map of pages shows where.",
       {bytes(slabs) + " resident in slabs, " + bytes(used) + " of it in use",
        bytes(wrapped_difference(slabs, used)) + " of " + bytes(whole) + " resident, " +
            share_text(wrapped_difference(slabs, used), whole)},
       "map"});
}

void Finder::find_not_ours() {
  const std::int64_t whole = resident("reconciliation", "process_resident_bytes");
  const std::int64_t others = resident("reconciliation", "not_ours_bytes");
  const double share = ratio(others, whole);
  if (share < 0.5) return;
  add({0.3 * share,
       "More than half of what is resident is not of the heap",
       "Code, stacks of threads and mappings of the program itself: malloc can do nothing about "
       "it.",
       {bytes(others) + " of " + bytes(whole) + " resident, " + share_text(others, whole)},
       "overview"});
}

}  // namespace

std::vector<Finding> find_most(const ReportData& data, std::size_t most) {
  std::vector<Finding> found = Finder(data).find();
  std::erase_if(found, [](const Finding& one) { return one.weight < kLeastWeight; });
  std::stable_sort(found.begin(), found.end(), [](const Finding& one, const Finding& other) {
    return one.weight > other.weight;
  });
  if (found.size() > most) found.resize(most);
  return found;
}

}  // namespace luna::tool
