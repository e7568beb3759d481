// SPDX-License-Identifier: MIT
#include "run_sites.hpp"

#include "frame_names.hpp"
#include "profile_reader.hpp"
#include "profile_view.hpp"
#include "symbolizer.hpp"

#include <algorithm>
#include <unordered_map>

namespace luna::tool {

namespace {

// The samples alone, and what they need, so that nothing else is given names.
[[nodiscard]] HeapProfile only(const HeapProfile& from, const std::vector<std::uint32_t>& samples) {
  HeapProfile result;
  result.types = from.types;
  result.mappings = from.mappings;
  result.functions = from.functions;
  std::unordered_map<std::uint32_t, std::uint32_t> places;
  for (const std::uint32_t number : samples) {
    HeapProfile::Sample sample = from.samples[number];
    const std::span<const std::uint32_t> stack = from.stack_of(sample);
    sample.first_frame = result.frames.size();
    sample.labels = 0;
    for (const std::uint32_t location : stack) {
      const auto [place, is_new] =
          places.emplace(location, static_cast<std::uint32_t>(result.locations.size()));
      if (is_new) result.locations.push_back(from.locations[location]);
      result.frames.push_back(place->second);
    }
    for (std::size_t type = 0; type < from.types.size(); ++type)
      result.values.push_back(from.value_of(number, type));
    result.samples.push_back(sample);
  }
  return result;
}

[[nodiscard]] std::uint64_t amount_of(const HeapProfile& profile, std::size_t sample,
                                      std::size_t type) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(profile.value_of(sample, type), 0));
}

}  // namespace

std::vector<PeakSite> read_peak_sites(const std::filesystem::path& file, std::size_t most) {
  std::vector<PeakSite> result;
  try {
    const HeapProfile profile = read_profile(file.string());
    const std::size_t peak = choose_view(profile, "peak").amount;
    const std::size_t allocated = choose_view(profile, "alloc").amount;
    std::vector<std::uint32_t> samples = samples_by_amount(profile, peak);
    if (samples.size() > most) samples.resize(most);
    HeapProfile shown = only(profile, samples);
    Symbolizer().name_frames(shown);
    for (std::size_t i = 0; i < shown.samples.size(); ++i)
      result.push_back({amount_of(shown, i, peak), amount_of(shown, i, allocated),
                        responsible_place(shown, shown.samples[i])});
  } catch (const ProfileError&) {
    result.clear();
  }
  return result;
}

}  // namespace luna::tool
