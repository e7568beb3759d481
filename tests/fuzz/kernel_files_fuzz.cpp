// SPDX-License-Identifier: MIT
// What the kernel, linkers and run-time compilers write and the library reads: /proc, cgroups,
// names of symbols, tables for unwinding. Any of it may be cut short or damaged.
#include "fuzz/input.hpp"
#include "os/cgroup.hpp"
#include "os/elf_image.hpp"
#include "os/kernel_file.hpp"
#include "os/machine.hpp"
#include "os/memory_limit.hpp"
#include "os/perf_map.hpp"
#include "os/pressure_stall.hpp"
#include "os/process_maps.hpp"
#include "os/symbol_names.hpp"
#include "support/file_tree.hpp"
#include "telemetry/frame_program.hpp"
#include "telemetry/unwind_rule.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace luna::fuzz {

namespace {

constexpr std::string_view kFiles[] = {
    "/proc/thread-self/cgroup",
    "/proc/thread-self/mountinfo",
    "/proc/thread-self/status",
    "/proc/thread-self/maps",
    "/proc/meminfo",
    "/proc/pressure/memory",
    "/proc/sys/vm/overcommit_memory",
    "/sys/devices/system/node/online",
    "/sys/devices/system/node/node0/meminfo",
    "/sys/kernel/mm/transparent_hugepage/enabled",
    "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages",
    "/sys/fs/cgroup/memory.max",
    "/sys/fs/cgroup/memory.high",
    "/sys/fs/cgroup/memory.current",
    "/sys/fs/cgroup/memory.stat",
    "/sys/fs/cgroup/memory.events",
    "/sys/fs/cgroup/a/memory.max",
    "/sys/fs/cgroup/a/memory.current",
    "/sys/fs/cgroup/a/memory.stat",
    "/sys/fs/cgroup/memory/memory.limit_in_bytes",
    "/sys/fs/cgroup/memory/memory.usage_in_bytes",
    "/sys/fs/cgroup/memory/memory.stat",
    "/sys/fs/cgroup/memory/memory.use_hierarchy",
    "/sys/fs/cgroup/memory/memory.oom_control",
};

[[nodiscard]] const test::FileTree& tree() {
  static const test::FileTree one;
  return one;
}

// Returns its path.
[[nodiscard]] std::string write_to_tree(const std::string& name, const std::string& text) {
  tree().write(name, text);
  return tree().root() + name;
}

// The files of this input, which go with it.
class Files {
 public:
  explicit Files(Input& input) {
    for (int i = 0; i < 10 && !input.empty(); ++i) {
      written_.emplace_back(kFiles[input.below(std::size(kFiles))]);
      tree().write(written_.back(), input.text(input.number(2)));
    }
  }
  ~Files() {
    for (const std::string& name : written_) tree().remove(name);
  }
  Files(const Files&) = delete;
  Files& operator=(const Files&) = delete;

 private:
  std::vector<std::string> written_;
};

void fuzz_tree(Input& input) {
  const Files files(input);
  const std::string_view root = tree().root();
  const os::CgroupPlace place = os::find_cgroup(root);
  must(place.length <= place.text.size(), "the path of a cgroup fits");
  must(place.mount_length <= place.length, "a cgroup is below its mount point");
  std::size_t steps = 0;
  for (std::string_view at = place.directory(); !at.empty();) {
    const os::CgroupLimits limits = os::read_cgroup_limits(root, place.version, at);
    must(limits.least() <= limits.max && limits.least() <= limits.high, "the least is the least");
    static_cast<void>(os::read_cgroup_events(root, place.version, at));
    static_cast<void>(os::read_cgroup_usage(root, place.version, at));
    const std::string_view above = os::cgroup_above(root, place, at);
    must(above.size() < at.size(), "above a cgroup is a shorter path");
    must(++steps < 800, "cgroups have a first one");
    at = above;
  }
  static_cast<void>(os::tightest_cgroup(root, place));
  const os::LimitUse use =
      os::nearest_limit(root, place, {.address_space = 1 << 30, .data = os::kUnlimited}, 50);
  must(use.percent() >= 0, "a share is none below zero");
  luna_machine machine;
  os::read_machine(root, machine);
  must(machine.huge_pools == os::kUnknown || machine.huge_pools <= LUNA_MACHINE_POOLS,
       "there is room for all pools that are told");
  const os::PressureStall stall = os::read_pressure_stall({root, "/proc/pressure/memory"});
  must(!stall.is_available() || stall.some.last_10_s <= 10'099, "a share is 100 % at most");
}

void fuzz_lines(Input& input) {
  const std::string text = input.text(input.below(300));
  const os::MapsLine line = os::parse_maps_line(text);
  must(line.name.size() + line.permissions.size() <= text.size(), "parts are of the line");
  os::PerfMapLine code;
  if (os::parse_perf_map_line(text, code)) must(!code.name.empty(), "code has a name");
  static_cast<void>(os::parse_cgroup_events(text));
  const std::string file = write_to_tree("/maps", input.rest());
  std::array<char, 128> buffer;
  os::MapsReader reader(buffer.data(), buffer.size(), file.c_str());
  for (os::MapsLine each; reader.next(each);)
    must(each.name.size() <= buffer.size(), "a name that has no room is cut");
}

// An ELF file: as it lies in memory, and as a file.
void fuzz_elf(Input& input) {
  const std::string image = input.rest();
  const std::uintptr_t begin = reinterpret_cast<std::uintptr_t>(image.data());
  const os::ElfImage mapped(begin, begin + image.size());
  os::BuildIdText text;
  must(mapped.build_id(text).size() <= text.size(), "a build-id fits");
  static_cast<void>(mapped.symbol_address(0x1000));
  os::SymbolNames names;
  if (!names.open(write_to_tree("/image", image), "")) return;
  for (int tables = 0; names.next_table(); ++tables) {
    must(tables < 70'000, "a file has so many sections at most");
    names.for_each([&](const os::FunctionName& function) noexcept {
      must(function.name.size() <= image.size(), "a name is of the file");
    });
  }
}

// The entry of a function for unwinding.
void fuzz_frame(Input& input) {
  FrameDescription frame;
  frame.begin = 0x10000;
  frame.end = frame.begin + input.number(2);
  frame.code_unit = input.number(input.flag() ? 1 : 8);
  frame.data_unit = static_cast<std::int64_t>(input.number(input.flag() ? 1 : 8));
  frame.return_address_register = input.number(1);
  frame.pointer_encoding = input.byte();
  frame.is_signal_frame = input.flag();
  const std::uintptr_t code = frame.begin + input.number(2);
  const std::string common = input.text(input.below(64));
  const std::string program = input.rest();
  const auto reader_of = [](const std::string& bytes) {
    const auto* begin = reinterpret_cast<const std::byte*>(bytes.data());
    return DwarfReader(begin, begin + bytes.size());
  };
  frame.common_program = reader_of(common);
  frame.program = reader_of(program);
  const UnwindRule rule = FrameProgram(frame).rule_at(code);
  const PackedRule packed = pack(rule);
  must(packed >> kPackedRuleBits == 0, "a rule has so many bits");
  must(packed == 0 || unpack(packed) == rule, "a packed rule is the same");
}

}  // namespace

}  // namespace luna::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  luna::fuzz::Input input(data, size);
  switch (input.byte() % 4) {
    case 0:
      luna::fuzz::fuzz_tree(input);
      break;
    case 1:
      luna::fuzz::fuzz_lines(input);
      break;
    case 2:
      luna::fuzz::fuzz_elf(input);
      break;
    default:
      luna::fuzz::fuzz_frame(input);
  }
  return 0;
}
