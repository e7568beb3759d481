// SPDX-License-Identifier: MIT
#include "profile_view.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace luna::tool {

namespace {

struct Choice {
  std::string_view name;
  std::string_view title;
  std::string_view amount;
  std::string_view objects;
};

// A profile for pprof has the peak and what is temporary under the names of the others, without
// these beside them; see docs/telemetry.md, "Kinds of profiles".
constexpr std::array<Choice, 10> kChoices = {{
    {"inuse", "In use", "inuse_space", "inuse_objects"},
    {"alloc", "Allocated", "alloc_space", "alloc_objects"},
    {"peak", "At the peak", "peak_space", "peak_objects"},
    {"peak", "At the peak", "inuse_space", "inuse_objects"},
    {"growth", "Growth since the mark", "growth_space", "growth_objects"},
    {"lifetime", "Lifetimes of what was freed", "space_time", "freed_objects"},
    {"lifetime", "Lifetimes of what was freed", "lifetime", "freed_objects"},
    {"temporary", "Temporary blocks", "temporary_space", "temporary_objects"},
    {"temporary", "Temporary blocks", "alloc_space", "alloc_objects"},
    {"recorded", "Allocated meanwhile", "growth_alloc_space", "growth_alloc_objects"},
}};

[[nodiscard]] std::optional<std::size_t> find_type(const HeapProfile& profile,
                                                   std::string_view name) {
  for (std::size_t i = 0; i < profile.types.size(); ++i)
    if (profile.types[i].name == name) return i;
  return std::nullopt;
}

// Whether these names stand for the choice here. Of pprof's file of a peak nothing is allocated,
// of one of temporary blocks nothing is in use.
[[nodiscard]] bool stands_for(const Choice& choice, const HeapProfile& profile) {
  if (!find_type(profile, choice.amount)) return false;
  if (choice.name == "peak" && choice.amount == "inuse_space")
    return !find_type(profile, "alloc_space");
  if (choice.name == "temporary" && choice.amount == "alloc_space")
    return !find_type(profile, "inuse_space");
  return true;
}

[[nodiscard]] ProfileView view_of(const Choice& choice, const HeapProfile& profile) {
  return {std::string(choice.title), *find_type(profile, choice.amount),
          find_type(profile, choice.objects)};
}

// A file of others may have the objects alone.
[[nodiscard]] ProfileView default_view(const HeapProfile& profile) {
  const std::string& shown = profile.types[profile.default_type].name;
  for (const Choice& choice : kChoices)
    if ((choice.amount == shown || choice.objects == shown) && find_type(profile, choice.amount))
      return view_of(choice, profile);
  return {shown, profile.default_type, std::nullopt};
}

}  // namespace

const std::vector<std::string>& view_names() {
  static const std::vector<std::string> names = {"inuse",  "alloc",    "peak",
                                                 "growth", "lifetime", "temporary"};
  return names;
}

ProfileView choose_view(const HeapProfile& profile, const std::string& name) {
  if (name.empty()) return default_view(profile);
  for (const Choice& choice : kChoices)
    if (choice.name == name && stands_for(choice, profile)) return view_of(choice, profile);
  std::string types;
  for (const HeapProfile::ValueType& type : profile.types)
    types += (types.empty() ? "" : ", ") + type.name;
  throw ProfileError(ProfileError::kUsage,
                     "it does not tell `--type " + name + "`, but " + types +
                         "; a JSON profile of lunalloc tells all, and without --type what the file "
                         "is of is shown");
}

std::int64_t sum_of(const HeapProfile& profile, std::size_t type) noexcept {
  std::int64_t sum = 0;
  for (std::size_t i = 0; i < profile.samples.size(); ++i)
    sum = wrapped_sum(sum, profile.value_of(i, type));
  return sum;
}

std::vector<std::uint32_t> samples_by_amount(const HeapProfile& profile, std::size_t type) {
  std::vector<std::uint32_t> samples;
  for (std::uint32_t i = 0; i < profile.samples.size(); ++i)
    if (profile.value_of(i, type) != 0) samples.push_back(i);
  std::stable_sort(samples.begin(), samples.end(), [&](std::uint32_t one, std::uint32_t other) {
    return profile.value_of(one, type) > profile.value_of(other, type);
  });
  return samples;
}

}  // namespace luna::tool
