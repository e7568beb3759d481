// SPDX-License-Identifier: MIT
// Who leaks, in order: the sites of a profile with a verdict on each. How it is written:
// leak_text.hpp for people, leak_json.hpp for programs.
#pragma once

#include "telemetry/code_names.hpp"
#include "telemetry/frame_names.hpp"
#include "telemetry/leak_profile.hpp"
#include "telemetry/module_table.hpp"
#include "telemetry/suppressions.hpp"
#include "telemetry/verdict.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace luna {

struct RankedSite {
  std::uint32_t row = 0;  // in the profile
  bool is_suppressed = false;
  LeakVerdict verdict;
};

// Suspects come first, by their score; then what grew and stays, or is too young to tell, by
// its bytes. Other steady sites are only counted. Owns memory from the kernel; the profile must
// outlive it.
class LeakReport {
 public:
  LeakReport(const LeakProfile& profile, Modules modules) noexcept
      : profile_(profile), modules_(modules) {}
  ~LeakReport() { release(); }
  LeakReport(const LeakReport&) = delete;
  LeakReport& operator=(const LeakReport&) = delete;

  // Judges, finds names, and takes note of which suspects are suppressed. False: no memory.
  [[nodiscard]] bool make(Suppressions& suppressions) noexcept;

  [[nodiscard]] std::size_t count() const noexcept { return count_; }
  [[nodiscard]] const RankedSite& operator[](std::size_t place) const noexcept {
    return sites_[place];
  }
  [[nodiscard]] const LeakRow& row_of(const RankedSite& site) const noexcept {
    return profile_.rows[site.row];
  }
  [[nodiscard]] std::size_t count_of(LeakClass leak_class) const noexcept {
    return counts_[static_cast<std::size_t>(leak_class)];
  }
  [[nodiscard]] std::size_t suppressed() const noexcept { return suppressed_; }
  [[nodiscard]] const LeakProfile& profile() const noexcept { return profile_; }
  [[nodiscard]] Modules modules() const noexcept { return modules_; }
  // By the runtime that named it, or as the linker knows it; empty: there is none.
  [[nodiscard]] std::string_view name_of(std::uintptr_t frame) const noexcept;

 private:
  void judge_all() noexcept;
  [[nodiscard]] bool find_names() noexcept;
  void suppress(Suppressions& suppressions) noexcept;
  [[nodiscard]] Suppression* find(Suppressions& suppressions, const Stack& stack) const noexcept;
  void release() noexcept;

  const LeakProfile& profile_;
  Modules modules_;
  FrameNames names_;
  CodeNames code_names_;
  RankedSite* sites_ = nullptr;
  std::size_t count_ = 0;
  std::size_t suppressed_ = 0;                      // suspects
  std::array<std::size_t, kLeakClasses> counts_{};  // by class, those that are not suppressed
};

}  // namespace luna
