// SPDX-License-Identifier: MIT
#include "telemetry/frames.hpp"

#include "base/format.hpp"
#include "base/utf8.hpp"
#include "telemetry/code_names.hpp"

#include <string_view>

namespace luna {

namespace {

[[nodiscard]] std::string_view plain(std::string_view character) noexcept {
  const auto first = static_cast<unsigned char>(character.front());
  const bool separates = first <= ' ' || first == ';' || first == 0x7F;
  return separates ? "_" : character;
}

void add_plain(Output& out, std::string_view text) noexcept {
  while (!text.empty()) out.add(plain(take_character(text)));
}

void add_runtime_frame(Output& out, const RuntimeFrame& frame) noexcept {
  add_plain(out, frame.function);
  if (!frame.file.empty()) add_plain(out.add("@"), frame.file);
  if (frame.line != 0) out.add(":").add_decimal(frame.line);
}

[[nodiscard]] const NamedCode* code_at(Modules modules, std::uintptr_t address) noexcept {
  return modules.code_names != nullptr ? modules.code_names->find(address) : nullptr;
}

}  // namespace

std::string_view runtime_name_of(Modules modules, std::uintptr_t frame) noexcept {
  if (is_runtime_frame(frame)) return runtime_frame(frame).function;
  const NamedCode* code = code_at(modules, call_address(frame));
  return code != nullptr ? code->name() : std::string_view{};
}

void add_frame(Output& out, Modules modules, std::uintptr_t frame) noexcept {
  if (is_runtime_frame(frame)) return add_runtime_frame(out, runtime_frame(frame));
  const std::uintptr_t address = call_address(frame);
  const std::size_t index = find_module(modules, address);
  if (index != modules.size()) {
    const std::string_view path = modules[index].path;
    add_plain(out, part_of(path, path.rfind('/') + 1));
    out.add("+").add_hex(address - modules[index].bias);
  } else if (const NamedCode* code = code_at(modules, address); code != nullptr) {
    add_plain(out, code->name());
  } else {
    out.add("[anon]+").add_hex(address);
  }
}

}  // namespace luna
