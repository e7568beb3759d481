// SPDX-License-Identifier: MIT
#include "telemetry/profile_writer.hpp"

#include "telemetry/code_names.hpp"
#include "telemetry/collapsed.hpp"
#include "telemetry/columns.hpp"
#include "telemetry/heap_v2.hpp"
#include "telemetry/module_table.hpp"
#include "telemetry/pprof.hpp"
#include "telemetry/profile_json.hpp"
#include "telemetry/profile_text.hpp"

namespace luna {

namespace {

// More than that is for programs to read.
constexpr std::size_t kSitesForPeople = 40;

[[nodiscard]] bool load_names(const Profile& profile, Modules modules, CodeNames& names) noexcept {
  for (std::size_t i = 0; i < profile.count; ++i)
    if (!names.add(profile.rows[i].stack, modules)) return false;
  return names.load();
}

}  // namespace

bool write_profile(const Profile& profile, ProfileFormat format, Output& out) noexcept {
  if (!can_say(format, profile.kind)) return false;
  ModuleTable table;
  if (!table.load()) return false;
  CodeNames names;
  if (!load_names(profile, table.modules(), names)) return false;
  const Modules modules = table.modules().with(names);
  switch (format) {
    case ProfileFormat::kPprof:
      return write_pprof(profile, modules, out);
    case ProfileFormat::kCollapsed:
      return write_collapsed(profile, modules, columns_of(profile.kind).folded, out);
    case ProfileFormat::kHeapV2:
      return write_heap_v2(profile, HeapText::kJemalloc, out);
    case ProfileFormat::kGperftools:
      return write_heap_v2(profile, HeapText::kGperftools, out);
    case ProfileFormat::kJson:
      return write_profile_json(profile, modules, out);
    case ProfileFormat::kText:
      return write_profile_text(profile, modules, kSitesForPeople, out);
  }
  return false;
}

}  // namespace luna
