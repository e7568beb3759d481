// SPDX-License-Identifier: MIT
// A small profile with known numbers, modules for its addresses, and an output into a string.
#pragma once

#include "base/output.hpp"
#include "os/modules.hpp"
#include "telemetry/profile.hpp"

#include <array>
#include <string>

namespace luna::test {

struct StringOutput {
  static bool write(void* context, std::string_view bytes) noexcept {
    static_cast<StringOutput*>(context)->text += bytes;
    return true;
  }

  std::string text;
  Output out{&StringOutput::write, this};
};

// Takes so many bytes and fails from then on.
struct FullOutput {
  static bool write(void* context, std::string_view bytes) noexcept {
    FullOutput& full = *static_cast<FullOutput*>(context);
    const bool fits = bytes.size() <= full.room;
    full.room = fits ? full.room - bytes.size() : 0;
    return fits;
  }

  std::size_t room;
  Output out{&FullOutput::write, this};
};

// Two modules, and three sites; the last of them has nothing live, and a frame that lies in
// no module.
struct SampleProfile {
  SampleProfile() {
    profile.rows = rows.data();
    profile.count = rows.size();
    profile.interval_bytes = 524'288;
    profile.began_ns = 1'700'000'000'123'456'789;
    profile.duration_ns = 12'500'000'000;
  }

  SampleProfile(const SampleProfile&) = delete;
  SampleProfile& operator=(const SampleProfile&) = delete;

  std::array<os::Module, 2> modules = {
      os::Module{0x401000, 0x402000, 0x1000, 0x0, "/opt/my app;1", "00ff10"},
      os::Module{0x7f0000002000, 0x7f0000004000, 0x1000, 0x7f0000000000, "/lib/libx.so.6", ""},
  };
  std::array<std::uintptr_t, 3> first = {0x7f0000002011, 0x401101, 0x401201};
  std::array<std::uintptr_t, 2> second = {0x7f0000002021, 0x401201};
  std::array<std::uintptr_t, 2> third = {0x12345, 0x401201};
  std::array<ProfileRow, 3> rows = {
      ProfileRow{
          {first.data(), first.size()}, {4, 40.4, 4000.5, 400, 400}, {1, 10.5, 1000.4, 100, 100}},
      ProfileRow{{second.data(), second.size()},
                 {3, 3, 3'145'728, 3'000'000, 3'000'000},
                 {2, 2, 2'097'152, 2'000'000, 2'000'000}},
      ProfileRow{{third.data(), third.size()}, {1, 1, 700, 77, 77}, {}},
  };
  Profile profile;
};

}  // namespace luna::test
