// SPDX-License-Identifier: MIT
// Controls: what can be read, and changed, in a running process, by names such as decay.ms.
#pragma once

#include "base/format.hpp"
#include "control/option_changes.hpp"
#include "control/options.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace luna {

struct NumberRange {
  std::uint64_t least = 0;
  std::uint64_t most = UINT64_MAX;
};

enum class ControlKind : std::uint8_t { kOption, kFigure, kWord, kAction };

// It has what its kind needs.
struct Control {
  const char* name;
  const char* unit = "";       // empty if it has none
  const char* note = nullptr;  // of an option: why it cannot change, if so; else the help
  NumberRange range = {};      // of what can be set
  ControlKind kind = ControlKind::kOption;
  std::uint16_t option = 0;  // its place among the options
  // Of an option: finds what is in force, if that may differ.
  void (*look)(Options& now) noexcept = nullptr;
  union {
    int (*apply)() noexcept = nullptr;  // after the option changed, if there is anything to do
    std::uint64_t (*figure)(void* reader) noexcept;  // a number that can only be read
    const char* (*word)() noexcept;                  // a text that can only be read
    int (*act)(std::uint64_t number) noexcept;       // something that is done
  };

  [[nodiscard]] bool is_option() const noexcept { return kind == ControlKind::kOption; }
  [[nodiscard]] const char* why_fixed() const noexcept { return is_option() ? note : nullptr; }
  [[nodiscard]] bool can_be_set() const noexcept {
    return is_option() ? note == nullptr : kind == ControlKind::kAction;
  }
};

[[nodiscard]] ValueType type_of(const Control& control) noexcept;
[[nodiscard]] const char* help_of(const Control& control) noexcept;

// Errors are values of errno; ENOENT is that of a name that is not there, the caller's to tell.
//
// Threads: any; but not signal handlers.
class Controls {
 public:
  // Requires: at least one control; `table` and `changes` live on.
  constexpr Controls(std::span<const Control> table, OptionChanges& changes) noexcept
      : table_(table), changes_(changes) {}

  [[nodiscard]] std::span<const Control> table() const noexcept { return table_; }

  // nullptr: there is none of that name.
  [[nodiscard]] const Control* find(std::string_view name) const noexcept;
  [[nodiscard]] const Control& nearest(std::string_view name) const noexcept;

  // The value that is in force. False: there is none to be read, or it is no number. `reader` is
  // handed to figures.
  [[nodiscard]] bool get(const Control& control, void* reader,
                         std::uint64_t& number) const noexcept;
  [[nodiscard]] bool print(const Control& control, void* reader, Text& text) const noexcept;

  // Reads the value as an option would and puts it in force. Returns 0; EPERM if it cannot
  // change, EINVAL if the value makes no sense, or what putting it in force says.
  [[nodiscard]] int set(const Control& control, std::string_view value) const noexcept;
  [[nodiscard]] int set(const Control& control, std::uint64_t number) const noexcept;

 private:
  [[nodiscard]] Options in_force(const Control& control) const noexcept;

  std::span<const Control> table_;
  OptionChanges& changes_;
};

// Whether the value of its option is in the range. True of controls that are of none.
[[nodiscard]] bool is_in_range(const Control& control, const Options& options) noexcept;

// What a value may be, in words.
void add_wants(const Control& control, Text& text) noexcept;

}  // namespace luna
