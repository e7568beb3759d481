// SPDX-License-Identifier: MIT
#include "pressure/limit_reader.hpp"

namespace luna {

// A process may be moved to another cgroup, but that is rare.
os::LimitUse LimitReader::read(std::string_view root, double from_percent) noexcept {
  if (reads_left_ == 0) {
    place_ = os::find_cgroup(root);
    reads_left_ = kReadsOfPlace;
  }
  --reads_left_;
  return os::nearest_limit(root, place_, os::read_process_limits(), from_percent);
}

LimitReader::Stall LimitReader::read_stall(std::string_view root) const noexcept {
  if (place_.version == os::CgroupVersion::kV2) {
    const Stall own = {os::read_pressure_stall({root, place_.directory(), "memory.pressure"}),
                       true};
    if (own.times.is_available()) return own;
  }
  os::KernelFile machine = os::kMachinePressure;
  machine.root = root;
  return {os::read_pressure_stall(machine), false};
}

}  // namespace luna
