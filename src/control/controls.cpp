// SPDX-License-Identifier: MIT
#include "control/controls.hpp"

#include "base/edit_distance.hpp"
#include "os/error.hpp"

#include <array>

namespace luna {

namespace {

[[nodiscard]] bool is_in(const NumberRange& range, std::uint64_t number) noexcept {
  return number >= range.least && number <= range.most;
}

[[nodiscard]] bool has_number(const Control& control) noexcept {
  const ValueType type = type_of(control);
  return type == ValueType::kNumber || type == ValueType::kFlag;
}

}  // namespace

ValueType type_of(const Control& control) noexcept {
  if (control.is_option()) return option_at(control.option).type;
  return control.kind == ControlKind::kWord ? ValueType::kText : ValueType::kNumber;
}

const char* help_of(const Control& control) noexcept {
  return control.is_option() ? option_at(control.option).help : control.note;
}

const Control* Controls::find(std::string_view name) const noexcept {
  for (const Control& control : table_)
    if (control.name == name) return &control;
  return nullptr;
}

const Control& Controls::nearest(std::string_view name) const noexcept {
  const Control* nearest = &table_[0];
  std::size_t least = SIZE_MAX;
  for (const Control& control : table_) {
    const std::size_t edits = edit_distance(name, control.name);
    if (edits < least) nearest = &control;
    if (edits < least) least = edits;
  }
  return *nearest;
}

Options Controls::in_force(const Control& control) const noexcept {
  Options now = changes_.snapshot();
  if (control.look != nullptr) control.look(now);
  return now;
}

bool Controls::get(const Control& control, void* reader, std::uint64_t& number) const noexcept {
  if (control.kind == ControlKind::kFigure) {
    number = control.figure(reader);
    return true;
  }
  if (!control.is_option() || !has_number(control)) return false;
  number = option_at(control.option).number(in_force(control));
  return true;
}

bool Controls::print(const Control& control, void* reader, Text& text) const noexcept {
  if (control.kind == ControlKind::kFigure) {
    text.add_decimal(control.figure(reader));
  } else if (control.kind == ControlKind::kWord) {
    text.add(control.word());
  } else if (control.is_option()) {
    option_at(control.option).print(in_force(control), text);
  } else {
    return false;
  }
  return true;
}

int Controls::set(const Control& control, std::string_view value) const noexcept {
  if (!control.can_be_set()) return os::kNotPermitted;
  if (!control.is_option()) {
    std::uint64_t number = 0;
    if (!read_number(value, number) || !is_in(control.range, number)) return os::kInvalid;
    return control.act(number);
  }
  const OptionInfo option = option_at(control.option);
  Options wanted;
  if (!option.read(value, wanted) || !is_in(control.range, option.number(wanted)))
    return os::kInvalid;
  return changes_.change(option, wanted, [&control]() noexcept {
    return control.apply != nullptr ? control.apply() : 0;
  });
}

int Controls::set(const Control& control, std::uint64_t number) const noexcept {
  if (control.can_be_set() && !has_number(control)) return os::kInvalid;
  std::array<char, 24> digits;
  return set(control, Text(digits.data(), digits.size()).add_decimal(number).view());
}

bool is_in_range(const Control& control, const Options& options) noexcept {
  return !control.is_option() || is_in(control.range, option_at(control.option).number(options));
}

void add_wants(const Control& control, Text& text) noexcept {
  text.add(control.is_option() ? option_at(control.option).wants : "a whole number");
  if (control.range.most != UINT64_MAX) {
    text.add(" from ").add_decimal(control.range.least).add(" to ");
    text.add_decimal(control.range.most);
  } else if (control.range.least != 0) {
    text.add(" of at least ").add_decimal(control.range.least);
  }
}

}  // namespace luna
