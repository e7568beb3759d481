// SPDX-License-Identifier: MIT
#include "os/machine.hpp"

#include "base/format.hpp"
#include "os/memory.hpp"
#include "os/memory_limit.hpp"
#include "os/pressure_stall.hpp"
#include "os/system_call.hpp"

#include <dirent.h>
#include <fcntl.h>

#include <array>
#include <cstring>

namespace luna::os {

namespace {

static_assert(LUNA_UNKNOWN == kUnknown && LUNA_UNLIMITED == kUnlimited);

constexpr std::string_view kNodes = "/sys/devices/system/node";
constexpr std::string_view kPools = "/sys/kernel/mm/hugepages";
constexpr std::string_view kHugePages = "/sys/kernel/mm/transparent_hugepage";

void read_memory(std::string_view root, luna_machine& machine) noexcept {
  const std::array<NamedNumber, 4> numbers = {{{"MemTotal:", &machine.memory_bytes},
                                               {"MemAvailable:", &machine.available_bytes},
                                               {"SwapTotal:", &machine.swap_bytes},
                                               {"SwapFree:", &machine.swap_free_bytes}}};
  read_named({root, "/proc/meminfo"}, numbers);
  machine.page_bytes = page_bytes();
  machine.overcommit_mode = read_number({root, "/proc/sys/vm/overcommit_memory"});
  machine.overcommit_percent = read_number({root, "/proc/sys/vm/overcommit_ratio"});
  machine.max_mappings = read_number({root, "/proc/sys/vm/max_map_count"});
  const KernelFile pressure = {root, kMachinePressure.folder};
  machine.pressure_is_measured = read_pressure_stall(pressure).is_available() ? 1 : 0;
}

// One that is as "Node 0 MemTotal:  123 kB".
[[nodiscard]] std::uint64_t read_node_bytes(std::string_view root, std::uint64_t node) noexcept {
  std::array<char, 32> name;
  std::array<char, 48> key;
  Text file(name.data(), name.size());
  Text text(key.data(), key.size());
  file.add("node").add_decimal(node).add("/meminfo");
  text.add("Node ").add_decimal(node).add(" MemTotal:");
  std::uint64_t bytes = kUnknown;
  const NamedNumber number = {text.view(), &bytes};
  read_named({root, kNodes, file.view()}, {&number, 1});
  return bytes;
}

// A part of a list such as 0-1,4. False: it is no such part, or has numbers that no machine
// has.
[[nodiscard]] bool parse_range(std::string_view part, std::uint64_t& first,
                               std::uint64_t& last) noexcept {
  constexpr std::uint64_t kMost = 1U << 16;
  const bool is_one = part.find('-') == std::string_view::npos;
  if (!parse_decimal(take_part(part, '-'), first)) return false;
  last = first;
  return (is_one || parse_decimal(part, last)) && first <= last && last < kMost;
}

void read_nodes(std::string_view root, luna_machine& machine) noexcept {
  for (std::uint64_t& bytes : machine.node_bytes) bytes = kUnknown;
  machine.nodes = kUnknown;
  std::array<char, 256> buffer;
  std::string_view online = read_text({root, kNodes, "online"}, buffer.data(), buffer.size());
  if (!online.ends_with('\n')) return;
  online.remove_suffix(1);
  std::uint64_t count = 0;
  while (!online.empty()) {
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    if (!parse_range(take_part(online, ','), first, last)) return;
    count += last - first + 1;
    for (std::uint64_t node = first; node <= last && node < LUNA_MACHINE_NODES; ++node)
      machine.node_bytes[node] = read_node_bytes(root, node);
  }
  if (count != 0) machine.nodes = count;
}

// Which of the words, that rise as the values of their enumeration, stands in brackets.
[[nodiscard]] std::uint64_t read_choice(const KernelFile& file,
                                        std::span<const std::string_view> words) noexcept {
  std::array<char, 128> buffer;
  std::string_view text = read_text(file, buffer.data(), buffer.size());
  if (!text.ends_with('\n')) return kUnknown;
  static_cast<void>(take_part(text, '['));
  const std::string_view chosen = take_part(text, ']');
  for (std::size_t i = 0; i < words.size(); ++i)
    if (words[i] == chosen) return i;
  return kUnknown;
}

// A folder of the name hugepages-2048kB.
void read_pool(std::string_view root, std::string_view name, luna_machine& machine) noexcept {
  constexpr std::string_view kBegin = "hugepages-";
  constexpr std::string_view kEnd = "kB";
  std::uint64_t kib = 0;
  if (machine.huge_pools == LUNA_MACHINE_POOLS || !name.starts_with(kBegin) ||
      !name.ends_with(kEnd))
    return;
  std::string_view digits = part_of(name, kBegin.size());
  digits.remove_suffix(kEnd.size());
  if (!parse_decimal(digits, kib) || kib > UINT64_MAX >> 10) return;
  std::array<char, 128> buffer;
  Text folder(buffer.data(), buffer.size());
  folder.add(kPools).add("/").add(name);
  std::size_t at = machine.huge_pools++;
  for (; at != 0 && machine.huge_pool[at - 1].page_bytes > kib << 10; --at)
    machine.huge_pool[at] = machine.huge_pool[at - 1];
  machine.huge_pool[at] = {kib << 10, read_number({root, folder.view(), "nr_hugepages"}),
                           read_number({root, folder.view(), "free_hugepages"})};
}

void read_pools(std::string_view root, luna_machine& machine) noexcept {
  for (luna_huge_pool& pool : machine.huge_pool) pool = {kUnknown, kUnknown, kUnknown};
  machine.huge_pools = kUnknown;
  const long folder = open_file({root, kPools});
  if (folder < 0) return;
  machine.huge_pools = 0;
  alignas(dirent64) std::array<char, 1024> entries;
  for (;;) {
    const long bytes = system_call(SYS_getdents64, folder, entries.data(), entries.size());
    if (bytes < 0) machine.huge_pools = kUnknown;
    if (bytes <= 0) break;
    for (long at = 0; at < bytes;) {
      const auto* entry = reinterpret_cast<const dirent64*>(entries.data() + at);
      read_pool(root, entry->d_name, machine);
      at += entry->d_reclen;
    }
  }
  system_call(SYS_close, folder);
}

void read_huge_pages(std::string_view root, luna_machine& machine) noexcept {
  constexpr std::array<std::string_view, 3> kModes = {"never", "madvise", "always"};
  constexpr std::array<std::string_view, 5> kDefrag = {"never", "madvise", "defer", "defer+madvise",
                                                       "always"};
  machine.huge_pages = read_choice({root, kHugePages, "enabled"}, kModes);
  machine.huge_defrag = read_choice({root, kHugePages, "defrag"}, kDefrag);
  read_pools(root, machine);
}

// The mappings are lines. kUnknown: they cannot be read to the end.
[[nodiscard]] std::uint64_t count_lines(const KernelFile& file) noexcept {
  const long open = open_file(file);
  if (open < 0) return kUnknown;
  std::array<char, 1024> buffer;
  std::uint64_t lines = 0;
  long count = 0;
  while ((count = read_some(open, buffer.data(), buffer.size())) > 0)
    for (const char character : std::string_view(buffer.data(), static_cast<std::size_t>(count)))
      if (character == '\n') ++lines;
  system_call(SYS_close, open);
  return count == 0 ? lines : kUnknown;
}

void read_process(std::string_view root, luna_machine& machine) noexcept {
  const ProcessLimits limits = read_process_limits();
  const ProcessUsage usage = read_process_usage(root);
  machine.address_space_limit = limits.address_space;
  machine.address_space_bytes = usage.address_space;
  machine.data_limit = limits.data;
  machine.data_bytes = usage.data;
  machine.mappings = count_lines({root, "/proc/thread-self/maps"});
}

void read_tightest(std::string_view root, const CgroupPlace& place,
                   luna_machine& machine) noexcept {
  machine.cgroup_limit_bytes = kUnknown;
  machine.cgroup_limit_used_bytes = kUnknown;
  machine.cgroup_limit_working_set_bytes = kUnknown;
  const std::string_view tightest = tightest_cgroup(root, place);
  if (tightest.empty()) {
    if (machine.cgroup_max_bytes == kUnlimited) machine.cgroup_limit_bytes = kUnlimited;
    return;
  }
  const CgroupUsage usage = read_cgroup_usage(root, place.version, tightest);
  machine.cgroup_limit_bytes = read_cgroup_limits(root, place.version, tightest).least();
  machine.cgroup_limit_used_bytes = usage.bytes;
  machine.cgroup_limit_working_set_bytes = usage.working_set;
}

void read_cgroup(std::string_view root, luna_machine& machine) noexcept {
  static_assert(sizeof CgroupPlace::text <= LUNA_MACHINE_PATH);
  const CgroupPlace place = find_cgroup(root);
  const bool seen = place.version != CgroupVersion::kNone;
  machine.cgroup_version = static_cast<std::uint64_t>(place.version);
  std::memset(machine.cgroup_path, 0, sizeof machine.cgroup_path);
  if (seen) std::memcpy(machine.cgroup_path, place.text.data(), place.length);
  const CgroupLimits limits = read_cgroup_limits(root, place.version, place.directory());
  machine.cgroup_max_bytes = limits.max;
  machine.cgroup_high_bytes = limits.high;
  machine.cgroup_soft_bytes = limits.soft;
  const CgroupUsage usage = read_cgroup_usage(root, place.version, place.directory());
  machine.cgroup_bytes = usage.bytes;
  machine.cgroup_working_set_bytes = usage.working_set;
  const CgroupEvents events = read_cgroup_events(root, place.version, place.directory());
  machine.cgroup_high_events = events.high;
  machine.cgroup_max_events = events.max;
  machine.cgroup_oom_events = events.oom;
  machine.cgroup_oom_kills = events.oom_kill;
  read_tightest(root, place, machine);
}

}  // namespace

void read_machine(std::string_view root, luna_machine& machine) noexcept {
  read_memory(root, machine);
  read_nodes(root, machine);
  read_huge_pages(root, machine);
  read_process(root, machine);
  read_cgroup(root, machine);
}

}  // namespace luna::os
