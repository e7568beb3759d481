// SPDX-License-Identifier: MIT
#include "os/cgroup.hpp"

#include "base/format.hpp"

namespace luna::os {

namespace {

// As many pages as a number of the kernel's can count, in bytes, for pages up to 64 KiB.
constexpr std::uint64_t kUnlimitedV1 = 0x7fff'ffff'ffff'0000;

// Longer paths of cgroups are taken for none.
using Name = std::array<char, 512>;

// What /proc/self/cgroup says.
struct OwnCgroup {
  [[nodiscard]] std::string_view path() const noexcept { return {text.data(), length}; }

  CgroupVersion version = CgroupVersion::kNone;
  std::size_t length = 0;
  Name text;
};

struct CgroupMount {
  std::string_view root;  // what of the hierarchy is mounted there
  std::string_view point;
};

[[nodiscard]] bool has_item(std::string_view list, std::string_view item) noexcept {
  while (!list.empty())
    if (take_part(list, ',') == item) return true;
  return false;
}

void set_own(OwnCgroup& own, CgroupVersion version, std::string_view path, bool is_cut) noexcept {
  const bool fits = !is_cut && path.size() < own.text.size() && path.starts_with('/');
  own.version = fits ? version : CgroupVersion::kNone;
  own.length = Text(own.text.data(), fits ? own.text.size() : 0).add(path).view().size();
}

// A line is: number:controllers:path. The hierarchy with the controller of memory is the one
// that counts; where no line names it, it is the unified one, of version 2.
[[nodiscard]] OwnCgroup read_own_cgroup(std::string_view root) noexcept {
  OwnCgroup own;
  std::array<char, 640> buffer;
  LineReader lines({root, "/proc/thread-self/cgroup"}, buffer.data(), buffer.size());
  for (std::string_view line; lines.next(line);) {
    const std::string_view number = take_part(line, ':');
    const std::string_view controllers = take_part(line, ':');
    if (has_item(controllers, "memory")) {
      set_own(own, CgroupVersion::kV1, line, lines.is_cut());
      return own;
    }
    if (number == "0" && controllers.empty())
      set_own(own, CgroupVersion::kV2, line, lines.is_cut());
  }
  return own;
}

// A line is: id parent device root point options [more …] - type source options. False: it is
// no mount of the memory controller's hierarchy.
[[nodiscard]] bool parse_mount(std::string_view line, CgroupVersion version,
                               CgroupMount& mount) noexcept {
  constexpr std::string_view kEndOfFields = " - ";
  for (int i = 0; i < 3; ++i) static_cast<void>(take_part(line, ' '));
  mount.root = take_part(line, ' ');
  mount.point = take_part(line, ' ');
  const std::size_t end = line.find(kEndOfFields);
  if (end == std::string_view::npos) return false;
  line = part_of(line, end + kEndOfFields.size());
  const std::string_view type = take_part(line, ' ');
  static_cast<void>(take_part(line, ' '));
  if (version == CgroupVersion::kV2) return type == "cgroup2";
  return type == "cgroup" && has_item(line, "memory");
}

[[nodiscard]] bool is_octal(std::string_view text) noexcept {
  for (const char digit : text)
    if (digit < '0' || digit > '7') return false;
  return text.size() == 3;
}

// Blanks and the like are written there as \040.
void add_unescaped(Text& text, std::string_view escaped) noexcept {
  while (!escaped.empty()) {
    const std::string_view digits = part_of(escaped, 1, 3);
    if (escaped.front() == '\\' && is_octal(digits)) {
      const auto character =
          static_cast<char>((digits[0] - '0') * 64 + (digits[1] - '0') * 8 + (digits[2] - '0'));
      text.add({&character, 1});
      escaped.remove_prefix(4);
    } else {
      text.add(part_of(escaped, 0, 1));
      escaped.remove_prefix(1);
    }
  }
}

// Where the path is below the mount point. False: it is not in what is mounted there.
[[nodiscard]] bool path_below(std::string_view path, std::string_view mounted,
                              std::string_view& below) noexcept {
  if (mounted == "/") mounted = {};
  if (!path.starts_with(mounted)) return false;
  below = part_of(path, mounted.size());
  if (below == "/") below = {};
  return below.empty() || below.starts_with('/');
}

// Of another name space: what lies there is unknown.
[[nodiscard]] bool leads_out(std::string_view path) noexcept { return path.starts_with("/.."); }

// False: there is no room for it.
[[nodiscard]] bool set_place(CgroupPlace& place, std::string_view point,
                             std::string_view below) noexcept {
  Text text(place.text.data(), place.text.size());
  add_unescaped(text, point);
  place.mount_length = text.view().size();
  place.length = text.add(below).view().size();
  return place.length < place.text.size() && place.mount_length != 0;
}

// Whether the directory that a container sees as the root is no root: for that one there is
// neither a limit nor, in version 2, a usage.
[[nodiscard]] bool is_below_root(std::string_view root, const CgroupPlace& place) noexcept {
  if (place.version == CgroupVersion::kV2)
    return exists({root, place.directory(), "memory.current"});
  const std::uint64_t limit = read_cgroup_limits(root, place.version, place.directory()).max;
  return limit != kUnknown && limit != kUnlimited;
}

enum class Fit : std::uint8_t { kNone, kMountPoint, kExact };

// Sets the place as far as this mount leads to it.
[[nodiscard]] Fit try_mount(std::string_view root, const OwnCgroup& own, const CgroupMount& mount,
                            CgroupPlace& place) noexcept {
  Name name;
  Text mounted(name.data(), name.size());
  add_unescaped(mounted, mount.root);
  if (leads_out(own.path()) || leads_out(mounted.view())) return Fit::kNone;
  std::string_view below;
  place.version = own.version;
  if (path_below(own.path(), mounted.view(), below) && set_place(place, mount.point, below) &&
      exists({root, place.directory()}))
    return Fit::kExact;
  // The path is that of the machine outside, and the mount point the container's own cgroup.
  if (set_place(place, mount.point, {}) && is_below_root(root, place)) return Fit::kMountPoint;
  return Fit::kNone;
}

[[nodiscard]] std::string_view limit_file(CgroupVersion version) noexcept {
  return version == CgroupVersion::kV2 ? "memory.max" : "memory.limit_in_bytes";
}

[[nodiscard]] std::uint64_t read_limit_v2(const KernelFile& file) noexcept {
  std::array<char, 8> buffer;
  if (read_text(file, buffer.data(), buffer.size()) == "max\n") return kUnlimited;
  return read_number(file);
}

[[nodiscard]] std::uint64_t read_limit_v1(const KernelFile& file) noexcept {
  std::array<char, 32> buffer;
  std::string_view text = read_text(file, buffer.data(), buffer.size());
  std::uint64_t limit = 0;
  if (!text.ends_with('\n') || !parse_decimal(part_of(text, 0, text.size() - 1), limit))
    return kUnknown;
  return limit < kUnlimitedV1 ? limit : kUnlimited;
}

}  // namespace

CgroupPlace find_cgroup(std::string_view root) noexcept {
  CgroupPlace found;
  const OwnCgroup own = read_own_cgroup(root);
  if (own.version == CgroupVersion::kNone) return found;
  std::array<char, 1024> buffer;
  LineReader lines({root, "/proc/thread-self/mountinfo"}, buffer.data(), buffer.size());
  for (std::string_view line; lines.next(line);) {
    CgroupMount mount;
    CgroupPlace place;
    if (lines.is_cut() || !parse_mount(line, own.version, mount)) continue;
    const Fit fit = try_mount(root, own, mount, place);
    if (fit == Fit::kExact) return place;
    if (fit == Fit::kMountPoint && found.version == CgroupVersion::kNone) found = place;
  }
  return found;
}

CgroupLimits read_cgroup_limits(std::string_view root, CgroupVersion version,
                                std::string_view directory) noexcept {
  CgroupLimits limits;
  const KernelFile max = {root, directory, limit_file(version)};
  if (version == CgroupVersion::kV2) {
    limits.max = read_limit_v2(max);
    limits.high = read_limit_v2({root, directory, "memory.high"});
  } else if (version == CgroupVersion::kV1) {
    limits.max = read_limit_v1(max);
    limits.soft = read_limit_v1({root, directory, "memory.soft_limit_in_bytes"});
  }
  return limits;
}

std::uint64_t read_cgroup_bytes(std::string_view root, CgroupVersion version,
                                std::string_view directory) noexcept {
  if (version == CgroupVersion::kNone) return kUnknown;
  const bool is_v2 = version == CgroupVersion::kV2;
  return read_number({root, directory, is_v2 ? "memory.current" : "memory.usage_in_bytes"});
}

CgroupUsage read_cgroup_usage(std::string_view root, CgroupVersion version,
                              std::string_view directory) noexcept {
  CgroupUsage usage;
  usage.bytes = read_cgroup_bytes(root, version, directory);
  if (usage.bytes == kUnknown) return usage;
  // Of version 1 that with what is below, as the usage is.
  const bool is_v2 = version == CgroupVersion::kV2;
  std::uint64_t inactive = kUnknown;
  const NamedNumber number = {is_v2 ? "inactive_file" : "total_inactive_file", &inactive};
  read_named({root, directory, "memory.stat"}, {&number, 1});
  // The kernel does not read both at once.
  if (inactive != kUnknown)
    usage.working_set = usage.bytes - (inactive < usage.bytes ? inactive : usage.bytes);
  return usage;
}

CgroupEvents read_cgroup_events(std::string_view root, CgroupVersion version,
                                std::string_view directory) noexcept {
  CgroupEvents events;
  if (version == CgroupVersion::kV2) {
    const std::array<NamedNumber, 5> numbers = {{{"low", &events.low},
                                                 {"high", &events.high},
                                                 {"max", &events.max},
                                                 {"oom", &events.oom},
                                                 {"oom_kill", &events.oom_kill}}};
    read_named({root, directory, "memory.events"}, numbers);
  } else if (version == CgroupVersion::kV1) {
    const std::array<NamedNumber, 2> numbers = {
        {{"under_oom", &events.under_oom}, {"oom_kill", &events.oom_kill}}};
    read_named({root, directory, "memory.oom_control"}, numbers);
    events.max = read_number({root, directory, "memory.failcnt"});
  }
  return events;
}

CgroupEvents parse_cgroup_events(std::string_view text) noexcept {
  CgroupEvents events;
  while (!text.empty()) {
    std::string_view line = take_part(text, '\n');
    const std::string_view key = take_part(line, ' ');
    if (key == "low") static_cast<void>(parse_decimal(line, events.low));
    if (key == "high") static_cast<void>(parse_decimal(line, events.high));
    if (key == "max") static_cast<void>(parse_decimal(line, events.max));
    if (key == "oom") static_cast<void>(parse_decimal(line, events.oom));
    if (key == "oom_kill") static_cast<void>(parse_decimal(line, events.oom_kill));
  }
  return events;
}

std::string_view cgroup_above(std::string_view root, const CgroupPlace& place,
                              std::string_view directory) noexcept {
  const std::size_t slash = directory.rfind('/');
  if (slash == std::string_view::npos || slash < place.mount_length) return {};
  const std::string_view above = part_of(directory, 0, slash);
  if (place.version == CgroupVersion::kV2) return above;
  // Kernels before 5.11 leave it to each cgroup of version 1 whether it counts what is below.
  const KernelFile counts = {root, above, "memory.use_hierarchy"};
  return read_number(counts) == 0 ? std::string_view{} : above;
}

std::string_view tightest_cgroup(std::string_view root, const CgroupPlace& place) noexcept {
  std::string_view tightest;
  std::uint64_t least = kUnlimited;
  std::string_view directory = place.directory();
  for (; !directory.empty(); directory = cgroup_above(root, place, directory)) {
    const std::uint64_t limit = read_cgroup_limits(root, place.version, directory).least();
    if (limit >= least) continue;
    least = limit;
    tightest = directory;
  }
  return tightest;
}

}  // namespace luna::os
