// SPDX-License-Identifier: MIT
#include "telemetry/frames.hpp"

#include "base/format.hpp"
#include "base/utf8.hpp"

#include <string_view>

namespace luna {

namespace {

[[nodiscard]] std::string_view plain(std::string_view character) noexcept {
  const auto first = static_cast<unsigned char>(character.front());
  const bool separates = first <= ' ' || first == ';' || first == 0x7F;
  return separates ? "_" : character;
}

void add_base_name(Output& out, std::string_view path) noexcept {
  std::string_view name = part_of(path, path.rfind('/') + 1);
  while (!name.empty()) out.add(plain(take_character(name)));
}

}  // namespace

void add_frame(Output& out, Modules modules, std::uintptr_t frame) noexcept {
  const std::uintptr_t address = call_address(frame);
  const std::size_t index = find_module(modules, address);
  if (index == modules.size()) {
    out.add_hex(address);
    return;
  }
  add_base_name(out, modules[index].path);
  out.add("+").add_hex(address - modules[index].bias);
}

}  // namespace luna
