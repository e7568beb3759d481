// SPDX-License-Identifier: MIT
// include/lunalloc/control.h, and the options confirm_conf and abort_conf.
#include "preload/control.hpp"

#include "base/check.hpp"
#include "preload/process.hpp"

#include <lunalloc/control.h>
#include <lunalloc/lunalloc.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#define LUNA_EXPORT extern "C" [[gnu::visibility("default")]]

namespace luna {

namespace {

// Every value fits, and so does what may be set.
using ValueText = std::array<char, 256>;
static_assert(sizeof(Words::text) < sizeof(ValueText));

[[nodiscard]] Controls controls() noexcept {
  return Controls(control_table(), process.option_changes());
}

// Cut off if need be. Requires: `bytes` > 0.
void copy_text(std::string_view text, char* buffer, std::size_t bytes) noexcept {
  const std::size_t length = text.size() < bytes ? text.size() : bytes - 1;
  std::memcpy(buffer, text.data(), length);
  buffer[length] = '\0';
}

// Calls `use(const Control&)`, which returns 0 or an errno value, with the control of this name.
template <typename Use>
[[nodiscard]] int with_control(const char* name, Use use) noexcept {
  if (name == nullptr) return EINVAL;
  const Control* control = controls().find(name);
  return control != nullptr ? use(*control) : ENOENT;
}

[[nodiscard]] luna_control_access access_of(const Control& control) noexcept {
  if (!control.can_be_set()) return LUNA_CONTROL_READ;
  return control.is_option() ? LUNA_CONTROL_WRITE : LUNA_CONTROL_ACT;
}

void add_why_fixed(const Control& control, Text& text) noexcept {
  text.add("it cannot be set");
  if (control.why_fixed() != nullptr) text.add(": ").add(control.why_fixed());
}

void tell(const Control& control, luna_stats& reader, luna_control_callback* each,
          void* context) noexcept {
  static_assert(LUNA_CONTROL_TEXT == static_cast<int>(ValueType::kText));
  ValueText wants_buffer{};
  ValueText value_buffer{};
  Text wants(wants_buffer.data(), wants_buffer.size() - 1);
  Text value(value_buffer.data(), value_buffer.size() - 1);
  if (control.can_be_set()) add_wants(control, wants);
  static_cast<void>(controls().print(control, &reader, value));
  const luna_control told = {sizeof told,
                             control.name,
                             control.is_option() ? option_name(control.option) : nullptr,
                             static_cast<luna_control_type>(type_of(control)),
                             access_of(control),
                             control.unit,
                             help_of(control),
                             control.why_fixed(),
                             wants_buffer.data(),
                             value_buffer.data()};
  each(&told, context);
}

}  // namespace

void ignore_out_of_range(Options& options, OptionSources& sources) noexcept {
  for (const Control& control : control_table()) {
    if (!control.is_option() || sources.of[control.option].empty()) continue;
    if (is_in_range(control, options)) continue;
    ValueText buffer;
    Text wants(buffer.data(), buffer.size());
    add_wants(control, wants);
    warn_of_option(sources.of[control.option], option_name(control.option), "wants ", wants.view());
    option_at(control.option).copy(Options(), options);
    sources.of[control.option] = {};
    ++sources.mistakes;
  }
}

void judge_options(const OptionSources& sources) noexcept {
  const Options& options = process.options();
  if (options.confirm_conf) print_options(options, sources);
  if (!options.abort_conf || sources.mistakes == 0) return;
  write_error("lunalloc: abort_conf:true: an option is wrong, so the process ends\n");
  std::abort();
}

}  // namespace luna

using luna::Control;

LUNA_EXPORT int luna_control_get_number(const char* name, uint64_t* value) {
  return luna::with_control(name, [value](const Control& control) noexcept {
    if (value == nullptr || luna::type_of(control) > luna::ValueType::kNumber) return EINVAL;
    luna_stats reader{};
    return luna::controls().get(control, &reader, *value) ? 0 : ENOTSUP;
  });
}

LUNA_EXPORT int luna_control_get_text(const char* name, char* buffer, size_t bytes) {
  return luna::with_control(name, [buffer, bytes](const Control& control) noexcept {
    if (buffer == nullptr) return EINVAL;
    luna::ValueText value;
    luna::Text text(value.data(), value.size());
    luna_stats reader{};
    if (!luna::controls().print(control, &reader, text)) return ENOTSUP;
    if (text.view().size() >= bytes) return ERANGE;
    luna::copy_text(text.view(), buffer, bytes);
    return 0;
  });
}

LUNA_EXPORT int luna_control_set_number(const char* name, uint64_t value) {
  return luna::with_control(name, [value](const Control& control) noexcept {
    return luna::controls().set(control, value);
  });
}

LUNA_EXPORT int luna_control_set_text(const char* name, const char* value) {
  return luna::with_control(name, [value](const Control& control) noexcept {
    return value != nullptr ? luna::controls().set(control, std::string_view(value)) : EINVAL;
  });
}

LUNA_EXPORT const char* luna_control_nearest(const char* name) {
  return name != nullptr ? luna::controls().nearest(name).name : nullptr;
}

LUNA_EXPORT int luna_control_wants(const char* name, char* buffer, size_t bytes) {
  return luna::with_control(name, [buffer, bytes](const Control& control) noexcept {
    if (buffer == nullptr || bytes == 0) return EINVAL;
    luna::ValueText words;
    luna::Text text(words.data(), words.size());
    if (control.can_be_set()) {
      luna::add_wants(control, text);
    } else {
      luna::add_why_fixed(control, text);
    }
    luna::copy_text(text.view(), buffer, bytes);
    return 0;
  });
}

LUNA_EXPORT int luna_control_list(luna_control_callback* each, void* context) {
  if (each == nullptr) return EINVAL;
  luna_stats reader{};  // asked for once
  for (const Control& control : luna::control_table()) luna::tell(control, reader, each, context);
  return 0;
}
