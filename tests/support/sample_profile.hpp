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

// Two modules, and three sites: of the first some was freed, and it shrinks; the last has
// nothing but what was allocated, and a frame that lies in no module.
struct SampleProfile {
  SampleProfile() {
    profile.rows = rows.data();
    profile.count = rows.size();
    profile.interval_bytes = 524'288;
    profile.began_ns = 1'700'000'000'123'456'789;
    profile.duration_ns = 12'500'000'000;
    profile.marked_ns = 2'000'000'000;
    profile.temporary_ns = 100'000;
    rows[0].peak = {2, 20.5, 2000.4, 200, 200};
    rows[0].growth = {1.4, 100.6, -2.5, -300.4};
    rows[0].lifetimes = {29.9, 3000.1, 1.5e9, 1.5e11, 10.2, 1020.4, {}};
    rows[0].lifetimes.histogram.weights[3] = 10.2F;
    rows[0].lifetimes.histogram.weights[9] = 19.7F;
    rows[0].sizes.weights[3] = 40.4F;
    rows[1].peak = {3, 3, 3'145'728, 3'000'000, 3'000'000};
    rows[1].growth = {2, 2'097'152, 1, 1'048'576};
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
