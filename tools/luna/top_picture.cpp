// SPDX-License-Identifier: MIT
#include "top_picture.hpp"

#include "frame_names.hpp"
#include "printable.hpp"
#include "profile_output.hpp"
#include "profile_view.hpp"

#include <algorithm>
#include <sstream>
#include <unordered_map>

namespace luna::tool {

namespace {

[[nodiscard]] std::uint64_t bytes_of(const Statistics& statistics, std::string_view name) {
  constexpr double kMost = 1e19;
  return static_cast<std::uint64_t>(std::clamp(statistics.figure(name), 0.0, kMost));
}

[[nodiscard]] std::vector<TopPicture::Part> parts_of(const Statistics& statistics) {
  const auto sum = [&](std::string_view one, std::string_view other) {
    return bytes_of(statistics, one) + bytes_of(statistics, other);
  };
  return {{'S', "slabs", sum("resident_slab_bytes", "resident_spare_bytes")},
          {'L', "large", bytes_of(statistics, "resident_large_bytes")},
          {'K', "kept", bytes_of(statistics, "resident_kept_bytes")},
          {'F', "free", sum("resident_dirty_bytes", "resident_retained_bytes")},
          {'T', "tables", bytes_of(statistics, "resident_metadata_bytes")},
          {'P', "profiler", sum("resident_telemetry_bytes", "resident_guarded_bytes")},
          {'o', "other", bytes_of(statistics, "not_ours_bytes")}};
}

// Of two looks.
class RateMaker {
 public:
  RateMaker(const TopLook& now, const TopLook* before)
      : now_(now), before_(before), seconds_(before == nullptr ? 0 : seconds_since(*before)) {}

  [[nodiscard]] std::optional<double> of(double now, double before) const {
    if (seconds_ <= 0) return std::nullopt;
    return (now - before) / seconds_;
  }
  [[nodiscard]] std::optional<double> of(std::string_view name) const {
    const auto now = now_.statistics.find(name);
    const auto before = before_ == nullptr ? std::nullopt : before_->statistics.find(name);
    return now && before ? of(*now, *before) : std::nullopt;
  }

 private:
  [[nodiscard]] double seconds_since(const TopLook& before) const {
    return std::chrono::duration<double>(now_.at - before.at).count();
  }

  const TopLook& now_;
  const TopLook* before_;
  double seconds_;
};

// What is the same for a site in each profile of a process: its addresses, and the names that
// runtimes gave.
[[nodiscard]] std::string key_of(const HeapProfile& profile, const HeapProfile::Sample& sample) {
  std::string key = labels_text(profile, sample);
  for (const std::uint32_t frame : profile.stack_of(sample)) {
    const HeapProfile::Location& location = profile.locations[frame];
    key += ' ' + std::to_string(location.address);
    if (location.address != 0 || location.lines.empty()) continue;
    const HeapProfile::Line& line = location.lines.front();
    key += profile.functions[line.function].name + ':' + std::to_string(line.line);
  }
  return key;
}

[[nodiscard]] std::vector<std::string> lines_of(const HeapProfile& profile,
                                                const HeapProfile::Sample& sample) {
  std::ostringstream text;
  write_stack_text(profile, sample, "", text);
  std::istringstream lines(text.str());
  std::vector<std::string> result;
  for (std::string line; std::getline(lines, line);) result.push_back(ascii(line));
  return result;
}

using Amounts = std::unordered_map<std::string, std::int64_t>;

// Bytes that each site has allocated.
[[nodiscard]] Amounts amounts_of(const HeapProfile& profile) {
  const std::size_t type = choose_view(profile, "alloc").amount;
  Amounts amounts;
  for (std::size_t i = 0; i < profile.samples.size(); ++i)
    amounts[key_of(profile, profile.samples[i])] = profile.value_of(i, type);
  return amounts;
}

[[nodiscard]] std::vector<TopSite> sites_of(const HeapProfile& profile, const Amounts* before,
                                            const RateMaker& rates) {
  const ProfileView live = choose_view(profile, "inuse");
  const std::size_t allocated = choose_view(profile, "alloc").amount;
  std::vector<TopSite> sites;
  for (std::size_t i = 0; i < profile.samples.size(); ++i) {
    const HeapProfile::Sample& sample = profile.samples[i];
    TopSite site;
    site.key = key_of(profile, sample);
    site.place = ascii(responsible_place(profile, sample) + labels_text(profile, sample));
    site.stack = lines_of(profile, sample);
    site.live_bytes = profile.value_of(i, live.amount);
    site.live_objects = profile.value_of(i, live.objects.value_or(live.amount));
    site.allocated_bytes = profile.value_of(i, allocated);
    if (before != nullptr) {
      const auto found = before->find(site.key);
      const std::int64_t past = found == before->end() ? 0 : found->second;
      const std::int64_t gained = std::max<std::int64_t>(site.allocated_bytes - past, 0);
      site.allocated_per_second = rates.of(static_cast<double>(gained), 0);
    }
    sites.push_back(std::move(site));
  }
  return sites;
}

void add_sites(const TopLook& now, const TopLook* before, const RateMaker& rates,
               TopPicture& picture) {
  picture.has_samples = now.profile.has_value();
  if (!now.profile) return;
  Amounts amounts;
  const bool has_before = before != nullptr && before->profile;
  if (has_before) amounts = amounts_of(*before->profile);
  picture.sites = sites_of(*now.profile, has_before ? &amounts : nullptr, rates);
  if (!has_before || !now.is_sampling) return;
  const auto allocated = [](const HeapProfile& profile) {
    return static_cast<double>(sum_of(profile, choose_view(profile, "alloc").amount));
  };
  // A profile that began anew has less.
  const auto rate = rates.of(allocated(*now.profile), allocated(*before->profile));
  picture.rates.allocated_bytes = rate ? std::optional(std::max(*rate, 0.0)) : std::nullopt;
}

[[nodiscard]] std::vector<TopHeap> heaps_of(const Statistics& statistics) {
  std::vector<TopHeap> heaps;
  for (const Statistics::Heap& heap : statistics.heaps)
    heaps.push_back({"heap " + ascii(heap.name), heap.live_bytes, heap.cached_bytes,
                     heap.resident_bytes, heap.limit_bytes, heap.denied});
  for (const Statistics::ThreadHeap& heap : statistics.threads)
    heaps.push_back({heap.thread ? "thread " + std::to_string(*heap.thread) : "of no thread now",
                     heap.used_bytes - std::min(heap.used_bytes, heap.cached_bytes),
                     heap.cached_bytes, std::nullopt, 0, 0});
  return heaps;
}

[[nodiscard]] std::vector<TopClass> classes_of(const Statistics& statistics) {
  std::vector<TopClass> classes;
  for (const Statistics::SizeClass& one : statistics.classes)
    classes.push_back({one.block_bytes, one.block_bytes * one.used_blocks, one.used_blocks,
                       one.block_bytes * one.free_blocks, one.fullness});
  return classes;
}

void add_pressure(const TopLook& now, TopPicture& picture) {
  for (const TopLook::Limit& limit : now.limits)
    if (limit.limit_bytes != 0)
      picture.limits.push_back(
          {ascii(limit.name), limit.limit_bytes, limit.used_bytes,
           100 * static_cast<double>(limit.used_bytes) / static_cast<double>(limit.limit_bytes)});
  std::stable_sort(picture.limits.begin(), picture.limits.end(),
                   [](const auto& one, const auto& other) { return one.percent > other.percent; });
  const double percent = picture.limits.empty() ? 0 : picture.limits.front().percent;
  picture.level = "none";
  if (percent >= now.low_percent) picture.level = "low";
  if (percent >= now.moderate_percent) picture.level = "moderate";
  if (percent >= now.critical_percent) picture.level = "critical";
  if (picture.limits.empty()) picture.level = "none";
  picture.low_percent = now.low_percent;
  picture.moderate_percent = now.moderate_percent;
  picture.critical_percent = now.critical_percent;
  picture.events = now.events;
  picture.some_percent = now.some_percent;
  picture.full_percent = now.full_percent;
}

}  // namespace

TopPicture make_picture(const TopLook& now, const TopLook* before) {
  const RateMaker rates(now, before);
  TopPicture picture;
  picture.resident_bytes = bytes_of(now.statistics, "process_resident_bytes");
  picture.live_bytes = bytes_of(now.statistics, "live_bytes");
  picture.committed_bytes = bytes_of(now.statistics, "committed_bytes");
  picture.parts = parts_of(now.statistics);
  picture.rates.resident_bytes = rates.of("process_resident_bytes");
  picture.rates.live_bytes = rates.of("live_bytes");
  picture.rates.refills = rates.of("refills");
  picture.rates.faults = rates.of("minor_faults");
  picture.rates.major_faults = rates.of("major_faults");
  picture.rates.returned_bytes = rates.of("purged_bytes");
  picture.is_sampling = now.is_sampling;
  add_sites(now, before, rates, picture);
  picture.heaps = heaps_of(now.statistics);
  picture.classes = classes_of(now.statistics);
  add_pressure(now, picture);
  return picture;
}

std::string ascii(std::string_view text) {
  std::string result = printable(text);
  for (char& letter : result)
    if (static_cast<unsigned char>(letter) >= 0x80) letter = '?';
  return result;
}

}  // namespace luna::tool
