// SPDX-License-Identifier: MIT
#include "os/memory_limit.hpp"

#include "os/system_call.hpp"

#include <sys/resource.h>

#include <array>

namespace luna::os {

namespace {

[[nodiscard]] std::uint64_t read_limit(int resource) noexcept {
  struct rlimit limit = {};
  if (system_call(SYS_prlimit64, 0, resource, nullptr, &limit) != 0) return kUnknown;
  return limit.rlim_cur == RLIM_INFINITY ? kUnlimited : limit.rlim_cur;
}

void take_nearer(LimitUse& nearest, LimitKind kind, std::uint64_t used,
                 std::uint64_t limit) noexcept {
  if (used == kUnknown || limit == kUnknown || limit == kUnlimited) return;
  const LimitUse use = {kind, used, limit};
  if (nearest.kind == LimitKind::kNone || use.percent() > nearest.percent()) nearest = use;
}

[[nodiscard]] LimitUse use_of_cgroup(std::string_view root, CgroupVersion version,
                                     std::string_view directory, double from_percent) noexcept {
  LimitUse use;
  const std::uint64_t limit = read_cgroup_limits(root, version, directory).least();
  if (limit == kUnlimited || limit == kUnknown) return use;
  take_nearer(use, LimitKind::kCgroup, read_cgroup_bytes(root, version, directory), limit);
  if (use.kind == LimitKind::kNone || use.percent() < from_percent) return use;
  const CgroupUsage usage = read_cgroup_usage(root, version, directory);
  if (usage.working_set != kUnknown) use.used = usage.working_set;
  return use;
}

}  // namespace

ProcessLimits read_process_limits() noexcept {
  return {read_limit(RLIMIT_AS), read_limit(RLIMIT_DATA)};
}

ProcessUsage read_process_usage(std::string_view root) noexcept {
  ProcessUsage usage;
  const std::array<NamedNumber, 2> numbers = {
      {{"VmSize:", &usage.address_space}, {"VmData:", &usage.data}}};
  read_named({root, "/proc/thread-self/status"}, numbers);
  return usage;
}

LimitUse nearest_limit(std::string_view root, const CgroupPlace& place, const ProcessLimits& limits,
                       double from_percent) noexcept {
  LimitUse nearest;
  std::string_view directory = place.directory();
  for (; !directory.empty(); directory = cgroup_above(root, place, directory)) {
    const LimitUse use = use_of_cgroup(root, place.version, directory, from_percent);
    take_nearer(nearest, use.kind, use.used, use.kind == LimitKind::kNone ? kUnknown : use.limit);
  }
  if (limits.address_space < kUnlimited || limits.data < kUnlimited) {
    const ProcessUsage usage = read_process_usage(root);
    take_nearer(nearest, LimitKind::kAddressSpace, usage.address_space, limits.address_space);
    take_nearer(nearest, LimitKind::kData, usage.data, limits.data);
  }
  return nearest;
}

}  // namespace luna::os
