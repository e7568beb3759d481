// SPDX-License-Identifier: MIT
#include "frame_names.hpp"
#include "profile_output.hpp"

#include <ostream>
#include <string>

namespace luna::tool {

namespace {

// Outermost first: labels, then frames.
void append_stack(const HeapProfile& profile, const HeapProfile::Sample& sample,
                  const std::vector<std::string>& frames, std::string& line) {
  for (const HeapProfile::Label& label : profile.label_sets[sample.labels])
    line.append("[")
        .append(folded_text(label.key))
        .append("=")
        .append(folded_text(label.value))
        .append("];");
  const auto stack = profile.stack_of(sample);
  for (std::size_t i = stack.size(); i-- > 0;) line.append(frames[stack[i]]).append(1, ';');
  if (!line.empty()) line.pop_back();
}

}  // namespace

std::string folded_text(std::string_view name) {
  std::string text(name);
  for (char& letter : text)
    if (letter == ';' || static_cast<unsigned char>(letter) < ' ' || letter == 0x7F) letter = '_';
  return text;
}

void write_profile_collapsed(const HeapProfile& profile, const ProfileView& view,
                             std::ostream& out) {
  FrameNames names;
  const std::vector<std::uint32_t> begins = names.add(profile);
  std::vector<std::string> frames(profile.locations.size());
  for (std::uint32_t i = 0; i < frames.size(); ++i) {
    const auto inlined = names.names_of(begins, i);
    for (std::size_t k = inlined.size(); k-- > 0;) {
      frames[i] += folded_text(names.text(inlined[k]));
      if (k > 0) frames[i] += ';';
    }
  }
  std::string line;
  for (const std::uint32_t i : samples_by_amount(profile, view.amount)) {
    const std::int64_t amount = profile.value_of(i, view.amount);
    if (amount < 0) break;  // they are the last
    line.clear();
    append_stack(profile, profile.samples[i], frames, line);
    out << line << ' ' << amount << '\n';
  }
}

}  // namespace luna::tool
