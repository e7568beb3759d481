// SPDX-License-Identifier: MIT
#include "os/mappings.hpp"

#include "os/process_maps.hpp"

#include <array>
#include <string_view>

namespace luna::os {

namespace {

[[nodiscard]] bool is_private_memory(const MapsLine& line) noexcept {
  return line.permissions == "rw-p" && line.offset == 0 && line.device == 0 && line.inode == 0 &&
         line.name.find('/') == std::string_view::npos &&
         (line.name.find('[') == std::string_view::npos ||
          line.name.find("[anon:") != std::string_view::npos);
}

}  // namespace

Mapping find_mapping(const void* address) noexcept {
  const auto wanted = reinterpret_cast<std::uintptr_t>(address);
  std::array<char, 2048> buffer;
  MapsReader maps(buffer.data(), buffer.size());
  for (MapsLine line; maps.next(line);)
    if (line.begin <= wanted && wanted < line.end)
      return {line.begin, line.end, line.name == "[heap]", is_private_memory(line)};
  return {};
}

}  // namespace luna::os
