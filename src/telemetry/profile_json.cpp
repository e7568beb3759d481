// SPDX-License-Identifier: MIT
#include "telemetry/profile_json.hpp"

#include "base/utf8.hpp"
#include "telemetry/amounts.hpp"

#include <array>
#include <cstddef>
#include <string_view>

namespace luna {

namespace {

void add_control(Output& out, unsigned char character) noexcept {
  const std::array<char, 2> digits = {"0123456789abcdef"[character / 16],
                                      "0123456789abcdef"[character % 16]};
  out.add("\\u00").add({digits.data(), digits.size()});
}

void add_string(Output& out, std::string_view text) noexcept {
  out.add("\"");
  while (!text.empty()) {
    const std::string_view character = take_character(text);
    const auto first = static_cast<unsigned char>(character.front());
    if (first < ' ' || first == 0x7F) {
      add_control(out, first);
    } else {
      if (first == '"' || first == '\\') out.add("\\");
      out.add(character);
    }
  }
  out.add("\"");
}

// What follows a name is up to the caller; what stands before it too, but for the comma.
Output& add_name(Output& out, std::string_view name) noexcept {
  return out.add("\"").add(name).add("\":");
}

void add_number(Output& out, std::string_view name, std::uint64_t value) noexcept {
  add_name(out, name).add_decimal(value);
}

void add_address(Output& out, std::string_view name, std::uint64_t value) noexcept {
  add_name(out, name).add("\"").add_hex(value).add("\"");
}

void add_amount(Output& out, std::string_view name, const Amount& amount) noexcept {
  add_number(add_name(out, name).add("{"), "samples", amount.samples);
  add_number(out.add(","), "objects", rounded(amount.objects));
  add_number(out.add(","), "bytes", rounded(amount.bytes));
  add_number(out.add(","), "sampled_bytes", amount.sampled_bytes);
  out.add("}");
}

void add_head(Output& out, const Profile& profile) noexcept {
  const Totals totals = totals_of(profile);
  out.add("{\"format\":\"lunalloc-heap-profile\",\n");
  add_number(out, "version", 1);
  add_number(out.add(",\n"), "interval_bytes", profile.interval_bytes);
  add_number(out.add(",\n"), "began_ns", profile.began_ns);
  add_number(out.add(",\n"), "duration_ns", profile.duration_ns);
  add_number(out.add(",\n"), "dropped_samples", profile.dropped_samples);
  add_number(out.add(",\n"), "max_depth", profile.max_depth);
  add_amount(out.add(",\n"), "allocated", totals.allocated);
  add_amount(out.add(",\n"), "live", totals.live);
}

void add_module(Output& out, const os::Module& module) noexcept {
  add_string(add_name(out.add("{"), "path"), module.path);
  add_string(add_name(out.add(","), "build_id"), module.build_id);
  add_address(out.add(","), "begin", module.begin);
  add_address(out.add(","), "end", module.end);
  add_address(out.add(","), "file_offset", module.file_offset);
  add_address(out.add(","), "bias", module.bias);
  out.add("}");
}

void add_site(Output& out, const ProfileRow& row) noexcept {
  add_name(out.add("{"), "frames").add("[");
  for (std::size_t i = 0; i < row.stack.depth; ++i)
    out.add(i == 0 ? "\"" : ",\"").add_hex(row.stack.frames[i]).add("\"");
  add_amount(out.add("],"), "allocated", row.allocated);
  add_amount(out.add(","), "live", row.live);
  out.add("}");
}

}  // namespace

bool write_profile_json(const Profile& profile, Modules modules, Output& out) noexcept {
  add_head(out, profile);
  add_name(out.add(",\n"), "modules").add("[");
  for (std::size_t i = 0; i < modules.size(); ++i)
    add_module(out.add(i == 0 ? "\n" : ",\n"), modules[i]);
  add_name(out.add("],\n"), "sites").add("[");
  for (std::size_t i = 0; i < profile.count && out.ok(); ++i)
    add_site(out.add(i == 0 ? "\n" : ",\n"), profile.rows[i]);
  return out.add("]}\n").ok();
}

}  // namespace luna
