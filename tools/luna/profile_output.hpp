// SPDX-License-Identifier: MIT
// What `luna profile` makes of a profile whose frames have names.
#pragma once

#include "heap_profile.hpp"
#include "profile_view.hpp"

#include <cstddef>
#include <iosfwd>
#include <string>
#include <string_view>

namespace luna::tool {

// For people: the functions with most, and the stacks, so many rows of each.
void write_profile_text(const HeapProfile& profile, const ProfileView& view, std::size_t rows,
                        std::ostream& out);

// A line for each stack, for flame graphs. What shrank is left out.
void write_profile_collapsed(const HeapProfile& profile, const ProfileView& view,
                             std::ostream& out);

// For programs: all types of values, with the frames by function, file and line.
void write_profile_json(const HeapProfile& profile, const ProfileView& view, std::ostream& out);

// The frames of a stack as they are in that, as an array.
[[nodiscard]] std::string stack_json(const HeapProfile& profile, const HeapProfile::Sample& sample);

// For pprof, compressed: as it was read, with functions and lines.
void write_profile_pprof(const HeapProfile& profile, const ProfileView& view, std::ostream& out);

// For people: waves, what threads free of others, and sites unlike their past. Nothing where there
// is none.
void write_patterns_text(const HeapProfile& profile, std::ostream& out);

// The frames of a stack, innermost first, each in a line that begins with the indent.
void write_stack_text(const HeapProfile& profile, const HeapProfile::Sample& sample,
                      std::string_view indent, std::ostream& out);

// " [key=value]" for each label.
[[nodiscard]] std::string labels_text(const HeapProfile& profile,
                                      const HeapProfile::Sample& sample);

// A part of a folded stack: what would end it or a line becomes an underscore.
[[nodiscard]] std::string folded_text(std::string_view name);

}  // namespace luna::tool
