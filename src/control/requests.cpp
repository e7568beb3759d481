// SPDX-License-Identifier: MIT
#include "control/requests.hpp"

#include "base/text_parts.hpp"
#include "os/error.hpp"

#include <array>

namespace luna {

namespace {

// One part of a request, as it is read.
struct Request {
  explicit Request(std::string_view part) noexcept : only_asks(part.starts_with('?')) {
    if (only_asks) part = part_of(part, 1);
    const std::size_t sign = part.find_first_of(":=");
    has_value = sign != std::string_view::npos;
    name = trimmed(part_of(part, 0, sign));
    if (has_value) value = trimmed(part_of(part, sign + 1));
  }

  bool only_asks;
  bool has_value;
  std::string_view name;
  std::string_view value;
};

[[nodiscard]] const Control* find(const Controls& controls, std::string_view name) noexcept {
  const Control* found = controls.find(name);
  const std::size_t option = option_index(name);
  if (found != nullptr || option == kOptionCount) return found;
  for (const Control& control : controls.table())
    if (control.is_option() && control.option == option) return &control;
  return nullptr;
}

void add_error(const Control& control, int error, Text& line) noexcept {
  if (error == os::kNotPermitted) {
    line.add("cannot be set");
    if (control.why_fixed() != nullptr) line.add(": ").add(control.why_fixed());
  } else if (error == os::kInvalid) {
    line.add("wants ");
    add_wants(control, line);
  } else if (error == os::kNoMemory) {
    line.add("there is no memory for it");
  } else {
    line.add("cannot be done: error ").add_decimal(static_cast<std::uint64_t>(error));
  }
}

// False: the part was wrong, or failed.
[[nodiscard]] bool carry_out(const Request& request, const Controls& controls, void* reader,
                             Text& line) noexcept {
  constexpr std::size_t kShownName = 60;
  const bool is_long = request.name.size() > kShownName;
  line.add(part_of(request.name, 0, kShownName)).add(is_long ? "..." : "");
  const Control* control = find(controls, request.name);
  if (control == nullptr) {
    line.add(": is unknown; the nearest is ").add(controls.nearest(request.name).name);
    return false;
  }
  const bool does =
      !request.only_asks && (request.has_value || control->kind == ControlKind::kAction);
  if (!does) {
    line.add(" = ");
    if (controls.print(*control, reader, line)) return true;
    line.add("no value: it is something to do");
    return false;
  }
  line.add(": ");
  const int error = request.has_value ? controls.set(*control, request.value)
                                      : controls.set(*control, std::uint64_t{0});
  if (error != 0) {
    add_error(*control, error, line);
  } else {
    line.add("ok");
  }
  return error == 0;
}

void add_printable(std::string_view line, Text& answer) noexcept {
  for (const char letter : line) {
    const auto code = static_cast<unsigned char>(letter);
    answer.add(code < ' ' || code == 0x7F ? std::string_view("?") : std::string_view(&letter, 1));
  }
  answer.add("\n");
}

}  // namespace

std::size_t answer_requests(std::string_view text, const Controls& controls, void* reader,
                            Text& answer) noexcept {
  std::size_t mistakes = 0;
  while (!text.empty()) {
    const std::size_t end = text.find(',');
    const std::string_view part = trimmed(part_of(text, 0, end));
    text = end == std::string_view::npos ? std::string_view{} : part_of(text, end + 1);
    if (part.empty()) continue;
    std::array<char, 400> buffer;
    Text line(buffer.data(), buffer.size());
    if (!carry_out(Request(part), controls, reader, line)) ++mistakes;
    add_printable(line.view(), answer);
  }
  return mistakes;
}

}  // namespace luna
