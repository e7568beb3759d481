// SPDX-License-Identifier: MIT
// What each frame of a profile is called: its function, or its place in a module.
#pragma once

#include "heap_profile.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace luna::tool {

// The last part of a path.
[[nodiscard]] std::string_view base_name(std::string_view path) noexcept;

// "module+0xoffset", or "[anon]+0xaddress" where it lies in none. The offset is what addr2line
// takes, or that in the file where this is not known.
[[nodiscard]] std::string place_in_module(const HeapProfile& profile,
                                          const HeapProfile::Location& location);

// Who of a stack is to be asked, as "function at file.cpp:12": the innermost function whose line is
// known and not of the system's headers; else the innermost.
[[nodiscard]] std::string responsible_place(const HeapProfile& profile,
                                            const HeapProfile::Sample& sample);

// Numbers for names, one for all that are the same.
class FrameNames {
 public:
  // Numbers the frames of a profile, beside those of others that it has numbered before. Returns
  // for each location where its names begin; one more says where the last ones end.
  [[nodiscard]] std::vector<std::uint32_t> add(const HeapProfile& profile);

  // Of a location, the innermost first.
  [[nodiscard]] std::span<const std::uint32_t> names_of(const std::vector<std::uint32_t>& begins,
                                                        std::uint32_t location) const noexcept {
    return std::span(of_locations_)
        .subspan(begins[location], begins[location + 1] - begins[location]);
  }
  [[nodiscard]] const std::string& text(std::uint32_t name) const noexcept { return *texts_[name]; }
  [[nodiscard]] std::size_t count() const noexcept { return texts_.size(); }

 private:
  [[nodiscard]] std::uint32_t number_of(std::string text);

  std::unordered_map<std::string, std::uint32_t> numbers_;
  std::vector<const std::string*> texts_;
  std::vector<std::uint32_t> of_locations_;
};

}  // namespace luna::tool
